/* SPDX-License-Identifier: MIT */
/*
 * css_match.c - selectors are matched.
 *
 * Going up from each element in turn, as browsers do, takes time with the depth, and with some
 * selectors far more. Here a complex selector is matched in one pass over the nodes in document
 * order: for each element the set of those of its compounds up to which the selector matches there,
 * a word of bits, follows from the sets of its ancestors and of its elder siblings, of which those
 * of each level are kept as one. :has() looks the other way and is answered for all elements by one
 * pass backwards. So the time is that of nodes times compounds.
 */
#include "config.h"

#include <string.h>

#include "spider/text/css_node.h"

#define MOST_STEPS ((uint64_t)500 * 1000 * 1000)

void *css_array(struct css_run *run, size_t count, size_t size)
{
    void *array = count < SIZE_MAX / size ? twi_arena_zeroed(run->arena, count * size) : NULL;

    if (array == NULL) {
        run->arena->failed = true;
        run->over = true;
    }
    return array;
}

static bool bits_have(const uint64_t *bits, uint32_t node)
{
    return bits[node / 64] >> (node % 64) & 1;
}

static void bits_put(uint64_t *bits, uint32_t node)
{
    bits[node / 64] |= (uint64_t)1 << (node % 64);
}

/* --- tests of one element ------------------------------------------------------------------ */

static bool text_is(const char *a, size_t length, const char *b, bool any_case)
{
    return any_case ? twi_same_text(a, length, b, length) : memcmp(a, b, length) == 0;
}

static bool value_has_word(const struct css_test *test, const struct twi_attr *attr,
                           bool any_case)
{
    const char *at = attr->value, *word;
    size_t length;

    while (twi_next_word(&at, attr->value + attr->length, &word, &length))
        if (length == test->value.length && text_is(word, length, test->value.text, any_case))
            return true;
    return false;
}

static bool value_contains(const struct css_test *test, const struct twi_attr *attr,
                           bool any_case)
{
    const char *wanted = test->value.text;
    size_t length = test->value.length;

    if (!any_case)
        return memmem(attr->value, attr->length, wanted, length) != NULL;
    for (size_t i = 0; i + length <= attr->length; i++)
        if (twi_same_text(attr->value + i, length, wanted, length))
            return true;
    return false;
}

static bool value_matches(const struct css_test *test, const struct twi_attr *attr,
                          bool any_case)
{
    const char *wanted = test->value.text, *value = attr->value;
    size_t length = test->value.length;

    switch (test->op) {
    case '=':
    case '!':
        return attr->length == length && text_is(value, length, wanted, any_case);
    case '~':
        return length > 0 && value_has_word(test, attr, any_case);
    case '|':
        return attr->length >= length && text_is(value, length, wanted, any_case) &&
               (attr->length == length || value[length] == '-');
    case '^':
        return length > 0 && attr->length >= length &&
               text_is(value, length, wanted, any_case);
    case '$':
        return length > 0 && attr->length >= length &&
               text_is(value + attr->length - length, length, wanted, any_case);
    case '*':
        return length > 0 && value_contains(test, attr, any_case);
    default:
        return true;
    }
}

static bool space_is(const struct css_run *run, const struct css_test *test, uint16_t space)
{
    const struct twi_tree *tree = run->tree;

    if (test->space == CSS_SPACE_URI)
        return tree->spaces[space].uri == run->bound[test->number].uri &&
               run->bound[test->number].uri != 0;
    return test->space == CSS_SPACE_ANY || tree->spaces[space].uri == 0;
}

/* An attribute of the test's name, whatever its value. */
static bool attr_is(const struct css_run *run, const struct css_test *test,
                    const struct twi_attr *attr)
{
    uint32_t name = run->tree->is_html ? run->tree->atoms[attr->name].lower : attr->name;

    return name == run->bound[test->number].atom && attr->space != TWI_SPACE_XMLNS &&
           space_is(run, test, attr->space);
}

static bool test_attr(struct css_run *run, const struct css_test *test, uint32_t node)
{
    const struct twi_attr *attr = run->tree->attrs + run->tree->nodes[node].attrs;
    bool any_case = test->flag == 'i' ||
                    (test->flag == 0 && run->tree->is_html && css_same(test->lower, "type"));

    run->steps += run->tree->nodes[node].attr_count;
    for (uint32_t i = 0; i < run->tree->nodes[node].attr_count; i++)
        if (run->bound[test->number].atom != 0 && attr_is(run, test, &attr[i]) &&
            value_matches(test, &attr[i], any_case))
            return test->op != '!';
    return test->op == '!';
}

static bool test_name(const struct css_run *run, const struct css_test *test, uint32_t node)
{
    const struct twi_node *element = &run->tree->nodes[node];
    uint32_t name = run->tree->is_html ? run->tree->atoms[element->name].lower : element->name;

    return name == run->bound[test->number].atom && name != 0 &&
           space_is(run, test, element->space);
}

static bool test_id(const struct css_run *run, const struct css_test *test, uint32_t node)
{
    const struct twi_attr *attr = twi_tree_attr(run->tree, node, TWI_NAME_ID);

    return attr != NULL && attr->length == test->name.length &&
           memcmp(attr->value, test->name.text, attr->length) == 0;
}

static bool test_class(const struct css_run *run, const struct css_test *test, uint32_t node)
{
    uint32_t bit = run->bound[test->number].atom;

    return (run->tree->nodes[node].classes & bit) != 0 &&
           twi_tree_has_class(run->tree, node, test->name.text, test->name.length);
}

static bool test_has(struct css_run *run, const struct css_test *test, uint32_t node);

static bool css_test(struct css_run *run, const struct css_test *test, uint32_t node)
{
    switch (test->kind) {
    case CSS_NAME:
        return test_name(run, test, node);
    case CSS_SPACE:
        return space_is(run, test, run->tree->nodes[node].space);
    case CSS_ID:
        return test_id(run, test, node);
    case CSS_CLASS:
        return test_class(run, test, node);
    case CSS_ATTR:
        return test_attr(run, test, node);
    case CSS_IS:
        return css_list_matches(run, test->list, node);
    case CSS_NOT:
        return !css_list_matches(run, test->list, node);
    case CSS_HAS:
        return test_has(run, test, node);
    case CSS_NTH:
        return css_test_nth(run, test, node);
    case CSS_LANG:
        return css_test_lang(run, test, node);
    case CSS_DIR:
        return css_test_dir(run, test, node);
    case CSS_CONTAINS:
        return css_test_contains(run, test, node);
    case CSS_PSEUDO:
        return css_test_pseudo(run, test->pseudo, node);
    case CSS_NEVER:
        return false;
    }
    return false;
}

static bool compound_matches(struct css_run *run, const struct css_compound *compound,
                             uint32_t node)
{
    if (run->over)
        return false;
    for (const struct css_test *test = compound->tests; test != NULL; test = test->next) {
        if (++run->steps > MOST_STEPS)
            run->over = true;
        if (!css_test(run, test, node))
            return false;
    }
    return true;
}

/* --- one pass down ------------------------------------------------------------------------- */

/* The sets of a level: of the parent, of all above, of the sibling before, of all before. */
static size_t level_push(struct css_run *run, size_t depth, struct css_level level)
{
    if (depth == run->level_room) {
        size_t room = run->level_room * 2 + 64;
        struct css_level *levels = twi_arena_grow(
            run->arena, run->levels, run->level_room * sizeof *levels, room * sizeof *levels);
        if (levels == NULL) {
            run->over = true;
            return depth;
        }
        run->levels = levels;
        run->level_room = room;
    }
    run->levels[depth] = level;
    return depth + 1;
}

static uint64_t reached_set(struct css_run *run, const struct css_complex *complex,
                            const struct css_level *level, uint32_t node)
{
    uint64_t set = 0;

    for (unsigned i = 0; i < complex->count; i++) {
        const struct css_compound *compound = &complex->compounds[i];
        uint64_t from = compound->combinator == ' '   ? level->above
                        : compound->combinator == '>' ? level->matched
                        : compound->combinator == '+' ? level->previous
                                                      : level->before;
        if ((i == 0 || (from >> (i - 1) & 1) != 0) && compound_matches(run, compound, node))
            set |= (uint64_t)1 << i;
    }
    return set;
}

/* Called for each node of a pass: whether the selector matches it (`here`), its parent, or anything
 * above. */
typedef void css_visit(struct css_run *run, const struct css_complex *complex, uint32_t node,
                       bool here, bool parent, bool above, void *arg);

static void css_pass(struct css_run *run, const struct css_complex *complex, uint32_t from,
                     uint32_t end, css_visit *visit, void *arg)
{
    const struct twi_node *nodes = run->tree->nodes;
    uint64_t goal = (uint64_t)1 << (complex->count - 1);
    struct css_level *kept = run->levels; /* an inner pass has levels of its own */
    size_t kept_room = run->level_room, depth;

    run->levels = NULL;
    run->level_room = 0;
    depth = level_push(run, 0, (struct css_level){ .node = nodes[from].parent });
    for (uint32_t i = from; i < end && !run->over; i++) {
        uint64_t set = 0;
        struct css_level level;
        while (run->levels[depth - 1].node != nodes[i].parent)
            depth--;
        level = run->levels[depth - 1];
        if (nodes[i].kind == TWI_NODE_ELEMENT) {
            set = reached_set(run, complex, &level, i);
            run->levels[depth - 1].previous = set;
            run->levels[depth - 1].before |= set;
        }
        visit(run, complex, i, (set & goal) != 0, (level.matched & goal) != 0,
              (level.above & goal) != 0, arg);
        if (nodes[i].end > i + 1)
            depth = level_push(run, depth,
                               (struct css_level){ i, set, level.above | set, 0, 0 });
    }
    run->levels = kept;
    run->level_room = kept_room;
}

static void visit_put_bit(struct css_run *run, const struct css_complex *complex,
                          uint32_t node, bool here, bool parent, bool above, void *arg)
{
    uint64_t *bits = arg;

    (void)run;
    (void)complex;
    (void)parent;
    (void)above;
    if (here)
        bits_put(bits, node);
}

/* For a selector that stands in another one: whether it matches, of all elements at once. */
static bool complex_matches(struct css_run *run, const struct css_complex *complex,
                            uint32_t node)
{
    uint64_t **bits = &run->bits[complex->number];

    if (complex->count == 1)
        return compound_matches(run, &complex->compounds[0], node);
    if (*bits == NULL) {
        *bits = css_array(run, run->tree->count / 64 + 1, sizeof **bits);
        if (*bits != NULL && run->tree->count > 1)
            css_pass(run, complex, 1, run->tree->count, visit_put_bit, *bits);
    }
    return !run->over && bits_have(*bits, node);
}

bool css_list_matches(struct css_run *run, const struct css_list *list, uint32_t node)
{
    for (const struct css_complex *complex = list->first; complex != NULL;
         complex = complex->next)
        if (complex_matches(run, complex, node))
            return true;
    return false;
}

/* --- one pass up: :has() ------------------------------------------------------------------- */

/* By node: sets of its children, of all below it, of that child which was seen last. */
struct has_sets {
    uint64_t children, below, last;
};

static uint64_t has_from(const struct has_sets *own, const struct has_sets *parent,
                         char combinator)
{
    return combinator == ' '   ? own->below
           : combinator == '>' ? own->children
           : combinator == '+' ? parent->last
                               : parent->children;
}

/* The compounds from which on the rest of the selector is found, the element being the first. */
static uint64_t has_set(struct css_run *run, const struct css_complex *complex,
                        const struct has_sets *own, const struct has_sets *parent,
                        uint32_t node)
{
    uint64_t set = 0;

    for (unsigned i = complex->count; i-- > 0;) {
        const struct css_compound *compound = &complex->compounds[i];
        bool goes_on = i + 1 == complex->count ||
                       (has_from(own, parent, compound[1].combinator) >> (i + 1) & 1) != 0;
        if (goes_on && compound_matches(run, compound, node))
            set |= (uint64_t)1 << i;
    }
    return set;
}

static void has_pass(struct css_run *run, const struct css_complex *complex,
                     struct has_sets *sets, uint64_t *bits)
{
    const struct twi_node *nodes = run->tree->nodes;

    memset(sets, 0, run->tree->count * sizeof *sets);
    for (uint32_t i = run->tree->count; i-- > 1 && !run->over;) {
        struct has_sets *own = &sets[i], *parent = &sets[nodes[i].parent];
        uint64_t set;
        if (nodes[i].kind != TWI_NODE_ELEMENT)
            continue;
        if (has_from(own, parent, complex->compounds[0].combinator) & 1)
            bits_put(bits, i);
        set = has_set(run, complex, own, parent, i);
        parent->children |= set;
        parent->below |= set | own->below;
        parent->last = set;
    }
}

static bool test_has(struct css_run *run, const struct css_test *test, uint32_t node)
{
    struct css_bound *bound = &run->bound[test->number];
    struct has_sets *sets;

    if (bound->bits == NULL) {
        bound->bits = css_array(run, run->tree->count / 64 + 1, sizeof *bound->bits);
        sets = css_array(run, run->tree->count, sizeof *sets);
        for (const struct css_complex *complex = test->list->first;
             complex != NULL && !run->over; complex = complex->next)
            has_pass(run, complex, sets, bound->bits);
    }
    return !run->over && bits_have(bound->bits, node);
}

/* --- binding to a tree --------------------------------------------------------------------- */

static void bind_list(struct css_run *run, const struct css_list *list);

static void bind_test(struct css_run *run, const struct css_test *test)
{
    struct css_bound *bound = &run->bound[test->number];
    struct css_string name = run->tree->is_html ? test->lower : test->name;

    if (test->kind == CSS_NAME || test->kind == CSS_ATTR)
        bound->atom = twi_tree_find_atom(run->tree, name.text, name.length);
    else if (test->kind == CSS_CLASS)
        bound->atom = twi_class_bit(test->name.text, test->name.length);
    if (test->uri.length > 0)
        bound->uri = twi_tree_find_atom(run->tree, test->uri.text, test->uri.length);
    if (test->list != NULL)
        bind_list(run, test->list);
}

static void bind_list(struct css_run *run, const struct css_list *list)
{
    for (const struct css_complex *complex = list->first; complex != NULL;
         complex = complex->next)
        for (unsigned i = 0; i < complex->count; i++)
            for (const struct css_test *test = complex->compounds[i].tests; test != NULL;
                 test = test->next)
                bind_test(run, test);
}

/* Forget what depends on :scope. */
static void run_set_scope(struct css_run *run, uint32_t scope)
{
    run->scope = scope;
    if (!run->css->has_scope)
        return;
    memset(run->bits, 0, run->css->complexes * sizeof *run->bits);
    memset(run->bound, 0, run->css->tests * sizeof *run->bound);
    bind_list(run, &run->css->list);
}

static bool run_start(struct css_run *run)
{
    run->bound = css_array(run, run->css->tests + 1, sizeof *run->bound);
    run->bits = css_array(run, run->css->complexes + 1, sizeof *run->bits);
    if (!run->over)
        bind_list(run, &run->css->list);
    return !run->over;
}

/* --- results ------------------------------------------------------------------------------- */

static void found_attr(struct css_run *run, const struct css_complex *complex, uint32_t node,
                       struct twi_found_list *list)
{
    const struct twi_tree *tree = run->tree;
    const struct twi_node *element = &tree->nodes[node];

    for (uint32_t i = element->attrs; i < element->attrs + element->attr_count; i++) {
        const struct twi_atom *name = &tree->atoms[tree->attrs[i].name];
        bool is_it = tree->is_html
                         ? twi_same_text(name->text, name->length, complex->attr.text,
                                         complex->attr.length)
                         : name->length == complex->attr.length &&
                               memcmp(name->text, complex->attr.text, name->length) == 0;
        if (is_it && tree->spaces[tree->attrs[i].space].uri == 0)
            twi_found_add(list, node, i + 1);
    }
}

static void visit_found(struct css_run *run, const struct css_complex *complex, uint32_t node,
                        bool here, bool parent, bool above, void *arg)
{
    struct twi_found_list *list = arg;
    bool is_text = run->tree->nodes[node].kind == TWI_NODE_TEXT;

    if (complex->target == CSS_ELEMENTS && here)
        twi_found_add(list, node, 0);
    else if (complex->target == CSS_TEXTS && is_text && (complex->is_below ? above : parent))
        twi_found_add(list, node, 0);
    else if (complex->target == CSS_ATTRS && !is_text &&
             run->tree->nodes[node].kind == TWI_NODE_ELEMENT &&
             (here || (complex->is_below && above)))
        found_attr(run, complex, node, list);
}

static void select_below(struct css_run *run, uint32_t context, struct twi_found_list *list)
{
    run_set_scope(run, context);
    for (const struct css_complex *complex = run->css->list.first;
         complex != NULL && !run->over; complex = complex->next)
        if (complex->target != CSS_NOTHING)
            css_pass(run, complex, context, run->tree->nodes[context].end, visit_found, list);
}

bool twi_css_select(const struct twi_css *css, const struct twi_tree *tree,
                    const uint32_t *contexts, size_t count, struct twi_found_list *list,
                    bool *ret_limit)
{
    struct css_run run = { .css = css, .tree = tree, .arena = list->arena };
    uint32_t covered = 0;

    if (!run_start(&run))
        return false;
    for (size_t i = 0; i < count && !run.over; i++) {
        /* A match in a subtree is one in a subtree around it, but for :scope. */
        if (contexts[i] < covered && !css->has_scope)
            continue;
        covered = tree->nodes[contexts[i]].end;
        select_below(&run, contexts[i], list);
    }
    twi_found_sort(list);
    *ret_limit = run.over && !list->arena->failed;
    return !run.over && !list->arena->failed;
}
