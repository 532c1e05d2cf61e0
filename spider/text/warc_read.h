/* SPDX-License-Identifier: MIT */
/*
 * warc_read.h - reading web archives, plain or in gzip members: bytes in, records out.
 *
 *     const char *at = data, *end = data + length;
 *     for (;;)
 *         switch (twi_warc_next(reader, &at, end)) {    or, behind the last bytes, twi_warc_end()
 *         case TWI_WARC_MORE:    return;                everything is consumed
 *         case TWI_WARC_RECORD:  reader->record.head, offset, block_length; break;
 *         case TWI_WARC_BLOCK:   use(reader->piece, reader->piece_length); break;
 *         case TWI_WARC_CLOSED:  reader->record.length, whole; break;
 *         case TWI_WARC_FAULT:   reader->fault; break;  reading goes on
 *         }
 *
 * Archives are often broken, and what can be read is read: line ends may be LF, a file may end
 * anywhere, a Content-Length may lie, garbage may lie between records and members, a member may
 * hold several records. Each is a fault that is told, after which the next record is looked for,
 * which begins with "WARC/" on a line or with a gzip member. Memory is bounded: a head has 1 MiB
 * at most, blocks are handed on in pieces.
 */
#ifndef SPIDER_TEXT_WARC_READ_H
#define SPIDER_TEXT_WARC_READ_H

#include "spider/text/warc.h"

enum twi_warc_event {
    TWI_WARC_MORE,
    TWI_WARC_RECORD, /* a head */
    TWI_WARC_BLOCK,  /* some bytes of its block; not empty */
    TWI_WARC_CLOSED, /* the end of it; in a member, the end of that */
    TWI_WARC_FAULT
};

/* All static. */
struct twi_warc_fault {
    const char
        *word; /* "truncated", "gzip", "length", "garbage", "head", "members", "memory" */
    const char *text;
    uint64_t offset; /* in the file, about where it was noticed */
};

struct twi_warc_record {
    struct twi_warc_head head;
    uint64_t offset;       /* of its head, or of its member */
    uint64_t block_length; /* as it says */
    /* After CLOSED: in the file, without the line ends that follow it if it is plain, of the whole
     * member otherwise; -1: one of several in a member. */
    int64_t length;
    bool whole; /* the block was as long as it says */
};

struct twi_warc_reader {
    struct twi_warc_record record; /* the last one; the reader's */
    struct twi_warc_fault fault;
    const char *piece;
    size_t piece_length;
    struct twi_warc_unpack *unpack_; /* the rest is the reader's own */
};

/* `offset`: of the first bytes that it will be given. NULL without memory. */
struct twi_warc_reader *twi_warc_reader_new(uint64_t offset);
void twi_warc_reader_free(struct twi_warc_reader *reader);
/* The next event from the bytes between *at and `end`; *at moves past the consumed ones. */
enum twi_warc_event twi_warc_next(struct twi_warc_reader *reader, const char **at,
                                  const char *end);
/* No bytes are left: the next event, TWI_WARC_MORE when there is none. */
enum twi_warc_event twi_warc_end(struct twi_warc_reader *reader);

#endif
