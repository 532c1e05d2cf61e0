/* SPDX-License-Identifier: MIT */
/*
 * robots_command.c - `tweed robots`: what a robots.txt says to a crawler about a URL.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "cli/tool.h"
#include "spider/text/robots.h"

static const struct tool_option robots_options[] = {
    { "agent", 'a', TOOL_TEXT, "TOKEN", "the crawler's name; '*' is any without rules" },
    { "url", 'u', TOOL_TEXT, "URL-OR-PATH", "may this be fetched?" },
    /* It is UTF-8, whatever came with it. */
    { "charset", 0, TOOL_TEXT, "NAME", NULL },
    { "content-type", 0, TOOL_TEXT, "VALUE", NULL },
    { NULL, 0, 0, NULL, NULL },
};

static struct twi_json *time_json(struct twi_arena *arena, int time)
{
    char digits[16];
    int length = snprintf(digits, sizeof digits, "%04d", time);

    return time < 0 ? twi_json_new(arena, TWI_JSON_NULL)
                    : twi_json_string(arena, digits, (size_t)length);
}

static struct twi_json *rate_json(struct twi_arena *arena,
                                  const struct twi_robots_group *group)
{
    struct twi_json *rate;

    if (!group->has_rate)
        return twi_json_new(arena, TWI_JSON_NULL);
    rate = twi_json_new(arena, TWI_JSON_OBJECT);
    twi_json_put(rate, "requests", twi_json_integer(arena, (int64_t)group->rate.requests));
    twi_json_put(rate, "seconds", twi_json_integer(arena, (int64_t)group->rate.seconds));
    twi_json_put(rate, "start", time_json(arena, group->rate.start));
    twi_json_put(rate, "end", time_json(arena, group->rate.end));
    return rate;
}

static struct twi_json *visit_json(struct twi_arena *arena,
                                   const struct twi_robots_group *group)
{
    struct twi_json *visit;

    if (group->visit_start < 0)
        return twi_json_new(arena, TWI_JSON_NULL);
    visit = twi_json_new(arena, TWI_JSON_OBJECT);
    twi_json_put(visit, "start", time_json(arena, group->visit_start));
    twi_json_put(visit, "end", time_json(arena, group->visit_end));
    return visit;
}

static struct twi_json *sitemaps_json(struct twi_arena *arena, const struct twi_robots *robots)
{
    struct twi_json *list = twi_json_new(arena, TWI_JSON_LIST);

    for (const struct twi_robots_text *at = robots->sitemaps; at != NULL; at = at->next)
        twi_json_append(list, twi_json_string(arena, at->text, at->length));
    return list;
}

static struct twi_json *seconds_json(struct twi_arena *arena, double seconds)
{
    return seconds < 0 ? twi_json_new(arena, TWI_JSON_NULL) : twi_json_double(arena, seconds);
}

static struct twi_json *robots_describe(struct twi_arena *arena,
                                        const struct twi_robots *robots, const char *url,
                                        size_t length)
{
    struct twi_json *object = twi_json_new(arena, TWI_JSON_OBJECT);
    const struct twi_robots_text *host = robots->host;
    size_t line;
    bool allowed = twi_robots_allow(robots, arena, url, length, &line);

    twi_json_put(object, "allowed", twi_json_boolean(arena, allowed));
    twi_json_put(object, "line",
                 line > 0 ? twi_json_integer(arena, (int64_t)line)
                          : twi_json_new(arena, TWI_JSON_NULL));
    twi_json_put(object, "crawl_delay", seconds_json(arena, robots->group.crawl_delay));
    twi_json_put(object, "request_rate", rate_json(arena, &robots->group));
    twi_json_put(object, "visit_time", visit_json(arena, &robots->group));
    twi_json_put(object, "sitemaps", sitemaps_json(arena, robots));
    twi_json_put(object, "host",
                 host != NULL ? twi_json_string(arena, host->text, host->length)
                              : twi_json_new(arena, TWI_JSON_NULL));
    return object;
}

static struct twi_json *robots_answer(const struct tool_question *question)
{
    const char *agent = tool_text(question, "agent");
    const struct tool_given *url = tool_find(question, "url");
    struct twi_robots *robots;

    if (!question->has_input)
        return tool_refuse(question, "usage", "no robots.txt");
    robots = twi_robots_read(question->arena, question->input, question->input_length,
                             agent != NULL ? agent : "*");
    if (robots == NULL)
        return NULL;
    return robots_describe(question->arena, robots, url != NULL ? url->text : "/",
                           url != NULL ? url->length : 1);
}

static bool robots_is_positive(const struct twi_json *answer)
{
    return twi_json_member(answer, "allowed")->kind == TWI_JSON_TRUE;
}

static void show_if_any(const struct twi_json *answer, const char *name, const char *unit,
                        struct twi_text *text)
{
    const struct twi_json *value = twi_json_member(answer, name);

    if (value->kind == TWI_JSON_NULL)
        return;
    twi_text_puts(text, name);
    twi_text_puts(text, ": ");
    if (value->kind == TWI_JSON_OBJECT)
        twi_json_write(text, value);
    else
        twi_text_puts(text, twi_json_text(value));
    twi_text_puts(text, unit);
    twi_text_putc(text, '\n');
}

static void robots_show(const struct twi_json *answer, struct twi_text *text)
{
    const struct twi_json *sitemaps = twi_json_member(answer, "sitemaps");

    twi_text_puts(text, robots_is_positive(answer) ? "allowed" : "not allowed");
    if (twi_json_member(answer, "line")->kind != TWI_JSON_NULL) {
        twi_text_puts(text, " by line ");
        twi_text_puts(text, twi_json_text(twi_json_member(answer, "line")));
    }
    twi_text_putc(text, '\n');
    show_if_any(answer, "crawl_delay", " s", text);
    show_if_any(answer, "request_rate", "", text);
    show_if_any(answer, "visit_time", "", text);
    show_if_any(answer, "host", "", text);
    for (const struct twi_json *at = sitemaps->first; at != NULL; at = at->next) {
        twi_text_puts(text, "sitemap: ");
        twi_text_add(text, at->text, at->length);
        twi_text_putc(text, '\n');
    }
}

static const struct tool robots_tool = {
    .name = "robots",
    .usage = "--agent TOKEN --url URL-OR-PATH [FILE]",
    .purpose = "Say whether a robots.txt lets a crawler fetch a URL, and how fast.",
    .options = robots_options,
    .answer = robots_answer,
    .show = robots_show,
    .is_positive = robots_is_positive,
};

int cli_robots(int argc, char **argv)
{
    return tool_run(&robots_tool, argc, argv);
}
