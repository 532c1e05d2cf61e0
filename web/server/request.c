/* SPDX-License-Identifier: MIT */
/*
 * request.c - the question: method, target, fields, body.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "web/http/headers.h"
#include "web/server/request.h"

/* --- making and letting go --------------------------------------------------------------- */

void twi_request_init(tw_request *request, const struct twi_sink *sink, void *carrier,
                      tw_site *site)
{
    request->refs = 1;
    request->sink = sink;
    request->carrier = carrier;
    request->site = site;
    request->method = request->target = request->query = "";
    request->version = "HTTP/1.1";
    twi_path_clear(&request->path);
    twi_pace_init(&request->pace);
    request->answer.declared = -1;
    request->answer.status = 200;
}

/* 0, -EINVAL, -ENOMEM */
static int set_path(tw_request *request, char *space, size_t room)
{
    size_t length;
    const char *path = twi_path_of_target(request->target, &length);

    if (path == NULL)
        return 0;
    request->query = path[length] == '?' ? path + length + 1 : path + length;
    if (length == 0) {
        path = "/";
        length = 1;
    }
    return twi_path_read(&request->path, path, length, space, room);
}

int twi_request_asks(tw_request *request, const char *method, const char *target,
                     tw_headers *headers, char *space, size_t room)
{
    const struct twi_route *route;
    int r;

    request->method = method;
    request->target = target;
    request->headers = headers;
    request->head_only = method[0] == 'H' && strcmp(method, "HEAD") == 0;
    r = set_path(request, space, room);
    if (r == -ENOMEM)
        return r;
    /* After a 2xx the client takes all bytes that follow for its tunnel's. */
    if (*request->path.text == '\0')
        request->answer.close = true;
    request->is_bad = r < 0;
    route = request->is_bad ? NULL : twi_routes_find(&request->site->routes, &request->path);
    if (route != NULL) {
        request->handler = route->handler;
        request->handler_arg = route->arg;
    }
    return 0;
}

void twi_request_unref(tw_request *request)
{
    if (--request->refs > 0)
        return;
    twi_path_free(&request->path);
    tw_headers_free(request->answer.fields);
    twi_free(request->answer.reason);
    tw_release(request->body);
    request->sink->release(request);
}

/* From now on body_bytes counts the bytes that were sent. */
static void count_sent(tw_request *request)
{
    struct twi_answer *answer = &request->answer;
    size_t unsent = request->carrier == NULL ? 0 : request->sink->unsent(request);

    if (!answer->finished || unsent > 0)
        answer->is_cut = true;
    answer->body_bytes = answer->body_bytes > unsent ? answer->body_bytes - unsent : 0;
}

void twi_request_over(tw_request *request)
{
    const tw_site *site = request->site;

    if (request->is_over)
        return;
    request->is_over = true;
    if (site->on_finished == NULL)
        return;
    count_sent(request);
    site->on_finished(request, site->on_finished_arg);
}

/* --- getters ----------------------------------------------------------------------------- */

const char *tw_request_method(const tw_request *request)
{
    return request->method;
}

const char *tw_request_target(const tw_request *request)
{
    return request->target;
}

const char *tw_request_path(const tw_request *request)
{
    return request->path.text;
}

const char *tw_request_segment(const tw_request *request, size_t index)
{
    return twi_path_segment(&request->path, index);
}

const char *tw_request_query(const tw_request *request)
{
    return request->query;
}

const char *tw_request_version(const tw_request *request)
{
    return request->version;
}

const tw_headers *tw_request_headers(const tw_request *request)
{
    static const tw_headers none;

    return request->headers == NULL ? &none : request->headers;
}

const char *tw_request_header(const tw_request *request, const char *name)
{
    return tw_headers_get(tw_request_headers(request), name);
}

tw_value tw_request_body(const tw_request *request)
{
    return tw_lend(request->body);
}

tw_transport *tw_request_transport(tw_request *request)
{
    if (request->carrier == NULL || (request->is_gone && !request->is_over))
        return NULL;
    return request->sink->transport(request);
}

int tw_request_answer_status(const tw_request *request)
{
    return request->answer.status;
}

uint64_t tw_request_answer_bytes(const tw_request *request)
{
    return twi_answer_has_body(request) ? request->answer.body_bytes : 0;
}

bool tw_request_answer_cut(const tw_request *request)
{
    return request->answer.is_cut;
}
