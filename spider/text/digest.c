/* SPDX-License-Identifier: MIT */
/*
 * digest.c - see digest.h. OpenSSL does it.
 */
#include "config.h"

#include "spider/text/digest.h"

#include <openssl/evp.h>

static const EVP_MD *digest_method(enum twi_digest_kind kind)
{
    switch (kind) {
    case TWI_DIGEST_SHA1:
        return EVP_sha1();
    case TWI_DIGEST_SHA256:
        return EVP_sha256();
    case TWI_DIGEST_MD5:
        return EVP_md5();
    default:
        return EVP_sha512();
    }
}

size_t twi_digest(enum twi_digest_kind kind, const void *data, size_t length,
                  unsigned char hash[TWI_DIGEST_MAX])
{
    unsigned written = 0;

    return EVP_Digest(data, length, hash, &written, digest_method(kind), NULL) == 1 ? written
                                                                                    : 0;
}

/* Not a struct of ours: its address is OpenSSL's context. */
static EVP_MD_CTX *digester_context(struct twi_digester *digester)
{
    return (EVP_MD_CTX *)(void *)digester;
}

struct twi_digester *twi_digester_new(enum twi_digest_kind kind)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    if (context != NULL && EVP_DigestInit_ex(context, digest_method(kind), NULL) != 1) {
        EVP_MD_CTX_free(context);
        context = NULL;
    }
    return (struct twi_digester *)(void *)context;
}

bool twi_digester_add(struct twi_digester *digester, const void *data, size_t length)
{
    return EVP_DigestUpdate(digester_context(digester), data, length) == 1;
}

size_t twi_digester_end(struct twi_digester *digester, unsigned char hash[TWI_DIGEST_MAX])
{
    unsigned written = 0;

    if (hash != NULL && EVP_DigestFinal_ex(digester_context(digester), hash, &written) != 1)
        written = 0;
    EVP_MD_CTX_free(digester_context(digester));
    return written;
}

void twi_digest_hex(const unsigned char *hash, size_t length, char *text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < length; i++) {
        *text++ = digits[hash[i] >> 4];
        *text++ = digits[hash[i] & 15];
    }
    *text = '\0';
}
