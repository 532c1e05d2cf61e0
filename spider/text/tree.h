/* SPDX-License-Identifier: MIT */
/*
 * tree.h - a page or an XML document as a compact tree.
 *
 * Nodes stand in document order in one array, so a subtree is a range and a search is a scan; node
 * 0 is the document. Names are atoms, small numbers that are the same for the same name in one
 * tree; attributes stand in an array of their own. Everything lives in the arena that the tree was
 * made with. Which parser fills a tree, nothing that reads it knows.
 */
#ifndef SPIDER_TEXT_TREE_H
#define SPIDER_TEXT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spider/text/arena.h"

/* Names that code asks for: their atoms are the same in every tree. */
/* clang-format off */
#define TWI_NAMES(X) \
    X(A, "a") X(AREA, "area") X(BASE, "base") X(BASEFONT, "basefont") \
    X(BGSOUND, "bgsound") X(BODY, "body") X(BR, "br") X(BUTTON, "button") \
    X(COL, "col") X(DATALIST, "datalist") X(EMBED, "embed") X(FIELDSET, "fieldset") \
    X(FORM, "form") X(FRAME, "frame") X(HEAD, "head") X(HR, "hr") X(HTML, "html") \
    X(IMG, "img") X(INPUT, "input") X(KEYGEN, "keygen") X(LEGEND, "legend") \
    X(LINK, "link") X(META, "meta") X(NOSCRIPT, "noscript") X(OPTGROUP, "optgroup") \
    X(OPTION, "option") X(PARAM, "param") X(PROGRESS, "progress") X(SCRIPT, "script") \
    X(SELECT, "select") X(SOURCE, "source") X(STYLE, "style") X(TEMPLATE, "template") \
    X(TEXTAREA, "textarea") X(TRACK, "track") X(WBR, "wbr") X(ACTION, "action") \
    X(CHECKED, "checked") X(CLASS, "class") X(CONTENT, "content") \
    X(CONTENTEDITABLE, "contenteditable") X(DIR, "dir") X(DISABLED, "disabled") \
    X(ENCTYPE, "enctype") X(HREF, "href") X(ID, "id") X(LABEL, "label") \
    X(LANG, "lang") X(METHOD, "method") X(MULTIPLE, "multiple") X(NAME, "name") \
    X(PLACEHOLDER, "placeholder") X(READONLY, "readonly") X(REL, "rel") \
    X(REQUIRED, "required") X(SELECTED, "selected") X(SIZE, "size") X(SRC, "src") \
    X(TYPE, "type") X(VALUE, "value") X(XMLNS, "xmlns")
/* clang-format on */
enum twi_name {
    TWI_NAME_NONE,
#define X(id, name) TWI_NAME_##id,
    TWI_NAMES(X)
#undef X
        TWI_NAME_COUNT
};

/* Namespaces that every tree knows, by their place in `spaces`. */
enum twi_space_id {
    TWI_SPACE_NONE,
    TWI_SPACE_HTML,
    TWI_SPACE_SVG,
    TWI_SPACE_MATHML,
    TWI_SPACE_XML,
    TWI_SPACE_XMLNS, /* of attributes that declare a namespace */
    TWI_SPACE_COUNT
};

enum twi_node_kind {
    TWI_NODE_DOCUMENT,
    TWI_NODE_ELEMENT,
    TWI_NODE_TEXT,
    TWI_NODE_COMMENT,
    TWI_NODE_INSTRUCTION, /* target and data, a space between */
    TWI_NODE_DOCTYPE,     /* NAME, or NAME "PUBLIC" "SYSTEM" */
    TWI_NODE_ENTITY       /* a reference that is not expanded; its name */
};

/* A node is its index in `nodes`; 0, the document's, also stands for none. */
struct twi_node {
    uint8_t kind;
    uint16_t space;    /* of an element: an index into `spaces` */
    uint32_t parent;
    uint32_t end;      /* the first node behind its subtree */
    uint32_t previous; /* sibling; 0: none */
    union {
        struct {
            uint32_t name;       /* local */
            uint32_t attrs;      /* the first one's index */
            uint32_t attr_count;
            uint32_t classes;    /* for each class a bit, twi_class_bit() */
        };
        struct {
            const char *text; /* with a NUL behind it */
            uint32_t length;
        };
    };
    uint32_t place;    /* of an element: how manieth element of its parent, from 1 */
    uint32_t elements; /* that are its children */
};
_Static_assert(sizeof(struct twi_node) == 40, "a node stays small");

struct twi_attr {
    uint32_t name; /* local */
    uint16_t space;
    uint32_t length;
    const char *value; /* with a NUL behind it */
};

struct twi_space {
    uint32_t prefix, uri; /* atoms; prefix TWI_NAME_NONE: none */
};

struct twi_atom {
    const char *text;
    uint32_t length, hash;
    uint32_t lower; /* the atom of the same in ASCII lower case */
};

struct twi_tree {
    struct twi_arena *arena;
    struct twi_node *nodes;
    uint32_t count, room;
    struct twi_attr *attrs;
    uint32_t attr_count, attr_room;
    struct twi_space *spaces;
    uint32_t space_count, space_room;
    struct twi_atom *atoms;
    uint32_t atom_count, atom_room;
    uint32_t *table; /* of atoms by hash; 2 * atom_room places */
    bool is_html;    /* names, pseudo-classes and forms follow HTML's rules */
    bool is_xml;     /* it was XML and is written as such */
    uint32_t open;   /* while it is filled: where the next node goes */
    struct twi_text pending;
};

/* --- reading ------------------------------------------------------------------------------- */

/* Each false when it could not be read whole: out of memory, or over 2 GB. Wrong markup is none.
 * The text is UTF-8; wrong bytes and surrogates become U+FFFD, NUL is left out. */
enum twi_html_flags { TWI_HTML_FRAGMENT = 1 /* no html and body of its own */ };
bool twi_tree_read_html(struct twi_tree *tree, struct twi_arena *arena, const char *text,
                        size_t length, unsigned flags);
/* No entity, DTD or other file is read; a reference to an entity stays one. */
bool twi_tree_read_xml(struct twi_tree *tree, struct twi_arena *arena, const char *text,
                       size_t length);

/* --- looking ------------------------------------------------------------------------------- */

/* The atom of a name; TWI_NAME_NONE if none in the tree has it. */
uint32_t twi_tree_find_atom(const struct twi_tree *tree, const char *name, size_t length);
/* The text of an atom, with a NUL behind it. */
static inline const char *twi_tree_name(const struct twi_tree *tree, uint32_t atom)
{
    return tree->atoms[atom].text;
}
/* The first element child of the document; 0: none. */
uint32_t twi_tree_root(const struct twi_tree *tree);
/* Children: for (c = twi_tree_first(tree, n); c != 0; c = twi_tree_next(tree, c)). */
static inline uint32_t twi_tree_first(const struct twi_tree *tree, uint32_t node)
{
    return tree->nodes[node].end > node + 1 ? node + 1 : 0;
}
static inline uint32_t twi_tree_next(const struct twi_tree *tree, uint32_t node)
{
    uint32_t end = tree->nodes[node].end;

    return end < tree->nodes[tree->nodes[node].parent].end ? end : 0;
}
static inline bool twi_tree_is(const struct twi_tree *tree, uint32_t node, uint32_t name)
{
    return tree->nodes[node].kind == TWI_NODE_ELEMENT && tree->nodes[node].name == name;
}
/* An attribute without namespace; NULL: it has none of that name. */
const struct twi_attr *twi_tree_attr(const struct twi_tree *tree, uint32_t node,
                                     uint32_t name);
const char *twi_tree_attr_value(const struct twi_tree *tree, uint32_t node, uint32_t name);
/* The bit of a class in `classes`. */
uint32_t twi_class_bit(const char *name, size_t length);
static inline bool twi_is_html_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}
/* Take the next word off a list with white space; false: there is none. */
bool twi_next_word(const char **at, const char *end, const char **word, size_t *length);
bool twi_tree_has_class(const struct twi_tree *tree, uint32_t node, const char *name,
                        size_t length);
/* ASCII letters without case. */
bool twi_same_text(const char *a, size_t a_length, const char *b, size_t b_length);

/* --- writing ------------------------------------------------------------------------------- */

/* A node's markup, without what follows it. */
void twi_tree_write(const struct twi_tree *tree, uint32_t node, struct twi_text *out);
/* All text below a node; of a text, itself. */
void twi_tree_write_text(const struct twi_tree *tree, uint32_t node, struct twi_text *out);
/* An element's or attribute's name with its prefix. */
void twi_tree_write_name(const struct twi_tree *tree, uint16_t space, uint32_t name,
                         struct twi_text *out);
/* Write all that stands below a node in the notation of the html5lib tests. */
void twi_tree_write_outline(const struct twi_tree *tree, uint32_t node, struct twi_text *out);

/* --- filling: for parsers ------------------------------------------------------------------ */

/* An empty tree. `length` of the source says about how large it will be. */
bool twi_tree_init(struct twi_tree *tree, struct twi_arena *arena, size_t length);
/* Each 0 when the arena failed, else what it made. */
uint32_t twi_tree_atom(struct twi_tree *tree, const char *name, size_t length);
uint16_t twi_tree_space(struct twi_tree *tree, const char *prefix, const char *uri);
/* An element below the open one; now it is the open one. Its attributes come next. */
uint32_t twi_tree_open(struct twi_tree *tree, uint16_t space, uint32_t name);
/* An attribute of the element opened last. */
void twi_tree_add_attr(struct twi_tree *tree, uint16_t space, uint32_t name, const char *value,
                       size_t length);
/* Texts that come one after the other are one. */
void twi_tree_add_text(struct twi_tree *tree, const char *data, size_t length);
void twi_tree_add(struct twi_tree *tree, enum twi_node_kind kind, const char *data,
                  size_t length);
/* `data`, `public_id` and `system_id` may be NULL. */
void twi_tree_add_instruction(struct twi_tree *tree, const char *target, const char *data);
void twi_tree_add_doctype(struct twi_tree *tree, const char *name, const char *public_id,
                          const char *system_id);
void twi_tree_close(struct twi_tree *tree);
/* Close what is open. False when the arena failed. */
bool twi_tree_finish(struct twi_tree *tree);
/* Take the namespaces of elements and attributes out, and their declarations. */
void twi_tree_strip_spaces(struct twi_tree *tree);

#endif
