/* SPDX-License-Identifier: MIT */
/*
 * tree_write.c - a tree as text: markup, the text in it, an outline.
 *
 * Nothing here recurses, however deep the tree is: a subtree is a range, and where it ends is
 * known.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "spider/text/tree.h"

/* --- markup -------------------------------------------------------------------------------- */

static const char *escape_of(char c, bool in_value, bool is_xml)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return in_value ? "&quot;" : NULL;
    case '\r':
        return is_xml ? "&#13;" : NULL;
    case '\n':
        return in_value && is_xml ? "&#10;" : NULL;
    case '\t':
        return in_value && is_xml ? "&#9;" : NULL;
    default:
        return NULL;
    }
}

static void markup_escaped(struct twi_text *out, const char *data, size_t length,
                           bool in_value, bool is_xml)
{
    const char *from = data, *end = data + length;

    for (const char *at = data; at < end; at++) {
        const char *escape = escape_of(*at, in_value, is_xml);
        if (escape == NULL)
            continue;
        twi_text_add(out, from, (size_t)(at - from));
        twi_text_puts(out, escape);
        from = at + 1;
    }
    twi_text_add(out, from, (size_t)(end - from));
}

void twi_tree_write_name(const struct twi_tree *tree, uint16_t space, uint32_t name,
                         struct twi_text *out)
{
    const struct twi_atom *prefix = &tree->atoms[tree->spaces[space].prefix],
                          *local = &tree->atoms[name];

    if (prefix->length > 0 && !(space == TWI_SPACE_XMLNS && name == TWI_NAME_XMLNS)) {
        twi_text_add(out, prefix->text, prefix->length);
        twi_text_putc(out, ':');
    }
    twi_text_add(out, local->text, local->length);
}

static bool is_void(const struct twi_tree *tree, const struct twi_node *node)
{
    if (tree->is_xml || node->space != TWI_SPACE_HTML)
        return false;
    switch (node->name) {
    case TWI_NAME_AREA:
    case TWI_NAME_BASE:
    case TWI_NAME_BASEFONT:
    case TWI_NAME_BGSOUND:
    case TWI_NAME_BR:
    case TWI_NAME_COL:
    case TWI_NAME_EMBED:
    case TWI_NAME_FRAME:
    case TWI_NAME_HR:
    case TWI_NAME_IMG:
    case TWI_NAME_INPUT:
    case TWI_NAME_KEYGEN:
    case TWI_NAME_LINK:
    case TWI_NAME_META:
    case TWI_NAME_PARAM:
    case TWI_NAME_SOURCE:
    case TWI_NAME_TRACK:
    case TWI_NAME_WBR:
        return true;
    default:
        return false;
    }
}

static bool is_raw_text(const struct twi_tree *tree, uint32_t parent)
{
    return !tree->is_xml && (twi_tree_is(tree, parent, TWI_NAME_SCRIPT) ||
                             twi_tree_is(tree, parent, TWI_NAME_STYLE));
}

static void write_attr(const struct twi_tree *tree, const struct twi_attr *attr,
                       struct twi_text *out)
{
    twi_text_putc(out, ' ');
    twi_tree_write_name(tree, attr->space, attr->name, out);
    twi_text_puts(out, "=\"");
    markup_escaped(out, attr->value, attr->length, true, tree->is_xml);
    twi_text_putc(out, '"');
}

static bool declares(const struct twi_tree *tree, uint32_t node, uint32_t name)
{
    const struct twi_attr *attr = tree->attrs + tree->nodes[node].attrs;

    for (uint32_t i = 0; i < tree->nodes[node].attr_count; i++)
        if (attr[i].space == TWI_SPACE_XMLNS && attr[i].name == name)
            return true;
    return false;
}

/* Whether a prefix was declared again between an element and one above it. */
static bool is_hidden(const struct twi_tree *tree, uint32_t from, uint32_t above,
                      uint32_t name)
{
    for (; from != above; from = tree->nodes[from].parent)
        if (declares(tree, from, name))
            return true;
    return false;
}

/* A part of a document stands on its own: with the prefixes that hold where it stood. */
static void write_inherited(const struct twi_tree *tree, uint32_t node, struct twi_text *out)
{
    if (!tree->is_xml)
        return;
    for (uint32_t above = tree->nodes[node].parent; above != 0;
         above = tree->nodes[above].parent) {
        const struct twi_attr *attr = tree->attrs + tree->nodes[above].attrs;
        for (uint32_t i = 0; i < tree->nodes[above].attr_count; i++)
            if (attr[i].space == TWI_SPACE_XMLNS && attr[i].length > 0 &&
                !is_hidden(tree, node, above, attr[i].name))
                write_attr(tree, &attr[i], out);
    }
}

static void write_open(const struct twi_tree *tree, uint32_t index, bool is_top,
                       struct twi_text *out)
{
    const struct twi_node *node = &tree->nodes[index];

    twi_text_putc(out, '<');
    twi_tree_write_name(tree, node->space, node->name, out);
    for (uint32_t i = 0; i < node->attr_count; i++)
        if (tree->attrs[node->attrs + i].space == TWI_SPACE_XMLNS)
            write_attr(tree, &tree->attrs[node->attrs + i], out);
    if (is_top)
        write_inherited(tree, index, out);
    for (uint32_t i = 0; i < node->attr_count; i++)
        if (tree->attrs[node->attrs + i].space != TWI_SPACE_XMLNS)
            write_attr(tree, &tree->attrs[node->attrs + i], out);
    twi_text_puts(out, tree->is_xml && node->end == index + 1 ? "/>" : ">");
}

static void write_close(const struct twi_tree *tree, uint32_t index, struct twi_text *out)
{
    const struct twi_node *node = &tree->nodes[index];

    if (node->kind != TWI_NODE_ELEMENT || (tree->is_xml && node->end == index + 1) ||
        (is_void(tree, node) && node->end == index + 1))
        return;
    twi_text_puts(out, "</");
    twi_tree_write_name(tree, node->space, node->name, out);
    twi_text_putc(out, '>');
}

static void write_between(struct twi_text *out, const char *before,
                          const struct twi_node *node, const char *behind)
{
    twi_text_puts(out, before);
    twi_text_add(out, node->text, node->length);
    twi_text_puts(out, behind);
}

static void write_node(const struct twi_tree *tree, uint32_t index, bool is_top,
                       struct twi_text *out)
{
    const struct twi_node *node = &tree->nodes[index];

    switch ((enum twi_node_kind)node->kind) {
    case TWI_NODE_DOCUMENT:
        break;
    case TWI_NODE_ELEMENT:
        write_open(tree, index, is_top, out);
        break;
    case TWI_NODE_TEXT:
        if (is_raw_text(tree, node->parent))
            twi_text_add(out, node->text, node->length);
        else
            markup_escaped(out, node->text, node->length, false, tree->is_xml);
        break;
    case TWI_NODE_COMMENT:
        write_between(out, "<!--", node, "-->");
        break;
    case TWI_NODE_INSTRUCTION:
        write_between(out, "<?", node, tree->is_xml ? "?>" : ">");
        break;
    case TWI_NODE_DOCTYPE:
        write_between(out, "<!DOCTYPE ", node, ">");
        break;
    case TWI_NODE_ENTITY:
        write_between(out, "&", node, ";");
        break;
    }
}

void twi_tree_write(const struct twi_tree *tree, uint32_t node, struct twi_text *out)
{
    uint32_t end = tree->nodes[node].end, at = node, last;

    while (at < end) {
        write_node(tree, at, at == node, out);
        last = at++;
        while (tree->nodes[last].end == at) {
            write_close(tree, last, out);
            if (last == node)
                break;
            last = tree->nodes[last].parent;
        }
    }
}

void twi_tree_write_text(const struct twi_tree *tree, uint32_t node, struct twi_text *out)
{
    for (uint32_t i = node; i < tree->nodes[node].end; i++)
        if (tree->nodes[i].kind == TWI_NODE_TEXT)
            twi_text_add(out, tree->nodes[i].text, tree->nodes[i].length);
}

/* --- the outline --------------------------------------------------------------------------- */

/* It grows with the square of the depth. */
#define OUTLINE_MOST ((size_t)256 << 20)

struct outline_attr {
    const char *name;
    const struct twi_attr *attr;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct outline_attr *)a)->name,
                  ((const struct outline_attr *)b)->name);
}

static void outline_indent(struct twi_text *out, uint32_t depth)
{
    twi_text_puts(out, "| ");
    for (; depth > 0; depth--)
        twi_text_puts(out, "  ");
}

static void outline_attrs(const struct twi_tree *tree, const struct twi_node *node,
                          uint32_t depth, struct twi_text *out)
{
    size_t count = node->attr_count;
    struct outline_attr *sorted = twi_arena_alloc(out->arena, (count + 1) * sizeof *sorted);

    if (sorted == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        struct twi_text name = { .arena = out->arena };
        const struct twi_attr *attr = &tree->attrs[node->attrs + i];
        if (tree->spaces[attr->space].prefix != TWI_NAME_NONE) {
            twi_text_puts(&name, twi_tree_name(tree, tree->spaces[attr->space].prefix));
            twi_text_putc(&name, ' ');
        }
        twi_text_puts(&name, twi_tree_name(tree, attr->name));
        sorted[i] = (struct outline_attr){ twi_text_string(&name), attr };
    }
    qsort(sorted, count, sizeof *sorted, compare_names);
    for (size_t i = 0; i < count; i++) {
        outline_indent(out, depth);
        twi_text_puts(out, sorted[i].name);
        twi_text_puts(out, "=\"");
        twi_text_add(out, sorted[i].attr->value, sorted[i].attr->length);
        twi_text_puts(out, "\"\n");
    }
}

static void outline_element(const struct twi_tree *tree, const struct twi_node *node,
                            uint32_t depth, struct twi_text *out)
{
    twi_text_putc(out, '<');
    if (node->space == TWI_SPACE_SVG)
        twi_text_puts(out, "svg ");
    else if (node->space == TWI_SPACE_MATHML)
        twi_text_puts(out, "math ");
    twi_text_puts(out, twi_tree_name(tree, node->name));
    twi_text_puts(out, ">\n");
    outline_attrs(tree, node, depth + 1, out);
}

static void outline_node(const struct twi_tree *tree, const struct twi_node *node,
                         uint32_t depth, struct twi_text *out)
{
    outline_indent(out, depth);
    switch ((enum twi_node_kind)node->kind) {
    case TWI_NODE_ELEMENT:
        outline_element(tree, node, depth, out);
        break;
    case TWI_NODE_COMMENT:
        write_between(out, "<!-- ", node, " -->\n");
        break;
    case TWI_NODE_INSTRUCTION:
        write_between(out, "<?", node, ">\n");
        break;
    case TWI_NODE_DOCTYPE:
        write_between(out, "<!DOCTYPE ", node, ">\n");
        break;
    case TWI_NODE_ENTITY:
        write_between(out, "&", node, ";\n");
        break;
    case TWI_NODE_DOCUMENT:
    case TWI_NODE_TEXT:
        write_between(out, "\"", node, "\"\n");
        break;
    }
}

void twi_tree_write_outline(const struct twi_tree *tree, uint32_t top, struct twi_text *out)
{
    uint32_t depth = 0;

    for (uint32_t i = top + 1; i < tree->nodes[top].end && !out->arena->failed; i++) {
        const struct twi_node *node = &tree->nodes[i];
        uint32_t last = i;
        outline_node(tree, node, depth, out);
        if (out->length > OUTLINE_MOST)
            out->arena->failed = true;
        depth++;
        for (; last != top && tree->nodes[last].end == i + 1; last = tree->nodes[last].parent)
            depth--;
    }
}
