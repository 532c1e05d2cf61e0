/* SPDX-License-Identifier: MIT */
/*
 * feed_read.h - a feed in pieces, a record at a time: rows of CSV, elements of XML.
 *
 * Memory does not grow with the file: a record is handed over when it is whole, and let go.
 */
#ifndef SPIDER_TEXT_FEED_READ_H
#define SPIDER_TEXT_FEED_READ_H

#include <stdbool.h>
#include <stddef.h>

/* --- CSV ----------------------------------------------------------------------------------- */

struct twi_csv_cell {
    const char *text; /* with a NUL behind it; lives during the call only */
    size_t length;
};

struct twi_csv_options {
    char delimiter;     /* 0: ',' */
    char quote;         /* 0: '"' */
    size_t most;        /* bytes of a row; 0: 16 MiB */
    /* False: enough, all else is ignored. Empty lines are no rows. */
    bool (*row)(const struct twi_csv_cell *cells, size_t count, void *arg);
    void *arg;
};

struct twi_csv;
/* NULL when there is no memory. */
struct twi_csv *twi_csv_new(const struct twi_csv_options *options);
/* Read the next piece. A byte order mark at the start is skipped. As Python's csv and RFC
 * 4180: rows end with CR, LF or both; a quote opens a cell only at its start, two of them in
 * it are one, and text behind the closing one belongs to the cell. */
void twi_csv_feed(struct twi_csv *csv, const char *data, size_t length);
/* The file ends: the last row may lack its end. 0; -ENOMEM; -E2BIG when a row was too long, with
 * which reading stopped. */
int twi_csv_end(struct twi_csv *csv);
void twi_csv_free(struct twi_csv *csv);

/* --- XML ----------------------------------------------------------------------------------- */

struct twi_xml_options {
    /* Of the elements: "item" in any namespace, "g:item" with this prefix. Lent. */
    const char *name;
    size_t most;      /* bytes of memory for one; 0: 16 MiB */
    bool is_utf8;     /* whatever the file's declaration names */
    /* The element as a document of its own, in UTF-8, with the namespaces that are in scope.
     * False: enough. One inside another is a part of it. */
    bool (*record)(const char *xml, size_t length, void *arg);
    void *arg;
};

struct twi_xml_records;
/* NULL when there is no memory. */
struct twi_xml_records *twi_xml_records_new(const struct twi_xml_options *options);
void twi_xml_records_feed(struct twi_xml_records *xml, const char *data, size_t length);
/* The file ends. An element without its end is none. 0; -ENOMEM; -E2BIG when elements that were too
 * large have been left out. */
int twi_xml_records_end(struct twi_xml_records *xml);
void twi_xml_records_free(struct twi_xml_records *xml);

#endif
