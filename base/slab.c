/* SPDX-License-Identifier: MIT */
/*
 * slab.c - pools of objects of one size, per thread.
 *
 * A slab is known to its thread from its first allocation on, by a list that is walked when the
 * thread ends: that is how blocks get back to the allocator. In direct
 * mode each object is a block of its own, linked so that twi_slab_each() finds it.
 */
#include "config.h"

#include <stddef.h>

#include "base/hooks.h"
#include "base/slab.h"
#include "base/thread_end.h"

enum { BLOCK_BYTES = 16 * 1024, MIN_OBJECTS = 8 };

/* In front of each block's objects; keeps them aligned for any type. */
struct block {
    _Alignas(max_align_t) struct block *next;
    size_t count;
};

/* In front of each object in direct mode, in a ring. Links are kept inverted: LeakSanitizer, which
 * reads all memory for addresses, shall find an object by its users only. */
struct single {
    _Alignas(max_align_t) uintptr_t next;
    uintptr_t previous;
};

bool twi_slab_direct = TWI_SLAB_ALWAYS_DIRECT;

/* --- sanitizers ---------------------------------------------------------------------------- */

/* There when the program has LeakSanitizer, alone or in AddressSanitizer. */
#ifdef __ELF__
extern void __lsan_do_leak_check(void) __attribute__((weak));
#define HAS_LEAK_CHECK (__lsan_do_leak_check != NULL)
#else
#define HAS_LEAK_CHECK false
#endif

bool twi_slab_always_direct(void)
{
    return TWI_SLAB_ALWAYS_DIRECT || HAS_LEAK_CHECK;
}

static TWI_AT_START void choose_mode(void)
{
    twi_slab_direct = twi_slab_always_direct();
}

/* --- blocks -------------------------------------------------------------------------------- */

static _Thread_local struct twi_slab *slabs;
static _Thread_local struct twi_thread_end slabs_end;

static void release_blocks(struct twi_slab *slab)
{
    struct block *block = slab->blocks_;

    while (block != NULL) {
        struct block *next = block->next;
        twi_free(block);
        block = next;
    }
    slab->blocks_ = slab->free_ = NULL;
}

/* A slab from which something still lives keeps its blocks, and the leak shows. */
static void slabs_release(void)
{
    for (struct twi_slab *slab = slabs; slab != NULL; slab = slab->next_) {
        if (slab->living == 0 && !twi_slab_direct)
            release_blocks(slab);
    }
    slabs = NULL;
}

static void know_slab(struct twi_slab *slab)
{
    twi_thread_end_call(&slabs_end, TWI_THREAD_SLABS, slabs_release);
    slab->next_ = slabs;
    slabs = slab;
}

static uintptr_t single_hide(const struct single *single)
{
    return ~(uintptr_t)single;
}

static struct single *single_at(uintptr_t hidden)
{
    return (struct single *)~hidden;
}

/* The oldest; NULL when there is none. */
static struct single *single_first(const struct twi_slab *slab)
{
    return slab->blocks_ != NULL ? single_at((uintptr_t)slab->blocks_) : NULL;
}

static void single_set_first(struct twi_slab *slab, uintptr_t hidden)
{
    slab->blocks_ = (void *)hidden;
}

static void *alloc_single(struct twi_slab *slab)
{
    struct single *single = twi_malloc(sizeof *single + slab->size);
    struct single *first = single_first(slab);

    if (single == NULL)
        return NULL;
    if (first == NULL) {
        single->next = single->previous = single_hide(single);
        single_set_first(slab, single_hide(single));
    } else {
        single->next = single_hide(first);
        single->previous = first->previous;
        single_at(single->previous)->next = single_hide(single);
        first->previous = single_hide(single);
    }
    slab->living++;
    return single + 1;
}

static size_t object_size(const struct twi_slab *slab)
{
    size_t align = _Alignof(max_align_t);
    return (slab->size + align - 1) / align * align;
}

void *twi_slab_alloc_slow(struct twi_slab *slab)
{
    size_t size = object_size(slab);
    size_t count = BLOCK_BYTES / size;
    struct block *block;
    char *objects;

    if (twi_slab_direct)
        return alloc_single(slab);
    if (count < MIN_OBJECTS)
        count = MIN_OBJECTS;
    /* Cleared: twi_slab_each() shows objects that were never given out, too. */
    block = twi_calloc(1, sizeof *block + count * size);
    if (block == NULL)
        return NULL;
    if (slab->blocks_ == NULL)
        know_slab(slab);
    block->next = slab->blocks_;
    block->count = count;
    slab->blocks_ = block;
    objects = (char *)(block + 1);
    for (size_t i = count; i-- > 1;) {
        *(void **)(void *)(objects + i * size) = slab->free_;
        slab->free_ = objects + i * size;
    }
    slab->living++;
    return objects;
}

void twi_slab_free_slow(struct twi_slab *slab, void *object)
{
    struct single *single = (struct single *)object - 1;

    if (single_first(slab) == single)
        single_set_first(slab, single_at(single->next) != single ? single->next : 0);
    single_at(single->next)->previous = single->previous;
    single_at(single->previous)->next = single->next;
    slab->living--;
    twi_free(single);
}

static void each_single(struct twi_slab *slab, void (*fn)(void *object, void *arg), void *arg)
{
    struct single *first = single_first(slab), *single = first;

    if (first == NULL)
        return;
    do {
        fn(single + 1, arg);
        single = single_at(single->next);
    } while (single != first);
}

void twi_slab_each(struct twi_slab *slab, void (*fn)(void *object, void *arg), void *arg)
{
    size_t size = object_size(slab);

    if (twi_slab_direct) {
        each_single(slab, fn, arg);
        return;
    }
    for (struct block *block = slab->blocks_; block != NULL; block = block->next) {
        for (size_t i = 0; i < block->count; i++)
            fn((char *)(block + 1) + i * size, arg);
    }
}
