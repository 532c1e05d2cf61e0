/* SPDX-License-Identifier: MIT */
/*
 * schedule.c - what is taken next, and what its fetch then changes.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "spider/crawl/host.h"

#define SECOND INT64_C(1000000000)
/* Less than a timer may round to nothing. */
static const double wait_least = 1e-6;

enum { SLOT_ASKED = 1, SLOT_NETWORK = 2, SLOT_UNSENT = 4, SLOT_PLACE = 8 };

/* --- clock and chance ---------------------------------------------------------------------- */

int64_t twi_schedule_clock(struct twi_schedule *schedule, double now)
{
    int64_t told = fabs(now) < 9e9 ? (int64_t)floor(now * 1e9) : schedule->told;

    if (!schedule->has_time)
        schedule->ahead = -told;
    else if (told < schedule->told)
        schedule->ahead += schedule->told - told;
    schedule->has_time = true;
    schedule->told = told;
    schedule->now = told + schedule->ahead;
    return schedule->now;
}

/* SplitMix64. */
static uint64_t schedule_draw(struct twi_schedule *schedule)
{
    uint64_t z = schedule->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* 0 to 1. */
static double schedule_random(struct twi_schedule *schedule)
{
    return (double)(schedule_draw(schedule) >> 11) * 0x1p-53;
}

/* --- making and freeing -------------------------------------------------------------------- */

static int schedule_init(struct twi_schedule *schedule)
{
    uint64_t k0 = schedule_draw(schedule), k1 = schedule_draw(schedule);
    const char *agent = schedule->options.agent != NULL ? schedule->options.agent : "*";

    if (twi_intern_init(&schedule->hosts, sizeof(struct twi_host), k0, k1) < 0 ||
        twi_intern_init(&schedule->addresses, sizeof(struct twi_address), k0, k1) < 0)
        return -ENOMEM;
    schedule->slab = twi_queue_slab_new();
    schedule->agent = strdup(agent);
    return schedule->slab != NULL && schedule->agent != NULL ? 0 : -ENOMEM;
}

struct twi_schedule *twi_schedule_new(const struct twi_schedule_options *options,
                                      uint64_t seed)
{
    struct twi_schedule *schedule = calloc(1, sizeof *schedule);

    if (schedule == NULL)
        return NULL;
    schedule->options = *options;
    schedule->random = seed;
    twi_arena_init(&schedule->hosts_arena, 0);
    twi_arena_init(&schedule->scratch, 0);
    if (schedule_init(schedule) == 0)
        return schedule;
    twi_schedule_free(schedule);
    return NULL;
}

static void schedule_free_host(struct twi_interned *thing, void *arg)
{
    twi_host_free(arg, (struct twi_host *)thing);
}

/* Some may be held by slots. */
static void schedule_free_address(struct twi_interned *thing, void *arg)
{
    (void)arg;
    free(thing);
}

void twi_schedule_free(struct twi_schedule *schedule)
{
    if (schedule == NULL)
        return;
    twi_intern_each(&schedule->hosts, schedule_free_host, schedule);
    twi_intern_each(&schedule->addresses, schedule_free_address, NULL);
    twi_intern_free(&schedule->hosts);
    twi_intern_free(&schedule->addresses);
    twi_queue_slab_free(schedule->slab);
    twi_arena_free(&schedule->hosts_arena);
    twi_arena_free(&schedule->scratch);
    free(schedule->agent);
    free(schedule);
}

/* --- visits -------------------------------------------------------------------------------- */

/* It begins to wait: behind all that wait already. */
static void host_awakes(struct twi_schedule *schedule, struct twi_host_warm *warm)
{
    if (warm->lane != TWI_LANE_NONE || warm->turn_at >= schedule->now)
        return;
    warm->turn_at = schedule->now;
    warm->turn = ++schedule->turn;
}

static int schedule_push(struct twi_schedule *schedule, struct twi_host *host, int64_t id,
                         int priority)
{
    int r = twi_host_warm(schedule, host);

    if (r == 0)
        r = twi_queues_push(schedule->slab, &host->warm->queues, id, priority,
                            schedule->options.is_depth_first);
    if (r < 0)
        return -ENOMEM;
    schedule->pending++;
    if (host->warm->queues.waiting == 1)
        host_awakes(schedule, host->warm);
    twi_host_settle(schedule, host->warm);
    return 0;
}

int twi_schedule_push(struct twi_schedule *schedule, struct twi_host *host, double now,
                      int64_t id, int priority)
{
    twi_schedule_clock(schedule, now);
    return schedule_push(schedule, host, id, priority);
}

int twi_schedule_push_later(struct twi_schedule *schedule, struct twi_host *host, double now,
                            int64_t id, int priority, double seconds)
{
    int64_t at = twi_schedule_clock(schedule, now) + twi_polite_nanoseconds(seconds);
    struct twi_later *later;

    if (!(seconds > 0))
        return schedule_push(schedule, host, id, priority);
    if (twi_host_warm(schedule, host) < 0 || (later = calloc(1, sizeof *later)) == NULL)
        return -ENOMEM;
    later->host = host;
    later->id = id;
    later->priority = priority;
    later->next = host->warm->later;
    if (later->next != NULL)
        later->next->previous = later;
    host->warm->later = later;
    twi_turn_heap_add(&schedule->later, &later->node, at, ++schedule->turn);
    schedule->pending++;
    return 0;
}

static struct twi_later *later_of(struct twi_turn_node *node)
{
    return (struct twi_later *)((char *)node - offsetof(struct twi_later, node));
}

static void later_remove(struct twi_schedule *schedule, struct twi_later *later)
{
    twi_turn_heap_remove(&schedule->later, &later->node);
    if (later->next != NULL)
        later->next->previous = later->previous;
    if (later->previous != NULL)
        later->previous->next = later->next;
    else
        later->host->warm->later = later->next;
    schedule->pending--;
    free(later);
}

/* Visits that are due join their queues. Without memory they come a second later. */
static void schedule_due(struct twi_schedule *schedule)
{
    while (schedule->later.first != NULL && schedule->later.first->time <= schedule->now) {
        struct twi_turn_node *node = schedule->later.first;
        struct twi_later *later = later_of(node);
        if (schedule_push(schedule, later->host, later->id, later->priority) == 0) {
            later_remove(schedule, later);
        } else {
            twi_turn_heap_remove(&schedule->later, node);
            twi_turn_heap_add(&schedule->later, node, schedule->now + SECOND,
                              ++schedule->turn);
        }
    }
}

static bool schedule_drop(struct twi_schedule *schedule, struct twi_host_warm *warm,
                          int64_t *ret_id)
{
    int priority;

    if (warm->queues.waiting > 0) {
        *ret_id = twi_queues_pop(schedule->slab, &warm->queues,
                                 schedule->options.is_depth_first, &priority);
        schedule->pending--;
        return true;
    }
    if (warm->later == NULL)
        return false;
    *ret_id = warm->later->id;
    later_remove(schedule, warm->later);
    return true;
}

bool twi_schedule_drop(struct twi_schedule *schedule, struct twi_host *host, double now,
                       int64_t *ret_id)
{
    twi_schedule_clock(schedule, now);
    if (host->warm == NULL || !schedule_drop(schedule, host->warm, ret_id))
        return false;
    twi_host_settle(schedule, host->warm);
    return true;
}

/* --- sub-fetches --------------------------------------------------------------------------- */

int twi_schedule_ask(struct twi_schedule *schedule, struct twi_host *host, double now,
                     struct twi_slot *slot)
{
    struct twi_host_warm *warm;

    twi_schedule_clock(schedule, now);
    if (twi_host_warm(schedule, host) < 0)
        return -ENOMEM;
    warm = host->warm;
    *slot = (struct twi_slot){ .host = host,
                               .previous_ = warm->last_ask,
                               .state_ = SLOT_ASKED };
    if (warm->last_ask != NULL)
        warm->last_ask->next_ = slot;
    else
        warm->first_ask = slot;
    warm->last_ask = slot;
    schedule->asks++;
    host_awakes(schedule, warm);
    twi_host_settle(schedule, warm);
    return 0;
}

static void slot_unask(struct twi_schedule *schedule, struct twi_slot *slot)
{
    struct twi_host_warm *warm = slot->host->warm;

    if (slot->next_ != NULL)
        slot->next_->previous_ = slot->previous_;
    else
        warm->last_ask = slot->previous_;
    if (slot->previous_ != NULL)
        slot->previous_->next_ = slot->next_;
    else
        warm->first_ask = slot->next_;
    slot->state_ = 0;
    schedule->asks--;
}

void twi_schedule_forget(struct twi_schedule *schedule, struct twi_slot *slot, double now)
{
    twi_schedule_clock(schedule, now);
    if ((slot->state_ & SLOT_ASKED) == 0)
        return;
    slot_unask(schedule, slot);
    twi_host_settle(schedule, slot->host->warm);
}

/* --- taking -------------------------------------------------------------------------------- */

static void slot_take(struct twi_schedule *schedule, struct twi_slot *slot,
                      struct twi_host_warm *warm, unsigned state)
{
    *slot = (struct twi_slot){ .host = warm->host,
                               .address_ = warm->address,
                               .sent_at_ = INT64_MIN,
                               .state_ = (uint8_t)(state | SLOT_NETWORK | SLOT_UNSENT) };
    warm->address->users++;
    warm->address->fetching++;
    warm->fetching++;
    warm->unsent++;
    schedule->fetching++;
}

/* Is the name of this host to be resolved before its next fetch? */
static bool host_wants_address(struct twi_schedule *schedule, struct twi_host_warm *warm)
{
    return warm->address == &schedule->unknown ||
           (schedule->options.max_per_ip > 0 && schedule->options.address_age > 0 &&
            schedule->now >= warm->address_until);
}

static void host_set_address(struct twi_schedule *schedule, struct twi_host_warm *warm,
                             struct twi_address *address)
{
    struct twi_address *old = warm->address;

    twi_host_unsettle(schedule, warm);
    warm->address = address;
    twi_address_leave(schedule, old);
}

static enum twi_take host_take_address(struct twi_schedule *schedule,
                                       struct twi_host_warm *warm)
{
    schedule->unknown.users++;
    host_set_address(schedule, warm, &schedule->unknown);
    warm->resolves = true;
    schedule->resolving++;
    return TWI_TAKE_ADDRESS;
}

static bool host_wants_robots(const struct twi_schedule *schedule,
                              const struct twi_host_warm *warm)
{
    return schedule->options.obeys_robots &&
           twi_robots_gate_wants(warm->host->robots, schedule->now);
}

static enum twi_take host_take_robots(struct twi_schedule *schedule,
                                      struct twi_host_warm *warm, struct twi_taken *taken)
{
    slot_take(schedule, taken->slot, warm, 0);
    twi_robots_gate_asks(warm->host->robots);
    warm->asks_robots = true;
    schedule->asking_robots++;
    return TWI_TAKE_ROBOTS;
}

static enum twi_take host_take_ask(struct twi_schedule *schedule, struct twi_host_warm *warm,
                                   struct twi_taken *taken)
{
    taken->slot = warm->first_ask;
    slot_unask(schedule, taken->slot);
    slot_take(schedule, taken->slot, warm, 0);
    return TWI_TAKE_FETCH;
}

static enum twi_take host_take_visit(struct twi_schedule *schedule, struct twi_host_warm *warm,
                                     struct twi_taken *taken)
{
    taken->id = twi_queues_pop(schedule->slab, &warm->queues, schedule->options.is_depth_first,
                               &taken->priority);
    slot_take(schedule, taken->slot, warm, SLOT_PLACE);
    warm->places++;
    schedule->places++;
    schedule->pending--;
    return TWI_TAKE_VISIT;
}

static struct twi_host_warm *lane_first(const struct twi_schedule *schedule, int lane)
{
    const struct twi_turn_node *node = schedule->lanes[lane].first;
    const struct twi_address *address;

    if (node == NULL)
        return NULL;
    address = (const struct twi_address *)((const char *)(node - lane) -
                                           offsetof(struct twi_address, nodes));
    return (struct twi_host_warm *)((char *)address->hosts[lane].first -
                                    offsetof(struct twi_host_warm, node));
}

/* May a visit, or what comes before one, start? */
static bool visits_are_open(const struct twi_schedule *schedule, bool may_visit)
{
    return may_visit && schedule->places + schedule->asking_robots + schedule->resolving <
                            schedule->options.max_total;
}

static struct twi_host_warm *schedule_ready(const struct twi_schedule *schedule,
                                            bool may_visit)
{
    struct twi_host_warm *warm = lane_first(schedule, TWI_LANE_ASK);

    if (warm != NULL && warm->node.time <= schedule->now)
        return warm;
    warm = visits_are_open(schedule, may_visit) ? lane_first(schedule, TWI_LANE_VISIT) : NULL;
    return warm != NULL && warm->node.time <= schedule->now ? warm : NULL;
}

enum twi_take twi_schedule_take(struct twi_schedule *schedule, double now, bool may_visit,
                                struct twi_taken *taken)
{
    struct twi_host_warm *warm;
    struct twi_address *address;
    enum twi_take kind;

    twi_schedule_clock(schedule, now);
    schedule_due(schedule);
    twi_host_cool_some(schedule);
    warm = schedule_ready(schedule, may_visit);
    if (warm == NULL)
        return TWI_TAKE_NOTHING;
    taken->host = warm->host;
    if (host_wants_address(schedule, warm))
        kind = host_take_address(schedule, warm);
    else if (host_wants_robots(schedule, warm))
        kind = host_take_robots(schedule, warm, taken);
    else if (warm->lane == TWI_LANE_ASK)
        kind = host_take_ask(schedule, warm, taken);
    else
        kind = host_take_visit(schedule, warm, taken);
    address = warm->address;
    warm->turn_at = schedule->now;
    warm->turn = ++schedule->turn;
    twi_host_settle(schedule, warm);
    twi_address_settle(schedule, address);
    return kind;
}

double twi_schedule_next(struct twi_schedule *schedule, double now, bool may_visit)
{
    int64_t at = twi_schedule_clock(schedule, now), first = INT64_MAX;
    const struct twi_host_warm *warm = lane_first(schedule, TWI_LANE_ASK);
    double wait;

    if (warm != NULL)
        first = warm->node.time;
    if (visits_are_open(schedule, may_visit)) {
        warm = lane_first(schedule, TWI_LANE_VISIT);
        if (warm != NULL && warm->node.time < first)
            first = warm->node.time;
        if (schedule->later.first != NULL && schedule->later.first->time < first)
            first = schedule->later.first->time;
    }
    if (first == INT64_MAX)
        return -1;
    wait = (double)(first - at) * 1e-9;
    return first <= at ? 0 : wait > wait_least ? wait : wait_least;
}

/* --- addresses and robots.txt -------------------------------------------------------------- */

int twi_schedule_address(struct twi_schedule *schedule, struct twi_host *host, double now,
                         const char *address)
{
    struct twi_host_warm *warm = host->warm;
    struct twi_address *found = NULL;

    twi_schedule_clock(schedule, now);
    if (warm == NULL || schedule->options.max_per_ip == 0)
        return 0;
    if (address != NULL)
        found = twi_address_of(schedule, address);
    else
        schedule->uncounted.users++;
    if (found == NULL && address != NULL)
        schedule->uncounted.users++;
    host_set_address(schedule, warm, found != NULL ? found : &schedule->uncounted);
    warm->address_until = schedule->now +
                          twi_polite_nanoseconds(schedule->options.address_age);
    schedule->resolving -= warm->resolves;
    warm->resolves = false;
    twi_host_settle(schedule, warm);
    return found != NULL || address == NULL ? 0 : -ENOMEM;
}

void twi_schedule_lost_address(struct twi_schedule *schedule, struct twi_host *host,
                               double now)
{
    twi_schedule_clock(schedule, now);
    if (host->warm == NULL || schedule->options.max_per_ip == 0)
        return;
    schedule->unknown.users++;
    host_set_address(schedule, host->warm, &schedule->unknown);
    twi_host_settle(schedule, host->warm);
}

static void host_robots_changed(struct twi_schedule *schedule, struct twi_host *host)
{
    if (host->warm == NULL)
        return;
    schedule->asking_robots -= host->warm->asks_robots;
    host->warm->asks_robots = false;
    twi_polite_crawl_delay(&host->warm->polite, &schedule->options.manners,
                           (double)host->robots->crawl_delay);
    twi_host_settle(schedule, host->warm);
}

int twi_schedule_robots(struct twi_schedule *schedule, struct twi_host *host, double now,
                        const struct twi_robots_answer *answer,
                        struct twi_robots_news *ret_news)
{
    int r;

    twi_schedule_clock(schedule, now);
    if (host->robots == NULL)
        return 0;
    r = twi_robots_gate_answered(host->robots, schedule->now, schedule->agent, answer,
                                 ret_news);
    host_robots_changed(schedule, host);
    return r;
}

/* Without a throttle it was a back-off. */
static void polite_restore(struct twi_schedule *schedule, struct twi_host_warm *warm,
                           double learned)
{
    const struct twi_manners *manners = &schedule->options.manners;

    twi_polite_init(&warm->polite, manners, twi_host_manners(schedule, warm), learned);
    if (!manners->throttles && learned > 0)
        warm->polite.back_off = fmin(learned, manners->max_delay);
}

int twi_schedule_restore(struct twi_schedule *schedule, struct twi_host *host, double now,
                         const struct twi_robots_answer *answer, double seconds, double pause,
                         double learned)
{
    int64_t at = twi_schedule_clock(schedule, now);
    struct twi_host_warm *warm;
    int r;

    twi_host_cool_some(schedule);
    if ((r = twi_host_warm(schedule, host)) < 0)
        return r;
    warm = host->warm;
    polite_restore(schedule, warm, learned);
    if (pause > 0)
        twi_polite_pause(&warm->polite, &schedule->options.manners, at, pause);
    if (answer != NULL && host->robots != NULL) {
        r = twi_robots_gate_restore(host->robots, at, at + twi_polite_nanoseconds(seconds),
                                    schedule->agent, answer);
        host_robots_changed(schedule, host);
    }
    twi_host_settle(schedule, warm);
    return r;
}

int twi_schedule_allowed(struct twi_schedule *schedule, const struct twi_host *host,
                         const char *url, size_t length,
                         struct twi_robots_verdict *ret_verdict)
{
    *ret_verdict = (struct twi_robots_verdict){ 0 };
    if (!schedule->options.obeys_robots || host->robots == NULL)
        return 1;
    return twi_robots_gate_allow(host->robots, &schedule->scratch, url, length, ret_verdict);
}

/* --- fetches ------------------------------------------------------------------------------- */

static void slot_is_sent(struct twi_slot *slot, struct twi_host_warm *warm)
{
    if ((slot->state_ & SLOT_UNSENT) != 0)
        warm->unsent--;
    slot->state_ = (uint8_t)(slot->state_ & ~SLOT_UNSENT);
}

void twi_schedule_sent(struct twi_schedule *schedule, struct twi_slot *slot, double now)
{
    struct twi_host_warm *warm = slot->host->warm;

    twi_schedule_clock(schedule, now);
    if ((slot->state_ & SLOT_NETWORK) == 0)
        return;
    slot_is_sent(slot, warm);
    slot->sent_at_ = schedule->now;
    twi_polite_sent(&warm->polite, twi_host_manners(schedule, warm), schedule->now,
                    schedule_random(schedule));
    twi_host_settle(schedule, warm);
}

void twi_schedule_answered(struct twi_schedule *schedule, struct twi_slot *slot, double now,
                           const struct twi_answer *answer)
{
    struct twi_host_warm *warm = slot->host->warm;

    twi_schedule_clock(schedule, now);
    if ((slot->state_ & SLOT_NETWORK) == 0)
        return;
    twi_polite_answered(&warm->polite, &schedule->options.manners,
                        twi_host_manners(schedule, warm), schedule->now, slot->sent_at_,
                        answer);
    twi_host_settle(schedule, warm);
}

void twi_schedule_network_free(struct twi_schedule *schedule, struct twi_slot *slot,
                               double now)
{
    struct twi_host_warm *warm = slot->host->warm;

    twi_schedule_clock(schedule, now);
    if ((slot->state_ & SLOT_NETWORK) == 0)
        return;
    slot_is_sent(slot, warm);
    slot->state_ = (uint8_t)(slot->state_ & ~SLOT_NETWORK);
    warm->fetching--;
    schedule->fetching--;
    slot->address_->fetching--;
    twi_host_settle(schedule, warm);
    twi_address_settle(schedule, slot->address_);
    twi_address_leave(schedule, slot->address_);
    slot->address_ = NULL;
}

void twi_schedule_place_free(struct twi_schedule *schedule, struct twi_slot *slot, double now)
{
    struct twi_host_warm *warm = slot->host->warm;

    twi_schedule_clock(schedule, now);
    if ((slot->state_ & SLOT_PLACE) == 0)
        return;
    slot->state_ = (uint8_t)(slot->state_ & ~SLOT_PLACE);
    warm->places--;
    schedule->places--;
    twi_host_settle(schedule, warm);
}
