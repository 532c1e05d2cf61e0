/* SPDX-License-Identifier: MIT */
/*
 * tls_ends.h - two ends of a TLS connection in memory: engines of ours, or OpenSSL itself with
 * the tricks of a bad peer.
 */
#ifndef TESTS_TLS_ENDS_H
#define TESTS_TLS_ENDS_H

#include <openssl/ssl.h>

#include "net/transport/outbox.h"
#include "net/tls/tls_engine.h"
#include "tests/certificates.h"

struct end {
    struct twi_tls *tls;
    struct twi_outbox out;
};

/* Contexts with these options; the usual client's and server's (certificates.h). */
tw_tls_context *context_new(struct tw_tls_options options);
tw_tls_context *client_context(void);
tw_tls_context *server_context(void);

void end_open(struct end *end, tw_tls_context *context, const char *name, const char *key);
void end_close(struct end *end);
/* Everything that `from` has to send goes to `to`, in parts of `piece` bytes (0: whole); how much,
 * 0 also when there is no memory. */
size_t carry(struct end *from, struct end *to, size_t piece);
void shake(struct end *client, struct end *server, size_t piece);
/* Let a client take in the tickets. */
void take_tickets(struct end *client);

/* OpenSSL's own end: a server with this identity, at any level of security. */
SSL_CTX *raw_context(const struct identity *leaf, X509 *intermediate);
SSL *raw_server(SSL_CTX *ctx);
size_t to_raw(struct end *client, SSL *ssl);
size_t from_raw(SSL *ssl, struct end *client);
void shake_raw(struct end *client, SSL *ssl);

#endif
