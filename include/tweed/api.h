/* SPDX-License-Identifier: MIT */
/*
 * api.h - the common ground of all public headers: export marks, attributes, TW_HERE.
 *
 * Plain functions return 0 or more on success and a negative errno on failure. Failures that
 * travel along a Deferred are values, see failure.h.
 */
#ifndef TWEED_API_H
#define TWEED_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define TW_BEGIN extern "C" {
#define TW_END }
#else
#define TW_BEGIN
#define TW_END
#endif

#define TW_API __attribute__((__visibility__("default")))
#define TW_MUST_USE __attribute__((__warn_unused_result__))
#define TW_PRINTF(format_, first_) __attribute__((__format__(__printf__, format_, first_)))

/* "file:line" of the place where it is written; static storage. */
#define TW_HERE __FILE__ ":" TW_STRING_(__LINE__)
#define TW_STRING_(line) TW_STRING__(line)
#define TW_STRING__(line) #line

/* Called once with an argument that its holder no longer needs. */
typedef void tw_release_fn(void *arg);

#endif
