/* SPDX-License-Identifier: MIT */
/*
 * failing_malloc.c - the linker's --wrap leads here.
 */
#include "config.h"

#include "tests/failing_malloc.h"
#include "tests/test.h"

static _Thread_local uint64_t countdown;
static _Thread_local bool fails_all, has_failed;

void failing_malloc(uint64_t n, bool all)
{
    countdown = n;
    fails_all = all;
    has_failed = false;
}

bool failing_malloc_stop(void)
{
    countdown = 0;
    return has_failed;
}

static bool fails_now(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    countdown = fails_all;
    has_failed = true;
    return true;
}

uint64_t failing_malloc_each(bool (*op)(void *arg), void *arg)
{
    uint64_t n = 1;
    bool worked, failed;

    for (int all = 0; all <= 1; all++)
        for (n = 1;; n++) {
            failing_malloc(n, all);
            worked = op(arg);
            failed = failing_malloc_stop();
            if (failed)
                continue;
            ck_assert(worked);
            break;
        }
    return n - 1;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return fails_now() ? NULL : __real_realloc(block, size);
}
