/* SPDX-License-Identifier: MIT */
/*
 * folder_file.c - the form and the names of a cache's files. Pure.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "base/sha256.h"
#include "web/cache/folder.h"

static const char magic[8] = "tweed\0\1\n";

/* --- form ---------------------------------------------------------------------------------- */

static void word_put(char *at, uint64_t word, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        at[i] = (char)(unsigned char)(word >> 8 * (size - 1 - i));
}

static uint64_t word_get(const char *at, unsigned size)
{
    uint64_t word = 0;

    for (unsigned i = 0; i < size; i++)
        word = word << 8 | (unsigned char)at[i];
    return word;
}

static uint32_t checksum(uint32_t crc, const char *data, size_t length)
{
    return (uint32_t)crc32_z(crc, (const unsigned char *)data, length);
}

/* The end: magic, lengths of head and body, checksum of the body, of the head and all before. */
int twi_folder_encode(struct twi_buf *bytes, const struct twi_cache_head *head, uint64_t body,
                      uint32_t body_crc)
{
    size_t from = bytes->length, length;
    char end[TWI_FOLDER_END] = { 0 };
    int r = twi_cache_head_encode(head, bytes);

    if (r < 0)
        return r;
    length = bytes->length - from;
    memcpy(end, magic, sizeof magic);
    word_put(end + 8, length, 8);
    word_put(end + 16, body, 8);
    word_put(end + 24, body_crc, 4);
    word_put(end + 28, checksum(checksum(0, end, 28), bytes->data + from, length), 4);
    return twi_buf_append(bytes, end, sizeof end);
}

int twi_folder_end_decode(const char data[TWI_FOLDER_END], uint64_t size,
                          struct twi_folder_end *ret_end)
{
    struct twi_folder_end end = {
        .head = word_get(data + 8, 8),
        .body = word_get(data + 16, 8),
        .body_crc = (uint32_t)word_get(data + 24, 4),
        .head_crc = (uint32_t)word_get(data + 28, 4),
    };

    if (size < TWI_FOLDER_END || memcmp(data, magic, sizeof magic) != 0 ||
        end.head > TWI_FOLDER_HEAD_MAX || end.head > size - TWI_FOLDER_END ||
        end.body > size - TWI_FOLDER_END - end.head)
        return -EINVAL;
    *ret_end = end;
    return 0;
}

int twi_folder_head_decode(const struct twi_folder_end *end, const char *data,
                           struct twi_cache_head *head)
{
    char start[28];

    memcpy(start, magic, sizeof magic);
    word_put(start + 8, end->head, 8);
    word_put(start + 16, end->body, 8);
    word_put(start + 24, end->body_crc, 4);
    if (checksum(checksum(0, start, sizeof start), data, (size_t)end->head) != end->head_crc)
        return -EINVAL;
    return twi_cache_head_decode(head, data, (size_t)end->head);
}

/* --- names --------------------------------------------------------------------------------- */

static void hex_put(char *at, const unsigned char *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < count; i++) {
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    *at = '\0';
}

void twi_folder_name(const char *url, char name[TWI_FOLDER_NAME])
{
    unsigned char digest[TWI_SHA256_SIZE];
    struct twi_sha256 hash;

    twi_sha256_begin(&hash);
    twi_sha256_add(&hash, url, strlen(url));
    twi_sha256_end(&hash, digest);
    hex_put(name, digest, 1);
    name[2] = '/';
    hex_put(name + 3, digest + 1, 19);
}

/* By the generation of the first response: after an invalidation, which removes the first one only,
 * the others are not found any more. */
void twi_folder_variant_name(const struct twi_cache_head *first,
                             unsigned char (*digests)[TWI_CACHE_DIGEST],
                             char name[TWI_FOLDER_NAME])
{
    unsigned char digest[TWI_SHA256_SIZE], generation[8];
    struct twi_sha256 hash;
    size_t length;

    twi_folder_name(first->url, name);
    length = strlen(name);
    word_put((char *)generation, first->generation, 8);
    twi_sha256_begin(&hash);
    twi_sha256_add(&hash, generation, sizeof generation);
    for (size_t i = 0; i < first->vary_count; i++)
        twi_sha256_add(&hash, digests[i], TWI_CACHE_DIGEST);
    twi_sha256_end(&hash, digest);
    name[length++] = '-';
    hex_put(name + length, digest, 8);
}
