/* SPDX-License-Identifier: MIT */
/*
 * schedule.h - which visit may be fetched now, and when the next one may.
 *
 * Visits wait in their host's queues as numbers. A host is taken when it is ready: its delay has
 * passed since its last request went out, it is under its limits and its address under its own,
 * its robots.txt is known. Of hosts that are ready the one that has waited longest comes first, so
 * each has its turn. No descriptor, no timer, no thread: the caller tells the time, in seconds of
 * any clock; a clock that goes back only stands still here.
 *
 *     while (twi_schedule_take(schedule, now, may_visit, &taken) != TWI_TAKE_NOTHING)
 *         ... by its kind
 *     wait twi_schedule_next(schedule, now, may_visit) seconds, or for an event
 *
 * Hosts live as long as their schedule.
 */
#ifndef SPIDER_CRAWL_SCHEDULE_H
#define SPIDER_CRAWL_SCHEDULE_H

#include "spider/crawl/polite.h"
#include "spider/crawl/robots_gate.h"

struct twi_host;
struct twi_address;
struct twi_schedule;

struct twi_schedule_options {
    struct twi_manners manners;
    unsigned max_total; /* places in all, at least 1 */
    /* Fetches at once from one address, for all hosts that it serves; 0: no limit, and no names are
     * resolved ahead. */
    unsigned max_per_ip;
    double address_age; /* seconds after which a name is resolved again; 0: never */
    bool obeys_robots;
    /* Seconds that visits wait for a robots.txt that cannot be had, before they are excluded;
     * negative: for ever. */
    double robots_patience;
    const char *agent; /* for robots.txt; copied */
    /* Of a host's visits those of the highest priority come first; of these the newest (depth
     * first) or the oldest. */
    bool is_depth_first;
};

/*
 * A fetch under way: it holds a network slot of its host and of the address at which that host was
 * when it was taken, and as a visit a place. Lives in the caller's memory from the take, or from
 * twi_schedule_ask(), until both are free. The caller reads `host` only.
 */
struct twi_slot {
    struct twi_host *host;
    struct twi_address *address_;
    struct twi_slot *next_, *previous_;
    int64_t sent_at_;
    uint8_t state_;
};

enum twi_take {
    TWI_TAKE_NOTHING, /* nothing is ready */
    TWI_TAKE_VISIT,   /* fetch visit `id`; slot and place are those of the slot given */
    TWI_TAKE_FETCH,   /* the sub-fetch whose slot was asked for may start: `slot` */
    /* Fetch the robots.txt of `host` with the slot given, then tell twi_schedule_robots(); all else
     * of the host waits until then. */
    TWI_TAKE_ROBOTS,
    TWI_TAKE_ADDRESS /* resolve the name of `host`, then tell twi_schedule_address(); no slot */
};

struct twi_taken {
    struct twi_slot
        *slot; /* in: room for a visit or a robots.txt; out: the slot that was taken */
    struct twi_host *host;
    int64_t id;            /* of a visit */
    int priority;
};

/* NULL: no memory. The seed determines the jitter. */
struct twi_schedule *twi_schedule_new(const struct twi_schedule_options *options,
                                      uint64_t seed);
void twi_schedule_free(struct twi_schedule *schedule);

/* --- hosts --------------------------------------------------------------------------------- */

/* The host of an origin, "https://example.com:8443", made when it is new; NULL: no memory. */
struct twi_host *twi_schedule_host(struct twi_schedule *schedule, const char *origin);
const char *twi_host_origin(const struct twi_host *host);
/* Room for the caller, 0 at first: the row of the job's table, say. */
int64_t *twi_host_number(struct twi_host *host);
/* By its robots.txt, may `url`, absolute or from the path on, be fetched? 1, 0, -ENOMEM. */
int twi_schedule_allowed(struct twi_schedule *schedule, const struct twi_host *host,
                         const char *url, size_t length,
                         struct twi_robots_verdict *ret_verdict);

/*
 * The address that serves `host` has been found: from now on its fetches count there too; those
 * under way count where they began. NULL: none that counts (a proxy's host, a name that does not
 * exist): the fetch itself will tell. 0 or -ENOMEM: then as with NULL.
 */
int twi_schedule_address(struct twi_schedule *schedule, struct twi_host *host, double now,
                         const char *address);
/* NULL: none, or not known now. */
const char *twi_host_address(const struct twi_host *host);
/* It no longer answers there: resolve before the next fetch. */
void twi_schedule_lost_address(struct twi_schedule *schedule, struct twi_host *host,
                               double now);

/*
 * The answer to TWI_TAKE_ROBOTS, behind up to five redirects; see twi_robots_gate_answered() for
 * `answer` and `ret_news`, which may be NULL. The slot is freed by twi_schedule_network_free(), as
 * always. 0 or -ENOMEM: then as if none had come.
 */
int twi_schedule_robots(struct twi_schedule *schedule, struct twi_host *host, double now,
                        const struct twi_robots_answer *answer,
                        struct twi_robots_news *ret_news);
/* As an earlier run left it: its robots.txt (`answer`, NULL: unknown) is good for `seconds`, and
 * nothing starts before `pause` seconds have passed; `learned` is its state's of then. */
int twi_schedule_restore(struct twi_schedule *schedule, struct twi_host *host, double now,
                         const struct twi_robots_answer *answer, double seconds, double pause,
                         double learned);

/* Nothing starts on `host` for so long: at most max_retry_after. */
void twi_schedule_pause(struct twi_schedule *schedule, struct twi_host *host, double now,
                        double seconds);
/* Other manners for one host from now on. 0 or -ENOMEM. */
int twi_schedule_set_manners(struct twi_schedule *schedule, struct twi_host *host, double now,
                             const struct twi_host_manners *manners);
/* ... for all that have none of their own. */
void twi_schedule_set_usual(struct twi_schedule *schedule, double now,
                            const struct twi_host_manners *manners);

struct twi_host_state {
    size_t pending;           /* visits in its queues */
    unsigned fetching, places;
    double delay;             /* seconds between two starts, without jitter */
    double learned; /* seconds: what throttle or back-off come to; 0: no more than the delay */
    double wait;              /* seconds until the next may start, by the clock alone */
    bool asks_robots, resolves;
};
void twi_schedule_state(struct twi_schedule *schedule, const struct twi_host *host, double now,
                        struct twi_host_state *ret_state);

/* --- visits -------------------------------------------------------------------------------- */

/* -128 to 127, higher first. 0 or -ENOMEM: nothing has changed. */
int twi_schedule_push(struct twi_schedule *schedule, struct twi_host *host, double now,
                      int64_t id, int priority);
/* ... not before `seconds` have passed: a retry; it counts as pending. */
int twi_schedule_push_later(struct twi_schedule *schedule, struct twi_host *host, double now,
                            int64_t id, int priority, double seconds);
/* A sub-fetch of `host` as soon as its manners allow, ahead of its visits and without a place.
 * `slot` is the caller's. 0 or -ENOMEM. */
int twi_schedule_ask(struct twi_schedule *schedule, struct twi_host *host, double now,
                     struct twi_slot *slot);
/* ... it is not wanted any more; nothing happens if it has been taken. */
void twi_schedule_forget(struct twi_schedule *schedule, struct twi_slot *slot, double now);
/* The next visit of a host, whatever its manners say and without a slot: to exclude all of them.
 * Visits that are due later come last. False: it has none. */
bool twi_schedule_drop(struct twi_schedule *schedule, struct twi_host *host, double now,
                       int64_t *ret_id);

/* `may_visit`: false as long as no visit may start (no memory, a pause): then sub-fetches only, and
 * what must come before them. They do not wait for a robots.txt that cannot be had. */
enum twi_take twi_schedule_take(struct twi_schedule *schedule, double now, bool may_visit,
                                struct twi_taken *taken);
/* Seconds until a take finds something, 0 for now; negative: not without an event. */
double twi_schedule_next(struct twi_schedule *schedule, double now, bool may_visit);

/* Visits that wait, those that are due later with them, and places in use. */
size_t twi_schedule_pending(const struct twi_schedule *schedule);
unsigned twi_schedule_places(const struct twi_schedule *schedule);
/* Is anything under way: a place, a slot, a sub-fetch that waits, a name, a robots.txt? */
bool twi_schedule_busy(const struct twi_schedule *schedule);
size_t twi_schedule_bytes(struct twi_schedule *schedule);
/* Every visit that waits, each host's in the order in which pushing them again makes the same
 * queues, with the seconds until it is due (0: now). Nothing of the schedule may be called
 * meanwhile. */
void twi_schedule_each(struct twi_schedule *schedule,
                       void (*each)(struct twi_host *host, int64_t id, int priority,
                                    double seconds, void *arg),
                       void *arg);

/* --- fetches ------------------------------------------------------------------------------- */

/* The request has gone out; also when it is sent again over another connection. */
void twi_schedule_sent(struct twi_schedule *schedule, struct twi_slot *slot, double now);
/* The head of a response has come, or nothing will. Not for answers out of a cache. */
void twi_schedule_answered(struct twi_schedule *schedule, struct twi_slot *slot, double now,
                           const struct twi_answer *answer);
/* The response has come whole, or the fetch has failed, or none was needed: once for each slot that
 * was taken. */
void twi_schedule_network_free(struct twi_schedule *schedule, struct twi_slot *slot,
                               double now);
/* The record of a visit is committed: once for each. In either order. */
void twi_schedule_place_free(struct twi_schedule *schedule, struct twi_slot *slot, double now);

#endif
