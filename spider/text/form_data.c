/* SPDX-License-Identifier: MIT */
/*
 * form_data.c - the data set of a form, and its encoding.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "spider/text/form_data.h"
#include "spider/text/utf8.h"

static void pair_add(struct form_run *run, struct twi_span name, struct twi_span value)
{
    struct twi_form_pair *pair = twi_arena_zeroed(run->arena, sizeof *pair);

    if (pair == NULL)
        return;
    *pair = (struct twi_form_pair){ .name = name, .value = value };
    *run->end = pair;
    run->end = &pair->next;
}

static struct twi_span attr_span(const struct twi_tree *tree, uint32_t node, uint32_t name)
{
    const struct twi_attr *attr = twi_tree_attr(tree, node, name);

    return attr != NULL ? (struct twi_span){ attr->value, attr->length }
                        : (struct twi_span){ "", 0 };
}

static bool spans_equal(struct twi_span a, struct twi_span b)
{
    return a.length == b.length && memcmp(a.text, b.text, a.length) == 0;
}

static bool is_set(const struct form_run *run, struct twi_span name)
{
    for (const struct twi_form_pair *pair = run->options->set; pair != NULL; pair = pair->next)
        if (spans_equal(pair->name, name))
            return true;
    return false;
}

static bool type_is_any(const struct twi_tree *tree, uint32_t node, const char *words)
{
    struct twi_span type = attr_span(tree, node, TWI_NAME_TYPE);
    const char *at = words, *end = words + strlen(words), *word;
    size_t length;

    while (twi_next_word(&at, end, &word, &length))
        if (twi_same_text(type.text, type.length, word, length))
            return true;
    return false;
}

/* --- values -------------------------------------------------------------------------------- */

/* An option's value: its attribute, else its text with white space as single spaces. */
static struct twi_span option_value(struct form_run *run, uint32_t option)
{
    struct twi_text text = { .arena = run->arena }, value = { .arena = run->arena };
    const char *at, *word;
    size_t length;

    if (twi_tree_attr(run->tree, option, TWI_NAME_VALUE) != NULL)
        return attr_span(run->tree, option, TWI_NAME_VALUE);
    twi_tree_write_text(run->tree, option, &text);
    at = twi_text_string(&text);
    while (twi_next_word(&at, twi_text_string(&text) + text.length, &word, &length)) {
        if (value.length > 0)
            twi_text_putc(&value, ' ');
        twi_text_add(&value, word, length);
    }
    return (struct twi_span){ twi_text_string(&value), value.length };
}

static bool option_is_off(const struct twi_tree *tree, uint32_t option)
{
    uint32_t parent = tree->nodes[option].parent;

    return twi_tree_attr(tree, option, TWI_NAME_DISABLED) != NULL ||
           (twi_tree_is(tree, parent, TWI_NAME_OPTGROUP) &&
            twi_tree_attr(tree, parent, TWI_NAME_DISABLED) != NULL);
}

/* More than one line is shown: then none is chosen by itself. */
static bool shows_lines(const struct twi_tree *tree, uint32_t select)
{
    struct twi_span size = attr_span(tree, select, TWI_NAME_SIZE);
    uint32_t lines;

    return twi_span_number(twi_span_trim(size), &lines) && lines > 1;
}

static void select_add(struct form_run *run, uint32_t select, struct twi_span name)
{
    const struct twi_tree *tree = run->tree;
    bool is_multiple = twi_tree_attr(tree, select, TWI_NAME_MULTIPLE) != NULL;
    uint32_t chosen = 0, first = 0;

    for (uint32_t i = select + 1; i < tree->nodes[select].end; i++) {
        if (!twi_tree_is(tree, i, TWI_NAME_OPTION))
            continue;
        if (first == 0 && !option_is_off(tree, i))
            first = i;
        if (twi_tree_attr(tree, i, TWI_NAME_SELECTED) == NULL)
            continue;
        chosen = i;
        if (is_multiple && !option_is_off(tree, i))
            pair_add(run, name, option_value(run, i));
    }
    if (chosen == 0 && !shows_lines(tree, select))
        chosen = first;
    if (!is_multiple && chosen != 0 && !option_is_off(tree, chosen))
        pair_add(run, name, option_value(run, chosen));
}

static void image_add(struct form_run *run, struct twi_span name)
{
    static const char *const ends[] = { "x", "y" };

    for (int i = 0; i < 2; i++) {
        struct twi_text full = { .arena = run->arena };
        twi_text_add(&full, name.text, name.length);
        if (name.length > 0)
            twi_text_putc(&full, '.');
        twi_text_puts(&full, ends[i]);
        pair_add(run, (struct twi_span){ twi_text_string(&full), full.length },
                 (struct twi_span){ "0", 1 });
    }
}

static void textarea_add(struct form_run *run, uint32_t node, struct twi_span name)
{
    struct twi_text text = { .arena = run->arena };

    twi_tree_write_text(run->tree, node, &text);
    pair_add(run, name, (struct twi_span){ twi_text_string(&text), text.length });
}

static void input_add(struct form_run *run, uint32_t node, struct twi_span name)
{
    const struct twi_tree *tree = run->tree;
    struct twi_span value = attr_span(tree, node, TWI_NAME_VALUE);

    if (type_is_any(tree, node, "checkbox radio")) {
        if (twi_tree_attr(tree, node, TWI_NAME_CHECKED) == NULL)
            return;
        if (twi_tree_attr(tree, node, TWI_NAME_VALUE) == NULL)
            value = (struct twi_span){ "on", 2 };
    } else if (type_is_any(tree, node, "file")) {
        value = (struct twi_span){ "", 0 };
    } else if (type_is_any(tree, node, "hidden") &&
               twi_same_text(name.text, name.length, "_charset_", 9)) {
        value = twi_span_of(twi_charset_name(run->charset));
    }
    pair_add(run, name, value);
}

static void control_add(struct form_run *run, uint32_t node)
{
    const struct twi_tree *tree = run->tree;
    struct twi_span name = attr_span(tree, node, TWI_NAME_NAME);
    bool is_image = twi_tree_is(tree, node, TWI_NAME_INPUT) &&
                    type_is_any(tree, node, "image");

    if (form_is_button(tree, node) && node != run->button)
        return;
    if ((name.length == 0 && !is_image) || is_set(run, name))
        return;
    if (is_image)
        image_add(run, name);
    else if (twi_tree_is(tree, node, TWI_NAME_SELECT))
        select_add(run, node, name);
    else if (twi_tree_is(tree, node, TWI_NAME_TEXTAREA))
        textarea_add(run, node, name);
    else if (twi_tree_is(tree, node, TWI_NAME_BUTTON)) {
        if (node == run->button)
            pair_add(run, name, attr_span(tree, node, TWI_NAME_VALUE));
    } else if (!type_is_any(tree, node, "reset button"))
        input_add(run, node, name);
}

void form_gather(struct form_run *run)
{
    for (size_t i = 0; i < run->controls.count && !run->arena->failed; i++)
        control_add(run, run->controls.items[i].node);
    for (const struct twi_form_pair *pair = run->options->set; pair != NULL; pair = pair->next)
        if (!pair->is_absent)
            pair_add(run, pair->name, pair->value);
}

/* --- the encoding -------------------------------------------------------------------------- */

/* A character that the charset has no form for is sent as a reference to it. */
static void put_characters(struct form_run *run, struct twi_span text, struct twi_text *out)
{
    while (text.length > 0) {
        char reference[16];
        uint32_t c = 0xfffd;
        size_t n = twi_utf8_get(text.text, text.length, &c);
        n = n > 0 ? n : 1;
        if (!twi_charset_encode(out, run->charset, twi_span_first(text, n))) {
            snprintf(reference, sizeof reference, "&#%u;", (unsigned)c);
            twi_text_puts(out, reference);
        }
        text = twi_span_from(text, n);
    }
}

/* Line ends as CR LF. */
static struct twi_span normal_lines(struct form_run *run, struct twi_span text)
{
    struct twi_text lines = { .arena = run->arena };

    if (memchr(text.text, '\n', text.length) == NULL &&
        memchr(text.text, '\r', text.length) == NULL)
        return text;
    for (size_t i = 0; i < text.length; i++) {
        if (text.text[i] == '\r' && i + 1 < text.length && text.text[i + 1] == '\n')
            continue;
        if (text.text[i] == '\r' || text.text[i] == '\n')
            twi_text_puts(&lines, "\r\n");
        else
            twi_text_putc(&lines, text.text[i]);
    }
    return (struct twi_span){ twi_text_string(&lines), lines.length };
}

/* The URL standard's set for forms: letters, digits and "*-._" stay, a space is "+". */
static void put_escaped(struct twi_text *out, const char *data, size_t length)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c == ' ') {
            twi_text_putc(out, '+');
        } else if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                   (c >= 'a' && c <= 'z') || c == '*' || c == '-' || c == '.' || c == '_') {
            twi_text_putc(out, (char)c);
        } else {
            twi_text_putc(out, '%');
            twi_text_putc(out, digits[c >> 4]);
            twi_text_putc(out, digits[c & 15]);
        }
    }
}

static void put_part(struct form_run *run, struct twi_span text, struct twi_text *out)
{
    struct twi_text bytes = { .arena = run->arena };

    text = normal_lines(run, text);
    if (!twi_charset_encode(&bytes, run->charset, text))
        put_characters(run, text, &bytes);
    put_escaped(out, twi_text_string(&bytes), bytes.length);
}

void form_encode(struct form_run *run, struct twi_text *out)
{
    for (const struct twi_form_pair *pair = run->first; pair != NULL; pair = pair->next) {
        if (pair != run->first)
            twi_text_putc(out, '&');
        put_part(run, pair->name, out);
        twi_text_putc(out, '=');
        put_part(run, pair->value, out);
    }
}
