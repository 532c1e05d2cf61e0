/* SPDX-License-Identifier: MIT */
/*
 * program.h - a crawl as a whole program: log, progress, signals, summary.
 */
#ifndef SPIDER_CRAWL_PROGRAM_H
#define SPIDER_CRAWL_PROGRAM_H

#include <tweed/spider.h>

#include "spider/crawl/options.h"

enum {
    TWI_STATUS_FINISHED, /* or a limit of its own was reached */
    TWI_STATUS_FAILED,
    TWI_STATUS_USAGE,
    TWI_STATUS_STOPPED = 3,
    TWI_STATUS_FULL = 5 /* the disk */
};

/* Run the spider with these options, which are settled. `name` is how the program is called.
 * Returns an exit status. */
int twi_program_run(const char *name, const tw_spider *spider, struct twi_options *options);

#endif
