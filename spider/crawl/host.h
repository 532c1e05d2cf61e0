/* SPDX-License-Identifier: MIT */
/*
 * host.h - hosts and addresses, inside the schedule.
 *
 * A host that has nothing to do is cold: 48 bytes and its origin. With visits, fetches or a wait
 * that still runs it is warm: all else is in struct twi_host_warm.
 */
#ifndef SPIDER_CRAWL_HOST_H
#define SPIDER_CRAWL_HOST_H

#include "spider/crawl/intern.h"
#include "spider/crawl/schedule.h"
#include "spider/crawl/turn_heap.h"
#include "spider/job/queue.h"

/* The two lines in which hosts wait: those with a sub-fetch come first. */
enum { TWI_LANE_ASK, TWI_LANE_VISIT, TWI_LANES, TWI_LANE_NONE = TWI_LANES };

struct twi_host {
    struct twi_interned interned; /* its origin follows the struct */
    float delay, back_off;        /* twi_polite's while it is cold; 0: none yet */
    struct twi_host_warm *warm; /* NULL: cold */
    struct twi_robots_gate *robots;
    int64_t number;
};

struct twi_address {
    struct twi_interned interned; /* its text follows the struct */
    unsigned limit, fetching;     /* 0: no limit */
    size_t users;                 /* hosts and slots */
    struct twi_turn_heap hosts[TWI_LANES];
    struct twi_turn_node nodes[TWI_LANES]; /* in the schedule's lanes: by its first host */
};

struct twi_later; /* a visit that is due later */

struct twi_host_warm {
    struct twi_host *host;
    struct twi_turn_node node; /* in its address's hosts of `lane` */
    struct twi_polite polite;
    struct twi_queues queues;
    struct twi_later *later;
    struct twi_slot *first_ask, *last_ask;
    struct twi_address *address;
    int64_t address_until;
    int64_t turn_at; /* it had its last turn, or began to wait for the first one */
    uint64_t turn;
    struct twi_host_manners *own; /* NULL: the usual */
    struct twi_host_warm *next_idle;
    unsigned fetching, places, unsent;
    uint8_t lane;
    bool resolves, asks_robots, is_idle; /* idle: in the row of those that may cool */
};

struct twi_later {
    struct twi_turn_node node;
    struct twi_host *host;
    struct twi_later *next, *previous; /* of the host */
    int64_t id;
    int priority;
};

struct twi_schedule {
    struct twi_schedule_options options;
    char *agent;
    struct twi_arena hosts_arena, scratch;
    struct twi_intern hosts, addresses;
    struct twi_queue_slab *slab;
    struct twi_turn_heap lanes[TWI_LANES]; /* addresses */
    struct twi_turn_heap later;
    /* Of hosts whose address is not known, and of those that have none which counts. */
    struct twi_address unknown, uncounted;
    struct twi_host_warm *first_idle, *last_idle;
    int64_t now, told, ahead; /* `told` and `ahead` make `now`, which does not go back */
    uint64_t turn, random;
    size_t pending, asks;
    unsigned places, fetching, resolving, asking_robots;
    bool has_time;
};

/* Nanoseconds of the schedule's own clock. */
int64_t twi_schedule_clock(struct twi_schedule *schedule, double now);

/* Make it warm. 0 or -ENOMEM. */
int twi_host_warm(struct twi_schedule *schedule, struct twi_host *host);
/* Some that have nothing to do become cold. */
void twi_host_cool_some(struct twi_schedule *schedule);
const struct twi_host_manners *twi_host_manners(const struct twi_schedule *schedule,
                                                const struct twi_host_warm *warm);
/* Put it where it now belongs: after each change of what it has or may. */
void twi_host_settle(struct twi_schedule *schedule, struct twi_host_warm *warm);
/* Take it out of all lanes. */
void twi_host_unsettle(struct twi_schedule *schedule, struct twi_host_warm *warm);
void twi_host_free(struct twi_schedule *schedule, struct twi_host *host);

/* The address of this text, made when it is new, with one more user; NULL: no memory. */
struct twi_address *twi_address_of(struct twi_schedule *schedule, const char *text);
void twi_address_leave(struct twi_schedule *schedule, struct twi_address *address);
/* After each change of its hosts or fetches. */
void twi_address_settle(struct twi_schedule *schedule, struct twi_address *address);

#endif
