/* SPDX-License-Identifier: MIT */
/*
 * links_command.c - `tweed links`: the links of a page.
 */
#include "config.h"

#include <string.h>

#include "cli/document.h"
#include "spider/text/links.h"

static const struct tool_option links_options[] = {
    { "url", 0, TOOL_TEXT, "URL", "where it came from" },
    { "charset", 0, TOOL_TEXT, "NAME", "how its bytes are decoded, and queries encoded" },
    { "content-type", 0, TOOL_TEXT, "VALUE", "the header that came with it" },
    { "type", 0, TOOL_TEXT, "TYPE", "html, which is the default, xml or xhtml" },
    { "all", 0, TOOL_FLAG, NULL, "every link, not each URL once" },
    { "allow", 0, TOOL_LIST, "RE", "only URLs in which this is found" },
    { "deny", 0, TOOL_LIST, "RE", "no URLs in which this is found" },
    { "allow-domain", 0, TOOL_LIST, "HOST", "only URLs of this host, and below it" },
    { "deny-domain", 0, TOOL_LIST, "HOST", "no URLs of this host, nor below it" },
    { "restrict-css", 0, TOOL_LIST, "SELECTOR", "only in what this finds" },
    { "restrict-xpath", 0, TOOL_LIST, "EXPRESSION", "only in what this finds" },
    { "restrict-text", 0, TOOL_LIST, "RE", "only links in whose text this is found" },
    { "tags", 0, TOOL_LIST, "NAME",
      "elements that are links; by default a and area; * is any" },
    { "attrs", 0, TOOL_LIST, "NAME", "attributes with URLs; by default href; * is any" },
    { "deny-tags", 0, TOOL_LIST, "NAME", "elements that are none; * is any" },
    { "deny-attrs", 0, TOOL_LIST, "NAME", "attributes that are not looked at; * is any" },
    { "deny-extension", 0, TOOL_LIST, "EXT",
      "no paths that end so; by default those of images, media, archives and documents" },
    { "canonical", 0, TOOL_FLAG, NULL, "URLs in their canonical form, each once as such" },
    { "strip", 0, TOOL_FLAG, NULL, "without white space about URLs, which is the default" },
    { NULL, 0, 0, NULL, NULL },
};

/* The values of an option, in order; *ret_is_empty: it was given, with none. */
static struct twi_word *words_of(const struct tool_question *question, const char *name,
                                 bool *ret_is_empty)
{
    struct twi_word *first = NULL, **end = &first;
    const struct tool_given *given = tool_find(question, name);

    *ret_is_empty = given != NULL;
    for (; given != NULL; given = tool_find_next(given)) {
        if (given->text == NULL)
            continue;
        *ret_is_empty = false;
        *end = twi_arena_zeroed(question->arena, sizeof **end);
        if (*end == NULL)
            break;
        (*end)->text = (struct twi_span){ given->text, given->length };
        end = &(*end)->next;
    }
    return first;
}

static struct twi_step *regions_of(const struct tool_question *question)
{
    struct twi_step *first = NULL, **end = &first;

    for (const struct tool_given *given = question->first; given != NULL;
         given = given->next) {
        bool is_css = strcmp(given->option->name, "restrict-css") == 0;
        if (given->text == NULL ||
            (!is_css && strcmp(given->option->name, "restrict-xpath") != 0))
            continue;
        *end = twi_arena_zeroed(question->arena, sizeof **end);
        if (*end == NULL)
            break;
        **end = (struct twi_step){ .kind = is_css ? TWI_STEP_CSS : TWI_STEP_XPATH,
                                   .text = given->text,
                                   .length = given->length };
        end = &(*end)->next;
    }
    return first;
}

static void read_options(const struct tool_question *question,
                         struct twi_links_options *options)
{
    bool ignored;

    options->allow = words_of(question, "allow", &ignored);
    options->deny = words_of(question, "deny", &ignored);
    options->allow_domains = words_of(question, "allow-domain", &ignored);
    options->deny_domains = words_of(question, "deny-domain", &ignored);
    options->restrict_text = words_of(question, "restrict-text", &ignored);
    options->tags = words_of(question, "tags", &options->no_tags);
    options->attrs = words_of(question, "attrs", &options->no_attrs);
    options->deny_tags = words_of(question, "deny-tags", &ignored);
    options->deny_attrs = words_of(question, "deny-attrs", &ignored);
    options->deny_extensions = words_of(question, "deny-extension", &options->all_extensions);
    options->regions = regions_of(question);
    options->canonical = tool_flag(question, "canonical", false);
    options->all = tool_flag(question, "all", false);
    options->no_strip = !tool_flag(question, "strip", true);
}

static struct twi_json *links_json(const struct tool_question *question,
                                   const struct twi_link *link)
{
    struct twi_arena *arena = question->arena;
    struct twi_json *answer = twi_json_new(arena, TWI_JSON_OBJECT), *links;

    links = twi_json_put(answer, "links", twi_json_new(arena, TWI_JSON_LIST));
    for (; link != NULL; link = link->next) {
        struct twi_json *one = twi_json_append(links, twi_json_new(arena, TWI_JSON_OBJECT));
        twi_json_put_string(arena, one, "url", link->url);
        twi_json_put(one, "text", twi_json_string(arena, link->text.text, link->text.length));
        twi_json_put(one, "nofollow", twi_json_boolean(arena, link->nofollow));
    }
    return answer;
}

static struct twi_json *links_find(const struct tool_question *question,
                                   const struct document_page *page)
{
    struct twi_links_options options = { .base = page->base, .charset = page->charset };
    struct twi_selector selector = { .tree = &page->tree };
    struct twi_select_error error;
    struct twi_link *links;
    struct twi_json *answer;

    read_options(question, &options);
    answer = twi_links_extract(&selector, &options, question->arena, &links, &error)
                 ? links_json(question, links)
                 : tool_refuse(question, error.word, "%s", error.message);
    twi_selector_close(&selector);
    return answer;
}

static struct twi_json *links_answer(const struct tool_question *question)
{
    struct document_page page;
    struct twi_json *answer = document_page_read(question, &page);

    if (answer == NULL)
        answer = links_find(question, &page);
    document_page_free(&page);
    return answer;
}

static void links_show(const struct twi_json *answer, struct twi_text *text)
{
    const struct twi_json *link = twi_json_member(answer, "links")->first;

    for (; link != NULL; link = link->next) {
        twi_text_puts(text, twi_json_text(twi_json_member(link, "url")));
        twi_text_putc(text, '\n');
    }
}

static bool links_is_positive(const struct twi_json *answer)
{
    return twi_json_member(answer, "links")->first != NULL;
}

static const struct tool links_tool = {
    .name = "links",
    .usage = "[OPTION...] [FILE|URL]",
    .purpose =
        "List the links of a page, each URL once, in the order in which they stand there.",
    .options = links_options,
    .answer = links_answer,
    .show = links_show,
    .is_positive = links_is_positive,
};

int cli_links(int argc, char **argv)
{
    return tool_run(&links_tool, argc, argv);
}
