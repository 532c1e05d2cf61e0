/* SPDX-License-Identifier: MIT */
/*
 * tree.c - filling the compact tree, and looking into it.
 *
 * While an element is open, `end` holds its last child so far: a new node finds its sibling
 * without a search.
 */
#include "config.h"

#include <string.h>

#include "spider/text/tree.h"

/* --- atoms --------------------------------------------------------------------------------- */

static uint32_t atom_hash(const char *name, size_t length)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return hash ^ hash >> 15;
}

/* Where an atom of that name stands in the table, or may be put. */
static uint32_t *atom_place(const struct twi_tree *tree, const char *name, size_t length,
                            uint32_t hash)
{
    uint32_t mask = tree->atom_room * 2 - 1;
    uint32_t at = hash & mask;

    for (; tree->table[at] != 0; at = (at + 1) & mask) {
        const struct twi_atom *atom = &tree->atoms[tree->table[at]];
        if (atom->hash == hash && atom->length == length &&
            memcmp(atom->text, name, length) == 0)
            break;
    }
    return &tree->table[at];
}

static bool atoms_grow(struct twi_tree *tree)
{
    uint32_t room = tree->atom_room == 0 ? 128 : tree->atom_room * 2;
    struct twi_atom *atoms = twi_arena_grow(tree->arena, tree->atoms,
                                            tree->atom_room * sizeof *atoms,
                                            (size_t)room * sizeof *atoms);
    uint32_t *table = twi_arena_zeroed(tree->arena, (size_t)room * 2 * sizeof *table);

    if (atoms == NULL || table == NULL)
        return false;
    tree->atoms = atoms;
    tree->table = table;
    tree->atom_room = room;
    for (uint32_t i = 1; i < tree->atom_count; i++)
        *atom_place(tree, atoms[i].text, atoms[i].length, atoms[i].hash) = i;
    return true;
}

static uint32_t atom_add(struct twi_tree *tree, const char *name, size_t length, uint32_t hash)
{
    uint32_t atom = tree->atom_count;

    if (atom >= tree->atom_room && !atoms_grow(tree))
        return 0;
    tree->atoms[atom] = (struct twi_atom){ name, (uint32_t)length, hash, atom };
    *atom_place(tree, name, length, hash) = atom;
    tree->atom_count++;
    return atom;
}

static bool has_upper(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (name[i] >= 'A' && name[i] <= 'Z')
            return true;
    return false;
}

static char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

uint32_t twi_tree_atom(struct twi_tree *tree, const char *name, size_t length)
{
    uint32_t hash = atom_hash(name, length);
    uint32_t found = *atom_place(tree, name, length, hash), lower;
    char *copy;

    if (found != 0)
        return found;
    copy = length <= UINT32_MAX ? twi_arena_copy(tree->arena, name, length) : NULL;
    found = copy != NULL ? atom_add(tree, copy, length, hash) : 0;
    if (found == 0 || !has_upper(name, length))
        return found;
    copy = twi_arena_copy(tree->arena, name, length);
    if (copy == NULL)
        return found;
    for (size_t i = 0; i < length; i++)
        copy[i] = ascii_lower(copy[i]);
    lower = twi_tree_atom(tree, copy, length);
    tree->atoms[found].lower = lower;
    return found;
}

uint32_t twi_tree_find_atom(const struct twi_tree *tree, const char *name, size_t length)
{
    return *atom_place(tree, name, length, atom_hash(name, length));
}

static bool atoms_init(struct twi_tree *tree)
{
    static const char *const names[] = { "",
#define X(id, name) name,
                                         TWI_NAMES(X)
#undef X
    };

    tree->atom_count = 1;
    if (!atoms_grow(tree))
        return false;
    tree->atoms[0] = (struct twi_atom){ .text = "" };
    for (uint32_t i = 1; i < TWI_NAME_COUNT; i++)
        if (atom_add(tree, names[i], strlen(names[i]),
                     atom_hash(names[i], strlen(names[i]))) == 0)
            return false;
    return true;
}

/* --- namespaces ---------------------------------------------------------------------------- */

uint16_t twi_tree_space(struct twi_tree *tree, const char *prefix, const char *uri)
{
    uint32_t p = prefix != NULL ? twi_tree_atom(tree, prefix, strlen(prefix)) : 0;
    uint32_t u = uri != NULL ? twi_tree_atom(tree, uri, strlen(uri)) : 0;
    uint32_t count = tree->space_count;

    for (uint32_t i = count; i-- > 0;)
        if (tree->spaces[i].prefix == p && tree->spaces[i].uri == u)
            return (uint16_t)i;
    if (count == UINT16_MAX || tree->arena->failed) {
        tree->arena->failed = true;
        return 0;
    }
    if (count == tree->space_room) {
        struct twi_space *spaces = twi_arena_grow(
            tree->arena, tree->spaces, count * sizeof *spaces, count * 2 * sizeof *spaces);
        if (spaces == NULL)
            return 0;
        tree->spaces = spaces;
        tree->space_room = count * 2;
    }
    tree->spaces[count] = (struct twi_space){ p, u };
    tree->space_count++;
    return (uint16_t)count;
}

static bool spaces_init(struct twi_tree *tree)
{
    static const char *const uris[][2] = {
        { "", "" },
        { NULL, "http://www.w3.org/1999/xhtml" },
        { NULL, "http://www.w3.org/2000/svg" },
        { NULL, "http://www.w3.org/1998/Math/MathML" },
        { "xml", "http://www.w3.org/XML/1998/namespace" },
        { "xmlns", "http://www.w3.org/2000/xmlns/" },
    };

    tree->space_room = 16;
    tree->spaces = twi_arena_zeroed(tree->arena, tree->space_room * sizeof *tree->spaces);
    if (tree->spaces == NULL)
        return false;
    tree->space_count = 1;
    for (unsigned i = 1; i < TWI_SPACE_COUNT; i++)
        twi_tree_space(tree, uris[i][0], uris[i][1]);
    return !tree->arena->failed;
}

/* --- filling ------------------------------------------------------------------------------- */

bool twi_tree_init(struct twi_tree *tree, struct twi_arena *arena, size_t length)
{
    memset(tree, 0, sizeof *tree);
    tree->arena = arena;
    tree->pending.arena = arena;
    /* Large pages are often large texts: their arrays grow when there is something to put in. */
    tree->room = (uint32_t)(length / 24 < (1u << 16) ? length / 24 : 1u << 16) + 64;
    tree->attr_room = tree->room / 2;
    tree->nodes = twi_arena_alloc(arena, tree->room * sizeof *tree->nodes);
    tree->attrs = twi_arena_alloc(arena, tree->attr_room * sizeof *tree->attrs);
    if (tree->nodes == NULL || tree->attrs == NULL || !atoms_init(tree) || !spaces_init(tree))
        return false;
    memset(tree->nodes, 0, sizeof *tree->nodes);
    tree->count = 1;
    return true;
}

/* Room for one more node; false when there is none. */
static bool nodes_grow(struct twi_tree *tree)
{
    uint32_t room = tree->room;
    struct twi_node *nodes = NULL;

    if (room < UINT32_MAX / 2)
        nodes = twi_arena_grow(tree->arena, tree->nodes, (size_t)room * sizeof *nodes,
                               (size_t)room * 2 * sizeof *nodes);
    if (nodes == NULL) {
        tree->arena->failed = true;
        return false;
    }
    tree->nodes = nodes;
    tree->room = room * 2;
    return true;
}

/* A new last child of the open node; 0 when there is no memory. */
static uint32_t node_append(struct twi_tree *tree, enum twi_node_kind kind)
{
    uint32_t node = tree->count;
    struct twi_node *parent;

    if (node == tree->room && !nodes_grow(tree))
        return 0;
    parent = &tree->nodes[tree->open];
    tree->nodes[node] = (struct twi_node){
        .kind = (uint8_t)kind, .parent = tree->open, .end = node + 1, .previous = parent->end
    };
    parent->end = node;
    tree->count++;
    return node;
}

/* Copy what is only bytes: a text, a comment. */
static void node_set_text(struct twi_tree *tree, uint32_t node, const char *data,
                          size_t length)
{
    char *copy = length <= UINT32_MAX ? twi_arena_copy(tree->arena, data, length) : NULL;

    tree->nodes[node].text = copy != NULL ? copy : "";
    tree->nodes[node].length = copy != NULL ? (uint32_t)length : 0;
    if (copy == NULL)
        tree->arena->failed = true;
}

static void pending_flush(struct twi_tree *tree)
{
    uint32_t node;

    if (tree->pending.length == 0)
        return;
    node = node_append(tree, TWI_NODE_TEXT);
    if (node != 0)
        node_set_text(tree, node, tree->pending.data, tree->pending.length);
    tree->pending.length = 0;
}

uint32_t twi_tree_open(struct twi_tree *tree, uint16_t space, uint32_t name)
{
    uint32_t node;

    pending_flush(tree);
    node = node_append(tree, TWI_NODE_ELEMENT);
    if (node == 0)
        return 0;
    tree->nodes[node].space = space;
    tree->nodes[node].name = name;
    tree->nodes[node].attrs = tree->attr_count;
    tree->nodes[node].place = ++tree->nodes[tree->open].elements;
    tree->nodes[node].end = 0;
    tree->open = node;
    return node;
}

static bool attrs_grow(struct twi_tree *tree)
{
    uint32_t room = tree->attr_room;
    struct twi_attr *attrs = NULL;

    if (room < UINT32_MAX / 2)
        attrs = twi_arena_grow(tree->arena, tree->attrs, (size_t)room * sizeof *attrs,
                               (size_t)room * 2 * sizeof *attrs);
    if (attrs == NULL) {
        tree->arena->failed = true;
        return false;
    }
    tree->attrs = attrs;
    tree->attr_room = room * 2;
    return true;
}

static uint32_t class_bits(const char *value, size_t length)
{
    const char *at = value, *end = value + length, *word;
    uint32_t bits = 0;
    size_t word_length;

    while (twi_next_word(&at, end, &word, &word_length))
        bits |= twi_class_bit(word, word_length);
    return bits;
}

void twi_tree_add_attr(struct twi_tree *tree, uint16_t space, uint32_t name, const char *value,
                       size_t length)
{
    struct twi_node *node = &tree->nodes[tree->open];
    char *copy = length <= UINT32_MAX ? twi_arena_copy(tree->arena, value, length) : NULL;

    if (copy == NULL || (tree->attr_count == tree->attr_room && !attrs_grow(tree))) {
        tree->arena->failed = true;
        return;
    }
    tree->attrs[tree->attr_count++] = (struct twi_attr){
        .name = name, .space = space, .length = (uint32_t)length, .value = copy
    };
    node->attr_count++;
    if (name == TWI_NAME_CLASS && space == TWI_SPACE_NONE)
        node->classes = class_bits(copy, length);
}

void twi_tree_add_text(struct twi_tree *tree, const char *data, size_t length)
{
    twi_text_add(&tree->pending, data, length);
}

void twi_tree_add(struct twi_tree *tree, enum twi_node_kind kind, const char *data,
                  size_t length)
{
    uint32_t node;

    pending_flush(tree);
    node = node_append(tree, kind);
    if (node != 0)
        node_set_text(tree, node, data, length);
}

void twi_tree_add_instruction(struct twi_tree *tree, const char *target, const char *data)
{
    struct twi_text text = { .arena = tree->arena };

    twi_text_puts(&text, target);
    if (data != NULL) {
        twi_text_putc(&text, ' ');
        twi_text_puts(&text, data);
    }
    twi_tree_add(tree, TWI_NODE_INSTRUCTION, twi_text_string(&text), text.length);
}

void twi_tree_add_doctype(struct twi_tree *tree, const char *name, const char *public_id,
                          const char *system_id)
{
    struct twi_text text = { .arena = tree->arena };

    twi_text_puts(&text, name != NULL ? name : "");
    if (public_id != NULL || system_id != NULL) {
        twi_text_puts(&text, " \"");
        twi_text_puts(&text, public_id != NULL ? public_id : "");
        twi_text_puts(&text, "\" \"");
        twi_text_puts(&text, system_id != NULL ? system_id : "");
        twi_text_putc(&text, '"');
    }
    twi_tree_add(tree, TWI_NODE_DOCTYPE, twi_text_string(&text), text.length);
}

void twi_tree_close(struct twi_tree *tree)
{
    struct twi_node *node;

    pending_flush(tree);
    node = &tree->nodes[tree->open];
    node->end = tree->count;
    tree->open = node->parent;
}

bool twi_tree_finish(struct twi_tree *tree)
{
    while (tree->open != 0)
        twi_tree_close(tree);
    twi_tree_close(tree);
    return !tree->arena->failed;
}

/* Where the last attribute of a name was kept. */
struct name_place {
    uint32_t node, at;
};

/* Of two attributes that have one name without namespaces, the one that was in a namespace counts,
 * as in parsel. */
static void attrs_strip(struct twi_tree *tree, uint32_t index, struct name_place *places)
{
    struct twi_node *node = &tree->nodes[index];
    uint32_t kept = 0;

    for (uint32_t i = 0; i < node->attr_count; i++) {
        struct twi_attr attr = tree->attrs[node->attrs + i];
        struct name_place *place = &places[attr.name];
        bool is_new = place->node != index, had_space = attr.space != TWI_SPACE_NONE;
        if (attr.space == TWI_SPACE_XMLNS || (!is_new && !had_space))
            continue;
        if (is_new)
            *place = (struct name_place){ index, kept++ };
        attr.space = TWI_SPACE_NONE;
        tree->attrs[node->attrs + place->at] = attr;
    }
    node->attr_count = kept;
}

void twi_tree_strip_spaces(struct twi_tree *tree)
{
    struct name_place *places = twi_arena_zeroed(tree->arena,
                                                 tree->atom_count * sizeof *places);

    for (uint32_t i = 1; i < tree->count && places != NULL; i++) {
        if (tree->nodes[i].kind != TWI_NODE_ELEMENT)
            continue;
        tree->nodes[i].space = TWI_SPACE_NONE;
        attrs_strip(tree, i, places);
    }
}

/* --- looking ------------------------------------------------------------------------------- */

uint32_t twi_tree_root(const struct twi_tree *tree)
{
    for (uint32_t node = twi_tree_first(tree, 0); node != 0; node = twi_tree_next(tree, node))
        if (tree->nodes[node].kind == TWI_NODE_ELEMENT)
            return node;
    return 0;
}

const struct twi_attr *twi_tree_attr(const struct twi_tree *tree, uint32_t node, uint32_t name)
{
    const struct twi_attr *attr = tree->attrs + tree->nodes[node].attrs;

    if (tree->nodes[node].kind != TWI_NODE_ELEMENT)
        return NULL;
    for (uint32_t i = 0; i < tree->nodes[node].attr_count; i++)
        if (attr[i].name == name && attr[i].space == TWI_SPACE_NONE)
            return &attr[i];
    return NULL;
}

const char *twi_tree_attr_value(const struct twi_tree *tree, uint32_t node, uint32_t name)
{
    const struct twi_attr *attr = twi_tree_attr(tree, node, name);

    return attr != NULL ? attr->value : NULL;
}

uint32_t twi_class_bit(const char *name, size_t length)
{
    return 1u << (atom_hash(name, length) & 31);
}

bool twi_next_word(const char **at, const char *end, const char **word, size_t *length)
{
    const char *p = *at;

    while (p < end && twi_is_html_space(*p))
        p++;
    *word = p;
    while (p < end && !twi_is_html_space(*p))
        p++;
    *length = (size_t)(p - *word);
    *at = p;
    return *length > 0;
}

bool twi_tree_has_class(const struct twi_tree *tree, uint32_t node, const char *name,
                        size_t length)
{
    const struct twi_attr *attr = twi_tree_attr(tree, node, TWI_NAME_CLASS);
    const char *at = attr != NULL ? attr->value : NULL, *word;
    size_t word_length;

    if (attr == NULL)
        return false;
    while (twi_next_word(&at, attr->value + attr->length, &word, &word_length))
        if (word_length == length && memcmp(word, name, length) == 0)
            return true;
    return false;
}

bool twi_same_text(const char *a, size_t a_length, const char *b, size_t b_length)
{
    if (a_length != b_length)
        return false;
    for (size_t i = 0; i < a_length; i++)
        if (ascii_lower(a[i]) != ascii_lower(b[i]))
            return false;
    return true;
}
