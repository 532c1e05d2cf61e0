/* SPDX-License-Identifier: MIT */
/*
 * check_feed_write.c - items come out of each format as its readers expect them.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "spider/text/feed_write.h"
#include "tests/test.h"

#define XML(content) "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<items>" content "</items>\n"

static const struct {
    const char *what;
    enum twi_feed_kind kind;
    const char *items; /* a list */
    const char *expected;
} rows[] = {
    { "no lines", TWI_FEED_JSONL, "[]", "" },
    { "a line each", TWI_FEED_JSONL, "[{\"a\":1},{\"b\":[null,true]}]",
      "{\"a\":1}\n{\"b\":[null,true]}\n" },
    { "an empty item", TWI_FEED_JSONL, "[{}]", "{}\n" },
    { "line ends are escaped", TWI_FEED_JSONL, "[{\"a\":\"x\\ny\"}]", "{\"a\":\"x\\ny\"}\n" },
    { "an empty list", TWI_FEED_JSON, "[]", "[\n]\n" },
    { "a list", TWI_FEED_JSON, "[{\"a\":1},{\"a\":2}]", "[\n{\"a\":1},\n{\"a\":2}\n]\n" },
    { "no rows", TWI_FEED_CSV, "[]", "" },
    { "columns of the first item", TWI_FEED_CSV, "[{\"b\":1,\"a\":2},{\"a\":3,\"c\":4}]",
      "b,a\r\n1,2\r\n,3\r\n" },
    { "a list is joined", TWI_FEED_CSV, "[{\"a\":[\"x\",2,null,true]}]",
      "a\r\n\"x,2,,true\"\r\n" },
    { "an object is JSON", TWI_FEED_CSV, "[{\"a\":{\"b\":\"c\"}}]",
      "a\r\n\"{\"\"b\"\":\"\"c\"\"}\"\r\n" },
    { "quotes where they must be", TWI_FEED_CSV,
      "[{\"a\":\"x,y\",\"b\":\"\\\"\",\"c\":\"1\\n2\",\"d\":\"\\r\",\"e\":\" x \"}]",
      "a,b,c,d,e\r\n\"x,y\",\"\"\"\",\"1\n2\",\"\r\", x \r\n" },
    { "null is empty", TWI_FEED_CSV, "[{\"a\":null,\"b\":\"\"}]", "a,b\r\n,\r\n" },
    { "one empty cell is a row", TWI_FEED_CSV, "[{\"a\":\"\"}]", "a\r\n\"\"\r\n" },
    { "numbers as written", TWI_FEED_CSV, "[{\"a\":12345678901234567890,\"b\":1.50}]",
      "a,b\r\n12345678901234567890,1.50\r\n" },
    { "the last of equal names", TWI_FEED_CSV, "[{\"a\":1,\"a\":2}]", "a\r\n2\r\n" },
    { "names are quoted as well", TWI_FEED_CSV, "[{\"a,b\":1}]", "\"a,b\"\r\n1\r\n" },
    { "no elements", TWI_FEED_XML, "[]", XML("") },
    { "an element each", TWI_FEED_XML, "[{\"a\":\"x\",\"b\":1},{}]",
      XML("<item><a>x</a><b>1</b></item><item></item>") },
    { "a list has values", TWI_FEED_XML, "[{\"a\":[\"x\",[1],{\"b\":null}]}]",
      XML("<item><a><value>x</value><value><value>1</value></value>"
          "<value><b></b></value></a></item>") },
    { "an object has elements", TWI_FEED_XML, "[{\"a\":{\"b\":{\"c\":false}}}]",
      XML("<item><a><b><c>false</c></b></a></item>") },
    { "references", TWI_FEED_XML, "[{\"a\":\"<&>\\r\\n\\\"\"}]",
      XML("<item><a>&lt;&amp;&gt;&#13;\n\"</a></item>") },
    { "no character that XML can't hold", TWI_FEED_XML,
      "[{\"a\":\"x\\u0000\\u000b\\ud800\\ufffe\\uffffy\\ud83d\\ude00\"}]",
      XML("<item><a>xy\xf0\x9f\x98\x80</a></item>") },
    { "no name that XML can't hold", TWI_FEED_XML,
      "[{\"1 a:b<\":1,\"\":2,\"-x\":3,\"\xc3\xa9\":4,\"x.y-z_1\":5}]",
      XML("<item><_1ab>1</_1ab><_>2</_><_-x>3</_-x><\xc3\xa9>4</\xc3\xa9>"
          "<x.y-z_1>5</x.y-z_1></item>") },
};

static void feed_is(struct twi_feed_writer writer, const char *items, const char *expected)
{
    struct twi_arena arena;
    struct twi_text out = { .arena = &arena };
    struct twi_json_error error;
    struct twi_json *list;

    twi_arena_init(&arena, 0);
    list = twi_json_read(&arena, items, strlen(items), &error);
    ck_assert_msg(list != NULL, "%s", error.why);
    twi_feed_begin(&writer, &out);
    for (const struct twi_json *item = list->first; item != NULL; item = item->next)
        twi_feed_item(&writer, item, &out);
    twi_feed_end(&writer, &out);
    ck_assert_str_eq(twi_text_string(&out), expected);
    twi_arena_free(&arena);
}

START_TEST(items_are_written)
{
    feed_is((struct twi_feed_writer){ .kind = rows[_i].kind }, rows[_i].items,
            rows[_i].expected);
}
END_TEST

#define FIELD(name, heading)                                 \
    {                                                        \
        name, heading, sizeof(name) - 1, sizeof(heading) - 1 \
    }

static const struct {
    enum twi_feed_kind kind;
    const char *expected;
} chosen[] = {
    { TWI_FEED_JSONL, "{\"C\":3,\"a\":1}\n{\"C\":4}\n" },
    { TWI_FEED_JSON, "[\n{\"C\":3,\"a\":1},\n{\"C\":4}\n]\n" },
    { TWI_FEED_CSV, "C,a\r\n3,1\r\n4,\r\n" },
    { TWI_FEED_XML, XML("<item><C>3</C><a>1</a></item><item><C>4</C></item>") },
};

START_TEST(fields_are_chosen_ordered_and_renamed)
{
    static const struct twi_feed_field fields[] = { FIELD("c", "C"), FIELD("a", "a") };

    feed_is((struct twi_feed_writer){ .kind = chosen[_i].kind, .fields = fields, .count = 2 },
            "[{\"a\":1,\"b\":2,\"c\":3},{\"c\":4}]", chosen[_i].expected);
}
END_TEST

/* {"m0":0,"m1":1,...,"m0":"last"} */
static const struct twi_json *make_wide_item(struct twi_arena *arena, int members)
{
    struct twi_json *item = twi_json_new(arena, TWI_JSON_OBJECT);
    char name[32];

    for (int i = 0; i < members; i++) {
        snprintf(name, sizeof name, "m%d", i);
        twi_json_put(item, twi_arena_strdup(arena, name), twi_json_integer(arena, i));
    }
    twi_json_put(item, "m0", twi_json_string(arena, "last", 4));
    return item;
}

/* Each against each they would be 40,000,000,000 comparisons. */
START_TEST(items_may_be_wide)
{
    enum { MEMBERS = 200000 };
    struct twi_feed_writer writer = { .kind = TWI_FEED_CSV };
    struct twi_arena arena;
    twi_arena_init(&arena, 0);
    struct twi_text out = { .arena = &arena };
    const struct twi_json *item = make_wide_item(&arena, MEMBERS);

    twi_feed_item(&writer, item, &out);
    ck_assert_uint_eq(writer.count, MEMBERS);
    ck_assert_int_eq(strncmp(out.data, "m0,m1,m2,", 9), 0);
    ck_assert_ptr_nonnull(strstr(out.data, ",m199999\r\nlast,1,2,3,"));
    ck_assert_str_eq(out.data + out.length - 8, "199999\r\n");
    writer.kind = TWI_FEED_JSONL;
    out.length = 0;
    twi_feed_item(&writer, item, &out);
    ck_assert_int_eq(strncmp(out.data, "{\"m0\":\"last\",\"m1\":1,", 20), 0);
    twi_arena_free(&arena);
}
END_TEST

START_TEST(csv_has_its_options)
{
    feed_is((struct twi_feed_writer){ .kind = TWI_FEED_CSV, .no_headers = true, .join = "|" },
            "[{\"a\":[1,2]},{\"a\":3}]", "1|2\r\n3\r\n");
}
END_TEST

START_TEST(formats_have_names)
{
    enum twi_feed_kind kind;

    ck_assert(twi_feed_kind_named("xml", &kind) && kind == TWI_FEED_XML);
    ck_assert(twi_feed_kind_named("jsonl", &kind) && kind == TWI_FEED_JSONL);
    ck_assert(!twi_feed_kind_named("yaml", &kind));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("feed_write");

    TEST_ADD_ROWS(suite, items_are_written, rows);
    TEST_ADD_ROWS(suite, fields_are_chosen_ordered_and_renamed, chosen);
    TEST_ADD(suite, items_may_be_wide);
    TEST_ADD(suite, csv_has_its_options);
    TEST_ADD(suite, formats_have_names);
    return test_run(suite);
}
