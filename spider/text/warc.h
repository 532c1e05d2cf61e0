/* SPDX-License-Identifier: MIT */
/*
 * warc.h - records of web archives: WARC 1.1 (ISO 28500:2017), as they are named and digested.
 *
 *   WARC/1.1                                    a head: version, named fields, an empty line
 *   WARC-Type: response
 *   ...
 *   Content-Length: 134
 *
 *   HTTP/1.1 200 OK ...                         a block, of that length; two line ends follow
 *
 * A file is a row of records; in a gzip file each is a member of its own, so that it can be read
 * from its offset. warc_read.h reads them, warc_write.h writes them, warc_payload.h takes a block
 * apart.
 */
#ifndef SPIDER_TEXT_WARC_H
#define SPIDER_TEXT_WARC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spider/text/digest.h"

/* A named field of a head. */
struct twi_warc_field {
    const char *name, *value; /* the value without white space around, folds undone */
};

/* A head that was read. */
struct twi_warc_head {
    const char *version; /* "1.1" */
    struct twi_warc_field *fields;
    size_t count, size;
    const char
        *uri; /* WARC-Target-URI, without the <> of old writers, spaces escaped; NULL: none */
    char *text;      /* that they lie in */
    char *mended;    /* the URI's own text, if it has one */
};
/* Take over `text` (from malloc(), `length` bytes with a NUL behind): a head as far as its empty
 * line. Lines that are no fields are passed over. False when it is no WARC head, or without memory;
 * free it either way. */
bool twi_warc_head_read(struct twi_warc_head *head, char *text, size_t length);
void twi_warc_head_free(struct twi_warc_head *head);
/* The first field of that name, in any case of letters; NULL: none. */
const char *twi_warc_head_field(const struct twi_warc_head *head, const char *name);

/* --- digests: "sha1:" and base 32 ------------------------------------------------------------ */

enum { TWI_WARC_DIGEST_SIZE = 48 };
/* As the writers of archives do, a hash of SHA-1. */
void twi_warc_digest_write(char text[TWI_WARC_DIGEST_SIZE], const unsigned char hash[20]);
/* The algorithm that a field names, and its value; false: unknown. */
bool twi_warc_digest_read(const char *text, enum twi_digest_kind *ret_kind,
                          const char **ret_value);
/* True if `value` is this hash in base 32, hexadecimal or base 64 (either alphabet), padded or not;
 * letters of the first two in any case. */
bool twi_warc_digest_is(const char *value, const unsigned char *hash, size_t length);

#endif
