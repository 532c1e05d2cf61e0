/* SPDX-License-Identifier: MIT */
/*
 * retry.h - which outcomes of a fetch are worth another try, and when.
 *
 * Statuses and failures are Scrapy's: what a server or the network says to be temporary. A
 * name that does not exist and a certificate that is wrong stay so.
 */
#ifndef SPIDER_CRAWL_RETRY_H
#define SPIDER_CRAWL_RETRY_H

#include <stdbool.h>

#include <tweed/failure.h>

/* `statuses` as the setting has them: "500,502,5xx". */
bool twi_retry_status(const char *statuses, int status);
bool twi_retry_failure(tw_value failure);
/* Seconds until the next try when there were `tries` before: 1 doubling up to 60, between half
 * and all of it by `random` (0 to 1). */
double twi_retry_delay(unsigned tries, double random);

#endif
