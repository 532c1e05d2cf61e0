/* SPDX-License-Identifier: MIT */
/*
 * check_resolv_conf.c - whom resolv.conf says to ask, however it looks.
 */
#include "config.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <tweed/resolver.h>
#include <unistd.h>

#include "net/dns/dns_channel.h"
#include "net/dns/resolv_conf.h"
#include "tests/test.h"

#define TEN_OF(text) text text text text text text text text text text
#define LONG TEN_OF(TEN_OF(TEN_OF(TEN_OF("x"))))

static const struct {
    const char *when, *text, *servers, *domains;
    int ndots;
    bool rotate;
    size_t length; /* 0: to the NUL */
} confs[] = {
    { "plain", "nameserver 192.0.2.1\n", "192.0.2.1", "", -1, false, 0 },
    { "no newline at the end", "nameserver 192.0.2.1", "192.0.2.1", "", -1, false, 0 },
    { "CR LF", "nameserver 192.0.2.1\r\nnameserver 192.0.2.2\r\n", "192.0.2.1 192.0.2.2", "",
      -1, false, 0 },
    { "comments", "# nameserver 192.0.2.9\n; nameserver 192.0.2.9\nnameserver 192.0.2.1\n",
      "192.0.2.1", "", -1, false, 0 },
    { "comments behind", "nameserver 192.0.2.1 # 1\nnameserver 192.0.2.2;2\nsearch a b # c\n",
      "192.0.2.1 192.0.2.2", "a b", -1, false, 0 },
    { "blanks and tabs", "\n\nnameserver \t  192.0.2.1  \t\n \n", "192.0.2.1", "", -1, false,
      0 },
    { "a keyword that does not start the line", " nameserver 192.0.2.1\n", "", "", -1, false,
      0 },
    { "words behind", "nameserver 192.0.2.1 192.0.2.2\n", "192.0.2.1", "", -1, false, 0 },
    { "options", "options ndots:3 rotate timeout:1\n", "", "", 3, true, 0 },
    { "options on two lines", "options rotate\noptions ndots:0\n", "", "", 0, true, 0 },
    { "options with bad numbers",
      "options ndots:-1 timeout:99999999999999999999 attempts:0 ndots: timeout:x nonsense\n"
      "nameserver 192.0.2.1\n",
      "192.0.2.1", "", -1, false, 0 },
    { "a number too large", "options ndots:99999999999999999999 ndots:4000000000\n", "", "",
      15, false, 0 },
    { "what nobody knows", "nonsense\nnameserverx 192.0.2.9\nnameserver 192.0.2.1\nlookup\n",
      "192.0.2.1", "", -1, false, 0 },
    { "what is no address",
      "nameserver nonsense\nnameserver 192.0.2\nnameserver 192.0.2.1\nnameserver\nnameserver "
      "\n",
      "192.0.2.1", "", -1, false, 0 },
    { "IPv6", "nameserver 2001:db8::1\n", "2001:db8::1", "", -1, false, 0 },
    { "IPv6 with a zone", "nameserver fe80::1%lo\nnameserver 192.0.2.1\n",
      "fe80::1%lo 192.0.2.1", "", -1, false, 0 },
    { "a zone that is not there", "nameserver fe80::1%nowhere0\nnameserver 192.0.2.1\n",
      "192.0.2.1", "", -1, false, 0 },
    { "many", TEN_OF("nameserver 192.0.2.1\n") TEN_OF("nameserver 192.0.2.2\n"),
      TEN_OF("192.0.2.1 ") "192.0.2.2 192.0.2.2 192.0.2.2 192.0.2.2 192.0.2.2 192.0.2.2", "",
      -1, false, 0 },
    { "very long lines",
      "search " LONG "\n# " LONG "\nnameserver 192.0.2.1\nsortlist " LONG "\n" LONG "\n"
      "options " LONG " rotate\nnameserver " LONG "\nnameserver 192.0.2.2",
      "192.0.2.1 192.0.2.2", "", -1, true, 0 },
    { "NUL", "nameserver 192.0.2.1\n\0nameserver 192.0.2.9\nnameserver 192.0.2.2\0\n",
      "192.0.2.1 192.0.2.2", "", -1, false, 65 },
    { "the last of search and domain counts", "search a b\ndomain c.test\n", "", "c.test", -1,
      false, 0 },
    { "what is no domain", "search a..b .c d.test. . " LONG " e\n", "", "d.test. e", -1, false,
      0 },
    { "bytes", "\xff\xfe\x01nameserver 192.0.2.9\nsearch \xc3\xbc.test\n", "", "\xc3\xbc.test",
      -1, false, 0 },
    { "nothing", "", "", "", -1, false, 0 },
};

static char path[] = "/tmp/tweed-resolv-XXXXXX";

static void conf_write(const char *text, size_t length)
{
    int fd;

    memcpy(path + sizeof path - 7, "XXXXXX", 6);
    fd = mkstemp(path);
    ck_assert_int_eq(write(fd, text, length), (ssize_t)length);
    close(fd);
}

static void servers_text(const struct twi_resolv_conf *conf, char *text, size_t size)
{
    size_t at = 0;

    *text = '\0';
    for (size_t i = 0; i < conf->server_count; i++) {
        char one[80], *start = one;

        tw_address_format(&conf->servers[i], one, sizeof one);
        *strrchr(one, ':') = '\0';
        if (*one == '[') {
            start++;
            one[strlen(one) - 1] = '\0';
        }
        at += (size_t)snprintf(text + at, size - at, "%s%s", i > 0 ? " " : "", start);
    }
}

START_TEST(it_is_read_however_it_looks)
{
    size_t length = confs[_i].length > 0 ? confs[_i].length : strlen(confs[_i].text), at = 0;
    struct twi_resolv_conf conf;
    char text[1024] = "";

    conf_write(confs[_i].text, length);
    ck_assert_int_eq(twi_resolv_conf_read(path, &conf), 0);
    servers_text(&conf, text, sizeof text);
    ck_assert_msg(strcmp(text, confs[_i].servers) == 0, "%s: %s", confs[_i].when, text);
    *text = '\0';
    for (size_t i = 0; i < conf.domain_count; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i > 0 ? " " : "",
                               conf.domains[i]);
    ck_assert_msg(strcmp(text, confs[_i].domains) == 0, "%s: %s", confs[_i].when, text);
    ck_assert_msg(conf.ndots == confs[_i].ndots, "%s: %d", confs[_i].when, conf.ndots);
    ck_assert_msg(conf.rotate == confs[_i].rotate, "%s", confs[_i].when);
    twi_resolv_conf_free(&conf);
    unlink(path);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_empty)
{
    struct twi_resolv_conf conf;

    ck_assert_int_eq(twi_resolv_conf_read("/nonexistent/resolv.conf", &conf), 0);
    ck_assert_uint_eq(conf.server_count, 0);
    twi_resolv_conf_free(&conf);
    ck_assert_int_eq(twi_resolv_conf_read("/", &conf), 0);
    ck_assert_uint_eq(conf.server_count, 0);
    twi_resolv_conf_free(&conf);
}
END_TEST

/* --- what is asked then -------------------------------------------------------------------- */

static void heard(void *arg, const char *name, unsigned code)
{
    (void)arg;
    (void)name;
    (void)code;
}

static void visited(void *arg)
{
    (void)arg;
}

static const char channel_conf[] = "nameserver 192.0.2.1\nnameserver fe80::1%lo\n"
                                   "nameserver 2001:db8::2\nsearch a.test\n"
                                   "options ndots:2 rotate\n";

static bool channel_opens(void *arg)
{
    struct twi_dns_hooks hooks = { heard, visited, NULL };
    struct twi_dns_options options = { .conf = path };
    struct twi_dns_channel *channel;
    int r = twi_dns_channel_new(&options, &hooks, &channel);

    (void)arg;
    ck_assert(r == 0 || r == -ENOMEM);
    if (r == 0)
        twi_dns_channel_free(channel);
    return r == 0;
}

START_TEST(the_channel_has_it)
{
    struct twi_dns_hooks hooks = { heard, visited, NULL };
    struct twi_dns_options options = { .conf = path };
    struct ares_addr_port_node *servers = NULL;
    struct ares_options got;
    struct twi_dns_channel *channel;
    int mask;

    conf_write(channel_conf, sizeof channel_conf - 1);
    ck_assert_int_eq(twi_dns_channel_new(&options, &hooks, &channel), 0);
    ck_assert_int_eq(ares_get_servers_ports(channel->ares, &servers), ARES_SUCCESS);
    ck_assert_int_eq(servers->family, AF_INET);
    ck_assert_int_eq(servers->next->family, AF_INET6);
    ck_assert_int_eq(servers->next->next->family, AF_INET6);
    ck_assert_ptr_null(servers->next->next->next);
    ck_assert_uint_eq(channel->zoned_count_, 1);
    ck_assert_uint_eq(channel->zoned_[0].sin6_scope_id, if_nametoindex("lo"));
    ck_assert_mem_eq(&channel->zoned_[0].sin6_addr, &servers->next->addr.addr6, 16);
    ares_free_data(servers);
    ck_assert_int_eq(ares_save_options(channel->ares, &got, &mask), ARES_SUCCESS);
    ck_assert_int_eq(got.ndots, 2);
    ck_assert_int_eq(got.ndomains, 1);
    ck_assert_str_eq(got.domains[0], "a.test");
    ck_assert((mask & ARES_OPT_ROTATE) != 0);
    ares_destroy_options(&got);
    twi_dns_channel_free(channel);
    test_each_alloc_failure(channel_opens, NULL);
    unlink(path);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resolv_conf");

    TEST_ADD_ROWS(suite, it_is_read_however_it_looks, confs);
    TEST_ADD(suite, a_file_that_is_not_there_is_empty);
    TEST_ADD(suite, the_channel_has_it);
    return test_run(suite);
}
