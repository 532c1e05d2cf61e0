/* SPDX-License-Identifier: MIT */
/*
 * tally.c - sums by key. A crawl has some thirty keys, each in nearly every record.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "spider/job/tally.h"

void twi_tally_init(struct twi_tally *tally)
{
    *tally = (struct twi_tally){ 0 };
    twi_arena_init(&tally->arena, 0);
}

void twi_tally_free(struct twi_tally *tally)
{
    twi_arena_free(&tally->arena);
}

void twi_tally_clear(struct twi_tally *tally)
{
    memset(tally->slots, 0, sizeof tally->slots);
    twi_arena_reset(&tally->arena);
}

static size_t key_slot(const char *key)
{
    uint32_t hash = 2166136261u; /* FNV-1a: the keys are the program's, not a site's */

    for (; *key != '\0'; key++)
        hash = (hash ^ (unsigned char)*key) * 16777619u;
    return (hash ^ hash >> 16) % TWI_TALLY_SLOTS;
}

struct twi_tally_count *twi_tally_find(struct twi_tally *tally, const char *key, bool is_state)
{
    struct twi_tally_count *count = tally->slots[key_slot(key)];

    while (count != NULL && (count->is_state != is_state || strcmp(count->key, key) != 0))
        count = count->next;
    return count;
}

int twi_tally_add(struct twi_tally *tally, const char *key, bool is_state, int64_t add,
                  const char *text)
{
    struct twi_tally_count *count = twi_tally_find(tally, key, is_state), **slot;

    if (count == NULL) {
        count = twi_arena_zeroed(&tally->arena, sizeof *count);
        if (count == NULL)
            return -ENOMEM;
        slot = &tally->slots[key_slot(key)];
        count->key = key;
        count->is_state = is_state;
        count->next = *slot;
        *slot = count;
    }
    if (text != NULL)
        count->text = text;
    /* As the hardware does: no page can make the crawl stop by counting too far. */
    count->add = (int64_t)((uint64_t)count->add + (uint64_t)add);
    return 0;
}
