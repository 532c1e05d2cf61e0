/* SPDX-License-Identifier: MIT */
/*
 * connections.h - the pool: gives requests places on connections.
 *
 *   connections   of one agent
 *     host        the connections to one peer by one route, and the line of places that wait
 *       connection   carries up to `capacity` exchanges: as many places
 *   place         of a request: in a line, on a connection being made, on a connection
 *
 *   place:  NONE --> WAITING --> DIALLING --> TAKEN --> NONE
 *                        \______________________^
 */
#ifndef WEB_CLIENT_CONNECTIONS_H
#define WEB_CLIENT_CONNECTIONS_H

#include <tweed/client.h>

#include "reactor/face.h"
#include "base/map.h"
#include "web/client/connection.h"
#include "web/client/deadline.h"
#include "web/client/dial.h"
#include "web/client/route.h"

struct twi_connections_limits {
    size_t per_host, total, idle_per_host;
    size_t uses;                   /* of one connection; 0: none */
    int64_t idle_timeout, max_age; /* ns; 0: none */
    bool refuse_private;
};

/* Part of an agent. */
struct twi_connections {
    struct twi_connections_limits limits;
    /* The pool has become empty; may free it. */
    void (*empty)(struct twi_connections *connections);
    struct twi_deadlines *deadlines; /* lent */
    struct twi_deadline idle_deadline;
    struct twi_map hosts;
    struct twi_host *recent;    /* found last; NULL: none */
    struct twi_list idle;       /* connections without an exchange, longest unused first */
    struct twi_list wanting[4]; /* hosts whose line may move, see connections.c */
    struct twi_buf scratch;     /* keys and heads are written here */
    struct twi_flush pump;      /* at the end of a turn: lines move */
    size_t waiting;             /* places in lines */
    size_t wants;               /* hosts in wanting */
    size_t open;                /* connections, those being made and unused ones included */
    size_t idle_count, connecting, closing;
    size_t ceiling;           /* the number that there are descriptors for */
    int64_t ceiling_until;    /* when to try more again */
    uint64_t connects, requests, reused;
    unsigned held;
    bool closed; /* nothing is connected or kept any more */
};

struct twi_place {
    struct twi_list node; /* in the line of its host, or among those of its connection */
    struct twi_host *host;
    struct twi_connection *connection; /* NULL: not yet, or no more */
    struct twi_dial dial; /* where, user_agent and timeout are set by the owner */
    int64_t queued_at;    /* the end of the wait in the line; ns */
    /* Set by the owner, called once: `connection` is there; or there will be none (`failure` is
     * taken). Either may ask again. */
    void (*given)(struct twi_place *place);
    void (*refused)(struct twi_place *place, tw_value failure);
    uint8_t state;
    bool fresh;   /* wants a connection that was not used before, and stands first */
    bool careful; /* only on a used connection that has been quiet for a turn */
    bool reused;  /* the connection was used before */
};

/* The pool of an agent; all zero before. */
void twi_connections_init(struct twi_connections *connections,
                          const struct twi_connections_limits *limits,
                          struct twi_deadlines *deadlines,
                          void (*empty)(struct twi_connections *connections));
void twi_connections_free(struct twi_connections *connections);
void twi_connections_close_idle(struct twi_connections *connections);
/* The idle ones to one origin. */
void twi_connections_close_origin(struct twi_connections *connections,
                                  const struct tw_url *url);
/* The reactor is being released: nothing is connected or kept from here on. */
void twi_connections_shut(struct twi_connections *connections);
struct tw_agent_counts twi_connections_counts(const struct twi_connections *connections);

void twi_place_init(struct twi_place *place);
/* Get a connection for `target` (lent for the call), now or later: given() is called, perhaps
 * inside this. 0 or -ENOMEM. */
int twi_place_ask(struct twi_place *place, struct twi_connections *connections,
                  const struct twi_target *target);
/* Stop waiting, or give the connection back: one that is not spent is kept for others, a spent
 * one is closed, dropping unsent bytes if `at_once`. Fine in any state. */
void twi_place_leave(struct twi_place *place, bool at_once);

#endif
