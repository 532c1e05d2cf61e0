/* SPDX-License-Identifier: MIT */
/*
 * proxy.h - the choice of a request's proxy: the text that names one, the environment,
 * no_proxy.
 *
 * The rules are curl's: lower-case names first, HTTP_PROXY never (it can be set by a request in
 * CGI), a default port of 1080.
 */
#ifndef WEB_CLIENT_PROXY_H
#define WEB_CLIENT_PROXY_H

#include <stdbool.h>
#include <stddef.h>

enum twi_proxy_kind {
    TWI_PROXY_HTTP,
    TWI_PROXY_HTTPS,  /* HTTP spoken to the proxy over TLS */
    TWI_PROXY_SOCKS5, /* we resolve names */
    TWI_PROXY_SOCKS5H /* the proxy does */
};

/* Counted, immutable. */
struct twi_proxy {
    unsigned references;
    enum twi_proxy_kind kind;
    unsigned port;
    char *host;
    char *user, *password;     /* decoded; NULL: none */
    char *authorization;       /* "Basic ...", or NULL */
    char *key;                 /* all of the above: equal keys are the same proxy */
};

/* "[scheme://][user[:password]@]host[:port][/]". 0; -EINVAL and a static reason; -ENOMEM. */
int twi_proxy_parse(const char *text, struct twi_proxy **ret_proxy, const char **ret_why);
struct twi_proxy *twi_proxy_ref(struct twi_proxy *proxy);
void twi_proxy_unref(struct twi_proxy *proxy);

/* The environment's proxy for "http" or "https", its no_proxy; NULL when there is none. */
const char *twi_proxy_environment(const char *scheme);
const char *twi_no_proxy_environment(void);
/* True if `hostname` (as in a tw_url) is among the hosts, domains, addresses and networks of
 * this list. */
bool twi_no_proxy_has(const char *list, const char *hostname);

#endif
