/* ./select_fetch PORT PATH COUNT - COUNT requests to 127.0.0.1 on one thread with sockets of our
 * own, watched by the reactor over select(2): what a selector loop does by hand. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <tweed/tweed.h>

static struct sockaddr_in address = { .sin_family = AF_INET };
static char request[300];
static int request_length, left, failed;
static size_t bytes;

static void finish(int fd, int ok)
{
    tw_reactor_remove_reader(fd);
    tw_reactor_remove_writer(fd);
    close(fd);
    failed += !ok;
    if (--left == 0)
        tw_reactor_stop();
}

static void readable(int fd, void *arg)
{
    char buffer[4096];
    ssize_t length = read(fd, buffer, sizeof buffer);

    (void)arg;
    if (length > 0)
        bytes += (size_t)length;
    else if (length == 0 || errno != EAGAIN)
        finish(fd, length == 0);
}

static void writable(int fd, void *arg) /* connected, or failed to */
{
    tw_reactor_remove_writer(fd);
    if (write(fd, request, (size_t)request_length) != request_length ||
        tw_reactor_add_reader(fd, readable, arg) < 0)
        finish(fd, 0);
}

int main(int argc, char **argv)
{
    struct tw_reactor_options options = { .backend = "select" };

    if (argc != 4 || tw_reactor_install(&options) < 0)
        return 2;
    address.sin_port = htons((uint16_t)atoi(argv[1]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    request_length = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\n\r\n", argv[2]);
    left = atoi(argv[3]);
    for (int i = left; i > 0; i--) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if ((connect(fd, (struct sockaddr *)&address, sizeof address) < 0 &&
             errno != EINPROGRESS) ||
            tw_reactor_add_writer(fd, writable, NULL) < 0)
            finish(fd, 0);
    }
    tw_reactor_run();
    printf("%s: %s requests, %d failed, %zu bytes\n", tw_reactor_backend(), argv[3], failed,
           bytes);
    return failed > 0;
}
