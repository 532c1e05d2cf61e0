/* SPDX-License-Identifier: MIT */
/*
 * check_feed_read.c - feeds are read a record at a time, in pieces of any size.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "spider/text/feed_read.h"
#include "tests/test.h"

/* --- CSV ----------------------------------------------------------------------------------- */

/* Cells end in "|", rows in ";". */
static bool note_row(const struct twi_csv_cell *cells, size_t count, void *arg)
{
    char *seen = arg;

    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(strlen(cells[i].text), cells[i].length);
        strcat(strcat(seen, cells[i].text), "|");
    }
    strcat(seen, ";");
    return strstr(seen, "stop") == NULL;
}

static const struct {
    const char *what, *csv, *seen;
    char delimiter, quote;
} rows[] = {
    { "nothing", "", "", 0, 0 },
    { "a row", "a,b\r\n", "a|b|;", 0, 0 },
    { "the last line without its end", "a,b\n1,2", "a|b|;1|2|;", 0, 0 },
    { "ends of lines of each kind", "a\rb\nc\r\nd", "a|;b|;c|;d|;", 0, 0 },
    { "empty lines are no rows", "\n\r\n\na\n\n\n", "a|;", 0, 0 },
    { "empty cells", ",\n,,", "||;|||;", 0, 0 },
    { "an empty cell in quotes is a row", "\"\"\n\"\"", "|;|;", 0, 0 },
    { "quotes", "\"a,b\",\"c\nd\"\r\n", "a,b|c\nd|;", 0, 0 },
    { "two quotes are one", "\"a\"\"b\",\"\"\"\"", "a\"b|\"|;", 0, 0 },
    { "a quote inside a cell", "a\"b\",c", "a\"b\"|c|;", 0, 0 },
    { "text behind a quoted cell", "\"a\"b,c", "ab|c|;", 0, 0 },
    { "a quoted cell that does not end", "\"a,b\nc", "a,b\nc|;", 0, 0 },
    { "a byte order mark", "\xef\xbb\xbf\"a\",b", "a|b|;", 0, 0 },
    { "half a byte order mark", "\xef\xbb,b", "\xef\xbb|b|;", 0, 0 },
    { "another delimiter and quote", "'a;b';c,d", "a;b|c,d|;", ';', '\'' },
    { "enough is enough", "a\nstop\nb\n", "a|;stop|;", 0, 0 },
};

static void csv_is(const char *csv, char delimiter, char quote, size_t piece,
                   const char *expected)
{
    char seen[256] = "";
    struct twi_csv_options options = {
        .delimiter = delimiter, .quote = quote, .row = note_row, .arg = seen
    };
    struct twi_csv *reader = test_given(twi_csv_new(&options));

    for (size_t at = 0, length = strlen(csv); at < length; at += piece)
        twi_csv_feed(reader, csv + at, length - at < piece ? length - at : piece);
    ck_assert_int_eq(twi_csv_end(reader), 0);
    ck_assert_str_eq(seen, expected);
    twi_csv_free(reader);
}

START_TEST(rows_are_read)
{
    for (size_t piece = 1; piece < 20; piece++)
        csv_is(rows[_i].csv, rows[_i].delimiter, rows[_i].quote, piece, rows[_i].seen);
}
END_TEST

START_TEST(a_row_has_a_limit)
{
    char seen[64] = "";
    struct twi_csv_options options = { .most = 8, .row = note_row, .arg = seen };
    struct twi_csv *reader = test_given(twi_csv_new(&options));

    twi_csv_feed(reader, "1234,6\n", 7);
    twi_csv_feed(reader, "123456789\n5\n", 12);
    ck_assert_int_eq(twi_csv_end(reader), -E2BIG);
    ck_assert_str_eq(seen, "1234|6|;");
    twi_csv_free(reader);
}
END_TEST

/* --- XML ----------------------------------------------------------------------------------- */

static const struct {
    const char *what, *name, *xml, *seen; /* records end in "\n" */
} feeds[] = {
    { "no XML", "item", "not at all", "" },
    { "records", "item", "<rss><channel><item><a>1</a></item>x<item>2</item></channel></rss>",
      "<item><a>1</a></item>\n<item>2</item>\n" },
    { "the root", "a", "<a>1</a>", "<a>1</a>\n" },
    { "an empty one", "i", "<r><i/><i></i><i a='1'/></r>", "<i/>\n<i/>\n<i a=\"1\"/>\n" },
    { "one inside another belongs to it", "i", "<r><i><i>1</i></i></r>", "<i><i>1</i></i>\n" },
    { "attributes", "i", "<r><i a='&quot;&lt;&amp;&#10;' b=''>x</i></r>",
      "<i a=\"&quot;&lt;&amp;&#10;\" b=\"\">x</i>\n" },
    { "texts", "i", "<r><i>a&lt;&amp;&gt;<![CDATA[<b>&]]>&#65;<!-- c --></i></r>",
      "<i>a&lt;&amp;&gt;&lt;b&gt;&amp;A</i>\n" },
    { "namespaces come along", "i",
      "<r xmlns='u:d' xmlns:g='u:g' xmlns:h='u:h'><i xmlns:h='u:i'><g:a g:b='1'/><b "
      "xmlns=''/></i></r>",
      "<i xmlns=\"u:d\" xmlns:g=\"u:g\" xmlns:h=\"u:i\"><g:a g:b=\"1\"/><b "
      "xmlns=\"\"/></i>\n" },
    { "and go", "i", "<r><x xmlns:g='u:g'/><i/></r>", "<i/>\n" },
    { "in any namespace", "i", "<r xmlns:g='u:g'><g:i/></r>", "<g:i xmlns:g=\"u:g\"/>\n" },
    { "with this prefix only", "g:i", "<r xmlns:g='u:g'><i>1</i><g:i>2</g:i></r>",
      "<g:i xmlns:g=\"u:g\">2</g:i>\n" },
    { "in Latin-1", "i", "<?xml version='1.0' encoding='ISO-8859-1'?><r><i>\xe9</i></r>",
      "<i>\xc3\xa9</i>\n" },
    { "an unknown reference stays", "i", "<r><i>a&nbsp;b</i><i>&amp;</i></r>",
      "<i>a&amp;nbsp;b</i>\n<i>&amp;</i>\n" },
    { "a declared one goes", "i", "<!DOCTYPE r [<!ENTITY e 'x'>]><r><i>a&e;b</i></r>",
      "<i>ab</i>\n" },
    { "what is cut off is none", "i", "<r><i>1</i><i>2", "<i>1</i>\n" },
    { "not even in its end tag", "i", "<r><i>1</i><i>2</i", "<i>1</i>\n" },
    { "enough", "i", "<r><i>stop</i><i>2</i></r>", "<i>stop</i>\n" },
};

static bool note_record(const char *xml, size_t length, void *arg)
{
    ck_assert_uint_eq(strlen(xml), length);
    strcat(strcat(arg, xml), "\n");
    return strstr(xml, "stop") == NULL;
}

START_TEST(records_are_read)
{
    const char *text = feeds[_i].xml;
    size_t length = strlen(text);

    for (size_t piece = 1; piece <= length; piece++) {
        char seen[1024] = "";
        struct twi_xml_options options = { .name = feeds[_i].name,
                                           .record = note_record,
                                           .arg = seen };
        struct twi_xml_records *xml = test_given(twi_xml_records_new(&options));
        for (size_t at = 0; at < length; at += piece)
            twi_xml_records_feed(xml, text + at, length - at < piece ? length - at : piece);
        ck_assert_int_eq(twi_xml_records_end(xml), 0);
        ck_assert_msg(strcmp(seen, feeds[_i].seen) == 0, "%s, by %zu: %s", feeds[_i].what,
                      piece, seen);
        twi_xml_records_free(xml);
    }
}
END_TEST

START_TEST(a_record_has_a_limit)
{
    char seen[1024] = "", text[20000];
    struct twi_xml_options options = {
        .name = "i", .most = 16384, .record = note_record, .arg = seen
    };
    struct twi_xml_records *xml = test_given(twi_xml_records_new(&options));

    memset(text, 'x', sizeof text);
    twi_xml_records_feed(xml, "<r><i>1</i><i>", 14);
    for (int i = 0; i < 10; i++)
        twi_xml_records_feed(xml, text, sizeof text);
    twi_xml_records_feed(xml, "</i><i>2</i></r>", 16);
    ck_assert_int_eq(twi_xml_records_end(xml), -E2BIG);
    ck_assert_str_eq(seen, "<i>1</i>\n<i>2</i>\n");
    twi_xml_records_free(xml);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("feed_read");

    TEST_ADD_ROWS(suite, rows_are_read, rows);
    TEST_ADD(suite, a_row_has_a_limit);
    TEST_ADD_ROWS(suite, records_are_read, feeds);
    TEST_ADD(suite, a_record_has_a_limit);
    return test_run(suite);
}
