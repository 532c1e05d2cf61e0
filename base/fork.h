/* SPDX-License-Identifier: MIT */
/*
 * fork.h - what the child of a fork() must know and mend at once.
 *
 * Only the thread that called fork() goes on in the child: locks that others held there would stay
 * locked, and what the kernel keeps for both processes is still shared.
 */
#ifndef BASE_FORK_H
#define BASE_FORK_H

/* So many forks lead from the first process to this one. Remember it with whatever a child must
 * not share with its parent. */
extern unsigned twi_forks __attribute__((visibility("hidden")));

/* Locks of the whole process. A fork waits until nobody holds one, so that they are free in the
 * child. Each is held for a moment only, and none while another is. */
enum twi_lock {
    TWI_LOCK_SLABS,    /* their places among a thread's stores */
    TWI_LOCK_OVERFLOW, /* who reports overflows of stacks */
    TWI_LOCK_REACTORS, /* all reactors, by their number */
    TWI_LOCK_SIGNALS,  /* who has which */
    TWI_LOCK_CHILDREN, /* processes that nobody waits for */
    TWI_LOCK_TRUST,    /* the system's certificates */
    TWI_LOCKS
};
void twi_lock(enum twi_lock lock);
void twi_unlock(enum twi_lock lock);

/* Call child() in the child before its fork() returns; registered for ever, by a constructor. */
struct twi_fork_hook {
    void (*child)(void);
    struct twi_fork_hook *next_;
};
void twi_fork_hook(struct twi_fork_hook *hook);

#endif
