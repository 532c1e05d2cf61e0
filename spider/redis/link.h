/* SPDX-License-Identifier: MIT */
/*
 * link.h - a connection to a Redis server that comes back while somebody wants it.
 *
 *     DOWN --want--> CONNECTING --AUTH, SELECT--> READY
 *      ^  (at once, or when the wait is over)       |
 *      +----------------- down() ------------------+
 */
#ifndef SPIDER_REDIS_LINK_H
#define SPIDER_REDIS_LINK_H

#include <tweed/redis.h>

#include "spider/redis/place.h"

struct twi_redis_link;
/* Its owner's part. Each may do anything, also close the link. */
struct twi_redis_link_owner {
    void (*ready)(struct twi_redis_link *link);
    /* A reply (lent) to what was written. */
    void (*reply)(struct twi_redis_link *link, tw_value reply);
    /* Not ready, or no longer; `why` is lent. `refused`: the server took the password or database
     * for wrong, so that another attempt would be no better. */
    void (*down)(struct twi_redis_link *link, tw_value why, bool refused);
};

struct twi_redis_protocol;
struct twi_redis_link {
    const struct twi_redis_link_owner *owner;
    tw_redis *redis; /* held while the owner's functions run */
    const struct twi_redis_place *place;
    const struct tw_redis_options *options;
    struct twi_redis_protocol *protocol; /* NULL: no connection */
    tw_deferred *connecting;
    unsigned greetings; /* replies to AUTH and SELECT that are still to come */
    bool is_ready;
    int64_t retry_call, limit_call; /* 0: none */
    double delay, not_before; /* of the next attempt */
    tw_value why;     /* there is no connection; none at first */
};

/* Connect, now or when the wait after the last failure is over; nothing is called inside. */
void twi_redis_link_want(struct twi_redis_link *link);
/* Write `bytes` (taken) to a link that is ready. */
int twi_redis_link_write(struct twi_redis_link *link, tw_value bytes);
/* End the connection because of `why` (taken); down() is called inside. */
void twi_redis_link_break(struct twi_redis_link *link, tw_value why);
/* End it; the owner hears no more. */
void twi_redis_link_close(struct twi_redis_link *link);

#endif
