/* SPDX-License-Identifier: MIT */
/*
 * alloc.h - allocation inside the library; everything goes through tw_set_allocator()'s.
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stdarg.h>

#include <tweed/alloc.h>

void *twi_malloc(size_t size);
void *twi_calloc(size_t count, size_t size);
void *twi_realloc(void *block, size_t size);
void twi_free(void *block);
/* Grow an array to hold at least `wanted` items of `size` bytes, doubling; *capacity counts items.
 * Returns 0 or -ENOMEM, leaving both alone. */
int twi_grow(void *array, size_t *capacity, size_t wanted, size_t size);
char *twi_strdup(const char *text);
char *twi_strndup(const char *text, size_t length);
/* asprintf(); NULL when there is no memory. */
char *twi_format(const char *format, ...) TW_PRINTF(1, 2);
char *twi_vformat(const char *format, va_list args);

/* Zeroed memory in place of a thread's variable, aligned to a cache line; NULL when there is none.
 * Static TLS is little where a library is loaded late. As TLS it does not come from the program's
 * allocator: it stays until the thread's end, which would look like a leak. */
void *twi_thread_block_new(size_t size);
void twi_thread_block_free(void *block);

/* Ask for huge pages for a block of megabytes that is accessed in no order, so that not every
 * access misses the page tables' cache too. Only advice. */
void twi_advise_huge(void *block, size_t size);

/* True if tw_set_allocator() has installed another allocator. Only then do the files that see
 * libevent, OpenSSL, c-ares, ... hand it on to these libraries: otherwise nothing process-wide
 * is changed. */
bool twi_alloc_is_replaced(void);

#endif
