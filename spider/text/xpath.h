/* SPDX-License-Identifier: MIT */
/*
 * xpath.h - finding parts of a tree by XPath 1.0, evaluated by libxml2.
 *
 * At the first expression the tree is copied for libxml2; nodes that it finds are mapped back.
 * Besides XPath's own functions: has-class('a', 'b'), EXSLT's re:test, re:match, re:replace and
 * set:difference, intersection, distinct, has-same-node, leading, trailing.
 */
#ifndef SPIDER_TEXT_XPATH_H
#define SPIDER_TEXT_XPATH_H

#include "spider/text/css.h"

enum twi_value_kind {
    TWI_VALUE_NODE, /* of the tree, or an attribute: `found` */
    TWI_VALUE_STRING,
    TWI_VALUE_NUMBER,
    TWI_VALUE_BOOLEAN
};
struct twi_value {
    enum twi_value_kind kind;
    struct twi_found found;
    const char *text; /* of all but nodes, as XPath writes them; with a NUL behind it */
    size_t length;
};

/* { .arena = arena } is empty. */
struct twi_value_list {
    struct twi_arena *arena;
    struct twi_value *items;
    size_t count, room;
};
void twi_value_add(struct twi_value_list *list, struct twi_value value);

/* A variable: $name. */
struct twi_variable {
    const char *name;
    struct twi_value value; /* no node */
    struct twi_variable *next;
};

struct twi_xpath;
/* Copy a tree, which must live as long. NULL when there is no memory, or the
 * tree's arena would have no room for it; to be closed. */
struct twi_xpath *twi_xpath_open(const struct twi_tree *tree,
                                 const struct twi_prefix *prefixes,
                                 const struct twi_variable *variables);
void twi_xpath_close(struct twi_xpath *xpath);

struct twi_xpath_error {
    bool is_limit; /* too many steps, or no memory */
    size_t at;     /* character, from 1; 0: unknown */
    char why[200];
};
/* A compiled expression, for any tree. NULL with *error filled in; to be freed. */
struct twi_xpath_expression;
struct twi_xpath_expression *twi_xpath_compile(const char *text, size_t length,
                                               struct twi_xpath_error *error);
void twi_xpath_expression_free(struct twi_xpath_expression *expression);
/* Append what is found from each of the elements in turn. False with *error filled in. */
bool twi_xpath_run(struct twi_xpath *xpath, const struct twi_xpath_expression *expression,
                   const uint32_t *contexts, size_t count, struct twi_value_list *list,
                   struct twi_xpath_error *error);
/* Both in one. */
bool twi_xpath_find(struct twi_xpath *xpath, const char *expression, size_t length,
                    const uint32_t *contexts, size_t count, struct twi_value_list *list,
                    struct twi_xpath_error *error);

#endif
