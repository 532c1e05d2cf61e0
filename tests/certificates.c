/* SPDX-License-Identifier: MIT */
/*
 * certificates.c - certificates made at test time.
 */
#include "config.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/certificates.h"

#define DAY 86400L

static void require(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "certificates: %s failed\n", what);
    abort();
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    require(extension != NULL, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

/* A name that ends for C before it ends for the certificate. */
static void add_nul_name(X509 *certificate)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();

    ASN1_STRING_set(text, "a.test\0.evil.test", 17);
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    sk_GENERAL_NAME_push(names, name);
    require(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0), "a NUL name");
    GENERAL_NAMES_free(names);
}

static void add_extensions(X509 *certificate, X509 *issuer,
                           const struct certificate_wish *wish)
{
    const char *constraints = wish->constraints != NULL ? wish->constraints
                                                        : "critical,CA:FALSE";
    int is_ca = strstr(constraints, "CA:TRUE") != NULL;

    add_extension(certificate, issuer, NID_basic_constraints, constraints);
    add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
    add_extension(certificate, issuer, NID_key_usage,
                  is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    if (!is_ca)
        add_extension(certificate, issuer, NID_ext_key_usage,
                      wish->usage != NULL ? wish->usage : "serverAuth");
    if (wish->san != NULL && strcmp(wish->san, "NUL") == 0)
        add_nul_name(certificate);
    else if (wish->san != NULL)
        add_extension(certificate, issuer, NID_subject_alt_name, wish->san);
    if (wish->names != NULL)
        add_extension(certificate, issuer, NID_name_constraints, wish->names);
}

static EVP_PKEY *make_key(int rsa_bits)
{
    EVP_PKEY *key = rsa_bits > 0 ? EVP_RSA_gen((unsigned)rsa_bits) : EVP_EC_gen("P-256");

    require(key != NULL, "a key");
    return key;
}

struct identity certificate_make(const struct certificate_wish *wish,
                                 const struct identity *issuer)
{
    static long serial = 1;
    struct identity made = { X509_new(), make_key(wish->rsa_bits) };
    const struct identity *by = issuer != NULL ? issuer : &made;
    X509_NAME *name = X509_get_subject_name(made.certificate);
    int dated = wish->from_days != 0 || wish->to_days != 0;
    char number[32];
    const char *cn = wish->cn != NULL ? wish->cn : number;

    snprintf(number, sizeof number, "number %ld", serial);
    X509_set_version(made.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate),
                    dated ? wish->from_days * DAY : -DAY);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), dated ? wish->to_days * DAY : DAY);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
    X509_set_issuer_name(made.certificate, X509_get_subject_name(by->certificate));
    X509_set_pubkey(made.certificate, made.key);
    add_extensions(made.certificate, by->certificate, wish);
    require(X509_sign(made.certificate, by->key,
                      EVP_get_digestbyname(wish->digest != NULL ? wish->digest : "SHA256")) >
                0,
            "signing");
    return made;
}

void identity_free(struct identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
    identity->certificate = NULL;
    identity->key = NULL;
}

/* --- files --------------------------------------------------------------------------------- */

static char dir[64];
static char paths[64][128];
static int path_count;

static void remove_dir(void)
{
    for (int i = 0; i < path_count; i++)
        unlink(paths[i]);
    rmdir(dir);
}

const char *certificate_dir(void)
{
    if (dir[0] == '\0') {
        snprintf(dir, sizeof dir, "/tmp/tweed-test-XXXXXX");
        require(mkdtemp(dir) != NULL, "a directory");
        atexit(remove_dir);
    }
    return dir;
}

static FILE *open_file(const char *name, const char **ret_path)
{
    char path[128];
    int i;

    snprintf(path, sizeof path, "%s/%s.pem", certificate_dir(), name);
    for (i = 0; i < path_count && strcmp(paths[i], path) != 0; i++)
        continue;
    require(i < 64, "one more file");
    if (i == path_count)
        memcpy(paths[path_count++], path, sizeof path);
    *ret_path = paths[i];
    return fopen(path, "w");
}

const char *certificate_write(const char *name, const struct identity *key, X509 *first, ...)
{
    const char *path;
    FILE *file = open_file(name, &path);
    va_list more;

    require(file != NULL, path);
    va_start(more, first);
    for (X509 *one = first; one != NULL; one = va_arg(more, X509 *))
        PEM_write_X509(file, one);
    va_end(more);
    if (key != NULL)
        PEM_write_PrivateKey(file, key->key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    return path;
}

const char *certificate_write_crl(const char *name, const struct identity *issuer,
                                  X509 *revoked)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *now = X509_gmtime_adj(NULL, -DAY), *next = X509_gmtime_adj(NULL, DAY);
    const char *path;
    FILE *file = open_file(name, &path);

    require(file != NULL, path);
    X509_CRL_set_version(crl, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->certificate));
    X509_CRL_set1_lastUpdate(crl, now);
    X509_CRL_set1_nextUpdate(crl, next);
    if (revoked != NULL) {
        X509_REVOKED *entry = X509_REVOKED_new();

        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked));
        X509_REVOKED_set_revocationDate(entry, now);
        X509_CRL_add0_revoked(crl, entry);
    }
    require(X509_CRL_sign(crl, issuer->key, EVP_sha256()) > 0, "signing a list");
    PEM_write_X509_CRL(file, crl);
    fclose(file);
    ASN1_TIME_free(now);
    ASN1_TIME_free(next);
    X509_CRL_free(crl);
    return path;
}

/* --- the usual ones ------------------------------------------------------------------------ */

static struct identity ca, leaf;

static void free_usual(void)
{
    identity_free(&ca);
    identity_free(&leaf);
}

const struct identity *test_ca(void)
{
    if (ca.key == NULL) {
        ca = certificate_make(
            &(struct certificate_wish){ .cn = "Test CA", .constraints = "critical,CA:TRUE" },
            NULL);
        atexit(free_usual);
    }
    return &ca;
}

const struct identity *test_leaf(void)
{
    if (leaf.key == NULL)
        leaf = certificate_make(
            &(struct certificate_wish){
                .cn = "leaf", .san = "DNS:a.test,DNS:*.wild.test,IP:127.0.0.1,IP:::1" },
            test_ca());
    return &leaf;
}

const char *test_ca_file(void)
{
    static const char *path;

    if (path == NULL)
        path = certificate_write("ca", NULL, test_ca()->certificate, NULL);
    return path;
}

const char *test_leaf_file(void)
{
    static const char *path;

    if (path == NULL)
        path = certificate_write("leaf", test_leaf(), test_leaf()->certificate, NULL);
    return path;
}

void test_spare_openssl(void)
{
    OPENSSL_free(OPENSSL_malloc(1));
}
