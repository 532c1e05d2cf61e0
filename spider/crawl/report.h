/* SPDX-License-Identifier: MIT */
/*
 * report.h - what a crawl tells while it runs and at its end: statistics, the log's lines.
 */
#ifndef SPIDER_CRAWL_REPORT_H
#define SPIDER_CRAWL_REPORT_H

#include "spider/crawl/engine.h"

void twi_report_start(tw_crawl *crawl);
void twi_report_request(tw_crawl *crawl, const char *method, size_t bytes);
void twi_report_answer(tw_crawl *crawl, const struct twi_fetched *fetched);
void twi_report_committed(tw_crawl *crawl, bool is_page, int64_t items);
/* Hang the statistics that changed on a record, now and then; `arena` lives as long as it. */
void twi_report_attach(tw_crawl *crawl, struct twi_arena *arena, struct twi_record *record);
/* Each second: the line of figures, when it is due; a warning of too much memory. */
void twi_report_second(tw_crawl *crawl);
/* The last statistics, into the job; before it is closed. */
void twi_report_end(tw_crawl *crawl);
/* To the options' function. */
void twi_report_statistics(tw_crawl *crawl);

#endif
