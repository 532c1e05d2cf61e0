/* SPDX-License-Identifier: MIT */
/*
 * css_index.c - tests that need to know more than an element: its place among siblings, its
 * language, the text below it. Each is found out for all nodes at once, at the first question.
 */
#include "config.h"

#include <string.h>

#include "spider/text/css_node.h"

/* --- :nth-child() and its like ------------------------------------------------------------- */

/* Counts of children by parent and type. */
struct nth_count {
    uint32_t parent, name, uri, count;
};
struct nth_counts {
    struct nth_count *table;
    size_t mask;
};

static uint32_t *count_of(const struct nth_counts *counts, uint32_t parent, uint32_t name,
                          uint32_t uri)
{
    size_t at = (parent * 0x9e3779b97f4a7c15u + name * 0xc2b2ae3d27d4eb4fu + uri * 31u) >> 20;

    for (;; at++) {
        struct nth_count *entry = &counts->table[at & counts->mask];
        if (entry->count == 0)
            *entry = (struct nth_count){ parent, name, uri, 0 };
        if (entry->parent == parent && entry->name == name && entry->uri == uri)
            return &entry->count;
    }
}

static void nth_place(struct css_run *run, const struct css_test *test,
                      const struct nth_counts *counts, uint32_t node)
{
    const struct twi_node *element = &run->tree->nodes[node];
    uint32_t name = 0, uri = 0;

    if (element->kind != TWI_NODE_ELEMENT ||
        (test->list != NULL && !css_list_matches(run, test->list, node)))
        return;
    if (test->of_type) {
        name = run->tree->is_html ? run->tree->atoms[element->name].lower : element->name;
        uri = run->tree->spaces[element->space].uri;
    }
    run->bound[test->number].places[node] = ++*count_of(counts, element->parent, name, uri);
}

static void nth_count_all(struct css_run *run, const struct css_test *test)
{
    uint32_t count = run->tree->count;
    struct nth_counts counts = { .mask = 64 };

    while (counts.mask < (size_t)count * 2)
        counts.mask *= 2;
    counts.table = css_array(run, counts.mask, sizeof *counts.table);
    counts.mask--;
    run->bound[test->number].places = css_array(run, count,
                                                sizeof *run->bound[test->number].places);
    for (uint32_t i = 1; i < count && !run->over; i++)
        nth_place(run, test, &counts, test->from_end ? count - i : i);
}

static bool nth_holds(const struct css_test *test, long place)
{
    long rest = place - test->b;

    if (place == 0)
        return false;
    if (test->a == 0)
        return rest == 0;
    return rest % test->a == 0 && rest / test->a >= 0;
}

bool css_test_nth(struct css_run *run, const struct css_test *test, uint32_t node)
{
    const struct twi_node *element = &run->tree->nodes[node];

    if (test->list == NULL && !test->of_type)
        return nth_holds(test, test->from_end ? run->tree->nodes[element->parent].elements -
                                                    element->place + 1
                                              : element->place);
    if (run->bound[test->number].places == NULL)
        nth_count_all(run, test);
    return !run->over && nth_holds(test, run->bound[test->number].places[node]);
}

/* --- :lang() ------------------------------------------------------------------------------- */

/* The attribute of an element that says its language + 1; 0: none. xml:lang goes first. */
static uint32_t lang_attr(const struct twi_tree *tree, const struct twi_node *element)
{
    uint32_t found = 0;

    for (uint32_t i = element->attrs; i < element->attrs + element->attr_count; i++) {
        if (tree->attrs[i].name != TWI_NAME_LANG)
            continue;
        if (tree->attrs[i].space == TWI_SPACE_XML)
            return i + 1;
        if (tree->attrs[i].space == TWI_SPACE_NONE && tree->is_html)
            found = i + 1;
    }
    return found;
}

/* <meta http-equiv=content-language content=X>, if X is one language. */
static uint32_t lang_of_meta(const struct twi_tree *tree)
{
    static const char name[] = "http-equiv", value[] = "content-language";
    uint32_t atom = twi_tree_find_atom(tree, name, strlen(name));

    for (uint32_t i = 1; i < tree->count && atom != 0 && tree->is_html; i++) {
        const struct twi_attr *attr = twi_tree_is(tree, i, TWI_NAME_META)
                                          ? twi_tree_attr(tree, i, atom)
                                          : NULL;
        const struct twi_attr *content = attr != NULL
                                             ? twi_tree_attr(tree, i, TWI_NAME_CONTENT)
                                             : NULL;
        if (content != NULL && strchr(content->value, ',') == NULL &&
            twi_same_text(attr->value, attr->length, value, strlen(value)))
            return (uint32_t)(content - tree->attrs) + 1;
    }
    return 0;
}

static void langs_find(struct css_run *run)
{
    const struct twi_tree *tree = run->tree;

    run->langs = css_array(run, tree->count, sizeof *run->langs);
    if (run->langs == NULL)
        return;
    run->langs[0] = lang_of_meta(tree);
    for (uint32_t i = 1; i < tree->count; i++) {
        uint32_t own = tree->nodes[i].kind == TWI_NODE_ELEMENT
                           ? lang_attr(tree, &tree->nodes[i])
                           : 0;
        run->langs[i] = own != 0 ? own : run->langs[tree->nodes[i].parent];
    }
}

/* Take a subtag off; false: there is none. */
static bool next_subtag(struct css_string *tag, struct css_string *subtag)
{
    const char *dash = memchr(tag->text, '-', tag->length);
    size_t length = dash != NULL ? (size_t)(dash - tag->text) : tag->length;

    if (tag->text == NULL)
        return false;
    *subtag = (struct css_string){ tag->text, length };
    *tag = dash != NULL ? (struct css_string){ dash + 1, tag->length - length - 1 }
                        : (struct css_string){ NULL, 0 };
    return true;
}

/* RFC 4647, 3.3.2: extended filtering. */
static bool lang_in_range(struct css_string range, struct css_string lang)
{
    struct css_string wanted, subtag;

    if (range.length == 0 || lang.length == 0)
        return range.length == lang.length;
    next_subtag(&range, &wanted);
    next_subtag(&lang, &subtag);
    if (!css_same(wanted, "*") &&
        !twi_same_text(wanted.text, wanted.length, subtag.text, subtag.length))
        return false;
    while (range.text != NULL && next_subtag(&range, &wanted)) {
        if (css_same(wanted, "*"))
            continue;
        do {
            if (lang.text == NULL || !next_subtag(&lang, &subtag))
                return false;
            if (twi_same_text(wanted.text, wanted.length, subtag.text, subtag.length))
                break;
            if (subtag.length == 1)
                return false;
        } while (true);
    }
    return true;
}

bool css_test_lang(struct css_run *run, const struct css_test *test, uint32_t node)
{
    const char *at = test->value.text, *end = at + test->value.length;
    const struct twi_attr *attr;
    struct css_string lang = { "", 0 };

    if (run->langs == NULL)
        langs_find(run);
    if (run->over)
        return false;
    if (run->langs[node] == 0)
        return false;
    attr = &run->tree->attrs[run->langs[node] - 1];
    lang = (struct css_string){ attr->value, attr->length };
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        if (lang_in_range((struct css_string){ at, (size_t)(comma - at) }, lang))
            return true;
        at = comma + 1;
    }
    return false;
}

/* --- :contains() --------------------------------------------------------------------------- */

static void text_gather(struct css_run *run)
{
    const struct twi_tree *tree = run->tree;
    struct twi_text text = { .arena = run->arena };

    run->offsets = css_array(run, (size_t)tree->count + 1, sizeof *run->offsets);
    if (run->offsets == NULL)
        return;
    for (uint32_t i = 0; i < tree->count; i++) {
        run->offsets[i] = text.length;
        if (tree->nodes[i].kind == TWI_NODE_TEXT)
            twi_text_add(&text, tree->nodes[i].text, tree->nodes[i].length);
    }
    run->offsets[tree->count] = text.length;
    run->text = (struct css_string){ twi_text_string(&text), text.length };
    if (run->arena->failed)
        run->over = true;
}

/* All places where the text occurs, by Knuth, Morris and Pratt. */
static void occurrences_find(struct css_run *run, const struct css_string *wanted,
                             struct css_bound *bound)
{
    size_t *border = css_array(run, wanted->length + 1, sizeof *border), room = 0, k = 0;

    for (size_t i = 1; i < wanted->length && !run->over; i++) {
        while (k > 0 && wanted->text[i] != wanted->text[k])
            k = border[k - 1];
        k += wanted->text[i] == wanted->text[k];
        border[i] = k;
    }
    k = 0;
    bound->starts = css_array(run, 16, sizeof *bound->starts);
    room = 16;
    for (size_t i = 0; i < run->text.length && !run->over; i++) {
        while (k > 0 && (k == wanted->length || run->text.text[i] != wanted->text[k]))
            k = border[k - 1];
        k += run->text.text[i] == wanted->text[k];
        if (k < wanted->length)
            continue;
        if (bound->start_count == room) {
            bound->starts = twi_arena_grow(run->arena, bound->starts, room * sizeof(size_t),
                                           2 * room * sizeof(size_t));
            room *= 2;
        }
        if (bound->starts == NULL) {
            run->over = true;
            return;
        }
        bound->starts[bound->start_count++] = i + 1 - wanted->length;
    }
}

bool css_test_contains(struct css_run *run, const struct css_test *test, uint32_t node)
{
    struct css_bound *bound = &run->bound[test->number];
    size_t low = 0, high;

    if (test->value.length == 0)
        return true;
    if (run->offsets == NULL)
        text_gather(run);
    if (bound->starts == NULL && !run->over)
        occurrences_find(run, &test->value, bound);
    if (run->over)
        return false;
    high = bound->start_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (bound->starts[middle] < run->offsets[node])
            low = middle + 1;
        else
            high = middle;
    }
    return low < bound->start_count &&
           bound->starts[low] + test->value.length <= run->offsets[run->tree->nodes[node].end];
}
