/* SPDX-License-Identifier: MIT */
/*
 * queue.c - queues of numbers as differences in blocks.
 *
 * A difference is zigzag-coded, so that small negative ones are short, and written 7 bits a byte,
 * the last byte without the high bit. None crosses from block to block, so a block can be read
 * from either end: bytes without the high bit stand between differences.
 * Blocks are linked in the way in which they will be emptied: towards the newer ones in a queue,
 * towards the older ones in a stack.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spider/job/queue.h"

enum { CHUNK_BLOCKS = 1024, BLOCK_BYTES = 59, VARINT_MOST = 10, PRIORITY_MOST = 127 };

struct queue_block {
    uint32_t link; /* 0: none */
    uint8_t used;
    uint8_t bytes[BLOCK_BYTES];
};
_Static_assert(sizeof(struct queue_block) == 64, "as long as a cache line");

struct twi_queue_slab {
    struct queue_block **chunks;
    size_t chunk_count, chunk_room;
    uint32_t free; /* the first of a list; 0: none */
};

struct twi_queue_level {
    struct twi_queue queue;
    int priority;
};

/* --- blocks -------------------------------------------------------------------------------- */

struct twi_queue_slab *twi_queue_slab_new(void)
{
    return calloc(1, sizeof(struct twi_queue_slab));
}

void twi_queue_slab_free(struct twi_queue_slab *slab)
{
    if (slab == NULL)
        return;
    for (size_t i = 0; i < slab->chunk_count; i++)
        free(slab->chunks[i]);
    free(slab->chunks);
    free(slab);
}

size_t twi_queue_slab_bytes(const struct twi_queue_slab *slab)
{
    return sizeof *slab + slab->chunk_room * sizeof *slab->chunks +
           slab->chunk_count * CHUNK_BLOCKS * sizeof(struct queue_block);
}

static inline struct queue_block *slab_block(const struct twi_queue_slab *slab, uint32_t index)
{
    return &slab->chunks[index / CHUNK_BLOCKS][index % CHUNK_BLOCKS];
}

static int slab_make_chunk_room(struct twi_queue_slab *slab)
{
    size_t room = slab->chunk_room > 0 ? slab->chunk_room * 2 : 4;
    struct queue_block **chunks;

    if (slab->chunk_count < slab->chunk_room)
        return 0;
    if ((chunks = realloc(slab->chunks, room * sizeof *chunks)) == NULL)
        return -ENOMEM;
    slab->chunks = chunks;
    slab->chunk_room = room;
    return 0;
}

static int slab_extend(struct twi_queue_slab *slab)
{
    size_t first = slab->chunk_count * CHUNK_BLOCKS;
    struct queue_block *chunk;

    if (first + CHUNK_BLOCKS > UINT32_MAX)
        return -EOVERFLOW;
    if (slab_make_chunk_room(slab) < 0)
        return -ENOMEM;
    if ((chunk = malloc(CHUNK_BLOCKS * sizeof *chunk)) == NULL)
        return -ENOMEM;
    slab->chunks[slab->chunk_count++] = chunk;
    for (size_t i = CHUNK_BLOCKS; i-- > 0;)
        if (first + i > 0) { /* 0 stands for none */
            chunk[i].link = slab->free;
            slab->free = (uint32_t)(first + i);
        }
    return 0;
}

static int slab_take(struct twi_queue_slab *slab, uint32_t *ret_block)
{
    struct queue_block *block;
    int r = slab->free == 0 ? slab_extend(slab) : 0;

    if (r < 0)
        return r;
    *ret_block = slab->free;
    block = slab_block(slab, slab->free);
    slab->free = block->link;
    block->link = 0;
    block->used = 0;
    return 0;
}

static void slab_give(struct twi_queue_slab *slab, uint32_t index)
{
    slab_block(slab, index)->link = slab->free;
    slab->free = index;
}

/* --- differences --------------------------------------------------------------------------- */

static size_t difference_write(uint8_t *bytes, int64_t from, int64_t to)
{
    uint64_t difference = (uint64_t)to - (uint64_t)from, code = difference << 1;
    size_t length = 0;

    if (difference >> 63 != 0)
        code = ~code;
    for (; code >= 0x80; code >>= 7)
        bytes[length++] = (uint8_t)(code | 0x80);
    bytes[length++] = (uint8_t)code;
    return length;
}

/* The one at `bytes`, as it is to be added; *ret_length of its bytes. */
static uint64_t difference_read(const uint8_t *bytes, size_t *ret_length)
{
    uint64_t code = 0;
    size_t i = 0;

    do
        code |= (uint64_t)(bytes[i] & 0x7f) << (7 * i);
    while ((bytes[i++] & 0x80) != 0);
    *ret_length = i;
    return code >> 1 ^ (0 - (code & 1));
}

/* Where the one that ends before `end` begins. */
static size_t difference_start(const uint8_t *bytes, size_t end)
{
    size_t start = end - 1;

    while (start > 0 && (bytes[start - 1] & 0x80) != 0)
        start--;
    return start;
}

/* --- one queue ----------------------------------------------------------------------------- */

/* A block behind the newest one. */
static int queue_extend(struct twi_queue_slab *slab, struct twi_queue *queue, bool is_lifo)
{
    uint32_t index;
    int r = slab_take(slab, &index);

    if (r < 0)
        return r;
    if (queue->count == 0) {
        queue->head_ = index;
        queue->head_at_ = 0;
    } else if (is_lifo) {
        slab_block(slab, index)->link = queue->tail_;
    } else {
        slab_block(slab, queue->tail_)->link = index;
    }
    queue->tail_ = index;
    return 0;
}

int twi_queue_push(struct twi_queue_slab *slab, struct twi_queue *queue, int64_t number,
                   bool is_lifo)
{
    int64_t last = queue->count > 0 ? queue->last_ : number;
    uint8_t bytes[VARINT_MOST];
    size_t length = difference_write(bytes, last, number);
    struct queue_block *block;

    if (queue->count == UINT32_MAX)
        return -EOVERFLOW;
    if (queue->count == 0 || slab_block(slab, queue->tail_)->used + length > BLOCK_BYTES) {
        int r = queue_extend(slab, queue, is_lifo);
        if (r < 0)
            return r;
    }
    if (queue->count++ == 0)
        queue->first_ = number;
    block = slab_block(slab, queue->tail_);
    memcpy(block->bytes + block->used, bytes, length);
    block->used = (uint8_t)(block->used + length);
    queue->last_ = number;
    return 0;
}

static int64_t queue_pop_first(struct twi_queue_slab *slab, struct twi_queue *queue)
{
    uint32_t index = queue->head_;
    struct queue_block *block = slab_block(slab, index);
    size_t length;

    queue->first_ = (int64_t)((uint64_t)queue->first_ +
                              difference_read(block->bytes + queue->head_at_, &length));
    queue->head_at_ = (uint8_t)(queue->head_at_ + length);
    queue->count--;
    if (queue->head_at_ == block->used) {
        queue->head_ = block->link;
        queue->head_at_ = 0;
        slab_give(slab, index);
    }
    return queue->first_;
}

static int64_t queue_pop_last(struct twi_queue_slab *slab, struct twi_queue *queue)
{
    uint32_t index = queue->tail_;
    struct queue_block *block = slab_block(slab, index);
    size_t start = difference_start(block->bytes, block->used), length;
    int64_t number = queue->last_;

    queue->last_ = (int64_t)((uint64_t)number -
                             difference_read(block->bytes + start, &length));
    block->used = (uint8_t)start;
    queue->count--;
    if (start == 0) {
        queue->tail_ = block->link;
        slab_give(slab, index);
    }
    return number;
}

int64_t twi_queue_pop(struct twi_queue_slab *slab, struct twi_queue *queue, bool is_lifo)
{
    return is_lifo ? queue_pop_last(slab, queue) : queue_pop_first(slab, queue);
}

/* Turn the links of a stack round; the block that is now the first. */
static uint32_t queue_reverse(struct twi_queue_slab *slab, uint32_t index)
{
    uint32_t reversed = 0;

    while (index != 0) {
        struct queue_block *block = slab_block(slab, index);
        uint32_t link = block->link;
        block->link = reversed;
        reversed = index;
        index = link;
    }
    return reversed;
}

void twi_queue_each(struct twi_queue_slab *slab, struct twi_queue *queue, bool is_lifo,
                    void (*each)(int64_t number, void *arg), void *arg)
{
    uint64_t number = (uint64_t)queue->first_;
    uint32_t index = queue->head_;
    size_t at = queue->head_at_, length;

    if (queue->count == 0)
        return;
    if (is_lifo)
        queue_reverse(slab, queue->tail_);
    for (; index != 0; index = slab_block(slab, index)->link, at = 0) {
        struct queue_block *block = slab_block(slab, index);
        for (; at < block->used; at += length) {
            number += difference_read(block->bytes + at, &length);
            each((int64_t)number, arg);
        }
    }
    if (is_lifo)
        queue_reverse(slab, queue->head_);
}

void twi_queue_clear(struct twi_queue_slab *slab, struct twi_queue *queue, bool is_lifo)
{
    uint32_t index = is_lifo ? queue->tail_ : queue->head_;

    while (queue->count > 0 && index != 0) {
        uint32_t link = slab_block(slab, index)->link;
        slab_give(slab, index);
        index = link;
    }
    *queue = (struct twi_queue){ 0 };
}

/* --- queues by priority -------------------------------------------------------------------- */

/* The first level of at least this priority. */
static size_t level_find(const struct twi_queues *queues, int priority)
{
    size_t low = 0, high = queues->count_;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (queues->levels_[middle].priority < priority)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int level_make_room(struct twi_queues *queues)
{
    unsigned size = queues->size_ > 0 ? queues->size_ * 2U : 1;
    struct twi_queue_level *levels;

    if (queues->count_ < queues->size_)
        return 0;
    if ((levels = realloc(queues->levels_, size * sizeof *levels)) == NULL)
        return -ENOMEM;
    queues->levels_ = levels;
    queues->size_ = (uint16_t)size;
    return 0;
}

/* A level in front of those from `at` on. */
static int level_insert(struct twi_queues *queues, size_t at, int priority)
{
    struct twi_queue_level *level;
    int r = level_make_room(queues);

    if (r < 0)
        return r;
    level = &queues->levels_[at];
    memmove(level + 1, level, (queues->count_++ - at) * sizeof *level);
    *level = (struct twi_queue_level){ .priority = priority };
    return 0;
}

static void level_remove(struct twi_queues *queues, size_t at)
{
    struct twi_queue_level *level = &queues->levels_[at];

    memmove(level, level + 1, (--queues->count_ - at) * sizeof *level);
}

int twi_queues_push(struct twi_queue_slab *slab, struct twi_queues *queues, int64_t number,
                    int priority, bool is_lifo)
{
    size_t at;
    int r = 0;

    if (priority > PRIORITY_MOST || priority < -PRIORITY_MOST - 1)
        priority = priority > 0 ? PRIORITY_MOST : -PRIORITY_MOST - 1;
    if (queues->waiting == UINT32_MAX)
        return -EOVERFLOW;
    at = level_find(queues, priority);
    if (at == queues->count_ || queues->levels_[at].priority != priority)
        r = level_insert(queues, at, priority);
    if (r < 0)
        return r;
    r = twi_queue_push(slab, &queues->levels_[at].queue, number, is_lifo);
    if (queues->levels_[at].queue.count == 0)
        level_remove(queues, at);
    queues->waiting += r == 0;
    return r;
}

int64_t twi_queues_pop(struct twi_queue_slab *slab, struct twi_queues *queues, bool is_lifo,
                       int *ret_priority)
{
    struct twi_queue_level *level = &queues->levels_[queues->count_ - 1];
    int64_t number = twi_queue_pop(slab, &level->queue, is_lifo);

    *ret_priority = level->priority;
    queues->count_ = (uint16_t)(queues->count_ - (level->queue.count == 0));
    queues->waiting--;
    return number;
}

int twi_queues_priority(const struct twi_queues *queues)
{
    return queues->levels_[queues->count_ - 1].priority;
}

struct level_each {
    void (*each)(int64_t number, int priority, void *arg);
    void *arg;
    int priority;
};

static void level_tell(int64_t number, void *arg)
{
    const struct level_each *level = arg;

    level->each(number, level->priority, level->arg);
}

void twi_queues_each(struct twi_queue_slab *slab, struct twi_queues *queues, bool is_lifo,
                     void (*each)(int64_t number, int priority, void *arg), void *arg)
{
    for (size_t i = 0; i < queues->count_; i++) {
        struct level_each level = { each, arg, queues->levels_[i].priority };
        twi_queue_each(slab, &queues->levels_[i].queue, is_lifo, level_tell, &level);
    }
}

void twi_queues_clear(struct twi_queue_slab *slab, struct twi_queues *queues, bool is_lifo)
{
    for (size_t i = 0; i < queues->count_; i++)
        twi_queue_clear(slab, &queues->levels_[i].queue, is_lifo);
    free(queues->levels_);
    *queues = (struct twi_queues){ 0 };
}

size_t twi_queues_bytes(const struct twi_queues *queues)
{
    return queues->size_ * sizeof *queues->levels_;
}
