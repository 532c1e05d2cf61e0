/* SPDX-License-Identifier: MIT */
/*
 * tls_engine.c - an SSL object between lent memory and an outbox.
 *
 * One BIO serves both directions: OpenSSL reads straight from the bytes that the transport
 * read, and its records are appended to the transport's outbox, so that all records of a turn
 * leave together.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "net/transport/address.h"
#include "net/tls/tls_engine.h"
#include "net/tls/tls_openssl.h"

struct twi_tls {
    SSL *ssl;
    tw_tls_context *context;
    struct twi_outbox *out; /* NULL: unplugged */
    const struct twi_tls_way *way;
    const unsigned char *in;
    size_t in_length;
    unsigned char *kept; /* where `in` points into when it is ours */
    void *failure;       /* once failed */
    char *session_key;   /* NULL: nothing is resumed */
    bool handshaken : 1;
    bool ended : 1;
    bool shut : 1;
    bool failed : 1;
    bool out_of_memory : 1;
    char name[]; /* of a server that is expected, or "" */
};

static const char *peer_of(const struct twi_tls *tls)
{
    return tls->name[0] != '\0' ? tls->name : "the peer";
}

static tw_value engine_failure(const struct twi_tls *tls)
{
    return tls->failure != NULL ? tw_value_of(&tw_type_failure, tls->failure) : tw_none();
}

/* --- the BIO ------------------------------------------------------------------------------- */

static int bio_read(BIO *bio, char *buffer, int size)
{
    struct twi_tls *tls = BIO_get_data(bio);
    size_t length = (size_t)size < tls->in_length ? (size_t)size : tls->in_length;

    BIO_clear_retry_flags(bio);
    if (length == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(buffer, tls->in, length);
    tls->in += length;
    tls->in_length -= length;
    return (int)length;
}

/* Without an outbox records are dropped: the connection is gone. */
static int bio_write(BIO *bio, const char *data, int length)
{
    struct twi_tls *tls = BIO_get_data(bio);
    size_t sent = 0;

    BIO_clear_retry_flags(bio);
    if (tls->out == NULL)
        return length;
    if (tls->way != NULL && tls->out->length == 0)
        sent = tls->way->send(tls->way->arg, data, (size_t)length);
    if (sent == (size_t)length)
        return length;
    if (twi_outbox_add(tls->out, data + sent, (size_t)length - sent) < 0) {
        tls->out_of_memory = true;
        return -1;
    }
    return length;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static pthread_once_t method_once = PTHREAD_ONCE_INIT;
static BIO_METHOD *method;

static void method_make(void)
{
    BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tweed");

    if (made == NULL)
        return;
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    method = made;
}

static int bio_attach(struct twi_tls *tls)
{
    BIO *bio;

    pthread_once(&method_once, method_make);
    if (method == NULL)
        return -ENOMEM;
    bio = BIO_new(method);
    if (bio == NULL)
        return -ENOMEM;
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    return 0;
}

/* --- making -------------------------------------------------------------------------------- */

/* Names are sent (SNI) and must be among the certificate's names; addresses must be among its
 * addresses. */
static int expect_name(struct twi_tls *tls, const char *server_name)
{
    union tw_socket_address address;
    X509_VERIFY_PARAM *param = SSL_get0_param(tls->ssl);
    char literal[INET6_ADDRSTRLEN], name[TWI_NAME_SIZE];
    int r;

    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (tw_address_parse(server_name, 0, &address) == 0) {
        const void *bytes = address.any.sa_family == AF_INET ? (void *)&address.ipv4.sin_addr
                                                             : &address.ipv6.sin6_addr;

        inet_ntop(address.any.sa_family, bytes, literal, sizeof literal);
        return X509_VERIFY_PARAM_set1_ip_asc(param, literal) == 1 ? 0 : -ENOMEM;
    }
    r = twi_name_to_ascii(server_name, name);
    if (r < 0)
        return r;
    if (X509_VERIFY_PARAM_set1_host(param, name, 0) != 1 ||
        SSL_set_tlsext_host_name(tls->ssl, name) != 1)
        return -ENOMEM;
    return 0;
}

static int offer_session(struct twi_tls *tls, const char *key)
{
    SSL_SESSION *session;

    tls->session_key = twi_strdup(key);
    if (tls->session_key == NULL)
        return -ENOMEM;
    SSL_set_app_data(tls->ssl, tls->session_key);
    session = twi_tls_session_take(tls->context, key);
    if (session != NULL)
        SSL_set_session(tls->ssl, session);
    SSL_SESSION_free(session);
    return 0;
}

static int engine_setup_client(struct twi_tls *tls, const struct twi_tls_peer *peer)
{
    int r = 0;

    SSL_set_connect_state(tls->ssl);
    if (peer->server_name != NULL && peer->server_name[0] != '\0')
        r = expect_name(tls, peer->server_name);
    else if (tls->context->verify)
        r = -EINVAL;
    if (r == 0 && tls->context->resume && peer->session_key != NULL)
        r = offer_session(tls, peer->session_key);
    return r;
}

int twi_tls_new(tw_tls_context *context, const struct twi_tls_peer *peer,
                struct twi_tls **ret_tls)
{
    const char *name = peer->server_name != NULL ? peer->server_name : "";
    size_t length = strnlen(name, TWI_NAME_SIZE);
    struct twi_tls *tls = twi_calloc(1, sizeof *tls + length + 1);
    int r = -ENOMEM;

    if (tls == NULL)
        return -ENOMEM;
    memcpy(tls->name, name, length);
    tls->context = tw_tls_context_ref(context);
    ERR_clear_error();
    tls->ssl = SSL_new(context->ctx);
    if (tls->ssl == NULL)
        goto fail;
    r = bio_attach(tls);
    if (r < 0)
        goto fail;
    if (context->server)
        SSL_set_accept_state(tls->ssl);
    else
        r = engine_setup_client(tls, peer);
    if (r < 0)
        goto fail;
    *ret_tls = tls;
    return 0;

fail:
    ERR_clear_error();
    twi_tls_free(tls);
    return r;
}

void twi_tls_free(struct twi_tls *tls)
{
    if (tls == NULL)
        return;
    /* Without this OpenSSL takes the connection for broken and its sessions for not
     * resumable. */
    if (tls->ssl != NULL && tls->handshaken && !tls->failed)
        SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(tls->ssl);
    tw_tls_context_unref(tls->context);
    tw_release(engine_failure(tls));
    twi_free(tls->session_key);
    twi_free(tls->kept);
    twi_free(tls);
}

void twi_tls_plug(struct twi_tls *tls, struct twi_outbox *out)
{
    tls->out = out;
}

void twi_tls_send_by(struct twi_tls *tls, const struct twi_tls_way *way)
{
    tls->way = way;
}

/* --- ciphertext in ------------------------------------------------------------------------- */

int twi_tls_feed(struct twi_tls *tls, const void *data, size_t length)
{
    unsigned char *joined;

    if (tls->in_length == 0) {
        twi_free(tls->kept);
        tls->kept = NULL;
        tls->in = data;
        tls->in_length = length;
        return 0;
    }
    joined = twi_malloc(tls->in_length + length);
    if (joined == NULL)
        return -ENOMEM;
    memcpy(joined, tls->in, tls->in_length);
    memcpy(joined + tls->in_length, data, length);
    twi_free(tls->kept);
    tls->in = tls->kept = joined;
    tls->in_length += length;
    return 0;
}

int twi_tls_keep(struct twi_tls *tls)
{
    unsigned char *copy;

    if (tls->in_length == 0) {
        twi_free(tls->kept);
        tls->kept = NULL;
        return 0;
    }
    if (tls->kept != NULL)
        return 0;
    copy = twi_malloc(tls->in_length);
    if (copy == NULL) {
        tls->in_length = 0;
        return -ENOMEM;
    }
    memcpy(copy, tls->in, tls->in_length);
    tls->in = tls->kept = copy;
    return 0;
}

bool twi_tls_pending(const struct twi_tls *tls)
{
    return tls->in_length > 0 || SSL_has_pending(tls->ssl) == 1;
}

/* Other code may have left errors in the queue; then our calls would look failed. Clearing
 * costs ten times as much as a look. */
static void clear_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

/* --- the steps ----------------------------------------------------------------------------- */

static tw_value make_failure(struct twi_tls *tls)
{
    char what[TWI_NAME_SIZE + 16];

    if (tls->out_of_memory) {
        ERR_clear_error();
        return tw_fail_memory();
    }
    snprintf(what, sizeof what, "TLS with %s", peer_of(tls));
    return twi_tls_queue_failure(what, SSL_get_verify_result(tls->ssl));
}

/* The meaning of an OpenSSL call's result `r`: 0 (it wants more), -ENODATA, -EPROTO. */
static int engine_outcome(struct twi_tls *tls, int r)
{
    int error = SSL_get_error(tls->ssl, r);

    if (tls->out_of_memory)
        error = SSL_ERROR_SYSCALL;
    switch (error) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return 0;
    case SSL_ERROR_ZERO_RETURN:
        tls->ended = true;
        return -ENODATA;
    default:
        tls->failed = true;
        tls->failure = tw_take(make_failure(tls)).as.pointer;
        return -EPROTO;
    }
}

int twi_tls_handshake(struct twi_tls *tls)
{
    int r;

    if (tls->failed)
        return -EPROTO;
    clear_errors();
    r = SSL_do_handshake(tls->ssl);
    if (r == 1 && !tls->out_of_memory) {
        tls->handshaken = true;
        /* The expected name is freed: the connection may idle for long. */
        X509_VERIFY_PARAM_set1_host(SSL_get0_param(tls->ssl), NULL, 0);
        if (!tls->context->server)
            SSL_set_tlsext_host_name(tls->ssl, NULL);
        return 1;
    }
    r = engine_outcome(tls, r);
    if (r == -ENODATA) {
        tls->failed = true;
        tls->failure = tw_take(tw_fail(&tw_error_tls, "TLS with %s: closed in the handshake",
                                       peer_of(tls)))
                           .as.pointer;
        r = -EPROTO;
    }
    return r;
}

ssize_t twi_tls_read(struct twi_tls *tls, void *buffer, size_t size)
{
    int r;

    if (tls->failed)
        return -EPROTO;
    if (tls->ended)
        return -ENODATA;
    if (!twi_tls_pending(tls))
        return twi_tls_ended(tls) ? -ENODATA : 0;
    clear_errors();
    r = SSL_read(tls->ssl, buffer, size < (1u << 30) ? (int)size : 1 << 30);
    return r > 0 ? r : engine_outcome(tls, r);
}

ssize_t twi_tls_write(struct twi_tls *tls, const void *data, size_t length)
{
    size_t done = 0;

    if (tls->failed)
        return -EPROTO;
    while (done < length) {
        size_t rest = length - done;
        int r;

        clear_errors();
        r = SSL_write(tls->ssl, (const char *)data + done,
                      rest < (1u << 30) ? (int)rest : 1 << 30);
        if (r <= 0) {
            r = engine_outcome(tls, r);
            return r < 0 ? r : (ssize_t)done;
        }
        done += (size_t)r;
    }
    return tls->out_of_memory ? engine_outcome(tls, -1) : (ssize_t)done;
}

void twi_tls_shut(struct twi_tls *tls)
{
    if (tls->shut || tls->failed || !tls->handshaken)
        return;
    tls->shut = true;
    clear_errors();
    SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

/* --- about it ------------------------------------------------------------------------------ */

bool twi_tls_handshaken(const struct twi_tls *tls)
{
    return tls->handshaken;
}

bool twi_tls_ended(const struct twi_tls *tls)
{
    return tls->ended || (SSL_get_shutdown(tls->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

tw_value twi_tls_failure(const struct twi_tls *tls)
{
    return tw_retain(engine_failure(tls));
}

const char *twi_tls_alpn(const struct twi_tls *tls)
{
    const unsigned char *name;
    unsigned length;

    SSL_get0_alpn_selected(tls->ssl, &name, &length);
    for (char **own = tls->context->alpn; length > 0 && own != NULL && *own != NULL; own++) {
        if (strlen(*own) == length && memcmp(*own, name, length) == 0)
            return *own;
    }
    return NULL;
}

const char *twi_tls_version(const struct twi_tls *tls)
{
    return tls->handshaken ? SSL_get_version(tls->ssl) : NULL;
}

bool twi_tls_resumed(const struct twi_tls *tls)
{
    return SSL_session_reused(tls->ssl) == 1;
}
