/* SPDX-License-Identifier: MIT */
/*
 * policy.c - the decisions of a private cache.
 */
#include "config.h"

#include <errno.h>
#include <strings.h>

#include "web/cache/policy.h"
#include "web/http/http_date.h"

enum {
    DAY = 86400,
    LONGEST_GUESS = 7 * DAY, /* of a response that does not say how long it is fresh */
};

/* --- what is kept -------------------------------------------------------------------------- */

/* RFC 9110, 15.1: those for which a guess is allowed. A 206 is not kept. */
static bool may_guess(int status)
{
    switch (status) {
    case 200:
    case 203:
    case 204:
    case 300:
    case 301:
    case 308:
    case 404:
    case 405:
    case 410:
    case 414:
    case 501:
        return true;
    default:
        return false;
    }
}

/* Statuses whose rules for caches we follow: all of RFC 9110, but for parts and 304. */
static bool is_understood(int status)
{
    return (status >= 200 && status <= 205) || (status >= 300 && status <= 303) ||
           status == 305 || status == 307 || status == 308 ||
           (status >= 400 && status <= 417 && status != 416) || status == 421 ||
           status == 422 || status == 426 || (status >= 500 && status <= 505);
}

static bool varies_on_all(const tw_headers *headers)
{
    return twi_headers_has(headers, TWI_HEADER_VARY) &&
           tw_headers_has_token(headers, "Vary", "*");
}

static bool is_forbidden(const struct twi_directives *says, int status)
{
    if (says->bits & TWI_CC_MUST_UNDERSTAND)
        return !is_understood(status);
    return (says->bits & TWI_CC_NO_STORE) != 0;
}

bool twi_cache_may_store(const struct twi_directives *asked, int status,
                         const tw_headers *headers)
{
    struct twi_directives says;

    if (status < 200 || status > 599 || status == 206 || status == 304 ||
        (asked->bits & TWI_CC_NO_STORE) || varies_on_all(headers))
        return false;
    twi_directives_read(headers, &says);
    if (is_forbidden(&says, status))
        return false;
    return may_guess(status) || (says.bits & (TWI_CC_PUBLIC | TWI_CC_PRIVATE)) ||
           says.max_age >= 0 || twi_headers_has(headers, TWI_HEADER_EXPIRES);
}

/* --- times --------------------------------------------------------------------------------- */

static bool date_of(const tw_headers *headers, enum twi_header id, int64_t *ret_seconds)
{
    const char *text = twi_headers_value(headers, id);

    return text != NULL && tw_http_date_parse(text, strlen(text), ret_seconds) == 0;
}

static int64_t date_or_arrival(const struct twi_cache_head *head)
{
    int64_t date;

    return date_of(head->headers, TWI_HEADER_DATE, &date) ? date : head->received_at / 1000;
}

/* The first element counts; what is no number is ignored (RFC 9111, 5.1). */
static int64_t age_field(const tw_headers *headers)
{
    const char *text = twi_headers_value(headers, TWI_HEADER_AGE);
    struct twi_elements list = { text, text != NULL ? text + strlen(text) : NULL, NULL, 0 };
    int64_t age;

    if (text == NULL || !twi_elements_next(&list) ||
        twi_delta_seconds(list.element, list.length, &age) < 0)
        return 0;
    return age;
}

int64_t twi_cache_age(const struct twi_cache_head *head, int64_t now)
{
    int64_t apparent = head->received_at / 1000 - date_or_arrival(head);
    int64_t corrected = age_field(head->headers) +
                        (head->received_at - head->requested_at) / 1000;
    int64_t resident = (now - head->received_at) / 1000;
    int64_t initial = apparent > corrected ? apparent : corrected;

    if (resident < 0) /* the clock was set back */
        resident = 0;
    return (initial > 0 ? initial : 0) + resident;
}

/* A tenth of the time for which it has not changed (RFC 9111, 4.2.2). Redirects that are meant to
 * last, and pages that are gone, do so for a day, as browsers keep them. */
static int64_t guessed_lifetime(const struct twi_cache_head *head, unsigned bits)
{
    int64_t modified, unchanged;

    if (!may_guess(head->status) && !(bits & TWI_CC_PUBLIC))
        return 0;
    if (!date_of(head->headers, TWI_HEADER_LAST_MODIFIED, &modified))
        return head->status == 301 || head->status == 308 || head->status == 410 ? DAY : 0;
    unchanged = date_or_arrival(head) - modified;
    if (unchanged <= 0)
        return 0;
    return unchanged / 10 < LONGEST_GUESS ? unchanged / 10 : LONGEST_GUESS;
}

static int64_t lifetime_of(const struct twi_cache_head *head,
                           const struct twi_directives *says)
{
    int64_t expires;

    if (says->max_age >= 0)
        return says->max_age;
    if (!twi_headers_has(head->headers, TWI_HEADER_EXPIRES))
        return guessed_lifetime(head, says->bits);
    /* A text that is no date, "0" above all, has passed (RFC 9111, 5.3). */
    if (!date_of(head->headers, TWI_HEADER_EXPIRES, &expires))
        return 0;
    expires -= date_or_arrival(head);
    return expires > 0 ? expires : 0;
}

int64_t twi_cache_lifetime(const struct twi_cache_head *head)
{
    struct twi_directives says;

    twi_directives_read(head->headers, &says);
    return lifetime_of(head, &says);
}

/* --- what is used -------------------------------------------------------------------------- */

/* Pragma of a request without Cache-Control (RFC 9111, 5.4) is among `asked`. */
static enum twi_cache_verdict judge_by_directives(const struct twi_directives *says,
                                                  const struct twi_directives *asked,
                                                  int64_t age, int64_t lifetime)
{
    int64_t over = age - lifetime;

    if ((says->bits | asked->bits) & TWI_CC_NO_CACHE)
        return TWI_CACHE_VALIDATE;
    if (asked->max_age == 0 || (asked->max_age > 0 && age > asked->max_age))
        return TWI_CACHE_VALIDATE;
    if (asked->min_fresh >= 0 && lifetime - age < asked->min_fresh)
        return TWI_CACHE_VALIDATE;
    if (over < 0)
        return TWI_CACHE_FRESH;
    if (says->bits & TWI_CC_MUST_REVALIDATE)
        return TWI_CACHE_VALIDATE;
    if (asked->max_stale >= 0 && over <= asked->max_stale)
        return TWI_CACHE_STALE;
    return says->stale_while_revalidate >= 0 && over <= says->stale_while_revalidate
               ? TWI_CACHE_REFRESH
               : TWI_CACHE_VALIDATE;
}

enum twi_cache_verdict twi_cache_judge(const struct twi_cache_head *head,
                                       const struct twi_directives *asked,
                                       enum tw_cache_mode mode, int64_t now)
{
    struct twi_directives says;
    int64_t age = twi_cache_age(head, now), lifetime;

    twi_directives_read(head->headers, &says);
    lifetime = lifetime_of(head, &says);
    switch (mode) {
    case TW_CACHE_FORCE_CACHE:
    case TW_CACHE_ONLY_IF_CACHED:
        return lifetime > age && !(says.bits & TWI_CC_NO_CACHE) ? TWI_CACHE_FRESH
                                                                : TWI_CACHE_STALE;
    case TW_CACHE_NO_CACHE:
        return (says.bits & TWI_CC_IMMUTABLE) && lifetime > age ? TWI_CACHE_FRESH
                                                                : TWI_CACHE_VALIDATE;
    default:
        return judge_by_directives(&says, asked, age, lifetime);
    }
}

bool twi_cache_covers_error(const struct twi_cache_head *head,
                            const struct twi_directives *asked, int64_t now)
{
    struct twi_directives says;
    int64_t over;

    twi_directives_read(head->headers, &says);
    if (says.bits & (TWI_CC_MUST_REVALIDATE | TWI_CC_NO_CACHE))
        return false;
    over = twi_cache_age(head, now) - lifetime_of(head, &says);
    return (says.stale_if_error >= 0 && over <= says.stale_if_error) ||
           (asked->stale_if_error >= 0 && over <= asked->stale_if_error);
}

/* --- validation ---------------------------------------------------------------------------- */

int twi_cache_add_conditions(const struct twi_cache_head *head, tw_headers *headers)
{
    const char *etag = twi_headers_value(head->headers, TWI_HEADER_ETAG);
    const char *modified = twi_headers_value(head->headers, TWI_HEADER_LAST_MODIFIED);
    int64_t date;
    int r = 0;

    if (etag != NULL && etag[0] == '\0')
        etag = NULL;
    if (modified != NULL && tw_http_date_parse(modified, strlen(modified), &date) < 0)
        modified = NULL;
    if (etag != NULL)
        r = tw_headers_set(headers, "If-None-Match", etag);
    if (r == 0 && modified != NULL)
        r = tw_headers_set(headers, "If-Modified-Since", modified);
    return r < 0 ? r : etag != NULL || modified != NULL;
}

/* Two tags are the same state by the weak comparison (RFC 9110, 8.8.3.2). */
static bool same_tag(const char *a, const char *b)
{
    a += strncmp(a, "W/", 2) == 0 ? 2 : 0;
    b += strncmp(b, "W/", 2) == 0 ? 2 : 0;
    return strcmp(a, b) == 0;
}

static bool same_date(const char *a, const char *b)
{
    int64_t x, y;

    if (tw_http_date_parse(a, strlen(a), &x) < 0 || tw_http_date_parse(b, strlen(b), &y) < 0)
        return strcmp(a, b) == 0;
    return x == y;
}

bool twi_cache_is_same(const struct twi_cache_head *head, const tw_headers *not_modified)
{
    const char *etag = twi_headers_value(not_modified, TWI_HEADER_ETAG);
    const char *modified = twi_headers_value(not_modified, TWI_HEADER_LAST_MODIFIED);
    const char *own_etag = twi_headers_value(head->headers, TWI_HEADER_ETAG);
    const char *own_modified = twi_headers_value(head->headers, TWI_HEADER_LAST_MODIFIED);

    if (etag != NULL && own_etag != NULL)
        return same_tag(etag, own_etag);
    if (etag == NULL && own_etag == NULL && modified != NULL && own_modified != NULL)
        return same_date(modified, own_modified);
    /* Only this response was asked about, and there is nothing that says otherwise. */
    return true;
}

bool twi_cache_agrees(const struct twi_cache_head *head, const tw_headers *of_head)
{
    static const enum twi_header ids[] = { TWI_HEADER_ETAG, TWI_HEADER_LAST_MODIFIED,
                                           TWI_HEADER_CONTENT_LENGTH };

    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        const char *now = twi_headers_value(of_head, ids[i]);
        const char *own = twi_headers_value(head->headers, ids[i]);
        if (now != NULL && own != NULL && strcmp(now, own) != 0)
            return false;
    }
    return true;
}

static int names_remove(tw_headers *headers, const char *names, size_t length)
{
    struct twi_elements list = { names, names + length, NULL, 0 };

    while (twi_elements_next(&list)) {
        char *name = twi_strndup(list.element, list.length);
        if (name == NULL)
            return -ENOMEM;
        tw_headers_remove(headers, name);
        twi_free(name);
    }
    return 0;
}

int twi_cache_hide_fields(tw_headers *headers)
{
    tw_value all = tw_headers_list(headers, "Cache-Control");
    const char *text = tw_bytes_data(all);
    struct twi_directive directive = { .list = { text, text + tw_bytes_length(all), NULL,
                                                 0 } };
    int r = tw_is_failure(all) ? -ENOMEM : 0;

    while (r == 0 && twi_directive_next(&directive))
        if (twi_directive_is(&directive, "no-cache"))
            r = names_remove(headers, directive.value, directive.value_length);
    tw_release(all);
    return r;
}

bool twi_cache_is_safe(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
           strcmp(method, "OPTIONS") == 0 || strcmp(method, "TRACE") == 0;
}
