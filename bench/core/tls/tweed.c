/* SPDX-License-Identifier: MIT */
/* TLS of tweed, in the cases of tls.h: both ends in one reactor, over a UNIX socket, through the
 * public interface. */
#include "../tools/bench.h"

#include <malloc.h>

#include <tweed/reactor.h>
#include <tweed/tcp.h>

struct end {
    tw_protocol protocol;
};

static struct {
    tw_transport *client, *server; /* of the connection made last */
    size_t got;
} last;

static void server_made(tw_protocol *protocol)
{
    last.server = protocol->transport;
}

static void server_received(tw_protocol *protocol, const char *data, size_t length)
{
    (void)protocol, (void)data;
    last.got += length;
}

static const tw_protocol_class server_class = {
    .name = "server",
    .size = sizeof(struct end),
    .connection_made = server_made,
    .data_received = server_received,
};

static const tw_protocol_class client_class = { .name = "client", .size = sizeof(struct end) };

static tw_tls_context *clients[2]; /* without and with sessions */
static char address[2][64];        /* of the servers: ECDSA, RSA */
static tw_listener *listeners[2];

static void must(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s failed\n", what);
    exit(1);
}

static tw_tls_context *context(const struct tw_tls_options *options)
{
    tw_tls_context *made = NULL;
    tw_value failure = tw_tls_context_new(options, &made);

    must(made != NULL, tw_is_failure(failure) ? tw_failure_message(failure) : "a context");
    return made;
}

static void serve(int which, const char *name)
{
    tw_factory *factory = tw_factory_of(&server_class, NULL);
    struct tw_listen_options options = { .address = address[which] };
    const char *dir = getenv("CERTS");
    char cert[512], key[512];

    must(dir != NULL, "$CERTS");
    snprintf(cert, sizeof cert, "%s/%s.crt", dir, name);
    snprintf(key, sizeof key, "%s/%s.key", dir, name);
    snprintf(address[which], sizeof address[which], "unix:/tmp/tweed-bench-%d-%s",
             (int)getpid(), name);
    options.tls = context(
        &(struct tw_tls_options){ .server = true, .cert_file = cert, .key_file = key });
    must(tw_listen(&options, factory, &listeners[which], NULL) == 0, "listening");
    tw_factory_unref(factory);
}

static void begin(void)
{
    clients[0] = context(&(struct tw_tls_options){ .no_verify = true, .no_sessions = true });
    clients[1] = context(&(struct tw_tls_options){ .no_verify = true });
    serve(0, "ec");
    serve(1, "rsa");
}

static void connect_to(int server, bool resume)
{
    struct tw_connect_options options = { .tls = clients[resume], .server_name = "localhost" };
    tw_deferred *done;
    tw_value result;

    last.server = NULL;
    done = tw_connect(address[server], 0, &options, tw_protocol_new(&client_class));
    while (!tw_deferred_called(done))
        tw_reactor_iterate(-1);
    result = tw_deferred_take_result(done);
    must(!tw_is_failure(result), "connecting");
    while (last.server == NULL)
        tw_reactor_iterate(-1);
    last.client = ((tw_protocol *)tw_pointer_of(result))->transport;
    tw_deferred_unref(done);
    tw_reactor_iterate(0); /* takes the tickets in */
}

static void close_both(void)
{
    tw_transport_abort(last.client);
    tw_transport_abort(last.server);
    tw_reactor_iterate(0);
}

static void handshakes(int server, bool resume, long n)
{
    while (n-- > 0) {
        connect_to(server, resume);
        close_both();
    }
}

static void hs_ecdsa(long n)
{
    handshakes(0, false, n);
}

static void hs_rsa(long n)
{
    handshakes(1, false, n);
}

static void hs_resume(long n)
{
    handshakes(0, true, n);
}

static void transfer(size_t length, long n)
{
    static bool connected;
    char *data;
    tw_value block = tw_bytes_new(length, &data);

    memset(data, 'x', length);
    if (!connected)
        connect_to(0, false);
    connected = true;
    while (n-- > 0) {
        last.got = 0;
        tw_transport_write_value(last.client, tw_retain(block));
        while (last.got < length)
            tw_reactor_iterate(-1);
    }
    tw_release(block);
}

static void bulk16k(long n)
{
    transfer(16384, n);
}

static void small64(long n)
{
    transfer(64, n);
}

static double conn_bytes(long n)
{
    long before;

    connect_to(0, false);
    before = (long)mallinfo2().uordblks;
    for (long i = 0; i < n; i++)
        connect_to(0, false);
    return (double)((long)mallinfo2().uordblks - before) / (double)n;
}

int main(int argc, char **argv)
{
    struct bcase cases[] = {
        { "hs_ecdsa", hs_ecdsa, 1500, 0 },
        { "hs_rsa", hs_rsa, 500, 0 },
        { "hs_resume", hs_resume, 1500, 0 },
        { "bulk16k", bulk16k, 20000, 0 },
        { "small64", small64, 100000, 0 },
        { "conn_bytes", 0, 400, conn_bytes },
        { 0 },
    };

    int status;

    begin();
    status = bench_main(argc, argv, cases);
    tw_listener_close(listeners[0]);
    tw_listener_close(listeners[1]);
    return status;
}
