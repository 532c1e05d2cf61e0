/* SPDX-License-Identifier: MIT */
/*
 * tls_openssl.h - shared by tls_context.c and tls_engine.c, the two that see OpenSSL.
 */
#ifndef NET_TLS_TLS_OPENSSL_H
#define NET_TLS_TLS_OPENSSL_H

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <tweed/tls.h>

#include "base/list.h"
#include "base/map.h"

struct tw_tls_context {
    unsigned references;
    bool server, verify, resume;
    SSL_CTX *ctx;
    char **alpn; /* each protocol's name; NULL at the end */
    unsigned char *alpn_wire;
    unsigned alpn_length;
    struct twi_map sessions;       /* by key: struct kept_sessions */
    struct twi_list session_order; /* the key used last at the end */
    size_t session_count;
};

/* A session kept under `key`, to be offered; NULL for none. The reference is the caller's. A
 * session of TLS 1.3 is given out once (RFC 8446, C.4). */
SSL_SESSION *twi_tls_session_take(tw_tls_context *context, const char *key);
/* Keep one; takes the reference. */
void twi_tls_session_keep(tw_tls_context *context, const char *key, SSL_SESSION *session);

/* Turn OpenSSL's error queue into a failure: "WHAT: reason", with the verify result (X509_V_OK:
 * none) where that is the reason. Empties the queue. */
tw_value twi_tls_queue_failure(const char *what, long verify_result);

#endif
