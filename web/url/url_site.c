/* SPDX-License-Identifier: MIT */
/*
 * url_site.c - the registrable domain of a host (https://publicsuffix.org).
 */
#include "config.h"

#include <libpsl.h>
#include <string.h>

#include <tweed/url.h>

#include "base/ascii.h"

/* Hosts of the standard that end in a number are IPv4 addresses, those in brackets IPv6. */
static bool host_is_address(const char *host, size_t length)
{
    return host[0] == '[' || (length > 0 && twi_is_digit(host[length - 1]) &&
                              strspn(host, "0123456789.") == strlen(host));
}

const char *tw_url_site(const struct tw_url *url)
{
    const char *host = url->hostname, *found;
    size_t length = strlen(host);
    char name[256];

    if (length > 0 && host[length - 1] == '.')
        length--;
    if (length == 0 || length >= sizeof name || host_is_address(host, length))
        return host;
    memcpy(name, host, length);
    name[length] = 0;
    found = psl_registrable_domain(psl_builtin(), name);
    return found != NULL ? host + (found - name) : host;
}
