/* SPDX-License-Identifier: MIT */
/*
 * site.h - a site: its routes, and the limits of its clients.
 *
 * A site knows neither connections nor requests; they look things up in it.
 */
#ifndef WEB_SERVER_SITE_H
#define WEB_SERVER_SITE_H

#include <tweed/server.h>

#include "web/http1/http1.h"
#include "web/server/route.h"

/* The times that a client may take, in nanoseconds; 0: for ever. */
struct twi_site_times {
    int64_t idle;   /* until the first byte of a request */
    int64_t header; /* for a head */
    int64_t body;   /* over which body_rate holds on average */
    int64_t linger; /* to read the answer to a broken request */
    int64_t half;   /* after the client's end, between two pieces of an answer */
    int64_t send;   /* between two reads of the client */
};

struct tw_site {
    unsigned refs;
    unsigned connections, max_connections, max_pipelined;
    struct twi_http1_limits limits;
    struct twi_site_times times;
    double body_rate;  /* bytes a second */
    char *server_name; /* "": none */
    struct twi_routes routes;
    void (*on_finished)(tw_request *request, void *arg);
    void *on_finished_arg;
};

#endif
