/* SPDX-License-Identifier: MIT */
/*
 * request.c - a request: what was asked, and the handler that answers it.
 *
 * A request lives until it is finished, its handler has returned and what the handler
 * waits for has fired, whatever becomes of the client meanwhile.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <tweed/log.h>

#include "base/ascii.h"
#include "base/slab.h"
#include "web/http/base64.h"
#include "web/http/quoted.h"
#include "web/server/server.h"

static _Thread_local struct twi_slab requests
    __attribute__((tls_model("initial-exec"))) = TWI_SLAB(struct tw_request);

/* --- making and letting go --------------------------------------------------------------- */

static tw_request *request_alloc(struct twi_connection *connection)
{
    tw_request *request = twi_slab_alloc(&requests);

    if (request == NULL)
        return NULL;
    memset(request, 0, offsetof(struct tw_request, path_space));
    request->refs = 1;
    request->service = twi_service_ref(connection->service);
    request->connection = connection;
    request->method = request->target = request->query = "";
    twi_path_clear(&request->path);
    request->declared = -1;
    request->pieces_end = &request->pieces;
    request->status = 200;
    request->minor = 1;
    return request;
}

/* 0, -EINVAL, -ENOMEM */
static int set_path(tw_request *request)
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
    return twi_path_read(&request->path, path, length, request->path_space,
                         sizeof request->path_space);
}

tw_request *twi_request_new(struct twi_connection *connection, struct twi_http1 *parser)
{
    tw_request *request = request_alloc(connection);
    const struct twi_route *route;
    int r;

    if (request == NULL)
        return NULL;
    request->method = parser->method;
    request->target = parser->target;
    request->headers = twi_http1_take_headers(parser);
    request->minor = parser->minor;
    request->close = !parser->keep_alive;
    request->head_only = strcmp(request->method, "HEAD") == 0;
    r = set_path(request);
    /* A client that was told 2xx takes all that follows for its tunnel. */
    if (*request->path.text == '\0')
        request->close = true;
    if (r == -ENOMEM) {
        twi_request_unref(request);
        return NULL;
    }
    request->is_bad = r < 0;
    route = request->is_bad ? NULL
                            : twi_routes_find(&request->service->site->routes, &request->path);
    if (route != NULL) {
        request->handler = route->handler;
        request->handler_arg = route->arg;
    }
    return request;
}

tw_request *twi_request_broken(struct twi_connection *connection)
{
    tw_request *request = request_alloc(connection);

    if (request != NULL)
        request->complete = true;
    return request;
}

void twi_request_unref(tw_request *request)
{
    struct twi_service *service = request->service;

    if (--request->refs > 0)
        return;
    twi_request_drop_pieces(request);
    twi_path_free(&request->path);
    twi_service_give_headers(service, request->headers);
    tw_headers_free(request->answer);
    twi_free(request->reason);
    twi_buf_free(&request->collected);
    tw_release(request->body);
    twi_slab_free(&requests, request);
    twi_service_unref(service);
}

void twi_request_over(tw_request *request)
{
    const tw_site *site = request->service->site;

    if (request->is_over)
        return;
    request->is_over = true;
    if (site->on_finished != NULL)
        site->on_finished(request, site->on_finished_arg);
}

/* --- handlers ---------------------------------------------------------------------------- */

static void broke(tw_request *request, tw_value failure)
{
    if (request->connection != NULL)
        tw_log_problem(TW_LOG_ERROR, "web.server", failure, request->target);
    if (request->finished)
        return;
    if (request->head_sent && request->connection != NULL)
        tw_transport_abort(request->connection->protocol.transport);
    if (request->head_sent || request->connection == NULL) {
        twi_request_finished(request);
        return;
    }
    tw_headers_free(request->answer);
    request->answer = NULL;
    tw_request_error(request, 500, "The server could not answer.");
}

int tw_request_answer(tw_request *request, int status, const char *content_type, tw_value body)
{
    if (!tw_is_failure(body))
        return twi_request_answer(request, status, content_type, body);
    broke(request, tw_lend(body));
    tw_release(body);
    return -EINVAL;
}

static tw_value fired(tw_value result, void *arg);

/* Do as the handler's result says; takes it. */
static void settle(tw_request *request, tw_value result)
{
    tw_value failure = tw_none();

    if (tw_is(result, &tw_type_deferred)) {
        result = tw_take(result);
        request->pending = result.as.pointer;
        request->refs++;
        if (tw_add_both(request->pending, fired, request) < 0)
            fired(tw_lend(tw_fail_memory()), request);
        return;
    }
    if (tw_is_failure(result)) {
        broke(request, tw_lend(result));
    } else if (!tw_is_none(result) && request->finished) {
        failure = tw_fail(&tw_error_misuse, "a handler answered twice");
    } else if (tw_is(result, &tw_type_bytes) && !request->head_sent) {
        if (request->answer == NULL ||
            !twi_headers_has(request->answer, TWI_HEADER_CONTENT_TYPE))
            request->content_type = "text/html; charset=utf-8";
        twi_request_put_body(request, tw_retain(result));
        twi_request_finished(request);
    } else if (!tw_is_none(result)) {
        failure = tw_fail(&tw_error_misuse, "a handler returned a %s",
                          tw_typeof(result)->name);
    }
    if (tw_is_failure(failure))
        broke(request, failure);
    tw_release(failure);
    tw_release(result);
}

static tw_value fired(tw_value result, void *arg)
{
    tw_request *request = arg;
    tw_deferred *pending = request->pending;

    request->pending = NULL;
    settle(request, tw_retain(result));
    twi_request_unref(request);
    tw_deferred_unref(pending);
    return tw_none();
}

/* To where it is: with a slash. */
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
        /* A question to the server as a whole (RFC 9110, 9.3.7): it is here. */
        tw_request_set_status(request, 204, NULL);
        tw_request_finish(request);
    } else if (twi_routes_have_below(&request->service->site->routes, &request->path)) {
        redirect_below(request);
    } else {
        tw_request_error(request, 404, "There is nothing here.");
    }
}

void twi_request_dispatch(tw_request *request)
{
    request->complete = true;
    request->wants_continue = false;
    if (request->collected.length > 0)
        request->body = twi_buf_take(&request->collected);
    else
        request->body = tw_retain(request->service->empty);
    if (tw_is_failure(request->body)) {
        tw_request_error(request, 503, "out of memory");
        return;
    }
    if (request->handler == NULL) {
        no_handler(request);
        return;
    }
    request->refs++;
    settle(request, request->handler(request, request->handler_arg));
    twi_request_unref(request);
}

void twi_request_gone(tw_request *request)
{
    void (*gone)(tw_request *, void *) = request->gone;

    twi_request_drop_pieces(request);
    /* Finished by the gone() of another one. */
    if (request->is_over) {
        twi_request_unref(request);
        return;
    }
    if (request->finished || !request->complete) {
        twi_request_unref(request);
        request->finished = true;
        twi_request_over(request);
        twi_request_unref(request);
        return;
    }
    request->gone = NULL;
    if (gone != NULL)
        gone(request, request->gone_arg);
    if (request->pending != NULL)
        tw_cancel(request->pending);
    twi_request_over(request);
    twi_request_unref(request);
}

void tw_request_on_gone(tw_request *request, void (*fn)(tw_request *request, void *arg),
                        void *arg)
{
    if (request->finished)
        return;
    request->gone = fn;
    request->gone_arg = arg;
}

bool tw_request_allow(tw_request *request, const char *methods)
{
    static const char known[] = "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS, TRACE";
    size_t length = strlen(request->method);

    if (twi_list_has_token(methods, strlen(methods), request->method, length))
        return true;
    if (!twi_list_has_token(known, sizeof known - 1, request->method, length)) {
        tw_request_error(request, 501, "This method is not known.");
        return false;
    }
    tw_request_set_header(request, "Allow", methods);
    tw_request_error(request, 405, "This method is not allowed here.");
    return false;
}

/* --- credentials --------------------------------------------------------------------------- */

/* How long it takes tells only the lengths. */
static bool same_secret(const char *a, const char *b)
{
    size_t length = strlen(b);
    unsigned char difference = 0;

    if (strlen(a) != length)
        return false;
    for (size_t i = 0; i < length; i++)
        difference |= (unsigned char)(a[i] ^ b[i]);
    return difference == 0;
}

/* The scheme's name has no case (RFC 9110, 11.1); what follows has. */
static bool has_credentials(const tw_request *request, const char *expected)
{
    const char *sent = twi_headers_value(request->headers, TWI_HEADER_AUTHORIZATION);

    if (sent == NULL || strncasecmp(sent, "Basic ", 6) != 0)
        return false;
    sent += 6 + strspn(sent + 6, " ");
    return same_secret(sent, expected + 6);
}

static void ask_for_credentials(tw_request *request, const char *realm)
{
    struct twi_buf challenge = { 0 };
    int r = twi_buf_append_text(&challenge, "Basic realm=");

    if (r == 0)
        r = twi_quoted_append(&challenge, realm);
    if (r == 0)
        r = twi_buf_append(&challenge, ", charset=\"UTF-8\"", sizeof ", charset=\"UTF-8\"");
    if (r == 0)
        r = tw_request_set_header(request, "WWW-Authenticate", challenge.data);
    twi_buf_free(&challenge);
    if (r < 0)
        tw_request_error(request, 500, "The server could not ask for a password.");
    else
        tw_request_error(request, 401, "A password is needed.");
}

bool tw_request_authorized(tw_request *request, const char *realm, const char *user,
                           const char *password)
{
    char *expected = twi_basic_credentials(user, password);
    bool is_right = false;

    if (expected == NULL)
        tw_request_error(request, 503, "out of memory");
    else if (has_credentials(request, expected))
        is_right = true;
    else
        ask_for_credentials(request, realm);
    twi_free(expected);
    return is_right;
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
    return request->minor == 0 ? "HTTP/1.0" : "HTTP/1.1";
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
    return request->connection == NULL ? NULL : request->connection->protocol.transport;
}

int tw_request_answer_status(const tw_request *request)
{
    return request->status;
}

uint64_t tw_request_answer_bytes(const tw_request *request)
{
    return twi_request_has_body(request) ? request->body_bytes : 0;
}
