/* SPDX-License-Identifier: MIT */
/*
 * stack.c - stacks for coroutines: pooled, guarded.
 *
 * For each size a thread has a pool: slabs of slots, and a pile of the stacks that are free,
 * the warmest on top. Stacks at the bottom of the pile that were not wanted for a while give
 * their memory back to the system. With a "direct" allocator (see slab.h) each stack is a
 * mapping of its own and goes at once.
 */
#include "defer/coroutine/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/posix.h"
#include "base/slab.h"
#include "defer/coroutine/annotate.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum {
    FIRST_SLOTS = 16,  /* of a pool's first slab; each next one has twice as many */
    LAST_SLOTS = 1024, /* 192 MiB of addresses for stacks of 64 KiB */
#if UINTPTR_MAX > UINT32_MAX
    GUARD_PAGES = 32, /* one large frame may step over its own stack and 128 KiB more */
#else
    GUARD_PAGES = 4, /* addresses are scarce */
#endif
    EPOCH = 64,        /* releases between looks at the bottom of the pile */
    CANARY = 512       /* bytes of the page below that are looked at in each switch */
};

/* In memory of its own, so that no slot is touched for it. */
struct slab {
    struct slab *next;
    char *mapping;
    size_t slots, used; /* the first `used` have been given out */
    struct twi_stack stacks[];
};

struct twi_stack_class {
    struct twi_stack_class *next;
    size_t size, page;
    struct slab *slabs; /* the newest first: only it has slots that were never used */
    struct twi_stack **free;
    size_t count, capacity; /* of free */
    size_t cold;            /* the number at the bottom that have given their memory back */
    size_t low;             /* the pile was never lower in this epoch */
    unsigned releases, made;
    bool direct;
};

static enum twi_guard guard_chosen; /* atomic, as are the next three */
static size_t page_found;
static size_t protected_slots;
static size_t most_protected;

/* --- guards ----------------------------------------------------------------------------- */

static inline size_t page_size(void)
{
    size_t page = __atomic_load_n(&page_found, __ATOMIC_RELAXED);

    if (page == 0) {
        page = (size_t)sysconf(_SC_PAGESIZE);
        __atomic_store_n(&page_found, page, __ATOMIC_RELAXED);
    }
    return page;
}

#if TWI_LINUX
/* An emulator may take the advice and do nothing: see whether the kernel cannot read there. */
static bool is_unreadable(const void *address)
{
    int ends[2];
    bool unreadable;

    if (twi_pipe(ends) < 0)
        return false;
    unreadable = write(ends[1], address, 1) < 0 && errno == EFAULT;
    close(ends[0]);
    close(ends[1]);
    return unreadable;
}

static bool markers_work(void)
{
    size_t page = page_size();
    void *probe = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool work;

    if (probe == MAP_FAILED)
        return false;
    work = madvise(probe, page, MADV_GUARD_INSTALL) == 0 && is_unreadable(probe);
    munmap(probe, page);
    return work;
}
#else
static bool markers_work(void)
{
    return false;
}
#endif

/* Half of the mappings that a process may have are left to others; a guard costs two. */
static size_t mappings_for_guards(void)
{
    unsigned long most = 65536;
#if TWI_LINUX
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");

    if (file != NULL) {
        if (fscanf(file, "%lu", &most) != 1)
            most = 65530;
        fclose(file);
    }
#endif
    return most / 4;
}

enum twi_guard twi_stack_guard(void)
{
    enum twi_guard guard = __atomic_load_n(&guard_chosen, __ATOMIC_ACQUIRE);

    if (guard == TWI_GUARD_UNKNOWN) {
        int saved = errno;
        __atomic_store_n(&most_protected, mappings_for_guards(), __ATOMIC_RELAXED);
        guard = markers_work() ? TWI_GUARD_MARKER : TWI_GUARD_MPROTECT;
        __atomic_store_n(&guard_chosen, guard, __ATOMIC_RELEASE);
        errno = saved;
    }
    if (guard == TWI_GUARD_MPROTECT && __atomic_load_n(&protected_slots, __ATOMIC_RELAXED) >=
                                           __atomic_load_n(&most_protected, __ATOMIC_RELAXED))
        return TWI_GUARD_CANARY;
    return guard;
}

void twi_stack_set_guard(enum twi_guard guard)
{
    __atomic_store_n(&most_protected, mappings_for_guards(), __ATOMIC_RELAXED);
    __atomic_store_n(&guard_chosen, guard, __ATOMIC_RELEASE);
}

static enum twi_guard install_guard(char *pages, size_t size)
{
    enum twi_guard guard = twi_stack_guard();

#if TWI_LINUX
    if (guard == TWI_GUARD_MARKER && madvise(pages, size, MADV_GUARD_INSTALL) == 0)
        return TWI_GUARD_MARKER;
#endif
    if (guard == TWI_GUARD_MPROTECT && mprotect(pages, size, PROT_NONE) == 0) {
        __atomic_add_fetch(&protected_slots, 1, __ATOMIC_RELAXED);
        return TWI_GUARD_MPROTECT;
    }
    return TWI_GUARD_CANARY;
}

static void forget_guard(const struct twi_stack *stack)
{
    if (stack->guard == TWI_GUARD_MPROTECT)
        __atomic_sub_fetch(&protected_slots, 1, __ATOMIC_RELAXED);
}

/* --- slabs ------------------------------------------------------------------------------ */

static size_t guard_size(const struct twi_stack_class *stack_class)
{
    return GUARD_PAGES * stack_class->page;
}

static size_t slot_size(const struct twi_stack_class *stack_class)
{
    return stack_class->size + guard_size(stack_class);
}

static bool map_slab(struct twi_stack_class *stack_class, size_t slots)
{
    const int flags = TWI_PAGES_FLAGS;
    size_t length;
    struct slab *slab;

    if (__builtin_mul_overflow(slots, slot_size(stack_class), &length))
        return false;
    slab = twi_calloc(1, sizeof *slab + slots * sizeof slab->stacks[0]);
    if (slab == NULL)
        return false;
    slab->mapping = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (slab->mapping == MAP_FAILED) {
        twi_free(slab);
        return false;
    }
#if TWI_LINUX && defined MADV_NOHUGEPAGE
    madvise(slab->mapping, length, MADV_NOHUGEPAGE);
#endif
    slab->slots = slots;
    slab->next = stack_class->slabs;
    stack_class->slabs = slab;
    return true;
}

/* Twice as large as the last; where addresses are scarce, as large as they allow. */
static bool add_slab(struct twi_stack_class *stack_class)
{
    size_t slots = FIRST_SLOTS;
    size_t room = 0;

    if (stack_class->direct)
        return map_slab(stack_class, 1);
    if (stack_class->slabs != NULL)
        slots = stack_class->slabs->slots * 2;
    if (slots > LAST_SLOTS)
        slots = LAST_SLOTS;
    for (struct slab *slab = stack_class->slabs; slab != NULL; slab = slab->next)
        room += slab->slots;
    /* Make room for all in the pile now, so that a release never has to allocate. */
    if (twi_grow(&stack_class->free, &stack_class->capacity, room + slots,
                 sizeof *stack_class->free) < 0)
        return false;
    for (; slots > 0; slots /= 2) {
        if (map_slab(stack_class, slots))
            return true;
    }
    return false;
}

static void unmap_slabs(struct twi_stack_class *stack_class)
{
    struct slab *slab = stack_class->slabs;

    while (slab != NULL) {
        struct slab *next = slab->next;
        TWI_STACK_IS_NEW(slab->mapping, slab->mapping + slab->slots * slot_size(stack_class));
        munmap(slab->mapping, slab->slots * slot_size(stack_class));
        twi_free(slab);
        slab = next;
    }
    stack_class->slabs = NULL;
}

/* A slot that was never used. */
static struct twi_stack *take_fresh(struct twi_stack_class *stack_class)
{
    struct slab *slab = stack_class->slabs;
    struct twi_stack *stack;
    char *slot;

    if (slab == NULL || slab->used == slab->slots) {
        if (!add_slab(stack_class))
            return NULL;
        slab = stack_class->slabs;
    }
    stack = &slab->stacks[slab->used];
    slot = slab->mapping + slab->used++ * slot_size(stack_class);
    stack->low = slot + guard_size(stack_class);
    stack->top = stack->low + stack_class->size;
    stack->stack_class = stack_class;
    stack->guard = install_guard(slot, guard_size(stack_class));
    stack->number = stack_class->made++;
    stack->valgrind_id = TWI_VALGRIND_REGISTER(stack->low, stack->top);
    return stack;
}

/* --- pools ------------------------------------------------------------------------------ */

static struct twi_stack_class *class_new(size_t size, size_t page, bool direct)
{
    struct twi_stack_class *stack_class = twi_calloc(1, sizeof *stack_class);

    if (stack_class == NULL)
        return NULL;
    stack_class->size = size;
    stack_class->page = page;
    stack_class->direct = direct;
    return stack_class;
}

static struct twi_stack_class *class_for(struct twi_stacks *stacks, size_t size)
{
    size_t page = page_size();
    struct twi_stack_class **place = &stacks->classes;
    struct twi_stack_class *found;

    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + page - 1) & ~(page - 1);
    if (twi_slab_direct)
        return class_new(size, page, true);
    while (*place != NULL && (*place)->size != size)
        place = &(*place)->next;
    found = *place;
    if (found == NULL)
        found = class_new(size, page, false);
    else
        *place = found->next;
    if (found != NULL) {
        found->next = stacks->classes;
        stacks->classes = found;
    }
    return found;
}

static void class_free(struct twi_stack_class *stack_class)
{
    unmap_slabs(stack_class);
    twi_free(stack_class->free);
    twi_free(stack_class);
}

/* The pile was never lower than `low` for an epoch: the stacks below that were not wanted. */
static void stack_trim(struct twi_stack_class *stack_class)
{
    for (size_t i = stack_class->cold; i < stack_class->low; i++) {
        const struct twi_stack *stack = stack_class->free[i];
        twi_pages_drop(stack->low, stack_class->size);
        stack_class->cold = i + 1;
    }
    stack_class->low = stack_class->count;
    stack_class->releases = 0;
}

static inline struct twi_stack *take_free(struct twi_stack_class *stack_class)
{
    size_t left = stack_class->count - 1;

    if (stack_class->count == 0)
        return NULL;
    stack_class->count = left;
    if (left < stack_class->low)
        stack_class->low = left;
    if (left < stack_class->cold)
        stack_class->cold = left;
    return stack_class->free[left];
}

struct twi_stack *twi_stack_take(struct twi_stacks *stacks, size_t size)
{
    struct twi_stack_class *stack_class = stacks->classes;
    struct twi_stack *stack;

    if (stack_class == NULL || stack_class->size != size || twi_slab_direct)
        stack_class = class_for(stacks, size);
    if (stack_class == NULL)
        return NULL;
    stack = take_free(stack_class);
    if (stack == NULL)
        stack = take_fresh(stack_class);
    if (stack != NULL)
        TWI_STACK_IS_NEW(stack->low, stack->top);
    else if (stack_class->direct)
        class_free(stack_class);
    return stack;
}

void twi_stack_give_back(struct twi_stack *stack)
{
    struct twi_stack_class *stack_class = stack->stack_class;

    if (stack_class->direct) {
        forget_guard(stack);
        TWI_VALGRIND_DEREGISTER(stack->valgrind_id);
        class_free(stack_class);
        return;
    }
#if TWI_DEBUG
    /* The high-water mark starts anew with each coroutine. */
    twi_pages_drop(stack->low, stack_class->size);
#endif
    stack_class->free[stack_class->count++] = stack;
    if (++stack_class->releases == EPOCH)
        stack_trim(stack_class);
}

void twi_stacks_unmap(struct twi_stacks *stacks)
{
    while (stacks->classes != NULL) {
        struct twi_stack_class *stack_class = stacks->classes;
        stacks->classes = stack_class->next;
        for (size_t i = 0; i < stack_class->count; i++) {
            forget_guard(stack_class->free[i]);
            TWI_VALGRIND_DEREGISTER(stack_class->free[i]->valgrind_id);
        }
        class_free(stack_class);
    }
}

/* --- looking at one --------------------------------------------------------------------- */

/* The first byte from `from` on that is not zero; `to` when there is none. Remains on a stack
 * belong to no object any more: no sanitizer may look on. */
TWI_UNCHECKED static const char *first_used(const char *from, const char *to)
{
    while (from < to && *(const volatile uint64_t *)(const void *)from == 0)
        from += sizeof(uint64_t);
    return from;
}

bool twi_stack_overrun(const struct twi_stack *stack, bool whole)
{
    size_t looked_at = whole ? stack->stack_class->page : CANARY;

    if (stack->guard != TWI_GUARD_CANARY)
        return false;
    return first_used(stack->low - looked_at, stack->low) != stack->low;
}

bool twi_stack_guards(const struct twi_stack *stack, const void *address)
{
    size_t below = (uintptr_t)stack->low - (uintptr_t)address;

    return stack->guard != TWI_GUARD_CANARY && below > 0 &&
           below <= guard_size(stack->stack_class);
}

size_t twi_stack_used(const struct twi_stack *stack)
{
    size_t used;

    TWI_VALGRIND_LOOK_AWAY();
    used = (size_t)(stack->top - first_used(stack->low, stack->top));
    TWI_VALGRIND_LOOK_AGAIN();
    return used;
}
