/* SPDX-License-Identifier: MIT */
/*
 * error.h - how a job fails: one class of failures, with the errno as their number.
 */
#ifndef SPIDER_JOB_ERROR_H
#define SPIDER_JOB_ERROR_H

#include <tweed/failure.h>

/* [job] A crawl's job: its folder, its database, its feeds. The number is an errno. */
extern const tw_error_class tw_error_job;

#define twi_job_failure(error, ...) twi_job_failure_at(TW_HERE, (error), __VA_ARGS__)
/* A failure of that class from a negative errno and the words for it; owned. */
tw_value twi_job_failure_at(const char *where, int error, const char *format, ...)
    TW_PRINTF(3, 4);

#endif
