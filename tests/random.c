/* SPDX-License-Identifier: MIT */
/*
 * random.c - programs drawn from seeds, and telling the seed of one that fails.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/random.h"
#include "tests/test.h"

enum { LONGEST = 60 }; /* seconds of one program */

static uint64_t seed, bits;
static bool running;

/* --- drawing ------------------------------------------------------------------------------ */

/* After Marsaglia's xorshift. */
unsigned draw(unsigned below)
{
    bits ^= bits << 13;
    bits ^= bits >> 7;
    bits ^= bits << 17;
    return (unsigned)(bits >> 33) % below;
}

/* Seeds that are near each other give programs that are not; never 0, where it would stay. */
static void draw_from(uint64_t new_seed)
{
    seed = new_seed;
    bits = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    for (int i = 0; i < 4; i++)
        draw(2);
}

/* --- telling ------------------------------------------------------------------------------ */

const char *random_failed(void)
{
    static char text[48];

    text[0] = '\0';
    if (!running)
        return text;
    snprintf(text, sizeof text, "TEST_SEED=%llu: ", (unsigned long long)seed);
    running = false;
    alarm(0);
    return text;
}

/* Anywhere, in a signal's handler too. */
static void tell_seed(void)
{
    char text[40], *digit = text + sizeof text;
    uint64_t left = seed;

    if (!running)
        return;
    *--digit = '\n';
    do
        *--digit = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    digit -= strlen("TEST_SEED=");
    memcpy(digit, "TEST_SEED=", strlen("TEST_SEED="));
    if (write(STDERR_FILENO, digit, (size_t)(text + sizeof text - digit)) < 0)
        _exit(EXIT_FAILURE);
}

/* The action is the default one again: raised a second time, it ends the process. */
static void tell_at_signal(int number)
{
    tell_seed();
    raise(number);
}

/* Sanitizers' own: they end the process without a signal. */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

static void tell_at_the_end(void)
{
    static const int signals[] = { SIGABRT, SIGALRM, SIGBUS, SIGSEGV, SIGTERM };
    struct sigaction action = { .sa_handler = tell_at_signal };

    action.sa_flags = (int)(SA_RESETHAND | SA_NODEFER);
    if (__sanitizer_set_death_callback != NULL)
        __sanitizer_set_death_callback(tell_seed);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &action, NULL);
}

/* --- running ------------------------------------------------------------------------------ */

static void run_one(void (*run)(void), uint64_t number)
{
    int64_t before = test_allocs_living(), after;

    draw_from(number);
    running = true;
    alarm(LONGEST);
    run();
    after = test_allocs_living();
    /* Fewer are well: a program before may have left something that the loop keeps for a while. */
    if (number != 0 && after > before)
        ck_abort_msg("%lld blocks are left", (long long)(after - before));
    alarm(0);
    running = false;
}

static uint64_t run_for(void (*run)(void), double seconds)
{
    uint64_t first = (uint64_t)time(NULL) << 24, count = 0;
    struct timespec now;
    double end;

    clock_gettime(CLOCK_MONOTONIC, &now);
    end = (double)now.tv_sec + (double)now.tv_nsec * 1e-9 + seconds;
    while ((double)now.tv_sec + (double)now.tv_nsec * 1e-9 < end) {
        run_one(run, first + count++);
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
    printf("%llu programs, from TEST_SEED=%llu\n", (unsigned long long)count,
           (unsigned long long)first);
    fflush(stdout);
    return count;
}

uint64_t random_programs(void (*run)(void), unsigned usual)
{
    const char *only = getenv("TEST_SEED"), *seconds = getenv("TEST_SECONDS");

    tell_at_the_end();
    run_one(run, 0);
    if (only != NULL) {
        run_one(run, strtoull(only, NULL, 10));
        return 1;
    }
    if (seconds != NULL)
        return run_for(run, strtod(seconds, NULL));
    if (getenv("TEST_SLOW") != NULL) /* under valgrind */
        usual = usual / 8 + 1;
    for (uint64_t number = 1; number <= usual; number++)
        run_one(run, number);
    return usual;
}
