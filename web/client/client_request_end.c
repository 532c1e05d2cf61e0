/* SPDX-License-Identifier: MIT */
/*
 * client_request_end.c - the one end of a request, with a result or a failure.
 *
 * All is released first; the Deferred fires last, since its callbacks may do anything.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <tweed/reactor.h>

#include "base/slab.h"
#include "web/client/client_request.h"

static struct twi_slab requests = TWI_SLAB(struct twi_client_request);

struct twi_client_request *twi_client_request_new(void)
{
    struct twi_client_request *request = twi_slab_alloc(&requests);

    if (request == NULL)
        return NULL;
    memset(request, 0, sizeof *request);
    request->times.began = twi_loop_now();
    twi_list_init(&request->user.node);
    twi_place_init(&request->place);
    return request;
}

void twi_client_request_free(struct twi_client_request *request)
{
    for (struct twi_user_guard *guard = request->guards; guard != NULL; guard = guard->outer)
        guard->gone = true;
    if (request->reply.response != NULL)
        request->reply.response->source = NULL;
    twi_cached_free(request->cached);
    twi_reply_free(&request->reply);
    twi_response_unref(request->previous);
    twi_hop_free(&request->hop);
    twi_order_free(&request->order);
    twi_buf_free(&request->pending);
    tw_release(request->ending.failure.reason);
    twi_slab_free(&requests, request);
}

/* Takes `result`. Releases all, then fires the Deferred. */
void twi_client_request_end(struct twi_client_request *request, tw_value result)
{
    tw_deferred *done = request->done;
    tw_agent *agent = request->user.agent;

    request->done = NULL;
    if (request->resume_call > 0)
        tw_call_cancel(request->resume_call);
    twi_agent_leave(&request->user);
    twi_patience_end(&request->patience);
    twi_exchange_cancel(&request->exchange);
    twi_place_leave(&request->place, true);
    twi_client_request_free(request);
    tw_fire(&done, result);
    tw_agent_unref(agent);
}

void twi_client_request_end_memory(struct twi_client_request *request)
{
    twi_client_request_end(request, tw_fail_memory());
}

void twi_client_request_stamp(const struct twi_client_request *request,
                              struct tw_response *response)
{
    response->times = request->times;
    response->times.done_at = twi_loop_now();
}

/* Take the response as far as it came (or the one before) out of the request; NULL: none. */
struct tw_response *twi_client_request_take_response(struct twi_client_request *request,
                                                     bool complete)
{
    struct tw_response *response = twi_reply_end(&request->reply, complete);

    if (response != NULL) {
        twi_client_request_stamp(request, response);
        return response;
    }
    response = request->previous;
    request->previous = NULL;
    return response;
}

static tw_value response_value_take(struct twi_client_request *request, bool complete)
{
    struct tw_response *response = twi_client_request_take_response(request, complete);

    return response == NULL ? tw_none() : twi_response_value(response);
}

/* Fail with a failure (taken) from below, as it is or with the response so far as its value. */
void twi_client_request_fail_with(struct twi_client_request *request, tw_value failure)
{
    struct tw_failure_fields fields = {
        .error_class = tw_failure_class(failure),
        .message = tw_failure_message(failure),
        .where = request->where,
        .number = tw_failure_number(failure),
        .cause = failure,
    };

    if (request->reply.response == NULL && request->previous == NULL) {
        twi_client_request_end(request, failure);
        return;
    }
    fields.value = response_value_take(request, false);
    twi_client_request_end(request, tw_fail_with(&fields));
}

/* Fail with a failure of our own; `cause` is taken. The response as far as it came is its
 * value. */
TW_PRINTF(5, 6)
void twi_client_request_fail(struct twi_client_request *request,
                             const tw_error_class *error_class, int64_t number, tw_value cause,
                             const char *format, ...)
{
    char message[256];
    struct tw_failure_fields fields = {
        .error_class = error_class,
        .message = message,
        .where = request->where,
        .number = number,
        .cause = cause,
    };
    va_list args;

    if (error_class == &tw_error_memory) {
        tw_release(cause);
        twi_client_request_end_memory(request);
        return;
    }
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    fields.value = response_value_take(request, false);
    twi_client_request_end(request, tw_fail_with(&fields));
}

/* Fail with the reply's verdict. */
void twi_client_request_fail_judged(struct twi_client_request *request, bool complete)
{
    const struct twi_verdict verdict = request->reply.verdict;
    tw_value value = response_value_take(request, complete);
    char message[256];
    struct tw_failure_fields fields = {
        .error_class = verdict.error_class,
        .message = verdict.text != NULL ? verdict.text : message,
        .where = request->where,
        .number = verdict.number,
        .value = value,
    };

    snprintf(message, sizeof message, "%d %.100s", tw_response_status(value),
             tw_response_reason(value));
    twi_client_request_end(request, tw_fail_with(&fields));
}

void twi_client_request_fail_content(struct twi_client_request *request)
{
    const struct twi_decode_error *error = &request->reply.content.error;

    if (error->error_class == &tw_error_encoding)
        twi_cached_spoil(request->cached);
    twi_client_request_fail(request, error->error_class, 0, tw_none(), "%s", error->text);
}
