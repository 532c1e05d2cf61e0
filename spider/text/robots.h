/* SPDX-License-Identifier: MIT */
/*
 * robots.h - robots.txt: what a site asks of crawlers (RFC 9309).
 *
 * A file is read for one agent, then asked about any number of URLs. Mistakes are read as
 * Google's parser reads them: any line end, a byte order mark, a missing colon, the usual
 * misspellings, names of fields by their beginning. How much of a file is read is the caller's
 * decision.
 */
#ifndef SPIDER_TEXT_ROBOTS_H
#define SPIDER_TEXT_ROBOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spider/text/arena.h"

/* A value as it stands in the file, whose bytes must live on. */
struct twi_robots_text {
    const char *text;
    size_t length;
    struct twi_robots_text *next;
};

struct twi_robots_rate {
    uint64_t requests, seconds;
    int start, end; /* hours * 100 + minutes; -1: at any time */
};

struct twi_robots_rule;
/* The fields for one name: those of all its groups. */
struct twi_robots_group {
    bool is_named; /* there is such a group, perhaps without rules */
    struct twi_robots_rule *first, *last;
    double crawl_delay; /* seconds; negative: none */
    bool has_rate;
    struct twi_robots_rate rate;
    int visit_start, visit_end; /* hours * 100 + minutes; -1: at any time */
};

struct twi_robots {
    struct twi_robots_group group;
    struct twi_robots_text *sitemaps, *last_sitemap;
    struct twi_robots_text *host; /* the last one; NULL: none */
};

/* Read a file for `agent`: its token are the letters, digits, "_" and "-" that it starts with; it
 * has the groups of that name, or if there are none, as for "*" itself, those of "*". NULL when the
 * arena failed. */
struct twi_robots *twi_robots_read(struct twi_arena *arena, const char *data, size_t length,
                                   const char *agent);
/* May `url`, absolute or from the path on, be fetched? *ret_line is the line of the rule that
 * decides, 0 if none does. `arena` is for the call. False when the arena failed. */
bool twi_robots_allow(const struct twi_robots *robots, struct twi_arena *arena,
                      const char *url, size_t length, size_t *ret_line);
/* Each line that has a rule for the agent, in their order: its number, and its bytes in the file
 * without comment and white space around. Behind "User-agent: *" they make a file that says the
 * same to it. */
void twi_robots_each_line(const struct twi_robots *robots,
                          void (*each)(size_t line, const char *text, size_t length,
                                       void *arg),
                          void *arg);

#endif
