/* SPDX-License-Identifier: MIT */
/* ./generators - two functions that switch to each other, and generators: next, send, throw, close,
 * and one that delegates to another. greenlet's and PEP 342's and 380's examples. */
#include <stdio.h>

#include <tweed/tweed.h>

/* --- two that take turns -------------------------------------------------------------------- */

static tw_value first(void *arg)
{
    (void)arg;
    printf("12\n");
    if (!tw_is_failure(tw_yield(tw_none())))
        printf("34\n");
    return tw_none();
}

static tw_value second(void *arg)
{
    (void)arg;
    printf("56\n");
    if (!tw_is_failure(tw_yield(tw_none())))
        printf("78\n");
    return tw_none();
}

static void take_turns(void)
{
    tw_coroutine *one = tw_coroutine_new(first, NULL), *two = tw_coroutine_new(second, NULL);

    tw_coroutine_next(one, NULL);
    tw_coroutine_next(two, NULL);
    tw_coroutine_next(one, NULL);
    tw_coroutine_free(one);
    tw_coroutine_free(two); /* closed at its yield: 78 is never printed */
}

/* --- next, send, throw, close ----------------------------------------------------------------- */

static tw_value averager(void *arg)
{
    double total = 0, average = 0;

    (void)arg;
    for (int count = 1;; count++) {
        tw_value sent = tw_yield(tw_double(average));
        if (tw_failure_is(sent, &tw_error_protocol)) { /* except ValueError */
            printf("starting over\n");
            total = average = 0;
            count = 0;
            continue;
        }
        if (tw_is_failure(sent)) { /* closed */
            printf("the last average was %g\n", average);
            return sent;
        }
        total += tw_double_of(sent);
        average = total / count;
    }
}

static void print_averages(void)
{
    tw_coroutine *averages = tw_coroutine_new(averager, NULL);
    tw_value value;

    tw_coroutine_next(averages, &value);
    for (int i = 1; i <= 3; i++) {
        tw_coroutine_send(averages, tw_integer(10 * i), &value);
        printf("average %g\n", tw_double_of(value));
    }
    tw_coroutine_throw(averages, tw_fail(&tw_error_protocol, "wrong"), &value);
    tw_coroutine_send(averages, tw_integer(7), &value);
    printf("average %g\n", tw_double_of(value));
    tw_coroutine_close(averages, NULL);
    tw_coroutine_free(averages);
}

/* --- one that delegates ----------------------------------------------------------------------- */

static tw_value inner(void *arg)
{
    tw_value sent = tw_yield(tw_integer(1));

    (void)arg;
    printf("inner got %d\n", (int)tw_integer_of(sent));
    tw_yield(tw_integer(2));
    return tw_string("done");
}

static tw_value outer(void *arg)
{
    tw_coroutine *delegate = tw_coroutine_new(inner, NULL);
    tw_value result = tw_retain(tw_yield_from(delegate));

    (void)arg;
    tw_coroutine_free(delegate);
    printf("inner returned %s\n", tw_bytes_data(result));
    tw_release(result);
    tw_yield(tw_integer(3));
    return tw_none();
}

static void delegate(void)
{
    tw_coroutine *numbers = tw_coroutine_new(outer, NULL);
    tw_value value;
    int status = tw_coroutine_next(numbers, &value);

    for (int i = 10; status == TW_YIELDED; i++) {
        printf("yielded %d\n", (int)tw_integer_of(value));
        status = tw_coroutine_send(numbers, tw_integer(i), &value);
    }
    tw_coroutine_free(numbers);
}

int main(void)
{
    take_turns();
    print_averages();
    delegate();
    return 0;
}
