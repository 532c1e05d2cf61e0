/* SPDX-License-Identifier: MIT */
/*
 * error_page.c - see error_page.h.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <tweed/log.h>

#include "web/http/headers.h"
#include "web/http1/http1.h"
#include "web/server/error_page.h"
#include "web/server/html.h"

int tw_request_error(tw_request *request, int status, const char *text)
{
    const char *reason = twi_http1_reason(status);
    struct twi_buf page = { 0 };
    int r;

    if (request->answer.head_sent || request->answer.finished)
        return -EALREADY;
    twi_request_ref(request);
    r = twi_buf_printf(&page, "<!DOCTYPE html>\n<title>%d %s</title>\n<h1>%s</h1>\n<p>",
                       status, reason, reason);
    if (r == 0)
        r = twi_html_escape(&page, text == NULL ? "" : text);
    if (r == 0)
        r = twi_buf_append_text(&page, "</p>\n");
    if (r < 0)
        page.length = 0;
    r = twi_answer_whole(request, status, "text/html; charset=utf-8", twi_buf_take(&page));
    twi_buf_free(&page);
    twi_request_unref(request);
    return r;
}

void twi_request_failed(tw_request *request, tw_value failure)
{
    if (!request->is_gone)
        tw_log_problem(TW_LOG_ERROR, "web.server", failure, request->target);
    if (request->answer.finished)
        return;
    if (request->answer.head_sent || request->is_gone) {
        twi_answer_cut(request);
        twi_answer_finished(request);
        return;
    }
    tw_headers_free(request->answer.fields);
    request->answer.fields = NULL;
    tw_request_error(request, 500, "The server could not answer.");
}

int tw_request_answer(tw_request *request, int status, const char *content_type, tw_value body)
{
    if (!tw_is_failure(body))
        return twi_answer_whole(request, status, content_type, body);
    twi_request_failed(request, tw_lend(body));
    tw_release(body);
    return -EINVAL;
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
