/* SPDX-License-Identifier: MIT */
/*
 * query.c - the pairs of a query: read, replaced, picked out.
 *
 * Names are looked up in sorted arrays, so a query of a hundred thousand pairs costs no more a pair
 * than a short one.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "spider/text/query.h"

bool twi_query_next(struct twi_span *rest, char separator, struct twi_pair *pair)
{
    size_t length, equals;

    while (rest->length > 0 && rest->text[0] == separator)
        *rest = twi_span_from(*rest, 1);
    if (rest->length == 0)
        return false;
    length = twi_span_find(*rest, separator);
    pair->whole = twi_span_first(*rest, length);
    *rest = twi_span_from(*rest, length);
    equals = twi_span_find(pair->whole, '=');
    pair->name = twi_span_first(pair->whole, equals);
    pair->value = twi_span_from(pair->whole, equals < length ? equals + 1 : equals);
    return true;
}

size_t twi_query_count(struct twi_span query, char separator)
{
    size_t count = 1, at;

    while ((at = twi_span_find(query, separator)) < query.length) {
        query = twi_span_from(query, at + 1);
        count++;
    }
    return count;
}

/* --- the form of names and values ---------------------------------------------------------- */

struct twi_span twi_query_decode(struct twi_arena *arena, struct twi_span text)
{
    char *decoded = twi_arena_alloc(arena, text.length + 1), *to = decoded;

    if (decoded == NULL)
        return (struct twi_span){ "", 0 };
    for (size_t i = 0; i < text.length; i++) {
        char c = text.text[i];
        if (c == '%' && text.length - i > 2 && twi_hex(text.text[i + 1]) >= 0 &&
            twi_hex(text.text[i + 2]) >= 0) {
            c = (char)(twi_hex(text.text[i + 1]) * 16 + twi_hex(text.text[i + 2]));
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        *to++ = c;
    }
    *to = 0;
    return (struct twi_span){ decoded, (size_t)(to - decoded) };
}

void twi_query_encode(struct twi_text *text, struct twi_span data)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < data.length; i++) {
        unsigned char c = (unsigned char)data.text[i];
        if (twi_is_alpha((char)c) || twi_is_digit((char)c) ||
            (c != 0 && strchr("_.-~", c) != NULL)) {
            twi_text_putc(text, (char)c);
        } else if (c == ' ') {
            twi_text_putc(text, '+');
        } else {
            const char escape[3] = { '%', digits[c >> 4], digits[c & 15] };
            twi_text_add(text, escape, 3);
        }
    }
}

struct twi_url_text twi_url_cut(struct twi_span url)
{
    size_t hash = twi_span_find(url, '#');
    struct twi_span front = twi_span_first(url, hash);
    size_t mark = twi_span_find(front, '?');

    return (struct twi_url_text){
        .before = twi_span_first(front, mark),
        .query = twi_span_from(front, mark < front.length ? mark + 1 : mark),
        .fragment = twi_span_from(url, hash),
    };
}

/* --- names in order ------------------------------------------------------------------------ */

static int span_compare(struct twi_span a, struct twi_span b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter > 0 ? memcmp(a.text, b.text, shorter) : 0;

    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int compare_spans(const void *a, const void *b)
{
    const struct twi_span *left = a, *right = b;

    return span_compare(*left, *right);
}

static int compare_value_names(const void *a, const void *b)
{
    const struct twi_query_value *left = a, *right = b;

    return span_compare(left->name, right->name);
}

static int compare_values(const void *a, const void *b)
{
    const struct twi_query_value *left = a, *right = b;
    int order = compare_value_names(a, b);

    return order != 0 ? order : (left->place > right->place) - (left->place < right->place);
}

static int compare_value_places(const void *a, const void *b)
{
    const struct twi_query_value *left = a, *right = b;

    return (left->place > right->place) - (left->place < right->place);
}

/* --- one value ----------------------------------------------------------------------------- */

bool twi_query_get(struct twi_arena *arena, struct twi_span url, char separator,
                   struct twi_span name, struct twi_span *ret_value)
{
    struct twi_span rest = twi_url_cut(url).query;
    struct twi_pair pair;

    while (twi_query_next(&rest, separator, &pair)) {
        if (pair.name.length < name.length ||
            span_compare(twi_query_decode(arena, pair.name), name) != 0)
            continue;
        *ret_value = twi_query_decode(arena, pair.value);
        return true;
    }
    return false;
}

/* --- setting ------------------------------------------------------------------------------- */

/* A query being written. */
struct query_writer {
    struct twi_text out;
    char separator;
    bool has_pairs;
};

static void writer_start_pair(struct query_writer *writer)
{
    twi_text_putc(&writer->out, writer->has_pairs ? writer->separator : '?');
    writer->has_pairs = true;
}

static void writer_copy(struct query_writer *writer, const struct twi_pair *pair)
{
    writer_start_pair(writer);
    twi_text_add(&writer->out, pair->whole.text, pair->whole.length);
}

/* Once. */
static void writer_put_value(struct query_writer *writer, struct twi_query_value *value)
{
    if (!value->is_done && !value->is_absent) {
        writer_start_pair(writer);
        twi_query_encode(&writer->out, value->name);
        twi_text_putc(&writer->out, '=');
        twi_query_encode(&writer->out, value->value);
    }
    value->is_done = true;
}

static struct twi_span writer_end(struct query_writer *writer, struct twi_span fragment)
{
    twi_text_add(&writer->out, fragment.text, fragment.length);
    return (struct twi_span){ twi_text_string(&writer->out), writer->out.length };
}

/* Sort by name; the last value for a name stays, in the place of the first. How many are left. */
static size_t values_sort(struct twi_query_value *values, size_t count)
{
    size_t used = 0, i;

    for (i = 0; i < count; i++) {
        values[i].place = i;
        values[i].is_done = false;
    }
    qsort(values, count, sizeof *values, compare_values);
    for (i = 0; i < count; i++) {
        if (used > 0 && compare_value_names(&values[used - 1], &values[i]) == 0) {
            values[used - 1].value = values[i].value;
            values[used - 1].is_absent = values[i].is_absent;
        } else {
            values[used++] = values[i];
        }
    }
    return used;
}

struct twi_span twi_query_set(struct twi_arena *arena, struct twi_span url, char separator,
                              struct twi_query_value *values, size_t count)
{
    struct twi_url_text cut = twi_url_cut(url);
    struct query_writer writer = { .out.arena = arena, .separator = separator };
    struct twi_pair pair;

    twi_text_add(&writer.out, cut.before.text, cut.before.length);
    count = values_sort(values, count);
    while (twi_query_next(&cut.query, separator, &pair)) {
        const struct twi_query_value wanted = { .name = twi_query_decode(arena, pair.name) };
        struct twi_query_value *value = bsearch(&wanted, values, count, sizeof *values,
                                                compare_value_names);
        if (value == NULL)
            writer_copy(&writer, &pair);
        else
            writer_put_value(&writer, value);
    }
    qsort(values, count, sizeof *values, compare_value_places);
    for (size_t i = 0; i < count; i++)
        writer_put_value(&writer, &values[i]);
    return writer_end(&writer, cut.fragment);
}

/* --- picking ------------------------------------------------------------------------------- */

/* A pair, and its place among them. */
struct query_pair {
    struct twi_pair pair;
    size_t place;
    bool is_gone;
};

static int compare_pairs(const void *a, const void *b)
{
    const struct query_pair *left = a, *right = b;
    int order = span_compare(left->pair.name, right->pair.name);

    return order != 0 ? order : (left->place > right->place) - (left->place < right->place);
}

static int compare_pair_places(const void *a, const void *b)
{
    const struct query_pair *left = a, *right = b;

    return (left->place > right->place) - (left->place < right->place);
}

static bool is_among(struct twi_span name, const struct twi_span *names, size_t count)
{
    return count > 0 && bsearch(&name, names, count, sizeof *names, compare_spans) != NULL;
}

static size_t read_pairs(struct query_pair *pairs, struct twi_span query, char separator,
                         const struct twi_query_clean *options)
{
    size_t count = 0;

    while (twi_query_next(&query, separator, &pairs[count].pair)) {
        struct twi_span name = pairs[count].pair.name;
        pairs[count].place = count;
        pairs[count].is_gone = (options->keeps &&
                                !is_among(name, options->keep, options->keep_count)) ||
                               is_among(name, options->drop, options->drop_count);
        count++;
    }
    return count;
}

static void drop_repeated(struct query_pair *pairs, size_t count)
{
    qsort(pairs, count, sizeof *pairs, compare_pairs);
    for (size_t i = 1; i < count; i++)
        if (span_compare(pairs[i - 1].pair.name, pairs[i].pair.name) == 0)
            pairs[i].is_gone = true;
    qsort(pairs, count, sizeof *pairs, compare_pair_places);
}

struct twi_span twi_query_clean(struct twi_arena *arena, struct twi_span url, char separator,
                                struct twi_query_clean *options)
{
    struct twi_url_text cut = twi_url_cut(url);
    struct query_writer writer = { .out.arena = arena, .separator = separator };
    struct query_pair *pairs = twi_arena_alloc(
        arena, (twi_query_count(cut.query, separator) + 1) * sizeof(struct query_pair));
    size_t count;

    if (pairs == NULL)
        return (struct twi_span){ "", 0 };
    if (options->keep_count > 0)
        qsort(options->keep, options->keep_count, sizeof *options->keep, compare_spans);
    if (options->drop_count > 0)
        qsort(options->drop, options->drop_count, sizeof *options->drop, compare_spans);
    count = read_pairs(pairs, cut.query, separator, options);
    if (!options->keep_repeated)
        drop_repeated(pairs, count);
    twi_text_add(&writer.out, cut.before.text, cut.before.length);
    for (size_t i = 0; i < count; i++)
        if (!pairs[i].is_gone)
            writer_copy(&writer, &pairs[i].pair);
    if (!options->keep_fragment)
        cut.fragment.length = 0;
    return writer_end(&writer, cut.fragment);
}
