/* SPDX-License-Identifier: MIT */
/* ./blocking_client PORT PATH... - a blocking socket client, called for many paths of a server on
 * this machine at once, each from a coroutine: run_in_executor. The calls sit on threads of the
 * pool, the reactor stays free. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <tweed/tweed.h>

static struct sockaddr_in server = { .sin_family = AF_INET };

static ssize_t send_request(int fd, const char *path)
{
    char request[500];
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path);

    if (length >= (int)sizeof request)
        return -1;
    return send(fd, request, (size_t)length, MSG_NOSIGNAL);
}

/* Everything here blocks: connect, send, recv until the end. */
static tw_value fetch(void *path)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int64_t total = -1;
    char buffer[4096];
    ssize_t n;

    if (connect(fd, (struct sockaddr *)&server, sizeof server) == 0 &&
        send_request(fd, path) > 0) {
        total = 0;
        while ((n = recv(fd, buffer, sizeof buffer, 0)) > 0)
            total += n;
    }
    if (fd >= 0)
        close(fd);
    return total >= 0 ? tw_integer(total) : tw_fail_errno(&tw_error_connect, errno);
}

/* Here nothing blocks: while this one waits for its thread, the others go on. */
static tw_value task(void *path)
{
    tw_value length = tw_await(tw_defer_to_thread(fetch, path));

    if (tw_is_failure(length))
        printf("%s: %s\n", (char *)path, tw_failure_message(length));
    else
        printf("%s: %lld bytes\n", (char *)path, (long long)tw_integer_of(length));
    return length;
}

int main(int argc, char **argv)
{
    tw_deferred *tasks[argc];
    tw_value all;
    int status;

    if (argc < 3) {
        fprintf(stderr, "usage: blocking_client PORT PATH...\n");
        return 2;
    }
    server.sin_port = htons((uint16_t)atoi(argv[1]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 2; i < argc; i++)
        tasks[i - 2] = tw_inline_callbacks(task, argv[i]);
    all = tw_block_on(tw_gather(tasks, (size_t)argc - 2));
    status = tw_is_failure(all);
    tw_release(all);
    return status;
}
