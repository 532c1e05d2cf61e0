/* SPDX-License-Identifier: MIT */
/*
 * spider.c - a user's program of the second library: knows its headers and pkg-config's
 * tweed-spider, nothing else.
 */
#include <tweed/redis.h>
#include <tweed/tweed.h>

#include <stdio.h>

static tw_value stop(tw_value result, void *failed)
{
    *(bool *)failed = tw_failure_is(result, &tw_error_timeout);
    tw_reactor_stop();
    return tw_none();
}

int main(void)
{
    const struct tw_redis_options options = { .timeout = 0.1 };
    tw_redis *redis = tw_redis_new("unix:/nowhere/at/all", &options);
    tw_deferred *reply = tw_redis_command(redis, "PING");
    bool failed = false;

    tw_add_both(reply, stop, &failed);
    tw_reactor_run();
    tw_deferred_unref(reply);
    tw_redis_unref(redis);
    puts("consumer: libtweed-spider is found and works");
    return failed ? 0 : 1;
}
