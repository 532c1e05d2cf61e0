/* SPDX-License-Identifier: MIT */
/*
 * entity.c - character references become characters.
 */
#include "config.h"

#include <stdlib.h>

#include "spider/text/charset.h"
#include "spider/text/charset_tables.h"
#include "spider/text/entity.h"

#define MAX_NAME 40 /* no name is longer */

static int compare_entity(const void *key, const void *entry)
{
    return strcmp(key, ((const struct twi_entity *)entry)->name);
}

const struct twi_entity *twi_entity_find(struct twi_span name)
{
    char key[MAX_NAME + 1];

    if (name.length > MAX_NAME || memchr(name.text, 0, name.length) != NULL)
        return NULL;
    memcpy(key, name.text, name.length);
    key[name.length] = 0;
    return bsearch(key, twi_entities, twi_entity_count, sizeof *twi_entities, compare_entity);
}

static const struct twi_entity *find_in_lower_case(struct twi_span name)
{
    char lower[MAX_NAME];

    if (name.length > MAX_NAME)
        return NULL;
    for (size_t i = 0; i < name.length; i++)
        lower[i] = twi_lower(name.text[i]);
    return twi_entity_find((struct twi_span){ lower, name.length });
}

/* --- one reference ------------------------------------------------------------------------- */

/* Behind an "&". */
struct reference {
    struct twi_span name; /* of letters and digits; empty for numbers */
    uint32_t number;      /* above U+10FFFF: too large */
    size_t length;        /* without the semicolon; 0: it is none */
    bool has_semicolon;
};

static bool is_name_character(char c)
{
    return twi_is_alpha(c) || twi_is_digit(c);
}

static void read_reference_number(struct reference *reference, struct twi_span text)
{
    bool is_hex = text.length > 1 && twi_lower(text.text[1]) == 'x';
    size_t at = is_hex ? 2 : 1, start = at;

    for (; at < text.length; at++) {
        int digit = twi_hex(text.text[at]);
        if (digit < 0 || (!is_hex && digit > 9))
            break;
        if (reference->number <= 0x10ffff)
            reference->number = reference->number * (is_hex ? 16 : 10) + (unsigned)digit;
    }
    reference->length = at > start ? at : 0;
}

static struct reference read_reference(struct twi_span text)
{
    struct reference reference = { .name = { text.text, 0 } };

    if (text.length > 0 && text.text[0] == '#') {
        read_reference_number(&reference, text);
    } else {
        while (reference.name.length < text.length &&
               is_name_character(text.text[reference.name.length]))
            reference.name.length++;
        reference.length = reference.name.length;
    }
    reference.has_semicolon = reference.length > 0 && reference.length < text.length &&
                              text.text[reference.length] == ';';
    return reference;
}

/* The character of a byte of windows-1252; 0: it has none. */
static uint32_t as_windows_1252(uint32_t number)
{
    const struct twi_charset *charset = twi_charset_find(twi_span_of("windows-1252"));
    uint32_t character = twi_charset_upper[charset->upper][number - 0x80];

    return character != number ? character : 0;
}

static bool put_reference_number(struct twi_text *out, uint32_t number)
{
    if (number >= 0x80 && number <= 0x9f)
        number = as_windows_1252(number);
    else if (number == 0) {
        twi_text_putc(out, 0);
        return true;
    }
    if (number == 0 || number > 0x10ffff || (number >= 0xd800 && number <= 0xdfff))
        return false;
    twi_charset_put(out, number);
    return true;
}

static void put_entity(struct twi_text *out, const struct twi_entity *entity)
{
    twi_charset_put(out, entity->first);
    if (entity->second != 0)
        twi_charset_put(out, entity->second);
}

/* --- texts, as w3lib ----------------------------------------------------------------------- */

static bool is_kept(struct twi_span name, const struct twi_unescape_options *options)
{
    for (size_t i = 0; options != NULL && i < options->keep_count; i++) {
        struct twi_span kept = options->keep[i];
        size_t k = 0;
        while (k < name.length && k < kept.length && twi_lower(name.text[k]) == kept.text[k])
            k++;
        if (k == name.length && k == kept.length)
            return true;
    }
    return false;
}

/* Without a semicolon a name is one of HTML 4's: "&in=2" of a query is none. */
static const struct twi_entity *find_reference(const struct reference *reference)
{
    const struct twi_entity *entity = twi_entity_find(reference->name);

    if (entity == NULL || (!reference->has_semicolon && entity->flags == 0))
        entity = find_in_lower_case(reference->name);
    return entity != NULL && !reference->has_semicolon && entity->flags == 0 ? NULL : entity;
}

/* False: it stays as it stands. */
static bool put_reference(struct twi_text *out, const struct reference *reference,
                          const struct twi_unescape_options *options)
{
    const struct twi_entity *entity;

    if (reference->length == 0)
        return false;
    if (reference->name.length == 0) {
        if (put_reference_number(out, reference->number))
            return true;
    } else {
        if (is_kept(reference->name, options))
            return false;
        entity = find_reference(reference);
        if (entity != NULL) {
            put_entity(out, entity);
            return true;
        }
    }
    return reference->has_semicolon && (options == NULL || !options->keep_illegal);
}

void twi_unescape(struct twi_text *out, struct twi_span text,
                  const struct twi_unescape_options *options)
{
    while (!out->arena->failed) {
        size_t plain = twi_span_find(text, '&');
        struct reference reference;
        twi_text_add(out, text.text, plain);
        if (plain == text.length)
            break;
        text = twi_span_from(text, plain + 1);
        reference = read_reference(text);
        if (put_reference(out, &reference, options))
            text = twi_span_from(text, reference.length + reference.has_semicolon);
        else
            twi_text_putc(out, '&');
    }
}

/* --- attributes, as the HTML standard ------------------------------------------------------- */

/* The longest name in front of the text that needs no semicolon. */
static const struct twi_entity *find_bare(struct twi_span name, size_t *ret_length)
{
    if (name.length > MAX_NAME)
        name.length = MAX_NAME;
    for (; name.length > 1; name.length--) {
        const struct twi_entity *entity = twi_entity_find(name);
        if (entity != NULL && (entity->flags & TWI_ENTITY_BARE) != 0) {
            *ret_length = name.length;
            return entity;
        }
    }
    return NULL;
}

/* How many bytes it takes; 0: it is none. */
static size_t put_attribute_reference(struct twi_text *out, struct twi_span text)
{
    struct reference reference = read_reference(text);
    const struct twi_entity *entity = NULL;
    size_t length = reference.length;

    if (length == 0)
        return 0;
    if (reference.name.length == 0) {
        if (reference.number == 0 || !put_reference_number(out, reference.number))
            twi_charset_put(out, reference.number >= 0x80 && reference.number <= 0x9f
                                     ? reference.number
                                     : 0xfffd);
        return length + reference.has_semicolon;
    }
    if (reference.has_semicolon)
        entity = twi_entity_find(reference.name);
    if (entity != NULL) {
        put_entity(out, entity);
        return length + 1;
    }
    entity = find_bare(reference.name, &length);
    if (entity == NULL || (length < text.length &&
                           (text.text[length] == '=' || is_name_character(text.text[length]))))
        return 0;
    put_entity(out, entity);
    return length;
}

struct twi_span twi_unescape_attribute(struct twi_arena *arena, struct twi_span text)
{
    struct twi_text out = { .arena = arena };

    if (twi_span_find(text, '&') == text.length)
        return text;
    while (!arena->failed) {
        size_t plain = twi_span_find(text, '&'), taken;
        twi_text_add(&out, text.text, plain);
        if (plain == text.length)
            break;
        text = twi_span_from(text, plain + 1);
        taken = put_attribute_reference(&out, text);
        if (taken == 0)
            twi_text_putc(&out, '&');
        text = twi_span_from(text, taken);
    }
    return (struct twi_span){ twi_text_string(&out), out.length };
}

void twi_unescape_match(struct twi_text *out, struct twi_span match)
{
    static const struct twi_span keep[] = { { "amp", 3 }, { "lt", 2 } };
    const struct twi_unescape_options options = { .keep = keep, .keep_count = 2 };

    twi_unescape(out, match, &options);
}
