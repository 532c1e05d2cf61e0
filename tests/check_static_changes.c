/* SPDX-License-Identifier: MIT */
/*
 * check_static_changes.c - files that change while they are served.
 */
#include "config.h"

#include <signal.h>
#include <sys/wait.h>

#include "tests/site.h"
#include "tests/www.h"

enum { BIG = 200000 };

static void begin(void)
{
    www_begin("/", NULL);
}

static const char *ask(const char *path)
{
    char text[128];

    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
    send_text(text);
    return answered();
}

/* Exchange a directory of the root and a link that leads out, until killed. */
static pid_t start_swapping(void)
{
    char inside[256], aside[256], way_out[256];
    pid_t child;

    in_root("www/swapped", inside);
    in_root("www/aside", aside);
    in_root("www/out-dir", way_out);
    put_directory("www/swapped");
    put_file("www/swapped/secret", "public", 6);
    child = fork();
    if (child != 0)
        return child;
    for (;;) {
        if (rename(inside, aside) < 0 || symlink("..", inside) < 0 || unlink(inside) < 0 ||
            rename(aside, inside) < 0)
            _exit(1);
    }
}

static void stop_swapping(pid_t child)
{
    char path[256];

    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    in_root("www/swapped", path);
    unlink(path);
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    in_root("www/aside", path);
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Only statuses and the file that is inside may be seen. */
static bool is_never_out(unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        const char *text = ask("/swapped/secret");
        int status = atoi(text + 9);

        if ((status != 200 && status != 404) ||
            (status == 200 && strcmp(past_head(text), "public") != 0))
            return false;
    }
    return true;
}

START_TEST(a_directory_that_becomes_a_link_leads_nowhere)
{
    pid_t swapping = start_swapping(), child;
    int status = 0;
    bool is_good;

    begin();
    is_good = is_never_out(500);
    site_end();
    child = fork();
    if (child == 0) {
        forbid_openat2();
        begin();
        _exit(is_never_out(500) ? 0 : 1);
    }
    waitpid(child, &status, 0);
    stop_swapping(swapping);
    ck_assert(is_good);
    ck_assert(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 254));
}
END_TEST

/* A second time the file is there, but shorter: the client must not take what comes next for the
 * rest of it. */
START_TEST(a_file_that_shrinks_breaks_off)
{
    char path[256];
    size_t length;

    begin();
    ck_assert_int_eq(tw_site_handle(site, "/wait", www_wait, NULL, NULL), 0);
    put_file("www/shrinks", root, 0);
    in_root("www/shrinks", path);
    ck_assert_int_eq(truncate(path, BIG), 0);
    send_text("GET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET /shrinks HTTP/1.1\r\nHost: a\r\n\r\n"
              "GET /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    ck_assert_int_eq(truncate(path, 100), 0);
    tw_request_answer(test_given(www_waiting), 200, "text/plain", tw_string("first"));
    tw_testing_settle();
    ck_assert_ptr_null(strstr(tw_string_transport_written(wire, &length), "0123456789"));
    ck_assert(is_closed());
    unlink(path);
    site_end();
}
END_TEST

START_TEST(a_file_that_grows_is_sent_as_it_was)
{
    char path[256];
    const char *body;

    begin();
    ck_assert_int_eq(tw_site_handle(site, "/wait", www_wait, NULL, NULL), 0);
    put_file("www/grows", root, 0);
    in_root("www/grows", path);
    ck_assert_int_eq(truncate(path, BIG), 0);
    send_text("GET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET /grows HTTP/1.1\r\nHost: a\r\n\r\n"
              "GET /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    ck_assert_int_eq(truncate(path, 2 * BIG), 0);
    tw_request_answer(test_given(www_waiting), 200, "text/plain", tw_string(""));
    tw_testing_settle();
    body = tw_string_transport_written(wire, &(size_t){ 0 });
    body = past_head(past_head(body));
    ck_assert_int_eq(strncmp(body + BIG, "HTTP/1.1 200 OK\r\n", 17), 0);
    unlink(path);
    site_end();
}
END_TEST

START_TEST(a_date_is_not_in_the_future)
{
    struct timeval times[2] = { { 4102444800, 0 }, { 4102444800, 0 } };
    char path[256];

    begin();
    put_file("www/future", "x", 1);
    in_root("www/future", path);
    ck_assert_int_eq(utimes(path, times), 0);
    ck_assert_ptr_null(strstr(ask("/future"), " 2100 "));
    unlink(path);
    site_end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("static changes");
    int failed;

    TEST_ADD(suite, a_directory_that_becomes_a_link_leads_nowhere);
    TEST_ADD(suite, a_file_that_shrinks_breaks_off);
    TEST_ADD(suite, a_file_that_grows_is_sent_as_it_was);
    TEST_ADD(suite, a_date_is_not_in_the_future);
    make_empty_root();
    put_directory("www");
    put_link("www/out-dir", "..");
    put_file("www/ten.txt", "0123456789", 10);
    put_file("secret", "secret", 6);
    failed = test_run(suite);
    remove_root();
    return failed;
}
