/* SPDX-License-Identifier: MIT */
/*
 * charset.h - what encoding a page is in, and its text in UTF-8 (WHATWG Encoding Standard).
 *
 * Labels mean what browsers take them for: "latin1" is windows-1252, "gb2312" GBK, "shift_jis"
 * Microsoft's. Single bytes are in tables of our own; characters of several bytes are asked of
 * iconv, once.
 */
#ifndef SPIDER_TEXT_CHARSET_H
#define SPIDER_TEXT_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

#include "spider/text/arena.h"
#include "spider/text/span.h"

struct twi_charset; /* static; compared by address */

/* By a label in any case, with white space around it; NULL: it is none. */
const struct twi_charset *twi_charset_find(struct twi_span label);
const char *twi_charset_name(const struct twi_charset *charset);
const struct twi_charset *twi_charset_utf8(void);

/* `data` as UTF-8, U+FFFD for each mistake as the standard counts them. It is `data` itself where
 * that is valid UTF-8 in it, else in the arena; empty when the arena failed. A byte order mark is
 * not looked for. */
struct twi_span twi_charset_decode(struct twi_arena *arena, const struct twi_charset *charset,
                                   struct twi_span data);
/* Append UTF-8 text in that encoding, or in UTF-8 where the standard has no encoder (UTF-16). False
 * when it has no form for one of the characters; then `out` is as it was. */
bool twi_charset_encode(struct twi_text *out, const struct twi_charset *charset,
                        struct twi_span text);
/* How much of it is UTF-8, from the start. */
size_t twi_utf8_valid_length(struct twi_span text);

/* --- detection ----------------------------------------------------------------------------- */

enum twi_charset_source {
    TWI_CHARSET_BOM,
    TWI_CHARSET_OPTION,
    TWI_CHARSET_HEADER,
    TWI_CHARSET_META,
    TWI_CHARSET_XML,
    TWI_CHARSET_DEFAULT, /* it is UTF-8 */
    TWI_CHARSET_GUESS    /* it is not: windows-1252 */
};
const char *twi_charset_source_name(enum twi_charset_source source);

struct twi_charset_detected {
    const struct twi_charset *charset;
    enum twi_charset_source source;
    size_t mark; /* bytes of the byte order mark */
};
/* The first of these that names an encoding: a byte order mark, the caller's `label`, the parameter
 * of `content_type` (each may be NULL), the HTML standard's look at the first 1,024 bytes. */
struct twi_charset_detected twi_charset_detect(struct twi_span data, const char *label,
                                               const char *content_type);
/* The parameter "charset" of a media type; empty if it has none. In the arena if it was quoted. */
struct twi_span twi_charset_parameter(struct twi_arena *arena, struct twi_span content_type);

#endif
