/* SPDX-License-Identifier: MIT */
/*
 * data_url.c - URLs that hold what they lead to (RFC 2397).
 *
 * Escapes are undone first, as w3lib does: the delimiters may not stand in a token in either form.
 */
#include "config.h"

#include "spider/text/base64.h"
#include "spider/text/data_url.h"

/* As many as nobody writes; looking one up goes through all. */
#define MAX_PARAMETERS 100

/* Without what URLs drop, the fragment and the escapes. */
static struct twi_span decode_url(struct twi_arena *arena, struct twi_span url)
{
    char *decoded = twi_arena_alloc(arena, url.length + 1), *to = decoded;

    if (decoded == NULL)
        return (struct twi_span){ "", 0 };
    url = twi_span_first(url, twi_span_find(url, '#'));
    while (url.length > 0 && (unsigned char)url.text[0] <= ' ')
        url = twi_span_from(url, 1);
    while (url.length > 0 && (unsigned char)url.text[url.length - 1] <= ' ')
        url.length--;
    for (size_t i = 0; i < url.length; i++) {
        char c = url.text[i];
        if (c == '\t' || c == '\n' || c == '\r')
            continue;
        if (c == '%' && url.length - i > 2 && twi_hex(url.text[i + 1]) >= 0 &&
            twi_hex(url.text[i + 2]) >= 0) {
            c = (char)(twi_hex(url.text[i + 1]) * 16 + twi_hex(url.text[i + 2]));
            i += 2;
        }
        *to++ = c;
    }
    return (struct twi_span){ decoded, (size_t)(to - decoded) };
}

/* RFC 2045, 5.1. */
static size_t token_length(struct twi_span text)
{
    size_t length = 0;

    while (length < text.length && text.text[length] > ' ' && text.text[length] < 0x7f &&
           strchr("()<>@,;:\\\"/[]?=", text.text[length]) == NULL)
        length++;
    return length;
}

static void take_type(struct twi_span *text, struct twi_data_url *url)
{
    size_t type = token_length(*text), subtype;

    if (type == 0 || type == text->length || text->text[type] != '/')
        return;
    subtype = token_length(twi_span_from(*text, type + 1));
    if (subtype == 0)
        return;
    url->type = twi_span_first(*text, type + 1 + subtype);
    *text = twi_span_from(*text, url->type.length);
}

/* Behind its opening quote; what it takes with its closing one, 0 if there is none. */
static size_t quoted_length(struct twi_arena *arena, struct twi_span text,
                            struct twi_span *ret_value)
{
    struct twi_text value = { .arena = arena };
    size_t i;

    for (i = 0; i < text.length && text.text[i] != '"'; i++) {
        if (text.text[i] == '\\' && i + 1 < text.length)
            i++;
        twi_text_putc(&value, text.text[i]);
    }
    *ret_value = (struct twi_span){ twi_text_string(&value), value.length };
    return i < text.length ? i + 1 : 0;
}

static bool put_parameter(struct twi_arena *arena, struct twi_data_url *url,
                          struct twi_span name, struct twi_span value)
{
    struct twi_data_parameter **at = &url->parameters;
    int count = 0;

    while (*at != NULL && ++count <= MAX_PARAMETERS &&
           ((*at)->name.length != name.length ||
            memcmp((*at)->name.text, name.text, name.length) != 0))
        at = &(*at)->next;
    if (*at == NULL)
        *at = twi_arena_zeroed(arena, sizeof **at);
    if (*at == NULL || count > MAX_PARAMETERS)
        return false;
    (*at)->name = name;
    (*at)->value = value;
    return true;
}

/* ";name=value" in front of the text; false if none stands there. */
static bool take_parameter(struct twi_arena *arena, struct twi_span *text,
                           struct twi_data_url *url)
{
    struct twi_span rest, name, value;
    size_t length;

    if (text->length == 0 || text->text[0] != ';')
        return false;
    rest = twi_span_from(*text, 1);
    name = twi_span_first(rest, token_length(rest));
    rest = twi_span_from(rest, name.length);
    if (name.length == 0 || rest.length == 0 || rest.text[0] != '=')
        return false;
    rest = twi_span_from(rest, 1);
    if (rest.length > 0 && rest.text[0] == '"') {
        rest = twi_span_from(rest, 1);
        length = quoted_length(arena, rest, &value);
    } else {
        length = token_length(rest);
        value = twi_span_first(rest, length);
    }
    if (length == 0 || !put_parameter(arena, url, name, value))
        return false;
    *text = twi_span_from(rest, length);
    return true;
}

static bool is_base64_mark(struct twi_span text)
{
    return twi_span_is_nocase(text, ";base64");
}

const char *twi_data_url_read(struct twi_arena *arena, struct twi_span url,
                              struct twi_data_url *ret_url)
{
    struct twi_span rest = decode_url(arena, url), mark;
    struct twi_data_url data = { .type = { NULL, 0 } };
    struct twi_text bytes = { .arena = arena };

    if (!twi_span_starts_nocase(rest, "data:"))
        return "no data: URL";
    rest = twi_span_from(rest, 5);
    take_type(&rest, &data);
    if (data.type.text == NULL) {
        data.type = twi_span_of("text/plain");
        put_parameter(arena, &data, twi_span_of("charset"), twi_span_of("US-ASCII"));
    }
    while (take_parameter(arena, &rest, &data))
        ;
    mark = twi_span_first(rest, twi_span_find(rest, ','));
    if (mark.length == rest.length)
        return "no comma in front of the data";
    data.data = twi_span_from(rest, mark.length + 1);
    if (mark.length > 0 && !is_base64_mark(mark))
        return "neither a parameter nor ;base64 in front of the comma";
    if (mark.length > 0) {
        if (!twi_base64_decode(&bytes, data.data.text, data.data.length))
            return "no base64 behind the comma";
        data.data = (struct twi_span){ twi_text_string(&bytes), bytes.length };
    }
    *ret_url = data;
    return NULL;
}
