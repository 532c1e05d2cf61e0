/* SPDX-License-Identifier: MIT */
/*
 * xpath_node.h - between the files that evaluate XPath.
 */
#ifndef SPIDER_TEXT_XPATH_NODE_H
#define SPIDER_TEXT_XPATH_NODE_H

#include <libxml/tree.h>
#include <libxml/xpath.h>

#include "spider/text/regex.h"
#include "spider/text/xpath.h"

#define XPATH_REGEXES 8
struct xpath_regex {
    char *pattern;
    unsigned flags;
    struct twi_regex *regex;
};

struct twi_xpath {
    const struct twi_tree *tree;
    xmlDocPtr document;
    xmlNodePtr *nodes; /* by the tree's */
    xmlXPathContextPtr context;
    struct xpath_regex regexes[XPATH_REGEXES];
    unsigned next_regex;
    xmlDocPtr made; /* nodes that functions made stand below it */
    struct twi_xpath_error *error;
    char said[160]; /* the last message without a code */
};

/* The copy; `_private` of a node is the tree's index, of an attribute its index + 1. False when
 * there is no memory. */
bool xpath_copy(struct twi_xpath *xpath);
void xpath_add_functions(struct twi_xpath *xpath);
/* Only the first is kept. */
void xpath_fail(struct twi_xpath *xpath, bool is_limit, size_t at, const char *why);

#endif
