/*
 * listen.c - tw_listen(): a listener, with TLS as the layer below its protocols.
 */
#include "config.h"

#include <errno.h>
#include <tweed/tcp.h>

#include "net/tls/tls.h"
#include "net/tls/tls_engine.h"
#include "net/transport/listener.h"

static tw_protocol *tls_wrap(void *context, tw_protocol *protocol, tw_factory *factory)
{
    return twi_tls_server_protocol(context, protocol, factory);
}

static void tls_release(void *context)
{
    tw_tls_context_unref(context);
}

int tw_listen(const struct tw_listen_options *options, tw_factory *factory,
              tw_listener **ret_listener)
{
    static const struct tw_listen_options defaults;
    struct twi_listener_layer tls = { tls_wrap, tls_release, NULL };
    int r;

    if (factory == NULL)
        return -ENOMEM;
    if (options == NULL)
        options = &defaults;
    if (options->tls == NULL)
        return twi_listener_new(options, NULL, factory, ret_listener);
    if (!twi_tls_context_is_server(options->tls))
        return -EINVAL;
    tls.arg = tw_tls_context_ref(options->tls);
    r = twi_listener_new(options, &tls, factory, ret_listener);
    if (r < 0)
        tw_tls_context_unref(options->tls);
    return r;
}
