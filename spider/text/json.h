/* SPDX-License-Identifier: MIT */
/*
 * json.h - JSON values in an arena (RFC 8259).
 *
 * Our own, as nothing packaged keeps all that pages and items hold: the order of members, numbers
 * as they are written (64-bit integers, many digits), NUL and lone surrogates in strings.
 */
#ifndef SPIDER_TEXT_JSON_H
#define SPIDER_TEXT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spider/text/arena.h"

enum twi_json_kind {
    TWI_JSON_NULL,
    TWI_JSON_FALSE,
    TWI_JSON_TRUE,
    TWI_JSON_NUMBER, /* `text` as it is written */
    TWI_JSON_STRING, /* `text` decoded: UTF-8, surrogates as such */
    TWI_JSON_LIST,
    TWI_JSON_OBJECT
};

/* A value, and where it stands: members of lists and objects are chained. */
struct twi_json {
    enum twi_json_kind kind;
    const char *text; /* with a NUL behind it */
    size_t length;
    struct twi_json *first, *last; /* of a list or an object */
    struct twi_json *next;
    const char *key; /* of a member of an object; with a NUL behind it */
    size_t key_length;
};

/* --- reading ------------------------------------------------------------------------------- */

struct twi_json_error {
    size_t at;       /* byte */
    const char *why; /* static */
};
/* One value with nothing but white space around it, at most 1,000 levels deep. NULL with *error
 * filled in when it is none, or when the arena failed. Bytes that are no UTF-8 become U+FFFD. */
struct twi_json *twi_json_read(struct twi_arena *arena, const char *data, size_t length,
                               struct twi_json_error *error);

/* The last member of that name of an object; NULL if it has none, or is no object. */
struct twi_json *twi_json_member(const struct twi_json *object, const char *name);
bool twi_json_is_text(const struct twi_json *value, const char *text);
/* The string's, number's or word's text as a program would print it; NULL for lists and objects. */
const char *twi_json_text(const struct twi_json *value);

/* --- making -------------------------------------------------------------------------------- */

/* Each NULL when the arena has failed; and NULL may be given for any value: then nothing happens,
 * so that who builds looks once, at `arena->failed`. */
struct twi_json *twi_json_new(struct twi_arena *arena, enum twi_json_kind kind);
struct twi_json *twi_json_string(struct twi_arena *arena, const char *data, size_t length);
struct twi_json *twi_json_boolean(struct twi_arena *arena, bool boolean);
struct twi_json *twi_json_integer(struct twi_arena *arena, int64_t integer);
/* The shortest text that reads back as the same; null if it is not finite. */
struct twi_json *twi_json_double(struct twi_arena *arena, double number);
/* Append to a list. Returns `value`. */
struct twi_json *twi_json_append(struct twi_json *list, struct twi_json *value);
/* Add a member to an object; `key` is lent and must live as long. Returns `value`. */
struct twi_json *twi_json_put(struct twi_json *object, const char *key,
                              struct twi_json *value);
/* The same with a string; NULL is null. */
void twi_json_put_string(struct twi_arena *arena, struct twi_json *object, const char *key,
                         const char *string);

/* --- writing ------------------------------------------------------------------------------- */

/* Without white space; ASCII but for characters of UTF-8, which stand as they are; lone surrogates
 * as \u escapes. */
void twi_json_write(struct twi_text *text, const struct twi_json *value);
void twi_json_write_string(struct twi_text *text, const char *data, size_t length);

#endif
