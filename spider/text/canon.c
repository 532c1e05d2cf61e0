/* SPDX-License-Identifier: MIT */
/*
 * canon.c - the form of a URL by which duplicates are known.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "spider/text/canon.h"
#include "spider/text/query.h"

/* --- the path ------------------------------------------------------------------------------ */

/* May it stand in a path as it is, with the same meaning? In a file's URL "C|" is a drive. */
static bool is_plain_in_path(char c, bool is_file)
{
    if (twi_is_alpha(c) || twi_is_digit(c))
        return true;
    return c != 0 && strchr("!$&'()*+,-.:;=@[]_~|", c) != NULL && !(c == '|' && is_file);
}

/* Would it make an escape of a "%" that stands in the text without one? */
static bool completes_escape(const struct twi_text *text, char c)
{
    const char *end = text->data + text->length;

    return twi_hex(c) >= 0 && text->length >= 2 &&
           (end[-1] == '%' || (end[-2] == '%' && twi_hex(end[-1]) >= 0));
}

static void put_path(struct twi_text *text, const char *path, bool is_file)
{
    static const char digits[] = "0123456789ABCDEF";

    for (const char *at = path; *at != 0; at++) {
        int high = *at == '%' ? twi_hex(at[1]) : -1;
        int low = high >= 0 ? twi_hex(at[2]) : -1;
        if (low < 0) {
            twi_text_putc(text, *at);
            continue;
        }
        if (is_plain_in_path((char)(high * 16 + low), is_file) &&
            !completes_escape(text, (char)(high * 16 + low))) {
            twi_text_putc(text, (char)(high * 16 + low));
        } else {
            const char escape[3] = { '%', digits[high], digits[low] };
            twi_text_add(text, escape, 3);
        }
        at += 2;
    }
}

/* --- the query ----------------------------------------------------------------------------- */

struct canon_pair {
    struct twi_span name, value;
};

static int canon_compare_text(struct twi_span a, struct twi_span b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = memcmp(a.text, b.text, shorter);

    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int canon_compare(const void *a, const void *b)
{
    const struct canon_pair *left = a, *right = b;
    int order = canon_compare_text(left->name, right->name);

    return order != 0 ? order : canon_compare_text(left->value, right->value);
}

static size_t decode_pairs(struct twi_arena *arena, struct canon_pair *pairs,
                           struct twi_span query, char separator, bool drop_blank)
{
    struct twi_pair pair;
    size_t count = 0;

    while (twi_query_next(&query, separator, &pair)) {
        if (drop_blank && pair.value.length == 0)
            continue;
        pairs[count].name = twi_query_decode(arena, pair.name);
        pairs[count].value = twi_query_decode(arena, pair.value);
        count++;
    }
    return count;
}

static void put_query(struct twi_text *text, struct twi_span query, char separator,
                      bool drop_blank)
{
    struct twi_arena *arena = text->arena;
    struct canon_pair *pairs = twi_arena_alloc(arena, (twi_query_count(query, separator) + 1) *
                                                          sizeof(struct canon_pair));
    size_t count, i;

    if (pairs == NULL)
        return;
    count = decode_pairs(arena, pairs, query, separator, drop_blank);
    qsort(pairs, count, sizeof *pairs, canon_compare);
    for (i = 0; i < count; i++) {
        twi_text_putc(text, i > 0 ? separator : '?');
        twi_query_encode(text, pairs[i].name);
        twi_text_putc(text, '=');
        twi_query_encode(text, pairs[i].value);
    }
}

/* --- the whole ----------------------------------------------------------------------------- */

const char *twi_canon_url(struct twi_arena *arena, const struct tw_url *url,
                          const struct twi_canon_options *options)
{
    static const struct twi_canon_options none = { 0 };
    const struct twi_canon_options *wanted = options != NULL ? options : &none;
    struct twi_url_text cut = twi_url_cut(twi_span_of(url->href));
    struct twi_text text = { .arena = arena };

    twi_text_add(&text, cut.before.text, cut.before.length - strlen(url->pathname));
    put_path(&text, url->pathname, strcmp(url->protocol, "file:") == 0);
    put_query(&text, cut.query, wanted->separator != 0 ? wanted->separator : '&',
              wanted->drop_blank);
    if (wanted->keep_fragment)
        twi_text_add(&text, cut.fragment.text, cut.fragment.length);
    return arena->failed ? NULL : twi_text_string(&text);
}
