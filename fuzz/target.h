/* SPDX-License-Identifier: MIT */
/*
 * target.h - what every fuzzing target needs.
 */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include <stdint.h>
#include <stdlib.h>

/* libFuzzer's entry; always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A condition that must hold; a fuzzer sees abort() as a crash. */
#define FUZZ_ASSERT(condition) \
    do {                       \
        if (!(condition))      \
            abort();           \
    } while (0)

#endif
