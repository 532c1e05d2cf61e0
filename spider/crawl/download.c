/* SPDX-License-Identifier: MIT */
/*
 * download.c - a request of the agent whose body is collected here, so that its bytes count as
 * they come.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/inline_callbacks.h>
#include <tweed/reactor.h>

#include "spider/crawl/download.h"
#include "spider/crawl/scheme_file.h"

struct twi_download {
    struct twi_list node; /* in flow->coming, from the head of the answer on */
    struct twi_flow *flow;
    const struct twi_download_options *options;
    tw_value response;    /* lent by the agent while the body comes */
    char *body;
    size_t length, size;
    double started, answered;
    bool is_enough;       /* the rest of the body is not wanted */
};

/* --- bytes that are held ----------------------------------------------------------------- */

void twi_flow_init(struct twi_flow *flow, int64_t limit)
{
    memset(flow, 0, sizeof *flow);
    flow->limit = limit;
    twi_list_init(&flow->coming);
}

static struct twi_download *download_of(struct twi_list *node)
{
    return TWI_CONTAINER(node, struct twi_download, node);
}

void twi_flow_take(struct twi_flow *flow, int64_t bytes)
{
    flow->held += bytes;
    if (flow->is_held_up || flow->held <= flow->limit)
        return;
    flow->is_held_up = true;
    TWI_LIST_EACH (node, &flow->coming)
        tw_response_pause(download_of(node)->response);
}

/* The first of those that come goes on though all are held up, when nothing else holds bytes:
 * one body larger than the limit would wait for itself. */
static bool flow_is_stuck(const struct twi_flow *flow)
{
    int64_t coming = 0;

    TWI_LIST_EACH (node, (struct twi_list *)&flow->coming)
        coming += (int64_t)download_of(node)->size;
    return flow->held <= coming;
}

static void flow_ease(struct twi_flow *flow)
{
    flow->is_held_up = false;
    TWI_LIST_EACH (node, &flow->coming)
        tw_response_resume(download_of(node)->response);
    if (flow->eased != NULL)
        flow->eased(flow->arg);
}

void twi_flow_give(struct twi_flow *flow, int64_t bytes)
{
    flow->held -= bytes;
    if (!flow->is_held_up)
        return;
    if (flow->held <= flow->limit)
        flow_ease(flow);
    else if (!twi_list_empty(&flow->coming) && flow_is_stuck(flow))
        tw_response_resume(download_of(flow->coming.next)->response);
}

/* --- a body that comes ------------------------------------------------------------------- */

static int download_headers(tw_value response, void *arg)
{
    struct twi_download *download = arg;

    download->response = tw_lend(response);
    download->answered = tw_clock_seconds(tw_reactor_clock());
    twi_list_append(&download->flow->coming, &download->node);
    if (download->flow->is_held_up && !flow_is_stuck(download->flow))
        tw_response_pause(response);
    return 0;
}

static int body_reserve(struct twi_download *download, size_t wanted)
{
    size_t size = download->size == 0 ? 4096 : download->size;
    char *body;

    while (size < wanted)
        size += size / 2;
    body = realloc(download->body, size);
    if (body == NULL)
        return -ENOMEM;
    download->body = body;
    twi_flow_take(download->flow, (int64_t)(size - download->size));
    download->size = size;
    return 0;
}

static int download_body(const char *data, size_t length, void *arg)
{
    struct twi_download *download = arg;

    if (download->options->enough > 0 &&
        download->length + length > download->options->enough) {
        length = download->options->enough - download->length;
        download->is_enough = true;
    }
    if (download->size - download->length < length &&
        body_reserve(download, download->length + length) < 0)
        return -ENOMEM;
    memcpy(download->body + download->length, data, length);
    download->length += length;
    return download->is_enough ? -ECANCELED : 0;
}

static void download_sent(const struct tw_outgoing *request, void *arg)
{
    struct twi_download *download = arg;

    if (download->options->sent != NULL)
        download->options->sent(request->length, download->options->arg);
}

/* --- the outcome ------------------------------------------------------------------------- */

/* Bytes of the agent's allocator, so that pages can hand them on; ours go at once. */
static tw_value download_take_body(struct twi_download *download)
{
    tw_value body = tw_bytes(download->body, download->length);

    if (!tw_is_failure(body))
        twi_flow_take(download->flow, (int64_t)download->length);
    return body;
}

static void download_drop(struct twi_download *download)
{
    if (twi_list_linked(&download->node))
        twi_list_remove(&download->node);
    free(download->body);
    twi_flow_give(download->flow, (int64_t)download->size);
}

static void fetched_fail(struct twi_fetched *fetched, tw_value failure)
{
    fetched->failure = tw_take(failure);
    fetched->status = 0;
}

static void fetched_take(struct twi_fetched *fetched, struct twi_download *download,
                         tw_value response)
{
    tw_value body = download_take_body(download);

    if (tw_is_failure(body)) {
        fetched_fail(fetched, body);
        return;
    }
    fetched->body = body;
    fetched->keep = tw_retain(response);
    fetched->headers = tw_response_headers(fetched->keep);
    fetched->status = tw_response_status(response);
    fetched->is_kept = tw_response_source(response) == TW_SOURCE_CACHE ||
                       tw_response_source(response) == TW_SOURCE_STALE;
    fetched->bytes = (int64_t)tw_response_wire_bytes(response);
    fetched->seconds = download->answered - download->started;
}

static void download_web(tw_agent *agent, const char *url, struct twi_download *download,
                         struct twi_fetched *fetched)
{
    struct tw_fetch_options fetch = download->options->fetch;
    tw_value response;

    fetch.redirects = TW_REDIRECT_NONE;
    fetch.on_headers = download_headers;
    fetch.on_body = download_body;
    fetch.on_request = download_sent;
    fetch.stream_arg = download;
    download->started = download->answered = tw_clock_seconds(tw_reactor_clock());
    response = tw_await(tw_agent_request(agent, url, &fetch));
    if (twi_list_linked(&download->node))
        twi_list_remove(&download->node);
    if (!tw_is_failure(response))
        fetched_take(fetched, download, response);
    else if (download->is_enough && tw_is(tw_failure_value(response), &tw_type_response))
        fetched_take(fetched, download, tw_failure_value(response));
    else
        fetched_fail(fetched, tw_retain(response));
    tw_drop(&response);
}

static void headers_release(void *headers)
{
    tw_headers_free(headers);
}

static tw_value local_read(const char *url, int64_t max, struct twi_fetched *fetched)
{
    tw_headers *headers = tw_headers_new();
    tw_value failure;

    if (headers == NULL)
        return tw_fail_memory();
    failure = twi_scheme_read(url, max, &fetched->body, headers);
    fetched->keep = tw_box(headers, headers_release);
    if (tw_is_failure(fetched->keep) && !tw_is_failure(failure))
        failure = tw_fail_memory();
    else
        fetched->headers = headers;
    return failure;
}

/* In a turn of its own, so that nobody finds the answer there before the question was asked. */
static void download_local(const char *url, const struct twi_download_options *options,
                           struct twi_flow *flow, struct twi_fetched *fetched)
{
    tw_value slept = tw_sleep(0), failure;

    failure = tw_is_failure(slept) ? tw_retain(slept)
                                   : local_read(url, options->fetch.max_body, fetched);
    twi_flow_take(flow, (int64_t)tw_bytes_length(fetched->body));
    if (tw_is_failure(failure)) {
        fetched_fail(fetched, failure);
        return;
    }
    fetched->status = 200;
    fetched->bytes = (int64_t)tw_bytes_length(fetched->body);
}

void twi_download(tw_agent *agent, struct twi_flow *flow, const char *url,
                  const struct twi_download_options *options, struct twi_fetched *ret_fetched)
{
    struct twi_download download = { .flow = flow, .options = options };

    memset(ret_fetched, 0, sizeof *ret_fetched);
    twi_list_init(&download.node);
    if (!twi_scheme_is_local(url))
        download_web(agent, url, &download, ret_fetched);
    else if (options->is_local)
        download_local(url, options, flow, ret_fetched);
    else
        fetched_fail(ret_fetched,
                     tw_fail(&tw_error_url, "no page of the web leads to %.5s URLs", url));
    download_drop(&download);
}

void twi_fetched_free(struct twi_fetched *fetched, struct twi_flow *flow)
{
    twi_flow_give(flow, (int64_t)tw_bytes_length(fetched->body));
    tw_release(fetched->body);
    tw_release(fetched->keep);
    tw_release(fetched->failure);
    memset(fetched, 0, sizeof *fetched);
}
