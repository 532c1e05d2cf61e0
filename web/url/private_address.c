/* SPDX-License-Identifier: MIT */
/*
 * private_address.c - the ranges of addresses that are not of the public internet.
 */
#include "config.h"

#include <netinet/in.h>
#include <string.h>

#include "web/url/private_address.h"

/* RFC 6890 and its successors; all that IANA's registry calls not globally reachable. */
static const struct {
    uint32_t network;
    unsigned bits;
} private_ipv4[] = {
    { 0x00000000, 8 },  /* 0.0.0.0: this network */
    { 0x0a000000, 8 },  /* 10.0.0.0: private */
    { 0x64400000, 10 }, /* 100.64.0.0: shared by a provider's customers */
    { 0x7f000000, 8 },  /* 127.0.0.0: loopback */
    { 0xa9fe0000, 16 }, /* 169.254.0.0: link-local, cloud metadata */
    { 0xac100000, 12 }, /* 172.16.0.0: private */
    { 0xc0000000, 24 }, /* 192.0.0.0: protocol assignments */
    { 0xc0000200, 24 }, /* 192.0.2.0: documentation */
    { 0xc0586300, 24 }, /* 192.88.99.0: 6to4 relays, withdrawn */
    { 0xc0a80000, 16 }, /* 192.168.0.0: private */
    { 0xc6120000, 15 }, /* 198.18.0.0: benchmarks */
    { 0xc6336400, 24 }, /* 198.51.100.0: documentation */
    { 0xcb007100, 24 }, /* 203.0.113.0: documentation */
    { 0xe0000000, 3 },  /* 224.0.0.0: multicast, reserved, broadcast */
};

/* The exceptions inside 2000::/3; nothing outside of that is public. */
static const struct {
    uint8_t prefix[6];
    unsigned bits;
} private_ipv6[] = {
    { { 0x20, 0x01 }, 23 },             /* protocol assignments, Teredo too */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
    { { 0x3f, 0xff }, 20 },             /* documentation */
};

static bool ipv4_is_private(uint32_t address)
{
    size_t i;

    for (i = 0; i < sizeof private_ipv4 / sizeof *private_ipv4; i++) {
        if ((address ^ private_ipv4[i].network) >> (32 - private_ipv4[i].bits) == 0)
            return true;
    }
    return false;
}

static uint32_t read_ipv4(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
           bytes[3];
}

static bool has_prefix(const uint8_t *address, const uint8_t *prefix, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    return memcmp(address, prefix, whole) == 0 &&
           (rest == 0 || (address[whole] ^ prefix[whole]) >> (8 - rest) == 0);
}

static bool ipv6_is_private(const uint8_t *bytes)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
    static const uint8_t six_to_four[2] = { 0x20, 0x02 };
    size_t i;

    if (has_prefix(bytes, mapped, 96) || has_prefix(bytes, nat64, 96))
        return ipv4_is_private(read_ipv4(bytes + 12));
    if (has_prefix(bytes, six_to_four, 16))
        return ipv4_is_private(read_ipv4(bytes + 2));
    if (bytes[0] >> 5 != 1)
        return true;
    for (i = 0; i < sizeof private_ipv6 / sizeof *private_ipv6; i++) {
        if (has_prefix(bytes, private_ipv6[i].prefix, private_ipv6[i].bits))
            return true;
    }
    return false;
}

bool twi_address_is_private(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)address;
        return ipv4_is_private(ntohl(ipv4->sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)(const void *)address;
        return ipv6_is_private(ipv6->sin6_addr.s6_addr);
    }
    return true;
}
