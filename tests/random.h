/* SPDX-License-Identifier: MIT */
/*
 * random.h - programs drawn from seeds.
 *
 * A seed determines all that a program does. The seed is told when a program ends before
 * its time: by an assertion, a sanitizer, a signal, a minute without an end, memory that is left.
 * From the environment:
 *   TEST_SEED=n      only the program of this seed
 *   TEST_SECONDS=s   programs of new seeds for s seconds, each test; make check-random
 */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/* Run the programs of the seeds 1 to `usual`, unless the environment says otherwise; before them
 * that of 0, which makes what a thread keeps. Returns how many. */
uint64_t random_programs(void (*run)(void), unsigned usual);

/* 0 to below - 1. */
unsigned draw(unsigned below);
static inline bool one_in(unsigned n)
{
    return draw(n) == 0;
}

/* By an assertion that fails: the program is over. "TEST_SEED=7: " for its message, or "" where
 * none ran; kept until the next call. */
const char *random_failed(void);

#endif
