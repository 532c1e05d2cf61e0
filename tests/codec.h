/* SPDX-License-Identifier: MIT */
/*
 * codec.h - runs a parser over bytes in pieces and writes down its events, for comparing.
 */
#ifndef TESTS_CODEC_H
#define TESTS_CODEC_H

#include <stdio.h>
#include <string.h>

#include "tests/test.h"
#include "web/http1/http1.h"

struct transcript {
    char text[4096];
    size_t length;
    char body[2048];
    size_t body_length;
    size_t consumed;
    bool over;
};

static inline void transcript_add(struct transcript *t, const char *text)
{
    int n = snprintf(t->text + t->length, sizeof t->text - t->length, "%s%s",
                     t->length > 0 ? " " : "", text);

    ck_assert_uint_lt(t->length + (size_t)n, sizeof t->text);
    t->length += (size_t)n;
}

static inline void transcript_error(struct transcript *t, const struct twi_http1 *parser)
{
    char text[64];

    ck_assert_ptr_nonnull(parser->error.error_class);
    ck_assert_str_ne(parser->error.text, "");
    if (parser->server_)
        snprintf(text, sizeof text, "!%d", parser->error.status);
    else
        snprintf(text, sizeof text, "!%s", parser->error.error_class->word);
    transcript_add(t, text);
}

static inline void transcript_body(struct transcript *t)
{
    char text[sizeof t->body + 8];

    if (t->body_length == 0)
        return;
    snprintf(text, sizeof text, "[%.*s]", (int)t->body_length, t->body);
    transcript_add(t, text);
    t->body_length = 0;
}

/* Feed one piece, from a block of exactly its size so that a sanitizer sees what reads beyond. */
static inline void transcript_feed(struct transcript *t, struct twi_http1 *parser,
                                   const char *data, size_t length,
                                   void (*head)(struct transcript *, const struct twi_http1 *))
{
    char *copy = malloc(length + (length == 0));
    const char *at = copy, *end = copy + length;

    memcpy(copy, data, length);
    while (!t->over) {
        enum twi_http1_event event = twi_http1_next(parser, &at, end);

        if (event == TWI_HTTP1_MORE)
            break;
        if (event == TWI_HTTP1_HEAD) {
            head(t, parser);
        } else if (event == TWI_HTTP1_BODY) {
            ck_assert_uint_gt(parser->piece_length, 0);
            ck_assert_uint_lt(t->body_length + parser->piece_length, sizeof t->body);
            memcpy(t->body + t->body_length, parser->piece, parser->piece_length);
            t->body_length += parser->piece_length;
        } else {
            transcript_body(t);
            t->over = true;
            if (event == TWI_HTTP1_DONE)
                transcript_add(t, parser->keep_alive ? "done keep" : "done close");
            else
                transcript_error(t, parser);
        }
    }
    ck_assert(t->over || at == end);
    t->consumed += (size_t)(at - copy);
    free(copy);
}

/* The field "x", which the rows have where fields matter. */
static inline void transcript_field(struct transcript *t, const struct twi_http1 *parser)
{
    const char *x = tw_headers_get(parser->headers, "x");
    char text[256];

    if (x == NULL)
        return;
    snprintf(text, sizeof text, "X=%s", x);
    transcript_add(t, text);
}

static inline void transcript_eof(struct transcript *t, struct twi_http1 *parser)
{
    if (t->over)
        return;
    transcript_body(t);
    t->over = true;
    if (twi_http1_eof(parser) == TWI_HTTP1_DONE)
        transcript_add(t, parser->keep_alive ? "done keep" : "done close");
    else
        transcript_error(t, parser);
}

/* A name, the bytes, and the transcript that they make. */
struct codec_row {
    const char *what, *method; /* method: of the request that it answers */
    const char *input;
    size_t length;
    const char *expected;
};

/* Feed a row in two parts, or byte by byte for cut 0, and compare. */
static inline void transcript_compare(const struct codec_row *row, struct twi_http1 *parser,
                                      size_t cut,
                                      void (*head)(struct transcript *,
                                                   const struct twi_http1 *))
{
    struct transcript t = { .length = 0 };
    size_t step = cut == 0 ? 1 : cut;
    char text[32];

    for (size_t at = 0; at < row->length && !t.over;
         at += step, step = cut == 0 ? 1 : row->length)
        transcript_feed(&t, parser, row->input + at,
                        step < row->length - at ? step : row->length - at, head);
    transcript_eof(&t, parser);
    if (strstr(t.text, "done") != NULL && t.consumed < row->length) {
        snprintf(text, sizeof text, "+%zu", row->length - t.consumed);
        transcript_add(&t, text);
    }
    ck_assert_msg(strcmp(t.text, row->expected) == 0, "%s, cut at %zu: %s, expected %s",
                  row->what, cut, t.text, row->expected);
}

#endif
