/* SPDX-License-Identifier: MIT */
/*
 * url_parser.h - the parser's state, shared by the part that reads and the part that builds the
 * result.
 */
#ifndef WEB_URL_URL_PARSER_H
#define WEB_URL_URL_PARSER_H

#include "web/url/url.h"

#define TWI_NOWHERE UINT32_MAX

/* Offsets in the serialised URL; that of an absent query or fragment is TWI_NOWHERE. */
struct twi_url_marks {
    uint32_t protocol_end; /* behind the colon */
    uint32_t user, user_end, password, password_end;
    uint32_t host, host_end;
    uint32_t authority_end; /* behind the port */
    uint32_t path, path_end, query, fragment;
};

struct twi_url {
    struct tw_url public;
    struct twi_url_marks at;
};

struct twi_scheme {
    const char *protocol;
    uint16_t length, port;
    bool has_origin;
};

struct twi_url_parser {
    const char *p, *end; /* the rest to read */
    const struct twi_url *base;
    const char *why;
    const struct twi_scheme *scheme; /* NULL: not special */
    char *text, *out; /* the scratch, and the end of its content */
    struct twi_url_marks at;
    int port;
    bool has_host;
};

/* Read from `p` to `end` into the scratch, which is large enough. 0, or -EINVAL and `why`. */
int twi_url_parse(struct twi_url_parser *u);

static inline uint32_t twi_url_here(const struct twi_url_parser *u)
{
    return (uint32_t)(u->out - u->text);
}

#endif
