/* SPDX-License-Identifier: MIT */
/*
 * child.h - starting a child process, and hearing of its end.
 *
 * Part of the reactor's face: net/ makes <tweed/process.h> of it, with pipes and protocols. A
 * child belongs to the calling thread's reactor.
 */
#ifndef REACTOR_PROCESS_CHILD_H
#define REACTOR_PROCESS_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct twi_child;

/* In the child, `number` is the open file that `source` is here. */
struct twi_child_fd {
    int number, source;
};

/* The step at which a start failed. */
enum twi_child_step {
    TWI_CHILD_FORK, /* also: memory, descriptors and threads that we need */
    TWI_CHILD_DESCRIPTORS,
    TWI_CHILD_DIRECTORY,
    TWI_CHILD_SESSION, /* or the process group */
    TWI_CHILD_TERMINAL,
    TWI_CHILD_USER,
    TWI_CHILD_EXECUTE,
    TWI_CHILD_THREADS, /* fork() without exec in a program that has threads */
};

struct twi_child_options {
    const char *executable; /* NULL: argv[0]; looked for along PATH when it has no slash */
    const char *const *argv;        /* ended by NULL */
    const char *const *environment; /* ended by NULL; NULL: ours. Its PATH counts */
    /* Instead of an executable: a real fork, which calls main(arg) and exits with what that
     * returns. Nothing of tweed may be used in there that needs a reactor. */
    int (*main)(void *arg);
    void *arg;
    const char *directory; /* NULL: ours */
    /* All others are closed; 0, 1 and 2 when they are not named are /dev/null. */
    const struct twi_child_fd *fds;
    size_t fd_count;
    bool new_group, new_session;
    int terminal; /* with a new session: the child's number of its controlling terminal; or -1 */
    bool set_user;
    uid_t uid;
    gid_t gid;
    const gid_t *groups;
    size_t group_count;
    /* Start no thread that waits where the kernel does not tell of the end: see
     * twi_child_check(). */
    bool no_thread;
};

/* The status of waitpid(2), or this when other code has reaped the child. */
enum { TWI_CHILD_STATUS_LOST = -1 };
typedef void twi_child_exited_fn(int status, void *arg);

/*
 * Start one. exited(status, arg) is called once, from the top of a turn, when it has ended and
 * is reaped; it may free the child.
 *
 * Works in a threaded program (but for `main`). When it returns 0, the program has been
 * executed; otherwise returns -errno, and writes the step that failed. Signals are as for a
 * fresh process: none blocked, handled or ignored.
 */
int twi_child_spawn(const struct twi_child_options *options, twi_child_exited_fn *exited,
                    void *arg, struct twi_child **ret_child, enum twi_child_step *ret_step);
pid_t twi_child_pid(const struct twi_child *child);
/* True if its end will be noticed. False with `no_thread` on an old kernel. */
bool twi_child_is_watched(const struct twi_child *child);
/* If it has ended reap it, and call exited() now. */
void twi_child_check(struct twi_child *child);
/* Send a signal, to its group if `group` (it leads one then). 0, -ESRCH (it has ended),
 * -EINVAL, -EPERM. */
int twi_child_signal(struct twi_child *child, int number, bool group);
/* No longer wait for the child; if it lives on it is reaped later, silently. NULL is fine. */
void twi_child_free(struct twi_child *child);

/* In the child of a fork(), whose sibling it is: let go of it. NULL is fine. */
void twi_child_leave(struct twi_child *child);

/* Reap children that nobody waits for; returns how many are left. The other functions call it
 * now and then. */
size_t twi_child_sweep(void);

/* For tests: act as if the kernel had none of these. */
enum { TWI_CHILD_NO_PIDFD = 1, TWI_CHILD_NO_CLOSE_RANGE = 2, TWI_CHILD_NO_VFORK = 4 };
extern unsigned twi_child_without;

#endif
