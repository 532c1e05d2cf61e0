/* SPDX-License-Identifier: MIT */
/*
 * decimal.c - doubles as texts: the C library's conversions with its locale's mark taken out.
 */
#include "config.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spider/text/decimal.h"

size_t twi_decimal_print(char text[TWI_DECIMAL_SIZE], double number)
{
    const char *mark = localeconv()->decimal_point;
    int precision = 15;
    char *found;

    do
        snprintf(text, TWI_DECIMAL_SIZE, "%.*g", precision, number);
    while (strtod(text, NULL) != number && ++precision <= 17);
    found = strcmp(mark, ".") != 0 ? strstr(text, mark) : NULL;
    if (found != NULL) {
        *found = '.';
        memmove(found + 1, found + strlen(mark), strlen(found + strlen(mark)) + 1);
    }
    return strlen(text);
}

double twi_decimal_read(const char *text)
{
    const char *mark = localeconv()->decimal_point;
    size_t length = strspn(text, "+-0123456789.eE");
    const char *point = memchr(text, '.', length);
    char *local;
    double number;

    if (point == NULL || strcmp(mark, ".") == 0)
        return strtod(text, NULL);
    local = malloc(length + strlen(mark) + 1);
    if (local == NULL)
        return 0;
    sprintf(local, "%.*s%s%.*s", (int)(point - text), text, mark,
            (int)(length - (size_t)(point - text) - 1), point + 1);
    number = strtod(local, NULL);
    free(local);
    return number;
}
