/* SPDX-License-Identifier: MIT */
/*
 * place.h - where a Redis server is, and who one is there.
 */
#ifndef SPIDER_REDIS_PLACE_H
#define SPIDER_REDIS_PLACE_H

#include <tweed/redis.h>

struct twi_redis_place {
    char *host; /* or "unix:/path" */
    unsigned port;
    tw_tls_context *tls; /* NULL: plain */
    char *user, *password; /* NULL: none */
    long database;
};

/* Read a URL of tw_redis_open(), and what the options say in its place. 0, -EINVAL with *ret_why,
 * -ENOMEM; free it in each case. */
int twi_redis_place_read(struct twi_redis_place *place, const char *url,
                         const struct tw_redis_options *options, const char **ret_why);
void twi_redis_place_free(struct twi_redis_place *place);

#endif
