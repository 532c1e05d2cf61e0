/* SPDX-License-Identifier: MIT */
/*
 * select.c - finding in steps.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spider/text/entity.h"
#include "spider/text/regex.h"
#include "spider/text/select.h"

static bool select_fail(struct twi_select_error *error, const char *word, const char *what,
                        size_t at)
{
    error->word = word;
    if (at > 0)
        snprintf(error->message, sizeof error->message, "%s, at character %zu", what, at);
    else
        snprintf(error->message, sizeof error->message, "%s", what);
    return false;
}

static bool select_limit(struct twi_select_error *error, bool failed)
{
    return select_fail(error, "limit", failed ? "out of memory" : "too many steps", 0);
}

/* --- values -------------------------------------------------------------------------------- */

void twi_value_write(const struct twi_tree *tree, const struct twi_value *value,
                     struct twi_text *out)
{
    const struct twi_node *node = &tree->nodes[value->found.node];

    if (value->kind != TWI_VALUE_NODE)
        twi_text_add(out, value->text, value->length);
    else if (value->found.attr != 0)
        twi_text_add(out, tree->attrs[value->found.attr - 1].value,
                     tree->attrs[value->found.attr - 1].length);
    else if (node->kind == TWI_NODE_TEXT)
        twi_text_add(out, node->text, node->length);
    else
        twi_tree_write(tree, value->found.node, out);
}

static void values_add_found(struct twi_value_list *list, const struct twi_found_list *found)
{
    for (size_t i = 0; i < found->count && !list->arena->failed; i++)
        twi_value_add(list, (struct twi_value){ .found = found->items[i] });
}

void twi_values_in_order(struct twi_value_list *list)
{
    struct twi_found_list found = { .arena = list->arena };

    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].kind != TWI_VALUE_NODE)
            return;
        twi_found_add(&found, list->items[i].found.node, list->items[i].found.attr);
    }
    if (list->arena->failed)
        return;
    twi_found_sort(&found);
    list->count = 0;
    values_add_found(list, &found);
}

static uint32_t *elements_of(const struct twi_tree *tree, const struct twi_value_list *list,
                             size_t *ret_count)
{
    uint32_t *elements = twi_arena_alloc(list->arena, (list->count + 1) * sizeof *elements);

    *ret_count = 0;
    for (size_t i = 0; i < list->count && elements != NULL; i++) {
        const struct twi_found *found = &list->items[i].found;
        if (list->items[i].kind == TWI_VALUE_NODE && found->attr == 0 &&
            tree->nodes[found->node].kind == TWI_NODE_ELEMENT)
            elements[(*ret_count)++] = found->node;
    }
    return elements;
}

/* --- steps --------------------------------------------------------------------------------- */

static bool step_css(struct twi_selector *selector, const struct twi_step *step,
                     const uint32_t *contexts, size_t count, struct twi_value_list *list,
                     struct twi_select_error *error)
{
    struct twi_found_list found = { .arena = list->arena };
    struct twi_css_error wrong;
    const struct twi_css *css = twi_css_compile(list->arena, step->text, step->length,
                                                selector->prefixes, &wrong);
    bool limit = false;

    if (css == NULL)
        return list->arena->failed ? select_limit(error, true)
                                   : select_fail(error, "css", wrong.why, wrong.at);
    if (!twi_css_select(css, selector->tree, contexts, count, &found, &limit))
        return select_limit(error, !limit);
    values_add_found(list, &found);
    return true;
}

static bool step_xpath(struct twi_selector *selector, const struct twi_step *step,
                       const uint32_t *contexts, size_t count, struct twi_value_list *list,
                       struct twi_select_error *error)
{
    struct twi_xpath_error wrong;

    if (selector->xpath == NULL)
        selector->xpath = twi_xpath_open(selector->tree, selector->prefixes,
                                         selector->variables);
    if (selector->xpath == NULL)
        return select_limit(error, true);
    if (!twi_xpath_find(selector->xpath, step->text, step->length, contexts, count, list,
                        &wrong))
        return select_fail(error, wrong.is_limit ? "limit" : "xpath", wrong.why, wrong.at);
    twi_values_in_order(list);
    return true;
}

static bool add_match(const char *data, size_t length, void *arg)
{
    struct twi_value_list *list = arg;
    struct twi_text text = { .arena = list->arena };

    twi_unescape_match(&text, (struct twi_span){ data, length });
    twi_value_add(list, (struct twi_value){ .kind = TWI_VALUE_STRING,
                                            .text = twi_text_string(&text),
                                            .length = text.length });
    return !list->arena->failed;
}

static bool step_regex(struct twi_selector *selector, const struct twi_step *step,
                       const struct twi_value_list *from, struct twi_value_list *list,
                       struct twi_select_error *error)
{
    struct twi_regex_error wrong;
    struct twi_regex *regex = twi_regex_compile(step->text, step->length, 0, &wrong);
    bool is_whole = true;

    if (regex == NULL)
        return select_fail(error, "re", wrong.why, wrong.at);
    for (size_t i = 0; i < from->count && is_whole && !list->arena->failed; i++) {
        struct twi_text text = { .arena = list->arena };
        twi_value_write(selector->tree, &from->items[i], &text);
        is_whole = twi_regex_extract(regex, twi_text_string(&text), text.length, add_match,
                                     list);
    }
    twi_regex_free(regex);
    return is_whole || select_limit(error, false);
}

static bool step_index(const struct twi_step *step, const struct twi_value_list *from,
                       struct twi_value_list *list, struct twi_select_error *error)
{
    char *end;
    unsigned long long index = strtoull(step->text, &end, 10);

    if (step->length == 0 || *end != 0 || *step->text < '0' || *step->text > '9')
        return select_fail(error, "usage", "an index is a number from 0", 0);
    if (index < from->count)
        twi_value_add(list, from->items[index]);
    return true;
}

bool twi_select_from(struct twi_selector *selector, const struct twi_step *step,
                     const uint32_t *contexts, size_t count, struct twi_value_list *list,
                     struct twi_select_error *error)
{
    return step->kind == TWI_STEP_CSS
               ? step_css(selector, step, contexts, count, list, error)
               : step_xpath(selector, step, contexts, count, list, error);
}

static bool step_apply(struct twi_selector *selector, const struct twi_step *step,
                       const struct twi_value_list *from, struct twi_value_list *list,
                       struct twi_select_error *error)
{
    size_t count;
    uint32_t *elements;

    if (step->kind == TWI_STEP_REGEX)
        return step_regex(selector, step, from, list, error);
    if (step->kind == TWI_STEP_INDEX)
        return step_index(step, from, list, error);
    elements = elements_of(selector->tree, from, &count);
    if (elements == NULL)
        return select_limit(error, true);
    return twi_select_from(selector, step, elements, count, list, error);
}

bool twi_select(struct twi_selector *selector, const struct twi_step *steps,
                struct twi_value_list *list, struct twi_select_error *error)
{
    struct twi_value_list from = { .arena = list->arena };
    uint32_t root = twi_tree_root(selector->tree);

    if (root != 0)
        twi_value_add(&from, (struct twi_value){ .found = { root, 0 } });
    for (; steps != NULL; steps = steps->next) {
        struct twi_value_list to = { .arena = list->arena };
        if (!step_apply(selector, steps, &from, &to, error))
            return false;
        from = to;
    }
    for (size_t i = 0; i < from.count; i++)
        twi_value_add(list, from.items[i]);
    return !list->arena->failed || select_limit(error, true);
}

void twi_selector_close(struct twi_selector *selector)
{
    twi_xpath_close(selector->xpath);
    selector->xpath = NULL;
}

/* --- paths --------------------------------------------------------------------------------- */

/* May it stand in a path by its name? Not with a namespace or a colon, as prefixes are unknown. */
static bool has_plain_name(const struct twi_tree *tree, uint32_t node)
{
    const char *name;

    if (tree->nodes[node].kind != TWI_NODE_ELEMENT ||
        (tree->is_xml && tree->spaces[tree->nodes[node].space].uri != 0))
        return false;
    name = twi_tree_name(tree, tree->nodes[node].name);
    if ((*name >= '0' && *name <= '9') || *name == '-' || *name == '.' || *name == 0)
        return false;
    for (; *name != 0; name++)
        if (!((*name & 0x80) || (*name >= '0' && *name <= '9') || *name == '-' ||
              *name == '.' || *name == '_' || (*name >= 'A' && *name <= 'Z') ||
              (*name >= 'a' && *name <= 'z')))
            return false;
    return true;
}

/* Children with one name are numbered, and counted. */
static void number_children(struct twi_selector *selector, uint32_t parent, uint32_t *stamps,
                            uint32_t *counts)
{
    const struct twi_tree *tree = selector->tree;
    uint32_t child;

    for (child = twi_tree_first(tree, parent); child != 0;
         child = twi_tree_next(tree, child)) {
        uint32_t name = tree->nodes[child].name;
        if (!has_plain_name(tree, child))
            continue;
        if (stamps[name] != parent + 1)
            counts[name] = 0;
        stamps[name] = parent + 1;
        selector->places[child] = ++counts[name];
    }
    for (child = twi_tree_first(tree, parent); child != 0; child = twi_tree_next(tree, child))
        if (selector->places[child] != 0)
            selector->totals[child] = counts[tree->nodes[child].name];
}

static bool number_all(struct twi_selector *selector)
{
    const struct twi_tree *tree = selector->tree;
    uint32_t *stamps = twi_arena_zeroed(tree->arena, tree->atom_count * sizeof *stamps),
             *counts = twi_arena_zeroed(tree->arena, tree->atom_count * sizeof *counts);

    selector->places = twi_arena_zeroed(tree->arena, tree->count * sizeof *stamps);
    selector->totals = twi_arena_zeroed(tree->arena, tree->count * sizeof *stamps);
    if (tree->arena->failed)
        return false;
    for (uint32_t i = 0; i < tree->count; i++)
        if (tree->nodes[i].kind <= TWI_NODE_ELEMENT)
            number_children(selector, i, stamps, counts);
    return true;
}

static void path_add(struct twi_selector *selector, uint32_t node, struct twi_text *out)
{
    const struct twi_tree *tree = selector->tree;
    char number[24];
    bool is_plain = selector->places[node] != 0;

    twi_text_putc(out, '/');
    twi_text_puts(out, is_plain ? twi_tree_name(tree, tree->nodes[node].name) : "*");
    if (is_plain && selector->totals[node] == 1)
        return;
    snprintf(number, sizeof number, "[%u]",
             is_plain ? selector->places[node] : tree->nodes[node].place);
    twi_text_puts(out, number);
}

void twi_selector_path(struct twi_selector *selector, uint32_t node, struct twi_text *out)
{
    const struct twi_node *nodes = selector->tree->nodes;
    uint32_t *way, depth = 0;

    if (selector->places == NULL && !number_all(selector))
        return;
    for (uint32_t i = node; i != 0; i = nodes[i].parent)
        depth++;
    way = twi_arena_alloc(out->arena, (depth + 1) * sizeof *way);
    if (way == NULL)
        return;
    for (uint32_t i = node, at = depth; i != 0; i = nodes[i].parent)
        way[--at] = i;
    for (uint32_t at = 0; at < depth; at++)
        path_add(selector, way[at], out);
}
