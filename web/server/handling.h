/* SPDX-License-Identifier: MIT */
/*
 * handling.h - a request meets its handler.
 */
#ifndef WEB_SERVER_HANDLING_H
#define WEB_SERVER_HANDLING_H

#include "web/server/request.h"

/* All of the request is here, `body` (taken) too: call the handler. */
void twi_request_dispatch(tw_request *request, tw_value body);
/* The client has gone, and is_gone is set; takes one reference beside the first. */
void twi_request_gone(tw_request *request);

#endif
