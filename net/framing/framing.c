/* SPDX-License-Identifier: MIT */
/*
 * framing.c - protocols made of strings with their length in front.
 *
 * A string that has come whole is delivered where it lies; only bytes left behind the last one
 * are copied, into a block that grows with the bytes that come, not with the length that a peer
 * promises. While a callback runs, nothing else is delivered: bytes that come by a resume are
 * appended.
 */
#include <tweed/framing.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "net/transport/transport.h"

enum {
    DEFAULT_MAX_LENGTH = 99999,
    MOST_DIGITS = 20, /* of a size_t */
};

/* The bytes being taken apart: where the transport has them, or in a block of our own. */
struct input {
    const char *at;
    size_t length;
    char *block; /* or NULL */
    size_t block_size;
};

/* The length in front of a string; all zero while it has not come whole. */
struct head {
    size_t size; /* of the head */
    size_t length;
    size_t tail; /* bytes behind the string */
};

static enum tw_framing framing_of(const tw_framing_protocol *self)
{
    return self->framing_class != NULL ? self->framing_class->framing : TW_INT32;
}

static size_t width_of(enum tw_framing framing)
{
    return framing == TW_INT32 ? 4 : framing == TW_INT16 ? 2 : 1;
}

/* The most that a length can say. */
static uint64_t most_of(enum tw_framing framing)
{
    return framing == TW_NETSTRING ? SIZE_MAX / 16
                                   : (UINT64_C(1) << 8 * width_of(framing)) - 1;
}

static size_t max_length_of(const tw_framing_protocol *self)
{
    size_t max = self->framing_class != NULL ? self->framing_class->max_length : 0;
    uint64_t most = most_of(framing_of(self));

    if (max == 0)
        max = DEFAULT_MAX_LENGTH;
    return max < most ? max : (size_t)most;
}

/* True if strings may still be delivered. */
static inline bool framing_is_open(const tw_framing_protocol *self)
{
    const tw_transport *transport = self->protocol.transport;

    return transport != NULL && transport->state == TWI_OPEN && !self->broken_;
}

/* --- heads -------------------------------------------------------------------------- */

/* Takes `reason`. */
static void framing_broken(tw_framing_protocol *self, tw_value reason)
{
    const struct tw_framing_class *class = self->framing_class;

    self->broken_ = 1;
    if (class == NULL || class->broken == NULL) {
        twi_transport_end(self->protocol.transport, reason);
        return;
    }
    class->broken(self, tw_lend(reason));
    tw_release(reason);
    if (self->protocol.transport != NULL)
        tw_transport_lose(self->protocol.transport);
}

static void framing_exceeded(tw_framing_protocol *self)
{
    size_t max = max_length_of(self);

    framing_broken(self, tw_fail_with(&(struct tw_failure_fields){
                             .error_class = &tw_error_toolarge,
                             .where = TW_HERE,
                             .number = (int64_t)max,
                             .message = "a string is longer than the limit" }));
}

static void no_netstring(tw_framing_protocol *self)
{
    framing_broken(self, tw_fail(&tw_error_protocol, "what came is no netstring"));
}

static struct head read_integer(const tw_framing_protocol *self, const struct input *input)
{
    struct head head = { .size = width_of(framing_of(self)) };

    if (input->length < head.size)
        return (struct head){ .size = 0 };
    for (size_t i = 0; i < head.size; i++)
        head.length = head.length << 8 | (unsigned char)input->at[i];
    return head;
}

/* Digits without leading zeros, and a colon. */
static struct head framing_read_digits(tw_framing_protocol *self, const struct input *input)
{
    static const struct head unfinished;
    size_t max = max_length_of(self);
    struct head head = { .tail = 1 };

    for (; head.size < input->length; head.size++) {
        char c = input->at[head.size];

        if (c == ':' && head.size > 0) {
            head.size++;
            return head;
        }
        if (c < '0' || c > '9' || (head.size > 0 && input->at[0] == '0')) {
            no_netstring(self);
            return unfinished;
        }
        head.length = head.length * 10 + (size_t)(c - '0'); /* max leaves room */
        if (head.length > max) {
            framing_exceeded(self);
            return unfinished;
        }
    }
    return unfinished;
}

/* --- strings ------------------------------------------------------------------------ */

/* Deliver one; false when there is no whole one. */
static bool take_string(tw_framing_protocol *self, struct input *input)
{
    bool digits = framing_of(self) == TW_NETSTRING;
    struct head head = digits ? framing_read_digits(self, input) : read_integer(self, input);
    const char *string = input->at + head.size;

    if (head.size == 0)
        return false;
    if (head.length > max_length_of(self)) {
        framing_exceeded(self);
        return false;
    }
    if (input->length - head.size < head.length + head.tail)
        return false;
    if (digits && string[head.length] != ',') {
        no_netstring(self);
        return false;
    }
    input->at += head.size + head.length + head.tail;
    input->length -= head.size + head.length + head.tail;
    if (self->framing_class != NULL && self->framing_class->string_received != NULL)
        self->framing_class->string_received(self, string, head.length);
    return true;
}

/* --- what is kept ------------------------------------------------------------------- */

static void framing_forget_rest(tw_framing_protocol *self)
{
    twi_free(self->rest_);
    self->rest_ = NULL;
    self->rest_length_ = self->rest_size_ = 0;
}

static int framing_keep(tw_framing_protocol *self, const char *data, size_t length)
{
    int r;

    if (length == 0)
        return 0;
    r = twi_grow(&self->rest_, &self->rest_size_, self->rest_length_ + length, 1);
    if (r < 0)
        return r;
    memcpy(self->rest_ + self->rest_length_, data, length);
    self->rest_length_ += length;
    return 0;
}

/* The bytes that were kept become the input. */
static void framing_take_rest(tw_framing_protocol *self, struct input *input)
{
    twi_free(input->block);
    input->block = self->rest_;
    input->block_size = self->rest_size_;
    input->at = self->rest_;
    input->length = self->rest_length_;
    self->rest_ = NULL;
    framing_forget_rest(self);
}

/* Append bytes that came while a callback ran to the input. 0 or -ENOMEM. */
static int framing_absorb(tw_framing_protocol *self, struct input *input)
{
    char *joined;

    if (self->rest_length_ == 0)
        return 0;
    if (input->length == 0) {
        framing_take_rest(self, input);
        return 0;
    }
    joined = twi_malloc(input->length + self->rest_length_);
    if (joined == NULL)
        return -ENOMEM;
    memcpy(joined, input->at, input->length);
    memcpy(joined + input->length, self->rest_, self->rest_length_);
    twi_free(input->block);
    input->length += self->rest_length_;
    input->at = input->block = joined;
    input->block_size = input->length;
    framing_forget_rest(self);
    return 0;
}

/* Keep the rest of the input. 0 or -ENOMEM. */
static int framing_keep_input(tw_framing_protocol *self, struct input *input)
{
    if (input->block == NULL || input->length == 0) {
        twi_free(input->block);
        return framing_keep(self, input->at, input->length);
    }
    if (input->at != input->block)
        memmove(input->block, input->at, input->length);
    self->rest_ = input->block;
    self->rest_length_ = input->length;
    self->rest_size_ = input->block_size;
    return 0;
}

static int framing_take_apart(tw_framing_protocol *self, struct input *input)
{
    int r = 0;

    self->busy_ = 1;
    while (r == 0 && framing_is_open(self)) {
        r = framing_absorb(self, input);
        if (r == 0 && (self->paused_ || !take_string(self, input)))
            break;
    }
    self->busy_ = 0;
    if (!framing_is_open(self)) {
        input->length = 0;
        framing_forget_rest(self);
    }
    return r;
}

void tw_framing_data_received(tw_protocol *protocol, const char *data, size_t length)
{
    tw_framing_protocol *self = (tw_framing_protocol *)protocol;
    struct input input = { .at = data, .length = length };
    int r = 0;

    if (!framing_is_open(self))
        return;
    if (self->busy_ || self->rest_length_ > 0) {
        r = framing_keep(self, data, length);
        if (r < 0 || self->busy_)
            goto out;
        framing_take_rest(self, &input);
    }
    r = framing_take_apart(self, &input);
    if (r == 0)
        r = framing_keep_input(self, &input);
    else
        twi_free(input.block);
out:
    if (r < 0 && protocol->transport != NULL)
        twi_transport_end(protocol->transport, tw_fail_memory());
}

void tw_framing_released(tw_protocol *protocol)
{
    framing_forget_rest((tw_framing_protocol *)protocol);
}

size_t tw_framing_unfinished(const tw_framing_protocol *self)
{
    return self->rest_length_;
}

void tw_framing_pause(tw_framing_protocol *self)
{
    self->paused_ = 1;
    if (self->protocol.transport != NULL)
        tw_transport_pause(self->protocol.transport);
}

void tw_framing_resume(tw_framing_protocol *self)
{
    if (!self->paused_)
        return;
    self->paused_ = 0;
    if (self->protocol.transport != NULL)
        tw_transport_resume(self->protocol.transport);
    if (!self->busy_)
        tw_framing_data_received(&self->protocol, "", 0);
}

/* --- sending ------------------------------------------------------------------------ */

/* Write the head of a string; returns the head's length, or TW_STRING_TOO_LONG. */
static int framing_write_head(enum tw_framing framing, size_t length, char *head)
{
    int width = (int)width_of(framing);

    if (length > most_of(framing))
        return TW_STRING_TOO_LONG;
    if (framing == TW_NETSTRING)
        return snprintf(head, MOST_DIGITS + 2, "%zu:", length);
    for (int i = width - 1; i >= 0; i--, length >>= 8)
        head[i] = (char)(unsigned char)length;
    return width;
}

static int send_head(tw_framing_protocol *self, size_t length)
{
    char head[MOST_DIGITS + 2];
    int r = framing_write_head(framing_of(self), length, head);

    if (r >= 0 && self->protocol.transport == NULL)
        return -ENOTCONN;
    return r < 0 ? r : tw_transport_write(self->protocol.transport, head, (size_t)r);
}

static int send_tail(tw_framing_protocol *self)
{
    return framing_of(self) == TW_NETSTRING
               ? tw_transport_write(self->protocol.transport, ",", 1)
               : 0;
}

int tw_framing_send(tw_framing_protocol *self, const void *data, size_t length)
{
    int r = send_head(self, length);

    if (r == 0)
        r = tw_transport_write(self->protocol.transport, data, length);
    return r < 0 ? r : send_tail(self);
}

int tw_framing_send_value(tw_framing_protocol *self, tw_value bytes)
{
    int r = send_head(self, tw_bytes_length(bytes));

    if (r < 0) {
        tw_release(bytes);
        return r;
    }
    r = tw_transport_write_value(self->protocol.transport, bytes);
    return r < 0 ? r : send_tail(self);
}
