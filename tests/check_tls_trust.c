/* SPDX-License-Identifier: MIT */
/*
 * check_tls_trust.c - the trust of clients, the demands of servers, and the certificates that
 * are refused.
 */
#include "config.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "tests/certificates.h"
#include "tests/test.h"
#include "tests/tls_ends.h"

/* --- whom a client trusts ------------------------------------------------------------------ */

static const struct trust_row {
    const char *when, *name;
    struct certificate_wish leaf, intermediate;
    const char *text; /* in the failure; NULL: accepted */
    bool no_chain, stranger, alone;
} trust[] = {
    { "a name", "a.test", .leaf = { .san = "DNS:a.test" } },
    { "a name in capitals, with a dot", "A.TEST.", .leaf = { .san = "DNS:a.test" } },
    { "one of several names", "b.test", .leaf = { .san = "DNS:a.test,DNS:b.test" } },
    { "a wildcard", "x.wild.test", .leaf = { .san = "DNS:*.wild.test" } },
    { "an IDNA name",
      "b\xc3\xbc"
      "cher.test",
      .leaf = { .san = "DNS:xn--bcher-kva.test" } },
    { "an IPv4 address", "127.0.0.1", .leaf = { .san = "IP:127.0.0.1" } },
    { "an IPv6 address", "::1", .leaf = { .san = "IP:::1" } },
    { "an IPv6 address in brackets", "[::1]", .leaf = { .san = "IP:::1" } },
    { "an intermediate", "a.test", .leaf = { .san = "DNS:a.test" },
      .intermediate = { .constraints = "critical,CA:TRUE" } },
    { "RSA 2048", "a.test", .leaf = { .san = "DNS:a.test", .rsa_bits = 2048 } },
    { "within name constraints", "a.test", .leaf = { .san = "DNS:a.test" },
      .intermediate = { .constraints = "critical,CA:TRUE", .names = "permitted;DNS:a.test" } },

    { "another name", "b.test", .leaf = { .san = "DNS:a.test" }, .text = "hostname mismatch" },
    { "below the name", "x.a.test", .leaf = { .san = "DNS:a.test" },
      .text = "hostname mismatch" },
    { "a wildcard is one label", "x.y.wild.test", .leaf = { .san = "DNS:*.wild.test" },
      .text = "hostname mismatch" },
    { "a wildcard is not the parent", "wild.test", .leaf = { .san = "DNS:*.wild.test" },
      .text = "hostname mismatch" },
    { "part of a label as wildcard", "fox.test.test", .leaf = { .san = "DNS:f*.test.test" },
      .text = "hostname mismatch" },
    { "a wildcard for a top level", "a.test", .leaf = { .san = "DNS:*.test" },
      .text = "hostname mismatch" },
    { "the name in CN only", "a.test", .leaf = { .cn = "a.test" },
      .text = "hostname mismatch" },
    { "the name in CN beside others", "a.test",
      .leaf = { .cn = "a.test", .san = "DNS:b.test" }, .text = "hostname mismatch" },
    { "NUL in the name", "a.test", .leaf = { .san = "NUL" }, .text = "hostname mismatch" },
    { "an address as a DNS name", "127.0.0.1", .leaf = { .san = "DNS:127.0.0.1" },
      .text = "IP address mismatch" },
    { "an address in CN", "127.0.0.1", .leaf = { .cn = "127.0.0.1" },
      .text = "IP address mismatch" },
    { "another address", "127.0.0.2", .leaf = { .san = "IP:127.0.0.1" },
      .text = "IP address mismatch" },
    { "expired", "a.test", .leaf = { .san = "DNS:a.test", .from_days = -3, .to_days = -1 },
      .text = "certificate has expired" },
    { "not yet valid", "a.test", .leaf = { .san = "DNS:a.test", .from_days = 1, .to_days = 3 },
      .text = "certificate is not yet valid" },
    { "an intermediate expired", "a.test", .leaf = { .san = "DNS:a.test" },
      .intermediate = { .constraints = "critical,CA:TRUE", .from_days = -3, .to_days = -1 },
      .text = "certificate has expired" },
    { "issued by nobody known", "a.test", .leaf = { .san = "DNS:a.test" }, .stranger = true,
      .text = "unable to get local issuer certificate" },
    { "issued by itself", "a.test", .leaf = { .san = "DNS:a.test" }, .alone = true,
      .text = "self-signed certificate" },
    { "the intermediate is missing", "a.test", .leaf = { .san = "DNS:a.test" },
      .intermediate = { .constraints = "critical,CA:TRUE" }, .no_chain = true,
      .text = "unable to get local issuer certificate" },
    { "issued by a leaf", "a.test", .leaf = { .san = "DNS:a.test" },
      .intermediate = { .constraints = "critical,CA:FALSE" },
      .text = "invalid CA certificate" },
    { "for clients only", "a.test", .leaf = { .san = "DNS:a.test", .usage = "clientAuth" },
      .text = "unsuitable certificate purpose" },
    { "against name constraints", "a.test", .leaf = { .san = "DNS:a.test" },
      .intermediate = { .constraints = "critical,CA:TRUE", .names = "permitted;DNS:b.test" },
      .text = "permitted subtree violation" },
    { "an excluded name", "a.test", .leaf = { .san = "DNS:a.test" },
      .intermediate = { .constraints = "critical,CA:TRUE", .names = "excluded;DNS:a.test" },
      .text = "excluded subtree violation" },
    { "RSA 1024", "a.test", .leaf = { .san = "DNS:a.test", .rsa_bits = 1024 },
      .text = "key too weak" },
    { "SHA-1", "a.test", .leaf = { .san = "DNS:a.test" },
      .intermediate = { .constraints = "critical,CA:TRUE", .digest = "SHA1" },
      .text = "too weak" },
};

static struct identity issue(const struct trust_row *row, struct identity *intermediate)
{
    static struct identity stranger;

    if (row->alone)
        return certificate_make(&row->leaf, NULL);
    if (row->stranger && stranger.key == NULL)
        stranger = certificate_make(
            &(struct certificate_wish){ .cn = "Stranger", .constraints = "critical,CA:TRUE" },
            NULL);
    if (row->stranger)
        return certificate_make(&row->leaf, &stranger);
    if (row->intermediate.constraints == NULL)
        return certificate_make(&row->leaf, test_ca());
    *intermediate = certificate_make(&row->intermediate, test_ca());
    return certificate_make(&row->leaf, intermediate);
}

START_TEST(a_peer_is_who_it_says)
{
    const struct trust_row *row = &trust[_i];
    struct identity intermediate = { 0 }, leaf = issue(row, &intermediate);
    SSL_CTX *ctx = raw_context(&leaf, row->no_chain ? NULL : intermediate.certificate);
    tw_tls_context *context = client_context();
    SSL *ssl = raw_server(ctx);
    struct end client;

    end_open(&client, context, row->name, NULL);
    shake_raw(&client, ssl);
    ck_assert_msg(twi_tls_handshaken(client.tls) == (row->text == NULL), "%s", row->when);
    if (row->text != NULL) {
        tw_value failure = twi_tls_failure(client.tls);
        const char *message = tw_failure_message(failure);

        ck_assert_msg(tw_failure_is(failure, &tw_error_tls), "%s", row->when);
        ck_assert_msg(strstr(message, row->text) != NULL, "%s: %s", row->when, message);
        ck_assert_msg(strstr(message, row->name) != NULL, "%s: %s", row->when, message);
        ck_assert_str_eq(tw_failure_word(failure), "tls");
        ck_assert_int_eq(twi_tls_write(client.tls, "GET", 3), -EPROTO);
        tw_release(failure);
    }
    end_close(&client);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    tw_tls_context_unref(context);
    identity_free(&leaf);
    identity_free(&intermediate);
}
END_TEST

START_TEST(without_verification_anybody_is_taken)
{
    struct identity leaf = certificate_make(&(struct certificate_wish){ .san = "DNS:b.test" },
                                            NULL);
    SSL_CTX *ctx = raw_context(&leaf, NULL);
    tw_tls_context *context = context_new((struct tw_tls_options){ .no_verify = true });
    SSL *ssl = raw_server(ctx);
    struct end client;

    end_open(&client, context, "a.test", NULL);
    shake_raw(&client, ssl);
    ck_assert(twi_tls_handshaken(client.tls));
    ck_assert_str_eq(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name), "a.test");
    end_close(&client);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    tw_tls_context_unref(context);
    identity_free(&leaf);
}
END_TEST

START_TEST(an_address_is_not_sent_as_a_name)
{
    SSL_CTX *ctx = raw_context(test_leaf(), NULL);
    tw_tls_context *context = client_context();
    SSL *ssl = raw_server(ctx);
    struct end client;

    end_open(&client, context, "127.0.0.1", NULL);
    shake_raw(&client, ssl);
    ck_assert(twi_tls_handshaken(client.tls));
    ck_assert_ptr_null(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
    end_close(&client);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    tw_tls_context_unref(context);
}
END_TEST

START_TEST(a_verifying_client_needs_a_name)
{
    tw_tls_context *context = client_context();
    struct twi_tls_peer peers[] = {
        { NULL, NULL }, { "", NULL }, { "a test", NULL }, { "a..test", NULL }
    };
    struct twi_tls *tls;

    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(twi_tls_new(context, &peers[i], &tls), -EINVAL);
    tw_tls_context_unref(context);
}
END_TEST

static const struct {
    const char *when;
    int min, max;
    const char *ciphers;
    bool accepted;
} protocols[] = {
    { "TLS 1.3", TLS1_3_VERSION, TLS1_3_VERSION, NULL, true },
    { "TLS 1.2", TLS1_2_VERSION, TLS1_2_VERSION, NULL, true },
    { "TLS 1.1", TLS1_1_VERSION, TLS1_1_VERSION, NULL, false },
    { "TLS 1.0", TLS1_VERSION, TLS1_VERSION, NULL, false },
    { "no encryption", TLS1_2_VERSION, TLS1_2_VERSION, "eNULL", false },
    { "nobody's", TLS1_2_VERSION, TLS1_2_VERSION, "aNULL", false },
    { "3DES", TLS1_2_VERSION, TLS1_2_VERSION, "3DES", false },
};

START_TEST(old_and_weak_protocols_are_refused)
{
    SSL_CTX *ctx = raw_context(test_leaf(), NULL);
    tw_tls_context *context = client_context();
    struct end client;
    SSL *ssl;

    SSL_CTX_set_min_proto_version(ctx, protocols[_i].min);
    SSL_CTX_set_max_proto_version(ctx, protocols[_i].max);
    if (protocols[_i].ciphers != NULL)
        SSL_CTX_set_cipher_list(ctx, protocols[_i].ciphers);
    ERR_clear_error();
    ssl = raw_server(ctx);
    end_open(&client, context, "a.test", NULL);
    shake_raw(&client, ssl);
    ck_assert_msg(twi_tls_handshaken(client.tls) == protocols[_i].accepted, "%s",
                  protocols[_i].when);
    end_close(&client);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    tw_tls_context_unref(context);
}
END_TEST

START_TEST(what_is_no_tls_is_a_failure)
{
    static const char reply[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    tw_tls_context *context = client_context();
    struct end client;
    tw_value failure;

    end_open(&client, context, "a.test", NULL);
    twi_tls_handshake(client.tls);
    twi_tls_feed(client.tls, reply, sizeof reply - 1);
    ck_assert_int_eq(twi_tls_handshake(client.tls), -EPROTO);
    ck_assert_int_eq(twi_tls_handshake(client.tls), -EPROTO);
    failure = twi_tls_failure(client.tls);
    ck_assert_ptr_nonnull(strstr(tw_failure_message(failure), "wrong version number"));
    tw_release(failure);
    end_close(&client);
    tw_tls_context_unref(context);
}
END_TEST

START_TEST(a_fault_on_one_connection_does_not_fail_another)
{
    tw_tls_context *context = client_context(), *server = server_context();
    struct end good, other, bad;
    char byte;

    end_open(&good, context, "a.test", NULL);
    end_open(&other, server, NULL, NULL);
    shake(&good, &other, 0);
    end_open(&bad, context, "a.test", NULL);
    twi_tls_handshake(bad.tls);
    twi_tls_feed(bad.tls, "not TLS at all", 14);
    ck_assert_int_eq(twi_tls_handshake(bad.tls), -EPROTO);
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_DATA); /* somebody else's */
    ck_assert_int_eq(twi_tls_read(good.tls, &byte, 1), 0);
    ck_assert_int_eq(twi_tls_write(good.tls, "x", 1), 1);
    end_close(&good);
    end_close(&other);
    end_close(&bad);
    tw_tls_context_unref(context);
    tw_tls_context_unref(server);
}
END_TEST

/* --- files --------------------------------------------------------------------------------- */

START_TEST(a_revoked_certificate_is_refused)
{
    const char *lists[] = { certificate_write_crl("crl_empty", test_ca(), NULL),
                            certificate_write_crl("crl", test_ca(),
                                                  test_leaf()->certificate) };

    for (int i = 0; i < 2; i++) {
        tw_tls_context *context = context_new(
            (struct tw_tls_options){ .ca_file = test_ca_file(), .crl_file = lists[i] });
        tw_tls_context *server = server_context();
        struct end client, other;

        end_open(&client, context, "a.test", NULL);
        end_open(&other, server, NULL, NULL);
        shake(&client, &other, 0);
        ck_assert_int_eq(twi_tls_handshaken(client.tls), i == 0);
        if (i == 1) {
            tw_value failure = twi_tls_failure(client.tls);
            ck_assert_ptr_nonnull(strstr(tw_failure_message(failure), "certificate revoked"));
            tw_release(failure);
        }
        end_close(&client);
        end_close(&other);
        tw_tls_context_unref(context);
        tw_tls_context_unref(server);
    }
}
END_TEST

static const struct {
    const char *when;
    struct tw_tls_options options;
    const char *text;
} bad_options[] = {
    { "no such CA", { .ca_file = "/nonexistent/ca.pem" }, "CA file /nonexistent/ca.pem" },
    { "no such list", { .crl_file = "/nonexistent/crl.pem" }, "/nonexistent/crl.pem" },
    { "a server without a certificate", { .server = true }, "needs a certificate" },
    { "no such certificate",
      { .server = true, .cert_file = "/nonexistent/c.pem" },
      "certificate /nonexistent/c.pem" },
    { "no certificate in it",
      { .server = true, .cert_file = "/dev/null" },
      "certificate /dev/null" },
    { "an empty protocol", { .alpn = "h2,,http/1.1" }, "h2,,http/1.1" },
    { "a server that verifies by nothing", { .server = true, .verify_client = true }, "CA" },
};

START_TEST(bad_options_are_a_failure_that_names_them)
{
    tw_tls_context *context = NULL;
    tw_value failure = tw_tls_context_new(&bad_options[_i].options, &context);

    ck_assert_msg(tw_failure_is(failure, &tw_error_tls), "%s", bad_options[_i].when);
    ck_assert_msg(strstr(tw_failure_message(failure), bad_options[_i].text) != NULL, "%s: %s",
                  bad_options[_i].when, tw_failure_message(failure));
    ck_assert_ptr_null(context);
    tw_release(failure);
}
END_TEST

START_TEST(a_key_must_fit_its_certificate)
{
    struct identity other = certificate_make(&(struct certificate_wish){ 0 }, NULL);
    const char *path = certificate_write("other", &other, other.certificate, NULL);
    tw_tls_context *context = NULL;
    tw_value failure = tw_tls_context_new(
        &(struct tw_tls_options){
            .server = true, .cert_file = test_leaf_file(), .key_file = path },
        &context);

    ck_assert(tw_failure_is(failure, &tw_error_tls));
    ck_assert_ptr_nonnull(strstr(tw_failure_message(failure), path));
    tw_release(failure);
    identity_free(&other);
}
END_TEST

START_TEST(weak_keys_are_not_loaded)
{
    struct identity weak = certificate_make(&(struct certificate_wish){ .rsa_bits = 1024 },
                                            NULL);
    const char *path = certificate_write("weak", &weak, weak.certificate, NULL);
    tw_tls_context *context = NULL;
    tw_value failure = tw_tls_context_new(
        &(struct tw_tls_options){ .server = true, .cert_file = path }, &context);

    ck_assert(tw_failure_is(failure, &tw_error_tls));
    ck_assert_ptr_nonnull(strstr(tw_failure_message(failure), "too small"));
    tw_release(failure);
    identity_free(&weak);
}
END_TEST

START_TEST(the_systems_trust_does_not_know_us)
{
    tw_tls_context *context = context_new((struct tw_tls_options){ 0 });
    tw_tls_context *again = context_new((struct tw_tls_options){ 0 });
    tw_tls_context *server = server_context();
    struct end client, other;

    end_open(&client, context, "a.test", NULL);
    end_open(&other, server, NULL, NULL);
    shake(&client, &other, 0);
    ck_assert(!twi_tls_handshaken(client.tls));
    end_close(&client);
    end_close(&other);
    tw_tls_context_unref(context);
    tw_tls_context_unref(again);
    tw_tls_context_unref(server);
}
END_TEST

/* --- clients' certificates ----------------------------------------------------------------- */

START_TEST(a_server_may_demand_certificates)
{
    struct identity mine = certificate_make(
        &(struct certificate_wish){ .cn = "client", .usage = "clientAuth" }, test_ca());
    const char *path = certificate_write("client", &mine, mine.certificate, NULL);
    tw_tls_context *server = context_new(
        (struct tw_tls_options){ .server = true,
                                 .cert_file = test_leaf_file(),
                                 .verify_client = true,
                                 .ca_file = test_ca_file() });

    for (int with = 0; with < 2; with++) {
        tw_tls_context *context = context_new((struct tw_tls_options){
            .ca_file = test_ca_file(), .cert_file = with ? path : NULL });
        struct end client, other;

        end_open(&client, context, "a.test", NULL);
        end_open(&other, server, NULL, NULL);
        shake(&client, &other, 0);
        ck_assert_int_eq(twi_tls_handshaken(other.tls), with);
        if (!with) {
            char byte;
            tw_value failure = twi_tls_failure(other.tls);

            ck_assert_ptr_nonnull(
                strstr(tw_failure_message(failure), "peer did not return a certificate"));
            tw_release(failure);
            ck_assert_int_eq(twi_tls_read(client.tls, &byte, 1), -EPROTO);
        }
        end_close(&client);
        end_close(&other);
        tw_tls_context_unref(context);
    }
    tw_tls_context_unref(server);
    identity_free(&mine);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls trust");

    test_spare_openssl();

    TEST_ADD_ROWS(suite, a_peer_is_who_it_says, trust);
    TEST_ADD(suite, without_verification_anybody_is_taken);
    TEST_ADD(suite, an_address_is_not_sent_as_a_name);
    TEST_ADD(suite, a_verifying_client_needs_a_name);
    TEST_ADD_ROWS(suite, old_and_weak_protocols_are_refused, protocols);
    TEST_ADD(suite, what_is_no_tls_is_a_failure);
    TEST_ADD(suite, a_fault_on_one_connection_does_not_fail_another);
    TEST_ADD(suite, a_revoked_certificate_is_refused);
    TEST_ADD_ROWS(suite, bad_options_are_a_failure_that_names_them, bad_options);
    TEST_ADD(suite, a_key_must_fit_its_certificate);
    TEST_ADD(suite, weak_keys_are_not_loaded);
    TEST_ADD(suite, the_systems_trust_does_not_know_us);
    TEST_ADD(suite, a_server_may_demand_certificates);
    return test_run(suite);
}
