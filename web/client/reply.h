/* SPDX-License-Identifier: MIT */
/*
 * reply.h - a hop's reply: the response in the making, its content, and its consequence: it
 * leads elsewhere, or fails the request.
 *
 * A response that leads elsewhere, or that ends in a failure, is collected as well: it goes with
 * the failure, or stands behind the final one as tw_response_previous().
 */
#ifndef WEB_CLIENT_REPLY_H
#define WEB_CLIENT_REPLY_H

#include "web/client/connection.h"
#include "web/client/hop.h"
#include "web/client/response.h"
#include "web/http/body.h"

/* The failure of a request whose response is complete. */
struct twi_verdict {
    const tw_error_class *error_class; /* NULL: it does not fail */
    int64_t number;
    const char *text;
};

/* All zero is none. */
struct twi_reply {
    struct tw_response *response; /* NULL: not begun */
    struct twi_body content;
    struct twi_verdict verdict;
    struct tw_url *next_url; /* where a redirect leads to */
    int64_t length;          /* of the body as sent; -1: not known */
    bool until_close;
    bool final;     /* the user's: neither a redirect nor a failure */
    bool streaming; /* handed on by pieces, not collected */
};

/*
 * The head has come: `answer->headers`, the hop's URL and `*previous` are taken over. `redirects`:
 * how many led here. 0; -ENOMEM; another negative errno with the reason in content.error.
 */
int twi_reply_begin(struct twi_reply *reply, struct twi_hop *hop,
                    const struct twi_answer *answer, unsigned redirects,
                    struct tw_response **previous);
/* The part of it that begins the content, when response, length and final are set. As above. */
int twi_reply_content_begin(struct twi_reply *reply, const struct tw_fetch_options *options);
/* Store the cookies of an answer from `url`; `cookies` may be NULL. 0 or -ENOMEM. */
int twi_reply_take_cookies(const tw_headers *headers, const struct tw_url *url,
                           tw_cookies *cookies);
/* Collect; as twi_body_add(). */
int twi_reply_collect(struct twi_reply *reply, const char *data, size_t length);
/* A redirect whose body is not worth its connection, or a failure that has enough of it. */
bool twi_reply_not_worth_reading(const struct twi_reply *reply);
/* The response as it is, whole or not, with the collected body; NULL when it has not begun. The
 * reply is empty afterwards, except next_url and the verdict. */
struct tw_response *twi_reply_end(struct twi_reply *reply, bool complete);
/* Its memory is to be zeroed before it is used again. */
void twi_reply_free(struct twi_reply *reply);

#endif
