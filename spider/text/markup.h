/* SPDX-License-Identifier: MIT */
/*
 * markup.h - markup taken out of texts, for item loaders: as Scrapy's w3lib.html, each in one pass.
 *
 * A tag here is what such texts have: "<", perhaps "/", a name, and what follows up to the next
 * ">", be it another "<". No tree is built, so quotes mean nothing.
 */
#ifndef SPIDER_TEXT_MARKUP_H
#define SPIDER_TEXT_MARKUP_H

#include <stdbool.h>

#include "spider/text/entity.h"

/* Names of tags, in any case. */
struct twi_tag_names {
    const struct twi_span *names;
    size_t count;
};

/* Put `with` in the place of tags: of those of `only` if it has any, else of all but those of
 * `keep`. */
void twi_strip_tags(struct twi_text *out, struct twi_span text, struct twi_tag_names only,
                    struct twi_tag_names keep, struct twi_span with);
/* Drop these tags with what stands up to the next end tag of the name; one that is never ended
 * stays, unless it ends itself ("<br/>"). */
void twi_drop_tags(struct twi_text *out, struct twi_span text, struct twi_tag_names only);
/* Drop comments; the last one may have no end. */
void twi_strip_comments(struct twi_text *out, struct twi_span text);
/* twi_unescape() outside of "<![CDATA[...]]>", whose inside is put in its place. */
void twi_unquote(struct twi_text *out, struct twi_span text,
                 const struct twi_unescape_options *options);

#endif
