/* SPDX-License-Identifier: MIT */
/*
 * order.c - the options of a fetch, copied and checked.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <tweed/version.h>

#include "base/ascii.h"
#include "web/http/base64.h"
#include "web/http/syntax.h"
#include "web/client/order.h"
#include "web/http1/http1.h"

enum { DEFAULT_REDIRECTS = 20 };
static const int64_t most_in_memory = INT64_C(64) << 20;
static const int64_t most_streamed = INT64_C(1) << 30;

static void defaults_fill(struct tw_fetch_options *options)
{
    if (options->timeout == 0)
        options->timeout = 300;
    if (options->connect_timeout == 0)
        options->connect_timeout = 30;
    if (options->first_byte_timeout == 0)
        options->first_byte_timeout = 60;
    if (options->idle_timeout == 0)
        options->idle_timeout = 60;
    if (options->max_redirects == 0)
        options->max_redirects = DEFAULT_REDIRECTS;
    if (options->max_redirects < 0)
        options->max_redirects = 0;
    if (options->max_body == 0)
        options->max_body = options->on_body != NULL ? most_streamed : most_in_memory;
}

static bool times_finite(const struct tw_fetch_options *options)
{
    return isfinite(options->timeout) && isfinite(options->connect_timeout) &&
           isfinite(options->first_byte_timeout) && isfinite(options->idle_timeout);
}

/* One of the usual methods, which need no copy; NULL for others. */
static const char *usual_method(const char *method)
{
    static const char *const methods[] = { "GET",    "HEAD",  "POST",    "PUT",
                                           "DELETE", "PATCH", "OPTIONS", "TRACE" };

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (strcmp(method, methods[i]) == 0)
            return methods[i];
    return NULL;
}

static tw_value method_take(struct twi_order *order)
{
    const char *method = order->options.method;

    if (method == NULL) {
        order->method = tw_is_none(order->body) && !order->has_source ? "GET" : "POST";
        return tw_none();
    }
    order->method = usual_method(method);
    if (order->method != NULL)
        return tw_none();
    if (!twi_http_is_token(method, strlen(method)))
        return tw_fail(&tw_error_url, "the method is not a token");
    if (strcmp(method, "CONNECT") == 0)
        return tw_fail(&tw_error_misuse, "CONNECT is for proxies");
    order->method = order->owned_method = twi_strdup(method);
    return order->method == NULL ? tw_fail_memory() : tw_none();
}

/* Take over the bytes of the body, or the failure in their place. */
static tw_value body_keep(struct twi_order *order, tw_value body)
{
    if (tw_is_failure(body))
        return body;
    order->body = body;
    return tw_none();
}

/* The type goes with the body only as long as that is sent: among the fields set by hand. */
static tw_value form_take(struct twi_order *order, tw_value body, const char *type)
{
    tw_value failure = body_keep(order, body);

    if (tw_is_failure(failure))
        return failure;
    if (order->headers == NULL)
        order->headers = tw_headers_new();
    if (order->headers == NULL || (!tw_headers_has(order->headers, "Content-Type") &&
                                   tw_headers_add(order->headers, "Content-Type", type) < 0))
        return tw_fail_memory();
    return tw_none();
}

static tw_value body_take(struct twi_order *order)
{
    const struct tw_fetch_options *options = &order->options;
    char type[TW_MULTIPART_TYPE_SIZE];

    if ((options->body_source != NULL) + (options->body != NULL) + (options->form != NULL) +
            (options->parts != NULL) >
        1)
        return tw_fail(&tw_error_misuse, "more than one of body, body_source, form, parts");
    if (order->has_source && order->source.read == NULL)
        return tw_fail(&tw_error_misuse, "a body_source without read()");
    if (options->form != NULL)
        return form_take(order, tw_form_encode(options->form),
                         "application/x-www-form-urlencoded");
    if (options->parts != NULL)
        return form_take(order, tw_multipart_encode(options->parts, type), type);
    if (options->body != NULL)
        return body_keep(order, tw_bytes(options->body, options->body_length));
    return tw_none();
}

static tw_value agent_take(struct twi_order *order)
{
    const char *agent = order->options.user_agent;

    order->options.user_agent = "tweed/" TW_VERSION;
    if (agent == NULL)
        return tw_none();
    if (!twi_http_is_value(agent, strlen(agent)))
        return tw_fail(&tw_error_misuse, "a line end in the user agent");
    order->options.user_agent = order->owned_agent = twi_strdup(agent);
    return order->owned_agent == NULL ? tw_fail_memory() : tw_none();
}

static tw_value credentials_take(struct twi_order *order)
{
    const struct tw_fetch_options *options = &order->options;

    if (options->user == NULL)
        return tw_none();
    if (strchr(options->user, ':') != NULL)
        return tw_fail(&tw_error_misuse, "a colon in the user's name");
    order->authorization = twi_basic_credentials(
        options->user, options->password != NULL ? options->password : "");
    return order->authorization == NULL ? tw_fail_memory() : tw_none();
}

static tw_value headers_take(struct twi_order *order)
{
    const tw_headers *headers = order->options.headers;

    if (headers == NULL || tw_headers_count(headers) == 0)
        return tw_none();
    order->headers = tw_headers_copy(headers);
    return order->headers == NULL ? tw_fail_memory() : tw_none();
}

static tw_value proxy_take(struct twi_order *order)
{
    const char *text = order->options.proxy, *why;
    int r;

    if (text == NULL || text[0] == '\0')
        return tw_none();
    r = twi_proxy_parse(text, &order->proxy, &why);
    if (r == -ENOMEM)
        return tw_fail_memory();
    return r < 0 ? tw_fail(&tw_error_url, "proxy: %s", why) : tw_none();
}

/* "IP:port"; the port of a bare IP is 0. */
static int order_address_parse(const char *text, union tw_socket_address *ret_address)
{
    const char *colon = strrchr(text, ':');
    char host[TW_ADDRESS_TEXT_SIZE];
    uint64_t port;

    if (tw_address_parse(text, 0, ret_address) == 0)
        return 0;
    if (colon == NULL || (size_t)(colon - text) >= sizeof host ||
        (memchr(text, ':', (size_t)(colon - text)) != NULL && text[0] != '[') ||
        twi_parse_decimal(colon + 1, strlen(colon + 1), &port) < 0 || port == 0 ||
        port > 65535)
        return -EINVAL;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    return tw_address_parse(host, (unsigned)port, ret_address);
}

static tw_value order_address_take(struct twi_order *order)
{
    const char *text = order->options.address;

    if (text == NULL)
        return tw_none();
    if (order_address_parse(text, &order->address) < 0)
        return tw_fail(&tw_error_url, "\"%.100s\" is no address", text);
    order->has_address = true;
    return tw_none();
}

tw_value twi_order_take(struct twi_order *order, const struct tw_fetch_options *options)
{
    tw_value failure;

    if (options != NULL)
        order->options = *options;
    if (order->options.body_source != NULL) {
        order->source = *order->options.body_source;
        order->has_source = true;
    }
    if (order->options.cookies != NULL)
        tw_cookies_ref(order->options.cookies);
    if (order->options.tls != NULL)
        tw_tls_context_ref(order->options.tls);
    tw_cache_ref(order->options.cache);
    if (!times_finite(&order->options))
        return tw_fail(&tw_error_misuse, "a time that is not finite");
    failure = headers_take(order);
    if (tw_is_none(failure))
        failure = body_take(order);
    if (tw_is_none(failure))
        failure = method_take(order);
    if (tw_is_none(failure))
        failure = agent_take(order);
    if (tw_is_none(failure))
        failure = credentials_take(order);
    if (tw_is_none(failure))
        failure = proxy_take(order);
    if (tw_is_none(failure))
        failure = order_address_take(order);
    defaults_fill(&order->options);
    if (tw_is_none(failure) && order->has_source && order->source.length < 0 &&
        order->options.http10)
        failure = tw_fail(&tw_error_misuse, "HTTP/1.0 needs the length of the body");
    return failure;
}

void twi_body_source_release(const struct tw_body_source *source)
{
    if (source != NULL && source->release != NULL)
        source->release(source->arg);
}

void twi_order_free(struct twi_order *order)
{
    if (order->has_source)
        twi_body_source_release(&order->source);
    if (order->options.cookies != NULL)
        tw_cookies_unref(order->options.cookies);
    if (order->options.tls != NULL)
        tw_tls_context_unref(order->options.tls);
    tw_cache_unref(order->options.cache);
    twi_proxy_unref(order->proxy);
    tw_headers_free(order->headers);
    tw_release(order->body);
    twi_free(order->authorization);
    twi_free(order->owned_method);
    twi_free(order->owned_agent);
}
