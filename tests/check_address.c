/* SPDX-License-Identifier: MIT */
/*
 * check_address.c - literals, the order of addresses, names, /etc/hosts, DNS messages.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/dns/answers.h"
#include "net/dns/dns_message.h"
#include "net/dns/hosts.h"
#include "tests/test.h"

/* --- literals ------------------------------------------------------------------------------ */

static const struct {
    const char *literal;
    unsigned port;
    const char *text; /* NULL: no literal */
} literals[] = {
    { "127.0.0.1", 80, "127.0.0.1:80" },
    { "0.0.0.0", 0, "0.0.0.0:0" },
    { "::1", 443, "[::1]:443" },
    { "[::1]", 443, "[::1]:443" },
    { "[2001:DB8:0:0::1]", 65535, "[2001:db8::1]:65535" },
    { "::ffff:127.0.0.1", 1, "[::ffff:127.0.0.1]:1" },
    { "fe80::1%1", 80, "[fe80::1%lo]:80" },
    { "[fe80::1%lo]", 80, "[fe80::1%lo]:80" },
    { "fe80::1%4294967295", 80, "[fe80::1%4294967295]:80" },
    { "fe80::ffff:ffff:ffff:ffff%4294967295", 65535,
      "[fe80::ffff:ffff:ffff:ffff%4294967295]:65535" },
    { "127.0.0.1", 65536, NULL },
    { "127.1", 80, NULL },
    { "0x7f.0.0.1", 80, NULL },
    { "127.0.0.1.", 80, NULL },
    { "127.0.0.256", 80, NULL },
    { " 127.0.0.1", 80, NULL },
    { "[127.0.0.1]", 80, NULL },
    { "[::1", 80, NULL },
    { "::1]", 80, NULL },
    { "[", 80, NULL },
    { "[]", 80, NULL },
    { "", 80, NULL },
    { "::1::", 80, NULL },
    { "fe80::1%nosuchinterface", 80, NULL },
    { "fe80::1%", 80, NULL },
    { "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee:ffff", 80, NULL },
    { "a.test", 80, NULL },
};

START_TEST(a_literal_is_read_and_written)
{
    union tw_socket_address address;
    char text[80];
    int r = tw_address_parse(literals[_i].literal, literals[_i].port, &address);

    if (literals[_i].text == NULL) {
        ck_assert_msg(r == -EINVAL, "%s", literals[_i].literal);
        return;
    }
    ck_assert_msg(r == 0, "%s", literals[_i].literal);
    ck_assert_int_eq(tw_address_format(&address, text, sizeof text),
                     (int)strlen(literals[_i].text));
    ck_assert_str_eq(text, literals[_i].text);
}
END_TEST

START_TEST(formatting_is_bounded)
{
    union tw_socket_address address;
    char text[6];

    ck_assert_int_eq(tw_address_parse("127.0.0.1", 80, &address), 0);
    ck_assert_int_eq(tw_address_format(&address, text, sizeof text), 12);
    ck_assert_str_eq(text, "127.0");
    address.any.sa_family = AF_UNSPEC;
    ck_assert_int_eq(tw_address_format(&address, text, sizeof text), 7);
}
END_TEST

START_TEST(an_address_travels_as_a_value)
{
    union tw_socket_address address;
    tw_value value, other = tw_integer(1);
    char text[40];

    tw_address_parse("::1", 80, &address);
    value = twi_address_value(&address);
    ck_assert(twi_address_same(tw_address_of(value), &address));
    tw_release(tw_retain(value));
    tw_value_format(value, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "[::1]:80"));
    ck_assert_ptr_null(tw_address_of(other));
    tw_release(value);
}
END_TEST

/* --- order --------------------------------------------------------------------------------- */

/* A host with one global address of each family and a link-local one. */
static bool dual_source(const union tw_socket_address *address,
                        union tw_socket_address *source)
{
    if (address->any.sa_family == AF_INET)
        return tw_address_parse("198.51.100.1", 0, source) == 0;
    if (address->ipv6.sin6_addr.s6_addr[0] == 0xfe)
        return tw_address_parse("fe80::1", 0, source) == 0;
    return tw_address_parse("2001:db8::1", 0, source) == 0;
}

static bool ipv4_source(const union tw_socket_address *address,
                        union tw_socket_address *source)
{
    return address->any.sa_family == AF_INET && dual_source(address, source);
}

static bool tunnel_source(const union tw_socket_address *address,
                          union tw_socket_address *source)
{
    if (address->any.sa_family == AF_INET)
        return dual_source(address, source);
    return tw_address_parse("2002:c633:6401::1", 0, source) == 0;
}

static const struct {
    const char *when;
    twi_source_fn *source;
    const char *given, *sorted;
} orders[] = {
    { "IPv6 is preferred", dual_source, "192.0.2.1 2001:db8::2", "2001:db8::2 192.0.2.1" },
    { "without IPv6 it comes last", ipv4_source, "2001:db8::2 192.0.2.1",
      "192.0.2.1 2001:db8::2" },
    { "the server's order is kept", dual_source, "192.0.2.9 192.0.2.1 192.0.2.5",
      "192.0.2.9 192.0.2.1 192.0.2.5" },
    { "another label (6to4 source) comes after IPv4", tunnel_source, "2001:db8::2 192.0.2.1",
      "192.0.2.1 2001:db8::2" },
    { "the smaller scope comes first", dual_source, "2001:db8::2 fe80::5",
      "fe80::5 2001:db8::2" },
    { "unique local addresses are of another label", dual_source, "fd00::1 2001:db8::2",
      "2001:db8::2 fd00::1" },
};

static size_t parse_list(const char *text, union tw_socket_address *list)
{
    char copy[400], *rest = copy, *one;
    size_t count = 0;

    snprintf(copy, sizeof copy, "%s", text);
    while ((one = strsep(&rest, " ")) != NULL)
        ck_assert_int_eq(tw_address_parse(one, 0, &list[count++]), 0);
    return count;
}

static void check_list(const union tw_socket_address *list, size_t count, const char *expected,
                       const char *when)
{
    union tw_socket_address wanted[TWI_ADDRESSES_MAX];
    size_t length = parse_list(expected, wanted);

    ck_assert_msg(length == count, "%s", when);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(twi_address_same(&list[i], &wanted[i]), "%s: number %zu", when, i);
}

START_TEST(addresses_are_ordered_by_rfc_6724)
{
    union tw_socket_address list[TWI_ADDRESSES_MAX];
    size_t count = parse_list(orders[_i].given, list);

    twi_addresses_sort(list, count, orders[_i].source);
    check_list(list, count, orders[_i].sorted, orders[_i].when);
}
END_TEST

static const struct {
    const char *when, *given, *mixed;
} mixes[] = {
    { "alternating", "::1 ::2 ::3 192.0.2.1 192.0.2.2", "::1 192.0.2.1 ::2 192.0.2.2 ::3" },
    { "one family", "::1 ::2 ::3", "::1 ::2 ::3" },
    { "the first family first", "192.0.2.1 192.0.2.2 ::1", "192.0.2.1 ::1 192.0.2.2" },
    { "mixed already", "::1 192.0.2.1 ::2", "::1 192.0.2.1 ::2" },
    { "one", "::1", "::1" },
};

START_TEST(families_are_interleaved_by_rfc_8305)
{
    union tw_socket_address list[TWI_ADDRESSES_MAX];
    size_t count = parse_list(mixes[_i].given, list);

    twi_addresses_interleave(list, count);
    check_list(list, count, mixes[_i].mixed, mixes[_i].when);
}
END_TEST

START_TEST(the_system_tells_the_source_of_loopback)
{
    union tw_socket_address address, source;

    tw_address_parse("127.0.0.1", 80, &address);
    ck_assert(twi_address_source(&address, &source));
    ck_assert_int_eq(source.any.sa_family, AF_INET);
    ck_assert_uint_eq(source.ipv4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
}
END_TEST

/* --- names --------------------------------------------------------------------------------- */

#define LABEL_63 "a23456789012345678901234567890123456789012345678901234567890123"

static const struct {
    const char *name, *ascii; /* NULL: refused */
} names[] = {
    { "a.test", "a.test" },
    { "A.Test.", "a.test" },
    { "x_y-z.test", "x_y-z.test" },
    { "b\xc3\xbc"
      "cher.test",
      "xn--bcher-kva.test" },
    { "fa\xc3\x9f.test", "xn--fa-hia.test" },
    { LABEL_63 ".test", LABEL_63 ".test" },
    { LABEL_63 "x.test", NULL },
    { LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63, NULL },
    { "", NULL },
    { ".", NULL },
    { "a..test", NULL },
    { ".test", NULL },
    { "a test", NULL },
    { "a/test", NULL },
    { "a@test", NULL },
    { "a\ntest", NULL },
    { "\xff\xfe.test", NULL },
};

START_TEST(a_name_is_checked_and_made_ascii)
{
    char text[TWI_NAME_SIZE];
    int r = twi_name_to_ascii(names[_i].name, text);

    ck_assert_msg(r == (names[_i].ascii != NULL ? 0 : -EINVAL), "%s", names[_i].name);
    if (r == 0)
        ck_assert_str_eq(text, names[_i].ascii);
}
END_TEST

/* --- /etc/hosts ---------------------------------------------------------------------------- */

static char hosts_path[64];

/* In the place of the C library's, since a test has no interface with capitals in its name. */
unsigned if_nametoindex(const char *name)
{
    return strcmp(name, "lo") == 0 ? 1 : strcmp(name, "WlanX") == 0 ? 77 : 0;
}

/* A \1 becomes a NUL. */
static void write_hosts(const char *text)
{
    FILE *file;

    if (hosts_path[0] == '\0') {
        snprintf(hosts_path, sizeof hosts_path, "/tmp/tweed-hosts-XXXXXX");
        close(mkstemp(hosts_path));
    }
    file = fopen(hosts_path, "w");
    ck_assert_ptr_nonnull(file);
    for (; *text != '\0'; text++)
        putc(*text == '\1' ? '\0' : *text, file);
    fclose(file);
}

static const struct {
    const char *name, *addresses;
} hosts_rows[] = {
    { "one.test", "192.0.2.1" },
    { "alias.test", "192.0.2.1" },
    { "upper.test", "192.0.2.2" },
    { "both.test", "192.0.2.3 2001:db8::3" },
    { "last.test", "192.0.2.9" },
    { "tabs.test", "192.0.2.4" },
    { "comment.test", "" },
    { "behind.test", "" },
    { "test", "" },
    { "one.tes", "" },
    { "ne.test", "" },
    { "192.0.2.1", "" },
    { "broken.test", "" },
    { "zone.test", "fe80::1%lo" },
    { "mixed.test", "fe80::2%WlanX" },
    { "nozone.test", "" },
    { "nul.test", "192.0.2.6" },
};

START_TEST(hosts_are_found_in_the_file)
{
    struct twi_hosts hosts = { 0 };
    union tw_socket_address list[TWI_ADDRESSES_MAX];
    size_t count;

    write_hosts(
        "# a comment with comment.test\n"
        "192.0.2.1 one.test alias.test # 192.0.2.7 behind.test\n"
        "192.0.2.2 UPPER.test\r\n"
        "192.0.2.3 both.test\n2001:db8::3 both.test\n192.0.2.3 both.test\n"
        "\t192.0.2.4\t\ttabs.test\n"
        "not-an-address broken.test\n"
        "fe80::1%lo Zone.Test\nFE80::2%WlanX MIXED.test\nfe80::3%nowhere0 nozone.test\n"
        "192.0.2.6 before.test\1nul.test\n"
        "192.0.2.9 last.test");
    count = twi_hosts_find(&hosts, hosts_path, 1, hosts_rows[_i].name, list);
    if (hosts_rows[_i].addresses[0] == '\0')
        ck_assert_uint_eq(count, 0);
    else
        check_list(list, count, hosts_rows[_i].addresses, hosts_rows[_i].name);
    twi_hosts_free(&hosts);
    unlink(hosts_path);
}
END_TEST

START_TEST(a_changed_file_is_read_again)
{
    struct twi_hosts hosts = { 0 };
    union tw_socket_address list[TWI_ADDRESSES_MAX];

    write_hosts("192.0.2.1 a.test\n");
    ck_assert_uint_eq(twi_hosts_find(&hosts, hosts_path, TWI_SECOND, "a.test", list), 1);
    write_hosts("192.0.2.1 a.test\n192.0.2.2 a.test\n");
    ck_assert_uint_eq(twi_hosts_find(&hosts, hosts_path, TWI_SECOND + 1, "a.test", list), 1);
    ck_assert_uint_eq(twi_hosts_find(&hosts, hosts_path, 3 * TWI_SECOND, "a.test", list), 2);
    unlink(hosts_path);
    ck_assert_uint_eq(twi_hosts_find(&hosts, hosts_path, 5 * TWI_SECOND, "a.test", list), 0);
    twi_hosts_free(&hosts);
}
END_TEST

START_TEST(a_name_has_at_most_64_addresses)
{
    struct twi_hosts hosts = { 0 };
    union tw_socket_address list[TWI_ADDRESSES_MAX];
    char text[8192] = "";
    size_t length = 0;

    for (int i = 0; i < 200; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "10.0.0.%d a.test\n",
                                   i);
    write_hosts(text);
    ck_assert_uint_eq(twi_hosts_find(&hosts, hosts_path, 1, "a.test", list), 64);
    twi_hosts_free(&hosts);
    unlink(hosts_path);
}
END_TEST

/* --- answers ------------------------------------------------------------------------------- */

START_TEST(answers_are_kept_for_their_time_and_bounded)
{
    struct twi_answers answers;
    union tw_socket_address address;
    char name[32];

    twi_answers_init(&answers);
    tw_address_parse("192.0.2.1", 0, &address);
    for (int i = 0; i < 1100; i++) {
        snprintf(name, sizeof name, "n%d.test", i);
        twi_answers_keep(&answers, name, &address, 1, tw_none(), 1000);
        twi_answers_keep(&answers, name, &address, 1, tw_none(), 2000);
        ck_assert_ptr_nonnull(twi_answers_find(&answers, "n0.test", 10));
    }
    ck_assert_uint_eq(answers.by_name.count, 1024);
    ck_assert_ptr_null(twi_answers_find(&answers, "n1.test", 10));
    ck_assert_uint_eq(twi_answers_find(&answers, "n1099.test", 1999)->count, 1);
    ck_assert_ptr_null(twi_answers_find(&answers, "n1099.test", 2000));
    ck_assert_uint_eq(answers.by_name.count, 1023);
    twi_answers_free(&answers);
}
END_TEST

START_TEST(an_answer_that_cannot_be_kept_is_not)
{
    struct twi_answers answers;

    twi_answers_init(&answers);
    for (uint64_t n = 1; n < 10; n++) {
        test_fail_alloc(n, false);
        twi_answers_keep(&answers, "a.test", NULL, 0, tw_none(), 1000);
        if (!test_alloc_failed())
            break;
        ck_assert_ptr_null(twi_answers_find(&answers, "a.test", 10));
    }
    test_fail_alloc(0, false);
    ck_assert_ptr_nonnull(twi_answers_find(&answers, "a.test", 10));
    twi_answers_free(&answers);
}
END_TEST

/* --- DNS messages -------------------------------------------------------------------------- */

#define HEADER(flags, code, questions, answers) \
    "\x12\x34" flags code "\0" questions "\0" answers "\0\0\0\0"
#define QUESTION "\1A\4test\0\0\1\0\1"
#define A_RECORD "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1"
#define ROW(bytes) bytes, sizeof(bytes) - 1

static const struct {
    const char *when, *bytes;
    size_t length;
    bool sound;
} messages[] = {
    { "an answer", ROW(HEADER("\x81", "\x80", "\1", "\1") QUESTION A_RECORD), true },
    { "no answer", ROW(HEADER("\x81", "\x83", "\1", "\0") QUESTION), true },
    { "no question", ROW(HEADER("\x81", "\x81", "\0", "\0")), false },
    { "truncated, records cut", ROW(HEADER("\x83", "\x80", "\1", "\1") QUESTION), true },
    { "an alias",
      ROW(HEADER("\x81", "\x80", "\1", "\1") QUESTION
          "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\4\1b\xc0\x0c"),
      true },
    { "short header", ROW("\x12\x34\x81\x80\0\1"), false },
    { "a query", ROW(HEADER("\x01", "\x00", "\1", "\0") QUESTION), false },
    { "two questions", ROW(HEADER("\x81", "\x80", "\2", "\0") QUESTION QUESTION), false },
    { "records missing", ROW(HEADER("\x81", "\x80", "\1", "\2") QUESTION A_RECORD), false },
    { "record cut",
      ROW(HEADER("\x81", "\x80", "\1", "\1") QUESTION "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f"),
      false },
    { "compression loop",
      ROW(HEADER("\x81", "\x80", "\1", "\1") QUESTION
          "\xc0\x18\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1"),
      false },
    { "pointer forward",
      ROW(HEADER("\x81", "\x80", "\1", "\1") QUESTION
          "\xc0\x20\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1"),
      false },
    { "pointer into the header",
      ROW(HEADER("\x81", "\x80", "\1", "\1") QUESTION
          "\xc0\x04\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1"),
      false },
    { "pointer cut", ROW(HEADER("\x81", "\x80", "\1", "\1") QUESTION "\xc0"), false },
    { "label over 63", ROW(HEADER("\x81", "\x80", "\1", "\0") "\x40" LABEL_63 "x\0\0\1\0\1"),
      false },
    { "name over 255",
      ROW(HEADER("\x81", "\x80", "\1", "\0") "\x3f" LABEL_63 "\x3f" LABEL_63 "\x3f" LABEL_63
                                             "\x3f" LABEL_63 "\0\0\1\0\1"),
      false },
    { "name without end", ROW(HEADER("\x81", "\x80", "\1", "\0") "\1A\4test"), false },
    { "question cut", ROW(HEADER("\x81", "\x80", "\1", "\0") "\1A\0\0\1"), false },
    { "alias beyond its record",
      ROW(HEADER("\x81", "\x80", "\1", "\1") QUESTION
          "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\2\1b\xc0\x0c"),
      false },
};

START_TEST(only_sound_messages_pass)
{
    struct twi_dns_verdict verdict;
    char *copy = malloc(messages[_i].length);

    memcpy(copy, messages[_i].bytes, messages[_i].length);
    ck_assert_msg(twi_dns_message_check(copy, messages[_i].length, &verdict) ==
                      messages[_i].sound,
                  "%s", messages[_i].when);
    if (messages[_i].sound && verdict.name[0] != '\0')
        ck_assert_str_eq(verdict.name, "a.test");
    free(copy);
}
END_TEST

START_TEST(every_cut_of_a_message_is_survived)
{
    static const char bytes[] = HEADER("\x81", "\x80", "\1", "\1") QUESTION A_RECORD;
    struct twi_dns_verdict verdict;

    for (size_t length = 0; length < sizeof bytes - 1; length++) {
        char *copy = malloc(length + 1);
        memcpy(copy, bytes, length);
        ck_assert(!twi_dns_message_check(copy, length, &verdict));
        free(copy);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("address");

    TEST_ADD_ROWS(suite, a_literal_is_read_and_written, literals);
    TEST_ADD(suite, formatting_is_bounded);
    TEST_ADD(suite, an_address_travels_as_a_value);
    TEST_ADD_ROWS(suite, addresses_are_ordered_by_rfc_6724, orders);
    TEST_ADD_ROWS(suite, families_are_interleaved_by_rfc_8305, mixes);
    TEST_ADD(suite, the_system_tells_the_source_of_loopback);
    TEST_ADD_ROWS(suite, a_name_is_checked_and_made_ascii, names);
    TEST_ADD_ROWS(suite, hosts_are_found_in_the_file, hosts_rows);
    TEST_ADD(suite, a_changed_file_is_read_again);
    TEST_ADD(suite, a_name_has_at_most_64_addresses);
    TEST_ADD(suite, answers_are_kept_for_their_time_and_bounded);
    TEST_ADD(suite, an_answer_that_cannot_be_kept_is_not);
    TEST_ADD_ROWS(suite, only_sound_messages_pass, messages);
    TEST_ADD(suite, every_cut_of_a_message_is_survived);
    return test_run(suite);
}
