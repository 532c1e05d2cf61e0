/* SPDX-License-Identifier: MIT */
/*
 * get_status.c - exit statuses: curl's numbers for errors that curl has too, 1 for the rest.
 */
#include "config.h"

#include <string.h>

#include <tweed/tweed.h>

#include "cli/get.h"

/* The first class that fits counts; a class stands before its parents. */
static const struct {
    const tw_error_class *error_class;
    int status;
} statuses[] = {
    { &tw_error_dns, 6 },       { &tw_error_connect_timeout, 28 }, { &tw_error_connect, 7 },
    { &tw_error_timeout, 28 },  { &tw_error_empty, 52 },           { &tw_error_partial, 18 },
    { &tw_error_protocol, 8 },  { &tw_error_encoding, 61 },        { &tw_error_redirect, 47 },
    { &tw_error_toolarge, 63 }, { &tw_error_connection, 56 },      { &tw_error_status, 22 },
    { &tw_error_memory, 27 },   { &tw_error_cache, 22 },
};

/* curl tells a scheme that it does not speak from a text that is no URL at all. */
static int url_status(const char *given)
{
    struct cli_text text = { 0 };
    struct tw_url *url = NULL;
    bool other_scheme = false;

    get_add_url(&text, given);
    if (tw_url_parse(text.data, text.length, NULL, &url, NULL) == 0)
        other_scheme = strcmp(url->protocol, "http:") != 0 &&
                       strcmp(url->protocol, "https:") != 0;
    tw_url_free(url);
    cli_text_free(&text);
    return other_scheme ? 1 : 3;
}

/* OpenSSL numbers errors of verification separately, below its other errors. */
static int tls_status(tw_value failure)
{
    int64_t number = tw_failure_number(failure);

    return number > 0 && number < 100 ? 60 : 35;
}

/* A proxy that is none, or has no address. */
static bool is_of_proxy(tw_value failure)
{
    const char *message = tw_failure_message(failure);

    return (tw_failure_is(failure, &tw_error_url) || tw_failure_is(failure, &tw_error_dns)) &&
           (strncmp(message, "proxy: ", 7) == 0 ||
            strncmp(message, "the environment's proxy: ", 25) == 0);
}

int get_failure_status(const struct transfer *transfer, tw_value failure)
{
    const char *target = tw_response_header(get_response_of(failure), "Location");

    if (transfer->unreadable)
        return CLI_UNREADABLE;
    if (is_of_proxy(failure))
        return strstr(tw_failure_message(failure), "kind of proxy") != NULL ? 7 : 5;
    if (tw_failure_is(failure, &tw_error_url))
        return url_status(target != NULL ? target : transfer->url);
    if (tw_failure_is(failure, &tw_error_tls))
        return tls_status(failure);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (tw_failure_is(failure, statuses[i].error_class))
            return statuses[i].status;
    return CLI_FAILED;
}
