/* SPDX-License-Identifier: MIT */
/*
 * check_get_page.c - pages by one call, into memory and into files.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef HAVE_SYS_XATTR_H
#include <sys/xattr.h>
#endif

#include "tests/client_peer.h"
#include "tests/test.h"

static struct peer peer;
static struct outcome got;
static char directory[64], path[80];

static void start(const char *reply)
{
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    unsetenv("ALL_PROXY");
    client_begin();
    peer = (struct peer){ .reply = reply };
    peer_begin(&peer, 80);
    strcpy(directory, "/tmp/tweed-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/page", directory);
}

static void stop(void)
{
    outcome_free(&got);
    unlink(path);
    ck_assert_int_eq(rmdir(directory), 0); /* nothing is left beside the page */
    tw_agent_close_idle(tw_agent_current());
    client_settle();
    peer_end(&peer);
    client_end();
}

static void wait_for(tw_deferred *page)
{
    got = (struct outcome){ 0 };
    outcome_of(&got, page);
    for (int i = 0; i < 1000 && got.fired == 0; i++)
        tw_testing_advance(1);
    ck_assert_uint_eq(got.fired, 1);
}

/* --- into memory ---------------------------------------------------------------------------- */

static const struct {
    const char *reply, *method, *body;
    int status; /* 0: success */
} pages[] = {
    { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", NULL, "hi", 0 },
    { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", NULL, "", 0 },
    { "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nhi", NULL, "hi", 0 },
    { "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nhi", NULL, "hi", 0 },
    { "HTTP/1.1 204 No Content\r\n\r\n", NULL, "", 0 },
    { "HTTP/1.1 206 Partial\r\nContent-Length: 2\r\n\r\nhi", NULL, "hi", 0 },
    { "HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\nhi", NULL, "hi", 0 },
    { "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", "HEAD", "", 0 },
    { "HTTP/1.1 304 Not Modified\r\n\r\n", NULL, "", 304 },
    { "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", NULL, "no", 404 },
    { "HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno", NULL, "no", 500 },
};

START_TEST(a_page_is_its_body_or_the_failure_of_its_status)
{
    struct tw_fetch_options options = { .method = pages[_i].method };

    start(pages[_i].reply);
    wait_for(tw_get_page_with("http://a/", &options));
    if (pages[_i].status == 0) {
        ck_assert(tw_is(got.result, &tw_type_bytes));
        ck_assert_str_eq(tw_bytes_data(got.result), pages[_i].body);
    } else {
        ck_assert_ptr_eq(got.error, &tw_error_status);
        ck_assert_int_eq(tw_failure_number(got.result), pages[_i].status);
        ck_assert_str_eq(got.body, pages[_i].body);
        ck_assert_str_eq(tw_failure_word(got.result), "status");
    }
    stop();
}
END_TEST

START_TEST(a_page_cut_short_carries_what_came)
{
    start("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi");
    peer.then = PEER_CLOSES;
    wait_for(tw_get_page("http://a/"));
    ck_assert_ptr_eq(got.error, &tw_error_partial);
    ck_assert_str_eq(got.body, "hi");
    ck_assert(!got.complete);
    stop();
}
END_TEST

START_TEST(a_redirect_that_is_not_followed_names_its_target)
{
    struct tw_fetch_options options = { .redirects = TW_REDIRECT_NONE };

    start("HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n");
    wait_for(tw_get_page_with("http://a/", &options));
    ck_assert_ptr_eq(got.error, &tw_error_status);
    ck_assert_str_eq(tw_response_header(tw_failure_value(got.result), "Location"), "/there");
    stop();
}
END_TEST

START_TEST(a_bad_url_fails_at_once)
{
    start(NULL);
    outcome_of(&got, tw_get_page("mailto:somebody"));
    ck_assert_ptr_eq(got.error, &tw_error_url);
    stop();
}
END_TEST

START_TEST(pages_share_the_connections_of_the_thread)
{
    start("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    for (int i = 0; i < 3; i++) {
        wait_for(tw_get_page("http://a/"));
        ck_assert_str_eq(tw_bytes_data(got.result), "hi");
        outcome_free(&got);
    }
    ck_assert_uint_eq(peer.connections, 1);
    stop();
}
END_TEST

/* 1000000000 is Sun, 09 Sep 2001 01:46:40 GMT. */
static const struct {
    const char *fields;
    double seconds;
} retries[] = {
    { "", -1 },
    { "Retry-After: 0\r\n", 0 },
    { "Retry-After: 120\r\n", 120 },
    { "Retry-After: 99999999999999999999\r\n", 18446744073709551615.0 },
    { "Retry-After: -1\r\n", -1 },
    { "Retry-After: 1.5\r\n", -1 },
    { "Retry-After: soon\r\n", -1 },
    { "Retry-After:\r\n", -1 },
    { "Retry-After: Sun, 09 Sep 2001 01:46:45 GMT\r\n", 4.5 },
    { "Retry-After: Sunday, 09-Sep-01 01:47:40 GMT\r\n", 59.5 },
    { "Retry-After: Sun, 09 Sep 2001 01:46:40 GMT\r\n", 0 },
    { "Retry-After: Sun, 09 Sep 2001 01:46:45\r\n", -1 },
};

START_TEST(an_answer_says_when_to_come_again)
{
    struct tw_fetch_options options = { 0 };
    char reply[200];
    double seconds;

    snprintf(reply, sizeof reply, "HTTP/1.1 503 Busy\r\n%sContent-Length: 0\r\n\r\n",
             retries[_i].fields);
    start(reply);
    wait_for(tw_agent_request(tw_agent_current(), "http://a/", &options));
    ck_assert_ptr_null(got.error);
    seconds = tw_response_retry_after(got.result, 1000000000.5);
    ck_assert_msg(seconds == retries[_i].seconds, "%s%f", retries[_i].fields, seconds);
    stop();
}
END_TEST

/* --- into files ----------------------------------------------------------------------------- */

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void check_file(const char *text)
{
    char content[100] = "";
    FILE *file = fopen(path, "r");

    if (text == NULL) {
        ck_assert_ptr_null(file);
        return;
    }
    ck_assert_ptr_nonnull(file);
    content[fread(content, 1, sizeof content - 1, file)] = '\0';
    fclose(file);
    ck_assert_str_eq(content, text);
}

static const struct {
    const char *old; /* NULL: no file */
    bool resume;
    const char *reply;
    enum peer_then then;
    const tw_error_class *error; /* NULL: success */
    const char *range, *file;
} downloads[] = {
    { NULL, false, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", PEER_KEEPS, NULL, NULL,
      "hi" },
    { "old", false, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", PEER_KEEPS, NULL, NULL,
      "hi" },
    { "old", false, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", PEER_CLOSES,
      &tw_error_partial, NULL, "old" },
    { NULL, false, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", PEER_CLOSES,
      &tw_error_partial, NULL, NULL },
    { "old", false, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", PEER_KEEPS,
      &tw_error_status, NULL, "old" },
    { NULL, false, "HTTP/1.1 304 Not Modified\r\n\r\n", PEER_KEEPS, &tw_error_status, NULL,
      NULL },
    { NULL, true, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", PEER_KEEPS, NULL, NULL,
      "hi" },
    { NULL, true, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", PEER_CLOSES,
      &tw_error_partial, NULL, "hi" },
    { "old", true,
      "HTTP/1.1 206 Partial\r\nContent-Range: bytes 3-4/5\r\nContent-Length: 2\r\n\r\nhi",
      PEER_KEEPS, NULL, "bytes=3-", "oldhi" },
    { "old", true,
      "HTTP/1.1 206 Partial\r\nContent-Range: bytes 3-9/10\r\nContent-Length: 7\r\n\r\nhi",
      PEER_CLOSES, &tw_error_partial, "bytes=3-", "oldhi" },
    { "old", true, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", PEER_KEEPS, NULL,
      "bytes=3-", "hi" },
    { "old", true, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", PEER_CLOSES,
      &tw_error_partial, "bytes=3-", "old" },
    { "old", true,
      "HTTP/1.1 206 Partial\r\nContent-Range: bytes 2-3/5\r\nContent-Length: 2\r\n\r\nhi",
      PEER_KEEPS, &tw_error_protocol, "bytes=3-", "old" },
    { "old", true, "HTTP/1.1 206 Partial\r\nContent-Length: 2\r\n\r\nhi", PEER_KEEPS,
      &tw_error_protocol, "bytes=3-", "old" },
    { "old", true,
      "HTTP/1.1 206 Partial\r\nContent-Range: Bytes 3-4/5\r\nContent-Length: 2\r\n\r\nhi",
      PEER_KEEPS, NULL, "bytes=3-", "oldhi" },
    { "old", true,
      "HTTP/1.1 206 Partial\r\nContent-Range: bytes 3-4/*\r\nContent-Length: 2\r\n\r\nhi",
      PEER_KEEPS, NULL, "bytes=3-", "oldhi" },
    { "old", true,
      "HTTP/1.1 206 Partial\r\nContent-Range: bytes 3-4/10\r\nContent-Length: 2\r\n\r\nhi",
      PEER_KEEPS, &tw_error_partial, "bytes=3-", "oldhi" },
    { "old", true,
      "HTTP/1.1 206 Partial\r\nContent-Range: bytes 3-9/10\r\nContent-Length: 2\r\n\r\nhi",
      PEER_KEEPS, &tw_error_partial, "bytes=3-", "oldhi" },
    { "old", true,
      "HTTP/1.1 206 Partial\r\nContent-Range: bytes 3-4/5\r\nContent-Length: 3\r\n\r\nhi!",
      PEER_KEEPS, &tw_error_protocol, "bytes=3-", "old" },
    { "old", true,
      "HTTP/1.1 206 Partial\r\nContent-Range: bytes */5\r\nContent-Length: 2\r\n\r\nhi",
      PEER_KEEPS, &tw_error_protocol, "bytes=3-", "old" },
    { "old", true,
      "HTTP/1.1 206 Partial\r\nContent-Range: items 3-4/5\r\nContent-Length: 2\r\n\r\nhi",
      PEER_KEEPS, &tw_error_protocol, "bytes=3-", "old" },
    { "old", true,
      "HTTP/1.1 206 Partial\r\nContent-Range: bytes 3-4/5\r\nContent-Encoding: gzip\r\n"
      "Content-Length: 2\r\n\r\nhi",
      PEER_KEEPS, &tw_error_encoding, "bytes=3-", "old" },
    { "old", true,
      "HTTP/1.1 206 Partial\r\nContent-Range: bytes 3-4/5\r\nContent-Encoding: identity\r\n"
      "Content-Length: 2\r\n\r\nhi",
      PEER_KEEPS, NULL, "bytes=3-", "oldhi" },
    { "old", true, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi",
      PEER_KEEPS, &tw_error_encoding, "bytes=3-", "old" },
    { NULL, false,
      "HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-1/2\r\nContent-Length: 2\r\n\r\nhi",
      PEER_KEEPS, NULL, NULL, "hi" },
    { NULL, false,
      "HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nhi",
      PEER_KEEPS, &tw_error_partial, NULL, NULL },
    { "old", true,
      "HTTP/1.1 416 Enough\r\nContent-Range: bytes */3\r\nContent-Length: 0\r\n\r\n",
      PEER_KEEPS, NULL, "bytes=3-", "old" },
    { "old", true,
      "HTTP/1.1 416 Enough\r\nContent-Range: bytes */2\r\nContent-Length: 0\r\n\r\n",
      PEER_KEEPS, &tw_error_status, "bytes=3-", "old" },
};

START_TEST(a_download_is_whole_or_not_there)
{
    char line[40] = "Range: ";

    start(downloads[_i].reply);
    peer.then = downloads[_i].then;
    if (downloads[_i].old != NULL)
        write_file(downloads[_i].old);
    wait_for(tw_download_page("http://a/", path, downloads[_i].resume, NULL));
    ck_assert_msg(got.error == downloads[_i].error, "%s",
                  got.error == NULL ? "success" : got.error->name);
    check_file(downloads[_i].file);
    if (downloads[_i].range != NULL)
        strcat(line, downloads[_i].range);
    ck_assert_uint_eq(peer_count(&peer, line), downloads[_i].range != NULL);
    if (got.error == NULL)
        ck_assert(tw_is(got.result, &tw_type_response));
    stop();
}
END_TEST

static const char whole[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

START_TEST(a_part_that_the_caller_asks_for_is_the_page)
{
    struct tw_fetch_options options = { .headers = test_given(tw_headers_new()) };

    ck_assert_int_eq(tw_headers_add((tw_headers *)options.headers, "Range", "bytes=3-4"), 0);
    start("HTTP/1.1 206 Partial\r\nContent-Range: bytes 3-4/9\r\nContent-Length: 2\r\n\r\nhi");
    wait_for(tw_download_page("http://a/", path, false, &options));
    ck_assert_ptr_null(got.error);
    check_file("hi");
    stop();
    tw_headers_free((tw_headers *)options.headers);
}
END_TEST

START_TEST(a_page_to_be_continued_is_asked_for_uncoded)
{
    start(whole);
    wait_for(tw_download_page("http://a/", path, true, NULL));
    ck_assert_uint_eq(peer_count(&peer, "Accept-Encoding: identity\r\n"), 1);
    stop();
}
END_TEST

/* Some file systems keep no attributes; then there is no condition. */
static bool keeps_attributes(void)
{
#ifdef HAVE_SYS_XATTR_H
    write_file("");
    return setxattr(path, "user.tweed.test", "1", 1, 0) == 0;
#else
    return false;
#endif
}

static const struct {
    const char *fields, *if_range; /* "": none */
} validators[] = {
    { "ETag: \"v1\"\r\n", "If-Range: \"v1\"\r\n" },
    { "ETag: W/\"v1\"\r\n", "" },
    { "ETag: W/\"v1\"\r\nLast-Modified: Sun, 09 Sep 2001 01:46:40 GMT\r\n"
      "Date: Sun, 09 Sep 2001 01:46:41 GMT\r\n",
      "If-Range: Sun, 09 Sep 2001 01:46:40 GMT\r\n" },
    { "Last-Modified: Sun, 09 Sep 2001 01:46:40 GMT\r\n"
      "Date: Sun, 09 Sep 2001 01:46:40 GMT\r\n",
      "" },
    { "Last-Modified: Sun, 09 Sep 2001 01:46:40 GMT\r\n", "" },
    { "Last-Modified: yesterday\r\nDate: today\r\n", "" },
    { "", "" },
};

START_TEST(the_rest_is_asked_for_of_the_same_version)
{
    const char *if_range;
    char reply[300];

    snprintf(reply, sizeof reply, "HTTP/1.1 200 OK\r\n%sContent-Length: 9\r\n\r\nhi",
             validators[_i].fields);
    start(reply);
    if_range = keeps_attributes() ? validators[_i].if_range : "";
    unlink(path);
    peer.then = PEER_CLOSES;
    wait_for(tw_download_page("http://a/", path, true, NULL));
    ck_assert_ptr_eq(got.error, &tw_error_partial);
    check_file("hi");
    outcome_free(&got);
    peer.reply = "HTTP/1.1 206 Partial\r\nContent-Range: bytes 2-3/4\r\nContent-Length: 2\r\n"
                 "\r\nho";
    wait_for(tw_download_page("http://a/", path, true, NULL));
    ck_assert_ptr_null(got.error);
    check_file("hiho");
    ck_assert_uint_eq(peer_count(&peer, "If-Range: "), *if_range != '\0');
    if (*if_range != '\0')
        ck_assert_uint_eq(peer_count(&peer, if_range), 1);
    outcome_free(&got);
    peer.reply =
        "HTTP/1.1 416 Enough\r\nContent-Range: bytes */4\r\nContent-Length: 0\r\n\r\n";
    wait_for(tw_download_page("http://a/", path, true, NULL));
    ck_assert_ptr_null(got.error);
    ck_assert_uint_eq(peer_count(&peer, "If-Range: "),
                      *if_range != '\0'); /* whole: forgotten */
    stop();
}
END_TEST

START_TEST(a_replaced_file_keeps_its_mode)
{
    static const mode_t modes[] = { 0600, 0644, 0755 };
    struct stat status;

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        start(whole);
        write_file("old");
        ck_assert_int_eq(chmod(path, modes[i]), 0);
        wait_for(tw_download_page("http://a/", path, false, NULL));
        ck_assert_ptr_null(got.error);
        check_file("hi");
        ck_assert_int_eq(stat(path, &status), 0);
        ck_assert_uint_eq(status.st_mode & 07777, modes[i]);
        stop();
    }
}
END_TEST

START_TEST(a_link_stays_and_the_file_behind_it_is_replaced)
{
    char link[sizeof path + 8];
    struct stat status;

    start(whole);
    snprintf(link, sizeof link, "%s.link", path);
    ck_assert_int_eq(symlink("page", link), 0);
    for (int i = 0; i < 2; i++) { /* leading nowhere, then to a file */
        wait_for(tw_download_page("http://a/", link, false, NULL));
        ck_assert_ptr_null(got.error);
        outcome_free(&got);
        check_file("hi");
        ck_assert_int_eq(lstat(link, &status), 0);
        ck_assert(S_ISLNK(status.st_mode));
        write_file("a longer one");
    }
    unlink(link);
    stop();
}
END_TEST

START_TEST(a_pipe_is_written_to)
{
    bool resume = _i == 1;
    char text[10] = "";
    struct stat status;
    int reader;

    start(whole);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    wait_for(tw_download_page("http://a/", path, resume, NULL));
    ck_assert_ptr_eq(got.error, &tw_error_system); /* nobody reads */
    ck_assert_int_eq(tw_failure_number(got.result), ENXIO);
    outcome_free(&got);
    reader = open(path, O_RDONLY | O_NONBLOCK);
    ck_assert_int_ge(reader, 0);
    wait_for(tw_download_page("http://a/", path, resume, NULL));
    ck_assert_ptr_null(got.error);
    ck_assert_int_eq(read(reader, text, sizeof text - 1), 2);
    ck_assert_str_eq(text, "hi");
    ck_assert_int_eq(lstat(path, &status), 0);
    ck_assert(S_ISFIFO(status.st_mode));
    close(reader);
    stop();
}
END_TEST

START_TEST(a_file_that_cannot_be_written_says_so)
{
    start("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    wait_for(tw_download_page("http://a/", "/nowhere/at/all", _i == 1, NULL));
    ck_assert_ptr_eq(got.error, &tw_error_system);
    ck_assert_int_eq(tw_failure_number(got.result), ENOENT);
    ck_assert_ptr_nonnull(strstr(tw_failure_message(got.result), "/nowhere/at/all"));
    stop();
}
END_TEST

START_TEST(a_full_disk_says_so)
{
    int fd = open("/dev/full", O_WRONLY);

    start("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    if (fd >= 0) {
        wait_for(tw_download_page("http://a/", "/dev/full", true, NULL));
        ck_assert_ptr_eq(got.error, &tw_error_system);
        ck_assert_int_eq(tw_failure_number(got.result), ENOSPC);
        close(fd);
    }
    stop();
}
END_TEST

static unsigned heads, pieces;

static int count_head(tw_value response, void *arg)
{
    (void)response;
    (void)arg;
    heads++;
    return 0;
}

static int count_piece(const char *data, size_t length, void *arg)
{
    (void)data;
    (void)arg;
    pieces += (unsigned)length;
    return 0;
}

START_TEST(a_download_can_be_watched)
{
    struct tw_fetch_options options = { .on_headers = count_head, .on_body = count_piece };

    heads = pieces = 0;
    start("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    wait_for(tw_download_page("http://a/", path, false, &options));
    ck_assert_ptr_null(got.error);
    ck_assert_uint_eq(heads, 1);
    ck_assert_uint_eq(pieces, 2);
    check_file("hi");
    stop();
}
END_TEST

START_TEST(a_cancelled_download_leaves_nothing)
{
    tw_deferred *page;

    start("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi");
    page = tw_download_page("http://a/", path, false, NULL);
    outcome_of(&got, tw_deferred_ref(page));
    client_settle();
    tw_cancel(page);
    tw_deferred_unref(page);
    ck_assert_ptr_eq(got.error, &tw_error_cancelled);
    check_file(NULL);
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("get_page");
    static const int modes[2];

    TEST_ADD_ROWS(suite, a_page_is_its_body_or_the_failure_of_its_status, pages);
    TEST_ADD(suite, a_page_cut_short_carries_what_came);
    TEST_ADD(suite, a_redirect_that_is_not_followed_names_its_target);
    TEST_ADD(suite, a_bad_url_fails_at_once);
    TEST_ADD(suite, pages_share_the_connections_of_the_thread);
    TEST_ADD_ROWS(suite, an_answer_says_when_to_come_again, retries);
    TEST_ADD_ROWS(suite, a_download_is_whole_or_not_there, downloads);
    TEST_ADD(suite, a_part_that_the_caller_asks_for_is_the_page);
    TEST_ADD(suite, a_page_to_be_continued_is_asked_for_uncoded);
    TEST_ADD_ROWS(suite, the_rest_is_asked_for_of_the_same_version, validators);
    TEST_ADD(suite, a_replaced_file_keeps_its_mode);
    TEST_ADD(suite, a_link_stays_and_the_file_behind_it_is_replaced);
    TEST_ADD_ROWS(suite, a_pipe_is_written_to, modes);
    TEST_ADD_ROWS(suite, a_file_that_cannot_be_written_says_so, modes);
    TEST_ADD(suite, a_full_disk_says_so);
    TEST_ADD(suite, a_download_can_be_watched);
    TEST_ADD(suite, a_cancelled_download_leaves_nothing);
    return test_run(suite);
}
