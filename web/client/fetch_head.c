/*
 * fetch_head.c - the head of a request, as it goes out.
 *
 * URLs, methods and fields have been checked when they came in: here they are only put together.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "web/http/base64.h"
#include "web/client/engine.h"
#include "web/http/headers.h"

enum { USUAL_SIZE = 512 };

static bool by_hand(const struct twi_fetch *fetch, enum twi_header id)
{
    return fetch->headers != NULL && twi_headers_has(fetch->headers, id);
}

static int field(struct twi_buf *head, const char *name, const char *value)
{
    size_t name_length = strlen(name), value_length = strlen(value);
    char *at;

    if (twi_buf_reserve(head, name_length + value_length + 4) < 0)
        return -ENOMEM;
    at = head->data + head->length;
    memcpy(at, name, name_length);
    memcpy(at + name_length, ": ", 2);
    memcpy(at + name_length + 2, value, value_length);
    memcpy(at + name_length + 2 + value_length, "\r\n", 2);
    head->length += name_length + value_length + 4;
    return 0;
}

/* A proxy that serves all origins is told which (RFC 9112, 3.2.2). */
static int request_line(struct twi_buf *head, const struct twi_fetch *fetch)
{
    const struct tw_url *url = fetch->url;
    bool absolute = fetch->hop_proxy != NULL && !fetch->host->tunnelled;
    int r = twi_buf_append_text(head, fetch->method);

    if (r == 0)
        r = twi_buf_append_char(head, ' ');
    if (r == 0 && absolute)
        r = twi_buf_append_text(head, url->origin);
    if (r == 0)
        r = twi_buf_append_text(head, url->pathname);
    if (r == 0)
        r = twi_buf_append_text(head, url->search);
    if (r == 0)
        r = twi_buf_append_text(head,
                                fetch->options.http10 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
    return r;
}

static int host_field(struct twi_buf *head, const struct twi_fetch *fetch)
{
    const struct tw_url *url = fetch->url;

    if (by_hand(fetch, TWI_HEADER_HOST))
        return field(head, "Host", twi_headers_value(fetch->headers, TWI_HEADER_HOST));
    return field(head, "Host", url->origin + strlen(url->protocol) + 2);
}

static int usual_fields(struct twi_buf *head, const struct twi_fetch *fetch)
{
    const struct tw_fetch_options *options = &fetch->options;
    int r = 0;

    if (options->user_agent[0] != '\0' && !by_hand(fetch, TWI_HEADER_USER_AGENT))
        r = field(head, "User-Agent", options->user_agent);
    if (r == 0 && !options->no_accept && !by_hand(fetch, TWI_HEADER_ACCEPT))
        r = twi_buf_append(head, "Accept: */*\r\n", 13);
    /* A part of a compressed page cannot be decoded. */
    if (r == 0 && !options->no_decode && !by_hand(fetch, TWI_HEADER_ACCEPT_ENCODING) &&
        !by_hand(fetch, TWI_HEADER_RANGE))
        r = field(head, "Accept-Encoding", TWI_DECODE_ACCEPT);
    if (r == 0 && options->http10 && !by_hand(fetch, TWI_HEADER_CONNECTION))
        r = field(head, "Connection", "close");
    return r;
}

/* Of the URL, percent-decoded; a NUL is a byte like any other. */
static int url_authorization(struct twi_buf *head, const struct tw_url *url)
{
    tw_value user = tw_url_decode(url->username, strlen(url->username));
    tw_value password = tw_url_decode(url->password, strlen(url->password));
    struct twi_buf plain = { 0 }, text = { 0 };
    int r = -ENOMEM;

    if (!tw_is_failure(user) && !tw_is_failure(password))
        r = twi_buf_append(&plain, tw_bytes_data(user), tw_bytes_length(user));
    if (r == 0)
        r = twi_buf_append_char(&plain, ':');
    if (r == 0)
        r = twi_buf_append(&plain, tw_bytes_data(password), tw_bytes_length(password));
    if (r == 0)
        r = twi_buf_append_text(&text, "Basic ");
    if (r == 0)
        r = twi_base64_append(&text, plain.data, plain.length);
    if (r == 0)
        r = field(head, "Authorization", twi_buf_text(&text));
    twi_buf_free(&plain);
    twi_buf_free(&text);
    tw_release(user);
    tw_release(password);
    return r;
}

static int credentials(struct twi_buf *head, const struct twi_fetch *fetch)
{
    const struct tw_url *url = fetch->url;
    bool absolute = fetch->hop_proxy != NULL && !fetch->host->tunnelled;
    int r = 0;

    if (!by_hand(fetch, TWI_HEADER_AUTHORIZATION)) {
        if (fetch->authorization != NULL)
            r = field(head, "Authorization", fetch->authorization);
        else if (url->username[0] != '\0' || url->password[0] != '\0')
            r = url_authorization(head, url);
    }
    if (r == 0 && absolute && fetch->hop_proxy->authorization != NULL &&
        !by_hand(fetch, TWI_HEADER_PROXY_AUTHORIZATION))
        r = field(head, "Proxy-Authorization", fetch->hop_proxy->authorization);
    return r;
}

static int cookie(struct twi_buf *head, const char *text, bool *first)
{
    int r = twi_buf_append_text(head, *first ? "Cookie: " : "; ");

    *first = false;
    return r < 0 ? r : twi_buf_append_text(head, text);
}

/* The jar's, unless some are set by hand; if they shall be joined, those come behind. */
static int cookies(struct twi_buf *head, const struct twi_fetch *fetch)
{
    bool hand = by_hand(fetch, TWI_HEADER_COOKIE), join = fetch->options.join_cookies;
    tw_value text = tw_none();
    bool first = true;
    int r = 0;

    if (fetch->options.cookies != NULL && (!hand || join))
        text = tw_cookies_for(fetch->options.cookies, fetch->url, (double)time(NULL));
    if (tw_is_failure(text))
        r = -ENOMEM;
    else if (!tw_is_none(text))
        r = cookie(head, tw_bytes_data(text), &first);
    for (uint32_t i = 0; hand && join && i < fetch->headers->count && r == 0; i++) {
        const char *name, *value;
        if (fetch->headers->fields[i].id == TWI_HEADER_COOKIE &&
            tw_headers_at(fetch->headers, i, &name, &value))
            r = cookie(head, value, &first);
    }
    if (r == 0 && !first)
        r = twi_buf_append(head, "\r\n", 2);
    tw_release(text);
    return r;
}

static bool wants_length(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
           strcmp(method, "PATCH") == 0;
}

static int body_fields(struct twi_buf *head, const struct twi_fetch *fetch)
{
    bool dropped = fetch->body_dropped;

    if (!dropped && fetch->has_source)
        return fetch->source.length < 0
                   ? field(head, "Transfer-Encoding", "chunked")
                   : twi_http1_write_number(head, "Content-Length",
                                            (uint64_t)fetch->source.length);
    if (!dropped && !tw_is_none(fetch->body))
        return twi_http1_write_number(head, "Content-Length", tw_bytes_length(fetch->body));
    return wants_length(fetch->method) ? twi_http1_write_number(head, "Content-Length", 0) : 0;
}

/* The user's own; how the body is framed is ours to say. */
static int fields_by_hand(struct twi_buf *head, const struct twi_fetch *fetch)
{
    const tw_headers *headers = fetch->headers;
    const char *name, *value;
    int r = 0;

    for (uint32_t i = 0; headers != NULL && i < headers->count && r == 0; i++) {
        unsigned id = headers->fields[i].id;
        if (id == TWI_HEADER_HOST || id == TWI_HEADER_CONTENT_LENGTH ||
            id == TWI_HEADER_TRANSFER_ENCODING ||
            (id == TWI_HEADER_COOKIE && fetch->options.join_cookies) ||
            (id == TWI_HEADER_PROXY_AUTHORIZATION && fetch->host->tunnelled))
            continue;
        if (tw_headers_at(headers, i, &name, &value))
            r = field(head, name, value);
    }
    return r;
}

int twi_fetch_write_head(struct twi_fetch *fetch)
{
    static int (*const parts[])(struct twi_buf *, const struct twi_fetch *) = {
        request_line, host_field,  usual_fields,   credentials,
        cookies,      body_fields, fields_by_hand,
    };
    struct twi_buf *head = &fetch->agent->scratch;
    int r;

    head->length = 0;
    r = twi_buf_reserve(head, USUAL_SIZE);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && r == 0; i++)
        r = parts[i](head, fetch);
    if (r == 0)
        r = twi_buf_append(head, "\r\n", 2);
    fetch->last_use = fetch->options.http10 ||
                      (fetch->headers != NULL &&
                       tw_headers_has_token(fetch->headers, "Connection", "close"));
    return r;
}
