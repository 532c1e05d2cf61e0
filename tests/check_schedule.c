/* SPDX-License-Identifier: MIT */
/*
 * check_schedule.c - what the schedule gives out, and when: delays from the moment of sending,
 * limits of hosts, addresses and places, robots.txt and names first, priorities, visits that are
 * due later.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/schedule.h"

/* --- one host -------------------------------------------------------------------------------- */

START_TEST(the_delay_runs_from_the_moment_of_sending)
{
    struct twi_schedule *schedule = schedule_of(&plain);
    struct twi_host *host = host_of(schedule, 0);
    struct twi_slot first, second;

    push(schedule, host, 10, 1);
    push(schedule, host, 10, 2);
    ck_assert_double_eq(twi_schedule_next(schedule, 10, true), 0);
    ck_assert_int_eq(take_visit_of(schedule, 10, &first, host), 1);
    ck_nothing(schedule, 10);
    ck_assert_double_lt(twi_schedule_next(schedule, 10, true), 0); /* connecting */
    ck_nothing(schedule, 15);
    twi_schedule_sent(schedule, &first, 15);
    ck_assert_double_eq_tol(twi_schedule_next(schedule, 15, true), 1, 1e-6);
    ck_nothing(schedule, 15.999);
    twi_schedule_sent(schedule, &first, 15.5); /* again, over another connection */
    ck_nothing(schedule, 16.499);
    ck_assert_int_eq(take_visit_of(schedule, 16.5, &second, host), 2);
    finish(schedule, &second, 17); /* never sent: out of a cache */
    finish(schedule, &first, 17);
    ck_assert(!twi_schedule_busy(schedule));
    twi_schedule_free(schedule);
}
END_TEST

START_TEST(a_fetch_that_was_never_sent_costs_no_delay)
{
    struct twi_schedule *schedule = schedule_of(&plain);
    struct twi_host *host = host_of(schedule, 0);
    struct twi_slot slot;

    for (int64_t id = 1; id <= 100; id++)
        push(schedule, host, 0, id);
    for (int64_t id = 1; id <= 100; id++) {
        ck_assert_int_eq(take_visit_of(schedule, 0, &slot, host), id);
        finish(schedule, &slot, 0);
    }
    twi_schedule_free(schedule);
}
END_TEST

START_TEST(places_and_network_are_limited_apart)
{
    struct twi_schedule_options options = plain;
    struct twi_schedule *schedule;
    struct twi_host *host;
    struct twi_slot slots[4];

    options.manners.usual.delay = 0;
    schedule = schedule_of(&options);
    host = host_of(schedule, 0);
    for (int64_t id = 1; id <= 9; id++)
        push(schedule, host, 0, id);
    take_visit_of(schedule, 0, &slots[0], host);
    take_visit_of(schedule, 0, &slots[1], host);
    ck_nothing(schedule, 0);
    twi_schedule_network_free(schedule, &slots[0], 0);
    ck_nothing(schedule, 0); /* not committed */
    ck_assert_double_lt(twi_schedule_next(schedule, 0, true), 0);
    /* a sub-fetch needs no place */
    ck_assert_int_eq(twi_schedule_ask(schedule, host, 0, &slots[2]), 0);
    ck_assert_int_eq(
        twi_schedule_take(schedule, 0, false, &(struct twi_taken){ .slot = &slots[3] }),
        TWI_TAKE_FETCH);
    twi_schedule_place_free(schedule, &slots[0], 0);
    ck_nothing(schedule, 0); /* it has the network */
    twi_schedule_network_free(schedule, &slots[2], 0);
    ck_assert_int_eq(take_visit_of(schedule, 0, &slots[0], host), 3);
    finish(schedule, &slots[0], 0);
    finish(schedule, &slots[1], 0);
    finish(schedule, &slots[1], 0); /* nothing is freed twice */
    ck_assert_uint_eq(twi_schedule_places(schedule), 0);
    twi_schedule_free(schedule);
}
END_TEST

START_TEST(sub_fetches_come_ahead_of_visits_with_the_same_delay)
{
    struct twi_schedule *schedule = schedule_of(&plain);
    struct twi_host *host = host_of(schedule, 0);
    struct twi_slot visit, asked[3];
    struct twi_taken taken = { .slot = &visit };

    push(schedule, host, 0, 1);
    push(schedule, host, 0, 2);
    take_visit_of(schedule, 0, &visit, host);
    twi_schedule_sent(schedule, &visit, 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(twi_schedule_ask(schedule, host, 0, &asked[i]), 0);
    twi_schedule_forget(schedule, &asked[1], 0);
    twi_schedule_forget(schedule, &asked[1], 0);
    ck_nothing(schedule, 0.99);
    ck_assert_double_eq_tol(twi_schedule_next(schedule, 0.99, false), 0.01, 1e-6);
    ck_assert_int_eq(twi_schedule_take(schedule, 1, true, &taken), TWI_TAKE_FETCH);
    ck_assert_ptr_eq(taken.slot, &asked[0]);
    twi_schedule_sent(schedule, &asked[0], 1);
    ck_nothing(schedule, 1.5);
    twi_schedule_network_free(schedule, &asked[0], 1.5);
    twi_schedule_forget(schedule, &asked[0], 1.5); /* it was taken: nothing happens */
    ck_assert_int_eq(twi_schedule_take(schedule, 2, false, &taken), TWI_TAKE_FETCH);
    ck_assert_ptr_eq(taken.slot, &asked[2]);
    finish(schedule, &visit, 2);
    twi_schedule_sent(schedule, &asked[2], 2);
    twi_schedule_network_free(schedule, &asked[2], 2);
    ck_assert_int_eq(take_visit_of(schedule, 3, &visit, host), 2);
    finish(schedule, &visit, 3);
    twi_schedule_free(schedule);
}
END_TEST

START_TEST(a_clock_that_goes_back_stands_still)
{
    struct twi_schedule *schedule = schedule_of(&plain);
    struct twi_host *host = host_of(schedule, 0);
    struct twi_slot slot;

    for (int64_t id = 1; id <= 4; id++)
        push(schedule, host, 1e9, id);
    take_visit_of(schedule, 1e9, &slot, host);
    twi_schedule_sent(schedule, &slot, 1e9);
    finish(schedule, &slot, 1e9);
    twi_schedule_pause(schedule, host, 1e9, 1e9); /* an hour at most */
    ck_assert_double_eq_tol(twi_schedule_next(schedule, 5, true), 3600, 1e-3);
    ck_nothing(schedule, 3604);
    take_visit_of(schedule, 3605.001, &slot, host);
    twi_schedule_sent(schedule, &slot, 3605);
    finish(schedule, &slot, 3605);
    ck_nothing(schedule, 1e12); /* beyond all: stands still */
    ck_nothing(schedule, NAN);
    take_visit_of(schedule, 3606.001, &slot, host);
    twi_schedule_free(schedule);
}
END_TEST

START_TEST(visits_come_by_priority_then_by_the_order)
{
    static const struct {
        bool is_depth_first;
        int64_t ids[6];
    } orders[] = { { false, { 4, 2, 5, 1, 3, 6 } }, { true, { 4, 5, 2, 3, 1, 6 } } };
    static const int priorities[] = { 0, 5, 0, 127, 5, -128 };
    struct twi_schedule_options options = plain;
    struct twi_schedule *schedule;
    struct twi_host *host;
    struct twi_slot slot;
    int64_t id;

    options.is_depth_first = orders[_i].is_depth_first;
    schedule = schedule_of(&options);
    host = host_of(schedule, 0);
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < 6; i++)
            twi_schedule_push(schedule, host, 0, i + 1, priorities[i]);
        ck_assert_uint_eq(twi_schedule_pending(schedule), 6);
        for (int i = 0; i < 6; i++) {
            if (turn == 0) {
                ck_assert_int_eq(take_visit_of(schedule, 0, &slot, host), orders[_i].ids[i]);
                finish(schedule, &slot, 0);
            } else {
                ck_assert(twi_schedule_drop(schedule, host, 0, &id));
                ck_assert_int_eq(id, orders[_i].ids[i]);
            }
        }
        ck_assert(!twi_schedule_drop(schedule, host, 0, &id));
    }
    ck_assert_uint_eq(twi_schedule_pending(schedule), 0);
    twi_schedule_free(schedule);
}
END_TEST

static void note_each(struct twi_host *host, int64_t id, int priority, double seconds,
                      void *arg)
{
    char *text = arg, one[60];

    (void)host;
    snprintf(one, sizeof one, "%lld/%d/%g ", (long long)id, priority, seconds);
    strcat(text, one);
}

START_TEST(visits_that_are_due_later_come_then)
{
    struct twi_schedule *schedule = schedule_of(&plain);
    struct twi_host *host = host_of(schedule, 0);
    struct twi_slot slot;
    char text[200] = "";
    int64_t id;

    ck_assert_int_eq(twi_schedule_push_later(schedule, host, 0, 1, 3, 10), 0);
    ck_assert_int_eq(twi_schedule_push_later(schedule, host, 0, 2, 0, 20), 0);
    ck_assert_int_eq(twi_schedule_push_later(schedule, host, 0, 3, 0, 0), 0);
    ck_assert_uint_eq(twi_schedule_pending(schedule), 3);
    twi_schedule_each(schedule, note_each, text);
    ck_assert_str_eq(text, "3/0/0 2/0/20 1/3/10 ");
    ck_assert_int_eq(take_visit_of(schedule, 0, &slot, host), 3);
    finish(schedule, &slot, 0);
    ck_nothing(schedule, 9.9);
    ck_assert_double_eq_tol(twi_schedule_next(schedule, 9.9, true), 0.1, 1e-6);
    ck_assert_double_lt(twi_schedule_next(schedule, 9.9, false), 0);
    ck_assert_int_eq(take_visit_of(schedule, 10, &slot, host), 1);
    finish(schedule, &slot, 10);
    ck_assert(twi_schedule_drop(schedule, host, 10, &id));
    ck_assert_int_eq(id, 2);
    ck_nothing(schedule, 30);
    ck_assert_uint_eq(twi_schedule_pending(schedule), 0);
    twi_schedule_push_later(schedule, host, 30, 4, 0, 10);
    twi_schedule_free(schedule);
}
END_TEST

START_TEST(a_host_may_have_manners_of_its_own)
{
    struct twi_schedule *schedule = schedule_of(&plain);
    struct twi_host *host = host_of(schedule, 0), *other = host_of(schedule, 1);
    const struct twi_host_manners own = { .delay = 3, .max_per_host = 1 };
    const struct twi_host_manners quick = { .delay = 0, .max_per_host = 8 };
    struct twi_host_state state;
    struct twi_slot slots[8];

    ck_assert_int_eq(twi_schedule_set_manners(schedule, host, 0, &own), 0);
    for (int64_t id = 1; id <= 9; id++)
        push(schedule, host, 0, id);
    take_visit_of(schedule, 0, &slots[0], host);
    twi_schedule_sent(schedule, &slots[0], 0);
    ck_nothing(schedule, 5);
    finish(schedule, &slots[0], 5);
    take_visit_of(schedule, 5, &slots[0], host);
    twi_schedule_sent(schedule, &slots[0], 5);
    finish(schedule, &slots[0], 5);
    ck_nothing(schedule, 7.9);
    twi_schedule_set_usual(schedule, 7.9, &quick); /* not for this one */
    ck_nothing(schedule, 7.9);
    for (int64_t id = 1; id <= 9; id++)
        push(schedule, other, 7.9, id);
    for (int i = 0; i < 8; i++)
        take_visit_of(schedule, 7.9, &slots[i], other);
    ck_nothing(schedule, 7.9);
    twi_schedule_state(schedule, host, 7.9, &state);
    ck_assert_uint_eq(state.pending, 7);
    ck_assert_double_eq(state.delay, 3);
    ck_assert_double_eq_tol(state.wait, 0.1, 1e-6);
    twi_schedule_state(schedule, other, 7.9, &state);
    ck_assert_uint_eq(state.fetching, 8);
    ck_assert_uint_eq(state.places, 8);
    for (int i = 0; i < 8; i++)
        finish(schedule, &slots[i], 8);
    twi_schedule_free(schedule);
}
END_TEST

/* --- robots.txt ------------------------------------------------------------------------------ */

START_TEST(robots_txt_comes_first)
{
    static const char file[] = "User-agent: *\nDisallow: /x\nCrawl-delay: 4\n";
    const struct twi_robots_answer answer = { 200, file, sizeof file - 1 };
    struct twi_schedule_options options = plain;
    struct twi_schedule *schedule;
    struct twi_host *host;
    struct twi_slot slot;
    struct twi_taken taken = { .slot = &slot };
    struct twi_robots_verdict verdict;

    options.obeys_robots = true;
    schedule = schedule_of(&options);
    host = host_of(schedule, 0);
    push(schedule, host, 0, 1);
    push(schedule, host, 0, 2);
    ck_assert_int_eq(twi_schedule_take(schedule, 0, true, &taken), TWI_TAKE_ROBOTS);
    ck_assert_ptr_eq(taken.host, host);
    twi_schedule_sent(schedule, &slot, 0);
    ck_nothing(schedule, 5);
    ck_assert(twi_schedule_busy(schedule));
    ck_assert_int_eq(twi_schedule_robots(schedule, host, 5, &answer, NULL), 0);
    twi_schedule_network_free(schedule, &slot, 5);
    ck_assert_int_eq(take_visit_of(schedule, 5, &slot, host), 1);
    ck_assert_int_eq(twi_schedule_allowed(schedule, host, "/x", 2, &verdict), 0);
    ck_assert_uint_eq(verdict.line, 2);
    ck_assert_int_eq(twi_schedule_allowed(schedule, host, "/y", 2, &verdict), 1);
    twi_schedule_sent(schedule, &slot, 5);
    finish(schedule, &slot, 5);
    ck_nothing(schedule, 8.9); /* Crawl-delay */
    ck_assert_int_eq(twi_schedule_take(schedule, 86405, true, &taken), TWI_TAKE_ROBOTS);
    ck_assert_int_eq(
        twi_schedule_robots(schedule, host, 86406, &(struct twi_robots_answer){ 0 }, NULL), 0);
    twi_schedule_network_free(schedule, &slot, 86406);
    take_visit_of(schedule, 86406, &slot, host); /* by the old rules */
    ck_assert_int_eq(twi_schedule_allowed(schedule, host, "/x", 2, &verdict), 0);
    finish(schedule, &slot, 86406);
    twi_schedule_free(schedule);
}
END_TEST

START_TEST(robots_txt_comes_ahead_of_sub_fetches_too)
{
    struct twi_schedule_options options = plain;
    struct twi_schedule *schedule;
    struct twi_host *host;
    struct twi_slot slot, asked;
    struct twi_taken taken = { .slot = &slot };
    struct twi_robots_verdict verdict;

    options.obeys_robots = true;
    schedule = schedule_of(&options);
    host = host_of(schedule, 0);
    ck_assert_int_eq(twi_schedule_ask(schedule, host, 0, &asked), 0);
    ck_assert_int_eq(twi_schedule_take(schedule, 0, false, &taken), TWI_TAKE_ROBOTS);
    ck_nothing(schedule, 5);
    twi_schedule_robots(schedule, host, 5, &(struct twi_robots_answer){ .status = 503 }, NULL);
    twi_schedule_network_free(schedule, &slot, 5);
    ck_assert_int_eq(twi_schedule_take(schedule, 5, false, &taken), TWI_TAKE_FETCH);
    ck_assert_ptr_eq(taken.slot, &asked);
    ck_assert_int_eq(twi_schedule_allowed(schedule, host, "/", 1, &verdict), 0);
    twi_schedule_network_free(schedule, &asked, 5);
    ck_assert_int_eq(twi_schedule_ask(schedule, host, 605, &asked), 0);
    taken.slot = &slot;
    ck_assert_int_eq(twi_schedule_take(schedule, 605, false, &taken), TWI_TAKE_ROBOTS);
    twi_schedule_robots(schedule, host, 605, &(struct twi_robots_answer){ .status = 404 },
                        NULL);
    twi_schedule_network_free(schedule, &slot, 605);
    ck_assert_int_eq(twi_schedule_take(schedule, 605, false, &taken), TWI_TAKE_FETCH);
    ck_assert_int_eq(twi_schedule_allowed(schedule, host, "/", 1, &verdict), 1);
    twi_schedule_network_free(schedule, &asked, 605);
    twi_schedule_free(schedule);
}
END_TEST

START_TEST(without_robots_txt_visits_wait_and_are_given_up)
{
    struct twi_schedule_options options = plain;
    struct twi_schedule *schedule;
    struct twi_host *host, *other;
    struct twi_slot slot;
    struct twi_taken taken = { .slot = &slot };
    struct twi_robots_verdict verdict;
    double now = 0;
    int asked = 0;

    options.obeys_robots = true;
    schedule = schedule_of(&options);
    host = host_of(schedule, 0);
    other = host_of(schedule, 1);
    push(schedule, host, 0, 1);
    for (;; asked++) {
        enum twi_take kind = twi_schedule_take(schedule, now, true, &taken);
        if (kind == TWI_TAKE_VISIT)
            break;
        ck_assert_int_eq(kind, TWI_TAKE_ROBOTS);
        twi_schedule_sent(schedule, &slot, now);
        twi_schedule_robots(schedule, host, now, &(struct twi_robots_answer){ .status = 503 },
                            NULL);
        twi_schedule_network_free(schedule, &slot, now);
        ck_nothing(schedule, now);
        now += twi_schedule_next(schedule, now, true);
    }
    ck_assert_double_eq_tol(now, options.robots_patience, 1e-3);
    ck_assert_int_eq(asked, 14);
    ck_assert_int_eq(twi_schedule_allowed(schedule, host, "/", 1, &verdict), 0);
    ck_assert_ptr_nonnull(verdict.text);
    finish(schedule, &slot, now);
    push(schedule, other, now, 1);
    ck_assert_int_eq(twi_schedule_take(schedule, now, true, &taken), TWI_TAKE_ROBOTS);
    ck_assert_ptr_eq(taken.host, other);
    twi_schedule_free(schedule);
}
END_TEST

START_TEST(robots_txt_takes_part_in_the_total)
{
    struct twi_schedule_options options = plain;
    struct twi_schedule *schedule;
    struct twi_slot slots[8];

    options.obeys_robots = true;
    options.max_total = 5;
    schedule = schedule_of(&options);
    for (unsigned i = 0; i < 100; i++)
        push(schedule, host_of(schedule, i), 0, i);
    for (unsigned i = 0; i < 5; i++)
        ck_assert_int_eq(
            twi_schedule_take(schedule, 0, true, &(struct twi_taken){ .slot = &slots[i] }),
            TWI_TAKE_ROBOTS);
    ck_nothing(schedule, 0);
    ck_assert_double_lt(twi_schedule_next(schedule, 0, true), 0);
    twi_schedule_robots(schedule, slots[0].host, 0,
                        &(struct twi_robots_answer){ .status = 404 }, NULL);
    ck_assert_double_eq(twi_schedule_next(schedule, 0, true), 0);
    twi_schedule_free(schedule);
}
END_TEST

START_TEST(an_earlier_run_is_taken_up)
{
    static const char file[] = "User-agent: *\nDisallow: /x\nCrawl-delay: 4\n";
    const struct twi_robots_answer answer = { 200, file, sizeof file - 1 };
    struct twi_schedule_options options = plain;
    struct twi_schedule *schedule;
    struct twi_host_state state;
    struct twi_host *host;
    struct twi_slot slot;
    struct twi_taken taken = { .slot = &slot };
    char origin[] = "https://host0.example";

    options.obeys_robots = true;
    options.manners.throttles = true;
    schedule = schedule_of(&options);
    host = test_given(twi_schedule_host(schedule, origin));
    ck_assert_ptr_eq(twi_schedule_host(schedule, origin), host);
    ck_assert_str_eq(twi_host_origin(host), origin);
    *twi_host_number(host) = 17;
    ck_assert_int_eq(twi_schedule_restore(schedule, host, 0, &answer, 100, 7, 5), 0);
    push(schedule, host, 0, 1);
    push(schedule, host, 0, 2);
    ck_nothing(schedule, 6.9);
    take_visit_of(schedule, 7, &slot, host);
    twi_schedule_state(schedule, host, 7, &state);
    ck_assert_double_eq(state.delay, 5);
    ck_assert_double_eq(state.learned, 5);
    finish(schedule, &slot, 7);
    ck_assert_int_eq(twi_schedule_take(schedule, 100, true, &taken), TWI_TAKE_ROBOTS);
    ck_assert_int_eq(*twi_host_number(host), 17);
    twi_schedule_free(schedule);
}
END_TEST

START_TEST(a_back_off_survives)
{
    struct twi_schedule *schedule = schedule_of(&plain);
    struct twi_host *host = host_of(schedule, 0);
    const struct twi_answer refused = { 429, 0.1, -1 };
    struct twi_host_state state;
    struct twi_slot slot;

    push(schedule, host, 0, 1);
    push(schedule, host, 0, 2);
    take_visit_of(schedule, 0, &slot, host);
    twi_schedule_sent(schedule, &slot, 0);
    twi_schedule_state(schedule, host, 0, &state);
    ck_assert_double_eq(state.learned, 0);
    twi_schedule_answered(schedule, &slot, 0, &refused);
    finish(schedule, &slot, 0);
    twi_schedule_state(schedule, host, 0.5, &state);
    ck_assert_double_eq(state.learned, 2);
    ck_assert_double_eq_tol(state.wait, 1.5, 1e-6);
    twi_schedule_free(schedule);

    schedule = schedule_of(&plain);
    host = host_of(schedule, 0);
    ck_assert_int_eq(
        twi_schedule_restore(schedule, host, 0, NULL, 0, state.wait, state.learned), 0);
    push(schedule, host, 0, 2);
    ck_nothing(schedule, 1.4);
    take_visit_of(schedule, 1.5, &slot, host);
    twi_schedule_state(schedule, host, 1.5, &state);
    ck_assert_double_eq(state.delay, 2);
    twi_schedule_free(schedule);
}
END_TEST

/* --- addresses -------------------------------------------------------------------------------- */

START_TEST(an_address_is_found_first_and_limited)
{
    struct twi_schedule_options options = plain;
    struct twi_schedule *schedule;
    struct twi_host *hosts[4];
    struct twi_slot slots[5];
    struct twi_taken taken = { .slot = &slots[4] };

    options.max_per_ip = 2;
    schedule = schedule_of(&options);
    for (unsigned i = 0; i < 4; i++) {
        hosts[i] = host_of(schedule, i);
        push(schedule, hosts[i], 0, i);
        push(schedule, hosts[i], 0, i + 10);
        ck_assert_ptr_null(twi_host_address(hosts[i]));
    }
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(twi_schedule_take(schedule, 0, true, &taken), TWI_TAKE_ADDRESS);
        ck_assert_ptr_eq(taken.host, hosts[i]);
    }
    ck_nothing(schedule, 0);
    for (int i = 0; i < 4; i++)
        twi_schedule_address(schedule, hosts[i], 0, i < 3 ? "192.0.2.1" : NULL);
    ck_assert_str_eq(twi_host_address(hosts[2]), "192.0.2.1");
    ck_assert_ptr_null(twi_host_address(hosts[3]));
    take_visit_of(schedule, 0, &slots[0], hosts[0]);
    take_visit_of(schedule, 0, &slots[1], hosts[1]);
    take_visit_of(schedule, 0, &slots[3], hosts[3]); /* 2 is at the full address */
    ck_nothing(schedule, 0);
    twi_schedule_address(schedule, hosts[2], 0, "192.0.2.2"); /* it moves */
    take_visit_of(schedule, 0, &slots[2], hosts[2]);
    twi_schedule_address(schedule, hosts[0], 0,
                         "192.0.2.2"); /* its fetch counts at the old one */
    twi_schedule_address(schedule, hosts[2], 0, "192.0.2.1");
    for (int i = 0; i < 4; i++)
        twi_schedule_sent(schedule, &slots[i], 0);
    ck_assert_double_eq_tol(twi_schedule_next(schedule, 0, true), 1, 1e-6); /* 0 at .2, 3 */
    finish(schedule, &slots[2], 0);
    take_visit_of(schedule, 1, &slots[2], hosts[0]);
    take_visit_of(schedule, 1, &slots[4], hosts[3]);
    ck_nothing(schedule, 1); /* 1 and 2 are at .1, which is full with 0 and 1 */
    finish(schedule, &slots[0], 1);
    take_visit_of(schedule, 1, &slots[0], hosts[1]);
    for (int i = 0; i < 5; i++)
        finish(schedule, &slots[i], 2);
    ck_assert(!twi_schedule_busy(schedule));
    ck_assert_uint_eq(schedule->addresses.count, 2);
    twi_schedule_free(schedule);
}
END_TEST

START_TEST(a_name_is_resolved_again_when_it_is_old_or_lost)
{
    struct twi_schedule_options options = plain;
    struct twi_schedule *schedule;
    struct twi_host *host;
    struct twi_slot slot, asked;
    struct twi_taken taken = { .slot = &slot };

    options.max_per_ip = 2;
    options.address_age = 60;
    schedule = schedule_of(&options);
    host = host_of(schedule, 0);
    ck_assert_int_eq(twi_schedule_ask(schedule, host, 0, &asked), 0);
    ck_assert_int_eq(twi_schedule_take(schedule, 0, false, &taken), TWI_TAKE_ADDRESS);
    twi_schedule_address(schedule, host, 0, "::1");
    ck_assert_int_eq(twi_schedule_take(schedule, 0, false, &taken), TWI_TAKE_FETCH);
    twi_schedule_network_free(schedule, &asked, 0);
    push(schedule, host, 59, 1);
    push(schedule, host, 59, 2);
    push(schedule, host, 59, 3);
    take_visit_of(schedule, 59, &slot, host);
    finish(schedule, &slot, 60);
    ck_assert_int_eq(twi_schedule_take(schedule, 60, true, &taken), TWI_TAKE_ADDRESS);
    ck_assert_ptr_null(twi_host_address(host));
    twi_schedule_address(schedule, host, 61, NULL);
    take_visit_of(schedule, 61, &slot, host);
    finish(schedule, &slot, 61);
    twi_schedule_lost_address(schedule, host, 61);
    ck_assert_int_eq(twi_schedule_take(schedule, 61, true, &taken), TWI_TAKE_ADDRESS);
    twi_schedule_address(schedule, host, 62, "::2");
    ck_assert_str_eq(twi_host_address(host), "::2");
    take_visit_of(schedule, 62, &slot, host);
    twi_schedule_free(schedule); /* with a fetch under way */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schedule");

    TEST_ADD(suite, the_delay_runs_from_the_moment_of_sending);
    TEST_ADD(suite, a_fetch_that_was_never_sent_costs_no_delay);
    TEST_ADD(suite, places_and_network_are_limited_apart);
    TEST_ADD(suite, sub_fetches_come_ahead_of_visits_with_the_same_delay);
    TEST_ADD(suite, a_clock_that_goes_back_stands_still);
    test_add(suite, visits_come_by_priority_then_by_the_order, 0, 2);
    TEST_ADD(suite, visits_that_are_due_later_come_then);
    TEST_ADD(suite, a_host_may_have_manners_of_its_own);
    TEST_ADD(suite, robots_txt_comes_first);
    TEST_ADD(suite, robots_txt_comes_ahead_of_sub_fetches_too);
    TEST_ADD(suite, without_robots_txt_visits_wait_and_are_given_up);
    TEST_ADD(suite, robots_txt_takes_part_in_the_total);
    TEST_ADD(suite, an_earlier_run_is_taken_up);
    TEST_ADD(suite, a_back_off_survives);
    TEST_ADD(suite, an_address_is_found_first_and_limited);
    TEST_ADD(suite, a_name_is_resolved_again_when_it_is_old_or_lost);
    return test_run(suite);
}
