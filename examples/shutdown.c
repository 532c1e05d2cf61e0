/* SPDX-License-Identifier: MIT */
/* ./shutdown - works until Ctrl-C (or, here, until it sends itself SIGTERM), then finishes what it
 * has begun before it ends. A second signal would end it at once. */
#include <signal.h>
#include <stdio.h>

#include <tweed/tweed.h>

static void work(void *arg)
{
    int *done = arg;

    printf("worked %d\n", ++*done);
    if (*done == 2)
        raise(SIGTERM); /* as `kill` would from outside */
    else
        tw_call_later(0.01, work, done);
}

static tw_value saved(void *done)
{
    printf("saved %d\n", *(int *)done);
    return tw_none();
}

/* The reactor keeps turning until the Deferred is done; then the rest of the shutdown follows. */
static tw_value save(void *done)
{
    printf("saving\n");
    return tw_wait(tw_defer_later(NULL, 0.05, saved, done));
}

static tw_value say_goodbye(void *arg)
{
    (void)arg;
    printf("goodbye\n");
    return tw_none();
}

int main(void)
{
    int done = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    tw_call_soon(work, &done);
    tw_reactor_add_trigger(TW_BEFORE, "shutdown", save, &done);
    tw_reactor_add_trigger(TW_AFTER, "shutdown", say_goodbye, NULL);
    if (tw_reactor_run() < 0)
        return 1;
    printf("signal: %s\n", tw_reactor_exit_signal() == SIGTERM ? "SIGTERM" : "another");
    return 0;
}
