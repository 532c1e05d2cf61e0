/* SPDX-License-Identifier: MIT */
/*
 * site.c - see site.h.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "web/http/syntax.h"
#include "web/server/site.h"

/* Seconds for a client to read the answer to a broken request. */
static const double linger_seconds = 2;

static size_t size_or(size_t size, size_t otherwise)
{
    return size == 0 ? otherwise : size;
}

static int64_t duration_or(double seconds, double otherwise)
{
    int64_t ns;

    if (seconds == 0)
        seconds = otherwise;
    return twi_seconds_to_ns(seconds, &ns) < 0 ? 0 : ns;
}

static void set_limits(tw_site *site, const struct tw_site_options *options)
{
    site->limits = twi_http1_server_limits;
    site->limits.line = size_or(options->max_request_line, site->limits.line);
    site->limits.head = size_or(options->max_header_bytes, site->limits.head);
    site->limits.fields = size_or(options->max_header_lines, site->limits.fields);
    if (options->max_body != 0)
        site->limits.body = options->max_body;
    site->max_pipelined = options->max_pipelined == 0 ? 16 : options->max_pipelined;
    site->max_connections = options->max_connections;
    site->body_rate = options->body_rate == 0 ? 100 : options->body_rate;
    site->times.idle = duration_or(options->idle_timeout, 15);
    site->times.header = duration_or(options->header_timeout, 10);
    site->times.body = site->body_rate > 0 ? 10 * TWI_SECOND : 0;
    site->times.linger = duration_or(linger_seconds, 0);
    site->times.half = duration_or(options->half_close_timeout, 60);
    site->times.send = duration_or(options->send_timeout, 30);
}

static int site_set_up(tw_site *site, const struct tw_site_options *options)
{
    const char *name = options->server_name == NULL ? "tweed" : options->server_name;

    if (!twi_http_is_value(name, strlen(name)))
        return -EINVAL;
    set_limits(site, options);
    site->on_finished = options->on_finished;
    site->on_finished_arg = options->arg;
    site->server_name = twi_strdup(name);
    return site->server_name == NULL ? -ENOMEM : 0;
}

tw_site *tw_site_new(const struct tw_site_options *options)
{
    static const struct tw_site_options defaults;
    tw_site *site = twi_calloc(1, sizeof *site);
    int r;

    if (site == NULL)
        return NULL;
    site->refs = 1;
    r = site_set_up(site, options == NULL ? &defaults : options);
    if (r < 0) {
        tw_site_unref(site);
        errno = -r;
        return NULL;
    }
    return site;
}

tw_site *tw_site_ref(tw_site *site)
{
    if (site != NULL)
        site->refs++;
    return site;
}

void tw_site_unref(tw_site *site)
{
    if (site == NULL || --site->refs > 0)
        return;
    twi_routes_free(&site->routes);
    twi_free(site->server_name);
    twi_free(site);
}

int tw_site_handle(tw_site *site, const char *path, tw_handler *handler, void *arg,
                   tw_release_fn *release)
{
    struct twi_route route = { .handler = handler, .arg = arg, .release = release };
    int r = handler == NULL ? -EINVAL : twi_routes_add(&site->routes, path, route);

    if (r < 0 && release != NULL)
        release(arg);
    return r;
}
