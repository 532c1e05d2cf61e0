/* SPDX-License-Identifier: MIT */
/*
 * child.c - the end of child processes: noticed, and reaped.
 *
 * Each is waited for by its own number, so that children of other code keep their status for that
 * code. The kernel tells of the end by a descriptor (pidfd) that the reactor watches. Where there
 * is none, a thread waits; it leaves the reaping to the reactor's thread, so that no number is
 * used again while the child may still be signalled.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#if TWI_LINUX
#include <sys/syscall.h>
#endif
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fork.h"
#include "base/list.h"
#include "reactor/face.h"
#include "reactor/process/child_exec.h"
#include "reactor/inbox.h"

enum { WAITER_STACK = 128 * 1024 };

/* A thread that waits for a child. Two hold it: the thread or its post, and the child. The last
 * to let go knows that the child has ended, and reaps it. */
struct waiter {
    struct twi_post post;
    tw_reactor *reactor;
    pid_t pid;
    atomic_uint references;
    struct twi_child *child; /* for the reactor's thread; NULL: nobody asks any more */
    bool reaped;             /* likewise */
};

struct twi_child {
    struct twi_list node_; /* among those that nobody waits for */
    pid_t pid;
    bool reaped;
    int pidfd; /* or -1 */
    struct twi_watch *watch;
    struct waiter *waiter;
    twi_child_exited_fn *exited;
    void *arg;
    unsigned born; /* twi_forks */
};

/* --- those that nobody waits for --------------------------------------------------------- */

static struct twi_list left_behind = TWI_LIST_INIT(left_behind);

size_t twi_child_sweep(void)
{
    size_t left = 0;

    twi_lock(TWI_LOCK_CHILDREN);
    TWI_LIST_EACH (node, &left_behind) {
        struct twi_child *child = TWI_CONTAINER(node, struct twi_child, node_);

        if (twi_child_wait(child->pid, NULL, WNOHANG) == 0) {
            left++;
            continue;
        }
        twi_list_remove(node);
        twi_free(child);
    }
    twi_unlock(TWI_LOCK_CHILDREN);
    return left;
}

static void leave_behind(struct twi_child *child)
{
    twi_lock(TWI_LOCK_CHILDREN);
    twi_list_append(&left_behind, &child->node_);
    twi_unlock(TWI_LOCK_CHILDREN);
    twi_child_sweep();
}

/* --- its end ----------------------------------------------------------------------------- */

static void stop_watching(struct twi_child *child)
{
    twi_watch_free(child->watch);
    child->watch = NULL;
    if (child->pidfd >= 0)
        close(child->pidfd);
    child->pidfd = -1;
}

/* Reap it if it has ended, and say so. */
static void reap(struct twi_child *child)
{
    int status = TWI_CHILD_STATUS_LOST;

    if (twi_child_wait(child->pid, &status, WNOHANG) == 0)
        return;
    child->reaped = true;
    stop_watching(child);
    twi_child_sweep();
    child->exited(status, child->arg);
}

static void pidfd_ready(unsigned ready, void *child)
{
    (void)ready;
    reap(child);
}

/* --- a thread that waits ----------------------------------------------------------------- */

static void waiter_unref(struct waiter *waiter)
{
    if (atomic_fetch_sub(&waiter->references, 1) > 1)
        return;
    if (!waiter->reaped)
        twi_child_wait(waiter->pid, NULL, 0);
    tw_reactor_unref(waiter->reactor);
    twi_free(waiter);
}

/* No longer the child's. */
static void forget_waiter(struct twi_child *child)
{
    struct waiter *waiter = child->waiter;

    if (waiter == NULL)
        return;
    child->waiter = NULL;
    waiter->child = NULL;
    waiter_unref(waiter);
}

/* On the reactor's thread: the child has ended. */
static void waiter_told(void *arg)
{
    struct waiter *waiter = arg;
    struct twi_child *child = waiter->child;

    if (child != NULL) {
        waiter->reaped = true; /* below */
        forget_waiter(child);
    }
    waiter_unref(waiter);
    if (child != NULL)
        reap(child);
}

static void *waiter_runs(void *arg)
{
    struct waiter *waiter = arg;
    siginfo_t info;
    int r;

    do
        r = waitid(P_PID, (id_t)waiter->pid, &info, WEXITED | WNOWAIT);
    while (r < 0 && errno == EINTR);
    if (twi_inbox_push(waiter->reactor, &waiter->post) < 0) /* the reactor is gone */
        waiter_unref(waiter);
    return NULL;
}

static int child_start_thread(struct waiter *waiter)
{
    size_t size = WAITER_STACK;
    pthread_attr_t attributes;
    sigset_t all, before;
    pthread_t thread;
    int r = pthread_attr_init(&attributes);

    if (r != 0)
        return -r;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    pthread_attr_setstacksize(&attributes, size);
#endif
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)size;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    r = pthread_create(&thread, &attributes, waiter_runs, waiter);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return -r;
}

static int wait_by_thread(struct twi_child *child)
{
    struct waiter *waiter = twi_calloc(1, sizeof *waiter);
    int r;

    if (waiter == NULL)
        return -ENOMEM;
    waiter->post.fn = waiter_told;
    waiter->post.arg = waiter;
    waiter->reactor = tw_reactor_ref(tw_reactor_current());
    waiter->pid = child->pid;
    waiter->child = child;
    atomic_init(&waiter->references, 2);
    r = child_start_thread(waiter);
    if (r < 0) {
        tw_reactor_unref(waiter->reactor);
        twi_free(waiter);
        return r;
    }
    child->waiter = waiter;
    return 0;
}

/* --- starting ---------------------------------------------------------------------------- */

static int open_pidfd(pid_t pid)
{
    int fd = -1;

#if TWI_LINUX && defined SYS_pidfd_open
    static atomic_bool unknown; /* to the kernel */

    if ((twi_child_without & TWI_CHILD_NO_PIDFD) != 0 || atomic_load(&unknown))
        return -1;
    fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0 && errno == ENOSYS)
        atomic_store(&unknown, true);
#else
    (void)pid;
#endif
    return fd;
}

static int child_wait_for(struct twi_child *child, bool no_thread)
{
    child->pidfd = open_pidfd(child->pid); /* closed on exec by itself */
    if (child->pidfd >= 0 &&
        twi_watch_new(child->pidfd, TWI_READABLE, pidfd_ready, child, &child->watch) == 0)
        return 0;
    stop_watching(child);
    return no_thread ? 0 : wait_by_thread(child);
}

int twi_child_spawn(const struct twi_child_options *options, twi_child_exited_fn *exited,
                    void *arg, struct twi_child **ret_child, enum twi_child_step *ret_step)
{
    struct twi_child *child;
    int r = -ENOMEM;

    *ret_step = TWI_CHILD_FORK;
    child = tw_reactor_current() != NULL ? twi_calloc(1, sizeof *child) : NULL;
    if (child == NULL)
        return -ENOMEM;
    twi_child_sweep();
    child->pidfd = -1;
    child->exited = exited;
    child->arg = arg;
    child->born = twi_forks;
    r = twi_child_launch(options, &child->pid, ret_step);
    if (r < 0)
        goto fail;
    *ret_step = TWI_CHILD_FORK;
    r = child_wait_for(child, options->no_thread);
    if (r < 0)
        goto fail_running;
    *ret_child = child;
    return 0;

fail_running: /* its end could not be noticed */
    kill(child->pid, SIGKILL);
    twi_child_wait(child->pid, NULL, 0);
fail:
    twi_free(child);
    return r;
}

pid_t twi_child_pid(const struct twi_child *child)
{
    return child->pid;
}

bool twi_child_is_watched(const struct twi_child *child)
{
    return child->watch != NULL || child->waiter != NULL;
}

void twi_child_check(struct twi_child *child)
{
    if (!child->reaped)
        reap(child);
}

/* Ended but not reaped yet: a signal would seem to reach it. */
static bool child_has_ended(const struct twi_child *child)
{
    siginfo_t info;

    if (child->reaped)
        return true;
    info.si_pid = 0;
    return waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
           info.si_pid != 0;
}

/* The parent process's are not ours to signal. */
int twi_child_signal(struct twi_child *child, int number, bool group)
{
    if (child->reaped || child->born != twi_forks || (!group && child_has_ended(child)))
        return -ESRCH;
    return kill(group ? -child->pid : child->pid, number) < 0 ? -errno : 0;
}

void twi_child_free(struct twi_child *child)
{
    if (child == NULL)
        return;
    stop_watching(child);
    if (child->reaped || child->waiter != NULL) {
        forget_waiter(child);
        twi_free(child);
    } else {
        leave_behind(child);
    }
}

/* A thread that waits for it is in the parent only, and what it holds stays. */
void twi_child_leave(struct twi_child *child)
{
    if (child == NULL)
        return;
    stop_watching(child);
    twi_free(child);
}
