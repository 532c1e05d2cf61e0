/* SPDX-License-Identifier: MIT */
/*
 * form.c - which form is sent, by which button, and where to.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "spider/text/form_data.h"
#include "spider/text/page_url.h"

bool form_fail(struct form_run *run, const char *word, const char *why)
{
    run->error->word = word;
    snprintf(run->error->message, sizeof run->error->message, "%s", why);
    return false;
}

static bool attr_is_text(const struct twi_tree *tree, uint32_t node, uint32_t name,
                         const char *value)
{
    const char *own = twi_tree_attr_value(tree, node, name);

    return own != NULL && strcmp(own, value) == 0;
}

/* --- the form ------------------------------------------------------------------------------ */

/* The n-th form, of that attribute if one is given; 0: there is none. */
static uint32_t form_numbered(const struct twi_tree *tree, uint32_t attr, const char *value,
                              size_t number)
{
    for (uint32_t i = 1; i < tree->count; i++) {
        if (!twi_tree_is(tree, i, TWI_NAME_FORM) ||
            (value != NULL && !attr_is_text(tree, i, attr, value)))
            continue;
        if (number-- == 0)
            return i;
    }
    return 0;
}

/* The form that is, or holds, the first node found. */
static bool form_find_by_node(struct form_run *run)
{
    struct twi_value_list list = { .arena = run->arena };
    uint32_t node = 0;

    if (!twi_select(run->selector, run->options->node, &list, run->error))
        return false;
    if (list.count > 0 && list.items[0].kind == TWI_VALUE_NODE)
        node = list.items[0].found.node;
    while (node != 0 && !twi_tree_is(run->tree, node, TWI_NAME_FORM))
        node = run->tree->nodes[node].parent;
    run->form = node;
    return node != 0 ||
           form_fail(run, "form", "what was found is no form, and stands in none");
}

bool form_find(struct form_run *run)
{
    const struct twi_form_options *options = run->options;

    if (options->name != NULL)
        run->form = form_numbered(run->tree, TWI_NAME_NAME, options->name, 0);
    if (run->form == 0 && options->id != NULL)
        run->form = form_numbered(run->tree, TWI_NAME_ID, options->id, 0);
    if (run->form == 0 && options->node != NULL)
        return form_find_by_node(run);
    if (run->form == 0)
        run->form = form_numbered(run->tree, 0, NULL, options->number);
    if (run->form != 0)
        return true;
    return form_fail(run, "form",
                     form_numbered(run->tree, 0, NULL, 0) == 0
                         ? "there is no form"
                         : "there is no form of that number");
}

/* --- its controls -------------------------------------------------------------------------- */

/* Elements in their order; `skip` is the end of the last form that stands in the form. */
struct form_sweep {
    uint32_t at, skip;
};

/* No form is between the element and the form around it. Asked in the order of the document. */
static bool is_inside(const struct form_run *run, struct form_sweep *sweep, uint32_t node)
{
    const struct twi_tree *tree = run->tree;

    if (node <= run->form || node >= tree->nodes[run->form].end)
        return false;
    while (sweep->at < node) {
        uint32_t at = sweep->at++;
        if (at >= sweep->skip && twi_tree_is(tree, at, TWI_NAME_FORM))
            sweep->skip = tree->nodes[at].end;
    }
    return node >= sweep->skip;
}

/* A control's form is the one its attribute `form` names, or the one around it. */
static bool is_owned(const struct form_run *run, struct form_sweep *sweep, uint32_t node,
                     uint32_t form_attr)
{
    const struct twi_attr *attr = form_attr != 0 ? twi_tree_attr(run->tree, node, form_attr)
                                                 : NULL;

    if (attr != NULL)
        return attr->length > 0 &&
               attr_is_text(run->tree, run->form, TWI_NAME_ID, attr->value);
    return is_inside(run, sweep, node);
}

bool form_find_controls(struct form_run *run)
{
    static const char selector[] =
        ":is(input, select, textarea, button):not(:disabled):not(datalist *)";
    const struct twi_step step = { .kind = TWI_STEP_CSS,
                                   .text = selector,
                                   .length = sizeof selector - 1 };
    struct twi_value_list list = { .arena = run->arena };
    uint32_t form_attr = twi_tree_find_atom(run->tree, "form", 4);
    struct form_sweep sweep = { run->form + 1, 0 };

    if (!twi_select(run->selector, &step, &list, run->error))
        return false;
    run->controls.arena = run->arena;
    for (size_t i = 0; i < list.count; i++)
        if (is_owned(run, &sweep, list.items[i].found.node, form_attr))
            twi_found_add(&run->controls, list.items[i].found.node, 0);
    return true;
}

/* --- its button ---------------------------------------------------------------------------- */

static bool type_is(const struct twi_tree *tree, uint32_t node, const char *type)
{
    const struct twi_attr *attr = twi_tree_attr(tree, node, TWI_NAME_TYPE);

    return attr != NULL && twi_same_text(attr->value, attr->length, type, strlen(type));
}

bool form_is_button(const struct twi_tree *tree, uint32_t node)
{
    if (twi_tree_is(tree, node, TWI_NAME_BUTTON))
        return !type_is(tree, node, "button") && !type_is(tree, node, "reset");
    return twi_tree_is(tree, node, TWI_NAME_INPUT) &&
           (type_is(tree, node, "submit") || type_is(tree, node, "image"));
}

static bool has_attrs(const struct twi_tree *tree, uint32_t node,
                      const struct twi_form_pair *wanted)
{
    for (; wanted != NULL; wanted = wanted->next) {
        uint32_t atom = twi_tree_find_atom(tree, wanted->name.text, wanted->name.length);
        const struct twi_attr *attr = atom != 0 ? twi_tree_attr(tree, node, atom) : NULL;
        if (attr == NULL || attr->length != wanted->value.length ||
            memcmp(attr->value, wanted->value.text, attr->length) != 0)
            return false;
    }
    return true;
}

bool form_find_button(struct form_run *run)
{
    const struct twi_form_options *options = run->options;

    for (size_t i = 0; i < run->controls.count && !options->no_click; i++) {
        uint32_t node = run->controls.items[i].node;
        if (!form_is_button(run->tree, node) || !has_attrs(run->tree, node, options->click))
            continue;
        if (run->button != 0)
            return form_fail(run, "form", "more than one button has these attributes");
        run->button = node;
        if (options->click == NULL)
            return true;
    }
    return run->button != 0 || options->click == NULL || options->no_click ||
           form_fail(run, "form", "no button has these attributes");
}

/* --- where to ------------------------------------------------------------------------------ */

/* An attribute of the button's, or of the form's; NULL: neither has it. */
static const char *setting(const struct form_run *run, const char *of_button, uint32_t of_form)
{
    uint32_t atom = twi_tree_find_atom(run->tree, of_button, strlen(of_button));
    const char *value = NULL;

    if (run->button != 0 && atom != 0)
        value = twi_tree_attr_value(run->tree, run->button, atom);
    return value != NULL ? value : twi_tree_attr_value(run->tree, run->form, of_form);
}

static const char *method_of(struct form_run *run)
{
    const char *method = run->options->method;
    char *upper;

    if (method == NULL) {
        method = setting(run, "formmethod", TWI_NAME_METHOD);
        return method != NULL && twi_same_text(method, strlen(method), "post", 4) ? "POST"
                                                                                  : "GET";
    }
    upper = twi_arena_strdup(run->arena, method);
    for (char *at = upper; at != NULL && *at != 0; at++)
        if (*at >= 'a' && *at <= 'z')
            *at = (char)(*at - 32);
    return upper;
}

static bool url_of(struct form_run *run, struct tw_url **ret_url)
{
    const struct twi_form_options *options = run->options;
    const char *action = options->action != NULL ? options->action
                                                 : setting(run, "formaction", TWI_NAME_ACTION);
    const struct tw_url *base = options->base;
    const char *why = "it has no URL: where does the page come from?";
    struct twi_span text;

    if (action == NULL || *action == 0) {
        if (options->url == NULL)
            return form_fail(run, "url", why);
        action = options->url->href;
    }
    text = twi_span_of(action);
    if (twi_page_url_parse(run->arena, run->charset, text, base, ret_url, &why) < 0)
        return form_fail(run, "url", why);
    return true;
}

/* The URL with the data as its query; NULL data: as it is. No fragment is sent. */
static const char *url_with(struct form_run *run, const struct tw_url *url,
                            const struct twi_text *data)
{
    struct twi_text text = { .arena = run->arena };
    size_t fragment = strlen(url->hash), query = strlen(url->search);
    size_t length = strlen(url->href) - fragment;

    if (fragment == 0 && length > 0 && url->href[length - 1] == '#')
        length--;
    if (data == NULL) {
        twi_text_add(&text, url->href, length);
        return twi_text_string(&text);
    }
    length -= query;
    if (query == 0 && length > 0 && url->href[length - 1] == '?')
        length--;
    twi_text_add(&text, url->href, length);
    twi_text_putc(&text, '?');
    twi_text_add(&text, twi_text_string(data), data->length);
    return twi_text_string(&text);
}

/* --- all ----------------------------------------------------------------------------------- */

static const struct twi_charset *data_charset(const struct form_run *run)
{
    static const char name[] = "accept-charset";
    uint32_t atom = twi_tree_find_atom(run->tree, name, strlen(name));
    const struct twi_attr *attr = atom != 0 ? twi_tree_attr(run->tree, run->form, atom) : NULL;
    const char *at = attr != NULL ? attr->value : NULL, *word;
    size_t length;

    while (at != NULL && twi_next_word(&at, attr->value + attr->length, &word, &length)) {
        const struct twi_charset *charset = twi_charset_find(
            (struct twi_span){ word, length });
        if (charset != NULL)
            return charset;
    }
    return run->options->charset;
}

static bool request_fill(struct form_run *run, struct twi_form_request *request)
{
    struct twi_text data = { .arena = run->arena };
    struct tw_url *url = NULL;

    form_gather(run);
    form_encode(run, &data);
    request->method = method_of(run);
    if (request->method == NULL || run->arena->failed)
        return form_fail(run, "limit", "out of memory");
    if (!url_of(run, &url))
        return false;
    if (strcmp(request->method, "GET") == 0) {
        request->url = url_with(run, url, &data);
    } else {
        request->url = url_with(run, url, NULL);
        request->type = "application/x-www-form-urlencoded";
        request->body = twi_text_string(&data);
    }
    tw_url_free(url);
    return !run->arena->failed || form_fail(run, "limit", "out of memory");
}

bool twi_form_request_make(struct twi_selector *selector,
                           const struct twi_form_options *options, struct twi_arena *arena,
                           struct twi_form_request *request, struct twi_select_error *error)
{
    struct form_run run = { .selector = selector,
                            .tree = selector->tree,
                            .options = options,
                            .arena = arena,
                            .error = error };

    *request = (struct twi_form_request){ 0 };
    run.end = &run.first;
    if (!form_find(&run) || !form_find_controls(&run) || !form_find_button(&run))
        return false;
    run.charset = data_charset(&run);
    return request_fill(&run, request);
}
