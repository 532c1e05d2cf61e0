/* SPDX-License-Identifier: MIT */
/*
 * check_tls_memory.c - TLS with each allocation failing, OpenSSL's own included.
 *
 * What OpenSSL makes once and keeps for good cannot be told from a leak by counting; so everything
 * is gone through twice, and only the second time nothing may be left.
 */
#include "config.h"

#include <string.h>

#include "tests/certificates.h"
#include "tests/test.h"
#include "tests/tls_ends.h"
#include "tests/torture.h"

static bool talk(tw_tls_context *client_context_, tw_tls_context *server_context_)
{
    struct end client = { 0 }, other = { 0 };
    struct twi_tls_peer peer = { "a.test", "key" };
    bool done = false;
    char byte;

    if (twi_tls_new(client_context_, &peer, &client.tls) == 0 &&
        twi_tls_new(server_context_, &peer, &other.tls) == 0) {
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

/* From the making of the contexts to the first byte. */
static bool everything(void)
{
    static const struct tw_tls_options empty;
    struct tw_tls_options client = empty, server = empty;
    tw_tls_context *contexts[2] = { NULL, NULL };
    bool done = false;

    client.ca_file = test_ca_file();
    server.server = true;
    server.cert_file = test_leaf_file();
    tw_release(tw_tls_context_new(&client, &contexts[0]));
    tw_release(tw_tls_context_new(&server, &contexts[1]));
    if (contexts[0] != NULL && contexts[1] != NULL)
        done = talk(contexts[0], contexts[1]) && talk(contexts[0], contexts[1]);
    tw_tls_context_unref(contexts[0]);
    tw_tls_context_unref(contexts[1]);
    return done;
}

/* Every `step`-th allocation fails in turn; how many more allocations live afterwards. */
static int64_t sweep(uint64_t step, bool all)
{
    int64_t before = test_allocs_living();

    for (uint64_t n = 1;; n += step) {
        bool done, failed;

        test_fail_alloc(n, all);
        done = everything();
        failed = test_alloc_failed();
        test_fail_alloc(0, false);
        if (!failed) {
            ck_assert(done);
            break;
        }
    }
    return test_allocs_living() - before;
}

START_TEST(openssl_survives_too)
{
    if (torture_running())
        return; /* this is a torture of its own, that knows what OpenSSL keeps */
    ck_assert(everything());
    for (int all = 0; all < 2; all++) {
        sweep(41, all);
        ck_assert_int_eq(sweep(41, all), 0);
    }
    ck_assert(everything());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls memory");
    tw_tls_context *context = NULL;

    /* OpenSSL takes the allocator with tweed's first use of it, if nobody has used it before. */
    tw_release(tw_tls_context_new(&(struct tw_tls_options){ .no_verify = true }, &context));
    tw_tls_context_unref(context);
    TEST_ADD(suite, openssl_survives_too);
    return test_run(suite);
}
