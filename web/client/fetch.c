/*
 * fetch.c - a whole request: hops, limits of time, and the one end.
 *
 * Every way out leads through twi_fetch_end(), which fires the Deferred last of all.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <tweed/reactor.h>
#include <tweed/resolver.h>

#include "base/slab.h"
#include "web/client/engine.h"
#include "web/http/headers.h"
#include "web/url/private_address.h"
#include "web/client/redirect.h"
#include "web/client/response.h"
#include "web/url/url.h"

static _Thread_local struct twi_slab fetches = TWI_SLAB(struct twi_fetch);

/* --- the end ------------------------------------------------------------------------------- */

static void fetch_free(struct twi_fetch *fetch)
{
    for (struct twi_guard *guard = fetch->guards; guard != NULL; guard = guard->outer)
        guard->gone = true;
    if (fetch->response != NULL)
        fetch->response->fetch = NULL;
    twi_response_unref(fetch->response);
    twi_response_unref(fetch->previous);
    twi_fetch_free_options(fetch);
    twi_http1_free(&fetch->parser);
    twi_body_free(&fetch->content);
    twi_buf_free(&fetch->pending);
    twi_buf_free(&fetch->held);
    tw_release(fetch->lost);
    tw_url_free(fetch->next_url);
    tw_url_free(fetch->url);
    twi_slab_free(&fetches, fetch);
}

/* Let go of the connection, or of the place in the line. */
static void detach(struct twi_fetch *fetch)
{
    struct twi_channel *channel = fetch->channel;

    if (fetch->resume_call > 0)
        tw_call_cancel(fetch->resume_call);
    twi_upload_stop(fetch);
    if (fetch->connecting != NULL) {
        twi_channel_stop(fetch);
    } else if (channel != NULL) {
        fetch->channel = NULL;
        channel->fetch = NULL;
        twi_tunnel_free(channel->tunnel);
        channel->tunnel = NULL;
        twi_channel_close(channel, true);
    } else {
        twi_pool_leave(fetch);
    }
}

void twi_fetch_end(struct twi_fetch *fetch, tw_value result)
{
    tw_deferred *done = fetch->done;
    tw_agent *agent = fetch->agent;

    fetch->done = NULL;
    twi_list_remove(&fetch->node);
    twi_deadline_clear(&agent->deadlines, &fetch->deadline);
    detach(fetch);
    fetch_free(fetch);
    tw_fire(&done, result);
    tw_agent_unref(agent);
}

static int fetch_cancel(tw_deferred *deferred, void *ctx)
{
    struct twi_fetch *fetch = ctx;

    (void)deferred;
    if (fetch->done == NULL)
        return -EALREADY; /* it is ending right now */
    twi_fetch_end(fetch, tw_fail(&tw_error_cancelled, "the request was cancelled"));
    return 0;
}

void twi_fetch_fail_with(struct twi_fetch *fetch, tw_value failure)
{
    struct tw_failure_fields fields = {
        .error_class = tw_failure_class(failure),
        .message = tw_failure_message(failure),
        .where = fetch->where,
        .number = tw_failure_number(failure),
        .cause = failure,
    };

    if (fetch->response == NULL && fetch->previous == NULL) {
        twi_fetch_end(fetch, failure);
        return;
    }
    fields.value = twi_exchange_response(fetch, false);
    twi_fetch_end(fetch, tw_fail_with(&fields));
}

void twi_fetch_fail(struct twi_fetch *fetch, const tw_error_class *error_class, int64_t number,
                    tw_value cause, const char *format, ...)
{
    char message[256];
    struct tw_failure_fields fields = {
        .error_class = error_class,
        .message = message,
        .where = fetch->where,
        .number = number,
        .cause = cause,
    };
    va_list args;

    if (error_class == &tw_error_memory) {
        tw_release(cause);
        twi_fetch_end(fetch, tw_fail_memory());
        return;
    }
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    fields.value = twi_exchange_response(fetch, false);
    twi_fetch_end(fetch, tw_fail_with(&fields));
}

void twi_fetch_fail_about(struct twi_fetch *fetch, const tw_error_class *error_class,
                          int64_t number, tw_value value, const char *text)
{
    char message[256];
    struct tw_failure_fields fields = {
        .error_class = error_class,
        .message = text != NULL ? text : message,
        .where = fetch->where,
        .number = number,
        .value = value,
    };

    snprintf(message, sizeof message, "%d %.100s", tw_response_status(value),
             tw_response_reason(value));
    twi_fetch_end(fetch, tw_fail_with(&fields));
}

/* --- limits of time ------------------------------------------------------------------------ */

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t after(double seconds)
{
    int64_t ns;

    if (seconds <= 0 || twi_seconds_to_ns(seconds, &ns) < 0)
        return INT64_MAX;
    return __builtin_add_overflow(ns, twi_loop_now(), &ns) ? INT64_MAX : ns;
}

/* A deadline that moves later only leaves word; the alarm finds it. */
static bool keep_deadline(struct twi_fetch *fetch)
{
    int64_t at = sooner(fetch->total_at, fetch->phase_at);

    if (at == INT64_MAX ||
        (twi_heap_has(&fetch->deadline.node) && fetch->deadline.node.key <= at))
        return true;
    if (twi_deadline_set(&fetch->agent->deadlines, &fetch->deadline, at) == 0)
        return true;
    twi_fetch_end(fetch, tw_fail_memory());
    return false;
}

bool twi_fetch_set_phase(struct twi_fetch *fetch, enum twi_phase phase, double seconds)
{
    fetch->phase = phase;
    fetch->phase_at = after(seconds);
    if (phase == TWI_PHASE_SEND && fetch->channel != NULL)
        fetch->unsent = tw_transport_unsent(fetch->channel->protocol.transport);
    return keep_deadline(fetch);
}

/* Some of the body has gone out since we last looked. */
static bool sending_goes_on(struct twi_fetch *fetch)
{
    size_t unsent;

    if (fetch->phase != TWI_PHASE_SEND || fetch->channel == NULL)
        return false;
    unsent = tw_transport_unsent(fetch->channel->protocol.transport);
    if (!fetch->uploading && unsent == 0) {
        twi_fetch_set_phase(fetch, TWI_PHASE_FIRST_BYTE, fetch->options.first_byte_timeout);
        return true;
    }
    if (unsent == fetch->unsent)
        return false;
    twi_fetch_set_phase(fetch, TWI_PHASE_SEND, fetch->options.idle_timeout);
    return true;
}

/* Hands were shaken inside the tunnel without anybody being told. */
static bool connected_meanwhile(struct twi_fetch *fetch)
{
    if (fetch->phase != TWI_PHASE_CONNECT || fetch->stage != TWI_EXCHANGING ||
        fetch->channel == NULL ||
        tw_transport_tls_version(fetch->channel->protocol.transport) == NULL)
        return false;
    twi_fetch_set_phase(fetch, TWI_PHASE_FIRST_BYTE, fetch->options.first_byte_timeout);
    return true;
}

static void time_is_out(struct twi_fetch *fetch, bool total)
{
    const struct tw_fetch_options *options = &fetch->options;

    if (total)
        twi_fetch_fail(fetch, &tw_error_timeout, 0, tw_none(), "not done within %g s",
                       options->timeout);
    else if (fetch->phase == TWI_PHASE_CONNECT)
        twi_fetch_fail(fetch, &tw_error_connect_timeout, 0, tw_none(),
                       "not connected within %g s", options->connect_timeout);
    else if (fetch->phase == TWI_PHASE_FIRST_BYTE)
        twi_fetch_fail(fetch, &tw_error_timeout, 0, tw_none(), "no answer within %g s",
                       options->first_byte_timeout);
    else
        twi_fetch_fail(fetch, &tw_error_timeout, 0, tw_none(), "nothing moved for %g s",
                       options->idle_timeout);
}

static void deadline_passed(struct twi_deadline *deadline)
{
    struct twi_fetch *fetch = TWI_CONTAINER(deadline, struct twi_fetch, deadline);
    int64_t now = twi_loop_now();

    if (now >= fetch->total_at)
        time_is_out(fetch, true);
    else if (now < fetch->phase_at)
        keep_deadline(fetch);
    else if (fetch->phase == TWI_PHASE_DRAIN)
        twi_exchange_leave_body(fetch);
    else if (!connected_meanwhile(fetch) && !sending_goes_on(fetch))
        time_is_out(fetch, false);
}

/* --- hops ---------------------------------------------------------------------------------- */

static bool choose_proxy(struct twi_fetch *fetch)
{
    const tw_agent *agent = fetch->agent;
    bool secure = strcmp(fetch->url->protocol, "https:") == 0;
    const char *fault = NULL;

    fetch->hop_proxy = secure ? agent->https_proxy : agent->http_proxy;
    if (fetch->options.proxy != NULL)
        fetch->hop_proxy = fetch->proxy;
    else if (fetch->hop_proxy == NULL)
        fault = agent->proxy_fault;
    if ((fetch->hop_proxy != NULL || fault != NULL) && agent->no_proxy != NULL &&
        twi_no_proxy_has(agent->no_proxy, fetch->url->hostname)) {
        fetch->hop_proxy = NULL;
        fault = NULL;
    }
    if (fault != NULL)
        twi_fetch_fail(fetch, &tw_error_url, 0, tw_none(), "the environment's proxy: %s",
                       fault);
    return fault == NULL;
}

/* The context to trust by; one for the whole thread unless somebody gave another. */
static tw_value trusted(tw_agent *agent, tw_tls_context *given, tw_tls_context **ret_context)
{
    tw_value failure;

    *ret_context = given != NULL ? given : agent->tls;
    if (*ret_context != NULL)
        return tw_none();
    failure = tw_tls_client_context(NULL, NULL, false, ret_context);
    if (!tw_is_failure(failure))
        agent->tls = tw_tls_context_ref(*ret_context);
    return failure;
}

static bool choose_trust(struct twi_fetch *fetch)
{
    tw_value failure = tw_none();

    fetch->hop_context = fetch->hop_proxy_context = NULL;
    if (strcmp(fetch->url->protocol, "https:") == 0)
        failure = trusted(fetch->agent, fetch->options.tls, &fetch->hop_context);
    if (!tw_is_failure(failure) && fetch->hop_proxy != NULL &&
        fetch->hop_proxy->kind == TWI_PROXY_HTTPS)
        failure = trusted(fetch->agent, NULL, &fetch->hop_proxy_context);
    if (tw_is_failure(failure)) {
        twi_fetch_fail_with(fetch, failure);
        return false;
    }
    return true;
}

/* An address in the URL, which a proxy would connect to for us. Names are looked at when they
 * have been resolved. */
static bool may_go_there(struct twi_fetch *fetch)
{
    const char *host = fetch->url->hostname;
    union tw_socket_address address;

    if (!fetch->agent->refuse_private || tw_address_parse(host, 0, &address) < 0 ||
        !twi_address_is_private(&address.any))
        return true;
    twi_fetch_fail(fetch, &tw_error_connect, 0, tw_none(), "%s is a private address", host);
    return false;
}

static void hop_start(struct twi_fetch *fetch)
{
    fetch->phase = TWI_PHASE_NONE;
    fetch->phase_at = INT64_MAX;
    fetch->resolved_at = fetch->connected_at = fetch->secured_at = 0;
    fetch->first_byte_at = 0;
    fetch->stage = TWI_WAITING;
    if (!may_go_there(fetch) || !choose_proxy(fetch) || !choose_trust(fetch))
        return;
    if (twi_pool_join(fetch) < 0)
        twi_fetch_end(fetch, tw_fail_memory());
}

void twi_fetch_connected(struct twi_fetch *fetch)
{
    tw_agent *agent = fetch->agent;

    fetch->stage = TWI_EXCHANGING;
    fetch->channel->uses++;
    agent->sent++;
    agent->reused += fetch->reused;
    twi_exchange_begin(fetch);
}

void twi_fetch_retry(struct twi_fetch *fetch)
{
    twi_http1_free(&fetch->parser);
    fetch->retried = true;
    hop_start(fetch);
}

/* --- redirects ----------------------------------------------------------------------------- */

static void drop_fields(tw_headers *headers, bool (*unwanted)(const char *name))
{
    const char *name, *value;
    size_t i = 0;

    while (headers != NULL && tw_headers_at(headers, i, &name, &value)) {
        if (unwanted(name)) {
            tw_headers_remove(headers, name);
            i = 0;
        } else {
            i++;
        }
    }
}

/* What was set by hand for the first origin goes nowhere else, and does not come back. */
static void drop_secrets(struct twi_fetch *fetch)
{
    drop_fields(fetch->headers, twi_redirect_secret);
    twi_free(fetch->authorization);
    fetch->authorization = NULL;
}

void twi_fetch_redirect(struct twi_fetch *fetch)
{
    struct tw_response *response = fetch->response;

    if (twi_redirect_to_get(fetch->options.redirects, response->status, fetch->method)) {
        fetch->method = "GET";
        fetch->body_dropped = true;
        drop_fields(fetch->headers, twi_redirect_describes_body);
    }
    if (!tw_url_same_origin(response->url, fetch->next_url))
        drop_secrets(fetch);
    fetch->previous = response;
    fetch->response = NULL;
    fetch->url = fetch->next_url;
    fetch->next_url = NULL;
    fetch->redirects++;
    fetch->retried = fetch->final = false;
    twi_http1_free(&fetch->parser);
    twi_body_free(&fetch->content);
    if (twi_upload_rewind(fetch))
        hop_start(fetch);
}

/* --- the beginning ------------------------------------------------------------------------- */

static tw_value take_url(struct twi_fetch *fetch, const char *text)
{
    const char *why = "there is none";
    tw_value with_params = tw_none();
    int r;

    if (text != NULL && fetch->options.params != NULL) {
        with_params = tw_form_url(text, fetch->options.params);
        if (tw_is_failure(with_params))
            return with_params;
        text = tw_bytes_data(with_params);
    }
    r = text == NULL ? -EINVAL : twi_url_parse_request(text, &fetch->url, &why);
    tw_release(with_params);
    if (r == -ENOMEM)
        return tw_fail_memory();
    return r < 0 ? tw_fail(&tw_error_url, "%s", why) : tw_none();
}

static struct twi_fetch *fetch_new(tw_agent *agent)
{
    struct twi_fetch *fetch = twi_slab_alloc(&fetches);

    if (fetch == NULL)
        return NULL;
    memset(fetch, 0, sizeof *fetch);
    fetch->agent = agent;
    fetch->deadline.passed = deadline_passed;
    fetch->began = twi_loop_now();
    fetch->phase_at = INT64_MAX;
    twi_list_init(&fetch->node);
    twi_list_init(&fetch->waiter);
    return fetch;
}

tw_deferred *twi_fetch_start(const char *where, tw_agent *agent, const char *url,
                             const struct tw_fetch_options *options,
                             tw_value (*answer)(struct tw_response *response))
{
    struct twi_fetch *fetch = agent == NULL ? NULL : fetch_new(agent);
    tw_deferred *deferred;
    tw_value failure;

#if TWI_DEBUG
    if (agent != NULL)
        twi_assert_thread(agent->thread, "tw_agent_request");
#endif
    if (fetch == NULL) {
        twi_release_source(options != NULL ? options->body_source : NULL);
        return NULL;
    }
    fetch->where = where;
    fetch->answer = answer;
    failure = twi_fetch_take_options(fetch, options);
    if (!tw_is_failure(failure))
        failure = take_url(fetch, url);
    if (!tw_is_failure(failure) && agent->closed)
        failure = tw_fail(&tw_error_abandoned, "the reactor is gone");
    if (tw_is_failure(failure)) {
        fetch_free(fetch);
        return tw_fired_at(where, failure);
    }
    deferred = tw_promise_at(where, &fetch->done, fetch_cancel, fetch, NULL);
    if (deferred == NULL) {
        fetch_free(fetch);
        return NULL;
    }
    tw_agent_ref(agent);
    twi_list_append(&agent->requests, &fetch->node);
    fetch->total_at = after(fetch->options.timeout);
    if (keep_deadline(fetch))
        hop_start(fetch);
    return deferred;
}

tw_deferred *tw_agent_request_at(const char *where, tw_agent *agent, const char *url,
                                 const struct tw_fetch_options *options)
{
    return twi_fetch_start(where, agent, url, options, NULL);
}
