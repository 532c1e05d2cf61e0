/* SPDX-License-Identifier: MIT */
/*
 * bytes.h - bytes that still grow, before anybody else sees them.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <tweed/value.h>

/* Give *bytes, of which this is the only reference, another length, keeping the content that
 * fits; the place is written to *ret_data. 0, or -ENOMEM with nothing changed. */
int twi_bytes_resize(tw_value *bytes, size_t length, char **ret_data);

#endif
