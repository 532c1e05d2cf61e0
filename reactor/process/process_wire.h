/* SPDX-License-Identifier: MIT */
/*
 * process_wire.h - the messages between a process pool and its workers.
 *
 * Frames over a socket pair: a length of 4 bytes, then that many bytes, the first of which is
 * the kind. A worker returns results in the order of its tasks.
 *
 *     to a worker    HELLO  result limit, name of the init function or "", its argument
 *                    TASK   slot, name, count, that many arguments
 *     from a worker  READY
 *                    FAILED     a failure: what the init function failed with; the worker ends
 *                    RESULTS    slot, count, that many results: the next ones of that task
 *                    SKIPPED    slot: the task had been taken back
 *
 * Tasks are sent ahead, so that a worker need not wait for the next. Whether the worker or the
 * pool gets one is decided in a page that both can write: a slot goes from SENT to BEGUN by the
 * worker, or from SENT to REVOKED by the pool, whoever is first. After a death it also says
 * which calls had begun.
 */
#ifndef REACTOR_PROCESS_PROCESS_WIRE_H
#define REACTOR_PROCESS_PROCESS_WIRE_H

#include <stdatomic.h>

#include <tweed/process_pool.h>

#include "base/value_wire.h"

enum twi_process_frame {
    TWI_PROCESS_HELLO = 'H',
    TWI_PROCESS_TASK = 'T',
    TWI_PROCESS_READY = 'r',
    TWI_PROCESS_FAILED = 'f',
    TWI_PROCESS_RESULTS = 'R',
    TWI_PROCESS_SKIPPED = 's',
};

enum {
    TWI_PROCESS_SLOTS = 32,
    TWI_PROCESS_SOCKET = 3, /* descriptors of a worker */
    TWI_PROCESS_BOARD = 4,
    TWI_FRAME_HEAD = 4,
    TWI_FRAME_MAX = 1 << 30, /* of one value; a frame may have a little more */
    TWI_PROCESS_FLUSH = 1 << 20, /* results of a chunk are sent at this many bytes */
};

enum twi_slot { TWI_SLOT_SENT = 1, TWI_SLOT_BEGUN, TWI_SLOT_REVOKED };

struct twi_board {
    atomic_uint slots[TWI_PROCESS_SLOTS];
    atomic_size_t progress; /* the call that runs, of the task that has begun last */
};

/* True when it was SENT. */
static inline bool twi_board_take(struct twi_board *board, size_t slot, enum twi_slot as)
{
    unsigned sent = TWI_SLOT_SENT;
    return atomic_compare_exchange_strong(&board->slots[slot], &sent, (unsigned)as);
}

/* Start a frame: room for its length, and its kind. *ret_start is for twi_frame_end(). 0,
 * -ENOMEM. */
int twi_frame_begin(struct twi_buf *buf, enum twi_process_frame kind, size_t *ret_start);
void twi_frame_end(struct twi_buf *buf, size_t start);
/* The frame at data[0..length): its content from *ret_at to *ret_end. 1; 0 when more must come;
 * -EBADMSG when it is empty or longer than `limit`. */
int twi_frame_read(const char *data, size_t length, size_t limit, const char **ret_at,
                   const char **ret_end);

const struct tw_process_entry *twi_process_function(const char *name, size_t length);

/* Serve the pool at the other end until it closes; returns the exit status of the worker. */
int twi_process_serve(int fd, struct twi_board *board);
/* True if tw_process_worker() was called in this program; and the path that spawns a worker. */
bool twi_process_can_spawn(void);
const char *twi_process_argv0(void);
const char *twi_process_path(void);
#define TWI_PROCESS_ARGUMENT "--tweed-worker="
/* main() of a worker that was forked: arg is the parent's pid as a pointer to pid_t. */
int twi_process_forked(void *arg);

#endif
