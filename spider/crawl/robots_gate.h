/* SPDX-License-Identifier: MIT */
/*
 * robots_gate.h - may a host's pages be fetched? The state of its robots.txt (RFC 9309, 2.3 and
 * 2.4), and the rules in it that hold for us.
 *
 *   UNKNOWN --> ASKING --> RULES   2xx: for 24 hours
 *                 ^  |---> ALL     4xx or too many redirects: all is allowed, for 24 hours
 *                 |  '---> NONE    5xx, 429 or no answer: nothing is; asked again after 10 minutes,
 *                 |          |     doubling to a day
 *                 '----------'     (RULES and ALL that are too old, too)
 *
 * Rules that were known stay in force while the file cannot be had. Times are nanoseconds, as in
 * polite.h. Only the lines that hold for us are kept: about 100 bytes for most hosts.
 */
#ifndef SPIDER_CRAWL_ROBOTS_GATE_H
#define SPIDER_CRAWL_ROBOTS_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spider/text/robots.h"

#define TWI_ROBOTS_MAX (500 * 1024) /* bytes of a file that count */

enum twi_robots_state {
    TWI_ROBOTS_UNKNOWN,
    TWI_ROBOTS_ASKING,
    TWI_ROBOTS_RULES,
    TWI_ROBOTS_ALL,
    TWI_ROBOTS_NONE
};

struct twi_robots_answer {
    int status; /* 0: no answer; of a redirect: there were too many */
    const char *body;
    size_t length;
};

/* A new file tells this beside its rules. */
struct twi_robots_news {
    enum twi_robots_state state; /* this answer leads to RULES, ALL or, of no use, NONE */
    double seconds;                          /* until it is asked for again */
    double crawl_delay;                      /* seconds; negative: none */
    const struct twi_robots_text *sitemaps;  /* in `arena` and the answer's body */
    struct twi_arena *arena;                 /* in: the caller's, for the sitemaps */
    size_t length;                           /* bytes of the body that count: to be stored */
};

struct twi_robots_verdict {
    size_t line; /* of the file: the one that decided; 0: none did */
    /* That line, or why nothing may be fetched; NULL: neither. Until the gate is told or asked
     * again; `length` bytes. */
    const char *text;
    size_t length;
};

struct twi_robots_rules;
/* All zero is UNKNOWN. */
struct twi_robots_gate {
    struct twi_robots_rules *rules_; /* NULL: all is allowed */
    int64_t until_;                  /* it is asked for again then */
    int64_t failed_at_;              /* since then it cannot be had; 0: it can */
    float crawl_delay;               /* seconds; negative: none */
    uint8_t state, known_, tries_;
};

/* Is the file to be asked for now? */
bool twi_robots_gate_wants(const struct twi_robots_gate *gate, int64_t now);
void twi_robots_gate_asks(struct twi_robots_gate *gate);
/*
 * Asking has ended so, for `agent`. Beyond TWI_ROBOTS_MAX bytes the body does not count.
 *   ret_news   NULL or with an arena
 * 0, or -ENOMEM: then it is as if no answer had come.
 */
int twi_robots_gate_answered(struct twi_robots_gate *gate, int64_t now, const char *agent,
                             const struct twi_robots_answer *answer,
                             struct twi_robots_news *ret_news);
/* As an earlier run left it: that answer is good until then. */
int twi_robots_gate_restore(struct twi_robots_gate *gate, int64_t now, int64_t until,
                            const char *agent, const struct twi_robots_answer *answer);
/* Do the host's visits wait, and until when is nothing asked? `patience` nanoseconds, negative for
 * ever: after that long without the file they wait no longer, but all are excluded. */
bool twi_robots_gate_waits(const struct twi_robots_gate *gate, int64_t now, int64_t patience,
                           int64_t *ret_until);
/* May `url`, absolute or from the path on, be fetched? 1, 0, -ENOMEM. `scratch` is reset. */
int twi_robots_gate_allow(const struct twi_robots_gate *gate, struct twi_arena *scratch,
                          const char *url, size_t length,
                          struct twi_robots_verdict *ret_verdict);
void twi_robots_gate_clear(struct twi_robots_gate *gate); /* to UNKNOWN, without memory */
size_t twi_robots_gate_bytes(const struct twi_robots_gate *gate); /* behind it */

#endif
