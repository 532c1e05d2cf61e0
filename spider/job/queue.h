/* SPDX-License-Identifier: MIT */
/*
 * queue.h - numbers of visits that wait: many queues in little memory.
 *
 * A queue holds 64-bit numbers, in blocks of 64 bytes out of a slab that all queues share, each
 * as the difference to the one before: 2 to 3 bytes for the rowids of one host among many. A set
 * of queues has one for each priority that is in use.
 */
#ifndef SPIDER_JOB_QUEUE_H
#define SPIDER_JOB_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct twi_queue_slab;

struct twi_queue_slab *twi_queue_slab_new(void); /* NULL: no memory */
void twi_queue_slab_free(struct twi_queue_slab *slab);
size_t twi_queue_slab_bytes(const struct twi_queue_slab *slab);

/* --- one queue: first in, first out, or last in, first out
 * ----------------------------------- */

/* All zero is empty. Used in one of the two ways from its first push to when it is empty
 * again. */
struct twi_queue {
    int64_t first_, last_; /* what the first difference counts from; the newest number */
    uint32_t head_, tail_; /* blocks: of the oldest number, of the newest */
    uint32_t count;
    uint8_t head_at_; /* the byte at which the oldest begins */
};

/* 0; -ENOMEM, -EOVERFLOW (4 G numbers, or 256 GB): nothing has changed. */
int twi_queue_push(struct twi_queue_slab *slab, struct twi_queue *queue, int64_t number,
                   bool is_lifo);
/* Of a queue that is not empty. */
int64_t twi_queue_pop(struct twi_queue_slab *slab, struct twi_queue *queue, bool is_lifo);
/* Each number, in the order in which they were pushed. */
void twi_queue_each(struct twi_queue_slab *slab, struct twi_queue *queue, bool is_lifo,
                    void (*each)(int64_t number, void *arg), void *arg);
void twi_queue_clear(struct twi_queue_slab *slab, struct twi_queue *queue, bool is_lifo);

/* --- queues by priority, the highest first
 * --------------------------------------------------- */

struct twi_queue_level;
/* All zero is empty. */
struct twi_queues {
    struct twi_queue_level *levels_; /* by priority, the highest last */
    uint16_t count_, size_;
    uint32_t waiting; /* numbers in all */
};

/* `priority`: -128 to 127; beyond these it counts as the last. As twi_queue_push(). */
int twi_queues_push(struct twi_queue_slab *slab, struct twi_queues *queues, int64_t number,
                    int priority, bool is_lifo);
/* Of queues that are not all empty. */
int64_t twi_queues_pop(struct twi_queue_slab *slab, struct twi_queues *queues, bool is_lifo,
                       int *ret_priority);
/* The highest; of queues that are not all empty. */
int twi_queues_priority(const struct twi_queues *queues);
void twi_queues_each(struct twi_queue_slab *slab, struct twi_queues *queues, bool is_lifo,
                     void (*each)(int64_t number, int priority, void *arg), void *arg);
/* Empties them and frees their memory. */
void twi_queues_clear(struct twi_queue_slab *slab, struct twi_queues *queues, bool is_lifo);
size_t twi_queues_bytes(const struct twi_queues *queues); /* beside the slab */

#endif
