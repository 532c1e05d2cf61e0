/* SPDX-License-Identifier: MIT */
/*
 * send_file.c - a file as an answer: conditions, ranges, and the bytes.
 *
 * Small files go out with their head in one write, larger ones by sendfile().
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/map.h"
#include "web/http/entity_tag.h"
#include "web/http/mime.h"
#include "web/http/ranges.h"
#include "web/server/files.h"
#include "base/alloc.h"
#include "web/http/headers.h"
#include "web/http/http_date.h"
#include "web/server/answer.h"

/* Up to this many bytes are read into memory. */
enum { SMALL_MAX = 65536 };

/* --- conditions -------------------------------------------------------------------------- */

/* The date in a field; false if there is none. */
static bool field_date(const tw_request *request, enum twi_header id, int64_t *ret_date)
{
    const char *text = twi_headers_value(request->headers, id);

    return text != NULL && tw_http_date_parse(text, strlen(text), ret_date) == 0;
}

/* The date is ignored beside tags, and where there is none to compare with. */
static bool is_modified_since(const tw_request *request, enum twi_header tags,
                              enum twi_header since, const struct twi_served *served,
                              bool otherwise)
{
    int64_t date;

    if (served == NULL || twi_headers_has(request->headers, tags) ||
        !field_date(request, since, &date))
        return otherwise;
    return served->modified > date;
}

int twi_conditions_check(const tw_request *request, const struct twi_served *served)
{
    const char *etag = served == NULL ? NULL : served->etag;

    if (twi_headers_has(request->headers, TWI_HEADER_IF_MATCH) &&
        !twi_headers_have_etag(request->headers, TWI_HEADER_IF_MATCH, etag, false))
        return 412;
    if (is_modified_since(request, TWI_HEADER_IF_MATCH, TWI_HEADER_IF_UNMODIFIED_SINCE, served,
                          false))
        return 412;
    if (twi_headers_have_etag(request->headers, TWI_HEADER_IF_NONE_MATCH, etag, true))
        return 304;
    return is_modified_since(request, TWI_HEADER_IF_NONE_MATCH, TWI_HEADER_IF_MODIFIED_SINCE,
                             served, true)
               ? 0
               : 304;
}

/* If-Range: true if the client's part is of this file. Its tag must be strong. */
static bool is_same_file(const tw_request *request, const struct twi_served *served)
{
    const char *condition = twi_headers_value(request->headers, TWI_HEADER_IF_RANGE);
    int64_t date;

    if (condition == NULL || condition[0] == '"')
        return condition == NULL || strcmp(condition, served->etag) == 0;
    return field_date(request, TWI_HEADER_IF_RANGE, &date) && date == served->modified;
}

/* As twi_ranges_parse(); 0 also for a Range on several lines, which is no list. */
static int wanted_ranges(const tw_request *request, const struct twi_served *served,
                         struct twi_range ranges[TWI_RANGES_MAX])
{
    const struct twi_field *field = twi_headers_find(request->headers, TWI_HEADER_RANGE);

    if (field == NULL || request->head_only || !is_same_file(request, served) ||
        twi_headers_next(request->headers, field) != NULL)
        return 0;
    return twi_ranges_parse(request->headers->text + field->value, served->size, ranges);
}

/* --- sending ----------------------------------------------------------------------------- */

static int validators_set(tw_request *request, const struct twi_served *served)
{
    int64_t now = time(NULL);
    char date[TWI_HTTP_DATE_SIZE];
    int r;

    /* RFC 9110, 8.8.2.1: not in the future */
    twi_http_date_format(served->modified < now ? served->modified : now, date);
    r = tw_request_set_header(request, "Last-Modified", date);
    if (r == 0)
        r = tw_request_set_header(request, "ETag", served->etag);
    if (r == 0)
        r = tw_request_set_header(request, "Accept-Ranges", "bytes");
    if (r == 0)
        r = tw_request_set_header(request, "X-Content-Type-Options", "nosniff");
    return r;
}

static int content_range_set(tw_request *request, const struct twi_range *range, int64_t size)
{
    char text[80];

    snprintf(text, sizeof text, "bytes %lld-%lld/%lld", (long long)range->first,
             (long long)range->last, (long long)size);
    return tw_request_set_header(request, "Content-Range", text);
}

/* One part of the file as the whole body. Closes the descriptor. */
static int part_send(tw_request *request, const struct twi_served *served, int64_t offset,
                     int64_t length)
{
    struct twi_file *file;
    char *data;
    tw_value bytes;
    int r;

    if (length <= SMALL_MAX && !request->head_only) {
        bytes = tw_bytes_new((size_t)length, &data);
        r = data == NULL ? -ENOMEM : 0;
        if (r == 0 && pread(served->fd, data, (size_t)length, offset) != (ssize_t)length)
            r = -EIO;
        close(served->fd);
        if (r == 0)
            return tw_request_answer(request, request->answer.status, NULL, bytes);
        tw_release(bytes);
        return r;
    }
    file = twi_file_new(served->fd);
    if (file == NULL)
        return -ENOMEM;
    request->answer.declared = length;
    r = twi_answer_file(request, file, offset, length);
    twi_file_unref(file);
    tw_request_finish(request);
    return r == -ENOTCONN ? 0 : r;
}

/* The text before a range in a body of several (RFC 9110, 14.6). */
static int part_head_write(struct twi_buf *text, const char *boundary, const char *type,
                           const struct twi_range *range, int64_t size)
{
    return twi_buf_printf(text,
                          "\r\n--%s\r\nContent-Type: %s\r\n"
                          "Content-Range: bytes %lld-%lld/%lld\r\n\r\n",
                          boundary, type, (long long)range->first, (long long)range->last,
                          (long long)size);
}

static int parts_write(tw_request *request, struct twi_file *file, const char *boundary,
                       const char *type, const struct twi_range *ranges, int count,
                       int64_t size)
{
    struct twi_buf text = { 0 };
    int64_t total = 0;
    int r = 0;

    for (int i = 0; i < count && r == 0; i++) {
        r = part_head_write(&text, boundary, type, &ranges[i], size);
        total += ranges[i].last - ranges[i].first + 1;
    }
    /* "\r\n--", boundary, "--\r\n" */
    request->answer.declared = total + (int64_t)text.length + (int64_t)strlen(boundary) + 8;
    for (int i = 0; i < count && r == 0; i++) {
        text.length = 0;
        r = part_head_write(&text, boundary, type, &ranges[i], size);
        if (r == 0)
            r = tw_request_write(request, text.data, text.length);
        if (r == 0)
            r = twi_answer_file(request, file, ranges[i].first,
                                ranges[i].last - ranges[i].first + 1);
    }
    text.length = 0;
    if (r == 0)
        r = twi_buf_printf(&text, "\r\n--%s--\r\n", boundary);
    if (r == 0)
        r = tw_request_write(request, text.data, text.length);
    twi_buf_free(&text);
    return r;
}

/* Closes the descriptor. */
static int parts_send(tw_request *request, const struct twi_served *served,
                      const struct twi_range *ranges, int count)
{
    struct twi_file *file = twi_file_new(served->fd);
    char boundary[32], type[80];
    int r;

    if (file == NULL)
        return -ENOMEM;
    snprintf(boundary, sizeof boundary, "part-%016llx",
             (unsigned long long)twi_hash(served->etag, strlen(served->etag)));
    snprintf(type, sizeof type, "multipart/byteranges; boundary=%s", boundary);
    r = tw_request_set_header(request, "Content-Type", type);
    if (r == 0)
        r = parts_write(request, file, boundary, twi_mime_type(served->name), ranges, count,
                        served->size);
    twi_file_unref(file);
    if (r < 0 && r != -ENOTCONN)
        return r;
    tw_request_finish(request);
    return 0;
}

/* 416. Closes the descriptor. */
static int no_range_send(tw_request *request, const struct twi_served *served)
{
    char text[48];

    close(served->fd);
    snprintf(text, sizeof text, "bytes */%lld", (long long)served->size);
    tw_request_set_header(request, "Content-Range", text);
    return tw_request_error(request, 416, "The file has no such range.");
}

/* Send all of the file, or the ranges. Closes the descriptor. */
static int ranges_send(tw_request *request, const struct twi_served *served)
{
    struct twi_range ranges[TWI_RANGES_MAX];
    int count = wanted_ranges(request, served, ranges);

    if (count == -ERANGE)
        return no_range_send(request, served);
    if (count > 0)
        tw_request_set_status(request, 206, NULL);
    if (count > 1)
        return parts_send(request, served, ranges, count);
    tw_request_set_header(request, "Content-Type", twi_mime_type(served->name));
    if (count == 0)
        return part_send(request, served, 0, served->size);
    content_range_set(request, &ranges[0], served->size);
    return part_send(request, served, ranges[0].first, ranges[0].last - ranges[0].first + 1);
}

int twi_served_send(tw_request *request, const struct twi_served *served)
{
    int status;

    if (validators_set(request, served) < 0) {
        close(served->fd);
        return -ENOMEM;
    }
    status = twi_conditions_check(request, served);
    if (status == 0)
        return ranges_send(request, served);
    close(served->fd);
    tw_request_set_status(request, status, NULL);
    return tw_request_finish(request);
}
