/* SPDX-License-Identifier: MIT */
/*
 * visit_info.c - any text as a visit's info: what is read is written, and read the same again.
 */
#include "config.h"

#include <string.h>

#include "fuzz/target.h"
#include "spider/crawl/visit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct twi_arena arena;
    struct twi_visit_info info, again;
    const char *text, *written, *rewritten;

    twi_arena_init(&arena, (size_t)64 << 20);
    text = twi_arena_copy(&arena, (const char *)data, size);
    if (text != NULL && twi_visit_read(&arena, text, &info) == 0) {
        written = twi_visit_write(&arena, &info);
        FUZZ_ASSERT(!arena.failed);
        FUZZ_ASSERT(twi_visit_read(&arena, written, &again) == 0);
        rewritten = twi_visit_write(&arena, &again);
        FUZZ_ASSERT((written == NULL) == (rewritten == NULL));
        FUZZ_ASSERT(written == NULL || strcmp(written, rewritten) == 0);
    }
    twi_arena_free(&arena);
    return 0;
}
