/* SPDX-License-Identifier: MIT */
/*
 * cookies.c - taking and sending cookies: RFC 6265, 5, with the prefixes and the protection of
 * secure cookies of its revision (6265bis).
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <libpsl.h>

#include <tweed/failure.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/buf.h"
#include "web/client/cookies.h"
#include "web/http/http_date.h"
#include "web/url/url.h"

#define PAIR_MAX 4096
#define ATTRIBUTE_MAX 1024
#define FIELD_MAX (1u << 20)
#define AGE_MAX (400 * 86400.0)

/* --- matching ----------------------------------------------------------------------------- */

/* The URL parser leaves no other name whose last label is a number. */
bool twi_cookie_host_is_address(const char *host, size_t length)
{
    size_t digits = 0;

    if (length > 0 && host[0] == '[')
        return true;
    while (digits < length && twi_is_digit(host[length - 1 - digits]))
        digits++;
    return digits > 0 && digits < length && host[length - 1 - digits] == '.';
}

static bool is_address(const struct tw_url *url)
{
    return twi_cookie_host_is_address(url->hostname, strlen(url->hostname));
}

/* RFC 6265, 5.1.4. */
static bool path_matches(const char *request, size_t request_length, const char *path,
                         size_t length)
{
    return request_length >= length && memcmp(request, path, length) == 0 &&
           (request_length == length || request[length] == '/' || path[length - 1] == '/');
}

/* True if `host` is the domain or below it: RFC 6265, 5.1.3, for names. */
static bool domain_matches(const char *host, size_t host_length, const char *domain,
                           size_t length)
{
    return host_length >= length && memcmp(host + host_length - length, domain, length) == 0 &&
           (host_length == length || host[host_length - length - 1] == '.');
}

/* "localhost" and names below it never leave this machine: RFC 6761, 6.3. */
static bool is_loopback_name(const char *host, size_t length)
{
    static const char name[] = "localhost";
    size_t name_length = sizeof name - 1;

    if (length > 0 && host[length - 1] == '.')
        length--;
    return length >= name_length &&
           memcmp(host + length - name_length, name, name_length) == 0 &&
           (length == name_length || host[length - name_length - 1] == '.');
}

static bool is_loopback(const char *host)
{
    size_t length = strlen(host);

    if (strcmp(host, "[::1]") == 0)
        return true;
    if (twi_cookie_host_is_address(host, length))
        return strncmp(host, "127.", 4) == 0;
    return is_loopback_name(host, length);
}

/* True if nobody else can listen: TLS, or loopback, as for browsers and curl. */
static bool is_secure(const struct tw_url *url)
{
    return strcmp(url->protocol, "https:") == 0 || strcmp(url->protocol, "wss:") == 0 ||
           is_loopback(url->hostname);
}

/* The host itself, then each parent domain; an address has none. NULL at the end. */
static const char *next_parent(const struct tw_url *url, const char *domain)
{
    const char *dot = is_address(url) ? NULL : strchr(domain, '.');

    return dot != NULL && dot[1] != 0 ? dot + 1 : NULL;
}

/* --- sending ------------------------------------------------------------------------------ */

/* Cookies found for one request. */
struct found {
    struct twi_cookie **cookies;
    size_t count, capacity;
};

/* Longer paths first, then older ones: RFC 6265, 5.4. Few, so inserted in place. */
static int add_found(struct found *found, struct twi_cookie *cookie)
{
    size_t i;

    if (twi_grow(&found->cookies, &found->capacity, found->count + 1, sizeof *found->cookies) <
        0)
        return -ENOMEM;
    for (i = found->count++; i > 0; i--) {
        struct twi_cookie *before = found->cookies[i - 1];
        if (before->path_length > cookie->path_length ||
            (before->path_length == cookie->path_length && before->created < cookie->created))
            break;
        found->cookies[i] = before;
    }
    found->cookies[i] = cookie;
    return 0;
}

static int find_in_domain(tw_cookies *jar, struct twi_cookie_domain *domain,
                          const struct tw_url *url, bool is_host, double now,
                          struct found *found)
{
    int r = 0;

    domain->count++; /* keeps it while cookies go */
    TWI_LIST_EACH (node, &domain->cookies) {
        struct twi_cookie *cookie = twi_cookie_in_domain(node);
        if (cookie->expires <= now)
            twi_cookies_drop(jar, cookie);
        else if (r == 0 && (is_host || !cookie->host_only) &&
                 (!cookie->secure || is_secure(url)) &&
                 path_matches(url->pathname, strlen(url->pathname), cookie->path,
                              cookie->path_length))
            r = add_found(found, cookie);
    }
    domain->count--;
    twi_cookies_domain_check(jar, domain);
    return r;
}

static int write_cookie(struct twi_buf *buf, const struct twi_cookie *cookie)
{
    int r = buf->length > 0 ? twi_buf_append(buf, "; ", 2) : 0;

    if (r == 0 && cookie->name_length > 0)
        r = twi_buf_append(buf, cookie->name, cookie->name_length);
    if (r == 0 && cookie->name_length > 0)
        r = twi_buf_append(buf, "=", 1);
    return r == 0 ? twi_buf_append(buf, cookie->value, cookie->value_length) : r;
}

static tw_value write_found(tw_cookies *jar, const struct found *found)
{
    struct twi_buf buf = { 0 };
    size_t i;

    for (i = 0; i < found->count; i++) {
        struct twi_cookie *cookie = found->cookies[i];
        if (write_cookie(&buf, cookie) < 0) {
            twi_buf_free(&buf);
            return tw_fail_memory();
        }
        twi_list_remove(&cookie->in_jar);
        twi_list_append(&jar->cookies, &cookie->in_jar);
    }
    return twi_buf_take(&buf);
}

tw_value twi_cookies_for(tw_cookies *jar, const struct tw_url *url, double now)
{
    struct found found = { 0 };
    const char *name;
    tw_value value = tw_none();
    int r = 0;

    if (jar->count == 0)
        return value;
    for (name = url->hostname; r == 0 && name != NULL; name = next_parent(url, name)) {
        struct twi_cookie_domain *domain = twi_cookies_domain(jar, name, strlen(name));
        if (domain != NULL)
            r = find_in_domain(jar, domain, url, name == url->hostname, now, &found);
    }
    if (r < 0)
        value = tw_fail_memory();
    else if (found.count > 0)
        value = write_found(jar, &found);
    twi_free(found.cookies);
    return value;
}

tw_value tw_cookies_for(tw_cookies *jar, const struct tw_url *url, double now)
{
    tw_value value = twi_cookies_for(jar, url, now);

    twi_cookies_tell(jar);
    return value;
}

/* --- reading Set-Cookie ------------------------------------------------------------------- */

struct span {
    const char *data;
    size_t length;
};

/* The content of a Set-Cookie field. */
struct set_cookie {
    struct span name, value, domain, path;
    double expires;
    bool has_max_age, secure, http_only;
};

static struct span trimmed(const char *from, const char *to)
{
    struct span span;

    while (from < to && (*from == ' ' || *from == '\t'))
        from++;
    while (from < to && (to[-1] == ' ' || to[-1] == '\t'))
        to--;
    span.data = from;
    span.length = (size_t)(to - from);
    return span;
}

/* "name=value", split and trimmed; without "=" all goes to `*left`. Returns whether it had one. */
static bool split_pair(const char *from, const char *to, struct span *left, struct span *right)
{
    const char *equals = memchr(from, '=', (size_t)(to - from));

    if (equals == NULL) {
        *left = trimmed(from, to);
        *right = trimmed(to, to);
        return false;
    }
    *left = trimmed(from, equals);
    *right = trimmed(equals + 1, to);
    return true;
}

static bool is_attribute(const struct span *name, const char *wanted)
{
    return twi_same_nocase(name->data, name->length, wanted, strlen(wanted));
}

static bool starts_with(const struct span *text, const char *prefix)
{
    size_t length = strlen(prefix);

    return text->length >= length && twi_same_nocase(text->data, length, prefix, length);
}

static double at_most(double expires, double now)
{
    return expires > now + AGE_MAX ? now + AGE_MAX : expires;
}

/* RFC 6265, 5.2.2: digits with a sign before; anything else leaves the cookie as it is. */
static void read_max_age(const struct span *value, double now, struct set_cookie *cookie)
{
    bool negative = value->length > 0 && value->data[0] == '-';
    double seconds = 0;
    size_t i;

    for (i = negative; i < value->length; i++) {
        if (!twi_is_digit(value->data[i]))
            return;
        seconds = seconds * 10 + (value->data[i] - '0');
    }
    if (i == negative)
        return;
    cookie->has_max_age = true;
    cookie->expires = negative || seconds == 0 ? -INFINITY : at_most(now + seconds, now);
}

static void read_expires(const struct span *value, double now, struct set_cookie *cookie)
{
    int64_t seconds;

    if (!cookie->has_max_age &&
        twi_cookie_date_parse(value->data, value->length, &seconds) == 0)
        cookie->expires = at_most((double)seconds, now);
}

static void read_domain(struct span value, struct set_cookie *cookie)
{
    if (value.length > 0 && value.data[0] == '.') {
        value.data++;
        value.length--;
    }
    cookie->domain = value;
}

/* The last of several attributes of a name wins. */
static void read_attribute(const char *from, const char *to, double now,
                           struct set_cookie *cookie)
{
    struct span name, value;

    split_pair(from, to, &name, &value);
    if (value.length > ATTRIBUTE_MAX)
        return;
    if (is_attribute(&name, "expires"))
        read_expires(&value, now, cookie);
    else if (is_attribute(&name, "max-age"))
        read_max_age(&value, now, cookie);
    else if (is_attribute(&name, "domain"))
        read_domain(value, cookie);
    else if (is_attribute(&name, "path"))
        cookie->path = value;
    else if (is_attribute(&name, "secure"))
        cookie->secure = true;
    else if (is_attribute(&name, "httponly"))
        cookie->http_only = true;
}

bool twi_cookie_has_control(const char *text, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

static int read_pair(const char *from, const char *to, struct set_cookie *cookie)
{
    if (!split_pair(from, to, &cookie->name, &cookie->value)) {
        cookie->value = cookie->name;
        cookie->name.length = 0;
    }
    if (cookie->name.length + cookie->value.length == 0)
        return -EINVAL;
    if (cookie->name.length + cookie->value.length > PAIR_MAX)
        return -E2BIG;
    return 0;
}

/* A tab would break the file; browsers accept it. */
static bool has_tab(const struct set_cookie *cookie)
{
    const struct span *spans[] = { &cookie->name, &cookie->value, &cookie->path };
    size_t i;

    for (i = 0; i < sizeof spans / sizeof *spans; i++) {
        if (spans[i]->length > 0 && memchr(spans[i]->data, '\t', spans[i]->length) != NULL)
            return true;
    }
    return false;
}

static int read_set_cookie(const char *text, double now, struct set_cookie *cookie)
{
    size_t length = strlen(text);
    const char *at = text, *end = text + length;
    int r;

    if (length > FIELD_MAX)
        return -E2BIG;
    if (twi_cookie_has_control(text, length))
        return -EINVAL;
    memset(cookie, 0, sizeof *cookie);
    cookie->expires = INFINITY;
    at = memchr(text, ';', length);
    r = read_pair(text, at != NULL ? at : end, cookie);
    while (r == 0 && at != NULL) {
        const char *from = at + 1;
        at = memchr(from, ';', (size_t)(end - from));
        read_attribute(from, at != NULL ? at : end, now, cookie);
    }
    return r == 0 && has_tab(cookie) ? -EINVAL : r;
}

/* --- storing ------------------------------------------------------------------------------ */

bool twi_cookie_domain_is_public(const char *domain, size_t length)
{
    char name[256];

    if (length > 0 && domain[length - 1] == '.')
        length--;
    if (length >= sizeof name)
        return true;
    memcpy(name, domain, length);
    name[length] = 0;
    return psl_is_public_suffix(psl_builtin(), name) != 0;
}

/* Choose the owner of the cookie: sets domain and host_only. `room` has TWI_URL_HOST_ROOM + 3 *
 * ATTRIBUTE_MAX bytes. */
static int choose_domain(const struct tw_url *from, const struct set_cookie *cookie,
                         char *room, struct twi_cookie_fields *fields)
{
    const char *why;
    int length;

    fields->domain = from->hostname;
    fields->domain_length = strlen(from->hostname);
    fields->host_only = true;
    if (cookie->domain.length == 0)
        return 0;
    length = twi_url_host(cookie->domain.data, cookie->domain.length, true, room, &why);
    if (length < 0)
        return -EPERM;
    if (twi_cookie_same_text(room, (size_t)length, fields->domain, fields->domain_length)) {
        fields->host_only = is_address(from) ||
                            twi_cookie_domain_is_public(room, (size_t)length);
        return 0;
    }
    if (is_address(from) ||
        !domain_matches(from->hostname, strlen(from->hostname), room, (size_t)length) ||
        twi_cookie_domain_is_public(room, (size_t)length))
        return -EPERM;
    fields->domain = room;
    fields->domain_length = (size_t)length;
    fields->host_only = false;
    return 0;
}

/* The attribute, or the directory of the URL, which is limited in the same way. RFC 6265,
 * 5.1.4. */
static int choose_path(const struct tw_url *from, const struct set_cookie *cookie,
                       struct twi_cookie_fields *fields)
{
    const char *slash = strrchr(from->pathname, '/');

    if (cookie->path.length > 0 && cookie->path.data[0] == '/') {
        fields->path = cookie->path.data;
        fields->path_length = cookie->path.length;
    } else if (slash == NULL || slash == from->pathname) {
        fields->path = "/";
        fields->path_length = 1;
    } else {
        fields->path = from->pathname;
        fields->path_length = (size_t)(slash - from->pathname);
    }
    return fields->path_length > ATTRIBUTE_MAX ? -E2BIG : 0;
}

/* A name with a prefix is taken only if the cookie keeps its promise; a cookie without a name
 * must not look like one. */
static bool prefix_is_kept(const struct set_cookie *cookie)
{
    const struct span *name = cookie->name.length > 0 ? &cookie->name : &cookie->value;

    if (starts_with(name, "__Secure-"))
        return cookie->name.length > 0 && cookie->secure;
    if (starts_with(name, "__Host-"))
        return cookie->name.length > 0 && cookie->secure && cookie->domain.length == 0 &&
               cookie->path.length == 1 && cookie->path.data[0] == '/';
    return true;
}

/* A plain connection must not replace or hide a secure cookie: 6265bis, 5.7. */
static bool hides_secure(tw_cookies *jar, const struct twi_cookie_fields *fields)
{
    TWI_LIST_EACH (node, &jar->cookies) {
        struct twi_cookie *cookie = twi_cookie_in_jar(node);
        const struct twi_cookie_domain *domain = cookie->domain;
        if (cookie->secure &&
            twi_cookie_same_text(cookie->name, cookie->name_length, fields->name,
                                 fields->name_length) &&
            path_matches(fields->path, fields->path_length, cookie->path,
                         cookie->path_length) &&
            (domain_matches(fields->domain, fields->domain_length, domain->name,
                            domain->length) ||
             domain_matches(domain->name, domain->length, fields->domain,
                            fields->domain_length)))
            return true;
    }
    return false;
}

int twi_cookies_store(tw_cookies *jar, const struct tw_url *from, const char *set_cookie,
                      double now)
{
    char room[TWI_URL_HOST_ROOM + 3 * ATTRIBUTE_MAX];
    struct twi_cookie_fields fields;
    struct set_cookie cookie;
    int r = read_set_cookie(set_cookie, now, &cookie);

    if (r < 0)
        return r;
    if (from->hostname[0] == 0 || (cookie.secure && !is_secure(from)))
        return -EPERM;
    r = choose_domain(from, &cookie, room, &fields);
    if (r == 0)
        r = choose_path(from, &cookie, &fields);
    if (r < 0)
        return r;
    fields.name = cookie.name.data;
    fields.name_length = cookie.name.length;
    fields.value = cookie.value.data;
    fields.value_length = cookie.value.length;
    fields.expires = cookie.expires;
    fields.secure = cookie.secure;
    fields.http_only = cookie.http_only;
    if (!prefix_is_kept(&cookie) || (!is_secure(from) && hides_secure(jar, &fields)))
        return -EPERM;
    if (cookie.expires <= now) {
        twi_cookies_take_out(jar, &fields);
        return 0;
    }
    return twi_cookies_put(jar, &fields, now);
}

int tw_cookies_store(tw_cookies *jar, const struct tw_url *from, const char *set_cookie,
                     double now)
{
    int r = twi_cookies_store(jar, from, set_cookie, now);

    twi_cookies_tell(jar);
    return r;
}
