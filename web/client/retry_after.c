/* SPDX-License-Identifier: MIT */
/*
 * retry_after.c - the wait that an answer asks for: seconds or a date (RFC 9110, 10.2.3).
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <tweed/client.h>

#include "base/ascii.h"
#include "web/http/http_date.h"

double tw_response_retry_after(tw_value response, double now)
{
    const char *text = tw_response_header(response, "Retry-After");
    uint64_t seconds;
    int64_t date;
    int r;

    if (text == NULL)
        return -1;
    r = twi_parse_decimal(text, strlen(text), &seconds);
    if (r == 0)
        return (double)seconds;
    if (r == -ERANGE)
        return (double)UINT64_MAX;
    if (tw_http_date_parse(text, strlen(text), &date) < 0)
        return -1;
    return (double)date > now ? (double)date - now : 0;
}
