/* SPDX-License-Identifier: MIT */
/*
 * seen.h - the set of all visits that were ever planned, by the hash of each.
 *
 * Keys are hashes of 64 bits that nobody outside can aim at (spider/text/siphash.h); they are
 * spread by their own bits. From a million keys on it takes 9 to 11 bytes a key: it is 256 tables
 * that grow one by one, so that growing needs little memory beside.
 */
#ifndef SPIDER_JOB_SEEN_H
#define SPIDER_JOB_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct twi_seen;

struct twi_seen *twi_seen_new(void); /* NULL: no memory */
void twi_seen_free(struct twi_seen *seen);

/* 1: added; 0: it was there; -ENOMEM: nothing has changed. */
int twi_seen_add(struct twi_seen *seen, uint64_t key);
bool twi_seen_has(const struct twi_seen *seen, uint64_t key);
/* `key` will be looked for soon: prefetch for all links of a page, then probe for all. */
void twi_seen_prefetch(const struct twi_seen *seen, uint64_t key);
/* Make room for `count` keys in all, so that adding them allocates no more. 0 or -ENOMEM. */
int twi_seen_reserve(struct twi_seen *seen, uint64_t count);
uint64_t twi_seen_count(const struct twi_seen *seen);
size_t twi_seen_bytes(const struct twi_seen *seen); /* of memory */

/*
 * Into a snapshot and back: 8 bytes a key, the same on every machine. `write` and `read` take or
 * fill all of the bytes and return 0, or a negative error that is passed on. There is no
 * checksum: the snapshot has one.
 */
int twi_seen_write(const struct twi_seen *seen,
                   int (*write)(const void *data, size_t length, void *arg), void *arg);
/* Into an empty set. -EBADMSG: no such snapshot; -ENOMEM. After an error it must be freed. */
int twi_seen_read(struct twi_seen *seen, int (*read)(void *data, size_t length, void *arg),
                  void *arg);

#endif
