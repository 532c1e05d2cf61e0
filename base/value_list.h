/* SPDX-License-Identifier: MIT */
/*
 * value_list.h - lists made whole, for those who fill them by index.
 */
#ifndef BASE_VALUE_LIST_H
#define BASE_VALUE_LIST_H

#include <tweed/value.h>

/* A list of `count` nones. *ret_items are its items, to be filled with owned values while nobody
 * else has the list; NULL when there is no memory, and the failure is returned. */
tw_value twi_list_filled(size_t count, tw_value **ret_items);

/*
 * The failures among the items of a list that is handed on are somebody's to deal with: one that
 * nobody has looked at when the list goes is told to report(where, failure), failure lent. `where`
 * is static. Say so of an item that is a failure, or is about to become one. 0, -ENOMEM.
 */
typedef void twi_unread_report(const char *where, tw_value failure);
int twi_list_expect_reader(tw_value list, size_t index, twi_unread_report *report,
                           const char *where);

#endif
