/* SPDX-License-Identifier: MIT */
/*
 * pointer.h - a value inside a JSON value by its pointer: "/hits/0/name" (RFC 6901).
 */
#ifndef SPIDER_TEXT_POINTER_H
#define SPIDER_TEXT_POINTER_H

#include "spider/text/json.h"
#include "spider/text/span.h"

/* Why the text is no pointer, a static string, with the byte in *ret_at; NULL: it is one. */
const char *twi_pointer_check(struct twi_span pointer, size_t *ret_at);

/* The value that a pointer leads to, from `value` on; NULL: there is none. An empty pointer leads
 * to the value itself. Of members of one name the last one counts. */
const struct twi_json *twi_pointer_find(const struct twi_json *value, struct twi_span pointer);

#endif
