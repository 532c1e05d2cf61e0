/* SPDX-License-Identifier: MIT */
/*
 * check_sitemap.c - entries come out of sitemaps, feeds and lists, whole or broken, in pieces of
 * any size.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "spider/text/arena.h"
#include "spider/text/sitemap.h"
#include "tests/test.h"

#define NS " xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'"
#define SET(content) "<urlset" NS ">" content "</urlset>"

/* What is expected: the kind, then for each entry "\n", loc, and "|x" for each other value. */
static const struct {
    const char *what;
    const char *input;
    const char *expected;
} rows[] = {
    { "a set",
      "<?xml version='1.0' encoding='UTF-8'?>\n" SET(
          "<url><loc>http://h/</loc><lastmod>2009</lastmod><changefreq>daily</changefreq>"
          "<priority>1</priority></url><url><loc>http://h/2</loc></url>"),
      "urlset\nhttp://h/|l2009|cdaily|p1\nhttp://h/2" },
    { "an index",
      "<sitemapindex><sitemap><loc>http://h/s</loc><lastmod/></sitemap></sitemapindex>",
      "sitemapindex\nhttp://h/s|l" },
    { "an empty set", SET(""), "urlset" },
    { "values are trimmed", SET("<url><loc>\n http://h/a b \t</loc></url>"),
      "urlset\nhttp://h/a b" },
    { "another namespace",
      "<urlset xmlns='http://x'><n:url xmlns:n='urn:n'><n:loc>u</n:loc></n:url></urlset>",
      "urlset\nu" },
    { "space and a mark before",
      "\xef\xbb\xbf \n<?xml version='1.0'?>" SET("<url><loc>u</loc></url>"), "urlset\nu" },
    { "comments and sections",
      SET("<!-- <url><loc>x</loc></url> --><url><loc><![CDATA[http://h/?a&b]]><!-- c "
          "--></loc></url>"),
      "urlset\nhttp://h/?a&b" },
    { "references in attributes",
      SET("<url><loc>u</loc><link rel='alternate' href='a?b&amp;c&#38;d&lt;&quot;'/></url>"),
      "urlset\nu|aa?b&c&d<\"" },
    { "references", SET("<url><loc>a&amp;b&#38;c&lt;&#x41;</loc></url>"), "urlset\na&b&c<A" },
    { "what should have been references", SET("<url><loc>h/?a=1&b=2&c&nbsp;d& e</loc></url>"),
      "urlset\nh/?a=1&b=2&c&nbsp;d& e" },
    { "languages",
      SET("<url><loc>u</loc><xhtml:link xmlns:xhtml='x' rel='alternate' hreflang='de' "
          "href='de'/>"
          "<link href='fr'/><link rel='canonical' href='x'/></url>"),
      "urlset\nu|ade|afr" },
    { "only an entry's own fields",
      SET("<url><image><loc>i</loc></image><loc>u</loc><image><loc>j</loc></image></url>"),
      "urlset\nu" },
    { "no loc, no entry", SET("<url><lastmod>x</lastmod></url><url><loc> </loc></url>"),
      "urlset" },
    { "broken off", "<urlset><url><loc>a</loc></url><url><loc>b</loc></url><url><loc>c",
      "urlset\na\nb" },
    { "broken off in an end tag", "<urlset><url><loc>a</loc></url><url><loc>b</loc></ur",
      "urlset\na" },
    { "an entry that is not closed",
      "<urlset><url><loc>a</loc><url><loc>b</loc></url></urlset>", "urlset\na\nb" },
    { "declared entities are not expanded",
      "<!DOCTYPE urlset [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'><!ENTITY f SYSTEM "
      "'file:///etc/passwd'>]>"
      "<urlset><url><loc>x&b;&f;</loc></url></urlset>",
      "urlset\nx" },
    { "another charset",
      "<?xml version='1.0' encoding='iso-8859-1'?>" SET("<url><loc>\xe9</loc></url>"),
      "urlset\n\xc3\xa9" },
    { "RSS 2.0",
      "<rss version='2.0'><channel><link>http://h/</link><item><title>t</title><link>a</link>"
      "<pubDate>d</pubDate></item><item><guid>b</guid></item>"
      "<item><guid isPermaLink='false'>c</guid></item>"
      "<item><guid>g</guid><link>e</link><guid>g</guid></item></channel></rss>",
      "rss\na|ld\nb\ne" },
    { "RSS 1.0",
      "<rdf:RDF xmlns:rdf='r' xmlns='http://purl.org/rss/1.0/' "
      "xmlns:dc='d'><channel><link>h</link>"
      "</channel><item><link>a</link><dc:date>d</dc:date></item></rdf:RDF>",
      "rss\na|ld" },
    { "Atom",
      "<feed xmlns='http://www.w3.org/2005/Atom'><link href='h'/><entry>"
      "<link rel='edit' href='x'/><link rel='alternate' href='a'/><link href='b'/>"
      "<published>p</published><updated>u</updated></entry><entry><link href='c'/>"
      "<published>p</published></entry></feed>",
      "atom\na|lu\nc|lp" },
    { "a list", "http://h/1\r\n\n  HTTPS://h/2  \r# no\nhttp://h/3",
      "text\nhttp://h/1\nHTTPS://h/2\nhttp://h/3" },
    { "a list with a mark", "\xef\xbb\xbfhttp://h/1\n", "text\nhttp://h/1" },
    { "nothing", "", "none" },
    { "space", " \n ", "none" },
    { "words", "not a sitemap\n", "none" },
    { "a page", "<!DOCTYPE html><html><body><p>http://h/</p></body></html>", "none" },
    { "no XML", "<<<<", "none" },
};

static void expect_value(struct twi_text *text, const char *mark, const char *value)
{
    if (value == NULL)
        return;
    twi_text_puts(text, mark);
    twi_text_puts(text, value);
}

static void note(const struct twi_sitemap_entry *entry, void *arg)
{
    struct twi_text *text = arg;

    expect_value(text, "\n", entry->loc);
    expect_value(text, "|l", entry->lastmod);
    expect_value(text, "|c", entry->changefreq);
    expect_value(text, "|p", entry->priority);
    for (size_t i = 0; i < entry->alternate_count; i++)
        expect_value(text, "|a", entry->alternates[i]);
}

static void entries_are(const char *what, const char *input, size_t length, size_t piece,
                        const char *expected)
{
    struct twi_arena arena;
    struct twi_text text = { .arena = &arena }, all = { .arena = &arena };
    struct twi_sitemap *sitemap = twi_sitemap_new(note, &text);
    const char *kind;

    twi_arena_init(&arena, 0);
    for (size_t at = 0; at < length; at += piece)
        twi_sitemap_feed(sitemap, input + at, piece < length - at ? piece : length - at);
    kind = twi_sitemap_end(sitemap);
    twi_text_puts(&all, kind != NULL ? kind : "none");
    twi_text_add(&all, text.data, text.length);
    ck_assert_msg(strcmp(twi_text_string(&all), expected) == 0, "%s, by %zu: %s", what, piece,
                  twi_text_string(&all));
    twi_sitemap_free(sitemap);
    twi_arena_free(&arena);
}

START_TEST(entries_come_out)
{
    size_t length = strlen(rows[_i].input);

    entries_are(rows[_i].what, rows[_i].input, length, length + 1, rows[_i].expected);
    entries_are(rows[_i].what, rows[_i].input, length, 7, rows[_i].expected);
    entries_are(rows[_i].what, rows[_i].input, length, 1, rows[_i].expected);
}
END_TEST

/* Pack; the number of bytes. */
static size_t pack(const char *text, unsigned char *to, size_t size)
{
    z_stream zip = { .next_in = (unsigned char *)text,
                     .avail_in = (unsigned)strlen(text),
                     .next_out = to,
                     .avail_out = (unsigned)size };

    ck_assert_int_eq(deflateInit2(&zip, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    ck_assert_int_eq(deflate(&zip, Z_FINISH), Z_STREAM_END);
    deflateEnd(&zip);
    return size - zip.avail_out;
}

START_TEST(packed_ones_are_unpacked)
{
    static const char first[] = "<urlset><url><loc>a</loc></url>";
    static const char second[] = "<url><loc>b</loc></url></urlset>";
    unsigned char packed[1000];
    size_t one = pack(first, packed, sizeof packed);
    size_t both = one + pack(second, packed + one, sizeof packed - one);

    entries_are("two members", (char *)packed, both, 1000, "urlset\na\nb");
    entries_are("two members", (char *)packed, both, 1, "urlset\na\nb");
    entries_are("broken off", (char *)packed, both - 12, 1000, "urlset\na\nb");
    entries_are("junk behind", (char *)packed, one + 1, 1000, "urlset\na");
    entries_are("only its head", (char *)packed, 5, 1000, "none");
    packed[one - 20] ^= 0x55;
    entries_are("broken", (char *)packed, 12, 1000, "none");
}
END_TEST

static void count_entries(const struct twi_sitemap_entry *entry, void *arg)
{
    (void)entry;
    ++*(size_t *)arg;
}

START_TEST(a_long_one_takes_no_more_memory)
{
    static const char entry[] =
        "<url><loc>http://h/page</loc><lastmod>2026-01-01</lastmod></url>";
    size_t count = 0, i;
    struct twi_sitemap *sitemap = twi_sitemap_new(count_entries, &count);

    twi_sitemap_feed(sitemap, "<urlset>", 8);
    for (i = 0; i < 50000; i++)
        twi_sitemap_feed(sitemap, entry, sizeof entry - 1);
    ck_assert_uint_gt(count, 49900);
    twi_sitemap_feed(sitemap, "</urlset>", 9);
    ck_assert_str_eq(twi_sitemap_end(sitemap), "urlset");
    ck_assert_uint_eq(count, 50000);
    twi_sitemap_free(sitemap);
}
END_TEST

START_TEST(an_endless_value_is_dropped)
{
    size_t count = 0, i;
    struct twi_sitemap *sitemap = twi_sitemap_new(count_entries, &count);
    char piece[4096];

    memset(piece, 'x', sizeof piece);
    twi_sitemap_feed(sitemap, "<urlset><url><loc>", 18);
    for (i = 0; i < 1000; i++)
        twi_sitemap_feed(sitemap, piece, sizeof piece);
    twi_sitemap_feed(sitemap, "</loc></url><url><loc>u</loc></url></urlset>", 44);
    ck_assert_str_eq(twi_sitemap_end(sitemap), "urlset");
    ck_assert_uint_eq(count, 1);
    twi_sitemap_free(sitemap);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sitemap");

    TEST_ADD_ROWS(suite, entries_come_out, rows);
    TEST_ADD(suite, packed_ones_are_unpacked);
    TEST_ADD(suite, a_long_one_takes_no_more_memory);
    TEST_ADD(suite, an_endless_value_is_dropped);
    return test_run(suite);
}
