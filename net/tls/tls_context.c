/* SPDX-License-Identifier: MIT */
/*
 * tls_context.c - trust and our own certificate: OpenSSL's SSL_CTX, and the sessions kept.
 *
 * The system's trust is loaded once for the process and shared by all contexts of all threads
 * (an X509_STORE has its own lock); everything else of a context belongs to one thread.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <tweed/log.h>

#include "base/alloc.h"
#include "base/fork.h"
#include "net/tls/tls_engine.h"
#include "net/tls/tls_openssl.h"

#define SESSIONS_MAX 1024 /* of one context */
#define SESSIONS_PER_KEY 32
#define SECURITY_LEVEL 2 /* 112 bits: no SHA-1, no RSA below 2048 */

/* --- the library --------------------------------------------------------------------------- */

static void *crypto_malloc(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return size > 0 ? twi_malloc(size) : NULL;
}

static void *crypto_realloc(void *block, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    if (size == 0) {
        twi_free(block);
        return NULL;
    }
    return twi_realloc(block, size);
}

static void crypto_free(void *block, const char *file, int line)
{
    (void)file, (void)line;
    twi_free(block);
}

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static bool library_started;

/* An allocator is handed on only if the program has installed one: others may use OpenSSL
 * too. */
static void openssl_start(void)
{
    if (twi_alloc_is_replaced() &&
        CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) != 1)
        tw_log(TW_LOG_WARNING, "net.tls",
               "OpenSSL has been used before and keeps its own allocator");
    library_started = OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS |
                                           OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
                                       NULL) == 1;
}

static X509_STORE *system_store;

/* The system's trust; a reference, or NULL when there is no memory. */
static X509_STORE *system_trust(void)
{
    X509_STORE *store;

    twi_lock(TWI_LOCK_TRUST);
    if (system_store == NULL) {
        store = X509_STORE_new();
        if (store != NULL && X509_STORE_set_default_paths(store) != 1) {
            X509_STORE_free(store);
            store = NULL;
        }
        system_store = store;
    }
    store = system_store;
    if (store != NULL)
        X509_STORE_up_ref(store);
    twi_unlock(TWI_LOCK_TRUST);
    return store;
}

/* --- failures ------------------------------------------------------------------------------ */

static bool is_out_of_memory(unsigned long code)
{
    return ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
}

/* The text of one error: its reason, or OpenSSL's default text. */
static void error_text(unsigned long code, char *text, size_t size)
{
    const char *reason = ERR_reason_error_string(code);

    if (reason != NULL)
        snprintf(text, size, "%s", reason);
    else if (ERR_SYSTEM_ERROR(code))
        snprintf(text, size, "%s", strerror(ERR_GET_REASON(code)));
    else
        ERR_error_string_n(code, text, size);
}

tw_value twi_tls_queue_failure(const char *what, long verify_result)
{
    char message[512], reason[160], first[160];
    unsigned long last = ERR_peek_last_error(), code = ERR_peek_error();
    const char *more = "";

    ERR_clear_error();
    if (is_out_of_memory(last) || is_out_of_memory(code) || last == 0)
        return last == 0 ? tw_fail(&tw_error_tls, "%s: failed", what) : tw_fail_memory();
    error_text(last, reason, sizeof reason);
    error_text(code, first, sizeof first);
    if (ERR_GET_LIB(last) == ERR_LIB_SSL &&
        ERR_GET_REASON(last) == SSL_R_CERTIFICATE_VERIFY_FAILED && verify_result != X509_V_OK)
        more = X509_verify_cert_error_string(verify_result);
    else if (code != last)
        more = first;
    snprintf(message, sizeof message, "%s: %s%s%s", what, reason, *more != '\0' ? ": " : "",
             more);
    return tw_fail_with(&(struct tw_failure_fields){
        .error_class = &tw_error_tls,
        .message = message,
        .where = TW_HERE,
        .number = verify_result != X509_V_OK ? verify_result : (int64_t)ERR_GET_REASON(last),
    });
}

static tw_value context_file_failure(const char *what, const char *file)
{
    char text[300];

    snprintf(text, sizeof text, "%s %.200s", what, file);
    return twi_tls_queue_failure(text, X509_V_OK);
}

/* --- ALPN ---------------------------------------------------------------------------------- */

static size_t alpn_count(const char *list)
{
    size_t count = 1;

    for (; *list != '\0'; list++)
        count += *list == ',';
    return count;
}

/* "h2,http/1.1" as names and as the wire has it: each behind its length (RFC 7301, 3.1). */
static int alpn_set(tw_tls_context *context, const char *list)
{
    size_t length = strlen(list), count = alpn_count(list), at = 0;

    context->alpn = twi_calloc(count + 1, sizeof *context->alpn);
    context->alpn_wire = twi_malloc(length + 1);
    if (context->alpn == NULL || context->alpn_wire == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        size_t size = strcspn(list, ",");

        if (size == 0 || size > 255)
            return -EINVAL;
        context->alpn[i] = twi_strndup(list, size);
        if (context->alpn[i] == NULL)
            return -ENOMEM;
        context->alpn_wire[at] = (unsigned char)size;
        memcpy(context->alpn_wire + at + 1, list, size);
        at += size + 1;
        list += size + 1;
    }
    context->alpn_length = (unsigned)at;
    return 0;
}

/* The server's choice: the first of ours that the client has. */
static int alpn_select(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_length,
                       const unsigned char *offered, unsigned length, void *arg)
{
    tw_tls_context *context = arg;
    unsigned char *name;

    (void)ssl;
    if (SSL_select_next_proto(&name, ret_length, context->alpn_wire, context->alpn_length,
                              offered, length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret_name = name;
    return SSL_TLSEXT_ERR_OK;
}

static int alpn_setup(tw_tls_context *context, const char *list)
{
    int r = alpn_set(context, list);

    if (r < 0)
        return r;
    if (context->server)
        SSL_CTX_set_alpn_select_cb(context->ctx, alpn_select, context);
    else if (SSL_CTX_set_alpn_protos(context->ctx, context->alpn_wire, context->alpn_length) !=
             0)
        return -ENOMEM;
    return 0;
}

/* --- sessions ------------------------------------------------------------------------------ */

struct kept_sessions {
    struct twi_list node;
    unsigned count;
    SSL_SESSION *list[SESSIONS_PER_KEY]; /* oldest first */
    char key[];
};

static void sessions_drop_first(tw_tls_context *context, struct kept_sessions *kept)
{
    SSL_SESSION_free(kept->list[0]);
    kept->count--;
    context->session_count--;
    memmove(kept->list, kept->list + 1, kept->count * sizeof *kept->list);
}

static void sessions_free(tw_tls_context *context, struct kept_sessions *kept)
{
    twi_map_remove(&context->sessions, kept->key, strlen(kept->key));
    twi_list_remove(&kept->node);
    while (kept->count > 0)
        sessions_drop_first(context, kept);
    twi_free(kept);
}

static struct kept_sessions *sessions_for(tw_tls_context *context, const char *key)
{
    size_t length = strlen(key);
    struct kept_sessions *kept = twi_map_get(&context->sessions, key, length);

    if (kept != NULL) {
        twi_list_remove(&kept->node);
        twi_list_append(&context->session_order, &kept->node);
        return kept;
    }
    kept = twi_calloc(1, sizeof *kept + length + 1);
    if (kept == NULL)
        return NULL;
    memcpy(kept->key, key, length);
    if (twi_map_set(&context->sessions, key, length, kept, NULL) < 0) {
        twi_free(kept);
        return NULL;
    }
    twi_list_append(&context->session_order, &kept->node);
    return kept;
}

void twi_tls_session_keep(tw_tls_context *context, const char *key, SSL_SESSION *session)
{
    struct kept_sessions *kept = sessions_for(context, key), *oldest;

    if (kept == NULL) {
        SSL_SESSION_free(session);
        return;
    }
    if (kept->count == SESSIONS_PER_KEY)
        sessions_drop_first(context, kept);
    kept->list[kept->count++] = session;
    if (++context->session_count <= SESSIONS_MAX)
        return;
    oldest = TWI_CONTAINER(context->session_order.next, struct kept_sessions, node);
    sessions_drop_first(context, oldest);
    if (oldest->count == 0)
        sessions_free(context, oldest);
}

static bool session_is_fresh(const SSL_SESSION *session)
{
    return SSL_SESSION_is_resumable(session) &&
           time(NULL) < SSL_SESSION_get_time(session) + SSL_SESSION_get_timeout(session);
}

SSL_SESSION *twi_tls_session_take(tw_tls_context *context, const char *key)
{
    struct kept_sessions *kept = twi_map_get(&context->sessions, key, strlen(key));
    SSL_SESSION *session = NULL;

    while (kept != NULL && kept->count > 0 && session == NULL) {
        session = kept->list[kept->count - 1];
        if (session_is_fresh(session) &&
            SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION) {
            SSL_SESSION_up_ref(session);
            return session;
        }
        kept->count--;
        context->session_count--;
        if (!session_is_fresh(session)) {
            SSL_SESSION_free(session);
            session = NULL;
        }
    }
    if (kept != NULL && kept->count == 0)
        sessions_free(context, kept);
    return session;
}

/* --- making a context ---------------------------------------------------------------------- */

/* A key with a pass phrase fails; asking for one is not a library's business. */
static int no_pass_phrase(char *text, int size, int writing, void *arg)
{
    (void)text, (void)size, (void)writing, (void)arg;
    return -1;
}

/* AES-128 first, as browsers have it: half as much again in speed, and enough. */
static const char ciphersuites[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
/* Forward secrecy and AEAD only, for both sides: no static RSA, no CBC (RFC 9325, 4.2). */
static const char ciphers_of_1_2[] =
    "ECDHE+AES128+AESGCM:ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!PSK";

static void set_defaults(tw_tls_context *context)
{
    SSL_CTX *ctx = context->ctx;

    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
    SSL_CTX_set_ciphersuites(ctx, ciphersuites);
    SSL_CTX_set_cipher_list(ctx, ciphers_of_1_2);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_default_passwd_cb(ctx, no_pass_phrase);
    /* Clients' sessions are kept by us, the server's in its tickets. */
    SSL_CTX_set_session_cache_mode(ctx, context->server ? SSL_SESS_CACHE_OFF
                                                        : SSL_SESS_CACHE_CLIENT |
                                                              SSL_SESS_CACHE_NO_INTERNAL);
    if (context->server)
        SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
}

static tw_value load_identity(tw_tls_context *context, const struct tw_tls_options *options)
{
    const char *key = options->key_file != NULL ? options->key_file : options->cert_file;

    if (options->cert_file == NULL) {
        if (context->server)
            return tw_fail(&tw_error_tls, "a server needs a certificate");
        return tw_none();
    }
    if (SSL_CTX_use_certificate_chain_file(context->ctx, options->cert_file) != 1)
        return context_file_failure("certificate", options->cert_file);
    if (SSL_CTX_use_PrivateKey_file(context->ctx, key, SSL_FILETYPE_PEM) != 1)
        return context_file_failure("key", key);
    if (SSL_CTX_check_private_key(context->ctx) != 1)
        return context_file_failure("key", key);
    return tw_none();
}

static tw_value load_crl(X509_STORE *store, const char *file)
{
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());

    if (lookup == NULL || X509_load_crl_file(lookup, file, X509_FILETYPE_PEM) < 1)
        return context_file_failure("revocation list", file);
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return tw_none();
}

/* Fill the context's own store; certificates that the program names replace the system's. */
static tw_value load_trust(tw_tls_context *context, const struct tw_tls_options *options)
{
    X509_STORE *store = SSL_CTX_get_cert_store(context->ctx);
    bool named = options->ca_file != NULL || options->ca_path != NULL;

    if (options->ca_file != NULL && X509_STORE_load_file(store, options->ca_file) != 1)
        return context_file_failure("CA file", options->ca_file);
    if (options->ca_path != NULL && X509_STORE_load_path(store, options->ca_path) != 1)
        return context_file_failure("CA directory", options->ca_path);
    /* A named intermediate certificate is trusted, as by curl and browsers. */
    if (named)
        X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    if (!named && options->crl_file == NULL) {
        store = system_trust();
        if (store == NULL)
            return tw_fail_memory();
        SSL_CTX_set_cert_store(context->ctx, store);
    } else if (!named && X509_STORE_set_default_paths(store) != 1) {
        return twi_tls_queue_failure("the system's trust", X509_V_OK);
    }
    return options->crl_file != NULL ? load_crl(store, options->crl_file) : tw_none();
}

static tw_value context_setup_client(tw_tls_context *context,
                                     const struct tw_tls_options *options)
{
    SSL_CTX_set_verify(context->ctx, context->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                       NULL);
    return context->verify ? load_trust(context, options) : tw_none();
}

static tw_value setup_server(tw_tls_context *context, const struct tw_tls_options *options)
{
    static const unsigned char id[] = "tweed";
    STACK_OF(X509_NAME) * names;

    if (options->no_sessions)
        SSL_CTX_set_options(context->ctx, SSL_OP_NO_TICKET);
    if (options->no_sessions)
        SSL_CTX_set_num_tickets(context->ctx, 0);
    SSL_CTX_set_session_id_context(context->ctx, id, sizeof id - 1);
    if (!options->verify_client)
        return tw_none();
    if (options->ca_file == NULL && options->ca_path == NULL)
        return tw_fail(&tw_error_tls, "to verify clients, name the CA that they have");
    SSL_CTX_set_verify(context->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    if (options->ca_file != NULL) {
        names = SSL_load_client_CA_file(options->ca_file);
        if (names == NULL)
            return context_file_failure("CA file", options->ca_file);
        SSL_CTX_set_client_CA_list(context->ctx, names);
    }
    return load_trust(context, options);
}

static int new_session(SSL *ssl, SSL_SESSION *session);

static tw_value setup(tw_tls_context *context, const struct tw_tls_options *options)
{
    tw_value failure;
    int r = 0;

    set_defaults(context);
    failure = context->server ? setup_server(context, options)
                              : context_setup_client(context, options);
    if (!tw_is_failure(failure))
        failure = load_identity(context, options);
    if (tw_is_failure(failure))
        return failure;
    if (context->resume)
        SSL_CTX_sess_set_new_cb(context->ctx, new_session);
    if (options->alpn != NULL && options->alpn[0] != '\0')
        r = alpn_setup(context, options->alpn);
    if (r == -EINVAL)
        return tw_fail(&tw_error_tls, "not a list of protocols: %s", options->alpn);
    return r < 0 ? tw_fail_memory() : tw_none();
}

static int new_session(SSL *ssl, SSL_SESSION *session)
{
    const char *key = SSL_get_app_data(ssl);
    tw_tls_context *context = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    if (key == NULL || !SSL_SESSION_is_resumable(session))
        return 0;
    twi_tls_session_keep(context, key, session);
    return 1;
}

tw_value tw_tls_context_new(const struct tw_tls_options *options, tw_tls_context **ret_context)
{
    tw_tls_context *context;
    tw_value failure;

    pthread_once(&library_once, openssl_start);
    if (!library_started) /* OpenSSL does not try again either */
        return twi_tls_queue_failure("OpenSSL", X509_V_OK);
    ERR_clear_error();
    context = twi_calloc(1, sizeof *context);
    if (context == NULL)
        return tw_fail_memory();
    context->references = 1;
    context->server = options->server;
    context->verify = options->server ? options->verify_client : !options->no_verify;
    context->resume = !options->server && !options->no_sessions;
    twi_list_init(&context->session_order);
    context->ctx = SSL_CTX_new(options->server ? TLS_server_method() : TLS_client_method());
    if (context->ctx == NULL) {
        tw_tls_context_unref(context);
        ERR_clear_error();
        return tw_fail_memory();
    }
    SSL_CTX_set_app_data(context->ctx, context);
    failure = setup(context, options);
    if (tw_is_failure(failure))
        tw_tls_context_unref(context);
    else
        *ret_context = context;
    return failure;
}

tw_tls_context *tw_tls_context_ref(tw_tls_context *context)
{
    if (context != NULL)
        context->references++;
    return context;
}

void tw_tls_context_unref(tw_tls_context *context)
{
    if (context == NULL || --context->references > 0)
        return;
    while (!twi_list_empty(&context->session_order))
        sessions_free(context,
                      TWI_CONTAINER(context->session_order.next, struct kept_sessions, node));
    twi_map_free(&context->sessions);
    SSL_CTX_free(context->ctx);
    for (size_t i = 0; context->alpn != NULL && context->alpn[i] != NULL; i++)
        twi_free(context->alpn[i]);
    twi_free(context->alpn);
    twi_free(context->alpn_wire);
    twi_free(context);
}

bool twi_tls_context_is_server(const tw_tls_context *context)
{
    return context->server;
}
