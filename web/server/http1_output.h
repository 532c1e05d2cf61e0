/* SPDX-License-Identifier: MIT */
/*
 * http1_output.h - the way out of an answer: most of HTTP/1's sink.
 */
#ifndef WEB_SERVER_HTTP1_OUTPUT_H
#define WEB_SERVER_HTTP1_OUTPUT_H

#include "web/server/http1_server.h"

/* The functions of struct twi_sink. */
int twi_http1_send_head(tw_request *request, const void *data, size_t length);
int twi_http1_write(tw_request *request, const void *data, size_t length);
int twi_http1_write_value(tw_request *request, tw_value bytes);
int twi_http1_write_file(tw_request *request, struct twi_file *file, int64_t offset,
                         int64_t length);
void twi_http1_cut(tw_request *request);
size_t twi_http1_unsent(const tw_request *request);
tw_transport *twi_http1_transport(tw_request *request);

/* The last chunk, where there are chunks. 0 or negative errno. */
int twi_http1_write_end_of_body(struct twi_http1_turn *turn);
/* Bytes that go between the answers: 100 Continue. */
int twi_http1_server_write(struct twi_http1_server *connection, const void *data,
                           size_t length);
/* The answer's turn has come: write the pieces that waited. */
void twi_http1_turn_begin(struct twi_http1_turn *turn);
/* Drop the pieces that wait. */
void twi_http1_turn_drop(struct twi_http1_turn *turn);
/* The number of written bytes that the system has. */
uint64_t twi_http1_server_sent(const struct twi_http1_server *connection);

#endif
