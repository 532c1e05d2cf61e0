/* SPDX-License-Identifier: MIT */
/*
 * compress.h - gzip and zstd, a frame at a time.
 *
 * A frame is a gzip member (RFC 1952) or a zstd frame (RFC 8878); a file of several, one behind the
 * other, is the text of all of them.
 */
#ifndef SPIDER_TEXT_COMPRESS_H
#define SPIDER_TEXT_COMPRESS_H

#include "spider/text/arena.h"

enum twi_coding { TWI_CODING_NONE, TWI_CODING_GZIP, TWI_CODING_ZSTD };

/* The coding of a file that begins so. */
enum twi_coding twi_coding_of(const char *data, size_t length);
/* One frame, in the arena; without a coding `data` itself. NULL when there is no memory. */
const char *twi_compress(struct twi_arena *arena, enum twi_coding coding, const char *data,
                         size_t length, size_t *ret_length);
/* Append the text of all frames, at most `most` bytes of it (0: all). NULL, or in a word what is
 * wrong; then the text up to there has been appended. */
const char *twi_decompress(enum twi_coding coding, const char *data, size_t length,
                           size_t most, struct twi_text *out);

#endif
