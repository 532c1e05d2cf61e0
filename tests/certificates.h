/* SPDX-License-Identifier: MIT */
/*
 * certificates.h - certificates made at test time, good and bad.
 */
#ifndef TESTS_CERTIFICATES_H
#define TESTS_CERTIFICATES_H

#include <openssl/x509.h>

struct identity {
    X509 *certificate;
    EVP_PKEY *key;
};

/* All zero: a leaf, valid from yesterday until tomorrow, EC P-256, SHA-256. */
struct certificate_wish {
    const char *cn;
    const char *san;         /* "DNS:a.test,IP:127.0.0.1"; "NUL": a.test, NUL, .evil.test */
    const char *usage;       /* extended key usage; NULL: serverAuth */
    const char *constraints; /* basic constraints; NULL: CA:FALSE */
    const char *names;       /* name constraints */
    int from_days, to_days;  /* both 0: -1 and 1 */
    int rsa_bits;            /* 0: EC */
    const char *digest;      /* NULL: SHA256 */
};

/* Issue one; `issuer` NULL: by itself. The key is new. */
struct identity certificate_make(const struct certificate_wish *wish,
                                 const struct identity *issuer);
void identity_free(struct identity *identity);

/* A directory for the test program's files, removed at its end. */
const char *certificate_dir(void);
/* Write "NAME.pem" there: certificates (NULL-terminated), then the key (may be NULL). The path is
 * in static storage for each name. */
const char *certificate_write(const char *name, const struct identity *key, X509 *first, ...);
/* A revocation list of `issuer` that names `revoked` (may be NULL), as "NAME.pem". */
const char *certificate_write_crl(const char *name, const struct identity *issuer,
                                  X509 *revoked);

/* The usual ones, made on first use: a CA, and a leaf of it for a.test, *.wild.test, 127.0.0.1
 * and ::1; their files. */
const struct identity *test_ca(void);
const struct identity *test_leaf(void);
const char *test_ca_file(void);
const char *test_leaf_file(void); /* with its key */

/* OpenSSL loses names of algorithms, and a little memory, when its own allocations fail. Call this
 * first: once it has allocated it takes no other allocator, so that only tweed's fail and are
 * counted; check_tls_memory.c lets all of them fail. */
void test_spare_openssl(void);

#endif
