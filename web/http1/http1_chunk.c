/* SPDX-License-Identifier: MIT */
/*
 * http1_chunk.c - the line before a chunk: its size and extensions (RFC 9112, 7.1).
 */
#include "config.h"

#include "base/ascii.h"
#include "web/http1/http1_parse.h"

static const char *chunk_skip_space(const char *at, const char *end)
{
    while (at < end && twi_is_blank(*at))
        at++;
    return at;
}

/* NULL if there is no token. */
static const char *skip_token(const char *at, const char *end)
{
    const char *from = at;

    while (at < end && twi_http_is(*at, TWI_HTTP_TOKEN))
        at++;
    return at == from ? NULL : at;
}

/* NULL if it is none. */
static const char *skip_quoted(const char *at, const char *end)
{
    for (at++; at < end; at++) {
        unsigned char c = (unsigned char)*at;

        if (c == '"')
            return at + 1;
        if (c == '\\' && ++at == end)
            return NULL;
        if (((unsigned char)*at < 0x20 && *at != '\t') || *at == 0x7f)
            return NULL;
    }
    return NULL;
}

/* *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ) */
static bool are_extensions(const char *at, const char *end)
{
    while (at != end) {
        const char *equals;

        at = chunk_skip_space(at, end);
        if (at == end || *at != ';')
            return false;
        at = skip_token(chunk_skip_space(at + 1, end), end);
        if (at == NULL)
            return false;
        equals = chunk_skip_space(at, end);
        if (equals == end || *equals != '=')
            continue;
        at = chunk_skip_space(equals + 1, end);
        at = at < end && *at == '"' ? skip_quoted(at, end) : skip_token(at, end);
        if (at == NULL)
            return false;
    }
    return true;
}

/* A client takes anything for extensions, as it ignores them: servers write a lone ";". A CR
 * alone would end the line for some. */
static bool may_follow_size(const struct twi_http1 *parser, const char *at, const char *end)
{
    if (parser->server_)
        return are_extensions(at, end);
    at = chunk_skip_space(at, end);
    return at == end || (*at == ';' && twi_http_is_value(at, (size_t)(end - at)));
}

int twi_http1_chunk_line(struct twi_http1 *parser, const char *line, size_t length)
{
    const char *at = line, *end = line + length;
    int64_t size = 0;

    for (; at < end && twi_hex(*at) >= 0; at++) {
        if (at - line == 16 || size > INT64_MAX >> 4)
            return twi_http1_fail(parser, &tw_error_toolarge, 413, "chunk size is too large");
        size = size << 4 | twi_hex(*at);
    }
    if (at == line)
        return twi_http1_fail(parser, &tw_error_protocol, 400, "bad chunk size");
    if (!may_follow_size(parser, at, end))
        return twi_http1_fail(parser, &tw_error_protocol, 400, "bad chunk size or extension");
    parser->extension_bytes_ += (size_t)(end - at);
    if (parser->extension_bytes_ > parser->limits->extensions)
        return twi_http1_fail(parser, &tw_error_toolarge, 400,
                              "chunk extensions are too long");
    parser->chunk_left_ = size;
    return 0;
}
