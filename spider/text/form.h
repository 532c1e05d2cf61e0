/* SPDX-License-Identifier: MIT */
/*
 * form.h - the request that sending a form of a page makes (HTML standard, 4.10.21).
 */
#ifndef SPIDER_TEXT_FORM_H
#define SPIDER_TEXT_FORM_H

#include <tweed/url.h>

#include "spider/text/charset.h"
#include "spider/text/select.h"

/* A name and a value, chained. */
struct twi_form_pair {
    struct twi_span name, value;
    bool is_absent; /* nothing of that name is sent */
    struct twi_form_pair *next;
};

struct twi_form_options {
    const struct tw_url *url, *base;   /* of the page; NULL: unknown */
    const struct twi_charset *charset; /* of the page */
    const char *name, *id;             /* of the form; NULL: any */
    const struct twi_step *node;       /* finds the form, or what stands in it; NULL: any */
    size_t number;                     /* of those left, from 0 */
    const struct twi_form_pair *set;   /* instead of the page's values of these names */
    const struct twi_form_pair *click; /* attributes of the button; NULL: the first one */
    bool no_click;
    const char *method, *action; /* NULL: the form's own */
};

struct twi_form_request {
    const char *method, *url;
    const char *type, *body; /* NULL: it has none */
};

/* False with *error filled in; its word is "form" when there is no such form or button. */
bool twi_form_request_make(struct twi_selector *selector,
                           const struct twi_form_options *options, struct twi_arena *arena,
                           struct twi_form_request *request, struct twi_select_error *error);

#endif
