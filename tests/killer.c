/* SPDX-License-Identifier: MIT */
/*
 * killer.c - the process ends at the n-th call that changes a file.
 *
 * The program's own definitions come before those of the C library, for SQLite as well.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
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
static atomic_uint deadly;  /* 0: none is */
static atomic_uint failing; /* 0: none is */
static atomic_int failure;
static atomic_bool torn, is_armed;

void killer_arm(unsigned n, bool is_torn)
{
    atomic_store(&calls, 0);
    atomic_store(&torn, is_torn);
    atomic_store(&deadly, n);
    atomic_store(&is_armed, true);
}

void killer_fail(unsigned n, enum killer_fault fault)
{
    atomic_store(&calls, 0);
    atomic_store(&failure, fault == KILLER_FULL ? ENOSPC : EIO);
    atomic_store(&failing, n);
    atomic_store(&is_armed, n != 0);
}

unsigned killer_calls(void)
{
    return atomic_load(&calls);
}

static void die(void)
{
    _exit(KILLER_STATUS);
}

enum verdict { GOES, FAILS, DIES };

static enum verdict judge(void)
{
    unsigned n, bad = atomic_load(&failing);

    if (!atomic_load(&is_armed))
        return GOES;
    n = atomic_fetch_add(&calls, 1) + 1;
    if (n == atomic_load(&deadly))
        return DIES;
    if (bad == 0 || n < bad)
        return GOES;
    errno = atomic_load(&failure);
    return FAILS;
}

/* Of a call that is made whole or not at all: does it fail? */
static bool fails_or_dies(void)
{
    enum verdict verdict = judge();

    if (verdict == DIES)
        die();
    return verdict == FAILS;
}

EXPORT ssize_t write(int fd, const void *data, size_t size)
{
    REAL(write);
    enum verdict verdict = judge();
    if (verdict == FAILS)
        return -1;
    if (verdict == DIES) {
        if (atomic_load(&torn))
            (void)!real(fd, data, size / 2);
        die();
    }
    return real(fd, data, size);
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    REAL(pwrite);
    enum verdict verdict = judge();
    if (verdict == FAILS)
        return -1;
    if (verdict == DIES) {
        if (atomic_load(&torn))
            (void)!real(fd, data, size / 2, at);
        die();
    }
    return real(fd, data, size, at);
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    REAL(pwrite64);
    enum verdict verdict = judge();
    if (verdict == FAILS)
        return -1;
    if (verdict == DIES) {
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
    return fails_or_dies() ? -1 : 0;
}

EXPORT int fdatasync(int fd)
{
    (void)fd;
    return fails_or_dies() ? -1 : 0;
}

EXPORT int rename(const char *from, const char *to)
{
    REAL(rename);
    if (fails_or_dies())
        return -1;
    return real(from, to);
}

EXPORT int ftruncate(int fd, off_t length)
{
    REAL(ftruncate);
    if (fails_or_dies())
        return -1;
    return real(fd, length);
}

EXPORT int ftruncate64(int fd, off64_t length)
{
    REAL(ftruncate64);
    if (fails_or_dies())
        return -1;
    return real(fd, length);
}

EXPORT int unlink(const char *path)
{
    REAL(unlink);
    if (fails_or_dies())
        return -1;
    return real(path);
}

EXPORT int mkdir(const char *path, mode_t mode)
{
    REAL(mkdir);
    if (fails_or_dies())
        return -1;
    return real(path, mode);
}
