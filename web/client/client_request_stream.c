/* SPDX-License-Identifier: MIT */
/*
 * client_request_stream.c - a response handed on while it comes: its head, then its body in
 * pieces.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "web/client/client_request.h"

static void receiver_gives_up(struct twi_client_request *request, int error)
{
    twi_client_request_fail(
        request, error == -ECANCELED ? &tw_error_cancelled : &tw_error_system, -error,
        tw_none(), "given up by the receiver: %s", strerror(-error));
}

void twi_client_request_tell_headers(struct twi_client_request *request)
{
    const struct tw_fetch_options *options = &request->order.options;
    struct tw_response *response = request->reply.response;
    struct twi_user_guard guard;
    int r;

    if (!request->reply.final || options->on_headers == NULL)
        return;
    twi_client_request_stamp(request, response);
    twi_user_guard_enter(request, &guard);
    r = options->on_headers(tw_lend(twi_response_value(response)), options->stream_arg);
    if (twi_user_guard_leave(request, &guard) && r < 0)
        receiver_gives_up(request, r);
}

static bool pending_keep(struct twi_client_request *request, const char *data, size_t length)
{
    if (twi_buf_append(&request->pending, data, length) == 0)
        return true;
    twi_client_request_end_memory(request);
    return false;
}

static bool piece_hand_on(struct twi_client_request *request, const char *piece, size_t length)
{
    const struct tw_fetch_options *options = &request->order.options;
    struct twi_user_guard guard;
    int r;

    twi_user_guard_enter(request, &guard);
    r = options->on_body(piece, length, options->stream_arg);
    if (!twi_user_guard_leave(request, &guard))
        return false;
    if (r < 0)
        receiver_gives_up(request, r);
    return r >= 0;
}

/* Hand on, decoded. False when the request has ended. */
bool twi_client_request_stream(struct twi_client_request *request, const char *data,
                               size_t length)
{
    struct twi_body *content = &request->reply.content;
    const char *at = data, *end = data + length, *piece;
    char *space = NULL;
    size_t size = 0;
    int r;

    if (content->decoder != NULL &&
        (space = twi_agent_space(request->user.agent, &size)) == NULL) {
        twi_client_request_end_memory(request);
        return false;
    }
    for (;;) {
        if (request->paused)
            return pending_keep(request, at, (size_t)(end - at));
        r = twi_body_piece(content, &at, end, space, size, &piece, &length);
        if (r == 0)
            return true;
        if (r < 0) {
            twi_client_request_fail_content(request);
            return false;
        }
        if (!piece_hand_on(request, piece, length))
            return false;
    }
}
