/* SPDX-License-Identifier: MIT */
/*
 * cli_server.c - a server with every kind of answer, for the tests of the command.
 *
 * Says its port on standard output. /status/N answers N, /hop/N redirects N times, /flaky fails
 * twice and then works, /cookie/set and /cookie/show, /part breaks off, /never does not answer,
 * /late waits for /go, /big/N is N bytes, /half/N is the first half of N bytes and no more, /file/X
 * is its own path. /after/X asks at first to come back after X, "date" for a time in two seconds.
 * /away leads to another scheme. /kept/N may be kept for N seconds, and says how often it was made.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tweed/tweed.h>

static int flaky_count;
static tw_request *late;
static bool gone; /* /go came first: over another connection it may */

static tw_value answer(tw_request *request, int status, tw_value body)
{
    tw_request_answer(request, status, "text/plain", body);
    return tw_none();
}

static const char *rest_of_path(tw_request *request, const char *prefix)
{
    return tw_request_path(request) + strlen(prefix);
}

static tw_value on_status(tw_request *request, void *arg)
{
    int status = atoi(rest_of_path(request, "/status/"));

    (void)arg;
    return answer(request, status, tw_bytes_format("status %d\n", status));
}

static tw_value on_hop(tw_request *request, void *arg)
{
    int left = atoi(rest_of_path(request, "/hop/"));
    char to[64];

    (void)arg;
    if (left == 0)
        return answer(request, 200, tw_string("arrived\n"));
    snprintf(to, sizeof to, "/hop/%d", left - 1);
    tw_request_set_header(request, "Location", to);
    return answer(request, 302, tw_string("elsewhere\n"));
}

static tw_value on_flaky(tw_request *request, void *arg)
{
    (void)arg;
    if (flaky_count++ % 3 < 2) {
        tw_request_set_header(request, "Retry-After", "0");
        return answer(request, 503, tw_string("busy\n"));
    }
    return answer(request, 200, tw_string("at last\n"));
}

static tw_value on_after(tw_request *request, void *arg)
{
    static bool came_back;
    const char *after = rest_of_path(request, "/after/");
    time_t then = time(NULL) + 2;
    char date[40];

    (void)arg;
    came_back = !came_back;
    if (!came_back)
        return answer(request, 200, tw_string("at last\n"));
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&then));
    tw_request_set_header(request, "Retry-After", strcmp(after, "date") == 0 ? date : after);
    return answer(request, 503, tw_string("busy\n"));
}

static tw_value on_away(tw_request *request, void *arg)
{
    (void)arg;
    tw_request_set_header(request, "Location", "ftp://u:secret@loom.example/");
    return answer(request, 302, tw_string("elsewhere\n"));
}

static tw_value on_half(tw_request *request, void *arg)
{
    size_t size = (size_t)atol(rest_of_path(request, "/half/"));
    char *data = calloc(1, size), number[24];

    (void)arg;
    snprintf(number, sizeof number, "%zu", size);
    tw_request_set_header(request, "Content-Length", number);
    if (data != NULL)
        tw_request_write(request, data, size / 2);
    free(data);
    return tw_none();
}

static tw_value on_cookie_set(tw_request *request, void *arg)
{
    (void)arg;
    tw_request_add_header(request, "Set-Cookie", "colour=red; Path=/");
    tw_request_set_header(request, "Location", "/cookie/show");
    return answer(request, 302, tw_string(""));
}

static tw_value on_cookie_show(tw_request *request, void *arg)
{
    const char *cookie = tw_request_header(request, "Cookie");

    (void)arg;
    return answer(request, 200, tw_bytes_format("%s\n", cookie != NULL ? cookie : "none"));
}

static tw_value on_part(tw_request *request, void *arg)
{
    (void)arg;
    tw_request_set_header(request, "Content-Length", "10");
    tw_request_write(request, "four", 4);
    tw_transport_lose(tw_request_transport(request));
    return tw_none();
}

static tw_value on_never(tw_request *request, void *arg)
{
    (void)request;
    (void)arg;
    puts("asked");
    fflush(stdout);
    return tw_none();
}

static tw_value on_late(tw_request *request, void *arg)
{
    (void)arg;
    if (gone) {
        gone = false;
        return answer(request, 200, tw_string("late\n"));
    }
    late = request;
    return tw_none();
}

static tw_value on_go(tw_request *request, void *arg)
{
    (void)arg;
    if (late != NULL)
        answer(late, 200, tw_string("late\n"));
    else
        gone = true;
    late = NULL;
    return answer(request, 200, tw_string("go\n"));
}

static tw_value on_big(tw_request *request, void *arg)
{
    size_t size = (size_t)atol(rest_of_path(request, "/big/"));
    char *data;
    tw_value body = tw_bytes_new(size, &data);

    (void)arg;
    if (data != NULL)
        memset(data, 'x', size);
    return answer(request, 200, body);
}

static tw_value on_file(tw_request *request, void *arg)
{
    (void)arg;
    return answer(request, 200, tw_bytes_format("%s\n", tw_request_path(request)));
}

static tw_value on_kept(tw_request *request, void *arg)
{
    static int made;
    const char *tag = tw_request_header(request, "If-None-Match");
    char control[40];

    (void)arg;
    snprintf(control, sizeof control, "max-age=%d", atoi(rest_of_path(request, "/kept/")));
    tw_request_set_header(request, "Cache-Control", control);
    tw_request_set_header(request, "ETag", "\"kept\"");
    if (tag != NULL && strcmp(tag, "\"kept\"") == 0)
        return answer(request, 304, tw_none());
    return answer(request, 200, tw_bytes_format("made %d\n", ++made));
}

int main(void)
{
    static const struct {
        const char *path;
        tw_handler *handler;
    } routes[] = {
        { "/status/", on_status },
        { "/hop/", on_hop },
        { "/flaky", on_flaky },
        { "/cookie/set", on_cookie_set },
        { "/cookie/show", on_cookie_show },
        { "/part", on_part },
        { "/never", on_never },
        { "/late", on_late },
        { "/go", on_go },
        { "/big/", on_big },
        { "/file/", on_file },
        { "/half/", on_half },
        { "/after/", on_after },
        { "/away", on_away },
        { "/kept/", on_kept },
    };
    tw_site *site = tw_site_new(NULL);
    tw_listener *listener;
    size_t i;

    for (i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (tw_site_handle(site, routes[i].path, routes[i].handler, NULL, NULL) < 0)
            return 1;
    }
    if (tw_site_listen(site, NULL, &listener, NULL) < 0)
        return 1;
    printf("server at 127.0.0.1:%u\n", tw_listener_port(listener));
    fflush(stdout);
    tw_reactor_run();
    tw_listener_close(listener);
    tw_site_unref(site);
    tw_reactor_uninstall();
    return 0;
}
