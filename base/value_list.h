/* SPDX-License-Identifier: MIT */
/*
 * value_list.h - lists of a given length, to be filled by index.
 */
#ifndef BASE_VALUE_LIST_H
#define BASE_VALUE_LIST_H

#include <tweed/value.h>

/* A list of `count` nones. *ret_items are its items, to be filled with owned values while nobody
 * else has the list; NULL when there is no memory, and the failure is returned. */
tw_value twi_list_filled(size_t count, tw_value **ret_items);

/*
 * Mark an item of a list that will be handed on, which is a failure or about to become one: if
 * nobody has looked at it when the list is freed, report(where, failure) is called, failure
 * lent. `where` is static. 0, -ENOMEM.
 */
typedef void twi_unread_report(const char *where, tw_value failure);
int twi_list_expect_reader(tw_value list, size_t index, twi_unread_report *report,
                           const char *where);

#endif
