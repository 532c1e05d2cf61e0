/* SPDX-License-Identifier: MIT */
/*
 * codec.h - run a parser over bytes in pieces and sum up what it says; the sum must not depend on
 * where the cuts are.
 */
#ifndef FUZZ_CODEC_H
#define FUZZ_CODEC_H

#include <string.h>

#include "fuzz/target.h"
#include "web/http/syntax.h"
#include "web/http1/http1.h"

struct fuzz_sum {
    uint64_t text, body; /* hashes of heads and of bodies */
    unsigned messages;
    size_t consumed;
    enum twi_http1_event last;
    const tw_error_class *error_class;
    int status;
};

static inline void fuzz_mix(uint64_t *sum, const void *data, size_t length)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < length; i++)
        *sum = (*sum ^ bytes[i]) * UINT64_C(0x100000001b3);
}

static inline void fuzz_mix_text(uint64_t *sum, const char *text)
{
    fuzz_mix(sum, text, strlen(text) + 1);
}

static inline void fuzz_mix_headers(uint64_t *sum, const tw_headers *headers)
{
    const char *name, *value;

    for (size_t i = 0; headers != NULL && tw_headers_at(headers, i, &name, &value); i++) {
        FUZZ_ASSERT(twi_http_is_token(name, strlen(name)));
        FUZZ_ASSERT(twi_http_is_value(value, strlen(value)));
        fuzz_mix_text(sum, name);
        fuzz_mix_text(sum, value);
    }
}

/* One event; false when the bytes are used up or nothing more can come. */
static inline bool fuzz_event(struct fuzz_sum *sum, struct twi_http1 *parser, const char **at,
                              const char *end, const char *method)
{
    sum->last = twi_http1_next(parser, at, end);
    switch (sum->last) {
    case TWI_HTTP1_HEAD:
        fuzz_mix_text(&sum->text, parser->server_ ? parser->method : parser->reason);
        fuzz_mix_text(&sum->text, parser->target);
        fuzz_mix(&sum->text, &parser->status, sizeof parser->status);
        fuzz_mix(&sum->text, &parser->length, sizeof parser->length);
        fuzz_mix_headers(&sum->text, parser->headers);
        return true;
    case TWI_HTTP1_BODY:
        FUZZ_ASSERT(parser->piece_length > 0);
        fuzz_mix(&sum->body, parser->piece, parser->piece_length);
        return true;
    case TWI_HTTP1_DONE:
        fuzz_mix_headers(&sum->text, parser->trailers);
        sum->messages++;
        if (!parser->keep_alive)
            return false;
        twi_http1_begin(parser, method);
        return *at < end;
    case TWI_HTTP1_ERROR:
        FUZZ_ASSERT(parser->error.error_class != NULL && parser->error.text != NULL);
        sum->error_class = parser->error.error_class;
        sum->status = parser->error.status;
        return false;
    default:
        FUZZ_ASSERT(*at == end);
        return false;
    }
}

/* Read message after message in pieces of `piece` bytes. */
static inline struct fuzz_sum fuzz_read(struct twi_http1 *parser, const char *data,
                                        size_t length, size_t piece, const char *method)
{
    struct fuzz_sum sum = { .text = 1, .body = 1 };
    bool over = false;

    twi_http1_begin(parser, method);
    for (size_t from = 0; from < length && !over; from += piece) {
        size_t size = piece < length - from ? piece : length - from;
        char *copy = malloc(size);
        const char *at = copy;

        FUZZ_ASSERT(copy != NULL);
        memcpy(copy, data + from, size);
        while (fuzz_event(&sum, parser, &at, copy + size, method))
            ;
        sum.consumed += (size_t)(at - copy);
        over = sum.last == TWI_HTTP1_ERROR ||
               (sum.last == TWI_HTTP1_DONE && !parser->keep_alive && parser->state_ != 0);
        free(copy);
    }
    if (!over) {
        sum.last = twi_http1_eof(parser);
        sum.error_class = parser->error.error_class;
    }
    twi_http1_free(parser);
    return sum;
}

static inline void fuzz_same(const struct fuzz_sum *a, const struct fuzz_sum *b)
{
    FUZZ_ASSERT(a->last == b->last && a->error_class == b->error_class &&
                a->status == b->status);
    FUZZ_ASSERT(a->messages == b->messages && a->body == b->body);
    FUZZ_ASSERT(a->last == TWI_HTTP1_ERROR ||
                (a->text == b->text && a->consumed == b->consumed));
}

#endif
