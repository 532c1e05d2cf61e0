/* SPDX-License-Identifier: MIT */
/*
 * content_range.h - the part of a whole that an answer is (RFC 9110, 14.4).
 */
#ifndef WEB_HTTP_CONTENT_RANGE_H
#define WEB_HTTP_CONTENT_RANGE_H

#include <stdbool.h>
#include <stdint.h>

struct twi_content_range {
    bool satisfied;      /* false: no part, the field tells the size only, as with 416 */
    int64_t first, last; /* inclusive */
    int64_t size;        /* of the whole; -1: not told */
};
/* 0, or -EINVAL: no range of bytes, or one that cannot be. */
int twi_content_range_parse(const char *text, struct twi_content_range *range);

#endif
