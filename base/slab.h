/* SPDX-License-Identifier: MIT */
/*
 * slab.h - pools of objects of one size, per thread.
 *
 * Allocation and release are a pop and a push; blocks go back to the allocator when their thread
 * ends. With a "direct" allocator (tw_set_allocator(), AddressSanitizer) every object is
 * allocated by itself.
 *
 *     static _Thread_local struct twi_slab jobs = TWI_SLAB(struct job);
 */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include "base/alloc.h"

struct twi_slab {
    void *free_;
    void *blocks_;
    size_t size;
    size_t living;
    struct twi_slab *next_;
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

void *twi_slab_alloc_slow(struct twi_slab *slab);
void twi_slab_free_slow(struct twi_slab *slab, void *object);

/* True if the next allocation is only a pop. */
static inline bool twi_slab_ready(const struct twi_slab *slab)
{
    return slab->free_ != NULL;
}

/* Not zeroed; NULL when there is no memory. */
static inline void *twi_slab_alloc(struct twi_slab *slab)
{
    void *object = slab->free_;
    if (__builtin_expect(object == NULL, 0))
        return twi_slab_alloc_slow(slab);
    slab->free_ = *(void **)object;
    slab->living++;
    return object;
}

static inline void twi_slab_free(struct twi_slab *slab, void *object)
{
    if (__builtin_expect(twi_slab_direct, 0)) {
        twi_slab_free_slow(slab, object);
        return;
    }
    *(void **)object = slab->free_;
    slab->free_ = object;
    slab->living--;
}

/* Call fn for every object of the slab, free ones included when not direct: the object must tell
 * by itself (its first word is overwritten by the pool when it is free). */
void twi_slab_each(struct twi_slab *slab, void (*fn)(void *object, void *arg), void *arg);

#endif
