/* SPDX-License-Identifier: MIT */
/*
 * check_coroutine_stack.c - stacks of coroutines: sizes, pools, guards, overruns.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tweed/coroutine.h>
#include <tweed/log.h>

#include "base/slab.h"
#include "defer/coroutine/coroutine.h"
#include "tests/test.h"

enum { MOST = 100000, PROTECTED = 40000 };

/* valgrind looks through all stacks in each switch, ThreadSanitizer knows 8,000 fibers in all. */
static int many(int wanted)
{
    bool slow = getenv("TEST_SLOW") != NULL || TWI_TSAN || TWI_ASAN;

    return slow && wanted > 500 ? 500 : wanted;
}

static tw_value value;

static tw_value wait_for_close(void *arg)
{
    (void)arg;
    return tw_yield(tw_none());
}

/* Goes down by about `bytes`. */
__attribute__((noinline)) static int dig(size_t bytes)
{
    volatile char here[256];

    __asm__ volatile("" : : "r"(here) : "memory"); /* or Clang keeps the two bytes only */
    here[0] = 1;
    here[sizeof here - 1] = 2;
    if (bytes > sizeof here)
        here[0] = (char)dig(bytes - sizeof here);
    return here[0] + here[sizeof here - 1];
}

/* Down past an address, so far that the canary must have seen it. */
__attribute__((noinline)) static int dig_past(const char *address)
{
    volatile char here[256];

    here[0] = 1;
    /* AddressSanitizer may keep `here` elsewhere. */
    if ((const char *)__builtin_frame_address(0) > address - 1024)
        here[0] = (char)dig_past(address);
    return here[0];
}

static tw_value overrunner(void *arg)
{
    (void)arg;
    dig_past(tw_coroutine_current()->stack->low);
    return tw_yield(tw_none());
}

static tw_value digger(void *arg)
{
    dig(*(size_t *)arg);
    return tw_yield(tw_none());
}

/* Pools are off in tests: runs fn on a thread of its own where they are on. */
static void with_pools(void *(*fn)(void *arg))
{
    pthread_t thread;

    twi_slab_direct = false;
    ck_assert_int_eq(pthread_create(&thread, NULL, fn, NULL), 0);
    pthread_join(thread, NULL);
    twi_slab_direct = true;
}

/* --- sizes ------------------------------------------------------------------------------ */

static const struct {
    size_t asked;
    int error;
    size_t least;
} sizes[] = {
    { 0, 0, 65536 },         { 1, EINVAL, 0 },
    { 16383, EINVAL, 0 },    { 16384, 0, 16384 },
    { 100000, 0, 100000 },   { 8 << 20, 0, 8 << 20 },
    { SIZE_MAX, ENOMEM, 0 }, { SIZE_MAX / 16, ENOMEM, 0 },
};

START_TEST(a_stack_has_the_size_that_was_asked_for)
{
    struct tw_coroutine_options options = { .stack_size = sizes[_i].asked };
    tw_coroutine *coroutine = tw_coroutine_new_with(wait_for_close, NULL, &options);

    if (sizes[_i].error != 0) {
        ck_assert_ptr_null(coroutine);
        ck_assert_int_eq(errno, sizes[_i].error);
        return;
    }
    test_given(coroutine);
    ck_assert_uint_ge(tw_coroutine_stack_size(coroutine), sizes[_i].least);
    ck_assert_int_eq(tw_coroutine_next(coroutine, &value), TW_YIELDED);
    tw_coroutine_free(coroutine);
}
END_TEST

START_TEST(the_high_water_mark_tells_how_deep_it_was)
{
    size_t depths[] = { 1000, 10000, 30000 };

    for (int i = 0; i < 3; i++) {
        tw_coroutine *coroutine = test_given(tw_coroutine_new(digger, &depths[i]));
        ck_assert_int_eq(tw_coroutine_next(coroutine, &value), TW_YIELDED);
        ck_assert_uint_ge(tw_coroutine_stack_used(coroutine), depths[i]);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        ck_assert_uint_le(tw_coroutine_stack_used(coroutine), depths[i] * 3 / 2 + 4096);
#endif
        tw_coroutine_free(coroutine);
    }
}
END_TEST

/* --- pools ------------------------------------------------------------------------------ */

static void *uses_one_again(void *arg)
{
    tw_coroutine *first = tw_coroutine_new(wait_for_close, NULL);
    tw_coroutine *second;

    tw_coroutine_next(first, NULL);
    tw_coroutine_free(first);
    second = tw_coroutine_new(wait_for_close, NULL);
    ck_assert_ptr_eq(first, second);
    ck_assert_int_eq(tw_coroutine_state(second), TW_CREATED);
    tw_coroutine_free(second);
    return arg;
}

static void dig_at_home(void *arg)
{
    ck_assert_ptr_null(tw_coroutine_current());
    dig(*(size_t *)arg);
}

static tw_value caller_of_home(void *arg)
{
    tw_call_home(dig_at_home, arg);
    ck_assert_ptr_nonnull(tw_coroutine_current());
    tw_yield(tw_integer(1));
    tw_call_home(dig_at_home, arg);
    return tw_integer(2);
}

START_TEST(what_needs_more_stack_is_called_at_home)
{
    size_t depth = 1 << 20; /* sixteen stacks of a coroutine */
    tw_coroutine *coroutine = tw_coroutine_new(caller_of_home, &depth);
    tw_value result;

    ck_assert_int_eq(tw_coroutine_next(coroutine, &result), TW_YIELDED);
    ck_assert_int_eq(tw_integer_of(result), 1);
    ck_assert_int_eq(tw_coroutine_next(coroutine, &result), TW_RETURNED);
    ck_assert_int_eq(tw_integer_of(result), 2);
    tw_coroutine_free(coroutine);
    tw_call_home(dig_at_home, &depth);
}
END_TEST

START_TEST(the_last_stack_that_became_free_is_the_next_in_use)
{
    with_pools(uses_one_again);
}
END_TEST

static size_t resident(void)
{
    unsigned long all = 0, in_memory = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file == NULL || fscanf(file, "%lu %lu", &all, &in_memory) != 2)
        in_memory = 0;
    if (file != NULL)
        fclose(file);
    return in_memory * (size_t)sysconf(_SC_PAGESIZE);
}

static void *makes_many(void *arg)
{
    const int count = many(MOST);
    tw_coroutine **all = calloc((size_t)count, sizeof *all);
    size_t before = resident(), parked, idle;

    ck_assert_ptr_nonnull(all);
    for (int i = 0; i < count; i++) {
        all[i] = tw_coroutine_new(wait_for_close, NULL);
        ck_assert_ptr_nonnull(all[i]);
        ck_assert_int_eq(tw_coroutine_next(all[i], NULL), TW_YIELDED);
    }
    parked = resident() - before;
    ck_assert_uint_eq(tw_coroutine_count(), (size_t)count);
    for (int i = count; i-- > 0;) {
        ck_assert_int_eq(tw_coroutine_next(all[i], NULL), TW_RETURNED);
        tw_coroutine_free(all[i]);
    }
    idle = resident() - before;
    free(all);
    if (count == MOST && !TWI_SWITCH_UCONTEXT) {
        ck_assert_uint_le(parked / MOST, 4400);
        ck_assert_uint_le(idle, parked / 10);
    }
    return arg;
}

START_TEST(many_cost_a_page_each_and_give_it_back)
{
    with_pools(makes_many);
}
END_TEST

static void *keeps_words_apart(void *arg)
{
    twi_stack_set_guard(TWI_GUARD_CANARY);
    makes_many(arg);
    twi_stack_set_guard(TWI_GUARD_UNKNOWN);
    return arg;
}

START_TEST(many_cost_no_more_with_canaries)
{
    with_pools(keeps_words_apart);
}
END_TEST

/* Each takes two mappings: the later ones must do with canaries. */
static void *makes_more_than_mappings_last(void *arg)
{
    static tw_coroutine *all[PROTECTED];
    const int count = many(PROTECTED);

    twi_stack_set_guard(TWI_GUARD_MPROTECT);
    ck_assert_str_eq(tw_coroutine_guard(), "mprotect");
    for (int i = 0; i < count; i++) {
        all[i] = tw_coroutine_new(wait_for_close, NULL);
        ck_assert_ptr_nonnull(all[i]);
    }
    if (count == PROTECTED)
        ck_assert_str_eq(tw_coroutine_guard(), "canary");
    for (int i = 0; i < count; i++)
        tw_coroutine_free(all[i]);
    twi_stack_set_guard(TWI_GUARD_UNKNOWN);
    return arg;
}

START_TEST(when_mappings_run_out_canaries_take_over)
{
    with_pools(makes_more_than_mappings_last);
    twi_stack_set_guard(TWI_GUARD_MPROTECT);
    ck_assert_str_eq(tw_coroutine_guard(), "mprotect"); /* they came back */
    twi_stack_set_guard(TWI_GUARD_UNKNOWN);
}
END_TEST

/* --- out of memory ---------------------------------------------------------------------- */

static int released;

static void count_release(void *arg)
{
    (void)arg;
    released++;
}

static bool make_one(void *arg)
{
    struct tw_coroutine_options options = { .release = count_release };
    tw_coroutine *coroutine;

    (void)arg;
    released = 0;
    coroutine = tw_coroutine_new_with(wait_for_close, NULL, &options);
    if (coroutine == NULL) {
        ck_assert_int_eq(errno, ENOMEM);
        ck_assert_int_eq(released, 1);
        return false;
    }
    tw_coroutine_next(coroutine, NULL);
    tw_coroutine_free(coroutine);
    ck_assert_int_eq(released, 1);
    return true;
}

START_TEST(without_memory_there_is_none_and_the_argument_is_released)
{
    test_each_alloc_failure(make_one, NULL);
}
END_TEST

static void *fails_in_the_pool(void *arg)
{
    (void)arg;
    for (uint64_t n = 1;; n++) {
        bool made;
        test_fail_alloc(n, true);
        made = make_one(NULL);
        test_fail_alloc(0, false);
        if (made)
            return NULL;
        ck_assert_uint_le(n, 10);
    }
}

START_TEST(the_same_with_pools)
{
    with_pools(fails_in_the_pool);
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static void *finds_no_addresses(void *arg)
{
    struct rlimit before, little = { (rlim_t)1 << 20, (rlim_t)1 << 20 };
    struct tw_coroutine_options options = { .stack_size = (size_t)64 << 20 };

    if (tw_coroutine_count() == 0 && getrlimit(RLIMIT_AS, &before) == 0) {
        little.rlim_max = before.rlim_max;
        ck_assert_int_eq(setrlimit(RLIMIT_AS, &little), 0);
        ck_assert_ptr_null(tw_coroutine_new_with(wait_for_close, NULL, &options));
        ck_assert_int_eq(errno, ENOMEM);
        ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
    }
    return arg;
}

START_TEST(without_addresses_there_is_none)
{
    if (getenv("TEST_SLOW") == NULL) /* valgrind would not live through it */
        with_pools(finds_no_addresses);
}
END_TEST
#endif

/* --- overrunning ------------------------------------------------------------------------ */

static int told[2];

static void tell(const struct tw_log_event *event, void *arg)
{
    ssize_t written = write(told[1], event->message, strlen(event->message));

    (void)written;
    (void)arg;
}

static void overrun(enum twi_guard guard)
{
    const struct tw_coroutine_options options = { .name = "the digger" };
    const struct rlimit no_core = { 0, 0 };

    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    signal(SIGABRT, SIG_DFL);
    twi_stack_set_guard(guard);
    tw_log_observe(tell, NULL, TW_LOG_CRITICAL);
    ck_assert_int_eq(tw_coroutine_report_overflow(told[1]), 0);
    tw_coroutine_next(tw_coroutine_new_with(overrunner, NULL, &options), NULL);
    _exit(0);
}

static const struct {
    enum twi_guard guard;
    int signal;
} guards[] = {
    { TWI_GUARD_UNKNOWN, SIGSEGV },
    { TWI_GUARD_MPROTECT, SIGSEGV },
    { TWI_GUARD_CANARY, SIGABRT },
};

START_TEST(who_overruns_its_stack_is_named)
{
    char text[256];
    ssize_t length;
    int status, wanted = guards[_i].signal;
    pid_t child;

    if (guards[_i].guard == TWI_GUARD_UNKNOWN && strcmp(tw_coroutine_guard(), "canary") == 0)
        wanted = SIGABRT;
    ck_assert_int_eq(pipe(told), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        overrun(guards[_i].guard);
    close(told[1]);
    length = read(told[0], text, sizeof text - 1);
    ck_assert_int_gt(length, 0);
    text[length] = '\0';
    close(told[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), wanted);
    ck_assert_ptr_nonnull(strstr(text, "the digger (made at "));
    ck_assert_ptr_nonnull(strstr(text, "has overrun its stack of "));
}
END_TEST

/* One frame of more than the stack: its far end is touched first. */
static tw_value jump(void *beyond)
{
    size_t size = tw_coroutine_stack_size(tw_coroutine_current()) + (size_t)(uintptr_t)beyond;
    volatile char *frame = __builtin_alloca(size);

    for (size_t i = 0; i < 2000; i++)
        frame[i] = 7;
    return tw_integer(frame[5]);
}

static void jump_over(enum twi_guard guard, size_t beyond)
{
    const struct tw_coroutine_options options = { .name = "the jumper" };
    const struct rlimit no_core = { 0, 0 };

    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    twi_stack_set_guard(guard);
    ck_assert_int_eq(tw_coroutine_report_overflow(told[1]), 0);
    for (int i = 0; i < 8; i++) /* those whose stacks it would write to */
        tw_coroutine_next(tw_coroutine_new(wait_for_close, NULL), NULL);
    tw_coroutine_next(tw_coroutine_new_with(jump, (void *)(uintptr_t)beyond, &options), NULL);
    _exit(0);
}

static const struct {
    enum twi_guard guard;
    size_t beyond;
    bool probed; /* it takes a compiler that probes large frames */
} jumps[] = {
    { TWI_GUARD_UNKNOWN, 1000, false },   { TWI_GUARD_UNKNOWN, 18464, false },
    { TWI_GUARD_UNKNOWN, 99464, false },  { TWI_GUARD_MPROTECT, 18464, false },
    { TWI_GUARD_MPROTECT, 99464, false }, { TWI_GUARD_UNKNOWN, 1 << 20, true },
    { TWI_GUARD_MPROTECT, 1 << 20, true },
};

#ifdef TWI_STACK_CLASH
#define PROBED true
#else
#define PROBED false
#endif

START_TEST(one_large_frame_is_named_too)
{
    char text[256];
    ssize_t length;
    int status;
    pid_t child;

    if ((jumps[_i].probed && !PROBED) || strcmp(tw_coroutine_guard(), "canary") == 0)
        return;
    ck_assert_int_eq(pipe(told), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        jump_over(jumps[_i].guard, jumps[_i].beyond);
    close(told[1]);
    length = read(told[0], text, sizeof text - 1);
    close(told[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_gt(length, 0);
    text[length] = '\0';
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
    ck_assert_ptr_nonnull(strstr(text, "the jumper (made at "));
}
END_TEST

START_TEST(a_report_needs_a_descriptor)
{
    ck_assert_int_eq(tw_coroutine_report_overflow(-1), -EBADF);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("coroutine_stack");

    TEST_ADD_ROWS(suite, a_stack_has_the_size_that_was_asked_for, sizes);
    TEST_ADD(suite, the_high_water_mark_tells_how_deep_it_was);
    TEST_ADD(suite, what_needs_more_stack_is_called_at_home);
    TEST_ADD(suite, the_last_stack_that_became_free_is_the_next_in_use);
    TEST_ADD(suite, many_cost_a_page_each_and_give_it_back);
    TEST_ADD(suite, many_cost_no_more_with_canaries);
    TEST_ADD(suite, when_mappings_run_out_canaries_take_over);
    TEST_ADD(suite, without_memory_there_is_none_and_the_argument_is_released);
    TEST_ADD(suite, the_same_with_pools);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    TEST_ADD(suite, without_addresses_there_is_none);
#endif
    TEST_ADD_ROWS(suite, who_overruns_its_stack_is_named, guards);
    TEST_ADD_ROWS(suite, one_large_frame_is_named_too, jumps);
    TEST_ADD(suite, a_report_needs_a_descriptor);
    return test_run(suite);
}
