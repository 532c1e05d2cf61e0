/* SPDX-License-Identifier: MIT */
/*
 * check_charset.c - a page's encoding is found as browsers find it, and decoded as the Encoding
 * Standard decodes it.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spider/text/charset.h"
#include "tests/test.h"

#define S(text)                \
    {                          \
        text, sizeof(text) - 1 \
    }
#define WRONG "\xef\xbf\xbd"

/* --- labels -------------------------------------------------------------------------------- */

static const struct {
    const char *label, *name;
} labels[] = {
    { "utf-8", "UTF-8" },
    { " UTF8\n", "UTF-8" },
    { "latin1", "windows-1252" },
    { "ISO-8859-1", "windows-1252" },
    { "us-ascii", "windows-1252" },
    { "iso_8859-9:1989", "windows-1254" },
    { "gb2312", "GBK" },
    { "GB18030", "gb18030" },
    { "shift_jis", "Shift_JIS" },
    { "windows-31j", "Shift_JIS" },
    { "ks_c_5601-1987", "EUC-KR" },
    { "utf-16", "UTF-16LE" },
    { "unicodefffe", "UTF-16BE" },
    { "iso-2022-kr", "replacement" },
    { "logical", "ISO-8859-8-I" },
    { "x-user-defined", "x-user-defined" },
    { "866", "IBM866" },
    { "tis-620", "windows-874" },
    { "utf-7", NULL },
    { "utf-32", NULL },
    { "", NULL },
    { "utf 8", NULL },
    { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL },
};

START_TEST(a_label_means_what_browsers_take_it_for)
{
    const struct twi_charset *charset = twi_charset_find(twi_span_of(labels[_i].label));

    ck_assert_int_eq(charset != NULL, labels[_i].name != NULL);
    ck_assert(charset == NULL || strcmp(twi_charset_name(charset), labels[_i].name) == 0);
}
END_TEST

/* --- decoding ------------------------------------------------------------------------------ */

static const struct {
    const char *label;
    struct twi_span bytes;
    const char *text;
    size_t length; /* 0: as long as it says */
} decodings[] = {
    { "utf-8", S("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
      "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 0 },
    { "utf-8",
      S("\xff"
        "a\xc3"
        "b\xc3"),
      WRONG "a" WRONG "b" WRONG, 0 },
    { "utf-8",
      S("\xf0\x90\x80"
        "b"),
      WRONG "b", 0 },
    { "utf-8", S("\xe0\x80\x80"), WRONG WRONG WRONG, 0 },
    { "utf-8", S("\xed\xa0\x80"), WRONG WRONG WRONG, 0 },
    { "utf-8", S("\xf4\x90\x80\x80"), WRONG WRONG WRONG WRONG, 0 },
    { "utf-8", S("\xf0\x9f\x98"), WRONG, 0 },
    { "utf-8", S("\xc0\xaf"), WRONG WRONG, 0 },
    { "latin1", S("\x80\x81\xe9"), "\xe2\x82\xac\xc2\x81\xc3\xa9", 0 },
    { "iso-8859-6", S("\xa1\xc7"), WRONG "\xd8\xa7", 0 },
    { "koi8-u", S("\xae\xbe"), "\xd1\x9e\xd0\x8e", 0 },
    { "windows-1255", S("\xca\xd9"), "\xd6\xba" WRONG, 0 },
    { "windows-874", S("\x80\x81\xa1\xdb"), "\xe2\x82\xac\xc2\x81\xe0\xb8\x81" WRONG, 0 },
    { "x-user-defined", S("a\x80\xff"), "a\xef\x9e\x80\xef\x9f\xbf", 0 },
    { "replacement", S("abc"), WRONG, 0 },
    { "replacement", S(""), "", 0 },
    { "utf-16le", S("a\0\x3d\xd8\x00\xde"), "a\xf0\x9f\x98\x80", 0 },
    { "utf-16be", S("\xd8\x3d\xde\0\0a"),
      "\xf0\x9f\x98\x80"
      "a",
      0 },
    { "utf-16le",
      S("\0\xd8"
        "b\0\0\xdc"
        "c"),
      WRONG "b" WRONG WRONG, 0 },
    { "utf-16le",
      S("\0\xd8"
        "b"),
      WRONG, 0 },
    { "utf-16le", S("\0\0x\0"), "\0x", 2 },
    { "shift_jis", S("\x81\x60\xb1\\~\xf0\x40\x87\x40"),
      "\xef\xbd\x9e\xef\xbd\xb1\\~\xee\x80\x80\xe2\x91\xa0", 0 },
    { "shift_jis", S("\x81 \x81\xff\x80\xa0\xfd\x81"),
      WRONG " " WRONG "\xc2\x80" WRONG WRONG WRONG, 0 },
    { "euc-jp", S("\xa1\xc1\x8e\xb1\x8f\xa2\xaf"), "\xef\xbd\x9e\xef\xbd\xb1\xcb\x98", 0 },
    { "euc-jp", S("\x8e \x8e\xe0\x8f\xa1 \x8f\xa1"), WRONG " " WRONG WRONG " " WRONG, 0 },
    { "iso-2022-jp", S("\x1b$B\x24\x22\x1b(Ba\x1b(J\\~\x1b(I!"),
      "\xe3\x81\x82"
      "a\xc2\xa5\xe2\x80\xbe\xef\xbd\xa1",
      0 },
    { "iso-2022-jp", S("\x1b(B\x1b(Ba\x1bx\x0e\x80"), WRONG "a" WRONG "x" WRONG WRONG, 0 },
    { "iso-2022-jp", S("\x1b$B\x24\x1b(Ba"), WRONG "a", 0 },
    { "euc-kr", S("\xb0\xa1\x81\x41\xa2\xe6"), "\xea\xb0\x80\xea\xb0\x82\xe2\x82\xac", 0 },
    { "euc-kr", S("\xc9\xa1\x81 \xff"), WRONG WRONG " " WRONG, 0 },
    { "big5", S("\xa4\x40\x88\x62\x88\xa5\xa3\xe1\xa1\x45"),
      "\xe4\xb8\x80\xc3\x8a\xcc\x84\xc3\xaa\xcc\x8c\xe2\x82\xac\xe2\x80\xa7", 0 },
    { "big5", S("\xa1\xe3\xa1\xfe\xa2\x44\xa2\xcc\xa3\xc0"),
      "\xef\xbd\x9e\xef\xbc\x8f\xef\xbf\xa5\xe5\x8d\x81\xe2\x90\x80", 0 },
    { "big5", S("\x81@\xa1"), WRONG "@" WRONG, 0 },
    { "gb2312", S("\xc4\xe3\x80\xa3\xa0\x81\x30\x81\x30\x90\x30\x81\x30"),
      "\xe4\xbd\xa0\xe2\x82\xac\xe3\x80\x80\xc2\x80\xf0\x90\x80\x80", 0 },
    { "gb18030",
      S("\x81\x30\x81"
        "a\xff\x81 \x81\xff\x81\x30"),
      WRONG "0\xe4\xb9\xa4" WRONG WRONG " " WRONG WRONG, 0 },
};

START_TEST(bytes_become_text)
{
    const struct twi_charset *charset = twi_charset_find(twi_span_of(decodings[_i].label));
    struct twi_arena arena;
    struct twi_span text;
    size_t length = decodings[_i].length != 0 ? decodings[_i].length
                                              : strlen(decodings[_i].text);

    twi_arena_init(&arena, 0);
    text = twi_charset_decode(&arena, charset, decodings[_i].bytes);
    ck_assert_msg(text.length == length && memcmp(text.text, decodings[_i].text, length) == 0,
                  "%s: %.*s, not %s", decodings[_i].label, (int)text.length, text.text,
                  decodings[_i].text);
    twi_arena_free(&arena);
}
END_TEST

START_TEST(valid_utf8_is_not_copied)
{
    static const char text[] = "plain \xc3\xa9 text that is longer than eight bytes";
    struct twi_arena arena;

    twi_arena_init(&arena, 1);
    ck_assert_ptr_eq(twi_charset_decode(&arena, twi_charset_utf8(), twi_span_of(text)).text,
                     text);
    ck_assert(!arena.failed);
    ck_assert_uint_eq(
        twi_charset_decode(&arena, twi_charset_utf8(), twi_span_of("\xff")).length, 0);
    ck_assert(arena.failed);
    twi_arena_free(&arena);
}
END_TEST

static const struct {
    const char *label, *text, *bytes; /* NULL: it can't */
} encodings[] = {
    { "utf-8", "\xc3\xa9", "\xc3\xa9" },
    { "utf-16le", "\xc3\xa9", "\xc3\xa9" },
    { "latin1", "a\xc3\xa9\xe2\x82\xac", "a\xe9\x80" },
    { "latin1", "a\xd0\xa0", NULL },
    { "windows-1251", "\xd0\xa0\xd0\xbe", "\xd0\xee" },
    { "shift_jis", "\xe3\x81\x82\xef\xbd\xb1", "\x82\xa0\xb1" },
    { "euc-jp", "\xe3\x81\x82", "\xa4\xa2" },
    { "iso-2022-jp",
      "\xe3\x81\x82"
      "a",
      "\x1b$B$\"\x1b(Ba" },
    { "iso-2022-jp", "\xe3\x81\x82", "\x1b$B$\"\x1b(B" },
    { "euc-kr", "\xea\xb0\x80\xea\xb0\x82", "\xb0\xa1\x81\x41" },
    { "big5", "\xe4\xb8\x80", "\xa4\x40" },
    { "gbk", "\xe4\xbd\xa0\xe2\x82\xac", "\xc4\xe3\x80" },
    { "gbk", "\xf0\x9f\x98\x80", NULL },
    { "gb18030", "\xf0\x90\x80\x80", "\x90\x30\x81\x30" },
};

START_TEST(text_becomes_bytes)
{
    const struct twi_charset *charset = twi_charset_find(twi_span_of(encodings[_i].label));
    struct twi_arena arena;
    struct twi_text out = { .arena = &arena };
    bool ok;

    twi_arena_init(&arena, 0);
    twi_text_putc(&out, '>');
    ok = twi_charset_encode(&out, charset, twi_span_of(encodings[_i].text));
    ck_assert_int_eq(ok, encodings[_i].bytes != NULL);
    ck_assert_str_eq(twi_text_string(&out) + 1, ok ? encodings[_i].bytes : "");
    twi_arena_free(&arena);
}
END_TEST

/* --- detection ----------------------------------------------------------------------------- */

#define X20 "xxxxxxxxxxxxxxxxxxxx"
#define X100 X20 X20 X20 X20 X20
#define X1000 X100 X100 X100 X100 X100 X100 X100 X100 X100 X100

static const struct {
    struct twi_span page;
    const char *label, *type, *expected; /* the last as "name source" */
} pages[] = {
    { S(""), NULL, NULL, "UTF-8 default" },
    { S("\xc3\xa9"), NULL, NULL, "UTF-8 default" },
    { S("\xe9"), NULL, NULL, "windows-1252 guess" },
    { S("\xef\xbb\xbf<meta charset=latin2>"), "latin1", "a/b;charset=koi8-r", "UTF-8 bom" },
    { S("\xfe\xff\0a"), NULL, NULL, "UTF-16BE bom" },
    { S("\xff\xfe\0\0"), NULL, NULL, "UTF-16LE bom" },
    { S("<meta charset=latin2>"), "latin1", "a/b;charset=koi8-r", "windows-1252 option" },
    { S("<meta charset=latin2>"), "nope", "a/b;charset=koi8-r", "KOI8-R header" },
    { S("<meta charset=latin2>"), NULL, "a/b;charset=nope", "ISO-8859-2 meta" },
    /* the header */
    { S(""), NULL, "text/html; Charset=KOI8-R", "KOI8-R header" },
    { S(""), NULL, "text/html;charset=\"koi8-r\"", "KOI8-R header" },
    { S(""), NULL, "text/html;charset=\"koi\\8-r\"; a", "KOI8-R header" },
    { S(""), NULL, "text/html;charset='koi8-r'", "UTF-8 default" },
    { S(""), NULL, "text/html; charset = koi8-r", "UTF-8 default" },
    { S(""), NULL, "text/html; charset= koi8-r", "UTF-8 default" },
    { S(""), NULL, "text/html; a=\"; charset=latin1\"; charset=koi8-r ; b", "KOI8-R header" },
    { S(""), NULL, "text/html; xcharset=latin1; a; charset=koi8-r", "KOI8-R header" },
    { S(""), NULL, "text/html; charset=koi8-r; charset=latin1", "KOI8-R header" },
    { S(""), NULL, "text/html; charset=koi8-r, text/plain", "KOI8-R header" },
    { S(""), NULL, "charset=koi8-r", "UTF-8 default" },
    { S(""), NULL, "", "UTF-8 default" },
    /* meta */
    { S("<META\nCHARSET = 'latin2' >"), NULL, NULL, "ISO-8859-2 meta" },
    { S("<meta charset=latin2"), NULL, NULL, "UTF-8 default" },
    { S("<metacharset=latin2>"), NULL, NULL, "UTF-8 default" },
    { S("<meta/charset=latin2>"), NULL, NULL, "ISO-8859-2 meta" },
    { S("<meta charset=nope><meta charset=latin2>"), NULL, NULL, "ISO-8859-2 meta" },
    { S("<meta charset=utf-16>"), NULL, NULL, "UTF-8 meta" },
    { S("<meta charset=x-user-defined>"), NULL, NULL, "windows-1252 meta" },
    { S("<meta http-equiv=content-type content='text/html; charset=latin2'>"), NULL, NULL,
      "ISO-8859-2 meta" },
    { S("<meta content='charsetx;charset = \"latin2\"' http-equiv=Content-Type>"), NULL, NULL,
      "ISO-8859-2 meta" },
    { S("<meta content='text/html; charset=latin2'>"), NULL, NULL, "UTF-8 default" },
    { S("<meta http-equiv=x content='charset=latin2' charset=koi8-r>"), NULL, NULL,
      "KOI8-R meta" },
    { S("<meta charset=koi8-r charset=latin2>"), NULL, NULL, "KOI8-R meta" },
    { S("<!-- <meta charset=latin2> --><meta charset=koi8-r>"), NULL, NULL, "KOI8-R meta" },
    { S("<!--><meta charset=koi8-r>-->"), NULL, NULL, "KOI8-R meta" },
    { S("<!-- <meta charset=latin2>"), NULL, NULL, "UTF-8 default" },
    { S("<a title='<meta charset=latin2>'><meta charset=koi8-r>"), NULL, NULL, "KOI8-R meta" },
    { S("</a title='<meta charset=latin2>'><meta charset=koi8-r>"), NULL, NULL,
      "KOI8-R meta" },
    { S("<?x <meta charset=latin2> ?><!x><meta charset=koi8-r>"), NULL, NULL, "KOI8-R meta" },
    { S("a < b <3 <meta charset=koi8-r>"), NULL, NULL, "KOI8-R meta" },
    { S(X1000 "<meta charset=latin2>xxxxxxxxx"), NULL, NULL, "ISO-8859-2 meta" },
    { S(X1000 "xxxx<meta charset=latin2>"), NULL, NULL, "UTF-8 default" },
    /* XML */
    { S("<?xml version='1.0' encoding='latin2'?><a/>"), NULL, NULL, "ISO-8859-2 xml" },
    { S("\n <?xml encoding\n=\n\"koi8-r\" ?>"), NULL, NULL, "KOI8-R xml" },
    { S("<?xml encoding='utf-16'?>"), NULL, NULL, "UTF-8 xml" },
    { S("<?xml encoding=koi8-r?>"), NULL, NULL, "UTF-8 default" },
    { S("<?xml encoding='koi8-r'"), NULL, NULL, "UTF-8 default" },
    { S("<?xml encoding='latin2'?><meta charset=koi8-r>"), NULL, NULL, "KOI8-R meta" },
    { S("<\0?\0x\0m\0l\0"), NULL, NULL, "UTF-16LE xml" },
    { S("\0<\0?\0x\0m\0l"), NULL, NULL, "UTF-16BE xml" },
};

START_TEST(the_first_that_names_one_counts)
{
    struct twi_charset_detected found = twi_charset_detect(pages[_i].page, pages[_i].label,
                                                           pages[_i].type);
    char got[80];

    snprintf(got, sizeof got, "%s %s", twi_charset_name(found.charset),
             twi_charset_source_name(found.source));
    ck_assert_msg(strcmp(got, pages[_i].expected) == 0, "%s: %s, not %s", pages[_i].page.text,
                  got, pages[_i].expected);
}
END_TEST

/* --- html5lib's tests, where HTML5LIB_TESTS says that they are ------------------------------- */

static char *read_tests(const char *folder)
{
    static char data[1 << 20];
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/encoding/tests1.dat", folder);
    file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    data[fread(data, 1, sizeof data - 1, file)] = 0;
    fclose(file);
    return data;
}

/* Their default is windows-1252; and what they find behind the prescanned bytes is the parser's. */
static bool is_as_expected(struct twi_span page, struct twi_span expected)
{
    struct twi_charset_detected found = twi_charset_detect(page, NULL, NULL);
    const struct twi_charset *wanted = twi_charset_find(expected);

    if (page.length > 1024)
        return true;
    if (found.source >= TWI_CHARSET_DEFAULT)
        return strcmp(twi_charset_name(wanted), "windows-1252") == 0;
    return found.charset == wanted;
}

START_TEST(html5libs_pages_are_in_what_they_say)
{
    const char *folder = getenv("HTML5LIB_TESTS");
    char *at = folder != NULL ? read_tests(folder) : NULL;
    int count = 0;

    while (at != NULL && (at = strstr(at, "#data\n")) != NULL) {
        char *page = at + 6, *end = strstr(page, "\n#encoding\n"), *name = end + 11;
        struct twi_span expected = { name, strcspn(name, "\n") };
        ck_assert_msg(
            is_as_expected((struct twi_span){ page, (size_t)(end - page) }, expected),
            "%.*s: %.*s", (int)(end - page), page, (int)expected.length, name);
        at = name;
        count++;
    }
    ck_assert(folder == NULL || count > 50);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("charset");

    TEST_ADD_ROWS(suite, a_label_means_what_browsers_take_it_for, labels);
    TEST_ADD_ROWS(suite, bytes_become_text, decodings);
    TEST_ADD(suite, valid_utf8_is_not_copied);
    TEST_ADD_ROWS(suite, text_becomes_bytes, encodings);
    TEST_ADD_ROWS(suite, the_first_that_names_one_counts, pages);
    TEST_ADD(suite, html5libs_pages_are_in_what_they_say);
    return test_run(suite);
}
