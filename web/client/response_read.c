/* SPDX-License-Identifier: MIT */
/*
 * response_read.c - responses, and bodies, out of bytes in memory: the client's codec and decoders
 * without a connection.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "web/client/reply.h"
#include "web/http/headers.h"
#include "web/http1/http1.h"

static const int64_t usual_max = INT64_C(64) << 20;

static tw_value content_failure(const struct twi_body *content)
{
    return content->error.error_class == &tw_error_memory
               ? tw_fail_memory()
               : tw_fail(content->error.error_class, "%s", content->error.text);
}

/* --- a body ----------------------------------------------------------------------------------- */

static int body_decode(struct twi_body *body, const char *codings, const void *data,
                       size_t length, int64_t max, unsigned *ret_left)
{
    int r = twi_body_begin(body, codings, max, (int64_t)length, false, ret_left);

    if (r == 0 && length > 0)
        r = twi_body_add(body, data, length);
    return r == 0 ? twi_body_end(body) : r;
}

tw_value tw_decode(const tw_headers *headers, const void *data, size_t length, int64_t max,
                   unsigned *ret_left)
{
    struct twi_buf codings = { 0 };
    struct twi_body body = { 0 };
    unsigned left = 0;
    tw_value result;

    if (twi_headers_list(headers, TWI_HEADER_CONTENT_ENCODING, &codings) < 0) {
        twi_buf_free(&codings);
        return tw_fail_memory();
    }
    /* An empty body has no coding to be undone: the answer to HEAD names one, too. */
    if (body_decode(&body, codings.length > 0 && length > 0 ? twi_buf_text(&codings) : NULL,
                    data, length, max == 0 ? usual_max : max, &left) < 0)
        result = content_failure(&body);
    else
        result = twi_body_take(&body);
    if (!tw_is_failure(result) && ret_left != NULL)
        *ret_left = left;
    twi_body_free(&body);
    twi_buf_free(&codings);
    return result;
}

/* --- a response ------------------------------------------------------------------------------- */

struct reading {
    struct tw_fetch_options options; /* max_body is set */
    struct tw_url *url;              /* until the response has it */
    struct twi_http1_limits limits;
    struct twi_http1 parser;
    struct twi_reply reply;
};

static tw_value reading_fail(struct reading *reading, const tw_error_class *error_class,
                             int64_t number, const char *text)
{
    struct tw_response *response = twi_reply_end(&reading->reply, false);
    struct tw_failure_fields fields = {
        .error_class = error_class,
        .message = text,
        .where = TW_HERE,
        .number = number,
        .value = response != NULL ? twi_response_value(response) : tw_none(),
    };

    if (error_class != &tw_error_memory)
        return tw_fail_with(&fields);
    tw_release(fields.value);
    return tw_fail_memory();
}

static tw_value reading_fail_content(struct reading *reading)
{
    const struct twi_decode_error error = reading->reply.content.error;

    return reading_fail(reading, error.error_class, 0, error.text);
}

static tw_value reading_fail_parser(struct reading *reading)
{
    const struct twi_http1_error error = reading->parser.error;

    return reading_fail(reading, error.error_class, 0, error.text);
}

/* 0, -ENOMEM, or another negative errno with the reason in content.error. */
static int reading_begin(struct reading *reading)
{
    struct twi_http1 *parser = &reading->parser;
    struct twi_reply *reply = &reading->reply;
    struct tw_response *response = twi_response_new();

    if (response == NULL)
        return -ENOMEM;
    response->status = parser->status;
    response->minor = parser->minor;
    response->reason = parser->reason;
    response->headers = twi_http1_take_headers(parser);
    response->url = reading->url;
    reading->url = NULL;
    reply->response = response;
    reply->length = parser->length;
    reply->final = !reading->options.fail_on_error || parser->status < 400;
    return twi_reply_content_begin(reply, &reading->options);
}

static int reading_add(struct reading *reading)
{
    const struct twi_http1 *parser = &reading->parser;

    reading->reply.response->wire_bytes += parser->piece_length;
    return twi_body_add(&reading->reply.content, parser->piece, parser->piece_length);
}

static tw_value reading_finish(struct reading *reading)
{
    struct twi_reply *reply = &reading->reply;
    char text[256];
    int r = twi_body_end(&reply->content);
    tw_value value;

    if (!reply->final) {
        snprintf(text, sizeof text, "%d %.100s", reply->response->status,
                 reply->response->reason);
        return reading_fail(reading, &tw_error_status, reply->response->status, text);
    }
    if (r < 0)
        return reading_fail_content(reading);
    value = twi_response_value(twi_reply_end(reply, true));
    if (!tw_is_none(tw_response_body(value)))
        return value;
    tw_release(value);
    return tw_fail_memory();
}

/* No byte is left. */
static tw_value reading_end(struct reading *reading)
{
    struct twi_reply *reply = &reading->reply;

    if (twi_http1_eof(&reading->parser) == TWI_HTTP1_DONE)
        return reading_finish(reading);
    if (reading->parser.error.error_class == &tw_error_partial && reply->response != NULL &&
        reply->final && reading->options.accept_partial)
        return twi_response_value(twi_reply_end(reply, false));
    return reading_fail_parser(reading);
}

static tw_value reading_run(struct reading *reading, const char *at, const char *end)
{
    int r = 0;

    for (;;) {
        switch (twi_http1_next(&reading->parser, &at, end)) {
        case TWI_HTTP1_MORE:
            return reading_end(reading);
        case TWI_HTTP1_HEAD:
            r = reading_begin(reading);
            break;
        case TWI_HTTP1_BODY:
            r = reading_add(reading);
            break;
        case TWI_HTTP1_DONE:
            return reading_finish(reading);
        case TWI_HTTP1_ERROR:
            return reading_fail_parser(reading);
        }
        if (r == -ENOMEM)
            return reading_fail(reading, &tw_error_memory, 0, "");
        if (r < 0)
            return reading_fail_content(reading);
    }
}

static void limits_choose(struct reading *reading)
{
    const struct tw_fetch_options *options = &reading->options;

    reading->limits = twi_http1_client_limits;
    if (options->max_header_bytes > 0)
        reading->limits.head = options->max_header_bytes;
    if (options->max_header_lines > 0)
        reading->limits.fields = options->max_header_lines;
}

tw_value tw_response_read(const char *url, const void *data, size_t length,
                          const struct tw_fetch_options *options)
{
    struct reading reading = { .url = NULL };
    const char *why = "there is none", *at = data;
    tw_value value;
    int r = url == NULL ? -EINVAL : tw_url_parse(url, strlen(url), NULL, &reading.url, &why);

    if (r == -ENOMEM)
        return tw_fail_memory();
    if (r < 0)
        return tw_fail(&tw_error_url, "%s", why);
    if (options != NULL)
        reading.options = *options;
    reading.options.on_body = NULL;
    if (reading.options.max_body == 0)
        reading.options.max_body = usual_max;
    limits_choose(&reading);
    twi_http1_init_client(&reading.parser, &reading.limits);
    twi_http1_begin(&reading.parser, reading.options.method);
    value = length == 0 ? reading_end(&reading) : reading_run(&reading, at, at + length);
    twi_http1_free(&reading.parser);
    twi_reply_free(&reading.reply);
    tw_url_free(reading.url);
    return value;
}
