/* SPDX-License-Identifier: MIT */
/*
 * decimal.h - doubles as texts with a point, whatever the program's locale has.
 */
#ifndef SPIDER_TEXT_DECIMAL_H
#define SPIDER_TEXT_DECIMAL_H

#include <stddef.h>

enum { TWI_DECIMAL_SIZE = 40 };

/* The fewest digits, of 15 at least, that read back as the same finite number, as "%g" lays them
 * out. The length. */
size_t twi_decimal_print(char text[TWI_DECIMAL_SIZE], double number);
/* Like strtod(): digits, a point, an exponent. */
double twi_decimal_read(const char *text);

#endif
