/* SPDX-License-Identifier: MIT */
/*
 * http1_server.h - HTTP/1 on one connection: requests come one after the other, and their
 * answers go in that order.
 *
 * A turn is the place of a request in this order. Only the first one that is not finished
 * writes to the transport; bytes of later ones wait with them, in pieces.
 *
 *     oldest ......... first ......... last
 *     finished, not    its turn to     answers wait for
 *     all sent yet     write           their turn
 */
#ifndef WEB_SERVER_HTTP1_SERVER_H
#define WEB_SERVER_HTTP1_SERVER_H

#include "web/server/request.h"
#include "web/server/service.h"

/* A part of an answer whose turn has not come. */
struct twi_piece {
    struct twi_piece *next;
    tw_value bytes; /* or, when none: */
    struct twi_file *file;
    int64_t offset, length;
};

enum twi_turn_stage { TWI_TURN_WAITS, TWI_TURN_WRITES, TWI_TURN_LEAVES };

struct twi_http1_turn {
    tw_request request;
    struct twi_http1_turn *next;
    struct twi_service *service; /* counted */
    struct twi_buf collected;    /* the body while it comes in */
    struct twi_piece *pieces, **pieces_end;
    uint64_t held;       /* bytes in pieces, or that could not be written */
    /* Of the answer, among all bytes written; known once it has its turn, or leaves. */
    uint64_t start, end;
    uint64_t body_mark;  /* bytes of the request's body when the wait for more began */
    uint8_t stage;       /* enum twi_turn_stage */
    unsigned char minor; /* of HTTP/1.minor */
    bool chunked;
    bool wants_continue; /* 100 has not been sent */
    bool linger;         /* bytes of the client may still be on their way when the answer ends */
    char path_space[128];
};

/* The state that a connection needs only while something is in its way. */
struct twi_http1_slow {
    struct twi_http1_server *connection;
    struct twi_buf backlog;  /* received, not parsed while too many answers are due or unsent */
    struct twi_wait sending; /* for the client to read */
    uint64_t sending_mark;   /* bytes sent when the wait began */
    uint64_t half_mark;      /* bytes sent when the wait for the last answers began */
};

/* There is one for each idle client: at 120 bytes, with the link behind it, a pool's block of 128
 * is full. */
struct twi_http1_server {
    tw_protocol protocol;
    struct twi_service *service; /* counted */
    struct twi_http1 *parser;    /* NULL between requests */
    struct twi_http1_turn *oldest, *first, *last;
    struct twi_http1_slow *slow; /* NULL: nothing is in its way */
    struct twi_wait waiting;
    uint64_t written; /* bytes, to the transport */
    uint64_t sent;    /* of these, when the transport last told */
    unsigned queued;  /* turns from `first` on */
    uint8_t wait;     /* enum twi_wait_kind */
    bool busy : 1;    /* parsing: its loop goes on when a request is finished inside */
    bool reading : 1; /* the body of the last turn's request */
    bool blocked : 1; /* waits for the client to read */
    bool paused : 1;  /* by us: the transport */
    bool closing : 1; /* no more requests */
    bool ended : 1;   /* the client sends no more */
};

static inline struct twi_http1_turn *twi_http1_turn_of(const tw_request *request)
{
    return (struct twi_http1_turn *)request;
}

/* A protocol that serves the site; NULL when there is no memory. */
tw_protocol *twi_http1_server_new(struct twi_service *service);
/* For the service's queues. */
void twi_http1_server_expired(struct twi_wait *wait);
void twi_http1_server_stalled(struct twi_wait *wait);

#endif
