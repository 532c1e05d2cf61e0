/* SPDX-License-Identifier: MIT */
/*
 * headers.h - the inside of header fields: one text, one array, small ones without allocation.
 *
 * Names and values stand in one text, each followed by a NUL, so that getters lend them as they
 * are. Names that are asked for often have a number, found once when the field comes in: looking
 * one up compares bytes, and one bit says that there is none.
 */
#ifndef WEB_HTTP_HEADERS_H
#define WEB_HTTP_HEADERS_H

#include <tweed/headers.h>

#include "base/buf.h"

/* Numbers of common names; sorted by length, the most common first, as the table in headers.c. */
enum twi_header {
    TWI_HEADER_OTHER,
    TWI_HEADER_TE,
    TWI_HEADER_AGE,
    TWI_HEADER_VIA,
    TWI_HEADER_HOST,
    TWI_HEADER_DATE,
    TWI_HEADER_ETAG,
    TWI_HEADER_VARY,
    TWI_HEADER_LINK,
    TWI_HEADER_FROM,
    TWI_HEADER_ALLOW,
    TWI_HEADER_RANGE,
    TWI_HEADER_ACCEPT,
    TWI_HEADER_COOKIE,
    TWI_HEADER_EXPECT,
    TWI_HEADER_ORIGIN,
    TWI_HEADER_PRAGMA,
    TWI_HEADER_SERVER,
    TWI_HEADER_EXPIRES,
    TWI_HEADER_REFERER,
    TWI_HEADER_TRAILER,
    TWI_HEADER_UPGRADE,
    TWI_HEADER_IF_MATCH,
    TWI_HEADER_IF_RANGE,
    TWI_HEADER_LOCATION,
    TWI_HEADER_CONNECTION,
    TWI_HEADER_KEEP_ALIVE,
    TWI_HEADER_SET_COOKIE,
    TWI_HEADER_USER_AGENT,
    TWI_HEADER_RETRY_AFTER,
    TWI_HEADER_CONTENT_TYPE,
    TWI_HEADER_ACCEPT_RANGES,
    TWI_HEADER_AUTHORIZATION,
    TWI_HEADER_CACHE_CONTROL,
    TWI_HEADER_CONTENT_RANGE,
    TWI_HEADER_IF_NONE_MATCH,
    TWI_HEADER_LAST_MODIFIED,
    TWI_HEADER_CONTENT_LENGTH,
    TWI_HEADER_ACCEPT_ENCODING,
    TWI_HEADER_ACCEPT_LANGUAGE,
    TWI_HEADER_CONTENT_LANGUAGE,
    TWI_HEADER_CONTENT_ENCODING,
    TWI_HEADER_CONTENT_LOCATION,
    TWI_HEADER_PROXY_CONNECTION,
    TWI_HEADER_WWW_AUTHENTICATE,
    TWI_HEADER_IF_MODIFIED_SINCE,
    TWI_HEADER_TRANSFER_ENCODING,
    TWI_HEADER_PROXY_AUTHENTICATE,
    TWI_HEADER_CONTENT_DISPOSITION,
    TWI_HEADER_IF_UNMODIFIED_SINCE,
    TWI_HEADER_PROXY_AUTHORIZATION,
    TWI_HEADER_STRICT_TRANSPORT_SECURITY,
    TWI_HEADER_COUNT
};

struct twi_field {
    uint32_t name, value; /* places in the text; the name ends one byte before the value */
    uint32_t value_length;
    uint8_t id;
};

struct tw_headers {
    char *text;
    struct twi_field *fields;
    uint32_t text_length, text_size, kept, wasted, count, capacity;
    uint64_t present; /* a bit for each numbered name; bit 0: some other */
    struct twi_field own_fields[14];
    char own_text[464];
};

void twi_headers_init(tw_headers *headers);
void twi_headers_release(tw_headers *headers); /* the memory of its members, not its own */
/* No fields, keeping the memory of ordinary ones. */
void twi_headers_clear(tw_headers *headers);

enum twi_header twi_header_id(const char *name, size_t length);
const char *twi_header_name(enum twi_header id); /* lower case */

/* Append a field that has been checked already. 0 or -ENOMEM. */
int twi_headers_append(tw_headers *headers, enum twi_header id, const char *name,
                       size_t name_length, const char *value, size_t value_length);
/* Go on with the last value after a space: a folded line. 0 or -ENOMEM. */
int twi_headers_extend(tw_headers *headers, const char *text, size_t length);
/* Keep some other text before the first field comes. Its place, or -ENOMEM. */
int64_t twi_headers_keep(tw_headers *headers, const char *text, size_t length);
static inline const char *twi_headers_text(const tw_headers *headers, size_t place)
{
    return headers->text + place;
}

static inline bool twi_headers_has(const tw_headers *headers, enum twi_header id)
{
    return (headers->present & (UINT64_C(1) << id)) != 0;
}
/* The first field with this number; NULL if none. */
const struct twi_field *twi_headers_find(const tw_headers *headers, enum twi_header id);
/* The next one with the same number, in order of arrival; NULL if none. */
const struct twi_field *twi_headers_next(const tw_headers *headers,
                                         const struct twi_field *after);
/* Its value; NULL if none. */
const char *twi_headers_value(const tw_headers *headers, enum twi_header id);
/* All values of that name as one list, appended to `list`. 0 or -ENOMEM. */
int twi_headers_list(const tw_headers *headers, enum twi_header id, struct twi_buf *list);

/*
 * The elements of a comma-separated list (RFC 9110, 5.6.1): white space around them is cut,
 * empty ones are skipped, a comma in a quoted string does not count.
 *
 *     struct twi_elements list = { text, text + length, NULL, 0 };
 *     while (twi_elements_next(&list))
 *         use(list.element, list.length);
 */
struct twi_elements {
    const char *at, *end;
    const char *element;
    size_t length;
};
bool twi_elements_next(struct twi_elements *list);
/* True if the list has `token`, in any case of letters. */
bool twi_list_has_token(const char *list, size_t length, const char *token,
                        size_t token_length);

#endif
