/* SPDX-License-Identifier: MIT */
/*
 * form_data.h - between the files that send forms: which data a form has.
 */
#ifndef SPIDER_TEXT_FORM_DATA_H
#define SPIDER_TEXT_FORM_DATA_H

#include "spider/text/form.h"

struct form_run {
    struct twi_selector *selector;
    const struct twi_tree *tree;
    const struct twi_form_options *options;
    struct twi_arena *arena;
    struct twi_select_error *error;
    const struct twi_charset *charset; /* of the data */
    uint32_t form, button;             /* 0: none */
    struct twi_found_list controls;    /* of the form, that can be sent */
    struct twi_form_pair *first, **end;
};

/* Always false. */
bool form_fail(struct form_run *run, const char *word, const char *why);
bool form_find(struct form_run *run);
bool form_find_controls(struct form_run *run);
bool form_find_button(struct form_run *run);
/* All pairs, in the order of the controls, then those that the caller sets. */
void form_gather(struct form_run *run);
/* As application/x-www-form-urlencoded. */
void form_encode(struct form_run *run, struct twi_text *out);
bool form_is_button(const struct twi_tree *tree, uint32_t node);

#endif
