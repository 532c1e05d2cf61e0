/* SPDX-License-Identifier: MIT */
/*
 * face.h - the reactor's face to the folders above: its turn, beyond the public headers.
 *
 * All of it acts on the calling thread's reactor. Starting child processes is the other half of
 * the face, reactor/process/child.h.
 */
#ifndef REACTOR_FACE_H
#define REACTOR_FACE_H

#include "base/clock.h"
#include "base/list.h"

/* --- watching a descriptor ---------------------------------------------------------------- */

enum {
    TWI_READABLE = 1,
    TWI_WRITABLE = 2,
    TWI_EDGE = 4,   /* edge-triggered, where the backend can; then TWI_HANGUP is told too */
    TWI_HANGUP = 8, /* only in `ready`: the peer's stream has ended (EPOLLRDHUP) */
};

struct twi_watch;
/* ready: TWI_READABLE and/or TWI_WRITABLE; an error or hang-up counts as both that are watched.
 * fn may free the watch and close the descriptor. */
typedef void twi_watch_fn(unsigned ready, void *arg);

/* Watch `fd` for `events`. From a pool, added to the backend once. 0 or negative errno. */
int twi_watch_new(int fd, unsigned events, twi_watch_fn *fn, void *arg,
                  struct twi_watch **ret_watch);
/* Change the watched events; the same ones cost nothing. 0 or negative errno. */
int twi_watch_change(struct twi_watch *watch, unsigned events);
/* Another function for the same descriptor. */
void twi_watch_set(struct twi_watch *watch, twi_watch_fn *fn, void *arg);
/* Call fn once in the next turn as if readable, e.g. after a resume with edge triggers. */
int twi_watch_poke(struct twi_watch *watch);
/* Stop watching and free; before close(fd). NULL is fine. */
void twi_watch_free(struct twi_watch *watch);
/* True if TWI_EDGE really is edge-triggered with this backend, with TWI_HANGUP (libevent's
 * EV_FEATURE_ET and EV_FEATURE_EARLY_CLOSE). */
bool twi_watch_has_edge(void);

/* --- the turn -------------------------------------------------------------------------------- */

/* The time of this turn, read once; CLOCK_MONOTONIC or virtual. */
int64_t twi_loop_now(void);

enum { TWI_READ_BUFFER_SIZE = 64 * 1024 };
extern _Thread_local char *twi_read_buffer __attribute__((tls_model("initial-exec")));
char *twi_loop_make_read_buffer(void);
/* One buffer for all reads of this thread; its content lives until the next read. NULL when there
 * is no memory. */
static inline char *twi_loop_read_buffer(size_t *ret_size)
{
    char *buffer = twi_read_buffer != NULL ? twi_read_buffer : twi_loop_make_read_buffer();

    *ret_size = buffer != NULL ? TWI_READ_BUFFER_SIZE : 0;
    return buffer;
}

/* Work for the end of this turn (sending what was written), in order. Embed, zero. A flush
 * queued while flushes run is for the next turn, which then does not wait. */
struct twi_flush {
    struct twi_list node_;
    void (*fn)(struct twi_flush *flush);
};
void twi_flush_later(struct twi_flush *flush);
static inline bool twi_flush_queued(const struct twi_flush *flush)
{
    return flush->node_.next != NULL;
}
/* Take it out again before its memory goes. */
void twi_flush_cancel(struct twi_flush *flush);

/* True if the next turn has something to do without waiting: calls queued or due, a flush, work
 * of other threads under way. For tests that run until all is quiet. */
bool twi_loop_busy(void);

/* Is time virtual? */
bool twi_loop_is_virtual(void);
/* The loop waits for a process or thread that keeps real time: until the release, virtual time
 * does not jump but passes as real time does. Each hold has its release. */
void twi_loop_hold(void);
void twi_loop_release(void);

/* A small pool for blocking calls of the library's own, so that they do not take the threads of
 * the program's pool. NULL: no memory, or the reactor is ending. */
struct tw_thread_pool *twi_loop_library_pool(void);

/* --- what belongs to a reactor ---------------------------------------------------------------- */

/* Called once when the thread's reactor is released, last registered first. */
struct twi_loop_end {
    struct twi_list node_;
    void (*fn)(struct twi_loop_end *end);
    /* Called instead in a child made by fork(), when the reactor is left to the parent: close
     * descriptors, let another one be begun, touch nothing that the parent would notice. Objects
     * that the program holds may still be freed. */
    void (*left)(struct twi_loop_end *end);
};
int twi_loop_on_end(struct twi_loop_end *end);
/* No longer call it, at a stop or at the end. */
void twi_loop_off(struct twi_loop_end *end);

/*
 * The state that a file keeps for its thread while the reactor lives, such as the list of all
 * transports: a struct that begins with a twi_loop_state, found by one pointer of the thread.
 *
 *     static const struct twi_loop_user user = { sizeof(struct listeners), listeners_begin, ... };
 *     static _Thread_local struct twi_loop_state *listeners_here;
 */
struct twi_loop_user {
    size_t size;        /* of the state, which is zeroed before begin() */
    int (*begin)(void); /* 0 or negative errno */
    /* At each shutdown of a run, before the "during" triggers: Twisted's disconnectAll. */
    void (*stop)(void);
    void (*end)(void); /* of the reactor; may be begun again after it */
    /* Instead, in the child of a fork(): as twi_loop_end.left. */
    void (*left)(void);
};
struct twi_loop_state {
    const struct twi_loop_user *user_;
    struct twi_loop_state **here_;
    struct twi_loop_end stop_, end_;
};
int twi_loop_user_begin(const struct twi_loop_user *user, struct twi_loop_state **here);
/* Begin at the first use. 0, -ENOMEM, or the error of begin(). */
static inline int twi_loop_use(const struct twi_loop_user *user, struct twi_loop_state **here)
{
    return *here != NULL ? 0 : twi_loop_user_begin(user, here);
}

/* In debug builds: aborts with a message to the log when the calling thread is not the owner. */
void twi_assert_thread(const void *owner, const char *what);
/* Names the calling thread, for the above. */
const void *twi_thread_self(void);

#endif
