/* SPDX-License-Identifier: MIT */
/*
 * coroutine_pool.h - a reference of a pool, which may be freed before the results of its
 * bodies.
 */
#ifndef DEFER_INLINE_COROUTINE_POOL_H
#define DEFER_INLINE_COROUTINE_POOL_H

#include <tweed/pool.h>

tw_pool *twi_body_pool_ref(tw_pool *pool);
void twi_body_pool_unref(tw_pool *pool);

#endif
