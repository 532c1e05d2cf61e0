/* SPDX-License-Identifier: MIT */
/*
 * serve.c - `tweed serve`: a directory, or an echo of every request, over HTTP.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <tweed/tweed.h>

#include "cli/cli.h"
#include "cli/json.h"

#define ECHO_BODY_MAX (1 << 20)
#define UPLOAD_MAX (INT64_C(64) << 20)

struct serve_settings {
    const char *directory, *listen;
    bool echo, hidden, verbose;
};

enum { OPTION_LISTEN, OPTION_ECHO, OPTION_HIDDEN, OPTION_VERBOSE };

static const struct cli_option serve_options[] = {
    { "listen", 'l', OPTION_LISTEN, "ADDR:PORT",
      "listen there (127.0.0.1:8080); port 0 is any free one" },
    { "echo", 0, OPTION_ECHO, NULL, "answer every request with what it was, in JSON" },
    { "hidden", 0, OPTION_HIDDEN, NULL, "serve names that begin with a dot, too" },
    { "verbose", 'v', OPTION_VERBOSE, NULL, "a line on standard error for each request" },
    { NULL, 0, 0, NULL, NULL },
};

static int serve_take_option(const struct cli_option *option, const char *value, bool on,
                             void *arg)
{
    struct serve_settings *settings = arg;

    switch (option->id) {
    case OPTION_LISTEN:
        settings->listen = value;
        break;
    case OPTION_ECHO:
        settings->echo = on;
        break;
    case OPTION_HIDDEN:
        settings->hidden = on;
        break;
    case OPTION_VERBOSE:
        settings->verbose = on;
        break;
    }
    return 0;
}

static int serve_take_operand(const char *text, void *arg)
{
    struct serve_settings *settings = arg;

    if (settings->directory != NULL) {
        cli_complain("serve", "one directory only, not '%s' too", text);
        return -1;
    }
    settings->directory = text;
    return 0;
}

static const struct cli_command serve_command = {
    .name = "serve",
    .usage = "[OPTION...] [DIR]",
    .purpose =
        "Serve the files below DIR (the current directory) over HTTP until interrupted.",
    .options = serve_options,
    .take = serve_take_option,
    .operand = serve_take_operand,
};

/* --- echo --------------------------------------------------------------------------------- */

static void describe_headers(struct cli_text *json, const tw_headers *headers)
{
    const char *name, *value;
    size_t i;

    cli_json_key(json, "headers");
    cli_json_open(json, '[');
    for (i = 0; tw_headers_at(headers, i, &name, &value); i++) {
        cli_json_open(json, '[');
        cli_json_string(json, name);
        cli_json_string(json, value);
        cli_json_close(json, ']');
    }
    cli_json_close(json, ']');
}

static tw_value echo(tw_request *request, void *arg)
{
    tw_value body = tw_request_body(request);
    struct cli_text json = { 0 };
    int status;

    (void)arg;
    cli_json_open(&json, '{');
    cli_json_member(&json, "method", tw_request_method(request));
    cli_json_member(&json, "path", tw_request_target(request));
    describe_headers(&json, tw_request_headers(request));
    cli_json_key(&json, "body_len");
    cli_json_integer(&json, (int64_t)tw_bytes_length(body));
    if (tw_bytes_length(body) <= ECHO_BODY_MAX) {
        cli_json_key(&json, "body");
        cli_json_base64(&json, tw_bytes_data(body), tw_bytes_length(body));
    }
    cli_json_close(&json, '}');
    cli_json_end_line(&json);
    /* 200 to CONNECT would make a tunnel. */
    status = strcmp(tw_request_method(request), "CONNECT") == 0 ? 501 : 200;
    tw_request_answer(request, status, "application/json", tw_bytes(json.data, json.length));
    cli_text_free(&json);
    return tw_none();
}

/* --- the server --------------------------------------------------------------------------- */

/* Time, client, method, target, status, bytes of the body that were sent, and "cut" if the answer
 * did not go out whole. A client cannot write what steers a terminal, or a second line, into it:
 * the name of its socket may have any byte. */
static void request_log(tw_request *request, void *arg)
{
    tw_transport *transport = tw_request_transport(request);
    const char *method = tw_request_method(request), *target = tw_request_target(request);
    struct cli_text line = { 0 };
    char when[40] = "", peer[256] = "-";
    time_t now = time(NULL);
    struct tm local;

    (void)arg;
    if (localtime_r(&now, &local) != NULL)
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S %z", &local);
    if (transport != NULL)
        tw_transport_peer(transport, peer, sizeof peer);
    cli_text_printf(&line, "%s %s %s %s %d %llu%s", when, peer, *method == '\0' ? "-" : method,
                    *target == '\0' ? "-" : target, tw_request_answer_status(request),
                    (unsigned long long)tw_request_answer_bytes(request),
                    tw_request_answer_cut(request) ? " cut" : "");
    cli_make_printable(line.data, line.length);
    for (char *c = line.data; *c != '\0'; c++)
        if (*c == '\n' || *c == '\t')
            *c = '?';
    fprintf(stderr, "%s\n", line.data);
    cli_text_free(&line);
}

/* "ADDR:PORT", "[ADDR]:PORT", ":PORT" or "PORT". */
static int read_listen(const char *text, struct tw_listen_options *options)
{
    const char *colon = strrchr(text, ':'), *port = colon != NULL ? colon + 1 : text;
    size_t length = colon != NULL ? (size_t)(colon - text) : 0;
    int64_t number;

    if (strncmp(text, "unix:", 5) == 0) {
        options->address = text;
        return 0;
    }
    if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    if (length > 0)
        options->address = cli_keep(text, length);
    if (!cli_read_integer(port, 0, 65535, &number))
        return -EINVAL;
    options->port = (unsigned)number;
    return 0;
}

static int check_directory(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return -errno;
    return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
}

/* Requests for no path, too. 0 or negative errno. */
static int add_echo(tw_site *site)
{
    static const char *const paths[] = { "/", "*", "" };
    int r = 0;

    for (size_t i = 0; i < sizeof paths / sizeof paths[0] && r == 0; i++)
        r = tw_site_handle(site, paths[i], echo, NULL, NULL);
    return r;
}

static int add_files(tw_site *site, const struct serve_settings *settings)
{
    struct tw_files_options options = { .hidden = settings->hidden };

    return tw_site_files_with(site, "/", settings->directory, &options);
}

static tw_site *make_site(const struct serve_settings *settings)
{
    struct tw_site_options options = { 0 };
    tw_site *site;
    int r;

    if (settings->echo)
        options.max_body = UPLOAD_MAX;
    options.on_finished = settings->verbose ? request_log : NULL;
    r = settings->echo ? 0 : check_directory(settings->directory);
    site = r == 0 ? tw_site_new(&options) : NULL;
    if (r == 0 && site == NULL)
        r = -ENOMEM;
    if (r == 0)
        r = settings->echo ? add_echo(site) : add_files(site, settings);
    if (r == 0)
        return site;
    cli_complain("serve", "%s: %s", settings->echo ? "--echo" : settings->directory,
                 strerror(-r));
    tw_site_unref(site);
    return NULL;
}

/* Say where, on standard output, so that a script can read the port. */
static int announce(const struct serve_settings *settings, tw_listener *listener)
{
    struct cli_text text = { 0 };
    char address[256] = "";
    int status;

    tw_listener_address(listener, address, sizeof address);
    cli_text_printf(&text, "tweed serve: %s at %s%s%s\n",
                    settings->echo ? "echo" : settings->directory,
                    strncmp(address, "unix:", 5) == 0 ? "" : "http://", address,
                    strncmp(address, "unix:", 5) == 0 ? "" : "/");
    status = cli_print("serve", &text);
    cli_text_free(&text);
    return status;
}

static int serve_run(const struct serve_settings *settings, tw_site *site)
{
    struct tw_listen_options options = { .port = 8080 };
    tw_listener *listener;
    tw_value failure;
    int status, r;

    if (settings->listen != NULL && read_listen(settings->listen, &options) < 0) {
        cli_complain("serve", "%s: not an address and port to listen on", settings->listen);
        return CLI_FAILED;
    }
    if (tw_site_listen(site, &options, &listener, &failure) < 0) {
        cli_complain("serve", "%s", tw_failure_message(failure));
        tw_release(failure);
        return CLI_FAILED;
    }
    status = announce(settings, listener);
    if (status == CLI_OK) {
        r = tw_reactor_run();
        if (r < 0)
            cli_complain("serve", "%s", strerror(-r));
        status = r < 0 ? CLI_FAILED : CLI_OK;
    }
    tw_listener_close(listener);
    return status;
}

int cli_serve(int argc, char **argv)
{
    struct serve_settings settings = { 0 };
    enum cli_verdict verdict = cli_parse(&serve_command, argc, argv, &settings);
    int status = cli_status_of(verdict);
    struct rlimit limit;
    tw_site *site;

    if (verdict != CLI_RUN)
        return status;
    if (settings.echo && (settings.directory != NULL || settings.hidden)) {
        cli_complain("serve", "--echo serves no directory; see 'tweed serve --help'");
        return CLI_USAGE;
    }
    if (settings.directory == NULL)
        settings.directory = ".";
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    site = make_site(&settings);
    status = site != NULL ? serve_run(&settings, site) : CLI_FAILED;
    tw_site_unref(site);
    tw_reactor_uninstall();
    return status;
}
