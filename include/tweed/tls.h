/* SPDX-License-Identifier: MIT */
/*
 * tls.h - TLS contexts: whom to trust and who we are.
 *
 * Verification is on by default, with the system's store, of names in the certificate's
 * alternative names only. TLS 1.2 and 1.3 at OpenSSL's security level 2; no renegotiation. One
 * context serves many connections of its thread, and keeps client sessions (at most 1024) for
 * resumption under the same name, address and way of connecting.
 *
 * Clients and servers take the same ciphers, in this order: AES-128-GCM, AES-256-GCM,
 * ChaCha20-Poly1305; in TLS 1.2 with ECDHE only, so neither static RSA nor CBC (RFC 9325, 4.2).
 *
 * A connection ends with tw_error_connection_done only after the peer's close_notify: a stream that
 * is just cut ends with tw_error_connection_lost.
 */
#ifndef TWEED_TLS_H
#define TWEED_TLS_H

#include <tweed/transport.h>

TW_BEGIN

typedef struct tw_tls_context tw_tls_context;

/* All zero is the default. Strings are lent for the call. */
struct tw_tls_options {
    bool server;
    const char *ca_file;   /* PEM; client: trust these instead of the system's */
    const char *ca_path;   /* directory of hashed PEM files */
    const char *crl_file;  /* PEM; check revocation */
    bool no_verify;        /* client: accept any certificate */
    bool verify_client;    /* server: require a certificate from ca_file or ca_path */
    const char *cert_file; /* PEM chain; server: required */
    const char *key_file;  /* PEM; NULL: in cert_file */
    /* Protocols, comma-separated, in order of preference: "h2,http/1.1"; a server refuses
     * clients that offer only others. NULL: none. */
    const char *alpn;
    bool no_sessions; /* never resume */
};
/* Make a context. On success *ret_context holds one reference, and none is returned; otherwise
 * returns tw_error_tls, whose message names file and reason, or tw_error_memory. */
TW_API TW_MUST_USE tw_value tw_tls_context_new(const struct tw_tls_options *options,
                                               tw_tls_context **ret_context);
TW_API tw_tls_context *tw_tls_context_ref(tw_tls_context *context);
TW_API void tw_tls_context_unref(tw_tls_context *context);
/* The thread's shared client context for these settings, made once; lent. */
TW_API TW_MUST_USE tw_value tw_tls_client_context(const char *ca_file, const char *crl_file,
                                                  bool no_verify,
                                                  tw_tls_context **ret_context);

/* Start TLS on a connected transport: bytes written before go out in plain, from here on
 * everything is TLS. The protocol stays; its `transport` is replaced. May be done again inside
 * TLS (a tunnel through a proxy that speaks TLS itself). `server_name`, for clients, is a name
 * or a literal address, to verify. Returns 0, -ENOTCONN, -ENOMEM, -EALREADY (in the middle of a
 * handshake), -EINVAL (server_name is neither, and the context verifies). The end of the
 * handshake is not reported; if it fails, or takes more than 30 s, connection_lost is called
 * with tw_error_tls. */
TW_API int tw_transport_start_tls(tw_transport *transport, tw_tls_context *context,
                                  const char *server_name);

/* The negotiated protocol (NULL: none), the version ("TLSv1.3"), and whether a session was
 * resumed; NULL and false for a transport without TLS. Lent. */
TW_API const char *tw_transport_alpn(const tw_transport *transport);
TW_API const char *tw_transport_tls_version(const tw_transport *transport);
TW_API bool tw_transport_tls_resumed(const tw_transport *transport);

TW_END
#endif
