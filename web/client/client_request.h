/* SPDX-License-Identifier: MIT */
/*
 * client_request.h - a whole request, hop by hop, to its one end.
 *
 * The parts, and which may call which (downwards only):
 *
 *   get_page, download_page
 *   client_request   the user's request: hops, retries, limits of time, the Deferred
 *     order          the options, copied and checked
 *     hop            one URL on the way: method, fields, credentials, proxy, trust
 *     reply          what comes back: the response in the making, redirect or verdict
 *     upload         the source of the body
 *     cached         between exchange and request: the cache is asked, answers are stored
 *       player       a stored response in the place of a connection
 *     patience       limits of time
 *   agent            settings, the pool, the requests under way
 *     connections    hosts, lines, places on connections
 *       dial         an attempt to connect, tunnel and SOCKS included
 *   connection       the table of what connections do, and the sink they speak to
 *     http1_connection
 *
 *   A request:  waits for a place --> exchange --> done
 *                  ^______ redirect, retry __|
 */
#ifndef WEB_CLIENT_CLIENT_REQUEST_H
#define WEB_CLIENT_CLIENT_REQUEST_H

#include "web/client/cached.h"
#include "web/client/hop.h"
#include "web/client/patience.h"
#include "web/client/reply.h"
#include "web/client/upload.h"

/* On the stack around a call of the user's code, which may end the request. */
struct twi_user_guard {
    struct twi_user_guard *outer;
    bool gone;
};

/* How the exchange ended while the user had paused it. */
struct twi_client_ending {
    bool came, whole;
    struct twi_exchange_failure failure; /* its reason is a reference of ours */
};

struct twi_client_request {
    struct twi_agent_user user;
    tw_deferred *done;
    const char *where;
    tw_value (*answer)(struct tw_response *response); /* NULL: the response itself */
    struct twi_user_guard *guards;
    struct twi_order order;
    struct twi_hop hop;
    struct twi_place place;
    struct twi_exchange exchange;
    struct twi_cached *cached; /* NULL: neither cache nor mode */
    struct tw_upload upload;
    struct twi_reply reply;
    struct tw_response *previous; /* the redirect before */
    struct twi_times times;
    struct twi_patience patience;
    size_t unsent;                 /* when last looked at */
    struct twi_buf pending;        /* body bytes that wait for a resume */
    struct twi_client_ending ending;
    int64_t resume_call;
    unsigned redirects;
    bool retried, paused;
};

static inline void twi_user_guard_enter(struct twi_client_request *request,
                                        struct twi_user_guard *guard)
{
    guard->gone = false;
    guard->outer = request->guards;
    request->guards = guard;
}

/* False when the request is gone. */
static inline bool twi_user_guard_leave(struct twi_client_request *request,
                                        struct twi_user_guard *guard)
{
    if (!guard->gone)
        request->guards = guard->outer;
    return !guard->gone;
}

/* --- client_request_end.c ------------------------------------------------------------- */

/* NULL when there is no memory. */
struct twi_client_request *twi_client_request_new(void);
/* Free a request whose Deferred was never given out. */
void twi_client_request_free(struct twi_client_request *request);
/* The end: release all, then fire the Deferred with `result` (taken). */
void twi_client_request_end(struct twi_client_request *request, tw_value result);
void twi_client_request_end_memory(struct twi_client_request *request);
/* The same with a failure; `cause` is taken. The response as far as it came goes with it. */
void twi_client_request_fail(struct twi_client_request *request,
                             const tw_error_class *error_class, int64_t number, tw_value cause,
                             const char *format, ...) TW_PRINTF(5, 6);
/* Fail with a failure (taken) from below, as it is or with the response so far as its value. */
void twi_client_request_fail_with(struct twi_client_request *request, tw_value failure);
/* Fail with the reply's verdict. */
void twi_client_request_fail_judged(struct twi_client_request *request, bool complete);
/* Fail with the error of the content. */
void twi_client_request_fail_content(struct twi_client_request *request);
/* Take the response as far as it came (or the one before) out of the request; NULL: none. */
struct tw_response *twi_client_request_take_response(struct twi_client_request *request,
                                                     bool complete);
/* Write the times so far into it. */
void twi_client_request_stamp(const struct twi_client_request *request,
                              struct tw_response *response);

/* --- client_request_stream.c ---------------------------------------------------------- */

/* Call on_headers(), if the response is the user's. It may end the request. */
void twi_client_request_tell_headers(struct twi_client_request *request);
/* Call on_body() with decoded bytes; those that come during a pause are kept. False when the
 * request has ended. */
bool twi_client_request_stream(struct twi_client_request *request, const char *data,
                               size_t length);

/* --- client_request.c ----------------------------------------------------------------- */

/* Ask the server of this hop once more. */
void twi_client_request_go(struct twi_client_request *request);
/* Another request for the URL of this hop, by the same proxy. */
tw_deferred *twi_client_request_like(const struct twi_client_request *request,
                                     const struct tw_fetch_options *options);
/* As tw_agent_request_at(); `answer` (NULL: the response itself) takes over the response and
 * makes the value that a success fires with. */
tw_deferred *twi_client_request_start(const char *where, tw_agent *agent, const char *url,
                                      const struct tw_fetch_options *options,
                                      tw_value (*answer)(struct tw_response *response));

#endif
