/*
 * check_static.c - files over HTTP: types, conditions, ranges, directories, and no way out.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/site.h"
#include "web/http/mime.h"

static char root[] = "/tmp/check-static-XXXXXX";
static char etag[64];
enum { BIG = 200000 };

/* --- a directory to serve ---------------------------------------------------------------- */

/* Outside of tests there is nothing to report to. */
static void must(bool ok)
{
    if (!ok) {
        perror("check_static");
        exit(99);
    }
}

static void put_file(const char *name, const char *content, size_t length)
{
    /* 2001-09-09 01:46:40 */
    struct timeval times[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
    char path[256];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", root, name);
    file = fopen(path, "wb");
    must(file != NULL && fwrite(content, 1, length, file) == length);
    fclose(file);
    must(utimes(path, times) == 0);
}

static void in_root(const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", root, name);
}

static void make_root(void)
{
    static char big[BIG];
    char path[256];

    must(mkdtemp(root) != NULL);
    in_root("www", path);
    must(mkdir(path, 0755) == 0);
    in_root("www/dir", path);
    must(mkdir(path, 0755) == 0);
    in_root("www/empty dir", path);
    must(mkdir(path, 0755) == 0);
    in_root("www/list", path);
    must(mkdir(path, 0755) == 0);
    in_root("www/list/sub", path);
    must(mkdir(path, 0755) == 0);
    put_file("www/list/<b>", "", 0);
    put_file("www/list/a:b", "", 0);
    put_file("www/list/.hidden", "", 0);
    put_file("www/index.html", "<h1>root</h1>", 13);
    put_file("www/dir/index.html", "<h1>dir</h1>", 12);
    put_file("www/ten.txt", "0123456789", 10);
    put_file("www/none", "", 0);
    put_file("www/a b&c.json", "{}", 2);
    put_file("secret", "secret", 6);
    for (size_t i = 0; i < BIG; i++)
        big[i] = (char)('a' + i % 26);
    put_file("www/big.bin", big, BIG);
    in_root("www/out", path);
    must(symlink("../secret", path) == 0);
    in_root("www/out-dir", path);
    must(symlink("..", path) == 0);
    in_root("www/absolute", path);
    must(symlink("/etc/passwd", path) == 0);
    in_root("www/in", path);
    must(symlink("ten.txt", path) == 0);
    in_root("www/loop", path);
    must(symlink("loop", path) == 0);
    in_root("www/pipe", path);
    must(mkfifo(path, 0644) == 0);
}

static void remove_root(void)
{
    static const char *const names[] = {
        "www/index.html",
        "www/dir/index.html",
        "www/ten.txt",
        "www/none",
        "www/a b&c.json",
        "secret",
        "www/big.bin",
        "www/out",
        "www/out-dir",
        "www/absolute",
        "www/in",
        "www/loop",
        "www/list/<b>",
        "www/list/a:b",
        "www/list/.hidden",
        "www/list/sub",
        "www/list",
        "www/pipe",
        "www/dir",
        "www/empty dir",
        "www",
        "",
    };
    char path[256];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        in_root(names[i], path);
        remove(path);
    }
}

static void begin(void)
{
    char path[256];

    site_begin(NULL);
    in_root("www", path);
    ck_assert_int_eq(tw_site_files(site, "/", path), 0);
    ck_assert_int_eq(tw_site_files(site, "/files/", path), 0);
    wire = site_connect();
}

/* --- requests ---------------------------------------------------------------------------- */

/* What follows the first head in `text`. */
static const char *past_head(const char *text)
{
    return (const char *)test_given(strstr(text, "\r\n\r\n")) + 4;
}

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
    { "its tag", "GET", "/ten.txt", NULL, 200, "ETag: \"a-3b9aca0000000000\"\r\n", NULL },
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
      "Content-Type: text/html; charset=utf-8\r\n",
      "<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>/empty dir/</title>\n"
      "<h1>/empty dir/</h1>\n<ul>\n</ul>\n" },
    { "a listing", "GET", "/list/", NULL, 200, NULL,
      "<!DOCTYPE html>\n<meta "
      "charset=\"utf-8\">\n<title>/list/</title>\n<h1>/list/</h1>\n<ul>\n"
      "<li><a href=\"./%3Cb%3E\">&lt;b&gt;</a></li>\n<li><a href=\"./a%3Ab\">a:b</a></li>\n"
      "<li><a href=\"./sub/\">sub/</a></li>\n</ul>\n" },
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

static tw_request *first;

static tw_value wait_for_test(tw_request *request, void *arg)
{
    (void)arg;
    first = request;
    return tw_none();
}

START_TEST(a_file_waits_for_its_turn)
{
    const char *body;

    begin();
    ck_assert_int_eq(tw_site_handle(site, "/wait", wait_for_test, NULL, NULL), 0);
    send_text("GET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n"
              "GET /big.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0,26-26,199999-\r\n\r\n");
    ck_assert_str_eq(answered(), "");
    tw_request_answer(test_given(first), 200, "text/plain", tw_string("first"));
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
    ck_assert_int_eq(tw_site_handle(site, "/wait", wait_for_test, NULL, NULL), 0);
    send_text("GET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    tw_string_transport_lose(wire, tw_fail(&tw_error_connection_lost, "gone"));
    tw_testing_settle();
    tw_request_finish(test_given(first));
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

static void forbid_openat2(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = { sizeof program / sizeof program[0], program };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
        _exit(77);
}

static const struct {
    const char *target;
    int status;
} without_openat2[] = {
    { "/ten.txt", 200 },   { "/", 200 },
    { "/dir/", 200 },      { "/dir", 301 },
    { "/list/", 200 },     { "/nothing", 404 },
    { "/ten.txt/", 404 },  { "/ten.txt/x", 404 },
    { "/out", 404 },       { "/out-dir/secret", 404 },
    { "/absolute", 404 },  { "/in", 404 },
    { "/loop", 404 },      { "//dir//index.html", 404 },
    { "/../secret", 400 },
};

/* In a process of its own, which cannot undo it. */
START_TEST(no_link_is_followed_where_the_kernel_cannot_guard)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        forbid_openat2();
        begin();
        for (size_t i = 0; i < sizeof without_openat2 / sizeof without_openat2[0]; i++) {
            const char *text = ask("GET", without_openat2[i].target, NULL);

            if (atoi(text + 9) != without_openat2[i].status || strstr(text, "secret") != NULL)
                _exit(100 + (int)i);
        }
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    /* 77: there are no filters here. */
    ck_assert_msg(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77, "row %d",
                  WEXITSTATUS(status) - 100);
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
    TEST_ADD(suite, no_link_is_followed_where_the_kernel_cannot_guard);
    TEST_ADD(suite, out_of_memory_leaves_no_file_open);
    TEST_ADD_ROWS(suite, an_ending_tells_the_type, mimes);
    make_root();
    failed = test_run(suite);
    remove_root();
    return failed;
}
