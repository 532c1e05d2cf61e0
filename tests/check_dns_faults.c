/* SPDX-License-Identifier: MIT */
/*
 * check_dns_faults.c - DNS servers that break connections, answer rubbish, or lie.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <tweed/reactor.h>
#include <tweed/resolver.h>
#include <unistd.h>

#include "tests/dns_server.h"
#include "tests/test.h"

#define TRIES 3 /* of each family */

/* --- what servers do ----------------------------------------------------------------------- */

typedef void build_fn(struct message *answer, const struct message *question);

static build_fn *build; /* the row's answer */

/* Of the name that was asked for in its family: right. */
static void put_address(struct message *answer)
{
    if (server.type == TYPE_A)
        put_ipv4(answer, 60, "192.0.2.1");
}

static void right(struct message *answer, const struct message *question)
{
    message_begin(answer, question, 0);
    put_address(answer);
}

static void without_question(struct message *answer, const struct message *question)
{
    message_begin(answer, question, 0);
    answer->length = 12;
    answer->bytes[5] = 0;
}

static void with_two_questions(struct message *answer, const struct message *question)
{
    right(answer, question);
    answer->bytes[5] = 2;
}

static void with_records_missing(struct message *answer, const struct message *question)
{
    right(answer, question);
    answer->bytes[7] = 9;
}

static void with_a_loop(struct message *answer, const struct message *question)
{
    static const char rest[] = "\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1";

    message_begin(answer, question, 0);
    put16(answer, (unsigned)(0xc000 | answer->length));
    put(answer, rest, sizeof rest - 1);
    answer->bytes[7] = 1;
}

static void with_a_long_name(struct message *answer, const struct message *question)
{
    message_begin(answer, question, 0);
    memset(answer->bytes + answer->length, 63, 400);
    answer->length += 400;
    answer->bytes[7] = 1;
}

/* A record of `owner`, as on the wire. */
static void put_owned(struct message *answer, const char *owner, unsigned type,
                      const void *data, size_t length)
{
    static const uint8_t class_and_ttl[] = { 0, 1, 0, 0, 0, 60 };

    put(answer, owner, strlen(owner) + 1);
    put16(answer, type);
    put(answer, class_and_ttl, sizeof class_and_ttl);
    put16(answer, (unsigned)length);
    put(answer, data, length);
    answer->bytes[7]++;
}

static void with_anothers_address(struct message *answer, const struct message *question)
{
    message_begin(answer, question, 0);
    put_owned(answer, "\5other\4test", server.type, "\xc0\0\2\x63\0\0\0\0\0\0\0\0\0\0\0",
              server.type == TYPE_A ? 4 : 16);
}

/* The name is an alias of aa.test, that of ab.test ... */
static void put_aliases(struct message *answer, int count)
{
    char from[] = "\2aa\4test", to[] = "\2aa\4test";

    put_record(answer, TYPE_CNAME, 60, to, sizeof to);
    for (int i = 1; i < count; i++) {
        from[2] = (char)('a' + i - 1);
        to[2] = (char)('a' + i);
        put_owned(answer, from, TYPE_CNAME, to, sizeof to);
    }
    if (server.type == TYPE_A)
        put_owned(answer, to, TYPE_A, "\xc0\0\2\1", 4);
}

static void by_three_aliases(struct message *answer, const struct message *question)
{
    message_begin(answer, question, 0);
    put_aliases(answer, 3);
}

static void by_sixteen_aliases(struct message *answer, const struct message *question)
{
    message_begin(answer, question, 0);
    put_aliases(answer, 16);
}

static void by_seventeen_aliases(struct message *answer, const struct message *question)
{
    message_begin(answer, question, 0);
    put_aliases(answer, 17);
}

static void by_a_circle_of_aliases(struct message *answer, const struct message *question)
{
    message_begin(answer, question, 0);
    put_aliases(answer, 3);
    put_owned(answer, "\2ac\4test", TYPE_CNAME, "\2aa\4test", 9);
}

static void answer_row(const struct message *question, const struct sockaddr_in *to)
{
    struct message answer;

    build(&answer, question);
    send_to(&answer, to);
}

static void truncate_all(const struct message *question, const struct sockaddr_in *to)
{
    struct message answer;

    message_begin(&answer, question, 0);
    answer.bytes[2] |= 0x02;
    send_to(&answer, to);
}

static void begin(void (*answer)(const struct message *, const struct sockaddr_in *),
                  void (*answer_stream)(const struct message *, int))
{
    server.answer = answer;
    server.answer_stream = answer_stream;
    server_start();
}

/* --- asking -------------------------------------------------------------------------------- */

static double now(void)
{
    return tw_clock_seconds(tw_reactor_clock());
}

static void expect_address(tw_deferred *resolving, const char *expected)
{
    tw_value result = tw_block_on(resolving);
    char text[80] = "";

    ck_assert_msg(!tw_is_failure(result), "%s", tw_failure_message(result));
    ck_assert_uint_eq(tw_list_length(result), 1);
    tw_address_format(tw_address_of(tw_list_at(result, 0)), text, sizeof text);
    ck_assert_str_eq(text, expected);
    tw_release(result);
}

static void expect_failure(tw_deferred *resolving, const char *part)
{
    tw_value result = tw_block_on(resolving);

    ck_assert(tw_failure_is(result, &tw_error_dns));
    ck_assert_int_eq(tw_failure_number(result), EAI_AGAIN);
    ck_assert_msg(strstr(tw_failure_message(result), part) != NULL, "%s",
                  tw_failure_message(result));
    tw_release(result);
}

/* --- by UDP -------------------------------------------------------------------------------- */

static build_fn *const unusable[] = {
    without_question, with_two_questions,    with_records_missing, with_a_loop,
    with_a_long_name, with_anothers_address, by_seventeen_aliases, by_a_circle_of_aliases,
};

START_TEST(an_answer_that_cannot_be_used_is_not_waited_behind)
{
    double before;

    build = unusable[_i];
    begin(answer_row, NULL);
    before = now();
    expect_failure(tw_resolve("one.test", 80), "the name server's answer cannot be used");
    ck_assert(now() - before < 5); /* without an answer it takes 14 s */
    ck_assert_uint_eq(server.asked[0], TRIES);
    ck_assert_uint_eq(server.asked[1], TRIES);
    server_stop();
}
END_TEST

static build_fn *const aliases[] = { by_three_aliases, by_sixteen_aliases };

START_TEST(aliases_are_followed)
{
    build = aliases[_i];
    begin(answer_row, NULL);
    expect_address(tw_resolve("one.test", 80), "192.0.2.1:80");
    server_stop();
}
END_TEST

static int other; /* the second server */

static void serve_well(int fd, void *arg)
{
    static struct message question, answer;
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    ssize_t n = recvfrom(fd, question.bytes, sizeof question.bytes, MSG_DONTWAIT,
                         (struct sockaddr *)&from, &size);

    (void)arg;
    if (n <= 0)
        return;
    question.length = (size_t)n;
    message_begin(&answer, &question, 0);
    if (question.bytes[n - 3] == TYPE_A)
        put_ipv4(&answer, 60, "192.0.2.2");
    sendto(fd, answer.bytes, answer.length, 0, (struct sockaddr *)&from, sizeof from);
}

START_TEST(the_next_server_is_asked)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    char text[64];

    build = unusable[_i];
    begin(answer_row, NULL);
    other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(other, (struct sockaddr *)&address, sizeof address), 0);
    getsockname(other, (struct sockaddr *)&address, &size);
    tw_reactor_add_reader(other, serve_well, NULL);
    snprintf(text, sizeof text, "127.0.0.1:%u,127.0.0.1:%u", server.port,
             ntohs(address.sin_port));
    ck_assert_int_eq(tw_resolver_set_servers(text), 0);
    expect_address(tw_resolve("one.test", 80), "192.0.2.2:80");
    tw_reactor_remove_reader(other);
    close(other);
    server_stop();
}
END_TEST

/* --- by TCP -------------------------------------------------------------------------------- */

static void hang_up(int fd)
{
    tw_reactor_remove_reader(fd);
    close(fd);
}

static void reset(const struct message *question, int fd)
{
    struct linger linger = { .l_onoff = 1, .l_linger = 0 };

    (void)question;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    hang_up(fd);
}

static void answer_half(const struct message *question, int fd)
{
    static struct message answer;

    right(&answer, question);
    answer.bytes[answer.length] = 0;
    send(fd, "\0\x40", 2, MSG_NOSIGNAL);
    send(fd, answer.bytes, answer.length, MSG_NOSIGNAL);
    hang_up(fd);
}

static void answer_nothing(const struct message *question, int fd)
{
    (void)question;
    send(fd, "\0\0", 2, MSG_NOSIGNAL);
}

static void answer_row_stream(const struct message *question, int fd)
{
    static struct message answer;

    build(&answer, question);
    send_stream(&answer, fd);
}

static void answer_another_id(const struct message *question, int fd)
{
    static struct message answer;

    right(&answer, question);
    answer.bytes[1] ^= 1;
    send_stream(&answer, fd);
}

static void answer_another_question(const struct message *question, int fd)
{
    static struct message answer;

    right(&answer, question);
    answer.bytes[13] ^= 1;
    send_stream(&answer, fd);
}

static void answer_truncated(const struct message *question, int fd)
{
    static struct message answer;

    right(&answer, question);
    answer.bytes[2] |= 0x02;
    send_stream(&answer, fd);
}

static void answer_in_pieces(const struct message *question, int fd)
{
    static struct message answer;
    uint8_t first[2] = { 0, 0 };

    right(&answer, question);
    first[1] = (uint8_t)answer.length;
    send(fd, first, 1, MSG_NOSIGNAL);
    send(fd, first + 1, 1, MSG_NOSIGNAL);
    for (size_t i = 0; i < answer.length; i++)
        send(fd, answer.bytes + i, 1, MSG_NOSIGNAL);
}

static const struct {
    void (*answer)(const struct message *question, int fd);
    build_fn *build;
    const char *failure;
} streams[] = {
    { reset, NULL, "name server" },
    { answer_half, NULL, "name server" },
    { answer_nothing, NULL, "name server" },
    { answer_another_id, NULL, "name server" },
    { answer_another_question, NULL, "cannot be used" },
    { answer_truncated, NULL, "cannot be used" },
    { answer_row_stream, without_question, "cannot be used" },
    { answer_row_stream, with_a_loop, "cannot be used" },
    { answer_row_stream, with_anothers_address, "cannot be used" },
    { answer_row_stream, by_three_aliases, NULL },
    { answer_in_pieces, NULL, NULL },
};

START_TEST(a_bad_answer_by_tcp_is_not_waited_behind)
{
    double before;

    build = streams[_i].build;
    begin(truncate_all, streams[_i].answer);
    before = now();
    if (streams[_i].failure != NULL)
        expect_failure(tw_resolve("one.test", 80), streams[_i].failure);
    else
        expect_address(tw_resolve("one.test", 80), "192.0.2.1:80");
    ck_assert(now() - before < 5);
    ck_assert_uint_ge(server.connections, 2); /* each family has its own */
    server_stop();
}
END_TEST

/* --- one question's trouble is not another's ----------------------------------------------- */

static struct late {
    struct message question;
    struct sockaddr_in to;
} late[2 * TRIES];
static size_t late_count;

static void answer_late(void *arg)
{
    const struct late *answered = arg;
    static struct message answer;

    message_begin(&answer, &answered->question, 0);
    if (answered->question.bytes[answered->question.length - 3] == TYPE_A)
        put_ipv4(&answer, 60, "192.0.2.1");
    send_to(&answer, &answered->to);
}

/* "slow.test" is answered after a while; all else is truncated. */
static void answer_slowly(const struct message *question, const struct sockaddr_in *to)
{
    if (!name_is("slow.test")) {
        truncate_all(question, to);
        return;
    }
    ck_assert_uint_lt(late_count, 2 * TRIES);
    late[late_count].question = *question;
    late[late_count].to = *to;
    tw_call_later(0.3, answer_late, &late[late_count++]);
}

START_TEST(a_reset_connection_fails_only_what_needed_it)
{
    tw_deferred *slow;

    begin(answer_slowly, reset);
    late_count = 0;
    slow = tw_resolve("slow.test", 80);
    tw_reactor_iterate(0);
    expect_failure(tw_resolve("cut.test", 80), "no name server could be reached");
    ck_assert_uint_gt(server.connections, 0);
    expect_address(slow, "192.0.2.1:80");
    ck_assert_uint_eq(late_count, 2); /* it was not asked again */
    server_stop();
}
END_TEST

static void stay_silent(const struct message *question, int fd)
{
    (void)question, (void)fd;
}

static void nothing_happens(void)
{
    for (int i = 0; i < 5; i++)
        tw_reactor_iterate(0.01);
}

/* A lookup that waits for an answer by TCP. */
static tw_deferred *resolve_silently(void)
{
    tw_deferred *resolving;

    begin(truncate_all, stay_silent);
    resolving = tw_resolve("one.test", 80);
    while (server.connections < 2)
        tw_reactor_iterate(0.01);
    return resolving;
}

START_TEST(a_lookup_by_tcp_can_be_cancelled)
{
    tw_deferred *resolving = resolve_silently();

    nothing_happens();
    ck_assert_int_eq(tw_cancel(resolving), 0);
    ck_assert(tw_failure_is(tw_deferred_result(resolving), &tw_error_cancelled));
    tw_deferred_mark_handled(resolving);
    tw_deferred_unref(resolving);
    ck_assert_uint_eq(tw_clock_pending(tw_reactor_clock()), 0);
    server_stop();
}
END_TEST

START_TEST(a_lookup_by_tcp_ends_with_the_reactor)
{
    tw_deferred *resolving = resolve_silently();

    server_stop();
    ck_assert(tw_failure_is(tw_deferred_result(resolving), &tw_error_abandoned));
    tw_deferred_mark_handled(resolving);
    tw_deferred_unref(resolving);
}
END_TEST

START_TEST(other_servers_are_asked_what_was_asked_by_tcp)
{
    tw_deferred *resolving = resolve_silently();
    char text[64];

    build = right;
    server.answer = answer_row;
    snprintf(text, sizeof text, "127.0.0.1:%u", server.port);
    ck_assert_int_eq(tw_resolver_set_servers(text), 0);
    expect_address(resolving, "192.0.2.1:80");
    server_stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("DNS faults");

    TEST_ADD_ROWS(suite, an_answer_that_cannot_be_used_is_not_waited_behind, unusable);
    TEST_ADD_ROWS(suite, aliases_are_followed, aliases);
    TEST_ADD_ROWS(suite, the_next_server_is_asked, unusable);
    TEST_ADD_ROWS(suite, a_bad_answer_by_tcp_is_not_waited_behind, streams);
    TEST_ADD(suite, a_reset_connection_fails_only_what_needed_it);
    TEST_ADD(suite, a_lookup_by_tcp_can_be_cancelled);
    TEST_ADD(suite, a_lookup_by_tcp_ends_with_the_reactor);
    TEST_ADD(suite, other_servers_are_asked_what_was_asked_by_tcp);
    return test_run(suite);
}
