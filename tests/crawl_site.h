/* SPDX-License-Identifier: MIT */
/*
 * crawl_site.h - a site in memory and a crawl of it, on virtual time.
 *
 *     static const struct crawl_page pages[] = { { "/", .body = "<a href=/b>b</a>" }, { 0 } };
 *     struct crawl_test test;
 *     crawl_begin(&test, pages);
 *     crawl_run(&test, &spider, NULL);
 *     ... test.why, crawl_stat(&test, "item_scraped_count"), crawl_requested(&test, "/b") ...
 *     crawl_end(&test);
 */
#ifndef TESTS_CRAWL_SITE_H
#define TESTS_CRAWL_SITE_H

#include <stdio.h>
#include <string.h>

#include <tweed/spider.h>

#include "tests/client_peer.h"
#include "tests/test.h"

/* The host does not count: each has the same pages. */
struct crawl_page {
    const char *path;
    const char *body;    /* NULL: "" */
    int status;          /* 0: 200 */
    const char *type;    /* NULL: text/html */
    const char *headers; /* further ones, with line ends */
    unsigned times;      /* the first so many answers have `status`, later ones 200; 0: all */
    bool silent;         /* no answer at all */
};

/* Without waits, and without a name server. */
#define CRAWL_QUIET .delay = -1, .max_per_ip = -1
/* A page without a body. */
#define CRAWL_PAGE(path_)   \
    {                       \
        path_, .body = NULL \
    }

enum { CRAWL_STATS = 64, CRAWL_LOG = 1 << 16 };
struct crawl_test {
    struct peer peer;
    const struct crawl_page *pages;
    unsigned served[64]; /* of each page */
    tw_crawl *crawl;
    unsigned fired;
    char why[64];
    const tw_error_class *error;
    char message[512];
    double ended; /* when, on the reactor's clock */
    struct {
        char key[80];
        int64_t number;
        char text[64];
    } stats[CRAWL_STATS];
    size_t stat_count;
    struct tw_crawl_options options;
};

/* The callbacks' words, for tests of order: appended here. */
extern char crawl_said[CRAWL_LOG];
void crawl_say(const char *format, ...) TW_PRINTF(1, 2);
bool crawl_has_said(const char *text);

void crawl_begin(struct crawl_test *test, const struct crawl_page *pages);
void crawl_end(struct crawl_test *test);
/* Start it, or run it until it has ended, a day of virtual time at most. `options` may be NULL. */
void crawl_start(struct crawl_test *test, const tw_spider *spider,
                 const struct tw_crawl_options *options);
void crawl_run(struct crawl_test *test, const tw_spider *spider,
               const struct tw_crawl_options *options);
int64_t crawl_stat(const struct crawl_test *test, const char *key);
/* How often a path was asked for. */
size_t crawl_requested(struct crawl_test *test, const char *path);

#endif
