/*
 * exchange.c - one request on one connection: out goes the head, in come events of the codec.
 *
 * A response that leads elsewhere, or that ends in a failure, is collected as well: it goes with
 * the failure, or stands behind the final one as tw_response_previous().
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <tweed/reactor.h>

#include "web/client/engine.h"
#include "web/http/headers.h"
#include "web/client/redirect.h"
#include "web/client/response.h"

enum {
    DRAINED = 64 << 10, /* of a redirect's body, so that its connection can go on ... */
    DRAIN_SECONDS = 1,  /* ... and how long it may be silent */
    FAILED = 1 << 20,   /* of a body that goes with a failure, when others are streamed */
    SPACE = 32 << 10    /* for decoded pieces */
};

/* --- going out ----------------------------------------------------------------------------- */

void twi_exchange_begin(struct twi_fetch *fetch)
{
    int r = twi_fetch_write_head(fetch);

    if (r < 0) {
        twi_fetch_end(fetch, tw_fail_memory());
        return;
    }
    if (fetch->options.on_request != NULL)
        fetch->options.on_request(fetch->agent->scratch.data, fetch->agent->scratch.length,
                                  fetch->options.stream_arg);
    twi_http1_init_client(&fetch->parser, &fetch->limits);
    twi_http1_begin(&fetch->parser, fetch->method);
    twi_upload_start(fetch);
}

/* --- the response as a value --------------------------------------------------------------- */

static void stamp(const struct twi_fetch *fetch, struct tw_response *response)
{
    response->began = fetch->began;
    response->queued_at = fetch->queued_at;
    response->resolved_at = fetch->resolved_at;
    response->connected_at = fetch->connected_at;
    response->secured_at = fetch->secured_at;
    response->sent_at = fetch->sent_at;
    response->first_byte_at = fetch->first_byte_at;
    response->done_at = twi_loop_now();
}

/* Put in what came, and say whether it is all. */
static void close_response(struct twi_fetch *fetch, bool complete)
{
    struct tw_response *response = fetch->response;

    if (!fetch->streaming) {
        tw_value body = twi_body_take(&fetch->content);
        if (tw_is_failure(body)) {
            tw_release(body);
            body = tw_none();
            complete = false;
        }
        response->body = body;
    }
    response->complete = complete && !fetch->content.clipped;
    response->wire_bytes = fetch->parser.body_bytes;
    stamp(fetch, response);
    response->fetch = NULL;
}

tw_value twi_exchange_response(struct twi_fetch *fetch, bool complete)
{
    struct tw_response *response = fetch->response;

    if (response != NULL) {
        close_response(fetch, complete);
        fetch->response = NULL;
    } else {
        response = fetch->previous;
        fetch->previous = NULL;
    }
    return response == NULL ? tw_none() : twi_response_value(response);
}

/* --- the end of a response ----------------------------------------------------------------- */

/* The connection has done its part; `clean` if nothing is left on it. */
static void give_back(struct twi_fetch *fetch, bool clean)
{
    struct twi_channel *channel = fetch->channel;
    bool reusable = clean && fetch->parser.keep_alive && !fetch->last_use && !fetch->uploading;

    twi_upload_stop(fetch);
    fetch->channel = NULL;
    fetch->host = NULL;
    if (channel == NULL)
        return;
    if (reusable && tw_transport_unsent(channel->protocol.transport) > 0)
        reusable = false;
    twi_pool_release(channel, reusable);
}

static void succeed(struct twi_fetch *fetch, bool complete)
{
    tw_value value = twi_exchange_response(fetch, complete);
    struct tw_response *response = value.as.pointer;

    if (complete && tw_is_none(response->body) && !fetch->streaming) {
        tw_release(value);
        value = tw_fail_memory();
    } else if (fetch->answer != NULL) {
        value = fetch->answer(response);
    }
    twi_fetch_end(fetch, value);
}

/* The whole response is there, or as much as we want of it. */
static void finish(struct twi_fetch *fetch, bool complete)
{
    const struct twi_verdict verdict = fetch->verdict;

    if (fetch->next_url != NULL) {
        close_response(fetch, complete);
        twi_fetch_redirect(fetch);
    } else if (verdict.error_class != NULL) {
        tw_value value = twi_exchange_response(fetch, complete);
        twi_fetch_fail_about(fetch, verdict.error_class, verdict.number, value, verdict.text);
    } else {
        succeed(fetch, complete);
    }
}

void twi_exchange_leave_body(struct twi_fetch *fetch)
{
    give_back(fetch, false);
    finish(fetch, false);
}

static void done(struct twi_fetch *fetch, bool clean)
{
    int r = twi_body_end(&fetch->content);

    give_back(fetch, clean);
    if (r < 0 && fetch->next_url == NULL && fetch->verdict.error_class == NULL)
        twi_fetch_fail(fetch, fetch->content.error.error_class, 0, tw_none(), "%s",
                       fetch->content.error.text);
    else
        finish(fetch, r == 0);
}

/* --- the head of a response ---------------------------------------------------------------- */

static bool cookies_in(struct twi_fetch *fetch, const struct tw_response *response)
{
    const tw_headers *headers = response->headers;
    const char *name, *value;

    if (fetch->options.cookies == NULL || !twi_headers_has(headers, TWI_HEADER_SET_COOKIE))
        return true;
    for (uint32_t i = 0; i < headers->count; i++)
        if (headers->fields[i].id == TWI_HEADER_SET_COOKIE &&
            tw_headers_at(headers, i, &name, &value) &&
            tw_cookies_store(fetch->options.cookies, response->url, value,
                             (double)time(NULL)) == -ENOMEM)
            return false;
    return true;
}

static void judge(struct twi_fetch *fetch, const tw_error_class *error_class, int64_t number,
                  const char *text)
{
    fetch->verdict = (struct twi_verdict){ error_class, number, text };
}

static bool body_goes_along(const struct twi_fetch *fetch, int status)
{
    return fetch->has_source && !fetch->body_dropped &&
           !twi_redirect_to_get(fetch->options.redirects, status, fetch->method);
}

/* Does it lead elsewhere, and may we follow? */
static int look_for_redirect(struct twi_fetch *fetch)
{
    const struct tw_response *response = fetch->response;
    const char *location = twi_headers_value(response->headers, TWI_HEADER_LOCATION);
    const char *why = "";
    int r;

    if (fetch->options.redirects == TW_REDIRECT_NONE || location == NULL ||
        !twi_redirect_is(response->status))
        return 0;
    if (!twi_redirect_allowed(fetch->options.redirects, response->status, fetch->method)) {
        judge(fetch, &tw_error_redirect, response->status, "a redirect that is not safe");
        return 0;
    }
    if (fetch->redirects >= (unsigned)fetch->options.max_redirects) {
        judge(fetch, &tw_error_redirect, response->status, "too many redirects");
        return 0;
    }
    r = twi_redirect_target(response->url, location, &fetch->next_url, &why);
    if (r == -ENOMEM)
        return r;
    if (r < 0) {
        judge(fetch, &tw_error_url, response->status, why);
    } else if (body_goes_along(fetch, response->status) && fetch->source.rewind == NULL) {
        tw_url_free(fetch->next_url);
        fetch->next_url = NULL;
        judge(fetch, &tw_error_redirect, response->status,
              "a redirect needs the body again, which cannot start over");
    }
    return 0;
}

static int make_response(struct twi_fetch *fetch)
{
    struct tw_response *response = twi_response_new();

    if (response == NULL)
        return -ENOMEM;
    fetch->response = response;
    response->headers = twi_http1_take_headers(&fetch->parser);
    response->status = fetch->parser.status;
    response->minor = fetch->parser.minor;
    response->reason = fetch->parser.reason;
    response->redirects = fetch->redirects;
    response->url = fetch->url;
    response->previous = fetch->previous;
    response->fetch = fetch;
    fetch->url = NULL;
    fetch->previous = NULL;
    if (!cookies_in(fetch, response) || look_for_redirect(fetch) < 0)
        return -ENOMEM;
    if (fetch->options.fail_on_error && response->status >= 400)
        judge(fetch, &tw_error_status, response->status, NULL);
    fetch->final = fetch->next_url == NULL && fetch->verdict.error_class == NULL;
    fetch->streaming = fetch->final && fetch->options.on_body != NULL;
    return 0;
}

/* Content codings that are undone no longer stand in the header. */
static int hide_codings(struct tw_response *response, const char *codings, unsigned left)
{
    size_t length = 0;
    char *rest;
    int r;

    if (left == 0) {
        tw_headers_remove(response->headers, "Content-Encoding");
        return 0;
    }
    while (left-- > 0)
        length += strcspn(codings + length, ",") + (left > 0);
    rest = twi_strndup(codings, length);
    if (rest == NULL)
        return -ENOMEM;
    /* Changing the headers may move the text that the reason is part of. */
    response->reason = twi_http1_reason(response->status);
    r = tw_headers_set(response->headers, "Content-Encoding", rest);
    twi_free(rest);
    return r;
}

/* What is collected needs a bound, whatever the limit of a stream is. */
static int64_t most_of_body(const struct twi_fetch *fetch)
{
    int64_t max = fetch->options.max_body;

    if (fetch->next_url != NULL)
        return DRAINED;
    if (fetch->final || fetch->options.on_body == NULL || (max >= 0 && max < FAILED))
        return max;
    return FAILED;
}

static int begin_body(struct twi_fetch *fetch)
{
    struct tw_response *response = fetch->response;
    int64_t max = most_of_body(fetch);
    struct twi_buf codings = { 0 };
    unsigned left = 0;
    int r = 0;

    if (!fetch->options.no_decode && fetch->parser.length != 0 &&
        twi_headers_has(response->headers, TWI_HEADER_CONTENT_ENCODING))
        r = twi_headers_list(response->headers, TWI_HEADER_CONTENT_ENCODING, &codings);
    if (r == 0)
        r = twi_body_begin(&fetch->content, codings.length > 0 ? twi_buf_text(&codings) : NULL,
                           max, fetch->parser.length, !fetch->final, &left);
    else
        fetch->content.error = (struct twi_decode_error){ &tw_error_memory, "out of memory" };
    if (r == 0 && fetch->content.decoder != NULL)
        r = hide_codings(response, codings.data, left);
    twi_buf_free(&codings);
    return r;
}

static void content_failed(struct twi_fetch *fetch)
{
    twi_fetch_fail(fetch, fetch->content.error.error_class, 0, tw_none(), "%s",
                   fetch->content.error.text);
}

static void stopped_by_user(struct twi_fetch *fetch, int error)
{
    twi_fetch_fail(fetch, error == -ECANCELED ? &tw_error_cancelled : &tw_error_system, -error,
                   tw_none(), "given up by the receiver: %s", strerror(-error));
}

static bool tell_headers(struct twi_fetch *fetch)
{
    struct twi_guard guard;
    int r;

    if (!fetch->final || fetch->options.on_headers == NULL)
        return true;
    stamp(fetch, fetch->response);
    twi_guard_enter(fetch, &guard);
    r = fetch->options.on_headers(tw_lend(twi_response_value(fetch->response)),
                                  fetch->options.stream_arg);
    if (!twi_guard_leave(fetch, &guard))
        return false;
    if (r < 0)
        stopped_by_user(fetch, r);
    return r >= 0;
}

/* A redirect whose body is not worth its connection, or a failure that has enough of it. */
static bool not_worth_reading(const struct twi_fetch *fetch)
{
    if (fetch->next_url == NULL)
        return !fetch->final && fetch->content.clipped;
    return fetch->parser.length > DRAINED || fetch->parser.until_close ||
           fetch->parser.body_bytes > DRAINED;
}

/* False when the request or this exchange is over. */
static bool head_came(struct twi_fetch *fetch)
{
    if (make_response(fetch) < 0) {
        twi_fetch_end(fetch, tw_fail_memory());
        return false;
    }
    if (begin_body(fetch) < 0) {
        content_failed(fetch);
        return false;
    }
    if (not_worth_reading(fetch)) {
        twi_exchange_leave_body(fetch);
        return false;
    }
    return tell_headers(fetch);
}

/* --- the body of a response ---------------------------------------------------------------- */

static bool keep_pending(struct twi_fetch *fetch, const char *data, size_t length)
{
    if (twi_buf_append(&fetch->pending, data, length) == 0)
        return true;
    twi_fetch_end(fetch, tw_fail_memory());
    return false;
}

static bool hand_on(struct twi_fetch *fetch, const char *piece, size_t length)
{
    struct twi_guard guard;
    int r;

    twi_guard_enter(fetch, &guard);
    r = fetch->options.on_body(piece, length, fetch->options.stream_arg);
    if (!twi_guard_leave(fetch, &guard))
        return false;
    if (r < 0)
        stopped_by_user(fetch, r);
    return r >= 0;
}

static bool stream(struct twi_fetch *fetch, const char *data, size_t length)
{
    const char *at = data, *end = data + length, *piece;
    tw_agent *agent = fetch->agent;
    int r;

    if (fetch->content.decoder != NULL && agent->space == NULL &&
        (agent->space = twi_malloc(SPACE)) == NULL) {
        twi_fetch_end(fetch, tw_fail_memory());
        return false;
    }
    for (;;) {
        if (fetch->paused)
            return keep_pending(fetch, at, (size_t)(end - at));
        r = twi_body_piece(&fetch->content, &at, end, agent->space, SPACE, &piece, &length);
        if (r == 0)
            return true;
        if (r < 0) {
            content_failed(fetch);
            return false;
        }
        if (!hand_on(fetch, piece, length))
            return false;
    }
}

static bool body_came(struct twi_fetch *fetch, const char *data, size_t length)
{
    if (fetch->streaming)
        return stream(fetch, data, length);
    if (twi_body_add(&fetch->content, data, length) < 0) {
        content_failed(fetch);
        return false;
    }
    if (not_worth_reading(fetch)) {
        twi_exchange_leave_body(fetch);
        return false;
    }
    return true;
}

/* --- bytes that come ----------------------------------------------------------------------- */

static void broken(struct twi_fetch *fetch)
{
    const struct twi_http1_error *error = &fetch->parser.error;

    twi_fetch_fail(fetch, error->error_class, 0, tw_none(), "%s", error->text);
}

static bool stop_for_pause(struct twi_fetch *fetch, const char *at, const char *end)
{
    if (!fetch->paused)
        return false;
    if (at < end && twi_buf_append(&fetch->held, at, (size_t)(end - at)) < 0)
        twi_fetch_end(fetch, tw_fail_memory());
    return true;
}

/* Run the codec over some bytes. False when the request is gone, or this exchange over. */
static bool run(struct twi_fetch *fetch, const char *data, size_t length)
{
    const char *at = data, *end = data + length;

    for (;;) {
        if (stop_for_pause(fetch, at, end))
            return false;
        switch (twi_http1_next(&fetch->parser, &at, end)) {
        case TWI_HTTP1_MORE:
            return true;
        case TWI_HTTP1_HEAD:
            if (!head_came(fetch))
                return false;
            break;
        case TWI_HTTP1_BODY:
            if (!body_came(fetch, fetch->parser.piece, fetch->parser.piece_length))
                return false;
            break;
        case TWI_HTTP1_DONE:
            done(fetch, at == end);
            return false;
        case TWI_HTTP1_ERROR:
            broken(fetch);
            return false;
        }
    }
}

/* From now on the peer may be silent for so long. */
static void expect_more(struct twi_fetch *fetch)
{
    if (fetch->paused)
        twi_fetch_set_phase(fetch, TWI_PHASE_NONE, 0);
    else if (fetch->next_url != NULL)
        twi_fetch_set_phase(fetch, TWI_PHASE_DRAIN, DRAIN_SECONDS);
    else
        twi_fetch_set_phase(fetch, fetch->uploading ? TWI_PHASE_SEND : TWI_PHASE_IDLE,
                            fetch->options.idle_timeout);
}

void twi_exchange_received(struct twi_fetch *fetch, const char *data, size_t length)
{
    if (fetch->first_byte_at == 0)
        fetch->first_byte_at = twi_loop_now();
    if (run(fetch, data, length))
        expect_more(fetch);
}

char *twi_exchange_buffer(struct twi_fetch *fetch, size_t *size)
{
    if (fetch->response == NULL || fetch->streaming || fetch->parser.chunked ||
        fetch->parser.remaining <= 0)
        return NULL;
    return twi_body_place(&fetch->content, fetch->parser.remaining, size);
}

void twi_exchange_filled(struct twi_fetch *fetch, size_t length)
{
    enum twi_http1_event event = twi_http1_received(&fetch->parser, length);

    if (twi_body_placed(&fetch->content, length) < 0)
        content_failed(fetch);
    else if (event == TWI_HTTP1_DONE)
        done(fetch, true);
    else
        expect_more(fetch);
}

/* --- the connection's end ------------------------------------------------------------------ */

/* Section 9.2.2 of RFC 9110: what may be sent twice; and only where the first may never have
 * reached the server, which closed a connection that was used before. */
static bool may_retry(const struct twi_fetch *fetch)
{
    static const char *const methods[] = { "GET", "HEAD", "OPTIONS", "DELETE", "TRACE" };

    if (!fetch->reused || fetch->retried || fetch->agent->closed ||
        twi_http1_started(&fetch->parser) ||
        (!fetch->body_dropped && (fetch->has_source || !tw_is_none(fetch->body))))
        return false;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (strcmp(fetch->method, methods[i]) == 0)
            return true;
    return false;
}

static void cut_short(struct twi_fetch *fetch, tw_value reason)
{
    if (fetch->next_url != NULL) {
        tw_release(reason);
        twi_exchange_leave_body(fetch);
        return;
    }
    if (fetch->response != NULL && fetch->options.accept_partial && fetch->final) {
        tw_release(reason);
        give_back(fetch, false);
        succeed(fetch, false);
        return;
    }
    twi_fetch_fail(fetch, &tw_error_partial, 0, reason,
                   fetch->response == NULL ? "the connection ended inside the head"
                                           : "the connection ended inside the body");
}

static void no_answer(struct twi_fetch *fetch, tw_value reason)
{
    if (may_retry(fetch)) {
        tw_release(reason);
        twi_fetch_retry(fetch);
    } else if (tw_failure_is(reason, &tw_error_connection_done)) {
        twi_fetch_fail(fetch, &tw_error_empty, 0, reason, "no answer before the end");
    } else {
        twi_fetch_fail_with(fetch, reason);
    }
}

static void ended(struct twi_fetch *fetch, tw_value reason)
{
    bool clean = tw_failure_is(reason, &tw_error_connection_done);

    twi_upload_stop(fetch);
    if (tw_failure_is(reason, &tw_error_memory)) {
        twi_fetch_end(fetch, reason);
    } else if (!twi_http1_started(&fetch->parser)) {
        no_answer(fetch, reason);
    } else if (clean && twi_http1_eof(&fetch->parser) == TWI_HTTP1_DONE) {
        tw_release(reason);
        done(fetch, false);
    } else {
        cut_short(fetch, reason);
    }
}

void twi_exchange_lost(struct twi_fetch *fetch, tw_value reason)
{
    if (fetch->stage == TWI_TUNNELLING)
        twi_fetch_fail(fetch, &tw_error_connect, 0, tw_retain(reason),
                       "the proxy closed the connection");
    else if (fetch->paused)
        fetch->lost = tw_retain(reason);
    else
        ended(fetch, tw_retain(reason));
}

/* --- pause and resume ---------------------------------------------------------------------- */

void twi_exchange_pause(struct twi_fetch *fetch)
{
    if (fetch->paused)
        return;
    fetch->paused = true;
    if (fetch->channel != NULL)
        tw_transport_pause(fetch->channel->protocol.transport);
    fetch->phase_at = INT64_MAX;
}

/* What waited goes first, then the transport. */
static void go_on(void *arg)
{
    struct twi_fetch *fetch = arg;
    struct twi_buf pending = fetch->pending, held = fetch->held;
    struct twi_guard guard;
    bool alive;

    fetch->resume_call = 0;
    fetch->paused = false;
    fetch->pending = fetch->held = (struct twi_buf){ 0 };
    twi_guard_enter(fetch, &guard);
    alive = pending.length == 0 || stream(fetch, pending.data, pending.length);
    alive = alive && run(fetch, held.data, held.length);
    alive = twi_guard_leave(fetch, &guard) && alive;
    twi_buf_free(&pending);
    twi_buf_free(&held);
    if (!alive)
        return;
    if (fetch->channel == NULL) {
        tw_value lost = fetch->lost;
        fetch->lost = tw_none();
        ended(fetch, lost);
        return;
    }
    tw_transport_resume(fetch->channel->protocol.transport);
    expect_more(fetch);
}

void twi_exchange_resume(struct twi_fetch *fetch)
{
    int64_t call;

    if (!fetch->paused || fetch->resume_call > 0)
        return;
    /* In a turn of its own: who resumes may stand in the middle of on_body(). */
    call = tw_call_later(0, go_on, fetch);
    if (call < 0)
        twi_fetch_end(fetch, tw_fail_memory());
    else
        fetch->resume_call = call;
}
