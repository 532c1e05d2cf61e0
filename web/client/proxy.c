/* SPDX-License-Identifier: MIT */
/*
 * proxy.c - the choice of a request's proxy.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <tweed/url.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/posix.h"
#include "web/http/base64.h"
#include "web/client/proxy.h"

/* --- the text that names a proxy ----------------------------------------------------------- */

struct proxy_parts {
    enum twi_proxy_kind kind;
    const char *user, *password, *host, *port; /* not terminated; NULL: none */
    size_t user_length, password_length, host_length, port_length;
};

static const char *split_scheme(const char *text, enum twi_proxy_kind *ret_kind)
{
    static const struct {
        const char *name;
        enum twi_proxy_kind kind;
    } schemes[] = { { "http", TWI_PROXY_HTTP },
                    { "https", TWI_PROXY_HTTPS },
                    { "socks5", TWI_PROXY_SOCKS5 },
                    { "socks5h", TWI_PROXY_SOCKS5H } };
    const char *end = strstr(text, "://");

    *ret_kind = TWI_PROXY_HTTP;
    if (end == NULL)
        return text;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (twi_same_nocase(text, (size_t)(end - text), schemes[i].name,
                            strlen(schemes[i].name))) {
            *ret_kind = schemes[i].kind;
            return end + 3;
        }
    return NULL;
}

static void split_credentials(const char *text, size_t length, struct proxy_parts *parts)
{
    const char *colon = memchr(text, ':', length);

    parts->user = text;
    parts->user_length = colon == NULL ? length : (size_t)(colon - text);
    parts->password = colon == NULL ? "" : colon + 1;
    parts->password_length = colon == NULL ? 0 : length - parts->user_length - 1;
}

static const char *split(const char *text, struct proxy_parts *parts)
{
    size_t length;
    const char *at, *bracket, *colon;

    *parts = (struct proxy_parts){ 0 };
    text = split_scheme(text, &parts->kind);
    if (text == NULL)
        return "unknown kind of proxy";
    length = strcspn(text, "/?#");
    at = twi_memrchr(text, '@', length);
    if (at != NULL) {
        split_credentials(text, (size_t)(at - text), parts);
        length -= (size_t)(at + 1 - text);
        text = at + 1;
    }
    bracket = twi_memrchr(text, ']', length);
    colon = twi_memrchr(text, ':', length);
    if (colon != NULL && (bracket == NULL || colon > bracket)) {
        parts->port = colon + 1;
        parts->port_length = (size_t)(text + length - parts->port);
        length = (size_t)(colon - text);
    }
    parts->host = text;
    parts->host_length = length;
    return NULL;
}

/* The host as the URL parser understands it: one reading for check and connect. */
static int normal_host(const char *host, size_t length, char **ret_host, const char **ret_why)
{
    char *text = twi_format("http://%.*s/", (int)length, host);
    struct tw_url *url;
    int r;

    if (text == NULL)
        return -ENOMEM;
    r = tw_url_parse(text, strlen(text), NULL, &url, ret_why);
    twi_free(text);
    if (r < 0)
        return r;
    *ret_host = twi_strdup(url->hostname);
    tw_url_free(url);
    return *ret_host == NULL ? -ENOMEM : 0;
}

static int normal_port(const struct proxy_parts *parts, unsigned *ret_port)
{
    uint64_t port;

    if (parts->port == NULL) {
        *ret_port = parts->kind == TWI_PROXY_HTTPS ? 443 : 1080;
        return 0;
    }
    if (twi_parse_decimal(parts->port, parts->port_length, &port) < 0 || port < 1 ||
        port > 65535)
        return -EINVAL;
    *ret_port = (unsigned)port;
    return 0;
}

static int decoded(const char *text, size_t length, char **ret_text)
{
    tw_value bytes = tw_url_decode(text, length);
    int r = 0;

    if (tw_is_failure(bytes))
        r = -ENOMEM;
    else if (strlen(tw_bytes_data(bytes)) != tw_bytes_length(bytes))
        r = -EINVAL;
    else if ((*ret_text = twi_strdup(tw_bytes_data(bytes))) == NULL)
        r = -ENOMEM;
    tw_release(bytes);
    return r;
}

static int take_credentials(struct twi_proxy *proxy, const struct proxy_parts *parts)
{
    int r;

    if (parts->user == NULL)
        return 0;
    r = decoded(parts->user, parts->user_length, &proxy->user);
    if (r == 0)
        r = decoded(parts->password, parts->password_length, &proxy->password);
    if (r < 0)
        return r;
    proxy->authorization = twi_basic_credentials(proxy->user, proxy->password);
    return proxy->authorization == NULL ? -ENOMEM : 0;
}

static int proxy_make_key(struct twi_proxy *proxy)
{
    proxy->key = twi_format("%d %s:%u %s", (int)proxy->kind, proxy->host, proxy->port,
                            proxy->authorization == NULL ? "" : proxy->authorization);
    return proxy->key == NULL ? -ENOMEM : 0;
}

int twi_proxy_parse(const char *text, struct twi_proxy **ret_proxy, const char **ret_why)
{
    struct proxy_parts parts;
    struct twi_proxy *proxy;
    int r;

    *ret_why = split(text, &parts);
    if (*ret_why != NULL)
        return -EINVAL;
    proxy = twi_calloc(1, sizeof *proxy);
    if (proxy == NULL)
        return -ENOMEM;
    proxy->references = 1;
    proxy->kind = parts.kind;
    r = normal_host(parts.host, parts.host_length, &proxy->host, ret_why);
    if (r < 0)
        goto fail;
    *ret_why = "bad port";
    r = normal_port(&parts, &proxy->port);
    if (r < 0)
        goto fail;
    *ret_why = "bad credentials";
    r = take_credentials(proxy, &parts);
    if (r < 0)
        goto fail;
    r = proxy_make_key(proxy);
    if (r < 0)
        goto fail;
    *ret_proxy = proxy;
    return 0;

fail:
    twi_proxy_unref(proxy);
    return r;
}

struct twi_proxy *twi_proxy_ref(struct twi_proxy *proxy)
{
    if (proxy != NULL)
        proxy->references++;
    return proxy;
}

void twi_proxy_unref(struct twi_proxy *proxy)
{
    if (proxy == NULL || --proxy->references > 0)
        return;
    twi_free(proxy->host);
    twi_free(proxy->user);
    twi_free(proxy->password);
    twi_free(proxy->authorization);
    twi_free(proxy->key);
    twi_free(proxy);
}

/* --- the environment ----------------------------------------------------------------------- */

static const char *set_in_environment(const char *name)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? text : NULL;
}

const char *twi_proxy_environment(const char *scheme)
{
    static const char *const http[] = { "http_proxy", "all_proxy", "ALL_PROXY", NULL };
    static const char *const https[] = { "https_proxy", "HTTPS_PROXY", "all_proxy",
                                         "ALL_PROXY", NULL };
    const char *const *names = strcmp(scheme, "https") == 0 ? https : http;
    const char *text = NULL;

    while (text == NULL && *names != NULL)
        text = set_in_environment(*names++);
    return text;
}

const char *twi_no_proxy_environment(void)
{
    const char *text = set_in_environment("no_proxy");
    return text != NULL ? text : set_in_environment("NO_PROXY");
}

/* --- no_proxy ------------------------------------------------------------------------------ */

/* An address of either family, as bytes; length 0: the text is no address. */
struct address {
    unsigned char bytes[16];
    size_t length;
};

static struct address parse_address(const char *text, size_t length)
{
    struct address address = { .length = 0 };
    char copy[INET6_ADDRSTRLEN];

    if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    if (length >= sizeof copy)
        return address;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (inet_pton(AF_INET, copy, address.bytes) == 1)
        address.length = 4;
    else if (inet_pton(AF_INET6, copy, address.bytes) == 1)
        address.length = 16;
    return address;
}

static bool same_network(const struct address *a, const struct address *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (a->length != b->length || memcmp(a->bytes, b->bytes, whole) != 0)
        return false;
    return rest == 0 || (a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest) == 0;
}

/* "10.0.0.1", "10.0.0.0/8", "[::1]". */
static bool matches_address(const char *entry, size_t length, const struct address *host)
{
    const char *slash = memchr(entry, '/', length);
    size_t address_length = slash == NULL ? length : (size_t)(slash - entry);
    struct address network = parse_address(entry, address_length);
    uint64_t bits = 8 * network.length;

    if (network.length == 0)
        return false;
    if (slash != NULL &&
        (twi_parse_decimal(slash + 1, length - address_length - 1, &bits) < 0 ||
         bits > 8 * network.length))
        return false;
    return same_network(&network, host, (unsigned)bits);
}

/* "example.com" and ".example.com" both mean the domain and everything below it. */
static bool matches_domain(const char *entry, size_t length, const char *host,
                           size_t host_length)
{
    if (length > 0 && entry[length - 1] == '.')
        length--;
    if (length > 0 && entry[0] == '.') {
        entry++;
        length--;
    }
    if (length == 0 || length > host_length)
        return false;
    if (!twi_same_nocase(entry, length, host + host_length - length, length))
        return false;
    return length == host_length || host[host_length - length - 1] == '.';
}

bool twi_no_proxy_has(const char *list, const char *hostname)
{
    size_t host_length = strlen(hostname);
    struct address host = parse_address(hostname, host_length);

    if (strcmp(list, "*") == 0)
        return true;
    if (host_length > 0 && hostname[host_length - 1] == '.')
        host_length--;
    while (*list != '\0') {
        size_t length = strcspn(list, ", \t");
        if (host.length > 0 ? matches_address(list, length, &host)
                            : matches_domain(list, length, hostname, host_length))
            return true;
        list += length;
        list += strspn(list, ", \t");
    }
    return false;
}
