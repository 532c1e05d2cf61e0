/* SPDX-License-Identifier: MIT */
/*
 * xpath_copy.c - a tree as libxml2's.
 *
 * Nodes are linked by hand: libxml2's functions look for the last sibling, join texts and read
 * references in values.
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/valid.h>

#include "spider/text/xpath_node.h"

struct xpath_copier {
    struct twi_xpath *xpath;
    const struct twi_tree *tree;
    xmlNsPtr *spaces; /* by the tree's */
};

static const xmlChar *atom_text(const struct twi_tree *tree, uint32_t atom)
{
    return (const xmlChar *)twi_tree_name(tree, atom);
}

static void *index_as_pointer(uint32_t index)
{
    return (void *)(uintptr_t)index;
}

static xmlNsPtr space_of_xml(xmlDocPtr document)
{
    return xmlSearchNs(document, (xmlNodePtr)document, (const xmlChar *)"xml");
}

/* Only documents that were read as XML have namespaces here. The first of a document's is libxml2's
 * own, that of "xml", which xmlNewNs() makes for nobody else. */
static xmlNsPtr copy_space(struct xpath_copier *copier, uint16_t space)
{
    const struct twi_space *from = &copier->tree->spaces[space];
    xmlNsPtr ns = copier->spaces[space], first;

    if (ns != NULL || from->uri == 0 || !copier->tree->is_xml)
        return ns;
    if (space == TWI_SPACE_XML)
        return space_of_xml(copier->xpath->document);
    ns = xmlNewNs(NULL, atom_text(copier->tree, from->uri),
                  from->prefix != 0 ? atom_text(copier->tree, from->prefix) : NULL);
    first = ns != NULL ? space_of_xml(copier->xpath->document) : NULL;
    if (first == NULL) {
        xmlFreeNs(ns);
        return NULL;
    }
    ns->next = first->next;
    first->next = ns;
    copier->spaces[space] = ns;
    return ns;
}

static bool copy_attr(struct xpath_copier *copier, xmlNodePtr node, xmlAttrPtr *last,
                      uint32_t index)
{
    const struct twi_attr *from = &copier->tree->attrs[index];
    xmlDocPtr document = copier->xpath->document;
    xmlAttrPtr attr;

    if (from->space == TWI_SPACE_XMLNS) {
        xmlNewNs(node, (const xmlChar *)from->value,
                 from->name == TWI_NAME_XMLNS ? NULL : atom_text(copier->tree, from->name));
        return true;
    }
    attr = xmlNewDocProp(document, atom_text(copier->tree, from->name), NULL);
    if (attr == NULL)
        return false;
    attr->parent = node;
    attr->prev = *last;
    if (*last != NULL)
        (*last)->next = attr;
    else
        node->properties = attr;
    *last = attr;
    attr->ns = copy_space(copier, from->space);
    attr->_private = index_as_pointer(index + 1);
    attr->children = attr->last = xmlNewDocText(document, (const xmlChar *)from->value);
    if (attr->children == NULL)
        return false;
    attr->children->parent = (xmlNodePtr)attr;
    if (copier->tree->is_html && from->name == TWI_NAME_ID && from->space == TWI_SPACE_NONE)
        xmlAddID(NULL, document, (const xmlChar *)from->value, attr);
    return true;
}

static xmlNodePtr copy_element(struct xpath_copier *copier, const struct twi_node *from)
{
    xmlNodePtr node = xmlNewDocNode(copier->xpath->document, NULL,
                                    atom_text(copier->tree, from->name), NULL);
    xmlAttrPtr last = NULL;

    if (node == NULL)
        return NULL;
    node->ns = copy_space(copier, from->space);
    for (uint32_t i = 0; i < from->attr_count; i++) {
        if (!copy_attr(copier, node, &last, from->attrs + i)) {
            xmlFreeNode(node);
            return NULL;
        }
    }
    return node;
}

static xmlNodePtr copy_instruction(struct xpath_copier *copier, const struct twi_node *from)
{
    const char *space = memchr(from->text, ' ', from->length);
    size_t length = space != NULL ? (size_t)(space - from->text) : from->length;
    xmlChar *target = xmlStrndup((const xmlChar *)from->text, (int)length);
    xmlNodePtr node;

    if (target == NULL)
        return NULL;
    node = xmlNewDocPI(copier->xpath->document, target,
                       space != NULL ? (const xmlChar *)space + 1 : NULL);
    xmlFree(target);
    return node;
}

static xmlNodePtr copy_node(struct xpath_copier *copier, const struct twi_node *from)
{
    const xmlChar *text = (const xmlChar *)from->text;

    switch ((enum twi_node_kind)from->kind) {
    case TWI_NODE_ELEMENT:
        return copy_element(copier, from);
    case TWI_NODE_TEXT:
        return from->length < INT_MAX
                   ? xmlNewDocTextLen(copier->xpath->document, text, (int)from->length)
                   : NULL;
    case TWI_NODE_COMMENT:
        return xmlNewDocComment(copier->xpath->document, text);
    case TWI_NODE_INSTRUCTION:
        return copy_instruction(copier, from);
    default:
        return NULL;
    }
}

static void node_link(xmlNodePtr node, xmlNodePtr parent)
{
    node->parent = parent;
    node->prev = parent->last;
    if (parent->last != NULL)
        parent->last->next = node;
    else
        parent->children = node;
    parent->last = node;
}

bool xpath_copy(struct twi_xpath *xpath)
{
    const struct twi_tree *tree = xpath->tree;
    struct xpath_copier copier = { xpath, tree, NULL };
    bool is_whole = true;

    xpath->nodes = calloc(tree->count, sizeof *xpath->nodes);
    xpath->document = xmlNewDoc((const xmlChar *)"1.0");
    copier.spaces = calloc(tree->space_count, sizeof(xmlNsPtr));
    is_whole = xpath->nodes != NULL && xpath->document != NULL && copier.spaces != NULL;
    if (is_whole)
        xpath->nodes[0] = (xmlNodePtr)xpath->document;
    for (uint32_t i = 1; i < tree->count && is_whole; i++) {
        const struct twi_node *from = &tree->nodes[i];
        if (from->kind == TWI_NODE_DOCTYPE || from->kind == TWI_NODE_ENTITY)
            continue;
        xpath->nodes[i] = copy_node(&copier, from);
        is_whole = xpath->nodes[i] != NULL;
        if (is_whole) {
            xpath->nodes[i]->_private = index_as_pointer(i);
            node_link(xpath->nodes[i], xpath->nodes[from->parent]);
        }
    }
    free(copier.spaces);
    if (is_whole)
        xmlXPathOrderDocElems(xpath->document);
    return is_whole;
}
