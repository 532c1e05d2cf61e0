/*
 * example_server.c - what the examples fetch from: ./example_server DIRECTORY
 *
 * Serves the directory's files, "/slow" after a tenth of a second, "/error" with status 500.
 * Prints its port and ends when its standard input does.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

#include <tweed/tweed.h>

static tw_value slow_text(void *arg)
{
    (void)arg;
    return tw_string("slow\n");
}

static tw_value slow(tw_request *request, void *arg)
{
    (void)request;
    (void)arg;
    return tw_wait(tw_defer_later(NULL, 0.1, slow_text, NULL));
}

static tw_value fail(tw_request *request, void *arg)
{
    (void)request;
    (void)arg;
    return tw_fail(&tw_error, "as asked");
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
    struct tw_listen_options options = { .address = "127.0.0.1" };
    tw_site *site = tw_site_new(NULL);
    tw_listener *listener;

    if (argc != 2 || tw_site_files(site, "/", argv[1]) < 0 ||
        tw_site_handle(site, "/slow", slow, NULL, NULL) < 0 ||
        tw_site_handle(site, "/error", fail, NULL, NULL) < 0 ||
        tw_site_listen(site, &options, &listener) < 0)
        return 1;
    printf("%u\n", (unsigned)tw_listener_port(listener));
    fflush(stdout);
    tw_reactor_add_reader(STDIN_FILENO, read_input, NULL);
    return tw_reactor_run() < 0;
}
