/* SPDX-License-Identifier: MIT */
/*
 * feed_target.c - refusals in words.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <tweed/failure.h>

#include "spider/job/error.h"
#include "spider/job/feed_target.h"

int twi_feed_refuse(tw_value *ret_failure, int error, const char *format, ...)
{
    char message[8192];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    *ret_failure = twi_job_failure(-error, "%s", message);
    return -error;
}

int twi_feed_system(tw_value *ret_failure, int r, const char *doing, const char *path)
{
    if (r == -ENOMEM) {
        *ret_failure = tw_fail_memory();
        return r;
    }
    return twi_feed_refuse(ret_failure, -r, "feed %s: %s: %s", path, doing, strerror(-r));
}

int twi_feed_lock(tw_value *ret_failure, int fd, const char *path)
{
    int r;

    do
        r = flock(fd, LOCK_EX | LOCK_NB);
    while (r < 0 && errno == EINTR);
    if (r < 0 && errno == EWOULDBLOCK)
        return twi_feed_refuse(ret_failure, EBUSY, "feed %s: another crawl or feed writes it",
                               path);
    return 0;
}

int twi_feed_check_mode(tw_value *ret_failure, unsigned mode, const char *path)
{
    if (S_ISREG(mode))
        return 0;
    if (S_ISDIR(mode))
        return twi_feed_refuse(ret_failure, EISDIR, "feed %s: it is a folder", path);
    return twi_feed_refuse(ret_failure, ESPIPE,
                           "feed %s: it is a %s and no file; \"-\" writes to "
                           "standard output",
                           path,
                           S_ISFIFO(mode)   ? "pipe"
                           : S_ISSOCK(mode) ? "socket"
                                            : "device");
}
