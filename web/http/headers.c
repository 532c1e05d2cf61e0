/* SPDX-License-Identifier: MIT */
/*
 * headers.c - header fields in one text and one array.
 *
 * Fields that are replaced or removed stay in the text as waste; when the text has to grow, the
 * others are copied and the waste is left. The old text is freed last, because the field being
 * appended may lie in it.
 */
#include "config.h"

#include <errno.h>

#include "base/ascii.h"
#include "web/http/headers.h"
#include "web/http/syntax.h"

/* Field text of one message; far above every limit, below what the 32-bit places hold. */
#define TEXT_MAX (UINT32_C(1) << 30)

/* By number, therefore by length. */
static const char names[TWI_HEADER_COUNT][32] = {
    [TWI_HEADER_TE] = "te",
    [TWI_HEADER_AGE] = "age",
    [TWI_HEADER_VIA] = "via",
    [TWI_HEADER_HOST] = "host",
    [TWI_HEADER_DATE] = "date",
    [TWI_HEADER_ETAG] = "etag",
    [TWI_HEADER_VARY] = "vary",
    [TWI_HEADER_LINK] = "link",
    [TWI_HEADER_FROM] = "from",
    [TWI_HEADER_ALLOW] = "allow",
    [TWI_HEADER_RANGE] = "range",
    [TWI_HEADER_ACCEPT] = "accept",
    [TWI_HEADER_COOKIE] = "cookie",
    [TWI_HEADER_EXPECT] = "expect",
    [TWI_HEADER_ORIGIN] = "origin",
    [TWI_HEADER_PRAGMA] = "pragma",
    [TWI_HEADER_SERVER] = "server",
    [TWI_HEADER_EXPIRES] = "expires",
    [TWI_HEADER_REFERER] = "referer",
    [TWI_HEADER_TRAILER] = "trailer",
    [TWI_HEADER_UPGRADE] = "upgrade",
    [TWI_HEADER_IF_MATCH] = "if-match",
    [TWI_HEADER_IF_RANGE] = "if-range",
    [TWI_HEADER_LOCATION] = "location",
    [TWI_HEADER_CONNECTION] = "connection",
    [TWI_HEADER_KEEP_ALIVE] = "keep-alive",
    [TWI_HEADER_SET_COOKIE] = "set-cookie",
    [TWI_HEADER_USER_AGENT] = "user-agent",
    [TWI_HEADER_RETRY_AFTER] = "retry-after",
    [TWI_HEADER_CONTENT_TYPE] = "content-type",
    [TWI_HEADER_ACCEPT_RANGES] = "accept-ranges",
    [TWI_HEADER_AUTHORIZATION] = "authorization",
    [TWI_HEADER_CACHE_CONTROL] = "cache-control",
    [TWI_HEADER_CONTENT_RANGE] = "content-range",
    [TWI_HEADER_IF_NONE_MATCH] = "if-none-match",
    [TWI_HEADER_LAST_MODIFIED] = "last-modified",
    [TWI_HEADER_CONTENT_LENGTH] = "content-length",
    [TWI_HEADER_ACCEPT_ENCODING] = "accept-encoding",
    [TWI_HEADER_ACCEPT_LANGUAGE] = "accept-language",
    [TWI_HEADER_CONTENT_LANGUAGE] = "content-language",
    [TWI_HEADER_CONTENT_ENCODING] = "content-encoding",
    [TWI_HEADER_CONTENT_LOCATION] = "content-location",
    [TWI_HEADER_PROXY_CONNECTION] = "proxy-connection",
    [TWI_HEADER_WWW_AUTHENTICATE] = "www-authenticate",
    [TWI_HEADER_IF_MODIFIED_SINCE] = "if-modified-since",
    [TWI_HEADER_TRANSFER_ENCODING] = "transfer-encoding",
    [TWI_HEADER_PROXY_AUTHENTICATE] = "proxy-authenticate",
    [TWI_HEADER_CONTENT_DISPOSITION] = "content-disposition",
    [TWI_HEADER_IF_UNMODIFIED_SINCE] = "if-unmodified-since",
    [TWI_HEADER_PROXY_AUTHORIZATION] = "proxy-authorization",
    [TWI_HEADER_STRICT_TRANSPORT_SECURITY] = "strict-transport-security",
};

/* The index at which the names of each length begin; the next entry is their end. */
#define LONGEST 25
static const uint8_t by_length[LONGEST + 2] = {
    [2] = TWI_HEADER_TE,
    [3] = TWI_HEADER_AGE,
    [4] = TWI_HEADER_HOST,
    [5] = TWI_HEADER_ALLOW,
    [6] = TWI_HEADER_ACCEPT,
    [7] = TWI_HEADER_EXPIRES,
    [8] = TWI_HEADER_IF_MATCH,
    [9] = TWI_HEADER_CONNECTION,
    [10] = TWI_HEADER_CONNECTION,
    [11] = TWI_HEADER_RETRY_AFTER,
    [12] = TWI_HEADER_CONTENT_TYPE,
    [13] = TWI_HEADER_ACCEPT_RANGES,
    [14] = TWI_HEADER_CONTENT_LENGTH,
    [15] = TWI_HEADER_ACCEPT_ENCODING,
    [16] = TWI_HEADER_CONTENT_LANGUAGE,
    [17] = TWI_HEADER_IF_MODIFIED_SINCE,
    [18] = TWI_HEADER_PROXY_AUTHENTICATE,
    [19] = TWI_HEADER_CONTENT_DISPOSITION,
    [20] = TWI_HEADER_STRICT_TRANSPORT_SECURITY,
    [21] = TWI_HEADER_STRICT_TRANSPORT_SECURITY,
    [22] = TWI_HEADER_STRICT_TRANSPORT_SECURITY,
    [23] = TWI_HEADER_STRICT_TRANSPORT_SECURITY,
    [24] = TWI_HEADER_STRICT_TRANSPORT_SECURITY,
    [25] = TWI_HEADER_STRICT_TRANSPORT_SECURITY,
    [26] = TWI_HEADER_COUNT,
};

/* --- names ------------------------------------------------------------------------------- */

/* `known` is lower case; a token's bytes match it without case once bit 5 is set. */
static inline bool same_8(const char *name, const char *known)
{
    return (twi_load_8(name) | UINT64_C(0x2020202020202020)) == twi_load_8(known);
}

static inline bool same_4(const char *name, const char *known)
{
    return (twi_load_4(name) | UINT32_C(0x20202020)) == twi_load_4(known);
}

/* At least two bytes, of which the ends are the same. The last word overlaps the one before. */
static bool same_known(const char *name, const char *known, size_t length)
{
    if (length < 4)
        return (name[1] | 0x20) == known[1];
    if (length < 8)
        return same_4(name, known) && same_4(name + length - 4, known + length - 4);
    for (size_t at = 0; at < length - 8; at += 8)
        if (!same_8(name + at, known + at))
            return false;
    return same_8(name + length - 8, known + length - 8);
}

enum twi_header twi_header_id(const char *name, size_t length)
{
    if (length < 2 || length > LONGEST)
        return TWI_HEADER_OTHER;
    for (unsigned id = by_length[length]; id < by_length[length + 1]; id++)
        if (names[id][0] == (name[0] | 0x20) &&
            names[id][length - 1] == (name[length - 1] | 0x20) &&
            same_known(name, names[id], length))
            return (enum twi_header)id;
    return TWI_HEADER_OTHER;
}

const char *twi_header_name(enum twi_header id)
{
    return names[id];
}

static size_t name_length_of(const struct twi_field *field)
{
    return field->value - field->name - 1;
}

static bool field_is(const tw_headers *headers, const struct twi_field *field,
                     enum twi_header id, const char *name, size_t length)
{
    if (field->id != id)
        return false;
    return id != TWI_HEADER_OTHER ||
           (name_length_of(field) == length &&
            twi_same_nocase(headers->text + field->name, length, name, length));
}

/* --- memory ------------------------------------------------------------------------------ */

void twi_headers_init(tw_headers *headers)
{
    headers->text = headers->own_text;
    headers->text_size = sizeof headers->own_text;
    headers->fields = headers->own_fields;
    headers->capacity = sizeof headers->own_fields / sizeof headers->own_fields[0];
    headers->text_length = headers->kept = headers->wasted = headers->count = 0;
    headers->present = 0;
}

void twi_headers_release(tw_headers *headers)
{
    if (headers->text != headers->own_text)
        twi_free(headers->text);
    if (headers->fields != headers->own_fields)
        twi_free(headers->fields);
}

void twi_headers_clear(tw_headers *headers)
{
    if (headers->text_length == 0 && headers->text == headers->own_text)
        return;
    twi_headers_release(headers);
    twi_headers_init(headers);
}

tw_headers *tw_headers_new(void)
{
    tw_headers *headers = twi_malloc(sizeof *headers);

    if (headers != NULL)
        twi_headers_init(headers);
    return headers;
}

void tw_headers_free(tw_headers *headers)
{
    if (headers == NULL)
        return;
    twi_headers_release(headers);
    twi_free(headers);
}

/* Copy the living fields into `text`, leaving out waste; the text of twi_headers_keep() comes
 * before every field and stays in its place. */
static void move_fields(tw_headers *headers, char *text)
{
    uint32_t at = headers->kept;

    memcpy(text, headers->text, at);
    for (uint32_t i = 0; i < headers->count; i++) {
        struct twi_field *field = &headers->fields[i];
        uint32_t name_size = field->value - field->name;

        memcpy(text + at, headers->text + field->name, name_size);
        memcpy(text + at + name_size, headers->text + field->value, field->value_length + 1);
        field->name = at;
        field->value = at + name_size;
        at += name_size + field->value_length + 1;
    }
    headers->text_length = at;
    headers->wasted = 0;
}

__attribute__((noinline)) /* ordinary fields shall not pay for it */
static int
text_grow(tw_headers *headers, size_t extra, char **ret_old)
{
    size_t alive = headers->text_length - headers->wasted, size = sizeof headers->own_text;
    char *text;

    if (extra > TEXT_MAX - headers->text_length)
        return -ENOMEM;
    while (size < (alive + extra) / 2 * 3)
        size *= 2;
    text = twi_malloc(size);
    if (text == NULL)
        return -ENOMEM;
    if (headers->wasted == 0)
        memcpy(text, headers->text, headers->text_length);
    else
        move_fields(headers, text);
    if (headers->text != headers->own_text)
        *ret_old = headers->text;
    headers->text = text;
    headers->text_size = (uint32_t)size;
    return 0;
}

/* Room for `extra` bytes of text. *ret_old is to be freed after the copying. */
static inline int reserve_text(tw_headers *headers, size_t extra, char **ret_old)
{
    *ret_old = NULL;
    return extra <= headers->text_size - headers->text_length
               ? 0
               : text_grow(headers, extra, ret_old);
}

__attribute__((noinline)) static int fields_grow(tw_headers *headers)
{
    struct twi_field *fields;
    uint32_t capacity = headers->capacity * 2;

    if (headers->fields != headers->own_fields) {
        fields = twi_realloc(headers->fields, capacity * sizeof *fields);
    } else {
        fields = twi_malloc(capacity * sizeof *fields);
        if (fields != NULL)
            memcpy(fields, headers->fields, headers->count * sizeof *fields);
    }
    if (fields == NULL)
        return -ENOMEM;
    headers->fields = fields;
    headers->capacity = capacity;
    return 0;
}

static inline void free_old(char *old)
{
    if (old != NULL)
        twi_free(old);
}

/* Write text and a NUL; returns the end. */
static inline char *put_text(char *at, const char *text, size_t length)
{
    memcpy(at, text, length);
    at[length] = '\0';
    return at + length + 1;
}

/* Append text and a NUL; there is room. */
static uint32_t headers_put(tw_headers *headers, const char *text, size_t length)
{
    uint32_t place = headers->text_length;

    put_text(headers->text + place, text, length);
    headers->text_length = place + (uint32_t)length + 1;
    return place;
}

/* --- appending --------------------------------------------------------------------------- */

int twi_headers_append(tw_headers *headers, enum twi_header id, const char *name,
                       size_t name_length, const char *value, size_t value_length)
{
    struct twi_field *field;
    char *old, *at;

    if (name_length > TEXT_MAX || value_length > TEXT_MAX ||
        (headers->count == headers->capacity && fields_grow(headers) < 0) ||
        reserve_text(headers, name_length + value_length + 2, &old) < 0)
        return -ENOMEM;
    at = headers->text + headers->text_length;
    field = &headers->fields[headers->count++];
    field->name = headers->text_length;
    field->value = field->name + (uint32_t)name_length + 1;
    field->value_length = (uint32_t)value_length;
    field->id = (uint8_t)id;
    headers->text_length = field->value + field->value_length + 1;
    headers->present |= UINT64_C(1) << id;
    at = put_text(at, name, name_length);
    put_text(at, value, value_length);
    free_old(old);
    return 0;
}

int twi_headers_extend(tw_headers *headers, const char *text, size_t length)
{
    struct twi_field *field;
    char *old;

    if (length == 0)
        return 0;
    if (length > TEXT_MAX || reserve_text(headers, length + 1, &old) < 0)
        return -ENOMEM;
    field = &headers->fields[headers->count - 1];
    if (field->value_length > 0)
        headers->text[headers->text_length - 1] = ' ';
    else
        headers->text_length--; /* over the NUL: a value has no space around it */
    headers_put(headers, text, length);
    field->value_length += (uint32_t)length + (field->value_length > 0);
    free_old(old);
    return 0;
}

int64_t twi_headers_keep(tw_headers *headers, const char *text, size_t length)
{
    uint32_t place;
    char *old;

    if (length > TEXT_MAX || reserve_text(headers, length + 1, &old) < 0)
        return -ENOMEM;
    place = headers_put(headers, text, length);
    headers->kept = headers->text_length;
    free_old(old);
    return place;
}

tw_headers *tw_headers_copy(const tw_headers *headers)
{
    tw_headers *copy = tw_headers_new();

    for (uint32_t i = 0; copy != NULL && i < headers->count; i++) {
        const struct twi_field *field = &headers->fields[i];

        if (twi_headers_append(copy, field->id, headers->text + field->name,
                               name_length_of(field), headers->text + field->value,
                               field->value_length) < 0) {
            tw_headers_free(copy);
            return NULL;
        }
    }
    return copy;
}

/* Cut white space around a value. */
static const char *headers_trim(const char *value, size_t *length)
{
    while (*length > 0 && twi_is_blank(*value)) {
        value++;
        (*length)--;
    }
    while (*length > 0 && twi_is_blank(value[*length - 1]))
        (*length)--;
    return value;
}

int tw_headers_add_n(tw_headers *headers, const char *name, size_t name_length,
                     const char *value, size_t value_length)
{
    if (!twi_http_is_token(name, name_length) || !twi_http_is_value(value, value_length))
        return -EINVAL;
    value = headers_trim(value, &value_length);
    return twi_headers_append(headers, twi_header_id(name, name_length), name, name_length,
                              value, value_length);
}

int tw_headers_add(tw_headers *headers, const char *name, const char *value)
{
    return tw_headers_add_n(headers, name, strlen(name), value, strlen(value));
}

/* --- replacing and removing -------------------------------------------------------------- */

/* Remove the fields of that name from index `from` on. */
static size_t remove_from(tw_headers *headers, uint32_t from, enum twi_header id,
                          const char *name, size_t length)
{
    uint32_t kept = from, before = headers->count;

    headers->present = 0;
    for (uint32_t i = 0; i < before; i++) {
        struct twi_field *field = &headers->fields[i];

        if (i >= from && field_is(headers, field, id, name, length)) {
            headers->wasted += field->value - field->name + field->value_length + 1;
            continue;
        }
        headers->present |= UINT64_C(1) << field->id;
        if (i >= from)
            headers->fields[kept++] = *field;
    }
    headers->count = kept;
    return before - kept;
}

size_t tw_headers_remove(tw_headers *headers, const char *name)
{
    size_t length = strlen(name);

    return remove_from(headers, 0, twi_header_id(name, length), name, length);
}

/* Give a field another value, in its place if it fits. */
static int headers_replace(tw_headers *headers, uint32_t index, const char *name,
                           size_t name_length, const char *value, size_t value_length)
{
    struct twi_field *field = &headers->fields[index];
    struct twi_field last;
    int r;

    if (value_length <= field->value_length) {
        memmove(headers->text + field->value, value, value_length);
        headers->text[field->value + value_length] = '\0';
        headers->wasted += field->value_length - (uint32_t)value_length;
        field->value_length = (uint32_t)value_length;
        return 0;
    }
    r = twi_headers_append(headers, field->id, name, name_length, value, value_length);
    if (r < 0)
        return r;
    last = headers->fields[--headers->count];
    field = &headers->fields[index];
    headers->wasted += field->value - field->name + field->value_length + 1;
    *field = last;
    return 0;
}

int tw_headers_set(tw_headers *headers, const char *name, const char *value)
{
    size_t name_length = strlen(name), value_length = strlen(value);
    enum twi_header id = twi_header_id(name, name_length);

    if (!twi_http_is_token(name, name_length) || !twi_http_is_value(value, value_length))
        return -EINVAL;
    value = headers_trim(value, &value_length);
    for (uint32_t i = 0; twi_headers_has(headers, id) && i < headers->count; i++) {
        if (!field_is(headers, &headers->fields[i], id, name, name_length))
            continue;
        remove_from(headers, i + 1, id, name, name_length);
        return headers_replace(headers, i, name, name_length, value, value_length);
    }
    return twi_headers_append(headers, id, name, name_length, value, value_length);
}

/* --- looking up -------------------------------------------------------------------------- */

static const struct twi_field *find_from(const tw_headers *headers, uint32_t from,
                                         enum twi_header id)
{
    for (uint32_t i = from; i < headers->count; i++)
        if (headers->fields[i].id == id)
            return &headers->fields[i];
    return NULL;
}

const struct twi_field *twi_headers_find(const tw_headers *headers, enum twi_header id)
{
    return twi_headers_has(headers, id) ? find_from(headers, 0, id) : NULL;
}

const struct twi_field *twi_headers_next(const tw_headers *headers,
                                         const struct twi_field *after)
{
    return find_from(headers, (uint32_t)(after - headers->fields) + 1, after->id);
}

const char *twi_headers_value(const tw_headers *headers, enum twi_header id)
{
    const struct twi_field *field = twi_headers_find(headers, id);

    return field == NULL ? NULL : headers->text + field->value;
}

static const struct twi_field *headers_find(const tw_headers *headers, const char *name)
{
    size_t length = strlen(name);
    enum twi_header id = twi_header_id(name, length);

    if (!twi_headers_has(headers, id))
        return NULL;
    for (uint32_t i = 0; i < headers->count; i++)
        if (field_is(headers, &headers->fields[i], id, name, length))
            return &headers->fields[i];
    return NULL;
}

const char *tw_headers_get(const tw_headers *headers, const char *name)
{
    const struct twi_field *field = headers_find(headers, name);

    return field == NULL ? NULL : headers->text + field->value;
}

bool tw_headers_has(const tw_headers *headers, const char *name)
{
    return headers_find(headers, name) != NULL;
}

/* The end of an element: its comma or the list's end. An unclosed string goes on to the end. */
static const char *element_end(const char *at, const char *end)
{
    bool quoted = false;

    for (; at < end && (quoted || *at != ','); at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (quoted && *at == '\\' && at + 1 < end)
            at++;
    }
    return at;
}

bool twi_elements_next(struct twi_elements *list)
{
    while (list->at < list->end) {
        const char *end = element_end(list->at, list->end);

        list->length = (size_t)(end - list->at);
        list->element = headers_trim(list->at, &list->length);
        list->at = end < list->end ? end + 1 : end;
        if (list->length > 0)
            return true;
    }
    return false;
}

bool twi_list_has_token(const char *list, size_t length, const char *token,
                        size_t token_length)
{
    struct twi_elements elements = { list, list + length, NULL, 0 };

    while (twi_elements_next(&elements))
        if (twi_same_nocase(elements.element, elements.length, token, token_length))
            return true;
    return false;
}

bool tw_headers_has_token(const tw_headers *headers, const char *name, const char *token)
{
    size_t length = strlen(name), token_length = strlen(token);
    enum twi_header id = twi_header_id(name, length);

    for (uint32_t i = 0; i < headers->count; i++) {
        const struct twi_field *field = &headers->fields[i];

        if (field_is(headers, field, id, name, length) &&
            twi_list_has_token(headers->text + field->value, field->value_length, token,
                               token_length))
            return true;
    }
    return false;
}

int twi_headers_list(const tw_headers *headers, enum twi_header id, struct twi_buf *list)
{
    int r = 0;

    for (uint32_t i = 0; i < headers->count && r == 0; i++) {
        const struct twi_field *field = &headers->fields[i];

        if (field->id != id)
            continue;
        if (list->length > 0)
            r = twi_buf_append(list, ", ", 2);
        if (r == 0)
            r = twi_buf_append(list, headers->text + field->value, field->value_length);
    }
    return r;
}

/* The length of all values of a name as one list; negative if there is none. */
static int64_t list_length(const tw_headers *headers, enum twi_header id, const char *name,
                           size_t length)
{
    int64_t sum = -2;

    for (uint32_t i = 0; i < headers->count; i++)
        if (field_is(headers, &headers->fields[i], id, name, length))
            sum += headers->fields[i].value_length + 2;
    return sum;
}

static void copy_to(char **at, const char *text, size_t length)
{
    memcpy(*at, text, length);
    *at += length;
}

tw_value tw_headers_list(const tw_headers *headers, const char *name)
{
    size_t length = strlen(name);
    enum twi_header id = twi_header_id(name, length);
    int64_t size = list_length(headers, id, name, length);
    tw_value list;
    char *at;

    if (size < 0)
        return tw_none();
    list = tw_bytes_new((size_t)size, &at);
    for (uint32_t i = 0, seen = 0; at != NULL && i < headers->count; i++) {
        const struct twi_field *field = &headers->fields[i];

        if (!field_is(headers, field, id, name, length))
            continue;
        if (seen++ > 0)
            copy_to(&at, ", ", 2);
        copy_to(&at, headers->text + field->value, field->value_length);
    }
    return list;
}

bool tw_headers_at(const tw_headers *headers, size_t index, const char **ret_name,
                   const char **ret_value)
{
    if (index >= headers->count)
        return false;
    *ret_name = headers->text + headers->fields[index].name;
    *ret_value = headers->text + headers->fields[index].value;
    return true;
}

size_t tw_headers_count(const tw_headers *headers)
{
    return headers->count;
}
