/* SPDX-License-Identifier: MIT */
/*
 * sitemap.c - the way of a sitemap's bytes: gunzip, then lines or XML.
 */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "spider/text/sitemap.h"
#include "spider/text/sitemap_xml.h"
#include "spider/text/span.h"

#define MAX_LINE 8192
#define MAX_BYTES ((uint64_t)1 << 30) /* unpacked; a file has 50 MB at most */

enum sitemap_form { FORM_UNKNOWN, FORM_LINES, FORM_XML };

struct twi_sitemap {
    void (*each)(const struct twi_sitemap_entry *entry, void *arg);
    void *arg;
    enum sitemap_form form;
    struct twi_sitemap_xml *xml;
    bool is_utf8; /* whatever it says */
    bool begun, packed, unpacking, ended;
    z_stream zip;
    unsigned char head[2]; /* the first bytes, until there are two */
    size_t head_length;
    uint64_t unpacked;
    char line[MAX_LINE];
    size_t line_length;
    bool line_too_long;
    size_t urls; /* lines that were */
};

struct twi_sitemap *twi_sitemap_new(void (*each)(const struct twi_sitemap_entry *entry,
                                                 void *arg),
                                    void *arg)
{
    struct twi_sitemap *sitemap = calloc(1, sizeof *sitemap);

    if (sitemap == NULL)
        return NULL;
    sitemap->each = each;
    sitemap->arg = arg;
    return sitemap;
}

void twi_sitemap_ignore_charset(struct twi_sitemap *sitemap)
{
    sitemap->is_utf8 = true;
}

void twi_sitemap_free(struct twi_sitemap *sitemap)
{
    if (sitemap == NULL)
        return;
    if (sitemap->unpacking)
        inflateEnd(&sitemap->zip);
    twi_sitemap_xml_free(sitemap->xml);
    free(sitemap);
}

/* --- lines --------------------------------------------------------------------------------- */

static bool line_is_url(const char *line)
{
    return strncasecmp(line, "http://", 7) == 0 || strncasecmp(line, "https://", 8) == 0;
}

static void line_end(struct twi_sitemap *sitemap)
{
    const char *line = sitemap->line;
    size_t length = sitemap->line_length;

    while (length > 0 && twi_is_space(line[length - 1]))
        length--;
    sitemap->line[length] = 0;
    while (twi_is_space(*line))
        line++;
    if (!sitemap->line_too_long && line_is_url(line)) {
        const struct twi_sitemap_entry entry = { .loc = line };
        sitemap->urls++;
        sitemap->each(&entry, sitemap->arg);
    }
    sitemap->line_length = 0;
    sitemap->line_too_long = false;
}

static void lines_feed(struct twi_sitemap *sitemap, const char *data, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (data[i] == '\n' || data[i] == '\r')
            line_end(sitemap);
        else if (sitemap->line_length < MAX_LINE - 1)
            sitemap->line[sitemap->line_length++] = data[i];
        else
            sitemap->line_too_long = true;
    }
}

/* --- which form ---------------------------------------------------------------------------- */

/* White space and the parts of byte order marks in front of the first character. */
static bool is_before_text(char c)
{
    return twi_is_space(c) || c == '\xef' || c == '\xbb' || c == '\xbf';
}

static bool starts_xml(char c)
{
    return c == '<' || c == '\xff' || c == '\xfe'; /* or UTF-16 */
}

static void form_decide(struct twi_sitemap *sitemap, char first)
{
    sitemap->form = starts_xml(first) ? FORM_XML : FORM_LINES;
    if (sitemap->form == FORM_XML)
        sitemap->xml = twi_sitemap_xml_new(sitemap->each, sitemap->arg, sitemap->is_utf8);
    sitemap->ended = sitemap->form == FORM_XML && sitemap->xml == NULL;
}

static void form_feed(struct twi_sitemap *sitemap, const char *data, size_t length)
{
    while (sitemap->form == FORM_UNKNOWN && length > 0) {
        if (is_before_text(*data)) {
            data++;
            length--;
        } else {
            form_decide(sitemap, *data);
        }
    }
    if (sitemap->form == FORM_LINES)
        lines_feed(sitemap, data, length);
    else if (sitemap->form == FORM_XML && !sitemap->ended)
        twi_sitemap_xml_feed(sitemap->xml, data, length);
}

/* A NUL would end the parsing; where it can't be half a character, it is dropped. */
static void plain_feed(struct twi_sitemap *sitemap, const char *data, size_t length)
{
    const char *end = data + length, *nul;

    while (sitemap->is_utf8 && data < end &&
           (nul = memchr(data, 0, (size_t)(end - data))) != NULL) {
        if (nul > data)
            form_feed(sitemap, data, (size_t)(nul - data));
        data = nul + 1;
    }
    if (data < end)
        form_feed(sitemap, data, (size_t)(end - data));
}

/* --- gunzip -------------------------------------------------------------------------------- */

static bool unpack_begin(struct twi_sitemap *sitemap)
{
    sitemap->unpacking = inflateInit2(&sitemap->zip, 15 + 16) == Z_OK;
    return sitemap->unpacking;
}

/* Pass on a buffer full; false at the end, or where it is broken. */
static bool unpack_some(struct twi_sitemap *sitemap)
{
    unsigned char buffer[16384];
    int r;

    sitemap->zip.next_out = buffer;
    sitemap->zip.avail_out = sizeof buffer;
    r = inflate(&sitemap->zip, Z_NO_FLUSH);
    sitemap->unpacked += sizeof buffer - sitemap->zip.avail_out;
    plain_feed(sitemap, (char *)buffer, sizeof buffer - sitemap->zip.avail_out);
    if (r == Z_STREAM_END) /* perhaps another member follows */
        return inflateReset(&sitemap->zip) == Z_OK;
    return (r == Z_OK || r == Z_BUF_ERROR) && sitemap->unpacked < MAX_BYTES;
}

static void unpack(struct twi_sitemap *sitemap, const char *data, size_t length)
{
    if (length == 0 || sitemap->ended)
        return;
    sitemap->zip.next_in = (unsigned char *)data;
    sitemap->zip.avail_in = (uInt)length;
    do {
        if (!unpack_some(sitemap)) {
            sitemap->ended = true;
            return;
        }
    } while (sitemap->zip.avail_in > 0 || sitemap->zip.avail_out == 0);
}

/* --- feeding ------------------------------------------------------------------------------- */

static void bytes_feed(struct twi_sitemap *sitemap, const char *data, size_t length)
{
    if (sitemap->packed)
        unpack(sitemap, data, length);
    else
        plain_feed(sitemap, data, length);
}

/* The first two bytes say whether it is packed. */
static void sitemap_begin(struct twi_sitemap *sitemap)
{
    static const unsigned char magic[2] = { 0x1f, 0x8b };

    sitemap->begun = true;
    sitemap->packed = sitemap->head_length == 2 && memcmp(sitemap->head, magic, 2) == 0;
    if (sitemap->packed && !unpack_begin(sitemap))
        sitemap->ended = true;
    bytes_feed(sitemap, (char *)sitemap->head, sitemap->head_length);
}

void twi_sitemap_feed(struct twi_sitemap *sitemap, const char *data, size_t length)
{
    while (!sitemap->begun && length > 0) {
        sitemap->head[sitemap->head_length++] = (unsigned char)*data++;
        length--;
        if (sitemap->head_length == 2)
            sitemap_begin(sitemap);
    }
    while (length > 0 && !sitemap->ended) { /* zlib and libxml2 count in int */
        size_t piece = length < 1 << 20 ? length : 1 << 20;
        bytes_feed(sitemap, data, piece);
        data += piece;
        length -= piece;
    }
}

const char *twi_sitemap_end(struct twi_sitemap *sitemap)
{
    if (!sitemap->begun)
        sitemap_begin(sitemap);
    if (sitemap->form == FORM_XML)
        return sitemap->xml != NULL ? twi_sitemap_xml_end(sitemap->xml) : NULL;
    line_end(sitemap);
    return sitemap->urls > 0 ? "text" : NULL;
}
