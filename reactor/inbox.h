/* SPDX-License-Identifier: MIT */
/*
 * inbox.h - calls from other threads to a reactor: a lock-free stack, drained whole.
 *
 * Senders push; a sender that finds the stack empty also wakes the reactor. The reactor takes
 * all in one exchange and turns the order around. struct tw_reactor is no more than this: it
 * outlives its loop for as long as somebody holds a reference, and refuses calls then.
 */
#ifndef REACTOR_INBOX_H
#define REACTOR_INBOX_H

#include <stdatomic.h>

#include <tweed/reactor.h>

#include "base/list.h"

/* One call. Embedded in a struct of the sender's, or from a chunk of the sender's thread. */
struct twi_post {
    struct twi_post *next;
    void (*fn)(void *arg); /* may release the post */
    void *arg;
    struct twi_post_chunk *chunk; /* NULL: embedded */
};

struct tw_reactor {
    _Atomic(struct twi_post *) inbox;
    atomic_uint references;
    int wake_fd;      /* the reactor's end: readable after a wake */
    int wake_send_fd; /* the senders' */
    /* Each push on an empty stack is followed by one write; the reactor counts both, so that it
     * does not close the descriptor before the last of them. */
    uint64_t wakes_owed, wakes_seen;
    struct twi_watch *watch;
    struct twi_list node; /* among all of the process */
    const void *thread;
};

/* 0, -ENOMEM, -EMFILE. One reference. */
int twi_inbox_new(struct tw_reactor **ret_reactor);
/* 0, or -ESHUTDOWN: then the post is still the caller's. */
int twi_inbox_push(struct tw_reactor *reactor, struct twi_post *post);
/* Make the calls sent until now; true if there were any. */
bool twi_inbox_run(struct tw_reactor *reactor);
static inline bool twi_inbox_has_posts(const struct tw_reactor *reactor)
{
    return atomic_load_explicit(&reactor->inbox, memory_order_relaxed) != NULL;
}
/* Read the wake-up descriptor dry. */
void twi_inbox_read_wakes(struct tw_reactor *reactor);
/* Wait until a call is sent, and make it. */
void twi_inbox_wait(struct tw_reactor *reactor);
/* Refuse calls from here on; make those sent before; close the descriptor. */
void twi_inbox_close(struct tw_reactor *reactor);
/* As close, in the child of a fork: what was sent before is called in the parent only. */
void twi_inbox_leave(struct tw_reactor *reactor);

#endif
