/* SPDX-License-Identifier: MIT */
/*
 * check_feed.c - names of feeds, files that are there before, files that somebody touched.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spider/job/feed.h"
#include "spider/job/feed_name.h"
#include "tests/disk_model.h"
#include "tests/test.h"

/* --- names --------------------------------------------------------------------------------- */

static const struct {
    const char *path;
    long batch;
    const char *format,
        *file; /* of batch 12; format NULL: refused with `file` in the message */
} names[] = {
    { "items.jsonl", 0, "jsonl", "items.jsonl" },
    { "items.jl", 0, "jsonl", "items.jl" },
    { "items.ndjson.gz", 0, "jsonl.gz", "items.ndjson.gz" },
    { "a/b.c/items.JSON", 0, "json", "a/b.c/items.JSON" },
    { "items.csv.zst", 0, "csv.zst", "items.csv.zst" },
    { "items.sqlite", 0, "sqlite", "items.sqlite" },
    { "items.db", 0, "sqlite", "items.db" },
    { "-", 0, "jsonl", "-" },
    { "-:xml", 0, "xml", "-" },
    { "items.txt:csv", 0, "csv", "items.txt" },
    { "items:json.gz", 0, "json.gz", "items" },
    { "c:items.xml", 0, "xml", "c:items.xml" },
    { "%(name)-%(time).csv", 0, "csv", "a%b-2026-11-30T16-39-09.csv" },
    { "%(name)s/%(time)s.csv", 0, "csv", "a%b/2026-11-30T16-39-09.csv" },
    { "100%%.csv", 0, "csv", "100%.csv" },
    { "100%.csv", 0, "csv", "100%.csv" },
    { "p-%(batch)d.csv", 5, "csv", "p-12.csv" },
    { "p-%(batch).csv", 5, "csv", "p-12.csv" },
    { "p-%(batch_id)05d.csv", 5, "csv", "p-00012.csv" },
    { "p-%(batch)7.csv", 5, "csv", "p-127.csv" },
    { "%(batch)d%%.csv.gz", 5, "csv.gz", "12%.csv.gz" },
    { "items", 0, NULL, "extension" },
    { "items.xls", 0, NULL, "extension" },
    { "a.csv/items", 0, NULL, "extension" },
    { ".gz", 0, NULL, "extension" },
    { "items.txt:yaml", 0, NULL, "extension" },
    { "", 0, NULL, "extension" },
    { ":csv", 0, NULL, "extension" },
    { "items.sqlite.gz", 0, NULL, "compressed" },
    { "-:sqlite", 0, NULL, "standard output" },
    { "-:csv.gz", 0, NULL, "standard output" },
    { "-", 5, NULL, "standard output" },
    { "items.csv", 5, NULL, "%(batch)d" },
    { "%(batch)d.csv", 0, NULL, "no batches" },
    { "%(batch)d/%(batch)d.csv", 5, NULL, "twice" },
    { "%(batch)d/items.csv", 5, NULL, "folder" },
    { "%(bach)d.csv", 5, NULL, "%(time)" },
    { "%(batch)0999d.csv", 5, NULL, "%(time)" },
};

static struct twi_feed_options named(const char *path, long batch)
{
    /* 2026-11-30T16:39:09.5Z */
    return (struct twi_feed_options){
        .path = path, .batch = batch, .spider = "a%b", .started = INT64_C(1796056749500)
    };
}

START_TEST(paths_are_filled_in)
{
    struct twi_feed_options options = named(names[_i].path, names[_i].batch);
    struct twi_feed_name name;
    tw_value failure;
    int r = twi_feed_name_read(&options, &name, &failure);

    if (names[_i].format == NULL) {
        ck_assert_int_eq(r, -EINVAL);
        ck_assert_msg(strstr(tw_failure_message(failure), names[_i].file) != NULL, "%s",
                      tw_failure_message(failure));
        tw_release(failure);
        return;
    }
    ck_assert_msg(r == 0, "%s", r < 0 ? tw_failure_message(failure) : "");
    char *path = twi_feed_name_path(&name, 12);
    ck_assert_str_eq(path, names[_i].file);
    ck_assert_str_eq(name.format, names[_i].format);
    /* A pattern that is filled in once more is the same. */
    char *pattern = strdup(name.pattern), *again;
    options.path = pattern;
    options.spider = "other";
    ck_assert_int_eq(twi_feed_path(&options, &again, &failure), 0);
    ck_assert_str_eq(again, pattern);
    free(again);
    free(pattern);
    free(path);
    twi_feed_name_free(&name);
}
END_TEST

/* --- files that are there ------------------------------------------------------------------ */

static const char *folder;
static char place[256];

static void begin(void)
{
    folder = disk_begin();
}

static const char *in_folder(const char *name)
{
    snprintf(place, sizeof place, "%s/%s", folder, name);
    return place;
}

/* Open, settle, write the items of a list that ends in NULL, close. 0 or the failure of a step. */
static int write_feed(const struct twi_feed_options *options,
                      const struct twi_feed_state *state, const char *const *items,
                      tw_value *ret_failure)
{
    const struct twi_feed_write *first;
    struct twi_feed *feed;
    bool drop_raw;
    int r = twi_feed_open(options, state, &feed, ret_failure);

    if (r < 0)
        return r;
    r = twi_feed_settle(feed, ret_failure);
    for (; r == 0 && *items != NULL; items++)
        r = twi_feed_add(feed, *items, strlen(*items), "1-1", ret_failure);
    if (r == 0) {
        ck_assert_int_eq(twi_feed_finish(feed), 0);
        ck_assert_int_eq(twi_feed_writes(feed, &first, &drop_raw), 0);
        r = twi_feed_apply(feed, ret_failure);
    }
    twi_feed_free(feed);
    return r;
}

static void file_is(const char *name, const char *expected)
{
    size_t length;
    char *data = disk_read(name, &length);

    ck_assert_msg(data != NULL, "%s is not there", name);
    ck_assert_str_eq(data, expected);
    free(data);
}

enum mode { NEITHER, APPEND, OVERWRITE };

static const struct {
    const char *what, *name, *before;
    enum mode mode;
    const char *fields[4];
    const char *after, *why; /* after NULL: refused for this reason, and left alone */
} meetings[] = {
    { "nothing there", "f.jsonl", NULL, NEITHER, { NULL }, "{\"b\":1,\"a\":2}\n", NULL },
    { "an empty file", "f.json", "", APPEND, { NULL }, "[\n{\"b\":1,\"a\":2}\n]\n", NULL },
    { "neither", "f.jsonl", "{}\n", NEITHER, { NULL }, NULL, "-o adds to it, -O replaces it" },
    { "replaced",
      "f.json",
      "[1,2,3,4,5,6,7,8,9,10,11,12]\n",
      OVERWRITE,
      { NULL },
      "[\n{\"b\":1,\"a\":2}\n]\n",
      NULL },
    { "added to", "f.jsonl", "{}\n", APPEND, { NULL }, "{}\n{\"b\":1,\"a\":2}\n", NULL },
    { "a line without its end",
      "f.jsonl",
      "{}",
      APPEND,
      { NULL },
      "{}\n{\"b\":1,\"a\":2}\n",
      NULL },
    { "a JSON list", "f.json", "[]\n", APPEND, { NULL }, NULL, "the end of a JSON list" },
    { "XML", "f.xml", "<items/>", APPEND, { NULL }, NULL, "the end of an XML document" },
    { "CSV keeps its columns",
      "f.csv",
      "a,x,b\r\n7,8,9\r\n",
      APPEND,
      { NULL },
      "a,x,b\r\n7,8,9\r\n2,,1\r\n",
      NULL },
    { "and its last line gets an end",
      "f.csv",
      "a,b",
      APPEND,
      { NULL },
      "a,b\n2,1\r\n",
      NULL },
    { "the same fields", "f.csv", "a,b\n", APPEND, { "a", "b" }, "a,b\n2,1\r\n", NULL },
    { "other fields",
      "f.csv",
      "a,b\n",
      APPEND,
      { "b", "a" },
      NULL,
      "its columns are [\"a\",\"b\"]" },
    { "CSV without columns", "f.csv", "\n\n", APPEND, { NULL }, NULL, "names no columns" },
    { "not compressed", "f.jsonl.gz", "{}\n", APPEND, { NULL }, NULL, "it is not jsonl.gz" },
};

START_TEST(files_that_are_there_are_met)
{
    static const char *const items[] = { "{\"b\":1,\"a\":2}", NULL };
    const char *name = meetings[_i].name, *before = meetings[_i].before;
    struct twi_feed_options options = named(in_folder(name), 0);
    tw_value failure;
    int r;

    options.append = meetings[_i].mode == APPEND;
    options.overwrite = meetings[_i].mode == OVERWRITE;
    options.fields = meetings[_i].fields[0] != NULL ? meetings[_i].fields : NULL;
    if (before != NULL)
        disk_write(name, before, strlen(before));
    r = write_feed(&options, NULL, items, &failure);
    if (meetings[_i].after != NULL) {
        ck_assert_msg(r == 0, "%s: %s", meetings[_i].what,
                      r < 0 ? tw_failure_message(failure) : "");
        file_is(name, meetings[_i].after);
        return;
    }
    ck_assert_msg(r < 0, "%s: not refused", meetings[_i].what);
    ck_assert_msg(strstr(tw_failure_message(failure), meetings[_i].why) != NULL &&
                      strstr(tw_failure_message(failure), name) != NULL,
                  "%s: %s", meetings[_i].what, tw_failure_message(failure));
    file_is(name, before);
    tw_release(failure);
}
END_TEST

START_TEST(what_is_no_file_is_named)
{
    static const char *const kinds[] = { "it is a folder", "it is a pipe" };
    struct twi_feed_options options = named(in_folder("f.csv"), 0);
    struct twi_feed *feed;
    tw_value failure;

    options.overwrite = true;
    ck_assert_int_eq(_i == 0 ? mkdir(place, 0700) : mkfifo(place, 0600), 0);
    ck_assert_int_lt(twi_feed_open(&options, NULL, &feed, &failure), 0);
    ck_assert_ptr_nonnull(strstr(tw_failure_message(failure), kinds[_i]));
    tw_release(failure);
}
END_TEST

START_TEST(two_crawls_do_not_write_one_file)
{
    static const char *const paths[] = { "f.jsonl", "f.csv.gz", "f.sqlite",
                                         "f-%(batch)d.xml" };
    struct twi_feed_options options = named(in_folder(paths[_i]), _i == 3 ? 2 : 0);
    struct twi_feed *one, *other;
    tw_value failure;

    options.append = true;
    ck_assert_int_eq(twi_feed_open(&options, NULL, &one, &failure), 0);
    options.append = _i == 3;
    options.overwrite = _i != 3;
    ck_assert_int_eq(twi_feed_open(&options, NULL, &other, &failure), 0);
    ck_assert_int_eq(twi_feed_settle(one, &failure), 0);
    ck_assert_int_eq(twi_feed_settle(other, &failure), -EBUSY);
    ck_assert_ptr_nonnull(
        strstr(tw_failure_message(failure), "another crawl or feed writes it"));
    tw_release(failure);
    twi_feed_free(one);
    ck_assert_int_eq(twi_feed_settle(other, &failure), 0);
    twi_feed_free(other);
}
END_TEST

START_TEST(folders_are_made)
{
    static const char *const items[] = { "{}", NULL };
    struct twi_feed_options options = named(in_folder("a/b/%(name)/f.jsonl"), 0);
    tw_value failure;

    ck_assert_int_eq(write_feed(&options, NULL, items, &failure), 0);
    file_is("a/b/a%b/f.jsonl", "{}\n");
}
END_TEST

START_TEST(batches_of_another_job_are_refused_or_replaced)
{
    static const char *const items[] = { "{\"a\":1}", "{\"a\":2}", "{\"a\":3}", NULL };
    struct twi_feed_options options = named(in_folder("p-%(batch)d.jsonl"), 2);
    tw_value failure;

    disk_write("p-7.jsonl", "old\n", 4);
    disk_write("p-x.jsonl", "mine\n", 5);
    ck_assert_int_eq(write_feed(&options, NULL, items, &failure), -EEXIST);
    ck_assert_ptr_nonnull(strstr(tw_failure_message(failure), "p-7.jsonl is there"));
    tw_release(failure);
    options.overwrite = true;
    ck_assert_int_eq(write_feed(&options, NULL, items, &failure), 0);
    file_is("p-1.jsonl", "{\"a\":1}\n{\"a\":2}\n");
    file_is("p-2.jsonl", "{\"a\":3}\n");
    file_is("p-x.jsonl", "mine\n");
    ck_assert_uint_eq(disk_count(), 3);
}
END_TEST

/* --- files that somebody touched ----------------------------------------------------------- */

static const struct {
    const char *what, *content; /* NULL: there is none */
    int r;
    const char *why, *after;
} touched[] = {
    { "longer", "{\"a\":1}\n{\"a\":2}\n", 0, NULL, "{\"a\":1}\n" },
    { "as it was", "{\"a\":1}\n", 0, NULL, "{\"a\":1}\n" },
    { "shorter", "{\"a\":", -ESTALE, "it has 5 bytes, but 8 were on the disk", NULL },
    { "empty", "", -ESTALE, "it has 0 bytes, but 8 were on the disk", NULL },
    { "gone", NULL, -ENOENT, "it is gone, but 8 bytes", NULL },
};

START_TEST(a_file_that_somebody_touched_is_told)
{
    static const char *const items[] = { NULL };
    struct twi_feed_options options = named(in_folder("f.jsonl"), 0);
    struct twi_feed_state state = {
        .path = place, .format = "jsonl", .batch = 1, .items = 1, .at = 8, .synced = 8
    };
    tw_value failure;
    int r;

    if (touched[_i].content != NULL)
        disk_write("f.jsonl", touched[_i].content, strlen(touched[_i].content));
    r = write_feed(&options, &state, items, &failure);
    ck_assert_int_eq(r, touched[_i].r);
    if (r == 0) {
        file_is("f.jsonl", touched[_i].after);
        return;
    }
    ck_assert_msg(strstr(tw_failure_message(failure), touched[_i].why) != NULL &&
                      strstr(tw_failure_message(failure), "f.jsonl") != NULL,
                  "%s", tw_failure_message(failure));
    tw_release(failure);
    if (touched[_i].content != NULL)
        file_is("f.jsonl", touched[_i].content);
}
END_TEST

START_TEST(a_database_that_lacks_items_is_told)
{
    struct twi_feed_options options = named(in_folder("f.jsonl"), 0);
    struct twi_feed_state state = {
        .path = place, .format = "jsonl", .batch = 1, .items = 2, .at = 16, .synced = 8
    };
    struct twi_feed *feed;
    tw_value failure;

    disk_write("f.jsonl", "{\"a\":1}\n{\"a\":2}\n", 16);
    ck_assert_int_eq(twi_feed_open(&options, &state, &feed, &failure), 0);
    ck_assert_int_eq(twi_feed_settle(feed, &failure), -EBADMSG);
    tw_release(failure);
    twi_feed_free(feed);
}
END_TEST

START_TEST(a_feed_keeps_its_format_and_columns)
{
    static const char *const fields[] = { "b", NULL };
    struct twi_feed_options options = named(in_folder("f.csv"), 0);
    struct twi_feed_state state = { .path = place, .format = "json", .batch = 1 };
    struct twi_feed *feed;
    tw_value failure;

    ck_assert_int_eq(twi_feed_open(&options, &state, &feed, &failure), -EINVAL);
    ck_assert_ptr_nonnull(strstr(tw_failure_message(failure), "begun as json"));
    tw_release(failure);
    state.format = "csv";
    state.columns = "[\"a\"]";
    options.fields = fields;
    ck_assert_int_eq(twi_feed_open(&options, &state, &feed, &failure), -EINVAL);
    ck_assert_ptr_nonnull(strstr(tw_failure_message(failure), "its columns are [\"a\"]"));
    tw_release(failure);
}
END_TEST

/* --- items --------------------------------------------------------------------------------- */

START_TEST(members_without_a_column_are_counted)
{
    struct twi_feed_options options = named(in_folder("f.csv"), 0);
    const char *name;
    struct twi_feed *feed;
    tw_value failure;

    ck_assert_int_eq(twi_feed_open(&options, NULL, &feed, &failure), 0);
    ck_assert_int_eq(twi_feed_settle(feed, &failure), 0);
    ck_assert_int_eq(twi_feed_add(feed, "{\"a\":1}", 7, "1-1", &failure), 0);
    ck_assert_int_eq(twi_feed_add(feed, "{\"a\":1,\"b\":2,\"c\":3}", 19, "1-2", &failure), 0);
    ck_assert_int_eq(twi_feed_unknown(feed, &name), 2);
    ck_assert_str_eq(name, "b");
    ck_assert_int_eq(twi_feed_unknown(feed, &name), 0);
    twi_feed_free(feed);
}
END_TEST

START_TEST(items_are_objects_on_one_line)
{
    static const char *const items[] = { "{ \"a\" :\n1 }", NULL };
    static const char *const wrong[] = { "[1]", "{\"a\":}\n", "" };
    struct twi_feed_options options = named(in_folder("f.jsonl"), 0);
    tw_value failure;

    ck_assert_int_eq(write_feed(&options, NULL, items, &failure), 0);
    file_is("f.jsonl", "{\"a\":1}\n");
    options.overwrite = true;
    for (int i = 0; i < 3; i++) {
        const char *const one[] = { wrong[i], NULL };
        ck_assert_int_eq(write_feed(&options, NULL, one, &failure), -EINVAL);
        tw_release(failure);
    }
}
END_TEST

START_TEST(a_frame_is_closed_in_time)
{
    struct twi_feed_options options = named(in_folder("f.jsonl.gz"), 0);
    const struct twi_feed_write *first;
    struct twi_feed *feed;
    tw_value failure;
    bool drop_raw;

    ck_assert_int_eq(twi_feed_open(&options, NULL, &feed, &failure), 0);
    ck_assert_int_eq(twi_feed_settle(feed, &failure), 0);
    ck_assert(!twi_feed_wants_frame(feed, 100));
    ck_assert_int_eq(twi_feed_add(feed, "{}", 2, "1-1", &failure), 0);
    ck_assert_int_eq(twi_feed_writes(feed, &first, &drop_raw), 0);
    ck_assert(first->is_raw && first->next == NULL && !drop_raw);
    ck_assert_int_eq(twi_feed_apply(feed, &failure), 0);
    ck_assert(!twi_feed_wants_frame(feed, 1000));
    ck_assert(!twi_feed_wants_frame(feed, 5999));
    ck_assert(twi_feed_wants_frame(feed, 6000));
    ck_assert_int_eq(twi_feed_close_frame(feed), 0);
    ck_assert_int_eq(twi_feed_writes(feed, &first, &drop_raw), 0);
    ck_assert(!first->is_raw && first->next == NULL && drop_raw);
    ck_assert_int_eq(twi_feed_apply(feed, &failure), 0);
    ck_assert(!twi_feed_wants_frame(feed, 9000));
    twi_feed_free(feed);
}
END_TEST

START_TEST(a_frame_does_not_grow_without_end)
{
    struct twi_feed_options options = named(in_folder("f.jsonl.zst"), 0);
    const struct twi_feed_write *first;
    struct twi_feed *feed;
    char item[1000];
    tw_value failure;
    bool drop_raw;

    memset(item, 'x', sizeof item);
    memcpy(item, "{\"a\":\"", 6);
    memcpy(item + sizeof item - 2, "\"}", 2);
    ck_assert_int_eq(twi_feed_open(&options, NULL, &feed, &failure), 0);
    ck_assert_int_eq(twi_feed_settle(feed, &failure), 0);
    for (int i = 0; i < 300; i++)
        ck_assert_int_eq(twi_feed_add(feed, item, sizeof item, "1-1", &failure), 0);
    ck_assert_int_eq(twi_feed_writes(feed, &first, &drop_raw), 0);
    ck_assert(!first->is_raw && first->next == NULL);
    twi_feed_free(feed);
}
END_TEST

/* --- standard output ----------------------------------------------------------------------- */

static const struct {
    const char *path, *expected;
} outputs[] = {
    { "-", "{\"b\":1,\"a\":2}\n{\"a\":3}\n" },
    { "-:json", "[\n{\"b\":1,\"a\":2},\n{\"a\":3}\n]\n" },
    { "-:csv", "b,a\r\n1,2\r\n,3\r\n" },
};

START_TEST(standard_output_gets_a_whole_feed)
{
    static const char *const items[] = { "{\"b\":1,\"a\":2}", "{\"a\":3}", NULL };
    struct twi_feed_options options = named(outputs[_i].path, 0);
    int saved = dup(STDOUT_FILENO), ends[2];
    char seen[200] = "";
    tw_value failure;

    ck_assert_int_eq(pipe(ends), 0);
    fflush(stdout);
    dup2(ends[1], STDOUT_FILENO);
    disk_fail(1, DISK_AGAIN);
    int r = write_feed(&options, NULL, items, &failure);
    disk_fail(0, DISK_FULL);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    close(ends[1]);
    ck_assert_int_eq(r, 0);
    ck_assert_int_gt(read(ends[0], seen, sizeof seen - 1), 0);
    close(ends[0]);
    ck_assert_str_eq(seen, outputs[_i].expected);
}
END_TEST

static void add_in_folder(TCase *tcase, const TTest *test, int rows)
{
    tcase_add_loop_test(tcase, test, 0, rows);
}

#define COUNT(rows) ((int)(sizeof(rows) / sizeof *(rows)))

int main(void)
{
    Suite *suite = suite_create("feed");
    TCase *tcase = tcase_create("in a folder");

    TEST_ADD_ROWS(suite, paths_are_filled_in, names);
    tcase_add_checked_fixture(tcase, begin, disk_end);
    add_in_folder(tcase, files_that_are_there_are_met, COUNT(meetings));
    add_in_folder(tcase, what_is_no_file_is_named, 2);
    add_in_folder(tcase, two_crawls_do_not_write_one_file, 4);
    add_in_folder(tcase, folders_are_made, 1);
    add_in_folder(tcase, batches_of_another_job_are_refused_or_replaced, 1);
    add_in_folder(tcase, a_file_that_somebody_touched_is_told, COUNT(touched));
    add_in_folder(tcase, a_database_that_lacks_items_is_told, 1);
    add_in_folder(tcase, a_feed_keeps_its_format_and_columns, 1);
    add_in_folder(tcase, members_without_a_column_are_counted, 1);
    add_in_folder(tcase, items_are_objects_on_one_line, 1);
    add_in_folder(tcase, a_frame_is_closed_in_time, 1);
    add_in_folder(tcase, a_frame_does_not_grow_without_end, 1);
    add_in_folder(tcase, standard_output_gets_a_whole_feed, COUNT(outputs));
    suite_add_tcase(suite, tcase);
    return test_run(suite);
}
