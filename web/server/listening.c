/* SPDX-License-Identifier: MIT */
/*
 * listening.c - a site's factory: connections come in.
 */
#include "config.h"

#include <errno.h>

#include <tweed/endpoint.h>

#include "web/server/http1_server.h"

static tw_protocol *site_build(tw_factory *factory)
{
    struct twi_service *service = tw_factory_data(factory);
    const tw_site *site = service->site;

    if (site->max_connections > 0 && site->connections >= site->max_connections)
        return NULL;
    return twi_http1_server_new(service);
}

static void site_released(tw_factory *factory)
{
    twi_service_unref(tw_factory_data(factory));
}

static const struct tw_factory_class site_factory = {
    .build = site_build,
    .released = site_released,
};

tw_factory *tw_site_factory(tw_site *site)
{
    struct twi_service *service = twi_service_new(site, twi_http1_server_expired,
                                                  twi_http1_server_stalled);
    tw_factory *factory = service == NULL ? NULL : tw_factory_new(&site_factory, service);

    if (factory == NULL && service != NULL)
        twi_service_unref(service);
    return factory;
}

int tw_site_listen(tw_site *site, const struct tw_listen_options *options,
                   tw_listener **ret_listener, tw_value *ret_failure)
{
    tw_factory *factory = tw_site_factory(site);
    int r = tw_listen(options, factory, ret_listener, ret_failure);

    tw_factory_unref(factory);
    return r;
}
