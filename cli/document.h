/* SPDX-License-Identifier: MIT */
/*
 * document.h - the input of a tool that reads pages or XML, as a tree.
 */
#ifndef CLI_DOCUMENT_H
#define CLI_DOCUMENT_H

#include <tweed/url.h>

#include "cli/tool.h"
#include "spider/text/charset.h"
#include "spider/text/tree.h"

enum document_type { DOCUMENT_HTML, DOCUMENT_XML, DOCUMENT_XHTML };
/* By its name; false: there is no such type. NULL is html. */
bool document_type_read(const char *name, enum document_type *ret_type);

/* The question's input in UTF-8, decoded by what says its encoding first, and that encoding;
 * empty when the arena failed. */
struct twi_span document_text(const struct tool_question *question,
                              const struct twi_charset **ret_charset);
/* The tree of the question's input: without white space around it, an empty one is <html/>. NULL,
 * or the refusal. */
struct twi_json *document_read(const struct tool_question *question, enum document_type type,
                               struct twi_tree *tree);
/* A page as links and forms are read from it: decoded once, with the URLs they are relative to. */
struct document_page {
    struct twi_span text;
    const struct twi_charset *charset;
    struct twi_tree tree;
    struct tw_url *url;        /* by --url; NULL: unknown */
    struct tw_url *base_found; /* the page's own; NULL: none */
    const struct tw_url *base; /* the page's own, or url */
};
/* NULL, or the refusal. document_page_free() follows in both cases. */
struct twi_json *document_page_read(const struct tool_question *question,
                                    struct document_page *page);
void document_page_free(struct document_page *page);
/* The refusal of what the arena or a library has no memory for. */
struct twi_json *document_too_large(const struct tool_question *question);

#endif
