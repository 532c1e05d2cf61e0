/* SPDX-License-Identifier: MIT */
/*
 * body.c - the content of a response on its way in.
 *
 * Collected bytes grow in place and become the result as they are. Of a length that a peer only
 * announces no more than TRUSTED is allocated.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "web/http/body.h"

enum { SMALLEST = 1024, TRUSTED = 4 << 20, GUESSED = 256 << 10 };

static const struct twi_decode_error too_large = { &tw_error_toolarge,
                                                   "the body is larger than the limit" };
static const struct twi_decode_error no_memory = { &tw_error_memory, "out of memory" };

static int body_fail(struct twi_body *body, int error, const struct twi_decode_error *text)
{
    body->error = *text;
    return error;
}

static int decoder_failed(struct twi_body *body, int error)
{
    body->error = error == -ENOMEM ? no_memory : twi_decoder_error(body->decoder);
    return error;
}

int twi_body_begin(struct twi_body *body, const char *codings, int64_t max, int64_t expected,
                   bool clip, unsigned *ret_left)
{
    static const struct twi_decode_error too_many = { &tw_error_encoding,
                                                      "too many content codings" };
    int r;

    *body = (struct twi_body){ .max = max, .expected = expected, .clip = clip };
    *ret_left = 0;
    if (codings != NULL) {
        r = twi_decoder_new(codings, max, &body->decoder, ret_left);
        if (r < 0)
            return body_fail(body, r, r == -ENOMEM ? &no_memory : &too_many);
    }
    if (body->decoder == NULL && max >= 0 && expected > max && !clip)
        return body_fail(body, -E2BIG, &too_large);
    return 0;
}

/* --- collecting ---------------------------------------------------------------------------- */

static size_t first_size(const struct twi_body *body, size_t wanted)
{
    size_t size = SMALLEST;

    if (body->decoder == NULL && body->expected >= 0)
        size = body->expected < TRUSTED ? (size_t)body->expected : TRUSTED;
    return size > wanted ? size : wanted;
}

/* Make room for `extra` more. */
static int body_grow(struct twi_body *body, size_t extra)
{
    size_t size;

    if (extra <= body->size - body->length)
        return 0;
    if (tw_is_none(body->bytes)) {
        size = first_size(body, extra);
        body->bytes = tw_bytes_new(size, &body->data);
        if (tw_is_failure(body->bytes)) {
            body->bytes = tw_none();
            return body_fail(body, -ENOMEM, &no_memory);
        }
    } else {
        size = body->size * 2;
        if (size < body->length + extra)
            size = body->length + extra;
        if (body->decoder == NULL && body->expected > 0 && size > (size_t)body->expected &&
            (size_t)body->expected >= body->length + extra)
            size = (size_t)body->expected;
        if (twi_bytes_resize(&body->bytes, size, &body->data) < 0)
            return body_fail(body, -ENOMEM, &no_memory);
    }
    body->size = size;
    return 0;
}

/* Limit `length` to the number of bytes that may pass; all or none unless the body is
 * clipped. */
static int admit(struct twi_body *body, size_t *length)
{
    if (body->max < 0 || (uint64_t)*length <= (uint64_t)(body->max - body->passed))
        return 0;
    *length = (size_t)(body->max - body->passed);
    body->clipped = true;
    return body->clip ? 0 : -E2BIG;
}

static int add_plain(struct twi_body *body, const char *data, size_t length)
{
    int over = admit(body, &length);

    if (body_grow(body, length) < 0)
        return -ENOMEM;
    if (length > 0)
        memcpy(body->data + body->length, data, length);
    body->length += length;
    body->passed += (int64_t)length;
    return over < 0 ? body_fail(body, over, &too_large) : 0;
}

/* Text shrinks to about a quarter. */
static size_t decoded_guess(size_t length)
{
    return length < SMALLEST / 4 ? SMALLEST : length < GUESSED / 4 ? 4 * length : GUESSED;
}

static int add_decoded(struct twi_body *body, const char *data, size_t length)
{
    const char *at = data;
    size_t produced;
    int r;

    do {
        if (body->length == body->size &&
            body_grow(body, body->size > 0 ? body->size : decoded_guess(length)) < 0)
            return -ENOMEM;
        r = twi_decoder_run(body->decoder, &at, data + length, body->data + body->length,
                            body->size - body->length, &produced);
        body->length += produced;
        body->passed += (int64_t)produced;
    } while (r == 1);
    if (r == -E2BIG && body->clip) {
        body->clipped = true;
        return 0;
    }
    return r < 0 ? decoder_failed(body, r) : 0;
}

int twi_body_add(struct twi_body *body, const char *data, size_t length)
{
    if (body->decoder == NULL)
        return add_plain(body, data, length);
    return body->clipped ? 0 : add_decoded(body, data, length);
}

char *twi_body_place(struct twi_body *body, int64_t wanted, size_t *size)
{
    size_t room;

    if (body->decoder != NULL || body->clip || wanted <= 0)
        return NULL;
    if (body->length == body->size && body_grow(body, 1) < 0)
        return NULL;
    room = body->size - body->length;
    *size = (uint64_t)wanted < room ? (size_t)wanted : room;
    return body->data + body->length;
}

int twi_body_placed(struct twi_body *body, size_t length)
{
    int over = admit(body, &length);

    body->length += length;
    body->passed += (int64_t)length;
    return over < 0 ? body_fail(body, over, &too_large) : 0;
}

/* --- handing on ---------------------------------------------------------------------------- */

/* Bytes that came before a fault are handed on first. */
static int body_hand_on(struct twi_body *body, int r, size_t length)
{
    body->passed += (int64_t)length;
    if (r < 0)
        body->fault = r;
    if (length > 0)
        return 1;
    if (body->fault == 0)
        return 0;
    return body->decoder == NULL ? body_fail(body, body->fault, &too_large)
                                 : decoder_failed(body, body->fault);
}

int twi_body_piece(struct twi_body *body, const char **at, const char *end, char *space,
                   size_t size, const char **ret_piece, size_t *ret_length)
{
    size_t length = (size_t)(end - *at);
    int r;

    if (body->fault < 0)
        return body_hand_on(body, 0, 0);
    if (body->decoder == NULL) {
        r = admit(body, &length);
        *ret_piece = *at;
        *at += length;
    } else {
        r = twi_decoder_run(body->decoder, at, end, space, size, &length);
        *ret_piece = space;
    }
    *ret_length = length;
    return body_hand_on(body, r, length);
}

/* --- the end ------------------------------------------------------------------------------- */

int twi_body_end(struct twi_body *body)
{
    int r;

    if (body->decoder == NULL || body->clipped)
        return 0;
    r = twi_decoder_end(body->decoder);
    return r < 0 ? decoder_failed(body, r) : 0;
}

tw_value twi_body_take(struct twi_body *body)
{
    tw_value bytes = body->bytes;

    body->bytes = tw_none();
    if (tw_is_none(bytes))
        bytes = tw_bytes("", 0);
    else if (body->length < body->size &&
             twi_bytes_resize(&bytes, body->length, &body->data) < 0) {
        tw_release(bytes);
        bytes = tw_fail_memory();
    }
    body->length = body->size = 0;
    return bytes;
}

void twi_body_free(struct twi_body *body)
{
    twi_decoder_free(body->decoder);
    tw_drop(&body->bytes);
    *body = (struct twi_body){ 0 };
}
