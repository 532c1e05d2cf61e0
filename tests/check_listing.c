/* SPDX-License-Identifier: MIT */
/*
 * check_listing.c - the page of a directory's content; and names that begin with a dot.
 */
#include "config.h"

#include <fcntl.h>

#include "tests/site.h"
#include "tests/www.h"
#include "web/server/files.h"

static void make_root(void)
{
    char path[256];

    make_empty_root();
    put_directory("www");
    put_directory("www/empty");
    put_directory("www/dots");
    put_odd_names();
    put_directory("www/list/.git");
    put_file("secret", "secret", 6);
    put_file("www/dots/.only", "", 0);
    put_file("www/list/B", "1", 1);
    put_file("www/list/c", "1", 1);
    put_file("www/list/%2e%2e", "", 0);
    put_file("www/list/\303\234", "", 0);
    put_file("www/list/\300\257", "", 0);
    put_link("www/list/inside", "sub");
    put_link("www/list/dangling", "nowhere");
    put_link("www/list/outside", "../../secret");
    put_link("www/list/loop", "loop");
    in_root("www/list/c", path);
    put_link("www/list/absolute", path);
}

static void begin(bool hidden)
{
    struct tw_files_options options = { .hidden = hidden };

    www_begin("/", &options);
    www_add("/files/");
}

static const struct {
    const char *target, *part;
    bool hidden, is_there;
} rows[] = {
    { "/list/", "<meta name=\"viewport\" content=\"width=device-width", false, true },
    { "/list/", "<title>/list/</title>", false, true },
    { "/list/", "<h1><bdi>/list/</bdi></h1>", false, true },
    { "/list/", "<td>2001-09-09 01:46</td>", false, true },
    { "/list/", "<td>7 B</td>", false, true },
    { "/list/", "is empty", false, false },
    /* up, but not out of what is served */
    { "/list/", "<a href=\"../\">", false, true },
    { "/files/list/", "<a href=\"../\">", false, true },
    { "/", "<a href=\"../\">", false, false },
    { "/files/", "<a href=\"../\">", false, false },
    { "/empty/", "<p>This folder is empty.</p>", false, true },
    { "/empty/", "<a href=\"../\">", false, true },
    { "/dots/", "<p>This folder is empty.</p>", false, true },
    { "/dots/", "<a href=\"./.only\">", true, true },
    /* each name as it is, in HTML and in a URL */
    { "/list/", "<a href=\"./%3Cb%3E%26%22%27\"><bdi>&lt;b&gt;&amp;&quot;&#39;</bdi></a>",
      false, true },
    { "/list/", "<a href=\"./a%3Ab\"><bdi>a:b</bdi></a>", false, true },
    { "/list/", "<a href=\"./%252e%252e\"><bdi>%2e%2e</bdi></a>", false, true },
    { "/list/", "<a href=\"./%C3%9C\"><bdi>\303\234</bdi></a>", false, true },
    { "/list/", "<a href=\"./caf%E9%0A\"><bdi>caf\357\277\275\357\277\275</bdi></a>", false,
      true },
    { "/list/", "<a href=\"./%C0%AF\"><bdi>\357\277\275\357\277\275</bdi></a>", false, true },
    { "/list/", "<a href=\"./%E2%80%AEgnp.exe\">", false, true },
    { "/list/", "\342\200\256", false, false },
    { "/list/", "<a href=\"./sub/\"><bdi>sub</bdi>/</a></td><td></td>", false, true },
    /* no link that leads nowhere */
    { "/list/", "./inside/", false, true },
    { "/list/", "./absolute\"", false, true },
    { "/list/", "dangling", false, false },
    { "/list/", "outside", false, false },
    { "/list/", "loop", false, false },
    { "/list/", "pipe", false, false },
    /* hidden */
    { "/list/", "hidden", false, false },
    { "/list/", ".git", false, false },
    { "/list/", "./.hidden", true, true },
    { "/list/", "./.git/", true, true },
    { "/list/", "\"./../\"", true, false },
    { "/list/.hidden", "\r\n\r\nhidden", true, true },
    { "/list/.hidden", "404 Not Found", false, true },
    { "/files/list/.hidden", "404 Not Found", true, true },
    { "/list/.git", "Location: /list/.git/", true, true },
    { "/list/.git/", "404 Not Found", false, true },
};

START_TEST(a_listing_says_what_there_is)
{
    char text[256];
    const char *page;

    begin(rows[_i].hidden);
    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", rows[_i].target);
    send_text(text);
    page = answered();
    ck_assert_msg((strstr(page, rows[_i].part) != NULL) == rows[_i].is_there, "%s: %s\n%s",
                  rows[_i].target, rows[_i].part, page);
    site_end();
}
END_TEST

/* Directories first; capitals beside small letters. */
START_TEST(a_listing_is_in_order)
{
    static const char *const order[] = { "./inside/", "./sub/",     "./%252e",
                                         "./%3Cb",    "./a%3Ab", "./absolute",
                                         "./B",       "./c\"",      "./caf" };
    const char *at;

    begin(false);
    send_text(GET("/list/"));
    at = answered();
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        const char *found = strstr(at, order[i]);

        ck_assert_msg(found != NULL, "%s", order[i]);
        at = found;
    }
    site_end();
}
END_TEST

static const struct {
    int64_t size;
    const char *shown;
} sizes[] = {
    { 0, "<td>0 B</td>" },
    { 999, "<td>999 B</td>" },
    { 1000, "<td title=\"1000 bytes\">1.0 kB</td>" },
    { 9949, "<td title=\"9949 bytes\">9.9 kB</td>" },
    { 9950, "<td title=\"9950 bytes\">10 kB</td>" },
    { 999499, "<td title=\"999499 bytes\">999 kB</td>" },
    { 999500, "<td title=\"999500 bytes\">1.0 MB</td>" },
    { INT64_C(5000000000000), "<td title=\"5000000000000 bytes\">5.0 TB</td>" },
};

/* Of a file with a hole, which takes no room. */
START_TEST(a_size_has_three_figures)
{
    char path[256];
    const char *page;

    put_file("www/empty/hole", "", 0);
    in_root("www/empty/hole", path);
    if (truncate(path, sizes[_i].size) == 0) {
        begin(false);
        send_text(GET("/empty/"));
        page = answered();
        ck_assert_msg(strstr(page, sizes[_i].shown) != NULL, "%s\n%s", sizes[_i].shown, page);
        site_end();
    }
    unlink(path);
}
END_TEST

enum { MANY = 25000, SHOWN = 10000 };

/* The first ones by name, whatever order they are read in. */
START_TEST(a_huge_folder_is_cut)
{
    struct twi_listing listing = { .path = "", .title = "/" };
    struct twi_buf page = { 0 };
    char name[64], path[256];
    const char *text;

    put_directory("www/many");
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "www/many/%05u", i * 7919 % MANY);
        in_root(name, path);
        must(close(open(path, O_WRONLY | O_CREAT | O_EXCL, 0644)) == 0);
    }
    in_root("www/many", path);
    ck_assert_int_eq(twi_listing_write(&listing, open(path, O_RDONLY), &page), 0);
    text = twi_buf_text(&page);
    ck_assert_uint_eq(count_text(text, "<tr><td>"), SHOWN);
    ck_assert_ptr_nonnull(strstr(text, "<a href=\"./00000\">"));
    ck_assert_ptr_nonnull(strstr(text, "<a href=\"./09999\">"));
    ck_assert_ptr_null(strstr(text, "<a href=\"./10000\">"));
    ck_assert_ptr_nonnull(strstr(text, "<p>These are the first 10000 of 25000 names.</p>"));
    twi_buf_free(&page);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("listing");
    int failed;

    TEST_ADD_ROWS(suite, a_listing_says_what_there_is, rows);
    TEST_ADD(suite, a_listing_is_in_order);
    TEST_ADD_ROWS(suite, a_size_has_three_figures, sizes);
    TEST_ADD(suite, a_huge_folder_is_cut);
    make_root();
    failed = test_run(suite);
    remove_root();
    return failed;
}
