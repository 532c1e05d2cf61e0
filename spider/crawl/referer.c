/* SPDX-License-Identifier: MIT */
/*
 * referer.c - the policies as three questions: same origin, a loss of security, all or the
 * origin.
 */
#include "config.h"

#include <string.h>

#include "spider/crawl/referer.h"

/* A URL that long is cut to its origin (Referrer Policy, 8.4). */
#define LONGEST_REFERER 4096

static bool is_https(const struct tw_url *url)
{
    return strcmp(url->protocol, "https:") == 0;
}

static bool has_web_scheme(const struct tw_url *url)
{
    return is_https(url) || strcmp(url->protocol, "http:") == 0;
}

static const char *origin_only(struct twi_arena *arena, const struct tw_url *url)
{
    struct twi_text text = { .arena = arena };

    twi_text_puts(&text, url->origin);
    twi_text_putc(&text, '/');
    return twi_text_string(&text);
}

/* Without credentials and fragment. */
static const char *whole_referer(struct twi_arena *arena, const struct tw_url *url)
{
    struct twi_text text = { .arena = arena };

    twi_text_puts(&text, url->origin);
    twi_text_puts(&text, url->pathname);
    twi_text_puts(&text, url->search);
    if (text.length > LONGEST_REFERER)
        return origin_only(arena, url);
    return twi_text_string(&text);
}

const char *twi_referer(struct twi_arena *arena, enum tw_crawl_referer policy,
                        const struct tw_url *from, const struct tw_url *to)
{
    bool same, downgrade;

    if (policy == TW_REFERER_NONE || !has_web_scheme(from) || !has_web_scheme(to))
        return NULL;
    same = tw_url_same_origin(from, to);
    downgrade = is_https(from) && !is_https(to);
    if (same)
        return whole_referer(arena, from);
    if (downgrade || policy == TW_REFERER_SAME_ORIGIN)
        return NULL;
    return policy == TW_REFERER_NO_DOWNGRADE ? whole_referer(arena, from)
                                             : origin_only(arena, from);
}
