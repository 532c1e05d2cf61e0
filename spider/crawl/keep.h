/* SPDX-License-Identifier: MIT */
/*
 * keep.h - what a crawl knows beside its visits, and keeps in the job: cookies, files, and
 * which callback runs at this moment.
 */
#ifndef SPIDER_CRAWL_KEEP_H
#define SPIDER_CRAWL_KEEP_H

#include "spider/crawl/engine.h"

/* --- cookies: each change goes with the next record -------------------------------------- */

/* As the job has it. 0 or -ENOMEM. */
int twi_keep_restore_cookie(tw_crawl *crawl, const struct twi_record_cookie *row);
/* Changes are kept from now on. */
void twi_keep_watch_cookies(tw_crawl *crawl);
/* Hang all changes on a record; `arena` lives as long as it. */
void twi_keep_attach(tw_crawl *crawl, struct twi_arena *arena, struct twi_record *record);

/* --- files that were fetched, by the key of their URL ------------------------------------ */

/* A copy is kept. 0 or -ENOMEM. */
int twi_keep_file(tw_crawl *crawl, const struct twi_record_file *row);
/* NULL: it was never fetched. */
const struct twi_record_file *twi_keep_find_file(const tw_crawl *crawl, uint64_t key);

/* --- the callback that runs, should it crash the program --------------------------------- */

void twi_keep_flight_begin(tw_crawl *crawl, int64_t id);
void twi_keep_flight_end(tw_crawl *crawl, int64_t id);

void twi_keep_free(tw_crawl *crawl);

#endif
