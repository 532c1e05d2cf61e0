/* SPDX-License-Identifier: MIT */
/*
 * pipe.c - transports over any descriptors.
 *
 * The side that writes may be another descriptor than the one that is read (twi_descriptor's).
 * A descriptor that cannot be watched (a file, /dev/null) is always ready: it is read once in
 * each turn.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <tweed/pipe.h>

#include "base/posix.h"
#include "base/slab.h"
#include "net/transport/descriptor.h"
#include "net/transport/pipe.h"
#include "net/transport/quiet.h"

struct pipe {
    struct twi_descriptor in;
    int out;                     /* written to; may be the same; -1: none, or closed */
    struct twi_watch *out_watch; /* NULL: none, or `in` has it */
    int in_flags, out_flags;     /* to be restored; -1: not */
    struct twi_flush again;      /* read on in the next turn, without a watch */
    unsigned hang_up;            /* level triggers: the event when nobody reads a FIFO */
    bool socket : 1, fifo : 1;   /* the side that writes */
    bool terminal : 1;           /* the side that is read */
};

static struct twi_slab pipes = TWI_SLAB(struct pipe);

static struct pipe *pipe_of(struct twi_descriptor *descriptor)
{
    return (struct pipe *)descriptor;
}

static bool is_one(const struct pipe *pipe)
{
    return pipe->in.fd == pipe->out;
}

/* --- operations --------------------------------------------------------------------- */

static ssize_t pipe_read(struct twi_descriptor *descriptor, void *buffer, size_t size)
{
    ssize_t n = read(descriptor->fd, buffer, size);

    if (n < 0 && errno == EIO && pipe_of(descriptor)->terminal)
        return 0; /* it has hung up */
    return n;
}

static ssize_t pipe_write(struct twi_descriptor *descriptor, const struct iovec *pieces,
                          int count)
{
    const struct pipe *pipe = pipe_of(descriptor);
    struct msghdr message = { .msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count };
    struct twi_quiet quiet;
    ssize_t n;

    if (pipe->socket)
        return sendmsg(pipe->out, &message, MSG_NOSIGNAL);
    quiet = twi_quiet_begin();
    n = writev(pipe->out, pieces, count);
    twi_quiet_end(&quiet, n < 0);
    return n;
}

static int watch_change(struct twi_watch *watch, unsigned events)
{
    return watch != NULL ? twi_watch_change(watch, events) : 0;
}

static int pipe_watch(struct twi_descriptor *descriptor, unsigned in, unsigned out)
{
    const struct pipe *pipe = pipe_of(descriptor);
    int r;

    if (is_one(pipe))
        return watch_change(pipe->in.watch, in | out);
    r = watch_change(pipe->in.watch, in);
    return r < 0 ? r : watch_change(pipe->out_watch, out | pipe->hang_up);
}

static void pipe_again(struct twi_descriptor *descriptor)
{
    struct pipe *pipe = pipe_of(descriptor);

    if (!twi_flush_queued(&pipe->again))
        twi_flush_later(&pipe->again);
}

static void pipe_read_again(struct twi_flush *again)
{
    twi_descriptor_ready(TWI_READABLE, TWI_CONTAINER(again, struct pipe, again));
}

/* True if the other end of the side that writes has been closed. */
static bool nobody_reads(const struct pipe *pipe)
{
    struct pollfd out = { .fd = pipe->out, .events = POLLOUT };
    int r;

    do
        r = poll(&out, 1, 0);
    while (r < 0 && errno == EINTR);
    return r > 0 && (out.revents & (POLLERR | POLLNVAL)) != 0;
}

/* The watch function of a descriptor that only writes. */
static void out_ready(unsigned ready, void *arg)
{
    struct pipe *pipe = arg;
    tw_transport *transport = &pipe->in.base;

    (void)ready;
    transport->refs_++;
    if (pipe->in.blocked)
        twi_descriptor_writable(&pipe->in);
    else if (transport->state <= TWI_LOSING && nobody_reads(pipe))
        twi_descriptor_write_failed(&pipe->in, EPIPE);
    tw_transport_unref(transport);
}

/* --- the end ------------------------------------------------------------------------ */

static void close_side(int *fd, struct twi_watch **watch, int flags)
{
    twi_watch_free(*watch);
    *watch = NULL;
    if (*fd < 0)
        return;
    if (flags >= 0)
        fcntl(*fd, F_SETFL, flags);
    close(*fd);
    *fd = -1;
}

static void pipe_shut_write(tw_transport *transport)
{
    struct pipe *pipe = pipe_of(twi_descriptor_of(transport));

    if (is_one(pipe))
        shutdown(pipe->out, SHUT_WR);
    else
        close_side(&pipe->out, &pipe->out_watch, pipe->out_flags);
}

static void pipe_close(tw_transport *transport, bool abort)
{
    struct pipe *pipe = pipe_of(twi_descriptor_of(transport));

    (void)abort;
    twi_flush_cancel(&pipe->again);
    if (is_one(pipe))
        pipe->out = -1;
    close_side(&pipe->in.fd, &pipe->in.watch, pipe->in_flags);
    close_side(&pipe->out, &pipe->out_watch, pipe->out_flags);
}

/* The flags are the parent's too. */
static void pipe_leave(tw_transport *transport)
{
    struct pipe *pipe = pipe_of(twi_descriptor_of(transport));

    pipe->in_flags = pipe->out_flags = -1;
    pipe_close(transport, false);
}

static void pipe_free(tw_transport *transport)
{
    twi_slab_free(&pipes, pipe_of(twi_descriptor_of(transport)));
}

static int pipe_fd(const tw_transport *transport)
{
    const struct pipe *pipe = (const struct pipe *)transport;

    return pipe->in.fd >= 0 ? pipe->in.fd : pipe->out;
}

/* A terminal or the like cannot be closed by half. */
#define PIPE_OPS(shut)                                                                     \
    {                                                                                      \
        .transport = {                                                                     \
            .name = "pipe",                                                                \
            .flush = twi_descriptor_flush,                                                 \
            .reading = twi_descriptor_reading,                                             \
            .shut_write = (shut),                                                          \
            .close = pipe_close,                                                           \
            .free = pipe_free,                                                             \
            .leave = pipe_leave,                                                           \
            .fd = pipe_fd,                                                                 \
        },                                                                                 \
        .read = pipe_read, .write = pipe_write, .watch = pipe_watch, .again = pipe_again,  \
    }
static const struct twi_descriptor_ops pipe_ops = PIPE_OPS(pipe_shut_write);
static const struct twi_descriptor_ops whole_ops = PIPE_OPS(NULL);

/* --- making one --------------------------------------------------------------------- */

/* *ret_flags is written when they are to be restored. */
static int prepare_side(int fd, bool restore, int *ret_flags)
{
    int flags;

    if (fd < 0)
        return 0;
    flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return -errno;
    if ((flags & O_NONBLOCK) != 0)
        return 0;
    if (restore)
        *ret_flags = flags;
    return fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

static int watch_side(int fd, unsigned events, twi_watch_fn *fn, struct pipe *pipe,
                      struct twi_watch **ret_watch)
{
    int r;

    if (fd < 0)
        return 0;
    r = twi_watch_new(fd, events, fn, pipe, ret_watch);
    return r == -EPERM ? 0 : r; /* it is always ready */
}

static int watch_pipe(struct pipe *pipe)
{
    unsigned edge, in = TWI_READABLE, out;
    int r;

    pipe->in.edge = twi_watch_has_edge();
    edge = pipe->in.edge ? TWI_EDGE : 0u;
    out = pipe->in.edge ? TWI_WRITABLE : 0u;
    pipe->hang_up = !pipe->in.edge && pipe->fifo ? TWI_READABLE : 0u;
    if (is_one(pipe))
        return watch_side(pipe->in.fd, in | out | edge, twi_descriptor_ready, pipe,
                          &pipe->in.watch);
    r = watch_side(pipe->in.fd, in | edge, twi_descriptor_ready, pipe, &pipe->in.watch);
    if (r < 0)
        return r;
    return watch_side(pipe->out, out | edge | pipe->hang_up, out_ready, pipe,
                      &pipe->out_watch);
}

static int pipe_set_up(struct pipe *pipe, bool restore)
{
    struct stat st;
    int r = prepare_side(pipe->in.fd, restore, &pipe->in_flags);

    if (r == 0 && !is_one(pipe))
        r = prepare_side(pipe->out, restore, &pipe->out_flags);
    if (r == 0 && pipe->out >= 0 && fstat(pipe->out, &st) == 0) {
        pipe->socket = S_ISSOCK(st.st_mode);
        pipe->fifo = S_ISFIFO(st.st_mode);
    }
    if (r == 0)
        r = watch_pipe(pipe);
    if (r < 0)
        return r;
    pipe->terminal = pipe->in.fd >= 0 && isatty(pipe->in.fd) == 1;
    pipe->again.fn = pipe_read_again;
    pipe->in.read_on = true;
    return twi_transport_init(&pipe->in.base, is_one(pipe) && !pipe->socket
                                                  ? &whole_ops.transport
                                                  : &pipe_ops.transport);
}

static void close_both(int read_fd, int write_fd)
{
    if (read_fd >= 0)
        close(read_fd);
    if (write_fd >= 0 && write_fd != read_fd)
        close(write_fd);
}

static int pipe_new(int read_fd, int write_fd, bool restore, tw_transport **ret_transport)
{
    struct pipe *pipe = NULL;
    int r = read_fd < 0 && write_fd < 0 ? -EINVAL : -ENOMEM;

    if (r == -ENOMEM)
        pipe = twi_slab_alloc(&pipes);
    if (pipe == NULL) {
        close_both(read_fd, write_fd);
        return r;
    }
    memset(pipe, 0, sizeof *pipe);
    pipe->in.fd = read_fd < 0 ? -1 : read_fd;
    pipe->out = write_fd < 0 ? -1 : write_fd;
    pipe->in_flags = pipe->out_flags = -1;
    r = pipe_set_up(pipe, restore);
    if (r < 0) {
        pipe_close(&pipe->in.base, true);
        twi_slab_free(&pipes, pipe);
        return r;
    }
    pipe->in.base.eof = read_fd < 0;
    pipe->in.base.write_shut = write_fd < 0;
    if (pipe->in.watch == NULL)
        twi_descriptor_read_later(&pipe->in);
    *ret_transport = &pipe->in.base;
    return 0;
}

int twi_pipe_new(int read_fd, int write_fd, tw_transport **ret_transport)
{
    return pipe_new(read_fd, write_fd, false, ret_transport);
}

static int open_pair(int read_fd, int write_fd, bool restore, tw_protocol *protocol,
                     tw_transport **ret_transport)
{
    tw_transport *transport;
    int r = pipe_new(read_fd, write_fd, restore, &transport);

    if (r < 0) {
        tw_protocol_free(protocol);
        return r;
    }
    if (ret_transport != NULL)
        *ret_transport = transport;
    twi_transport_connect(transport, protocol, NULL);
    return 0;
}

int tw_pipe_open(int read_fd, int write_fd, tw_protocol *protocol,
                 tw_transport **ret_transport)
{
    return open_pair(read_fd, write_fd, false, protocol, ret_transport);
}

int tw_stdio_open(tw_protocol *protocol, tw_transport **ret_transport)
{
    int in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int out = in < 0 ? -1 : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int r = -errno;

    if (out < 0) {
        close_both(in, -1);
        tw_protocol_free(protocol);
        return r;
    }
    return open_pair(in, out, true, protocol, ret_transport);
}
