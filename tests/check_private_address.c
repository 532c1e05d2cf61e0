/* SPDX-License-Identifier: MIT */
/*
 * check_private_address.c - only unicast addresses of the public internet are public.
 */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <string.h>

#include "tests/test.h"
#include "web/url/private_address.h"

static const struct {
    const char *address;
    bool is_private;
} rows[] = {
    { "0.0.0.0", true },
    { "0.1.2.3", true },
    { "1.1.1.1", false },
    { "9.255.255.255", false },
    { "10.0.0.0", true },
    { "10.255.255.255", true },
    { "11.0.0.0", false },
    { "100.63.255.255", false },
    { "100.64.0.0", true },
    { "100.127.255.255", true },
    { "100.128.0.0", false },
    { "127.0.0.1", true },
    { "127.255.0.1", true },
    { "128.0.0.1", false },
    { "169.253.255.255", false },
    { "169.254.169.254", true },
    { "169.255.0.0", false },
    { "172.15.255.255", false },
    { "172.16.0.0", true },
    { "172.31.255.255", true },
    { "172.32.0.0", false },
    { "192.0.0.8", true },
    { "192.0.1.0", false },
    { "192.0.2.1", true },
    { "192.88.99.1", true },
    { "192.167.255.255", false },
    { "192.168.0.1", true },
    { "192.169.0.0", false },
    { "198.17.255.255", false },
    { "198.18.0.0", true },
    { "198.19.255.255", true },
    { "198.20.0.0", false },
    { "198.51.100.7", true },
    { "203.0.113.7", true },
    { "223.255.255.255", false },
    { "224.0.0.1", true },
    { "240.0.0.1", true },
    { "255.255.255.255", true },
    { "::", true },
    { "::1", true },
    { "::127.0.0.1", true },
    { "::ffff:127.0.0.1", true },
    { "::ffff:10.0.0.1", true },
    { "::ffff:1.1.1.1", false },
    { "::ffff:0:1.1.1.1", true },
    { "64:ff9b::10.0.0.1", true },
    { "64:ff9b::1.1.1.1", false },
    { "64:ff9b:1::1", true },
    { "100::1", true },
    { "2001::1", true },
    { "2001:db8::1", true },
    { "2001:200::1", false },
    { "2001:4860:4860::8888", false },
    { "2002:7f00:1::1", true },
    { "2002:c0a8:101::1", true },
    { "2002:101:101::1", false },
    { "2606:4700::1111", false },
    { "3fff::1", true },
    { "3fff:1000::1", false },
    { "4000::1", true },
    { "5f00::1", true },
    { "fc00::1", true },
    { "fd12:3456::1", true },
    { "fe80::1", true },
    { "fec0::1", true },
    { "ff02::1", true },
};

START_TEST(only_public_addresses_are_public)
{
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
    } address;

    memset(&address, 0, sizeof address);
    if (strchr(rows[_i].address, ':') == NULL) {
        address.ipv4.sin_family = AF_INET;
        ck_assert_int_eq(inet_pton(AF_INET, rows[_i].address, &address.ipv4.sin_addr), 1);
    } else {
        address.ipv6.sin6_family = AF_INET6;
        ck_assert_int_eq(inet_pton(AF_INET6, rows[_i].address, &address.ipv6.sin6_addr), 1);
    }
    ck_assert_msg(twi_address_is_private(&address.any) == rows[_i].is_private, "%s",
                  rows[_i].address);
}
END_TEST

START_TEST(other_kinds_of_addresses_are_private)
{
    struct sockaddr address = { .sa_family = AF_UNIX };

    ck_assert(twi_address_is_private(&address));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("private_address");

    TEST_ADD_ROWS(suite, only_public_addresses_are_public, rows);
    TEST_ADD(suite, other_kinds_of_addresses_are_private);
    return test_run(suite);
}
