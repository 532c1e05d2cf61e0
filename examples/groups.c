/* SPDX-License-Identifier: MIT */
/* ./groups - three groups of coroutines gathered into one result; cancelling a group reaches its
 * members only. */
#include <stdio.h>

#include <tweed/tweed.h>

enum { GROUPS = 3, MEMBERS = 3 };

static struct member {
    const char *name;
    double seconds;
} members[GROUPS][MEMBERS] = {
    { { "1.1", 1 }, { "1.2", 2 }, { "1.3", 3 } },
    { { "2.1", 1 }, { "2.2", 2 }, { "2.3", 3 } },
    { { "3.1", 1 }, { "3.2", 2 }, { "3.3", 3 } },
};

static tw_value work(void *arg)
{
    const struct member *member = arg;
    tw_value slept;

    printf("> %s\n", member->name);
    slept = tw_sleep(member->seconds);
    if (tw_is_failure(slept)) {
        printf("x %s\n", member->name); /* the place to clean up */
        return slept;
    }
    printf("< %s\n", member->name);
    return tw_string(member->name);
}

static tw_deferred *start_group(struct member *group)
{
    tw_deferred *started[MEMBERS];

    for (int i = 0; i < MEMBERS; i++)
        started[i] = tw_inline_callbacks(work, &group[i]);
    return tw_gather(started, MEMBERS);
}

static void cancel(void *group)
{
    printf("cancelling group 2\n");
    tw_cancel(group);
}

static void print_group(int number, tw_value results)
{
    printf("group %d:", number);
    if (tw_is_failure(results))
        printf(" %s", tw_failure_has(results, &tw_error_cancelled) ? "cancelled" : "failed");
    for (size_t i = 0; i < tw_list_length(results); i++)
        printf(" %s", tw_bytes_data(tw_list_at(results, i)));
    printf("\n");
}

int main(void)
{
    tw_deferred *groups[GROUPS], *second;
    tw_value all;

    for (int i = 0; i < GROUPS; i++)
        groups[i] = start_group(members[i]);
    second = tw_deferred_ref(groups[1]); /* the list takes the others over */
    tw_call_later(1.5, cancel, second);
    all = tw_block_on(tw_deferred_list(groups, GROUPS, TW_CONSUME_ERRORS));
    for (int i = 0; i < GROUPS; i++)
        print_group(i + 1, tw_list_at(all, (size_t)i));
    tw_deferred_unref(second);
    tw_release(all);
    return 0;
}
