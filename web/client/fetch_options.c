/*
 * fetch_options.c - what a request was asked to do, copied and checked.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <tweed/version.h>

#include "web/http/base64.h"
#include "web/client/engine.h"
#include "web/http/headers.h"

enum { DEFAULT_REDIRECTS = 20 };
static const int64_t most_in_memory = INT64_C(64) << 20;
static const int64_t most_streamed = INT64_C(1) << 30;

static void defaults(struct tw_fetch_options *options)
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

static bool is_finite(const struct tw_fetch_options *options)
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

static tw_value take_method(struct twi_fetch *fetch)
{
    const char *method = fetch->options.method;

    if (method == NULL)
        method = tw_is_none(fetch->body) && !fetch->has_source ? "GET" : "POST";
    fetch->method = usual_method(method);
    if (fetch->method != NULL)
        return tw_none();
    if (!twi_http1_is_token(method, strlen(method)))
        return tw_fail(&tw_error_url, "the method is not a token");
    if (strcmp(method, "CONNECT") == 0)
        return tw_fail(&tw_error_misuse, "CONNECT is for proxies");
    fetch->method = fetch->owned_method = twi_strdup(method);
    return fetch->method == NULL ? tw_fail_memory() : tw_none();
}

/* Take over the bytes of the body, or the failure in their place. */
static tw_value keep_body(struct twi_fetch *fetch, tw_value body)
{
    if (tw_is_failure(body))
        return body;
    fetch->body = body;
    return tw_none();
}

/* The type goes with the body only as long as that is sent: among the fields set by hand. */
static tw_value take_form(struct twi_fetch *fetch, tw_value body, const char *type)
{
    tw_value failure = keep_body(fetch, body);

    if (tw_is_failure(failure))
        return failure;
    if (fetch->headers == NULL)
        fetch->headers = tw_headers_new();
    if (fetch->headers == NULL || (!tw_headers_has(fetch->headers, "Content-Type") &&
                                   tw_headers_add(fetch->headers, "Content-Type", type) < 0))
        return tw_fail_memory();
    return tw_none();
}

static tw_value take_body(struct twi_fetch *fetch)
{
    const struct tw_fetch_options *options = &fetch->options;
    char type[TW_MULTIPART_TYPE_SIZE];

    if ((options->body_source != NULL) + (options->body != NULL) + (options->form != NULL) +
            (options->parts != NULL) >
        1)
        return tw_fail(&tw_error_misuse, "more than one of body, body_source, form, parts");
    if (fetch->has_source && fetch->source.read == NULL)
        return tw_fail(&tw_error_misuse, "a body_source without read()");
    if (options->form != NULL)
        return take_form(fetch, tw_form_encode(options->form),
                         "application/x-www-form-urlencoded");
    if (options->parts != NULL)
        return take_form(fetch, tw_multipart_encode(options->parts, type), type);
    if (options->body != NULL)
        return keep_body(fetch, tw_bytes(options->body, options->body_length));
    return tw_none();
}

static tw_value take_user_agent(struct twi_fetch *fetch)
{
    const char *agent = fetch->options.user_agent;

    fetch->options.user_agent = "tweed/" TW_VERSION;
    if (agent == NULL)
        return tw_none();
    if (!twi_http1_is_value(agent, strlen(agent)))
        return tw_fail(&tw_error_misuse, "a line end in the user agent");
    fetch->options.user_agent = fetch->owned_agent = twi_strdup(agent);
    return fetch->owned_agent == NULL ? tw_fail_memory() : tw_none();
}

static tw_value take_credentials(struct twi_fetch *fetch)
{
    const struct tw_fetch_options *options = &fetch->options;

    if (options->user == NULL)
        return tw_none();
    if (strchr(options->user, ':') != NULL)
        return tw_fail(&tw_error_misuse, "a colon in the user's name");
    fetch->authorization = twi_basic_credentials(
        options->user, options->password != NULL ? options->password : "");
    return fetch->authorization == NULL ? tw_fail_memory() : tw_none();
}

static tw_value take_headers(struct twi_fetch *fetch)
{
    const tw_headers *headers = fetch->options.headers;

    if (headers == NULL || tw_headers_count(headers) == 0)
        return tw_none();
    fetch->headers = tw_headers_copy(headers);
    return fetch->headers == NULL ? tw_fail_memory() : tw_none();
}

static tw_value take_proxy(struct twi_fetch *fetch)
{
    const char *text = fetch->options.proxy, *why;
    int r;

    if (text == NULL || text[0] == '\0')
        return tw_none();
    r = twi_proxy_parse(text, &fetch->proxy, &why);
    if (r == -ENOMEM)
        return tw_fail_memory();
    return r < 0 ? tw_fail(&tw_error_url, "proxy: %s", why) : tw_none();
}

static void take_limits(struct twi_fetch *fetch)
{
    fetch->limits = twi_http1_client_limits;
    if (fetch->options.max_header_bytes > 0)
        fetch->limits.head = fetch->options.max_header_bytes;
    if (fetch->options.max_header_lines > 0)
        fetch->limits.fields = fetch->options.max_header_lines;
}

tw_value twi_fetch_take_options(struct twi_fetch *fetch,
                                const struct tw_fetch_options *options)
{
    static tw_value (*const steps[])(struct twi_fetch *) = {
        take_headers, take_body, take_method, take_user_agent, take_credentials, take_proxy,
    };
    tw_value failure = tw_none();

    if (options != NULL)
        fetch->options = *options;
    if (fetch->options.body_source != NULL) {
        fetch->source = *fetch->options.body_source;
        fetch->has_source = true;
    }
    if (fetch->options.cookies != NULL)
        tw_cookies_ref(fetch->options.cookies);
    if (fetch->options.tls != NULL)
        tw_tls_context_ref(fetch->options.tls);
    if (!is_finite(&fetch->options))
        return tw_fail(&tw_error_misuse, "a time that is not finite");
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && tw_is_none(failure); i++)
        failure = steps[i](fetch);
    defaults(&fetch->options);
    take_limits(fetch);
    if (tw_is_none(failure) && fetch->has_source && fetch->source.length < 0 &&
        fetch->options.http10)
        failure = tw_fail(&tw_error_misuse, "HTTP/1.0 needs the length of the body");
    return failure;
}

void twi_release_source(const struct tw_body_source *source)
{
    if (source != NULL && source->release != NULL)
        source->release(source->arg);
}

void twi_fetch_free_options(struct twi_fetch *fetch)
{
    if (fetch->has_source)
        twi_release_source(&fetch->source);
    if (fetch->options.cookies != NULL)
        tw_cookies_unref(fetch->options.cookies);
    if (fetch->options.tls != NULL)
        tw_tls_context_unref(fetch->options.tls);
    twi_proxy_unref(fetch->proxy);
    tw_headers_free(fetch->headers);
    tw_release(fetch->body);
    twi_free(fetch->authorization);
    twi_free(fetch->owned_method);
    twi_free(fetch->owned_agent);
}
