/* SPDX-License-Identifier: MIT */
/*
 * check_schedule_model.c - random crawls: the schedule gives out only what a naive model allows,
 * gives out something whenever the model allows anything, and tells when that will be.
 *
 * Time goes in steps of 1/512 s, which are whole nanoseconds, so both compute alike; now and then
 * the clock that is told goes back.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "spider/crawl/host.h"
#include "tests/random.h"
#include "tests/test.h"

enum { HOSTS = 7, ADDRESSES = 3, FETCHES = 40, VISITS = 3000 };
enum { UNKNOWN = -2, NONE = -1 }; /* addresses */
static const double step = 1.0 / 512, close = 1e-8;

enum robots { ROBOTS_UNKNOWN, ROBOTS_ASKING, ROBOTS_HAVE, ROBOTS_FAILED };

static struct host {
    struct twi_host *real;
    double delay, crawl_delay, back_off, backed_off_at, sent_at, not_before, turn_at;
    double address_until, robots_until, robots_failed_at;
    unsigned most, pending, fetching, places, unsent, good, tries;
    int address;
    bool resolves, robots_known, has_own;
    enum robots robots;
    struct fetch *asks[FETCHES];
    unsigned ask_count;
} hosts[HOSTS];

static struct fetch {
    struct twi_slot slot;
    struct host *host;
    enum { FREE, ASKED, TAKEN } state;
    enum twi_take kind;
    bool network, place, sent;
    int address;
    double sent_at;
} fetches[FETCHES];

static struct visit {
    struct host *host; /* NULL: it does not wait */
    double due;
} visits[VISITS];

static unsigned visit_count, at_address[ADDRESSES], places, resolving, asking;
static double now, skew; /* the clock that is told is now + skew */
static struct twi_schedule *schedule;
static struct twi_schedule_options options;

static double told(void)
{
    return now + skew;
}

/* --- the model ------------------------------------------------------------------------------ */

static double interval(const struct host *host)
{
    return fmax(host->delay, fmax(host->crawl_delay, host->back_off));
}

static double ready_at(const struct host *host)
{
    return fmax(host->sent_at + interval(host), host->not_before);
}

static bool may_fetch(const struct host *host)
{
    return !host->resolves && host->robots != ROBOTS_ASKING && host->fetching < host->most &&
           !(host->unsent > 0 && interval(host) > 0);
}

static bool address_is_open(const struct host *host)
{
    return options.max_per_ip == 0 || host->address < 0 ||
           at_address[host->address] < options.max_per_ip;
}

static bool robots_wanted(const struct host *host)
{
    return options.obeys_robots && host->robots != ROBOTS_ASKING &&
           (host->robots == ROBOTS_UNKNOWN || now >= host->robots_until);
}

static double robots_wait_until(const struct host *host)
{
    double until = host->robots_until;

    if (!options.obeys_robots || host->robots != ROBOTS_FAILED)
        return -INFINITY;
    if (options.robots_patience >= 0)
        until = fmin(until, host->robots_failed_at + options.robots_patience);
    return until;
}

static bool in_ask_lane(const struct host *host)
{
    return may_fetch(host) && host->ask_count > 0;
}

static bool in_visit_lane(const struct host *host)
{
    return may_fetch(host) && host->ask_count == 0 && host->pending > 0 &&
           host->places < host->most;
}

static bool visits_open(void)
{
    return places + asking + resolving < options.max_total;
}

/* From when on it may be given out; INFINITY: not by the time alone. */
static double ask_time(const struct host *host)
{
    return in_ask_lane(host) && address_is_open(host) ? fmax(ready_at(host), host->turn_at)
                                                      : INFINITY;
}

static double visit_time(const struct host *host)
{
    if (!in_visit_lane(host) || !address_is_open(host) || !visits_open())
        return INFINITY;
    return fmax(fmax(ready_at(host), host->turn_at), robots_wait_until(host));
}

static double first_time(double (*time_of)(const struct host *host))
{
    double first = INFINITY;

    for (int i = 0; i < HOSTS; i++)
        first = fmin(first, time_of(&hosts[i]));
    return first;
}

static double first_due(void)
{
    double first = INFINITY;

    for (unsigned i = 0; i < visit_count && visits_open(); i++)
        if (visits[i].host != NULL && visits[i].due >= 0)
            first = fmin(first, visits[i].due);
    return first;
}

/* A host that begins to wait goes behind those that do. */
static void awake(struct host *host)
{
    if (!in_ask_lane(host) && !in_visit_lane(host))
        host->turn_at = fmax(host->turn_at, now);
}

static void add_pending(struct host *host)
{
    if (host->pending == 0)
        awake(host);
    host->pending++;
}

/* A cold host forgets this. */
static void follow_cooling(void)
{
    for (int i = 0; i < HOSTS; i++)
        if (hosts[i].real->warm == NULL) {
            hosts[i].good = 0;
            hosts[i].backed_off_at = -INFINITY;
            hosts[i].sent_at = -INFINITY;
            hosts[i].not_before = -INFINITY;
            hosts[i].address = options.max_per_ip > 0 ? UNKNOWN : NONE;
        }
}

/* --- taking --------------------------------------------------------------------------------- */

static struct host *host_of(const struct twi_host *real)
{
    for (int i = 0; i < HOSTS; i++)
        if (hosts[i].real == real)
            return &hosts[i];
    ck_abort_msg("a host of its own making");
    return NULL;
}

static struct fetch *free_fetch(void)
{
    for (int i = 0; i < FETCHES; i++)
        if (fetches[i].state == FREE)
            return &fetches[i];
    return NULL;
}

static bool address_wanted(const struct host *host)
{
    return options.max_per_ip > 0 && (host->address == UNKNOWN ||
                                      (options.address_age > 0 && now >= host->address_until));
}

static void model_take(struct fetch *fetch, struct host *host, enum twi_take kind)
{
    fetch->state = TAKEN;
    fetch->kind = kind;
    fetch->host = host;
    fetch->network = true;
    fetch->place = kind == TWI_TAKE_VISIT;
    fetch->sent = false;
    fetch->sent_at = -INFINITY;
    fetch->address = host->address;
    host->fetching++;
    host->unsent++;
    host->places += fetch->place;
    places += fetch->place;
    if (host->address >= 0 && options.max_per_ip > 0)
        at_address[host->address]++;
    if (kind == TWI_TAKE_ROBOTS) {
        host->robots = ROBOTS_ASKING;
        asking++;
    }
}

static void model_take_visit(struct host *host, int64_t id)
{
    ck_assert_msg(id >= 0 && id < visit_count && visits[id].host == host && visits[id].due < 0,
                  "visit %lld is not there", (long long)id);
    visits[id].host = NULL;
    host->pending--;
}

/* It stands to reason that this host has its turn with this. */
static void check_take(struct host *host, enum twi_take kind)
{
    double asks = ask_time(host), time = visit_time(host);
    bool is_ask = asks <= now + close;

    ck_assert_msg(is_ask || time <= now + close, "host %d: now %.9f, ready %.9f, %.9f",
                  (int)(host - hosts), now, asks, time);
    if (!is_ask)
        ck_assert(first_time(ask_time) > now - close);
    /* none has waited longer */
    ck_assert(is_ask ? asks <= first_time(ask_time) + close
                     : time <= first_time(visit_time) + close);
    ck_assert((kind == TWI_TAKE_ADDRESS) == address_wanted(host));
    if (kind != TWI_TAKE_ADDRESS)
        ck_assert((kind == TWI_TAKE_ROBOTS) == robots_wanted(host));
    if (kind == TWI_TAKE_FETCH || kind == TWI_TAKE_VISIT)
        ck_assert((kind == TWI_TAKE_FETCH) == is_ask);
}

static void check_nothing(void)
{
    double first = fmin(first_time(ask_time), first_time(visit_time));
    double wait = twi_schedule_next(schedule, told(), true);

    ck_assert_msg(first > now - close, "at %.9f something is ready since %.9f", now, first);
    first = fmin(first, first_due());
    if (first == INFINITY)
        ck_assert_double_lt(wait, 0);
    else
        ck_assert_msg(fabs(now + wait - first) < 2e-6, "at %.9f, %.9f to wait, not %.9f", now,
                      wait, first - now);
}

static void move_due(void)
{
    for (;;) {
        struct visit *first = NULL;
        for (unsigned i = 0; i < visit_count; i++)
            if (visits[i].host != NULL && visits[i].due >= 0 && visits[i].due <= now &&
                (first == NULL || visits[i].due < first->due))
                first = &visits[i];
        if (first == NULL)
            return;
        first->due = -1;
        add_pending(first->host);
    }
}

static bool take_one(void)
{
    struct fetch *fetch = free_fetch();
    struct twi_taken taken;
    struct host *host;
    enum twi_take kind;

    if (fetch == NULL)
        return false;
    taken.slot = &fetch->slot;
    move_due();
    kind = twi_schedule_take(schedule, told(), true, &taken);
    if (kind == TWI_TAKE_NOTHING) {
        follow_cooling();
        check_nothing();
        return false;
    }
    host = host_of(taken.host);
    check_take(host, kind);
    if (kind == TWI_TAKE_ADDRESS) {
        host->resolves = true;
        host->address = UNKNOWN;
        resolving++;
    } else if (kind == TWI_TAKE_FETCH) {
        ck_assert_ptr_eq(taken.slot, &host->asks[0]->slot);
        fetch = host->asks[0];
        memmove(&host->asks[0], &host->asks[1], --host->ask_count * sizeof host->asks[0]);
    } else if (kind == TWI_TAKE_VISIT) {
        model_take_visit(host, taken.id);
    }
    if (kind != TWI_TAKE_ADDRESS)
        model_take(fetch, host, kind);
    host->turn_at = now;
    return true;
}

/* --- other steps ---------------------------------------------------------------------------- */

static void step_push(struct host *host)
{
    int64_t id = visit_count;
    double seconds = one_in(4) ? draw(5000) * step : 0;

    if (visit_count == VISITS)
        return;
    visits[visit_count++] = (struct visit){ host, seconds > 0 ? now + seconds : -1 };
    if (seconds == 0)
        add_pending(host);
    ck_assert_int_eq(
        twi_schedule_push_later(schedule, host->real, told(), id, (int)draw(3), seconds), 0);
}

static bool step_drop(struct host *host)
{
    int64_t id;

    if (!twi_schedule_drop(schedule, host->real, told(), &id)) {
        for (unsigned i = 0; i < visit_count; i++)
            if (visits[i].host == host)
                ck_abort_msg("visit %u was not told", i);
        return false;
    }
    ck_assert_ptr_eq(visits[id].host, host);
    ck_assert(visits[id].due < 0 || host->pending == 0);
    host->pending -= visits[id].due < 0;
    visits[id].host = NULL;
    return true;
}

static void step_ask(struct host *host)
{
    struct fetch *fetch = free_fetch();

    if (fetch == NULL)
        return;
    awake(host);
    fetch->state = ASKED;
    fetch->host = host;
    host->asks[host->ask_count++] = fetch;
    ck_assert_int_eq(twi_schedule_ask(schedule, host->real, told(), &fetch->slot), 0);
}

static void step_forget(struct fetch *fetch)
{
    struct host *host = fetch->host;
    unsigned i = 0;

    if (fetch->state == FREE)
        return;
    twi_schedule_forget(schedule, &fetch->slot, told());
    if (fetch->state != ASKED)
        return;
    while (host->asks[i] != fetch)
        i++;
    memmove(&host->asks[i], &host->asks[i + 1],
            (--host->ask_count - i) * sizeof host->asks[0]);
    fetch->state = FREE;
}

static void step_sent(struct fetch *fetch)
{
    if (fetch->state != TAKEN || !fetch->network)
        return;
    twi_schedule_sent(schedule, &fetch->slot, told());
    fetch->host->unsent -= !fetch->sent;
    fetch->sent = true;
    fetch->sent_at = fetch->host->sent_at = now;
}

static void model_answered(struct host *host, const struct fetch *fetch,
                           const struct twi_answer *answer)
{
    bool too_many = answer->status == 429 || answer->status == 503;

    if (too_many && answer->retry_after > 0) {
        host->not_before = fmax(host->not_before, now + fmin(answer->retry_after,
                                                             options.manners.max_retry_after));
        host->good = 0;
    } else if (too_many) {
        host->good = 0;
        if (fetch->sent_at < host->backed_off_at)
            return;
        host->backed_off_at = now;
        host->back_off = fmin(fmax(2 * interval(host), 1), options.manners.max_delay);
    } else if (answer->status == 200 && host->back_off > 0 && ++host->good == 20) {
        host->good = 0;
        host->back_off /= 2;
        if (host->back_off <= host->delay || host->back_off < 1)
            host->back_off = 0;
    }
}

static void step_answered(struct fetch *fetch)
{
    static const int statuses[] = { 200, 200, 200, 200, 200, 500, 503, 429, 0 };
    struct twi_answer answer = { statuses[draw(9)], draw(100) * step, -1 };

    if (fetch->state != TAKEN || !fetch->network)
        return;
    if (one_in(3))
        answer.retry_after = draw(3) == 0 ? 1e6 : draw(1000) * step;
    for (unsigned times = one_in(10) ? 20 : 1; times > 0; times--) {
        twi_schedule_answered(schedule, &fetch->slot, told(), &answer);
        model_answered(fetch->host, fetch, &answer);
    }
}

static void robots_failed(struct host *host)
{
    double wait = fmin(600.0 * (1 << host->tries), 86400);

    if (host->tries == 0)
        host->robots_failed_at = now;
    host->tries += host->tries < 8;
    host->robots_until = now + wait;
    host->robots = host->robots_known ? ROBOTS_HAVE : ROBOTS_FAILED;
}

static void step_robots(struct host *host)
{
    static const char file[] = "User-agent: *\nCrawl-delay: 2\nDisallow: /x\n";
    struct twi_robots_answer answer = { 200, file, sizeof file - 1 };
    unsigned which = draw(4);

    if (host->robots != ROBOTS_ASKING)
        return;
    answer.status = which == 0 ? 404 : which == 1 ? 503 : which == 2 ? 0 : 200;
    asking--;
    if (which == 1 || which == 2) {
        robots_failed(host);
    } else {
        host->robots = ROBOTS_HAVE;
        host->robots_known = true;
        host->robots_until = now + 86400;
        host->tries = 0;
        host->crawl_delay = which == 3 ? 2 : 0;
    }
    ck_assert_int_eq(twi_schedule_robots(schedule, host->real, told(), &answer, NULL), 0);
}

static void step_free(struct fetch *fetch)
{
    struct host *host = fetch->host;

    if (fetch->state != TAKEN)
        return;
    if (fetch->network && (!fetch->place || one_in(2))) {
        if (fetch->kind == TWI_TAKE_ROBOTS)
            step_robots(host);
        twi_schedule_network_free(schedule, &fetch->slot, told());
        fetch->network = false;
        host->fetching--;
        host->unsent -= !fetch->sent;
        if (fetch->address >= 0 && options.max_per_ip > 0)
            at_address[fetch->address]--;
    } else if (fetch->place) {
        twi_schedule_place_free(schedule, &fetch->slot, told());
        fetch->place = false;
        host->places--;
        places--;
    }
    if (!fetch->network && !fetch->place)
        fetch->state = FREE;
}

static void step_address(struct host *host)
{
    static const char *const names[ADDRESSES] = { "192.0.2.1", "192.0.2.2", "2001:db8::1" };
    int address = (int)draw(ADDRESSES + 1) - 1;

    if (host->real->warm == NULL || options.max_per_ip == 0)
        return;
    if (one_in(4) && !host->resolves) {
        twi_schedule_lost_address(schedule, host->real, told());
        host->address = UNKNOWN;
        return;
    }
    ck_assert_int_eq(twi_schedule_address(schedule, host->real, told(),
                                          address >= 0 ? names[address] : NULL),
                     0);
    host->address = address;
    host->address_until = now + options.address_age;
    resolving -= host->resolves;
    host->resolves = false;
}

static void step_manners(struct host *host)
{
    const struct twi_host_manners own = { .delay = draw(1500) * step,
                                          .max_per_host = 1 + draw(4) };

    if (one_in(2)) {
        double seconds = one_in(4) ? 1e9 : draw(2000) * step;
        twi_schedule_pause(schedule, host->real, told(), seconds);
        host->not_before = now + fmin(seconds, options.manners.max_retry_after);
    } else {
        ck_assert_int_eq(twi_schedule_set_manners(schedule, host->real, told(), &own), 0);
        host->delay = own.delay;
        host->most = own.max_per_host;
    }
}

static void step_time(void)
{
    unsigned kind = draw(20);

    if (kind == 0) { /* the clock goes back, and stands */
        twi_schedule_next(schedule, told(), true);
        skew -= draw(100000) * step;
        twi_schedule_next(schedule, told(), true);
    } else if (kind == 1) {
        now += draw(1 << 20) * step * 64;
    } else if (kind < 10) {
        double wait = twi_schedule_next(schedule, told(), true);
        now += wait > 0 && wait < 1e6 ? ceil(wait / step) * step : step;
    } else {
        now += draw(600) * step;
    }
}

static void random_step(void)
{
    struct host *host = &hosts[draw(HOSTS)];
    struct fetch *fetch = &fetches[draw(FETCHES)];

    switch (draw(14)) {
    case 0:
    case 1:
    case 2:
        step_push(host);
        break;
    case 3:
        step_ask(host);
        break;
    case 4:
        step_sent(fetch);
        break;
    case 5:
        step_answered(fetch);
        break;
    case 6:
    case 7:
        step_free(fetch);
        break;
    case 8:
        step_address(host);
        break;
    case 9:
        if (one_in(3))
            step_manners(host);
        else if (one_in(3))
            step_forget(fetch);
        else if (one_in(3))
            step_drop(host);
        break;
    case 10:
        step_time();
        break;
    default:
        while (take_one() && !one_in(4))
            ;
    }
}

static void draw_options(void)
{
    options = (struct twi_schedule_options){
        .manners = { .usual = { .delay = one_in(3) ? 0 : draw(1024) * step,
                                .max_per_host = 1 + draw(4) },
                     .throttle_target = 1,
                     .max_delay = 60,
                     .max_retry_after = 600 },
        .max_total = 1 + draw(12),
        .max_per_ip = draw(4),
        .address_age = one_in(2) ? 0 : 60,
        .obeys_robots = one_in(2),
        .robots_patience = one_in(3) ? -1 : (double)draw(100000),
        .agent = "we",
        .is_depth_first = one_in(2),
    };
}

static void begin(void)
{
    draw_options();
    schedule = test_given(twi_schedule_new(&options, draw(1000)));
    memset(hosts, 0, sizeof hosts);
    memset(fetches, 0, sizeof fetches);
    memset(at_address, 0, sizeof at_address);
    visit_count = places = resolving = asking = 0;
    now = 0;
    skew = one_in(2) ? 0 : draw(1 << 20);
    twi_schedule_next(schedule, told(), true);
    for (int i = 0; i < HOSTS; i++) {
        char origin[] = { 'h', (char)('0' + i), 0 };
        hosts[i].real = test_given(twi_schedule_host(schedule, origin));
        hosts[i].delay = options.manners.usual.delay;
        hosts[i].most = options.manners.usual.max_per_host;
        hosts[i].turn_at = -INFINITY;
    }
    follow_cooling();
}

/* Everything ends when all that is under way does. */
static void end(void)
{
    for (int i = 0; i < FETCHES; i++) {
        step_forget(&fetches[i]);
        while (fetches[i].state != FREE)
            step_free(&fetches[i]);
    }
    for (int i = 0; i < HOSTS; i++)
        while (hosts[i].resolves)
            step_address(&hosts[i]);
    ck_assert(!twi_schedule_busy(schedule));
    ck_assert_uint_eq(twi_schedule_places(schedule), 0);
    for (int i = 0; i < HOSTS; i++)
        while (step_drop(&hosts[i]))
            ;
    ck_assert_uint_eq(twi_schedule_pending(schedule), 0);
    twi_schedule_free(schedule);
}

static void random_crawl(void)
{
    size_t pending;

    begin();
    for (int i = 0; i < 2000; i++) {
        random_step();
        follow_cooling();
    }
    pending = 0;
    for (unsigned i = 0; i < visit_count; i++)
        pending += visits[i].host != NULL;
    ck_assert_uint_eq(twi_schedule_pending(schedule), pending);
    end();
}

START_TEST(random_crawls_agree_with_the_model)
{
    random_programs(random_crawl, 400);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schedule model");

    TEST_ADD(suite, random_crawls_agree_with_the_model);
    return test_run(suite);
}
