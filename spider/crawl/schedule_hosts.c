/* SPDX-License-Identifier: MIT */
/*
 * schedule_hosts.c - hosts by name, their manners, what is told of them.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "spider/crawl/host.h"

struct twi_host *twi_schedule_host(struct twi_schedule *schedule, const char *origin)
{
    struct twi_host *host = (struct twi_host *)twi_intern_find(&schedule->hosts, origin);
    size_t length = strlen(origin) + 1;

    if (host != NULL)
        return host;
    host = twi_arena_zeroed(&schedule->hosts_arena, sizeof *host + length);
    schedule->hosts_arena.failed = false;
    if (host == NULL)
        return NULL;
    memcpy(host + 1, origin, length);
    twi_intern_add(&schedule->hosts, &host->interned);
    return host;
}

const char *twi_host_origin(const struct twi_host *host)
{
    return (const char *)(host + 1);
}

int64_t *twi_host_number(struct twi_host *host)
{
    return &host->number;
}

const char *twi_host_address(const struct twi_host *host)
{
    const struct twi_address *address = host->warm != NULL ? host->warm->address : NULL;

    /* The two that stand for none have no limit, and no text. */
    return address != NULL && address->limit > 0 ? (const char *)(address + 1) : NULL;
}

/* --- manners ------------------------------------------------------------------------------- */

void twi_schedule_pause(struct twi_schedule *schedule, struct twi_host *host, double now,
                        double seconds)
{
    int64_t at = twi_schedule_clock(schedule, now);

    if (twi_host_warm(schedule, host) < 0)
        return;
    twi_polite_pause(&host->warm->polite, &schedule->options.manners, at, seconds);
    twi_host_settle(schedule, host->warm);
}

int twi_schedule_set_manners(struct twi_schedule *schedule, struct twi_host *host, double now,
                             const struct twi_host_manners *manners)
{
    struct twi_host_warm *warm;

    twi_schedule_clock(schedule, now);
    if (twi_host_warm(schedule, host) < 0)
        return -ENOMEM;
    warm = host->warm;
    if (warm->own == NULL && (warm->own = malloc(sizeof *warm->own)) == NULL)
        return -ENOMEM;
    *warm->own = *manners;
    twi_polite_change(&warm->polite, &schedule->options.manners, manners);
    twi_host_settle(schedule, warm);
    return 0;
}

static void host_take_usual(struct twi_interned *thing, void *arg)
{
    struct twi_schedule *schedule = arg;
    struct twi_host_warm *warm = ((struct twi_host *)thing)->warm;

    if (warm == NULL || warm->own != NULL)
        return;
    twi_polite_change(&warm->polite, &schedule->options.manners,
                      &schedule->options.manners.usual);
    twi_host_settle(schedule, warm);
}

void twi_schedule_set_usual(struct twi_schedule *schedule, double now,
                            const struct twi_host_manners *manners)
{
    twi_schedule_clock(schedule, now);
    schedule->options.manners.usual = *manners;
    twi_intern_each(&schedule->hosts, host_take_usual, schedule);
}

/* --- what is told -------------------------------------------------------------------------- */

static double host_learned(const struct twi_schedule *schedule,
                           const struct twi_host_warm *warm)
{
    double learned = fmax(warm->polite.delay, warm->polite.back_off);

    return learned > twi_host_manners(schedule, warm)->delay ? learned : 0;
}

static size_t host_pending(const struct twi_host_warm *warm)
{
    size_t pending = warm->queues.waiting;

    for (const struct twi_later *later = warm->later; later != NULL; later = later->next)
        pending++;
    return pending;
}

void twi_schedule_state(struct twi_schedule *schedule, const struct twi_host *host, double now,
                        struct twi_host_state *ret_state)
{
    const struct twi_host_warm *warm = host->warm;
    int64_t at = twi_schedule_clock(schedule, now), ready;

    *ret_state = (struct twi_host_state){ .delay = (double)host->delay };
    if (warm == NULL)
        return;
    ready = twi_polite_ready(&warm->polite);
    *ret_state = (struct twi_host_state){
        .pending = host_pending(warm),
        .fetching = warm->fetching,
        .places = warm->places,
        .delay = twi_polite_interval(&warm->polite),
        .learned = host_learned(schedule, warm),
        .wait = ready > at ? (double)(ready - at) * 1e-9 : 0,
        .asks_robots = warm->asks_robots,
        .resolves = warm->resolves,
    };
}

size_t twi_schedule_pending(const struct twi_schedule *schedule)
{
    return schedule->pending;
}

unsigned twi_schedule_places(const struct twi_schedule *schedule)
{
    return schedule->places;
}

bool twi_schedule_busy(const struct twi_schedule *schedule)
{
    return schedule->places > 0 || schedule->fetching > 0 || schedule->asks > 0 ||
           schedule->resolving > 0 || schedule->asking_robots > 0;
}

static void host_add_bytes(struct twi_interned *thing, void *arg)
{
    const struct twi_host *host = (struct twi_host *)thing;
    const struct twi_host_warm *warm = host->warm;
    size_t *bytes = arg;

    if (host->robots != NULL)
        *bytes += sizeof *host->robots + twi_robots_gate_bytes(host->robots);
    if (warm == NULL)
        return;
    *bytes += sizeof *warm + twi_queues_bytes(&warm->queues);
    if (warm->own != NULL)
        *bytes += sizeof *warm->own;
    for (const struct twi_later *later = warm->later; later != NULL; later = later->next)
        *bytes += sizeof *later;
}

size_t twi_schedule_bytes(struct twi_schedule *schedule)
{
    size_t bytes = sizeof *schedule + schedule->hosts_arena.used + schedule->scratch.used +
                   twi_intern_bytes(&schedule->hosts) +
                   twi_intern_bytes(&schedule->addresses) +
                   schedule->addresses.count * (sizeof(struct twi_address) + 16) +
                   twi_queue_slab_bytes(schedule->slab);

    twi_intern_each(&schedule->hosts, host_add_bytes, &bytes);
    return bytes;
}

/* --- each ---------------------------------------------------------------------------------- */

struct schedule_walk {
    struct twi_schedule *schedule;
    void (*each)(struct twi_host *host, int64_t id, int priority, double seconds, void *arg);
    void *arg;
    struct twi_host *host;
};

static void walk_visit(int64_t id, int priority, void *arg)
{
    const struct schedule_walk *walk = arg;

    walk->each(walk->host, id, priority, 0, walk->arg);
}

static void walk_visits(struct twi_interned *thing, void *arg)
{
    struct schedule_walk *walk = arg;
    const struct twi_schedule *schedule = walk->schedule;
    struct twi_host_warm *warm = ((struct twi_host *)thing)->warm;

    if (warm == NULL)
        return;
    walk->host = warm->host;
    twi_queues_each(schedule->slab, &warm->queues, schedule->options.is_depth_first,
                    walk_visit, walk);
    for (const struct twi_later *later = warm->later; later != NULL; later = later->next) {
        int64_t wait = later->node.time - schedule->now;
        walk->each(warm->host, later->id, later->priority, wait > 0 ? (double)wait * 1e-9 : 0,
                   walk->arg);
    }
}

void twi_schedule_each(struct twi_schedule *schedule,
                       void (*each)(struct twi_host *host, int64_t id, int priority,
                                    double seconds, void *arg),
                       void *arg)
{
    struct schedule_walk walk = { .schedule = schedule, .each = each, .arg = arg };

    twi_intern_each(&schedule->hosts, walk_visits, &walk);
}
