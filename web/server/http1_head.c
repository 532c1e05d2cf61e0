/* SPDX-License-Identifier: MIT */
/*
 * http1_head.c - see http1_head.h.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "reactor/face.h"
#include "web/http/headers.h"
#include "web/http/http_date.h"
#include "web/server/http1_server.h"

static const char ok_line[] = "HTTP/1.1 200 OK\r\n";
enum { DATE_LINE_LENGTH = 6 + TWI_HTTP_DATE_SIZE - 1 + 2 };

/* --- what most heads have in common ------------------------------------------------------ */

int twi_head_lines_init(struct twi_head_lines *lines, const char *server_name)
{
    bool named = *server_name != '\0';

    lines->server_length = named ? strlen(server_name) + 10 : 0;
    lines->length = sizeof ok_line - 1 + lines->server_length + DATE_LINE_LENGTH;
    lines->text = twi_format("%s%s%s%s%*s", ok_line, named ? "Server: " : "", server_name,
                             named ? "\r\n" : "", DATE_LINE_LENGTH, "");
    return lines->text == NULL ? -ENOMEM : 0;
}

void twi_head_lines_free(struct twi_head_lines *lines)
{
    twi_free(lines->text);
}

__attribute__((noinline)) static void date_renew(char *line, int64_t now, int64_t *ret_until)
{
    struct timespec wall;

    clock_gettime(CLOCK_REALTIME, &wall);
    *ret_until = now + TWI_SECOND - wall.tv_nsec;
    memcpy(line, "Date: ", 6);
    twi_http_date_format(wall.tv_sec, line + 6);
    memcpy(line + DATE_LINE_LENGTH - 2, "\r\n", 2);
}

/* The Date line of this second. */
static inline const char *date_line(struct twi_head_lines *lines)
{
    int64_t now = twi_loop_now();
    char *line = lines->text + lines->length - DATE_LINE_LENGTH;

    if (now >= lines->date_until)
        date_renew(line, now, &lines->date_until);
    return line;
}

/* The status line, Server and Date, unless the answer brings its own. */
static int first_lines(const struct twi_answer *answer, struct twi_head_lines *lines,
                       struct twi_buf *head)
{
    const tw_headers *fields = answer->fields;
    int r;

    if (answer->status == 200 && answer->reason == NULL && fields == NULL) {
        date_line(lines);
        return twi_buf_append(head, lines->text, lines->length);
    }
    r = twi_http1_write_status_line(head, 1, answer->status, answer->reason);
    if (r == 0 && (fields == NULL || !twi_headers_has(fields, TWI_HEADER_SERVER)))
        r = twi_buf_append(head, lines->text + sizeof ok_line - 1, lines->server_length);
    if (r == 0 && (fields == NULL || !twi_headers_has(fields, TWI_HEADER_DATE)))
        r = twi_buf_append(head, date_line(lines), DATE_LINE_LENGTH);
    return r;
}

/* --- a head ------------------------------------------------------------------------------ */

static int field_lines(const struct twi_answer *answer, struct twi_buf *head)
{
    const char *type = answer->content_type;
    int r = 0;

    if (type != NULL) {
        r = twi_buf_append(head, "Content-Type: ", 14);
        if (r == 0)
            r = twi_buf_append(head, type, strlen(type));
        if (r == 0)
            r = twi_buf_append(head, "\r\n", 2);
    }
    if (r == 0 && answer->fields != NULL)
        r = twi_http1_write_fields(head, answer->fields);
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

/* The lines that say how the body ends: by its length if that is declared, by chunks, or by the
 * connection's end. */
static int framing_lines(struct twi_http1_turn *turn, struct twi_buf *head)
{
    struct twi_answer *answer = &turn->request.answer;
    int r = 0;

    if (answer->declared >= 0) {
        if (answer->status != 204)
            r = length_line(head, (uint64_t)answer->declared);
    } else if (answer->status != 204 && answer->status != 304) {
        if (turn->minor == 0) {
            answer->close = true;
        } else {
            turn->chunked = twi_answer_has_body(&turn->request);
            r = twi_buf_append_text(head, "Transfer-Encoding: chunked\r\n");
        }
    }
    if (r == 0 && answer->close)
        r = twi_buf_append_text(head, "Connection: close\r\n");
    else if (r == 0 && turn->minor == 0)
        r = twi_buf_append_text(head, "Connection: keep-alive\r\n");
    return r == 0 ? twi_http1_write_end(head) : r;
}

int twi_http1_head(struct twi_http1_turn *turn, struct twi_buf *head)
{
    const struct twi_answer *answer = &turn->request.answer;
    int r = first_lines(answer, &turn->service->lines, head);

    if (r == 0)
        r = field_lines(answer, head);
    return r == 0 ? framing_lines(turn, head) : r;
}
