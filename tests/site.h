/* SPDX-License-Identifier: MIT */
/*
 * site.h - a site under test: scripts of bytes over string transports, in virtual time.
 */
#ifndef TESTS_SITE_H
#define TESTS_SITE_H

#include <stdio.h>
#include <string.h>

#include <tweed/reactor.h>
#include <tweed/testing.h>

#include "tests/test.h"
#include "web/server/http1_server.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static tw_site *site;
static struct twi_service *service; /* for connections without a listener */
static tw_string_transport *wire;

static inline void site_begin(const struct tw_site_options *options)
{
    struct tw_site_options quiet = { .server_name = "" };

    ck_assert_int_eq(tw_testing_begin(), 0);
    if (options != NULL) {
        quiet = *options;
        quiet.server_name = "";
    }
    site = tw_site_new(&quiet);
    ck_assert_ptr_nonnull(site);
}

/* A protocol of the server's; NULL when there is no memory. */
static inline tw_protocol *site_protocol(void)
{
    if (service == NULL)
        service = twi_service_new(site, twi_http1_server_expired, twi_http1_server_stalled);
    return service == NULL ? NULL : twi_http1_server_new(service);
}

/* The site goes with its connections. */
static inline void site_drop(void)
{
    if (service != NULL)
        twi_service_unref(service);
    service = NULL;
    tw_site_unref(site);
    site = NULL;
}

static inline tw_string_transport *site_connect(void)
{
    tw_string_transport *transport = tw_string_transport_new(site_protocol());

    ck_assert_ptr_nonnull(transport);
    return transport;
}

static inline void site_end(void)
{
    if (wire != NULL)
        tw_string_transport_free(wire);
    wire = NULL;
    tw_testing_settle();
    ck_assert_uint_eq(site->connections, 0);
    site_drop();
    ck_assert_uint_eq(tw_testing_end(), 0);
}

static inline void send_text(const char *text)
{
    tw_string_transport_deliver(wire, text, strlen(text));
    tw_testing_settle();
}

/* The answers since the last call, without Date lines; lent until the next. */
static inline const char *answered(void)
{
    static char text[262144];
    const char *from, *date;
    size_t length, at = 0;

    tw_testing_settle();
    from = tw_string_transport_written(wire, &length);
    ck_assert_uint_lt(length, sizeof text);
    while ((date = strstr(from, "Date: ")) != NULL) {
        memcpy(text + at, from, (size_t)(date - from));
        at += (size_t)(date - from);
        from = strstr(date, "\r\n") + 2;
    }
    strcpy(text + at, from);
    tw_string_transport_clear(wire);
    return text;
}

/* Has the server closed the connection? */
static inline bool is_closed(void)
{
    tw_testing_settle();
    return site->connections == 0;
}

static inline size_t count_text(const char *text, const char *part)
{
    size_t count = 0;

    for (; (text = strstr(text, part)) != NULL; text++)
        count++;
    return count;
}

#endif
