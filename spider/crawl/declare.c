/* SPDX-License-Identifier: MIT */
/*
 * declare.c - reads a spider out of options.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <tweed/url.h>

#include "spider/crawl/declare.h"
#include "spider/text/extract.h"

static const struct twi_option declare_options[] = {
    { "follow", 'f', "CSS", "follow the links of all matches" },
    { "item", 'i', "CSS", "take an item for each match" },
    { "field", 'F', "NAME=QUERY", "a field of the items of the last --item, or of the page" },
    { "required", 0, "NAME=QUERY", "the same; an item without it is dropped" },
    { "domain", 'd', "DOMAIN", "stay on it and its subdomains, not on the hosts of the URLs" },
    { "sitemap", 0, "URL", "visit what this sitemap, or robots.txt, lists" },
    { "name", 0, "NAME", "the spider's name: a folder of --job belongs to one (crawl)" },
    { NULL, 0, NULL, NULL },
};

static int declare_fail_memory(tw_value *ret_failure)
{
    *ret_failure = tw_fail_memory();
    return -ENOMEM;
}

static int declare_keep(struct twi_declaration *declaration, struct twi_words *words,
                        const char *word, tw_value *ret_failure)
{
    return twi_words_add(declaration->arena, words, word) ? 0
                                                          : declare_fail_memory(ret_failure);
}

/* --- queries ------------------------------------------------------------------------------- */

/* Compile it, and throw it away: the mistakes in it are told here. */
static int check_query(const char *where, enum twi_language language, const char *text,
                       tw_value *ret_failure)
{
    struct twi_extract_error error = { 0 };
    struct twi_extractor *extractor = twi_extractor_compile(language, twi_span_of(text),
                                                            &error);

    if (extractor != NULL) {
        twi_extractor_free(extractor);
        return 0;
    }
    if (error.at > 0)
        *ret_failure = tw_fail(&tw_error_settings, "%s: '%s': %s at character %zu", where,
                               text, error.why, error.at);
    else
        *ret_failure = tw_fail(&tw_error_settings, "%s: '%s': %s", where, text, error.why);
    return -EINVAL;
}

static int check_css(const char *where, const char *text, tw_value *ret_failure)
{
    return check_query(where, TWI_LANGUAGE_CSS, text, ret_failure);
}

static bool is_xpath(const char *query)
{
    return query[0] == '/' || query[0] == '(' || strncmp(query, "./", 2) == 0;
}

static int field_fill(struct tw_extract *field, const char *where, const char *query,
                      tw_value *ret_failure)
{
    if (strncmp(query, "json:", 5) == 0) {
        field->json = query + 5;
        return check_query(where, TWI_LANGUAGE_JSON, field->json, ret_failure);
    }
    if (is_xpath(query)) {
        field->xpath = query;
        return check_query(where, TWI_LANGUAGE_XPATH, query, ret_failure);
    }
    field->css = query;
    return check_css(where, query, ret_failure);
}

/* --- items --------------------------------------------------------------------------------- */

static struct twi_declared_item *item_last(const struct twi_declaration *declaration)
{
    struct twi_declared_item *item = declaration->items;

    while (item != NULL && item->next != NULL)
        item = item->next;
    return item;
}

static struct twi_declared_item *item_add(struct twi_declaration *declaration, const char *css)
{
    struct twi_declared_item *item = twi_arena_zeroed(declaration->arena, sizeof *item);
    struct twi_declared_item *last = item_last(declaration);

    if (item == NULL)
        return NULL;
    item->css = css;
    if (last != NULL)
        last->next = item;
    else
        declaration->items = item;
    return item;
}

static int add_item(struct twi_declaration *declaration, const char *css,
                    tw_value *ret_failure)
{
    int r = check_css("--item", css, ret_failure);

    if (r == 0 && item_add(declaration, css) == NULL)
        r = declare_fail_memory(ret_failure);
    return r;
}

static bool has_field(const struct twi_declared_item *item, const char *name)
{
    for (size_t i = 0; i < item->count; i++)
        if (strcmp(item->fields[i].name, name) == 0)
            return true;
    return false;
}

/* NULL: no memory. */
static struct tw_extract *item_add_field(struct twi_declaration *declaration,
                                         struct twi_declared_item *item)
{
    size_t size = sizeof *item->fields, old = item->count > 0 ? (item->count + 1) * size : 0;
    struct tw_extract *fields = twi_arena_grow(declaration->arena, item->fields, old,
                                               (item->count + 2) * size);

    if (fields == NULL)
        return NULL;
    memset(fields + item->count, 0, 2 * size);
    item->fields = fields;
    return &fields[item->count++];
}

/* "price=p.price::text |> number" */
static int declare_field(struct twi_declaration *declaration, const char *where,
                         const char *pair, bool required, tw_value *ret_failure)
{
    struct twi_declared_item *item = item_last(declaration);
    size_t length = strcspn(pair, "=");
    struct tw_extract *field;
    const char *name;

    if (length == 0 || pair[length] == 0 || pair[length + 1] == 0) {
        *ret_failure = tw_fail(&tw_error_settings, "%s: '%s' is not of the form NAME=QUERY",
                               where, pair);
        return -EINVAL;
    }
    if (item == NULL)
        item = item_add(declaration, NULL);
    name = twi_arena_copy(declaration->arena, pair, length);
    if (item == NULL || name == NULL)
        return declare_fail_memory(ret_failure);
    if (has_field(item, name)) {
        *ret_failure = tw_fail(&tw_error_settings, "%s: '%s' is there already", where, name);
        return -EINVAL;
    }
    field = item_add_field(declaration, item);
    if (field == NULL)
        return declare_fail_memory(ret_failure);
    field->name = name;
    field->required = required;
    return field_fill(field, where, pair + length + 1, ret_failure);
}

/* --- options ------------------------------------------------------------------------------- */

static int add_follow(struct twi_declaration *declaration, const char *css,
                      tw_value *ret_failure)
{
    int r = check_css("--follow", css, ret_failure);

    return r < 0 ? r : declare_keep(declaration, &declaration->follow, css, ret_failure);
}

/* "example.com/a" is of https; what is no URL then is told. */
static int add_url(struct twi_declaration *declaration, struct twi_words *words,
                   const char *text, tw_value *ret_failure)
{
    struct twi_text full = { .arena = declaration->arena };
    struct tw_url *url = NULL;
    const char *why = "it is empty";
    int r;

    if (strstr(text, "://") == NULL && strncmp(text, "data:", 5) != 0 &&
        strncmp(text, "file:", 5) != 0)
        twi_text_puts(&full, "https://");
    twi_text_puts(&full, text);
    if (declaration->arena->failed)
        return declare_fail_memory(ret_failure);
    r = tw_url_parse(full.data, full.length, NULL, &url, &why);
    tw_url_free(url);
    if (r == -ENOMEM)
        return declare_fail_memory(ret_failure);
    if (r < 0) {
        *ret_failure = tw_fail(&tw_error_settings, "'%s': %s", text, why);
        return -EINVAL;
    }
    return declare_keep(declaration, words, full.data, ret_failure);
}

static int declare_take(const struct twi_option *option, const char *value, void *arg,
                        tw_value *ret_failure)
{
    struct twi_declaration *declaration = arg;

    switch (option->letter) {
    case 'f':
        return add_follow(declaration, value, ret_failure);
    case 'i':
        return add_item(declaration, value, ret_failure);
    case 'F':
        return declare_field(declaration, "--field", value, false, ret_failure);
    case 'd':
        return declare_keep(declaration, &declaration->domains, value, ret_failure);
    default:
        break;
    }
    if (strcmp(option->name, "required") == 0)
        return declare_field(declaration, "--required", value, true, ret_failure);
    if (strcmp(option->name, "sitemap") == 0)
        return add_url(declaration, &declaration->sitemaps, value, ret_failure);
    declaration->name = value;
    return 0;
}

struct twi_option_set twi_declare_options(struct twi_declaration *declaration,
                                          struct twi_options *options)
{
    memset(declaration, 0, sizeof *declaration);
    declaration->name = "crawl";
    declaration->arena = &options->settings.arena;
    return (struct twi_option_set){ declare_options, declare_take, declaration, "URL..." };
}

int twi_declare_finish(struct twi_declaration *declaration, const struct twi_options *options,
                       tw_value *ret_failure)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < options->operands.count; i++)
        r = add_url(declaration, &declaration->urls, options->operands.words[i], ret_failure);
    if (r < 0)
        return r;
    if (declaration->urls.count == 0 && declaration->sitemaps.count == 0) {
        *ret_failure = tw_fail(&tw_error_settings, "no URL given");
        return -EINVAL;
    }
    for (const struct twi_declared_item *item = declaration->items; item != NULL;
         item = item->next) {
        if (item->count == 0) {
            *ret_failure = tw_fail(&tw_error_settings, "--item '%s' has no --field",
                                   item->css);
            return -EINVAL;
        }
    }
    return 0;
}
