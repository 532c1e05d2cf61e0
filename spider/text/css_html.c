/* SPDX-License-Identifier: MIT */
/*
 * css_html.c - pseudo-classes; most are of HTML's elements (HTML standard, 4.16.3).
 */
#include "config.h"

#include <string.h>

#include "spider/text/css_node.h"
#include "spider/text/utf8.h"

/* What elements inherit, by node. */
enum css_states {
    STATE_KNOWN = 1,
    STATE_RTL = 2,
    STATE_EDITABLE = 4,
    STATE_FIELDSET_OFF = 8 /* in a disabled fieldset */
};

static bool is_html(const struct css_run *run, uint32_t node)
{
    const struct twi_node *element = &run->tree->nodes[node];
    const struct twi_space *spaces = run->tree->spaces;

    return run->tree->is_html && element->kind == TWI_NODE_ELEMENT &&
           (element->space == TWI_SPACE_NONE ||
            spaces[element->space].uri == spaces[TWI_SPACE_HTML].uri);
}

static uint32_t html_name(const struct css_run *run, uint32_t node)
{
    return is_html(run, node) ? run->tree->atoms[run->tree->nodes[node].name].lower : 0;
}

static bool has(const struct css_run *run, uint32_t node, uint32_t attr)
{
    return twi_tree_attr(run->tree, node, attr) != NULL;
}

static bool value_is(const struct css_run *run, uint32_t node, uint32_t name,
                     const char *value)
{
    const struct twi_attr *attr = twi_tree_attr(run->tree, node, name);

    return attr != NULL && twi_same_text(attr->value, attr->length, value, strlen(value));
}

/* One of the words, with a space before and behind each. */
static bool type_is_among(const struct css_run *run, uint32_t node, const char *words)
{
    const struct twi_attr *attr = twi_tree_attr(run->tree, node, TWI_NAME_TYPE);
    const char *at = words, *end = words + strlen(words), *word;
    size_t length;

    while (attr != NULL && twi_next_word(&at, end, &word, &length))
        if (twi_same_text(attr->value, attr->length, word, length))
            return true;
    return false;
}

/* --- what is inherited --------------------------------------------------------------------- */

static bool is_rtl_character(uint32_t c)
{
    return (c >= 0x590 && c <= 0x8ff) || (c >= 0xfb1d && c <= 0xfdff) ||
           (c >= 0xfe70 && c <= 0xfeff) || (c >= 0x10800 && c <= 0x10fff) ||
           (c >= 0x1e800 && c <= 0x1efff);
}

static bool is_letter(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c < 0x2000) ||
           (c >= 0x2c00 && c < 0x3000) || c >= 0x3041;
}

/* dir=auto: of the first letter with a direction. */
static bool text_is_rtl(const struct css_run *run, uint32_t node)
{
    const struct twi_tree *tree = run->tree;

    for (uint32_t i = node; i < tree->nodes[node].end; i++) {
        const char *at = tree->nodes[i].text;
        size_t left = tree->nodes[i].kind == TWI_NODE_TEXT ? tree->nodes[i].length : 0;
        while (left > 0) {
            uint32_t c = 0;
            size_t n = twi_utf8_get(at, left, &c);
            if (is_rtl_character(c))
                return true;
            if (is_letter(c))
                return false;
            at += n > 0 ? n : 1;
            left -= n > 0 ? n : 1;
        }
    }
    return false;
}

static bool is_first_legend(const struct css_run *run, uint32_t node)
{
    const struct twi_node *nodes = run->tree->nodes;

    if (html_name(run, node) != TWI_NAME_LEGEND)
        return false;
    for (uint32_t i = nodes[node].previous; i != 0; i = nodes[i].previous)
        if (html_name(run, i) == TWI_NAME_LEGEND)
            return false;
    return true;
}

static uint8_t state_of(const struct css_run *run, uint32_t node, uint8_t above)
{
    uint8_t state = above;
    uint32_t parent = run->tree->nodes[node].parent;
    const char *editable = twi_tree_attr_value(run->tree, node, TWI_NAME_CONTENTEDITABLE);

    if (value_is(run, node, TWI_NAME_DIR, "ltr"))
        state &= (uint8_t)~STATE_RTL;
    else if (value_is(run, node, TWI_NAME_DIR, "rtl") ||
             (value_is(run, node, TWI_NAME_DIR, "auto") && text_is_rtl(run, node)))
        state |= STATE_RTL;
    if (editable != NULL)
        state = value_is(run, node, TWI_NAME_CONTENTEDITABLE, "false")
                    ? state & (uint8_t)~STATE_EDITABLE
                    : state | STATE_EDITABLE;
    if (html_name(run, parent) == TWI_NAME_FIELDSET && has(run, parent, TWI_NAME_DISABLED) &&
        !is_first_legend(run, node))
        state |= STATE_FIELDSET_OFF;
    return state;
}

static uint8_t state(struct css_run *run, uint32_t node)
{
    const struct twi_tree *tree = run->tree;

    if (run->states == NULL) {
        run->states = css_array(run, tree->count, 1);
        for (uint32_t i = 1; i < tree->count && !run->over; i++) {
            uint8_t above = run->states[tree->nodes[i].parent];
            run->states[i] = STATE_KNOWN | (is_html(run, i) ? state_of(run, i, above) : above);
        }
    }
    return run->over ? 0 : run->states[node];
}

bool css_test_dir(struct css_run *run, const struct css_test *test, uint32_t node)
{
    if (!run->tree->is_html)
        return false;
    if (css_same(test->value, "rtl"))
        return (state(run, node) & STATE_RTL) != 0;
    return css_same(test->value, "ltr") && (state(run, node) & STATE_RTL) == 0;
}

/* --- forms --------------------------------------------------------------------------------- */

static bool can_be_disabled(uint32_t name)
{
    return name == TWI_NAME_BUTTON || name == TWI_NAME_INPUT || name == TWI_NAME_SELECT ||
           name == TWI_NAME_TEXTAREA || name == TWI_NAME_OPTGROUP || name == TWI_NAME_OPTION ||
           name == TWI_NAME_FIELDSET;
}

static bool is_disabled(struct css_run *run, uint32_t node)
{
    uint32_t name = html_name(run, node), parent = run->tree->nodes[node].parent;

    if (!can_be_disabled(name))
        return false;
    if (has(run, node, TWI_NAME_DISABLED))
        return true;
    if (name == TWI_NAME_OPTION)
        return html_name(run, parent) == TWI_NAME_OPTGROUP &&
               has(run, parent, TWI_NAME_DISABLED);
    return name != TWI_NAME_OPTGROUP && (state(run, node) & STATE_FIELDSET_OFF) != 0;
}

static bool is_button(const struct css_run *run, uint32_t node)
{
    uint32_t name = html_name(run, node);

    if (name == TWI_NAME_INPUT)
        return type_is_among(run, node, "submit image");
    return name == TWI_NAME_BUTTON && !type_is_among(run, node, "button reset");
}

static bool is_checked(const struct css_run *run, uint32_t node)
{
    uint32_t name = html_name(run, node);

    if (name == TWI_NAME_OPTION)
        return has(run, node, TWI_NAME_SELECTED);
    return name == TWI_NAME_INPUT && type_is_among(run, node, "checkbox radio") &&
           has(run, node, TWI_NAME_CHECKED);
}

/* The form around an element; 0: none. */
static uint32_t form_of(const struct css_run *run, uint32_t node)
{
    while (node != 0 && html_name(run, node) != TWI_NAME_FORM)
        node = run->tree->nodes[node].parent;
    return node;
}

/* The first button of its form is pressed by the enter key. */
static bool is_default_choice(struct css_run *run, uint32_t node)
{
    uint32_t form;

    if (is_checked(run, node))
        return true;
    form = is_button(run, node) ? form_of(run, node) : 0;
    for (uint32_t i = form; form != 0 && i < node; i++, run->steps++)
        if (is_button(run, i))
            return false;
    return form != 0;
}

/* A group of radio buttons none of which is checked; a progress without value. */
static bool is_indeterminate(struct css_run *run, uint32_t node)
{
    const struct twi_tree *tree = run->tree;
    const struct twi_attr *group;
    uint32_t form = form_of(run, node);

    if (html_name(run, node) == TWI_NAME_PROGRESS)
        return !has(run, node, TWI_NAME_VALUE);
    if (html_name(run, node) != TWI_NAME_INPUT || !type_is_among(run, node, "radio"))
        return false;
    group = twi_tree_attr(tree, node, TWI_NAME_NAME);
    if (group == NULL || group->length == 0)
        return !has(run, node, TWI_NAME_CHECKED);
    for (uint32_t i = form; i < tree->nodes[form].end; i++, run->steps++) {
        const struct twi_attr *name;
        if (html_name(run, i) != TWI_NAME_INPUT || !has(run, i, TWI_NAME_CHECKED) ||
            !type_is_among(run, i, "radio"))
            continue;
        name = twi_tree_attr(tree, i, TWI_NAME_NAME);
        if (name != NULL && name->length == group->length &&
            memcmp(name->value, group->value, name->length) == 0 && form_of(run, i) == form)
            return false;
    }
    return true;
}

static bool is_required(const struct css_run *run, uint32_t node, bool wanted)
{
    uint32_t name = html_name(run, node);
    bool may = name == TWI_NAME_SELECT || name == TWI_NAME_TEXTAREA ||
               (name == TWI_NAME_INPUT &&
                !type_is_among(run, node, "hidden range color submit image reset button"));

    if (name != TWI_NAME_INPUT && !may)
        return false;
    return (may && has(run, node, TWI_NAME_REQUIRED)) == wanted;
}

static const char not_texts[] =
    "hidden range color checkbox radio file submit image reset button";

static bool is_read_write(struct css_run *run, uint32_t node)
{
    uint32_t name = html_name(run, node);

    if (name == TWI_NAME_TEXTAREA ||
        (name == TWI_NAME_INPUT && !type_is_among(run, node, not_texts)))
        return !has(run, node, TWI_NAME_READONLY) && !is_disabled(run, node);
    return name != 0 && name != TWI_NAME_INPUT && (state(run, node) & STATE_EDITABLE) != 0;
}

static bool shows_placeholder(const struct css_run *run, uint32_t node)
{
    uint32_t name = html_name(run, node);
    const struct twi_attr *value = twi_tree_attr(run->tree, node, TWI_NAME_VALUE);

    if (name != TWI_NAME_TEXTAREA && name != TWI_NAME_INPUT)
        return false;
    if (!has(run, node, TWI_NAME_PLACEHOLDER))
        return false;
    if (name == TWI_NAME_TEXTAREA)
        return twi_tree_first(run->tree, node) == 0;
    return !type_is_among(run, node, not_texts) &&
           !type_is_among(run, node, "date month week time datetime-local") &&
           (value == NULL || value->length == 0);
}

/* --- all ----------------------------------------------------------------------------------- */

static bool is_link(const struct css_run *run, uint32_t node)
{
    uint32_t name = html_name(run, node);

    return (name == TWI_NAME_A || name == TWI_NAME_AREA || name == TWI_NAME_LINK) &&
           has(run, node, TWI_NAME_HREF);
}

static bool is_empty(struct css_run *run, uint32_t node)
{
    const struct twi_tree *tree = run->tree;

    for (uint32_t i = twi_tree_first(tree, node); i != 0; i = twi_tree_next(tree, i)) {
        run->steps++;
        if (tree->nodes[i].kind == TWI_NODE_ELEMENT || tree->nodes[i].kind == TWI_NODE_TEXT ||
            tree->nodes[i].kind == TWI_NODE_ENTITY)
            return false;
    }
    return true;
}

/* Elements of a script's making have a dash in their names. */
static bool is_defined(const struct css_run *run, uint32_t node)
{
    return !is_html(run, node) ||
           strchr(twi_tree_name(run->tree, run->tree->nodes[node].name), '-') == NULL;
}

bool css_test_pseudo(struct css_run *run, enum css_pseudo pseudo, uint32_t node)
{
    const struct twi_node *nodes = run->tree->nodes;
    uint32_t parent = nodes[node].parent;

    switch (pseudo) {
    case CSS_ANY_LINK:
        return is_link(run, node);
    case CSS_CHECKED:
        return is_checked(run, node);
    case CSS_DEFAULT:
        return is_default_choice(run, node);
    case CSS_DEFINED:
        return is_defined(run, node);
    case CSS_DISABLED:
        return is_disabled(run, node);
    case CSS_EMPTY:
        return is_empty(run, node);
    case CSS_ENABLED:
        return can_be_disabled(html_name(run, node)) && !is_disabled(run, node);
    case CSS_INDETERMINATE:
        return is_indeterminate(run, node);
    case CSS_ONLY_CHILD:
        return nodes[parent].elements == 1;
    case CSS_OPTIONAL:
        return is_required(run, node, false);
    case CSS_PLACEHOLDER_SHOWN:
        return shows_placeholder(run, node);
    case CSS_READ_ONLY:
        return is_html(run, node) && !is_read_write(run, node);
    case CSS_READ_WRITE:
        return is_read_write(run, node);
    case CSS_REQUIRED:
        return is_required(run, node, true);
    case CSS_ROOT:
        return nodes[parent].kind == TWI_NODE_DOCUMENT;
    case CSS_SCOPE:
        return node == run->scope;
    case CSS_USER:
        return false;
    }
    return false;
}
