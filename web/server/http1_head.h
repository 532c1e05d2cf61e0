/* SPDX-License-Identifier: MIT */
/*
 * http1_head.h - the head of an answer, as HTTP/1 writes it.
 */
#ifndef WEB_SERVER_HTTP1_HEAD_H
#define WEB_SERVER_HTTP1_HEAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct twi_http1_turn;

/* "HTTP/1.1 200 OK", Server and Date with their line ends: the beginning of most answers. */
struct twi_head_lines {
    char *text;
    size_t length, server_length;
    int64_t date_until; /* by the turn's clock */
};

/* server_name: "" for none. 0, -ENOMEM. */
int twi_head_lines_init(struct twi_head_lines *lines, const char *server_name);
void twi_head_lines_free(struct twi_head_lines *lines);

/* Append the head of the turn's answer, and decide how its body ends. 0, -ENOMEM. */
int twi_http1_head(struct twi_http1_turn *turn, struct twi_buf *head);

#endif
