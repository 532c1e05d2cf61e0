/* SPDX-License-Identifier: MIT */
/*
 * sitemap_command.c - `tweed sitemap`: the URLs that a sitemap or feed lists.
 */
#include "config.h"

#include <string.h>

#include "cli/tool.h"
#include "spider/text/sitemap.h"

static const struct tool_option sitemap_options[] = {
    { "url", 'u', TOOL_TEXT, "URL", "where it came from" },
    { NULL, 0, 0, NULL, NULL },
};

/* The list that entries are added to. */
struct sitemap_list {
    struct twi_arena *arena;
    struct twi_json *entries;
};

static void put_given(struct twi_arena *arena, struct twi_json *object, const char *key,
                      const char *text)
{
    if (text != NULL)
        twi_json_put_string(arena, object, key, text);
}

static void list_entry(const struct twi_sitemap_entry *entry, void *arg)
{
    struct sitemap_list *list = arg;
    struct twi_arena *arena = list->arena;
    struct twi_json *object = twi_json_new(arena, TWI_JSON_OBJECT), *alternates;

    put_given(arena, object, "loc", entry->loc);
    put_given(arena, object, "lastmod", entry->lastmod);
    put_given(arena, object, "changefreq", entry->changefreq);
    put_given(arena, object, "priority", entry->priority);
    if (entry->alternate_count > 0) {
        alternates = twi_json_put(object, "alternate", twi_json_new(arena, TWI_JSON_LIST));
        for (size_t i = 0; i < entry->alternate_count; i++)
            twi_json_append(alternates, twi_json_string(arena, entry->alternates[i],
                                                        strlen(entry->alternates[i])));
    }
    twi_json_append(list->entries, object);
}

static struct twi_json *sitemap_answer(const struct tool_question *question)
{
    struct sitemap_list list = { question->arena,
                                 twi_json_new(question->arena, TWI_JSON_LIST) };
    struct twi_sitemap *sitemap;
    struct twi_json *answer;
    const char *kind;

    if (!question->has_input)
        return tool_refuse(question, "usage", "no sitemap");
    sitemap = twi_sitemap_new(list_entry, &list);
    if (sitemap == NULL)
        return NULL;
    if (question->is_text)
        twi_sitemap_ignore_charset(sitemap);
    twi_sitemap_feed(sitemap, question->input, question->input_length);
    kind = twi_sitemap_end(sitemap);
    twi_sitemap_free(sitemap);
    if (kind == NULL)
        return tool_refuse(question, "sitemap",
                           "neither a sitemap nor a feed nor a list of URLs");
    answer = twi_json_new(question->arena, TWI_JSON_OBJECT);
    twi_json_put_string(question->arena, answer, "kind", kind);
    twi_json_put(answer, "entries", list.entries);
    return answer;
}

static void sitemap_show(const struct twi_json *answer, struct twi_text *text)
{
    const struct twi_json *entry = twi_json_member(answer, "entries")->first, *lastmod;

    for (; entry != NULL; entry = entry->next) {
        twi_text_puts(text, twi_json_text(twi_json_member(entry, "loc")));
        lastmod = twi_json_member(entry, "lastmod");
        if (lastmod != NULL) {
            twi_text_putc(text, '\t');
            twi_text_puts(text, twi_json_text(lastmod));
        }
        twi_text_putc(text, '\n');
    }
}

static const struct tool sitemap_tool = {
    .name = "sitemap",
    .usage = "[OPTION...] [FILE]",
    .purpose = "List the URLs of a sitemap, a feed (RSS, Atom) or a plain list, gzip or not.",
    .options = sitemap_options,
    .answer = sitemap_answer,
    .show = sitemap_show,
};

int cli_sitemap(int argc, char **argv)
{
    return tool_run(&sitemap_tool, argc, argv);
}
