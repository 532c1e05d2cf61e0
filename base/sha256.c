/* SPDX-License-Identifier: MIT */
/*
 * sha256.c - SHA-256, as FIPS 180-4 describes it.
 */
#include "config.h"

#include <string.h>

#include "base/sha256.h"

static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
    0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
    0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
    0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
    0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2,
};

static uint32_t rotate_right(uint32_t word, unsigned by)
{
    return word >> by | word << (32 - by);
}

static void schedule_make(uint32_t schedule[64], const unsigned char *block)
{
    for (unsigned i = 0; i < 16; i++)
        schedule[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
                      (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (unsigned i = 16; i < 64; i++) {
        uint32_t a = schedule[i - 15], b = schedule[i - 2];
        uint32_t s0 = rotate_right(a, 7) ^ rotate_right(a, 18) ^ a >> 3;
        uint32_t s1 = rotate_right(b, 17) ^ rotate_right(b, 19) ^ b >> 10;
        schedule[i] = schedule[i - 16] + s0 + schedule[i - 7] + s1;
    }
}

/* One round. The eight words move on by one place in each; here they stay, and their names move. */
static void round_do(uint32_t v[8], unsigned round, uint32_t add)
{
    uint32_t *a = &v[(0 - round) & 7], *d = &v[(3 - round) & 7], *h = &v[(7 - round) & 7];
    uint32_t b = v[(1 - round) & 7], c = v[(2 - round) & 7], e = v[(4 - round) & 7];
    uint32_t f = v[(5 - round) & 7], g = v[(6 - round) & 7];
    uint32_t s1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
    uint32_t s0 = rotate_right(*a, 2) ^ rotate_right(*a, 13) ^ rotate_right(*a, 22);
    uint32_t t1 = *h + s1 + ((e & f) ^ (~e & g)) + add;

    *d += t1;
    *h = t1 + s0 + ((*a & b) ^ (*a & c) ^ (b & c));
}

static void block_mix(struct twi_sha256 *hash, const unsigned char *block)
{
    uint32_t schedule[64], v[8];

    schedule_make(schedule, block);
    memcpy(v, hash->state, sizeof v);
    for (unsigned i = 0; i < 64; i += 8)
        for (unsigned j = 0; j < 8; j++)
            round_do(v, j, constants[i + j] + schedule[i + j]);
    for (unsigned i = 0; i < 8; i++)
        hash->state[i] += v[i];
}

void twi_sha256_begin(struct twi_sha256 *hash)
{
    static const uint32_t first[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

    memcpy(hash->state, first, sizeof first);
    hash->length = 0;
}

void twi_sha256_add(struct twi_sha256 *hash, const void *data, size_t length)
{
    const unsigned char *at = data;
    size_t have = hash->length % sizeof hash->block;

    hash->length += length;
    while (length > 0) {
        size_t take = sizeof hash->block - have;

        if (take > length)
            take = length;
        memcpy(hash->block + have, at, take);
        at += take;
        length -= take;
        have += take;
        if (have == sizeof hash->block) {
            block_mix(hash, hash->block);
            have = 0;
        }
    }
}

void twi_sha256_end(struct twi_sha256 *hash, unsigned char digest[TWI_SHA256_SIZE])
{
    static const unsigned char padding[64] = { 0x80 };
    uint64_t bits = hash->length * 8;
    size_t have = hash->length % sizeof hash->block;
    unsigned char length[8];

    for (unsigned i = 0; i < 8; i++)
        length[i] = (unsigned char)(bits >> (56 - 8 * i));
    twi_sha256_add(hash, padding, have < 56 ? 56 - have : 120 - have);
    twi_sha256_add(hash, length, sizeof length);
    for (unsigned i = 0; i < TWI_SHA256_SIZE; i++)
        digest[i] = (unsigned char)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
}
