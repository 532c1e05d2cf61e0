/* SPDX-License-Identifier: MIT */
/* ./select_fetch BACKEND PORT PATH COUNT - COUNT requests to 127.0.0.1 on one thread, with sockets
 * of our own: what one writes by hand around select(2), poll(2) or epoll(7). Each descriptor has an
 * object and the function to call when it is ready. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <tweed/tweed.h>

struct fetch {
    int fd;
    size_t received;
};

static struct sockaddr_in address = { .sin_family = AF_INET };
static char request[300];
static int request_length, left, failed;
static size_t bytes;

static void finish(struct fetch *fetch, bool ok)
{
    tw_reactor_remove_reader(fetch->fd);
    tw_reactor_remove_writer(fetch->fd);
    close(fetch->fd);
    bytes += fetch->received;
    failed += !ok;
    if (--left == 0)
        tw_reactor_stop();
}

static void readable(int fd, void *arg)
{
    struct fetch *fetch = arg;
    char buffer[4096];
    ssize_t length = read(fd, buffer, sizeof buffer);

    if (length > 0)
        fetch->received += (size_t)length;
    else if (length == 0 || errno != EAGAIN)
        finish(fetch, length == 0 && fetch->received > 0);
}

static void writable(int fd, void *arg) /* connected, or failed to */
{
    tw_reactor_remove_writer(fd);
    if (write(fd, request, (size_t)request_length) != request_length ||
        tw_reactor_add_reader(fd, readable, arg) < 0)
        finish(arg, false);
}

static void start(struct fetch *fetch)
{
    fetch->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if ((connect(fetch->fd, (struct sockaddr *)&address, sizeof address) < 0 &&
         errno != EINPROGRESS) ||
        tw_reactor_add_writer(fetch->fd, writable, fetch) < 0)
        finish(fetch, false);
}

int main(int argc, char **argv)
{
    struct tw_reactor_options options = { .backend = argc > 1 ? argv[1] : NULL };
    struct fetch *fetches;

    if (argc != 5 || tw_reactor_install(&options) < 0) {
        fprintf(stderr, "usage: select_fetch BACKEND PORT PATH COUNT\n");
        return 2;
    }
    address.sin_port = htons((uint16_t)atoi(argv[2]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    request_length = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\n\r\n", argv[3]);
    left = atoi(argv[4]);
    fetches = calloc((size_t)left, sizeof *fetches);
    if (fetches == NULL)
        return 1;
    for (int i = 0, count = left; i < count; i++)
        start(&fetches[i]);
    tw_reactor_run();
    printf("%s: %s requests, %d failed, %zu bytes\n", tw_reactor_backend(), argv[4], failed,
           bytes);
    free(fetches);
    return failed > 0;
}
