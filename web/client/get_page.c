/* SPDX-License-Identifier: MIT */
/*
 * get_page.c - a page by one call: the agent's request, reduced to the body.
 */
#include "config.h"

#include <stdio.h>

#include "web/client/client_request.h"

static tw_value body_or_status(struct tw_response *response)
{
    tw_value value = twi_response_value(response);
    char message[128];
    struct tw_failure_fields fields = {
        .error_class = &tw_error_status,
        .message = message,
        .number = response->status,
        .value = value,
    };

    if (response->status >= 200 && response->status <= 299) {
        tw_value body = tw_retain(tw_response_body(value));
        tw_release(value);
        return body;
    }
    snprintf(message, sizeof message, "%d %.100s", response->status, response->reason);
    return tw_fail_with(&fields);
}

tw_deferred *tw_get_page_at(const char *where, const char *url,
                            const struct tw_fetch_options *options)
{
    return twi_client_request_start(where, tw_agent_current(), url, options, body_or_status);
}
