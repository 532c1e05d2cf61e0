/* SPDX-License-Identifier: MIT */
/*
 * value_wire.h - values as bytes, to be read by another process of the same machine.
 *
 * None, integers, doubles, bytes, lists, and failures (class by name, message, number, cause
 * and value). Incoming bytes are checked: if they are cut, too deep or nonsense, they are
 * refused as a whole. Bytes in, values out: no descriptor and no clock.
 */
#ifndef BASE_VALUE_WIRE_H
#define BASE_VALUE_WIRE_H

#include <tweed/failure.h>

#include "base/buf.h"

enum {
    TWI_WIRE_DEPTH = 64,         /* lists and causes inside each other */
    TWI_WIRE_NAME_LENGTH = 255,  /* of a class */
    TWI_WIRE_ANCESTORS = 16,     /* names of a class and its parents */
    TWI_WIRE_LENGTH_SIZE = 10,   /* a number is never longer */
};

/*
 * Append `value` (lent) to `buf`, which must not grow past `limit` bytes. 0, -ENOMEM, -EMSGSIZE
 * (past the limit), -EINVAL (a type that cannot travel), -ELOOP (too deep); then `buf` is as
 * long as before. Causes and values of failures are left out if they cannot travel.
 */
int twi_wire_put(struct twi_buf *buf, tw_value value, size_t limit);
/* Read one value from *at, which is moved on. 0, -EBADMSG, -ENOMEM; *ret_value is owned, written on
 * success only. */
int twi_wire_get(const char **at, const char *end, tw_value *ret_value);

/* A number of up to 64 bits, 7 in each byte. 0, -ENOMEM; 0, -EBADMSG. */
int twi_wire_put_number(struct twi_buf *buf, uint64_t number);
int twi_wire_get_number(const char **at, const char *end, uint64_t *ret_number);
/* A length and that many bytes; *ret_data points into the bytes read. */
int twi_wire_put_bytes(struct twi_buf *buf, const void *data, size_t length);
int twi_wire_get_bytes(const char **at, const char *end, const char **ret_data,
                       size_t *ret_length);

/* A class of the program's that failures from other processes may have; static storage, before
 * threads start. `next` is ours. */
struct twi_wire_class {
    const tw_error_class *error_class;
    struct twi_wire_class *next;
};
void twi_wire_add_class(struct twi_wire_class *entry);

#endif
