/* SPDX-License-Identifier: MIT */
/*
 * select_command.c - `tweed select`: parts of a page or an XML document.
 */
#include "config.h"

#include <string.h>

#include "cli/document.h"
#include "spider/text/select.h"

static const struct tool_option select_options[] = {
    { "css", 0, TOOL_LIST, "SELECTOR",
      "find by a CSS selector; ends in ::text or ::attr(NAME)" },
    { "xpath", 0, TOOL_LIST, "EXPRESSION", "find by XPath 1.0" },
    { "re", 0, TOOL_LIST, "PATTERN", "find by a regular expression" },
    { "index", 0, TOOL_LIST, "N", "only this one of what was found so far, from 0" },
    { "steps", 0, TOOL_STEPS, NULL, NULL },
    { "type", 0, TOOL_TEXT, "TYPE", "html, which is the default, xml or xhtml" },
    { "namespace", 0, TOOL_PAIRS, "PREFIX=URI", "a prefix for names of a namespace" },
    { "namespaces", 0, TOOL_PAIRS, NULL, NULL },
    { "var", 0, TOOL_PAIRS, "NAME=VALUE", "a variable of XPath: $NAME" },
    { "vars", 0, TOOL_PAIRS, NULL, NULL },
    { "strip-namespaces", 0, TOOL_FLAG, NULL, "take all namespaces out first" },
    { "nodes", 0, TOOL_FLAG, NULL, "tell kind, name, attributes and path of each" },
    { "charset", 0, TOOL_TEXT, "NAME", "how its bytes are decoded" },
    { "content-type", 0, TOOL_TEXT, "VALUE", "the header that came with it" },
    { "url", 0, TOOL_TEXT, "URL", "where it came from" },
    { NULL, 0, 0, NULL, NULL },
};

/* --- the question -------------------------------------------------------------------------- */

static bool step_kind_of(const char *name, enum twi_step_kind *kind)
{
    static const char *const names[] = { "css", "xpath", "re", "index" };

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            *kind = (enum twi_step_kind)i;
            return true;
        }
    }
    return false;
}

/* The steps, in the order in which they were given. */
static struct twi_step *steps_of(const struct tool_question *question)
{
    struct twi_step *first = NULL, **end = &first;

    for (const struct tool_given *given = question->first; given != NULL;
         given = given->next) {
        enum twi_step_kind kind;
        if (given->text == NULL || !step_kind_of(given->option->name, &kind))
            continue;
        *end = twi_arena_zeroed(question->arena, sizeof **end);
        if (*end == NULL)
            return NULL;
        **end = (struct twi_step){ .kind = kind,
                                   .text = given->text,
                                   .length = given->length };
        end = &(*end)->next;
    }
    return first;
}

static bool is_named(const struct tool_given *given, const char *name, const char *other)
{
    return given->name != NULL && given->text != NULL &&
           (strcmp(given->option->name, name) == 0 || strcmp(given->option->name, other) == 0);
}

static struct twi_prefix *prefixes_of(const struct tool_question *question)
{
    struct twi_prefix *first = NULL;

    for (const struct tool_given *given = question->first; given != NULL;
         given = given->next) {
        struct twi_prefix *prefix;
        if (!is_named(given, "namespace", "namespaces"))
            continue;
        prefix = twi_arena_zeroed(question->arena, sizeof *prefix);
        if (prefix == NULL)
            return NULL;
        prefix->prefix = twi_arena_copy(question->arena, given->name, given->name_length);
        prefix->uri = given->text;
        prefix->next = first;
        if (prefix->prefix == NULL)
            return NULL;
        first = prefix;
    }
    return first;
}

static enum twi_value_kind variable_kind(const struct tool_given *given)
{
    if (given->value == NULL)
        return TWI_VALUE_STRING;
    if (given->value->kind == TWI_JSON_NUMBER)
        return TWI_VALUE_NUMBER;
    return given->value->kind == TWI_JSON_TRUE || given->value->kind == TWI_JSON_FALSE
               ? TWI_VALUE_BOOLEAN
               : TWI_VALUE_STRING;
}

static struct twi_variable *variables_of(const struct tool_question *question)
{
    struct twi_variable *first = NULL;

    for (const struct tool_given *given = question->first; given != NULL;
         given = given->next) {
        struct twi_variable *variable;
        if (!is_named(given, "var", "vars"))
            continue;
        variable = twi_arena_zeroed(question->arena, sizeof *variable);
        if (variable == NULL)
            return NULL;
        variable->name = twi_arena_copy(question->arena, given->name, given->name_length);
        variable->value = (struct twi_value){ .kind = variable_kind(given),
                                              .text = given->text,
                                              .length = given->length };
        variable->next = first;
        if (variable->name == NULL)
            return NULL;
        first = variable;
    }
    return first;
}

/* --- the answer ---------------------------------------------------------------------------- */

static const char *kind_name(const struct twi_tree *tree, const struct twi_value *value)
{
    static const char *const names[] = { [TWI_VALUE_STRING] = "string",
                                         [TWI_VALUE_NUMBER] = "number",
                                         [TWI_VALUE_BOOLEAN] = "boolean" };

    if (value->kind != TWI_VALUE_NODE)
        return names[value->kind];
    if (value->found.attr != 0)
        return "attribute";
    switch ((enum twi_node_kind)tree->nodes[value->found.node].kind) {
    case TWI_NODE_ELEMENT:
        return "element";
    case TWI_NODE_COMMENT:
        return "comment";
    case TWI_NODE_TEXT:
        return "text";
    default:
        return "instruction";
    }
}

static const char *name_text(const struct tool_question *question, const struct twi_tree *tree,
                             uint16_t space, uint32_t name)
{
    struct twi_text text = { .arena = question->arena };

    twi_tree_write_name(tree, space, name, &text);
    return twi_text_string(&text);
}

static struct twi_json *describe_attrs(const struct tool_question *question,
                                       const struct twi_tree *tree,
                                       const struct twi_node *node)
{
    struct twi_json *attrs = twi_json_new(question->arena, TWI_JSON_OBJECT);

    for (uint32_t i = 0; i < node->attr_count; i++) {
        const struct twi_attr *attr = &tree->attrs[node->attrs + i];
        if (attr->space != TWI_SPACE_XMLNS)
            twi_json_put(attrs, name_text(question, tree, attr->space, attr->name),
                         twi_json_string(question->arena, attr->value, attr->length));
    }
    return attrs;
}

static struct twi_json *describe_value(const struct tool_question *question,
                                       struct twi_selector *selector,
                                       const struct twi_value *value)
{
    const struct twi_tree *tree = selector->tree;
    const struct twi_node *node = &tree->nodes[value->found.node];
    struct twi_json *object = twi_json_new(question->arena, TWI_JSON_OBJECT);
    struct twi_text text = { .arena = question->arena }, path = { .arena = question->arena };
    const char *name = NULL;
    bool is_element = value->kind == TWI_VALUE_NODE && value->found.attr == 0 &&
                      node->kind == TWI_NODE_ELEMENT;

    if (is_element)
        name = name_text(question, tree, node->space, node->name);
    else if (value->kind == TWI_VALUE_NODE && value->found.attr != 0)
        name = name_text(question, tree, tree->attrs[value->found.attr - 1].space,
                         tree->attrs[value->found.attr - 1].name);
    if (is_element)
        twi_selector_path(selector, value->found.node, &path);
    twi_value_write(tree, value, &text);
    twi_json_put_string(question->arena, object, "kind", kind_name(tree, value));
    twi_json_put_string(question->arena, object, "name", name);
    twi_json_put(object, "attrs",
                 is_element ? describe_attrs(question, tree, node)
                            : twi_json_new(question->arena, TWI_JSON_OBJECT));
    twi_json_put_string(question->arena, object, "path",
                        is_element ? twi_text_string(&path) : NULL);
    twi_json_put(object, "value",
                 twi_json_string(question->arena, twi_text_string(&text), text.length));
    return object;
}

static struct twi_json *describe_all(const struct tool_question *question,
                                     struct twi_selector *selector,
                                     const struct twi_value_list *list)
{
    struct twi_json *answer = twi_json_new(question->arena, TWI_JSON_OBJECT), *results;
    bool as_nodes = tool_flag(question, "nodes", false);

    results = twi_json_put(answer, "results", twi_json_new(question->arena, TWI_JSON_LIST));
    for (size_t i = 0; i < list->count && !question->arena->failed; i++) {
        struct twi_text text = { .arena = question->arena };
        if (as_nodes) {
            twi_json_append(results, describe_value(question, selector, &list->items[i]));
        } else {
            twi_value_write(selector->tree, &list->items[i], &text);
            twi_json_append(results, twi_json_string(question->arena, twi_text_string(&text),
                                                     text.length));
        }
    }
    return answer;
}

static struct twi_json *select_answer(const struct tool_question *question)
{
    struct twi_value_list list = { .arena = question->arena };
    struct twi_select_error error;
    struct twi_selector selector = { .prefixes = prefixes_of(question),
                                     .variables = variables_of(question) };
    const struct twi_step *steps = steps_of(question);
    enum document_type type;
    struct twi_tree tree;
    struct twi_json *answer;

    if (!document_type_read(tool_text(question, "type"), &type))
        return tool_refuse(question, "usage", "type: html, xml or xhtml");
    if (!question->has_input)
        return tool_refuse(question, "usage", "no input");
    answer = document_read(question, type, &tree);
    if (answer != NULL)
        return answer;
    if (tool_flag(question, "strip-namespaces", false))
        twi_tree_strip_spaces(&tree);
    selector.tree = &tree;
    if (twi_select(&selector, steps, &list, &error))
        answer = describe_all(question, &selector, &list);
    else
        answer = tool_refuse(question, error.word, "%s", error.message);
    twi_selector_close(&selector);
    return answer;
}

static void select_show(const struct twi_json *answer, struct twi_text *text)
{
    const struct twi_json *results = twi_json_member(answer, "results");

    for (const struct twi_json *one = results->first; one != NULL; one = one->next) {
        if (one->kind == TWI_JSON_STRING)
            twi_text_add(text, one->text, one->length);
        else
            twi_json_write(text, one);
        twi_text_putc(text, '\n');
    }
}

static bool select_is_positive(const struct twi_json *answer)
{
    return twi_json_member(answer, "results")->first != NULL;
}

static const struct tool select_tool = {
    .name = "select",
    .usage = "[OPTION...] [FILE|URL]",
    .purpose =
        "Find parts of a page or an XML document. Each of --css, --xpath, --re and --index\n"
        "is a step, applied to what the step before it found.",
    .options = select_options,
    .answer = select_answer,
    .show = select_show,
    .is_positive = select_is_positive,
};

int cli_select(int argc, char **argv)
{
    return tool_run(&select_tool, argc, argv);
}
