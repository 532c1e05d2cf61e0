/* SPDX-License-Identifier: MIT */
/*
 * response.h - the inside of a response.
 */
#ifndef WEB_CLIENT_RESPONSE_H
#define WEB_CLIENT_RESPONSE_H

#include <tweed/client.h>
#include <tweed/resolver.h>

/* The source of a response that is still coming: its reader stops and starts it. */
struct twi_response_source {
    void (*pause)(void *arg);
    void (*resume)(void *arg);
};

/* The times of its steps, in ns of the loop's clock; 0: not reached. */
struct twi_times {
    int64_t began, queued_at, resolved_at, connected_at, secured_at, sent_at, first_byte_at,
        done_at;
};

struct tw_response {
    unsigned references;
    unsigned redirects;
    int status;
    unsigned char minor;
    unsigned char from; /* enum tw_cache_source */
    bool complete;
    const char *reason; /* lives with the headers */
    tw_headers *headers;
    tw_value body;
    struct tw_url *url;
    char *clean_url; /* made when asked for, if the URL has credentials */
    union tw_socket_address address; /* that it came from; family 0: none */
    char *address_text;              /* made when asked for */
    struct tw_response *previous;
    const struct twi_response_source *source; /* NULL: it has come */
    void *source_arg;
    struct twi_times times;
    uint64_t wire_bytes;
};

/* One reference; NULL when there is no memory. */
struct tw_response *twi_response_new(void);
void twi_response_unref(struct tw_response *response);
/* Owned: takes over one reference. */
tw_value twi_response_value(struct tw_response *response);
/* The URL as it may be shown: without credentials. NULL when there is no memory. */
char *twi_url_without_credentials(const struct tw_url *url);

#endif
