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

#endif
