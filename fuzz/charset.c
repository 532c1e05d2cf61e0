/* SPDX-License-Identifier: MIT */
/*
 * charset.c - any bytes as a page: an encoding is found, and in whichever the bytes are read they
 * become valid UTF-8. The first byte chooses the encoding; UTF-8 text goes there and back.
 */
#include "config.h"

#include "fuzz/target.h"
#include "spider/text/charset.h"

static const char *const labels[] = { "utf-8",      "latin1",         "gb18030",
                                      "big5",       "euc-jp",         "iso-2022-jp",
                                      "shift_jis",  "euc-kr",         "utf-16le",
                                      "utf-16be",   "x-user-defined", "iso-8859-8",
                                      "replacement" };

static void check_text(struct twi_span text)
{
    FUZZ_ASSERT(twi_utf8_valid_length(text) == text.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct twi_span page = { (const char *)data + 1, size - 1 }, text;
    const struct twi_charset *charset;
    struct twi_charset_detected found;
    struct twi_arena arena;
    struct twi_text bytes = { .arena = &arena };

    if (size < 1)
        return 0;
    twi_arena_init(&arena, 64 << 20);
    found = twi_charset_detect(page, NULL, NULL);
    FUZZ_ASSERT(found.charset != NULL && found.mark <= page.length);
    check_text(twi_charset_decode(&arena, found.charset, page));
    charset = twi_charset_find(twi_span_of(labels[data[0] % 13]));
    text = twi_charset_decode(&arena, charset, page);
    check_text(text);
    if (twi_charset_encode(&bytes, charset, text) && data[0] % 13 < 8 && !arena.failed)
        check_text(twi_charset_decode(
            &arena, charset, (struct twi_span){ twi_text_string(&bytes), bytes.length }));
    twi_charset_parameter(&arena, page);
    twi_arena_free(&arena);
    return 0;
}
