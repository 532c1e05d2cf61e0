/* SPDX-License-Identifier: MIT */
/*
 * children.c - see children.h.
 */
#include "config.h"

#include "tests/children.h"

#include <dirent.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <tweed/reactor.h>

#include "reactor/process/child.h"
#include "tests/test.h"

static int descriptors;

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
    ck_assert_int_eq(tw_reactor_install(&options), 0);
}

/* Running, or a zombie. */
static bool has_children(void)
{
    siginfo_t info;

    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static bool has_threads(void)
{
#if defined(__SANITIZE_THREAD__)
    const nlink_t own = 2; /* its own runs in the background */
#else
    const nlink_t own = 1;
#endif
    struct stat tasks;

    return stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink > 2 + own;
}

void children_wait(void)
{
    double until = test_deadline();

    while ((twi_child_sweep() > 0 || has_children() || has_threads()) && test_before(until))
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
