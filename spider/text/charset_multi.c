/* SPDX-License-Identifier: MIT */
/*
 * charset_multi.c - encodings of several bytes a character, as the Encoding Standard decodes them.
 *
 * The C library's iconv knows the characters; which bytes belong together, and how many of them
 * a mistake takes, is the standard's, and differs. So iconv is asked once for every pair of bytes,
 * and the answers are kept as a table for the life of the process: two threads that make one at
 * the same time make the same one, and the first stays.
 */
#include "config.h"

#include <iconv.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "spider/text/charset_tables.h"
#include "spider/text/utf8.h"

#define WRONG 0xfffd

enum table { GB_PAIRS, GB_FOURS, BIG5_PAIRS, JIS_PAIRS, JIS_0212, KR_PAIRS, TABLE_COUNT };

/* The bytes that a table is about: a prefix, or none; then a lead and a trail. */
static const struct table_range {
    const char *iconv;
    unsigned char prefix, first_lead, last_lead, first_trail, last_trail;
} ranges[TABLE_COUNT] = {
    [GB_PAIRS] = { "GB18030", 0, 0x81, 0xfe, 0x40, 0xfe },
    [GB_FOURS] = { "GB18030", 0, 0x81, 0x84, 0x30, 0x39 },
    [BIG5_PAIRS] = { "BIG5-HKSCS", 0, 0x81, 0xfe, 0x40, 0xfe },
    [JIS_PAIRS] = { "CP932", 0, 0x81, 0xfc, 0x40, 0xfc },
    [JIS_0212] = { "EUC-JP-MS", 0x8f, 0xa1, 0xed, 0xa1, 0xfe },
    [KR_PAIRS] = { "CP949", 0, 0x81, 0xfe, 0x41, 0xfe },
};

/* Where the standard differs from iconv; the symbols of its Big5 are those of Windows. */
static const struct table_patch {
    enum table table;
    unsigned char lead, trail;
    uint16_t character;
    unsigned char more; /* trails behind it have the characters behind it */
} patches[] = {
    { GB_PAIRS, 0xa3, 0xa0, 0x3000, 0 },   { BIG5_PAIRS, 0xa1, 0x45, 0x2027, 0 },
    { BIG5_PAIRS, 0xa1, 0x4e, 0xfe51, 0 }, { BIG5_PAIRS, 0xa1, 0x5a, 0x2574, 0 },
    { BIG5_PAIRS, 0xa1, 0xc2, 0x00af, 0 }, { BIG5_PAIRS, 0xa1, 0xc3, 0xffe3, 0 },
    { BIG5_PAIRS, 0xa1, 0xc5, 0x02cd, 0 }, { BIG5_PAIRS, 0xa1, 0xe3, 0xff5e, 0 },
    { BIG5_PAIRS, 0xa1, 0xf2, 0x2295, 0 }, { BIG5_PAIRS, 0xa1, 0xf3, 0x2299, 0 },
    { BIG5_PAIRS, 0xa1, 0xfe, 0xff0f, 0 }, { BIG5_PAIRS, 0xa2, 0x40, 0xff3c, 0 },
    { BIG5_PAIRS, 0xa2, 0x41, 0x2215, 0 }, { BIG5_PAIRS, 0xa2, 0x42, 0xfe68, 0 },
    { BIG5_PAIRS, 0xa2, 0x44, 0xffe5, 0 }, { BIG5_PAIRS, 0xa2, 0x46, 0xffe0, 0 },
    { BIG5_PAIRS, 0xa2, 0x47, 0xffe1, 0 }, { BIG5_PAIRS, 0xa2, 0xcc, 0x5341, 0 },
    { BIG5_PAIRS, 0xa2, 0xce, 0x5345, 0 }, { BIG5_PAIRS, 0xa3, 0xc0, 0x2400, 31 },
    { BIG5_PAIRS, 0xa3, 0xe0, 0x2421, 0 }, { BIG5_PAIRS, 0xa3, 0xe1, 0x20ac, 0 },
};

static _Atomic(uint32_t *) tables[TABLE_COUNT];

/* --- making tables ------------------------------------------------------------------------- */

static size_t trails_of(const struct table_range *range)
{
    return (size_t)(range->last_trail - range->first_trail) + 1;
}

/* Of the four bytes of GB18030 there are 12,600 for each lead. */
static size_t table_size(enum table table)
{
    const struct table_range *range = &ranges[table];
    size_t leads = (size_t)(range->last_lead - range->first_lead) + 1;

    return leads * (table == GB_FOURS ? 12600 : trails_of(range));
}

/* The one character of these bytes; 0: none, or two. */
static uint32_t ask_iconv(iconv_t converter, char *bytes, size_t length)
{
    uint32_t characters[4];
    char *in = bytes, *out = (char *)characters;
    size_t in_left = length, out_left = sizeof characters;

    iconv(converter, NULL, NULL, NULL, NULL);
    if (iconv(converter, &in, &in_left, &out, &out_left) != 0 ||
        iconv(converter, NULL, NULL, &out, &out_left) != 0 || in_left > 0)
        return 0;
    return out_left == sizeof characters - 4 ? characters[0] : 0;
}

static size_t spell(enum table table, size_t place, char *bytes)
{
    const struct table_range *range = &ranges[table];
    size_t length = 0, trails = trails_of(range);

    if (table == GB_FOURS) {
        bytes[0] = (char)(0x81 + place / 12600);
        bytes[1] = (char)(0x30 + place / 1260 % 10);
        bytes[2] = (char)(0x81 + place / 10 % 126);
        bytes[3] = (char)(0x30 + place % 10);
        return 4;
    }
    if (range->prefix != 0)
        bytes[length++] = (char)range->prefix;
    bytes[length++] = (char)(range->first_lead + place / trails);
    bytes[length++] = (char)(range->first_trail + place % trails);
    return length;
}

static void table_fill(enum table table, uint32_t *characters, iconv_t converter)
{
    const struct table_range *range = &ranges[table];
    char bytes[4];
    size_t i;

    for (i = 0; i < table_size(table); i++) {
        size_t length = spell(table, i, bytes);
        characters[i] = ask_iconv(converter, bytes, length);
    }
    for (i = 0; i < sizeof patches / sizeof *patches; i++) {
        const struct table_patch *patch = &patches[i];
        size_t place = (size_t)(patch->lead - range->first_lead) * trails_of(range) +
                       patch->trail - range->first_trail;
        for (size_t k = 0; patch->table == table && k <= patch->more; k++)
            characters[place + k] = patch->character + (uint32_t)k;
    }
}

/* NULL when there is no memory or no such converter: then no pair is a character. */
static const uint32_t *table_get(enum table table)
{
    uint32_t *characters = atomic_load_explicit(&tables[table], memory_order_acquire);
    uint32_t *none = NULL;
    iconv_t converter;

    if (characters != NULL)
        return characters;
    converter = iconv_open("WCHAR_T", ranges[table].iconv);
    if (converter == (iconv_t)-1)
        return NULL;
    characters = malloc(table_size(table) * sizeof *characters);
    if (characters != NULL) {
        table_fill(table, characters, converter);
        if (!atomic_compare_exchange_strong(&tables[table], &none, characters)) {
            free(characters);
            characters = none;
        }
    }
    iconv_close(converter);
    return characters;
}

/* --- looking up ---------------------------------------------------------------------------- */

struct decoder {
    struct twi_text *out;
    const uint32_t *pairs;
};

static bool is_within(unsigned char byte, unsigned char first, unsigned char last)
{
    return byte >= first && byte <= last;
}

/* 0: no character. */
static uint32_t table_look_up(const uint32_t *characters, enum table table, unsigned char lead,
                              unsigned char trail)
{
    const struct table_range *range = &ranges[table];

    if (characters == NULL || !is_within(lead, range->first_lead, range->last_lead) ||
        !is_within(trail, range->first_trail, range->last_trail))
        return 0;
    return characters[(size_t)(lead - range->first_lead) * trails_of(range) + trail -
                      range->first_trail];
}

/* How many bytes a lead and a trail take: an ASCII trail that makes no character is read again. */
static size_t pair_taken(uint32_t character, unsigned char trail)
{
    return character == 0 && trail < 0x80 ? 1 : 2;
}

/* --- one character, not ASCII, of each encoding: how many bytes it takes --------------------- */

typedef size_t take_character(const struct decoder *decoder, const unsigned char *at,
                              size_t left, uint32_t *ret_character);

static size_t take_four(const unsigned char *at, size_t left, uint32_t *character)
{
    const uint32_t *fours;
    size_t place;

    if (left < 3)
        return left;
    if (!is_within(at[2], 0x81, 0xfe))
        return 1;
    if (left < 4)
        return left;
    if (!is_within(at[3], 0x30, 0x39))
        return 1;
    place = ((((size_t)at[0] - 0x81) * 10 + at[1] - 0x30) * 126 + at[2] - 0x81) * 10 + at[3] -
            0x30;
    if (place >= 189000 && place <= 1237575)
        *character = (uint32_t)(place - 189000 + 0x10000);
    fours = place <= 39419 ? table_get(GB_FOURS) : NULL;
    if (fours != NULL)
        *character = fours[place];
    return 4;
}

static size_t take_gb(const struct decoder *decoder, const unsigned char *at, size_t left,
                      uint32_t *character)
{
    if (at[0] == 0x80 || at[0] == 0xff) {
        *character = at[0] == 0x80 ? 0x20ac : 0;
        return 1;
    }
    if (left < 2)
        return left;
    if (is_within(at[1], 0x30, 0x39))
        return take_four(at, left, character);
    *character = table_look_up(decoder->pairs, GB_PAIRS, at[0], at[1]);
    return pair_taken(*character, at[1]);
}

static size_t take_lead_and_trail(const uint32_t *characters, enum table table,
                                  const unsigned char *at, size_t left, uint32_t *character)
{
    if (!is_within(at[0], ranges[table].first_lead, ranges[table].last_lead) || left < 2)
        return 1;
    *character = table_look_up(characters, table, at[0], at[1]);
    return pair_taken(*character, at[1]);
}

static size_t take_kr(const struct decoder *decoder, const unsigned char *at, size_t left,
                      uint32_t *character)
{
    return take_lead_and_trail(decoder->pairs, KR_PAIRS, at, left, character);
}

/* Four pairs are a letter and an accent. */
static size_t take_big5(const struct decoder *decoder, const unsigned char *at, size_t left,
                        uint32_t *character)
{
    if (left >= 2 && at[0] == 0x88 && memchr("\x62\x64\xa3\xa5", at[1], 4) != NULL) {
        twi_charset_put(decoder->out, at[1] < 0x80 ? 0xca : 0xea);
        *character = at[1] == 0x62 || at[1] == 0xa3 ? 0x304 : 0x30c;
        return 2;
    }
    return take_lead_and_trail(decoder->pairs, BIG5_PAIRS, at, left, character);
}

static size_t take_sjis(const struct decoder *decoder, const unsigned char *at, size_t left,
                        uint32_t *character)
{
    if (is_within(at[0], 0xa1, 0xdf)) {
        *character = 0xff61u + at[0] - 0xa1;
        return 1;
    }
    if (at[0] == 0x80 || at[0] == 0xa0) {
        *character = at[0] == 0x80 ? 0x80 : 0;
        return 1;
    }
    return take_lead_and_trail(decoder->pairs, JIS_PAIRS, at, left, character);
}

/* JIS X 0208 by row and cell, from 0: Shift_JIS has two rows a lead. */
static uint32_t table_look_up_jis(const uint32_t *characters, unsigned row, unsigned cell)
{
    unsigned lead = row / 2 + (row < 62 ? 0x81 : 0xc1);
    unsigned trail = row % 2 != 0 ? cell + 0x9f : cell + 0x40 + (cell >= 63);

    return table_look_up(characters, JIS_PAIRS, (unsigned char)lead, (unsigned char)trail);
}

static size_t take_euc_jp(const struct decoder *decoder, const unsigned char *at, size_t left,
                          uint32_t *character)
{
    if (at[0] != 0x8e && at[0] != 0x8f && !is_within(at[0], 0xa1, 0xfe))
        return 1;
    if (left < 2)
        return left;
    if (at[0] == 0x8e) {
        *character = is_within(at[1], 0xa1, 0xdf) ? 0xff61u + at[1] - 0xa1 : 0;
    } else if (at[0] == 0x8f && is_within(at[1], 0xa1, 0xfe)) {
        if (left < 3)
            return left;
        *character = table_look_up(table_get(JIS_0212), JIS_0212, at[1], at[2]);
        return pair_taken(*character, at[2]) + 1;
    } else if (at[0] != 0x8f && is_within(at[1], 0xa1, 0xfe)) {
        *character = table_look_up_jis(decoder->pairs, at[0] - 0xa1u, at[1] - 0xa1u);
    }
    return pair_taken(*character, at[1]);
}

/* --- texts --------------------------------------------------------------------------------- */

static void decode_each(struct decoder *decoder, take_character *take, struct twi_span data)
{
    while (data.length > 0 && !decoder->out->arena->failed) {
        size_t plain = twi_span_ascii(data);
        uint32_t character = 0;
        twi_text_add(decoder->out, data.text, plain);
        data = twi_span_from(data, plain);
        if (data.length == 0)
            break;
        data = twi_span_from(
            data, take(decoder, (const unsigned char *)data.text, data.length, &character));
        twi_charset_put(decoder->out, character != 0 ? character : WRONG);
    }
}

/* --- ISO-2022-JP: escapes switch between alphabets ------------------------------------------ */

enum alphabet { ALPHABET_ASCII, ALPHABET_ROMAN, ALPHABET_KATAKANA, ALPHABET_KANJI };

/* Behind an escape character; -1 if none of the standard's follows. */
static int read_alphabet(struct twi_span rest)
{
    static const struct {
        const char *escape;
        enum alphabet alphabet;
    } escapes[] = { { "(B", ALPHABET_ASCII },
                    { "(J", ALPHABET_ROMAN },
                    { "(I", ALPHABET_KATAKANA },
                    { "$@", ALPHABET_KANJI },
                    { "$B", ALPHABET_KANJI } };

    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++)
        if (rest.length >= 2 && memcmp(rest.text, escapes[i].escape, 2) == 0)
            return (int)escapes[i].alphabet;
    return -1;
}

/* One byte of the alphabets with one byte a character; 0: none. */
static uint32_t iso_2022_single(enum alphabet alphabet, unsigned char byte)
{
    if (alphabet == ALPHABET_KATAKANA)
        return is_within(byte, 0x21, 0x5f) ? 0xff61u + byte - 0x21 : 0;
    if (byte >= 0x80 || byte == 0x0e || byte == 0x0f)
        return 0;
    if (alphabet == ALPHABET_ROMAN && (byte == 0x5c || byte == 0x7e))
        return byte == 0x5c ? 0xa5 : 0x203e;
    return byte;
}

/* A pair of KANJI: how many bytes it takes. An escape in the middle of it is read again. */
static size_t iso_2022_pair(const struct decoder *decoder, const unsigned char *at,
                            size_t left, uint32_t *character)
{
    if (!is_within(at[0], 0x21, 0x7e) || left < 2)
        return 1;
    if (at[1] == 0x1b)
        return 1;
    if (is_within(at[1], 0x21, 0x7e))
        *character = table_look_up_jis(decoder->pairs, at[0] - 0x21u, at[1] - 0x21u);
    return 2;
}

static void decode_iso_2022_jp(struct decoder *decoder, struct twi_span data)
{
    enum alphabet alphabet = ALPHABET_ASCII;
    bool has_switched = false; /* two escapes with nothing between them are a mistake */

    while (data.length > 0 && !decoder->out->arena->failed) {
        const unsigned char *at = (const unsigned char *)data.text;
        uint32_t character = 0;
        size_t taken = 1;
        if (at[0] == 0x1b) {
            int next = read_alphabet(twi_span_from(data, 1));
            bool is_wrong = next < 0 || has_switched;
            has_switched = next >= 0;
            alphabet = next >= 0 ? (enum alphabet)next : alphabet;
            data = twi_span_from(data, next >= 0 ? 3 : 1);
            if (is_wrong)
                twi_charset_put(decoder->out, WRONG);
            continue;
        }
        has_switched = false;
        if (alphabet == ALPHABET_KANJI)
            taken = iso_2022_pair(decoder, at, data.length, &character);
        else
            character = iso_2022_single(alphabet, at[0]);
        if (character == 0 && at[0] == 0 && alphabet <= ALPHABET_ROMAN)
            twi_text_putc(decoder->out, 0);
        else
            twi_charset_put(decoder->out, character != 0 ? character : WRONG);
        data = twi_span_from(data, taken);
    }
}

void twi_charset_decode_multi(struct twi_text *out, enum twi_charset_kind kind,
                              struct twi_span data)
{
    struct decoder decoder = { .out = out };

    switch (kind) {
    case TWI_CHARSET_GB18030:
        decoder.pairs = table_get(GB_PAIRS);
        decode_each(&decoder, take_gb, data);
        break;
    case TWI_CHARSET_BIG5:
        decoder.pairs = table_get(BIG5_PAIRS);
        decode_each(&decoder, take_big5, data);
        break;
    case TWI_CHARSET_EUC_KR:
        decoder.pairs = table_get(KR_PAIRS);
        decode_each(&decoder, take_kr, data);
        break;
    case TWI_CHARSET_SHIFT_JIS:
        decoder.pairs = table_get(JIS_PAIRS);
        decode_each(&decoder, take_sjis, data);
        break;
    case TWI_CHARSET_EUC_JP:
        decoder.pairs = table_get(JIS_PAIRS);
        decode_each(&decoder, take_euc_jp, data);
        break;
    default:
        decoder.pairs = table_get(JIS_PAIRS);
        decode_iso_2022_jp(&decoder, data);
    }
}
