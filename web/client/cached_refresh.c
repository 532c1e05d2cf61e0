/* SPDX-License-Identifier: MIT */
/*
 * cached_refresh.c - a stored response is validated in the background, while it is used.
 *
 * By a request like the one that uses it; its body goes to the store only, and its failure to
 * nobody: the stored response stays, and becomes too old to be used one day.
 */
#include "config.h"

#include <errno.h>

#include "web/client/client_request.h"

/* A refresh under way. */
struct refresh {
    tw_cache *cache;
    char *key;
};

static void refresh_end(void *arg)
{
    struct refresh *refresh = arg;

    twi_cache_refresh_end(refresh->cache, refresh->key);
    tw_cache_unref(refresh->cache);
    twi_free(refresh->key);
    twi_free(refresh);
}

static tw_value refresh_came(tw_value result, void *arg)
{
    (void)result;
    (void)arg;
    return tw_none();
}

static int body_pass(const char *data, size_t length, void *arg)
{
    (void)data;
    (void)length;
    (void)arg;
    return 0;
}

/* All fields that the hop has from the user, credentials included; NULL when there is no memory. */
static tw_headers *hop_fields(const struct twi_hop *hop)
{
    const char *authorization = hop->authorization != NULL ? hop->authorization
                                                           : hop->url_authorization;
    tw_headers *headers = hop->headers != NULL ? tw_headers_copy(hop->headers)
                                               : tw_headers_new();

    if (headers != NULL && authorization != NULL &&
        !twi_headers_has(headers, TWI_HEADER_AUTHORIZATION) &&
        tw_headers_set(headers, "Authorization", authorization) < 0) {
        tw_headers_free(headers);
        headers = NULL;
    }
    return headers;
}

static tw_deferred *refresh_start(const struct twi_cached *cached, const tw_headers *headers)
{
    const struct twi_order *order = &cached->request->order;
    struct tw_fetch_options options = {
        .method = "GET",
        .headers = headers,
        .user_agent = order->options.user_agent,
        .no_accept = order->options.no_accept,
        .cookies = order->options.cookies,
        .join_cookies = order->options.join_cookies,
        .cache = cached->cache,
        .cache_mode = TW_CACHE_NO_CACHE,
        .proxy = order->options.proxy != NULL ? "" : NULL,
        .address = cached->request->hop.address,
        .tls = order->options.tls,
        .redirects = TW_REDIRECT_NONE,
        .timeout = order->options.timeout,
        .connect_timeout = order->options.connect_timeout,
        .first_byte_timeout = order->options.first_byte_timeout,
        .idle_timeout = order->options.idle_timeout,
        .max_header_bytes = order->options.max_header_bytes,
        .max_header_lines = order->options.max_header_lines,
        .no_decode = order->options.no_decode,
        .http10 = order->options.http10,
        .on_body = body_pass,
    };

    return twi_client_request_like(cached->request, &options);
}

void twi_cached_refresh(struct twi_cached *cached)
{
    struct refresh *refresh;
    tw_headers *headers;
    tw_deferred *fetched;

    if (!twi_cache_refresh_begin(cached->cache, cached->key))
        return;
    refresh = twi_calloc(1, sizeof *refresh);
    if (refresh != NULL)
        refresh->key = twi_strdup(cached->key);
    headers = hop_fields(&cached->request->hop);
    if (refresh == NULL || refresh->key == NULL || headers == NULL) {
        twi_cache_refresh_end(cached->cache, cached->key);
        if (refresh != NULL)
            twi_free(refresh->key);
        twi_free(refresh);
        tw_headers_free(headers);
        return;
    }
    refresh->cache = tw_cache_ref(cached->cache);
    fetched = refresh_start(cached, headers);
    tw_headers_free(headers);
    tw_add_both_with(fetched, refresh_came, refresh, refresh_end);
    tw_deferred_unref(fetched);
}
