/* SPDX-License-Identifier: MIT */
/*
 * example_server.c - the server that the examples fetch from: ./example_server DIRECTORY
 *
 * Serves the directory's files, "/slow" after a tenth of a second, "/delay/N" after N tenths,
 * "/error" with status 500, and "/echo", which says what it was sent; it says that to a proxy's
 * requests too. Prints its port and ends when its standard input does.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tweed/tweed.h>

static tw_value slow_text(void *arg)
{
    (void)arg;
    return tw_string("slow\n");
}

static tw_value slow(tw_request *request, void *arg)
{
    int tenths = atoi(tw_request_path(request) + strlen(arg));

    return tw_wait(tw_defer_later(NULL, tenths > 0 ? tenths / 10.0 : 0.1, slow_text, NULL));
}

static tw_value fail(tw_request *request, void *arg)
{
    (void)request;
    (void)arg;
    return tw_fail(&tw_error, "as asked");
}

/* Appends a piece of JSON. Texts are those of examples: no quotes or controls in them. */
static size_t say(char *text, size_t size, size_t at, const char *format, const char *a,
                  const char *b)
{
    return at + (size_t)snprintf(text + at, size - at, format, a, b);
}

static size_t say_fields(char *text, size_t size, size_t at, const char *name,
                         const char *encoded, size_t length)
{
    tw_value form = tw_form_decode(encoded, length);

    at = say(text, size, at, ", \"%s\": {%s", name, "");
    for (size_t i = 0; i + 1 < tw_list_length(form) && at < size; i += 2)
        at = say(text, size, at, i > 0 ? ", \"%s\": \"%s\"" : "\"%s\": \"%s\"",
                 tw_bytes_data(tw_list_at(form, i)), tw_bytes_data(tw_list_at(form, i + 1)));
    tw_release(form);
    return say(text, size, at, "}%s%s", "", "");
}

static tw_value echo(tw_request *request, void *arg)
{
    const char *query = tw_request_query(request), *type, *mine, *host;
    tw_value body = tw_request_body(request);
    char text[4000];
    size_t at;

    (void)arg;
    type = tw_request_header(request, "Content-Type");
    mine = tw_request_header(request, "X-Mine");
    host = tw_request_header(request, "Host");
    at = say(text, sizeof text, 0, "{\"method\": \"%s\", \"host\": \"%s\"",
             tw_request_method(request),
             host != NULL && strncmp(host, "127.", 4) != 0 ? host : "here");
    at = say_fields(text, sizeof text, at, "args", query, strlen(query));
    if (type != NULL && strstr(type, "urlencoded") != NULL)
        at = say_fields(text, sizeof text, at, "form", tw_bytes_data(body),
                        tw_bytes_length(body));
    else if (type != NULL && strstr(type, "json") != NULL)
        at = say(text, sizeof text, at, ", \"json\": %s%s", tw_bytes_data(body), "");
    if (mine != NULL)
        at = say(text, sizeof text, at, ", \"x-mine\": \"%s\"%s", mine, "");
    at = say(text, sizeof text, at, "}\n%s%s", "", "");
    tw_request_answer(request, 200, "application/json", tw_bytes(text, at));
    return tw_none();
}

static void read_input(int fd, void *arg)
{
    char buffer[100];

    (void)arg;
    if (read(fd, buffer, sizeof buffer) <= 0)
        tw_reactor_stop();
}

int main(int argc, char **argv)
{
    static char slow_path[] = "/slow", delay_path[] = "/delay/";
    struct tw_listen_options options = { .address = "127.0.0.1" };
    tw_site *site = tw_site_new(NULL);
    tw_listener *listener;

    if (argc != 2 || tw_site_files(site, "/", argv[1]) < 0 ||
        tw_site_handle(site, slow_path, slow, slow_path, NULL) < 0 ||
        tw_site_handle(site, delay_path, slow, delay_path, NULL) < 0 ||
        tw_site_handle(site, "/error", fail, NULL, NULL) < 0 ||
        tw_site_handle(site, "/echo", echo, NULL, NULL) < 0 ||
        tw_site_listen(site, &options, &listener, NULL) < 0)
        return 1;
    printf("%u\n", (unsigned)tw_listener_port(listener));
    fflush(stdout);
    tw_reactor_add_reader(STDIN_FILENO, read_input, NULL);
    return tw_reactor_run() < 0;
}
