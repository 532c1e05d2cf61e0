/* SPDX-License-Identifier: MIT */
/*
 * recorder.h - a protocol that writes down its events.
 */
#ifndef TESTS_RECORDER_H
#define TESTS_RECORDER_H

#include <tweed/transport.h>

#include "base/buf.h"

/* Outlives the protocol. All zero is a fresh one; text() is the events so far, with spaces between:
 * "made", "eof", "shut" (our side), "lost:" and the failure's class without "tw_error_",
 * "released"; bytes are collected in `data`. */
struct record {
    struct twi_buf text, data;
    size_t deliveries;   /* calls of data_received or buffer_filled */
    size_t largest;      /* of them */
    tw_protocol *protocol; /* from connection_made until connection_lost */
    /* Called by the protocol's functions besides; each may be NULL. */
    void (*on_made)(struct record *record);
    void (*on_data)(struct record *record, const char *data, size_t length);
    void (*on_eof)(struct record *record);
    void (*on_lost)(struct record *record, tw_value reason);
    void *user;
    size_t buffer_size; /* for recorder_buffered: what get_buffer offers */
    char *buffer;
};

struct recorder {
    tw_protocol protocol;
    struct record *record;
};

/* Ends at the peer's end; the same with half close; the same that reads into own buffers. */
extern const tw_protocol_class recorder_class, recorder_half_class, recorder_buffered_class;

tw_protocol *recorder_new(const tw_protocol_class *protocol_class, struct record *record);
/* A factory of them, all with one record. */
tw_factory *recorder_factory(struct record *record);
const char *record_text(struct record *record);
const char *record_data(struct record *record);
void record_free(struct record *record);

#endif
