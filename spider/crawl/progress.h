/* SPDX-License-Identifier: MIT */
/*
 * progress.h - the log of a crawl's program, and the line below it on a terminal.
 */
#ifndef SPIDER_CRAWL_PROGRESS_H
#define SPIDER_CRAWL_PROGRESS_H

#include <stdio.h>

#include <tweed/log.h>
#include <tweed/spider.h>

struct twi_progress {
    FILE *log;
    bool is_json, shows; /* `shows`: there is a terminal */
    bool is_shown;       /* the line stands there */
    tw_crawl *crawl;
    int64_t timer;
    double begun, rate;  /* pages a second, of late */
    int64_t pages;       /* at the last look */
};

/* Send the log's events to `log` from now on; with `wants_line` progress too, if that is a
 * terminal. */
void twi_progress_begin(struct twi_progress *progress, FILE *log, enum tw_log_level level,
                        bool is_json, bool wants_line);
/* Show how far a crawl has come, until the end. */
void twi_progress_watch(struct twi_progress *progress, tw_crawl *crawl);
void twi_progress_end(struct twi_progress *progress);

#endif
