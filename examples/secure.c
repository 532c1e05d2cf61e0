/* SPDX-License-Identifier: MIT */
/* ./secure CERTIFICATE KEY - TLS: a server with a certificate, a client that trusts it, and one
 * that trusts the system's authorities only and so refuses it. */
#include <stdio.h>

#include <tweed/tweed.h>

static tw_value echo(tw_stream *stream, void *arg)
{
    tw_value line = tw_await(tw_stream_read_line(stream));

    (void)arg;
    if (tw_is(line, &tw_type_bytes))
        tw_stream_write_format(stream, "you said: %s\n", tw_bytes_data(line));
    return line;
}

static tw_value serve(const char *certificate, const char *key, tw_stream_server **ret_server)
{
    struct tw_tls_options ours = { .server = true, .cert_file = certificate, .key_file = key };
    struct tw_stream_server_options options = { 0 };
    tw_value failure = tw_tls_context_new(&ours, &options.listen.tls);

    if (tw_is_none(failure))
        tw_start_server(&options, echo, NULL, ret_server, &failure);
    tw_tls_context_unref(options.listen.tls); /* the server has its own reference */
    return failure;
}

static tw_value ask(unsigned port, tw_tls_context *context)
{
    struct tw_connect_options options = { .tls = context, .server_name = "localhost" };
    tw_value opened = tw_await(tw_open_connection("127.0.0.1", port, &options));
    tw_stream *stream = tw_stream_of(opened);

    if (stream == NULL)
        return opened; /* the failure */
    printf("connected by %s\n", tw_transport_tls_version(tw_stream_transport(stream)));
    tw_stream_write_text(stream, "hello\n");
    return tw_await(tw_stream_read_line(stream));
}

static tw_value talk(void *arg)
{
    char **argv = arg;
    tw_stream_server *server;
    tw_tls_context *trusting, *usual;
    tw_value failure = serve(argv[1], argv[2], &server);
    unsigned port;

    if (tw_is_none(failure))
        failure = tw_tls_client_context(argv[1], NULL, false, &trusting);
    if (tw_is_none(failure))
        failure = tw_tls_client_context(NULL, NULL, false, &usual);
    if (tw_is_failure(failure))
        return failure;
    port = tw_listener_port(tw_stream_server_listener(server));
    puts(tw_bytes_data(ask(port, trusting)));
    printf("with the usual trust: %s\n", tw_failure_word(ask(port, usual)));
    return tw_wait(tw_stream_server_stop(server, TW_CANCEL_HANDLERS));
}

static tw_deferred *start(void *argv)
{
    return tw_inline_callbacks(talk, argv);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s CERTIFICATE KEY\n", argv[0]);
        return 2;
    }
    return tw_react(start, argv);
}
