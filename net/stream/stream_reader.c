/* SPDX-License-Identifier: MIT */
/*
 * stream_reader.c - the reading side of a stream.
 *
 * A read is a wish (a struct twi_read) and a Deferred. The bytes that have come are checked
 * against it when the read begins, whenever more come, and at the end; nothing is taken before
 * they are enough, so a read that is given up has lost nothing.
 */
#include "net/stream/stream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net/transport/transport.h"

#define TO_END_LIMIT ((size_t)64 * 1024 * 1024)

/* True if no more bytes will come. */
static inline bool over(const tw_stream *stream)
{
    return stream->eof || stream->reason != NULL || stream->closing;
}

/* --- what a read gets --------------------------------------------------------------- */

/* The connection was lost without the peer's end: the bytes that came stay, for a read that
 * wants fewer. */
static bool take_reason(const tw_stream *stream, tw_value *ret_result)
{
    if (stream->eof)
        return false;
    if (stream->reason != NULL)
        *ret_result = tw_retain(twi_stream_reason(stream));
    else
        *ret_result = stream->aborted ? twi_reason_aborted() : twi_reason_done();
    return true;
}

static bool reader_take_bytes(tw_stream *stream, size_t length, tw_value *ret_result)
{
    *ret_result = length == 0 ? tw_bytes("", 0) : twi_input_take(&stream->input, length);
    stream->searched = 0;
    return true;
}

void twi_stream_skip(tw_stream *stream, size_t length)
{
    if (length > 0)
        twi_input_skip(&stream->input, length);
    stream->searched = 0;
}

/* Take the first `length` bytes; `whole` counts their delimiter, too. */
static bool take_before(tw_stream *stream, size_t length, size_t whole, tw_value *ret_result)
{
    *ret_result = tw_bytes(stream->input.at, length);
    if (!tw_is_failure(*ret_result))
        twi_stream_skip(stream, whole);
    return true;
}

/* The stream has ended in the middle. */
static bool take_partial(tw_stream *stream, tw_value *ret_result)
{
    const struct twi_read *read = &stream->read;
    struct tw_failure_fields fields = { .error_class = &tw_error_partial, .where = TW_HERE };
    size_t length = stream->input.length;
    char message[96];

    if (read->wanted == TWI_UNTIL)
        snprintf(message, sizeof message,
                 "the stream ended after %zu bytes, without delimiter", length);
    else
        snprintf(message, sizeof message, "the stream ended after %zu of %zu bytes", length,
                 read->count);
    fields.message = message;
    fields.value = tw_bytes(length > 0 ? stream->input.at : "", length);
    if (tw_is_failure(fields.value)) {
        *ret_result = fields.value;
        return true;
    }
    *ret_result = tw_fail_with(&fields);
    if (tw_failure_is(*ret_result, &tw_error_partial) && read->wanted != TWI_PEEK)
        twi_stream_skip(stream, length);
    return true;
}

static bool take_too_large(const tw_stream *stream, size_t limit, const char *what,
                           tw_value *ret_result)
{
    char message[96];

    snprintf(message, sizeof message, "%s longer than %zu bytes", what, limit);
    *ret_result = tw_fail_with(&(struct tw_failure_fields){
        .error_class = &tw_error_toolarge,
        .message = message,
        .where = TW_HERE,
        .number = (int64_t)stream->input.length,
    });
    return true;
}

static bool take_some(tw_stream *stream, size_t most, tw_value *ret_result)
{
    size_t length = stream->input.length;

    if (length > 0 || most == 0)
        return reader_take_bytes(stream, length < most ? length : most, ret_result);
    if (!over(stream))
        return false;
    return take_reason(stream, ret_result) || reader_take_bytes(stream, 0, ret_result);
}

static bool take_count(tw_stream *stream, size_t count, bool keep, tw_value *ret_result)
{
    if (stream->input.length < count) {
        if (!over(stream))
            return false;
        return take_reason(stream, ret_result) || take_partial(stream, ret_result);
    }
    if (!keep || count == 0)
        return reader_take_bytes(stream, count, ret_result);
    *ret_result = tw_bytes(stream->input.at, count);
    return true;
}

static bool reader_take_line(tw_stream *stream, tw_value *ret_result)
{
    const struct twi_input *input = &stream->input;
    size_t length = input->length, limit = stream->limit;
    const char *end = NULL;

    if (length > stream->searched)
        end = memchr(input->at + stream->searched, '\n', length - stream->searched);
    if (end != NULL) {
        size_t whole = (size_t)(end - input->at) + 1;

        length = whole - 1;
        if (length > 0 && end[-1] == '\r')
            length--;
        if (length > limit)
            return take_too_large(stream, limit, "a line", ret_result);
        return take_before(stream, length, whole, ret_result);
    }
    stream->searched = length;
    if (length > limit && (length > limit + 1 || input->at[limit] != '\r'))
        return take_too_large(stream, limit, "a line", ret_result);
    if (!over(stream))
        return false;
    if (take_reason(stream, ret_result))
        return true;
    if (length > 0)
        return reader_take_bytes(stream, length, ret_result);
    *ret_result = tw_none();
    return true;
}

static bool take_until(tw_stream *stream, tw_value *ret_result)
{
    const struct twi_input *input = &stream->input;
    const struct twi_read *read = &stream->read;
    size_t length = input->length, ending = read->delimiter_length;
    const char *end = NULL;

    if (length >= ending)
        end = twi_find(input->at, length, stream->searched, read->delimiter, ending);
    if (end != NULL) {
        length = (size_t)(end - input->at);
        if (length > read->count)
            return take_too_large(stream, read->count, "what stands before the delimiter is",
                                  ret_result);
        return take_before(stream, length, length + ending, ret_result);
    }
    stream->searched = length >= ending ? length - (ending - 1) : 0;
    if (length >= ending && length - ending >= read->count)
        return take_too_large(stream, read->count, "what stands before the delimiter is",
                              ret_result);
    if (!over(stream))
        return false;
    return take_reason(stream, ret_result) || take_partial(stream, ret_result);
}

static bool take_to_end(tw_stream *stream, size_t limit, tw_value *ret_result)
{
    if (stream->input.length > limit)
        return take_too_large(stream, limit, "the rest of the stream is", ret_result);
    if (!over(stream))
        return false;
    return take_reason(stream, ret_result) ||
           reader_take_bytes(stream, stream->input.length, ret_result);
}

/* True if the read can be answered: there is enough, or never will be. Then *ret_result is
 * owned. */
static bool take_wanted(tw_stream *stream, tw_value *ret_result)
{
    size_t count = stream->read.count;

    switch (stream->read.wanted) {
    case TWI_SOME:
        return take_some(stream, count, ret_result);
    case TWI_EXACTLY:
        return take_count(stream, count, false, ret_result);
    case TWI_PEEK:
        return take_count(stream, count, true, ret_result);
    case TWI_LINE:
        return reader_take_line(stream, ret_result);
    case TWI_UNTIL:
        return take_until(stream, ret_result);
    case TWI_TO_END:
        return take_to_end(stream, count, ret_result);
    case TWI_HANDSHAKE: /* ends by itself, except by a close of ours */
        return stream->closing && take_reason(stream, ret_result);
    case TWI_NOTHING:
        break;
    }
    return false;
}

/* The same; quick where no byte has come and more may. */
static inline bool reader_take(tw_stream *stream, tw_value *ret_result)
{
    if (stream->input.length == 0 && stream->read.count > 0 && !over(stream))
        return false;
    return take_wanted(stream, ret_result);
}

/* --- reading ------------------------------------------------------------------------ */

void twi_stream_throttle_now(tw_stream *stream)
{
    tw_transport *transport = twi_stream_transport(stream);
    size_t length = stream->input.length;

    if (transport == NULL)
        return;
    if (!stream->paused && length > stream->limit && stream->reader == NULL) {
        stream->paused = true;
        tw_transport_pause(transport);
    } else if (stream->paused && (length <= stream->limit / 2 || stream->reader != NULL)) {
        stream->paused = false;
        tw_transport_resume(transport);
    }
}

void tw_stream_set_limit(tw_stream *stream, size_t limit)
{
    if (stream == NULL)
        return;
    stream->limit = limit > 0 ? limit : TWI_STREAM_LIMIT;
    twi_stream_throttle(stream);
}

tw_deferred *twi_stream_leave(tw_stream *stream)
{
    tw_deferred *reader = stream->reader;

    stream->reader = NULL;
    stream->read.wanted = TWI_NOTHING;
    return reader;
}

void twi_stream_finish(tw_stream *stream, tw_value result)
{
    tw_deferred *reader = twi_stream_leave(stream);

    tw_fire(&reader, result);
    tw_stream_unref(stream);
}

void twi_stream_serve(tw_stream *stream)
{
    tw_value result;

    if (stream->reader != NULL && reader_take(stream, &result))
        twi_stream_finish(stream, result);
}

static int reader_cancel(tw_deferred *deferred, void *arg)
{
    tw_stream *stream = arg;

    (void)deferred;
    tw_deferred_unref(twi_stream_leave(stream));
    twi_stream_throttle(stream);
    tw_stream_unref(stream);
    return 0;
}

tw_deferred *twi_stream_misused(const char *where, const char *what)
{
    return tw_fired_at(where, tw_fail_at(where, &tw_error_misuse, "%s", what));
}

const char *twi_stream_forbidden(const tw_stream *stream)
{
    if (stream == NULL)
        return "a read of no stream";
    if (stream->reader == NULL)
        return NULL;
    return stream->read.wanted == TWI_HANDSHAKE ? "a read during the handshake"
                                                : "a second read while one waits";
}

static tw_deferred *start_read(const char *where, tw_stream *stream, struct twi_read read)
{
    const char *wrong = twi_stream_forbidden(stream);
    tw_deferred *deferred;
    tw_value result;

    if (wrong != NULL)
        return twi_stream_misused(where, wrong);
    deferred = tw_promise_at(where, &stream->reader, reader_cancel, stream, NULL);
    if (deferred == NULL)
        return NULL;
    stream->references++;
    stream->read = read;
    stream->searched = 0;
    if (reader_take(stream, &result))
        twi_stream_finish(stream, result);
    twi_stream_throttle(stream);
    return twi_stream_limited(stream, deferred);
}

tw_deferred *tw_stream_read_at(const char *where, tw_stream *stream, size_t max)
{
    return start_read(where, stream, (struct twi_read){ .wanted = TWI_SOME, .count = max });
}

tw_deferred *tw_stream_read_exactly_at(const char *where, tw_stream *stream, size_t count)
{
    return start_read(where, stream,
                      (struct twi_read){ .wanted = TWI_EXACTLY, .count = count });
}

tw_deferred *tw_stream_read_line_at(const char *where, tw_stream *stream)
{
    return start_read(where, stream, (struct twi_read){ .wanted = TWI_LINE, .count = 1 });
}

tw_deferred *tw_stream_read_until_at(const char *where, tw_stream *stream,
                                     const char *delimiter, size_t limit)
{
    struct twi_read read = { .wanted = TWI_UNTIL, .count = limit, .delimiter = delimiter };

    if (delimiter == NULL || strlen(delimiter) > UINT32_MAX)
        return twi_stream_misused(where, "a read until nothing");
    if (limit == 0 && stream != NULL)
        read.count = stream->limit;
    read.delimiter_length = delimiter[0] == '\0' ? 1 : (uint32_t)strlen(delimiter);
    return start_read(where, stream, read);
}

tw_deferred *tw_stream_read_to_end_at(const char *where, tw_stream *stream, size_t limit)
{
    if (limit == 0)
        limit = TO_END_LIMIT;
    return start_read(where, stream,
                      (struct twi_read){ .wanted = TWI_TO_END, .count = limit });
}

tw_deferred *tw_stream_peek_at(const char *where, tw_stream *stream, size_t count)
{
    return start_read(where, stream, (struct twi_read){ .wanted = TWI_PEEK, .count = count });
}

/* --- what is there ------------------------------------------------------------------ */

const char *tw_stream_buffered(const tw_stream *stream, size_t *ret_length)
{
    bool there = stream != NULL && stream->input.length > 0;

    *ret_length = there ? stream->input.length : 0;
    return there ? stream->input.at : "";
}

int tw_stream_unread(tw_stream *stream, const void *data, size_t length)
{
    int r;

    if (stream == NULL)
        return -EINVAL;
    if (stream->reader != NULL)
        return -EBUSY;
    r = twi_input_prepend(&stream->input, data, length);
    stream->searched = 0;
    twi_stream_throttle(stream);
    return r;
}

bool tw_stream_at_eof(const tw_stream *stream)
{
    return stream == NULL || (over(stream) && stream->input.length == 0);
}
