/* SPDX-License-Identifier: MIT */
/*
 * html_sax.c - the tree of a page, filled from libxml2's HTML parser.
 *
 * libxml2 builds no tree of its own: its events go into ours. Its limits on depth and length are
 * lifted, as the arena bounds all of it.
 */
#include "config.h"

#include <limits.h>
#include <string.h>

#include <libxml/HTMLparser.h>
#include <libxml/parserInternals.h>

#include "spider/text/tree.h"
#include "spider/text/utf8.h"

struct html_reader {
    struct twi_tree *tree;
    htmlParserCtxtPtr parser;
    uint32_t begun; /* the textarea whose text has begun; 0: none */
};

/* Stop as soon as there is no memory: nothing more could be kept. */
static void html_check(struct html_reader *reader)
{
    if (reader->tree->arena->failed)
        xmlStopParser(reader->parser);
}

static void html_start_document(void *arg)
{
    struct html_reader *reader = arg;

    reader->parser->options |= XML_PARSE_HUGE;
}

static size_t xml_length(const xmlChar *text)
{
    return strlen((const char *)text);
}

static void html_start_element(void *arg, const xmlChar *name, const xmlChar **attrs)
{
    struct html_reader *reader = arg;
    struct twi_tree *tree = reader->tree;
    uint32_t atom = twi_tree_atom(tree, (const char *)name, xml_length(name));

    if (atom == 0 || twi_tree_open(tree, TWI_SPACE_HTML, atom) == 0) {
        html_check(reader);
        return;
    }
    for (; attrs != NULL && attrs[0] != NULL; attrs += 2) {
        const xmlChar *value = attrs[1] != NULL ? attrs[1] : (const xmlChar *)"";
        atom = twi_tree_atom(tree, (const char *)attrs[0], xml_length(attrs[0]));
        twi_tree_add_attr(tree, TWI_SPACE_NONE, atom, (const char *)value, xml_length(value));
    }
    html_check(reader);
}

static void html_end_element(void *arg, const xmlChar *name)
{
    struct html_reader *reader = arg;

    (void)name;
    if (reader->tree->open != 0)
        twi_tree_close(reader->tree);
    html_check(reader);
}

/* The line end right behind <textarea> is not a part of its text (HTML standard, 13.2.6.4.7). */
static size_t html_line_end(struct html_reader *reader, const char *text, size_t length)
{
    const struct twi_tree *tree = reader->tree;

    if (reader->begun == tree->open || !twi_tree_is(tree, tree->open, TWI_NAME_TEXTAREA))
        return 0;
    reader->begun = tree->open;
    if (length > 1 && memcmp(text, "\r\n", 2) == 0)
        return 2;
    return length > 0 && (*text == '\n' || *text == '\r');
}

static void html_characters(void *arg, const xmlChar *data, int length)
{
    struct html_reader *reader = arg;
    const char *text = (const char *)data;
    size_t skipped = html_line_end(reader, text, (size_t)length);

    twi_tree_add_text(reader->tree, text + skipped, (size_t)length - skipped);
    html_check(reader);
}

static void html_comment(void *arg, const xmlChar *text)
{
    struct html_reader *reader = arg;

    twi_tree_add(reader->tree, TWI_NODE_COMMENT, (const char *)text, xml_length(text));
    html_check(reader);
}

static void html_instruction(void *arg, const xmlChar *target, const xmlChar *data)
{
    struct html_reader *reader = arg;

    twi_tree_add_instruction(reader->tree, (const char *)target, (const char *)data);
    html_check(reader);
}

static void html_doctype(void *arg, const xmlChar *name, const xmlChar *public_id,
                         const xmlChar *system_id)
{
    struct html_reader *reader = arg;

    twi_tree_add_doctype(reader->tree, (const char *)name, (const char *)public_id,
                         (const char *)system_id);
    html_check(reader);
}

static void html_set_handlers(htmlParserCtxtPtr parser)
{
    const htmlSAXHandler handlers = {
        .internalSubset = html_doctype,
        .startDocument = html_start_document,
        .startElement = html_start_element,
        .endElement = html_end_element,
        .characters = html_characters,
        .ignorableWhitespace = html_characters,
        .cdataBlock = html_characters,
        .comment = html_comment,
        .processingInstruction = html_instruction,
        .initialized = 1,
    };

    memcpy(parser->sax, &handlers, sizeof handlers);
}

static bool html_parse(struct twi_tree *tree, const char *text, size_t length, unsigned flags)
{
    struct html_reader reader = { .tree = tree, .parser = htmlNewParserCtxt() };
    int options = HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
                  HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC;
    bool is_whole;

    if (reader.parser == NULL)
        return false;
    if (flags & TWI_HTML_FRAGMENT)
        options |= HTML_PARSE_NOIMPLIED;
    html_set_handlers(reader.parser);
    reader.parser->userData = &reader;
    xmlFreeDoc(htmlCtxtReadMemory(reader.parser, text, (int)length, NULL, "UTF-8", options));
    is_whole = reader.parser->errNo != XML_ERR_NO_MEMORY;
    htmlFreeParserCtxt(reader.parser);
    return is_whole;
}

bool twi_tree_read_html(struct twi_tree *tree, struct twi_arena *arena, const char *text,
                        size_t length, unsigned flags)
{
    bool is_whole = true;

    text = twi_utf8_clean(arena, text, length, &length);
    if (text == NULL || length > INT_MAX || !twi_tree_init(tree, arena, length))
        return false;
    tree->is_html = true;
    if (length > 0)
        is_whole = html_parse(tree, text, length, flags);
    return twi_tree_finish(tree) && is_whole;
}
