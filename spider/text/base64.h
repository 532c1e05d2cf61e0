/* SPDX-License-Identifier: MIT */
/*
 * base64.h - bytes as letters (RFC 4648, 4).
 */
#ifndef SPIDER_TEXT_BASE64_H
#define SPIDER_TEXT_BASE64_H

#include "spider/text/arena.h"

/* White space is skipped, padding may be missing. False at a character that is no digit, at padding
 * that is not as much as is missing, and at a last digit that makes no byte. */
bool twi_base64_decode(struct twi_text *out, const char *data, size_t length);
void twi_base64_encode(struct twi_text *out, const char *data, size_t length);

#endif
