/* SPDX-License-Identifier: MIT */
/*
 * check_switch.c - a switch keeps what a call keeps. A plain program that needs only base/ and
 * defer/: make check-aarch64 runs it for another machine, too. Prints what failed.
 */
#include "config.h"

#include <fenv.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <tweed/coroutine.h>
#include <tweed/inline_callbacks.h>

static int failures;

#define EXPECT(condition)                                                        \
    do {                                                                         \
        if (!(condition)) {                                                      \
            failures++;                                                          \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);      \
        }                                                                        \
    } while (0)

/* As many live integers and doubles as a machine has registers that a call keeps, and more. */
enum { WORDS = 14 };

static double seed(uint64_t from)
{
    volatile double value = (double)from * 1.25;
    return value;
}

/* Each step passes through a call that may switch; then all is looked at. */
static int keeps_all(uint64_t from, void (*step)(void))
{
    uint64_t a = from * 3, b = from * 5, c = from * 7, d = from * 11, e = from * 13,
             f = from * 17, g = from * 19, h = from * 23, i = from * 29, j = from * 31;
    double p = seed(from), q = seed(from + 1), r = seed(from + 2), s = seed(from + 3),
           t = seed(from + 4), u = seed(from + 5), v = seed(from + 6), w = seed(from + 7);

    for (int turn = 0; turn < WORDS; turn++) {
        step();
        a++, b++, c++, d++, e++, f++, g++, h++, i++, j++;
        p += 1, q += 1, r += 1, s += 1, t += 1, u += 1, v += 1, w += 1;
    }
    return a == from * 3 + WORDS && b == from * 5 + WORDS && c == from * 7 + WORDS &&
           d == from * 11 + WORDS && e == from * 13 + WORDS && f == from * 17 + WORDS &&
           g == from * 19 + WORDS && h == from * 23 + WORDS && i == from * 29 + WORDS &&
           j == from * 31 + WORDS && p == seed(from) + WORDS && q == seed(from + 1) + WORDS &&
           r == seed(from + 2) + WORDS && s == seed(from + 3) + WORDS &&
           t == seed(from + 4) + WORDS && u == seed(from + 5) + WORDS &&
           v == seed(from + 6) + WORDS && w == seed(from + 7) + WORDS;
}

static void yield_once(void)
{
    tw_yield(tw_none());
}

static tw_value keeper(void *arg)
{
    uint64_t from = (uint64_t)(uintptr_t)arg;

    EXPECT(keeps_all(from, yield_once));
    return tw_integer((int64_t)from);
}

enum { MANY = 7 };
static tw_coroutine *keepers[MANY];

static void resume_all(void)
{
    for (int i = 0; i < MANY; i++) {
        if (tw_coroutine_state(keepers[i]) != TW_ENDED)
            tw_coroutine_next(keepers[i], NULL);
    }
}

static void test_registers(void)
{
    tw_value value;

    for (int i = 0; i < MANY; i++) {
        keepers[i] = tw_coroutine_new(keeper, (void *)(uintptr_t)(i + 1));
        EXPECT(keepers[i] != NULL);
    }
    EXPECT(keeps_all(99, resume_all));
    for (int i = 0; i < MANY; i++) {
        EXPECT(tw_coroutine_next(keepers[i], &value) == TW_RETURNED);
        EXPECT(tw_integer_of(value) == i + 1);
        tw_coroutine_free(keepers[i]);
    }
}

/* Values go over in registers, both ways. */
static tw_value squares(void *arg)
{
    tw_value sent = tw_yield(tw_double(0.5));

    (void)arg;
    while (!tw_is_failure(sent))
        sent = tw_yield(tw_integer(tw_integer_of(sent) * tw_integer_of(sent)));
    return sent;
}

static void test_values(void)
{
    tw_coroutine *coroutine = tw_coroutine_new(squares, NULL);
    tw_value value;

    EXPECT(tw_coroutine_next(coroutine, &value) == TW_YIELDED);
    EXPECT(tw_double_of(value) == 0.5);
    for (int64_t i = 0; i < 1000; i++) {
        EXPECT(tw_coroutine_send(coroutine, tw_integer(i << 16), &value) == TW_YIELDED);
        EXPECT(tw_integer_of(value) == (i << 16) * (i << 16));
    }
    tw_coroutine_free(coroutine);
}

static tw_value rounds_downwards(void *arg)
{
    (void)arg;
    EXPECT(fegetround() == FE_UPWARD); /* its maker's */
    fesetround(FE_DOWNWARD);
    tw_yield(tw_none());
    EXPECT(fegetround() == FE_DOWNWARD);
    return tw_none();
}

static void test_control_words(void)
{
#if TWI_SWITCH_FPU
    tw_coroutine *coroutine;

    fesetround(FE_UPWARD);
    coroutine = tw_coroutine_new(rounds_downwards, NULL);
    fesetround(FE_TONEAREST);
    EXPECT(tw_coroutine_next(coroutine, NULL) == TW_YIELDED);
    EXPECT(fegetround() == FE_TONEAREST);
    EXPECT(tw_coroutine_next(coroutine, NULL) == TW_RETURNED);
    EXPECT(fegetround() == FE_TONEAREST);
    tw_coroutine_free(coroutine);
#else
    (void)rounds_downwards;
#endif
}

/* The stack is aligned as the machine wants it, or this faults. */
static tw_value prints(void *arg)
{
    _Alignas(16) volatile double place[2] = { 1.5, 2.5 };

    EXPECT(((uintptr_t)place & 15) == 0);
    return tw_bytes_format("%s %.3f %.3Lf", (const char *)arg, place[0] + place[1], 1.0L / 8);
}

static void test_alignment(void)
{
    static char text[] = "sum";
    tw_coroutine *coroutine = tw_coroutine_new(prints, text);
    tw_value value;

    EXPECT(tw_coroutine_next(coroutine, &value) == TW_RETURNED);
    EXPECT(strcmp(tw_bytes_data(value), "sum 4.000 0.125") == 0);
    tw_coroutine_free(coroutine);
}

/* tests/gdb.sh looks around here. */
__attribute__((noinline)) static tw_value bottom(void)
{
    return tw_yield(tw_integer(1));
}

static tw_value deeper(void *arg)
{
    intptr_t left = (intptr_t)arg;
    tw_coroutine *inner;
    int64_t sum;

    if (left == 0)
        return bottom();
    inner = tw_coroutine_new(deeper, (void *)(left - 1));
    sum = tw_integer_of(tw_yield_from(inner)) + 1;
    tw_coroutine_free(inner);
    return tw_integer(sum);
}

static void test_chains(void)
{
    tw_coroutine *outer = tw_coroutine_new(deeper, (void *)(intptr_t)100);
    tw_value value;

    EXPECT(tw_coroutine_next(outer, &value) == TW_YIELDED && tw_integer_of(value) == 1);
    EXPECT(tw_coroutine_send(outer, tw_integer(1000), &value) == TW_RETURNED);
    EXPECT(tw_integer_of(value) == 1100);
    tw_coroutine_free(outer);
}

/* Parks below a generator, and is woken by a callback. */
static tw_value waits(void *arg)
{
    tw_deferred *pending = arg;
    return tw_integer(tw_integer_of(tw_await(pending)) + 1);
}

static void test_await(void)
{
    tw_deferred *slot, *done;

    done = tw_inline_callbacks(waits, tw_promise(&slot, NULL, NULL));
    EXPECT(!tw_deferred_called(done));
    tw_fire(&slot, tw_integer(41));
    EXPECT(tw_integer_of(tw_deferred_result(done)) == 42);
    tw_deferred_unref(done);
}

int main(void)
{
    test_registers();
    test_values();
    test_control_words();
    test_alignment();
    test_chains();
    test_await();
    EXPECT(tw_coroutine_count() == 0);
    printf("switch: %d failed, stacks guarded by %s\n", failures, tw_coroutine_guard());
    return failures > 0;
}
