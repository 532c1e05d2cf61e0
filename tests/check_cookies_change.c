/* SPDX-License-Identifier: MIT */
/*
 * check_cookies_change.c - a jar tells of its cookies and of their changes, in lines that another
 * jar reads back.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/client_peer.h"
#include "tests/random.h"
#include "tests/test.h"

#define NOW 1000000000.0
#define LATER "1000000100" /* in a line, of Max-Age=100 */

static tw_cookies *jar;
static struct twi_buf told; /* a line for each call: "key = line" or "key gone", tabs as "|" */
static const struct tw_url *here;
static struct tw_url *urls[3];

static void note(const char *key, const char *line, void *arg)
{
    size_t from = told.length;

    ck_assert_ptr_eq(arg, &told);
    ck_assert_int_eq(
        twi_buf_printf(&told, line != NULL ? "%s = %s\n" : "%s gone\n", key, line), 0);
    for (char *at = told.data + from; at < told.data + told.length; at++)
        *at = *at == '\t' ? '|' : *at;
}

static void begin(void)
{
    static const char *const texts[] = { "https://www.a.test/dir/page", "http://b.test/",
                                         "http://10.0.0.1/" };

    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(tw_url_parse(texts[i], strlen(texts[i]), NULL, &urls[i], NULL), 0);
    here = urls[0];
    jar = tw_cookies_new();
    ck_assert_ptr_nonnull(jar);
    ck_assert_int_eq(tw_cookies_on_change(jar, note, &told), 0);
}

static void end(void)
{
    tw_cookies_unref(jar);
    twi_buf_free(&told);
    for (size_t i = 0; i < 3; i++)
        tw_url_free(urls[i]);
}

static void store(const char *set_cookie)
{
    (void)tw_cookies_store(jar, here, set_cookie, NOW);
}

static void was_told(const char *text)
{
    ck_assert_str_eq(twi_buf_text(&told), text);
    told.length = 0;
}

/* --- lines ---------------------------------------------------------------------------------- */

static const struct {
    const char *set_cookie, *told;
} stored[] = {
    { "a=b", "www.a.test|/dir|a = www.a.test|FALSE|/dir|FALSE|0|a|b\n" },
    { "a=b; Path=/; Max-Age=100",
      "www.a.test|/|a = www.a.test|FALSE|/|FALSE|" LATER "|a|b\n" },
    { "a=b; Path=/; Domain=a.test", ".a.test|/|a = .a.test|TRUE|/|FALSE|0|a|b\n" },
    { "a=b; Path=/; Secure; HttpOnly",
      "www.a.test|/|a = #HttpOnly_www.a.test|FALSE|/|TRUE|0|a|b\n" },
    { "=b; Path=/", "www.a.test|/| = www.a.test|FALSE|/|FALSE|0||b\n" },
    { "a=; Path=/", "www.a.test|/|a = www.a.test|FALSE|/|FALSE|0|a|\n" },
    { "a=b; Domain=other.test", "" },
    { "a=b; Domain=10.0.0.1", "10.0.0.1|/|a = 10.0.0.1|FALSE|/|FALSE|0|a|b\n" },
    { "a=b; Max-Age=0", "" },
};

START_TEST(a_stored_cookie_is_told_as_a_line)
{
    begin();
    if (strstr(stored[_i].set_cookie, "10.0.0.1") != NULL)
        here = urls[2];
    store(stored[_i].set_cookie);
    was_told(stored[_i].told);
    end();
}
END_TEST

static const struct {
    const char *then, *told; /* after "a=b; Path=/" */
} changes[] = {
    { "a=c; Path=/", "www.a.test|/|a = www.a.test|FALSE|/|FALSE|0|a|c\n" },
    { "a=b; Path=/", "" },
    { "a=b; Path=/; Secure", "www.a.test|/|a = www.a.test|FALSE|/|TRUE|0|a|b\n" },
    { "a=b; Path=/; HttpOnly", "www.a.test|/|a = #HttpOnly_www.a.test|FALSE|/|FALSE|0|a|b\n" },
    { "a=b; Path=/; Max-Age=100",
      "www.a.test|/|a = www.a.test|FALSE|/|FALSE|" LATER "|a|b\n" },
    { "a=b; Path=/; Max-Age=0", "www.a.test|/|a gone\n" },
    { "a=b; Path=/; Domain=www.a.test; Max-Age=0", "" }, /* another cookie */
};

START_TEST(a_change_is_told_once)
{
    begin();
    store("a=b; Path=/");
    told.length = 0;
    store(changes[_i].then);
    was_told(changes[_i].told);
    end();
}
END_TEST

START_TEST(what_expires_is_told_when_it_is_found)
{
    tw_value value;

    begin();
    store("a=1; Path=/; Max-Age=100");
    store("b=2; Path=/; Max-Age=200");
    told.length = 0;
    value = tw_cookies_for(jar, here, NOW + 150);
    ck_assert_str_eq(tw_bytes_data(value), "b=2");
    tw_release(value);
    was_told("www.a.test|/|a gone\n");
    tw_release(tw_cookies_for(jar, here, NOW + 250)); /* and the domain with it */
    was_told("www.a.test|/|b gone\n");
    end();
}
END_TEST

START_TEST(what_makes_room_is_told)
{
    char text[40];

    begin();
    for (int i = 0; i < 50; i++) {
        snprintf(text, sizeof text, "n%d=v; Path=/", i);
        store(text);
    }
    told.length = 0;
    store("new=v; Path=/");
    was_told("www.a.test|/|n0 gone\n"
             "www.a.test|/|new = www.a.test|FALSE|/|FALSE|0|new|v\n");
    end();
}
END_TEST

START_TEST(a_cleared_jar_tells_all_and_one_that_ends_nothing)
{
    begin();
    store("a=1; Path=/");
    store("b=2; Path=/");
    told.length = 0;
    tw_cookies_clear(jar);
    was_told("www.a.test|/|a gone\nwww.a.test|/|b gone\n");
    store("a=1; Path=/");
    ck_assert_int_eq(tw_cookies_on_change(jar, NULL, NULL), 0);
    store("b=1; Path=/");
    ck_assert_int_eq(tw_cookies_on_change(jar, note, &told), 0);
    told.length = 0;
    end();
    was_told("");
    twi_buf_free(&told);
}
END_TEST

START_TEST(each_tells_all_from_the_oldest_on)
{
    begin();
    store("a=1; Path=/; Domain=a.test; Max-Age=100");
    here = urls[2];
    store("b=2");
    here = urls[0];
    store("c=3; Path=/");
    store("a=4; Path=/; Domain=a.test; Max-Age=100"); /* keeps its place */
    tw_release(tw_cookies_for(jar, here, NOW));
    told.length = 0;
    ck_assert_int_eq(tw_cookies_each(jar, note, &told), 0);
    was_told(".a.test|/|a = .a.test|TRUE|/|FALSE|" LATER "|a|4\n"
             "10.0.0.1|/|b = 10.0.0.1|FALSE|/|FALSE|0|b|2\n"
             "www.a.test|/|c = www.a.test|FALSE|/|FALSE|0|c|3\n");
    tw_cookies_clear(jar);
    told.length = 0;
    ck_assert_int_eq(tw_cookies_each(jar, note, &told), 0);
    was_told("");
    end();
}
END_TEST

static const struct {
    const char *line;
    int result;
} lines[] = {
    { "h.test\tFALSE\t/\tFALSE\t0\ta\tb", 0 },
    { "#HttpOnly_h.test\tFALSE\t/\tFALSE\t0\ta\tb", 0 },
    { "h.test\tFALSE\t/\tFALSE\t0\ta\tb\n", -EINVAL },
    { "", -EINVAL },
    { "# a comment", -EINVAL },
    { "h.test\tFALSE\t/\tFALSE\t0", -EINVAL },
};

START_TEST(a_line_is_read)
{
    begin();
    ck_assert_int_eq(tw_cookies_load_line(jar, lines[_i].line), lines[_i].result);
    ck_assert_uint_eq(tw_cookies_count(jar), lines[_i].result == 0 ? 1 : 0);
    ck_assert_uint_eq(told.length > 0, lines[_i].result == 0);
    end();
}
END_TEST

START_TEST(a_line_has_a_limit)
{
    static char text[16400];

    begin();
    memset(text, 'a', sizeof text - 1);
    ck_assert_int_eq(tw_cookies_load_line(jar, text), -E2BIG);
    end();
}
END_TEST

static void load_into(const char *key, const char *line, void *other)
{
    (void)key;
    ck_assert_int_eq(tw_cookies_load_line(other, line), 0);
}

/* --- at random ------------------------------------------------------------------------------ */

/* The jar, as known from its changes alone. */
static struct {
    char *key, *line;
} mirror[4000];
static size_t mirrored;

static size_t mirror_find(const char *key)
{
    size_t i = 0;

    while (i < mirrored && strcmp(mirror[i].key, key) != 0)
        i++;
    return i;
}

static void mirror_change(const char *key, const char *line, void *arg)
{
    size_t i = mirror_find(key);

    (void)arg;
    if (line == NULL) {
        ck_assert_uint_lt(i, mirrored); /* nobody goes who never came */
        twi_free(mirror[i].key);
        twi_free(mirror[i].line);
        mirror[i] = mirror[--mirrored];
        return;
    }
    if (i == mirrored) {
        mirror[mirrored].key = twi_strdup(key);
        mirror[mirrored++].line = NULL;
    }
    twi_free(mirror[i].line);
    mirror[i].line = twi_strdup(line);
}

static void mirror_has(const char *key, const char *line, void *arg)
{
    size_t i = mirror_find(key);

    (void)arg;
    ck_assert_uint_lt(i, mirrored);
    ck_assert_str_eq(mirror[i].line, line);
}

static void mirror_forget(void)
{
    while (mirrored > 0) {
        twi_free(mirror[--mirrored].key);
        twi_free(mirror[mirrored].line);
    }
}

static void program(void)
{
    char text[120];
    double now = NOW;

    begin();
    ck_assert_int_eq(tw_cookies_on_change(jar, mirror_change, NULL), 0);
    for (int i = 0; i < 300; i++) {
        now += draw(3);
        snprintf(text, sizeof text, "n%u=%u; Path=/%u%s%s; Max-Age=%d", draw(70), draw(2),
                 draw(2), draw(2) ? "; Domain=a.test" : "", draw(4) ? "" : "; HttpOnly",
                 draw(5) ? (int)draw(200) : 0);
        if (draw(60) == 0)
            tw_cookies_clear(jar);
        else if (draw(4) == 0)
            tw_release(tw_cookies_for(jar, urls[draw(3)], now));
        else
            (void)tw_cookies_store(jar, urls[draw(3)], text, now);
        ck_assert_uint_eq(tw_cookies_count(jar), mirrored);
    }
    ck_assert_int_eq(tw_cookies_each(jar, mirror_has, NULL), 0);
    mirror_forget();
    end();
}

START_TEST(the_changes_come_to_what_is_there)
{
    random_programs(program, 100);
}
END_TEST

/* --- what a hook may do --------------------------------------------------------------------- */

static unsigned calls;

static void clear_it(const char *key, const char *line, void *arg)
{
    (void)key, (void)arg;
    calls++;
    if (line != NULL)
        tw_cookies_clear(jar);
}

static void store_more(const char *key, const char *line, void *arg)
{
    char text[4000];

    note(key, line, arg);
    if (calls++ > 0)
        return;
    /* Longer than all before, so the place of texts has to grow. */
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "more=", 5);
    text[sizeof text - 1] = '\0';
    store(text);
    store("less=1; Path=/");
    ck_assert_int_eq(tw_cookies_each(jar, load_into, jar), 0);
    ck_assert_uint_eq(calls, 1); /* the rest comes later */
    ck_assert_ptr_nonnull(strstr(key, "first"));
}

static void stop_hearing(const char *key, const char *line, void *arg)
{
    (void)key, (void)line, (void)arg;
    calls++;
    ck_assert_int_eq(tw_cookies_on_change(jar, NULL, NULL), 0);
}

static void drop_it(const char *key, const char *line, void *arg)
{
    (void)line, (void)arg;
    ck_assert_str_eq(key, calls++ == 0 ? "www.a.test\t/\ta" : "www.a.test\t/\tb");
    tw_cookies_unref(jar);
    jar = NULL;
}

static void hook(tw_cookies_hook *function)
{
    begin();
    calls = 0;
    ck_assert_int_eq(tw_cookies_on_change(jar, function, &told), 0);
}

START_TEST(a_hook_may_clear_the_jar)
{
    hook(clear_it);
    store("a=1; Path=/");
    ck_assert_uint_eq(calls, 2);
    ck_assert_uint_eq(tw_cookies_count(jar), 0);
    end();
}
END_TEST

START_TEST(a_hook_may_store_more)
{
    hook(store_more);
    store("first=1; Path=/");
    ck_assert_uint_eq(calls, 3);
    ck_assert_uint_eq(tw_cookies_count(jar), 3);
    ck_assert_mem_eq(told.data, "www.a.test|/|first = ", 21);
    ck_assert_ptr_nonnull(strstr(twi_buf_text(&told), "www.a.test|/|less = "));
    end();
}
END_TEST

START_TEST(a_hook_may_end_itself)
{
    hook(stop_hearing);
    store("a=1; Path=/");
    store("b=1; Path=/");
    ck_assert_uint_eq(calls, 1);
    ck_assert_uint_eq(tw_cookies_count(jar), 2);
    tw_cookies_clear(jar);
    end();
}
END_TEST

START_TEST(a_hook_may_drop_the_jar)
{
    hook(drop_it);
    store("a=1; Path=/");
    ck_assert_uint_eq(calls, 1);
    end();
}
END_TEST

START_TEST(a_hook_may_drop_the_jar_in_the_middle_of_many)
{
    hook(note);
    store("a=1; Path=/");
    store("b=1; Path=/");
    ck_assert_int_eq(tw_cookies_on_change(jar, drop_it, NULL), 0);
    tw_cookies_clear(jar);
    ck_assert_uint_eq(calls, 2);
    end();
}
END_TEST

/* --- in a client ---------------------------------------------------------------------------- */

static struct peer peer;
static struct outcome got;
static tw_deferred *victim;

static void cancel_victim(const char *key, const char *line, void *arg)
{
    note(key, line, arg);
    tw_cancel(victim);
}

static void fetch(tw_cookies_hook *function, const char *answer)
{
    struct tw_fetch_options options = { .cookies = jar };

    ck_assert_int_eq(tw_cookies_on_change(jar, function, &told), 0);
    client_start(&peer, answer);
    victim = tw_agent_request(client_agent, "http://b.test/", &options);
    outcome_of(&got, tw_deferred_ref(victim));
    client_settle();
    tw_deferred_unref(victim);
    ck_assert_uint_eq(got.fired, 1);
}

START_TEST(cookies_of_an_answer_are_told)
{
    begin();
    fetch(note, "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
                "Set-Cookie: c=3; Domain=x.test\r\nContent-Length: 2\r\n\r\nhi");
    ck_assert_str_eq(got.body, "hi");
    was_told("b.test|/|a = b.test|FALSE|/|FALSE|0|a|1\n"
             "b.test|/|b = b.test|FALSE|/|FALSE|0|b|2\n");
    client_stop(&peer, &got);
    end();
}
END_TEST

START_TEST(a_hook_may_cancel_the_request_that_brings_a_cookie)
{
    begin();
    fetch(cancel_victim, "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
                         "Content-Length: 2\r\n\r\nhi");
    ck_assert_ptr_eq(got.error, &tw_error_cancelled);
    ck_assert_uint_eq(tw_cookies_count(jar), 2);
    was_told("b.test|/|a = b.test|FALSE|/|FALSE|0|a|1\n"
             "b.test|/|b = b.test|FALSE|/|FALSE|0|b|2\n");
    client_stop(&peer, &got);
    end();
}
END_TEST

START_TEST(a_hook_may_cancel_the_request_that_finds_a_cookie_expired)
{
    begin();
    here = urls[1];
    store("a=1; Max-Age=1"); /* long ago */
    told.length = 0;
    fetch(cancel_victim, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    ck_assert_ptr_eq(got.error, &tw_error_cancelled);
    was_told("b.test|/|a gone\n");
    client_stop(&peer, &got);
    end();
}
END_TEST

/* --- memory --------------------------------------------------------------------------------- */

static void count_call(const char *key, const char *line, void *arg)
{
    ck_assert_uint_gt(strlen(key), 0);
    ck_assert(line == NULL || strlen(line) > 0);
    ++*(unsigned *)arg;
}

/* Every cookie that was stored is told, whichever allocation fails. */
static bool use_a_jar(void *arg)
{
    tw_cookies *mine = tw_cookies_new();
    unsigned changes_told = 0, stores = 0, all = 0;
    bool good;

    (void)arg;
    if (mine == NULL || tw_cookies_on_change(mine, count_call, &changes_told) < 0) {
        tw_cookies_unref(mine);
        return false;
    }
    stores += tw_cookies_store(mine, here, "a=b; Path=/", NOW) == 0;
    stores += tw_cookies_store(mine, here, "longer=than before; Domain=a.test", NOW) == 0;
    stores += tw_cookies_load_line(mine, "h.test\tFALSE\t/\tFALSE\t0\ta\tb") == 0;
    ck_assert_uint_eq(changes_told, stores);
    good = tw_cookies_each(mine, count_call, &all) == 0 && stores == 3;
    ck_assert_uint_eq(all, good ? 3 : all);
    tw_cookies_clear(mine);
    ck_assert_uint_eq(changes_told, 2 * stores);
    tw_cookies_unref(mine);
    return good;
}

START_TEST(nothing_is_told_or_kept_by_halves_without_memory)
{
    begin();
    test_each_alloc_failure(use_a_jar, NULL);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cookies' changes");

    TEST_ADD_ROWS(suite, a_stored_cookie_is_told_as_a_line, stored);
    TEST_ADD_ROWS(suite, a_change_is_told_once, changes);
    TEST_ADD(suite, what_expires_is_told_when_it_is_found);
    TEST_ADD(suite, what_makes_room_is_told);
    TEST_ADD(suite, a_cleared_jar_tells_all_and_one_that_ends_nothing);
    TEST_ADD(suite, each_tells_all_from_the_oldest_on);
    TEST_ADD_ROWS(suite, a_line_is_read, lines);
    TEST_ADD(suite, a_line_has_a_limit);
    TEST_ADD(suite, the_changes_come_to_what_is_there);
    TEST_ADD(suite, a_hook_may_clear_the_jar);
    TEST_ADD(suite, a_hook_may_store_more);
    TEST_ADD(suite, a_hook_may_end_itself);
    TEST_ADD(suite, a_hook_may_drop_the_jar);
    TEST_ADD(suite, a_hook_may_drop_the_jar_in_the_middle_of_many);
    TEST_ADD(suite, cookies_of_an_answer_are_told);
    TEST_ADD(suite, a_hook_may_cancel_the_request_that_brings_a_cookie);
    TEST_ADD(suite, a_hook_may_cancel_the_request_that_finds_a_cookie_expired);
    TEST_ADD(suite, nothing_is_told_or_kept_by_halves_without_memory);
    return test_run(suite);
}
