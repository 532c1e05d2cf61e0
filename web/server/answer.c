/* SPDX-License-Identifier: MIT */
/*
 * answer.c - the answer to a request: status, fields, body, and whether they fit together.
 *
 * The part that all versions of HTTP have in common stands here; the sink knows its form on the
 * wire.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "web/http/headers.h"
#include "web/http/syntax.h"
#include "web/http1/http1.h"
#include "web/server/answer.h"

/* --- the head ---------------------------------------------------------------------------- */

static int answer_may_change(const tw_request *request)
{
    return request->answer.head_sent || request->answer.finished ? -EALREADY : 0;
}

/* Send the head, and bytes of the body with it. */
static int answer_send_head(tw_request *request, const char *body, size_t length)
{
    request->answer.head_sent = true;
    return request->sink->head(request, body, length);
}

int tw_request_set_status(tw_request *request, int status, const char *reason)
{
    char *copy = NULL;
    int r = answer_may_change(request);

    if (r < 0)
        return r;
    if (status < 200 || status > 999 ||
        (reason != NULL && !twi_http_is_value(reason, strlen(reason))))
        return -EINVAL;
    if (reason != NULL && strcmp(reason, twi_http1_reason(status)) != 0) {
        copy = twi_strdup(reason);
        if (copy == NULL)
            return -ENOMEM;
    }
    twi_free(request->answer.reason);
    request->answer.reason = copy;
    request->answer.status = status;
    return 0;
}

/* Fields that the server writes itself: 1 when `name` is one of them, otherwise 0, or
 * -EINVAL. */
static int answer_own_field(struct twi_answer *answer, const char *name, const char *value)
{
    uint64_t length;

    switch (twi_header_id(name, strlen(name))) {
    case TWI_HEADER_CONTENT_LENGTH:
        if (twi_parse_decimal(value, strlen(value), &length) < 0 || length > INT64_MAX)
            return -EINVAL;
        answer->declared = (int64_t)length;
        return 1;
    case TWI_HEADER_CONNECTION:
        if (!twi_http_is_value(value, strlen(value)))
            return -EINVAL;
        if (twi_list_has_token(value, strlen(value), "close", 5))
            answer->close = true;
        return 1;
    case TWI_HEADER_TRANSFER_ENCODING:
        return -EINVAL;
    default:
        return 0;
    }
}

static int answer_field(tw_request *request, const char *name, const char *value, bool replace)
{
    struct twi_answer *answer = &request->answer;
    int r = answer_may_change(request);

    if (r == 0)
        r = answer_own_field(answer, name, value);
    if (r != 0)
        return r > 0 ? 0 : r;
    if (answer->fields == NULL)
        answer->fields = tw_headers_new();
    if (answer->fields == NULL)
        return -ENOMEM;
    return replace ? tw_headers_set(answer->fields, name, value)
                   : tw_headers_add(answer->fields, name, value);
}

int tw_request_set_header(tw_request *request, const char *name, const char *value)
{
    return answer_field(request, name, value, true);
}

int tw_request_add_header(tw_request *request, const char *name, const char *value)
{
    return answer_field(request, name, value, false);
}

/* --- the body ---------------------------------------------------------------------------- */

/* Check `length` bytes of the body: 1 to send them, 0 when they are not sent, or negative
 * errno: -EMSGSIZE when they are more than was declared. */
static int answer_continue(tw_request *request, uint64_t length)
{
    struct twi_answer *answer = &request->answer;
    int r = 0;

    if (answer->finished)
        return -EALREADY;
    if (request->is_gone)
        return -ENOTCONN;
    if (answer->declared >= 0 && length > (uint64_t)answer->declared - answer->body_bytes)
        return -EMSGSIZE;
    answer->body_bytes += length;
    if (!answer->head_sent)
        r = answer_send_head(request, NULL, 0);
    if (r < 0)
        return r;
    return length > 0 && twi_answer_has_body(request) ? 1 : 0;
}

int tw_request_write(tw_request *request, const void *data, size_t length)
{
    int r = answer_continue(request, length);

    if (r <= 0)
        return r;
    r = request->sink->write(request, data, length);
    if (request->pace.producer != NULL)
        twi_pace_written(request);
    return r;
}

int twi_answer_file(tw_request *request, struct twi_file *file, int64_t offset, int64_t length)
{
    int r = answer_continue(request, (uint64_t)length);

    return r <= 0 ? r : request->sink->write_file(request, file, offset, length);
}

int twi_answer_body(tw_request *request, tw_value body)
{
    struct twi_answer *answer = &request->answer;
    size_t length = tw_bytes_length(body);
    bool sends = twi_answer_has_body(request);
    int r;

    if (tw_is_failure(body)) {
        answer->head_sent = true;
        twi_answer_cut(request);
        return -ENOMEM;
    }
    if (request->is_gone) {
        tw_release(body);
        return -ENOTCONN;
    }
    answer->declared = (int64_t)length;
    answer->body_bytes = length;
    if (!sends || length <= TWI_ANSWER_SMALL) {
        r = answer_send_head(request, tw_bytes_data(body), sends ? length : 0);
        tw_release(body);
        return r;
    }
    r = answer_send_head(request, NULL, 0);
    if (r < 0) {
        tw_release(body);
        return r;
    }
    return request->sink->write_value(request, body);
}

/* --- the end ----------------------------------------------------------------------------- */

void twi_answer_cut(tw_request *request)
{
    request->answer.is_cut = true;
    if (!request->is_gone)
        request->sink->cut(request);
}

int twi_answer_finished(tw_request *request)
{
    request->answer.finished = true;
    request->on_gone = NULL;
    if (twi_pace_waits(&request->pace))
        twi_pace_finished(request);
    if (!request->is_gone)
        return request->sink->finished(request);
    /* The client has not heard the end, be it that this one has not been told yet. */
    request->answer.is_cut = true;
    twi_request_over(request);
    twi_request_unref(request);
    return 0;
}

/* Less was written than was declared. */
static bool answer_is_short(const tw_request *request)
{
    const struct twi_answer *answer = &request->answer;

    return twi_answer_has_body(request) && answer->declared >= 0 &&
           answer->body_bytes < (uint64_t)answer->declared;
}

int tw_request_finish(tw_request *request)
{
    struct twi_answer *answer = &request->answer;
    int r = 0, finished;

    if (answer->finished)
        return -EALREADY;
    if (!request->is_gone) {
        if (!answer->head_sent) {
            if (answer->declared < 0 && twi_answer_has_body(request))
                answer->declared = 0;
            r = answer_send_head(request, NULL, 0);
        }
        if (r == 0 && answer_is_short(request)) {
            twi_answer_cut(request);
            r = -EMSGSIZE;
        }
    }
    finished = twi_answer_finished(request);
    return r < 0 ? r : finished;
}

int twi_answer_whole(tw_request *request, int status, const char *content_type, tw_value body)
{
    int r = tw_request_set_status(request, status, NULL), finished;

    if (r == 0 && content_type != NULL &&
        !twi_http_is_value(content_type, strlen(content_type)))
        r = -EINVAL;
    if (r < 0) {
        tw_release(body);
        return r;
    }
    if (content_type != NULL && request->answer.fields != NULL)
        tw_headers_remove(request->answer.fields, "Content-Type");
    request->answer.content_type = content_type;
    r = twi_answer_body(request, body);
    finished = twi_answer_finished(request);
    return r < 0 ? r : finished;
}
