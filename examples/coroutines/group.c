/* SPDX-License-Identifier: MIT */
/* ./group - coroutines that end before the block that started them; one failure ends all. */
#include <stdio.h>

#include <tweed/tweed.h>

static tw_value dig(void *seconds)
{
    double depth = *(double *)seconds;
    tw_value dug = tw_sleep(depth);

    if (tw_is_failure(dug)) {
        printf("stopped digging %g\n", depth);
        return dug;
    }
    if (depth > 2.5 && depth < 3.5)
        return tw_fail(&tw_error, "a stone at %g", depth);
    printf("dug %g\n", depth);
    return tw_none();
}

static tw_value dig_holes(tw_group *group, void *depths)
{
    for (double *depth = depths; *depth > 0; depth++)
        tw_group_start(group, dig, depth);
    printf("%zu dig\n", tw_group_count(group));
    return tw_string("all holes are dug"); /* but the group waits for its members */
}

static void run(double *depths)
{
    tw_value result = tw_block_on(tw_group_run(dig_holes, depths));

    printf("%s\n", tw_is_failure(result) ? tw_failure_message(result) : tw_bytes_data(result));
    tw_release(result);
}

int main(void)
{
    static const struct tw_reactor_options virtual_time = { .virtual_time = true };
    double easy[] = { 2, 1, 0 }, hard[] = { 1, 3, 9, 5, 0 };

    tw_reactor_install(&virtual_time);
    run(easy);
    run(hard);
    return 0;
}
