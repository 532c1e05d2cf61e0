/* SPDX-License-Identifier: MIT */
/*
 * check_tls_engine.c - TLS as bytes in and bytes out, protocols agreed on, sessions resumed.
 */
#include "config.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "tests/certificates.h"
#include "tests/test.h"
#include "tests/tls_ends.h"

/* --- the stream ---------------------------------------------------------------------------- */

static const size_t pieces[] = { 0, 1, 7, 1000 };

START_TEST(bytes_arrive_however_they_are_cut)
{
    tw_tls_context *context = client_context(), *server = server_context();
    static char sent[100000], got[100000];
    struct end client, other;
    size_t length = 0;
    ssize_t n;

    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (char)(i * 7 + i / 251);
    end_open(&client, context, "a.test", NULL);
    end_open(&other, server, NULL, NULL);
    shake(&client, &other, pieces[_i]);
    ck_assert(twi_tls_handshaken(client.tls) && twi_tls_handshaken(other.tls));
    ck_assert_str_eq(twi_tls_version(client.tls), "TLSv1.3");
    ck_assert_int_eq(twi_tls_write(client.tls, sent, sizeof sent), sizeof sent);
    carry(&client, &other, pieces[_i]);
    while ((n = twi_tls_read(other.tls, got + length, sizeof got - length)) > 0)
        length += (size_t)n;
    ck_assert_int_eq(n, 0);
    ck_assert_uint_eq(length, sizeof sent);
    ck_assert_mem_eq(sent, got, sizeof sent);
    ck_assert(!twi_tls_pending(other.tls));
    end_close(&client);
    end_close(&other);
    tw_tls_context_unref(context);
    tw_tls_context_unref(server);
}
END_TEST

START_TEST(the_end_is_told_and_not_taken_for_a_cut)
{
    tw_tls_context *context = client_context(), *server = server_context();
    struct end client, other;
    char byte;

    end_open(&client, context, "a.test", NULL);
    end_open(&other, server, NULL, NULL);
    shake(&client, &other, 0);
    take_tickets(&client);
    twi_tls_write(client.tls, "x", 1);
    twi_tls_shut(client.tls);
    twi_tls_shut(client.tls);
    ck_assert(!twi_tls_ended(other.tls));
    carry(&client, &other, 0);
    ck_assert_int_eq(twi_tls_read(other.tls, &byte, 1), 1);
    ck_assert_int_eq(twi_tls_read(other.tls, &byte, 1), -ENODATA);
    ck_assert_int_eq(twi_tls_read(other.tls, &byte, 1), -ENODATA);
    ck_assert(twi_tls_ended(other.tls));
    ck_assert_int_eq(twi_tls_write(other.tls, "y", 1), 1); /* half closed */
    carry(&other, &client, 0);
    ck_assert_int_eq(twi_tls_read(client.tls, &byte, 1), 1);
    end_close(&client);
    end_close(&other);
    tw_tls_context_unref(context);
    tw_tls_context_unref(server);
}
END_TEST

START_TEST(damaged_records_fail_the_connection)
{
    tw_tls_context *context = client_context(), *server = server_context();
    struct end client, other;
    struct iovec part;
    char byte;

    end_open(&client, context, "a.test", NULL);
    end_open(&other, server, NULL, NULL);
    shake(&client, &other, 0);
    twi_tls_write(client.tls, "hello", 5);
    ck_assert_int_eq(twi_outbox_pieces(&client.out, &part, 1), 1);
    ((char *)part.iov_base)[part.iov_len - 1] ^= 1;
    carry(&client, &other, 0);
    ck_assert_int_eq(twi_tls_read(other.tls, &byte, 1), -EPROTO);
    ck_assert_uint_gt(other.out.length, 0); /* the alert */
    end_close(&client);
    end_close(&other);
    tw_tls_context_unref(context);
    tw_tls_context_unref(server);
}
END_TEST

START_TEST(a_client_that_renegotiates_is_not_served)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    tw_tls_context *server = server_context();
    SSL *ssl;
    struct end end;

    SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    ssl = SSL_new(ctx);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl);
    end_open(&end, server, NULL, NULL);
    SSL_do_handshake(ssl);
    while (from_raw(ssl, &end) > 0 || end.out.length > 0) {
        to_raw(&end, ssl);
        SSL_do_handshake(ssl);
    }
    ck_assert(twi_tls_handshaken(end.tls));
    ck_assert_int_eq(SSL_renegotiate(ssl), 1);
    SSL_do_handshake(ssl);
    for (int i = 0; i < 4; i++) {
        char byte;

        from_raw(ssl, &end);
        twi_tls_read(end.tls, &byte, 1);
        to_raw(&end, ssl);
        SSL_do_handshake(ssl);
    }
    ck_assert_int_ne(SSL_do_handshake(ssl), 1);
    ERR_clear_error();
    end_close(&end);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    tw_tls_context_unref(server);
}
END_TEST

/* --- ALPN ---------------------------------------------------------------------------------- */

static const struct {
    const char *client, *server, *agreed;
    bool fails;
} alpn[] = {
    { "h2,http/1.1", "h2,http/1.1", "h2", false },
    { "h2,http/1.1", "http/1.1", "http/1.1", false },
    { "http/1.1,h2", "h2,http/1.1", "h2", false },
    { "http/1.1", NULL, NULL, false },
    { NULL, "h2", NULL, false },
    { NULL, NULL, NULL, false },
    { "spdy/1", "h2", NULL, true },
};

START_TEST(a_protocol_is_agreed_on)
{
    tw_tls_context *context = context_new(
        (struct tw_tls_options){ .ca_file = test_ca_file(), .alpn = alpn[_i].client });
    tw_tls_context *server = context_new((struct tw_tls_options){
        .server = true, .cert_file = test_leaf_file(), .alpn = alpn[_i].server });
    struct end client, other;

    end_open(&client, context, "a.test", NULL);
    end_open(&other, server, NULL, NULL);
    shake(&client, &other, 0);
    ck_assert_int_eq(twi_tls_handshaken(client.tls), !alpn[_i].fails);
    if (alpn[_i].agreed == NULL) {
        ck_assert_ptr_null(twi_tls_alpn(client.tls));
    } else {
        ck_assert_str_eq(twi_tls_alpn(client.tls), alpn[_i].agreed);
        ck_assert_str_eq(twi_tls_alpn(other.tls), alpn[_i].agreed);
    }
    end_close(&client);
    end_close(&other);
    tw_tls_context_unref(context);
    tw_tls_context_unref(server);
}
END_TEST

/* --- sessions ------------------------------------------------------------------------------ */

static bool visit(tw_tls_context *context, tw_tls_context *server, const char *name,
                  const char *key)
{
    struct end client, other;
    bool resumed;

    end_open(&client, context, name, key);
    end_open(&other, server, NULL, NULL);
    shake(&client, &other, 0);
    ck_assert(twi_tls_handshaken(client.tls));
    take_tickets(&client);
    resumed = twi_tls_resumed(client.tls);
    end_close(&client);
    end_close(&other);
    return resumed;
}

START_TEST(sessions_are_resumed_under_the_same_key_only)
{
    tw_tls_context *context = client_context(), *stranger = client_context();
    tw_tls_context *server = server_context();

    ck_assert(!visit(context, server, "a.test", "a"));
    ck_assert(visit(context, server, "a.test", "a"));
    ck_assert(visit(context, server, "a.test", "a"));
    ck_assert(!visit(context, server, "a.test", "a by a proxy"));
    ck_assert(!visit(context, server, "x.wild.test", "x"));
    ck_assert(!visit(context, server, "a.test", NULL));
    ck_assert(!visit(stranger, server, "a.test", "a"));
    tw_tls_context_unref(context);
    tw_tls_context_unref(stranger);
    tw_tls_context_unref(server);
}
END_TEST

START_TEST(a_ticket_is_used_once)
{
    tw_tls_context *context = client_context(), *server = server_context();
    struct end clients[4];
    int offered = 0;

    visit(context, server, "a.test", "a"); /* leaves two */
    for (int i = 0; i < 4; i++) {
        struct end other;

        end_open(&clients[i], context, "a.test", "a");
        end_open(&other, server, NULL, NULL);
        shake(&clients[i], &other, 0);
        offered += twi_tls_resumed(clients[i].tls);
        end_close(&other);
    }
    ck_assert_int_eq(offered, 2);
    for (int i = 0; i < 4; i++)
        end_close(&clients[i]);
    tw_tls_context_unref(context);
    tw_tls_context_unref(server);
}
END_TEST

START_TEST(without_sessions_nothing_is_resumed)
{
    tw_tls_context *none = context_new(
        (struct tw_tls_options){ .ca_file = test_ca_file(), .no_sessions = true });
    tw_tls_context *context = client_context(), *server = server_context();
    tw_tls_context *forgetful = context_new((struct tw_tls_options){
        .server = true, .cert_file = test_leaf_file(), .no_sessions = true });

    visit(none, server, "a.test", "a");
    ck_assert(!visit(none, server, "a.test", "a"));
    visit(context, forgetful, "a.test", "a");
    ck_assert(!visit(context, forgetful, "a.test", "a"));
    tw_tls_context_unref(none);
    tw_tls_context_unref(context);
    tw_tls_context_unref(server);
    tw_tls_context_unref(forgetful);
}
END_TEST

START_TEST(sessions_of_tls_1_2_are_resumed)
{
    SSL_CTX *ctx = raw_context(test_leaf(), NULL);
    tw_tls_context *context = client_context();

    SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    for (int i = 0; i < 3; i++) {
        SSL *ssl = raw_server(ctx);
        struct end client;

        end_open(&client, context, "a.test", "a");
        shake_raw(&client, ssl);
        ck_assert(twi_tls_handshaken(client.tls));
        ck_assert_str_eq(twi_tls_version(client.tls), "TLSv1.2");
        ck_assert_int_eq(twi_tls_resumed(client.tls), i > 0);
        end_close(&client);
        SSL_free(ssl);
    }
    SSL_CTX_free(ctx);
    tw_tls_context_unref(context);
}
END_TEST

/* --- ciphers ------------------------------------------------------------------------------- */

static const struct {
    const char *cipher; /* of TLS 1.2, the only one that the peer has */
    bool taken;
} ciphers[] = {
    { "ECDHE-RSA-AES128-GCM-SHA256", true },
    { "ECDHE-RSA-AES256-GCM-SHA384", true },
    { "ECDHE-RSA-CHACHA20-POLY1305", true },
    { "ECDHE-RSA-AES128-SHA256", false },
    { "ECDHE-RSA-AES256-SHA384", false },
    { "ECDHE-RSA-AES128-SHA", false },
    { "AES128-GCM-SHA256", false },
    { "AES256-SHA256", false },
    { "AES128-SHA", false },
    { "DHE-RSA-AES128-GCM-SHA256", false },
    { "AECDH-AES128-SHA", false },
};

static struct identity rsa_leaf(void)
{
    return certificate_make(
        &(struct certificate_wish){ .san = "DNS:a.test", .rsa_bits = 2048 }, NULL);
}

static void offer_only(SSL_CTX *ctx, const char *cipher)
{
    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_dh_auto(ctx, 1);
    ck_assert_int_eq(SSL_CTX_set_cipher_list(ctx, cipher), 1);
}

START_TEST(a_client_takes_forward_secrecy_and_aead_only)
{
    struct identity leaf = rsa_leaf();
    SSL_CTX *ctx = raw_context(&leaf, NULL);
    tw_tls_context *context = context_new((struct tw_tls_options){ .no_verify = true });
    struct end client;
    SSL *ssl;

    offer_only(ctx, ciphers[_i].cipher);
    ssl = raw_server(ctx);
    end_open(&client, context, "a.test", NULL);
    shake_raw(&client, ssl);
    ck_assert_msg(twi_tls_handshaken(client.tls) == ciphers[_i].taken, "%s",
                  ciphers[_i].cipher);
    end_close(&client);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    tw_tls_context_unref(context);
    identity_free(&leaf);
}
END_TEST

START_TEST(a_server_takes_forward_secrecy_and_aead_only)
{
    struct identity leaf = rsa_leaf();
    const char *file = certificate_write("rsa", &leaf, leaf.certificate, NULL);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    tw_tls_context *context = context_new(
        (struct tw_tls_options){ .server = true, .cert_file = file });
    struct end server;
    SSL *ssl;

    offer_only(ctx, ciphers[_i].cipher);
    ssl = raw_server(ctx);
    SSL_set_connect_state(ssl);
    end_open(&server, context, NULL, NULL);
    SSL_do_handshake(ssl);
    ERR_clear_error();
    while (from_raw(ssl, &server) > 0 || server.out.length > 0) {
        to_raw(&server, ssl);
        SSL_do_handshake(ssl);
        ERR_clear_error();
    }
    ck_assert_msg(twi_tls_handshaken(server.tls) == ciphers[_i].taken, "%s",
                  ciphers[_i].cipher);
    end_close(&server);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    tw_tls_context_unref(context);
    identity_free(&leaf);
}
END_TEST

START_TEST(the_sessions_kept_are_bounded)
{
    tw_tls_context *context = client_context(), *server = server_context();
    int64_t before, grown;
    char key[32];

    for (int i = 0; i < 520; i++) {
        snprintf(key, sizeof key, "key %d", i);
        visit(context, server, "a.test", key);
    }
    before = test_allocs_living();
    for (int i = 520; i < 600; i++) {
        snprintf(key, sizeof key, "key %d", i);
        visit(context, server, "a.test", key);
    }
    grown = test_allocs_living() - before;
    ck_assert_int_lt(grown, 40);
    ck_assert(!visit(context, server, "a.test", "key 0"));
    ck_assert(visit(context, server, "a.test", "key 599"));
    tw_tls_context_unref(context);
    tw_tls_context_unref(server);
}
END_TEST

/* --- no memory ----------------------------------------------------------------------------- */

static bool exchange(void *arg)
{
    tw_tls_context **contexts = arg;
    struct end client = { 0 }, other = { 0 };
    struct twi_tls_peer peer = { "a.test", NULL };
    bool done = false;
    char byte;

    if (twi_tls_new(contexts[0], &peer, &client.tls) == 0 &&
        twi_tls_new(contexts[1], &peer, &other.tls) == 0) {
        twi_tls_plug(client.tls, &client.out);
        twi_tls_plug(other.tls, &other.out);
        shake(&client, &other, 0);
        if (twi_tls_handshaken(client.tls) && twi_tls_write(client.tls, "x", 1) == 1) {
            carry(&client, &other, 0);
            done = twi_tls_handshaken(other.tls) && twi_tls_read(other.tls, &byte, 1) == 1;
        }
    }
    end_close(&client);
    end_close(&other);
    return done;
}

START_TEST(running_out_of_memory_is_survived)
{
    tw_tls_context *contexts[2] = { client_context(), server_context() };

    ck_assert(exchange(contexts));
    test_each_alloc_failure(exchange, contexts);
    tw_tls_context_unref(contexts[0]);
    tw_tls_context_unref(contexts[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls engine");

    test_spare_openssl();
    TEST_ADD_ROWS(suite, bytes_arrive_however_they_are_cut, pieces);
    TEST_ADD(suite, the_end_is_told_and_not_taken_for_a_cut);
    TEST_ADD(suite, damaged_records_fail_the_connection);
    TEST_ADD(suite, a_client_that_renegotiates_is_not_served);
    TEST_ADD_ROWS(suite, a_protocol_is_agreed_on, alpn);
    TEST_ADD(suite, sessions_are_resumed_under_the_same_key_only);
    TEST_ADD(suite, a_ticket_is_used_once);
    TEST_ADD(suite, without_sessions_nothing_is_resumed);
    TEST_ADD(suite, sessions_of_tls_1_2_are_resumed);
    TEST_ADD_ROWS(suite, a_client_takes_forward_secrecy_and_aead_only, ciphers);
    TEST_ADD_ROWS(suite, a_server_takes_forward_secrecy_and_aead_only, ciphers);
    TEST_ADD(suite, the_sessions_kept_are_bounded);
    TEST_ADD(suite, running_out_of_memory_is_survived);
    return test_run(suite);
}
