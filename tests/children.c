/* SPDX-License-Identifier: MIT */
/*
 * children.c - see children.h.
 */
#include "config.h"

#include "tests/children.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <tweed/reactor.h>

#include "reactor/process/child.h"
#include "tests/test.h"

static int descriptors;
static nlink_t own_links; /* at the beginning; a sanitizer, an emulator have threads, too */

/* Two more than there are threads. */
static nlink_t task_links(void)
{
    struct stat tasks;

    return stat("/proc/self/task", &tasks) == 0 ? tasks.st_nlink : 0;
}

static void *end_at_once(void *arg)
{
    return arg;
}

/* Counts the threads that are not ours: ThreadSanitizer starts one of its own beside the first that
 * a program makes. */
static void own_links_count(void)
{
    pthread_t thread;

    if (own_links != 0)
        return;
    ck_assert_int_eq(pthread_create(&thread, NULL, end_at_once, NULL), 0);
    pthread_join(thread, NULL);
    own_links = task_links();
}

int children_descriptors(void)
{
    DIR *directory = test_given(opendir("/proc/self/fd"));
    int count = -3; /* itself, "." and ".." */

    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

void children_begin(const char *backend)
{
    struct tw_reactor_options options = { .backend = backend };

    tw_reactor_uninstall();
    descriptors = children_descriptors();
    own_links_count();
    ck_assert_int_eq(tw_reactor_install(&options), 0);
}

/* Running, or a zombie. */
static bool has_children(void)
{
    siginfo_t info;

    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

void children_wait(void)
{
    double until = test_deadline();

    own_links_count();
    while ((twi_child_sweep() > 0 || has_children() || task_links() > own_links) &&
           test_before(until))
        sched_yield();
}

bool children_emulated(void)
{
    return getenv("TEST_SLOW") != NULL;
}

void children_end(void)
{
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    children_wait();
    ck_assert_int_eq(children_descriptors(), descriptors);
    ck_assert(!has_children());
}
