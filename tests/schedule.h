/* SPDX-License-Identifier: MIT */
/*
 * schedule.h - shared by the tests of the schedule of visits.
 */
#ifndef TESTS_SCHEDULE_H
#define TESTS_SCHEDULE_H

#include <stdio.h>

#include "spider/crawl/host.h"
#include "tests/test.h"

/* A second between two starts on a host, exactly; no robots.txt, no limit for addresses. */
static const struct twi_schedule_options plain = {
    .manners = { .usual = { .delay = 1, .max_per_host = 2 },
                 .throttle_target = 1,
                 .max_delay = 60,
                 .max_retry_after = 3600 },
    .max_total = 64,
    .robots_patience = 7 * 86400.0,
};

static inline struct twi_schedule *schedule_of(const struct twi_schedule_options *options)
{
    return test_given(twi_schedule_new(options, 1));
}

static inline struct twi_host *host_of(struct twi_schedule *schedule, unsigned n)
{
    char origin[40];

    snprintf(origin, sizeof origin, "https://host%u.example", n);
    return test_given(twi_schedule_host(schedule, origin));
}

static inline void push(struct twi_schedule *schedule, struct twi_host *host, double now,
                        int64_t id)
{
    ck_assert_int_eq(twi_schedule_push(schedule, host, now, id, 0), 0);
}

/* Take a visit, which must be there. */
static inline int64_t take_visit_of(struct twi_schedule *schedule, double now,
                                    struct twi_slot *slot, const struct twi_host *host)
{
    struct twi_taken taken = { .slot = slot };

    ck_assert_int_eq(twi_schedule_take(schedule, now, true, &taken), TWI_TAKE_VISIT);
    ck_assert_ptr_eq(taken.slot, slot);
    ck_assert(host == NULL || taken.host == host);
    return taken.id;
}

static inline void ck_nothing(struct twi_schedule *schedule, double now)
{
    struct twi_slot slot;
    struct twi_taken taken = { .slot = &slot };

    ck_assert_int_eq(twi_schedule_take(schedule, now, true, &taken), TWI_TAKE_NOTHING);
}

static inline void finish(struct twi_schedule *schedule, struct twi_slot *slot, double now)
{
    twi_schedule_network_free(schedule, slot, now);
    twi_schedule_place_free(schedule, slot, now);
}

#endif
