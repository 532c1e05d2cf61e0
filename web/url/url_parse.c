/* SPDX-License-Identifier: MIT */
/*
 * url_parse.c - reading a URL: the state machine of the WHATWG standard.
 *
 * It is written here as one function for each part of a URL, called in the order of the text.
 * Each appends its part, as it will be serialised, to a scratch buffer and notes where it begins;
 * so a relative URL takes over the front of its base as bytes.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/ascii.h"
#include "base/posix.h"
#include "web/url/url_parser.h"

static const struct twi_scheme special_schemes[] = {
    { "http:", 5, 80, true }, { "https:", 6, 443, true }, { "ws:", 3, 80, true },
    { "wss:", 4, 443, true }, { "ftp:", 4, 21, true },    { "file:", 5, 0, false },
};
#define SCHEME_FILE (&special_schemes[5])

/* --- looking ------------------------------------------------------------------------------ */

static bool is_slash(const struct twi_url_parser *u, const char *p)
{
    return p < u->end && (*p == '/' || (*p == '\\' && u->scheme != NULL));
}

/* The first byte from `p` on that ends an authority or a path segment. */
static const char *part_end(const struct twi_url_parser *u, const char *p)
{
    unsigned ends = u->scheme != NULL ? TWI_URL_PART_END | TWI_URL_BACKSLASH
                                      : TWI_URL_PART_END;

    while (p < u->end && !(twi_url_class[(unsigned char)*p] & ends))
        p++;
    return p;
}

static bool is_drive_letter(const char *p, size_t length)
{
    return length == 2 && twi_is_alpha(p[0]) && (p[1] == ':' || p[1] == '|');
}

static bool starts_with_drive_letter(const struct twi_url_parser *u)
{
    size_t left = (size_t)(u->end - u->p);

    return left >= 2 && is_drive_letter(u->p, 2) &&
           (left == 2 || memchr("/\\?#", u->p[2], 4) != NULL);
}

/* True if "/C:" is the whole path, or its first segment. */
static bool path_is_drive(const char *path, size_t length)
{
    return length >= 3 && path[0] == '/' && twi_is_alpha(path[1]) && path[2] == ':' &&
           (length == 3 || path[3] == '/');
}

static bool has_opaque_path(const struct twi_url *url)
{
    return !url->public.has_host && url->public.pathname[0] != '/';
}

static const struct twi_scheme *find_special(const char *protocol, size_t length)
{
    size_t i;

    for (i = 0; i < sizeof special_schemes / sizeof *special_schemes; i++) {
        const struct twi_scheme *scheme = &special_schemes[i];
        if (scheme->length == length && memcmp(scheme->protocol, protocol, length) == 0)
            return scheme;
    }
    return NULL;
}

/* --- writing ------------------------------------------------------------------------------ */

static void url_put(struct twi_url_parser *u, const char *data, size_t length)
{
    memcpy(u->out, data, length);
    u->out += length;
}

static void put_encoded(struct twi_url_parser *u, const char *from, const char *to,
                        unsigned set)
{
    u->out = twi_url_write(u->out, from, (size_t)(to - from), set);
}

static void put_protocol_of_base(struct twi_url_parser *u)
{
    u->at.protocol_end = u->base->at.protocol_end;
    url_put(u, u->base->public.href, u->at.protocol_end);
    u->scheme = find_special(u->text, u->at.protocol_end);
}

/* All up to the path; the protocol is the same and written already. */
static void put_authority_of_base(struct twi_url_parser *u)
{
    const struct twi_url *base = u->base;

    u->at = base->at;
    u->at.query = u->at.fragment = TWI_NOWHERE;
    url_put(u, base->public.href + u->at.protocol_end,
            u->at.authority_end - u->at.protocol_end);
    u->at.path = twi_url_here(u);
    u->port = base->public.port;
    u->has_host = base->public.has_host;
}

static void put_path_of_base(struct twi_url_parser *u)
{
    url_put(u, u->base->public.href + u->base->at.path,
            u->base->at.path_end - u->base->at.path);
}

static void put_query_of_base(struct twi_url_parser *u)
{
    const struct twi_url *base = u->base;
    uint32_t end = base->at.fragment;

    if (base->at.query == TWI_NOWHERE)
        return;
    if (end == TWI_NOWHERE)
        end = (uint32_t)strlen(base->public.href);
    u->at.query = twi_url_here(u);
    url_put(u, base->public.href + base->at.query, end - base->at.query);
}

/* --- query and fragment ------------------------------------------------------------------- */

/* A path that would read as an authority gets "/." in front, which is not part of it. */
static void end_path(struct twi_url_parser *u)
{
    char *path = u->text + u->at.path;

    if (!u->has_host && u->out - path >= 2 && path[0] == '/' && path[1] == '/') {
        memmove(path + 2, path, (size_t)(u->out - path));
        memcpy(path, "/.", 2);
        u->at.path += 2;
        u->out += 2;
    }
    u->at.path_end = twi_url_here(u);
}

static void parse_fragment(struct twi_url_parser *u)
{
    if (u->p == u->end)
        return;
    u->at.fragment = twi_url_here(u);
    *u->out++ = '#';
    put_encoded(u, u->p + 1, u->end, TWI_URL_FRAGMENT);
}

/* The parts behind a path: the query, if there is one, and the fragment. */
static void parse_tail(struct twi_url_parser *u)
{
    const char *end = memchr(u->p, '#', (size_t)(u->end - u->p));

    end_path(u);
    if (end == NULL)
        end = u->end;
    if (u->p < end) {
        u->at.query = twi_url_here(u);
        *u->out++ = '?';
        put_encoded(u, u->p + 1, end, u->scheme ? TWI_URL_SPECIAL_QUERY : TWI_URL_QUERY);
        u->p = end;
    }
    parse_fragment(u);
}

/* --- paths -------------------------------------------------------------------------------- */

/* 1 for ".", 2 for "..", in any spelling; else 0. */
static int count_dots(const char *segment, size_t length)
{
    int dots = 0;

    if (length == 0 || (*segment != '.' && *segment != '%'))
        return 0;
    while (length > 0) {
        size_t size = *segment == '.' ? 1 : 3;
        if (size == 3 && !(length >= 3 && twi_same_nocase(segment, 3, "%2e", 3)))
            return 0;
        segment += size;
        length -= size;
        if (++dots > 2)
            return 0;
    }
    return dots;
}

/* Drop the last segment, but never the drive letter of a file. */
static void shorten(struct twi_url_parser *u)
{
    char *path = u->text + u->at.path;

    if (u->scheme == SCHEME_FILE && u->out - path == 3 && path_is_drive(path, 3))
        return;
    while (u->out > path && *--u->out != '/')
        ;
}

static void put_segment(struct twi_url_parser *u, const char *segment, size_t length,
                        bool is_last)
{
    int dots = count_dots(segment, length);

    if (dots == 2)
        shorten(u);
    if (dots > 0) {
        if (is_last)
            *u->out++ = '/';
        return;
    }
    *u->out++ = '/';
    if (u->scheme == SCHEME_FILE && twi_url_here(u) == u->at.path + 1 &&
        is_drive_letter(segment, length)) {
        *u->out++ = segment[0];
        *u->out++ = ':';
        return;
    }
    put_encoded(u, segment, segment + length, TWI_URL_PATH);
}

/* From the first byte of a segment, behind its slash, on. */
static void parse_path(struct twi_url_parser *u)
{
    for (;;) {
        const char *segment = u->p;
        u->p = part_end(u, segment);
        put_segment(u, segment, (size_t)(u->p - segment), !is_slash(u, u->p));
        if (!is_slash(u, u->p))
            break;
        u->p++;
    }
    parse_tail(u);
}

/* Behind an authority. */
static void parse_path_start(struct twi_url_parser *u)
{
    u->at.authority_end = u->at.path = twi_url_here(u);
    if (is_slash(u, u->p)) {
        u->p++;
        parse_path(u);
    } else if (u->scheme != NULL) {
        parse_path(u);
    } else {
        parse_tail(u);
    }
}

/* "mailto:x": any text. A space before the query or fragment would be lost when they are taken
 * away, so the last one is encoded. */
static void parse_opaque_path(struct twi_url_parser *u)
{
    const char *start = u->p;

    while (u->p < u->end && *u->p != '?' && *u->p != '#')
        u->p++;
    u->at.authority_end = u->at.path = twi_url_here(u);
    if (u->p < u->end && u->p > start && u->p[-1] == ' ') {
        put_encoded(u, start, u->p - 1, TWI_URL_C0);
        url_put(u, "%20", 3);
    } else {
        put_encoded(u, start, u->p, TWI_URL_C0);
    }
    parse_tail(u);
}

/* --- authority ---------------------------------------------------------------------------- */

static int put_host(struct twi_url_parser *u, const char *host, size_t length)
{
    int r = 0;

    u->at.host = twi_url_here(u);
    if (length > 0)
        r = twi_url_host(host, length, u->scheme != NULL, u->out, &u->why);
    if (r < 0)
        return r;
    u->out += r;
    u->at.host_end = twi_url_here(u);
    u->has_host = true;
    return 0;
}

static void put_credentials(struct twi_url_parser *u, const char *from, const char *to)
{
    const char *colon = memchr(from, ':', (size_t)(to - from));
    const char *name_end = colon != NULL ? colon : to;

    u->at.user = twi_url_here(u);
    put_encoded(u, from, name_end, TWI_URL_USERINFO);
    u->at.user_end = u->at.password = u->at.password_end = twi_url_here(u);
    if (colon != NULL && colon + 1 < to) {
        *u->out++ = ':';
        u->at.password = twi_url_here(u);
        put_encoded(u, colon + 1, to, TWI_URL_USERINFO);
        u->at.password_end = twi_url_here(u);
    }
    if (twi_url_here(u) > u->at.user)
        *u->out++ = '@';
}

/* The colon that ends the host; not one inside an IPv6 address. */
static const char *find_port(const char *p, const char *end)
{
    const char *colon;
    bool inside = false;

    if (p < end && *p != '[') {
        colon = memchr(p, ':', (size_t)(end - p));
        if (colon == NULL || memchr(p, '[', (size_t)(colon - p)) == NULL)
            return colon != NULL ? colon : end;
    }
    for (; p < end && (inside || *p != ':'); p++) {
        if (*p == '[')
            inside = true;
        else if (*p == ']')
            inside = false;
    }
    return p;
}

static int parse_port(struct twi_url_parser *u, const char *p, const char *end)
{
    int port = 0;

    if (p == end)
        return 0;
    for (; p < end; p++) {
        if (!twi_is_digit(*p)) {
            u->why = "port is not a number";
            return -EINVAL;
        }
        port = port * 10 + (*p - '0');
        if (port > 65535) {
            u->why = "port over 65535";
            return -EINVAL;
        }
    }
    if (u->scheme != NULL && port == u->scheme->port)
        return 0;
    u->port = port;
    return 0;
}

static void put_port(struct twi_url_parser *u)
{
    char digits[6];
    size_t i = sizeof digits;
    int port = u->port;

    if (port < 0)
        return;
    do {
        digits[--i] = (char)('0' + port % 10);
        port /= 10;
    } while (port > 0);
    digits[--i] = ':';
    url_put(u, digits + i, sizeof digits - i);
}

/* From behind the "//" on. */
static int parse_authority(struct twi_url_parser *u)
{
    const char *end = part_end(u, u->p), *host = u->p, *host_end;
    const char *at = twi_memrchr(u->p, '@', (size_t)(end - u->p));
    int r;

    url_put(u, "//", 2);
    if (at != NULL) {
        put_credentials(u, u->p, at);
        host = at + 1;
    }
    host_end = find_port(host, end);
    if (host_end == host && (at != NULL || host_end < end || u->scheme != NULL)) {
        u->why = "no host";
        return -EINVAL;
    }
    r = put_host(u, host, (size_t)(host_end - host));
    if (r == 0 && host_end < end)
        r = parse_port(u, host_end + 1, end);
    if (r < 0)
        return r;
    put_port(u);
    u->p = end;
    parse_path_start(u);
    return 0;
}

/* The authority of a special scheme: any number of slashes before it, none too. */
static int parse_special_authority(struct twi_url_parser *u)
{
    while (is_slash(u, u->p))
        u->p++;
    return parse_authority(u);
}

/* --- file: -------------------------------------------------------------------------------- */

static int parse_file_host(struct twi_url_parser *u)
{
    const char *host = u->p, *end = part_end(u, host);
    int r;

    url_put(u, "//", 2);
    if (is_drive_letter(host, (size_t)(end - host))) {
        put_host(u, host, 0);
        u->at.authority_end = u->at.path = twi_url_here(u);
        parse_path(u);
        return 0;
    }
    r = put_host(u, host, (size_t)(end - host));
    if (r < 0)
        return r;
    if (twi_url_here(u) - u->at.host == 9 &&
        memcmp(u->text + u->at.host, "localhost", 9) == 0) {
        u->out -= 9;
        u->at.host_end = u->at.host;
    }
    u->p = end;
    parse_path_start(u);
    return 0;
}

static void put_no_file_host(struct twi_url_parser *u)
{
    url_put(u, "//", 2);
    put_host(u, u->p, 0);
    u->at.authority_end = u->at.path = twi_url_here(u);
}

/* "file:/path" keeps the host and drive of its base. */
static void parse_file_path(struct twi_url_parser *u)
{
    const struct twi_url *base = u->base;

    if (base == NULL) {
        put_no_file_host(u);
    } else {
        put_authority_of_base(u);
        if (!starts_with_drive_letter(u) &&
            path_is_drive(base->public.pathname, base->at.path_end - base->at.path))
            url_put(u, base->public.pathname, 3);
    }
    parse_path(u);
}

static void parse_file_relative(struct twi_url_parser *u)
{
    put_authority_of_base(u);
    if (u->p == u->end || *u->p == '?' || *u->p == '#') {
        put_path_of_base(u);
        if (u->p < u->end && *u->p == '?') {
            parse_tail(u);
            return;
        }
        end_path(u);
        put_query_of_base(u);
        parse_fragment(u);
        return;
    }
    if (!starts_with_drive_letter(u)) {
        put_path_of_base(u);
        shorten(u);
    }
    parse_path(u);
}

static int parse_file(struct twi_url_parser *u)
{
    if (u->base != NULL && strcmp(u->base->public.protocol, "file:") != 0)
        u->base = NULL;
    if (is_slash(u, u->p)) {
        if (is_slash(u, ++u->p)) {
            u->p++;
            return parse_file_host(u);
        }
        parse_file_path(u);
    } else if (u->base != NULL) {
        parse_file_relative(u);
    } else {
        put_no_file_host(u);
        parse_path(u);
    }
    return 0;
}

/* --- the whole ---------------------------------------------------------------------------- */

static int parse_relative(struct twi_url_parser *u)
{
    if (is_slash(u, u->p)) {
        if (u->scheme != NULL && is_slash(u, u->p + 1))
            return parse_special_authority(u);
        if (is_slash(u, u->p + 1)) {
            u->p += 2;
            return parse_authority(u);
        }
        put_authority_of_base(u);
        u->p++;
        parse_path(u);
        return 0;
    }
    put_authority_of_base(u);
    put_path_of_base(u);
    if (u->p < u->end && *u->p != '?' && *u->p != '#') {
        shorten(u);
        parse_path(u);
    } else if (u->p < u->end && *u->p == '?') {
        parse_tail(u);
    } else {
        end_path(u);
        put_query_of_base(u);
        parse_fragment(u);
    }
    return 0;
}

static int parse_after_scheme(struct twi_url_parser *u)
{
    bool slashes = u->end - u->p >= 2 && u->p[0] == '/' && u->p[1] == '/';

    if (u->scheme == SCHEME_FILE)
        return parse_file(u);
    if (u->scheme != NULL) {
        if (u->base != NULL && !slashes &&
            strcmp(u->base->public.protocol, u->scheme->protocol) == 0)
            return parse_relative(u);
        return parse_special_authority(u);
    }
    if (slashes) {
        u->p += 2;
        return parse_authority(u);
    }
    if (is_slash(u, u->p)) {
        u->at.authority_end = u->at.path = twi_url_here(u);
        u->p++;
        parse_path(u);
    } else {
        parse_opaque_path(u);
    }
    return 0;
}

static int parse_without_scheme(struct twi_url_parser *u)
{
    if (u->base == NULL) {
        u->why = "no scheme, and nothing to be relative to";
        return -EINVAL;
    }
    if (has_opaque_path(u->base) && (u->p == u->end || *u->p != '#')) {
        u->why = "cannot be relative to such a base";
        return -EINVAL;
    }
    put_protocol_of_base(u);
    return u->scheme == SCHEME_FILE ? parse_file(u) : parse_relative(u);
}

/* The colon after a scheme, or NULL. */
static const char *find_scheme(const char *p, const char *end)
{
    if (p == end || !twi_is_alpha(*p))
        return NULL;
    while (p < end &&
           (twi_is_alpha(*p) || twi_is_digit(*p) || *p == '+' || *p == '-' || *p == '.'))
        p++;
    return p < end && *p == ':' ? p : NULL;
}

int twi_url_parse(struct twi_url_parser *u)
{
    const char *colon = find_scheme(u->p, u->end);

    u->port = -1;
    u->at.query = u->at.fragment = TWI_NOWHERE;
    if (colon == NULL)
        return parse_without_scheme(u);
    while (u->p <= colon)
        *u->out++ = twi_lower(*u->p++);
    u->at.protocol_end = twi_url_here(u);
    u->scheme = find_special(u->text, u->at.protocol_end);
    return parse_after_scheme(u);
}
