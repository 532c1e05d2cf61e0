/* SPDX-License-Identifier: MIT */
/* ./logging - an observer of one's own, and the kinds of events that reach it. */
#include <stdio.h>

#include <tweed/tweed.h>

static void observe(const struct tw_log_event *event, void *file)
{
    static const char *const levels[] = { "debug", "info", "warning", "error", "critical" };

    fprintf(file, "%s %s: %s", levels[event->level], event->module, event->message);
    if (tw_is_failure(event->failure))
        fprintf(file, " [%s]", tw_failure_word(event->failure));
    fputc('\n', file);
}

static tw_value sell(void *count)
{
    int left = 0;

    if (*(int *)count > left)
        return tw_fail(&tw_error, "only %d left", left);
    return tw_none();
}

int main(void)
{
    int wanted = 3;
    tw_deferred *sale;

    tw_log_observe(observe, stdout, TW_LOG_INFO);

    tw_log(TW_LOG_INFO, "shop", "open, with %d articles", 12);
    tw_log(TW_LOG_DEBUG, "shop", "below the level: not even formatted");

    /* A failure that the chain ends with is logged, and the chain goes on. */
    sale = tw_defer_later(NULL, 0, sell, &wanted);
    tw_add_errback(sale, tw_log_failure, "selling a chair");
    tw_release(tw_block_on(sale));

    /* One that nobody looks at is reported when its Deferred goes. */
    sale = tw_failed(tw_fail(&tw_error_timeout, "no answer from the bank"));
    tw_deferred_unref(sale);

    tw_log_observe(NULL, NULL, TW_LOG_INFO);
    tw_log(TW_LOG_CRITICAL, "shop", "nobody listens any more");
    return 0;
}
