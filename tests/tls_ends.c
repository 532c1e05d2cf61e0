/* SPDX-License-Identifier: MIT */
/*
 * tls_ends.c - two ends of a TLS connection in memory.
 */
#include "config.h"

#include "tests/tls_ends.h"

#include <openssl/err.h>
#include <string.h>

#include "tests/test.h"

tw_tls_context *context_new(struct tw_tls_options options)
{
    tw_tls_context *context = NULL;
    tw_value failure = tw_tls_context_new(&options, &context);

    ck_assert_msg(!tw_is_failure(failure), "%s", tw_failure_message(failure));
    return context;
}

tw_tls_context *client_context(void)
{
    return context_new((struct tw_tls_options){ .ca_file = test_ca_file() });
}

tw_tls_context *server_context(void)
{
    return context_new(
        (struct tw_tls_options){ .server = true, .cert_file = test_leaf_file() });
}

void end_open(struct end *end, tw_tls_context *context, const char *name, const char *key)
{
    struct twi_tls_peer peer = { name, key };

    memset(end, 0, sizeof *end);
    ck_assert_int_eq(twi_tls_new(context, &peer, &end->tls), 0);
    twi_tls_plug(end->tls, &end->out);
}

void end_close(struct end *end)
{
    twi_tls_free(end->tls);
    twi_outbox_drop(&end->out, 0);
    end->tls = NULL;
}

size_t carry(struct end *from, struct end *to, size_t piece)
{
    struct iovec part;
    size_t carried = 0;

    while (twi_outbox_pieces(&from->out, &part, 1) > 0) {
        size_t length = piece > 0 && part.iov_len > piece ? piece : part.iov_len;

        if (twi_tls_feed(to->tls, part.iov_base, length) < 0)
            return 0;
        if (!twi_tls_handshaken(to->tls))
            twi_tls_handshake(to->tls);
        if (twi_tls_keep(to->tls) < 0)
            return 0;
        twi_outbox_sent(&from->out, length);
        carried += length;
    }
    return carried;
}

void shake(struct end *client, struct end *server, size_t piece)
{
    twi_tls_handshake(client->tls);
    while (carry(client, server, piece) + carry(server, client, piece) > 0)
        continue;
}

void take_tickets(struct end *client)
{
    char byte;

    ck_assert_int_eq(twi_tls_read(client->tls, &byte, 1), 0);
}

/* --- a server of OpenSSL's ----------------------------------------------------------------- */

SSL *raw_server(SSL_CTX *ctx)
{
    SSL *ssl = SSL_new(ctx);

    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(ssl);
    return ssl;
}

SSL_CTX *raw_context(const struct identity *leaf, X509 *intermediate)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
    ck_assert_int_eq(SSL_CTX_use_certificate(ctx, leaf->certificate), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(ctx, leaf->key), 1);
    if (intermediate != NULL)
        SSL_CTX_add1_chain_cert(ctx, intermediate);
    return ctx;
}

size_t to_raw(struct end *client, SSL *ssl)
{
    struct iovec part;
    size_t carried = 0;

    while (twi_outbox_pieces(&client->out, &part, 1) > 0) {
        BIO_write(SSL_get_rbio(ssl), part.iov_base, (int)part.iov_len);
        carried += part.iov_len;
        twi_outbox_sent(&client->out, part.iov_len);
    }
    return carried;
}

size_t from_raw(SSL *ssl, struct end *client)
{
    char bytes[4096];
    int n = BIO_read(SSL_get_wbio(ssl), bytes, sizeof bytes);

    if (n <= 0)
        return 0;
    ck_assert_int_eq(twi_tls_feed(client->tls, bytes, (size_t)n), 0);
    if (!twi_tls_handshaken(client->tls))
        twi_tls_handshake(client->tls);
    ck_assert_int_eq(twi_tls_keep(client->tls), 0);
    return (size_t)n;
}

void shake_raw(struct end *client, SSL *ssl)
{
    twi_tls_handshake(client->tls);
    do {
        to_raw(client, ssl);
        SSL_do_handshake(ssl);
        ERR_clear_error();
    } while (from_raw(ssl, client) > 0 || client->out.length > 0);
}
