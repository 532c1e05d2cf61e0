/* SPDX-License-Identifier: MIT */
/*
 * css_token.c - identifiers, strings and An+B of selectors (CSS Syntax 3).
 */
#include "config.h"

#include <limits.h>
#include <string.h>

#include "spider/text/css_node.h"
#include "spider/text/utf8.h"

bool css_fail(struct css_parser *parser, const char *at, const char *why)
{
    if (parser->why == NULL) {
        parser->why = why;
        parser->wrong = at;
    }
    return false;
}

bool css_skip(struct css_parser *parser)
{
    const char *from = parser->at;

    while (parser->at < parser->end) {
        if (twi_is_html_space(*parser->at)) {
            parser->at++;
        } else if (parser->end - parser->at > 1 && memcmp(parser->at, "/*", 2) == 0) {
            const char *close = memmem(parser->at + 2, (size_t)(parser->end - parser->at - 2),
                                       "*/", 2);
            parser->at = close != NULL ? close + 2 : parser->end;
        } else {
            break;
        }
    }
    return parser->at > from;
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) ||
           c == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_escape(const struct css_parser *parser, const char *at)
{
    return at < parser->end && *at == '\\' && at + 1 < parser->end && at[1] != '\n' &&
           at[1] != '\f' && at[1] != '\r';
}

bool css_is_ident(const struct css_parser *parser, const char *at)
{
    if (at < parser->end && *at == '-') {
        at++;
        if (at < parser->end && *at == '-')
            return true;
    }
    return at < parser->end && (is_name_start(*at) || is_escape(parser, at));
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void put_character(struct twi_text *text, uint32_t c)
{
    char bytes[4];

    if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        c = 0xfffd;
    twi_text_add(text, bytes, twi_utf8_put(bytes, c));
}

/* Behind a backslash: up to six hexadecimal digits and a space, or any character. */
static void css_read_escape(struct css_parser *parser, struct twi_text *text)
{
    const char *from = parser->at;
    uint32_t c = 0;

    while (parser->at < parser->end && parser->at - from < 6 && hex_digit(*parser->at) >= 0)
        c = c * 16 + (uint32_t)hex_digit(*parser->at++);
    if (parser->at == from) {
        if (*from == 0)
            put_character(text, 0);
        else
            twi_text_putc(text, *from);
        parser->at++;
        return;
    }
    put_character(text, c);
    if (parser->end - parser->at > 1 && memcmp(parser->at, "\r\n", 2) == 0)
        parser->at += 2;
    else if (parser->at < parser->end && twi_is_html_space(*parser->at))
        parser->at++;
}

bool css_read_ident(struct css_parser *parser, struct css_string *ident)
{
    struct twi_text text = { .arena = parser->arena };

    while (parser->at < parser->end) {
        char c = *parser->at;
        if (is_escape(parser, parser->at)) {
            parser->at++;
            css_read_escape(parser, &text);
        } else if (c == 0) {
            put_character(&text, 0);
            parser->at++;
        } else if (is_name_start(c) || is_digit(c) || c == '-') {
            twi_text_putc(&text, c);
            parser->at++;
        } else {
            break;
        }
    }
    *ident = (struct css_string){ twi_text_string(&text), text.length };
    return true;
}

bool css_read_string(struct css_parser *parser, struct css_string *string)
{
    const char *from = parser->at;
    char quote = *parser->at++;
    struct twi_text text = { .arena = parser->arena };

    while (parser->at < parser->end && *parser->at != quote) {
        char c = *parser->at++;
        if (c == '\n' || c == '\r' || c == '\f')
            return css_fail(parser, from, "the string does not end on its line");
        if (c == 0) {
            put_character(&text, 0);
        } else if (c != '\\') {
            twi_text_putc(&text, c);
        } else if (is_escape(parser, parser->at - 1)) {
            css_read_escape(parser, &text);
        } else if (parser->at < parser->end) {
            parser->at += parser->end - parser->at > 1 && memcmp(parser->at, "\r\n", 2) == 0
                              ? 2
                              : 1;
        }
    }
    if (parser->at < parser->end)
        parser->at++;
    *string = (struct css_string){ twi_text_string(&text), text.length };
    return true;
}

struct css_string css_lower(struct css_parser *parser, struct css_string string)
{
    char *lower = twi_arena_copy(parser->arena, string.text, string.length);

    for (size_t i = 0; lower != NULL && i < string.length; i++)
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] + 32);
    return (struct css_string){ lower != NULL ? lower : "",
                                lower != NULL ? string.length : 0 };
}

bool css_same(struct css_string a, const char *b)
{
    return twi_same_text(a.text, a.length, b, strlen(b));
}

/* --- An+B ---------------------------------------------------------------------------------- */

/* Digits, as far as an int goes. */
static bool read_digits(struct css_parser *parser, long *number)
{
    const char *from = parser->at;

    *number = 0;
    for (; parser->at < parser->end && is_digit(*parser->at); parser->at++)
        if (*number < INT_MAX / 10)
            *number = *number * 10 + (*parser->at - '0');
        else
            *number = INT_MAX;
    return parser->at > from;
}

static int read_sign(struct css_parser *parser)
{
    if (parser->at == parser->end || (*parser->at != '+' && *parser->at != '-'))
        return 0;
    return *parser->at++ == '-' ? -1 : 1;
}

static bool read_word(struct css_parser *parser, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(parser->end - parser->at) < length ||
        !twi_same_text(parser->at, length, word, length))
        return false;
    if ((size_t)(parser->end - parser->at) > length &&
        (is_name_start(parser->at[length]) || parser->at[length] == '-' ||
         is_digit(parser->at[length])))
        return false;
    parser->at += length;
    return true;
}

/* Behind "An": nothing, or a sign and B, white space about the sign. */
static bool read_nth_rest(struct css_parser *parser, struct css_test *test)
{
    const char *from = parser->at;
    long number;
    int sign;

    css_skip(parser);
    sign = read_sign(parser);
    if (sign == 0) {
        parser->at = from;
        return true;
    }
    css_skip(parser);
    if (!read_digits(parser, &number))
        return css_fail(parser, parser->at, "a number must follow the sign");
    test->b = sign * number;
    return true;
}

bool css_read_nth(struct css_parser *parser, struct css_test *test)
{
    const char *from = parser->at;
    bool has_digits;
    long number;
    int sign;

    test->a = 2;
    test->b = 1;
    if (read_word(parser, "odd"))
        return true;
    test->b = 0;
    if (read_word(parser, "even"))
        return true;
    sign = read_sign(parser);
    has_digits = read_digits(parser, &number);
    if (sign == 0)
        sign = 1;
    if (parser->at < parser->end && (*parser->at | 0x20) == 'n') {
        parser->at++;
        test->a = has_digits ? sign * number : sign;
        return read_nth_rest(parser, test);
    }
    test->a = 0;
    test->b = sign * number;
    return has_digits || css_fail(parser, from, "not an+b, odd or even");
}
