/* SPDX-License-Identifier: MIT */
/*
 * regex.h - regular expressions by PCRE2, with limits.
 *
 * Texts are UTF-8, and classes such as \w and \d know Unicode, as in Python. A match that takes too
 * many steps or too much memory ends with a limit; it neither hangs nor crashes.
 */
#ifndef SPIDER_TEXT_REGEX_H
#define SPIDER_TEXT_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#include "spider/text/arena.h"

struct twi_regex;

struct twi_regex_error {
    bool is_memory; /* nothing is wrong but that there is none */
    size_t at;      /* character, from 1 */
    char why[160];
};
enum twi_regex_flags { TWI_REGEX_ANY_CASE = 1 };
/* The pattern is PCRE2's; Python's \u, \U, \Z (the very end), {,N} and (?u) are known too.
 * NULL with *error filled in; to be freed. */
struct twi_regex *twi_regex_compile(const char *pattern, size_t length, unsigned flags,
                                    struct twi_regex_error *error);
void twi_regex_free(struct twi_regex *regex);

/* The pattern with Python's forms in PCRE2's, up to `most` bytes of it; the length of the part
 * of the pattern that it stands for. */
size_t twi_regex_from_python(const char *pattern, size_t length, size_t most,
                             struct twi_text *out);

/* A part of the subject; start -1: the group took no part. */
struct twi_regex_span {
    ptrdiff_t start, end;
};
enum twi_regex_result { TWI_REGEX_NONE, TWI_REGEX_FOUND, TWI_REGEX_LIMIT };
/* The next match at or behind `from`. `not_empty`: none that is empty, at `from`: for the search
 * behind an empty match. */
enum twi_regex_result twi_regex_find(struct twi_regex *regex, const char *subject,
                                     size_t length, size_t from, bool not_empty);
/* Of the last match: group 0 is all of it. */
struct twi_regex_span twi_regex_group(const struct twi_regex *regex, unsigned group);
/* How many groups there are, without 0. */
unsigned twi_regex_groups(const struct twi_regex *regex);
/* The number of a named group; -1: there is none. */
int twi_regex_named(const struct twi_regex *regex, const char *name);

/* Called for each text that is found, in order; false ends it. */
typedef bool twi_regex_take(const char *data, size_t length, void *arg);
/* parsel's rule: of the first match the group `extract`, if there is one; else of each match all
 * groups (empty ones that took no part), or all of it if there are none. False: a limit. */
bool twi_regex_extract(struct twi_regex *regex, const char *subject, size_t length,
                       twi_regex_take *take, void *arg);

/* Replace the first match, or all. In `by`, \N and \g<N> are groups, as in Python. False: limit. */
bool twi_regex_replace(struct twi_regex *regex, const char *subject, size_t length,
                       const char *by, bool all, struct twi_text *out);

/* The text in lower case, as Unicode has it, by an expression that matches anything ("(?s).+").
 * False: a limit. */
bool twi_regex_lower(struct twi_regex *any, const char *text, size_t length,
                     struct twi_text *out);

#endif
