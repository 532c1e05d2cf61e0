/* SPDX-License-Identifier: MIT */
/*
 * warc_head.c - the head of a record, read in place.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "spider/text/span.h"
#include "spider/text/warc.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool head_field_add(struct twi_warc_head *head, const char *name, const char *value)
{
    size_t size = head->size > 0 ? 2 * head->size : 16;
    struct twi_warc_field *fields;

    if (head->count == head->size) {
        fields = realloc(head->fields, size * sizeof *fields);
        if (fields == NULL)
            return false;
        head->fields = fields;
        head->size = size;
    }
    head->fields[head->count++] = (struct twi_warc_field){ name, value };
    return true;
}

/* The end of the line at `at`: its line end and white space before that become NUL. Returns the
 * beginning of the next. */
static char *line_cut(char *at, char *end)
{
    char *newline = memchr(at, '\n', (size_t)(end - at));
    char *next = newline != NULL ? newline + 1 : end, *last = newline != NULL ? newline : end;

    *last = '\0';
    while (last > at && twi_is_space(last[-1]))
        *--last = '\0';
    return next;
}

/* "WARC/1.1"; false if it is none. */
static bool version_read(struct twi_warc_head *head, const char *line)
{
    if (strncmp(line, "WARC/", 5) != 0 || !twi_is_digit(line[5]))
        return false;
    head->version = line + 5;
    return true;
}

/* Join lines that go on below: a line end before white space is dropped. The new length. */
static size_t unfold(char *text, size_t length)
{
    size_t kept = 0;

    for (size_t i = 0; i < length; i++) {
        size_t end = i + (text[i] == '\r');

        if (end + 1 < length && text[end] == '\n' && is_blank(text[end + 1]))
            i = end;
        else
            text[kept++] = text[i];
    }
    text[kept] = '\0';
    return kept;
}

static bool head_line_take(struct twi_warc_head *head, char *line)
{
    char *colon = strchr(line, ':'), *last;

    if (colon == NULL)
        return true;
    for (last = colon; last > line && is_blank(last[-1]);)
        last--;
    *last = '\0';
    do
        colon++;
    while (is_blank(*colon));
    return head_field_add(head, line, colon);
}

const char *twi_warc_head_field(const struct twi_warc_head *head, const char *name)
{
    for (size_t i = 0; i < head->count; i++)
        if (strcasecmp(head->fields[i].name, name) == 0)
            return head->fields[i].value;
    return NULL;
}

/* --- the URI --------------------------------------------------------------------------------- */

static void escape_spaces(char *to, const char *from, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (from[i] == ' ') {
            memcpy(to, "%20", 3);
            to += 3;
        } else {
            *to++ = from[i];
        }
    }
    *to = '\0';
}

/* False without memory. */
static bool uri_take(struct twi_warc_head *head)
{
    const char *uri = twi_warc_head_field(head, "WARC-Target-URI");
    size_t length = uri != NULL ? strlen(uri) : 0;
    bool wrapped = length > 1 && uri[0] == '<' && uri[length - 1] == '>';

    head->uri = uri;
    if (!wrapped && (length == 0 || memchr(uri, ' ', length) == NULL))
        return true;
    head->mended = malloc(3 * length + 1);
    if (head->mended == NULL)
        return false;
    escape_spaces(head->mended, uri + wrapped, length - 2 * (size_t)wrapped);
    head->uri = head->mended;
    return true;
}

/* --- the head -------------------------------------------------------------------------------- */

bool twi_warc_head_read(struct twi_warc_head *head, char *text, size_t length)
{
    char *at = text, *end = text + length, *next;

    *head = (struct twi_warc_head){ .text = text, .version = "" };
    for (char *nul = text; (nul = memchr(nul, '\0', (size_t)(end - nul))) != NULL;)
        *nul = ' ';
    next = line_cut(at, end);
    if (!version_read(head, at))
        return false;
    end = next + unfold(next, (size_t)(end - next));
    for (at = next; at < end; at = next) {
        next = line_cut(at, end);
        if (!head_line_take(head, at))
            return false;
    }
    return uri_take(head);
}

void twi_warc_head_free(struct twi_warc_head *head)
{
    free(head->fields);
    free(head->text);
    free(head->mended);
    *head = (struct twi_warc_head){ .version = "" };
}
