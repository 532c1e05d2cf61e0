/* SPDX-License-Identifier: MIT */
/*
 * siphash.h - SipHash-1-3: a keyed hash of 64 bits.
 *
 * Nobody without the key can make texts that collide. A text may come in pieces; how it is cut does
 * not matter. The same on machines of either byte order, so hashes may be stored.
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", with c = 1, d = 3.
 */
#ifndef SPIDER_TEXT_SIPHASH_H
#define SPIDER_TEXT_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct twi_siphash {
    uint64_t v[4];
    uint64_t word;   /* the bytes of the last one that is not whole */
    uint64_t length; /* so far */
};

void twi_siphash_init(struct twi_siphash *hash, uint64_t k0, uint64_t k1);
/* `data` may be NULL when `length` is 0. */
void twi_siphash_add(struct twi_siphash *hash, const void *data, size_t length);
/* The hash of what was added so far; more may follow. */
uint64_t twi_siphash_end(const struct twi_siphash *hash);

/* All at once. */
uint64_t twi_siphash(uint64_t k0, uint64_t k1, const void *data, size_t length);

#endif
