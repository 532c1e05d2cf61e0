/* SPDX-License-Identifier: MIT */
/*
 * alloc.c - the replaceable allocator.
 *
 * The functions sit in one static struct that is only written before the first allocation, so
 * reading it needs no lock.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/slab.h"

enum { CACHE_LINE = 64 };

static void *system_allocate(size_t size, void *ctx)
{
    (void)ctx;
    return malloc(size);
}

static void *system_reallocate(void *block, size_t size, void *ctx)
{
    (void)ctx;
    return realloc(block, size);
}

static void system_release(void *block, void *ctx)
{
    (void)ctx;
    free(block);
}

static const struct tw_allocator system_allocator = {
    system_allocate,
    system_reallocate,
    system_release,
    NULL,
};

static struct tw_allocator allocator = {
    system_allocate,
    system_reallocate,
    system_release,
    NULL,
};
static bool used;
static bool replaced;

int tw_set_allocator(const struct tw_allocator *wanted, bool direct)
{
    if (used)
        return -EBUSY;
    if (wanted == NULL)
        wanted = &system_allocator;
    if (wanted->allocate == NULL || wanted->reallocate == NULL || wanted->release == NULL)
        return -EINVAL;
    allocator = *wanted;
    replaced = wanted != &system_allocator;
    twi_slab_direct = direct || twi_slab_always_direct();
    return 0;
}

bool twi_alloc_is_replaced(void)
{
    return replaced;
}

static void mark_used(void)
{
    if (!__atomic_load_n(&used, __ATOMIC_RELAXED))
        __atomic_store_n(&used, true, __ATOMIC_RELAXED);
}

void *twi_malloc(size_t size)
{
    mark_used();
    return allocator.allocate(size > 0 ? size : 1, allocator.ctx);
}

void *twi_calloc(size_t count, size_t size)
{
    size_t total;
    void *block;

    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    block = twi_malloc(total);
    if (block != NULL)
        memset(block, 0, total);
    return block;
}

void *twi_realloc(void *block, size_t size)
{
    mark_used();
    return allocator.reallocate(block, size > 0 ? size : 1, allocator.ctx);
}

void twi_free(void *block)
{
    if (block != NULL)
        allocator.release(block, allocator.ctx);
}

void *twi_thread_block_new(size_t size)
{
    void *block = NULL;

    if (posix_memalign(&block, CACHE_LINE, size) != 0)
        return NULL;
    return memset(block, 0, size);
}

void twi_thread_block_free(void *block)
{
    free(block);
}

int twi_grow(void *array, size_t *capacity, size_t wanted, size_t size)
{
    void **place = array;
    size_t count = *capacity > 0 ? *capacity : 8;
    size_t total;
    void *grown;

    if (wanted <= *capacity)
        return 0;
    while (count < wanted) {
        if (__builtin_mul_overflow(count, (size_t)2, &count))
            return -ENOMEM;
    }
    if (__builtin_mul_overflow(count, size, &total))
        return -ENOMEM;
    grown = twi_realloc(*place, total);
    if (grown == NULL)
        return -ENOMEM;
    *place = grown;
    *capacity = count;
    return 0;
}

void twi_advise_huge(void *block, size_t size)
{
#if TWI_LINUX && defined MADV_HUGEPAGE
    const uintptr_t huge = (uintptr_t)2 << 20;
    uintptr_t from = ((uintptr_t)block + huge - 1) & ~(huge - 1);
    uintptr_t to = ((uintptr_t)block + size) & ~(huge - 1);
    int saved = errno;

    if (to > from && madvise((void *)from, to - from, MADV_HUGEPAGE) < 0)
        errno = saved;
#else
    (void)block;
    (void)size;
#endif
}

char *twi_strndup(const char *text, size_t length)
{
    char *copy = twi_malloc(length + 1);

    if (copy == NULL)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *twi_strdup(const char *text)
{
    return twi_strndup(text, strlen(text));
}

char *twi_vformat(const char *format, va_list args)
{
    va_list again;
    char *text = NULL;
    int length;

    va_copy(again, args);
    length = vsnprintf(NULL, 0, format, args);
    if (length >= 0)
        text = twi_malloc((size_t)length + 1);
    if (text != NULL)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

char *twi_format(const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = twi_vformat(format, args);
    va_end(args);
    return text;
}
