/* SPDX-License-Identifier: MIT */
/*
 * url_idna.c - labels of international domain names: UTS 46, not transitional.
 *
 * libidn2 does the mapping, normalising and checking. It also refuses what the older IDNA2008
 * does not allow: symbols (hearts, emoji, "_"), and hyphens in the wrong places. Names with them
 * exist and browsers reach them; so a label that fails for this is taken apart: symbols and
 * hyphens stay as they are, what stands between them goes through libidn2, and the whole is put
 * into Punycode here (RFC 3492).
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <idn2.h>

#include "base/ascii.h"
#include "base/posix.h"
#include "web/url/url.h"

/* A label while it is worked on, in code points. */
struct label {
    uint32_t points[TWI_URL_LABEL_MAX + 1];
    size_t length;
};

/* Blocks of symbols that UTS 46 takes as they are ("valid; NV8" in IdnaMappingTable.txt). */
static const struct {
    uint32_t first, last;
} symbols[] = {
    { '-', '-' },         { 0xa9, 0xa9 },       { 0xae, 0xae },       { 0x20a0, 0x20a7 },
    { 0x20a9, 0x20c0 },   { 0x20d0, 0x20f0 },   { 0x2117, 0x2118 },   { 0x2190, 0x222b },
    { 0x2231, 0x225f },   { 0x2261, 0x226d },   { 0x2270, 0x2328 },   { 0x232b, 0x2426 },
    { 0x24eb, 0x2a0b },   { 0x2a0d, 0x2a73 },   { 0x2a77, 0x2adb },   { 0x2add, 0x2b73 },
    { 0x2b76, 0x2b95 },   { 0x2b97, 0x2bff },   { 0x1f000, 0x1f02b }, { 0x1f030, 0x1f093 },
    { 0x1f0a0, 0x1f0ae }, { 0x1f0b1, 0x1f0bf }, { 0x1f0c1, 0x1f0cf }, { 0x1f0d1, 0x1f0f5 },
    { 0x1f150, 0x1f169 }, { 0x1f170, 0x1f18f }, { 0x1f191, 0x1f1ac }, { 0x1f1e6, 0x1f1ff },
    { 0x1f300, 0x1f6d7 }, { 0x1f6dc, 0x1f6ec }, { 0x1f6f0, 0x1f6fc }, { 0x1f700, 0x1f776 },
    { 0x1f77b, 0x1f7d9 }, { 0x1f7e0, 0x1f7eb }, { 0x1f7f0, 0x1f7f0 }, { 0x1f800, 0x1f80b },
    { 0x1f810, 0x1f847 }, { 0x1f850, 0x1f859 }, { 0x1f860, 0x1f887 }, { 0x1f890, 0x1f8ad },
    { 0x1f900, 0x1fa53 }, { 0x1fa60, 0x1fa6d }, { 0x1fa70, 0x1fa7c }, { 0x1fa80, 0x1fa88 },
    { 0x1fa90, 0x1fabd }, { 0x1fabf, 0x1fac5 }, { 0x1face, 0x1fadb }, { 0x1fae0, 0x1fae8 },
    { 0x1faf0, 0x1faf8 },
};
#define VARIATION_SELECTOR 0xfe0f /* asks for a coloured symbol; ignored */

static bool is_symbol(uint32_t point)
{
    size_t i;

    if (point < 0x80)
        return !twi_is_alpha((char)point) && !twi_is_digit((char)point);
    for (i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        if (point >= symbols[i].first && point <= symbols[i].last)
            return true;
    }
    return point == VARIATION_SELECTOR;
}

/* --- UTF-8 ---------------------------------------------------------------------------------- */

/* The code point at *at, which moves behind it. -1 if it is no UTF-8. */
static int32_t read_point(const char **at, const char *end)
{
    unsigned char c = (unsigned char)*(*at)++;
    unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
    int32_t point = more > 0 ? c & (0x3f >> more) : c;

    if (c >= 0xf8 || (c >= 0x80 && c < 0xc0) || (size_t)(end - *at) < more)
        return -1;
    for (; more > 0; more--) {
        c = (unsigned char)*(*at)++;
        if ((c & 0xc0) != 0x80)
            return -1;
        point = point << 6 | (c & 0x3f);
    }
    return point;
}

static int add_points(struct label *label, const char *at, const char *end)
{
    while (at < end) {
        int32_t point = read_point(&at, end);
        if (point < 0 || label->length == TWI_URL_LABEL_MAX)
            return -EINVAL;
        label->points[label->length++] = (uint32_t)point;
    }
    return 0;
}

/* --- libidn2 -------------------------------------------------------------------------------- */

/* The mapped form of a run without symbols. */
static int add_mapped(struct label *label, const char *run, size_t length)
{
    char copy[TWI_URL_LABEL_MAX + 1], *mapped = NULL;
    uint8_t *ascii = NULL;
    int r = -EINVAL;

    memcpy(copy, run, length);
    copy[length] = 0;
    if (idn2_lookup_u8((const uint8_t *)copy, &ascii, IDN2_NONTRANSITIONAL) == IDN2_OK &&
        idn2_to_unicode_8z8z((const char *)ascii, &mapped, IDN2_NONTRANSITIONAL) == IDN2_OK)
        r = add_points(label, mapped, mapped + strlen(mapped));
    idn2_free(ascii);
    idn2_free(mapped);
    return r;
}

static int map_label(struct label *label, const char *at, const char *end)
{
    const char *run = at;

    while (at < end) {
        const char *here = at;
        int32_t point = read_point(&at, end);
        if (point < 0)
            return -EINVAL;
        if (!is_symbol((uint32_t)point))
            continue;
        if (here > run && add_mapped(label, run, (size_t)(here - run)) < 0)
            return -EINVAL;
        if (point != VARIATION_SELECTOR && add_points(label, here, at) < 0)
            return -EINVAL;
        run = at;
    }
    return end > run ? add_mapped(label, run, (size_t)(end - run)) : 0;
}

/* --- Punycode, RFC 3492, 6.3 ------------------------------------------------------------------ */

enum {
    BASE = 36,
    T_MIN = 1,
    T_MAX = 26,
    SKEW = 38,
    DAMP = 700,
    FIRST_BIAS = 72,
    FIRST_N = 128
};

static uint32_t adapt(uint32_t delta, uint32_t count, bool first)
{
    uint32_t k = 0;

    delta = first ? delta / DAMP : delta / 2;
    for (delta += delta / count; delta > (BASE - T_MIN) * T_MAX / 2; k += BASE)
        delta /= BASE - T_MIN;
    return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

static char digit(uint32_t value)
{
    return (char)(value < 26 ? 'a' + value : '0' + value - 26);
}

/* A number of variable length; NULL when there is no room. */
static char *put_number(char *out, const char *end, uint32_t number, uint32_t bias)
{
    uint32_t k;

    for (k = BASE; out < end; k += BASE) {
        uint32_t t = k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;
        if (number < t) {
            *out++ = digit(number);
            return out;
        }
        *out++ = digit(t + (number - t) % (BASE - t));
        number = (number - t) / (BASE - t);
    }
    return NULL;
}

static uint32_t next_point(const struct label *label, uint32_t least)
{
    uint32_t next = UINT32_MAX;
    size_t i;

    for (i = 0; i < label->length; i++) {
        if (label->points[i] >= least && label->points[i] < next)
            next = label->points[i];
    }
    return next;
}

/* A label is short: with at most 253 points below 2^21, `delta` cannot overflow. */
static int encode(const struct label *label, char *out, size_t room)
{
    const char *end = out + room;
    char *at = out;
    uint32_t n = FIRST_N, delta = 0, bias = FIRST_BIAS, handled, basic;
    size_t i;

    if (room < label->length + 5)
        return -EINVAL;
    memcpy(at, "xn--", 4);
    at += 4;
    for (i = 0; i < label->length; i++) {
        if (label->points[i] < FIRST_N)
            *at++ = (char)label->points[i];
    }
    basic = handled = (uint32_t)(at - out - 4);
    if (basic > 0)
        *at++ = '-';
    for (; handled < label->length; delta++, n++) {
        uint32_t next = next_point(label, n);
        delta += (next - n) * (handled + 1);
        n = next;
        for (i = 0; at != NULL && i < label->length; i++) {
            if (label->points[i] < n)
                delta++;
            if (label->points[i] != n)
                continue;
            at = put_number(at, end, delta, bias);
            bias = adapt(delta, handled + 1, handled == basic);
            delta = 0;
            handled++;
        }
        if (at == NULL)
            return -EINVAL;
    }
    return (int)(at - out);
}

/* 0 to 35, or 36 for a character that is no digit. */
static uint32_t digit_value(char c)
{
    c = twi_lower(c);
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a');
    return twi_is_digit(c) ? (uint32_t)(c - '0' + 26) : BASE;
}

/* Add the number at *at to *sum. */
static int punycode_read_number(const char **at, const char *end, uint32_t bias, uint32_t *sum)
{
    uint32_t k, weight = 1;

    for (k = BASE; *at < end; k += BASE) {
        uint32_t value = digit_value(*(*at)++);
        uint32_t t = k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;
        if (value == BASE || value > (INT32_MAX - *sum) / weight)
            return -EINVAL;
        *sum += value * weight;
        if (value < t)
            return 0;
        if (weight > INT32_MAX / (BASE - t))
            return -EINVAL;
        weight *= BASE - t;
    }
    return -EINVAL;
}

static int insert_point(struct label *label, uint32_t at, uint32_t point)
{
    if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000) ||
        label->length == TWI_URL_LABEL_MAX)
        return -EINVAL;
    memmove(label->points + at + 1, label->points + at,
            (label->length - at) * sizeof *label->points);
    label->points[at] = point;
    label->length++;
    return 0;
}

/* Decode the part behind "xn--"; it must have more than ASCII. */
static int decode(const char *at, const char *end, struct label *label)
{
    const char *hyphen = twi_memrchr(at, '-', (size_t)(end - at));
    uint32_t n = FIRST_N, sum = 0, bias = FIRST_BIAS;

    if (hyphen != NULL) {
        if (add_points(label, at, hyphen) < 0)
            return -EINVAL;
        at = hyphen + 1;
    }
    if (at == end)
        return -EINVAL;
    while (at < end) {
        uint32_t before = sum, count = (uint32_t)label->length + 1;
        if (punycode_read_number(&at, end, bias, &sum) < 0)
            return -EINVAL;
        bias = adapt(sum - before, count, before == 0);
        if (sum / count > 0x10ffff)
            return -EINVAL;
        n += sum / count;
        sum %= count;
        if (insert_point(label, sum++, n) < 0)
            return -EINVAL;
    }
    return 0;
}

/* --- a label ---------------------------------------------------------------------------------- */

static int idna_put(char *out, size_t room, const char *text, size_t length)
{
    if (length > room)
        return -EINVAL;
    memcpy(out, text, length);
    return (int)length;
}

static int write_label(const struct label *label, char *out, size_t room)
{
    char ascii[TWI_URL_LABEL_MAX];
    size_t i;

    for (i = 0; i < label->length && label->points[i] < 0x80; i++)
        ascii[i] = (char)label->points[i];
    return i == label->length ? idna_put(out, room, ascii, i) : encode(label, out, room);
}

/* The rules for labels that are written from right to left look at the whole label, and libidn2
 * sees its runs only; so those have no symbols. */
static bool is_right_to_left(const struct label *label)
{
    size_t i;

    for (i = 0; i < label->length; i++) {
        uint32_t point = label->points[i];
        if ((point >= 0x590 && point < 0x900) || (point >= 0xfb1d && point < 0xff00) ||
            (point >= 0x10800 && point < 0x11000) || (point >= 0x1e800 && point < 0x1f000))
            return true;
    }
    return false;
}

static int with_symbols(const char *text, size_t length, char *out, size_t room)
{
    struct label label = { .length = 0 };

    if (map_label(&label, text, text + length) < 0 || is_right_to_left(&label))
        return -EINVAL;
    return write_label(&label, out, room);
}

static char *put_utf8(char *out, uint32_t point)
{
    static const unsigned char lead[] = { 0, 0xc0, 0xe0, 0xf0 };
    unsigned more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;

    *out++ = (char)(lead[more] | point >> (6 * more));
    while (more-- > 0)
        *out++ = (char)(0x80 | (point >> (6 * more) & 0x3f));
    return out;
}

/* Punycode must be the form that its characters encode to. */
static int check_punycode(const char *text, size_t length, char *out, size_t room)
{
    struct label label = { .length = 0 };
    char utf8[4 * TWI_URL_LABEL_MAX], *at = utf8;
    size_t i;
    int r;

    for (i = 0; i < length; i++) {
        if ((unsigned char)text[i] >= 0x80)
            return -EINVAL;
    }
    if (decode(text + 4, text + length, &label) < 0)
        return -EINVAL;
    for (i = 0; i < label.length; i++)
        at = put_utf8(at, label.points[i]);
    r = twi_url_label(utf8, (size_t)(at - utf8), out, room);
    return r >= 0 && twi_same_nocase(out, (size_t)r, text, length) ? r : -EINVAL;
}

int twi_url_label(const char *label, size_t length, char *out, size_t room)
{
    char copy[TWI_URL_LABEL_MAX + 1];
    uint8_t *ascii = NULL;
    int r;

    if (length > TWI_URL_LABEL_MAX)
        return -EINVAL;
    memcpy(copy, label, length);
    copy[length] = 0;
    if (length >= 4 && twi_same_nocase(copy, 4, "xn--", 4))
        return check_punycode(copy, length, out, room);
    r = idn2_lookup_u8((const uint8_t *)copy, &ascii, IDN2_NONTRANSITIONAL);
    if (r == IDN2_OK)
        r = idna_put(out, room, (const char *)ascii, strlen((const char *)ascii));
    else if (r == IDN2_MALLOC)
        r = -EINVAL;
    else
        r = with_symbols(copy, length, out, room);
    idn2_free(ascii);
    return r;
}
