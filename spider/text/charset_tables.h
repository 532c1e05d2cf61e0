/* SPDX-License-Identifier: MIT */
/*
 * charset_tables.h - what is known of each encoding, between the files of charset.h.
 */
#ifndef SPIDER_TEXT_CHARSET_TABLES_H
#define SPIDER_TEXT_CHARSET_TABLES_H

#include <stddef.h>
#include <stdint.h>

#include "spider/text/arena.h"
#include "spider/text/span.h"

enum twi_charset_kind {
    TWI_CHARSET_UTF8,
    TWI_CHARSET_SINGLE,
    TWI_CHARSET_GB18030, /* GBK too: it is read the same way */
    TWI_CHARSET_BIG5,
    TWI_CHARSET_EUC_JP,
    TWI_CHARSET_ISO_2022_JP,
    TWI_CHARSET_SHIFT_JIS,
    TWI_CHARSET_EUC_KR,
    TWI_CHARSET_REPLACEMENT,
    TWI_CHARSET_UTF16_BE,
    TWI_CHARSET_UTF16_LE,
    TWI_CHARSET_USER_DEFINED
};

struct twi_charset {
    const char *name;
    enum twi_charset_kind kind;
    unsigned upper;    /* of TWI_CHARSET_SINGLE: its table */
    const char *iconv; /* its name there, of those that iconv writes; NULL: none */
};
extern const struct twi_charset twi_charsets[];

struct twi_charset_label {
    const char *label;
    unsigned charset;
};
extern const struct twi_charset_label twi_charset_labels[];
extern const size_t twi_charset_label_count;

/* Characters of the bytes from 0x80 on; 0: none. */
extern const uint16_t twi_charset_upper[][128];

/* Append what `data` says in an encoding of several bytes, as UTF-8. */
void twi_charset_decode_multi(struct twi_text *out, enum twi_charset_kind kind,
                              struct twi_span data);
void twi_charset_put(struct twi_text *out, uint32_t character);

#endif
