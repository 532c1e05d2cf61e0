/* SPDX-License-Identifier: MIT */
/*
 * warc_payload.h - a record's block taken apart: the head of HTTP, and the payload behind it, with
 * and without its transfer coding.
 *
 * As lenient as readers of archives are: a body that says that it is in chunks and is not, or no
 * longer, is taken as it stands from there on.
 */
#ifndef SPIDER_TEXT_WARC_PAYLOAD_H
#define SPIDER_TEXT_WARC_PAYLOAD_H

#include "spider/text/warc.h"

/* The use of some bytes, lent. */
typedef void twi_warc_bytes(const void *data, size_t length, void *arg);

enum { TWI_WARC_LINE_MAX = 1024 };

struct twi_warc_payload {
    bool is_http, is_chunked; /* the second after the head */
    int status;               /* of an answer of HTTP, after its first line; 0: none */
    /* Each may be NULL: behind the head, as it stands; and with chunks undone. */
    twi_warc_bytes *raw, *each;
    void *arg;
    unsigned char state_;
    bool first_line_;
    char line_[TWI_WARC_LINE_MAX]; /* its beginning */
    size_t line_length_;
    uint64_t chunk_left_;
};

/* For the block of this record. */
void twi_warc_payload_begin(struct twi_warc_payload *payload, const struct twi_warc_head *head,
                            twi_warc_bytes *raw, twi_warc_bytes *each, void *arg);
void twi_warc_payload_add(struct twi_warc_payload *payload, const char *data, size_t length);
/* The block has ended: what waited for more is the payload's. */
void twi_warc_payload_end(struct twi_warc_payload *payload);

#endif
