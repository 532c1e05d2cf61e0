/* SPDX-License-Identifier: MIT */
/*
 * check_name_service.c - names that DNS does not know, asked of a system that is made up here.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <tweed/reactor.h>
#include <tweed/resolver.h>
#include <unistd.h>

#include "base/clock.h"
#include "reactor/face.h"
#include "net/dns/name_service.h"
#include "net/dns/resolver.h"
#include "tests/test.h"
#include "tests/torture.h"

/* --- the system ---------------------------------------------------------------------------- */

static atomic_uint asked, begun;
static sem_t gate; /* what "gate..." waits for */

static int literal(const char *text, const struct addrinfo *hints, struct addrinfo **ret_list)
{
    struct addrinfo numeric = *hints;

    numeric.ai_flags |= AI_NUMERICHOST;
    return getaddrinfo(text, NULL, &numeric, ret_list);
}

/* On a thread. "fail-2" fails with EAI number -2. */
static int look_up(const char *name, const char *service, const struct addrinfo *hints,
                   struct addrinfo **ret_list)
{
    int r;

    atomic_fetch_add(&asked, 1);
    if (service != NULL || hints->ai_flags != 0 || hints->ai_family != AF_UNSPEC)
        return EAI_BADFLAGS;
    if (strncmp(name, "gate", 4) == 0) {
        atomic_fetch_add(&begun, 1);
        sem_wait(&gate);
    }
    errno = EMFILE;
    if (strncmp(name, "fail", 4) == 0)
        return atoi(name + 4);
    r = literal("192.0.2.9", hints, ret_list);
    if (r == 0 && strncmp(name, "both", 4) == 0)
        r = literal("2001:db8::9", hints, &(*ret_list)->ai_next);
    return r;
}

static char nsswitch[] = "/tmp/tweed-nsswitch-XXXXXX";
static char dns_server[64];
static struct twi_name_system made_up = { nsswitch, look_up, NULL };

static void nsswitch_write(const char *text)
{
    int fd;

    memcpy(nsswitch + sizeof nsswitch - 7, "XXXXXX", 6);
    fd = mkstemp(nsswitch);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* --- a name server that knows nothing ------------------------------------------------------ */

static struct {
    int fd;
    unsigned questions;
    double delay;
    uint8_t message[512];
    size_t length;
    struct sockaddr_in from;
} server;

static void answer_late(void *arg)
{
    (void)arg;
    sendto(server.fd, server.message, server.length, 0, (struct sockaddr *)&server.from,
           sizeof server.from);
}

/* "No such name", at once or (to the last question) after a while; "broken" is a failure. */
static void serve(int fd, void *arg)
{
    socklen_t size = sizeof server.from;
    ssize_t n = recvfrom(fd, server.message, sizeof server.message, 0,
                         (struct sockaddr *)&server.from, &size);

    (void)arg;
    if (n < 0 && errno != EINTR && errno != EAGAIN)
        tw_reactor_remove_reader(fd);
    if (n < 12)
        return;
    server.questions++;
    server.length = (size_t)n;
    server.message[2] |= 0x80;
    server.message[3] = memmem(server.message, server.length, "broken", 6) != NULL ? 2 : 3;
    if (server.delay > 0)
        tw_call_later(server.delay, answer_late, NULL);
    else
        answer_late(NULL);
}

static void begin(const char *sources, const char *servers)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;

    memset(&server, 0, sizeof server);
    atomic_store(&asked, 0);
    atomic_store(&begun, 0);
    sem_init(&gate, 0, 0);
    server.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(server.fd, (struct sockaddr *)&address, sizeof address), 0);
    getsockname(server.fd, (struct sockaddr *)&address, &size);
    snprintf(dns_server, sizeof dns_server, "127.0.0.1:%u", ntohs(address.sin_port));
    ck_assert_int_eq(tw_reactor_add_reader(server.fd, serve, NULL), 0);
    nsswitch_write(sources);
    made_up.servers = servers != NULL ? servers : dns_server;
    twi_name_service_set(&made_up);
    twi_resolver_set_hosts("/dev/null");
    /* c-ares without memory for an answer asks again, three times. */
    if (torture_running())
        twi_resolver_set_timeout(40);
}

static void end(void)
{
    tw_reactor_remove_reader(server.fd);
    close(server.fd);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    twi_name_service_set(NULL);
    twi_resolver_set_hosts("/etc/hosts");
    unlink(nsswitch);
    sem_destroy(&gate);
}

#define PLAIN "hosts: files dns\n"
#define MORE "hosts: files mdns4_minimal [NOTFOUND=return] dns myhostname\n"

/* --- asking -------------------------------------------------------------------------------- */

static void expect_result(tw_value result, const char *name, const char *expected)
{
    char text[200] = "", one[80];

    ck_assert_msg(!tw_is_failure(result), "%s: %s", name, tw_failure_message(result));
    for (size_t i = 0; i < tw_list_length(result); i++) {
        tw_address_format(tw_address_of(tw_list_at(result, i)), one, sizeof one);
        strcat(strcat(text, i > 0 ? " " : ""), one);
    }
    ck_assert_msg(strcmp(text, expected) == 0, "%s: %s", name, text);
    tw_release(result);
}

static void expect(const char *name, const char *expected)
{
    expect_result(tw_block_on(tw_resolve(name, 80)), name, expected);
}

static void expect_failure(const char *name, const tw_error_class *error_class, int number,
                           const char *text)
{
    tw_value result = tw_block_on(tw_resolve(name, 80));

    ck_assert_msg(tw_failure_class(result) == error_class, "%s: %s", name,
                  tw_failure_message(result));
    ck_assert_int_eq(tw_failure_number(result), number);
    ck_assert_msg(strstr(tw_failure_message(result), text) != NULL, "%s: %s", name,
                  tw_failure_message(result));
    tw_release(result);
}

static void wait_until_begun(unsigned count)
{
    double deadline = test_deadline();

    while (atomic_load(&begun) < count && test_before(deadline))
        tw_reactor_iterate(0.001);
    ck_assert_uint_eq(atomic_load(&begun), count);
}

static void open_gate(int count)
{
    while (count-- > 0)
        sem_post(&gate);
}

/* --- nsswitch.conf ------------------------------------------------------------------------- */

static const struct {
    const char *text;
    bool more;
} files[] = {
    { "", false },
    { "passwd: files systemd\n", false },
    { PLAIN, false },
    { "hosts:\n", false },
    { "hosts: dns [!UNAVAIL=return] files", false },
    { "hosts: files [mdns=return] dns # myhostname\n", false },
    { "hosts: files dns [mdns", false },
    { "# hosts: files mdns dns\n", false },
    { MORE, true },
    { "passwd: files\r\n \thosts:\tfiles\tresolve\tdns\r\n", true },
    { "hosts: files myhostname", true },
    { "hosts:wins", true },
};

START_TEST(nsswitch_tells_whether_there_is_more_than_dns)
{
    struct twi_name_service service = { 0 };

    nsswitch_write(files[_i].text);
    made_up.servers = NULL;
    twi_name_service_set(&made_up);
    ck_assert_msg(twi_name_service_has_more(&service, 1) == files[_i].more, "%s",
                  files[_i].text);
    unlink(nsswitch);
    ck_assert(twi_name_service_has_more(&service, TWI_SECOND) == files[_i].more);
    ck_assert(!twi_name_service_has_more(&service, TWI_SECOND + 1));
    twi_name_service_set(NULL);
}
END_TEST

/* --- who is asked -------------------------------------------------------------------------- */

static const struct {
    const char *when, *sources, *name, *addresses; /* NULL: none */
    bool asks_dns;
} ways[] = {
    { "DNS has no such name", MORE, "printer.test", "192.0.2.9:80", true },
    { "both families", MORE, "both.test", "[2001:db8::9]:80 192.0.2.9:80", true },
    { "one label", MORE, "printer", "192.0.2.9:80", false },
    { "below .local", MORE, "Printer.LOCAL.", "192.0.2.9:80", false },
    { "only DNS", PLAIN, "printer.test", NULL, true },
    { "only DNS, .local", PLAIN, "printer.local", NULL, true },
};

START_TEST(the_system_is_asked_for_what_dns_does_not_know)
{
    tw_value result;

    begin(ways[_i].sources, NULL);
    result = tw_block_on(tw_resolve(ways[_i].name, 80));
    ck_assert_uint_eq(atomic_load(&asked), ways[_i].addresses != NULL);
    ck_assert_msg((server.questions > 0) == ways[_i].asks_dns, "%s", ways[_i].when);
    if (ways[_i].addresses != NULL) {
        /* The machine decides which family goes first. */
        ck_assert_msg(!tw_is_failure(result), "%s", tw_failure_message(result));
        ck_assert_uint_eq(tw_list_length(result), ways[_i].addresses[0] == '[' ? 2 : 1);
    } else {
        ck_assert(tw_failure_is(result, &tw_error_dns));
        ck_assert_int_eq(tw_failure_number(result), EAI_NONAME);
    }
    tw_release(result);
    end();
}
END_TEST

START_TEST(a_server_that_fails_is_believed)
{
    begin(MORE, NULL);
    expect_failure("broken.test", &tw_error_dns, EAI_AGAIN, "SERVFAIL");
    ck_assert_uint_eq(atomic_load(&asked), 0);
    end();
}
END_TEST

START_TEST(without_name_servers_the_system_is_asked_for_all)
{
    begin(PLAIN, "");
    expect("printer.test", "192.0.2.9:80");
    expect("printer", "192.0.2.9:80");
    ck_assert_uint_eq(server.questions, 0);
    end();
}
END_TEST

START_TEST(the_system_is_never_asked_when_servers_were_set)
{
    begin(MORE, "");
    ck_assert_int_eq(tw_resolver_set_servers(dns_server), 0);
    expect_failure("printer.test", &tw_error_dns, EAI_NONAME, "NXDOMAIN");
    expect_failure("printer.local", &tw_error_dns, EAI_NONAME, "NXDOMAIN");
    ck_assert_uint_eq(atomic_load(&asked), 0);
    ck_assert_int_eq(tw_resolver_set_servers(NULL), 0);
    expect("printer.test", "192.0.2.9:80");
    end();
}
END_TEST

START_TEST(what_the_system_was_asked_is_asked_of_servers_set_meanwhile)
{
    tw_deferred *deferred;
    tw_value result;

    begin(MORE, "");
    deferred = tw_resolve("gate.test", 80);
    wait_until_begun(1);
    ck_assert_int_eq(tw_resolver_set_servers(dns_server), 0);
    result = tw_block_on(deferred);
    ck_assert_int_eq(tw_failure_number(result), EAI_NONAME);
    ck_assert_uint_gt(server.questions, 0);
    tw_release(result);
    open_gate(1);
    end();
}
END_TEST

/* --- answers ------------------------------------------------------------------------------- */

START_TEST(the_systems_answers_are_kept)
{
    begin(MORE, "");
    expect("printer", "192.0.2.9:80");
    expect("printer", "192.0.2.9:80");
    ck_assert_uint_eq(atomic_load(&asked), 1);
    tw_resolver_flush();
    expect("printer", "192.0.2.9:80");
    ck_assert_uint_eq(atomic_load(&asked), 2);
    end();
}
END_TEST

START_TEST(the_systems_answers_are_kept_for_ten_seconds)
{
    static const struct tw_reactor_options virtual = { .virtual_time = true };

    ck_assert_int_eq(tw_reactor_install(&virtual), 0);
    begin(MORE, "");
    expect("printer", "192.0.2.9:80");
    tw_clock_advance(tw_reactor_clock(), 9.5);
    expect("printer", "192.0.2.9:80");
    ck_assert_uint_eq(atomic_load(&asked), 1);
    tw_clock_advance(tw_reactor_clock(), 1);
    expect("printer", "192.0.2.9:80");
    ck_assert_uint_eq(atomic_load(&asked), 2);
    end();
}
END_TEST

START_TEST(equal_questions_to_the_system_are_asked_once)
{
    tw_deferred *first, *second;

    begin(MORE, "");
    first = tw_resolve("gate", 80);
    second = tw_resolve("gate", 81);
    open_gate(1);
    expect_result(tw_block_on(first), "first", "192.0.2.9:80");
    expect_result(tw_block_on(second), "second", "192.0.2.9:81");
    ck_assert_uint_eq(atomic_load(&asked), 1);
    end();
}
END_TEST

static const struct {
    int number, told;
    const char *text;
} failures[] = {
    { EAI_NONAME, EAI_NONAME, NULL },
    { EAI_AGAIN, EAI_AGAIN, NULL },
    { EAI_FAIL, EAI_FAIL, NULL },
    { EAI_SYSTEM, EAI_SYSTEM, "Too many open files" },
};

START_TEST(the_systems_failures_are_told)
{
    char name[32];

    begin(MORE, NULL);
    snprintf(name, sizeof name, "fail%d", failures[_i].number);
    expect_failure(name, &tw_error_dns, failures[_i].told,
                   failures[_i].text != NULL ? failures[_i].text
                                             : gai_strerror(failures[_i].number));
    ck_assert_uint_eq(server.questions, 0);
    end();
}
END_TEST

START_TEST(a_failure_of_the_system_has_its_errno_and_is_not_kept)
{
    char name[32];

    begin(MORE, NULL);
    snprintf(name, sizeof name, "fail%d", EAI_SYSTEM);
    for (unsigned i = 1; i <= 2; i++) {
        tw_value result = tw_block_on(tw_resolve(name, 80)), cause = tw_failure_cause(result);

        ck_assert(tw_failure_is(cause, &tw_error_system));
        ck_assert_int_eq(tw_failure_number(cause), EMFILE);
        tw_release(result);
        ck_assert_uint_eq(atomic_load(&asked), i);
    }
    end();
}
END_TEST

START_TEST(a_system_without_memory_is_told_as_such)
{
    char name[32];
    tw_value result;

    begin(MORE, NULL);
    snprintf(name, sizeof name, "fail%d", EAI_MEMORY);
    result = tw_block_on(tw_resolve(name, 80));
    ck_assert(tw_failure_is(result, &tw_error_memory));
    tw_release(result);
    end();
}
END_TEST

/* --- cancel and end ------------------------------------------------------------------------ */

static void cancel(tw_deferred *deferred)
{
    tw_value result;

    ck_assert_int_eq(tw_cancel(deferred), 0);
    ck_assert(tw_deferred_is_done(deferred));
    result = tw_deferred_take_result(deferred);
    ck_assert(tw_failure_is(result, &tw_error_cancelled));
    tw_release(result);
    tw_deferred_unref(deferred);
}

/* More than the library has threads, so that some are still queued. */
enum { MANY = 6, THREADS = 4 };

START_TEST(a_cancelled_question_to_the_system_leaves_nothing_behind)
{
    tw_deferred *deferreds[MANY];
    char name[32];

    begin(MORE, "");
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "gate%d", i);
        deferreds[i] = tw_resolve(name, 80);
    }
    wait_until_begun(THREADS);
    for (int i = 0; i < MANY; i++)
        cancel(deferreds[i]);
    open_gate(MANY);
    expect("gate5", "192.0.2.9:80");
    ck_assert_uint_eq(atomic_load(&asked), THREADS + 1);
    end();
}
END_TEST

START_TEST(a_cancel_is_for_one_of_those_who_ask_the_system)
{
    tw_deferred *first, *second;

    begin(MORE, "");
    first = tw_resolve("gate", 80);
    second = tw_resolve("gate", 81);
    cancel(first);
    open_gate(1);
    expect_result(tw_block_on(second), "second", "192.0.2.9:81");
    ck_assert_uint_eq(atomic_load(&asked), 1);
    end();
}
END_TEST

static tw_value ask_once_more(tw_value result, void *arg)
{
    tw_deferred **again = arg;

    *again = tw_resolve("more", 80);
    return tw_retain(result);
}

START_TEST(the_end_of_the_reactor_ends_questions_to_the_system)
{
    tw_deferred *deferreds[MANY], *again = NULL;
    unsigned abandoned = 0;
    char name[32];

    begin(MORE, "");
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "gate%d", i);
        deferreds[i] = tw_resolve(name, 80);
    }
    tw_add_both(deferreds[MANY - 1], ask_once_more, &again);
    wait_until_begun(THREADS);
    open_gate(MANY);
    tw_reactor_remove_reader(server.fd);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    for (int i = 0; i < MANY; i++) {
        tw_value result = tw_deferred_take_result(deferreds[i]);
        abandoned += tw_failure_is(result, &tw_error_abandoned);
        tw_release(result);
        tw_deferred_unref(deferreds[i]);
    }
    ck_assert_uint_le(abandoned, MANY - THREADS);
    ck_assert(tw_deferred_is_done(again));
    tw_deferred_mark_handled(again);
    tw_deferred_unref(again);
    ck_assert_int_eq(test_allocs_living(), 0);
    begin(MORE, "");
    end();
}
END_TEST

/* --- virtual time -------------------------------------------------------------------------- */

START_TEST(under_virtual_time_the_real_system_is_not_asked)
{
    static const struct tw_reactor_options virtual = { .virtual_time = true };

    ck_assert(twi_name_service_allowed());
    tw_reactor_uninstall();
    ck_assert_int_eq(tw_reactor_install(&virtual), 0);
    ck_assert(!twi_name_service_allowed());
    twi_name_service_set(&made_up);
    ck_assert(twi_name_service_allowed());
    twi_name_service_set(NULL);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
END_TEST

/* A server with a clock of its own: one that is late is waited for without spinning. */
START_TEST(under_virtual_time_a_question_is_waited_for)
{
    static const struct tw_reactor_options virtual = { .virtual_time = true };
    tw_deferred *deferred;
    unsigned turns = 0;
    int64_t started;

    ck_assert_int_eq(tw_reactor_install(&virtual), 0);
    begin(PLAIN, NULL);
    server.delay = 0.1;
    started = twi_monotonic_ns();
    deferred = tw_resolve("late.test", 80);
    while (server.questions < 2)
        tw_reactor_iterate(0.01);
    for (; !tw_deferred_is_done(deferred) && turns < 10000; turns++) {
        server.delay = 0;
        tw_reactor_iterate(10);
        if (turns == 20)
            answer_late(NULL);
    }
    ck_assert_uint_lt(turns, 100);
    ck_assert_int_ge(twi_monotonic_ns() - started, TWI_SECOND / 10);
    tw_deferred_mark_handled(deferred);
    tw_deferred_unref(deferred);
    end();
}
END_TEST

START_TEST(virtual_time_jumps_again_when_nobody_is_asked)
{
    static const struct tw_reactor_options virtual = { .virtual_time = true };
    tw_deferred *deferred;
    int64_t started;

    ck_assert_int_eq(tw_reactor_install(&virtual), 0);
    begin(PLAIN, NULL);
    server.delay = 1000;
    deferred = tw_resolve("late.test", 80);
    tw_reactor_iterate(0.01);
    cancel(deferred);
    started = twi_monotonic_ns();
    tw_clock_advance(tw_reactor_clock(), 500);
    ck_assert_int_lt(twi_monotonic_ns() - started, 100 * TWI_SECOND);
    end();
}
END_TEST

/* --- no memory ----------------------------------------------------------------------------- */

static bool resolve_once(const char *name)
{
    tw_deferred *deferred = tw_resolve(name, 80);
    tw_value result;
    bool found;

    tw_resolver_flush();
    result = tw_block_on(deferred);
    found = !tw_is_failure(result);
    ck_assert_msg(found || tw_failure_is(result, &tw_error_memory) ||
                      tw_failure_is(result, &tw_error_dns) ||
                      tw_failure_is(result, &tw_error_abandoned),
                  "%s", tw_failure_message(result));
    tw_release(result);
    tw_resolver_flush();
    return found;
}

START_TEST(running_out_of_memory_on_the_way_to_the_system_is_survived)
{
    for (uint64_t n = 1; n < 2000; n++) {
        begin(MORE, NULL);
        test_fail_alloc(n, false);
        resolve_once("printer");
        if (!test_alloc_failed())
            n = 2000;
        test_fail_alloc(0, false);
        ck_assert(resolve_once("printer"));
        end();
        ck_assert_int_eq(test_allocs_living(), 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("name_service");

    TEST_ADD_ROWS(suite, nsswitch_tells_whether_there_is_more_than_dns, files);
    TEST_ADD_ROWS(suite, the_system_is_asked_for_what_dns_does_not_know, ways);
    TEST_ADD(suite, a_server_that_fails_is_believed);
    TEST_ADD(suite, without_name_servers_the_system_is_asked_for_all);
    TEST_ADD(suite, the_system_is_never_asked_when_servers_were_set);
    TEST_ADD(suite, what_the_system_was_asked_is_asked_of_servers_set_meanwhile);
    TEST_ADD(suite, the_systems_answers_are_kept);
    TEST_ADD(suite, the_systems_answers_are_kept_for_ten_seconds);
    TEST_ADD(suite, equal_questions_to_the_system_are_asked_once);
    TEST_ADD_ROWS(suite, the_systems_failures_are_told, failures);
    TEST_ADD(suite, a_failure_of_the_system_has_its_errno_and_is_not_kept);
    TEST_ADD(suite, a_system_without_memory_is_told_as_such);
    TEST_ADD(suite, a_cancelled_question_to_the_system_leaves_nothing_behind);
    TEST_ADD(suite, a_cancel_is_for_one_of_those_who_ask_the_system);
    TEST_ADD(suite, the_end_of_the_reactor_ends_questions_to_the_system);
    TEST_ADD(suite, under_virtual_time_the_real_system_is_not_asked);
    TEST_ADD(suite, under_virtual_time_a_question_is_waited_for);
    TEST_ADD(suite, virtual_time_jumps_again_when_nobody_is_asked);
    TEST_ADD(suite, running_out_of_memory_on_the_way_to_the_system_is_survived);
    return test_run(suite);
}
