/* SPDX-License-Identifier: MIT */
/*
 * warc_digest.c - digests as texts, in the encodings that archives use.
 */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "base/ascii.h"
#include "spider/text/warc.h"

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
static const char base64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Room for base 32 and hexadecimal of the longest. */
enum { ENCODED_MAX = 2 * TWI_DIGEST_MAX + 1 };

/* Digits of `bits` bits each, without padding. */
static void bits_write(const char *alphabet, unsigned bits, const unsigned char *hash,
                       size_t length, char *text)
{
    unsigned held = 0, count = 0;

    for (size_t i = 0; i < length; i++) {
        held = held << 8 | hash[i];
        for (count += 8; count >= bits; count -= bits)
            *text++ = alphabet[held >> (count - bits) & ((1u << bits) - 1)];
    }
    if (count > 0)
        *text++ = alphabet[held << (bits - count) & ((1u << bits) - 1)];
    *text = '\0';
}

void twi_warc_digest_write(char text[TWI_WARC_DIGEST_SIZE], const unsigned char hash[20])
{
    memcpy(text, "sha1:", 5);
    bits_write(base32, 5, hash, 20, text + 5);
}

bool twi_warc_digest_read(const char *text, enum twi_digest_kind *ret_kind,
                          const char **ret_value)
{
    static const struct {
        const char *name;
        enum twi_digest_kind kind;
    } known[] = {
        { "sha1", TWI_DIGEST_SHA1 },     { "sha-1", TWI_DIGEST_SHA1 },
        { "sha256", TWI_DIGEST_SHA256 }, { "sha-256", TWI_DIGEST_SHA256 },
        { "md5", TWI_DIGEST_MD5 },       { "sha512", TWI_DIGEST_SHA512 },
        { "sha-512", TWI_DIGEST_SHA512 },
    };
    size_t length = strcspn(text, ":");

    if (text[length] == '\0')
        return false;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strlen(known[i].name) == length && strncasecmp(text, known[i].name, length) == 0) {
            *ret_kind = known[i].kind;
            *ret_value = text + length + 1;
            return true;
        }
    return false;
}

/* The same but for "-" and "_", which stand for "+" and "/" in file names. */
static bool is_base64(const char *value, size_t length, const char *encoded)
{
    if (strlen(encoded) != length)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = value[i] == '-' ? '+' : value[i] == '_' ? '/' : value[i];

        if (c != encoded[i])
            return false;
    }
    return true;
}

bool twi_warc_digest_is(const char *value, const unsigned char *hash, size_t length)
{
    size_t given = strlen(value);
    char encoded[ENCODED_MAX];

    while (given > 0 && value[given - 1] == '=')
        given--;
    bits_write(base32, 5, hash, length, encoded);
    if (strlen(encoded) == given && strncasecmp(value, encoded, given) == 0)
        return true;
    twi_digest_hex(hash, length, encoded);
    if (strlen(encoded) == given && strncasecmp(value, encoded, given) == 0)
        return true;
    bits_write(base64, 6, hash, length, encoded);
    return is_base64(value, given, encoded);
}
