/* SPDX-License-Identifier: MIT */
/*
 * feed_read_csv.c - CSV by a machine of five states, a byte at a time but for plain text.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spider/text/feed_read.h"

#define MOST ((size_t)16 << 20)

enum csv_state {
    CSV_CELL_START,
    CSV_PLAIN,
    CSV_QUOTED,
    CSV_QUOTE_IN_QUOTED, /* its end, or the first of two */
    CSV_AFTER_CR,        /* an LF belongs to it */
};

struct twi_csv {
    struct twi_csv_options options;
    enum csv_state state;
    char *text; /* the row's cells, a NUL behind each */
    size_t length, size;
    size_t *ends; /* where each cell ends */
    size_t count, room;
    struct twi_csv_cell *cells;
    size_t cell_room;
    unsigned mark; /* bytes of the byte order mark that were seen; 3: past it */
    int error;
    bool is_done;
};

struct twi_csv *twi_csv_new(const struct twi_csv_options *options)
{
    struct twi_csv *csv = calloc(1, sizeof *csv);

    if (csv == NULL)
        return NULL;
    csv->options = *options;
    if (csv->options.delimiter == 0)
        csv->options.delimiter = ',';
    if (csv->options.quote == 0)
        csv->options.quote = '"';
    if (csv->options.most == 0)
        csv->options.most = MOST;
    return csv;
}

static void csv_stop(struct twi_csv *csv, int error)
{
    csv->error = error;
    csv->is_done = true;
}

static void csv_put(struct twi_csv *csv, const char *data, size_t length)
{
    size_t size = csv->size > 0 ? csv->size : 256;
    char *text;

    if (csv->is_done || length == 0)
        return;
    if (length >= csv->options.most - csv->length) {
        csv_stop(csv, -E2BIG);
        return;
    }
    if (length > csv->size - csv->length) {
        while (size - csv->length < length)
            size *= 2;
        text = realloc(csv->text, size);
        if (text == NULL) {
            csv_stop(csv, -ENOMEM);
            return;
        }
        csv->text = text;
        csv->size = size;
    }
    memcpy(csv->text + csv->length, data, length);
    csv->length += length;
}

static void csv_end_cell(struct twi_csv *csv)
{
    if (csv->count == csv->room) {
        size_t room = csv->room > 0 ? csv->room * 2 : 16;
        size_t *ends = realloc(csv->ends, room * sizeof *ends);
        if (ends == NULL) {
            csv_stop(csv, -ENOMEM);
            return;
        }
        csv->ends = ends;
        csv->room = room;
    }
    csv->ends[csv->count++] = csv->length;
    csv_put(csv, "", 1);
}

static void csv_hand_over(struct twi_csv *csv)
{
    size_t start = 0;

    if (csv->cell_room < csv->count) {
        struct twi_csv_cell *cells = realloc(csv->cells, csv->room * sizeof *cells);
        if (cells == NULL) {
            csv_stop(csv, -ENOMEM);
            return;
        }
        csv->cells = cells;
        csv->cell_room = csv->room;
    }
    for (size_t i = 0; i < csv->count; i++) {
        csv->cells[i] = (struct twi_csv_cell){ csv->text + start, csv->ends[i] - start };
        start = csv->ends[i] + 1;
    }
    if (!csv->options.row(csv->cells, csv->count, csv->options.arg))
        csv->is_done = true;
}

static void csv_end_row(struct twi_csv *csv)
{
    /* Nothing at all stood on the line: a quoted empty cell is in another state. */
    if (csv->count > 0 || csv->state != CSV_CELL_START) {
        csv_end_cell(csv);
        if (!csv->is_done)
            csv_hand_over(csv);
    }
    csv->length = csv->count = 0;
}

/* A byte outside of quotes, or behind one. */
static void csv_take(struct twi_csv *csv, char c)
{
    if (c == csv->options.delimiter) {
        csv_end_cell(csv);
        csv->state = CSV_CELL_START;
    } else if (c == '\r' || c == '\n') {
        csv_end_row(csv);
        csv->state = c == '\r' ? CSV_AFTER_CR : CSV_CELL_START;
    } else if (c == csv->options.quote && csv->state == CSV_CELL_START) {
        csv->state = CSV_QUOTED;
    } else {
        csv_put(csv, &c, 1);
        csv->state = CSV_PLAIN;
    }
}

/* Bytes from `data` on that stand for themselves in this state. */
static size_t plain_length(const struct twi_csv *csv, const char *data, size_t length)
{
    const char *end;
    size_t i = 0;

    if (csv->state == CSV_QUOTED) {
        end = memchr(data, csv->options.quote, length);
        return end != NULL ? (size_t)(end - data) : length;
    }
    if (csv->state == CSV_PLAIN)
        while (i < length && data[i] != csv->options.delimiter && data[i] != '\r' &&
               data[i] != '\n')
            i++;
    return i;
}

static void csv_step(struct twi_csv *csv, char c)
{
    if (csv->state == CSV_AFTER_CR) {
        csv->state = CSV_CELL_START;
        if (c == '\n')
            return;
    }
    if (csv->state == CSV_QUOTED) {
        csv->state = CSV_QUOTE_IN_QUOTED;
    } else if (csv->state == CSV_QUOTE_IN_QUOTED && c == csv->options.quote) {
        csv_put(csv, &c, 1);
        csv->state = CSV_QUOTED;
    } else {
        csv_take(csv, c);
    }
}

/* Skip the byte order mark. The number of bytes that belonged to it. */
static size_t csv_skip_mark(struct twi_csv *csv, const char *data, size_t length)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t i = 0;

    while (csv->mark < 3 && i < length) {
        if (data[i] != mark[csv->mark]) {
            unsigned seen = csv->mark;
            csv->mark = 3;
            for (unsigned j = 0; j < seen; j++) /* it was none, but it has been taken away */
                csv_step(csv, mark[j]);
            return i;
        }
        csv->mark++;
        i++;
    }
    return i;
}

void twi_csv_feed(struct twi_csv *csv, const char *data, size_t length)
{
    size_t at = csv_skip_mark(csv, data, length);

    while (at < length && !csv->is_done) {
        size_t plain = plain_length(csv, data + at, length - at);
        csv_put(csv, data + at, plain);
        at += plain;
        if (at < length && !csv->is_done)
            csv_step(csv, data[at++]);
    }
}

int twi_csv_end(struct twi_csv *csv)
{
    if (!csv->is_done && csv->state != CSV_AFTER_CR)
        csv_end_row(csv);
    csv->is_done = true;
    return csv->error;
}

void twi_csv_free(struct twi_csv *csv)
{
    if (csv == NULL)
        return;
    free(csv->text);
    free(csv->ends);
    free(csv->cells);
    free(csv);
}
