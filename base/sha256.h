/* SPDX-License-Identifier: MIT */
/*
 * sha256.h - SHA-256 (FIPS 180-4), for names and comparisons that a stranger must not steer.
 *
 *     struct twi_sha256 hash;
 *     twi_sha256_begin(&hash);
 *     twi_sha256_add(&hash, data, length);
 *     twi_sha256_end(&hash, digest);
 */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { TWI_SHA256_SIZE = 32 };

struct twi_sha256 {
    uint32_t state[8];
    uint64_t length;
    unsigned char block[64];
};

void twi_sha256_begin(struct twi_sha256 *hash);
void twi_sha256_add(struct twi_sha256 *hash, const void *data, size_t length);
void twi_sha256_end(struct twi_sha256 *hash, unsigned char digest[TWI_SHA256_SIZE]);

#endif
