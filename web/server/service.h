/* SPDX-License-Identifier: MIT */
/*
 * service.h - shared by the connections to a site: the queues in which they wait, and spare
 * parts.
 *
 * One for each factory of the site, thus for each listener.
 */
#ifndef WEB_SERVER_SERVICE_H
#define WEB_SERVER_SERVICE_H

#include "base/buf.h"
#include "web/http/headers.h"
#include "web/server/http1_head.h"
#include "web/server/site.h"
#include "web/server/wait.h"

/* The waits of a connection. */
enum twi_wait_kind {
    TWI_WAIT_IDLE,   /* the first byte of a request */
    TWI_WAIT_HEADER, /* the rest of a head */
    TWI_WAIT_BODY,   /* bytes of a body, enough of them */
    TWI_WAIT_LINGER, /* the client to read the last answer and close */
    TWI_WAIT_HALF,   /* the last answers; the client sends no more */
    TWI_WAIT_SEND,   /* the client to read; beside another */
    TWI_WAIT_COUNT,
    TWI_WAIT_NONE = TWI_WAIT_COUNT
};

struct twi_service {
    unsigned refs;
    tw_site *site; /* counted */
    struct twi_wait_queue waits[TWI_WAIT_COUNT];
    struct twi_http1 *spare_parser;
    tw_headers *spare_headers;
    tw_value empty;         /* bytes */
    struct twi_buf scratch; /* heads are built here */
    struct twi_head_lines lines;
};

/* expired() is called for waits in `waits`, stalled() for TWI_WAIT_SEND. NULL when there is no
 * memory. */
struct twi_service *twi_service_new(tw_site *site, void (*expired)(struct twi_wait *wait),
                                    void (*stalled)(struct twi_wait *wait));
struct twi_service *twi_service_ref(struct twi_service *service);
void twi_service_unref(struct twi_service *service);

struct twi_http1 *twi_service_take_parser(struct twi_service *service);
void twi_service_give_parser(struct twi_service *service, struct twi_http1 *parser);
void twi_service_give_headers(struct twi_service *service, tw_headers *headers);

#endif
