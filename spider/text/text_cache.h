/* SPDX-License-Identifier: MIT */
/*
 * text_cache.h - things made from texts, such as compiled selectors, kept for the next time.
 *
 * Bounded: of more than `most` things those not asked for lately go, about half at a time. The text
 * is compared, not its address, so a buffer that is used again is no trap.
 */
#ifndef SPIDER_TEXT_TEXT_CACHE_H
#define SPIDER_TEXT_TEXT_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct twi_text_cache_entry;
struct twi_text_cache {
    struct twi_text_cache_entry **young, **old; /* tables by hash; NULL: empty */
    size_t count, most;                         /* of the young; half of all */
    void (*release)(void *thing);
};

void twi_text_cache_init(struct twi_text_cache *cache, size_t most,
                         void (*release)(void *thing));
void twi_text_cache_free(struct twi_text_cache *cache);

/* The thing made from that text, of that kind; NULL: it is not there. Lent until the next put. */
void *twi_text_cache_get(struct twi_text_cache *cache, unsigned kind, const char *text,
                         size_t length);
/* Keep it; the text is copied. False when there is no memory: `thing` is released. */
bool twi_text_cache_put(struct twi_text_cache *cache, unsigned kind, const char *text,
                        size_t length, void *thing);

#endif
