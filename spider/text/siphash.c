/* SPDX-License-Identifier: MIT */
/*
 * siphash.c - SipHash with one round a word and three at the end.
 */
#include "config.h"

#include "spider/text/siphash.h"

static inline uint64_t siphash_rotated(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void siphash_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = siphash_rotated(v[1], 13) ^ v[0];
    v[0] = siphash_rotated(v[0], 32);
    v[2] += v[3];
    v[3] = siphash_rotated(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = siphash_rotated(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = siphash_rotated(v[1], 17) ^ v[2];
    v[2] = siphash_rotated(v[2], 32);
}

static inline void siphash_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    siphash_round(v);
    v[0] ^= word;
}

/* Little-endian; compilers make one load of it. */
static inline uint64_t siphash_load(const unsigned char *bytes)
{
    return (uint64_t)bytes[0] | (uint64_t)bytes[1] << 8 | (uint64_t)bytes[2] << 16 |
           (uint64_t)bytes[3] << 24 | (uint64_t)bytes[4] << 32 | (uint64_t)bytes[5] << 40 |
           (uint64_t)bytes[6] << 48 | (uint64_t)bytes[7] << 56;
}

void twi_siphash_init(struct twi_siphash *hash, uint64_t k0, uint64_t k1)
{
    hash->v[0] = k0 ^ UINT64_C(0x736f6d6570736575);
    hash->v[1] = k1 ^ UINT64_C(0x646f72616e646f6d);
    hash->v[2] = k0 ^ UINT64_C(0x6c7967656e657261);
    hash->v[3] = k1 ^ UINT64_C(0x7465646279746573);
    hash->word = 0;
    hash->length = 0;
}

/* One byte into the word that is not whole. */
static void siphash_byte(struct twi_siphash *hash, unsigned char byte)
{
    hash->word |= (uint64_t)byte << (hash->length++ % 8 * 8);
    if (hash->length % 8 == 0) {
        siphash_word(hash->v, hash->word);
        hash->word = 0;
    }
}

void twi_siphash_add(struct twi_siphash *hash, const void *data, size_t length)
{
    const unsigned char *bytes = data;
    size_t at = 0;

    while (at < length && hash->length % 8 != 0)
        siphash_byte(hash, bytes[at++]);
    for (; length - at >= 8; at += 8, hash->length += 8)
        siphash_word(hash->v, siphash_load(bytes + at));
    while (at < length)
        siphash_byte(hash, bytes[at++]);
}

uint64_t twi_siphash_end(const struct twi_siphash *hash)
{
    uint64_t v[4] = { hash->v[0], hash->v[1], hash->v[2], hash->v[3] };

    siphash_word(v, hash->word | hash->length << 56);
    v[2] ^= 0xff;
    siphash_round(v);
    siphash_round(v);
    siphash_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t twi_siphash(uint64_t k0, uint64_t k1, const void *data, size_t length)
{
    struct twi_siphash hash;

    twi_siphash_init(&hash, k0, k1);
    twi_siphash_add(&hash, data, length);
    return twi_siphash_end(&hash);
}
