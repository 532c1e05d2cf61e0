/* SPDX-License-Identifier: MIT */
/*
 * reply.c - the response in the making.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "web/client/cookies.h"
#include "web/client/redirect.h"
#include "web/client/reply.h"
#include "web/http/headers.h"
#include "web/http1/http1.h"

enum {
    DRAINED = 64 << 10, /* of a redirect's body, so that its connection can go on */
    FAILED = 1 << 20,   /* of a body that goes with a failure, when others are streamed */
};

/* --- what the head says ---------------------------------------------------------------- */

int twi_reply_take_cookies(const tw_headers *headers, const struct tw_url *url,
                           tw_cookies *cookies)
{
    const char *name, *value;

    if (cookies == NULL || !twi_headers_has(headers, TWI_HEADER_SET_COOKIE))
        return 0;
    for (uint32_t i = 0; i < headers->count; i++)
        if (headers->fields[i].id == TWI_HEADER_SET_COOKIE &&
            tw_headers_at(headers, i, &name, &value) &&
            twi_cookies_store(cookies, url, value, (double)time(NULL)) == -ENOMEM)
            return -ENOMEM;
    return 0;
}

static void reply_judge(struct twi_reply *reply, const tw_error_class *error_class,
                        int64_t number, const char *text)
{
    reply->verdict = (struct twi_verdict){ error_class, number, text };
}

/* The first Location that is not empty; NULL: none. */
static const char *location_of(const tw_headers *headers)
{
    const char *name, *value;

    if (!twi_headers_has(headers, TWI_HEADER_LOCATION))
        return NULL;
    for (uint32_t i = 0; i < headers->count; i++)
        if (headers->fields[i].id == TWI_HEADER_LOCATION &&
            tw_headers_at(headers, i, &name, &value) && value[0] != '\0')
            return value;
    return NULL;
}

/* True if the body goes along, and its source has been read from already. */
static bool needs_rewind(const struct twi_hop *hop, int status)
{
    return twi_hop_has_source(hop) &&
           !twi_redirect_to_get(hop->order->options.redirects, status, hop->method);
}

static int redirect_follow(struct twi_reply *reply, const struct twi_hop *hop,
                           const char *location)
{
    const struct tw_response *response = reply->response;
    const char *why = "";
    int r = twi_redirect_target(response->url, location, &reply->next_url, &why);

    if (r == -ENOMEM)
        return r;
    if (r < 0) {
        reply_judge(reply, &tw_error_url, response->status, why);
    } else if (needs_rewind(hop, response->status) && hop->order->source.rewind == NULL) {
        tw_url_free(reply->next_url);
        reply->next_url = NULL;
        reply_judge(reply, &tw_error_redirect, response->status,
                    "a redirect needs the body again, which cannot start over");
    }
    return 0;
}

/* See whether the answer leads elsewhere, and whether we may follow. */
static int redirect_find(struct twi_reply *reply, const struct twi_hop *hop)
{
    const struct tw_response *response = reply->response;
    const struct tw_fetch_options *options = &hop->order->options;
    const char *location = location_of(response->headers);

    if (options->redirects == TW_REDIRECT_NONE || location == NULL ||
        !twi_redirect_is(response->status))
        return 0;
    if (!twi_redirect_allowed(options->redirects, response->status, hop->method)) {
        reply_judge(reply, &tw_error_redirect, response->status,
                    "a redirect that is not safe");
        return 0;
    }
    if (response->redirects >= (unsigned)options->max_redirects) {
        reply_judge(reply, &tw_error_redirect, response->status, "too many redirects");
        return 0;
    }
    return redirect_follow(reply, hop, location);
}

static int response_make(struct twi_reply *reply, struct twi_hop *hop,
                         const struct twi_answer *answer, unsigned redirects,
                         struct tw_response **previous)
{
    struct tw_response *response = twi_response_new();

    if (response == NULL) {
        tw_headers_free(answer->headers);
        return -ENOMEM;
    }
    reply->response = response;
    response->headers = answer->headers;
    response->status = answer->status;
    response->minor = (unsigned char)answer->minor;
    response->reason = answer->reason;
    response->from = (unsigned char)answer->source;
    response->redirects = redirects;
    response->url = hop->url;
    response->previous = *previous;
    hop->url = NULL;
    *previous = NULL;
    return 0;
}

/* --- the content ----------------------------------------------------------------------- */

/* Content codings that are undone no longer stand in the header. */
static int codings_hide(struct tw_response *response, const char *codings, unsigned left)
{
    size_t length = 0;
    char *rest;
    int r;

    if (left == 0) {
        tw_headers_remove(response->headers, "Content-Encoding");
        return 0;
    }
    while (left-- > 0)
        length += strcspn(codings + length, ",") + (left > 0);
    rest = twi_strndup(codings, length);
    if (rest == NULL)
        return -ENOMEM;
    /* Changing the headers may move the text that the reason is part of. */
    response->reason = twi_http1_reason(response->status);
    r = tw_headers_set(response->headers, "Content-Encoding", rest);
    twi_free(rest);
    return r;
}

/* A body collected in memory needs a bound, even where a stream has no limit. */
static int64_t most_of_body(const struct twi_reply *reply,
                            const struct tw_fetch_options *options)
{
    int64_t max = options->max_body;

    if (reply->next_url != NULL)
        return DRAINED;
    if (reply->final || options->on_body == NULL || (max >= 0 && max < FAILED))
        return max;
    return FAILED;
}

__attribute__((always_inline)) static inline int content_begin(
    struct twi_reply *reply, const struct tw_fetch_options *options)
{
    struct tw_response *response = reply->response;
    struct twi_buf codings = { 0 };
    unsigned left = 0;
    int r = 0;

    if (!options->no_decode && reply->length != 0 &&
        twi_headers_has(response->headers, TWI_HEADER_CONTENT_ENCODING))
        r = twi_headers_list(response->headers, TWI_HEADER_CONTENT_ENCODING, &codings);
    if (r == 0)
        r = twi_body_begin(&reply->content, codings.length > 0 ? twi_buf_text(&codings) : NULL,
                           most_of_body(reply, options), reply->length, !reply->final, &left);
    if (r == 0 && reply->content.decoder != NULL)
        r = codings_hide(response, codings.data, left);
    twi_buf_free(&codings);
    return r;
}

int twi_reply_content_begin(struct twi_reply *reply, const struct tw_fetch_options *options)
{
    return content_begin(reply, options);
}

/* --- the reply ------------------------------------------------------------------------- */

int twi_reply_begin(struct twi_reply *reply, struct twi_hop *hop,
                    const struct twi_answer *answer, unsigned redirects,
                    struct tw_response **previous)
{
    const struct tw_fetch_options *options = &hop->order->options;
    struct tw_response *response;
    int r = response_make(reply, hop, answer, redirects, previous);

    if (r < 0)
        return r;
    response = reply->response;
    reply->length = answer->length;
    reply->until_close = answer->until_close;
    /* The cookies of a stored response were taken when it came. */
    if (answer->source == TW_SOURCE_SERVER)
        r = twi_reply_take_cookies(response->headers, response->url, options->cookies);
    if (r == 0)
        r = redirect_find(reply, hop);
    if (r < 0)
        return r;
    if (options->fail_on_error && response->status >= 400)
        reply_judge(reply, &tw_error_status, response->status, NULL);
    reply->final = reply->next_url == NULL && reply->verdict.error_class == NULL;
    reply->streaming = reply->final && options->on_body != NULL;
    return content_begin(reply, options);
}

int twi_reply_collect(struct twi_reply *reply, const char *data, size_t length)
{
    return twi_body_add(&reply->content, data, length);
}

bool twi_reply_not_worth_reading(const struct twi_reply *reply)
{
    if (reply->next_url == NULL)
        return !reply->final && reply->content.clipped;
    return reply->length > DRAINED || reply->until_close ||
           reply->response->wire_bytes > DRAINED;
}

struct tw_response *twi_reply_end(struct twi_reply *reply, bool complete)
{
    struct tw_response *response = reply->response;

    if (response == NULL)
        return NULL;
    if (!reply->streaming) {
        tw_value body = twi_body_take(&reply->content);
        if (tw_is_failure(body)) {
            tw_release(body);
            body = tw_none();
            complete = false;
        }
        response->body = body;
    }
    response->complete = complete && !reply->content.clipped;
    response->source = NULL;
    reply->response = NULL;
    return response;
}

void twi_reply_free(struct twi_reply *reply)
{
    twi_response_unref(reply->response);
    twi_body_free(&reply->content);
    tw_url_free(reply->next_url);
}
