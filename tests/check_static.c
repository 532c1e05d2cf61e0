/* SPDX-License-Identifier: MIT */
/*
 * check_static.c - files over HTTP: types, conditions, ranges, directories, and no way out.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/site.h"
#include "tests/www.h"
#include "web/http/mime.h"

static char etag[64];
enum { BIG = 200000 };

/* --- a directory to serve ---------------------------------------------------------------- */

/* An absolute link to what is below the root, by its path. */
static void put_absolute_link(const char *name, const char *target)
{
    char path[256];

    in_root(target, path);
    put_link(name, path);
}

static void put_links(void)
{
    put_link("www/out", "../secret");
    put_link("www/out-dir", "..");
    put_link("www/absolute", "/etc/passwd");
    put_link("www/in", "ten.txt");
    put_link("www/loop", "loop");
    put_link("www/links/up", "../ten.txt");
    put_link("www/links/up-and-out", "../../secret");
    put_link("www/links/chain", "../dir/./../links/up");
    put_link("www/links/directory", "../dir");
    put_link("www/links/slash", "../dir/");
    put_link("www/links/hidden", "../list/.hidden");
    put_absolute_link("www/links/absolute", "www/ten.txt");
    put_absolute_link("www/links/absolute-directory", "www/dir");
    put_absolute_link("www/links/absolute-chain", "www/links/absolute-directory/index.html");
    put_absolute_link("www/links/absolute-root", "www");
    put_absolute_link("www/links/absolute-out", "secret");
    put_absolute_link("www/links/absolute-back-out", "www/../secret");
    put_absolute_link("www/links/absolute-round", "www/dir/../ten.txt");
    put_link("www/links/dangling", "nowhere");
}

static void make_root(void)
{
    static char big[BIG];
    char path[256];

    make_empty_root();
    put_directory("www");
    put_directory("www/dir");
    put_directory("www/empty dir");
    put_directory("www/links");
    put_directory("www/.git");
    put_file("www/.git/config", "secret", 6);
    put_odd_names();
    put_file("www/index.html", "<h1>root</h1>", 13);
    put_file("www/dir/index.html", "<h1>dir</h1>", 12);
    put_file("www/ten.txt", "0123456789", 10);
    put_file("www/none", "", 0);
    put_file("www/a b&c.json", "{}", 2);
    put_file("secret", "secret", 6);
    for (size_t i = 0; i < BIG; i++)
        big[i] = (char)('a' + i % 26);
    put_file("www/big.bin", big, BIG);
    put_file("www/list/Big", big, 123456);
    put_links();
    in_root("www/pipe", path);
    must(mkfifo(path, 0644) == 0);
}

static void begin(void)
{
    www_begin("/", NULL);
    www_add("/files/");
}

/* --- requests ---------------------------------------------------------------------------- */

/* `field` may be NULL; %s in it is the ETag of ten.txt. */
static const char *ask(const char *method, const char *target, const char *field)
{
    char text[1024], filled[512] = "";

    if (field != NULL) {
        const char *mark = strstr(field, "%s");

        if (mark == NULL)
            snprintf(filled, sizeof filled, "%s\r\n", field);
        else
            snprintf(filled, sizeof filled, "%.*s%s%s\r\n", (int)(mark - field), field, etag,
                     mark + 2);
    }
    snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n", method, target, filled);
    send_text(text);
    return answered();
}

static void learn_etag(void)
{
    const char *at = strstr(ask("HEAD", "/ten.txt", NULL), "ETag: ");

    ck_assert_ptr_nonnull(at);
    snprintf(etag, sizeof etag, "%.*s", (int)strcspn(at + 6, "\r"), at + 6);
}

static const struct {
    const char *what, *method, *target, *field;
    int status;
    const char *header; /* must be there; NULL: any; with "!": must not */
    const char *body;   /* NULL: any */
} rows[] = {
    { "a file", "GET", "/ten.txt", NULL, 200, "Content-Type: text/plain; charset=utf-8\r\n",
      "0123456789" },
    { "its length", "GET", "/ten.txt", NULL, 200, "Content-Length: 10\r\n", NULL },
    { "its date", "GET", "/ten.txt", NULL, 200,
      "Last-Modified: Sun, 09 Sep 2001 01:46:40 GMT\r\n", NULL },
    { "its tag", "GET", "/ten.txt", NULL, 200, "ETag: \"a-3b9aca0000bc5ea8\"\r\n", NULL },
    { "its type is as told", "GET", "/ten.txt", NULL, 200,
      "X-Content-Type-Options: nosniff\r\n", NULL },
    { "a listing's too", "GET", "/list/", NULL, 200, "X-Content-Type-Options: nosniff\r\n",
      NULL },
    { "ranges are offered", "GET", "/ten.txt", NULL, 200, "Accept-Ranges: bytes\r\n", NULL },
    { "no body for HEAD", "HEAD", "/ten.txt", NULL, 200, "Content-Length: 10\r\n", "" },
    { "no body of a big one", "HEAD", "/big.bin", NULL, 200, "Content-Length: 200000\r\n",
      "" },
    { "a query makes no difference", "GET", "/ten.txt?a=b", NULL, 200, NULL, "0123456789" },
    { "below another path", "GET", "/files/ten.txt", NULL, 200, NULL, "0123456789" },
    { "an empty file", "GET", "/none", NULL, 200, "Content-Type: application/octet-stream\r\n",
      "" },
    { "escapes", "GET", "/a%20b%26c.json", NULL, 200, "Content-Type: application/json\r\n",
      "{}" },
    { "an index", "GET", "/", NULL, 200, "Content-Type: text/html; charset=utf-8\r\n",
      "<h1>root</h1>" },
    { "an index below", "GET", "/dir/", NULL, 200, NULL, "<h1>dir</h1>" },
    { "two slashes", "GET", "//ten.txt", NULL, 404, NULL, NULL },
    { "two slashes inside", "GET", "/dir//index.html", NULL, 404, NULL, NULL },
    { "two slashes at the end", "GET", "/dir//", NULL, 404, NULL, NULL },
    { "a directory without a slash", "GET", "/dir?x=y", NULL, 301, "Location: /dir/?x=y\r\n",
      NULL },
    { "the same below", "GET", "/files/dir", NULL, 301, "Location: /files/dir/\r\n", NULL },
    { "no way to another host", "GET", "//dir", NULL, 404, "!Location", NULL },
    { "a directory by another way", "GET", "/list/../dir", NULL, 301, "Location: /dir/\r\n",
      NULL },
    { "a name with a space", "GET", "/empty%20dir", NULL, 301, "Location: /empty%20dir/\r\n",
      NULL },
    { "a directory without an index", "GET", "/empty%20dir/", NULL, 200,
      "Content-Type: text/html; charset=utf-8\r\n", NULL },
    { "nothing there", "GET", "/nothing", NULL, 404, NULL, NULL },
    { "below a file", "GET", "/ten.txt/x", NULL, 404, NULL, NULL },
    { "a file with a slash", "GET", "/ten.txt/", NULL, 404, NULL, NULL },
    { "a very long name", "GET",
      "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
      "xx"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
      "xx"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
      NULL, 404, NULL, NULL },
    { "a pipe", "GET", "/pipe", NULL, 403, NULL, NULL },
    { "a method that is known", "OPTIONS", "/ten.txt", NULL, 405, "Allow: GET, HEAD\r\n",
      NULL },
    { "a method of a listing", "DELETE", "/list/", NULL, 405, "Allow: GET, HEAD\r\n", NULL },
    { "post", "POST", "/ten.txt", NULL, 405, "Allow: GET, HEAD\r\n", NULL },
    { "an unknown method", "FOO", "/ten.txt", NULL, 501, NULL, NULL },

    /* no way out */
    { "dots", "GET", "/../secret", NULL, 400, NULL, NULL },
    { "dots that come back", "GET", "/dir/../ten.txt", NULL, 200, NULL, "0123456789" },
    { "escaped dots", "GET", "/%2e%2e/secret", NULL, 400, NULL, NULL },
    { "half escaped dots", "GET", "/dir/.%2E/%2e./secret", NULL, 400, NULL, NULL },
    { "dots below the directory's path", "GET", "/files/../secret", NULL, 404, NULL, NULL },
    { "escaped twice", "GET", "/%252e%252e/secret", NULL, 404, NULL, NULL },
    { "escaped slash", "GET", "/..%2fsecret", NULL, 404, NULL, NULL },
    { "escaped slash in a good path", "GET", "/dir%2findex.html", NULL, 404, NULL, NULL },
    { "escaped slash after dots", "GET", "/dir/..%2f..%2fsecret", NULL, 404, NULL, NULL },
    { "overlong dots", "GET", "/%c0%ae%c0%ae/secret", NULL, 404, NULL, NULL },
    { "overlong slash", "GET", "/..%c0%afsecret", NULL, 404, NULL, NULL },
    { "a wide slash", "GET", "/..%ef%bc%8fsecret", NULL, 404, NULL, NULL },
    { "backslashes", "GET", "/..\\secret", NULL, 404, NULL, NULL },
    { "escaped backslashes", "GET", "/..%5c..%5csecret", NULL, 404, NULL, NULL },
    { "dots with a parameter", "GET", "/..;/secret", NULL, 404, NULL, NULL },
    { "a parameter", "GET", "/ten.txt;x=1", NULL, 404, NULL, NULL },
    { "a NUL", "GET", "/ten.txt%00.html", NULL, 400, NULL, NULL },
    { "a dot and two slashes", "GET", "/.//ten.txt", NULL, 404, NULL, NULL },
    { "dots at the end", "GET", "/dir/..", NULL, 200, NULL, "<h1>root</h1>" },
    { "an absolute path", "GET", "//etc/passwd", NULL, 404, NULL, NULL },
    { "a link out", "GET", "/out", NULL, 404, NULL, NULL },
    { "below a link out", "GET", "/out-dir/secret", NULL, 404, NULL, NULL },
    { "an absolute link", "GET", "/absolute", NULL, 404, NULL, NULL },
    { "a link that stays inside", "GET", "/in", NULL, 200, NULL, "0123456789" },
    { "a link up", "GET", "/links/up", NULL, 200, NULL, "0123456789" },
    { "a link up and out", "GET", "/links/up-and-out", NULL, 404, NULL, NULL },
    { "a chain of links", "GET", "/links/chain", NULL, 200, NULL, "0123456789" },
    { "a link to a directory", "GET", "/links/directory/", NULL, 200, NULL, "<h1>dir</h1>" },
    { "below one with a slash", "GET", "/links/slash/index.html", NULL, 200, NULL,
      "<h1>dir</h1>" },
    { "an absolute link inside", "GET", "/links/absolute", NULL, 200, NULL, "0123456789" },
    { "an absolute link to a directory", "GET", "/links/absolute-directory", NULL, 301,
      "Location: /links/absolute-directory/\r\n", NULL },
    { "below one", "GET", "/links/absolute-directory/index.html", NULL, 200, NULL,
      "<h1>dir</h1>" },
    { "through two", "GET", "/links/absolute-chain", NULL, 200, NULL, "<h1>dir</h1>" },
    { "an absolute link to the root", "GET", "/links/absolute-root/", NULL, 200, NULL,
      "<h1>root</h1>" },
    { "round and round", "GET", "/links/absolute-root/links/absolute-root/ten.txt", NULL, 200,
      NULL, "0123456789" },
    { "an absolute link out", "GET", "/links/absolute-out", NULL, 404, NULL, NULL },
    { "in and out", "GET", "/links/absolute-back-out", NULL, 404, NULL, NULL },
    { "in, down and up", "GET", "/links/absolute-round", NULL, 200, NULL, "0123456789" },
    { "a link to nothing", "GET", "/links/dangling", NULL, 404, NULL, NULL },
    { "below a loop", "GET", "/loop/x", NULL, 404, NULL, NULL },

    /* hidden */
    { "a hidden file", "GET", "/list/.hidden", NULL, 404, NULL, NULL },
    { "an escaped dot", "GET", "/list/%2ehidden", NULL, 404, NULL, NULL },
    { "a hidden directory", "GET", "/.git/", NULL, 404, NULL, NULL },
    { "below it", "GET", "/.git/config", NULL, 404, NULL, NULL },
    { "by a link that is seen", "GET", "/links/hidden", NULL, 200, NULL, "hidden" },
    { "a loop", "GET", "/loop", NULL, 404, NULL, NULL },

    /* conditions */
    { "the same tag", "GET", "/ten.txt", "If-None-Match: %s", 304, "ETag: ", "" },
    { "a weak tag", "GET", "/ten.txt", "If-None-Match: \"x\", W/%s", 304, NULL, "" },
    { "the tag on a second line", "GET", "/ten.txt",
      "If-None-Match: \"x\"\r\nIf-None-Match: %s", 304, NULL, "" },
    { "any tag", "GET", "/ten.txt", "If-None-Match: *", 304, NULL, "" },
    { "another tag", "GET", "/ten.txt", "If-None-Match: \"x\"", 200, NULL, NULL },
    { "a broken tag", "GET", "/ten.txt", "If-None-Match: x\", %s", 200, NULL, NULL },
    { "not modified since", "GET", "/ten.txt",
      "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT", 304, NULL, "" },
    { "modified since", "GET", "/ten.txt", "If-Modified-Since: Sun, 09 Sep 2001 01:46:39 GMT",
      200, NULL, NULL },
    { "a broken date", "GET", "/ten.txt", "If-Modified-Since: yesterday", 200, NULL, NULL },
    { "the tag goes before the date", "GET", "/ten.txt",
      "If-None-Match: \"x\"\r\nIf-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT", 200, NULL,
      NULL },
    { "if it is the same", "GET", "/ten.txt", "If-Match: %s", 200, NULL, NULL },
    { "if it is the same, on a second line", "GET", "/ten.txt",
      "If-Match: \"x\\\"\r\nIf-Match: %s", 200, NULL, NULL },
    { "if it is another", "GET", "/ten.txt", "If-Match: \"x\"", 412, NULL, NULL },
    { "a weak tag is not the same", "GET", "/ten.txt", "If-Match: W/%s", 412, NULL, NULL },
    { "if it is unmodified", "GET", "/ten.txt",
      "If-Unmodified-Since: Sun, 09 Sep 2001 01:46:40 GMT", 200, NULL, NULL },
    { "if it was unmodified", "GET", "/ten.txt",
      "If-Unmodified-Since: Sun, 09 Sep 2001 01:46:39 GMT", 412, NULL, NULL },

    { "precedence: If-Match before If-None-Match", "GET", "/ten.txt",
      "If-Match: \"x\"\r\nIf-None-Match: \"x\"", 412, NULL, NULL },
    { "precedence: If-Match before If-Unmodified-Since", "GET", "/ten.txt",
      "If-Match: %s\r\nIf-Unmodified-Since: Sun, 09 Sep 2001 01:46:39 GMT", 200, NULL, NULL },
    { "precedence: If-Unmodified-Since before If-None-Match", "GET", "/ten.txt",
      "If-None-Match: %s\r\nIf-Unmodified-Since: Sun, 09 Sep 2001 01:46:39 GMT", 412, NULL,
      NULL },
    { "precedence: both hold", "GET", "/ten.txt",
      "If-Unmodified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\nIf-None-Match: %s", 304, NULL,
      "" },
    { "precedence: If-None-Match before Range", "GET", "/ten.txt",
      "Range: bytes=0-1\r\nIf-None-Match: %s", 304, "!Content-Range", "" },
    { "precedence: If-Match before Range", "GET", "/ten.txt",
      "Range: bytes=0-1\r\nIf-Match: \"x\"", 412, "!Content-Range", NULL },
    { "HEAD with a condition", "HEAD", "/ten.txt", "If-None-Match: %s", 304, NULL, "" },
    { "any file", "GET", "/ten.txt", "If-Match: *", 200, NULL, NULL },
    { "any file that is not there", "GET", "/nothing", "If-Match: *", 404, NULL, NULL },
    { "a listing has no tag", "GET", "/list/", "If-Match: \"x\"", 412, NULL, NULL },
    { "a listing is some page", "GET", "/list/", "If-Match: *", 200, NULL, NULL },
    { "a listing that is there", "GET", "/list/", "If-None-Match: *", 304, NULL, "" },
    { "a listing has no date", "GET", "/list/",
      "If-Unmodified-Since: Sun, 09 Sep 2001 01:46:40 GMT", 200, NULL, NULL },
    { "a listing is always new", "GET", "/list/",
      "If-Modified-Since: Sun, 09 Sep 2099 01:46:40 GMT", 200, NULL, NULL },

    /* ranges */
    { "from to", "GET", "/ten.txt", "Range: bytes=2-4", 206, "Content-Range: bytes 2-4/10\r\n",
      "234" },
    { "from", "GET", "/ten.txt", "Range: bytes=7-", 206, "Content-Range: bytes 7-9/10\r\n",
      "789" },
    { "the last", "GET", "/ten.txt", "Range: bytes=-3", 206, "Content-Range: bytes 7-9/10\r\n",
      "789" },
    { "beyond the end", "GET", "/ten.txt", "Range: bytes=8-99999999999999999999", 206,
      "Content-Range: bytes 8-9/10\r\n", "89" },
    { "a suffix longer than all", "GET", "/ten.txt", "Range: bytes=-99", 206,
      "Content-Range: bytes 0-9/10\r\n", "0123456789" },
    { "one byte", "GET", "/ten.txt", "Range: bytes=0-0", 206, "Content-Length: 1\r\n", "0" },
    { "far inside a big one", "GET", "/big.bin", "Range: bytes=199990-", 206,
      "Content-Range: bytes 199990-199999/200000\r\n", "yzabcdefgh" },
    { "after the end", "GET", "/ten.txt", "Range: bytes=10-", 416,
      "Content-Range: bytes */10\r\n", NULL },
    { "no bytes", "GET", "/ten.txt", "Range: bytes=-0", 416, "Content-Range: bytes */10\r\n",
      NULL },
    { "of an empty file", "GET", "/none", "Range: bytes=0-", 416,
      "Content-Range: bytes */0\r\n", NULL },
    { "backwards", "GET", "/ten.txt", "Range: bytes=4-2", 200, "!Content-Range",
      "0123456789" },
    { "not bytes", "GET", "/ten.txt", "Range: lines=1-2", 200, NULL, "0123456789" },
    { "junk", "GET", "/ten.txt", "Range: bytes=a-b", 200, NULL, "0123456789" },
    { "nothing", "GET", "/ten.txt", "Range: bytes=", 200, NULL, "0123456789" },
    { "junk after a good one", "GET", "/ten.txt", "Range: bytes=1-2x", 200, NULL,
      "0123456789" },
    { "17 ranges", "GET", "/ten.txt",
      "Range: bytes=0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0", 200,
      NULL, "0123456789" },
    { "more than the whole", "GET", "/ten.txt", "Range: bytes=0-8,1-9", 200, NULL,
      "0123456789" },
    { "one of two is beyond", "GET", "/ten.txt", "Range: bytes=1-2, 20-30", 206,
      "Content-Range: bytes 1-2/10\r\n", "12" },
    { "the end of an empty file", "GET", "/none", "Range: bytes=-5", 200, "!Content-Range",
      "" },
    { "a Range on two lines", "GET", "/ten.txt", "Range: bytes=1-2\r\nRange: bytes=4-5", 200,
      "!Content-Range", "0123456789" },
    { "no last byte", "GET", "/ten.txt", "Range: bytes=1", 200, "!Content-Range",
      "0123456789" },
    { "adjacent ones", "GET", "/ten.txt", "Range: bytes=0-1,2-3", 206,
      "Content-Type: multipart/byteranges", NULL },
    { "no range of a listing", "GET", "/list/", "Range: bytes=0-1", 200, "!Content-Range",
      NULL },
    { "no range for HEAD", "HEAD", "/ten.txt", "Range: bytes=1-2", 200,
      "Content-Length: 10\r\n", "" },
    { "if it is the same file", "GET", "/ten.txt", "Range: bytes=1-2\r\nIf-Range: %s", 206,
      NULL, "12" },
    { "if it is another file", "GET", "/ten.txt", "Range: bytes=1-2\r\nIf-Range: \"x\"", 200,
      NULL, "0123456789" },
    { "if it has this date", "GET", "/ten.txt",
      "Range: bytes=1-2\r\nIf-Range: Sun, 09 Sep 2001 01:46:40 GMT", 206, NULL, "12" },
    { "if it had that date", "GET", "/ten.txt",
      "Range: bytes=1-2\r\nIf-Range: Sun, 09 Sep 2001 01:46:41 GMT", 200, NULL, "0123456789" },
    { "if it has a weak tag", "GET", "/ten.txt", "Range: bytes=1-2\r\nIf-Range: W/%s", 200,
      NULL, "0123456789" },
};

START_TEST(a_file_is_served)
{
    const char *text, *body;

    begin();
    learn_etag();
    text = ask(rows[_i].method, rows[_i].target, rows[_i].field);
    ck_assert_msg(strncmp(text, "HTTP/1.1 ", 9) == 0 && atoi(text + 9) == rows[_i].status,
                  "%s: %s", rows[_i].what, text);
    if (rows[_i].header != NULL && rows[_i].header[0] == '!')
        ck_assert_msg(strstr(text, rows[_i].header + 1) == NULL, "%s: %s", rows[_i].what,
                      text);
    else if (rows[_i].header != NULL)
        ck_assert_msg(strstr(text, rows[_i].header) != NULL, "%s: %s", rows[_i].what, text);
    body = strstr(text, "\r\n\r\n");
    ck_assert_ptr_nonnull(body);
    if (rows[_i].body != NULL)
        ck_assert_msg(strcmp(body + 4, rows[_i].body) == 0, "%s: %s", rows[_i].what, text);
    ck_assert_ptr_null(strstr(text, "secret"));
    site_end();
}
END_TEST

START_TEST(several_ranges_come_in_parts)
{
    static const char expected[] =
        "\r\n--part-%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Range: bytes 0-1/10\r\n\r\n01"
        "\r\n--part-%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Range: bytes 8-9/10\r\n\r\n89\r\n--part-%s--\r\n";
    char filled[1024], boundary[20];
    const char *text, *body, *at;

    begin();
    text = ask("GET", "/ten.txt", "Range: bytes=0-1, -2");
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 206 ", 13), 0);
    at = strstr(text, "Content-Type: multipart/byteranges; boundary=part-");
    ck_assert_ptr_nonnull(at);
    snprintf(boundary, sizeof boundary, "%.16s",
             at + strlen("Content-Type: multipart/byteranges; "
                         "boundary=part-"));
    snprintf(filled, sizeof filled, expected, boundary, boundary, boundary);
    body = past_head(text);
    ck_assert_str_eq(body, filled);
    at = strstr(text, "Content-Length: ");
    ck_assert_uint_eq((size_t)atoi(at + 16), strlen(filled));
    site_end();
}
END_TEST

START_TEST(a_big_file_goes_out_whole_and_in_order)
{
    const char *text, *body;

    begin();
    send_text(
        "GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\nGET /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    text = answered();
    body = past_head(text);
    for (size_t i = 0; i < BIG; i++)
        ck_assert_int_eq(body[i], 'a' + i % 26);
    ck_assert_int_eq(strncmp(body + BIG, "HTTP/1.1 200 OK\r\n", 17), 0);
    ck_assert_str_eq(past_head(body + BIG), "0123456789");
    site_end();
}
END_TEST

START_TEST(a_file_waits_for_its_turn)
{
    const char *body;

    begin();
    ck_assert_int_eq(tw_site_handle(site, "/wait", www_wait, NULL, NULL), 0);
    send_text("GET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n"
              "GET /big.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0,26-26,199999-\r\n\r\n");
    ck_assert_str_eq(answered(), "");
    tw_request_answer(test_given(www_waiting), 200, "text/plain", tw_string("first"));
    body = past_head(answered());
    ck_assert_int_eq(strncmp(body, "firstHTTP/1.1 200 OK\r\n", 22), 0);
    body = past_head(body);
    ck_assert_int_eq(strncmp(body, "abcdef", 6), 0);
    ck_assert_int_eq(strncmp(body + BIG, "HTTP/1.1 206 ", 13), 0);
    ck_assert_ptr_nonnull(strstr(body + BIG, "bytes 26-26/200000\r\n\r\na\r\n"));
    site_end();
}
END_TEST

START_TEST(a_file_is_let_go_when_the_client_goes)
{
    begin();
    ck_assert_int_eq(tw_site_handle(site, "/wait", www_wait, NULL, NULL), 0);
    send_text("GET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    tw_string_transport_lose(wire, tw_fail(&tw_error_connection_lost, "gone"));
    tw_testing_settle();
    tw_request_finish(test_given(www_waiting));
    site_end();
}
END_TEST

START_TEST(a_directory_must_be_one)
{
    char path[256];

    site_begin(NULL);
    in_root("secret", path);
    ck_assert_int_eq(tw_site_files(site, "/", path), -ENOTDIR);
    in_root("nothing", path);
    ck_assert_int_eq(tw_site_files(site, "/", path), -ENOENT);
    in_root("www", path);
    ck_assert_int_eq(tw_site_files(site, "/x", path), -EINVAL);
    ck_assert_int_eq(tw_site_files(site, "", path), -EINVAL);
    ck_assert_int_eq(tw_site_files(site, "/x/", path), 0);
    ck_assert_int_eq(tw_site_files(site, "/x/", path), -EEXIST);
    site_end();
}
END_TEST

/* --- a kernel without openat2() ------------------------------------------------------------ */

/* In a process of its own, which cannot undo it. */
START_TEST(links_stay_inside_where_the_kernel_cannot_guard)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        forbid_openat2();
        begin();
        learn_etag();
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            const char *text = ask(rows[i].method, rows[i].target, rows[i].field);

            if (atoi(text + 9) != rows[i].status || strstr(text, "secret") != NULL)
                _exit(1 + (int)i);
            tw_string_transport_free(wire);
            wire = site_connect();
        }
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    /* 254: there are no filters here. */
    ck_assert_msg(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 254, "%s",
                  rows[WEXITSTATUS(status) - 1].what);
}
END_TEST

static bool fetch(void *arg)
{
    static const char text[] =
        "GET /ten.txt HTTP/1.1\r\nHost: a\r\n\r\n"
        "GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n"
        "GET /dir/ HTTP/1.1\r\nHost: a\r\n\r\n"
        "GET /dir HTTP/1.1\r\nHost: a\r\n\r\n"
        "GET /list/ HTTP/1.1\r\nHost: a\r\n\r\n"
        "GET /big.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=1-2,4-5\r\n\r\n";
    char path[256];
    tw_protocol *protocol;

    (void)arg;
    in_root("www", path);
    if (tw_testing_begin() < 0)
        return false;
    site = tw_site_new(NULL);
    if (site != NULL && tw_site_files(site, "/", path) == 0) {
        protocol = site_protocol();
        wire = protocol == NULL ? NULL : tw_string_transport_new(protocol);
    }
    if (wire != NULL) {
        tw_string_transport_deliver(wire, text, sizeof text - 1);
        tw_testing_settle();
        tw_string_transport_free(wire);
        wire = NULL;
    }
    tw_testing_settle();
    site_drop();
    tw_testing_end();
    return !test_alloc_failed();
}

START_TEST(out_of_memory_leaves_no_file_open)
{
    int before = open("/dev/null", O_RDONLY), after;

    ck_assert_uint_gt(test_each_alloc_failure(fetch, NULL), 0);
    after = open("/dev/null", O_RDONLY);
    ck_assert_int_eq(after, before + 1);
    close(after);
    close(before);
}
END_TEST

static const struct {
    const char *name, *type;
} mimes[] = {
    { "a.html", "text/html; charset=utf-8" },
    { "a.tar.gz", "application/gzip" },
    { "A.PNG", "image/png" },
    { "a", "application/octet-stream" },
    { "a.", "application/octet-stream" },
    { "a.b/c", "application/octet-stream" },
    { "a.7z", "application/x-7z-compressed" },
    { "a.zst", "application/zstd" },
    { "a.zzz", "application/octet-stream" },
    { "", "application/octet-stream" },
};

START_TEST(an_ending_tells_the_type)
{
    ck_assert_str_eq(twi_mime_type(mimes[_i].name), mimes[_i].type);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("static");
    int failed;

    TEST_ADD_ROWS(suite, a_file_is_served, rows);
    TEST_ADD(suite, several_ranges_come_in_parts);
    TEST_ADD(suite, a_big_file_goes_out_whole_and_in_order);
    TEST_ADD(suite, a_file_waits_for_its_turn);
    TEST_ADD(suite, a_file_is_let_go_when_the_client_goes);
    TEST_ADD(suite, a_directory_must_be_one);
    TEST_ADD(suite, links_stay_inside_where_the_kernel_cannot_guard);
    TEST_ADD(suite, out_of_memory_leaves_no_file_open);
    TEST_ADD_ROWS(suite, an_ending_tells_the_type, mimes);
    make_root();
    failed = test_run(suite);
    remove_root();
    return failed;
}
