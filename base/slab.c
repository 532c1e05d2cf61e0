/*
 * slab.c - pools of objects of one size, per thread.
 *
 * A slab is known to its thread from its first allocation on, by a list that a thread-specific
 * destructor walks: that is how blocks get back to the allocator when a thread ends. In direct
 * mode each object is a block of its own, linked so that twi_slab_each() finds it.
 */
#include "config.h"

#include <pthread.h>
#include <stddef.h>

#include "base/list.h"
#include "base/slab.h"

enum { BLOCK_BYTES = 16 * 1024, MIN_OBJECTS = 8 };

/* In front of each block's objects; keeps them aligned for any type. */
struct block {
    _Alignas(max_align_t) struct block *next;
    size_t count;
};

/* In front of each object in direct mode. */
struct single {
    _Alignas(max_align_t) struct twi_list node;
};

bool twi_slab_direct = TWI_SLAB_ALWAYS_DIRECT;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_end;
static bool have_key;
static _Thread_local struct twi_slab *slabs;
static _Thread_local unsigned rounds;

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

/* Other destructors may still use or release objects: come last, by asking for two more rounds. A
 * slab from which something still lives keeps its blocks, and the leak shows. */
static void slab_thread_ends(void *self)
{
    if (++rounds < 3) {
        pthread_setspecific(thread_end, self);
        return;
    }
    for (struct twi_slab *slab = slabs; slab != NULL; slab = slab->next_) {
        if (slab->living == 0 && !twi_slab_direct)
            release_blocks(slab);
    }
    slabs = NULL;
}

static void slab_make_key(void)
{
    have_key = pthread_key_create(&thread_end, slab_thread_ends) == 0;
}

static void know_slab(struct twi_slab *slab)
{
    pthread_once(&once, slab_make_key);
    if (have_key)
        pthread_setspecific(thread_end, &slabs);
    slab->next_ = slabs;
    slabs = slab;
}

static void *alloc_single(struct twi_slab *slab)
{
    struct single *single = twi_malloc(sizeof *single + slab->size);

    if (single == NULL)
        return NULL;
    if (slab->blocks_ == NULL) {
        twi_list_init(&single->node);
        slab->blocks_ = &single->node;
    } else {
        twi_list_append(slab->blocks_, &single->node);
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
    struct twi_list *node = &single->node;

    if (slab->blocks_ == node)
        slab->blocks_ = twi_list_linked(node) ? node->next : NULL;
    twi_list_remove(node);
    slab->living--;
    twi_free(single);
}

static void each_single(struct twi_slab *slab, void (*fn)(void *object, void *arg), void *arg)
{
    struct twi_list *first = slab->blocks_;
    struct twi_list *node = first;

    if (first == NULL)
        return;
    do {
        fn(TWI_CONTAINER(node, struct single, node) + 1, arg);
        node = node->next;
    } while (node != first);
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
