/* SPDX-License-Identifier: MIT */
/*
 * cached.h - a request and the cache: what is stored, asked and told, hop by hop.
 *
 * It stands between the exchange and the request. Requests without cache and mode have none of
 * it; their exchange speaks to the request directly.
 *
 *     look: a stored response is played  ---->  no place on a connection is asked for
 *           or the hop goes to the server, with conditions
 *     head: 304      the stored response is updated, and played when the exchange is done
 *           5xx      it is played if it may stand in for an error
 *           others   go on to the request, and into the store
 */
#ifndef WEB_CLIENT_CACHED_H
#define WEB_CLIENT_CACHED_H

#include "web/cache/directives.h"
#include "web/client/player.h"

struct twi_client_request;

enum twi_cached_plan {
    TWI_CACHED_TELL,   /* the answer is the request's */
    TWI_CACHED_PLAY,   /* the stored response is played when the exchange is done */
    TWI_CACHED_AGAIN   /* the hop asks again, without conditions */
};

struct twi_cached {
    struct twi_client_request *request;
    const struct twi_exchange_sink *to; /* the request's */
    tw_cache *cache;                    /* NULL: the mode alone counts */
    enum tw_cache_mode mode;            /* of this hop */
    enum twi_cached_plan plan;
    struct twi_directives asked;
    bool looked;         /* since the hop began */
    bool stores, ranged; /* a GET without a body; of a part */
    char *key;                     /* NULL: nothing is looked up or stored */
    tw_headers *sent;              /* the request's fields */
    tw_headers *extra;             /* added to them for this hop */
    struct twi_cache_entry *entry; /* the stored response; NULL: none */
    bool conditional;              /* it is being asked about */
    struct twi_cache_writer *writer;
    char *place;                   /* where the next bytes of the body come to */
    int64_t requested_at;          /* ms since 1970 */
    struct twi_player player;
};

/* For a request whose order has a cache or a mode. False when there is no memory. */
bool twi_cached_new(struct twi_client_request *request, const struct twi_exchange_sink *to);
void twi_cached_free(struct twi_cached *cached); /* NULL is ignored */
/* Another hop begins. */
void twi_cached_next(struct twi_cached *cached);
/* Before the hop goes to the server: true if it shall, false if the answer comes from the store,
 * or the request has ended. */
bool twi_cached_look(struct twi_cached *cached);
/* The hop has failed before an answer: true if the stored response is played instead. */
bool twi_cached_saves(struct twi_cached *cached);
/* The content that has come cannot be decoded: it is not kept. */
void twi_cached_spoil(struct twi_cached *cached);

/* cached_refresh.c: validate the stored response in the background (RFC 5861, 3), unless that is
 * under way. */
void twi_cached_refresh(struct twi_cached *cached);

/* Functions of the sink. */
void twi_cached_head(struct twi_exchange *exchange, const struct twi_answer *answer);
void twi_cached_body(struct twi_exchange *exchange, const char *data, size_t length);
char *twi_cached_place(struct twi_exchange *exchange, int64_t most, size_t *ret_size);
void twi_cached_placed(struct twi_exchange *exchange, size_t length);
void twi_cached_done(struct twi_exchange *exchange);
void twi_cached_failed(struct twi_exchange *exchange,
                       const struct twi_exchange_failure *failure);

#endif
