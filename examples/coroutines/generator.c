/* SPDX-License-Identifier: MIT */
/* ./generator - functions that yield: next, send, and one that delegates to another. */
#include <stdio.h>

#include <tweed/tweed.h>

static tw_value count_down(void *from)
{
    for (int i = *(int *)from; i > 0; i--) {
        tw_value sent = tw_yield(tw_integer(i));
        if (tw_is_failure(sent)) /* closed, or thrown into: the place to clean up */
            return sent;
        if (tw_is(sent, &tw_type_integer))
            i = (int)tw_integer_of(sent) + 1;
    }
    return tw_string("lift off");
}

static tw_value twice(void *from)
{
    for (int i = 0; i < 2; i++) {
        tw_coroutine *inner = tw_coroutine_new(count_down, from);
        tw_value returned = tw_yield_from(inner);
        printf("inner returned %s\n", tw_bytes_data(returned));
        tw_coroutine_free(inner);
    }
    return tw_none();
}

int main(void)
{
    int three = 3, one = 1;
    tw_coroutine *numbers = tw_coroutine_new(count_down, &three);
    tw_value value;

    tw_coroutine_next(numbers, &value);
    printf("%d\n", (int)tw_integer_of(value));
    tw_coroutine_send(numbers, tw_integer(9), &value);
    printf("%d\n", (int)tw_integer_of(value));
    tw_coroutine_free(numbers); /* closes it where it stands */

    numbers = tw_coroutine_new(twice, &one);
    while (tw_coroutine_next(numbers, &value) == TW_YIELDED)
        printf("%d\n", (int)tw_integer_of(value));
    tw_coroutine_free(numbers);
    return 0;
}
