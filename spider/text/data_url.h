/* SPDX-License-Identifier: MIT */
/*
 * data_url.h - URLs that hold what they lead to (RFC 2397).
 */
#ifndef SPIDER_TEXT_DATA_URL_H
#define SPIDER_TEXT_DATA_URL_H

#include "spider/text/arena.h"
#include "spider/text/span.h"

struct twi_data_parameter {
    struct twi_span name, value; /* not quoted any more */
    struct twi_data_parameter *next;
};

struct twi_data_url {
    struct twi_span type; /* "text/plain" if there is none; then with charset=US-ASCII */
    struct twi_data_parameter *parameters; /* each name once, the last value */
    struct twi_span data;
};

/* NULL, or why it is none; what was read lies in the arena. */
const char *twi_data_url_read(struct twi_arena *arena, struct twi_span url,
                              struct twi_data_url *ret_url);

#endif
