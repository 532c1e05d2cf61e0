/* SPDX-License-Identifier: MIT */
/*
 * markup.c - markup taken out of texts.
 */
#include "config.h"

#include "spider/text/markup.h"

static struct twi_span tag_name(struct twi_span text, const char *ends)
{
    size_t start = text.length > 1 && text.text[1] == '/' ? 2 : 1;

    text = twi_span_from(text, start);
    return twi_span_first(text, twi_span_find_any(text, 0, ends));
}

static bool same_name(struct twi_span a, struct twi_span b)
{
    size_t i = 0;

    while (i < a.length && i < b.length && twi_lower(a.text[i]) == twi_lower(b.text[i]))
        i++;
    return i == a.length && i == b.length;
}

/* The place among the names; their count if it is none of them. */
static size_t name_place(struct twi_tag_names names, struct twi_span name)
{
    size_t i = 0;

    while (i < names.count && !same_name(names.names[i], name))
        i++;
    return i;
}

static void add_span(struct twi_text *out, struct twi_span span)
{
    twi_text_add(out, span.text, span.length);
}

/* Copy what stands in front of the next "<"; false when there is none. */
static bool copy_to_tag(struct twi_text *out, struct twi_span *text)
{
    size_t plain = twi_span_find(*text, '<');

    twi_text_add(out, text->text, plain);
    *text = twi_span_from(*text, plain);
    return text->length > 0 && !out->arena->failed;
}

void twi_strip_tags(struct twi_text *out, struct twi_span text, struct twi_tag_names only,
                    struct twi_tag_names keep, struct twi_span with)
{
    while (copy_to_tag(out, &text)) {
        struct twi_span name = tag_name(text, " \t\n\f\r/>");
        size_t taken = 1;
        bool goes = false;
        if (name.length > 0) {
            taken = twi_span_find(text, '>');
            goes = taken < text.length &&
                   (only.count > 0 ? name_place(only, name) < only.count
                                   : name_place(keep, name) == keep.count);
            taken += taken < text.length; /* without a ">" all that is left is text */
        }
        add_span(out, goes ? with : twi_span_first(text, taken));
        text = twi_span_from(text, taken);
    }
}

/* --- with what they enclose ---------------------------------------------------------------- */

/* For each name how far its end tags have been looked for. */
struct end_search {
    const char *behind; /* the next end tag that was found; NULL: not looked for yet */
    bool is_none;       /* no more of them */
};

/* "</name>" at the text's start: its length, 0 if it is not there. */
static size_t end_tag_length(struct twi_span text, struct twi_span name)
{
    size_t at = 2 + name.length;

    if (text.length <= at || text.text[1] != '/' ||
        !same_name((struct twi_span){ text.text + 2, name.length }, name))
        return 0;
    while (at < text.length && twi_is_space(text.text[at]))
        at++;
    return at < text.length && text.text[at] == '>' ? at + 1 : 0;
}

/* The text behind the next end tag of that name from `text` on. An end that was found is kept, as
 * texts are asked about in their order. */
static bool find_end(struct end_search *search, struct twi_span text, struct twi_span name,
                     struct twi_span *ret_rest)
{
    const char *end = text.text + text.length;

    while (!search->is_none && (search->behind == NULL || search->behind <= text.text)) {
        struct twi_span rest = text;
        size_t length = 0;
        while (length == 0 && rest.length > 0) {
            rest = twi_span_from(rest, twi_span_find(rest, '<'));
            length = rest.length > 0 ? end_tag_length(rest, name) : 0;
            if (length == 0 && rest.length > 0)
                rest = twi_span_from(rest, 1);
        }
        search->is_none = length == 0;
        search->behind = rest.text + length;
    }
    if (search->is_none)
        return false;
    *ret_rest = (struct twi_span){ search->behind, (size_t)(end - search->behind) };
    return true;
}

/* The length of a tag that ends itself, as "<br/>"; 0 if it does not. */
static size_t self_ended_length(struct twi_span text)
{
    size_t end = twi_span_find_any(text, 1, "<>");

    return end < text.length && text.text[end] == '>' && text.text[end - 1] == '/' ? end + 1
                                                                                   : 0;
}

/* Past the element that starts in front of the text, if it is one to drop. */
static bool skip_dropped(struct twi_span *text, struct twi_tag_names only,
                         struct end_search *searches)
{
    struct twi_span name = tag_name(*text, " \t\n\f\r/<>"), rest;
    size_t place = name_place(only, name), length;

    if (place == only.count || name.text != text->text + 1)
        return false;
    if (find_end(&searches[place], twi_span_from(*text, 1 + name.length), name, &rest)) {
        *text = rest;
        return true;
    }
    length = self_ended_length(*text);
    *text = twi_span_from(*text, length);
    return length > 0;
}

void twi_drop_tags(struct twi_text *out, struct twi_span text, struct twi_tag_names only)
{
    struct end_search *searches = twi_arena_zeroed(out->arena,
                                                   (only.count + 1) * sizeof *searches);

    while (searches != NULL && copy_to_tag(out, &text)) {
        if (skip_dropped(&text, only, searches))
            continue;
        twi_text_putc(out, '<');
        text = twi_span_from(text, 1);
    }
}

/* --- comments and CDATA -------------------------------------------------------------------- */

/* Where `word` first stands; the length if nowhere. */
static size_t find_word(struct twi_span text, const char *word)
{
    const char *found = text.length > 0 ? memmem(text.text, text.length, word, strlen(word))
                                        : NULL;

    return found != NULL ? (size_t)(found - text.text) : text.length;
}

void twi_strip_comments(struct twi_text *out, struct twi_span text)
{
    while (!out->arena->failed) {
        size_t start = find_word(text, "<!--"), end;
        twi_text_add(out, text.text, start);
        if (start == text.length)
            break;
        text = twi_span_from(text, start + 4);
        end = find_word(text, "-->");
        text = twi_span_from(text, end < text.length ? end + 3 : end);
    }
}

void twi_unquote(struct twi_text *out, struct twi_span text,
                 const struct twi_unescape_options *options)
{
    while (!out->arena->failed) {
        size_t start = find_word(text, "<![CDATA["), end;
        struct twi_span inside = twi_span_from(text, start);
        if (start < text.length)
            inside = twi_span_from(inside, 9);
        end = find_word(inside, "]]>");
        if (end == inside.length) {
            twi_unescape(out, text, options);
            break;
        }
        twi_unescape(out, twi_span_first(text, start), options);
        twi_text_add(out, inside.text, end);
        text = twi_span_from(inside, end + 3);
    }
}
