/* SPDX-License-Identifier: MIT */
/*
 * page_url.c - URLs as they stand in a page, its base and its refresh.
 */
#include "config.h"

#include <errno.h>

#include "spider/text/decimal.h"
#include "spider/text/entity.h"
#include "spider/text/page_url.h"
#include "spider/text/query.h"
#include "spider/text/tag.h"

/* --- in the page's charset ----------------------------------------------------------------- */

static size_t find_surrogate(struct twi_span text)
{
    size_t i = 0;

    while (i + 2 < text.length &&
           !((unsigned char)text.text[i] == 0xed && (unsigned char)text.text[i + 1] >= 0xa0))
        i++;
    return i + 2 < text.length ? i : text.length;
}

struct twi_span twi_without_surrogates(struct twi_arena *arena, struct twi_span text)
{
    size_t first = find_surrogate(text);
    char *copy = first < text.length ? twi_arena_copy(arena, text.text, text.length) : NULL;

    if (copy == NULL)
        return text;
    for (size_t i = first; i + 2 < text.length; i++)
        if ((unsigned char)copy[i] == 0xed && (unsigned char)copy[i + 1] >= 0xa0)
            memcpy(copy + i, "\xef\xbf\xbd", 3);
    return (struct twi_span){ copy, text.length };
}

struct twi_span twi_in_charset(struct twi_arena *arena, const struct twi_charset *charset,
                               struct twi_span text)
{
    struct twi_text encoded = { .arena = arena };

    text = twi_without_surrogates(arena, text);
    if (twi_span_ascii(text) == text.length || charset == twi_charset_utf8() ||
        !twi_charset_encode(&encoded, charset, text))
        return text;
    return (struct twi_span){ twi_text_string(&encoded), encoded.length };
}

/* The query's characters as escapes of the charset's bytes. */
static struct twi_span escape_query(struct twi_arena *arena, const struct twi_charset *charset,
                                    struct twi_span url)
{
    static const char digits[] = "0123456789ABCDEF";
    struct twi_url_text cut = twi_url_cut(url);
    struct twi_span query = twi_in_charset(arena, charset, cut.query);
    struct twi_text text = { .arena = arena };

    twi_text_add(&text, cut.before.text, cut.before.length);
    twi_text_putc(&text, '?');
    for (size_t i = 0; i < query.length; i++) {
        unsigned char c = (unsigned char)query.text[i];
        if (c >= 0x7f || c == 0x1b || (c != 0 && strchr("\"#<>'", c) != NULL)) {
            const char escape[3] = { '%', digits[c >> 4], digits[c & 15] };
            twi_text_add(&text, escape, 3);
        } else {
            twi_text_putc(&text, (char)c);
        }
    }
    twi_text_add(&text, cut.fragment.text, cut.fragment.length);
    return (struct twi_span){ twi_text_string(&text), text.length };
}

/* The charset of a page counts in the queries of these (URL standard, "special"). */
static bool is_of_page_charset(const struct tw_url *url)
{
    return strcmp(url->protocol, "http:") == 0 || strcmp(url->protocol, "https:") == 0 ||
           strcmp(url->protocol, "ftp:") == 0 || strcmp(url->protocol, "file:") == 0;
}

/* A URL that there is no memory for must not look like one that is wrong. */
static int parse_or_fail(struct twi_arena *arena, struct twi_span text,
                         const struct tw_url *base, struct tw_url **ret_url,
                         const char **ret_why)
{
    int r = tw_url_parse(text.text, text.length, base, ret_url, ret_why);

    if (r == -ENOMEM)
        arena->failed = true;
    return r;
}

int twi_page_url_parse(struct twi_arena *arena, const struct twi_charset *charset,
                       struct twi_span text, const struct tw_url *base,
                       struct tw_url **ret_url, const char **ret_why)
{
    struct twi_span query;
    int r;

    text = twi_without_surrogates(arena, text);
    query = twi_url_cut(text).query;
    r = parse_or_fail(arena, text, base, ret_url, ret_why);
    if (r < 0 || charset == NULL || charset == twi_charset_utf8() ||
        twi_span_ascii(query) == query.length || !is_of_page_charset(*ret_url))
        return r;
    tw_url_free(*ret_url);
    text = escape_query(arena, charset, text);
    return parse_or_fail(arena, text, base, ret_url, ret_why);
}

/* --- base ---------------------------------------------------------------------------------- */

/* An attribute's value without its references and the space around it. */
static struct twi_span url_value(struct twi_arena *arena, struct twi_span value)
{
    return twi_span_trim(twi_unescape_attribute(arena, value));
}

struct tw_url *twi_page_base(struct twi_arena *arena, const struct twi_charset *charset,
                             struct twi_span page, const struct tw_url *url)
{
    struct twi_span tag, href;
    struct tw_url *base = NULL;

    while (twi_tag_next(&page, "base", &tag)) {
        if (!twi_tag_attribute(tag, "href", &href))
            continue;
        twi_page_url_parse(arena, charset, url_value(arena, href), url, &base, NULL);
        break;
    }
    return base;
}

/* --- refresh ------------------------------------------------------------------------------- */

static void skip_refresh_space(struct twi_span *text)
{
    while (text->length > 0 && twi_is_space(text->text[0]))
        *text = twi_span_from(*text, 1);
}

/* Digits and points; what follows the second point does not count. */
static bool take_seconds(struct twi_span *text, double *ret_seconds)
{
    char digits[32];
    size_t i = 0, used = 0;
    int points = 0;

    for (; i < text->length && (twi_is_digit(text->text[i]) || text->text[i] == '.'); i++) {
        points += text->text[i] == '.';
        if (points < 2 && used < sizeof digits - 1)
            digits[used++] = text->text[i];
    }
    digits[used] = 0;
    *text = twi_span_from(*text, i);
    *ret_seconds = twi_decimal_read(digits);
    return used > 0 && !(used == 1 && digits[0] == '.');
}

/* "url=" in front of the URL; it may be missing. */
static void skip_url_word(struct twi_span *text)
{
    struct twi_span rest = *text;

    if (!twi_span_starts_nocase(rest, "url"))
        return;
    rest = twi_span_from(rest, 3);
    skip_refresh_space(&rest);
    if (rest.length == 0 || rest.text[0] != '=')
        return;
    rest = twi_span_from(rest, 1);
    skip_refresh_space(&rest);
    *text = rest;
}

/* "5; url=..." (HTML standard, "shared declarative refresh steps"). */
static bool read_refresh(struct twi_span content, double *ret_seconds,
                         struct twi_span *ret_url)
{
    skip_refresh_space(&content);
    if (!take_seconds(&content, ret_seconds))
        return false;
    if (content.length == 0 ||
        !(twi_is_space(content.text[0]) || content.text[0] == ';' || content.text[0] == ','))
        return false;
    skip_refresh_space(&content);
    if (content.length > 0 && (content.text[0] == ';' || content.text[0] == ','))
        content = twi_span_from(content, 1);
    skip_refresh_space(&content);
    skip_url_word(&content);
    if (content.length > 0 && (content.text[0] == '"' || content.text[0] == '\'')) {
        char quote = content.text[0];
        content = twi_span_from(content, 1);
        content = twi_span_first(content, twi_span_find(content, quote));
    }
    *ret_url = twi_span_trim(content);
    return ret_url->length > 0;
}

bool twi_page_refresh(struct twi_arena *arena, const struct twi_charset *charset,
                      struct twi_span page, const struct tw_url *base, double *ret_seconds,
                      struct tw_url **ret_url)
{
    struct twi_span tag, name, content, url;

    while (twi_tag_next(&page, "meta", &tag)) {
        if (twi_tag_attribute(tag, "http-equiv", &name) &&
            twi_span_is_nocase(twi_span_trim(name), "refresh") &&
            twi_tag_attribute(tag, "content", &content) &&
            read_refresh(twi_unescape_attribute(arena, content), ret_seconds, &url) &&
            twi_page_url_parse(arena, charset, url, base, ret_url, NULL) == 0)
            return true;
    }
    return false;
}
