/* SPDX-License-Identifier: MIT */
/*
 * faults.c - preloaded into a test program: the n-th system call of a kind fails.
 *
 * The one hard thing: an edge-triggered watcher may rely on the kernel's promise that a short
 * read or EAGAIN means "drained, I shall tell you again". When we lie about that, the edge is
 * given once more: epoll_ctl(MOD) with what was last asked for.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/faults.h"

#define EXPORT __attribute__((visibility("default")))
/* The next definition of a function, found once. */
#define REAL(name_) \
    static __typeof__(&name_) real; \
    if (real == NULL) \
    *(void **)&real = dlsym(RTLD_NEXT, #name_)

enum { MAX_FD = 65536 };
enum traits { WAITS = 1, MOVES = 2, MAKES = 4, READS = 8, CONNECTS = 16 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static enum fault_kind planned;
static uint64_t fail_at, seen;
static bool fail_all, armed;
static struct {
    int epoll;
    struct epoll_event event;
} watched[MAX_FD];

EXPORT void faults_plan(enum fault_kind kind, uint64_t n, bool all)
{
    pthread_mutex_lock(&mutex);
    planned = kind;
    fail_at = n;
    fail_all = all;
    seen = 0;
    armed = kind != FAULT_NONE;
    pthread_mutex_unlock(&mutex);
}

EXPORT uint64_t faults_seen(void)
{
    return seen;
}

static bool is_socket(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

static bool is_datagram(int fd)
{
    int type = 0;
    socklen_t size = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_DGRAM;
}

static bool is_file(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static bool never_blocks(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && (flags & O_NONBLOCK) != 0;
}

/* Does the planned kind fit this call? */
static bool fits(unsigned traits, int fd)
{
    switch (planned) {
    case FAULT_EINTR:
        return (traits & (WAITS | MOVES)) != 0;
    case FAULT_EAGAIN:
        return (traits & MOVES) != 0 && never_blocks(fd) && !is_file(fd);
    case FAULT_SHORT:
        return (traits & MOVES) != 0 && !is_datagram(fd);
    case FAULT_EMFILE:
        return (traits & MAKES) != 0;
    case FAULT_ECONNRESET:
        return (traits & (MOVES | CONNECTS)) != 0 && is_socket(fd);
    case FAULT_ENOSPC:
        return (traits & MOVES) != 0 && (traits & READS) == 0 && is_file(fd);
    default:
        return false;
    }
}

/* Tell the edge again: what we are about to hide is still there. */
static void tell_again(int fd)
{
    if (fd >= 0 && fd < MAX_FD && watched[fd].epoll > 0)
        epoll_ctl(watched[fd].epoll - 1, EPOLL_CTL_MOD, fd, &watched[fd].event);
}

/* True when this call is to fail, with errno set; FAULT_SHORT is left to the caller. */
static bool fails(unsigned traits, int fd, bool *ret_short)
{
    static const int errors[FAULT_KINDS] = {
        [FAULT_EINTR] = EINTR,   [FAULT_EAGAIN] = EAGAIN,         [FAULT_EMFILE] = EMFILE,
        [FAULT_ENOSPC] = ENOSPC, [FAULT_ECONNRESET] = ECONNRESET,
    };
    bool hit = false;

    if (!armed || !fits(traits, fd))
        return false;
    pthread_mutex_lock(&mutex);
    seen++;
    hit = fail_at != 0 && (seen == fail_at || (fail_all && seen > fail_at));
    /* For ever interrupted or not ready is no machine's behaviour: half of the calls, at random,
     * so as not to be in step with a loop. */
    if (hit && seen > fail_at && (planned == FAULT_EINTR || planned == FAULT_EAGAIN))
        hit = ((uint32_t)seen * 2654435761u >> 16 & 1) != 0;
    if (planned == FAULT_SHORT && seen > fail_at + 1000) /* not megabytes byte by byte */
        hit = false;
    pthread_mutex_unlock(&mutex);
    if (!hit)
        return false;
    if (planned == FAULT_EAGAIN || planned == FAULT_SHORT)
        tell_again(fd);
    if (planned == FAULT_SHORT) {
        if (ret_short != NULL)
            *ret_short = true;
        return false;
    }
    errno = errors[planned];
    return true;
}

/* Asked first by every call that moves `size` bytes: false when the call is to fail; may
 * shorten `size`. */
static bool may_move(int fd, size_t *size, unsigned traits)
{
    bool cut = false;

    if (fails(MOVES | traits, fd, &cut))
        return false;
    if (cut && *size > 1)
        *size = 1;
    return true;
}

EXPORT int epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
    REAL(epoll_ctl);
    int r = real(epoll, op, fd, event);

    if (r == 0 && fd >= 0 && fd < MAX_FD) {
        watched[fd].epoll = op == EPOLL_CTL_DEL ? 0 : epoll + 1;
        if (op != EPOLL_CTL_DEL)
            watched[fd].event = *event;
    }
    return r;
}

EXPORT int close(int fd)
{
    REAL(close);
    if (fd >= 0 && fd < MAX_FD)
        watched[fd].epoll = 0;
    return real(fd);
}

/* --- bytes in ------------------------------------------------------------------------------- */

EXPORT ssize_t read(int fd, void *data, size_t size)
{
    REAL(read);
    /* A counter is read whole or not at all. */
    if (size == sizeof(uint64_t) && !is_socket(fd))
        return real(fd, data, size);
    return may_move(fd, &size, READS) ? real(fd, data, size) : -1;
}

EXPORT ssize_t recv(int fd, void *data, size_t size, int flags)
{
    REAL(recv);
    return may_move(fd, &size, READS) ? real(fd, data, size, flags) : -1;
}

EXPORT ssize_t recvfrom(int fd, void *data, size_t size, int flags,
                        struct sockaddr *restrict from, socklen_t *restrict length)
{
    REAL(recvfrom);
    size_t unused = size; /* a datagram is whole or lost */
    return may_move(fd, &unused, READS) ? real(fd, data, size, flags, from, length) : -1;
}

/* With an array of pieces, a short one is the first byte of the first. */
static struct iovec first_byte(const struct iovec *pieces, int count)
{
    int i = 0;

    while (i + 1 < count && pieces[i].iov_len == 0)
        i++;
    return (struct iovec){ pieces[i].iov_base, pieces[i].iov_len > 0 };
}

EXPORT ssize_t readv(int fd, const struct iovec *pieces, int count)
{
    REAL(readv);
    size_t size = 2;
    struct iovec one;

    if (!may_move(fd, &size, READS))
        return -1;
    if (size == 2 || count < 1)
        return real(fd, pieces, count);
    one = first_byte(pieces, count);
    return real(fd, &one, 1);
}

/* --- bytes out ------------------------------------------------------------------------------ */

EXPORT ssize_t write(int fd, const void *data, size_t size)
{
    REAL(write);
    if (size == sizeof(uint64_t) && !is_socket(fd))
        return real(fd, data, size);
    return may_move(fd, &size, 0) ? real(fd, data, size) : -1;
}

EXPORT ssize_t send(int fd, const void *data, size_t size, int flags)
{
    REAL(send);
    return may_move(fd, &size, 0) ? real(fd, data, size, flags) : -1;
}

EXPORT ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    REAL(writev);
    size_t size = 2;
    struct iovec one;

    if (!may_move(fd, &size, 0))
        return -1;
    if (size == 2 || count < 1)
        return real(fd, pieces, count);
    one = first_byte(pieces, count);
    return real(fd, &one, 1);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    REAL(sendmsg);
    size_t size = 2;
    struct msghdr shorter = *message;
    struct iovec one;

    if (!may_move(fd, &size, 0))
        return -1;
    if (size == 2 || message->msg_iovlen < 1)
        return real(fd, message, flags);
    one = first_byte(message->msg_iov, (int)message->msg_iovlen);
    shorter.msg_iov = &one;
    shorter.msg_iovlen = 1;
    return real(fd, &shorter, flags);
}

EXPORT ssize_t sendfile(int to, int from, off_t *offset, size_t size)
{
    REAL(sendfile);
    return may_move(to, &size, 0) ? real(to, from, offset, size) : -1;
}

/* --- descriptors ---------------------------------------------------------------------------- */

EXPORT int accept4(int fd, struct sockaddr *restrict from, socklen_t *restrict length,
                   int flags)
{
    REAL(accept4);
    return fails(MAKES | WAITS, fd, NULL) ? -1 : real(fd, from, length, flags);
}

EXPORT int accept(int fd, struct sockaddr *restrict from, socklen_t *restrict length)
{
    REAL(accept);
    return fails(MAKES | WAITS, fd, NULL) ? -1 : real(fd, from, length);
}

EXPORT int connect(int fd, const struct sockaddr *to, socklen_t length)
{
    REAL(connect);
    if (!fails(CONNECTS | WAITS, fd, NULL))
        return real(fd, to, length);
    /* Interrupted, it goes on by itself (POSIX, connect(3)). */
    if (errno == EINTR && (real(fd, to, length) == 0 || errno == EINPROGRESS))
        errno = EINTR;
    return -1;
}

EXPORT int socket(int domain, int type, int protocol)
{
    REAL(socket);
    return fails(MAKES, -1, NULL) ? -1 : real(domain, type, protocol);
}

EXPORT int socketpair(int domain, int type, int protocol, int ends[2])
{
    REAL(socketpair);
    return fails(MAKES, -1, NULL) ? -1 : real(domain, type, protocol, ends);
}

EXPORT int pipe2(int ends[2], int flags)
{
    REAL(pipe2);
    return fails(MAKES, -1, NULL) ? -1 : real(ends, flags);
}

EXPORT int epoll_create1(int flags)
{
    REAL(epoll_create1);
    return fails(MAKES, -1, NULL) ? -1 : real(flags);
}

EXPORT int open(const char *path, int flags, ...)
{
    REAL(open);
    mode_t mode = 0;
    va_list args;

    va_start(args, flags);
    if ((flags & O_CREAT) != 0)
        mode = va_arg(args, mode_t);
    va_end(args);
    return fails(MAKES, -1, NULL) ? -1 : real(path, flags, mode);
}

/* --- what a test that is killed leaves ----------------------------------------------------- */

/* Its temporary files, told to whoever started us, a line for each. */
static void tell_made(const char *path)
{
    static __typeof__(&open) real_open;
    static __typeof__(&write) real_write;
    const char *list = getenv("TEST_TORTURE_MADE");
    char line[256];
    int saved = errno, length = snprintf(line, sizeof line, "%s\n", path), fd;

    if (list == NULL || length >= (int)sizeof line)
        return;
    *(void **)&real_open = dlsym(RTLD_NEXT, "open");
    *(void **)&real_write = dlsym(RTLD_NEXT, "write");
    fd = real_open(list, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) {
        if (real_write(fd, line, (size_t)length) != length)
            perror(list);
        close(fd);
    }
    errno = saved;
}

EXPORT char *mkdtemp(char *path)
{
    REAL(mkdtemp);
    char *made = real(path);

    if (made != NULL)
        tell_made(made);
    return made;
}

EXPORT int mkstemp(char *path)
{
    REAL(mkstemp);
    int fd = real(path);

    if (fd >= 0)
        tell_made(path);
    return fd;
}

/* --- waiting -------------------------------------------------------------------------------- */

EXPORT int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout)
{
    REAL(epoll_wait);
    return fails(WAITS, epoll, NULL) ? -1 : real(epoll, events, most, timeout);
}

EXPORT int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    REAL(poll);
    return fails(WAITS, -1, NULL) ? -1 : real(fds, count, timeout);
}

EXPORT int select(int count, fd_set *restrict reads, fd_set *restrict writes,
                  fd_set *restrict errors, struct timeval *restrict timeout)
{
    REAL(select);
    return fails(WAITS, -1, NULL) ? -1 : real(count, reads, writes, errors, timeout);
}
