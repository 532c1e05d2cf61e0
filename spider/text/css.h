/* SPDX-License-Identifier: MIT */
/*
 * css.h - finding parts of a tree by CSS selectors (Selectors Level 4).
 *
 * As far as a document without user or script can say: pseudo-classes of a user's actions match
 * nothing. Besides: ::text and ::attr(NAME) at the end, :contains("text"), [a!=v]. Other
 * pseudo-elements match nothing. The time to find is that of the selector's length times the
 * number of nodes, whatever selector and tree look like: css_match.c says how.
 */
#ifndef SPIDER_TEXT_CSS_H
#define SPIDER_TEXT_CSS_H

#include "spider/text/found.h"

/* Prefixes for names: `ns|name`. */
struct twi_prefix {
    const char *prefix, *uri;
    struct twi_prefix *next;
};

struct twi_css_error {
    size_t at; /* character, from 1 */
    const char *why;
};

struct twi_css;
/* Compile a list of selectors; it lives in the arena. NULL with *error filled in when it is none,
 * or when the arena failed. */
const struct twi_css *twi_css_compile(struct twi_arena *arena, const char *text, size_t length,
                                      const struct twi_prefix *prefixes,
                                      struct twi_css_error *error);

/* Append what is found in the subtrees of the contexts, themselves included, in document order,
 * each once. `contexts` are in document order. All but what :is(), :not() and :has() ask must lie
 * in the subtree. False when the arena failed, or *ret_limit when it took too many steps. */
bool twi_css_select(const struct twi_css *css, const struct twi_tree *tree,
                    const uint32_t *contexts, size_t count, struct twi_found_list *list,
                    bool *ret_limit);

#endif
