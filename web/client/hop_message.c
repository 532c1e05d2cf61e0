/* SPDX-License-Identifier: MIT */
/*
 * hop_message.c - a hop's request as it goes out: its line and its header fields.
 *
 * URLs, methods and fields have been checked when they came in: here they are only put together.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "web/client/cookies.h"
#include "web/client/hop.h"
#include "web/http/decode.h"
#include "web/http/headers.h"

/* The target of the fields. */
struct field_writer {
    twi_field_fn *put;
    void *arg;
};

/* The length of a name that stands here is known beforehand. */
__attribute__((always_inline)) static inline int field_put_text(const struct field_writer *to,
                                                                const char *name,
                                                                const char *value)
{
    return to->put(to->arg, name, strlen(name), value, strlen(value));
}

static bool by_hand(const struct twi_hop *hop, enum twi_header id)
{
    return hop->headers != NULL && twi_headers_has(hop->headers, id);
}

static int host_put(const struct field_writer *to, const struct twi_hop *hop)
{
    const struct tw_url *url = hop->url;

    if (by_hand(hop, TWI_HEADER_HOST))
        return field_put_text(to, "Host", twi_headers_value(hop->headers, TWI_HEADER_HOST));
    return field_put_text(to, "Host", url->origin + strlen(url->protocol) + 2);
}

static int usual_put(const struct field_writer *to, const struct twi_hop *hop)
{
    const struct tw_fetch_options *options = &hop->order->options;
    int r = 0;

    if (options->user_agent[0] != '\0' && !by_hand(hop, TWI_HEADER_USER_AGENT))
        r = field_put_text(to, "User-Agent", options->user_agent);
    if (r == 0 && !options->no_accept && !by_hand(hop, TWI_HEADER_ACCEPT))
        r = field_put_text(to, "Accept", "*/*");
    /* A part of a compressed page cannot be decoded. */
    if (r == 0 && !options->no_decode && !by_hand(hop, TWI_HEADER_ACCEPT_ENCODING) &&
        !by_hand(hop, TWI_HEADER_RANGE))
        r = field_put_text(to, "Accept-Encoding", TWI_DECODE_ACCEPT);
    return r;
}

static int credentials_put(const struct field_writer *to, const struct twi_hop *hop)
{
    const char *authorization = hop->authorization != NULL ? hop->authorization
                                                           : hop->url_authorization;
    int r = 0;

    if (authorization != NULL && !by_hand(hop, TWI_HEADER_AUTHORIZATION))
        r = field_put_text(to, "Authorization", authorization);
    if (r == 0 && hop->proxy != NULL && !hop->tunnelled && hop->proxy->authorization != NULL &&
        !by_hand(hop, TWI_HEADER_PROXY_AUTHORIZATION))
        r = field_put_text(to, "Proxy-Authorization", hop->proxy->authorization);
    return r;
}

/* Append the cookies that were set by hand to `list`. */
static int cookies_join(struct twi_buf *list, const tw_headers *headers)
{
    const char *name, *value;
    int r = 0;

    for (uint32_t i = 0; i < headers->count && r == 0; i++)
        if (headers->fields[i].id == TWI_HEADER_COOKIE &&
            tw_headers_at(headers, i, &name, &value)) {
            if (list->length > 0)
                r = twi_buf_append(list, "; ", 2);
            if (r == 0)
                r = twi_buf_append_text(list, value);
        }
    return r;
}

static int cookies_put_joined(const struct field_writer *to, const struct twi_hop *hop,
                              tw_value jar)
{
    struct twi_buf list = { 0 };
    int r = twi_buf_append(&list, tw_bytes_data(jar), tw_bytes_length(jar));

    if (r == 0)
        r = cookies_join(&list, hop->headers);
    if (r == 0)
        r = to->put(to->arg, "Cookie", 6, list.data, list.length);
    twi_buf_free(&list);
    return r;
}

/* The jar's, unless some are set by hand; if they shall be joined, those come behind. */
static int cookies_put(const struct field_writer *to, const struct twi_hop *hop)
{
    const struct tw_fetch_options *options = &hop->order->options;
    bool hand = by_hand(hop, TWI_HEADER_COOKIE), join = options->join_cookies;
    tw_value jar = tw_none();
    int r = 0;

    if (options->cookies != NULL && (!hand || join))
        jar = twi_cookies_for(options->cookies, hop->url, (double)time(NULL));
    if (tw_is_failure(jar))
        r = -ENOMEM;
    else if (hand && join)
        r = cookies_put_joined(to, hop, jar);
    else if (!tw_is_none(jar))
        r = to->put(to->arg, "Cookie", 6, tw_bytes_data(jar), tw_bytes_length(jar));
    tw_release(jar);
    return r;
}

static bool wants_length(const char *method)
{
    return method[0] == 'P' && (strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
                                strcmp(method, "PATCH") == 0);
}

static int length_put(const struct field_writer *to, const struct twi_hop *hop)
{
    const struct twi_order *order = hop->order;
    uint64_t length = 0;
    char text[24];

    if (twi_hop_has_source(hop)) {
        if (order->source.length < 0)
            return 0;
        length = (uint64_t)order->source.length;
    } else if (twi_hop_has_body(hop)) {
        length = tw_bytes_length(order->body);
    } else if (!wants_length(hop->method)) {
        return 0;
    }
    snprintf(text, sizeof text, "%" PRIu64, length);
    return field_put_text(to, "Content-Length", text);
}

/* The user's own fields, except those that frame the body. */
static int by_hand_put(const struct field_writer *to, const struct twi_hop *hop)
{
    const tw_headers *headers = hop->headers;
    bool join = hop->order->options.join_cookies;
    int r = 0;

    for (uint32_t i = 0; headers != NULL && i < headers->count && r == 0; i++) {
        const struct twi_field *field = &headers->fields[i];

        if (field->id == TWI_HEADER_HOST || field->id == TWI_HEADER_CONTENT_LENGTH ||
            field->id == TWI_HEADER_TRANSFER_ENCODING ||
            (field->id == TWI_HEADER_COOKIE && join) ||
            (field->id == TWI_HEADER_PROXY_AUTHORIZATION && hop->tunnelled))
            continue;
        r = to->put(to->arg, headers->text + field->name, field->value - field->name - 1,
                    headers->text + field->value, field->value_length);
    }
    return r;
}

static int extra_put(const struct field_writer *to, const tw_headers *extra)
{
    const char *name, *value;
    int r = 0;

    for (size_t i = 0; r == 0 && tw_headers_at(extra, i, &name, &value); i++)
        r = field_put_text(to, name, value);
    return r;
}

static int message_fields(const struct twi_message *message, twi_field_fn *put, void *arg)
{
    const struct twi_hop *hop = TWI_CONTAINER(message, struct twi_hop, message);
    const struct field_writer to = { put, arg };
    int r = host_put(&to, hop);

    if (r == 0)
        r = usual_put(&to, hop);
    if (r == 0)
        r = credentials_put(&to, hop);
    if (r == 0)
        r = cookies_put(&to, hop);
    if (r == 0)
        r = length_put(&to, hop);
    if (r == 0)
        r = by_hand_put(&to, hop);
    return r < 0 || hop->extra == NULL ? r : extra_put(&to, hop->extra);
}

/* A proxy that serves all origins is told the origin (RFC 9112, 3.2.2). */
const struct twi_message *twi_hop_message(struct twi_hop *hop)
{
    const struct twi_order *order = hop->order;
    const struct tw_fetch_options *options = &order->options;
    const tw_headers *headers = hop->headers;
    bool source = twi_hop_has_source(hop);

    hop->message = (struct twi_message){
        .method = hop->method,
        .origin = hop->proxy != NULL && !hop->tunnelled ? hop->url->origin : NULL,
        .path = hop->url->pathname,
        .query = hop->url->search,
        .fields = message_fields,
        .body = hop->body_dropped ? tw_none() : tw_lend(order->body),
        .has_source = source && order->source.length != 0,
        .length_known = source && order->source.length >= 0,
        .http10 = options->http10,
        .max_head = options->max_header_bytes,
        .max_fields = options->max_header_lines,
    };
    if (headers != NULL && twi_headers_has(headers, TWI_HEADER_CONNECTION)) {
        hop->message.says_connection = true;
        hop->message.last = tw_headers_has_token(headers, "Connection", "close");
    }
    return &hop->message;
}
