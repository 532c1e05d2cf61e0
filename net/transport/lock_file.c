/* SPDX-License-Identifier: MIT */
/*
 * lock_file.c - a file that says which process owns a path.
 */
#include "config.h"

#include "net/transport/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

#define SUFFIX ".lock"

enum { ATTEMPTS = 16 };

struct twi_lock_file {
    int fd;
    char path[];
};

/* The file that we have locked may have been removed meanwhile by its former holder. */
static bool is_still_there(int fd, const char *path)
{
    struct stat ours, there;

    return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_dev == there.st_dev &&
           ours.st_ino == there.st_ino;
}

/* Open and lock the file; -EAGAIN when it has been removed meanwhile. */
static int open_locked(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644), r = 0;

    if (fd < 0)
        return -errno;
    while (flock(fd, LOCK_EX | LOCK_NB) < 0 && r == 0)
        r = errno == EINTR ? 0 : errno == EWOULDBLOCK ? -EADDRINUSE : -errno;
    if (r == 0 && !is_still_there(fd, path))
        r = -EAGAIN;
    if (r < 0) {
        close(fd);
        return r;
    }
    return fd;
}

/* For people; the lock holds without it. */
static void write_number(int fd)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());

    if (ftruncate(fd, 0) < 0 || write(fd, text, (size_t)length) < 0)
        return;
}

int twi_lock_file_take(const char *path, struct twi_lock_file **ret_lock)
{
    size_t length = strlen(path);
    struct twi_lock_file *lock = twi_malloc(sizeof *lock + length + sizeof SUFFIX);

    if (lock == NULL)
        return -ENOMEM;
    memcpy(lock->path, path, length);
    memcpy(lock->path + length, SUFFIX, sizeof SUFFIX);
    lock->fd = -EAGAIN;
    for (int i = 0; i < ATTEMPTS && lock->fd == -EAGAIN; i++)
        lock->fd = open_locked(lock->path);
    if (lock->fd < 0) {
        int r = lock->fd == -EAGAIN ? -EADDRINUSE : lock->fd;
        twi_free(lock);
        return r;
    }
    write_number(lock->fd);
    *ret_lock = lock;
    return 0;
}

void twi_lock_file_leave(struct twi_lock_file *lock)
{
    if (lock == NULL)
        return;
    close(lock->fd);
    twi_free(lock);
}

void twi_lock_file_release(struct twi_lock_file *lock)
{
    if (lock == NULL)
        return;
    unlink(lock->path); /* while it is locked: no other file can be there */
    close(lock->fd);
    twi_free(lock);
}
