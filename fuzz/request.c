/* SPDX-License-Identifier: MIT */
/*
 * request.c - requests of any client; what is taken can be written and reads the same again.
 */
#include "config.h"

#include "fuzz/codec.h"

/* The head of what was read, written by us, is read the same. */
static void write_and_read(const struct twi_http1 *parser)
{
    struct twi_buf buf = { 0 };
    struct twi_http1 again;
    const char *at;

    FUZZ_ASSERT(twi_http1_write_request_line(&buf, parser->method, parser->target,
                                             parser->minor) == 0);
    FUZZ_ASSERT(twi_http1_write_fields(&buf, parser->headers) == 0);
    FUZZ_ASSERT(twi_http1_write_end(&buf) == 0);
    at = buf.data;
    twi_http1_init_server(&again, NULL);
    if (twi_http1_next(&again, &at, buf.data + buf.length) == TWI_HTTP1_HEAD) {
        FUZZ_ASSERT(strcmp(again.method, parser->method) == 0);
        FUZZ_ASSERT(strcmp(again.target, parser->target) == 0);
        FUZZ_ASSERT(again.length == parser->length && again.chunked == parser->chunked);
        FUZZ_ASSERT(again.keep_alive == parser->keep_alive);
    } else {
        /* Spaces that we put after colons may take it over a limit. */
        FUZZ_ASSERT(again.error.error_class == &tw_error_toolarge);
    }
    twi_http1_free(&again);
    twi_buf_free(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct twi_http1 parser;
    struct fuzz_sum whole, cut;
    const char *at;

    if (size < 1)
        return 0;
    twi_http1_init_server(&parser, NULL);
    at = (const char *)data + 1;
    if (twi_http1_next(&parser, &at, (const char *)data + size) == TWI_HTTP1_HEAD)
        write_and_read(&parser);
    twi_http1_free(&parser);
    twi_http1_init_server(&parser, NULL);
    whole = fuzz_read(&parser, (const char *)data + 1, size - 1, size, NULL);
    twi_http1_init_server(&parser, NULL);
    cut = fuzz_read(&parser, (const char *)data + 1, size - 1, 1 + data[0], NULL);
    fuzz_same(&whole, &cut);
    return 0;
}
