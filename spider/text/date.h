/* SPDX-License-Identifier: MIT */
/*
 * date.h - dates as pages write them, as ISO 8601.
 */
#ifndef SPIDER_TEXT_DATE_H
#define SPIDER_TEXT_DATE_H

#include "spider/text/arena.h"
#include "spider/text/span.h"

/*
 * Append the date that the text is, "2024-03-12", with its time if it has one,
 * "2024-03-12T10:15:00", and its zone as it is written: "Z", "+01:00". False: it is none of these.
 *
 *   2024-03-12, 2024/03/12, 2024.03.12, 20240312   ISO 8601, and its like
 *   12 March 2024, 12th Mar. 2024, 12-Mar-24       the weekday and commas may stand or be left out
 *   March 12, 2024                                 months and weekdays in English
 *   12.03.2024                                     with points the day is first
 *   Tue, 12 Mar 2024 10:15:30 GMT                  RFC 1123, RFC 850, RFC 822
 *   Tue Mar 12 10:15:30 2024                       asctime()
 *
 * A time is 10:15 or 10:15:30, with a fraction, AM or PM, behind a space, "T", a comma or "at". A
 * year of two digits is 1970 to 2069. 12/03/2024 is nothing: nobody knows which month that is.
 */
bool twi_date_read(struct twi_span text, struct twi_text *out);

#endif
