/* SPDX-License-Identifier: MIT */
/*
 * charset_detect.c - what encoding a page says that it is in (HTML standard, 13.2.3.2).
 *
 * Its start is looked at without being parsed: comments are skipped, tags are read by the
 * standard's own rules for attributes, which are simpler than the tokenizer's.
 */
#include "config.h"

#include "spider/text/charset.h"
#include "spider/text/charset_tables.h"

#define PRESCANNED 1024

const char *twi_charset_source_name(enum twi_charset_source source)
{
    static const char *const names[] = { "bom", "option", "header", "meta",
                                         "xml", "default", "guess" };

    return names[source];
}

static const struct twi_charset *by_label(const char *label)
{
    return twi_charset_find(twi_span_of(label));
}

/* --- the media type ------------------------------------------------------------------------ */

/* A quoted string behind its first quote; what stands behind it stays in *rest. */
static struct twi_span unquote_parameter(struct twi_arena *arena, struct twi_span *rest)
{
    struct twi_text value = { .arena = arena };
    size_t i;

    for (i = 0; i < rest->length && rest->text[i] != '"'; i++) {
        if (rest->text[i] == '\\' && i + 1 < rest->length)
            i++;
        twi_text_putc(&value, rest->text[i]);
    }
    *rest = twi_span_from(*rest, i);
    return (struct twi_span){ twi_text_string(&value), value.length };
}

struct twi_span twi_charset_parameter(struct twi_arena *arena, struct twi_span content_type)
{
    struct twi_span rest = twi_span_from(content_type, twi_span_find(content_type, ';'));

    while (rest.length > 0) {
        struct twi_span name, value;
        rest = twi_span_from(rest, 1);
        while (rest.length > 0 && twi_is_space(rest.text[0]))
            rest = twi_span_from(rest, 1);
        name = twi_span_first(rest, twi_span_find_any(rest, 0, ";="));
        rest = twi_span_from(rest, name.length);
        if (rest.length == 0 || rest.text[0] == ';')
            continue;
        rest = twi_span_from(rest, 1);
        if (rest.length > 0 && rest.text[0] == '"') {
            rest = twi_span_from(rest, 1);
            value = unquote_parameter(arena, &rest);
        } else {
            value = twi_span_first(rest, twi_span_find_any(rest, 0, ",; \t"));
        }
        if (twi_span_is_nocase(name, "charset"))
            return value;
        rest = twi_span_from(rest, twi_span_find(rest, ';'));
    }
    return (struct twi_span){ "", 0 };
}

static const struct twi_charset *by_content_type(const char *content_type)
{
    struct twi_arena arena;
    const struct twi_charset *charset;

    twi_arena_init(&arena, 4096);
    charset = twi_charset_find(twi_charset_parameter(&arena, twi_span_of(content_type)));
    twi_arena_free(&arena);
    return charset;
}

/* --- byte order marks ---------------------------------------------------------------------- */

static const struct {
    const char *mark;
    size_t length;
    const char *label;
} marks[] = {
    { "\xef\xbb\xbf", 3, "utf-8" },
    { "\xfe\xff", 2, "utf-16be" },
    { "\xff\xfe", 2, "utf-16le" },
};

static const struct twi_charset *by_mark(struct twi_span data, size_t *ret_length)
{
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (data.length >= marks[i].length &&
            memcmp(data.text, marks[i].mark, marks[i].length) == 0) {
            *ret_length = marks[i].length;
            return by_label(marks[i].label);
        }
    }
    return NULL;
}

/* --- attributes ---------------------------------------------------------------------------- */

static bool is_prescan_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static void skip_prescan_space(struct twi_span *rest)
{
    while (rest->length > 0 && is_prescan_space(rest->text[0]))
        *rest = twi_span_from(*rest, 1);
}

static void skip_past(struct twi_span *rest, char c)
{
    size_t at = twi_span_find(*rest, c);

    *rest = twi_span_from(*rest, at < rest->length ? at + 1 : at);
}

/* Behind the "=". False where the bytes end in it. */
static bool prescan_value(struct twi_span *rest, struct twi_span *value)
{
    skip_prescan_space(rest);
    if (rest->length == 0)
        return false;
    if (rest->text[0] == '"' || rest->text[0] == '\'') {
        char quote = rest->text[0];
        *rest = twi_span_from(*rest, 1);
        *value = twi_span_first(*rest, twi_span_find(*rest, quote));
        skip_past(rest, quote);
        return rest->length > 0;
    }
    *value = twi_span_first(*rest, twi_span_find_any(*rest, 0, " \t\n\f\r>"));
    *rest = twi_span_from(*rest, value->length);
    return rest->length > 0;
}

/* The next attribute of a tag; false at its end, and where the bytes end. */
static bool prescan_attribute(struct twi_span *rest, struct twi_span *name,
                              struct twi_span *value)
{
    *value = (struct twi_span){ "", 0 };
    while (rest->length > 0 && (is_prescan_space(rest->text[0]) || rest->text[0] == '/'))
        *rest = twi_span_from(*rest, 1);
    if (rest->length == 0 || rest->text[0] == '>')
        return false;
    *name = twi_span_first(*rest, twi_span_find_any(*rest, 1, " \t\n\f\r/>="));
    *rest = twi_span_from(*rest, name->length);
    skip_prescan_space(rest);
    if (rest->length == 0)
        return false;
    if (rest->text[0] != '=')
        return true;
    *rest = twi_span_from(*rest, 1);
    return prescan_value(rest, value);
}

/* --- <meta> -------------------------------------------------------------------------------- */

static size_t find_nocase(struct twi_span text, const char *word)
{
    size_t at = 0;

    while (at < text.length && !twi_span_starts_nocase(twi_span_from(text, at), word))
        at++;
    return at;
}

/* "text/html; charset=..." of its attribute "content". */
static const struct twi_charset *by_meta_content(struct twi_span content)
{
    for (;;) {
        size_t at = find_nocase(content, "charset"), end;
        if (at == content.length)
            return NULL;
        content = twi_span_from(content, at + 7);
        skip_prescan_space(&content);
        if (content.length == 0 || content.text[0] != '=')
            continue;
        content = twi_span_from(content, 1);
        skip_prescan_space(&content);
        if (content.length > 0 && (content.text[0] == '"' || content.text[0] == '\'')) {
            char quote = content.text[0];
            content = twi_span_from(content, 1);
            end = twi_span_find(content, quote);
            return end < content.length ? twi_charset_find(twi_span_first(content, end))
                                        : NULL;
        }
        end = twi_span_find_any(content, 0, "; \t\n\f\r");
        return twi_charset_find(twi_span_first(content, end));
    }
}

/* A page that says in ASCII that it is in UTF-16 is not. */
static const struct twi_charset *as_said_in_ascii(const struct twi_charset *charset)
{
    if (charset != NULL &&
        (charset->kind == TWI_CHARSET_UTF16_BE || charset->kind == TWI_CHARSET_UTF16_LE))
        return twi_charset_utf8();
    if (charset != NULL && charset->kind == TWI_CHARSET_USER_DEFINED)
        return by_label("windows-1252");
    return charset;
}

/* The attributes of <meta>; each counts where it stands first. */
static const struct twi_charset *by_meta(struct twi_span *rest)
{
    const struct twi_charset *charset = NULL;
    bool has_pragma = false, needs_pragma = false, is_known = false;
    bool seen_pragma = false, seen_content = false, seen_charset = false;
    struct twi_span name, value;

    while (prescan_attribute(rest, &name, &value)) {
        if (twi_span_is_nocase(name, "http-equiv") && !seen_pragma) {
            seen_pragma = true;
            has_pragma = twi_span_is_nocase(value, "content-type");
        } else if (twi_span_is_nocase(name, "content") && !seen_content) {
            const struct twi_charset *said = by_meta_content(value);
            seen_content = true;
            if (said != NULL && !is_known) {
                charset = said;
                needs_pragma = is_known = true;
            }
        } else if (twi_span_is_nocase(name, "charset") && !seen_charset) {
            seen_charset = is_known = true;
            charset = twi_charset_find(value);
            needs_pragma = false;
        }
    }
    if (rest->length == 0 || (needs_pragma && !has_pragma))
        return NULL;
    return as_said_in_ascii(charset);
}

/* --- the start of a page ------------------------------------------------------------------- */

/* The dashes of "<!--" may be those of "-->". */
static void skip_comment(struct twi_span *rest)
{
    size_t at = 4;

    while (at < rest->length &&
           !(rest->text[at] == '>' && rest->text[at - 1] == '-' && rest->text[at - 2] == '-'))
        at++;
    *rest = twi_span_from(*rest, at);
}

static bool starts_tag(struct twi_span rest)
{
    size_t name = rest.length > 1 && rest.text[1] == '/' ? 2 : 1;

    return rest.length > name && twi_is_alpha(rest.text[name]);
}

static bool starts_meta(struct twi_span rest)
{
    return rest.length > 5 && twi_span_starts_nocase(rest, "<meta") &&
           (is_prescan_space(rest.text[5]) || rest.text[5] == '/');
}

static const struct twi_charset *prescan(struct twi_span rest)
{
    const struct twi_charset *charset = NULL;
    struct twi_span name, value;

    while (rest.length > 0 && charset == NULL) {
        rest = twi_span_from(rest, twi_span_find(rest, '<'));
        if (twi_span_starts_nocase(rest, "<!--")) {
            skip_comment(&rest);
        } else if (starts_meta(rest)) {
            rest = twi_span_from(rest, 5);
            charset = by_meta(&rest);
        } else if (starts_tag(rest)) {
            rest = twi_span_from(rest, twi_span_find_any(rest, 0, " \t\n\f\r>"));
            while (prescan_attribute(&rest, &name, &value))
                ;
        } else if (rest.length > 1 && memchr("!/?", rest.text[1], 3) != NULL) {
            rest = twi_span_from(rest, twi_span_find(rest, '>'));
        }
        if (rest.length > 0)
            rest = twi_span_from(rest, 1);
    }
    return charset;
}

/* --- the XML declaration ------------------------------------------------------------------- */

static void skip_controls(struct twi_span *rest)
{
    while (rest->length > 0 && (unsigned char)rest->text[0] <= ' ')
        *rest = twi_span_from(*rest, 1);
}

static const struct twi_charset *by_declaration(struct twi_span data)
{
    struct twi_span rest = data, label;
    char quote;

    if (data.length >= 6 && memcmp(data.text, "<\0?\0x", 6) == 0)
        return by_label("utf-16le");
    if (data.length >= 6 && memcmp(data.text, "\0<\0?\0x", 6) == 0)
        return by_label("utf-16be");
    skip_controls(&rest);
    if (rest.length < 5 || memcmp(rest.text, "<?xml", 5) != 0 ||
        twi_span_find(rest, '>') == rest.length)
        return NULL;
    rest = twi_span_first(rest, twi_span_find(rest, '>'));
    while (rest.length > 0 && (rest.length < 8 || memcmp(rest.text, "encoding", 8) != 0))
        rest = twi_span_from(rest, 1);
    if (rest.length == 0)
        return NULL;
    rest = twi_span_from(rest, 8);
    skip_controls(&rest);
    if (rest.length == 0 || rest.text[0] != '=')
        return NULL;
    rest = twi_span_from(rest, 1);
    skip_controls(&rest);
    quote = rest.length > 0 ? rest.text[0] : 0;
    if (quote != '"' && quote != '\'')
        return NULL;
    rest = twi_span_from(rest, 1);
    label = twi_span_first(rest, twi_span_find(rest, quote));
    return label.length < rest.length ? as_said_in_ascii(twi_charset_find(label)) : NULL;
}

/* --- all together -------------------------------------------------------------------------- */

struct twi_charset_detected twi_charset_detect(struct twi_span data, const char *label,
                                               const char *content_type)
{
    struct twi_charset_detected found = { .source = TWI_CHARSET_BOM };
    struct twi_span start = twi_span_first(data, PRESCANNED);

    found.charset = by_mark(data, &found.mark);
    if (found.charset == NULL && label != NULL) {
        found.source = TWI_CHARSET_OPTION;
        found.charset = by_label(label);
    }
    if (found.charset == NULL && content_type != NULL) {
        found.source = TWI_CHARSET_HEADER;
        found.charset = by_content_type(content_type);
    }
    if (found.charset == NULL) {
        found.source = TWI_CHARSET_META;
        found.charset = prescan(start);
    }
    if (found.charset == NULL) {
        found.source = TWI_CHARSET_XML;
        found.charset = by_declaration(start);
    }
    if (found.charset == NULL) {
        bool is_utf8 = twi_utf8_valid_length(data) == data.length;
        found.source = is_utf8 ? TWI_CHARSET_DEFAULT : TWI_CHARSET_GUESS;
        found.charset = is_utf8 ? twi_charset_utf8() : by_label("windows-1252");
    }
    return found;
}
