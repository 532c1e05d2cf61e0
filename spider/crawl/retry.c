/* SPDX-License-Identifier: MIT */
/*
 * retry.c - lists of temporary outcomes.
 */
#include "config.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "spider/crawl/retry.h"

static const tw_error_class *const temporary_failures[] = {
    &tw_error_timeout,    &tw_error_cancelled, &tw_error_connect,
    &tw_error_connection, &tw_error_empty,     &tw_error_partial,
};

bool twi_retry_status(const char *statuses, int status)
{
    char exact[8], class[8];
    const char *at = statuses;
    size_t length;

    if (status < 100 || status > 599 || statuses == NULL)
        return false;
    snprintf(exact, sizeof exact, "%d", status);
    snprintf(class, sizeof class, "%dxx", status / 100);
    for (; *at != '\0'; at += length + (at[length] == ',')) {
        length = strcspn(at, ",");
        if (length == 3 && (memcmp(at, exact, 3) == 0 || memcmp(at, class, 3) == 0))
            return true;
    }
    return false;
}

bool twi_retry_failure(tw_value failure)
{
    size_t i;

    if (tw_failure_is(failure, &tw_error_dns))
        return tw_failure_number(failure) != EAI_NONAME;
    for (i = 0; i < sizeof temporary_failures / sizeof *temporary_failures; i++)
        if (tw_failure_is(failure, temporary_failures[i]))
            return true;
    return false;
}

double twi_retry_delay(unsigned tries, double random)
{
    double seconds = 1;

    for (; tries > 0 && seconds < 60; tries--)
        seconds *= 2;
    if (seconds > 60)
        seconds = 60;
    return seconds * (0.5 + random / 2);
}
