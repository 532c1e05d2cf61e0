/* SPDX-License-Identifier: MIT */
/*
 * url.c - parsed URLs: one block with the serialised URL and its components.
 *
 * A component that ends the URL, or is empty, is not copied but points into it.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "web/url/url_parser.h"

#define TEXT_MAX (1u << 20)
#define SCRATCH_ON_STACK 2048

/* --- the result --------------------------------------------------------------------------- */

/* A component, copied behind the URL unless it is empty or ends it. */
static const char *component(struct twi_url *url, char **room, uint32_t from, uint32_t to,
                             uint32_t length)
{
    const char *href = url->public.href;
    char *copy = *room;

    if (from == to)
        return href + length;
    if (to == length)
        return href + from;
    memcpy(copy, href + from, to - from);
    copy[to - from] = 0;
    *room += to - from + 1;
    return copy;
}

static size_t component_size(uint32_t from, uint32_t to, uint32_t length)
{
    return from == to || to == length ? 0 : to - from + 1;
}

/* A lone "?" or "#" counts as no component. */
static uint32_t from_mark(uint32_t mark, uint32_t end)
{
    return mark == TWI_NOWHERE || end - mark == 1 ? end : mark;
}

static bool has_tuple_origin(const struct twi_url_parser *u)
{
    return u->scheme != NULL && u->scheme->has_origin;
}

/* The places of the components to be copied. The origin of a blob is that of the URL inside
 * it. */
struct spans {
    uint32_t length, query, query_end, fragment;
    const struct tw_url *inside;
};

static size_t copies_size(const struct twi_url_parser *u, const struct spans *s)
{
    const struct twi_url_marks *at = &u->at;
    size_t size = component_size(at->user, at->user_end, s->length) +
                  component_size(at->password, at->password_end, s->length) +
                  component_size(at->host, at->host_end, s->length) +
                  component_size(at->path, at->path_end, s->length) +
                  component_size(s->query, s->query_end, s->length);

    if (u->scheme == NULL)
        size += at->protocol_end + 1;
    if (has_tuple_origin(u))
        size += at->protocol_end + 2 + (at->authority_end - at->host) + 1;
    if (s->inside != NULL)
        size += strlen(s->inside->origin) + 1;
    return size;
}

static const char *put_origin(char *room, const struct twi_url_parser *u,
                              const struct tw_url *inside)
{
    size_t host_length = u->at.authority_end - u->at.host;

    if (inside != NULL)
        return strcpy(room, inside->origin);
    if (!has_tuple_origin(u))
        return "null";
    memcpy(room, u->text, u->at.protocol_end);
    memcpy(room + u->at.protocol_end, "//", 2);
    memcpy(room + u->at.protocol_end + 2, u->text + u->at.host, host_length);
    room[u->at.protocol_end + 2 + host_length] = 0;
    return room;
}

static void url_fill(struct twi_url *url, const struct twi_url_parser *u,
                     const struct spans *s)
{
    struct tw_url *public = &url->public;
    const struct twi_url_marks *at = &url->at;
    char *href = (char *)(url + 1), *room = href + s->length + 1;

    memcpy(href, u->text, s->length);
    href[s->length] = 0;
    public->href = href;
    public->username = component(url, &room, at->user, at->user_end, s->length);
    public->password = component(url, &room, at->password, at->password_end, s->length);
    public->hostname = component(url, &room, at->host, at->host_end, s->length);
    public->pathname = component(url, &room, at->path, at->path_end, s->length);
    public->search = component(url, &room, s->query, s->query_end, s->length);
    public->hash = href + s->fragment;
    public->protocol = u->scheme ? u->scheme->protocol
                                 : component(url, &room, 0, at->protocol_end, TWI_NOWHERE);
    public->origin = put_origin(room, u, s->inside);
    public->port = u->port;
    public->effective_port = u->port >= 0 ? (unsigned)u->port
                             : u->scheme  ? u->scheme->port
                                          : 0;
    public->has_host = u->has_host;
}

static bool is_web_blob(const struct twi_url_parser *u)
{
    const char *path = u->text + u->at.path;

    return u->at.protocol_end == 5 && memcmp(u->text, "blob:", 5) == 0 &&
           u->at.path_end - u->at.path >= 5 && memcmp(path, "http", 4) == 0 &&
           (path[4] == ':' || path[4] == 's');
}

static int make_result(const struct twi_url_parser *u, struct tw_url **ret_url)
{
    struct spans s;
    struct tw_url *inside = NULL;
    struct twi_url *url;

    s.length = twi_url_here(u);
    s.fragment = from_mark(u->at.fragment, s.length);
    s.query_end = u->at.fragment == TWI_NOWHERE ? s.length : u->at.fragment;
    s.query = from_mark(u->at.query, s.query_end);
    if (is_web_blob(u) && tw_url_parse(u->text + u->at.path, u->at.path_end - u->at.path, NULL,
                                       &inside, NULL) == -ENOMEM)
        return -ENOMEM;
    s.inside = inside;
    url = twi_malloc(sizeof *url + s.length + 1 + copies_size(u, &s));
    if (url != NULL) {
        url->at = u->at;
        url_fill(url, u, &s);
        *ret_url = &url->public;
    }
    tw_url_free(inside);
    return url != NULL ? 0 : -ENOMEM;
}

static bool url_is_blank(char c)
{
    return (unsigned char)c <= ' ';
}

/* Copy without tabs and newlines, which are ignored. */
static size_t copy_without_newlines(char *to, const char *text, size_t length)
{
    char *out = to;
    size_t i;

    for (i = 0; i < length; i++) {
        if (text[i] != '\t' && text[i] != '\n' && text[i] != '\r')
            *out++ = text[i];
    }
    return (size_t)(out - to);
}

static bool has_newlines(const char *text, size_t length)
{
    return memchr(text, '\n', length) != NULL || memchr(text, '\t', length) != NULL ||
           memchr(text, '\r', length) != NULL;
}

/* The scratch has room for the longest outcome: everything encoded, a base in front, a host by
 * IDNA, and behind it a copy of the text if that has newlines. */
static int parse_in(char *scratch, size_t clean_at, struct twi_url_parser *u,
                    struct tw_url **ret_url)
{
    size_t length = (size_t)(u->end - u->p);
    int r;

    u->text = u->out = scratch;
    if (has_newlines(u->p, length)) {
        length = copy_without_newlines(scratch + clean_at, u->p, length);
        u->p = scratch + clean_at;
        u->end = u->p + length;
    }
    r = twi_url_parse(u);
    return r < 0 ? r : make_result(u, ret_url);
}

int tw_url_parse(const char *text, size_t length, const struct tw_url *base,
                 struct tw_url **ret_url, const char **ret_why)
{
    char on_stack[SCRATCH_ON_STACK];
    char *scratch = on_stack;
    struct twi_url_parser u = { .why = "URL over 1 MiB",
                                .base = (const struct twi_url *)base };
    size_t clean_at = base != NULL ? strlen(base->href) : 0;
    int r = -E2BIG;

    if (length > TEXT_MAX || clean_at > 3 * TEXT_MAX)
        goto done;
    for (; length > 0 && url_is_blank(*text); text++)
        length--;
    while (length > 0 && url_is_blank(text[length - 1]))
        length--;
    u.p = text;
    u.end = text + length;
    clean_at += 3 * length + TWI_URL_HOST_ROOM + 64;
    if (clean_at + length > sizeof on_stack)
        scratch = twi_malloc(clean_at + length);
    r = scratch == NULL ? -ENOMEM : parse_in(scratch, clean_at, &u, ret_url);
    if (scratch != on_stack)
        twi_free(scratch);
done:
    if ((r == -EINVAL || r == -E2BIG) && ret_why != NULL)
        *ret_why = u.why;
    return r;
}

void tw_url_free(struct tw_url *url)
{
    twi_free(url);
}

bool tw_url_same_origin(const struct tw_url *a, const struct tw_url *b)
{
    return strcmp(a->origin, "null") != 0 && strcmp(a->origin, b->origin) == 0;
}

static const char *why_no_request(const struct tw_url *url)
{
    if (strcmp(url->protocol, "http:") != 0 && strcmp(url->protocol, "https:") != 0)
        return "neither http nor https";
    return url->port == 0 ? "no connection goes to port 0" : NULL;
}

int twi_url_parse_request(const char *text, struct tw_url **ret_url, const char **ret_why)
{
    const char *p, *why = NULL;
    struct tw_url *url;
    int r;

    for (p = text; *p != 0; p++) {
        if (url_is_blank(*p) || *p == 0x7f) {
            *ret_why = "blank or control character";
            return -EINVAL;
        }
    }
    r = tw_url_parse(text, (size_t)(p - text), NULL, &url, ret_why);
    if (r < 0)
        return r;
    why = why_no_request(url);
    if (why != NULL) {
        *ret_why = why;
        tw_url_free(url);
        return -EINVAL;
    }
    *ret_url = url;
    return 0;
}
