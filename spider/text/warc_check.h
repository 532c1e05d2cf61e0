/* SPDX-License-Identifier: MIT */
/*
 * warc_check.h - are a record's digests those of its block and payload?
 *
 * The payload's may be that of the bytes behind the head as they stand, as most writers make it, or
 * that of the entity, with the chunks undone, as the standard says: either is right. A revisit
 * or a segment does not have the payload that its digest is of.
 */
#ifndef SPIDER_TEXT_WARC_CHECK_H
#define SPIDER_TEXT_WARC_CHECK_H

#include "spider/text/warc_payload.h"

enum twi_warc_verdict {
    TWI_WARC_NONE, /* there is no digest */
    TWI_WARC_PASS,
    TWI_WARC_FAIL,
    TWI_WARC_UNKNOWN /* of an algorithm that is not known */
};
/* "none", "pass", "fail", "unknown" */
const char *twi_warc_verdict_word(enum twi_warc_verdict verdict);

/* A digest that is being checked; all zero is none. */
struct twi_warc_digest {
    const char *value; /* NULL: there is none, or it is unknown */
    enum twi_digest_kind kind;
    bool unknown;
    struct twi_digester *first, *second;
};

struct twi_warc_check {
    struct twi_warc_payload payload;
    struct twi_warc_digest block_, payload_;
    bool failed; /* no memory */
};

/* `head` is lent until the end. */
void twi_warc_check_begin(struct twi_warc_check *check, const struct twi_warc_head *head);
void twi_warc_check_add(struct twi_warc_check *check, const char *data, size_t length);
/* The block has ended; releases all. Either result may be NULL. False without memory. */
bool twi_warc_check_end(struct twi_warc_check *check, enum twi_warc_verdict *ret_block,
                        enum twi_warc_verdict *ret_payload);

#endif
