/* SPDX-License-Identifier: MIT */
/*
 * feed_output.c - a feed to standard output: each row goes out once while nothing breaks.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "spider/job/disk.h"
#include "spider/job/feed_target.h"

struct feed_output {
    struct twi_feed_target base;
    const char *empty, *ending;
    size_t empty_length, ending_length;
    bool is_begun;
    int64_t at;  /* the row that is being written */
    size_t done; /* bytes of it */
};

static struct feed_output *output_of(struct twi_feed_target *target)
{
    return (struct feed_output *)target;
}

static int output_open(struct twi_feed_target *target, int64_t batch,
                       enum twi_feed_found found, int64_t synced, tw_value *ret_failure)
{
    (void)found, (void)synced, (void)ret_failure;
    target->batch = batch;
    output_of(target)->at = -1;
    return 0;
}

/* When a call is made again after a failure, it goes on where it stopped. */
static int output_put(struct twi_feed_target *target, int64_t at, const char *data,
                      size_t length, tw_value *ret_failure)
{
    struct feed_output *output = output_of(target);
    int r;

    if (output->at != at) {
        output->at = at;
        output->done = 0;
    }
    r = twi_disk_append(STDOUT_FILENO, data, length, &output->done);
    if (r == 0) {
        output->at = -1;
        output->is_begun = true;
    }
    return r < 0 ? twi_feed_system(ret_failure, r, "can't be written", "-") : 0;
}

static int output_nothing(struct twi_feed_target *target, int64_t at, tw_value *ret_failure)
{
    (void)target, (void)at, (void)ret_failure;
    return 0;
}

static int output_sync(struct twi_feed_target *target, tw_value *ret_failure)
{
    (void)target, (void)ret_failure;
    return 0;
}

static int output_finish(struct twi_feed_target *target, tw_value *ret_failure)
{
    struct feed_output *output = output_of(target);
    int r = output->is_begun ? output_put(target, INT64_MAX, output->ending,
                                          output->ending_length, ret_failure)
                             : output_put(target, INT64_MAX, output->empty,
                                          output->empty_length, ret_failure);

    if (r == 0)
        target->batch = 0;
    return r;
}

static void output_forget(struct twi_feed_target *target)
{
    target->batch = 0;
}

static void output_release(struct twi_feed_target *target)
{
    free(target);
}

struct twi_feed_target *twi_feed_output_new(const struct twi_feed_name *name,
                                            const char *empty, size_t empty_length,
                                            const char *ending, size_t ending_length)
{
    static const struct twi_feed_target_ops ops = { .open = output_open,
                                                    .put = output_put,
                                                    .settle = output_nothing,
                                                    .end = output_nothing,
                                                    .sync = output_sync,
                                                    .finish = output_finish,

                                                    .close = output_forget,
                                                    .free = output_release };
    struct feed_output *output = calloc(1, sizeof *output);

    if (output == NULL)
        return NULL;
    output->base = (struct twi_feed_target){ .ops = &ops, .name = name };
    output->empty = empty;
    output->empty_length = empty_length;
    output->ending = ending;
    output->ending_length = ending_length;
    output->at = -1;
    return &output->base;
}
