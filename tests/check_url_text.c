/* SPDX-License-Identifier: MIT */
/*
 * check_url_text.c - percent-encoding loses nothing.
 */
#include <check.h>
#include <string.h>

#include <tweed/url.h>

#include "tests/test.h"

static const struct {
    const char *text;
    size_t length;
    const char *bytes;
} decodings[] = {
    { "", 0, "" },
    { "abc", 3, "abc" },
    { "%41%62", 2, "Ab" },
    { "%e4%B8%aD", 3, "\xe4\xb8\xad" },
    { "%", 1, "%" },
    { "%4", 2, "%4" },
    { "%zz%4g%", 7, "%zz%4g%" },
    { "%%41", 2, "%A" },
    { "a+b", 3, "a+b" },
    { "%00x", 2, "\0x" },
};

START_TEST(percent_decoding_gives_bytes)
{
    tw_value bytes = tw_url_decode(decodings[_i].text, strlen(decodings[_i].text));

    ck_assert_uint_eq(tw_bytes_length(bytes), decodings[_i].length);
    ck_assert_mem_eq(tw_bytes_data(bytes), decodings[_i].bytes, decodings[_i].length);
    tw_release(bytes);
}
END_TEST

static const struct {
    const char *data;
    size_t length;
    const char *keep, *text;
} encodings[] = {
    { "", 0, NULL, "" },
    { "aZ09-._~", 8, NULL, "aZ09-._~" },
    { "a b/c", 5, NULL, "a%20b%2Fc" },
    { "a b/c", 5, "/", "a%20b/c" },
    { "\0\xff%", 3, "", "%00%FF%25" },
};

START_TEST(percent_encoding_keeps_what_is_asked)
{
    tw_value bytes = tw_url_encode(encodings[_i].data, encodings[_i].length,
                                   encodings[_i].keep);

    ck_assert_str_eq(tw_bytes_data(bytes), encodings[_i].text);
    tw_release(bytes);
}
END_TEST

static bool encode_and_decode(void *arg)
{
    tw_value text = tw_url_encode("a b", 3, NULL), bytes;
    bool good = !tw_is_failure(text);

    (void)arg;
    bytes = tw_url_decode("a%20b", 5);
    good = good && !tw_is_failure(bytes);
    tw_release(bytes);
    tw_release(text);
    return good;
}

START_TEST(percent_encoding_survives_without_memory)
{
    ck_assert_uint_eq(test_each_alloc_failure(encode_and_decode, NULL), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("url text");

    TEST_ADD_ROWS(suite, percent_decoding_gives_bytes, decodings);
    TEST_ADD_ROWS(suite, percent_encoding_keeps_what_is_asked, encodings);
    TEST_ADD(suite, percent_encoding_survives_without_memory);
    return test_run(suite);
}
