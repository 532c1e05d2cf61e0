/* SPDX-License-Identifier: MIT */
/*
 * request.h - a request and its answer, for every version of HTTP.
 *
 * The carrier of a request (http1_server.c) allocates it as the beginning of a struct of its
 * own, and hands the answer's parts on by a sink. The walk goes one way and back once:
 *
 *     connection --> handling.c --> the handler --> answer.c --> sink --> transport
 *
 * Each file calls only those to its right; the sink is the way back.
 */
#ifndef WEB_SERVER_REQUEST_H
#define WEB_SERVER_REQUEST_H

#include <tweed/server.h>

#include "web/server/file.h"
#include "web/server/pace.h"
#include "web/server/site.h"

/* The sink for the parts of an answer. Once the client has gone only unsent(), transport() and
 * release() are called. Functions with a result return 0 or a negative errno; after -ENOMEM
 * they have aborted the carrier of the answer. */
struct twi_sink {
    /* The head, and bytes of the body with it. */
    int (*head)(tw_request *request, const void *data, size_t length);
    int (*write)(tw_request *request, const void *data, size_t length);
    /* Takes `bytes`. */
    int (*write_value)(tw_request *request, tw_value bytes);
    int (*write_file)(tw_request *request, struct twi_file *file, int64_t offset,
                      int64_t length);
    /* The answer is over: send the end of its body. The request may be freed by this. */
    int (*finished)(tw_request *request);
    /* The answer will never be whole: bytes that follow must not be taken for its rest. */
    void (*cut)(tw_request *request);
    /* Bytes of this answer that the system has not taken yet. */
    size_t (*unsent)(const tw_request *request);
    /* Call twi_pace_sent() whenever bytes have been sent, while twi_pace_waits(). */
    void (*watch)(tw_request *request);
    tw_transport *(*transport)(tw_request *request);
    /* The last reference is gone: the carrier's memory. */
    void (*release)(tw_request *request);
};

struct twi_answer {
    tw_headers *fields;       /* NULL until one is set */
    const char *content_type; /* of tw_request_answer(); lent while the head is written */
    char *reason;             /* NULL: the usual one */
    int64_t declared;         /* Content-Length; -1: not known */
    uint64_t body_bytes;      /* given by the handler; once it is over, those that were sent */
    int status;
    bool head_sent;
    bool finished;
    bool close;  /* the connection ends with this answer */
    bool is_cut; /* the client did not get all of it */
};

struct tw_request {
    unsigned refs;
    const struct twi_sink *sink;
    void *carrier;  /* the sink's */
    tw_site *site;  /* lent by the carrier */
    tw_headers *headers;
    const char *method, *target; /* inside headers */
    const char *query;           /* inside target */
    const char *version;         /* static */
    struct twi_path path;
    tw_value body;
    tw_handler *handler; /* NULL: nothing is served there */
    void *handler_arg;
    tw_deferred *pending; /* the Deferred that the handler waits for */
    void (*on_gone)(tw_request *request, void *arg);
    void *on_gone_arg;
    struct twi_pace pace;
    struct twi_answer answer;
    bool head_only;   /* HEAD */
    bool is_complete; /* all of it is here, and its handler has been called */
    bool is_gone;     /* the client has gone */
    bool is_over;     /* on_finished has been called */
    bool is_bad;      /* the path cannot be read */
};

/* False for HEAD, and for a status that has no body. */
static inline bool twi_answer_has_body(const tw_request *request)
{
    return !request->head_only && request->answer.status != 204 &&
           request->answer.status != 304;
}

/* Set up zeroed memory, with one reference, as a request that could not be read. */
void twi_request_init(tw_request *request, const struct twi_sink *sink, void *carrier,
                      tw_site *site);
/* Set the question and find its handler: `headers` is taken and holds the texts; the path lies
 * in `space` where that has room. 0, -ENOMEM. */
int twi_request_asks(tw_request *request, const char *method, const char *target,
                     tw_headers *headers, char *space, size_t room);
static inline void twi_request_ref(tw_request *request)
{
    request->refs++;
}
void twi_request_unref(tw_request *request);
/* Tell the log, once. */
void twi_request_over(tw_request *request);

#endif
