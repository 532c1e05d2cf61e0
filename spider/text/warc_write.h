/* SPDX-License-Identifier: MIT */
/*
 * warc_write.h - writing web archives: values in, bytes out.
 *
 * A record's head says how long its block is and what its digests are, so a block is gathered
 * first (twi_warc_gather), then written: begin, the block in any pieces, end. Output goes to a
 * function of the caller's.
 */
#ifndef SPIDER_TEXT_WARC_WRITE_H
#define SPIDER_TEXT_WARC_WRITE_H

#include "spider/text/warc.h"

/* --- ids and dates --------------------------------------------------------------------------- */

enum { TWI_WARC_ID_SIZE = 48, TWI_WARC_DATE_SIZE = 32 };
/* "<urn:uuid:...>" of 16 random bytes, as a UUID of version 4. */
void twi_warc_id_write(char text[TWI_WARC_ID_SIZE], const unsigned char random[16]);
/* "2026-11-30T17:00:00Z" of seconds since 1970; years 1 to 9999. False: another. */
bool twi_warc_date_write(char text[TWI_WARC_DATE_SIZE], int64_t seconds);

/* --- gathering a block ----------------------------------------------------------------------- */

/* Length and digests of a block that is put together. */
struct twi_warc_gather {
    uint64_t length;
    struct twi_digester *block, *payload;
    bool failed; /* no memory */
};
/* end() releases it, and has to be called. */
void twi_warc_gather_begin(struct twi_warc_gather *gather);
/* `is_payload`: behind the head of HTTP. */
void twi_warc_gather_add(struct twi_warc_gather *gather, const void *data, size_t length,
                         bool is_payload);
/* The texts of both digests; NULL: they are not wanted. False without memory. */
bool twi_warc_gather_end(struct twi_warc_gather *gather, char *block, char *payload);

/* --- records --------------------------------------------------------------------------------- */

enum twi_warc_type {
    TWI_WARC_WARCINFO,
    TWI_WARC_REQUEST,
    TWI_WARC_RESPONSE,
    TWI_WARC_REVISIT,
    TWI_WARC_METADATA
};

/* The head of a record; NULL leaves a field out. All lent. */
struct twi_warc_entry {
    enum twi_warc_type type;
    const char *id, *date; /* of the functions above */
    uint64_t length;       /* of the block */
    const char *content_type; /* NULL: that of the type */
    const char *uri;
    const char *ip;           /* "192.0.2.1", "2001:db8::1" */
    const char *warcinfo_id, *concurrent_to; /* ids */
    const char *block_digest, *payload_digest;
    const char *truncated; /* "length", "time", "disconnect", "unspecified" */
    const char *filename;  /* of a warcinfo */
    /* Of a revisit; a profile is "identical-payload-digest" or "server-not-modified". */
    const char *profile, *refers_to, *refers_to_uri, *refers_to_date;
};

struct twi_warc_writer;
/* `write` takes all it is given, or returns a negative errno, which the functions below pass on.
 * NULL without memory. */
struct twi_warc_writer *twi_warc_writer_new(
    bool gzip, int (*write)(const void *data, size_t length, void *arg), void *arg);
void twi_warc_writer_free(struct twi_warc_writer *writer);
/* 0, -EINVAL (a line end or another control character in a field), -ENOMEM, or the error of
 * `write`. Nothing is written in the first two cases. */
int twi_warc_write_begin(struct twi_warc_writer *writer, const struct twi_warc_entry *entry);
/* Some of the block. 0 or a negative errno; -EOVERFLOW: it is longer than it should be. */
int twi_warc_write_block(struct twi_warc_writer *writer, const void *data, size_t length);
/* 0 or a negative errno; -ENODATA: the block is shorter than it should be. */
int twi_warc_write_end(struct twi_warc_writer *writer);

#endif
