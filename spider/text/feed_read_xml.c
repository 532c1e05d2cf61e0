/* SPDX-License-Identifier: MIT */
/*
 * feed_read_xml.c - elements of an XML feed, by libxml2's push parser without a tree.
 *
 * A record is written anew as it is read, with the namespaces that its prefixes need, so that it is
 * a document of its own. Files are taken as they come: no entity is fetched or grows, and faults
 * are passed over where the parser can.
 */
#include "config.h"

#include <errno.h>
#include <libxml/parser.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "spider/text/arena.h"
#include "spider/text/feed_read.h"

#define MOST ((size_t)16 << 20)
#define MOST_SPACES 100 /* namespaces in scope; others are let go */
#define LONGEST_SPACE 1000 /* bytes of a prefix and its name */

struct space {
    char *prefix, *uri; /* prefix "": the default */
    unsigned depth;
};

struct twi_xml_records {
    struct twi_xml_options options;
    xmlParserCtxtPtr parser;
    unsigned depth, record_depth; /* of open elements; record_depth 0: in no record */
    struct twi_arena arena;       /* of the record */
    struct twi_text text;
    bool has_open_tag; /* its ">" is due: the element may be empty */
    bool declares;     /* the file declares entities */
    bool is_done;
    int error;
    struct space spaces[MOST_SPACES];
    int space_count;
};

/* --- writing ------------------------------------------------------------------------------- */

static const char *record_escape(char c, bool in_value)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return in_value ? NULL : "&gt;";
    case '"':
        return in_value ? "&quot;" : NULL;
    case '\r':
        return "&#13;";
    case '\n':
        return in_value ? "&#10;" : NULL;
    case '\t':
        return in_value ? "&#9;" : NULL;
    default:
        return NULL;
    }
}

static void record_put(struct twi_xml_records *xml, const char *data, size_t length,
                       bool in_value)
{
    const char *end = data + length, *plain = data;

    for (; data < end; data++) {
        const char *escape = record_escape(*data, in_value);
        if (escape == NULL)
            continue;
        twi_text_add(&xml->text, plain, (size_t)(data - plain));
        twi_text_puts(&xml->text, escape);
        plain = data + 1;
    }
    twi_text_add(&xml->text, plain, (size_t)(end - plain));
}

static void record_close_tag(struct twi_xml_records *xml)
{
    if (xml->has_open_tag)
        twi_text_putc(&xml->text, '>');
    xml->has_open_tag = false;
}

static void record_put_name(struct twi_xml_records *xml, const xmlChar *prefix,
                            const xmlChar *name)
{
    if (prefix != NULL) {
        twi_text_puts(&xml->text, (const char *)prefix);
        twi_text_putc(&xml->text, ':');
    }
    twi_text_puts(&xml->text, (const char *)name);
}

static void record_put_attribute(struct twi_xml_records *xml, const xmlChar *prefix,
                                 const xmlChar *name, const char *value, size_t length)
{
    twi_text_putc(&xml->text, ' ');
    record_put_name(xml, prefix, name);
    twi_text_puts(&xml->text, "=\"");
    record_put(xml, value, length, true);
    twi_text_putc(&xml->text, '"');
}

/* --- namespaces ---------------------------------------------------------------------------- */

static void space_push(struct twi_xml_records *xml, const xmlChar *prefix, const xmlChar *uri)
{
    const char *name = prefix != NULL ? (const char *)prefix : "";
    const char *value = uri != NULL ? (const char *)uri : "";
    struct space *space = &xml->spaces[xml->space_count];

    if (xml->space_count == MOST_SPACES || strlen(name) + strlen(value) > LONGEST_SPACE)
        return;
    *space = (struct space){ strdup(name), strdup(value), xml->depth };
    if (space->prefix != NULL && space->uri != NULL) {
        xml->space_count++;
        return;
    }
    free(space->prefix);
    free(space->uri);
    xml->error = -ENOMEM;
}

static void spaces_pop(struct twi_xml_records *xml)
{
    while (xml->space_count > 0 && xml->spaces[xml->space_count - 1].depth >= xml->depth) {
        struct space *space = &xml->spaces[--xml->space_count];
        free(space->prefix);
        free(space->uri);
    }
}

/* Is there one of the same prefix further in? */
static bool space_is_hidden(const struct twi_xml_records *xml, int index)
{
    for (int i = index + 1; i < xml->space_count; i++)
        if (strcmp(xml->spaces[i].prefix, xml->spaces[index].prefix) == 0)
            return true;
    return false;
}

static void record_put_space(struct twi_xml_records *xml, const struct space *space)
{
    bool has_prefix = space->prefix[0] != 0;

    record_put_attribute(xml, has_prefix ? (const xmlChar *)"xmlns" : NULL,
                         has_prefix ? (const xmlChar *)space->prefix
                                    : (const xmlChar *)"xmlns",
                         space->uri, strlen(space->uri));
}

/* All that are in scope for a record's element; for one inside it, its own. */
static void record_put_spaces(struct twi_xml_records *xml, bool all)
{
    for (int i = 0; i < xml->space_count; i++) {
        const struct space *space = &xml->spaces[i];
        if (all ? !space_is_hidden(xml, i) && (*space->prefix != 0 || *space->uri != 0)
                : space->depth == xml->depth)
            record_put_space(xml, space);
    }
}

/* --- what the parser tells ----------------------------------------------------------------- */

/* "item" is one in any namespace, "g:item" only with this prefix. */
static bool is_record(const struct twi_xml_records *xml, const xmlChar *prefix,
                      const xmlChar *name)
{
    const char *wanted = xml->options.name, *colon = strchr(wanted, ':');
    size_t length;

    if (colon == NULL)
        return strcmp(wanted, (const char *)name) == 0;
    length = (size_t)(colon - wanted);
    return prefix != NULL && strlen((const char *)prefix) == length &&
           memcmp(prefix, wanted, length) == 0 && strcmp(colon + 1, (const char *)name) == 0;
}

static void record_begin(struct twi_xml_records *xml)
{
    twi_arena_reset(&xml->arena);
    xml->text = (struct twi_text){ .arena = &xml->arena };
    xml->record_depth = xml->depth;
}

static void record_start(void *user, const xmlChar *name, const xmlChar *prefix,
                         const xmlChar *uri, int space_count, const xmlChar **spaces,
                         int count, int defaulted, const xmlChar **attributes)
{
    struct twi_xml_records *xml = user;

    (void)uri;
    (void)defaulted;
    xml->parser->wellFormed = 1; /* else the parser would drop even "&amp;" from here on */
    xml->depth++;
    for (int i = 0; i < space_count; i++)
        space_push(xml, spaces[2 * i], spaces[2 * i + 1]);
    if (xml->record_depth == 0 && is_record(xml, prefix, name))
        record_begin(xml);
    if (xml->record_depth == 0)
        return;
    record_close_tag(xml);
    twi_text_putc(&xml->text, '<');
    record_put_name(xml, prefix, name);
    record_put_spaces(xml, xml->depth == xml->record_depth);
    for (int i = 0; i < count; i++, attributes += 5)
        record_put_attribute(xml, attributes[1], attributes[0], (const char *)attributes[3],
                             (size_t)(attributes[4] - attributes[3]));
    xml->has_open_tag = true;
}

/* The end of a file may have cut a record off: then the parser ends it, but no tag does. */
static bool is_cut_off(const struct twi_xml_records *xml)
{
    const xmlParserInput *input = xml->parser->input;

    return input->cur <= input->base || input->cur[-1] != '>';
}

static void record_hand_over(struct twi_xml_records *xml)
{
    xml->record_depth = 0;
    if (xml->arena.failed)
        xml->error = -E2BIG;
    else if (!is_cut_off(xml) &&
             !xml->options.record(xml->text.data, xml->text.length, xml->options.arg))
        xml->is_done = true;
    if (xml->is_done)
        xmlStopParser(xml->parser);
}

static void record_end(void *user, const xmlChar *name, const xmlChar *prefix,
                       const xmlChar *uri)
{
    struct twi_xml_records *xml = user;

    (void)uri;
    if (xml->record_depth != 0 && !xml->is_done) {
        if (xml->has_open_tag) {
            twi_text_puts(&xml->text, "/>");
        } else {
            twi_text_puts(&xml->text, "</");
            record_put_name(xml, prefix, name);
            twi_text_putc(&xml->text, '>');
        }
        xml->has_open_tag = false;
        if (xml->depth == xml->record_depth)
            record_hand_over(xml);
    }
    spaces_pop(xml);
    xml->depth--;
}

static void record_characters(void *user, const xmlChar *data, int length)
{
    struct twi_xml_records *xml = user;

    xml->parser->wellFormed = 1;
    if (xml->record_depth == 0)
        return;
    record_close_tag(xml);
    record_put(xml, (const char *)data, (size_t)length, false);
}

static xmlEntityPtr record_entity(void *user, const xmlChar *name)
{
    (void)user;
    return xmlGetPredefinedEntity(name);
}

static void record_entity_declared(void *user, const xmlChar *name, int type,
                                   const xmlChar *public_id, const xmlChar *system_id,
                                   xmlChar *content)
{
    struct twi_xml_records *xml = user;

    (void)name;
    (void)type;
    (void)public_id;
    (void)system_id;
    (void)content;
    xml->declares = true;
}

/* A reference to nothing stays as it is written; one that is declared, and not expanded, goes. */
static void record_error(void *user, xmlErrorPtr error)
{
    struct twi_xml_records *xml = user;

    if (error->code != XML_ERR_UNDECLARED_ENTITY || error->str1 == NULL || xml->declares)
        return;
    record_characters(xml, (const xmlChar *)"&", 1);
    record_characters(xml, (const xmlChar *)error->str1, (int)strlen(error->str1));
    record_characters(xml, (const xmlChar *)";", 1);
}

/* --- the parser ---------------------------------------------------------------------------- */

static xmlSAXHandler record_handlers = {
    .initialized = XML_SAX2_MAGIC,
    .startElementNs = record_start,
    .endElementNs = record_end,
    .characters = record_characters,
    .ignorableWhitespace = record_characters,
    .cdataBlock = record_characters,
    .entityDecl = record_entity_declared,
    .getEntity = record_entity,
    .serror = record_error,
};

struct twi_xml_records *twi_xml_records_new(const struct twi_xml_options *options)
{
    struct twi_xml_records *xml = calloc(1, sizeof *xml);

    if (xml == NULL)
        return NULL;
    xml->options = *options;
    twi_arena_init(&xml->arena, options->most != 0 ? options->most : MOST);
    xml->parser = xmlCreatePushParserCtxt(&record_handlers, xml, NULL, 0, NULL);
    if (xml->parser == NULL) {
        free(xml);
        return NULL;
    }
    xmlCtxtUseOptions(xml->parser, XML_PARSE_RECOVER | XML_PARSE_NOENT | XML_PARSE_NONET |
                                       XML_PARSE_HUGE |
                                       (options->is_utf8 ? XML_PARSE_IGNORE_ENC : 0));
    return xml;
}

void twi_xml_records_feed(struct twi_xml_records *xml, const char *data, size_t length)
{
    while (length > 0 && !xml->is_done) {
        size_t piece = length < INT_MAX ? length : INT_MAX;
        xmlParseChunk(xml->parser, data, (int)piece, 0);
        data += piece;
        length -= piece;
    }
}

int twi_xml_records_end(struct twi_xml_records *xml)
{
    if (!xml->is_done)
        xmlParseChunk(xml->parser, NULL, 0, 1);
    xml->is_done = true;
    return xml->error;
}

void twi_xml_records_free(struct twi_xml_records *xml)
{
    if (xml == NULL)
        return;
    xml->depth = 0;
    spaces_pop(xml);
    xmlFreeDoc(xml->parser->myDoc); /* holds the declarations of entities */
    xmlFreeParserCtxt(xml->parser);
    twi_arena_free(&xml->arena);
    free(xml);
}
