/* SPDX-License-Identifier: MIT */
/*
 * number.h - the first number in a text as people write it: "1,234.50 EUR" is 1234.5.
 */
#ifndef SPIDER_TEXT_NUMBER_H
#define SPIDER_TEXT_NUMBER_H

#include "spider/text/arena.h"
#include "spider/text/span.h"

/*
 * Append the first number as JSON writes it, without needless zeros; false: there is none.
 *   mark   the decimal mark, "." or ","; 0: the text shows which one it is
 *
 * A minus sign, also U+2212, may stand in front, a currency's sign between. Groups of digits may be
 * parted by ",", "." , "'", U+2019 or a space of any width. Where both "," and "." occur the last
 * one is the decimal mark; one that occurs twice parts groups; one "." is the decimal mark; one ","
 * is, too, unless it stands between one to three digits, not "0", and exactly three. An exponent
 * may follow.
 */
bool twi_number_find(struct twi_span text, char mark, struct twi_text *out);

/* The same for a whole number: "," and "." in front of exactly three digits part groups, and a
 * fraction is cut off. */
bool twi_integer_find(struct twi_span text, struct twi_text *out);

#endif
