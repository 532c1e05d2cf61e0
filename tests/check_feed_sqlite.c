/* SPDX-License-Identifier: MIT */
/*
 * check_feed_sqlite.c - feeds in databases: what SQL sees of items, and what comes out again.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "spider/job/feed.h"
#include "spider/job/feed_sqlite.h"
#include "spider/job/sql.h"
#include "spider/text/arena.h"
#include "tests/disk_model.h"
#include "tests/test.h"

static const char *folder;
static char path[256];
static struct twi_feed_options options;

static void begin(void)
{
    folder = disk_begin();
    snprintf(path, sizeof path, "%s/items.sqlite", folder);
    options = (struct twi_feed_options){ .path = path, .spider = "s", .append = true };
}

/* Write items, a list that ends in NULL, as a run of its own. */
static int run_with(const char *const *items, tw_value *ret_failure)
{
    const struct twi_feed_write *first;
    struct twi_feed *feed;
    bool drop_raw;
    int r = twi_feed_open(&options, NULL, &feed, ret_failure), n = 0;

    if (r < 0)
        return r;
    r = twi_feed_settle(feed, ret_failure);
    for (; r == 0 && *items != NULL; items++) {
        char id[32];
        snprintf(id, sizeof id, "7-%d", ++n);
        r = twi_feed_add(feed, *items, strlen(*items), id, ret_failure);
    }
    if (r == 0) {
        ck_assert_int_eq(twi_feed_finish(feed), 0);
        ck_assert_int_eq(twi_feed_writes(feed, &first, &drop_raw), 0);
        r = twi_feed_apply(feed, ret_failure);
    }
    twi_feed_free(feed);
    return r;
}

static void run_goes_well(const char *const *items)
{
    tw_value failure;
    int r = run_with(items, &failure);

    ck_assert_msg(r == 0, "%s", r < 0 ? tw_failure_message(failure) : "");
}

static void run_fails(const char *const *items, int expected, const char *why)
{
    tw_value failure;

    ck_assert_int_eq(run_with(items, &failure), expected);
    ck_assert_msg(strstr(tw_failure_message(failure), why) != NULL &&
                      strstr(tw_failure_message(failure), path) != NULL,
                  "%s", tw_failure_message(failure));
    tw_release(failure);
}

/* The rows of a query: columns end in "|", rows in "\n", null is "null". */
static void sql_is(const char *statement, int columns, const char *expected)
{
    struct twi_arena arena;
    struct twi_text seen = { .arena = &arena };
    struct twi_sql *sql;
    struct twi_sql_query *query;
    tw_value failure;

    twi_arena_init(&arena, 0);
    ck_assert_int_eq(twi_sql_open(path, TWI_SQL_READ, &sql, &failure), 0);
    ck_assert_int_eq(twi_sql_prepare(sql, statement, &query), 0);
    while (twi_sql_step(query) == 1) {
        for (int i = 0; i < columns; i++) {
            const char *text = twi_sql_text(query, i);
            twi_text_puts(&seen, text != NULL ? text : "null");
            twi_text_puts(&seen, "|");
        }
        twi_text_puts(&seen, "\n");
    }
    ck_assert_str_eq(twi_text_string(&seen), expected);
    twi_sql_close(sql);
    twi_arena_free(&arena);
}

static void prepare_database(const char *statements)
{
    struct twi_sql *sql;
    tw_value failure;

    ck_assert_int_eq(twi_sql_open(path, TWI_SQL_MAKE, &sql, &failure), 0);
    ck_assert_int_eq(twi_sql_run(sql, statements), 0);
    twi_sql_close(sql);
}

START_TEST(members_are_columns)
{
    static const char *const items[] = {
        "{\"name\":\"twill\",\"price\":2.50,\"stock\":3,\"sold\":true}",
        "{\"name\":null,\"tags\":[\"a\",{\"b\":1}],\"stock\":4}", NULL
    };

    run_goes_well(items);
    sql_is("SELECT _n, _id, name, price, stock, sold, tags FROM items", 7,
           "1|7-1|twill|2.5|3|1|null|\n"
           "2|7-2|null|null|4|null|[\"a\",{\"b\":1}]|\n");
    sql_is("SELECT name, type FROM pragma_table_info('items')", 2,
           "_n|INTEGER|\n_id|TEXT|\n_item|TEXT|\nname|TEXT|\nprice|REAL|\nstock|INTEGER|\n"
           "sold|INTEGER|\ntags|TEXT|\n");
    sql_is("SELECT sum(stock), typeof(sum(stock)), typeof(price) FROM items WHERE _n = 1", 3,
           "3|integer|real|\n");
    ck_assert_uint_eq(disk_count(), 1);
    sql_is("PRAGMA journal_mode", 1, "delete|\n");
}
END_TEST

static const char *const odd[] = {
    "{\"a\":123456789012345678901234567890}",
    "{\"a\":-0.50}",
    "{\"a\":\"\\ud800\"}",
    "{\"a\":\"x\\u0000y\"}",
    "{\"a\":true,\"b\":1}",
    "{}",
    "{\"a\":1,\"A\":2}",
    "{\"_n\":1,\"_id\":2,\"_ITEM\":3}",
    "{\"\":1,\"x\\u0000y\":2,\"\\ud800\":3}",
    "{\"q\\\"uote]`'; DROP TABLE items --\":1}",
    "{\"select\":{\"a\":[]}}",
};

static bool is_item(const char *json, size_t length, void *arg)
{
    int *n = arg;

    ck_assert_uint_eq(length, strlen(odd[*n]));
    ck_assert_mem_eq(json, odd[(*n)++], length);
    return true;
}

START_TEST(items_come_out_as_they_were)
{
    enum { COUNT = sizeof odd / sizeof *odd };
    const char *items[COUNT + 1] = { NULL };
    size_t length;
    tw_value failure;
    int n = 0;

    memcpy(items, odd, sizeof odd);
    run_goes_well(items);
    char *data = disk_read("items.sqlite", &length);
    ck_assert_int_eq(twi_feed_sqlite_read(data, length, is_item, &n, &failure), 0);
    ck_assert_int_eq(n, COUNT);
    ck_assert_int_lt(twi_feed_sqlite_read(data, 100, is_item, &n, &failure), 0);
    tw_release(failure);
    free(data);
    sql_is("SELECT \"q\"\"uote]`'; DROP TABLE items --\" FROM items WHERE _n = 10", 1, "1|\n");
}
END_TEST

START_TEST(a_database_is_added_to)
{
    static const char *const first[] = { "{\"a\":1}", "{\"a\":2}", NULL };
    static const char *const second[] = { "{\"b\":3}", NULL };

    prepare_database("CREATE TABLE mine (x)");
    run_goes_well(first);
    run_goes_well(second);
    sql_is("SELECT _n, _id, a, b FROM items", 4,
           "1|7-1|1|null|\n2|7-2|2|null|\n3|7-1|null|3|\n");
    sql_is("SELECT count(*) FROM mine", 1, "0|\n");
    options.append = false;
    run_fails(second, -EEXIST, "-o adds to it");
    options.overwrite = true;
    run_goes_well(second);
    sql_is("SELECT * FROM items", 4, "1|7-1|{\"b\":3}|3|\n");
    sql_is("SELECT name FROM sqlite_schema", 1, "items|\n");
}
END_TEST

START_TEST(another_table_of_items_is_refused)
{
    static const char *const items[] = { "{\"a\":1}", NULL };

    prepare_database("CREATE TABLE items (id, name)");
    run_fails(items, -EEXIST, "'items' that is no feed's");
}
END_TEST

START_TEST(what_is_no_database_is_refused)
{
    static const char *const items[] = { "{\"a\":1}", NULL };

    disk_write("items.sqlite", "{\"a\":1}\n{\"a\":1}\n", 16);
    run_fails(items, -EBADMSG, "not a database");
}
END_TEST

START_TEST(a_database_that_was_cut_is_told)
{
    static const char *const items[] = { "{\"a\":1}", "{\"a\":2}", NULL };
    struct twi_feed_state state = {
        .path = path, .format = "sqlite", .batch = 1, .items = 2, .at = 2, .synced = 2
    };
    struct twi_feed *feed;
    tw_value failure;

    run_goes_well(items);
    prepare_database("DELETE FROM items WHERE _n = 2");
    ck_assert_int_eq(twi_feed_open(&options, &state, &feed, &failure), 0);
    ck_assert_int_eq(twi_feed_settle(feed, &failure), -ESTALE);
    ck_assert_ptr_nonnull(strstr(tw_failure_message(failure), "its last item is 1, but 2"));
    tw_release(failure);
    twi_feed_free(feed);
}
END_TEST

START_TEST(columns_have_an_end)
{
    struct twi_arena arena;
    struct twi_text item = { .arena = &arena };
    const char *items[] = { NULL, NULL };
    char member[32];

    twi_arena_init(&arena, 0);
    for (int i = 0; i < 3000; i++) {
        snprintf(member, sizeof member, "%s\"c%d\":%d", i == 0 ? "{" : ",", i, i);
        twi_text_puts(&item, member);
    }
    twi_text_puts(&item, "}");
    items[0] = item.data;
    run_goes_well(items);
    sql_is("SELECT count(*) FROM pragma_table_info('items')", 1, "203|\n");
    sql_is("SELECT c199, _item LIKE '%\"c2999\":2999}' FROM items", 2, "199|1|\n");
    twi_arena_free(&arena);
}
END_TEST

START_TEST(fields_are_chosen)
{
    static const char *const items[] = { "{\"a\":1,\"b\":2,\"c\":3}", NULL };
    static const char *const fields[] = { "c", "a", NULL };

    options.fields = fields;
    run_goes_well(items);
    sql_is("SELECT * FROM items", 5, "1|7-1|{\"c\":3,\"a\":1}|3|1|\n");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        members_are_columns,
        items_come_out_as_they_were,
        a_database_is_added_to,
        another_table_of_items_is_refused,
        what_is_no_database_is_refused,
        a_database_that_was_cut_is_told,
        columns_have_an_end,
        fields_are_chosen,
    };
    Suite *suite = suite_create("feed_sqlite");
    TCase *tcase = tcase_create("in a folder");

    tcase_add_checked_fixture(tcase, begin, disk_end);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return test_run(suite);
}
