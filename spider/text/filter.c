/* SPDX-License-Identifier: MIT */
/*
 * filter.c - values go through filters.
 *
 * A value is pushed through all filters before the next one enters. `join` and `default` wait for
 * the end; `first` closes the way behind it.
 */
#include "config.h"

#include <string.h>

#include "spider/text/date.h"
#include "spider/text/entity.h"
#include "spider/text/filter.h"
#include "spider/text/number.h"
#include "spider/text/utf8.h"

static bool filter_push(struct twi_filter_run *run, size_t at, struct twi_filter_value value);

/* --- texts --------------------------------------------------------------------------------- */

static bool is_element(const struct twi_tree *tree, struct twi_filter_value value)
{
    return value.json == NULL && value.found.attr == 0 &&
           tree->nodes[value.found.node].kind == TWI_NODE_ELEMENT;
}

/* Of an attribute, or of a node that is no element. */
static struct twi_span found_text(const struct twi_tree *tree, struct twi_found found)
{
    const struct twi_node *node = &tree->nodes[found.node];

    if (found.attr != 0)
        return (struct twi_span){ tree->attrs[found.attr - 1].value,
                                  tree->attrs[found.attr - 1].length };
    return (struct twi_span){ node->text, node->length };
}

static struct twi_span json_as_text(const struct twi_json *json, struct twi_arena *arena)
{
    struct twi_text text = { .arena = arena };

    if (json->kind == TWI_JSON_STRING || json->kind == TWI_JSON_NUMBER)
        return (struct twi_span){ json->text, json->length };
    twi_json_write(&text, json);
    return (struct twi_span){ twi_text_string(&text), text.length };
}

struct twi_span twi_filter_text(const struct twi_tree *tree, struct twi_filter_value value,
                                struct twi_arena *arena)
{
    struct twi_text text = { .arena = arena };
    const struct twi_value whole = { .found = value.found };

    if (value.json != NULL)
        return json_as_text(value.json, arena);
    if (value.found.attr != 0 || tree->nodes[value.found.node].kind == TWI_NODE_TEXT)
        return found_text(tree, value.found);
    twi_value_write(tree, &whole, &text);
    return (struct twi_span){ twi_text_string(&text), text.length };
}

/* All text below an element; of other values the text. */
static struct twi_span value_inner_text(struct twi_filter_run *run,
                                        struct twi_filter_value value)
{
    struct twi_text text = { .arena = run->arena };

    if (value.json != NULL || !is_element(run->tree, value))
        return twi_filter_text(run->tree, value, run->arena);
    twi_tree_write_text(run->tree, value.found.node, &text);
    return (struct twi_span){ twi_text_string(&text), text.length };
}

/* --- what filters make --------------------------------------------------------------------- */

/* A JSON value of a text that lives long enough. */
static bool push_text(struct twi_filter_run *run, size_t at, enum twi_json_kind kind,
                      struct twi_span text)
{
    struct twi_json *json = twi_json_new(run->arena, kind);

    if (json == NULL)
        return false;
    json->text = text.text;
    json->length = text.length;
    return filter_push(run, at, (struct twi_filter_value){ .json = json, .is_made = true });
}

static bool push_copy(struct twi_filter_run *run, size_t at, enum twi_json_kind kind,
                      struct twi_span text)
{
    const char *copy = twi_arena_copy(run->arena, text.text, text.length);

    return copy != NULL && push_text(run, at, kind, (struct twi_span){ copy, text.length });
}

static bool push_built(struct twi_filter_run *run, size_t at, enum twi_json_kind kind,
                       const struct twi_text *text)
{
    return push_text(run, at, kind, (struct twi_span){ twi_text_string(text), text->length });
}

/* --- strip, re, number and their like ------------------------------------------------------ */

/* White space as Unicode, and Python, have it. */
static bool is_wide_space(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f) || c == 0x85 ||
           c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static struct twi_span strip_start(struct twi_span text)
{
    while (text.length > 0) {
        uint32_t c = 0;
        size_t length = twi_utf8_get(text.text, text.length, &c);
        if (length == 0 || !is_wide_space(c))
            break;
        text = twi_span_from(text, length);
    }
    return text;
}

static struct twi_span strip_end(struct twi_span text)
{
    while (text.length > 0) {
        size_t length = 1;
        uint32_t c = 0;
        while (length < 4 && length < text.length &&
               ((unsigned char)text.text[text.length - length] & 0xc0) == 0x80)
            length++;
        if (twi_utf8_get(text.text + text.length - length, length, &c) != length ||
            !is_wide_space(c))
            break;
        text.length -= length;
    }
    return text;
}

static bool push_stripped(struct twi_filter_run *run, size_t at, struct twi_span text)
{
    struct twi_span stripped = strip_end(strip_start(text));

    return stripped.length == 0 || push_copy(run, at, TWI_JSON_STRING, stripped);
}

struct filter_matches {
    struct twi_filter_run *run;
    size_t at;
    bool goes_on;
};

static bool push_match(const char *data, size_t length, void *arg)
{
    struct filter_matches *matches = arg;
    struct twi_text text = { .arena = matches->run->arena };

    if (memchr(data, '&', length) == NULL) {
        matches->goes_on = push_copy(matches->run, matches->at, TWI_JSON_STRING,
                                     (struct twi_span){ data, length });
        return matches->goes_on;
    }
    twi_unescape_match(&text, (struct twi_span){ data, length });
    matches->goes_on = push_built(matches->run, matches->at, TWI_JSON_STRING, &text);
    return matches->goes_on;
}

static bool push_matches(struct twi_filter_run *run, size_t at, struct twi_span text)
{
    struct filter_matches matches = { run, at + 1, true };

    if (!twi_regex_extract(run->filters->filters[at].regex, text.text, text.length, push_match,
                           &matches)) {
        run->is_over_limit = true;
        return false;
    }
    return matches.goes_on;
}

static bool push_number(struct twi_filter_run *run, size_t at, struct twi_span text)
{
    const struct twi_filter *filter = &run->filters->filters[at];
    char mark = filter->argument.length > 0 ? filter->argument.text[0] : 0;
    struct twi_text number = { .arena = run->arena };
    bool is_number = filter->kind == TWI_FILTER_INTEGER ? twi_integer_find(text, &number)
                                                        : twi_number_find(text, mark, &number);

    return !is_number || push_built(run, at + 1, TWI_JSON_NUMBER, &number);
}

static bool push_date(struct twi_filter_run *run, size_t at, struct twi_span text)
{
    struct twi_text date = { .arena = run->arena };

    return !twi_date_read(text, &date) || push_built(run, at + 1, TWI_JSON_STRING, &date);
}

static bool push_lower(struct twi_filter_run *run, size_t at, struct twi_span text)
{
    struct twi_text lower = { .arena = run->arena };

    if (!twi_regex_lower(run->filters->filters[at].regex, text.text, text.length, &lower)) {
        run->is_over_limit = true;
        return false;
    }
    return push_built(run, at + 1, TWI_JSON_STRING, &lower);
}

/* --- url ----------------------------------------------------------------------------------- */

struct twi_span twi_element_url(const struct twi_tree *tree, uint32_t node)
{
    static const uint32_t names[] = { TWI_NAME_HREF, TWI_NAME_SRC, TWI_NAME_ACTION };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct twi_attr *attr = twi_tree_attr(tree, node, names[i]);
        if (attr != NULL)
            return (struct twi_span){ attr->value, attr->length };
    }
    return (struct twi_span){ NULL, 0 };
}

static bool push_url(struct twi_filter_run *run, size_t at, struct twi_filter_value value)
{
    struct twi_span text;
    const char *url;

    if (value.json == NULL && is_element(run->tree, value))
        text = twi_element_url(run->tree, value.found.node);
    else
        text = twi_filter_text(run->tree, value, run->arena);
    if (text.text == NULL || run->absolute == NULL)
        return true;
    url = run->absolute(twi_span_trim(text), run->arg);
    return url == NULL || push_copy(run, at + 1, TWI_JSON_STRING, twi_span_of(url));
}

/* --- one filter ---------------------------------------------------------------------------- */

static bool push_joined(struct twi_filter_run *run, size_t at, struct twi_filter_value value)
{
    struct twi_filter_state *state = &run->states[at];
    struct twi_span text = twi_filter_text(run->tree, value, run->arena),
                    between = run->filters->filters[at].argument;

    state->text.arena = run->arena;
    if (state->has_passed)
        twi_text_add(&state->text, between.text, between.length);
    twi_text_add(&state->text, text.text, text.length);
    state->has_passed = true;
    return !run->arena->failed;
}

/* Once it has let one through no more can come. */
static bool push_first(struct twi_filter_run *run, size_t at, struct twi_filter_value value)
{
    if (run->states[at].is_full)
        return false;
    run->states[at].is_full = true;
    filter_push(run, at + 1, value);
    return false;
}

static bool push_as_text(struct twi_filter_run *run, size_t at, struct twi_filter_value value)
{
    if (value.json != NULL || !is_element(run->tree, value))
        return filter_push(run, at + 1, value);
    return push_text(run, at + 1, TWI_JSON_STRING, value_inner_text(run, value));
}

static bool push_as_html(struct twi_filter_run *run, size_t at, struct twi_filter_value value)
{
    if (value.json != NULL)
        return filter_push(run, at + 1, value);
    return push_text(run, at + 1, TWI_JSON_STRING,
                     twi_filter_text(run->tree, value, run->arena));
}

static bool filter_push(struct twi_filter_run *run, size_t at, struct twi_filter_value value)
{
    if (run->arena->failed || run->is_over_limit)
        return false;
    if (at == run->filters->count)
        return run->take(value, run->arg) && !run->arena->failed;
    switch (run->filters->filters[at].kind) {
    case TWI_FILTER_FIRST:
        return push_first(run, at, value);
    case TWI_FILTER_ALL:
        return filter_push(run, at + 1, value);
    case TWI_FILTER_TEXT:
        return push_as_text(run, at, value);
    case TWI_FILTER_STRIP:
        return push_stripped(run, at + 1, twi_filter_text(run->tree, value, run->arena));
    case TWI_FILTER_JOIN:
        return push_joined(run, at, value);
    case TWI_FILTER_RE:
        return push_matches(run, at, twi_filter_text(run->tree, value, run->arena));
    case TWI_FILTER_NUMBER:
    case TWI_FILTER_INTEGER:
        return push_number(run, at, value_inner_text(run, value));
    case TWI_FILTER_URL:
        return push_url(run, at, value);
    case TWI_FILTER_LOWER:
        return push_lower(run, at, twi_filter_text(run->tree, value, run->arena));
    case TWI_FILTER_DATE:
        return push_date(run, at, value_inner_text(run, value));
    case TWI_FILTER_DEFAULT:
        run->states[at].has_passed = true;
        return filter_push(run, at + 1, value);
    case TWI_FILTER_HTML:
        return push_as_html(run, at, value);
    }
    return false;
}

bool twi_filter_put(struct twi_filter_run *run, struct twi_filter_value value)
{
    if (value.json != NULL && value.json->kind == TWI_JSON_NULL)
        return true;
    return filter_push(run, 0, value);
}

void twi_filter_end(struct twi_filter_run *run)
{
    for (size_t i = 0; i < run->filters->count && !run->arena->failed; i++) {
        const struct twi_filter *filter = &run->filters->filters[i];
        struct twi_filter_state *state = &run->states[i];
        if (filter->kind == TWI_FILTER_JOIN && state->has_passed)
            push_built(run, i + 1, TWI_JSON_STRING, &state->text);
        else if (filter->kind == TWI_FILTER_DEFAULT && !state->has_passed)
            push_copy(run, i + 1, filter->is_number ? TWI_JSON_NUMBER : TWI_JSON_STRING,
                      filter->argument);
    }
}
