/* SPDX-License-Identifier: MIT */
/*
 * recorder.c - see recorder.h.
 */
#include "tests/recorder.h"

#include <stdlib.h>
#include <string.h>

static struct record *record_of(tw_protocol *protocol)
{
    return ((struct recorder *)protocol)->record;
}

static void note(struct record *record, const char *what)
{
    if (record->text.length > 0)
        twi_buf_append_char(&record->text, ' ');
    twi_buf_append_text(&record->text, what);
}

static void made(tw_protocol *protocol)
{
    struct record *record = record_of(protocol);

    note(record, "made");
    record->protocol = protocol;
    if (record->on_made != NULL)
        record->on_made(record);
}

static void data(tw_protocol *protocol, const char *bytes, size_t length)
{
    struct record *record = record_of(protocol);

    record->deliveries++;
    if (length > record->largest)
        record->largest = length;
    twi_buf_append(&record->data, bytes, length);
    if (record->on_data != NULL)
        record->on_data(record, bytes, length);
}

static char *get_buffer(tw_protocol *protocol, size_t *size)
{
    struct record *record = record_of(protocol);

    *size = record->buffer_size;
    return record->buffer;
}

static void filled(tw_protocol *protocol, size_t length)
{
    data(protocol, record_of(protocol)->buffer, length);
}

static void eof(tw_protocol *protocol)
{
    struct record *record = record_of(protocol);

    note(record, "eof");
    if (record->on_eof != NULL)
        record->on_eof(record);
}

static void shut(tw_protocol *protocol)
{
    note(record_of(protocol), "shut");
}

static void lost(tw_protocol *protocol, tw_value reason)
{
    struct record *record = record_of(protocol);
    const char *name = tw_failure_class(reason)->name;
    const char *prefix = "tw_error_";

    if (strncmp(name, prefix, strlen(prefix)) == 0)
        name += strlen(prefix);
    note(record, "lost:");
    twi_buf_append_text(&record->text, name);
    if (record->on_lost != NULL)
        record->on_lost(record, reason);
    if (record->protocol == protocol)
        record->protocol = NULL;
}

static void released(tw_protocol *protocol)
{
    struct record *record = record_of(protocol);

    if (record != NULL)
        note(record, "released");
}

const tw_protocol_class recorder_class = {
    .name = "recorder",
    .size = sizeof(struct recorder),
    .connection_made = made,
    .data_received = data,
    .connection_lost = lost,
    .released = released,
};

const tw_protocol_class recorder_half_class = {
    .name = "half recorder",
    .size = sizeof(struct recorder),
    .connection_made = made,
    .data_received = data,
    .read_connection_lost = eof,
    .write_connection_lost = shut,
    .connection_lost = lost,
    .released = released,
};

const tw_protocol_class recorder_buffered_class = {
    .name = "buffered recorder",
    .size = sizeof(struct recorder),
    .connection_made = made,
    .data_received = data,
    .get_buffer = get_buffer,
    .buffer_filled = filled,
    .connection_lost = lost,
    .released = released,
};

tw_protocol *recorder_new(const tw_protocol_class *protocol_class, struct record *record)
{
    tw_protocol *protocol = tw_protocol_new(protocol_class);

    if (protocol != NULL)
        ((struct recorder *)protocol)->record = record;
    return protocol;
}

static tw_protocol *build(tw_factory *factory)
{
    return recorder_new(&recorder_class, tw_factory_data(factory));
}

tw_factory *recorder_factory(struct record *record)
{
    static const struct tw_factory_class factory_class = { .build = build };
    return tw_factory_new(&factory_class, record);
}

const char *record_text(struct record *record)
{
    return twi_buf_text(&record->text);
}

const char *record_data(struct record *record)
{
    return twi_buf_text(&record->data);
}

void record_free(struct record *record)
{
    twi_buf_free(&record->text);
    twi_buf_free(&record->data);
    free(record->buffer);
}
