/* SPDX-License-Identifier: MIT */
/*
 * line.c - protocols made of lines.
 *
 * Input is searched where it lies; only bytes left behind the last line are copied. While a
 * callback runs, nothing else is delivered: bytes that it hands back, or that come by a resume,
 * are appended and found by the loop that called it.
 */
#include <tweed/line.h>

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "net/transport/input.h"
#include "net/transport/transport.h"

enum { DEFAULT_MAX_LENGTH = 16384 };

static const char default_delimiter[] = "\r\n";

/* The bytes being taken apart: where the transport has them; or, behind bytes that were kept,
 * in a block of our own. */
struct input {
    const struct tw_line_class *line_class; /* of the delimiter; it may change */
    const char *delimiter;
    size_t delimiter_length, max_length;
    const char *at;
    size_t length;
    size_t searched; /* no delimiter begins before this */
    char *kept;      /* the block, or NULL */
    size_t kept_size;
};

static const char *delimiter_of(const struct tw_line_class *line_class)
{
    return line_class != NULL && line_class->delimiter != NULL ? line_class->delimiter
                                                               : default_delimiter;
}

static void read_class(struct input *input, const struct tw_line_class *line_class)
{
    input->line_class = line_class;
    input->delimiter = delimiter_of(line_class);
    input->delimiter_length = strlen(input->delimiter);
    input->max_length = line_class != NULL && line_class->max_length > 0
                            ? line_class->max_length
                            : DEFAULT_MAX_LENGTH;
}

/* True if lines may still be delivered. */
static inline bool line_is_open(const tw_line_protocol *line)
{
    const tw_transport *transport = line->protocol.transport;

    return transport != NULL && transport->state == TWI_OPEN;
}

/* Append to the kept bytes; 0 or -ENOMEM. */
static int line_keep(tw_line_protocol *line, const char *data, size_t length)
{
    int r;

    if (length == 0)
        return 0;
    r = twi_grow(&line->rest_, &line->rest_size_, line->rest_length_ + length, 1);
    if (r < 0)
        return r;
    memcpy(line->rest_ + line->rest_length_, data, length);
    line->rest_length_ += length;
    return 0;
}

static void line_forget_rest(tw_line_protocol *line)
{
    twi_free(line->rest_);
    line->rest_ = NULL;
    line->rest_length_ = line->rest_size_ = line->searched_ = 0;
}

/* The block of kept bytes becomes the input. */
static void line_take_rest(tw_line_protocol *line, struct input *input)
{
    twi_free(input->kept);
    input->kept = line->rest_;
    input->kept_size = line->rest_size_;
    input->at = line->rest_;
    input->length = line->rest_length_;
    input->searched = line->searched_;
    line->rest_ = NULL;
    line_forget_rest(line);
}

static void line_exceeded(tw_line_protocol *line, struct input *input)
{
    const char *start = input->at;
    size_t length = input->length;

    input->at += length;
    input->length = input->searched = 0;
    if (line->line_class != NULL && line->line_class->line_too_long != NULL)
        line->line_class->line_too_long(line, start, length);
    else
        tw_transport_lose(line->protocol.transport);
}

/* Deliver one line; false when there is no whole one. */
static bool line_take(tw_line_protocol *line, struct input *input)
{
    const char *start = input->at, *end;
    size_t length;

    if (input->line_class != line->line_class)
        read_class(input, line->line_class);
    end = twi_find(start, input->length, input->searched, input->delimiter,
                   input->delimiter_length);
    length = end == NULL ? input->length : (size_t)(end - start);
    if (end == NULL) {
        input->searched = length >= input->delimiter_length
                              ? length - (input->delimiter_length - 1)
                              : 0;
        if (length <= input->max_length + input->delimiter_length - 1)
            return false;
    }
    if (end == NULL || length > input->max_length) {
        line_exceeded(line, input);
        return true;
    }
    input->at += length + input->delimiter_length;
    input->length -= length + input->delimiter_length;
    input->searched = 0;
    if (line->line_class != NULL && line->line_class->line_received != NULL)
        line->line_class->line_received(line, start, length);
    return true;
}

static void take_raw(tw_line_protocol *line, struct input *input)
{
    const char *start = input->at;
    size_t length = input->length;

    input->at += length;
    input->length = input->searched = 0;
    if (line->line_class != NULL && line->line_class->raw_received != NULL)
        line->line_class->raw_received(line, start, length);
}

/* Append bytes that a callback has handed back to the input. 0 or -ENOMEM. */
static int line_absorb(tw_line_protocol *line, struct input *input)
{
    char *joined;

    if (line->rest_length_ == 0)
        return 0;
    if (input->length == 0) {
        line_take_rest(line, input);
        return 0;
    }
    joined = twi_malloc(input->length + line->rest_length_);
    if (joined == NULL)
        return -ENOMEM;
    memcpy(joined, input->at, input->length);
    memcpy(joined + input->length, line->rest_, line->rest_length_);
    input->length += line->rest_length_;
    twi_free(input->kept);
    input->kept = joined;
    input->kept_size = input->length;
    input->at = joined;
    line_forget_rest(line);
    return 0;
}

/* Keep the rest of the input for later. 0 or -ENOMEM. */
static int line_keep_input(tw_line_protocol *line, struct input *input)
{
    if (input->length == 0) {
        twi_free(input->kept);
        return 0;
    }
    line->searched_ = input->searched;
    if (input->kept == NULL)
        return line_keep(line, input->at, input->length);
    if (input->at != input->kept)
        memmove(input->kept, input->at, input->length);
    line->rest_ = input->kept;
    line->rest_length_ = input->length;
    line->rest_size_ = input->kept_size;
    return 0;
}

/* Deliver lines until no whole one is left, or none may be delivered. 0 or -ENOMEM. */
static int line_take_apart(tw_line_protocol *line, struct input *input)
{
    int r = 0;

    line->busy_ = 1;
    while (line_is_open(line)) {
        r = line_absorb(line, input);
        if (r < 0 || line->paused_ || input->length == 0)
            break;
        if (line->raw_)
            take_raw(line, input);
        else if (!line_take(line, input))
            break;
    }
    line->busy_ = 0;
    if (!line_is_open(line)) {
        input->length = 0;
        line_forget_rest(line);
    }
    return r;
}

void tw_line_data_received(tw_protocol *protocol, const char *data, size_t length)
{
    tw_line_protocol *line = (tw_line_protocol *)protocol;
    struct input input = { .at = data, .length = length };
    int r = 0;

    read_class(&input, line->line_class);
    if (line->busy_ || line->rest_length_ > 0) {
        r = line_keep(line, data, length);
        if (r < 0 || line->busy_)
            goto out;
        line_take_rest(line, &input);
    }
    r = line_take_apart(line, &input);
    if (r == 0)
        r = line_keep_input(line, &input);
    else
        twi_free(input.kept);
out:
    if (r < 0 && protocol->transport != NULL)
        twi_transport_end(protocol->transport, tw_fail_memory());
}

void tw_line_released(tw_protocol *protocol)
{
    line_forget_rest((tw_line_protocol *)protocol);
}

int tw_line_send(tw_line_protocol *line, const char *text, size_t length)
{
    const char *delimiter = delimiter_of(line->line_class);
    tw_transport *transport = line->protocol.transport;
    int r;

    if (transport == NULL)
        return -ENOTCONN;
    r = tw_transport_write(transport, text, length);
    return r < 0 ? r : tw_transport_write(transport, delimiter, strlen(delimiter));
}

void tw_line_set_raw(tw_line_protocol *line)
{
    line->raw_ = 1;
}

void tw_line_set_line(tw_line_protocol *line, const char *rest, size_t length)
{
    line->raw_ = 0;
    tw_line_data_received(&line->protocol, rest, length);
}

void tw_line_pause(tw_line_protocol *line)
{
    line->paused_ = 1;
    if (line->protocol.transport != NULL)
        tw_transport_pause(line->protocol.transport);
}

void tw_line_resume(tw_line_protocol *line)
{
    if (!line->paused_)
        return;
    line->paused_ = 0;
    if (line->protocol.transport != NULL)
        tw_transport_resume(line->protocol.transport);
    if (!line->busy_)
        tw_line_data_received(&line->protocol, "", 0);
}
