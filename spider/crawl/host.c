/* SPDX-License-Identifier: MIT */
/*
 * host.c - hosts and addresses: which may start something, from when on.
 *
 * An address stands in a lane of the schedule by the first of its hosts in that lane, as long as
 * it is under its limit. A host that has its turn goes behind all others that wait: its time
 * becomes that of the turn, or later. So a host that is ready has its turn after at most as many
 * others as wait, and none starves.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spider/crawl/host.h"

/* --- addresses ----------------------------------------------------------------------------- */

struct twi_address *twi_address_of(struct twi_schedule *schedule, const char *text)
{
    struct twi_address *address = (struct twi_address *)twi_intern_find(&schedule->addresses,
                                                                        text);
    size_t length = strlen(text) + 1;

    if (address == NULL) {
        address = calloc(1, sizeof *address + length);
        if (address == NULL)
            return NULL;
        memcpy(address + 1, text, length);
        address->limit = schedule->options.max_per_ip;
        twi_intern_add(&schedule->addresses, &address->interned);
    }
    address->users++;
    return address;
}

void twi_address_leave(struct twi_schedule *schedule, struct twi_address *address)
{
    if (--address->users > 0 || address == &schedule->unknown ||
        address == &schedule->uncounted)
        return;
    twi_intern_remove(&schedule->addresses, &address->interned);
    free(address);
}

static void address_settle_lane(struct twi_schedule *schedule, struct twi_address *address,
                                int lane)
{
    struct twi_turn_node *node = &address->nodes[lane], *first = address->hosts[lane].first;
    bool is_in = twi_turn_heap_has(node);
    bool may = first != NULL && (address->limit == 0 || address->fetching < address->limit);

    if (is_in && may && node->time == first->time && node->turn == first->turn)
        return;
    if (is_in)
        twi_turn_heap_remove(&schedule->lanes[lane], node);
    if (may)
        twi_turn_heap_add(&schedule->lanes[lane], node, first->time, first->turn);
}

void twi_address_settle(struct twi_schedule *schedule, struct twi_address *address)
{
    for (int lane = 0; lane < TWI_LANES; lane++)
        address_settle_lane(schedule, address, lane);
}

/* --- warm and cold ------------------------------------------------------------------------- */

static void host_warm_up(struct twi_schedule *schedule, struct twi_host *host,
                         struct twi_host_warm *warm)
{
    const struct twi_manners *manners = &schedule->options.manners;

    warm->host = host;
    warm->lane = TWI_LANE_NONE;
    warm->turn_at = schedule->now;
    warm->turn = ++schedule->turn;
    warm->address = schedule->options.max_per_ip > 0 ? &schedule->unknown
                                                     : &schedule->uncounted;
    warm->address->users++;
    twi_polite_init(&warm->polite, manners, &manners->usual, (double)host->delay);
    warm->polite.back_off = (double)host->back_off;
    if (host->robots != NULL)
        twi_polite_crawl_delay(&warm->polite, manners, (double)host->robots->crawl_delay);
    host->warm = warm;
}

int twi_host_warm(struct twi_schedule *schedule, struct twi_host *host)
{
    struct twi_host_warm *warm;

    if (host->robots == NULL && schedule->options.obeys_robots)
        if ((host->robots = calloc(1, sizeof *host->robots)) == NULL)
            return -ENOMEM;
    if (host->warm != NULL)
        return 0;
    if ((warm = calloc(1, sizeof *warm)) == NULL)
        return -ENOMEM;
    host_warm_up(schedule, host, warm);
    return 0;
}

static bool host_has_nothing(const struct twi_host_warm *warm)
{
    return warm->queues.waiting == 0 && warm->later == NULL && warm->first_ask == NULL &&
           warm->fetching == 0 && warm->places == 0 && !warm->resolves && !warm->asks_robots &&
           warm->own == NULL;
}

static void host_cool(struct twi_schedule *schedule, struct twi_host_warm *warm)
{
    struct twi_host *host = warm->host;

    twi_host_unsettle(schedule, warm);
    twi_address_leave(schedule, warm->address);
    twi_queues_clear(schedule->slab, &warm->queues, schedule->options.is_depth_first);
    host->delay = (float)warm->polite.delay;
    host->back_off = (float)warm->polite.back_off;
    host->warm = NULL;
    free(warm->own);
    free(warm);
}

/* Behind the others that have nothing to do. */
static void host_idles(struct twi_schedule *schedule, struct twi_host_warm *warm)
{
    warm->is_idle = true;
    warm->next_idle = NULL;
    if (schedule->first_idle == NULL)
        schedule->first_idle = warm;
    else
        schedule->last_idle->next_idle = warm;
    schedule->last_idle = warm;
}

/* Two at a time: that keeps up with one that idles. */
void twi_host_cool_some(struct twi_schedule *schedule)
{
    for (int i = 0; i < 2 && schedule->first_idle != NULL; i++) {
        struct twi_host_warm *warm = schedule->first_idle;
        schedule->first_idle = warm->next_idle;
        warm->is_idle = false;
        if (!host_has_nothing(warm))
            continue;
        if (twi_polite_ready(&warm->polite) <= schedule->now)
            host_cool(schedule, warm);
        else
            host_idles(schedule, warm);
    }
}

void twi_host_free(struct twi_schedule *schedule, struct twi_host *host)
{
    if (host->robots != NULL)
        twi_robots_gate_clear(host->robots);
    free(host->robots);
    if (host->warm == NULL)
        return;
    while (host->warm->later != NULL) {
        struct twi_later *later = host->warm->later;
        host->warm->later = later->next;
        free(later);
    }
    host_cool(schedule, host->warm);
}

/* --- where a host belongs ------------------------------------------------------------------ */

const struct twi_host_manners *twi_host_manners(const struct twi_schedule *schedule,
                                                const struct twi_host_warm *warm)
{
    return warm->own != NULL ? warm->own : &schedule->options.manners.usual;
}

static int host_lane(const struct twi_schedule *schedule, const struct twi_host_warm *warm)
{
    unsigned most = twi_host_manners(schedule, warm)->max_per_host;

    if (warm->resolves || warm->asks_robots || warm->fetching >= most)
        return TWI_LANE_NONE;
    /* The next wait begins when the request has gone out. */
    if (warm->unsent > 0 && twi_polite_interval(&warm->polite) > 0)
        return TWI_LANE_NONE;
    if (warm->first_ask != NULL)
        return TWI_LANE_ASK;
    if (warm->queues.waiting == 0 || warm->places >= most)
        return TWI_LANE_NONE;
    return TWI_LANE_VISIT;
}

static int64_t host_time(const struct twi_schedule *schedule, const struct twi_host_warm *warm,
                         int lane)
{
    int64_t time = twi_polite_ready(&warm->polite), until;

    if (time < warm->turn_at)
        time = warm->turn_at;
    if (lane == TWI_LANE_VISIT && schedule->options.obeys_robots &&
        twi_robots_gate_waits(warm->host->robots, schedule->now,
                              schedule->options.robots_patience < 0
                                  ? -1
                                  : twi_polite_nanoseconds(schedule->options.robots_patience),
                              &until) &&
        time < until)
        time = until;
    return time;
}

void twi_host_unsettle(struct twi_schedule *schedule, struct twi_host_warm *warm)
{
    if (warm->lane == TWI_LANE_NONE)
        return;
    twi_turn_heap_remove(&warm->address->hosts[warm->lane], &warm->node);
    address_settle_lane(schedule, warm->address, warm->lane);
    warm->lane = TWI_LANE_NONE;
}

static void host_move(struct twi_schedule *schedule, struct twi_host_warm *warm, int lane,
                      int64_t time)
{
    if (lane == warm->lane && warm->node.time == time && warm->node.turn == warm->turn)
        return;
    twi_host_unsettle(schedule, warm);
    twi_turn_heap_add(&warm->address->hosts[lane], &warm->node, time, warm->turn);
    warm->lane = (uint8_t)lane;
    address_settle_lane(schedule, warm->address, lane);
}

void twi_host_settle(struct twi_schedule *schedule, struct twi_host_warm *warm)
{
    int lane = host_lane(schedule, warm);

    if (lane != TWI_LANE_NONE)
        host_move(schedule, warm, lane, host_time(schedule, warm, lane));
    else
        twi_host_unsettle(schedule, warm);
    if (!warm->is_idle && host_has_nothing(warm))
        host_idles(schedule, warm);
}
