/* SPDX-License-Identifier: MIT */
/*
 * descriptor.h - transports over descriptors: when to read and write, and when to stop.
 *
 * A kind (socket, pipe) is a struct that begins with a twi_descriptor and a table of operations, in
 * front of which stands the table that all transports have.
 */
#ifndef NET_TRANSPORT_DESCRIPTOR_H
#define NET_TRANSPORT_DESCRIPTOR_H

#include "net/transport/transport.h"

struct twi_descriptor;

struct twi_descriptor_ops {
    struct twi_transport_ops transport;
    /* As read() and writev(), once; of a socket, `write` is for several pieces. */
    ssize_t (*read)(struct twi_descriptor *descriptor, void *buffer, size_t size);
    ssize_t (*write)(struct twi_descriptor *descriptor, const struct iovec *pieces, int count);
    /* As sendfile(), once; EINVAL or ENOSYS: not with this file. May be NULL. */
    ssize_t (*write_file)(struct twi_descriptor *descriptor, int fd, off_t offset,
                          size_t length);
    /* With level triggers: watch for these events, TWI_READABLE or 0 and TWI_WRITABLE or 0. 0 or
     * a negative errno. */
    int (*watch)(struct twi_descriptor *descriptor, unsigned in, unsigned out);
    /* Without a watch: call twi_descriptor_ready() in the next turn. NULL: always watched. */
    void (*again)(struct twi_descriptor *descriptor);
};

/* There is one for each idle connection: it is small. */
struct twi_descriptor {
    tw_transport base;
    struct twi_watch *watch; /* of the side that is read; NULL: always ready, or closed */
    int fd;                  /* the side that is read; -1: none, or closed */
    bool edge : 1;
    bool pending : 1; /* not all has been read */
    /* A short read is not the last one: the peer's stream ends, or it is no socket (terminals give
     * out less than they have). */
    bool read_on : 1;
    bool blocked : 1; /* no room to write */
    /* recv() and send() are called straight: going by the table costs in each message. */
    bool socket : 1;
    uint8_t family;   /* a socket's peer; here they fill what would be padding */
    uint16_t port;
};

static inline struct twi_descriptor *twi_descriptor_of(tw_transport *transport)
{
    return (struct twi_descriptor *)transport;
}

/* The functions of this name in the kind's table. */
void twi_descriptor_flush(tw_transport *transport);
void twi_descriptor_reading(tw_transport *transport);

/* A twi_watch_fn for the descriptor `arg`. */
void twi_descriptor_ready(unsigned ready, void *arg);
/* The descriptor can be written to again: do all that a turn does. */
void twi_descriptor_writable(struct twi_descriptor *descriptor);
/* Writing failed: nobody reads the other end. */
void twi_descriptor_write_failed(struct twi_descriptor *descriptor, int error);
/* Read the rest in the next turn. */
void twi_descriptor_read_later(struct twi_descriptor *descriptor);

#endif
