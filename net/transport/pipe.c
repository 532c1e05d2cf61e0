/* SPDX-License-Identifier: MIT */
/*
 * pipe.c - transports over any descriptors.
 *
 * As with sockets (stream.c) a descriptor is registered once where the backend has edge triggers,
 * and what an edge has told is remembered. Terminals give out less than they have, so reading goes
 * on until there is nothing. What cannot be watched (a file, /dev/null) is always ready: it is read
 * once in each turn.
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

#include "base/slab.h"
#include "net/transport/pipe.h"
#include "net/transport/quiet.h"
#include "net/transport/transport.h"

enum {
    READS_PER_TURN = 4, /* then others have their turn */
    WRITES_PER_TURN = 16,
    PIECES = 64,
};

struct side {
    int fd; /* -1 once closed */
    int flags; /* to be restored; -1: need not */
    struct twi_watch *watch; /* NULL: none, or the other side's */
};

struct pipe {
    tw_transport base;
    struct side in, out; /* of one descriptor: both name it, `in` has the watch */
    struct twi_flush again; /* read on in the next turn, without a watch */
    bool edge : 1;
    bool pending : 1; /* not all has been read */
    bool blocked : 1; /* no room to write */
    bool socket : 1;  /* the side that writes */
    bool terminal : 1; /* the side that reads */
};

static _Thread_local struct twi_slab pipes = TWI_SLAB(struct pipe);

static struct pipe *pipe_of(tw_transport *transport)
{
    return (struct pipe *)transport;
}

static bool is_one(const struct pipe *pipe)
{
    return pipe->in.fd == pipe->out.fd;
}

static tw_value pipe_broken_by(int error)
{
    return tw_fail_errno(&tw_error_connection_lost, error);
}

/* --- watching ----------------------------------------------------------------------- */

static int change(struct twi_watch *watch, unsigned events)
{
    return watch != NULL ? twi_watch_change(watch, events) : 0;
}

/* With level triggers: watch for what is wanted. */
static void pipe_rewatch(struct pipe *pipe)
{
    unsigned in = twi_transport_reading(&pipe->base) ? TWI_READABLE : 0u;
    unsigned out = pipe->blocked ? TWI_WRITABLE : 0u;
    int r;

    if (pipe->edge || pipe->base.state > TWI_LOSING)
        return;
    if (is_one(pipe))
        r = change(pipe->in.watch, in | out);
    else {
        r = change(pipe->in.watch, in);
        if (r == 0)
            r = change(pipe->out.watch, out);
    }
    if (r < 0)
        twi_transport_end(&pipe->base, pipe_broken_by(r));
}

/* What was left is read in the next turn. */
static void read_later(struct pipe *pipe)
{
    pipe->pending = false;
    if (pipe->in.watch == NULL) {
        if (pipe->in.fd >= 0 && !twi_flush_queued(&pipe->again))
            twi_flush_later(&pipe->again);
    } else if (pipe->edge && twi_watch_poke(pipe->in.watch) < 0)
        twi_transport_end(&pipe->base, tw_fail_memory());
}

static void pipe_reading(tw_transport *transport)
{
    struct pipe *pipe = pipe_of(transport);

    pipe_rewatch(pipe);
    if (pipe->pending && twi_transport_reading(transport))
        read_later(pipe);
}

/* --- reading ------------------------------------------------------------------------ */

/* One read, delivered. What read() answered, or a negative errno. */
static ssize_t pipe_receive(struct pipe *pipe)
{
    tw_transport *transport = &pipe->base;
    size_t size;
    char *own = twi_transport_buffer(transport, &size);
    char *buffer = own;
    ssize_t n;

    if (own == NULL)
        buffer = twi_loop_read_buffer(&size);
    do
        n = read(pipe->in.fd, buffer, size);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EIO && pipe->terminal ? 0 : -errno; /* it has hung up */
    if (n > 0 && own != NULL)
        twi_transport_filled(transport, (size_t)n);
    else if (n > 0)
        twi_transport_deliver(transport, buffer, (size_t)n);
    return n;
}

static void pipe_read_some(struct pipe *pipe)
{
    tw_transport *transport = &pipe->base;
    int reads = pipe->in.watch != NULL ? READS_PER_TURN : 1;

    pipe->pending = true;
    for (int i = 0; i < reads && twi_transport_reading(transport); i++) {
        ssize_t n = pipe_receive(pipe);

        if (n == -EAGAIN || n == -EWOULDBLOCK) {
            pipe->pending = false;
            return;
        }
        if (n < 0)
            twi_transport_lost(transport, pipe_broken_by((int)-n));
        else if (n == 0)
            twi_transport_deliver_eof(transport);
    }
    if (twi_transport_reading(transport))
        read_later(pipe);
    else
        pipe_rewatch(pipe);
}

/* --- writing ------------------------------------------------------------------------ */

/* Nobody takes it any more. What was sent to us before is still delivered; if that ends, too, and
 * nothing was left to write, all is well. */
static void write_failed(struct pipe *pipe, int error)
{
    tw_transport *transport = &pipe->base;
    bool whole = twi_outbox_empty(&transport->out);
    ssize_t n = 1;

    transport->write_shut = true;
    twi_outbox_drop(&transport->out, -error);
    while (twi_transport_reading(transport) && n > 0)
        n = pipe_receive(pipe);
    twi_transport_lost(transport, whole && n == 0 ? twi_reason_done() : pipe_broken_by(error));
}

/* As writev(). */
static ssize_t pipe_write_pieces(struct pipe *pipe)
{
    struct iovec pieces[PIECES];
    struct msghdr message = { .msg_iov = pieces };
    int count = twi_outbox_pieces(&pipe->base.out, pieces, PIECES);
    struct twi_quiet quiet;
    ssize_t n;

    if (pipe->socket) {
        message.msg_iovlen = (size_t)count;
        return sendmsg(pipe->out.fd, &message, MSG_NOSIGNAL);
    }
    quiet = twi_quiet_begin();
    n = writev(pipe->out.fd, pieces, count);
    twi_quiet_end(&quiet, n < 0);
    return n;
}

static ssize_t write_once(struct pipe *pipe)
{
    int64_t offset, length;
    int fd, r;

    if (twi_outbox_file(&pipe->base.out, &fd, &offset, &length)) {
        if (length == 0)
            return 0;
        r = twi_outbox_load(&pipe->base.out);
        if (r < 0) {
            errno = -r;
            return -1;
        }
    }
    return pipe_write_pieces(pipe);
}

/* Write what is queued; false when the connection is lost over it. */
static bool pipe_write_all(struct pipe *pipe)
{
    tw_transport *transport = &pipe->base;

    for (int calls = 0; !twi_outbox_empty(&transport->out) && !pipe->blocked; calls++) {
        ssize_t n;

        if (calls >= WRITES_PER_TURN) {
            twi_transport_flush_later(transport);
            break;
        }
        n = write_once(pipe);
        if (n >= 0) {
            twi_outbox_sent(&transport->out, (size_t)n);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            pipe->blocked = true;
            pipe_rewatch(pipe);
        } else if (errno != EINTR) {
            write_failed(pipe, errno);
            return false;
        }
    }
    return transport->state <= TWI_LOSING;
}

static void pipe_flush(tw_transport *transport)
{
    struct pipe *pipe = pipe_of(transport);

    if (!pipe->blocked && pipe_write_all(pipe))
        twi_transport_flushed(transport);
}

/* --- readiness ---------------------------------------------------------------------- */

/* What is written while the protocol reads goes when it returns. */
static void pipe_read_and_answer(struct pipe *pipe)
{
    tw_transport *transport = &pipe->base;

    twi_transport_hold(transport);
    pipe_read_some(pipe);
    if (twi_transport_release(transport))
        pipe_flush(transport);
}

static void may_write_on(struct pipe *pipe)
{
    pipe->blocked = false;
    pipe_flush(&pipe->base);
    if (!pipe->blocked)
        pipe_rewatch(pipe);
}

static void pipe_ready(unsigned ready, void *arg)
{
    struct pipe *pipe = arg;
    tw_transport *transport = &pipe->base;

    transport->refs_++;
    if ((ready & TWI_WRITABLE) && pipe->blocked)
        may_write_on(pipe);
    if ((ready & (TWI_READABLE | TWI_HANGUP)) && transport->state <= TWI_LOSING)
        pipe_read_and_answer(pipe);
    tw_transport_unref(transport);
}

static void pipe_read_again(struct twi_flush *again)
{
    pipe_ready(TWI_READABLE, TWI_CONTAINER(again, struct pipe, again));
}

/* Has the other end of what we write to been closed? */
static bool nobody_reads(const struct pipe *pipe)
{
    struct pollfd out = { .fd = pipe->out.fd, .events = POLLOUT };
    int r;

    do
        r = poll(&out, 1, 0);
    while (r < 0 && errno == EINTR);
    return r > 0 && (out.revents & (POLLERR | POLLNVAL)) != 0;
}

/* Of a descriptor that only writes. */
static void out_ready(unsigned ready, void *arg)
{
    struct pipe *pipe = arg;
    tw_transport *transport = &pipe->base;

    (void)ready;
    transport->refs_++;
    if (pipe->blocked)
        may_write_on(pipe);
    else if (transport->state <= TWI_LOSING && nobody_reads(pipe))
        write_failed(pipe, EPIPE);
    tw_transport_unref(transport);
}

/* --- the end ------------------------------------------------------------------------ */

static void close_side(struct side *side)
{
    twi_watch_free(side->watch);
    side->watch = NULL;
    if (side->fd < 0)
        return;
    if (side->flags >= 0)
        fcntl(side->fd, F_SETFL, side->flags);
    close(side->fd);
    side->fd = -1;
}

static void pipe_shut_write(tw_transport *transport)
{
    struct pipe *pipe = pipe_of(transport);

    if (is_one(pipe))
        shutdown(pipe->out.fd, SHUT_WR);
    else
        close_side(&pipe->out);
}

static void pipe_close(tw_transport *transport, bool abort)
{
    struct pipe *pipe = pipe_of(transport);

    (void)abort;
    twi_flush_cancel(&pipe->again);
    if (is_one(pipe))
        pipe->out.fd = -1;
    close_side(&pipe->in);
    close_side(&pipe->out);
}

static void pipe_free(tw_transport *transport)
{
    twi_slab_free(&pipes, pipe_of(transport));
}

static int pipe_fd(const tw_transport *transport)
{
    const struct pipe *pipe = (const struct pipe *)transport;

    return pipe->in.fd >= 0 ? pipe->in.fd : pipe->out.fd;
}

static const struct twi_transport_ops pipe_ops = {
    .name = "pipe",
    .flush = pipe_flush,
    .reading = pipe_reading,
    .shut_write = pipe_shut_write,
    .close = pipe_close,
    .free = pipe_free,
    .fd = pipe_fd,
};
/* A terminal or the like cannot be closed by half. */
static const struct twi_transport_ops whole_ops = {
    .name = "pipe",
    .flush = pipe_flush,
    .reading = pipe_reading,
    .close = pipe_close,
    .free = pipe_free,
    .fd = pipe_fd,
};

/* --- making one --------------------------------------------------------------------- */

static int prepare_side(struct side *side, bool restore)
{
    int flags;

    if (side->fd < 0)
        return 0;
    flags = fcntl(side->fd, F_GETFL);
    if (flags < 0 || fcntl(side->fd, F_SETFD, FD_CLOEXEC) < 0)
        return -errno;
    if ((flags & O_NONBLOCK) != 0)
        return 0;
    if (restore)
        side->flags = flags;
    return fcntl(side->fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

static int watch_side(struct side *side, unsigned events, twi_watch_fn *fn, struct pipe *pipe)
{
    int r;

    if (side->fd < 0)
        return 0;
    r = twi_watch_new(side->fd, events, fn, pipe, &side->watch);
    return r == -EPERM ? 0 : r; /* it is always ready */
}

static int watch_pipe(struct pipe *pipe)
{
    unsigned edge, in = TWI_READABLE, out;
    int r;

    pipe->edge = twi_watch_has_edge();
    edge = pipe->edge ? TWI_EDGE : 0u;
    out = pipe->edge ? TWI_WRITABLE : 0u;
    if (is_one(pipe))
        return watch_side(&pipe->in, in | out | edge, pipe_ready, pipe);
    r = watch_side(&pipe->in, in | edge, pipe_ready, pipe);
    return r < 0 ? r : watch_side(&pipe->out, out | edge, out_ready, pipe);
}

static int pipe_set_up(struct pipe *pipe, bool restore)
{
    struct stat st;
    int r = prepare_side(&pipe->in, restore);

    if (r == 0 && !is_one(pipe))
        r = prepare_side(&pipe->out, restore);
    if (r == 0)
        r = watch_pipe(pipe);
    if (r < 0)
        return r;
    pipe->terminal = pipe->in.fd >= 0 && isatty(pipe->in.fd) == 1;
    pipe->socket = pipe->out.fd >= 0 && fstat(pipe->out.fd, &st) == 0 && S_ISSOCK(st.st_mode);
    pipe->again.fn = pipe_read_again;
    return twi_transport_init(&pipe->base,
                              is_one(pipe) && !pipe->socket ? &whole_ops : &pipe_ops);
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
    pipe->in = (struct side){ .fd = read_fd < 0 ? -1 : read_fd, .flags = -1 };
    pipe->out = (struct side){ .fd = write_fd < 0 ? -1 : write_fd, .flags = -1 };
    r = pipe_set_up(pipe, restore);
    if (r < 0) {
        pipe_close(&pipe->base, true);
        twi_slab_free(&pipes, pipe);
        return r;
    }
    pipe->base.eof = read_fd < 0;
    pipe->base.write_shut = write_fd < 0;
    if (pipe->in.watch == NULL)
        read_later(pipe);
    *ret_transport = &pipe->base;
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
