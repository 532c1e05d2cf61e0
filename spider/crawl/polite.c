/* SPDX-License-Identifier: MIT */
/*
 * polite.c - delays, throttle, back-off.
 */
#include "config.h"

#include <math.h>

#include "spider/crawl/polite.h"

#define CENTURY (100.0 * 365.25 * 24 * 3600)
enum { GOOD_IN_A_ROW = 20 };
/* The first back-off of a host without a delay. */
static const double back_off_least = 1;

int64_t twi_polite_nanoseconds(double seconds)
{
    if (!(seconds > 0))
        return 0;
    return (int64_t)ceil((seconds < CENTURY ? seconds : CENTURY) * 1e9);
}

static double polite_at_most(double seconds, double most)
{
    return seconds < most ? seconds : most;
}

static double polite_first_delay(const struct twi_manners *manners,
                                 const struct twi_host_manners *own, double learned)
{
    double delay = learned > 0 ? learned : manners->throttle_start;

    if (!manners->throttles || !(delay > own->delay))
        return own->delay;
    return learned > 0 ? polite_at_most(delay, manners->max_delay) : delay;
}

void twi_polite_init(struct twi_polite *polite, const struct twi_manners *manners,
                     const struct twi_host_manners *own, double learned)
{
    *polite = (struct twi_polite){ .sent_at = INT64_MIN,
                                   .not_before = INT64_MIN,
                                   .backed_off_at = INT64_MIN,
                                   .delay = polite_first_delay(manners, own, learned),
                                   .factor = 1 };
}

void twi_polite_change(struct twi_polite *polite, const struct twi_manners *manners,
                       const struct twi_host_manners *own)
{
    if (polite->sent_at == INT64_MIN)
        polite->delay = polite_first_delay(manners, own, 0);
    else if (!manners->throttles || polite->delay < own->delay)
        polite->delay = own->delay;
    if (own->jitter == 0)
        polite->factor = 1;
}

void twi_polite_crawl_delay(struct twi_polite *polite, const struct twi_manners *manners,
                            double seconds)
{
    polite->crawl_delay = seconds > 0 ? polite_at_most(seconds, manners->max_retry_after) : 0;
}

void twi_polite_pause(struct twi_polite *polite, const struct twi_manners *manners,
                      int64_t now, double seconds)
{
    polite->not_before = now + twi_polite_nanoseconds(
                                   polite_at_most(seconds, manners->max_retry_after));
}

void twi_polite_sent(struct twi_polite *polite, const struct twi_host_manners *own,
                     int64_t now, double random)
{
    polite->sent_at = now;
    polite->factor = (float)(1 - own->jitter + 2 * own->jitter * random);
}

/* Scrapy's AutoThrottle: half way to what would keep the target number of fetches under way, at
 * once if that is more; an answer that is no page says nothing about how fast pages come. */
static void polite_throttle(struct twi_polite *polite, const struct twi_manners *manners,
                            const struct twi_host_manners *own,
                            const struct twi_answer *answer)
{
    double target = answer->latency / manners->throttle_target;
    double delay = (polite->delay + target) / 2;

    if (!(answer->latency >= 0) || answer->status == 0)
        return;
    if (delay < target)
        delay = target;
    delay = polite_at_most(delay, manners->max_delay);
    if (delay < own->delay)
        delay = own->delay;
    if ((answer->status >= 200 && answer->status < 300) || delay > polite->delay)
        polite->delay = delay;
}

/* Answers to requests that went out before the last doubling tell nothing about the new delay. */
static void polite_back_off(struct twi_polite *polite, const struct twi_manners *manners,
                            int64_t now, int64_t sent_at)
{
    double interval = twi_polite_interval(polite);

    polite->good = 0;
    if (sent_at < polite->backed_off_at)
        return;
    polite->backed_off_at = now;
    polite->back_off = interval * 2 > back_off_least ? interval * 2 : back_off_least;
    if (polite->back_off > manners->max_delay)
        polite->back_off = manners->max_delay;
}

static void polite_good(struct twi_polite *polite)
{
    if (polite->back_off == 0 || ++polite->good < GOOD_IN_A_ROW)
        return;
    polite->good = 0;
    polite->back_off /= 2;
    if (polite->back_off <= polite->delay || polite->back_off < back_off_least)
        polite->back_off = 0;
}

static bool is_good_answer(int status)
{
    return (status >= 200 && status < 400) || status == 404 || status == 410;
}

void twi_polite_answered(struct twi_polite *polite, const struct twi_manners *manners,
                         const struct twi_host_manners *own, int64_t now, int64_t sent_at,
                         const struct twi_answer *answer)
{
    bool is_too_many = answer->status == 429 || answer->status == 503;

    if (manners->throttles)
        polite_throttle(polite, manners, own, answer);
    if (is_too_many && answer->retry_after > 0) {
        int64_t end = now + twi_polite_nanoseconds(
                                polite_at_most(answer->retry_after, manners->max_retry_after));
        if (end > polite->not_before)
            polite->not_before = end;
        polite->good = 0;
    } else if (is_too_many) {
        polite_back_off(polite, manners, now, sent_at);
    } else if (is_good_answer(answer->status)) {
        polite_good(polite);
    }
}

static double polite_wait(const struct twi_polite *polite, double factor)
{
    double wait = polite->delay * factor;

    if (wait < polite->crawl_delay)
        wait = polite->crawl_delay;
    return wait < polite->back_off ? polite->back_off : wait;
}

double twi_polite_interval(const struct twi_polite *polite)
{
    return polite_wait(polite, 1);
}

int64_t twi_polite_ready(const struct twi_polite *polite)
{
    int64_t ready = polite->sent_at;

    if (ready != INT64_MIN)
        ready += twi_polite_nanoseconds(polite_wait(polite, (double)polite->factor));
    return ready > polite->not_before ? ready : polite->not_before;
}
