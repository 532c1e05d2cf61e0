/* SPDX-License-Identifier: MIT */
/*
 * check_sha256.c - SHA-256 of FIPS 180-4's examples, at once and in pieces.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "tests/test.h"

static const struct {
    const char *text, *digest;
} examples[] = {
    { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    { "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopq"
      "r"
      "lmnopqrsmnopqrstnopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
};

static void digest_of(const char *text, size_t length, size_t piece, char hex[65])
{
    unsigned char digest[TWI_SHA256_SIZE];
    struct twi_sha256 hash;

    twi_sha256_begin(&hash);
    for (size_t at = 0; at < length; at += piece)
        twi_sha256_add(&hash, text + at, length - at < piece ? length - at : piece);
    twi_sha256_end(&hash, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

START_TEST(the_digests_are_those_of_the_standard)
{
    size_t length = strlen(examples[_i].text);
    char hex[65];

    for (size_t piece = 1; piece <= 130; piece++) {
        digest_of(examples[_i].text, length, piece, hex);
        ck_assert_str_eq(hex, examples[_i].digest);
    }
}
END_TEST

START_TEST(a_million_letters)
{
    char *text = test_given(malloc(1000000)), hex[65];

    memset(text, 'a', 1000000);
    digest_of(text, 1000000, 77777, hex);
    ck_assert_str_eq(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sha256");

    TEST_ADD_ROWS(suite, the_digests_are_those_of_the_standard, examples);
    TEST_ADD(suite, a_million_letters);
    return test_run(suite);
}
