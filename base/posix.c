/* SPDX-License-Identifier: MIT */
/*
 * posix.c - see posix.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_GETRANDOM
#include <sys/random.h>
#endif

#include "base/posix.h"

#if !defined HAVE_PIPE2 || !defined HAVE_ACCEPT4 || !TWI_HAVE_SOCK_CLOEXEC
static int close_on_exec(int fd)
{
    return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}
#endif

#if !defined HAVE_ACCEPT4 || !TWI_HAVE_SOCK_CLOEXEC
/* Set up `fd` as our sockets are. Returns it; on failure it is closed, and a negative errno
 * returned. */
static int make_ours(int fd)
{
    int r = close_on_exec(fd);

    if (r == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        r = -errno;
#ifdef SO_NOSIGPIPE
    if (r == 0) {
        int on = 1;
        setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
    }
#endif
    if (r < 0)
        close(fd);
    return r < 0 ? r : fd;
}
#endif

#if !defined HAVE_PIPE2 || !TWI_HAVE_SOCK_CLOEXEC
static int make_pair_ours(int ends[2])
{
    int r = close_on_exec(ends[0]);

    if (r == 0)
        r = close_on_exec(ends[1]);
    if (r < 0) {
        close(ends[0]);
        close(ends[1]);
    }
    return r;
}
#endif

int twi_pipe(int ends[2])
{
#ifdef HAVE_PIPE2
    return pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0;
#else
    return pipe(ends) < 0 ? -errno : make_pair_ours(ends);
#endif
}

int twi_socketpair(int ends[2])
{
#if TWI_HAVE_SOCK_CLOEXEC
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 ? -errno : 0;
#else
    return socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 ? -errno : make_pair_ours(ends);
#endif
}

int twi_socket(int family, int type, int protocol)
{
#if TWI_HAVE_SOCK_CLOEXEC
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

    return fd < 0 ? -errno : fd;
#else
    int fd = socket(family, type, protocol);

    return fd < 0 ? -errno : make_ours(fd);
#endif
}

int twi_accept(int fd, struct sockaddr *address, socklen_t *length)
{
#ifdef HAVE_ACCEPT4
    int accepted = accept4(fd, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);

    return accepted < 0 ? -errno : accepted;
#else
    int accepted = accept(fd, address, length);

    return accepted < 0 ? -errno : make_ours(accepted);
#endif
}

static int random_draw(void *bytes, size_t size)
{
#ifdef HAVE_GETRANDOM
    return getrandom(bytes, size, GRND_NONBLOCK) == (ssize_t)size ? 0 : -1;
#elif defined HAVE_GETENTROPY
    return getentropy(bytes, size);
#else
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -1;
    n = read(fd, bytes, size);
    close(fd);
    return n == (ssize_t)size ? 0 : -1;
#endif
}

void twi_random(void *bytes, size_t size)
{
    static uint64_t count;
    struct timespec now;
    uint64_t state;

    if (random_draw(bytes, size) == 0)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    state = ((uint64_t)now.tv_sec << 30) ^ (uint64_t)now.tv_nsec ^ (uint64_t)(uintptr_t)&now ^
            __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) << 32;
    for (size_t i = 0; i < size; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        ((unsigned char *)bytes)[i] = (unsigned char)(state >> 56);
    }
}

void twi_pages_drop(void *pages, size_t size)
{
#if TWI_LINUX
    madvise(pages, size, MADV_DONTNEED);
#else
    /* On other systems the advice may keep the content: map new pages in its place. */
    mmap(pages, size, PROT_READ | PROT_WRITE, TWI_PAGES_FLAGS | MAP_FIXED, -1, 0);
#endif
}
