/* SPDX-License-Identifier: MIT */
/*
 * date.c - any text as a date: what is read and written is read back the same.
 */
#include "config.h"

#include <string.h>

#include "fuzz/target.h"
#include "web/http/http_date.h"

static void check(int64_t seconds)
{
    char text[TWI_HTTP_DATE_SIZE];
    int64_t again;

    twi_http_date_format(seconds, text);
    FUZZ_ASSERT(strlen(text) == TWI_HTTP_DATE_SIZE - 1);
    FUZZ_ASSERT(tw_http_date_parse(text, strlen(text), &again) == 0 && again == seconds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t seconds;

    if (tw_http_date_parse((const char *)data, size, &seconds) == 0)
        check(seconds);
    if (twi_cookie_date_parse((const char *)data, size, &seconds) == 0)
        check(seconds);
    return 0;
}
