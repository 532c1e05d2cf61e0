/* SPDX-License-Identifier: MIT */
/*
 * tag.h - tags of a page that are looked for without a tree.
 *
 * Tags are cut as HTML's tokenizer cuts them; comments, scripts and what stands in <noscript> are
 * gone past. A page is read once, whatever is in it.
 */
#ifndef SPIDER_TEXT_TAG_H
#define SPIDER_TEXT_TAG_H

#include <stdbool.h>

#include "spider/text/span.h"

/* The next start tag of that (lower case) name: *ret_tag is what stands between the name and ">",
 * *page what follows. False at the end. */
bool twi_tag_next(struct twi_span *page, const char *name, struct twi_span *ret_tag);
/* The value of a tag's first attribute of that (lower case) name, as it is written. */
bool twi_tag_attribute(struct twi_span tag, const char *name, struct twi_span *ret_value);

#endif
