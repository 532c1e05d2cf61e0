/* SPDX-License-Identifier: MIT */
/* ./interrupt - Ctrl-C cancels every coroutine; each cleans up, and may wait meanwhile; then the
 * loop stops. Here the program sends itself the signal. */
#include <signal.h>
#include <stdio.h>

#include <tweed/tweed.h>

static tw_value work(void *name)
{
    tw_value slept = tw_none();

    for (int round = 1; !tw_is_failure(slept); round++) {
        printf("%s: round %d\n", (char *)name, round);
        slept = tw_sleep(0.1);
    }
    printf("%s: cleaning up\n", (char *)name);
    tw_sleep(0.05); /* the cancel is over: this is awaited */
    printf("%s: clean\n", (char *)name);
    return slept;
}

static void interrupted(int number, void *arg)
{
    (void)number;
    (void)arg;
    printf("cancelling all\n");
    tw_inline_callbacks_cancel_all();
}

static void press_ctrl_c(void *arg)
{
    (void)arg;
    raise(SIGINT);
}

int main(void)
{
    static char one[] = "one", two[] = "two";
    tw_deferred *tasks[] = { tw_inline_callbacks(work, one), tw_inline_callbacks(work, two) };
    tw_value results;
    int cancelled = 0;

    tw_reactor_on_signal(SIGINT, interrupted, NULL);
    tw_call_later(0.25, press_ctrl_c, NULL);
    results = tw_block_on(tw_deferred_list(tasks, 2, TW_CONSUME_ERRORS));
    for (size_t i = 0; i < tw_list_length(results); i++)
        cancelled += tw_failure_is(tw_list_at(results, i), &tw_error_cancelled);
    printf("%d ended as cancelled\n", cancelled);
    tw_release(results);
    return 128 + SIGINT; /* what a shell calls the end by Ctrl-C */
}
