/* SPDX-License-Identifier: MIT */
/*
 * response.c - the value that a request fires with.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/slab.h"
#include "web/client/response.h"

static struct twi_slab responses = TWI_SLAB(struct tw_response);

struct tw_response *twi_response_new(void)
{
    struct tw_response *response = twi_slab_alloc(&responses);

    if (response == NULL)
        return NULL;
    *response = (struct tw_response){ .references = 1, .reason = "" };
    return response;
}

/* Free them one after the other: a long chain of redirects must not recurse. */
void twi_response_unref(struct tw_response *response)
{
    while (response != NULL && --response->references == 0) {
        struct tw_response *previous = response->previous;
        tw_headers_free(response->headers);
        tw_release(response->body);
        tw_url_free(response->url);
        twi_free(response->clean_url);
        twi_free(response->address_text);
        twi_slab_free(&responses, response);
        response = previous;
    }
}

static void response_retain(void *object)
{
    struct tw_response *response = object;
    response->references++;
}

static void response_release(void *object)
{
    twi_response_unref(object);
}

static int response_format(void *object, char *text, size_t size)
{
    struct tw_response *response = object;
    tw_value value = tw_lend(tw_value_of(&tw_type_response, response));

    return snprintf(text, size, "response %d from %s, %zu bytes%s", response->status,
                    tw_response_url(value), tw_bytes_length(response->body),
                    response->complete ? "" : " (incomplete)");
}

const tw_type tw_type_response = { "response", response_retain, response_release,
                                   response_format };

tw_value twi_response_value(struct tw_response *response)
{
    return tw_value_of(&tw_type_response, response);
}

static struct tw_response *response_of(tw_value value)
{
    return tw_value_object(value, &tw_type_response);
}

char *twi_url_without_credentials(const struct tw_url *url)
{
    /* "https://user:password@host/": the authority begins after the two slashes. */
    const char *authority = url->href + strlen(url->protocol) + 2;
    const char *at = strchr(authority, '@');

    if ((url->username[0] == '\0' && url->password[0] == '\0') || at == NULL)
        return twi_strdup(url->href);
    return twi_format("%.*s%s", (int)(authority - url->href), url->href, at + 1);
}

/* --- accessors ----------------------------------------------------------------------------- */

int tw_response_status(tw_value value)
{
    const struct tw_response *response = response_of(value);
    return response != NULL ? response->status : 0;
}

const char *tw_response_reason(tw_value value)
{
    const struct tw_response *response = response_of(value);
    return response != NULL ? response->reason : "";
}

const char *tw_response_version(tw_value value)
{
    const struct tw_response *response = response_of(value);

    if (response == NULL)
        return "";
    return response->minor == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

const tw_headers *tw_response_headers(tw_value value)
{
    const struct tw_response *response = response_of(value);
    return response != NULL ? response->headers : NULL;
}

const char *tw_response_header(tw_value value, const char *name)
{
    const struct tw_response *response = response_of(value);
    return response != NULL && response->headers != NULL
               ? tw_headers_get(response->headers, name)
               : NULL;
}

tw_value tw_response_body(tw_value value)
{
    const struct tw_response *response = response_of(value);
    return response != NULL ? tw_lend(response->body) : tw_none();
}

const char *tw_response_url(tw_value value)
{
    struct tw_response *response = response_of(value);

    if (response == NULL || response->url == NULL)
        return "";
    if (response->url->username[0] == '\0' && response->url->password[0] == '\0')
        return response->url->href;
    if (response->clean_url == NULL)
        response->clean_url = twi_url_without_credentials(response->url);
    return response->clean_url != NULL ? response->clean_url : "";
}

enum tw_cache_source tw_response_source(tw_value value)
{
    const struct tw_response *response = response_of(value);
    return response != NULL ? (enum tw_cache_source)response->from : TW_SOURCE_SERVER;
}

unsigned tw_response_redirects(tw_value value)
{
    const struct tw_response *response = response_of(value);
    return response != NULL ? response->redirects : 0;
}

bool tw_response_complete(tw_value value)
{
    const struct tw_response *response = response_of(value);
    return response != NULL && response->complete;
}

tw_value tw_response_previous(tw_value value)
{
    const struct tw_response *response = response_of(value);

    if (response == NULL || response->previous == NULL)
        return tw_none();
    return tw_lend(twi_response_value(response->previous));
}

const char *tw_response_address(tw_value value)
{
    struct tw_response *response = response_of(value);
    char text[TW_ADDRESS_TEXT_SIZE];

    if (response == NULL || response->address.any.sa_family == AF_UNSPEC)
        return "";
    if (response->address_text == NULL) {
        tw_address_format(&response->address, text, sizeof text);
        response->address_text = twi_strdup(text);
    }
    return response->address_text != NULL ? response->address_text : "";
}

/* 0 for a step that was never reached. */
static double time_since(const struct tw_response *response, int64_t at)
{
    return at == 0 ? 0 : (double)(at - response->times.began) / TWI_SECOND;
}

struct tw_response_times tw_response_times(tw_value value)
{
    const struct tw_response *response = response_of(value);
    struct tw_response_times times = { 0 };

    if (response == NULL)
        return times;
    times.queued = time_since(response, response->times.queued_at);
    times.resolved = time_since(response, response->times.resolved_at);
    times.connected = time_since(response, response->times.connected_at);
    times.secured = time_since(response, response->times.secured_at);
    times.sent = time_since(response, response->times.sent_at);
    times.first_byte = time_since(response, response->times.first_byte_at);
    times.done = time_since(response, response->times.done_at);
    return times;
}

uint64_t tw_response_wire_bytes(tw_value value)
{
    const struct tw_response *response = response_of(value);

    return response != NULL && response->from == TW_SOURCE_SERVER ? response->wire_bytes : 0;
}

void tw_response_pause(tw_value value)
{
    struct tw_response *response = response_of(value);

    if (response != NULL && response->source != NULL)
        response->source->pause(response->source_arg);
}

void tw_response_resume(tw_value value)
{
    struct tw_response *response = response_of(value);

    if (response != NULL && response->source != NULL)
        response->source->resume(response->source_arg);
}
