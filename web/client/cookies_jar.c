/* SPDX-License-Identifier: MIT */
/*
 * cookies_jar.c - the jar: keeping cookies, within the limits of RFC 6265's revision.
 *
 * Cookies hang on their domain, domains are found by name: a request looks up its host and each
 * parent of it, so the size of the jar does not matter. A second list holds all cookies in the
 * order of their last use.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "web/client/cookies.h"

#define PER_DOMAIN_MAX 50
#define JAR_MAX 3000

tw_cookies *tw_cookies_new(void)
{
    tw_cookies *jar = twi_calloc(1, sizeof *jar);

    if (jar == NULL)
        return NULL;
    twi_list_init(&jar->cookies);
    twi_list_init(&jar->changes);
    jar->references = 1;
    return jar;
}

tw_cookies *tw_cookies_ref(tw_cookies *jar)
{
    if (jar != NULL)
        jar->references++;
    return jar;
}

void tw_cookies_unref(tw_cookies *jar)
{
    if (jar == NULL || --jar->references > 0)
        return;
    jar->hook = NULL; /* the end of a jar is no change */
    tw_cookies_clear(jar);
    twi_map_free(&jar->domains);
    twi_buf_free(&jar->text);
    twi_free(jar);
}

size_t tw_cookies_count(const tw_cookies *jar)
{
    return jar->count;
}

void twi_cookies_domain_check(tw_cookies *jar, struct twi_cookie_domain *domain)
{
    if (domain->count > 0 || domain->gone > 0)
        return;
    twi_map_remove(&jar->domains, domain->name, domain->length);
    twi_free(domain);
}

static void change_note(tw_cookies *jar, struct twi_cookie *cookie)
{
    twi_list_remove(&cookie->changed);
    if (jar->hook != NULL)
        twi_list_append(&jar->changes, &cookie->changed);
}

static void cookie_unlink(tw_cookies *jar, struct twi_cookie *cookie)
{
    twi_list_remove(&cookie->in_domain);
    twi_list_remove(&cookie->in_jar);
    twi_list_remove(&cookie->changed);
    cookie->domain->count--;
    jar->count--;
}

void twi_cookies_free_gone(tw_cookies *jar, struct twi_cookie *cookie)
{
    struct twi_cookie_domain *domain = cookie->domain;

    domain->gone--;
    twi_free(cookie);
    twi_cookies_domain_check(jar, domain);
}

void twi_cookies_drop(tw_cookies *jar, struct twi_cookie *cookie)
{
    cookie_unlink(jar, cookie);
    cookie->domain->gone++;
    cookie->gone = true;
    change_note(jar, cookie);
    if (jar->hook == NULL)
        twi_cookies_free_gone(jar, cookie);
}

void tw_cookies_clear(tw_cookies *jar)
{
    while (!twi_list_empty(&jar->cookies))
        twi_cookies_drop(jar, twi_cookie_in_jar(jar->cookies.next));
    twi_cookies_tell(jar);
}

static void drop_expired(tw_cookies *jar, double now)
{
    TWI_LIST_EACH (node, &jar->cookies) {
        if (twi_cookie_in_jar(node)->expires <= now)
            twi_cookies_drop(jar, twi_cookie_in_jar(node));
    }
}

/* Make room for one more in the domain and in the jar. The domain stays, even when empty. */
static void make_room(tw_cookies *jar, struct twi_cookie_domain *domain, double now)
{
    if (domain->count < PER_DOMAIN_MAX && jar->count < JAR_MAX)
        return;
    domain->count++; /* keeps it */
    drop_expired(jar, now);
    TWI_LIST_EACH (node, &jar->cookies) {
        struct twi_cookie *cookie = twi_cookie_in_jar(node);
        if (domain->count <= PER_DOMAIN_MAX)
            break;
        if (cookie->domain == domain)
            twi_cookies_drop(jar, cookie);
    }
    while (jar->count >= JAR_MAX)
        twi_cookies_drop(jar, twi_cookie_in_jar(jar->cookies.next));
    domain->count--;
}

struct twi_cookie_domain *twi_cookies_domain(tw_cookies *jar, const char *name, size_t length)
{
    return twi_map_get(&jar->domains, name, length);
}

static struct twi_cookie_domain *find_or_add_domain(tw_cookies *jar, const char *name,
                                                    size_t length)
{
    struct twi_cookie_domain *domain = twi_cookies_domain(jar, name, length);

    if (domain != NULL)
        return domain;
    domain = twi_calloc(1, sizeof *domain + length + 1);
    if (domain == NULL)
        return NULL;
    twi_list_init(&domain->cookies);
    memcpy(domain->name, name, length);
    domain->length = length;
    if (twi_map_set(&jar->domains, name, length, domain, NULL) < 0) {
        twi_free(domain);
        return NULL;
    }
    return domain;
}

static struct twi_cookie *find_same(struct twi_cookie_domain *domain,
                                    const struct twi_cookie_fields *fields)
{
    TWI_LIST_EACH (node, &domain->cookies) {
        struct twi_cookie *cookie = twi_cookie_in_domain(node);
        if (cookie->host_only == fields->host_only &&
            twi_cookie_same_text(cookie->name, cookie->name_length, fields->name,
                                 fields->name_length) &&
            twi_cookie_same_text(cookie->path, cookie->path_length, fields->path,
                                 fields->path_length))
            return cookie;
    }
    return NULL;
}

static const char *copy_text(char **room, const char *text, size_t length)
{
    char *copy = *room;

    memcpy(copy, text, length);
    copy[length] = 0;
    *room += length + 1;
    return copy;
}

/* The server has only said again what was known. */
static bool same_content(const struct twi_cookie *cookie,
                         const struct twi_cookie_fields *fields)
{
    return twi_cookie_same_text(cookie->value, cookie->value_length, fields->value,
                                fields->value_length) &&
           cookie->expires == fields->expires && cookie->secure == fields->secure &&
           cookie->http_only == fields->http_only;
}

static struct twi_cookie *make_cookie(const struct twi_cookie_fields *fields)
{
    size_t size = fields->name_length + fields->value_length + fields->path_length + 3;
    struct twi_cookie *cookie = twi_calloc(1, sizeof *cookie + size);
    char *room;

    if (cookie == NULL)
        return NULL;
    room = (char *)(cookie + 1);
    twi_list_init(&cookie->changed);
    cookie->name = copy_text(&room, fields->name, fields->name_length);
    cookie->value = copy_text(&room, fields->value, fields->value_length);
    cookie->path = copy_text(&room, fields->path, fields->path_length);
    cookie->name_length = fields->name_length;
    cookie->value_length = fields->value_length;
    cookie->path_length = fields->path_length;
    cookie->expires = fields->expires;
    cookie->host_only = fields->host_only;
    cookie->secure = fields->secure;
    cookie->http_only = fields->http_only;
    return cookie;
}

int twi_cookies_put(tw_cookies *jar, const struct twi_cookie_fields *fields, double now)
{
    struct twi_cookie_domain *domain;
    struct twi_cookie *cookie = make_cookie(fields), *old;
    bool told = false;

    if (cookie == NULL)
        return -ENOMEM;
    if (twi_cookies_reserve_text(jar, fields) < 0 ||
        (domain = find_or_add_domain(jar, fields->domain, fields->domain_length)) == NULL) {
        twi_free(cookie);
        return -ENOMEM;
    }
    cookie->domain = domain;
    old = find_same(domain, fields);
    if (old != NULL) { /* it keeps its place in the order */
        cookie->created = old->created;
        twi_list_insert_before(&cookie->in_domain, &old->in_domain);
        domain->count++;
        jar->count++;
        told = same_content(old, fields) && !twi_list_linked(&old->changed);
        cookie_unlink(jar, old);
        twi_free(old);
    } else {
        make_room(jar, domain, now);
        cookie->created = jar->created++;
        twi_list_append(&domain->cookies, &cookie->in_domain);
        domain->count++;
        jar->count++;
    }
    twi_list_append(&jar->cookies, &cookie->in_jar);
    if (!told)
        change_note(jar, cookie);
    return 0;
}

void twi_cookies_take_out(tw_cookies *jar, const struct twi_cookie_fields *fields)
{
    struct twi_cookie_domain *domain = twi_cookies_domain(jar, fields->domain,
                                                          fields->domain_length);
    struct twi_cookie *old = domain != NULL ? find_same(domain, fields) : NULL;

    if (old != NULL)
        twi_cookies_drop(jar, old);
}
