/* SPDX-License-Identifier: MIT */
/*
 * client_request.c - a whole request: hops, retries, limits of time, and the one end.
 *
 * Every way out leads through twi_client_request_end(). The user's code may end the request
 * wherever it is called: a guard on the stack tells the caller.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <tweed/reactor.h>

#include "web/client/client_request.h"
#include "web/client/cookies.h"
#include "web/url/url.h"

enum {
    MUCH = 64 << 10,  /* with more unsent bytes the limit for sending runs */
    DRAIN_SECONDS = 1 /* how long a redirect's body may be silent */
};

static const struct twi_exchange_sink request_sink;
static const struct twi_response_source request_source;

static struct twi_client_request *request_of(struct twi_exchange *exchange)
{
    return TWI_CONTAINER(exchange, struct twi_client_request, exchange);
}

/* --- its end from outside ------------------------------------------------------------ */

static int request_cancel(tw_deferred *deferred, void *ctx)
{
    struct twi_client_request *request = ctx;

    (void)deferred;
    if (request->done == NULL)
        return -EALREADY; /* it is ending right now */
    twi_client_request_end(request, tw_fail(&tw_error_cancelled, "the request was cancelled"));
    return 0;
}

static void request_user_ends(struct twi_agent_user *user)
{
    twi_client_request_end(TWI_CONTAINER(user, struct twi_client_request, user),
                           tw_fail(&tw_error_abandoned, "the reactor is gone"));
}

/* --- hops ------------------------------------------------------------------------------ */

/* False when there was no memory for the limit, and the request has ended. */
static bool phase_enter(struct twi_client_request *request, enum twi_phase phase,
                        double seconds)
{
    if (twi_patience_enter(&request->patience, phase, seconds) == 0)
        return true;
    twi_client_request_end_memory(request);
    return false;
}

void twi_client_request_go(struct twi_client_request *request)
{
    struct twi_place *place = &request->place;
    struct twi_target target;
    tw_value failure = twi_hop_choose(&request->hop, request->user.agent);

    if (tw_is_failure(failure)) {
        twi_client_request_fail(request, tw_failure_class(failure), tw_failure_number(failure),
                                tw_retain(tw_failure_cause(failure)), "%s",
                                tw_failure_message(failure));
        tw_release(failure);
        return;
    }
    if (request->cached != NULL && !twi_cached_look(request->cached))
        return;
    twi_patience_rest(&request->patience);
    request->times.first_byte_at = 0;
    place->fresh = request->retried;
    place->careful = !twi_hop_repeatable(&request->hop);
    target = twi_hop_target(&request->hop);
    if (twi_place_ask(place, twi_agent_connections(request->user.agent), &target) < 0)
        twi_client_request_end_memory(request);
}

/* The jar's hook may do anything, so it hears last which cookies had expired. */
static void request_send(struct twi_client_request *request)
{
    struct twi_connection *connection = request->place.connection;
    tw_cookies *jar = tw_cookies_ref(request->order.options.cookies);

    if (connection->ops->start(connection, &request->exchange,
                               twi_hop_message(&request->hop)) < 0)
        twi_client_request_end_memory(request);
    if (jar != NULL) {
        twi_cookies_tell(jar);
        tw_cookies_unref(jar);
    }
}

static void place_given(struct twi_place *place)
{
    struct twi_client_request *request = TWI_CONTAINER(place, struct twi_client_request,
                                                       place);
    const struct twi_dial *dial = &place->dial;
    struct twi_times *times = &request->times;

    times->queued_at = place->queued_at;
    times->resolved_at = place->reused ? 0 : dial->resolved_at;
    times->connected_at = place->reused ? 0 : dial->connected_at;
    times->secured_at = place->reused ? 0 : dial->secured_at;
    if (twi_hop_has_source(&request->hop)) {
        twi_upload_begin(&request->upload, &request->order.source, &request->exchange);
        request->unsent = 0;
        if (!phase_enter(request, TWI_PHASE_SEND, request->order.options.idle_timeout))
            return;
    }
    request_send(request);
}

static void place_refused(struct twi_place *place, tw_value failure)
{
    struct twi_client_request *request = TWI_CONTAINER(place, struct twi_client_request,
                                                       place);

    if (!tw_failure_is(failure, &tw_error_tls) && twi_cached_saves(request->cached))
        tw_release(failure);
    else
        twi_client_request_fail_with(request, failure);
}

/* The source starts over; false when it cannot, and the request has ended. */
static bool source_rewind(struct twi_client_request *request)
{
    const struct tw_body_source *source = &request->order.source;
    struct twi_user_guard guard;
    int r;

    twi_user_guard_enter(request, &guard);
    r = source->rewind(source->arg);
    if (!twi_user_guard_leave(request, &guard))
        return false;
    if (r < 0)
        twi_client_request_fail(request, &tw_error_system, -r, tw_none(),
                                "the body cannot start over: %s", strerror(-r));
    return r >= 0;
}

/* Once more to the same place, on a new connection. */
static void request_retry(struct twi_client_request *request)
{
    request->retried = true;
    twi_client_request_go(request);
}

/* Go on to where `response` (taken) leads. */
static void request_redirect(struct twi_client_request *request, struct tw_response *response)
{
    struct tw_url *url = request->reply.next_url;
    int r;

    request->reply.next_url = NULL;
    r = twi_hop_redirect(&request->hop, response->url, url, response->status);
    request->previous = response;
    request->redirects++;
    request->retried = false;
    twi_reply_free(&request->reply);
    request->reply = (struct twi_reply){ 0 };
    if (request->cached != NULL)
        twi_cached_next(request->cached);
    if (r < 0)
        twi_client_request_end_memory(request);
    else if (!twi_hop_has_source(&request->hop) || source_rewind(request))
        twi_client_request_go(request);
}

/* --- going out ------------------------------------------------------------------------- */

static void head_went_out(struct twi_exchange *exchange, const char *head, size_t length)
{
    struct twi_client_request *request = request_of(exchange);
    const struct tw_fetch_options *options = &request->order.options;
    const union tw_socket_address *peer = &exchange->connection->pooled.address;
    char *url = twi_url_without_credentials(request->hop.url);
    char address[TW_ADDRESS_TEXT_SIZE] = "";

    if (url == NULL) {
        twi_client_request_end_memory(request);
        return;
    }
    if (peer->any.sa_family != AF_UNSPEC)
        tw_address_format(peer, address, sizeof address);
    options->on_request(&(struct tw_outgoing){ .head = head,
                                               .length = length,
                                               .url = url,
                                               .address = address,
                                               .resend = request->retried },
                        options->stream_arg);
    twi_free(url);
}

static void wire_seen(struct twi_exchange *exchange, enum twi_wire what, const char *data,
                      size_t length)
{
    const struct tw_fetch_options *options = &request_of(exchange)->order.options;

    if (what == TWI_WIRE_HEAD && options->on_response_head != NULL)
        options->on_response_head(data, length, options->stream_arg);
    else if (what != TWI_WIRE_HEAD && options->on_wire != NULL)
        options->on_wire(what == TWI_WIRE_SENT       ? TW_WIRE_SENT
                         : what == TWI_WIRE_RECEIVED ? TW_WIRE_RECEIVED
                                                     : TW_WIRE_WHOLE,
                         data, length, options->stream_arg);
}

/* Everything is handed over; now it is the server's turn. */
static void request_was_sent(struct twi_exchange *exchange)
{
    struct twi_client_request *request = request_of(exchange);
    const struct tw_fetch_options *options = &request->order.options;
    struct twi_sending sending = exchange->connection->ops->sending(exchange);

    request->times.sent_at = twi_loop_now();
    request->unsent = sending.unsent;
    if (request->times.first_byte_at != 0)
        return;
    if (sending.shaking_hands)
        phase_enter(request, TWI_PHASE_CONNECT, options->connect_timeout);
    else if (sending.unsent > MUCH)
        phase_enter(request, TWI_PHASE_SEND, options->idle_timeout);
    else
        phase_enter(request, TWI_PHASE_FIRST_BYTE, options->first_byte_timeout);
}

static int64_t source_read(struct twi_exchange *exchange, char *data, size_t size)
{
    struct twi_client_request *request = request_of(exchange);
    const struct tw_body_source *source = &request->order.source;
    size_t want = twi_upload_want(&request->upload, size);
    struct twi_user_guard guard;
    int64_t length;

    if (want == 0)
        return 0;
    twi_user_guard_enter(request, &guard);
    length = source->read(&request->upload, data, want, source->arg);
    if (!twi_user_guard_leave(request, &guard))
        return 0;
    length = twi_upload_took(&request->upload, want, length);
    if (length == -ENODATA)
        twi_client_request_fail(request, &tw_error_misuse, 0, tw_none(),
                                "the body ended before its length");
    else if (length < 0 && length != -EAGAIN)
        twi_client_request_fail(request, &tw_error_system, -length, tw_none(),
                                "the body cannot be read: %s", strerror((int)-length));
    return length;
}

/* --- the end of a response ------------------------------------------------------------- */

static void request_succeed(struct twi_client_request *request, bool complete)
{
    bool streaming = request->reply.streaming;
    struct tw_response *response = twi_client_request_take_response(request, complete);
    tw_value value = twi_response_value(response);

    if (complete && tw_is_none(response->body) && !streaming) {
        tw_release(value);
        value = tw_fail_memory();
    } else if (request->answer != NULL) {
        value = request->answer(response);
    }
    twi_client_request_end(request, value);
}

/* The whole response has come, or as much of it as we want. */
static void request_finish(struct twi_client_request *request, bool complete)
{
    if (request->reply.next_url != NULL)
        request_redirect(request, twi_client_request_take_response(request, complete));
    else if (request->reply.verdict.error_class != NULL)
        twi_client_request_fail_judged(request, complete);
    else
        request_succeed(request, complete);
}

/* Leave the rest of the body of a redirect or a failure. */
static void body_leave(struct twi_client_request *request)
{
    twi_exchange_cancel(&request->exchange);
    twi_place_leave(&request->place, false);
    request_finish(request, false);
}

static void answer_whole(struct twi_client_request *request)
{
    struct twi_reply *reply = &request->reply;
    int r = twi_body_end(&reply->content);

    if (r < 0 && reply->next_url == NULL && reply->verdict.error_class == NULL)
        twi_client_request_fail_content(request);
    else
        request_finish(request, r == 0);
}

static void answer_cut(struct twi_client_request *request, tw_value reason)
{
    const struct twi_reply *reply = &request->reply;

    if (reply->next_url != NULL)
        body_leave(request);
    else if (reply->response != NULL && reply->final && request->order.options.accept_partial)
        request_succeed(request, false);
    else
        twi_client_request_fail(request, &tw_error_partial, 0, tw_retain(reason),
                                reply->response == NULL
                                    ? "the connection ended inside the head"
                                    : "the connection ended inside the body");
}

/* Retry only where the request may never have reached the server: on a connection that was used
 * before, and that the server closed. */
static void answer_missing(struct twi_client_request *request, tw_value reason)
{
    if (request->place.reused && !request->retried && twi_hop_repeatable(&request->hop))
        request_retry(request);
    else if (!tw_failure_is(reason, &tw_error_tls) && twi_cached_saves(request->cached))
        return;
    else if (tw_failure_is(reason, &tw_error_connection_done))
        twi_client_request_fail(request, &tw_error_empty, 0, tw_retain(reason),
                                "no answer before the end");
    else
        twi_client_request_fail_with(request, tw_retain(reason));
}

/* No byte has left: any request may go out again. */
static void answer_unasked(struct twi_client_request *request)
{
    if (!twi_hop_has_source(&request->hop) || !request->upload.asked) {
        request_retry(request);
    } else if (request->order.source.rewind == NULL) {
        twi_client_request_fail(
            request, &tw_error_connection_lost, 0, tw_none(),
            "the connection ended before the body, which cannot start over");
    } else if (source_rewind(request)) {
        request_retry(request);
    }
}

static void answer_failed(struct twi_client_request *request,
                          const struct twi_exchange_failure *failure)
{
    if (tw_failure_is(failure->reason, &tw_error_memory)) {
        twi_client_request_end_memory(request);
        return;
    }
    switch (failure->end) {
    case TWI_EXCHANGE_UNSENT:
        answer_unasked(request);
        break;
    case TWI_EXCHANGE_UNANSWERED:
        answer_missing(request, failure->reason);
        break;
    case TWI_EXCHANGE_CUT:
        answer_cut(request, failure->reason);
        break;
    case TWI_EXCHANGE_BROKEN:
        twi_client_request_fail(request, failure->error_class, 0, tw_none(), "%s",
                                failure->text);
        break;
    }
}

static void exchange_done(struct twi_exchange *exchange)
{
    struct twi_client_request *request = request_of(exchange);

    twi_place_leave(&request->place, false);
    if (request->paused)
        request->ending = (struct twi_client_ending){ .came = true, .whole = true };
    else
        answer_whole(request);
}

static void exchange_failed(struct twi_exchange *exchange,
                            const struct twi_exchange_failure *failure)
{
    struct twi_client_request *request = request_of(exchange);

    twi_place_leave(&request->place, true);
    if (!request->paused) {
        answer_failed(request, failure);
        return;
    }
    request->ending = (struct twi_client_ending){ .came = true, .failure = *failure };
    request->ending.failure.reason = tw_retain(failure->reason);
}

/* --- what comes ------------------------------------------------------------------------ */

static void answer_began(struct twi_exchange *exchange)
{
    request_of(exchange)->times.first_byte_at = twi_loop_now();
}

/* Tell of the cookies that came; false when the jar's hook has ended the request. */
static bool cookies_tell(struct twi_client_request *request)
{
    tw_cookies *jar = request->order.options.cookies;
    struct twi_user_guard guard;

    if (jar == NULL || !twi_cookies_have_news(jar))
        return true;
    twi_user_guard_enter(request, &guard);
    twi_cookies_tell(jar);
    return twi_user_guard_leave(request, &guard);
}

static void request_head_came(struct twi_exchange *exchange, const struct twi_answer *answer)
{
    struct twi_client_request *request = request_of(exchange);
    int r = twi_reply_begin(&request->reply, &request->hop, answer, request->redirects,
                            &request->previous);

    if (request->reply.response != NULL) {
        request->reply.response->source = &request_source;
        request->reply.response->source_arg = request;
        request->reply.response->address = exchange->connection->pooled.address;
    }
    if (!cookies_tell(request))
        return;
    if (r == -ENOMEM)
        twi_client_request_end_memory(request);
    else if (r < 0)
        twi_client_request_fail_content(request);
    else if (twi_reply_not_worth_reading(&request->reply))
        body_leave(request);
    else
        twi_client_request_tell_headers(request);
}

static void request_body_came(struct twi_exchange *exchange, const char *data, size_t length)
{
    struct twi_client_request *request = request_of(exchange);
    struct twi_reply *reply = &request->reply;

    reply->response->wire_bytes += length;
    if (reply->streaming)
        (void)twi_client_request_stream(request, data, length);
    else if (twi_body_add(&reply->content, data, length) < 0)
        twi_client_request_fail_content(request);
    else if (twi_reply_not_worth_reading(reply))
        body_leave(request);
}

static char *body_place(struct twi_exchange *exchange, int64_t most, size_t *ret_size)
{
    struct twi_reply *reply = &request_of(exchange)->reply;

    if (reply->response == NULL || reply->streaming)
        return NULL;
    return twi_body_place(&reply->content, most, ret_size);
}

static void body_placed(struct twi_exchange *exchange, size_t length)
{
    struct twi_client_request *request = request_of(exchange);

    request->reply.response->wire_bytes += length;
    if (twi_body_placed(&request->reply.content, length) < 0)
        twi_client_request_fail_content(request);
}

static bool still_sending(struct twi_client_request *request)
{
    struct twi_exchange *exchange = &request->exchange;

    return twi_hop_has_source(&request->hop) && exchange->connection != NULL &&
           exchange->connection->ops->sending(exchange).more;
}

/* From now on the limit for a silent peer runs. */
static void answer_moved(struct twi_exchange *exchange)
{
    struct twi_client_request *request = request_of(exchange);

    if (request->paused)
        twi_patience_rest(&request->patience);
    else if (request->reply.next_url != NULL)
        phase_enter(request, TWI_PHASE_DRAIN, DRAIN_SECONDS);
    else
        phase_enter(request, still_sending(request) ? TWI_PHASE_SEND : TWI_PHASE_IDLE,
                    request->order.options.idle_timeout);
}

static const struct twi_exchange_sink request_sink = {
    .went_out = head_went_out,
    .wire = wire_seen,
    .read = source_read,
    .sent = request_was_sent,
    .began = answer_began,
    .head = request_head_came,
    .body = request_body_came,
    .place = body_place,
    .placed = body_placed,
    .moved = answer_moved,
    .done = exchange_done,
    .failed = exchange_failed,
};

/* The same, with the cache in between. */
static const struct twi_exchange_sink cached_sink = {
    .went_out = head_went_out,
    .wire = wire_seen,
    .read = source_read,
    .sent = request_was_sent,
    .began = answer_began,
    .head = twi_cached_head,
    .body = twi_cached_body,
    .place = twi_cached_place,
    .placed = twi_cached_placed,
    .moved = answer_moved,
    .done = twi_cached_done,
    .failed = twi_cached_failed,
};

/* --- pause and resume ------------------------------------------------------------------ */

static void response_paused(void *arg)
{
    struct twi_client_request *request = arg;

    if (request->paused)
        return;
    request->paused = true;
    twi_exchange_pause(&request->exchange);
    twi_patience_rest(&request->patience);
}

static void ending_tell(struct twi_client_request *request)
{
    struct twi_client_ending ending = request->ending;

    request->ending = (struct twi_client_ending){ 0 };
    if (ending.whole)
        answer_whole(request);
    else
        answer_failed(request, &ending.failure);
    tw_release(ending.failure.reason);
}

/* Bytes that waited are delivered first, then the connection resumes. */
static void request_go_on(void *arg)
{
    struct twi_client_request *request = arg;
    struct twi_exchange *exchange = &request->exchange;
    struct twi_buf pending = request->pending;
    bool alive;

    request->resume_call = 0;
    request->paused = false;
    request->pending = (struct twi_buf){ 0 };
    alive = pending.length == 0 ||
            twi_client_request_stream(request, pending.data, pending.length);
    twi_buf_free(&pending);
    if (!alive || request->paused)
        return;
    if (request->ending.came)
        ending_tell(request);
    else if (exchange->connection != NULL)
        exchange->connection->ops->resume(exchange);
}

static void response_resumed(void *arg)
{
    struct twi_client_request *request = arg;
    int64_t call;

    if (!request->paused || request->resume_call > 0)
        return;
    /* In a turn of its own: the caller may be in the middle of on_body(). */
    call = tw_call_later(0, request_go_on, request);
    if (call < 0)
        twi_client_request_end_memory(request);
    else
        request->resume_call = call;
}

static const struct twi_response_source request_source = { response_paused, response_resumed };

/* --- limits of time -------------------------------------------------------------------- */

static void request_time_out(struct twi_client_request *request)
{
    const struct tw_fetch_options *options = &request->order.options;

    if (twi_cached_saves(request->cached))
        return;
    if (request->patience.phase == TWI_PHASE_CONNECT)
        twi_client_request_fail(request, &tw_error_connect_timeout, 0, tw_none(),
                                "not connected within %g s", options->connect_timeout);
    else if (request->patience.phase == TWI_PHASE_FIRST_BYTE)
        twi_client_request_fail(request, &tw_error_timeout, 0, tw_none(),
                                "no answer within %g s", options->first_byte_timeout);
    else
        twi_client_request_fail(request, &tw_error_timeout, 0, tw_none(),
                                "nothing moved for %g s", options->idle_timeout);
}

/* True if bytes have left since the last look, or the handshake goes on; no event tells of
 * these. */
static bool sending_goes_on(struct twi_client_request *request)
{
    const struct tw_fetch_options *options = &request->order.options;
    struct twi_exchange *exchange = &request->exchange;
    enum twi_phase phase = request->patience.phase;
    struct twi_sending sending;

    if (exchange->connection == NULL ||
        (phase != TWI_PHASE_SEND && phase != TWI_PHASE_CONNECT))
        return false;
    sending = exchange->connection->ops->sending(exchange);
    if (phase == TWI_PHASE_CONNECT ? !sending.shaking_hands
                                   : !sending.more && sending.unsent == 0) {
        phase_enter(request, TWI_PHASE_FIRST_BYTE, options->first_byte_timeout);
        return true;
    }
    if (phase == TWI_PHASE_CONNECT || sending.unsent == request->unsent)
        return false;
    request->unsent = sending.unsent;
    phase_enter(request, TWI_PHASE_SEND, options->idle_timeout);
    return true;
}

static void patience_over(struct twi_patience *patience, enum twi_patience_over over)
{
    struct twi_client_request *request = TWI_CONTAINER(patience, struct twi_client_request,
                                                       patience);

    if (over == TWI_OVER_MEMORY)
        twi_client_request_end_memory(request);
    else if (over == TWI_OVER_TOTAL)
        twi_client_request_fail(request, &tw_error_timeout, 0, tw_none(),
                                "not done within %g s", request->order.options.timeout);
    else if (patience->phase == TWI_PHASE_DRAIN)
        body_leave(request);
    else if (!sending_goes_on(request))
        request_time_out(request);
}

/* --- the beginning --------------------------------------------------------------------- */

static tw_value url_take(struct twi_client_request *request, const char *text)
{
    const struct tw_field *params = request->order.options.params;
    struct tw_url *url = NULL;
    const char *why = "there is none";
    tw_value with_params = tw_none();
    int r;

    if (text != NULL && params != NULL) {
        with_params = tw_form_url(text, params);
        if (tw_is_failure(with_params))
            return with_params;
        text = tw_bytes_data(with_params);
    }
    r = text == NULL ? -EINVAL : twi_url_parse_request(text, &url, &why);
    tw_release(with_params);
    if (r == 0)
        r = twi_hop_begin(&request->hop, &request->order, url);
    if (r == -ENOMEM)
        return tw_fail_memory();
    return r < 0 ? tw_fail(&tw_error_url, "%s", why) : tw_none();
}

static tw_value request_prepare(struct twi_client_request *request, tw_agent *agent,
                                const char *url, const struct tw_fetch_options *options)
{
    tw_value failure = twi_order_take(&request->order, options);

    if (!tw_is_failure(failure))
        failure = url_take(request, url);
    if (!tw_is_failure(failure) &&
        twi_agent_enter(&request->user, agent, request_user_ends) < 0)
        failure = tw_fail(&tw_error_abandoned, "the reactor is gone");
    return failure;
}

static void request_begin(struct twi_client_request *request)
{
    const struct tw_fetch_options *options = &request->order.options;
    struct twi_dial *dial = &request->place.dial;

    dial->where = request->where;
    dial->user_agent = options->user_agent;
    dial->timeout = options->connect_timeout;
    if (!twi_cached_new(request, &request_sink)) {
        twi_client_request_end_memory(request);
        return;
    }
    request->exchange.sink = request->cached != NULL ? &cached_sink : &request_sink;
    request->exchange.tell_head = options->on_request != NULL;
    request->exchange.tell_wire = options->on_response_head != NULL ||
                                  options->on_wire != NULL;
    if (twi_patience_begin(&request->patience, twi_agent_deadlines(request->user.agent),
                           options->timeout, patience_over) < 0)
        twi_client_request_end_memory(request);
    else
        twi_client_request_go(request);
}

/* `proxy`: in place of the options' text; NULL: as they say. */
static tw_deferred *request_launch(const char *where, tw_agent *agent, const char *url,
                                   const struct tw_fetch_options *options,
                                   struct twi_proxy *proxy,
                                   tw_value (*answer)(struct tw_response *response))
{
    struct twi_client_request *request = agent == NULL ? NULL : twi_client_request_new();
    tw_deferred *deferred;
    tw_value failure;

    if (request == NULL) {
        twi_body_source_release(options != NULL ? options->body_source : NULL);
        return NULL;
    }
    twi_agent_check_thread(agent, "tw_agent_request");
    request->where = where;
    request->answer = answer;
    request->place.given = place_given;
    request->place.refused = place_refused;
    failure = request_prepare(request, agent, url, options);
    if (proxy != NULL)
        request->order.proxy = twi_proxy_ref(proxy);
    if (tw_is_failure(failure)) {
        twi_client_request_free(request);
        return tw_fired_at(where, failure);
    }
    deferred = tw_promise_at(where, &request->done, request_cancel, request, NULL);
    if (deferred == NULL) {
        twi_agent_leave(&request->user);
        twi_client_request_free(request);
        tw_agent_unref(agent);
        return NULL;
    }
    request_begin(request);
    return deferred;
}

tw_deferred *twi_client_request_start(const char *where, tw_agent *agent, const char *url,
                                      const struct tw_fetch_options *options,
                                      tw_value (*answer)(struct tw_response *response))
{
    return request_launch(where, agent, url, options, NULL, answer);
}

tw_deferred *twi_client_request_like(const struct twi_client_request *request,
                                     const struct tw_fetch_options *options)
{
    return request_launch(TW_HERE, request->user.agent, request->hop.url->href, options,
                          request->order.proxy, NULL);
}

tw_deferred *tw_agent_request_at(const char *where, tw_agent *agent, const char *url,
                                 const struct tw_fetch_options *options)
{
    return twi_client_request_start(where, agent, url, options, NULL);
}
