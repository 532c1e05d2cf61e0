/* SPDX-License-Identifier: MIT */
/* tweed's server as a user writes it: a handler on a site, and files below $WWW (without it, two
 * more handlers). ENTRY PORT */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <tweed/reactor.h>
#include <tweed/server.h>

static tw_value bodies[3];

static tw_value answer(tw_request *request, void *arg)
{
    tw_request_answer(request, 200, "text/plain", tw_lend(*(tw_value *)arg));
    return tw_none();
}

static tw_value filled(size_t length)
{
    char *data;
    tw_value bytes = tw_bytes_new(length, &data);

    memset(data, 'x', length);
    return bytes;
}

int main(int argc, char **argv)
{
    struct rlimit limit = { 20000, 20000 };
    struct tw_site_options options = { .idle_timeout = 3600 };
    struct tw_listen_options listen = { .port = argc > 1 ? (unsigned)atoi(argv[1]) : 0 };
    tw_site *site = tw_site_new(&options);
    tw_listener *listener;

    setrlimit(RLIMIT_NOFILE, &limit);
    bodies[0] = tw_string("Hello, World!");
    bodies[1] = filled(1024);
    bodies[2] = filled(1 << 20);
    tw_site_handle(site, "/hello", answer, &bodies[0], NULL);
    if (getenv("WWW") == NULL || tw_site_files(site, "/", getenv("WWW")) < 0) {
        tw_site_handle(site, "/1k", answer, &bodies[1], NULL);
        tw_site_handle(site, "/1m", answer, &bodies[2], NULL);
    }
    if (tw_site_listen(site, &listen, &listener, NULL) < 0)
        return 1;
    return tw_reactor_run();
}
