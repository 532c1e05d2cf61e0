/* SPDX-License-Identifier: MIT */
/*
 * request.c - the fixed steps that a visit takes on its way to the agent.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "spider/crawl/referer.h"
#include "spider/crawl/request.h"

#define CONNECT_SECONDS 30

static bool text_given(const char *text)
{
    return text != NULL && *text != '\0';
}

bool twi_domain_covers(const char *domain, const char *host)
{
    size_t length = strlen(domain), all = strlen(host);

    if (length > all || strcasecmp(host + all - length, domain) != 0)
        return false;
    return all == length || host[all - length - 1] == '.';
}

/* --- header fields ----------------------------------------------------------------------- */

static int request_add_field(tw_headers *headers, const char *name, const char *value)
{
    return text_given(value) ? tw_headers_set(headers, name, value) : 0;
}

/* A visit's own take the place of ours; one that is no field is left out. */
static int add_own_fields(tw_headers *headers, const struct tw_field *fields)
{
    const struct tw_field *field;

    if (fields == NULL)
        return 0;
    for (field = fields; field->name != NULL; field++)
        tw_headers_remove(headers, field->name);
    for (field = fields; field->name != NULL; field++)
        if (tw_headers_add(headers, field->name, field->value) == -ENOMEM)
            return -ENOMEM;
    return 0;
}

static const char *referer_of(tw_crawl *crawl, struct twi_arena *arena,
                              const struct tw_url *to, const char *from)
{
    struct tw_url *url = NULL;
    const char *referer = NULL;

    if (from != NULL && tw_url_parse(from, strlen(from), NULL, &url, NULL) == 0)
        referer = twi_referer(arena, crawl->settings->values.referer, url, to);
    tw_url_free(url);
    return referer;
}

static int request_add_fields(tw_crawl *crawl, struct twi_arena *arena,
                              const struct tw_url *url, const struct twi_visit_info *info,
                              tw_headers *headers)
{
    const struct tw_settings *settings = &crawl->settings->values;

    if (request_add_field(headers, "Accept", settings->accept) < 0 ||
        request_add_field(headers, "Accept-Language", settings->accept_language) < 0 ||
        request_add_field(headers, "Content-Type", info->content_type) < 0 ||
        request_add_field(headers, "Referer", referer_of(crawl, arena, url, info->referer)) <
            0)
        return -ENOMEM;
    return add_own_fields(headers, info->headers);
}

/* --- credentials ------------------------------------------------------------------------- */

static bool wants_credentials(const tw_crawl *crawl, const struct tw_url *url)
{
    const struct tw_settings *settings = &crawl->settings->values;
    size_t i;

    if (!text_given(settings->http_user))
        return false;
    if (text_given(settings->http_domain))
        return twi_domain_covers(settings->http_domain, url->hostname);
    for (i = 0; i < crawl->start_host_count; i++)
        if (strcmp(crawl->start_hosts[i], url->hostname) == 0)
            return true;
    return false;
}

/* --- all of it --------------------------------------------------------------------------- */

static void request_set_limits(const struct tw_settings *settings,
                               struct tw_fetch_options *fetch)
{
    double timeout = settings->timeout;

    fetch->timeout = fetch->first_byte_timeout = fetch->idle_timeout = timeout;
    fetch->connect_timeout = timeout > 0 && timeout < CONNECT_SECONDS ? timeout
                                                                      : CONNECT_SECONDS;
    fetch->max_body = settings->max_body;
}

int twi_request_make(tw_crawl *crawl, struct twi_arena *arena, const char *url,
                     const struct twi_visit_info *info, struct twi_request *ret_request)
{
    const struct tw_settings *settings = &crawl->settings->values;
    struct tw_fetch_options *fetch = &ret_request->options.fetch;
    struct tw_url *parsed = NULL;
    int r;

    memset(ret_request, 0, sizeof *ret_request);
    ret_request->headers = tw_headers_new();
    if (ret_request->headers == NULL)
        return -ENOMEM;
    if (tw_url_parse(url, strlen(url), NULL, &parsed, NULL) < 0)
        return -ENOMEM;
    r = request_add_fields(crawl, arena, parsed, info, ret_request->headers);
    if (r == 0 && wants_credentials(crawl, parsed)) {
        fetch->user = settings->http_user;
        fetch->password = settings->http_password;
    }
    tw_url_free(parsed);
    fetch->headers = ret_request->headers;
    fetch->no_accept = true; /* ours is among the headers */
    fetch->method = info->method;
    fetch->body = info->body;
    fetch->body_length = info->body_length;
    fetch->user_agent = crawl->user_agent;
    fetch->proxy = info->proxy;
    fetch->cookies = settings->no_cookies ? NULL : twi_jars_get(&crawl->jars, info->jar);
    fetch->join_cookies = true;
    fetch->cache_mode = settings->cache_mode;
    request_set_limits(settings, fetch);
    ret_request->options.is_local = info->is_trusted;
    return r;
}

void twi_request_free(struct twi_request *request)
{
    tw_headers_free(request->headers);
    request->headers = NULL;
}
