/* SPDX-License-Identifier: MIT */
/*
 * check_polite.c - how long a host is left alone: delay, jitter, Crawl-delay, throttle,
 * Retry-After, back-off.
 */
#include "config.h"

#include "spider/crawl/polite.h"
#include "tests/test.h"

#define SECOND INT64_C(1000000000)

static const struct twi_manners plain = {
    .usual = { .delay = 1, .max_per_host = 2 },
    .throttle_target = 1,
    .max_delay = 60,
    .max_retry_after = 3600,
};

/* One host at the time of `now`; requests go out and are answered at once. */
struct host {
    struct twi_manners manners;
    struct twi_polite polite;
    int64_t now;
};

static struct host host_with(const struct twi_manners *manners)
{
    struct host host = { .manners = *manners, .now = 100 * SECOND };

    twi_polite_init(&host.polite, &host.manners, &host.manners.usual, 0);
    return host;
}

static void host_sends(struct host *host, double random)
{
    twi_polite_sent(&host->polite, &host->manners.usual, host->now, random);
}

static void host_answers(struct host *host, int status, double latency, double retry_after)
{
    const struct twi_answer answer = { status, latency, retry_after };

    twi_polite_answered(&host->polite, &host->manners, &host->manners.usual, host->now,
                        host->polite.sent_at, &answer);
}

/* Seconds from now until the next start. */
static double host_wait(const struct host *host)
{
    return (double)(twi_polite_ready(&host->polite) - host->now) / 1e9;
}

#define ck_near(a, b) ck_assert_double_eq_tol((a), (b), 1e-6)

START_TEST(the_first_start_waits_for_nothing)
{
    struct host host = host_with(&plain);

    ck_assert_int_eq(twi_polite_ready(&host.polite), INT64_MIN);
    host_answers(&host, 200, 0.1, -1);
    ck_assert_int_eq(twi_polite_ready(&host.polite), INT64_MIN);
}
END_TEST

static const struct {
    double delay, jitter, random, crawl_delay, expected;
} waits[] = {
    { 0, 0, 0, 0, 0 },
    { 1, 0, 0.9, 0, 1 },
    { 1, 0.5, 0, 0, 0.5 },
    { 1, 0.5, 0.5, 0, 1 },
    { 1, 0.5, 1, 0, 1.5 },
    { 1, 1, 0, 0, 0 },
    { 1, 0.5, 1, 3, 3 },
    { 4, 0.5, 1, 3, 6 },
    { 0, 0.5, 1, 2, 2 },
    { 1, 0, 0, 999999, 3600 }, /* at most max_retry_after */
    { 0.25, 0.5, 0.25, 0, 0.1875 },
};

START_TEST(the_longest_wait_counts)
{
    struct twi_manners manners = plain;
    struct host host;

    manners.usual.delay = waits[_i].delay;
    manners.usual.jitter = waits[_i].jitter;
    host = host_with(&manners);
    twi_polite_crawl_delay(&host.polite, &manners, waits[_i].crawl_delay);
    host_sends(&host, waits[_i].random);
    ck_near(host_wait(&host), waits[_i].expected);
}
END_TEST

START_TEST(no_crawl_delay_is_none)
{
    struct host host = host_with(&plain);

    twi_polite_crawl_delay(&host.polite, &plain, 5);
    twi_polite_crawl_delay(&host.polite, &plain, -1);
    host_sends(&host, 0);
    ck_near(host_wait(&host), 1);
}
END_TEST

/* --- Retry-After ---------------------------------------------------------------------------- */

static const struct {
    int status;
    double retry_after, expected;
} retries[] = {
    { 429, 10, 10 }, { 503, 10, 10 },     { 200, 10, 1 },    { 500, 10, 1 },
    { 503, 0.2, 1 }, { 503, 99999, 3600 }, { 503, 1e300, 3600 },
};

START_TEST(retry_after_is_waited_for)
{
    struct host host = host_with(&plain);

    host_sends(&host, 0);
    host_answers(&host, retries[_i].status, 0.1, retries[_i].retry_after);
    ck_near(host_wait(&host), retries[_i].expected);
    ck_near(twi_polite_interval(&host.polite), 1);
}
END_TEST

START_TEST(a_shorter_retry_after_takes_nothing_away)
{
    struct host host = host_with(&plain);

    host_sends(&host, 0);
    host_answers(&host, 503, 0.1, 100);
    host_answers(&host, 503, 0.1, 10);
    ck_near(host_wait(&host), 100);
    twi_polite_pause(&host.polite, &host.manners, host.now, 0); /* but a pause is set */
    ck_near(host_wait(&host), 1);
    twi_polite_pause(&host.polite, &host.manners, host.now, 1e9);
    ck_near(host_wait(&host), 3600);
}
END_TEST

/* --- back-off ------------------------------------------------------------------------------- */

static void host_is_refused(struct host *host, int status)
{
    host->now += SECOND;
    host_sends(host, 0);
    host->now += SECOND;
    host_answers(host, status, 0.1, -1);
}

START_TEST(refusals_double_the_delay_up_to_a_minute)
{
    static const double expected[] = { 2, 4, 8, 16, 32, 60, 60 };
    struct host host = host_with(&plain);

    for (int i = 0; i < 7; i++) {
        host_is_refused(&host, i % 2 == 0 ? 429 : 503);
        ck_near(twi_polite_interval(&host.polite), expected[i]);
    }
}
END_TEST

START_TEST(twenty_good_answers_halve_it)
{
    static const double expected[] = { 16, 8, 4, 2, 1, 1 };
    struct host host = host_with(&plain);

    for (int i = 0; i < 5; i++)
        host_is_refused(&host, 503);
    ck_near(twi_polite_interval(&host.polite), 32);
    for (int i = 0; i < 6; i++) {
        for (int good = 0; good < 19; good++)
            host_answers(&host, good % 2 == 0 ? 200 : 404, 0.1, -1);
        host_answers(&host, 500, 0.1, -1); /* neither good nor too much */
        ck_near(twi_polite_interval(&host.polite), i == 0 ? 32 : expected[i - 1]);
        host_answers(&host, 301, 0.1, -1);
        ck_near(twi_polite_interval(&host.polite), expected[i]);
    }
}
END_TEST

START_TEST(a_refusal_begins_the_count_again)
{
    struct host host = host_with(&plain);

    host_is_refused(&host, 503);
    for (int good = 0; good < 19; good++)
        host_answers(&host, 200, 0.1, -1);
    host_is_refused(&host, 503);
    for (int good = 0; good < 19; good++)
        host_answers(&host, 200, 0.1, -1);
    ck_near(twi_polite_interval(&host.polite), 4);
}
END_TEST

START_TEST(refusals_at_once_count_once)
{
    struct twi_manners manners = plain;
    struct host host;

    manners.usual.delay = 0;
    host = host_with(&manners);
    for (int i = 0; i < 8; i++)
        host_sends(&host, 0);
    host.now += SECOND;
    for (int i = 0; i < 8; i++)
        host_answers(&host, 429, 1, -1);
    ck_near(twi_polite_interval(&host.polite), 1);
    host.now += SECOND;
    host_sends(&host, 0);
    host_answers(&host, 429, 1, -1);
    ck_near(twi_polite_interval(&host.polite), 2);
    for (int good = 0; good < 20; good++)
        host_answers(&host, 200, 0, -1);
    ck_near(twi_polite_interval(&host.polite), 1);
    for (int good = 0; good < 20; good++)
        host_answers(&host, 200, 0, -1);
    ck_near(twi_polite_interval(&host.polite), 0);
}
END_TEST

START_TEST(retry_after_0_is_a_refusal_without_one)
{
    struct host host = host_with(&plain);

    host_sends(&host, 0);
    host_answers(&host, 429, 0.1, 0);
    ck_near(twi_polite_interval(&host.polite), 2);
}
END_TEST

/* --- throttle ------------------------------------------------------------------------------- */

static const struct {
    double start, target;
    struct {
        int status;
        double latency, expected;
    } answers[5];
} throttles[] = {
    { 5, 1, { { 200, 1, 3 }, { 200, 1, 2 }, { 200, 1, 1.5 }, { 200, 9, 9 }, { 200, 1, 5 } } },
    { 5, 2, { { 200, 1, 2.75 }, { 200, 8, 4 }, { 200, 0, 2 }, { 200, 0, 1 }, { 200, 0, 1 } } },
    { 5, 1, { { 404, 1, 5 }, { 500, 1, 5 }, { 301, 1, 5 }, { 404, 9, 9 }, { 206, 1, 5 } } },
    { 0,
      1,
      { { 200, 0.1, 1 }, { 200, 3, 3 }, { 0, 90, 3 }, { 200, 90, 60 }, { 404, 0, 60 } } },
    { 0,
      1,
      { { 200, -1, 1 }, { 200, 1e300, 60 }, { 200, 0, 30 }, { 200, 0, 15 }, { 0, 0, 15 } } },
};

START_TEST(the_throttle_is_scrapys)
{
    struct twi_manners manners = plain;
    struct host host;

    manners.throttles = true;
    manners.throttle_start = throttles[_i].start;
    manners.throttle_target = throttles[_i].target;
    host = host_with(&manners);
    ck_near(twi_polite_interval(&host.polite),
            throttles[_i].start > 1 ? throttles[_i].start : 1);
    for (int i = 0; i < 5; i++) {
        host_sends(&host, 0);
        host_answers(&host, throttles[_i].answers[i].status, throttles[_i].answers[i].latency,
                     -1);
        ck_near(twi_polite_interval(&host.polite), throttles[_i].answers[i].expected);
    }
}
END_TEST

START_TEST(a_throttle_that_was_learned_goes_on)
{
    struct twi_manners manners = plain;
    struct twi_polite polite;

    manners.throttle_start = 5;
    twi_polite_init(&polite, &manners, &manners.usual, 20);
    ck_near(twi_polite_interval(&polite), 1); /* not without a throttle */
    manners.throttles = true;
    twi_polite_init(&polite, &manners, &manners.usual, 20);
    ck_near(twi_polite_interval(&polite), 20);
    twi_polite_init(&polite, &manners, &manners.usual, 0.5);
    ck_near(twi_polite_interval(&polite), 1);
    twi_polite_init(&polite, &manners, &manners.usual, 1e30);
    ck_near(twi_polite_interval(&polite), 60);
}
END_TEST

START_TEST(other_manners_hold_at_once)
{
    struct host host = host_with(&plain);
    struct twi_host_manners own = { .delay = 7, .max_per_host = 1 };

    host_sends(&host, 0);
    twi_polite_change(&host.polite, &host.manners, &own);
    ck_near(host_wait(&host), 7);
    own.delay = 0;
    twi_polite_change(&host.polite, &host.manners, &own);
    ck_near(host_wait(&host), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("polite");

    TEST_ADD(suite, the_first_start_waits_for_nothing);
    TEST_ADD_ROWS(suite, the_longest_wait_counts, waits);
    TEST_ADD(suite, no_crawl_delay_is_none);
    TEST_ADD_ROWS(suite, retry_after_is_waited_for, retries);
    TEST_ADD(suite, a_shorter_retry_after_takes_nothing_away);
    TEST_ADD(suite, refusals_double_the_delay_up_to_a_minute);
    TEST_ADD(suite, twenty_good_answers_halve_it);
    TEST_ADD(suite, a_refusal_begins_the_count_again);
    TEST_ADD(suite, refusals_at_once_count_once);
    TEST_ADD(suite, retry_after_0_is_a_refusal_without_one);
    TEST_ADD_ROWS(suite, the_throttle_is_scrapys, throttles);
    TEST_ADD(suite, a_throttle_that_was_learned_goes_on);
    TEST_ADD(suite, other_manners_hold_at_once);
    return test_run(suite);
}
