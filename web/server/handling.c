/* SPDX-License-Identifier: MIT */
/*
 * handling.c - calls the handler of a request, and does as its result says.
 *
 * A request lives until it is finished, its handler has returned and the Deferred that the
 * handler waits for has fired, even if the client goes meanwhile.
 */
#include "config.h"

#include "web/http/headers.h"
#include "web/server/error_page.h"
#include "web/server/handling.h"

static tw_value handler_fired(tw_value result, void *arg);

/* The whole answer in a value of bytes. */
static void send_bytes(tw_request *request, tw_value bytes)
{
    struct twi_answer *answer = &request->answer;

    if (answer->fields == NULL || !twi_headers_has(answer->fields, TWI_HEADER_CONTENT_TYPE))
        answer->content_type = "text/html; charset=utf-8";
    twi_answer_body(request, tw_retain(bytes));
    twi_answer_finished(request);
}

/* Do as the handler's result says; takes it. */
static void handler_settle(tw_request *request, tw_value result)
{
    tw_value failure = tw_none();

    if (tw_is(result, &tw_type_deferred)) {
        result = tw_take(result);
        request->pending = result.as.pointer;
        twi_request_ref(request);
        if (tw_add_both(request->pending, handler_fired, request) < 0)
            handler_fired(tw_lend(tw_fail_memory()), request);
        return;
    }
    if (tw_is_failure(result))
        twi_request_failed(request, tw_lend(result));
    else if (!tw_is_none(result) && request->answer.finished)
        failure = tw_fail(&tw_error_misuse, "a handler answered twice");
    else if (tw_is(result, &tw_type_bytes) && !request->answer.head_sent)
        send_bytes(request, tw_lend(result));
    else if (!tw_is_none(result))
        failure = tw_fail(&tw_error_misuse, "a handler returned a %s",
                          tw_typeof(result)->name);
    if (tw_is_failure(failure))
        twi_request_failed(request, failure);
    tw_release(failure);
    tw_release(result);
}

static tw_value handler_fired(tw_value result, void *arg)
{
    tw_request *request = arg;
    tw_deferred *pending = request->pending;

    request->pending = NULL;
    handler_settle(request, tw_retain(result));
    twi_request_unref(request);
    tw_deferred_unref(pending);
    return tw_none();
}

/* Redirect to the same path with a slash. */
static void redirect_below(tw_request *request)
{
    struct twi_buf location = { 0 };

    if (twi_path_link(&request->path, &location) == 0 &&
        twi_buf_printf(&location, "/%s%s", *request->query == '\0' ? "" : "?",
                       request->query) == 0)
        tw_request_set_header(request, "Location", twi_buf_text(&location));
    twi_buf_free(&location);
    tw_request_error(request, 301, "It is there with a slash.");
}

static void no_handler(tw_request *request)
{
    if (*request->path.text == '\0') {
        tw_request_error(request, 501, "This is no proxy.");
    } else if (*request->path.text == '*') {
        /* A question about the server as a whole (RFC 9110, 9.3.7). */
        tw_request_set_status(request, 204, NULL);
        tw_request_finish(request);
    } else if (twi_routes_have_below(&request->site->routes, &request->path)) {
        redirect_below(request);
    } else {
        tw_request_error(request, 404, "There is nothing here.");
    }
}

void twi_request_dispatch(tw_request *request, tw_value body)
{
    request->is_complete = true;
    request->body = body;
    if (tw_is_failure(body)) {
        tw_request_error(request, 503, "out of memory");
    } else if (request->handler == NULL) {
        no_handler(request);
    } else {
        twi_request_ref(request);
        handler_settle(request, request->handler(request, request->handler_arg));
        twi_request_unref(request);
    }
}

/* The client has gone: tell the producer of the answer, or on_gone if there is none. */
static void handler_gone(tw_request *request)
{
    void (*on_gone)(tw_request *, void *);
    bool is_told;

    request->answer.is_cut = true;
    is_told = twi_pace_gone(request);
    on_gone = request->on_gone;
    request->on_gone = NULL;
    if (on_gone != NULL && !is_told)
        on_gone(request, request->on_gone_arg);
    if (request->pending != NULL)
        tw_cancel(request->pending);
}

void twi_request_gone(tw_request *request)
{
    if (!request->is_over) { /* another one's on_gone() may have finished it */
        if (request->answer.finished || !request->is_complete) {
            request->answer.is_cut |= !request->answer.finished;
            request->answer.finished = true;
            twi_request_unref(request);
        } else {
            handler_gone(request);
        }
        twi_request_over(request);
    }
    twi_request_unref(request);
}

void tw_request_on_gone(tw_request *request, void (*fn)(tw_request *request, void *arg),
                        void *arg)
{
    if (request->answer.finished)
        return;
    request->on_gone = fn;
    request->on_gone_arg = arg;
}
