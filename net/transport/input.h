/* SPDX-License-Identifier: MIT */
/*
 * input.h - bytes that have come and were not read yet.
 *
 * While a transport delivers, they may be lent: bytes that are read at once are not copied
 * first.
 */
#ifndef NET_TRANSPORT_INPUT_H
#define NET_TRANSPORT_INPUT_H

#include <tweed/value.h>

/* A length of 0 is empty; then it holds no memory. */
struct twi_input {
    const char *at; /* the unread bytes */
    size_t length;
    void *block_;   /* bytes that hold it; NULL: it is lent */
    size_t room_;   /* of the block */
};

/* Nothing is unread: lend it `data`, until the call of twi_input_keep(). */
static inline void twi_input_lend(struct twi_input *input, const char *data, size_t length)
{
    input->at = data;
    input->length = length;
}
/* Copy lent bytes. 0, or -ENOMEM: they are dropped. */
int twi_input_keep_lent(struct twi_input *input);
static inline int twi_input_keep(struct twi_input *input)
{
    return input->block_ != NULL || input->length == 0 ? 0 : twi_input_keep_lent(input);
}
/* Put `data` behind the unread bytes, or in front. 0, or -ENOMEM with nothing changed. */
int twi_input_append(struct twi_input *input, const char *data, size_t length);
int twi_input_prepend(struct twi_input *input, const char *data, size_t length);
/* Read: owned bytes; a failure when there is no memory, and then nothing is read. */
tw_value twi_input_take(struct twi_input *input, size_t length);
void twi_input_free(struct twi_input *input);
/* Drop `length` bytes from the front. */
static inline void twi_input_skip(struct twi_input *input, size_t length)
{
    input->at += length;
    input->length -= length;
    if (input->length == 0 && input->block_ != NULL)
        twi_input_free(input);
}

/* The next delimiter at or behind `from`; NULL for none. */
const char *twi_find(const char *data, size_t length, size_t from, const char *delimiter,
                     size_t delimiter_length);

#endif
