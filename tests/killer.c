/* SPDX-License-Identifier: MIT */
/*
 * killer.c - the process ends at the n-th call that changes a file.
 *
 * The program's own definitions come before those of the C library, for SQLite as well.
 */
#include "config.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/killer.h"

#define EXPORT __attribute__((visibility("default")))
#define REAL(name_) \
    static __typeof__(&name_) real; \
    if (real == NULL) \
    *(void **)&real = dlsym(RTLD_NEXT, #name_)

static atomic_uint calls;
static atomic_uint deadly; /* 0: none is */
static atomic_bool torn, is_armed;

void killer_arm(unsigned n, bool is_torn)
{
    atomic_store(&calls, 0);
    atomic_store(&torn, is_torn);
    atomic_store(&deadly, n);
    atomic_store(&is_armed, true);
}

unsigned killer_calls(void)
{
    return atomic_load(&calls);
}

/* Is this the last call? */
static bool is_last(void)
{
    return atomic_load(&is_armed) && atomic_fetch_add(&calls, 1) + 1 == atomic_load(&deadly);
}

static void die(void)
{
    _exit(KILLER_STATUS);
}

static void die_if_last(void)
{
    if (is_last())
        die();
}

EXPORT ssize_t write(int fd, const void *data, size_t size)
{
    REAL(write);
    if (is_last()) {
        if (atomic_load(&torn))
            (void)!real(fd, data, size / 2);
        die();
    }
    return real(fd, data, size);
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    REAL(pwrite);
    if (is_last()) {
        if (atomic_load(&torn))
            (void)!real(fd, data, size / 2, at);
        die();
    }
    return real(fd, data, size, at);
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    REAL(pwrite64);
    if (is_last()) {
        if (atomic_load(&torn))
            (void)!real(fd, data, size / 2, at);
        die();
    }
    return real(fd, data, size, at);
}

/* A process that dies loses nothing that it wrote: waiting for the disk would only take time. */
EXPORT int fsync(int fd)
{
    (void)fd;
    die_if_last();
    return 0;
}

EXPORT int fdatasync(int fd)
{
    (void)fd;
    die_if_last();
    return 0;
}

EXPORT int rename(const char *from, const char *to)
{
    REAL(rename);
    die_if_last();
    return real(from, to);
}

EXPORT int ftruncate(int fd, off_t length)
{
    REAL(ftruncate);
    die_if_last();
    return real(fd, length);
}

EXPORT int ftruncate64(int fd, off64_t length)
{
    REAL(ftruncate64);
    die_if_last();
    return real(fd, length);
}

EXPORT int unlink(const char *path)
{
    REAL(unlink);
    die_if_last();
    return real(path);
}

EXPORT int mkdir(const char *path, mode_t mode)
{
    REAL(mkdir);
    die_if_last();
    return real(path, mode);
}
