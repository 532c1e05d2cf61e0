/* SPDX-License-Identifier: MIT */
/*
 * input.c - bytes that have come and were not read yet.
 *
 * They lie in a block that is itself a value of bytes: a read of all of it gets the block.
 */
#include "net/transport/input.h"

#include <errno.h>
#include <string.h>

#include <tweed/failure.h>

#include "base/bytes.h"

enum { ROOM_MIN = 512, HANDED_OVER = 1024 };

static tw_value block_of(const struct twi_input *input)
{
    return tw_value_of(&tw_type_bytes, input->block_);
}

static size_t offset_of(const struct twi_input *input)
{
    return (size_t)(input->at - tw_bytes_data(block_of(input)));
}

/* Move the unread bytes to `front` bytes behind the start of a block with that much room. */
static int input_move(struct twi_input *input, size_t front, size_t room)
{
    struct twi_input moved = { .length = input->length, .room_ = room };
    char *data;
    tw_value block = tw_bytes_new(room, &data);

    if (data == NULL)
        return -ENOMEM;
    if (input->length > 0)
        memcpy(data + front, input->at, input->length);
    moved.block_ = block.as.pointer;
    moved.at = data + front;
    twi_input_free(input);
    *input = moved;
    return 0;
}

static size_t roomy(size_t wanted)
{
    size_t room = ROOM_MIN;

    while (room < wanted)
        room *= 2;
    return room;
}

/* Make sure that `extra` bytes fit behind. */
static int reserve(struct twi_input *input, size_t extra)
{
    size_t offset, wanted = input->length + extra;
    char *data;

    if (wanted < extra || wanted > SIZE_MAX / 4)
        return -ENOMEM;
    if (input->block_ == NULL)
        return input_move(input, 0, roomy(wanted));
    offset = offset_of(input);
    if (offset + wanted <= input->room_)
        return 0;
    /* Move the bytes only if at least as many have been read since the last time. */
    if (wanted > input->room_ || offset < input->length)
        return input_move(input, 0, roomy(wanted));
    data = (char *)tw_bytes_data(block_of(input));
    memmove(data, input->at, input->length);
    input->at = data;
    return 0;
}

int twi_input_append(struct twi_input *input, const char *data, size_t length)
{
    int r = reserve(input, length);

    if (r < 0)
        return r;
    if (length > 0)
        memcpy((char *)input->at + input->length, data, length);
    input->length += length;
    return 0;
}

int twi_input_keep_lent(struct twi_input *input)
{
    int r = input_move(input, 0, roomy(input->length));

    if (r < 0)
        twi_input_free(input);
    return r;
}

int twi_input_prepend(struct twi_input *input, const char *data, size_t length)
{
    int r = 0;

    if (length == 0)
        return 0;
    if (input->block_ == NULL || offset_of(input) < length)
        r = length > SIZE_MAX / 4 - input->length
                ? -ENOMEM
                : input_move(input, length, roomy(length + input->length));
    if (r < 0)
        return r;
    input->at -= length;
    input->length += length;
    memcpy((char *)input->at, data, length);
    return 0;
}

/* A block that is well filled, and read whole, is handed over as it is. */
static bool may_hand_over(const struct twi_input *input, size_t length)
{
    return length == input->length && length >= HANDED_OVER && input->block_ != NULL &&
           length >= input->room_ / 2 && offset_of(input) == 0;
}

static tw_value input_hand_over(struct twi_input *input)
{
    tw_value bytes = block_of(input);
    char *data;

    if (twi_bytes_resize(&bytes, input->length, &data) < 0)
        return tw_fail_memory();
    *input = (struct twi_input){ 0 };
    return bytes;
}

tw_value twi_input_take(struct twi_input *input, size_t length)
{
    tw_value bytes;

    if (may_hand_over(input, length))
        return input_hand_over(input);
    bytes = tw_bytes(input->at, length);
    if (!tw_is_failure(bytes))
        twi_input_skip(input, length);
    return bytes;
}

void twi_input_free(struct twi_input *input)
{
    if (input->block_ != NULL)
        tw_release(block_of(input));
    *input = (struct twi_input){ 0 };
}

const char *twi_find(const char *data, size_t length, size_t from, const char *delimiter,
                     size_t delimiter_length)
{
    const char *end = data + length, *at = data + from;
    char last = delimiter[delimiter_length - 1];

    if (length - from < delimiter_length)
        return NULL;
    /* Search for its last character: the first one is more often part of a line. */
    for (at += delimiter_length - 1; at < end; at++) {
        at = memchr(at, last, (size_t)(end - at));
        if (at == NULL)
            return NULL;
        if (delimiter_length == 1 ||
            memcmp(at - (delimiter_length - 1), delimiter, delimiter_length - 1) == 0)
            return at - (delimiter_length - 1);
    }
    return NULL;
}
