/* SPDX-License-Identifier: MIT */
/*
 * error.c - failures of a job.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "spider/job/error.h"

const tw_error_class tw_error_job = { "tw_error_job", &tw_error, "job" };

tw_value twi_job_failure_at(const char *where, int error, const char *format, ...)
{
    char *message = NULL;
    tw_value failure;
    va_list args;
    int length;

    va_start(args, format);
    length = vasprintf(&message, format, args);
    va_end(args);
    if (length < 0)
        return tw_fail_memory();
    failure = tw_fail_with(&(struct tw_failure_fields){ .error_class = &tw_error_job,
                                                        .message = message,
                                                        .where = where,
                                                        .number = -(int64_t)error });
    free(message);
    return failure;
}
