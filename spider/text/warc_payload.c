/* SPDX-License-Identifier: MIT */
/*
 * warc_payload.c - from a block to its payload.
 *
 *   HTTP_HEAD --empty line--> PLAIN
 *       |                       ^ what is no chunk
 *       +--> SIZE <--> DATA, DATA_END
 *             +--> TRAILERS (dropped to the end)
 */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "spider/text/span.h"
#include "spider/text/warc_payload.h"

/* Bytes of a chunk's line that are kept, and after which it has to look like one. */
enum { SIZE_KEPT = 64, SIZE_SURE = 20 };

enum state { HTTP_HEAD, PLAIN, SIZE, DATA, DATA_END, TRAILERS };

/* "application/http", or an old writer's record of the web without a type. */
static bool block_is_http(const struct twi_warc_head *head)
{
    static const char *const types[] = { "response", "request", "revisit" };
    const char *type = twi_warc_head_field(head, "WARC-Type");
    const char *content = twi_warc_head_field(head, "Content-Type");
    bool may_be = false;

    for (size_t i = 0; type != NULL && i < sizeof types / sizeof types[0]; i++)
        may_be |= strcasecmp(type, types[i]) == 0;
    if (!may_be)
        return false;
    if (content != NULL)
        return strncasecmp(content, "application/http", 16) == 0;
    return head->uri != NULL && (strncasecmp(head->uri, "http:", 5) == 0 ||
                                 strncasecmp(head->uri, "https:", 6) == 0);
}

void twi_warc_payload_begin(struct twi_warc_payload *payload, const struct twi_warc_head *head,
                            twi_warc_bytes *raw, twi_warc_bytes *each, void *arg)
{
    payload->is_http = block_is_http(head);
    payload->is_chunked = false;
    payload->status = 0;
    payload->raw = raw;
    payload->each = each;
    payload->arg = arg;
    payload->state_ = payload->is_http ? HTTP_HEAD : PLAIN;
    payload->first_line_ = true;
    payload->line_length_ = 0;
    payload->chunk_left_ = 0;
}

static void payload_give(const struct twi_warc_payload *payload, const char *data,
                         size_t length)
{
    if (length > 0 && payload->each != NULL)
        payload->each(data, length, payload->arg);
}

/* --- lines ----------------------------------------------------------------------------------- */

/* Keep the beginning of a line. True at its end; *at moves behind it. */
static bool line_step(struct twi_warc_payload *payload, const char **at, const char *end)
{
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    const char *next = newline != NULL ? newline + 1 : end;
    size_t room = TWI_WARC_LINE_MAX - payload->line_length_, length = (size_t)(next - *at);

    if (length > room)
        length = room;
    memcpy(payload->line_ + payload->line_length_, *at, length);
    payload->line_length_ += length;
    *at = next;
    return newline != NULL;
}

static struct twi_span line_of(const struct twi_warc_payload *payload)
{
    return twi_span_trim((struct twi_span){ payload->line_, payload->line_length_ });
}

/* --- the head of HTTP ------------------------------------------------------------------------ */

/* "HTTP/1.1 200 OK" */
static int status_read(struct twi_span line)
{
    uint32_t status;

    if (!twi_span_starts_nocase(line, "http/"))
        return 0;
    line = twi_span_trim(twi_span_from(line, twi_span_find(line, ' ')));
    line = twi_span_first(line, twi_span_find_any(line, 0, " \t"));
    return twi_span_number(line, &status) && status <= 999 ? (int)status : 0;
}

/* The last coding of the list is the one that frames it. */
static bool names_chunked(struct twi_span line)
{
    static const char name[] = "transfer-encoding:";
    size_t length;

    if (!twi_span_starts_nocase(line, name))
        return false;
    line = twi_span_trim(twi_span_from(line, sizeof name - 1));
    length = strlen("chunked");
    return line.length >= length &&
           twi_span_starts_nocase(twi_span_from(line, line.length - length), "chunked");
}

static void head_line(struct twi_warc_payload *payload)
{
    struct twi_span line = line_of(payload);

    payload->line_length_ = 0;
    if (payload->first_line_) {
        payload->status = status_read(line);
        payload->first_line_ = false;
    } else if (line.length == 0) {
        payload->state_ = payload->is_chunked ? SIZE : PLAIN;
    } else if (names_chunked(line)) {
        payload->is_chunked = true;
    }
}

/* --- chunks ---------------------------------------------------------------------------------- */

/* "1a; name=value": false if it is none. */
static bool chunk_read(struct twi_span line, uint64_t *ret_length)
{
    uint64_t length = 0;
    size_t i;

    for (i = 0; i < line.length && twi_hex(line.text[i]) >= 0; i++) {
        if (length > UINT64_MAX >> 8)
            return false;
        length = length << 4 | (uint64_t)twi_hex(line.text[i]);
    }
    *ret_length = length;
    line = twi_span_trim(twi_span_from(line, i));
    return i > 0 && (line.length == 0 || line.text[0] == ';');
}

/* The line is no framing: the bytes kept of it, and all that follow, are payload. */
static void framing_give_up(struct twi_warc_payload *payload)
{
    payload_give(payload, payload->line_, payload->line_length_);
    payload->line_length_ = 0;
    payload->state_ = PLAIN;
}

static void size_line(struct twi_warc_payload *payload)
{
    if (!chunk_read(line_of(payload), &payload->chunk_left_)) {
        framing_give_up(payload);
        return;
    }
    payload->line_length_ = 0;
    payload->state_ = payload->chunk_left_ > 0 ? DATA : TRAILERS;
}

static const char *data_step(struct twi_warc_payload *payload, const char *at, const char *end)
{
    size_t length = (size_t)(end - at);

    if (length > payload->chunk_left_)
        length = (size_t)payload->chunk_left_;
    payload_give(payload, at, length);
    payload->chunk_left_ -= length;
    if (payload->chunk_left_ == 0)
        payload->state_ = DATA_END;
    return at + length;
}

/* CR, LF, or LF alone. */
static const char *data_end_step(struct twi_warc_payload *payload, const char *at)
{
    if (*at == '\n') {
        payload->line_length_ = 0;
        payload->state_ = SIZE;
        return at + 1;
    }
    if (*at != '\r' || payload->line_length_ > 0) {
        framing_give_up(payload);
        return at;
    }
    payload->line_[payload->line_length_++] = *at;
    return at + 1;
}

/* A line that cannot be a size is not waited for, so that all of it is kept until that is known;
 * of an extension only the beginning is. */
static const char *size_step(struct twi_warc_payload *payload, const char *at, const char *end)
{
    size_t room = SIZE_KEPT - payload->line_length_;
    const char *newline;
    uint64_t length;

    if (room == 0) {
        newline = memchr(at, '\n', (size_t)(end - at));
        if (newline != NULL)
            size_line(payload);
        return newline != NULL ? newline + 1 : end;
    }
    if (line_step(payload, &at, (size_t)(end - at) > room ? at + room : end))
        size_line(payload);
    else if (payload->line_length_ >= SIZE_SURE && !chunk_read(line_of(payload), &length))
        framing_give_up(payload);
    return at;
}

/* --- a block --------------------------------------------------------------------------------- */

static const char *payload_step(struct twi_warc_payload *payload, const char *at,
                                const char *end)
{
    switch ((enum state)payload->state_) {
    case HTTP_HEAD:
        if (line_step(payload, &at, end))
            head_line(payload);
        return at;
    case PLAIN:
        payload_give(payload, at, (size_t)(end - at));
        return end;
    case SIZE:
        return size_step(payload, at, end);
    case DATA:
        return data_step(payload, at, end);
    case DATA_END:
        return data_end_step(payload, at);
    case TRAILERS:
        break;
    }
    return end;
}

void twi_warc_payload_add(struct twi_warc_payload *payload, const char *data, size_t length)
{
    const char *at = data, *end = data + length;

    while (at < end && payload->state_ == HTTP_HEAD)
        at = payload_step(payload, at, end);
    if (at < end && payload->raw != NULL)
        payload->raw(at, (size_t)(end - at), payload->arg);
    while (at < end)
        at = payload_step(payload, at, end);
}

void twi_warc_payload_end(struct twi_warc_payload *payload)
{
    if (payload->state_ == HTTP_HEAD && payload->first_line_)
        payload->status = status_read(line_of(payload));
    if (payload->state_ == SIZE)
        framing_give_up(payload);
}
