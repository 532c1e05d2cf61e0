/* SPDX-License-Identifier: MIT */
/*
 * redis.h - what the files of this room share of a client.
 */
#ifndef SPIDER_REDIS_REDIS_H
#define SPIDER_REDIS_REDIS_H

#include "base/list.h"
#include "spider/redis/link.h"

struct tw_redis {
    unsigned references;
    bool is_closed;
    struct twi_redis_place place;
    struct tw_redis_options options; /* numbers, on_state */
    struct twi_redis_link link;      /* of commands */
    struct twi_list waiting, sent;   /* of struct redis_command */
    size_t pending;
    int64_t deadline_call; /* 0: none */
    struct twi_redis_link channel_link;
    struct twi_list subscriptions; /* of struct tw_redis_subscription */
};

/* A command in two parts (taken; the second may be none). If it runs a script that the server does
 * not know, the second part is sent once more, behind another first one. */
struct twi_redis_request {
    tw_value head, tail;
    const struct tw_redis_script *script; /* NULL: none */
    size_t words;                         /* of the script's command, behind the script */
};
tw_deferred *twi_redis_request_send(const char *where, tw_redis *redis,
                                    struct twi_redis_request request);

/* --- script.c ------------------------------------------------------------------------------- */

/* The first words of EVALSHA, or with `whole` of EVAL. */
tw_value twi_redis_script_head(const struct tw_redis_script *script, size_t words, bool whole);

/* --- channels.c ----------------------------------------------------------------------------- */

extern const struct twi_redis_link_owner twi_redis_channels_owner;
/* The client ends: no message is told any more. Subscriptions stay until they are taken back. */
void twi_redis_channels_close(tw_redis *redis);

#endif
