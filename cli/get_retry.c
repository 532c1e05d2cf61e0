/* SPDX-License-Identifier: MIT */
/*
 * get_retry.c - decides which transfers are tried again, and when.
 */
#include "config.h"

#include <string.h>
#include <time.h>

#include <tweed/tweed.h>

#include "cli/get.h"

#define OWN_DELAY_MAX 600.0 /* of our own accord */
#define DELAY_MAX 1e9       /* that a server may ask for */

tw_value get_response_of(tw_value result)
{
    return tw_is_failure(result) ? tw_failure_value(result) : result;
}

static bool status_is_transient(int64_t status)
{
    return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
           status == 504;
}

static bool may_try_again(const struct transfer *transfer)
{
    const struct get_settings *settings = transfer->run->settings;

    if (transfer->upload != NULL &&
        (strcmp(transfer->upload, "-") == 0 || strcmp(transfer->upload, ".") == 0))
        return false; /* standard input is read once */
    return (int64_t)transfer->tries <= settings->retries && !transfer->run->stopping;
}

static bool is_transient(const struct get_settings *settings, tw_value result)
{
    if (!tw_is_failure(result))
        return status_is_transient(tw_response_status(result));
    if (tw_failure_is(result, &tw_error_status))
        return settings->retry_all || status_is_transient(tw_failure_number(result));
    if (tw_failure_is(result, &tw_error_cancelled) || tw_failure_is(result, &tw_error_memory))
        return false;
    return settings->retry_all || tw_failure_is(result, &tw_error_timeout) ||
           strcmp(tw_failure_word(result), "timeout") == 0 ||
           tw_failure_is(result, &tw_error_dns) ||
           (settings->retry_refused && tw_failure_is(result, &tw_error_connect_refused));
}

static double choose_delay(const struct transfer *transfer, tw_value result)
{
    const struct get_settings *settings = transfer->run->settings;
    double after = tw_response_retry_after(get_response_of(result), (double)time(NULL));
    double delay = 1;
    unsigned i;

    if (settings->retry_delay >= 0)
        return settings->retry_delay;
    if (after >= 0)
        return after;
    for (i = 1; i < transfer->tries && delay < OWN_DELAY_MAX; i++)
        delay *= 2;
    return delay < OWN_DELAY_MAX ? delay : OWN_DELAY_MAX;
}

/* True if the time that the tries of a transfer may take together allows this wait. */
static bool has_time_for(const struct transfer *transfer, double delay)
{
    double most = transfer->run->settings->retry_max_time;

    return delay < DELAY_MAX && (most == 0 || get_now() - transfer->started + delay <= most);
}

double get_retry_delay(const struct transfer *transfer, tw_value result)
{
    double delay;

    if (!may_try_again(transfer) || !is_transient(transfer->run->settings, result))
        return -1;
    delay = choose_delay(transfer, result);
    return has_time_for(transfer, delay) ? delay : -1;
}
