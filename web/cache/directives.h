/* SPDX-License-Identifier: MIT */
/*
 * directives.h - the directives of Cache-Control (RFC 9111, 5.2; RFC 5861; RFC 8246). Pure.
 */
#ifndef WEB_CACHE_DIRECTIVES_H
#define WEB_CACHE_DIRECTIVES_H

#include "web/http/headers.h"

enum twi_directive_bit {
    TWI_CC_NO_STORE = 1 << 0,
    TWI_CC_NO_CACHE = 1 << 1, /* without names of fields */
    TWI_CC_NO_CACHE_FIELDS = 1 << 2,
    TWI_CC_MUST_REVALIDATE = 1 << 3,
    TWI_CC_MUST_UNDERSTAND = 1 << 4,
    TWI_CC_PUBLIC = 1 << 5,
    TWI_CC_PRIVATE = 1 << 6,
    TWI_CC_IMMUTABLE = 1 << 7,
    TWI_CC_ONLY_IF_CACHED = 1 << 8
};

/* Seconds; -1: not said. Of two with one name the first counts (RFC 9111, 4.2.1). */
struct twi_directives {
    unsigned bits;
    int64_t max_age;   /* 0 where it is no number: such a response is stale */
    int64_t max_stale; /* INT64_MAX: any */
    int64_t min_fresh;
    int64_t stale_while_revalidate, stale_if_error;
};

void twi_directives_read(const tw_headers *headers, struct twi_directives *ret_directives);
/* Whole seconds as in max-age and Age; what is larger counts as 2^31. 0 or -EINVAL. */
int twi_delta_seconds(const char *text, size_t length, int64_t *ret_seconds);

/* One after the other. `value` is without its quotes, escapes as they stand. */
struct twi_directive {
    struct twi_elements list;
    const char *name, *value;
    size_t name_length, value_length;
    bool has_value;
};
/* Begin with list = { text, text + length }. */
bool twi_directive_next(struct twi_directive *directive);
bool twi_directive_is(const struct twi_directive *directive, const char *name);

#endif
