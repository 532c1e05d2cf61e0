/* SPDX-License-Identifier: MIT */
/*
 * warc.c - reading archives: any bytes give the same events in any pieces, an end to each record
 * that began, and a verdict on its digests.
 */
#include <string.h>

#include "fuzz/target.h"
#include "spider/text/warc_check.h"
#include "spider/text/warc_read.h"

struct counts {
    size_t records, closed, faults;
    uint64_t bytes, payload;
};

static void see(const struct twi_warc_reader *reader, enum twi_warc_event event,
                struct twi_warc_check *check, struct counts *counts)
{
    if (event == TWI_WARC_RECORD) {
        FUZZ_ASSERT(counts->records++ == counts->closed);
        twi_warc_check_begin(check, &reader->record.head);
    } else if (event == TWI_WARC_BLOCK) {
        FUZZ_ASSERT(counts->records == counts->closed + 1 && reader->piece_length > 0);
        counts->bytes += reader->piece_length;
        twi_warc_check_add(check, reader->piece, reader->piece_length);
    } else if (event == TWI_WARC_CLOSED) {
        FUZZ_ASSERT(counts->records == ++counts->closed);
        FUZZ_ASSERT(twi_warc_check_end(check, NULL, NULL));
    } else if (event == TWI_WARC_FAULT) {
        FUZZ_ASSERT(reader->fault.word != NULL && reader->fault.text != NULL);
        counts->faults++;
    }
}

static struct counts read_all(const uint8_t *data, size_t size, size_t piece)
{
    struct twi_warc_reader *reader = twi_warc_reader_new(0);
    struct twi_warc_check check;
    struct counts counts = { 0 };
    const char *at = (const char *)data, *end = at + size;
    enum twi_warc_event event;

    FUZZ_ASSERT(reader != NULL);
    while (at < end) {
        const char *stop = (size_t)(end - at) < piece ? end : at + piece;

        while ((event = twi_warc_next(reader, &at, stop)) != TWI_WARC_MORE)
            see(reader, event, &check, &counts);
        FUZZ_ASSERT(at == stop);
    }
    while ((event = twi_warc_end(reader)) != TWI_WARC_MORE)
        see(reader, event, &check, &counts);
    FUZZ_ASSERT(counts.records == counts.closed);
    twi_warc_reader_free(reader);
    return counts;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct counts whole = read_all(data, size, size + 1), bytes = read_all(data, size, 1);

    FUZZ_ASSERT(whole.records == bytes.records && whole.bytes == bytes.bytes);
    return 0;
}
