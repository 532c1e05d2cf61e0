/* SPDX-License-Identifier: MIT */
/*
 * check_resolver.c - names to addresses, against a small DNS server on loopback in this process.
 */
#include "config.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <tweed/reactor.h>
#include <tweed/resolver.h>
#include <unistd.h>

#include "net/dns/resolver.h"
#include "tests/dns_server.h"
#include "tests/test.h"

/* --- the server ---------------------------------------------------------------------------- */

/* "b.test" is the name's true name; `literal` its address. */
static void put_alias(struct message *answer, const char *literal)
{
    unsigned at = (unsigned)answer->length + 12;

    put_record(answer, TYPE_CNAME, 60, "\1b\4test", 8);
    if (literal == NULL)
        return;
    put_ipv4(answer, 60, literal);
    answer->bytes[at + 8] = (uint8_t)(0xc0 | at >> 8);
    answer->bytes[at + 9] = (uint8_t)at;
}

/* Send an answer as an attacker would who has not seen the question. */
static void send_forged(const struct message *question, const struct sockaddr_in *to)
{
    struct message answer;

    message_begin(&answer, question, 0);
    put_ipv4(&answer, 60, "192.0.2.66");
    answer.bytes[0] ^= 0xff; /* another id */
    send_to(&answer, to);
    answer.length = 20; /* and not even whole */
    send_to(&answer, to);
    message_begin(&answer, question, 3);
    answer.bytes[13] ^= 0x01; /* another question */
    send_to(&answer, to);
    answer.bytes[7] = 9; /* with records that are not there */
    send_to(&answer, to);
    message_begin(&answer, question, 3);
    answer.bytes[2] &= 0x7f; /* a question */
    send_to(&answer, to);
    answer.length = 5;
    send_to(&answer, to);
}

static void answer_question(const struct message *question, const struct sockaddr_in *to)
{
    struct message answer;
    char literal[32];
    bool ipv4 = server.type == TYPE_A;

    message_begin(&answer, question, 0);
    if (name_is("silent.test") || (name_is("slow6.test") && !ipv4))
        return;
    if (name_is("nothing.test"))
        message_begin(&answer, question, 3);
    else if (name_is("broken.test"))
        message_begin(&answer, question, 2);
    else if (name_is("refused.test"))
        message_begin(&answer, question, 5);
    else if (name_is("half.test") && !ipv4)
        message_begin(&answer, question, 2);
    else if (name_is("empty.test"))
        answer.bytes[7] = 0;
    else if (name_is("alias.test")) {
        put_alias(&answer, ipv4 ? "192.0.2.8" : NULL);
    } else if (name_is("many.test")) {
        for (int i = 0; i < 1000 && ipv4; i++) {
            snprintf(literal, sizeof literal, "10.0.%d.%d", i / 250, i % 250 + 1);
            put_ipv4(&answer, 60, literal);
        }
        if (answer.length > 512) {
            message_begin(&answer, question, 0);
            answer.bytes[2] |= 0x02; /* ask by TCP */
        }
    } else if (name_is("forged.test")) {
        send_forged(question, to);
        put_ipv4(&answer, 60, "192.0.2.1");
    } else if (name_is("both.test") && !ipv4)
        put_ipv6(&answer, 60, "2001:db8::1");
    else if (name_is("now.test") && ipv4)
        put_ipv4(&answer, 0, "192.0.2.1");
    else if (name_is("short.test") && ipv4)
        put_ipv4(&answer, 1, "192.0.2.1");
    else if (ipv4)
        put_ipv4(&answer, 60, "192.0.2.1");
    send_to(&answer, to);
}

/* A question by TCP is answered with a thousand addresses. */
static void answer_stream(const struct message *question, int fd)
{
    static struct message answer;
    char literal[32];

    message_begin(&answer, question, 0);
    for (int i = 0; i < 1000; i++) {
        snprintf(literal, sizeof literal, "10.0.%d.%d", i / 250, i % 250 + 1);
        put_ipv4(&answer, 60, literal);
    }
    send_stream(&answer, fd);
}

static void begin(void)
{
    server.answer = answer_question;
    server.answer_stream = answer_stream;
    server_start();
}

/* --- asking -------------------------------------------------------------------------------- */

static void check_addresses(tw_value list, const char *expected, const char *when)
{
    char text[600] = "", one[80];
    size_t length = 0;

    for (size_t i = 0; i < tw_list_length(list); i++) {
        const union tw_socket_address *address = tw_address_of(tw_list_at(list, i));

        ck_assert_ptr_nonnull(address);
        tw_address_format(address, one, sizeof one);
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s",
                                   i > 0 ? " " : "", one);
    }
    ck_assert_msg(strcmp(text, expected) == 0, "%s: %s", when, text);
}

static void expect(const char *name, const char *expected)
{
    tw_value result = tw_block_on(tw_resolve(name, 80));

    ck_assert_msg(!tw_is_failure(result), "%s: %s", name, tw_failure_message(result));
    check_addresses(result, expected, name);
    tw_release(result);
}

static void expect_failure(const char *name, const tw_error_class *error_class, int number,
                           const char *text)
{
    tw_value result = tw_block_on(tw_resolve(name, 80));

    ck_assert_msg(tw_failure_class(result) == error_class, "%s: %s", name,
                  tw_failure_message(result));
    ck_assert_msg(strstr(tw_failure_message(result), text) != NULL, "%s: %s", name,
                  tw_failure_message(result));
    ck_assert_int_eq(tw_failure_number(result), number);
    tw_release(result);
}

static const struct {
    const char *name, *addresses;
} found[] = {
    { "one.test", "192.0.2.1:80" },
    { "ONE.Test.", "192.0.2.1:80" },
    { "alias.test", "192.0.2.8:80" },
    { "half.test", "192.0.2.1:80" },
    { "slow6.test", "192.0.2.1:80" },
    { "forged.test", "192.0.2.1:80" },
    { "localhost", "[::1]:80 127.0.0.1:80" },
    { "x.localhost", "[::1]:80 127.0.0.1:80" },
    { "127.0.0.1", "127.0.0.1:80" },
    { "[::1]", "[::1]:80" },
    { "b\xc3\xbc"
      "cher.test",
      "192.0.2.1:80" },
};

START_TEST(a_name_has_addresses)
{
    begin();
    expect(found[_i].name, found[_i].addresses);
    server_stop();
}
END_TEST

START_TEST(both_families_are_asked_for)
{
    tw_value result;

    begin();
    result = tw_block_on(tw_resolve("both.test", 80));
    ck_assert_uint_eq(tw_list_length(result), 2);
    ck_assert_uint_eq(server.asked[0], 1);
    ck_assert_uint_eq(server.asked[1], 1);
    tw_release(result);
    server_stop();
}
END_TEST

static const struct {
    const char *name;
    const tw_error_class *error_class;
    int number;
    const char *text;
} not_found[] = {
    { "nothing.test", &tw_error_dns, EAI_NONAME, "no such name (NXDOMAIN)" },
    { "broken.test", &tw_error_dns, EAI_AGAIN, "SERVFAIL" },
    { "refused.test", &tw_error_dns, EAI_FAIL, "REFUSED" },
    { "empty.test", &tw_error_dns, EAI_NODATA, "has no address" },
    { "a test", &tw_error_url, 0, "not the name of a host" },
    { "", &tw_error_url, 0, "not the name of a host" },
    { "a..test", &tw_error_url, 0, "not the name of a host" },
};

START_TEST(a_name_without_addresses_says_why)
{
    begin();
    expect_failure(not_found[_i].name, not_found[_i].error_class, not_found[_i].number,
                   not_found[_i].text);
    server_stop();
}
END_TEST

/* --- what is kept, and shared -------------------------------------------------------------- */

START_TEST(answers_are_kept_for_their_time)
{
    begin();
    expect("one.test", "192.0.2.1:80");
    expect("one.test", "192.0.2.1:80");
    ck_assert_uint_eq(server.questions, 2);
    tw_resolver_flush();
    expect("one.test", "192.0.2.1:80");
    ck_assert_uint_eq(server.questions, 4);
    expect("now.test", "192.0.2.1:80");
    expect("now.test", "192.0.2.1:80");
    ck_assert_uint_eq(server.questions, 8);
    expect_failure("nothing.test", &tw_error_dns, EAI_NONAME, "NXDOMAIN");
    expect_failure("nothing.test", &tw_error_dns, EAI_NONAME, "NXDOMAIN");
    ck_assert_uint_eq(server.questions, 10);
    server_stop();
}
END_TEST

START_TEST(equal_questions_in_flight_are_asked_once)
{
    tw_deferred *deferreds[20];

    begin();
    for (int i = 0; i < 20; i++)
        deferreds[i] = tw_resolve("one.test", 80 + (unsigned)i);
    for (int i = 0; i < 20; i++) {
        tw_value result = tw_block_on(deferreds[i]);
        char expected[32];

        snprintf(expected, sizeof expected, "192.0.2.1:%d", 80 + i);
        check_addresses(result, expected, "in flight");
        tw_release(result);
    }
    ck_assert_uint_eq(server.questions, 2);
    server_stop();
}
END_TEST

START_TEST(an_answer_with_a_thousand_addresses_is_bounded)
{
    tw_value result;

    begin();
    result = tw_block_on(tw_resolve("many.test", 80));
    ck_assert_msg(!tw_is_failure(result), "%s", tw_failure_message(result));
    ck_assert_uint_gt(tw_list_length(result), 0);
    ck_assert_uint_le(tw_list_length(result), TWI_ADDRESSES_MAX);
    tw_release(result);
    server_stop();
}
END_TEST

/* --- cancel -------------------------------------------------------------------------------- */

static void nothing_happens(void)
{
    for (int i = 0; i < 5; i++)
        tw_reactor_iterate(0.01);
}

START_TEST(a_cancelled_lookup_leaves_nothing_behind)
{
    tw_deferred *deferred;
    size_t watched;
    tw_value result;

    begin();
    nothing_happens();
    watched = tw_clock_pending(tw_reactor_clock());
    deferred = tw_resolve("silent.test", 80);
    nothing_happens();
    ck_assert_uint_gt(tw_clock_pending(tw_reactor_clock()), watched);
    ck_assert_int_eq(tw_cancel(deferred), 0);
    ck_assert(tw_deferred_is_done(deferred));
    result = tw_deferred_take_result(deferred);
    ck_assert(tw_failure_is(result, &tw_error_cancelled));
    tw_release(result);
    tw_deferred_unref(deferred);
    ck_assert_uint_eq(tw_clock_pending(tw_reactor_clock()), watched);
    server_stop();
}
END_TEST

START_TEST(a_cancel_is_for_one_of_those_who_wait)
{
    tw_deferred *first, *second;
    tw_value result;

    begin();
    first = tw_resolve("one.test", 80);
    second = tw_resolve("one.test", 81);
    ck_assert_int_eq(tw_cancel(first), 0);
    tw_deferred_mark_handled(first);
    tw_deferred_unref(first);
    result = tw_block_on(second);
    check_addresses(result, "192.0.2.1:81", "the other");
    tw_release(result);
    server_stop();
}
END_TEST

START_TEST(the_end_of_the_reactor_ends_lookups)
{
    tw_deferred *deferred;
    tw_value result;

    begin();
    deferred = tw_resolve("silent.test", 80);
    nothing_happens();
    server_stop();
    ck_assert(tw_deferred_is_done(deferred));
    result = tw_deferred_take_result(deferred);
    ck_assert(tw_failure_is(result, &tw_error_abandoned));
    tw_release(result);
    tw_deferred_unref(deferred);
}
END_TEST

/* --- settings ------------------------------------------------------------------------------ */

START_TEST(overrides_go_first)
{
    begin();
    ck_assert_int_eq(tw_resolver_override("one.test", 80, "198.51.100.1"), 0);
    expect("one.test", "198.51.100.1:80");
    ck_assert_int_eq(tw_resolver_override("One.Test.", 0, "198.51.100.2,[2001:db8::9]"), 0);
    expect("one.test", "198.51.100.1:80");
    ck_assert_int_eq(tw_resolver_override("one.test", 80, NULL), 0);
    expect("one.test", "198.51.100.2:80 [2001:db8::9]:80");
    ck_assert_int_eq(tw_resolver_override("one.test", 0, "198.51.100.3"), 0);
    expect("one.test", "198.51.100.3:80");
    ck_assert_int_eq(tw_resolver_override("one.test", 0, NULL), 0);
    ck_assert_int_eq(tw_resolver_override("one.test", 0, NULL), 0);
    ck_assert_uint_eq(server.questions, 0);
    expect("one.test", "192.0.2.1:80");
    server_stop();
}
END_TEST

START_TEST(bad_settings_are_refused)
{
    begin();
    ck_assert_int_eq(tw_resolver_override("one.test", 0, "not an address"), -EINVAL);
    ck_assert_int_eq(tw_resolver_override("one.test", 0, "192.0.2.1,"), -EINVAL);
    ck_assert_int_eq(tw_resolver_override("one.test", 0, ""), -EINVAL);
    ck_assert_int_eq(tw_resolver_override("one test", 0, "192.0.2.1"), -EINVAL);
    ck_assert_int_eq(tw_resolver_override(NULL, 0, "192.0.2.1"), -EINVAL);
    ck_assert_int_eq(tw_resolver_override("one.test", 65536, "192.0.2.1"), -EINVAL);
    ck_assert_int_eq(tw_resolver_set_servers(""), -EINVAL);
    ck_assert_int_eq(tw_resolver_set_servers("not a server"), -EINVAL);
    expect("one.test", "192.0.2.1:80");
    server_stop();
}
END_TEST

START_TEST(other_servers_are_asked_again)
{
    tw_deferred *deferred;
    char text[64];
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    tw_value result;

    begin();
    getsockname(server.fd, (struct sockaddr *)&address, &size);
    snprintf(text, sizeof text, "127.0.0.1:%u", ntohs(address.sin_port));
    ck_assert_int_eq(tw_resolver_set_servers("127.0.0.1:1"), 0);
    deferred = tw_resolve("one.test", 80);
    ck_assert_int_eq(tw_resolver_set_servers(text), 0);
    result = tw_block_on(deferred);
    check_addresses(result, "192.0.2.1:80", "asked again");
    tw_release(result);
    server_stop();
}
END_TEST

START_TEST(servers_that_are_not_there_are_a_failure)
{
    begin();
    ck_assert_int_eq(tw_resolver_set_servers("127.0.0.1:1"), 0);
    expect_failure("one.test", &tw_error_dns, EAI_AGAIN, "name server");
    server_stop();
}
END_TEST

START_TEST(the_hosts_file_goes_before_the_servers)
{
    char path[] = "/tmp/tweed-hosts-XXXXXX";
    static const char text[] = "198.51.100.7 one.test\n2001:db8::7 one.test\n";
    int fd = mkstemp(path);

    ck_assert_int_eq(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    begin();
    twi_resolver_set_hosts(path);
    tw_release(tw_block_on(tw_resolve("one.test", 80)));
    ck_assert_uint_eq(server.questions, 0);
    server_stop();
    unlink(path);
}
END_TEST

/* --- no memory ----------------------------------------------------------------------------- */

static bool resolve_once(void *arg)
{
    tw_deferred *deferred = tw_resolve("one.test", 80);
    tw_value result;
    bool found_it;

    (void)arg;
    tw_resolver_flush();
    result = tw_block_on(deferred);
    found_it = !tw_is_failure(result);
    ck_assert(found_it || tw_failure_is(result, &tw_error_memory) ||
              tw_failure_is(result, &tw_error_dns) ||
              tw_failure_is(result, &tw_error_abandoned));
    tw_release(result);
    tw_resolver_flush();
    return found_it;
}

START_TEST(running_out_of_memory_is_survived)
{
    begin();
    ck_assert(resolve_once(NULL));
    for (uint64_t n = 1; n < 2000; n++) {
        test_fail_alloc(n, false);
        resolve_once(NULL);
        if (!test_alloc_failed())
            break;
    }
    test_fail_alloc(0, false);
    ck_assert(resolve_once(NULL));
    server_stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resolver");

    TEST_ADD_ROWS(suite, a_name_has_addresses, found);
    TEST_ADD(suite, both_families_are_asked_for);
    TEST_ADD_ROWS(suite, a_name_without_addresses_says_why, not_found);
    TEST_ADD(suite, answers_are_kept_for_their_time);
    TEST_ADD(suite, equal_questions_in_flight_are_asked_once);
    TEST_ADD(suite, an_answer_with_a_thousand_addresses_is_bounded);
    TEST_ADD(suite, a_cancelled_lookup_leaves_nothing_behind);
    TEST_ADD(suite, a_cancel_is_for_one_of_those_who_wait);
    TEST_ADD(suite, the_end_of_the_reactor_ends_lookups);
    TEST_ADD(suite, overrides_go_first);
    TEST_ADD(suite, bad_settings_are_refused);
    TEST_ADD(suite, other_servers_are_asked_again);
    TEST_ADD(suite, servers_that_are_not_there_are_a_failure);
    TEST_ADD(suite, the_hosts_file_goes_before_the_servers);
    TEST_ADD(suite, running_out_of_memory_is_survived);
    return test_run(suite);
}
