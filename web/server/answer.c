/* SPDX-License-Identifier: MIT */
/*
 * answer.c - the answer to a request: its head, its body, and when each may be sent.
 *
 * The head is built in the service's scratch buffer and goes out with a small body in one write.
 * Only the first request in the connection's queue writes to the transport; what others write
 * waits in pieces.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/ascii.h"
#include "web/http/syntax.h"
#include "web/server/server.h"

/* Bodies up to this many bytes are copied behind their head. */
enum { COPY_MAX = 8192 };

/* --- output ------------------------------------------------------------------------------ */

struct twi_file *twi_file_new(int fd)
{
    struct twi_file *file = twi_malloc(sizeof *file);

    if (file == NULL) {
        close(fd);
        return NULL;
    }
    file->refs = 1;
    file->fd = fd;
    return file;
}

void twi_file_unref(struct twi_file *file)
{
    if (file == NULL || --file->refs > 0)
        return;
    close(file->fd);
    twi_free(file);
}

static void file_sent(int error, void *arg)
{
    (void)error;
    twi_file_unref(arg);
}

/* The transport, if it is this request's turn to write. */
static tw_transport *turn(const tw_request *request)
{
    struct twi_connection *connection = request->connection;

    return connection->first == request ? connection->protocol.transport : NULL;
}

static int put_piece(tw_request *request, tw_value bytes, struct twi_file *file,
                     int64_t offset, int64_t length)
{
    struct twi_piece *piece = twi_malloc(sizeof *piece);

    if (piece == NULL) {
        tw_release(bytes);
        tw_transport_abort(request->connection->protocol.transport);
        return -ENOMEM;
    }
    piece->next = NULL;
    piece->bytes = tw_take(bytes);
    piece->file = file;
    piece->offset = offset;
    piece->length = length;
    if (file != NULL)
        file->refs++;
    *request->pieces_end = piece;
    request->pieces_end = &piece->next;
    return 0;
}

static int put(tw_request *request, const void *data, size_t length)
{
    tw_transport *transport;

    if (request->connection == NULL)
        return -ENOTCONN;
    transport = turn(request);
    if (transport != NULL)
        return tw_transport_write(transport, data, length);
    return put_piece(request, tw_bytes(data, length), NULL, 0, 0);
}

/* Takes `bytes`. */
static int put_value(tw_request *request, tw_value bytes)
{
    tw_transport *transport;

    if (request->connection == NULL) {
        tw_release(bytes);
        return -ENOTCONN;
    }
    transport = turn(request);
    if (transport != NULL)
        return tw_transport_write_value(transport, bytes);
    return put_piece(request, bytes, NULL, 0, 0);
}

static int put_file(tw_request *request, struct twi_file *file, int64_t offset, int64_t length)
{
    tw_transport *transport;
    int r;

    if (request->connection == NULL)
        return -ENOTCONN;
    transport = turn(request);
    if (transport == NULL)
        return put_piece(request, tw_none(), file, offset, length);
    file->refs++;
    r = tw_transport_write_file(transport, file->fd, offset, length, file_sent, file);
    if (r < 0)
        twi_file_unref(file);
    return r;
}

void twi_request_flush(tw_request *request)
{
    struct twi_piece *piece = request->pieces;

    request->pieces = NULL;
    request->pieces_end = &request->pieces;
    while (piece != NULL) {
        struct twi_piece *next = piece->next;

        if (piece->file != NULL)
            put_file(request, piece->file, piece->offset, piece->length);
        else
            put_value(request, piece->bytes);
        twi_file_unref(piece->file);
        twi_free(piece);
        piece = next;
    }
}

void twi_request_drop_pieces(tw_request *request)
{
    while (request->pieces != NULL) {
        struct twi_piece *piece = request->pieces;

        request->pieces = piece->next;
        tw_release(piece->bytes);
        twi_file_unref(piece->file);
        twi_free(piece);
    }
    request->pieces_end = &request->pieces;
}

/* --- the head ---------------------------------------------------------------------------- */

bool twi_request_has_body(const tw_request *request)
{
    return !request->head_only && request->status != 204 && request->status != 304;
}

/* The status line, Server and Date, unless the answer brings its own. */
static int first_lines(const tw_request *request, struct twi_buf *head)
{
    const tw_headers *fields = request->answer;
    struct twi_service *service = request->service;
    int r;

    if (request->status == 200 && request->reason == NULL && fields == NULL) {
        twi_service_update_date(service);
        return twi_buf_append(head, service->ok_lines, service->ok_length);
    }
    r = twi_http1_write_status_line(head, 1, request->status, request->reason);
    if (r == 0 && (fields == NULL || !twi_headers_has(fields, TWI_HEADER_SERVER)))
        r = twi_buf_append(head, twi_service_server_line(service), service->server_length);
    if (r == 0 && (fields == NULL || !twi_headers_has(fields, TWI_HEADER_DATE)))
        r = twi_buf_append(head, twi_service_date_line(service), TWI_DATE_LINE_LENGTH);
    return r;
}

static int head_lines(const tw_request *request, struct twi_buf *head)
{
    const char *type = request->content_type;
    int r = first_lines(request, head);

    if (r == 0 && type != NULL) {
        r = twi_buf_append(head, "Content-Type: ", 14);
        if (r == 0)
            r = twi_buf_append(head, type, strlen(type));
        if (r == 0)
            r = twi_buf_append(head, "\r\n", 2);
    }
    if (r == 0 && request->answer != NULL)
        r = twi_http1_write_fields(head, request->answer);
    return r;
}

static int length_line(struct twi_buf *head, uint64_t length)
{
    static const char name[] = "Content-Length: ";
    char line[sizeof name + 22], *end = line + sizeof line, *at = end - 2;

    memcpy(at, "\r\n", 2);
    do
        *--at = (char)('0' + length % 10);
    while ((length /= 10) > 0);
    at -= sizeof name - 1;
    memcpy(at, name, sizeof name - 1);
    return twi_buf_append(head, at, (size_t)(end - at));
}

/* How the body ends: by its length if that is declared, by chunks, or by the connection's end. */
static int framing_lines(tw_request *request, struct twi_buf *head)
{
    int r = 0;

    if (request->declared >= 0) {
        if (request->status != 204)
            r = length_line(head, (uint64_t)request->declared);
    } else if (request->status != 204 && request->status != 304) {
        if (request->minor == 0) {
            request->close = true;
        } else {
            request->chunked = twi_request_has_body(request);
            r = twi_buf_append_text(head, "Transfer-Encoding: chunked\r\n");
        }
    }
    if (r == 0 && request->close)
        r = twi_buf_append_text(head, "Connection: close\r\n");
    else if (r == 0 && request->minor == 0)
        r = twi_buf_append_text(head, "Connection: keep-alive\r\n");
    return r == 0 ? twi_http1_write_end(head) : r;
}

/* Half a head must not stand alone: without memory for it the connection goes. */
static int head_failed(tw_request *request)
{
    if (request->connection != NULL)
        tw_transport_abort(request->connection->protocol.transport);
    return -ENOMEM;
}

/* Send the head, and a small body with it. */
static int put_head(tw_request *request, const char *body, size_t length)
{
    struct twi_buf *head = &request->service->scratch;

    head->length = 0;
    request->head_sent = true;
    if (head_lines(request, head) < 0 || framing_lines(request, head) < 0 ||
        twi_buf_append(head, body, length) < 0)
        return head_failed(request);
    return put(request, head->data, head->length);
}

static int may_change(const tw_request *request)
{
    return request->head_sent || request->finished ? -EALREADY : 0;
}

int tw_request_set_status(tw_request *request, int status, const char *reason)
{
    char *copy = NULL;
    int r = may_change(request);

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
    twi_free(request->reason);
    request->reason = copy;
    request->status = status;
    return 0;
}

/* Fields that are ours to write: 1 when `name` is one of them, 0 else, or -EINVAL. */
static int own_field(tw_request *request, const char *name, const char *value)
{
    uint64_t length;

    switch (twi_header_id(name, strlen(name))) {
    case TWI_HEADER_CONTENT_LENGTH:
        if (twi_parse_decimal(value, strlen(value), &length) < 0 || length > INT64_MAX)
            return -EINVAL;
        request->declared = (int64_t)length;
        return 1;
    case TWI_HEADER_CONNECTION:
        if (!twi_http_is_value(value, strlen(value)))
            return -EINVAL;
        if (twi_list_has_token(value, strlen(value), "close", 5))
            request->close = true;
        return 1;
    case TWI_HEADER_TRANSFER_ENCODING:
        return -EINVAL;
    default:
        return 0;
    }
}

static int field(tw_request *request, const char *name, const char *value, bool replace)
{
    int r = may_change(request);

    if (r == 0)
        r = own_field(request, name, value);
    if (r != 0)
        return r > 0 ? 0 : r;
    if (request->answer == NULL)
        request->answer = tw_headers_new();
    if (request->answer == NULL)
        return -ENOMEM;
    return replace ? tw_headers_set(request->answer, name, value)
                   : tw_headers_add(request->answer, name, value);
}

int tw_request_set_header(tw_request *request, const char *name, const char *value)
{
    return field(request, name, value, true);
}

int tw_request_add_header(tw_request *request, const char *name, const char *value)
{
    return field(request, name, value, false);
}

/* --- the body ---------------------------------------------------------------------------- */

static int put_chunk(tw_request *request, const void *data, size_t length)
{
    struct twi_buf *chunk = &request->service->scratch;
    char head[TWI_HTTP1_CHUNK_HEAD_SIZE];
    size_t head_length = twi_http1_chunk_head(head, length);
    int r;

    if (length > COPY_MAX) {
        r = put(request, head, head_length);
        if (r == 0)
            r = put(request, data, length);
        return r < 0 ? r : put(request, TWI_HTTP1_CHUNK_END, 2);
    }
    chunk->length = 0;
    if (twi_buf_append(chunk, head, head_length) < 0 ||
        twi_buf_append(chunk, data, length) < 0 ||
        twi_buf_append(chunk, TWI_HTTP1_CHUNK_END, 2) < 0)
        return head_failed(request);
    return put(request, chunk->data, chunk->length);
}

/* Count bytes of the body: -EMSGSIZE when they are more than was declared. */
static int count(tw_request *request, uint64_t length)
{
    if (request->declared >= 0 && length > (uint64_t)request->declared - request->body_bytes)
        return -EMSGSIZE;
    request->body_bytes += length;
    return 0;
}

int tw_request_write(tw_request *request, const void *data, size_t length)
{
    int r;

    if (request->finished)
        return -EALREADY;
    if (request->connection == NULL)
        return -ENOTCONN;
    r = count(request, length);
    if (r == 0 && !request->head_sent)
        r = put_head(request, NULL, 0);
    if (r < 0 || length == 0 || !twi_request_has_body(request))
        return r;
    return request->chunked ? put_chunk(request, data, length) : put(request, data, length);
}

int twi_request_put_file(tw_request *request, struct twi_file *file, int64_t offset,
                         int64_t length)
{
    int r;

    if (request->connection == NULL)
        return -ENOTCONN;
    r = count(request, (uint64_t)length);
    if (r == 0 && !request->head_sent)
        r = put_head(request, NULL, 0);
    if (r < 0 || length == 0 || !twi_request_has_body(request))
        return r;
    return put_file(request, file, offset, length);
}

void twi_request_finished(tw_request *request)
{
    struct twi_connection *connection = request->connection;

    request->finished = true;
    request->gone = NULL;
    if (connection == NULL) {
        twi_request_over(request);
        twi_request_unref(request);
    } else if (connection->first == request) {
        twi_connection_advance(connection);
    }
}

int tw_request_finish(tw_request *request)
{
    int r = 0;

    if (request->finished)
        return -EALREADY;
    if (request->connection != NULL) {
        if (!request->head_sent) {
            if (request->declared < 0 && twi_request_has_body(request))
                request->declared = 0;
            r = put_head(request, NULL, 0);
        }
        if (r == 0 && request->chunked)
            r = put(request, TWI_HTTP1_LAST_CHUNK, sizeof TWI_HTTP1_LAST_CHUNK - 1);
        if (r == 0 && twi_request_has_body(request) && request->declared >= 0 &&
            request->body_bytes < (uint64_t)request->declared) {
            /* The client must not take what comes next for the rest of this. */
            tw_transport_abort(request->connection->protocol.transport);
            r = -EMSGSIZE;
        }
    }
    twi_request_finished(request);
    return r;
}

int twi_request_put_body(tw_request *request, tw_value body)
{
    size_t length = tw_bytes_length(body);
    int r;

    if (tw_is_failure(body))
        return head_failed(request);
    if (request->connection == NULL) {
        tw_release(body);
        return -ENOTCONN;
    }
    request->declared = (int64_t)length;
    request->body_bytes = length;
    if (!twi_request_has_body(request) || length <= COPY_MAX) {
        r = put_head(request, tw_bytes_data(body), twi_request_has_body(request) ? length : 0);
        tw_release(body);
        return r;
    }
    r = put_head(request, NULL, 0);
    if (r < 0) {
        tw_release(body);
        return r;
    }
    return put_value(request, body);
}

int twi_request_answer(tw_request *request, int status, const char *content_type,
                       tw_value body)
{
    int r = tw_request_set_status(request, status, NULL);

    if (r == 0 && content_type != NULL &&
        !twi_http_is_value(content_type, strlen(content_type)))
        r = -EINVAL;
    if (r < 0) {
        tw_release(body);
        return r;
    }
    if (content_type != NULL && request->answer != NULL)
        tw_headers_remove(request->answer, "Content-Type");
    request->content_type = content_type;
    r = twi_request_put_body(request, body);
    twi_request_finished(request);
    return r;
}

int twi_html_escape(struct twi_buf *page, const char *text)
{
    int r = 0;

    for (; *text != '\0' && r == 0; text++)
        switch (*text) {
        case '&':
            r = twi_buf_append_text(page, "&amp;");
            break;
        case '<':
            r = twi_buf_append_text(page, "&lt;");
            break;
        case '>':
            r = twi_buf_append_text(page, "&gt;");
            break;
        case '"':
            r = twi_buf_append_text(page, "&quot;");
            break;
        case '\'':
            r = twi_buf_append_text(page, "&#39;");
            break;
        default:
            r = twi_buf_append_char(page, *text);
        }
    return r;
}

int tw_request_error(tw_request *request, int status, const char *text)
{
    const char *reason = twi_http1_reason(status);
    struct twi_buf page = { 0 };
    int r = may_change(request);

    if (r < 0)
        return r;
    request->refs++;
    r = twi_buf_printf(&page, "<!DOCTYPE html>\n<title>%d %s</title>\n<h1>%s</h1>\n<p>",
                       status, reason, reason);
    if (r == 0)
        r = twi_html_escape(&page, text == NULL ? "" : text);
    if (r == 0)
        r = twi_buf_append_text(&page, "</p>\n");
    if (r < 0)
        page.length = 0;
    r = twi_request_answer(request, status, "text/html; charset=utf-8", twi_buf_take(&page));
    twi_buf_free(&page);
    twi_request_unref(request);
    return r;
}
