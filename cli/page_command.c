/* SPDX-License-Identifier: MIT */
/*
 * page_command.c - `tweed page`: a page's charset, base and refresh, and its text.
 */
#include "config.h"

#include <tweed/url.h>

#include "cli/tool.h"
#include "spider/text/page_url.h"

static const struct tool_option page_options[] = {
    { "url", 'u', TOOL_TEXT, "URL", "where the page is from" },
    { "charset", 'c', TOOL_TEXT, "NAME",
      "the charset, unless a byte order mark says another" },
    { "content-type", 't', TOOL_TEXT, "VALUE", "the header that came with it" },
    { "decode", 'd', TOOL_FLAG, NULL, "with the page's text" },
    { NULL, 0, 0, NULL, NULL },
};

/* A page as it is asked about. */
struct page {
    const struct twi_charset *charset;
    const char *source;
    struct twi_span text;
    struct tw_url *url, *base; /* NULL: unknown */
};

/* A text needs no decoding, but may start with the mark; a charset that is given is that of the
 * queries in it. */
static void page_take_text(struct page *page, const struct tool_question *question,
                           struct twi_span input)
{
    bool has_mark = input.length >= 3 && memcmp(input.text, "\xef\xbb\xbf", 3) == 0;
    const char *label = tool_text(question, "charset");
    const struct twi_charset *given = label != NULL ? twi_charset_find(twi_span_of(label))
                                                    : NULL;

    page->charset = given != NULL ? given : twi_charset_utf8();
    page->source = twi_charset_source_name(given != NULL ? TWI_CHARSET_OPTION
                                           : has_mark    ? TWI_CHARSET_BOM
                                                         : TWI_CHARSET_DEFAULT);
    page->text = twi_span_from(input, has_mark ? 3 : 0);
}

static void page_decode(struct page *page, const struct tool_question *question,
                        struct twi_span input)
{
    const char *type = tool_text(question, "content-type");
    struct twi_charset_detected found = twi_charset_detect(
        input, tool_text(question, "charset"), type != NULL ? type : question->content_type);

    page->charset = found.charset;
    page->source = twi_charset_source_name(found.source);
    page->text = twi_charset_decode(question->arena, found.charset,
                                    twi_span_from(input, found.mark));
}

static struct twi_json *refresh_json(const struct tool_question *question,
                                     const struct page *page)
{
    struct twi_arena *arena = question->arena;
    struct twi_json *refresh;
    struct tw_url *url;
    double seconds;

    if (!twi_page_refresh(arena, page->charset, page->text,
                          page->base != NULL ? page->base : page->url, &seconds, &url))
        return twi_json_new(arena, TWI_JSON_NULL);
    refresh = twi_json_new(arena, TWI_JSON_OBJECT);
    twi_json_put(refresh, "seconds", twi_json_double(arena, seconds));
    twi_json_put_string(arena, refresh, "url", url->href);
    tw_url_free(url);
    return refresh;
}

static struct twi_json *page_describe(const struct tool_question *question, struct page *page)
{
    struct twi_arena *arena = question->arena;
    struct twi_json *object = twi_json_new(arena, TWI_JSON_OBJECT);
    const char *base = page->url != NULL ? page->url->href : "";

    page->base = twi_page_base(arena, page->charset, page->text, page->url);
    twi_json_put_string(arena, object, "charset", twi_charset_name(page->charset));
    twi_json_put_string(arena, object, "charset_source", page->source);
    twi_json_put_string(arena, object, "base", page->base != NULL ? page->base->href : base);
    twi_json_put(object, "refresh", refresh_json(question, page));
    if (tool_flag(question, "decode", false))
        twi_json_put(object, "text",
                     twi_json_string(arena, page->text.text, page->text.length));
    return object;
}

static struct twi_json *page_answer(const struct tool_question *question)
{
    const struct twi_span input = { question->input, question->input_length };
    const struct tool_given *url = tool_find(question, "url");
    struct page page = { .source = NULL };
    const char *why = "out of memory";
    struct twi_json *answer;

    if (!question->has_input)
        return tool_refuse(question, "usage", "no page");
    if (url != NULL &&
        twi_page_url_parse(question->arena, NULL, (struct twi_span){ url->text, url->length },
                           NULL, &page.url, &why) < 0)
        return tool_refuse(question, "url", "%s: %s", url->text, why);
    if (question->is_text)
        page_take_text(&page, question, input);
    else
        page_decode(&page, question, input);
    answer = page_describe(question, &page);
    tw_url_free(page.base);
    tw_url_free(page.url);
    return answer;
}

static void page_show(const struct twi_json *answer, struct twi_text *text)
{
    const struct twi_json *refresh = twi_json_member(answer, "refresh"),
                          *decoded = twi_json_member(answer, "text");

    if (decoded != NULL) {
        twi_text_add(text, decoded->text, decoded->length);
        return;
    }
    twi_text_puts(text, "charset: ");
    twi_text_puts(text, twi_json_text(twi_json_member(answer, "charset")));
    twi_text_puts(text, " (");
    twi_text_puts(text, twi_json_text(twi_json_member(answer, "charset_source")));
    twi_text_puts(text, ")\nbase: ");
    twi_text_puts(text, twi_json_text(twi_json_member(answer, "base")));
    twi_text_putc(text, '\n');
    if (refresh->kind == TWI_JSON_NULL)
        return;
    twi_text_puts(text, "refresh: ");
    twi_text_puts(text, twi_json_text(twi_json_member(refresh, "seconds")));
    twi_text_puts(text, " s, ");
    twi_text_puts(text, twi_json_text(twi_json_member(refresh, "url")));
    twi_text_putc(text, '\n');
}

static const struct tool page_tool = {
    .name = "page",
    .usage = "[OPTION...] [FILE]",
    .purpose = "Say what charset a page is in, what its links are relative to and where it\n"
               "refreshes to; with --decode, print its text.",
    .options = page_options,
    .answer = page_answer,
    .show = page_show,
};

int cli_page(int argc, char **argv)
{
    return tool_run(&page_tool, argc, argv);
}
