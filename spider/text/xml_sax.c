/* SPDX-License-Identifier: MIT */
/*
 * xml_sax.c - the tree of an XML document, filled from libxml2's parser.
 *
 * No entity can be fetched or grow: the parser asks for each by name, and is told that it is
 * empty. In content the reference is kept as a node. Faults are passed over where the parser
 * can.
 */
#include "config.h"

#include <limits.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "spider/text/tree.h"
#include "spider/text/utf8.h"

struct xml_reader {
    struct twi_tree *tree;
    xmlParserCtxtPtr parser;
    xmlEntity nothing; /* what every entity stands for */
    xmlChar no_text[1];
};

/* In a document that is not well-formed the parser would drop even "&amp;". */
static void xml_check(struct xml_reader *reader)
{
    reader->parser->wellFormed = 1;
    if (reader->tree->arena->failed)
        xmlStopParser(reader->parser);
}

static uint32_t xml_atom(struct xml_reader *reader, const xmlChar *name)
{
    return twi_tree_atom(reader->tree, (const char *)name, strlen((const char *)name));
}

/* The namespace of a name; of a prefix that none declares, the prefix is a part of the name. */
static uint16_t xml_space(struct xml_reader *reader, const xmlChar *prefix, const xmlChar *uri)
{
    static const char html_uri[] = "http://www.w3.org/1999/xhtml";

    if (uri == NULL)
        return TWI_SPACE_NONE;
    if (prefix == NULL && strcmp((const char *)uri, html_uri) == 0)
        return TWI_SPACE_HTML;
    return twi_tree_space(reader->tree, (const char *)prefix, (const char *)uri);
}

static uint32_t xml_name(struct xml_reader *reader, const xmlChar *local,
                         const xmlChar *prefix, const xmlChar *uri)
{
    struct twi_text name = { .arena = reader->tree->arena };

    if (prefix == NULL || uri != NULL)
        return xml_atom(reader, local);
    twi_text_puts(&name, (const char *)prefix);
    twi_text_putc(&name, ':');
    twi_text_puts(&name, (const char *)local);
    return twi_tree_atom(reader->tree, twi_text_string(&name), name.length);
}

static void xml_declare(struct xml_reader *reader, const xmlChar *prefix, const xmlChar *uri)
{
    uint32_t name = prefix != NULL ? xml_atom(reader, prefix) : TWI_NAME_XMLNS;
    const char *value = uri != NULL ? (const char *)uri : "";

    twi_tree_add_attr(reader->tree, TWI_SPACE_XMLNS, name, value, strlen(value));
}

/* `attrs`: five for each: name, prefix, namespace, where its value starts and ends. */
static void xml_start_element(void *arg, const xmlChar *local, const xmlChar *prefix,
                              const xmlChar *uri, int space_count, const xmlChar **spaces,
                              int attr_count, int default_count, const xmlChar **attrs)
{
    struct xml_reader *reader = arg;
    uint32_t name = xml_name(reader, local, prefix, uri);

    (void)default_count;
    if (name != 0 && twi_tree_open(reader->tree, xml_space(reader, prefix, uri), name) != 0) {
        for (int i = 0; i < space_count; i++)
            xml_declare(reader, spaces[2 * i], spaces[2 * i + 1]);
        for (int i = 0; i < attr_count; i++, attrs += 5)
            twi_tree_add_attr(reader->tree, xml_space(reader, attrs[1], attrs[2]),
                              xml_name(reader, attrs[0], attrs[1], attrs[2]),
                              (const char *)attrs[3], (size_t)(attrs[4] - attrs[3]));
    }
    xml_check(reader);
}

static void xml_end_element(void *arg, const xmlChar *local, const xmlChar *prefix,
                            const xmlChar *uri)
{
    struct xml_reader *reader = arg;

    (void)local;
    (void)prefix;
    (void)uri;
    if (reader->tree->open != 0)
        twi_tree_close(reader->tree);
    xml_check(reader);
}

static void xml_characters(void *arg, const xmlChar *data, int length)
{
    struct xml_reader *reader = arg;

    twi_tree_add_text(reader->tree, (const char *)data, (size_t)length);
    xml_check(reader);
}

static void xml_comment(void *arg, const xmlChar *text)
{
    struct xml_reader *reader = arg;

    if (reader->parser->inSubset == 0)
        twi_tree_add(reader->tree, TWI_NODE_COMMENT, (const char *)text,
                     strlen((const char *)text));
    xml_check(reader);
}

static void xml_instruction(void *arg, const xmlChar *target, const xmlChar *data)
{
    struct xml_reader *reader = arg;

    if (reader->parser->inSubset == 0)
        twi_tree_add_instruction(reader->tree, (const char *)target, (const char *)data);
    xml_check(reader);
}

static void xml_doctype(void *arg, const xmlChar *name, const xmlChar *public_id,
                        const xmlChar *system_id)
{
    struct xml_reader *reader = arg;

    twi_tree_add_doctype(reader->tree, (const char *)name, (const char *)public_id,
                         (const char *)system_id);
    xml_check(reader);
}

/* The parser knows the entities of XML itself. */
static xmlEntityPtr xml_get_entity(void *arg, const xmlChar *name)
{
    struct xml_reader *reader = arg;

    if (reader->parser->instate == XML_PARSER_CONTENT)
        twi_tree_add(reader->tree, TWI_NODE_ENTITY, (const char *)name,
                     strlen((const char *)name));
    xml_check(reader);
    reader->nothing = (xmlEntity){ .type = XML_ENTITY_DECL,
                                   .name = name,
                                   .etype = XML_INTERNAL_GENERAL_ENTITY,
                                   .content = reader->no_text,
                                   .orig = reader->no_text };
    return &reader->nothing;
}

static void xml_set_handlers(xmlParserCtxtPtr parser)
{
    const xmlSAXHandler handlers = {
        .internalSubset = xml_doctype,
        .getEntity = xml_get_entity,
        .characters = xml_characters,
        .ignorableWhitespace = xml_characters,
        .cdataBlock = xml_characters,
        .comment = xml_comment,
        .processingInstruction = xml_instruction,
        .startElementNs = xml_start_element,
        .endElementNs = xml_end_element,
        .initialized = XML_SAX2_MAGIC,
    };

    memcpy(parser->sax, &handlers, sizeof handlers);
}

static bool xml_parse(struct twi_tree *tree, const char *text, size_t length)
{
    struct xml_reader reader = { .tree = tree, .parser = xmlNewParserCtxt() };
    const int options = XML_PARSE_RECOVER | XML_PARSE_NOENT | XML_PARSE_NOERROR |
                        XML_PARSE_NOWARNING | XML_PARSE_NONET | XML_PARSE_HUGE |
                        XML_PARSE_IGNORE_ENC;
    bool is_whole;

    if (reader.parser == NULL)
        return false;
    xml_set_handlers(reader.parser);
    reader.parser->userData = &reader;
    xmlFreeDoc(xmlCtxtReadMemory(reader.parser, text, (int)length, NULL, "UTF-8", options));
    is_whole = reader.parser->errNo != XML_ERR_NO_MEMORY;
    xmlFreeParserCtxt(reader.parser);
    return is_whole;
}

bool twi_tree_read_xml(struct twi_tree *tree, struct twi_arena *arena, const char *text,
                       size_t length)
{
    bool is_whole = true;

    text = twi_utf8_clean(arena, text, length, &length);
    if (text == NULL || length > INT_MAX || !twi_tree_init(tree, arena, length))
        return false;
    tree->is_xml = true;
    if (length > 0)
        is_whole = xml_parse(tree, text, length);
    return twi_tree_finish(tree) && is_whole;
}
