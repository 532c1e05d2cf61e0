/* SPDX-License-Identifier: MIT */
/*
 * chunk.c - chunked bodies, strict and lenient: what the strict reading takes the lenient one
 * reads the same, and what we write is read back.
 */
#include "config.h"

#include "fuzz/codec.h"

static const char request_head[] =
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
static const char response_head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

struct outcome {
    bool done;
    uint64_t body;
    size_t consumed;
};

static struct outcome read_body(struct twi_http1 *parser, const char *head, const char *data,
                                size_t length, size_t piece)
{
    struct outcome outcome = { .body = 1 };
    enum twi_http1_event event;

    FUZZ_ASSERT(twi_http1_next(parser, &head, head + strlen(head)) == TWI_HTTP1_HEAD);
    for (size_t from = 0; from < length && !outcome.done; from += piece) {
        const char *start = data + from, *at = start;
        const char *end = start + (piece < length - from ? piece : length - from);

        while ((event = twi_http1_next(parser, &at, end)) == TWI_HTTP1_BODY)
            fuzz_mix(&outcome.body, parser->piece, parser->piece_length);
        outcome.consumed += (size_t)(at - start);
        outcome.done = event == TWI_HTTP1_DONE;
        if (event == TWI_HTTP1_ERROR)
            break;
    }
    twi_http1_free(parser);
    return outcome;
}

/* Cut the data into chunks of `piece` bytes and read them back. */
static void write_and_read(const char *data, size_t length, size_t piece)
{
    struct twi_buf buf = { 0 };
    struct twi_http1 parser;
    struct outcome outcome;
    uint64_t body = 1;
    char text[TWI_HTTP1_CHUNK_HEAD_SIZE];

    fuzz_mix(&body, data, length);
    for (size_t from = 0; from < length; from += piece) {
        size_t size = piece < length - from ? piece : length - from;

        FUZZ_ASSERT(twi_buf_append(&buf, text, twi_http1_chunk_head(text, size)) == 0);
        FUZZ_ASSERT(twi_buf_append(&buf, data + from, size) == 0);
        FUZZ_ASSERT(twi_buf_append_text(&buf, TWI_HTTP1_CHUNK_END) == 0);
    }
    FUZZ_ASSERT(twi_buf_append_text(&buf, TWI_HTTP1_LAST_CHUNK) == 0);
    twi_http1_init_client(&parser, NULL);
    outcome = read_body(&parser, response_head, buf.data, buf.length, 7);
    FUZZ_ASSERT(outcome.done && outcome.body == body && outcome.consumed == buf.length);
    twi_buf_free(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct twi_http1 parser;
    struct outcome strict, lenient, cut;
    const char *text = (const char *)data + 1;

    if (size < 1)
        return 0;
    twi_http1_init_server(&parser, NULL);
    strict = read_body(&parser, request_head, text, size - 1, size);
    twi_http1_init_server(&parser, NULL);
    cut = read_body(&parser, request_head, text, size - 1, 1 + data[0]);
    FUZZ_ASSERT(strict.done == cut.done && strict.body == cut.body);
    twi_http1_init_client(&parser, NULL);
    lenient = read_body(&parser, response_head, text, size - 1, size);
    FUZZ_ASSERT(!strict.done || (lenient.done && lenient.body == strict.body &&
                                 lenient.consumed == strict.consumed));
    write_and_read(text, size - 1, 1 + data[0]);
    return 0;
}
