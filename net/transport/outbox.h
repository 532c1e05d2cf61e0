/* SPDX-License-Identifier: MIT */
/*
 * outbox.h - the parts that a transport has still to send: bytes, counted values and parts of
 * files.
 *
 * Empty it holds no memory. Small writes share a chunk; values of some size are not copied.
 */
#ifndef NET_TRANSPORT_OUTBOX_H
#define NET_TRANSPORT_OUTBOX_H

#include <stdint.h>
#include <sys/uio.h>

#include <tweed/value.h>

struct twi_chunk {
    struct twi_chunk *next;
    const char *start; /* of the unsent bytes; NULL for a file */
    size_t length;     /* unsent, the rest of a file included */
    uint32_t room;     /* left behind it */
    uint8_t kind;
};

/* All zero is empty. The chunks are a ring: the first is the last one's next. */
struct twi_outbox {
    struct twi_chunk *last_;
    size_t length; /* bytes, those of files included */
};

static inline bool twi_outbox_empty(const struct twi_outbox *box)
{
    return box->last_ == NULL;
}
/* The bytes at the front, up to the next seam; NULL when empty or when a file is first. */
static inline const char *twi_outbox_front(const struct twi_outbox *box, size_t *ret_length)
{
    if (box->last_ == NULL)
        return NULL;
    *ret_length = box->last_->next->length;
    return box->last_->next->start;
}
/* True if these are all bytes of the box. */
static inline bool twi_outbox_is_one(const struct twi_outbox *box)
{
    return box->last_ == NULL || box->last_->next == box->last_;
}

/* Each appends and returns 0 or -ENOMEM (then nothing was appended). */
int twi_outbox_add(struct twi_outbox *box, const void *data, size_t length);
/* Takes `bytes`, also on failure. */
int twi_outbox_add_value(struct twi_outbox *box, tw_value bytes);
/* done(error, arg) is called once when the part is sent or dropped (-ECANCELED, or the errno of
 * reading it), not when this fails. */
int twi_outbox_add_file(struct twi_outbox *box, int fd, int64_t offset, int64_t length,
                        void (*done)(int error, void *arg), void *arg);

/* The bytes at the front, up to the next file, as at most `count` pieces. Returns the number of
 * pieces, 0 when the box is empty or a file is first. */
int twi_outbox_pieces(const struct twi_outbox *box, struct iovec *pieces, int count);
/* True if a part of a file is first; then its place. */
bool twi_outbox_file(const struct twi_outbox *box, int *ret_fd, int64_t *ret_offset,
                     int64_t *ret_length);
/* Read the next part of a file that is first into memory, so that pieces() has something.
 * Returns 0, a negative errno (-EIO: the file is shorter than it was said to be). */
int twi_outbox_load(struct twi_outbox *box);
/* Drop `length` bytes from the front. A finished file's done() is called: the caller must expect
 * that it writes. */
void twi_outbox_sent(struct twi_outbox *box, size_t length);
/* Drop all; done(error) for files. */
void twi_outbox_drop(struct twi_outbox *box, int error);

#endif
