/* SPDX-License-Identifier: MIT */
/*
 * download.h - one fetch: over HTTP by the agent, from a file, or out of a data: URL.
 *
 * Runs in a coroutine and awaits. A redirect is an answer like any other, and nothing is tried
 * again: both are visits of their own. The politeness of the host is told when the request
 * goes out and when the answer has come; the bytes of bodies are counted, and answers stop
 * coming while there are too many.
 */
#ifndef SPIDER_CRAWL_DOWNLOAD_H
#define SPIDER_CRAWL_DOWNLOAD_H

#include <tweed/client.h>

#include "base/list.h"
#include "spider/text/arena.h"

/* Bytes of bodies that are coming, waiting or being read, and the downloads that wait for them
 * to become less. All zero but `limit` is a new one. */
struct twi_flow {
    int64_t held, limit;
    struct twi_list coming; /* of struct twi_download */
    bool is_held_up;
    void (*eased)(void *arg); /* there is room again; may be NULL */
    void *arg;
};
void twi_flow_init(struct twi_flow *flow, int64_t limit);
void twi_flow_take(struct twi_flow *flow, int64_t bytes);
void twi_flow_give(struct twi_flow *flow, int64_t bytes);

struct twi_download_options {
    struct tw_fetch_options fetch; /* of on_headers, on_body and on_request nothing is used */
    bool is_local;                 /* file: and data: are allowed */
    size_t enough;                 /* bytes of the body; the rest is not waited for. 0: all */
    /* Called when a request goes out, again for a resend; may be NULL. */
    void (*sent)(size_t bytes, void *arg);
    void *arg;
};

/* The outcome. Release it with twi_fetched_free(). */
struct twi_fetched {
    tw_value failure;  /* none: there is an answer */
    int status;
    const tw_headers *headers; /* a part of `keep` */
    tw_value keep, body;
    double seconds;    /* from the start to the head of the answer */
    bool is_kept;      /* out of the cache: no server was asked */
    int64_t bytes;     /* of the body, over the wire */
};

/* Fetch `url`. The bytes that the body took of `flow` stay taken until it is freed. */
void twi_download(tw_agent *agent, struct twi_flow *flow, const char *url,
                  const struct twi_download_options *options, struct twi_fetched *ret_fetched);
void twi_fetched_free(struct twi_fetched *fetched, struct twi_flow *flow);

#endif
