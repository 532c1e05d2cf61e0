/* SPDX-License-Identifier: MIT */
/*
 * slab.h - pools of objects of one size, per thread.
 *
 * Allocation and release are a pop and a push; blocks go back to the allocator when their thread
 * ends. With a "direct" allocator (tw_set_allocator(), AddressSanitizer) every object is
 * allocated by itself.
 *
 *     static struct twi_slab jobs = TWI_SLAB(struct job);
 *
 * A thread's stores of all slabs lie in one block, to which a single word of static TLS points: a
 * library that is loaded late gets little of that. Deferreds have stores of their own among the
 * thread's variables, which saves that one step.
 */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include "base/alloc.h"

/* A thread's part of a slab. */
struct twi_slab_store {
    void *free_;
    void *blocks_;
    size_t size;
    size_t living;
    struct twi_slab_store *next_;
};

/* Static, for all threads. */
struct twi_slab {
    size_t size;
    unsigned offset_; /* of each thread's store, in bytes; 0: not used yet */
};

#define TWI_SLAB(type)       \
    {                        \
        .size = sizeof(type) \
    }

/* AddressSanitizer and LeakSanitizer shall see every object. */
#if defined(__SANITIZE_ADDRESS__)
#define TWI_SLAB_ALWAYS_DIRECT true
#else
#define TWI_SLAB_ALWAYS_DIRECT false
#endif

extern bool twi_slab_direct;
/* True if it has to be: the program, or this library, runs under one of them. */
bool twi_slab_always_direct(void);

/* The calling thread's; before its first allocation a block that says that nothing is free. */
extern _Thread_local struct twi_slab_store *twi_slab_stores
    __attribute__((visibility("hidden"), tls_model("initial-exec")));

/* --- a store ----------------------------------------------------------------------------- */

void *twi_store_alloc_slow(struct twi_slab_store *store);
void twi_store_free_slow(struct twi_slab_store *store, void *object);
void twi_store_each(struct twi_slab_store *store, void (*fn)(void *object, void *arg),
                    void *arg);

/* True if the next allocation is only a pop. */
static inline bool twi_store_ready(const struct twi_slab_store *store)
{
    return store->free_ != NULL;
}

/* Not zeroed; NULL when there is no memory. */
static inline void *twi_store_alloc(struct twi_slab_store *store)
{
    void *object = store->free_;
    if (__builtin_expect(object == NULL, 0))
        return twi_store_alloc_slow(store);
    store->free_ = *(void **)object;
    store->living++;
    return object;
}

static inline void twi_store_free(struct twi_slab_store *store, void *object)
{
    if (__builtin_expect(twi_slab_direct, 0)) {
        twi_store_free_slow(store, object);
        return;
    }
    *(void **)object = store->free_;
    store->free_ = object;
    store->living--;
}

/* --- a slab ------------------------------------------------------------------------------ */

void *twi_slab_alloc_slow(struct twi_slab *slab);

static inline struct twi_slab_store *twi_slab_store(const struct twi_slab *slab)
{
    size_t offset = __atomic_load_n(&slab->offset_, __ATOMIC_RELAXED);

    return (struct twi_slab_store *)(void *)((char *)twi_slab_stores + offset);
}

/* Not zeroed; NULL when there is no memory. */
static inline void *twi_slab_alloc(struct twi_slab *slab)
{
    struct twi_slab_store *store = twi_slab_store(slab);
    void *object = store->free_;

    if (__builtin_expect(object == NULL, 0))
        return twi_slab_alloc_slow(slab);
    store->free_ = *(void **)object;
    store->living++;
    return object;
}

/* True if the next allocation is only a pop. */
static inline bool twi_slab_ready(const struct twi_slab *slab)
{
    return twi_store_ready(twi_slab_store(slab));
}

/* On the thread that allocated it. */
static inline void twi_slab_free(struct twi_slab *slab, void *object)
{
    twi_store_free(twi_slab_store(slab), object);
}

/* Call fn for every object of the slab, free ones included when not direct: the object must tell
 * by itself (its first word is overwritten by the pool when it is free). */
static inline void twi_slab_each(struct twi_slab *slab, void (*fn)(void *object, void *arg),
                                 void *arg)
{
    twi_store_each(twi_slab_store(slab), fn, arg);
}

#endif
