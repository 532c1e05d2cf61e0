/* SPDX-License-Identifier: MIT */
/*
 * player.h - a stored response played to the sink of an exchange, as if it came from a server.
 *
 * It stands in the place of a connection, so whoever has the exchange may cancel, pause and resume
 * it as always.
 */
#ifndef WEB_CLIENT_PLAYER_H
#define WEB_CLIENT_PLAYER_H

#include "web/cache/cache.h"
#include "web/client/connection.h"

/* All zero is idle. */
struct twi_player {
    struct twi_connection connection;
    struct twi_exchange *exchange;       /* NULL: not playing */
    const struct twi_exchange_sink *to;
    struct twi_cache_entry *entry;       /* NULL: there is none, which is told as a 504 */
    enum tw_cache_source source;
    int64_t call, age;
    int64_t offset, end; /* of the bytes that are played */
    char *space;
    bool is_part;  /* a 206 */
    bool head_told, paused;
    bool *stopped; /* on the stack of the step that runs */
};

/* Play `entry` (NULL: a 504), whose age is in seconds, from the next turn on. 0 or -ENOMEM. */
int twi_player_start(struct twi_player *player, struct twi_exchange *exchange,
                     const struct twi_exchange_sink *to, struct twi_cache_entry *entry,
                     enum tw_cache_source source, int64_t age, bool bodiless);
/* Of the one that was started: bytes `first` to `last` only, as a 206. */
void twi_player_take_part(struct twi_player *player, int64_t first, int64_t last);
/* Fine in any state. */
void twi_player_stop(struct twi_player *player);

#endif
