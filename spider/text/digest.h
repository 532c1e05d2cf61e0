/* SPDX-License-Identifier: MIT */
/*
 * digest.h - hashes that others know too: of files, of records, of scripts.
 */
#ifndef SPIDER_TEXT_DIGEST_H
#define SPIDER_TEXT_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

enum twi_digest_kind { TWI_DIGEST_SHA1, TWI_DIGEST_SHA256, TWI_DIGEST_MD5, TWI_DIGEST_SHA512 };
enum { TWI_DIGEST_MAX = 64 };

/* The hash of `data` into `hash`; returns its length, 0 when there is no memory. */
size_t twi_digest(enum twi_digest_kind kind, const void *data, size_t length,
                  unsigned char hash[TWI_DIGEST_MAX]);

/* The same in pieces. */
struct twi_digester;
/* NULL when there is no memory. */
struct twi_digester *twi_digester_new(enum twi_digest_kind kind);
/* False: give up. */
bool twi_digester_add(struct twi_digester *digester, const void *data, size_t length);
/* As twi_digest(), and frees it; `hash` may be NULL. */
size_t twi_digester_end(struct twi_digester *digester, unsigned char hash[TWI_DIGEST_MAX]);

/* `length` bytes in lower case, two digits each, with a NUL behind them. */
void twi_digest_hex(const unsigned char *hash, size_t length, char *text);

#endif
