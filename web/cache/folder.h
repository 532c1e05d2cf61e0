/* SPDX-License-Identifier: MIT */
/*
 * folder.h - the files of a cache in a folder: their form, their names, their number.
 *
 *     folder/12/3456...          the response to the URL with the digest 123456...
 *     folder/12/3456...-89ab...  another, for requests with other fields
 *     folder/new-PID-N           not yet whole
 *     folder/size                about how many bytes there are
 *
 * A file is a body, then a head, then an end that tells where both begin and their checksums. It
 * is written under another name and renamed, so nobody sees a part of it; a newer head is appended
 * with an end of its own, in one call. A file whose parts do not fit together is not used.
 */
#ifndef WEB_CACHE_FOLDER_H
#define WEB_CACHE_FOLDER_H

#include "web/cache/cache.h"

enum {
    TWI_FOLDER_END = 40,
    TWI_FOLDER_NAME = 64,            /* of a file, with its folder */
    TWI_FOLDER_HEAD_MAX = 16 << 20,
    TWI_FOLDER_WASTE_MAX = 256 << 10 /* of older heads in one file */
};

struct twi_folder_end {
    uint64_t head, body; /* their lengths */
    uint32_t body_crc, head_crc;
};

/* Append head and end. 0 or -ENOMEM. */
int twi_folder_encode(struct twi_buf *bytes, const struct twi_cache_head *head, uint64_t body,
                      uint32_t body_crc);
/* Read the end of a file of `size` bytes. 0 or -EINVAL. */
int twi_folder_end_decode(const char data[TWI_FOLDER_END], uint64_t size,
                          struct twi_folder_end *ret_end);
/* ... and the head before it, into zeroed memory. 0, -EINVAL, -ENOMEM. */
int twi_folder_head_decode(const struct twi_folder_end *end, const char *data,
                           struct twi_cache_head *head);

/* The file of a URL's first response, and of another one. */
void twi_folder_name(const char *url, char name[TWI_FOLDER_NAME]);
void twi_folder_variant_name(const struct twi_cache_head *first,
                             unsigned char (*digests)[TWI_CACHE_DIGEST],
                             char name[TWI_FOLDER_NAME]);

/* folder_size.c: add to the number of bytes that the processes keep together; when that is over
 * `most`, files are removed, those used longest ago first, until a tenth is free. 0; -EAGAIN:
 * another process is at it, so add the same the next time; another errno of the file system. */
int twi_folder_count(int folder, int64_t added, int64_t most, struct tw_cache_counts *counts);
/* Remove all. */
void twi_folder_clear(int folder);

#endif
