/* SPDX-License-Identifier: MIT */
/*
 * slab.c - pools of objects of one size, per thread.
 *
 * A store is known to its thread from its first allocation on, by a list that is walked when the
 * thread ends: that is how blocks get back to the allocator. In direct mode each object is a block
 * of its own, linked so that twi_store_each() finds it.
 */
#include "config.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/fork.h"
#include "base/hooks.h"
#include "base/slab.h"
#include "base/thread_end.h"

enum { BLOCK_BYTES = 16 * 1024, MIN_OBJECTS = 8, MOST_SLABS = 64 };

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

/* A thread's. The first store is nobody's: slabs that were never used have its offset. */
struct stores {
    struct twi_slab_store of_slabs[MOST_SLABS];
    struct twi_slab_store *known; /* those with blocks */
    struct twi_thread_end end;
};

/* A thread that has not allocated yet reads here that nothing is free. */
static struct stores no_stores;
_Thread_local struct twi_slab_store *twi_slab_stores
    __attribute__((tls_model("initial-exec"))) = no_stores.of_slabs;

static struct stores *stores_here(void)
{
    return (struct stores *)twi_slab_stores;
}

static void release_blocks(struct twi_slab_store *store)
{
    struct block *block = store->blocks_;

    while (block != NULL) {
        struct block *next = block->next;
        twi_free(block);
        block = next;
    }
    store->blocks_ = store->free_ = NULL;
}

static bool stores_are_empty(const struct stores *stores)
{
    for (size_t i = 0; i < MOST_SLABS; i++) {
        if (stores->of_slabs[i].living > 0 || stores->of_slabs[i].blocks_ != NULL)
            return false;
    }
    return true;
}

/* A store from which something still lives keeps its blocks, and the leak shows. */
static void stores_release(void)
{
    struct stores *stores = stores_here();

    for (; stores->known != NULL; stores->known = stores->known->next_) {
        if (stores->known->living == 0 && !twi_slab_direct)
            release_blocks(stores->known);
    }
    if (stores_are_empty(stores)) {
        twi_slab_stores = no_stores.of_slabs;
        twi_thread_block_free(stores);
    }
}

/* NULL when there is no memory. */
static struct stores *stores_begin(void)
{
    struct stores *stores = stores_here();

    if (stores == &no_stores) {
        stores = twi_thread_block_new(sizeof *stores);
        if (stores == NULL)
            return NULL;
        twi_slab_stores = stores->of_slabs;
    }
    twi_thread_end_call(&stores->end, TWI_THREAD_SLABS, stores_release);
    return stores;
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
static struct single *single_first(const struct twi_slab_store *store)
{
    return store->blocks_ != NULL ? single_at((uintptr_t)store->blocks_) : NULL;
}

static void single_set_first(struct twi_slab_store *store, uintptr_t hidden)
{
    store->blocks_ = (void *)hidden;
}

static void *alloc_single(struct twi_slab_store *store)
{
    struct single *single = twi_malloc(sizeof *single + store->size);
    struct single *first = single_first(store);

    if (single == NULL)
        return NULL;
    if (first == NULL) {
        single->next = single->previous = single_hide(single);
        single_set_first(store, single_hide(single));
    } else {
        single->next = single_hide(first);
        single->previous = first->previous;
        single_at(single->previous)->next = single_hide(single);
        first->previous = single_hide(single);
    }
    store->living++;
    return single + 1;
}

static size_t object_size(const struct twi_slab_store *store)
{
    size_t align = _Alignof(max_align_t);
    return (store->size + align - 1) / align * align;
}

void *twi_store_alloc_slow(struct twi_slab_store *store)
{
    size_t size = object_size(store);
    size_t count = BLOCK_BYTES / size;
    struct stores *stores;
    struct block *block;
    char *objects;

    if (twi_slab_direct)
        return alloc_single(store);
    stores = stores_begin();
    if (stores == NULL)
        return NULL;
    if (count < MIN_OBJECTS)
        count = MIN_OBJECTS;
    /* Cleared: twi_store_each() shows objects that were never given out, too. */
    block = twi_calloc(1, sizeof *block + count * size);
    if (block == NULL)
        return NULL;
    if (store->blocks_ == NULL) {
        store->next_ = stores->known;
        stores->known = store;
    }
    block->next = store->blocks_;
    block->count = count;
    store->blocks_ = block;
    objects = (char *)(block + 1);
    for (size_t i = count; i-- > 1;) {
        *(void **)(void *)(objects + i * size) = store->free_;
        store->free_ = objects + i * size;
    }
    store->living++;
    return objects;
}

void twi_store_free_slow(struct twi_slab_store *store, void *object)
{
    struct single *single = (struct single *)object - 1;

    if (single_first(store) == single)
        single_set_first(store, single_at(single->next) != single ? single->next : 0);
    single_at(single->next)->previous = single->previous;
    single_at(single->previous)->next = single->next;
    store->living--;
    twi_free(single);
}

static void each_single(struct twi_slab_store *store, void (*fn)(void *object, void *arg),
                        void *arg)
{
    struct single *first = single_first(store), *single = first;

    if (first == NULL)
        return;
    do {
        fn(single + 1, arg);
        single = single_at(single->next);
    } while (single != first);
}

void twi_store_each(struct twi_slab_store *store, void (*fn)(void *object, void *arg),
                    void *arg)
{
    size_t size = object_size(store);

    if (twi_slab_direct) {
        each_single(store, fn, arg);
        return;
    }
    for (struct block *block = store->blocks_; block != NULL; block = block->next) {
        for (size_t i = 0; i < block->count; i++)
            fn((char *)(block + 1) + i * size, arg);
    }
}

/* --- slabs ------------------------------------------------------------------------------ */

/* There are as many slabs as the sources declare. */
static void slab_place(struct twi_slab *slab)
{
    static unsigned places = 1;

    twi_lock(TWI_LOCK_SLABS);
    if (slab->offset_ == 0) {
        if (places == MOST_SLABS)
            abort();
        __atomic_store_n(&slab->offset_, places * sizeof(struct twi_slab_store),
                         __ATOMIC_RELAXED);
        places++;
    }
    twi_unlock(TWI_LOCK_SLABS);
}

void *twi_slab_alloc_slow(struct twi_slab *slab)
{
    struct twi_slab_store *store;

    if (__atomic_load_n(&slab->offset_, __ATOMIC_RELAXED) == 0)
        slab_place(slab);
    if (stores_begin() == NULL)
        return NULL;
    store = twi_slab_store(slab);
    store->size = slab->size;
    return twi_store_alloc_slow(store);
}
