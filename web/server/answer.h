/* SPDX-License-Identifier: MIT */
/*
 * answer.h - giving the answer to a request: in parts, or whole.
 */
#ifndef WEB_SERVER_ANSWER_H
#define WEB_SERVER_ANSWER_H

#include "web/server/request.h"

/* Bodies up to this many bytes go out with their head. */
enum { TWI_ANSWER_SMALL = 8192 };

/* A part of the body, whose length was declared. 0 or negative errno. */
int twi_answer_file(tw_request *request, struct twi_file *file, int64_t offset,
                    int64_t length);
/* Head and body at once; takes `body`. The answer has still to be finished. */
int twi_answer_body(tw_request *request, tw_value body);
/* As tw_request_answer(), with bytes; without memory request and connection end. */
int twi_answer_whole(tw_request *request, int status, const char *content_type, tw_value body);
/* The answer will never be whole; it has still to be finished. */
void twi_answer_cut(tw_request *request);
/* The answer is over, whole or not; the request may be gone afterwards. */
int twi_answer_finished(tw_request *request);

#endif
