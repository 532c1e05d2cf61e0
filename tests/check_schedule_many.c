/* SPDX-License-Identifier: MIT */
/*
 * check_schedule_many.c - crawls of many hosts in virtual time: the rate is the ideal one, none
 * starves, memory is bounded, and without it the schedule stays whole.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/failing_malloc.h"
#include "tests/schedule.h"

/* --- many hosts ------------------------------------------------------------------------------- */

enum { CRAWL_SLOTS = 2000 };
struct crawl {
    struct twi_schedule *schedule;
    double now;
    unsigned started, longest_line; /* starts of others between two of a host */
    struct {
        struct twi_slot slot;
        double sent_at, answered_at;
        bool is_sent;
    } fetches[CRAWL_SLOTS];
    unsigned fetching;
};

/* Everything is sent after `connect` seconds and answered after `latency` more. */
static void crawl_start_all(struct crawl *crawl, double connect, double latency)
{
    while (crawl->fetching < CRAWL_SLOTS) {
        struct twi_slot *slot = &crawl->fetches[crawl->fetching].slot;
        struct twi_taken taken = { .slot = slot };
        enum twi_take kind = twi_schedule_take(crawl->schedule, crawl->now, true, &taken);
        if (kind == TWI_TAKE_NOTHING)
            break;
        ck_assert_int_eq(kind, TWI_TAKE_VISIT);
        crawl->started++;
        crawl->fetches[crawl->fetching].is_sent = false;
        crawl->fetches[crawl->fetching].sent_at = crawl->now + connect;
        crawl->fetches[crawl->fetching++].answered_at = crawl->now + connect + latency;
    }
}

/* The next event of a fetch; INFINITY: none. */
static double crawl_event(const struct crawl *crawl)
{
    double first = INFINITY;

    for (unsigned i = 0; i < crawl->fetching; i++) {
        double at = crawl->fetches[i].is_sent ? crawl->fetches[i].answered_at
                                              : crawl->fetches[i].sent_at;
        first = at < first ? at : first;
    }
    return first;
}

/* Slots must not move while they are in use, so a fetch that has ended changes with the last by
 * copying: these fetches are in no list of the schedule. */
static void crawl_run_events(struct crawl *crawl)
{
    for (unsigned i = 0; i < crawl->fetching;) {
        if (!crawl->fetches[i].is_sent && crawl->fetches[i].sent_at <= crawl->now) {
            twi_schedule_sent(crawl->schedule, &crawl->fetches[i].slot, crawl->now);
            crawl->fetches[i].is_sent = true;
        }
        if (crawl->fetches[i].is_sent && crawl->fetches[i].answered_at <= crawl->now) {
            finish(crawl->schedule, &crawl->fetches[i].slot, crawl->now);
            crawl->fetches[i] = crawl->fetches[--crawl->fetching];
        } else {
            i++;
        }
    }
}

static void crawl_until(struct crawl *crawl, double end, double connect, double latency)
{
    while (crawl->now < end) {
        double wait, event;
        crawl_run_events(crawl);
        crawl_start_all(crawl, connect, latency);
        wait = twi_schedule_next(crawl->schedule, crawl->now, true);
        event = crawl_event(crawl);
        ck_assert(wait != 0 || crawl->fetching == CRAWL_SLOTS);
        crawl->now = wait > 0 && crawl->now + wait < event ? crawl->now + wait : event;
        ck_assert(crawl->now < INFINITY);
    }
}

static const struct {
    const char *what;
    unsigned hosts, max_total;
    double connect, latency, jitter, ideal; /* starts a second */
} rates[] = {
    { "all at once", 1000, 2000, 0, 0.1, 0, 1000 },
    { "half a second of jitter", 1000, 2000, 0, 0.1, 0.5, 1000 },
    { "a long way", 1000, 2000, 0.001, 0.9, 0, 1000 / 1.001 },
    { "as many places as that takes", 1000, 110, 0, 0.1, 0, 1000 },
    { "too few places", 1000, 50, 0, 0.1, 0, 500 },
};

START_TEST(a_thousand_hosts_are_visited_at_the_ideal_rate)
{
    static struct crawl crawl;
    struct twi_schedule_options options = plain;
    const double seconds = 40;

    options.max_total = rates[_i].max_total;
    options.manners.usual.jitter = rates[_i].jitter;
    crawl = (struct crawl){ .schedule = schedule_of(&options) };
    for (unsigned i = 0; i < rates[_i].hosts; i++)
        for (int64_t id = 0; id < 100; id++)
            push(crawl.schedule, host_of(crawl.schedule, i), 0, id);
    crawl_until(&crawl, seconds, rates[_i].connect, rates[_i].latency);
    ck_assert_msg(crawl.started >= 0.99 * rates[_i].ideal * seconds &&
                      crawl.started <= 1.01 * rates[_i].ideal * seconds + 1000,
                  "%s: %u starts in %g s", rates[_i].what, crawl.started, seconds);
    twi_schedule_free(crawl.schedule);
}
END_TEST

/* Without delays and with one place it is always the one that has waited longest: also of hosts
 * that are answered out of a cache, and while new ones keep coming. */
START_TEST(none_starves)
{
    enum { HOSTS = 100 };
    struct twi_schedule_options options = plain;
    struct twi_schedule *schedule;
    unsigned last[HOSTS + 1] = { 0 };
    struct twi_slot slot;

    options.manners.usual.delay = 0;
    options.max_total = 1;
    schedule = schedule_of(&options);
    for (unsigned i = 1; i <= HOSTS; i++) {
        *twi_host_number(host_of(schedule, i)) = i;
        for (int64_t id = 0; id < 100; id++)
            push(schedule, host_of(schedule, i), 0, id);
    }
    for (unsigned turn = 1; turn <= 50 * HOSTS; turn++) {
        double now = _i == 0 ? 0 : turn * 0.001;
        int64_t number;
        take_visit_of(schedule, now, &slot, NULL);
        number = *twi_host_number(slot.host); /* 0: a new one */
        ck_assert_msg(number == 0 || turn - last[number] <= 2 * HOSTS, "%u turns after %u",
                      turn, last[number]);
        last[number] = turn;
        if (turn % 2 == 0)
            twi_schedule_sent(schedule, &slot, now);
        finish(schedule, &slot, now);
        if (turn % 2 == 0)
            push(schedule, host_of(schedule, HOSTS + turn), now, 1);
    }
    for (unsigned i = 1; i <= HOSTS; i++)
        ck_assert_uint_ge(last[i], 50 * HOSTS - 2 * HOSTS);
    twi_schedule_free(schedule);
}
END_TEST

/* --- memory ----------------------------------------------------------------------------------- */

START_TEST(many_hosts_take_little_memory)
{
    enum { HOSTS = 100000 };
    struct twi_schedule_options options = plain;
    struct twi_schedule *schedule;
    struct twi_slot slot;
    size_t empty, warm, cold;
    double now = 0;

    options.max_total = 1000;
    schedule = schedule_of(&options);
    empty = twi_schedule_bytes(schedule);
    for (unsigned i = 0; i < HOSTS; i++)
        push(schedule, host_of(schedule, i), now, i);
    warm = twi_schedule_bytes(schedule) - empty;
    for (unsigned i = 0; i < HOSTS; i++) {
        now += 0.001;
        take_visit_of(schedule, now, &slot, NULL);
        twi_schedule_sent(schedule, &slot, now);
        finish(schedule, &slot, now);
    }
    for (unsigned i = 0; i < HOSTS; i++)
        ck_nothing(schedule, now + 2);
    cold = twi_schedule_bytes(schedule) - empty - twi_queue_slab_bytes(schedule->slab);
    printf("a host: %zu bytes warm with a visit, %zu cold, with its origin of 30\n",
           warm / HOSTS, cold / HOSTS);
    ck_assert_uint_le(warm / HOSTS, 400 + 100);
    ck_assert_uint_le(cold / HOSTS, 48 + 8 + 40);
    push(schedule, host_of(schedule, 5), now + 2, 1); /* and warm again */
    take_visit_of(schedule, now + 2, &slot, host_of(schedule, 5));
    twi_schedule_free(schedule);
}
END_TEST

static bool crawl_a_little(void *arg)
{
    struct twi_schedule_options options = plain;
    struct twi_schedule *schedule;
    static const char file[] = "User-agent: *\nDisallow: /x\n";
    const struct twi_robots_answer answer = { 200, file, sizeof file - 1 };
    struct twi_slot slots[60];
    struct twi_taken taken;
    bool worked = true;
    unsigned count = 0, pushed = 0, taken_visits = 0;

    (void)arg;
    options.obeys_robots = true;
    options.max_per_ip = 3;
    options.manners.usual.delay = 0;
    schedule = twi_schedule_new(&options, 1);
    if (schedule == NULL)
        return false;
    for (unsigned i = 0; i < 12; i++) {
        char origin[] = { 'h', ':', '/', '/', (char)('a' + i % 6), 0 };
        struct twi_host *host = twi_schedule_host(schedule, origin);
        int r = host == NULL ? -ENOMEM
                : i % 4 == 3 ? twi_schedule_push_later(schedule, host, 0, i, 0, 1)
                             : twi_schedule_push(schedule, host, 0, i, (int)i);
        pushed += r == 0;
        worked = worked && r == 0;
    }
    for (;;) {
        enum twi_take kind;
        taken.slot = &slots[count];
        kind = twi_schedule_take(schedule, 700 + count, true, &taken);
        if (kind == TWI_TAKE_NOTHING || count == 59)
            break;
        count++;
        if (kind == TWI_TAKE_ADDRESS) {
            worked = twi_schedule_address(schedule, taken.host, 700, "1.2.3.4") == 0 && worked;
        } else if (kind == TWI_TAKE_ROBOTS) {
            worked = twi_schedule_robots(schedule, taken.host, 700, &answer, NULL) == 0 &&
                     worked;
            twi_schedule_network_free(schedule, taken.slot, 700);
        } else {
            taken_visits++;
            twi_schedule_network_free(schedule, taken.slot, 700);
            twi_schedule_place_free(schedule, taken.slot, 700);
        }
    }
    failing_malloc_stop();
    ck_assert_uint_eq(twi_schedule_pending(schedule), pushed - taken_visits);
    ck_assert(!worked || taken_visits == pushed);
    twi_schedule_free(schedule);
    return worked;
}

START_TEST(without_memory_it_stays_whole)
{
    ck_assert_uint_gt(failing_malloc_each(crawl_a_little, NULL), 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schedule of many hosts");

    TEST_ADD_ROWS(suite, a_thousand_hosts_are_visited_at_the_ideal_rate, rates);
    test_add(suite, none_starves, 0, 2);
    TEST_ADD(suite, many_hosts_take_little_memory);
    TEST_ADD(suite, without_memory_it_stays_whole);
    return test_run(suite);
}
