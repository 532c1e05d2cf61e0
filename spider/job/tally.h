/* SPDX-License-Identifier: MIT */
/*
 * tally.h - the counts of a batch, summed up before they are written: a row for each key.
 */
#ifndef SPIDER_JOB_TALLY_H
#define SPIDER_JOB_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spider/text/arena.h"

struct twi_tally_count {
    const char *key;  /* lent by the records */
    const char *text; /* not NULL: this instead of a number */
    int64_t add;
    bool is_state;
    struct twi_tally_count *next; /* in the same slot */
};
enum { TWI_TALLY_SLOTS = 64 };
struct twi_tally {
    struct twi_arena arena;
    struct twi_tally_count *slots[TWI_TALLY_SLOTS];
};

void twi_tally_init(struct twi_tally *tally);
void twi_tally_free(struct twi_tally *tally);
/* Forget all counts. */
void twi_tally_clear(struct twi_tally *tally);
/* NULL: there is none. */
struct twi_tally_count *twi_tally_find(struct twi_tally *tally, const char *key,
                                       bool is_state);
/* `key` and `text` are lent until the tally is cleared. 0, -ENOMEM. */
int twi_tally_add(struct twi_tally *tally, const char *key, bool is_state, int64_t add,
                  const char *text);

#endif
