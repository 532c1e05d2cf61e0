/* SPDX-License-Identifier: MIT */
/*
 * inbox.c - calls from other threads, and the reactor's handle that they hold.
 *
 * The hard question is when the handle may be freed. A sender's last touch is the write that
 * wakes the reactor, which may by then have taken the call, run it and come to its end. Since
 * exactly one write follows each push on an empty stack, the reactor knows how many are still
 * to come, and closing waits for them. So senders need no lock and no count.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#ifdef HAVE_SYS_EVENTFD_H
#include <sys/eventfd.h>
#endif

#include <tweed/log.h>

#include "base/alloc.h"
#include "base/fork.h"
#include "base/hooks.h"
#include "base/posix.h"
#include "base/slab.h"
#include "base/thread_end.h"
#include "reactor/inbox.h"
#include "reactor/loop.h"

/* Stands in the inbox of a reactor that is gone. */
static struct twi_post closed;

/* --- posts from chunks ------------------------------------------------------------------- */

/* A sender takes posts from its thread's chunk one after the other; receivers give them back by
 * counting. The last one releases the chunk. */
enum { CHUNK_POSTS = 126 };

struct twi_post_chunk {
    atomic_uint living; /* posts not yet given back, the unused ones included */
    unsigned used;      /* the sender's */
    struct twi_post posts[];
};

static _Thread_local struct twi_post_chunk *sending __attribute__((tls_model("initial-exec")));
static _Thread_local struct twi_thread_end thread_end;

static void chunk_unref(struct twi_post_chunk *chunk, unsigned posts)
{
    if (atomic_fetch_sub_explicit(&chunk->living, posts, memory_order_acq_rel) == posts)
        twi_free(chunk);
}

/* The thread ends: the posts that it did not use are given back. */
static void drop_chunk(void)
{
    struct twi_post_chunk *chunk = sending;

    if (chunk == NULL)
        return;
    sending = NULL;
    chunk_unref(chunk, CHUNK_POSTS - chunk->used);
}

static unsigned chunk_posts(void)
{
    if (twi_slab_direct || !twi_thread_end_call(&thread_end, TWI_THREAD_CACHES, drop_chunk))
        return 1;
    return CHUNK_POSTS;
}

static struct twi_post *post_alloc_slow(void)
{
    struct twi_post_chunk *chunk;
    unsigned count;

    count = chunk_posts();
    chunk = twi_malloc(sizeof *chunk + count * sizeof chunk->posts[0]);
    if (chunk == NULL)
        return NULL;
    atomic_init(&chunk->living, count);
    chunk->used = 1;
    chunk->posts[0].chunk = chunk;
    if (count > 1)
        sending = chunk;
    return &chunk->posts[0];
}

static inline struct twi_post *post_alloc(void)
{
    struct twi_post_chunk *chunk = sending;
    struct twi_post *post;

    if (__builtin_expect(chunk == NULL, 0))
        return post_alloc_slow();
    post = &chunk->posts[chunk->used++];
    post->chunk = chunk;
    /* Full: it now belongs to the receivers. */
    if (chunk->used == CHUNK_POSTS)
        sending = NULL;
    return post;
}

/* --- the handle -------------------------------------------------------------------------- */

static void inbox_unref(struct tw_reactor *reactor)
{
    if (atomic_fetch_sub_explicit(&reactor->references, 1, memory_order_acq_rel) == 1)
        twi_free(reactor);
}

tw_reactor *tw_reactor_ref(tw_reactor *reactor)
{
    if (reactor != NULL)
        atomic_fetch_add_explicit(&reactor->references, 1, memory_order_relaxed);
    return reactor;
}

void tw_reactor_unref(tw_reactor *reactor)
{
    if (reactor != NULL)
        inbox_unref(reactor);
}

static int open_wake(struct tw_reactor *reactor)
{
#ifdef HAVE_SYS_EVENTFD_H
    reactor->wake_fd = reactor->wake_send_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return reactor->wake_fd < 0 ? -errno : 0;
#else
    int ends[2], r = twi_pipe(ends);

    if (r < 0)
        return r;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    reactor->wake_fd = ends[0];
    reactor->wake_send_fd = ends[1];
    return 0;
#endif
}

static void close_wake(struct tw_reactor *reactor)
{
    if (reactor->wake_send_fd != reactor->wake_fd)
        close(reactor->wake_send_fd);
    close(reactor->wake_fd);
}

/* All that are open, by TWI_LOCK_REACTORS. */
static struct twi_list inboxes = TWI_LIST_INIT(inboxes);

static void inbox_enter(struct tw_reactor *reactor)
{
    reactor->thread = twi_thread_self();
    twi_lock(TWI_LOCK_REACTORS);
    twi_list_append(&inboxes, &reactor->node);
    twi_unlock(TWI_LOCK_REACTORS);
}

static void inbox_strike_out(struct tw_reactor *reactor)
{
    twi_lock(TWI_LOCK_REACTORS);
    twi_list_remove(&reactor->node);
    twi_unlock(TWI_LOCK_REACTORS);
}

int twi_inbox_new(struct tw_reactor **ret_reactor)
{
    struct tw_reactor *reactor = twi_calloc(1, sizeof *reactor);
    int r;

    if (reactor == NULL)
        return -ENOMEM;
    r = open_wake(reactor);
    if (r < 0) {
        twi_free(reactor);
        return r;
    }
    atomic_init(&reactor->inbox, NULL);
    atomic_init(&reactor->references, 1);
    inbox_enter(reactor);
    *ret_reactor = reactor;
    return 0;
}

/* --- sending ----------------------------------------------------------------------------- */

static void wake(int fd)
{
#ifdef HAVE_SYS_EVENTFD_H
    static const uint64_t one = 1;
#else
    static const char one = 1;
#endif
    int saved = errno; /* this runs in signal handlers too */

    while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
    errno = saved;
}

int twi_inbox_push(struct tw_reactor *reactor, struct twi_post *post)
{
    struct twi_post *first = atomic_load_explicit(&reactor->inbox, memory_order_relaxed);
    int fd = reactor->wake_send_fd;

    do {
        if (__builtin_expect(first == &closed, 0))
            return -ESHUTDOWN;
        post->next = first;
    } while (!atomic_compare_exchange_weak_explicit(
        &reactor->inbox, &first, post, memory_order_release, memory_order_relaxed));
    if (first == NULL)
        wake(fd);
    return 0;
}

int tw_reactor_call_from_thread(tw_reactor *reactor, void (*fn)(void *arg), void *arg)
{
    struct twi_post *post;
    int r;

    if (reactor == NULL || fn == NULL)
        return fn == NULL ? -EINVAL : -ENOMEM;
    post = post_alloc();
    if (post == NULL)
        return -ENOMEM;
    post->fn = fn;
    post->arg = arg;
    r = twi_inbox_push(reactor, post);
    if (r < 0)
        chunk_unref(post->chunk, 1);
    return r;
}

/* --- through a fork ----------------------------------------------------------------------- */

/* The child must neither wake its parent nor take its wakes: new descriptors take the places of
 * the shared ones. Posts in the inbox are called in both processes. */
static void inbox_part(struct tw_reactor *reactor)
{
    struct tw_reactor own = { .wake_fd = -1 };

    if (open_wake(&own) < 0) {
        tw_log(TW_LOG_ERROR, "reactor", "the child of a fork shares its parent's wake-ups");
        return;
    }
    dup2(own.wake_fd, reactor->wake_fd);
    fcntl(reactor->wake_fd, F_SETFD, FD_CLOEXEC);
    if (reactor->wake_send_fd != reactor->wake_fd) {
        dup2(own.wake_send_fd, reactor->wake_send_fd);
        fcntl(reactor->wake_send_fd, F_SETFD, FD_CLOEXEC);
    }
    close_wake(&own);
    reactor->wakes_owed = reactor->wakes_seen = 0;
    if (twi_inbox_has_posts(reactor))
        wake(reactor->wake_send_fd);
}

/* No thread is left to serve the inboxes of other threads. */
static void inboxes_part(void)
{
    TWI_LIST_EACH (node, &inboxes) {
        struct tw_reactor *reactor = TWI_CONTAINER(node, struct tw_reactor, node);

        if (reactor->thread == twi_thread_self())
            inbox_part(reactor);
        else
            atomic_store(&reactor->inbox, &closed);
    }
}

TWI_AT_START static void inbox_hook(void)
{
    static struct twi_fork_hook hook = { .child = inboxes_part };

    twi_fork_hook(&hook);
}

/* --- receiving --------------------------------------------------------------------------- */

static struct twi_post *in_order(struct twi_post *post)
{
    struct twi_post *earlier = NULL;

    while (post != NULL) {
        struct twi_post *next = post->next;
        post->next = earlier;
        earlier = post;
        post = next;
    }
    return earlier;
}

/* Posts of one chunk mostly come together: count them back together. */
static void call_all(struct twi_post *post)
{
    struct twi_post_chunk *chunk = NULL;
    struct twi_loop *loop = twi_loop_here;
    void (*fn)(void *arg);
    unsigned count = 0;

    if (loop != NULL)
        TWI_SLOW_BEGIN(&loop->slow);
    while (post != NULL) {
        struct twi_post *next = post->next;
        struct twi_post_chunk *from = post->chunk;
        if (from != chunk) {
            if (chunk != NULL)
                chunk_unref(chunk, count);
            chunk = from;
            count = 0;
        }
        count++;
        fn = post->fn;
        fn(post->arg);
        if (loop != NULL)
            TWI_SLOW_END(&loop->slow, "call from a thread", fn);
        post = next;
    }
    if (chunk != NULL)
        chunk_unref(chunk, count);
}

static bool inbox_take(struct tw_reactor *reactor, struct twi_post *leave)
{
    struct twi_post *posts = atomic_exchange_explicit(&reactor->inbox, leave,
                                                      memory_order_acq_rel);

    if (posts == NULL)
        return false;
    reactor->wakes_owed++;
    call_all(in_order(posts));
    return true;
}

bool twi_inbox_run(struct tw_reactor *reactor)
{
    return twi_inbox_has_posts(reactor) && inbox_take(reactor, NULL);
}

void twi_inbox_read_wakes(struct tw_reactor *reactor)
{
#ifdef HAVE_SYS_EVENTFD_H
    uint64_t count;

    if (read(reactor->wake_fd, &count, sizeof count) == (ssize_t)sizeof count)
        reactor->wakes_seen += count;
#else
    char bytes[256];
    ssize_t count;

    while ((count = read(reactor->wake_fd, bytes, sizeof bytes)) > 0)
        reactor->wakes_seen += (uint64_t)count;
#endif
}

static void poll_wake(struct tw_reactor *reactor)
{
    struct pollfd readable = { .fd = reactor->wake_fd, .events = POLLIN };

    poll(&readable, 1, -1);
    twi_inbox_read_wakes(reactor);
}

void twi_inbox_wait(struct tw_reactor *reactor)
{
    if (!twi_inbox_has_posts(reactor))
        poll_wake(reactor);
    twi_inbox_run(reactor);
}

void twi_inbox_close(struct tw_reactor *reactor)
{
    inbox_take(reactor, &closed);
    twi_inbox_read_wakes(reactor);
    while (reactor->wakes_seen < reactor->wakes_owed)
        poll_wake(reactor);
    inbox_strike_out(reactor);
    close_wake(reactor);
    inbox_unref(reactor);
}

void twi_inbox_leave(struct tw_reactor *reactor)
{
    atomic_store(&reactor->inbox, &closed);
    inbox_strike_out(reactor);
    close_wake(reactor);
}
