/* SPDX-License-Identifier: MIT */
/*
 * ranges.h - the parts of a body that are asked for (RFC 9110, 14).
 */
#ifndef WEB_HTTP_RANGES_H
#define WEB_HTTP_RANGES_H

#include <stdint.h>

struct twi_range {
    int64_t first, last; /* inclusive */
};
enum { TWI_RANGES_MAX = 16 };

/*
 * Read a Range field for a body of `size` bytes (RFC 9110, 14.2).
 * Returns how many ranges there are; 0 to send the whole (not bytes, malformed, too many, more
 * in sum than the whole, or the end of an empty body); -ERANGE when none can be satisfied.
 */
int twi_ranges_parse(const char *text, int64_t size, struct twi_range ranges[TWI_RANGES_MAX]);

#endif
