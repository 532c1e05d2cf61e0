/* SPDX-License-Identifier: MIT */
/*
 * page_read.c - a page's text, tree, JSON and base, each read when it is first asked for.
 *
 * Decoders, parsers and regular expressions may want more stack than a coroutine has: all of it
 * runs on the thread's own (tw_call_home()).
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <tweed/coroutine.h>

#include "spider/crawl/page_state.h"
#include "spider/text/page_url.h"

/* --- text ---------------------------------------------------------------------------------- */

void page_read_text(tw_page *page)
{
    struct twi_span body = { tw_bytes_data(page->body), tw_bytes_length(page->body) };
    struct twi_charset_detected found;

    if (page->has_text)
        return;
    page->has_text = true;
    page->charset = twi_charset_utf8();
    page->text = (struct twi_span){ "", 0 };
    if (body.length == 0)
        return;
    found = twi_charset_detect(body, NULL, tw_page_header(page, "Content-Type"));
    page->charset = found.charset;
    page->text = twi_charset_decode(&page->arena, found.charset,
                                    twi_span_from(body, found.mark));
    page_is_out_of_memory(page);
}

static void text_at_home(void *arg)
{
    page_read_text(arg);
}

const char *tw_page_text(tw_page *page)
{
    if (page == NULL)
        return "";
    if (!page->has_text)
        tw_call_home(text_at_home, page);
    return page->text.text;
}

/* --- the tree ------------------------------------------------------------------------------ */

/* The media type, without its parameters. */
static struct twi_span media_type(const tw_page *page)
{
    const char *type = tw_page_header(page, "Content-Type");
    struct twi_span span = twi_span_of(type != NULL ? type : "");

    return twi_span_trim(twi_span_first(span, twi_span_find(span, ';')));
}

static bool type_ends(struct twi_span type, const char *end)
{
    size_t length = strlen(end);

    return type.length >= length &&
           twi_span_is_nocase(twi_span_from(type, type.length - length), end);
}

/* By the type that was sent; without one by the first bytes. */
static enum page_kind page_kind(const tw_page *page)
{
    struct twi_span type = media_type(page);

    if (type_ends(type, "xhtml+xml"))
        return PAGE_HTML;
    if (type_ends(type, "+xml") || type_ends(type, "/xml"))
        return PAGE_XML;
    if (type.length > 0)
        return PAGE_HTML;
    return twi_span_starts_nocase(page->text, "<?xml") ? PAGE_XML : PAGE_HTML;
}

static bool page_tree_read(tw_page *page, struct twi_span text)
{
    return page_kind(page) == PAGE_XML
               ? twi_tree_read_xml(&page->tree, &page->arena, text.text, text.length)
               : twi_tree_read_html(&page->tree, &page->arena, text.text, text.length, 0);
}

static struct twi_span without_html_space(struct twi_span text)
{
    while (text.length > 0 && twi_is_html_space(text.text[0]))
        text = twi_span_from(text, 1);
    while (text.length > 0 && twi_is_html_space(text.text[text.length - 1]))
        text.length--;
    return text;
}

/* A page without an element has an empty one, as in parsel. */
bool page_read_tree(tw_page *page)
{
    if (page->has_tree)
        return page->selector.tree != NULL;
    page->has_tree = true;
    page_read_text(page);
    if (page->text.length == 0)
        return false;
    if (!page_tree_read(page, without_html_space(page->text)) ||
        (twi_tree_root(&page->tree) == 0 && !page_tree_read(page, twi_span_of("<html/>")))) {
        page_fail_memory(page);
        return false;
    }
    page->selector.tree = &page->tree;
    page->root.found.node = twi_tree_root(&page->tree);
    return true;
}

/* --- JSON ---------------------------------------------------------------------------------- */

const struct twi_json *page_read_json(tw_page *page)
{
    struct twi_json_error wrong;

    if (page->has_json)
        return page->json;
    page->has_json = true;
    page_read_text(page);
    if (page->text.length == 0)
        return NULL;
    page->json = twi_json_read(&page->arena, page->text.text, page->text.length, &wrong);
    if (page->json == NULL && !page_is_out_of_memory(page))
        page_fail(page, tw_fail(&tw_error_protocol, "%s is no JSON: %s, at byte %zu",
                                page->url, wrong.why, wrong.at));
    return page->json;
}

/* --- URLs ---------------------------------------------------------------------------------- */

const struct tw_url *page_base(tw_page *page)
{
    if (!page->has_base) {
        page->has_base = true;
        page_read_text(page);
        if (tw_url_parse(page->url, strlen(page->url), NULL, &page->own_url, NULL) == -ENOMEM)
            page_fail_memory(page);
        if (page->text.length > 0 && page_kind(page) == PAGE_HTML)
            page->base_found = twi_page_base(&page->pages->scratch, page->charset, page->text,
                                             page->own_url);
    }
    return page->base_found != NULL ? page->base_found : page->own_url;
}

struct tw_url *page_parse_url(tw_page *page, struct twi_span text)
{
    const struct tw_url *base = page_base(page);
    struct tw_url *url = NULL;

    twi_page_url_parse(&page->pages->scratch, page->charset, text, base, &url, NULL);
    page_is_out_of_memory(page);
    return url;
}

struct url_question {
    tw_page *page;
    const char *text;
    const char *answer;
};

static void absolute_at_home(void *arg)
{
    struct url_question *question = arg;
    tw_page *page = question->page;
    struct tw_url *url = page_parse_url(page, twi_span_of(question->text));

    if (url != NULL)
        question->answer = twi_arena_strdup(&page->arena, url->href);
    tw_url_free(url);
    page_end_scratch(page);
}

const char *tw_page_absolute(tw_page *page, const char *href)
{
    struct url_question question = { page, href, NULL };

    if (page != NULL && href != NULL)
        tw_call_home(absolute_at_home, &question);
    return question.answer;
}

/* --- refresh ------------------------------------------------------------------------------- */

struct refresh_question {
    tw_page *page;
    double seconds;
    const char *url;
};

static void refresh_at_home(void *arg)
{
    struct refresh_question *question = arg;
    tw_page *page = question->page;
    const struct tw_url *base = page_base(page);
    struct tw_url *url = NULL;

    if (page->text.length > 0 && page_kind(page) == PAGE_HTML &&
        twi_page_refresh(&page->pages->scratch, page->charset, page->text, base,
                         &question->seconds, &url))
        question->url = twi_arena_strdup(&page->arena, url->href);
    tw_url_free(url);
    page_end_scratch(page);
}

bool twi_page_refresh_target(tw_page *page, double *ret_seconds, const char **ret_url)
{
    struct refresh_question question = { .page = page };

    tw_call_home(refresh_at_home, &question);
    if (question.url == NULL)
        return false;
    *ret_seconds = question.seconds;
    *ret_url = question.url;
    return true;
}
