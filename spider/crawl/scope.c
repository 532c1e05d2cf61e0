/* SPDX-License-Identifier: MIT */
/*
 * scope.c - the domains of a crawl, and the limits that a single URL shows.
 *
 * Domains lie in a table by their hash; a host is looked up with each of its parents, so that a
 * million of them cost no more than one.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spider/crawl/scope.h"
#include "spider/text/arena.h"
#include "spider/text/regex.h"
#include "spider/text/span.h"

struct scope_domain {
    const char *name; /* lower case; NULL: a free place */
    unsigned port;    /* 0: any */
};

struct twi_scope {
    struct twi_arena arena;
    struct scope_domain *domains; /* a power of two of them */
    size_t count, size;
    bool by_name;                 /* the spider allows some: none is added later */
    bool is_private;
    enum tw_crawl_scope scope;
    int max_depth, max_url_length;
    struct twi_regex *allow, *deny;
    struct twi_refusals *refusals;
};

/* --- the table of domains ------------------------------------------------------------------ */

/* FNV-1a: the names in it are the program's own. */
static size_t domain_hash(const char *name, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 0x100000001b3u;
    return (size_t)(hash ^ hash >> 32);
}

/* Is it in the table for that port (any: only an entry for all of them)? */
static bool domain_has(const struct twi_scope *scope, const char *name, size_t length,
                       unsigned port)
{
    size_t mask = scope->size - 1, i;

    if (scope->count == 0)
        return false;
    for (i = domain_hash(name, length) & mask; scope->domains[i].name != NULL;
         i = (i + 1) & mask) {
        const struct scope_domain *domain = &scope->domains[i];
        if (strncmp(domain->name, name, length) == 0 && domain->name[length] == 0 &&
            (domain->port == 0 || domain->port == port))
            return true;
    }
    return false;
}

static void domain_place(struct scope_domain *domains, size_t size, struct scope_domain domain)
{
    size_t i = domain_hash(domain.name, strlen(domain.name)) & (size - 1);

    while (domains[i].name != NULL)
        i = (i + 1) & (size - 1);
    domains[i] = domain;
}

static int domain_make_room(struct twi_scope *scope)
{
    size_t size = scope->size > 0 ? scope->size * 2 : 16;
    struct scope_domain *domains;

    if (scope->count * 4 < scope->size * 3)
        return 0;
    domains = twi_arena_zeroed(&scope->arena, size * sizeof *domains);
    if (domains == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < scope->size; i++)
        if (scope->domains[i].name != NULL)
            domain_place(domains, size, scope->domains[i]);
    scope->domains = domains;
    scope->size = size;
    return 0;
}

static int domain_add(struct twi_scope *scope, const char *name, size_t length, unsigned port)
{
    struct scope_domain domain = { NULL, port };

    if (length == 0 || domain_has(scope, name, length, port))
        return 0;
    domain.name = twi_arena_copy(&scope->arena, name, length);
    if (domain.name == NULL || domain_make_room(scope) < 0)
        return -ENOMEM;
    domain_place(scope->domains, scope->size, domain);
    scope->count++;
    return 0;
}

/* --- hosts --------------------------------------------------------------------------------- */

/* "example.com." is "example.com". */
static size_t host_length(const char *host)
{
    size_t length = strlen(host);

    return length > 1 && host[length - 1] == '.' ? length - 1 : length;
}

static bool scope_is_address(const char *host)
{
    struct in_addr address;

    return host[0] == '[' || inet_pton(AF_INET, host, &address) == 1;
}

static bool is_private_4(uint32_t address)
{
    static const struct {
        uint32_t network, mask;
    } ranges[] = {
        { 0x00000000, 0xff000000 }, { 0x0a000000, 0xff000000 }, { 0x64400000, 0xffc00000 },
        { 0x7f000000, 0xff000000 }, { 0xa9fe0000, 0xffff0000 }, { 0xac100000, 0xfff00000 },
        { 0xc0a80000, 0xffff0000 },
    };

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if ((address & ranges[i].mask) == ranges[i].network)
            return true;
    return false;
}

/* Loopback, unique local and link-local ones, and IPv4's in their dress. */
static bool is_private_6(const unsigned char *bytes)
{
    static const unsigned char zeros[15], mapped[12] = { [10] = 0xff, [11] = 0xff };

    if (memcmp(bytes, mapped, sizeof mapped) == 0)
        return is_private_4((uint32_t)bytes[12] << 24 | (uint32_t)bytes[13] << 16 |
                            (uint32_t)bytes[14] << 8 | bytes[15]);
    return (memcmp(bytes, zeros, sizeof zeros) == 0 && bytes[15] <= 1) ||
           (bytes[0] & 0xfe) == 0xfc || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80);
}

static bool host_is_private(const char *host)
{
    static const char local[] = "localhost";
    size_t length = host_length(host), size = sizeof local - 1;
    struct in_addr address;
    struct in6_addr address_6;
    char text[INET6_ADDRSTRLEN + 2];

    if (length >= size && memcmp(host + length - size, local, size) == 0)
        return length == size || host[length - size - 1] == '.';
    if (inet_pton(AF_INET, host, &address) == 1)
        return is_private_4(ntohl(address.s_addr));
    if (host[0] != '[' || length < 2 || length - 2 >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", (int)length - 2, host + 1);
    return inet_pton(AF_INET6, text, &address_6) == 1 && is_private_6(address_6.s6_addr);
}

/* --- domains of the program ---------------------------------------------------------------- */

/* The domain of a host itself: its site by that scope, else itself without "www.". */
static int domain_add_url(struct twi_scope *scope, const struct tw_url *url, unsigned port)
{
    const char *host = url->hostname;
    size_t length = host_length(host);

    if (scope->scope == TW_SCOPE_SITES) {
        host = tw_url_site(url);
        return domain_add(scope, host, host_length(host), 0);
    }
    if (!scope->by_name && length > 4 && memcmp(host, "www.", 4) == 0) {
        host += 4;
        length -= 4;
    }
    return domain_add(scope, host, length, port);
}

int twi_scope_add(struct twi_scope *scope, const struct tw_url *url)
{
    scope->is_private |= host_is_private(url->hostname);
    return scope->by_name ? 0 : domain_add_url(scope, url, 0);
}

static int scope_fail_memory(tw_value *ret_failure)
{
    *ret_failure = tw_fail_memory();
    return -ENOMEM;
}

/* "example.com", "*.example.com", "example.com:8080". */
static int take_domain(struct twi_scope *scope, const char *text, tw_value *ret_failure)
{
    const char *name = strncmp(text, "*.", 2) == 0 ? text + 2 : text;
    struct tw_url *url = NULL;
    const char *why = "it is empty";
    char line[600];
    int r;

    if (name[0] == 0 || name[strcspn(name, "/?#@\\")] != 0 || strlen(name) > 512) {
        *ret_failure = tw_fail(&tw_error_settings,
                               "allowed_domains: '%s' is not a domain such as example.com",
                               text);
        return -EINVAL;
    }
    snprintf(line, sizeof line, "http://%s/", name);
    r = tw_url_parse(line, strlen(line), NULL, &url, &why);
    if (r == -ENOMEM)
        return scope_fail_memory(ret_failure);
    if (r < 0) {
        *ret_failure = tw_fail(&tw_error_settings, "allowed_domains: '%s': %s", text, why);
        return -EINVAL;
    }
    r = domain_add_url(scope, url, url->port > 0 ? (unsigned)url->port : 0);
    tw_url_free(url);
    return r < 0 ? scope_fail_memory(ret_failure) : 0;
}

static int take_start_url(struct twi_scope *scope, const char *text, tw_value *ret_failure)
{
    struct tw_url *url = NULL;
    const char *why = "it is empty";
    int r = tw_url_parse(text, strlen(text), NULL, &url, &why);

    if (r == -ENOMEM)
        return scope_fail_memory(ret_failure);
    if (r < 0) {
        *ret_failure = tw_fail(&tw_error_settings, "start_urls: '%s': %s", text, why);
        return -EINVAL;
    }
    r = twi_scope_add(scope, url);
    tw_url_free(url);
    return r < 0 ? scope_fail_memory(ret_failure) : 0;
}

static int take_pattern(const char *name, const char *text, struct twi_regex **ret_regex,
                        tw_value *ret_failure)
{
    struct twi_regex_error error = { 0 };

    if (text == NULL || text[0] == 0)
        return 0;
    *ret_regex = twi_regex_compile(text, strlen(text), 0, &error);
    if (*ret_regex != NULL)
        return 0;
    *ret_failure = tw_fail(&tw_error_settings, "%s: '%s': %s at character %zu", name, text,
                           error.why, error.at);
    return -EINVAL;
}

static int scope_fill(struct twi_scope *scope, const struct twi_scope_options *options,
                      tw_value *ret_failure)
{
    const char *const *at;
    int r = take_pattern("allow", options->settings->allow, &scope->allow, ret_failure);

    if (r == 0)
        r = take_pattern("deny", options->settings->deny, &scope->deny, ret_failure);
    scope->by_name = options->domains != NULL && options->domains[0] != NULL;
    for (at = options->domains; r == 0 && at != NULL && *at != NULL; at++)
        r = take_domain(scope, *at, ret_failure);
    for (at = options->start_urls; r == 0 && at != NULL && *at != NULL; at++)
        r = take_start_url(scope, *at, ret_failure);
    return r;
}

int twi_scope_new(const struct twi_scope_options *options, struct twi_scope **ret_scope,
                  tw_value *ret_failure)
{
    struct twi_scope *scope = calloc(1, sizeof *scope);
    int r;

    if (scope == NULL)
        return scope_fail_memory(ret_failure);
    twi_arena_init(&scope->arena, 0);
    scope->scope = options->settings->scope;
    scope->max_depth = options->settings->max_depth;
    scope->max_url_length = options->settings->max_url_length;
    scope->refusals = options->refusals;
    r = scope_fill(scope, options, ret_failure);
    if (r < 0)
        twi_scope_free(scope);
    else
        *ret_scope = scope;
    return r;
}

void twi_scope_free(struct twi_scope *scope)
{
    if (scope == NULL)
        return;
    twi_regex_free(scope->allow);
    twi_regex_free(scope->deny);
    twi_arena_free(&scope->arena);
    free(scope);
}

bool twi_scope_is_private(const struct twi_scope *scope)
{
    return scope->is_private;
}

/* --- a URL --------------------------------------------------------------------------------- */

static bool is_web(const struct tw_url *url)
{
    return strcmp(url->protocol, "http:") == 0 || strcmp(url->protocol, "https:") == 0;
}

static bool is_local(const struct tw_url *url)
{
    return strcmp(url->protocol, "file:") == 0 || strcmp(url->protocol, "data:") == 0;
}

static bool is_too_long(const struct twi_scope *scope, const struct tw_url *url)
{
    return scope->max_url_length >= 0 && strcmp(url->protocol, "data:") != 0 &&
           strlen(url->href) - strlen(url->hash) > (size_t)scope->max_url_length;
}

static bool is_on_site(const struct twi_scope *scope, const struct tw_url *url)
{
    const char *host = scope->scope == TW_SCOPE_SITES ? tw_url_site(url) : url->hostname;
    size_t length = host_length(host);
    const char *end = host + length, *dot;

    if (scope->scope == TW_SCOPE_ANY)
        return true;
    if (scope->scope == TW_SCOPE_SITES || scope_is_address(host))
        return domain_has(scope, host, length, url->effective_port);
    for (;;) {
        if (domain_has(scope, host, (size_t)(end - host), url->effective_port))
            return true;
        dot = memchr(host, '.', (size_t)(end - host));
        if (dot == NULL)
            return false;
        host = dot + 1;
    }
}

/* A pattern that takes too long to match is taken as one that does not. */
static bool finds(struct twi_regex *regex, const struct tw_url *url)
{
    return twi_regex_find(regex, url->href, strlen(url->href), 0, false) == TWI_REGEX_FOUND;
}

static bool is_excluded(const struct twi_scope *scope, const struct tw_url *url)
{
    return (scope->deny != NULL && finds(scope->deny, url)) ||
           (scope->allow != NULL && !finds(scope->allow, url));
}

int twi_scope_admit(struct twi_scope *scope, const struct tw_url *url, unsigned depth,
                    enum twi_found found)
{
    struct twi_refusals *refusals = scope->refusals;

    if (!is_web(url) && (found == TWI_FOUND_ON_WEB || !is_local(url)))
        return twi_refuse(refusals, TWI_REFUSED_SCHEME, url->href);
    if (is_too_long(scope, url))
        return twi_refuse(refusals, TWI_REFUSED_LENGTH, url->href);
    if (found == TWI_FOUND_AT_START)
        return twi_scope_add(scope, url) < 0 ? -ENOMEM : 1;
    if (!is_local(url) && !is_on_site(scope, url))
        return twi_refuse(refusals, TWI_REFUSED_OFFSITE, url->href);
    if (is_excluded(scope, url))
        return twi_refuse(refusals, TWI_REFUSED_PATTERN, url->href);
    if (scope->max_depth >= 0 && depth > (unsigned)scope->max_depth)
        return twi_refuse(refusals, TWI_REFUSED_DEPTH, url->href);
    return 1;
}
