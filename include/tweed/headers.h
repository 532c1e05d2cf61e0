/* SPDX-License-Identifier: MIT */
/*
 * headers.h - HTTP header fields: ordered, several of a name, names compared without case.
 *
 * After Twisted's http_headers.Headers; field syntax by RFC 9110, 5.
 */
#ifndef TWEED_HEADERS_H
#define TWEED_HEADERS_H

#include <tweed/value.h>

TW_BEGIN

typedef struct tw_headers tw_headers;

TW_API TW_MUST_USE tw_headers *tw_headers_new(void); /* NULL: no memory */
TW_API TW_MUST_USE tw_headers *tw_headers_copy(const tw_headers *headers);
TW_API void tw_headers_free(tw_headers *headers);
/* Append a field (add), or replace all of that name by one (set). Text is copied, white space
 * around the value is dropped. Returns 0, -EINVAL (a name that is no token; CR, LF or NUL in
 * the value), -ENOMEM. */
TW_API int tw_headers_add(tw_headers *headers, const char *name, const char *value);
TW_API int tw_headers_add_n(tw_headers *headers, const char *name, size_t name_length,
                            const char *value, size_t value_length);
TW_API int tw_headers_set(tw_headers *headers, const char *name, const char *value);
/* Remove all of that name; returns how many. */
TW_API size_t tw_headers_remove(tw_headers *headers, const char *name);
/* The first value; NULL if none. Lent until the next change. */
TW_API const char *tw_headers_get(const tw_headers *headers, const char *name);
TW_API bool tw_headers_has(const tw_headers *headers, const char *name);
/* All values of that name as one list, joined by ", " (RFC 9110, 5.3): bytes, or none if there is
 * no such field, or tw_error_memory. Set-Cookie is no list; look at each with tw_headers_at(). */
TW_API TW_MUST_USE tw_value tw_headers_list(const tw_headers *headers, const char *name);
/* True if the comma-separated list of all values of `name` has `token`, in any case of letters. */
TW_API bool tw_headers_has_token(const tw_headers *headers, const char *name,
                                 const char *token);
/* The index-th field in order of arrival; false beyond the end. */
TW_API bool tw_headers_at(const tw_headers *headers, size_t index, const char **ret_name,
                          const char **ret_value);
TW_API size_t tw_headers_count(const tw_headers *headers);

/* --- dates in fields ---------------------------------------------------------------------- */

/* Read a date (RFC 9110, 5.6.7, all three formats; white space around is allowed) as seconds since
 * 1970, UTC. A year of two digits is 1970 to 2069. Returns 0 or -EINVAL. */
TW_API int tw_http_date_parse(const char *text, size_t length, int64_t *ret_seconds);

TW_END
#endif
