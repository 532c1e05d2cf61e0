/* SPDX-License-Identifier: MIT */
/*
 * refusal.h - visits that are not wanted: why, how many, and the first ones of each kind.
 */
#ifndef SPIDER_CRAWL_REFUSAL_H
#define SPIDER_CRAWL_REFUSAL_H

#include <stdint.h>

enum twi_refusal {
    TWI_REFUSED_OFFSITE,    /* -EXDEV: none of the domains */
    TWI_REFUSED_SCHEME,     /* -EXDEV: neither http nor https, or a local one from the web */
    TWI_REFUSED_PATTERN,    /* -EXDEV: "allow" or "deny" says no */
    TWI_REFUSED_LENGTH,     /* -E2BIG: a longer URL than max_url_length */
    TWI_REFUSED_DEPTH,      /* -ELOOP: deeper than max_depth */
    TWI_REFUSED_REPEATS,    /* -ELOOP: a segment stands too often in the path */
    TWI_REFUSED_VARIANTS,   /* -ELOOP: too many queries of one path */
    TWI_REFUSED_HOST_PAGES, /* -ELOOP: too many visits to one host */
    TWI_REFUSALS
};
enum { TWI_REFUSALS_REPORTED = 10 }; /* of each kind */

/* All zero: none yet, nobody is told. */
struct twi_refusals {
    uint64_t counts[TWI_REFUSALS];
    /* Told the first ones of each kind; `why` is a text for people; `href` is lent. */
    void (*report)(enum twi_refusal refusal, const char *why, const char *href, void *arg);
    void *arg;
};

/* Count one, and report it if it is one of the first. Returns the negative errno. */
int twi_refuse(struct twi_refusals *refusals, enum twi_refusal refusal, const char *href);
/* "deeper than max_depth"; static. */
const char *twi_refusal_why(enum twi_refusal refusal);
/* The key of its statistic, Scrapy's where it has one: "offsite/filtered"; static. */
const char *twi_refusal_key(enum twi_refusal refusal);

#endif
