/* SPDX-License-Identifier: MIT */
/*
 * response.c - answers of any server: the first byte is the method and where to cut.
 */
#include "config.h"

#include "fuzz/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const methods[] = { "GET", "HEAD", "CONNECT", "POST" };
    struct twi_http1 parser;
    struct fuzz_sum whole, cut;
    const char *method;
    size_t piece;

    if (size < 1)
        return 0;
    method = methods[data[0] & 3];
    piece = 1 + (data[0] >> 2);
    twi_http1_init_client(&parser, NULL);
    whole = fuzz_read(&parser, (const char *)data + 1, size - 1, size, method);
    twi_http1_init_client(&parser, NULL);
    cut = fuzz_read(&parser, (const char *)data + 1, size - 1, piece, method);
    fuzz_same(&whole, &cut);
    return 0;
}
