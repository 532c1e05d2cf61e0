/* SPDX-License-Identifier: MIT */
/*
 * tls_engine.h - one end of a TLS connection: bytes in, bytes out.
 *
 * Knows no descriptor, transport or clock. Ciphertext is lent to it, records are appended to an
 * outbox. No type of OpenSSL's appears here.
 */
#ifndef NET_TLS_TLS_ENGINE_H
#define NET_TLS_TLS_ENGINE_H

#include <sys/types.h>
#include <tweed/tls.h>

#include "net/transport/outbox.h"

struct twi_tls;

struct twi_tls_peer {
    const char *server_name; /* clients: the expected name or literal address */
    const char *session_key; /* clients: resume sessions kept under it; NULL: none */
};

/* `context` is counted. Strings are lent for the call. Returns 0, -EINVAL (server_name is none),
 * -ENOMEM. */
int twi_tls_new(tw_tls_context *context, const struct twi_tls_peer *peer,
                struct twi_tls **ret_tls);
void twi_tls_free(struct twi_tls *tls);
/* Set the outbox for records; without one (NULL, as at the start) they are dropped. */
void twi_tls_plug(struct twi_tls *tls, struct twi_outbox *out);
/* The record written next is the last of this turn: offer it to `send` first, which returns how
 * much it took, and append only the rest. Lent; NULL: append all. */
struct twi_tls_way {
    size_t (*send)(void *arg, const void *data, size_t length);
    void *arg;
};
void twi_tls_send_by(struct twi_tls *tls, const struct twi_tls_way *way);

/* Hand over ciphertext, lent until twi_tls_keep(). 0, -ENOMEM. */
int twi_tls_feed(struct twi_tls *tls, const void *data, size_t length);
/* Copy the unused rest of it, before its memory is freed. 0, -ENOMEM. */
int twi_tls_keep(struct twi_tls *tls);
/* True if something is left to read from, records half used included. */
bool twi_tls_pending(const struct twi_tls *tls);

/*
 * Each returns 0 when it needs more ciphertext and -EPROTO when the connection has failed; then
 * twi_tls_failure() says why, and an alert may be in the outbox.
 *   handshake   1 when it is complete
 *   read        the number of bytes; -ENODATA after the peer's close_notify
 *   write       all of `length`
 */
int twi_tls_handshake(struct twi_tls *tls);
ssize_t twi_tls_read(struct twi_tls *tls, void *buffer, size_t size);
ssize_t twi_tls_write(struct twi_tls *tls, const void *data, size_t length);
/* Say that we send no more (close_notify); once. */
void twi_tls_shut(struct twi_tls *tls);

bool twi_tls_handshaken(const struct twi_tls *tls);
/* True if the peer has sent its close_notify. */
bool twi_tls_ended(const struct twi_tls *tls);
/* The failure that says why; owned. */
tw_value twi_tls_failure(const struct twi_tls *tls);

const char *twi_tls_alpn(const struct twi_tls *tls);    /* NULL: none agreed on */
const char *twi_tls_version(const struct twi_tls *tls); /* "TLSv1.3" */
bool twi_tls_resumed(const struct twi_tls *tls);

bool twi_tls_context_is_server(const tw_tls_context *context);

#endif
