/* SPDX-License-Identifier: MIT */
/* command | ./descriptors [BACKEND] - count what comes on standard input, by a reader for its
 * descriptor; the backend is chosen by name: epoll, poll or select. */
#include <stdio.h>
#include <unistd.h>

#include <tweed/tweed.h>

static void input_ready(int fd, void *arg)
{
    size_t *total = arg;
    char buffer[4096];
    ssize_t n = read(fd, buffer, sizeof buffer);

    if (n > 0) {
        *total += (size_t)n;
        return; /* called again when there is more */
    }
    tw_reactor_remove_reader(fd);
    tw_reactor_stop();
}

int main(int argc, char **argv)
{
    struct tw_reactor_options options = { .backend = argc > 1 ? argv[1] : NULL };
    size_t total = 0;

    if (tw_reactor_install(&options) < 0 ||
        tw_reactor_add_reader(STDIN_FILENO, input_ready, &total) < 0) {
        fprintf(stderr, "cannot watch standard input\n");
        return 1;
    }
    tw_reactor_run();
    printf("%zu bytes by %s\n", total, tw_reactor_backend());
    return 0;
}
