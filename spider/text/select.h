/* SPDX-License-Identifier: MIT */
/*
 * select.h - finding parts of a tree in steps: selectors, XPath, regular expressions.
 */
#ifndef SPIDER_TEXT_SELECT_H
#define SPIDER_TEXT_SELECT_H

#include "spider/text/xpath.h"

enum twi_step_kind {
    TWI_STEP_CSS,
    TWI_STEP_XPATH,
    TWI_STEP_REGEX,
    TWI_STEP_INDEX /* `text` is a number from 0: only that one */
};
struct twi_step {
    enum twi_step_kind kind;
    const char *text;
    size_t length;
    struct twi_step *next;
};

/* Set the first members; close it when done. */
struct twi_selector {
    const struct twi_tree *tree;
    const struct twi_prefix *prefixes;
    const struct twi_variable *variables;
    struct twi_xpath *xpath; /* opened at the first expression */
    uint32_t *places, *totals; /* by node, of twi_selector_path() */
};
void twi_selector_close(struct twi_selector *selector);

struct twi_select_error {
    const char *word; /* css, xpath, re, usage or limit */
    char message[256];
};
/* Apply each step to every result of the one before, the first one to the root. Append what comes
 * of the last one: nodes in document order, each once. False with *error filled in. */
bool twi_select(struct twi_selector *selector, const struct twi_step *steps,
                struct twi_value_list *list, struct twi_select_error *error);
/* One step from given elements, which stand in document order. */
bool twi_select_from(struct twi_selector *selector, const struct twi_step *step,
                     const uint32_t *contexts, size_t count, struct twi_value_list *list,
                     struct twi_select_error *error);

/* Nodes into document order, each once, if all are such. */
void twi_values_in_order(struct twi_value_list *list);
/* A value as text: an element's markup, an attribute's value, a text as it is. */
void twi_value_write(const struct twi_tree *tree, const struct twi_value *value,
                     struct twi_text *out);
/* An XPath by which an element is found again; nothing when there is no memory. */
void twi_selector_path(struct twi_selector *selector, uint32_t node, struct twi_text *out);

#endif
