/*
 * check_coroutine.c - coroutines as generators: next, send, throw, close, yield from; misuse.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <tweed/coroutine.h>
#include <tweed/log.h>

#include "defer/coroutine.h"
#include "tests/test.h"

static tw_value value;

static tw_coroutine *given(tw_coroutine *coroutine)
{
    return test_given(coroutine);
}

static void yields(int status, int64_t wanted)
{
    ck_assert_int_eq(status, TW_YIELDED);
    ck_assert_int_eq(tw_integer_of(value), wanted);
}

static void returns(int status, int64_t wanted)
{
    ck_assert_int_eq(status, TW_RETURNED);
    ck_assert(tw_is(value, &tw_type_integer));
    ck_assert_int_eq(tw_integer_of(value), wanted);
}

static void raises(int status, const tw_error_class *wanted)
{
    ck_assert_int_eq(status, TW_RETURNED);
    ck_assert(tw_failure_is(value, wanted));
}

/* --- the rules of generators ------------------------------------------------------------ */

static tw_value count(void *arg)
{
    int *most = arg;

    for (int i = 0; i < *most; i++) {
        tw_value sent = tw_yield(tw_integer(i));
        if (tw_is_failure(sent))
            return sent;
    }
    return tw_integer(*most * 100);
}

START_TEST(next_gives_each_value_and_then_what_is_returned)
{
    int most = 3;
    tw_coroutine *numbers = given(tw_coroutine_new(count, &most));

    ck_assert_int_eq(tw_coroutine_state(numbers), TW_CREATED);
    yields(tw_coroutine_next(numbers, &value), 0);
    ck_assert_int_eq(tw_coroutine_state(numbers), TW_SUSPENDED);
    yields(tw_coroutine_next(numbers, &value), 1);
    yields(tw_coroutine_next(numbers, &value), 2);
    returns(tw_coroutine_next(numbers, &value), 300);
    ck_assert_int_eq(tw_coroutine_state(numbers), TW_ENDED);
    ck_assert_int_eq(tw_coroutine_next(numbers, &value), -EALREADY);
    ck_assert(tw_failure_is(value, &tw_error_misuse));
    tw_coroutine_free(numbers);
    ck_assert_uint_eq(tw_coroutine_count(), 0);
}
END_TEST

/* Adds up what it is sent; each answer is bytes, so that who owns what shows. */
static tw_value adder(void *arg)
{
    int64_t sum = 0;
    tw_value sent = tw_yield(tw_none());

    (void)arg;
    while (tw_integer_of(sent) >= 0) {
        sum += tw_integer_of(sent);
        sent = tw_yield(tw_bytes_format("%d", (int)sum));
    }
    return tw_bytes_format("total %d", (int)sum);
}

START_TEST(send_is_what_yield_gives)
{
    tw_coroutine *sums = given(tw_coroutine_new(adder, NULL));

    ck_assert_int_eq(tw_coroutine_next(sums, &value), TW_YIELDED);
    ck_assert_int_eq(tw_coroutine_send(sums, tw_integer(5), &value), TW_YIELDED);
    ck_assert_str_eq(tw_bytes_data(value), "5");
    ck_assert_int_eq(tw_coroutine_send(sums, tw_integer(7), &value), TW_YIELDED);
    ck_assert_str_eq(tw_bytes_data(value), "12");
    ck_assert_int_eq(tw_coroutine_send(sums, tw_integer(-1), &value), TW_RETURNED);
    ck_assert_str_eq(tw_bytes_data(value), "total 12");
    tw_coroutine_free(sums);
}
END_TEST

static tw_value echo(void *arg)
{
    tw_value sent = tw_none();

    (void)arg;
    while (!tw_failure_is(sent, &tw_error_closed))
        sent = tw_yield(sent);
    return sent;
}

START_TEST(what_is_yielded_may_be_sent_back)
{
    tw_coroutine *same = given(tw_coroutine_new(echo, NULL));

    ck_assert_int_eq(tw_coroutine_next(same, &value), TW_YIELDED);
    value = tw_string("to and fro");
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(tw_coroutine_send(same, value, &value), TW_YIELDED);
        ck_assert_str_eq(tw_bytes_data(value), "to and fro");
    }
    ck_assert_int_eq(tw_coroutine_state(same), TW_SUSPENDED);
    ck_assert_int_eq(tw_coroutine_throw(same, tw_fail(&tw_error_url, "thrown"), &value),
                     TW_YIELDED);
    ck_assert(tw_failure_is(value, &tw_error_url));
    tw_coroutine_free(same);
}
END_TEST

START_TEST(a_throw_ends_a_body_that_passes_it_on)
{
    int most = 3;
    tw_coroutine *numbers = given(tw_coroutine_new(count, &most));

    yields(tw_coroutine_next(numbers, &value), 0);
    raises(tw_coroutine_throw(numbers, tw_fail(&tw_error_url, "thrown"), &value),
           &tw_error_url);
    raises(tw_coroutine_throw(numbers, tw_fail(&tw_error_dns, "again"), &value),
           &tw_error_dns);
    tw_coroutine_free(numbers);
}
END_TEST

START_TEST(a_throw_before_the_start_ends_it_and_the_body_never_runs)
{
    tw_coroutine *never = given(tw_coroutine_new(count, NULL));

    raises(tw_coroutine_throw(never, tw_fail(&tw_error_url, "thrown"), &value), &tw_error_url);
    ck_assert_int_eq(tw_coroutine_state(never), TW_ENDED);
    tw_coroutine_free(never);
}
END_TEST

/* --- yield from ------------------------------------------------------------------------- */

static tw_value delegate(void *arg)
{
    tw_value result = tw_yield_from(arg);

    if (tw_failure_is(result, &tw_error_closed))
        return result;
    if (tw_is_failure(result))
        return tw_integer(-1);
    tw_yield(result);
    return tw_integer(7);
}

START_TEST(yield_from_passes_everything_through_and_gives_what_inner_returned)
{
    int most = 2;
    tw_coroutine *inner = given(tw_coroutine_new(count, &most));
    tw_coroutine *outer = given(tw_coroutine_new(delegate, inner));

    yields(tw_coroutine_next(outer, &value), 0);
    yields(tw_coroutine_next(outer, &value), 1);
    yields(tw_coroutine_next(outer, &value), 200);
    returns(tw_coroutine_next(outer, &value), 7);
    tw_coroutine_free(outer);
    tw_coroutine_free(inner);
}
END_TEST

START_TEST(throws_and_closes_go_to_inner)
{
    int most = 2;
    tw_coroutine *inner = given(tw_coroutine_new(count, &most));
    tw_coroutine *outer = given(tw_coroutine_new(delegate, inner));

    yields(tw_coroutine_next(outer, &value), 0);
    returns(tw_coroutine_throw(outer, tw_fail(&tw_error_url, "thrown"), &value), -1);
    ck_assert_int_eq(tw_coroutine_state(inner), TW_ENDED);
    tw_coroutine_free(outer);
    tw_coroutine_free(inner);

    inner = given(tw_coroutine_new(count, &most));
    outer = given(tw_coroutine_new(delegate, inner));
    yields(tw_coroutine_next(outer, &value), 0);
    ck_assert_int_eq(tw_coroutine_close(outer, &value), TW_RETURNED);
    ck_assert(tw_is_none(value));
    ck_assert_int_eq(tw_coroutine_state(inner), TW_ENDED);
    tw_coroutine_free(outer);
    tw_coroutine_free(inner);
}
END_TEST

/* --- the seam to inline callbacks ------------------------------------------------------- */

static int task;
static int said;

static void say(void *arg)
{
    ck_assert(!twi_coroutine_inside());
    ck_assert_ptr_null(twi_coroutine_task());
    said += *(int *)arg;
}

static tw_value parks(void *arg)
{
    int one = 1;

    ck_assert_ptr_eq(twi_coroutine_task(), &task);
    twi_coroutine_call_out(say, &one);
    ck_assert(twi_coroutine_inside());
    tw_yield(tw_none());
    *(tw_coroutine **)arg = tw_coroutine_current();
    twi_coroutine_park();
    ck_assert_ptr_eq(twi_coroutine_task(), &task);
    return tw_integer(3);
}

static tw_value generates(void *arg)
{
    *(tw_coroutine **)arg = tw_coroutine_current();
    ck_assert_ptr_eq(twi_coroutine_task(), &task);
    twi_coroutine_park();
    tw_yield(tw_integer(1));
    return tw_integer(2);
}

static tw_value parks_in_a_generator(void *arg)
{
    tw_coroutine *numbers = given(tw_coroutine_new(generates, arg));

    yields(tw_coroutine_next(numbers, &value), 1);
    returns(tw_coroutine_next(numbers, &value), 2);
    tw_coroutine_free(numbers);
    return tw_integer(4);
}

START_TEST(a_task_parks_and_goes_on_where_its_leaf_stands)
{
    tw_coroutine *leaf = NULL;
    tw_coroutine *root = given(twi_coroutine_new("here", parks, &leaf, NULL, &task));

    said = 0;
    ck_assert(!twi_coroutine_resume(root, &value));
    ck_assert_int_eq(said, 1);
    ck_assert_ptr_eq(leaf, root);
    ck_assert_int_eq(tw_coroutine_next(root, &value), -EBUSY);
    ck_assert(!twi_coroutine_inside());
    ck_assert(twi_coroutine_resume(leaf, &value));
    ck_assert_int_eq(tw_integer_of(value), 3);

    root = given(twi_coroutine_new("here", parks_in_a_generator, &leaf, NULL, &task));
    ck_assert(!twi_coroutine_resume(root, &value));
    ck_assert_ptr_ne(leaf, root);
    ck_assert(twi_coroutine_resume(leaf, &value));
    ck_assert_int_eq(tw_integer_of(value), 4);
    ck_assert_uint_eq(tw_coroutine_count(), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("coroutine");

    TEST_ADD(suite, next_gives_each_value_and_then_what_is_returned);
    TEST_ADD(suite, send_is_what_yield_gives);
    TEST_ADD(suite, what_is_yielded_may_be_sent_back);
    TEST_ADD(suite, a_throw_ends_a_body_that_passes_it_on);
    TEST_ADD(suite, a_throw_before_the_start_ends_it_and_the_body_never_runs);
    TEST_ADD(suite, yield_from_passes_everything_through_and_gives_what_inner_returned);
    TEST_ADD(suite, throws_and_closes_go_to_inner);
    TEST_ADD(suite, a_task_parks_and_goes_on_where_its_leaf_stands);
    return test_run(suite);
}
