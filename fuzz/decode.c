/* SPDX-License-Identifier: MIT */
/*
 * decode.c - encoded bodies: the first byte is the list of codings, the second the sizes of input
 * and output, which must make no difference.
 */
#include "config.h"

#include "fuzz/codec.h"
#include "web/http/decode.h"

enum { MOST = 1 << 20 };

struct outcome {
    bool ok;
    uint64_t sum;
    size_t length;
};

static struct outcome decode(const char *codings, const char *data, size_t length,
                             size_t piece, size_t room)
{
    struct outcome outcome = { .sum = 1 };
    struct twi_decoder *decoder;
    char *out = malloc(room);
    unsigned left;
    int r = 0;

    FUZZ_ASSERT(out != NULL && twi_decoder_new(codings, MOST, &decoder, &left) == 0);
    for (size_t from = 0; from < length && r >= 0; from += piece) {
        const char *at = data + from,
                   *end = at + (piece < length - from ? piece : length - from);
        size_t produced;

        do {
            r = twi_decoder_run(decoder, &at, end, out, room, &produced);
            FUZZ_ASSERT(produced <= room);
            fuzz_mix(&outcome.sum, out, produced);
            outcome.length += produced;
        } while (r == 1);
        FUZZ_ASSERT(r < 0 || at == end);
    }
    if (r == 0)
        r = twi_decoder_end(decoder);
    FUZZ_ASSERT(outcome.length <= MOST);
    FUZZ_ASSERT(r == 0 || twi_decoder_error(decoder).error_class != NULL);
    outcome.ok = r == 0;
    twi_decoder_free(decoder);
    free(out);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const lists[] = {
        "gzip",
        "deflate",
        "br",
        "zstd",
        "gzip, gzip",
        "br, gzip",
        "zstd, deflate, br",
        "deflate, zstd",
    };
    struct outcome one, other;
    const char *list, *text = (const char *)data + 2;

    if (size < 2)
        return 0;
    list = lists[data[0] & 7];
    one = decode(list, text, size - 2, size, 8192);
    other = decode(list, text, size - 2, 1 + (data[1] & 15), 16 + (data[1] >> 4));
    FUZZ_ASSERT(one.ok == other.ok);
    FUZZ_ASSERT(!one.ok || (one.sum == other.sum && one.length == other.length));
    return 0;
}
