/* SPDX-License-Identifier: MIT */
/*
 * tag.c - tags of a page that are looked for without a tree.
 */
#include "config.h"

#include "spider/text/tag.h"

/* One attribute in front of the text; false at the end of the tag or of the text. */
static bool take_attribute(struct twi_span *rest, struct twi_span *name,
                           struct twi_span *value)
{
    struct twi_span text = *rest;

    while (text.length > 0 && (twi_is_space(text.text[0]) || text.text[0] == '/'))
        text = twi_span_from(text, 1);
    *rest = text;
    if (text.length == 0 || text.text[0] == '>')
        return false;
    *name = twi_span_first(text, twi_span_find_any(text, 1, " \t\n\f\r/>="));
    *value = (struct twi_span){ "", 0 };
    text = twi_span_from(text, name->length);
    *rest = text;
    while (text.length > 0 && twi_is_space(text.text[0]))
        text = twi_span_from(text, 1);
    if (text.length == 0 || text.text[0] != '=')
        return true;
    text = twi_span_from(text, 1);
    while (text.length > 0 && twi_is_space(text.text[0]))
        text = twi_span_from(text, 1);
    if (text.length > 0 && (text.text[0] == '"' || text.text[0] == '\'')) {
        char quote = text.text[0];
        text = twi_span_from(text, 1);
        *value = twi_span_first(text, twi_span_find(text, quote));
        *rest = twi_span_from(text, value->length + (value->length < text.length));
        return true;
    }
    *value = twi_span_first(text, twi_span_find_any(text, 0, " \t\n\f\r>"));
    *rest = twi_span_from(text, value->length);
    return true;
}

bool twi_tag_attribute(struct twi_span tag, const char *name, struct twi_span *ret_value)
{
    struct twi_span found, value;

    while (take_attribute(&tag, &found, &value)) {
        if (twi_span_is_nocase(found, name)) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

/* Past what ends with `end`, a word in lower case; to the end if it never comes. */
static void skip_behind(struct twi_span *text, const char *end)
{
    for (;;) {
        *text = twi_span_from(*text, twi_span_find(*text, end[0]));
        if (text->length == 0)
            return;
        if (twi_span_starts_nocase(*text, end)) {
            *text = twi_span_from(*text, strlen(end));
            return;
        }
        *text = twi_span_from(*text, 1);
    }
}

/* "<!-->" is a comment, too. */
static void skip_page_comment(struct twi_span *text)
{
    struct twi_span rest = twi_span_from(*text, 4);

    if (twi_span_starts_nocase(rest, ">") || twi_span_starts_nocase(rest, "->"))
        *text = twi_span_from(rest, rest.text[0] == '-' ? 2 : 1);
    else
        skip_behind(text, "-->");
}

static bool is_tag_end(struct twi_span text)
{
    return text.length == 0 || twi_is_space(text.text[0]) || text.text[0] == '/' ||
           text.text[0] == '>';
}

/* Past the end tag of an element whose inside is text; to the end if it never comes. */
static void skip_element(struct twi_span *text, const char *end)
{
    do
        skip_behind(text, end);
    while (!is_tag_end(*text));
}

/* In front of "<": past it, and past what it begins. True for a start tag: its name, and what
 * stands in it. */
static bool take_tag(struct twi_span *page, struct twi_span *name, struct twi_span *inside)
{
    struct twi_span rest, attribute, value;

    if (twi_span_starts_nocase(*page, "<!--")) {
        skip_page_comment(page);
        return false;
    }
    rest = twi_span_from(*page, 1);
    if (rest.length > 0 && (rest.text[0] == '!' || rest.text[0] == '?')) {
        skip_behind(page, ">");
        return false;
    }
    if (rest.length == 0 || !twi_is_alpha(rest.text[rest.length > 1 && rest.text[0] == '/'])) {
        *page = rest;
        return false;
    }
    *name = twi_span_first(rest, twi_span_find_any(rest, 1, " \t\n\f\r/>"));
    rest = twi_span_from(rest, name->length);
    *inside = rest;
    while (take_attribute(&rest, &attribute, &value))
        ;
    inside->length -= rest.length;
    *page = rest;
    return rest.length > 0;
}

/* Does the text of such a tag occur at all? Most pages have no <base>, and this is told fast. */
static bool tag_occurs(struct twi_span page, const char *wanted)
{
    for (;;) {
        page = twi_span_from(page, twi_span_find(page, '<'));
        if (page.length == 0)
            return false;
        page = twi_span_from(page, 1);
        if (twi_span_starts_nocase(page, wanted))
            return true;
    }
}

bool twi_tag_next(struct twi_span *page, const char *wanted, struct twi_span *ret_tag)
{
    struct twi_span name;

    if (!tag_occurs(*page, wanted)) {
        *page = twi_span_from(*page, page->length);
        return false;
    }
    for (;;) {
        *page = twi_span_from(*page, twi_span_find(*page, '<'));
        if (page->length == 0)
            return false;
        if (!take_tag(page, &name, ret_tag))
            continue;
        if (twi_span_is_nocase(name, wanted))
            return true;
        if (twi_span_is_nocase(name, "script"))
            skip_element(page, "</script");
        else if (twi_span_is_nocase(name, "noscript"))
            skip_element(page, "</noscript");
    }
}
