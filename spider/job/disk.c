/* SPDX-License-Identifier: MIT */
/*
 * disk.c - the system's calls, whole: short writes go on, interrupted ones begin again.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spider/job/disk.h"

static int disk_open(const char *path, int flags, mode_t mode)
{
    return open(path, flags, mode);
}

const struct twi_disk twi_disk_real = {
    .open = disk_open,
    .pwrite = pwrite,
    .write = write,
    .ftruncate = ftruncate,
    .fdatasync = fdatasync,
    .fsync = fsync,
    .rename = rename,
    .unlink = unlink,
    .mkdir = mkdir,
    .close = close,
};
const struct twi_disk *twi_disk = &twi_disk_real;

/* The outcome of a write: bytes, 0 to try again, or a negative errno. */
static ssize_t write_outcome(ssize_t n)
{
    if (n > 0)
        return n;
    if (n == 0) /* POSIX allows it; no progress would be for ever */
        return -EIO;
    return errno == EINTR ? 0 : -errno;
}

int twi_disk_write(int fd, const void *data, size_t length, off_t at)
{
    const char *next = data;

    while (length > 0) {
        ssize_t n = write_outcome(twi_disk->pwrite(fd, next, length, at));
        if (n < 0)
            return (int)n;
        next += n;
        at += n;
        length -= (size_t)n;
    }
    return 0;
}

int twi_disk_append(int fd, const void *data, size_t length, size_t *done)
{
    while (*done < length) {
        ssize_t n = write_outcome(
            twi_disk->write(fd, (const char *)data + *done, length - *done));
        if (n == -EAGAIN || n == -EWOULDBLOCK) {
            poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
            n = 0;
        }
        if (n < 0)
            return (int)n;
        *done += (size_t)n;
    }
    return 0;
}

int twi_disk_truncate(int fd, off_t length)
{
    int r;

    do
        r = twi_disk->ftruncate(fd, length);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

int twi_disk_sync(int fd)
{
    int r;

    do
        r = twi_disk->fdatasync(fd);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

int twi_disk_open(const char *path, int flags)
{
    int fd;

    do
        fd = twi_disk->open(path, flags | O_CLOEXEC | O_NOCTTY, 0666);
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

int twi_disk_rename(const char *from, const char *to)
{
    int r;

    do
        r = twi_disk->rename(from, to);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

int twi_disk_remove(const char *path)
{
    int r;

    do
        r = twi_disk->unlink(path);
    while (r < 0 && errno == EINTR);
    return r < 0 && errno != ENOENT ? -errno : 0;
}

/* The folder in which `path` stands; NULL when there is no memory. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

int twi_disk_sync_folder(const char *path)
{
    char *folder = folder_of(path);
    int fd, r;

    if (folder == NULL)
        return -ENOMEM;
    fd = twi_disk_open(folder, O_RDONLY | O_DIRECTORY);
    free(folder);
    if (fd < 0)
        return fd;
    do
        r = twi_disk->fsync(fd);
    while (r < 0 && errno == EINTR);
    r = r < 0 && errno != EINVAL ? -errno : 0; /* a file system that syncs no folders */
    twi_disk->close(fd);
    return r;
}

int twi_disk_make_folders(const char *path)
{
    char *copy = strdup(path);
    int r = 0;

    if (copy == NULL)
        return -ENOMEM;
    for (char *slash = strchr(copy + (*copy == '/'), '/'); slash != NULL && r == 0;
         slash = strchr(slash + 1, '/')) {
        *slash = 0;
        do
            r = twi_disk->mkdir(copy, 0777);
        while (r < 0 && errno == EINTR);
        if (r == 0)
            r = twi_disk_sync_folder(copy);
        else
            r = errno == EEXIST || errno == EISDIR ? 0 : -errno;
        *slash = '/';
    }
    free(copy);
    return r;
}
