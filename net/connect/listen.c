/* SPDX-License-Identifier: MIT */
/*
 * listen.c - tw_listen(): a listener, with TLS as the layer below its protocols.
 */
#include "config.h"

#include "net/connect/listen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <tweed/tcp.h>

#include "net/tls/tls.h"
#include "net/tls/tls_engine.h"
#include "net/transport/listener.h"

/* --- errors -------------------------------------------------------------------------------- */

static int failure_errno(tw_value failure)
{
    if (tw_failure_is(failure, &tw_error_memory))
        return -ENOMEM;
    if (tw_failure_is(failure, &tw_error_tls))
        return -EPROTO;
    if (tw_failure_is(failure, &tw_error_system) && tw_failure_number(failure) > 0)
        return -(int)tw_failure_number(failure);
    return -EINVAL;
}

int twi_listen_failed(tw_value failure, tw_value *ret_failure)
{
    int r = failure_errno(failure);

    if (ret_failure != NULL)
        *ret_failure = failure;
    else
        tw_release(failure);
    return r;
}

/* The failure for a listener's errno, with the address in its text. */
static tw_value listen_failure(const struct tw_listen_options *options, int error)
{
    const char *host = twi_listen_host(options);
    char text[512], address[300];

    if (error == -ENOMEM)
        return tw_fail_memory();
    twi_listen_address(host, options->port, address, sizeof address);
    if (error == -EINVAL)
        return tw_fail(&tw_error_url, "%s: not an address to listen on", address);
    snprintf(text, sizeof text, "%s: %s", address, strerror(-error));
    return tw_fail_with(&(struct tw_failure_fields){
        .error_class = &tw_error_system,
        .message = text,
        .where = TW_HERE,
        .number = -error,
    });
}

/* --- TLS ----------------------------------------------------------------------------------- */

static tw_protocol *tls_wrap(void *context, tw_protocol *protocol, tw_factory *factory)
{
    return twi_tls_server_protocol(context, protocol, factory);
}

static void tls_release(void *context)
{
    tw_tls_context_unref(context);
}

/* --- listening ----------------------------------------------------------------------------- */

static int listen_with(const struct tw_listen_options *options, tw_factory *factory,
                       tw_listener **ret_listener)
{
    struct twi_listener_layer tls = { tls_wrap, tls_release, options->tls };
    int r;

    if (factory == NULL)
        return -ENOMEM;
    if (options->tls == NULL)
        return twi_listener_new(options, NULL, factory, ret_listener);
    r = twi_listener_new(options, &tls, factory, ret_listener);
    if (r == 0)
        tw_tls_context_ref(options->tls);
    return r;
}

int tw_listen(const struct tw_listen_options *options, tw_factory *factory,
              tw_listener **ret_listener, tw_value *ret_failure)
{
    static const struct tw_listen_options defaults;
    int r;

    if (options == NULL)
        options = &defaults;
    if (options->tls != NULL && !twi_tls_context_is_server(options->tls))
        return twi_listen_failed(
            tw_fail(&tw_error_url, "a client's TLS context to listen with"), ret_failure);
    r = listen_with(options, factory, ret_listener);
    return r < 0 ? twi_listen_failed(listen_failure(options, r), ret_failure) : 0;
}
