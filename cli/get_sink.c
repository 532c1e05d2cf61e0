/* SPDX-License-Identifier: MIT */
/*
 * get_sink.c - the outputs of `tweed get`: files, and standard output in turn.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/get.h"

/* What waits for its turn on standard output is in memory up to here. */
#define HELD_MAX (256 * 1024)

void sink_init(struct sink *sink, enum sink_kind kind, const char *path)
{
    memset(sink, 0, sizeof *sink);
    sink->kind = kind;
    sink->path = path;
    sink->fd = sink->spill = -1;
}

static int make_directories(const char *path)
{
    char *copy = cli_keep(path, strlen(path)), *slash = copy;

    while ((slash = strchr(slash + 1, '/')) != NULL) {
        *slash = 0;
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    return 0;
}

int sink_start(struct sink *sink, bool create_dirs)
{
    int r = 0;

    if (sink->kind != SINK_FILE || sink->fd >= 0)
        return 0;
    if (create_dirs)
        r = make_directories(sink->path);
    if (r < 0)
        return r;
    sink->fd = open(sink->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
    return sink->fd < 0 ? -errno : 0;
}

/* A temporary file that is gone when it is closed. */
static int open_spill(void)
{
    struct cli_text name = { 0 };
    int fd = cli_open_temporary(&name);

    if (fd >= 0)
        unlink(name.data);
    cli_text_free(&name);
    return fd;
}

static int sink_hold(struct sink *sink, const void *data, size_t length)
{
    int r = 0;

    if (sink->spill < 0 && sink->held.length + length <= HELD_MAX) {
        cli_text_add(&sink->held, data, length);
        return 0;
    }
    if (sink->spill < 0) {
        r = open_spill();
        if (r == -EMFILE || r == -ENFILE) { /* it stays in memory till there is a descriptor */
            cli_text_add(&sink->held, data, length);
            return 0;
        }
        if (r < 0)
            return r;
        sink->spill = r;
        r = cli_write(sink->spill, sink->held.data, sink->held.length);
        cli_text_free(&sink->held);
    }
    return r == 0 ? cli_write(sink->spill, data, length) : r;
}

int sink_write(struct sink *sink, const void *data, size_t length)
{
    if (length == 0 || sink->kind == SINK_NONE)
        return 0;
    sink->written = true;
    if (sink->kind == SINK_FILE)
        return cli_write(sink->fd, data, length);
    return sink->owns_stdout ? cli_write(STDOUT_FILENO, data, length)
                             : sink_hold(sink, data, length);
}

static void sink_drop_held(struct sink *sink)
{
    cli_text_free(&sink->held);
    if (sink->spill >= 0)
        close(sink->spill);
    sink->spill = -1;
}

bool sink_rewind(struct sink *sink)
{
    if (!sink->written)
        return true;
    if (sink->kind == SINK_STDOUT && sink->owns_stdout)
        return false;
    if (sink->fd >= 0 && (lseek(sink->fd, 0, SEEK_SET) != 0 || ftruncate(sink->fd, 0) != 0))
        return false;
    sink_drop_held(sink);
    sink->written = false;
    return true;
}

static int copy_spill(int fd)
{
    char data[16384];
    ssize_t n;
    int r = lseek(fd, 0, SEEK_SET) == 0 ? 0 : -errno;

    while (r == 0 && (n = read(fd, data, sizeof data)) != 0)
        r = n < 0 ? -errno : cli_write(STDOUT_FILENO, data, (size_t)n);
    return r;
}

int sink_own_stdout(struct sink *sink)
{
    int r;

    sink->owns_stdout = true;
    r = cli_write(STDOUT_FILENO, sink->held.data, sink->held.length);
    if (r == 0 && sink->spill >= 0)
        r = copy_spill(sink->spill);
    sink_drop_held(sink);
    return r;
}

int sink_finish(struct sink *sink)
{
    int r = 0;

    sink->done = true;
    if (sink->fd >= 0 && close(sink->fd) != 0)
        r = -errno;
    sink->fd = -1;
    return r;
}

void sink_abandon(struct sink *sink)
{
    sink_finish(sink);
    sink_drop_held(sink);
}
