/*
 * absent.c - stands in for the parts of net/ that are still to come; any of theirs goes first.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tweed/resolver.h>

#include "net/connect.h"

#define WEAK __attribute__((__weak__))

WEAK tw_tls_context *tw_tls_context_ref(tw_tls_context *context)
{
    return context;
}

WEAK void tw_tls_context_unref(tw_tls_context *context)
{
    (void)context;
}

WEAK tw_protocol *twi_tls_server_protocol(tw_tls_context *context, tw_protocol *protocol,
                                          tw_factory *factory)
{
    (void)context;
    (void)factory;
    tw_protocol_free(protocol);
    return NULL;
}

WEAK int tw_address_parse(const char *literal, unsigned port,
                          union tw_socket_address *ret_address)
{
    memset(ret_address, 0, sizeof *ret_address);
    if (inet_pton(AF_INET, literal, &ret_address->ipv4.sin_addr) == 1) {
        ret_address->ipv4.sin_family = AF_INET;
        ret_address->ipv4.sin_port = htons((uint16_t)port);
        return 0;
    }
    if (inet_pton(AF_INET6, literal, &ret_address->ipv6.sin6_addr) != 1)
        return -EINVAL;
    ret_address->ipv6.sin6_family = AF_INET6;
    ret_address->ipv6.sin6_port = htons((uint16_t)port);
    return 0;
}

WEAK int tw_address_format(const union tw_socket_address *address, char *text, size_t size)
{
    char literal[INET6_ADDRSTRLEN] = "";

    if (address->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &address->ipv4.sin_addr, literal, sizeof literal);
        return snprintf(text, size, "%s:%u", literal, ntohs(address->ipv4.sin_port));
    }
    inet_ntop(AF_INET6, &address->ipv6.sin6_addr, literal, sizeof literal);
    return snprintf(text, size, "[%s]:%u", literal, ntohs(address->ipv6.sin6_port));
}
