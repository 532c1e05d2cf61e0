/* SPDX-License-Identifier: MIT */
/*
 * judge.h - what an answer means before any callback sees it: try again, go elsewhere, or a
 * page.
 */
#ifndef SPIDER_CRAWL_JUDGE_H
#define SPIDER_CRAWL_JUDGE_H

#include "spider/crawl/place.h"

/* True: a retry or a redirect, and its record is put. False: it is a page, or a failure. */
bool twi_judge(struct twi_place *place);
/* Try the visit again in `seconds` (negative: by the number of tries). False: it was tried
 * often enough. */
bool twi_judge_retry(struct twi_place *place, double seconds, const char *why);

/* Change `info`, of a visit to `url`, as an answer of that status that leads to `target` does.
 * */
void twi_judge_lead(struct twi_arena *arena, const char *url, const struct tw_url *target,
                    int status, struct twi_visit_info *info);

/* Seconds that the fields ask to wait; negative: they do not (RFC 9110, 10.2.3). */
double twi_retry_after(const tw_headers *headers, int64_t wall_ms);

#endif
