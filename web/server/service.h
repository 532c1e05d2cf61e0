/* SPDX-License-Identifier: MIT */
/*
 * service.h - what the connections to a site share: queues in which they wait, and spare parts.
 *
 * One for each factory of the site, thus for each listener.
 */
#ifndef WEB_SERVER_SERVICE_H
#define WEB_SERVER_SERVICE_H

#include "base/buf.h"
#include "web/http/headers.h"
#include "web/http/http_date.h"
#include "web/server/site.h"
#include "web/server/wait.h"

/* What a connection waits for. */
enum twi_wait_kind {
    TWI_WAIT_IDLE,   /* the first byte of a request, or the client to read */
    TWI_WAIT_HEADER, /* the rest of a head */
    TWI_WAIT_BODY,   /* bytes of a body, enough of them */
    TWI_WAIT_LINGER, /* the client to read the last answer and close */
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
    /* "HTTP/1.1 200 OK", Server and Date with their line ends: how most answers begin. */
    char *ok_lines;
    size_t ok_length, server_length;
    int64_t date_until; /* by the turn's clock */
};

/* expired(): for what waits in `waits`. NULL when there is no memory. */
struct twi_service *twi_service_new(tw_site *site, void (*expired)(struct twi_wait *wait));
struct twi_service *twi_service_ref(struct twi_service *service);
void twi_service_unref(struct twi_service *service);

/* Bring the Date in ok_lines up to the second. */
void twi_service_update_date(struct twi_service *service);
/* "Server: ...\r\n", and "Date: ...\r\n" of now. */
const char *twi_service_server_line(const struct twi_service *service);
const char *twi_service_date_line(struct twi_service *service);
enum { TWI_DATE_LINE_LENGTH = 6 + TWI_HTTP_DATE_SIZE - 1 + 2 };

struct twi_http1 *twi_service_take_parser(struct twi_service *service);
void twi_service_give_parser(struct twi_service *service, struct twi_http1 *parser);
void twi_service_give_headers(struct twi_service *service, tw_headers *headers);

#endif
