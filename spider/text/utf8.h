/* SPDX-License-Identifier: MIT */
/*
 * utf8.h - characters of UTF-8 texts.
 *
 * Texts are UTF-8. A lone surrogate, which scripts and JSON can hold, stands in three bytes like
 * any other character of its size (WTF-8), so that it survives on its way through.
 */
#ifndef SPIDER_TEXT_UTF8_H
#define SPIDER_TEXT_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "spider/text/arena.h"

/* Write a character, at most 4 bytes; the number written. */
size_t twi_utf8_put(char *to, uint32_t character);
/* Read the character at `at`, of which `left` > 0 bytes are there. Its length, and the character;
 * 0 if it is none (wrong, too long, cut off, past U+10FFFF). Surrogates are read. */
size_t twi_utf8_get(const char *at, size_t left, uint32_t *ret_character);
/* The text as strict parsers want it: U+FFFD for surrogates and wrong bytes, without NUL and BOM.
 * The text itself when nothing is to be done, else a copy in the arena; NULL when that failed. */
const char *twi_utf8_clean(struct twi_arena *arena, const char *text, size_t length,
                           size_t *ret_length);

#endif
