/* SPDX-License-Identifier: MIT */
/*
 * crawl_model.h - a crawl without a network: pages of a made-up site, committed to a real job.
 *
 * Page k links to 2k, 2k + 1 and k + 1, and has k % 3 items; some pages are tried twice, some
 * send their visits ahead. The outcome is known: each page done once, each item in the feed
 * once.
 */
#ifndef TESTS_CRAWL_MODEL_H
#define TESTS_CRAWL_MODEL_H

#include "spider/job/feed.h"
#include "spider/job/job.h"

enum { CRAWL_PLACES = 16, CRAWL_MAX = 5000 };

struct crawl_plan {
    const char *folder; /* NULL: nothing is kept */
    const char *feed;   /* path; NULL: none */
    long batch;
    unsigned pages, places; /* places 0: CRAWL_PLACES */
    bool is_inline;         /* on virtual time, 2 seconds a page */
    bool power;
    volatile unsigned *acknowledged; /* counts them; NULL */
};

/* Crawl until nothing is left, in a process of its own: it ends the process with 0, or with a
 * message and 1. */
void crawl_run(const struct crawl_plan *plan) __attribute__((noreturn));
/* Look at the job and its feed: all pages done, each item once, in files that are whole. NULL, or
 * what is wrong. */
const char *crawl_wrong(const struct crawl_plan *plan);

#endif
