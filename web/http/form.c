/* SPDX-License-Identifier: MIT */
/*
 * form.c - forms to bytes and back. https://url.spec.whatwg.org/#urlencoded-serializing, RFC 7578.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <tweed/failure.h>
#include <tweed/form.h>

#include "base/ascii.h"
#include "base/buf.h"
#include "base/posix.h"
#include "web/http/syntax.h"
#include "web/url/url.h"

enum { MAX_FIELDS = 1000, BOUNDARY_WORDS = 2 };

/* --- urlencoded ---------------------------------------------------------------------------- */

static int append_encoded(struct twi_buf *buf, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    int r = 0;

    for (; *text != '\0' && r == 0; text++) {
        unsigned char c = (unsigned char)*text;
        if (twi_is_alpha(*text) || twi_is_digit(*text) || strchr("*-._", c) != NULL)
            r = twi_buf_append_char(buf, *text);
        else if (c == ' ')
            r = twi_buf_append_char(buf, '+');
        else
            r = twi_buf_append(buf, (char[]){ '%', digits[c >> 4], digits[c & 15] }, 3);
    }
    return r;
}

static int append_field(struct twi_buf *buf, const struct tw_field *field)
{
    int r = append_encoded(buf, field->name);

    if (r == 0)
        r = twi_buf_append_char(buf, '=');
    if (r == 0 && field->value != NULL)
        r = append_encoded(buf, field->value);
    return r;
}

static int append_fields(struct twi_buf *buf, const struct tw_field *fields)
{
    int r = 0;

    for (const struct tw_field *field = fields; field->name != NULL && r == 0; field++) {
        if (field > fields)
            r = twi_buf_append_char(buf, '&');
        if (r == 0)
            r = append_field(buf, field);
    }
    return r;
}

/* The buffer's content, unless `error` says that it is not whole. */
static tw_value form_finished(struct twi_buf *buf, int error)
{
    if (error == 0)
        return twi_buf_take(buf);
    twi_buf_free(buf);
    return tw_fail_memory();
}

tw_value tw_form_encode(const struct tw_field *fields)
{
    struct twi_buf buf = { 0 };

    return form_finished(&buf, fields == NULL ? 0 : append_fields(&buf, fields));
}

tw_value tw_form_url(const char *url, const struct tw_field *fields)
{
    struct twi_buf buf = { 0 };
    const char *query;
    size_t length;
    int r;

    if (url == NULL || fields == NULL || fields->name == NULL)
        return tw_string(url);
    length = strcspn(url, "#");
    query = memchr(url, '?', length);
    r = twi_buf_append(&buf, url, length);
    if (r == 0 && query == NULL)
        r = twi_buf_append_char(&buf, '?');
    else if (r == 0 && query + 1 < url + length && url[length - 1] != '&')
        r = twi_buf_append_char(&buf, '&');
    if (r == 0)
        r = append_fields(&buf, fields);
    if (r == 0)
        r = twi_buf_append_text(&buf, url + length);
    return form_finished(&buf, r);
}

static tw_value form_decoded(const char *text, size_t length)
{
    char *spaced = twi_strndup(text, length);
    tw_value bytes;

    if (spaced == NULL)
        return tw_fail_memory();
    for (size_t i = 0; i < length; i++)
        if (spaced[i] == '+')
            spaced[i] = ' ';
    bytes = tw_url_decode(spaced, length);
    twi_free(spaced);
    return bytes;
}

/* Append `item` (taken); a failure in its place is -ENOMEM. */
static int append_item(tw_value list, tw_value item)
{
    return tw_is_failure(item) ? -1 : tw_list_append(list, item);
}

static int decode_field(tw_value list, const char *text, size_t length)
{
    const char *equals = memchr(text, '=', length);
    size_t name = equals != NULL ? (size_t)(equals - text) : length;
    int r = append_item(list, form_decoded(text, name));

    if (r == 0 && equals != NULL)
        r = append_item(list, form_decoded(equals + 1, length - name - 1));
    else if (r == 0)
        r = append_item(list, tw_string(""));
    return r;
}

tw_value tw_form_decode(const char *text, size_t length)
{
    tw_value list = tw_list(0);
    const char *end = text + length;
    int r = tw_is_failure(list) ? -1 : 0;

    while (text < end && r == 0) {
        const char *next = memchr(text, '&', (size_t)(end - text));
        if (next == NULL)
            next = end;
        if (tw_list_length(list) == 2 * MAX_FIELDS) {
            tw_release(list);
            return tw_fail(&tw_error_toolarge, "more than %d fields", MAX_FIELDS);
        }
        if (next > text)
            r = decode_field(list, text, (size_t)(next - text));
        text = next + 1;
    }
    if (r == 0)
        return list;
    tw_release(list);
    return tw_fail_memory();
}

tw_value tw_form_get(tw_value form, const char *name)
{
    for (size_t i = 0; i + 1 < tw_list_length(form); i += 2) {
        tw_value own = tw_list_at(form, i);
        if (tw_bytes_length(own) == strlen(name) && strcmp(tw_bytes_data(own), name) == 0)
            return tw_list_at(form, i + 1);
    }
    return tw_none();
}

/* --- multipart ----------------------------------------------------------------------------- */

/* Characters that a quoted name may not hold are escaped as browsers do. */
static int append_quoted(struct twi_buf *buf, const char *name, const char *text)
{
    int r = twi_buf_printf(buf, "; %s=\"", name);

    for (; *text != '\0' && r == 0; text++)
        if (*text == '"' || *text == '\r' || *text == '\n')
            r = twi_buf_printf(buf, "%%%02X", (unsigned)*text);
        else
            r = twi_buf_append_char(buf, *text);
    return r == 0 ? twi_buf_append_char(buf, '"') : r;
}

static int append_part(struct twi_buf *buf, const char *boundary, const struct tw_part *part)
{
    const char *type = part->content_type;
    int r = twi_buf_printf(buf, "--%s\r\nContent-Disposition: form-data", boundary);

    if (type == NULL && part->filename != NULL)
        type = "application/octet-stream";
    if (r == 0)
        r = append_quoted(buf, "name", part->name);
    if (r == 0 && part->filename != NULL)
        r = append_quoted(buf, "filename", part->filename);
    if (r == 0 && type != NULL)
        r = twi_buf_printf(buf, "\r\nContent-Type: %s", type);
    if (r == 0)
        r = twi_buf_append_text(buf, "\r\n\r\n");
    if (r == 0)
        r = twi_buf_append(buf, part->data, part->length);
    return r == 0 ? twi_buf_append_text(buf, "\r\n") : r;
}

tw_value tw_multipart_encode(const struct tw_part *parts,
                             char content_type[TW_MULTIPART_TYPE_SIZE])
{
    static const char start[] = "multipart/form-data; boundary=";
    uint64_t words[BOUNDARY_WORDS];
    struct twi_buf buf = { 0 };
    int r = 0;

    twi_random(words, sizeof words);
    snprintf(content_type, TW_MULTIPART_TYPE_SIZE, "%s%016llx%016llx", start,
             (unsigned long long)words[0], (unsigned long long)words[1]);
    for (; parts != NULL && parts->name != NULL && r == 0; parts++) {
        if (parts->content_type != NULL &&
            !twi_http_is_value(parts->content_type, strlen(parts->content_type))) {
            twi_buf_free(&buf);
            return tw_fail(&tw_error_misuse, "a line end in the type of part \"%.60s\"",
                           parts->name);
        }
        r = append_part(&buf, content_type + sizeof start - 1, parts);
    }
    if (r == 0)
        r = twi_buf_printf(&buf, "--%s--\r\n", content_type + sizeof start - 1);
    return form_finished(&buf, r);
}
