/* SPDX-License-Identifier: MIT */
/*
 * document.c - the input of a tool as a tree.
 */
#include "config.h"

#include <string.h>

#include "cli/document.h"
#include "spider/text/charset.h"
#include "spider/text/page_url.h"
#include "spider/text/utf8.h"

bool document_type_read(const char *name, enum document_type *ret_type)
{
    static const char *const names[] = { "html", "xml", "xhtml" };

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (name == NULL || strcmp(name, names[i]) == 0) {
            *ret_type = (enum document_type)i;
            return true;
        }
    }
    return false;
}

struct twi_json *document_too_large(const struct tool_question *question)
{
    return tool_refuse(question, "limit", "the input is too large");
}

static bool tree_read(struct twi_tree *tree, enum document_type type, struct twi_arena *arena,
                      const char *text, size_t length)
{
    bool is_whole = type == DOCUMENT_HTML ? twi_tree_read_html(tree, arena, text, length, 0)
                                          : twi_tree_read_xml(tree, arena, text, length);

    tree->is_html = type != DOCUMENT_XML;
    return is_whole;
}

struct twi_span document_text(const struct tool_question *question,
                              const struct twi_charset **ret_charset)
{
    const char *type = tool_text(question, "content-type"),
               *label = tool_text(question, "charset");
    struct twi_span bytes = { question->input, question->input_length };
    struct twi_charset_detected found;

    if (question->is_text) {
        *ret_charset = label != NULL ? twi_charset_find(twi_span_of(label)) : NULL;
        if (*ret_charset == NULL)
            *ret_charset = twi_charset_utf8();
        return bytes;
    }
    found = twi_charset_detect(bytes, label, type != NULL ? type : question->content_type);
    *ret_charset = found.charset;
    return twi_charset_decode(question->arena, found.charset,
                              twi_span_from(bytes, found.mark));
}

static struct twi_json *document_parse(const struct tool_question *question,
                                       enum document_type type, struct twi_span text,
                                       struct twi_tree *tree)
{
    static const char nothing[] = "<html/>";
    size_t length;
    const char *clean = twi_utf8_clean(question->arena, text.text, text.length, &length);

    if (clean == NULL || question->arena->failed)
        return document_too_large(question);
    while (length > 0 && twi_is_html_space(*clean)) {
        clean++;
        length--;
    }
    while (length > 0 && twi_is_html_space(clean[length - 1]))
        length--;
    if (!tree_read(tree, type, question->arena, clean, length))
        return document_too_large(question);
    if (twi_tree_root(tree) == 0 &&
        !tree_read(tree, type, question->arena, nothing, strlen(nothing)))
        return document_too_large(question);
    return NULL;
}

struct twi_json *document_read(const struct tool_question *question, enum document_type type,
                               struct twi_tree *tree)
{
    const struct twi_charset *charset;

    return document_parse(question, type, document_text(question, &charset), tree);
}

/* --- a page with its URLs ------------------------------------------------------------------ */

struct twi_json *document_page_read(const struct tool_question *question,
                                    struct document_page *page)
{
    const char *url = tool_text(question, "url"), *why;
    enum document_type type;
    struct twi_json *error;

    memset(page, 0, sizeof *page);
    if (!document_type_read(tool_text(question, "type"), &type))
        return tool_refuse(question, "usage", "type: html, xml or xhtml");
    if (!question->has_input)
        return tool_refuse(question, "usage", "no input");
    if (url != NULL && tw_url_parse(url, strlen(url), NULL, &page->url, &why) < 0)
        return tool_refuse(question, "url", "%s", why);
    page->text = document_text(question, &page->charset);
    error = document_parse(question, type, page->text, &page->tree);
    if (error != NULL)
        return error;
    page->base_found = twi_page_base(question->arena, page->charset, page->text, page->url);
    page->base = page->base_found != NULL ? page->base_found : page->url;
    return NULL;
}

void document_page_free(struct document_page *page)
{
    tw_url_free(page->base_found);
    tw_url_free(page->url);
}
