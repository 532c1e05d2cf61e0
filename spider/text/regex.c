/* SPDX-License-Identifier: MIT */
/*
 * regex.c - regular expressions by PCRE2: compiled just in time, bounded in steps and memory.
 */
#include "config.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "spider/text/regex.h"

#define MOST_STEPS 10000000
#define MOST_DEPTH 100000
#define MOST_HEAP_KIB (64 * 1024)
#define JIT_STACK ((size_t)1 << 20)

struct twi_regex {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
    pcre2_jit_stack *stack;
    uint32_t groups;
};

static size_t count_to(const char *text, size_t end)
{
    size_t count = 1;

    for (size_t i = 0; i < end; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

/* Where in the pattern, as it was given, a place of PCRE2's form of it is. */
static size_t place_in(const char *pattern, size_t length, size_t at, struct twi_arena *arena)
{
    struct twi_text text = { .arena = arena };
    size_t place = twi_regex_from_python(pattern, length, at, &text);

    return count_to(pattern, place);
}

static pcre2_code *code_compile(const char *pattern, size_t length, unsigned flags,
                                struct twi_arena *arena, struct twi_regex_error *error)
{
    struct twi_text text = { .arena = arena };
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    pcre2_code *code = NULL;
    int number = PCRE2_ERROR_NOMEMORY;
    size_t at = 0;
    uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF;

    if (flags & TWI_REGEX_ANY_CASE)
        options |= PCRE2_CASELESS;
    twi_regex_from_python(pattern, length, SIZE_MAX, &text);
    if (context != NULL && !arena->failed) {
        pcre2_set_newline(context, PCRE2_NEWLINE_LF);
        code = pcre2_compile((PCRE2_SPTR)twi_text_string(&text), text.length, options, &number,
                             &at, context);
    }
    pcre2_compile_context_free(context);
    if (code == NULL && !arena->failed && number != PCRE2_ERROR_HEAP_FAILED &&
        number != PCRE2_ERROR_NOMEMORY) {
        error->is_memory = false;
        pcre2_get_error_message(number, (PCRE2_UCHAR *)error->why, sizeof error->why);
        error->at = place_in(pattern, length, at, arena);
    }
    return code;
}

struct twi_regex *twi_regex_compile(const char *pattern, size_t length, unsigned flags,
                                    struct twi_regex_error *error)
{
    struct twi_regex *regex = calloc(1, sizeof *regex);
    struct twi_arena arena;

    *error = (struct twi_regex_error){ .is_memory = true, .at = 1 };
    snprintf(error->why, sizeof error->why, "out of memory");
    if (regex == NULL)
        return NULL;
    twi_arena_init(&arena, 0);
    regex->code = code_compile(pattern, length, flags, &arena, error);
    twi_arena_free(&arena);
    if (regex->code == NULL) {
        free(regex);
        return NULL;
    }
    pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);
    pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &regex->groups);
    regex->match = pcre2_match_data_create_from_pattern(regex->code, NULL);
    regex->limits = pcre2_match_context_create(NULL);
    regex->stack = pcre2_jit_stack_create(32 * 1024, JIT_STACK, NULL);
    if (regex->match == NULL || regex->limits == NULL || regex->stack == NULL) {
        twi_regex_free(regex);
        return NULL;
    }
    pcre2_set_match_limit(regex->limits, MOST_STEPS);
    pcre2_set_depth_limit(regex->limits, MOST_DEPTH);
    pcre2_set_heap_limit(regex->limits, MOST_HEAP_KIB);
    pcre2_jit_stack_assign(regex->limits, NULL, regex->stack);
    return regex;
}

void twi_regex_free(struct twi_regex *regex)
{
    if (regex == NULL)
        return;
    pcre2_match_data_free(regex->match);
    pcre2_match_context_free(regex->limits);
    pcre2_jit_stack_free(regex->stack);
    pcre2_code_free(regex->code);
    free(regex);
}

enum twi_regex_result twi_regex_find(struct twi_regex *regex, const char *subject,
                                     size_t length, size_t from, bool not_empty)
{
    int r;

    if (from > length)
        return TWI_REGEX_NONE;
    r = pcre2_match(regex->code, (PCRE2_SPTR)subject, length, from,
                    not_empty ? PCRE2_NOTEMPTY_ATSTART : 0, regex->match, regex->limits);
    if (r >= 0)
        return TWI_REGEX_FOUND;
    return r == PCRE2_ERROR_NOMATCH ? TWI_REGEX_NONE : TWI_REGEX_LIMIT;
}

struct twi_regex_span twi_regex_group(const struct twi_regex *regex, unsigned group)
{
    const size_t *ends = pcre2_get_ovector_pointer(regex->match);

    if (group >= pcre2_get_ovector_count(regex->match) || ends[2 * group] == PCRE2_UNSET)
        return (struct twi_regex_span){ -1, -1 };
    /* \K in a lookahead can put the start behind the end. */
    if (ends[2 * group] > ends[2 * group + 1])
        return (struct twi_regex_span){ (ptrdiff_t)ends[2 * group],
                                        (ptrdiff_t)ends[2 * group] };
    return (struct twi_regex_span){ (ptrdiff_t)ends[2 * group],
                                    (ptrdiff_t)ends[2 * group + 1] };
}

unsigned twi_regex_groups(const struct twi_regex *regex)
{
    return regex->groups;
}

int twi_regex_named(const struct twi_regex *regex, const char *name)
{
    int number = pcre2_substring_number_from_name(regex->code, (PCRE2_SPTR)name);

    return number > 0 ? number : -1;
}

/* --- parsel's rule ------------------------------------------------------------------------- */

static bool take_group(const struct twi_regex *regex, unsigned group, const char *subject,
                       twi_regex_take *take, void *arg)
{
    struct twi_regex_span span = twi_regex_group(regex, group);

    return span.start < 0 ? take("", 0, arg)
                          : take(subject + span.start, (size_t)(span.end - span.start), arg);
}

static bool take_match(const struct twi_regex *regex, const char *subject,
                       twi_regex_take *take, void *arg)
{
    bool goes_on = true;

    if (regex->groups == 0)
        return take_group(regex, 0, subject, take, arg);
    for (unsigned i = 1; i <= regex->groups && goes_on; i++)
        goes_on = take_group(regex, i, subject, take, arg);
    return goes_on;
}

bool twi_regex_extract(struct twi_regex *regex, const char *subject, size_t length,
                       twi_regex_take *take, void *arg)
{
    int extract = twi_regex_named(regex, "extract");
    enum twi_regex_result result = twi_regex_find(regex, subject, length, 0, false);

    if (extract > 0) {
        if (result == TWI_REGEX_FOUND && twi_regex_group(regex, (unsigned)extract).start >= 0)
            take_group(regex, (unsigned)extract, subject, take, arg);
        return result != TWI_REGEX_LIMIT;
    }
    while (result == TWI_REGEX_FOUND) {
        struct twi_regex_span all = twi_regex_group(regex, 0);
        if (!take_match(regex, subject, take, arg))
            return true;
        result = twi_regex_find(regex, subject, length, (size_t)all.end, all.start == all.end);
    }
    return result != TWI_REGEX_LIMIT;
}

/* --- replacing ----------------------------------------------------------------------------- */

static void put_group(const struct twi_regex *regex, const char *subject, int group,
                      struct twi_text *out)
{
    struct twi_regex_span span = { -1, -1 };

    if (group >= 0)
        span = twi_regex_group(regex, (unsigned)group);
    if (span.start >= 0)
        twi_text_add(out, subject + span.start, (size_t)(span.end - span.start));
}

/* \g<NAME> or \g<N>; where it ends, or NULL when it is none. */
static const char *put_named(const struct twi_regex *regex, const char *subject,
                             const char *at, struct twi_text *out)
{
    const char *close = at[0] == 'g' && at[1] == '<' ? strchr(at, '>') : NULL;
    char name[64];
    size_t length = close != NULL ? (size_t)(close - at - 2) : 0;
    char *end;
    long number;

    if (close == NULL || length == 0 || length >= sizeof name)
        return NULL;
    memcpy(name, at + 2, length);
    name[length] = 0;
    number = strtol(name, &end, 10);
    put_group(regex, subject,
              *end == 0 && number >= 0 && number < 65536 ? (int)number
                                                         : twi_regex_named(regex, name),
              out);
    return close + 1;
}

static void put_replacement(const struct twi_regex *regex, const char *subject, const char *by,
                            struct twi_text *out)
{
    while (*by != 0) {
        const char *end = *by == '\\' ? put_named(regex, subject, by + 1, out) : NULL;
        if (end != NULL) {
            by = end;
        } else if (*by == '\\' && by[1] >= '0' && by[1] <= '9') {
            int group = *++by - '0';
            if (by[1] >= '0' && by[1] <= '9')
                group = group * 10 + (*++by - '0');
            put_group(regex, subject, group, out);
            by++;
        } else if (*by == '\\' && (by[1] == 'n' || by[1] == 't' || by[1] == '\\')) {
            twi_text_putc(out, by[1] == 'n' ? '\n' : by[1] == 't' ? '\t' : '\\');
            by += 2;
        } else {
            twi_text_putc(out, *by++);
        }
    }
}

bool twi_regex_replace(struct twi_regex *regex, const char *subject, size_t length,
                       const char *by, bool all, struct twi_text *out)
{
    enum twi_regex_result result = twi_regex_find(regex, subject, length, 0, false);
    size_t from = 0;

    while (result == TWI_REGEX_FOUND && !out->arena->failed) {
        struct twi_regex_span span = twi_regex_group(regex, 0);
        if ((size_t)span.start > from)
            twi_text_add(out, subject + from, (size_t)span.start - from);
        put_replacement(regex, subject, by, out);
        from = (size_t)span.end;
        if (!all)
            break;
        result = twi_regex_find(regex, subject, length, from, span.start == span.end);
    }
    twi_text_add(out, subject + from, length - from);
    return result != TWI_REGEX_LIMIT;
}

/* --- letters ------------------------------------------------------------------------------- */

static bool lower_ascii(const char *text, size_t length, struct twi_text *out)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] >= 0x80)
            return false;
    for (size_t i = 0; i < length; i++)
        twi_text_putc(out, twi_lower(text[i]));
    return true;
}

/* PCRE2 knows the cases of all letters, and changes them in a replacement. */
bool twi_regex_lower(struct twi_regex *any, const char *text, size_t length,
                     struct twi_text *out)
{
    static const char by[] = "\\L$0";
    uint32_t options = PCRE2_SUBSTITUTE_EXTENDED | PCRE2_SUBSTITUTE_GLOBAL |
                       PCRE2_SUBSTITUTE_OVERFLOW_LENGTH;
    size_t room = length + length / 4 + 16;
    int r = PCRE2_ERROR_NOMEMORY;

    if (lower_ascii(text, length, out))
        return true;
    for (int tries = 0; tries < 2 && r == PCRE2_ERROR_NOMEMORY; tries++) {
        char *lower = twi_arena_alloc(out->arena, room);
        size_t made = room;
        if (lower == NULL)
            return true;
        r = pcre2_substitute(any->code, (PCRE2_SPTR)text, length, 0, options, any->match,
                             any->limits, (PCRE2_SPTR)by, sizeof by - 1, (PCRE2_UCHAR *)lower,
                             &made);
        if (r >= 0)
            twi_text_add(out, lower, made);
        room = made;
    }
    return r >= 0;
}
