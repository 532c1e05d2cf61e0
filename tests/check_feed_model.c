/* SPDX-License-Identifier: MIT */
/*
 * check_feed_model.c - feeds beside a model, through kills, power failures and full disks.
 *
 * The job's database is played by lists of what was committed: a kill leaves all of it, a power
 * failure goes back to any commit since the last checkpoint. After each start, and at the end, the
 * files must hold the committed items and no others, each once, in their order.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tweed/value.h>

#include "spider/job/feed.h"
#include "spider/job/sql.h"
#include "spider/text/compress.h"
#include "spider/text/feed_write.h"
#include "tests/disk_model.h"
#include "tests/random.h"
#include "tests/test.h"

#define MOST_ITEMS 2000
#define MOST_ROWS 4000
#define MOST_COMMITS 400

struct row {
    struct twi_feed_write write;
    int added, gone; /* commits between which it is in the table */
};

struct commit {
    struct twi_feed_state state;
    char *columns;
    int items;
};

static struct world {
    struct twi_feed_options options;
    struct twi_feed *feed;
    char path[128];
    const char *folder, *format;
    enum twi_feed_kind kind;
    enum twi_coding coding;
    bool is_sqlite;
    /* the database */
    struct row rows[MOST_ROWS];
    int row_count;
    struct commit commits[MOST_COMMITS];
    int last, checkpoint; /* commits */
    /* the items, those of the running transaction behind the committed ones */
    char *items[MOST_ITEMS];
    int64_t batch_of[MOST_ITEMS];
    int item_count;
    unsigned serial;
} world;

/* --- items --------------------------------------------------------------------------------- */

static const char *const values[] = {
    "null",
    "true",
    "123456789012345678901234567890",
    "-0.50",
    "\"x\"",
    "\"\"",
    "\"a,b\"",
    "\"\\\"q\\\"\"",
    "\"\\ud800\"",
    "\"\\u0000z\"",
    "\"l1\\nl2\\r\"",
    "\"\xc3\xa9\xf0\x9f\x98\x80\"",
    "[]",
    "[1,[2,{\"k\":null}]]",
    "{\"n\":{\"m\":[\"<&>\"]}}",
    "\"</items>]\"",
};

static const char *draw_value(void)
{
    return values[draw(sizeof values / sizeof *values)];
}

/* An item that no other is like. */
static char *draw_item(void)
{
    char text[512];

    snprintf(text, sizeof text, "{\"n\":%u,\"a\":%s,\"b\":%s%s%s}", world.serial++,
             draw_value(), draw_value(),
             one_in(4) ? ",\"later\":" : ",\"c d\":", draw_value());
    return test_given(strdup(text));
}

static void item_forget_from(int count)
{
    while (world.item_count > count)
        free(world.items[--world.item_count]);
}

/* --- what the files must be ---------------------------------------------------------------- */

/* The feed of the items `from` to `to` - 1, written at once. */
static void expect(struct twi_arena *arena, int from, int to, bool with_end,
                   struct twi_text *out)
{
    static const struct twi_feed_field fields[] = { { "b", "b", 1, 1 }, { "n", "n", 1, 1 } };
    static struct twi_feed_field first[8];
    struct twi_feed_writer writer = { .kind = world.kind };

    if (world.options.fields != NULL) {
        writer.fields = fields;
        writer.count = 2;
    } else if (world.kind == TWI_FEED_CSV && world.item_count > 0) {
        /* The columns are the first item's, for all batches. */
        struct twi_json_error error;
        struct twi_json *item = twi_json_read(arena, world.items[0], strlen(world.items[0]),
                                              &error);
        for (const struct twi_json *m = item->first; m != NULL; m = m->next) {
            first[writer.count++] = (struct twi_feed_field){ m->key, m->key, m->key_length,
                                                             m->key_length };
        }
        writer.fields = first;
    }
    twi_feed_begin(&writer, out);
    for (int i = from; i < to; i++) {
        struct twi_json_error error;
        struct twi_json *item = twi_json_read(arena, world.items[i], strlen(world.items[i]),
                                              &error);
        ck_assert_msg(item != NULL, "%s: %s", world.items[i], error.why);
        twi_feed_item(&writer, item, out);
    }
    if (with_end)
        twi_feed_end(&writer, out);
}

static size_t ending_length(void)
{
    return world.kind == TWI_FEED_JSON ? 3 : world.kind == TWI_FEED_XML ? 9 : 0;
}

/* The text of a file; "" and false if there is none. */
static bool read_text(struct twi_arena *arena, int64_t batch, const char *ending,
                      struct twi_text *text)
{
    char name[64];
    size_t length;
    char *data;

    if (world.options.batch > 0)
        snprintf(name, sizeof name, "part-%03d.%s%s", (int)batch, world.format, ending);
    else
        snprintf(name, sizeof name, "items.%s", world.format);
    data = disk_read(name, &length);
    *text = (struct twi_text){ .arena = arena };
    if (data == NULL)
        return false;
    if (length > 0 || world.coding != TWI_CODING_NONE) {
        const char *why = twi_decompress(world.coding, data, length, 0, text);
        ck_assert_msg(why == NULL, "%s%s: %s", random_failed(), name, why);
    }
    free(data);
    return true;
}

static bool is_prefix(const struct twi_text *part, size_t length, const struct twi_text *whole)
{
    return length <= whole->length &&
           (length == 0 || memcmp(part->data, whole->data, length) == 0);
}

/* The rows of a database, a line each. */
static void read_rows(struct twi_arena *arena, int64_t batch, const char *ending,
                      struct twi_text *text)
{
    char path[256];
    struct twi_sql *sql;
    struct twi_sql_query *query;
    tw_value failure;
    int r;

    snprintf(path, sizeof path, "%s/part-%03d.sqlite%s", world.folder, (int)batch, ending);
    if (world.options.batch == 0)
        snprintf(path, sizeof path, "%s/items.sqlite", world.folder);
    *text = (struct twi_text){ .arena = arena };
    r = twi_sql_open(path, TWI_SQL_READ, &sql, &failure);
    ck_assert_msg(r == 0, "%s%s", random_failed(), r < 0 ? tw_failure_message(failure) : "");
    ck_assert_int_eq(
        twi_sql_prepare(sql, "SELECT _n, _item, n FROM items ORDER BY _n", &query) == 0 ||
            twi_sql_prepare(sql, "SELECT _n, _item, NULL FROM items", &query) == 0,
        1);
    for (int64_t n = 1; (r = twi_sql_step(query)) == 1; n++) {
        char number[32];
        ck_assert_int_eq(twi_sql_integer(query, 0), n);
        twi_text_puts(text, twi_sql_text(query, 1));
        twi_text_puts(text, "\n");
        snprintf(number, sizeof number, "\"n\":%d", (int)twi_sql_integer(query, 2));
        ck_assert_ptr_nonnull(strstr(twi_sql_text(query, 1), number));
    }
    ck_assert_int_eq(r, 0);
    twi_sql_close(sql);
}

/* The batch of the items `from` to `to` - 1 has their text, but for `raw` bytes of an open
 * frame. */
static void batch_is(int64_t batch, int from, int to, bool is_whole, size_t raw)
{
    struct twi_arena arena;
    struct twi_text text, expected = { .arena = &arena }, body = { .arena = &arena };
    bool there;

    twi_arena_init(&arena, 0);
    if (world.is_sqlite) {
        read_rows(&arena, batch, is_whole ? "" : ".part", &text);
        there = true;
    } else {
        there = read_text(&arena, batch, is_whole ? "" : ".part", &text);
    }
    expect(&arena, from, to, true, &expected);
    expect(&arena, from, to, false, &body);
    ck_assert_msg(there, "%sbatch %d: no file", random_failed(), (int)batch);
    if (raw == 0) {
        ck_assert_msg(
            text.length == expected.length && is_prefix(&text, text.length, &expected),
            "%sbatch %d, items %d to %d: %s\nexpected: %s", random_failed(), (int)batch, from,
            to, twi_text_string(&text), twi_text_string(&expected));
    } else {
        size_t written = text.length - ending_length();
        if (written + raw != body.length) /* not even begun: the beginning is in the frame */
            ck_assert_uint_eq(raw, body.length);
        else
            ck_assert(is_prefix(&text, written, &body));
    }
    twi_arena_free(&arena);
}

static void files_are_right(void)
{
    const struct commit *commit = &world.commits[world.last];
    int from = 0, to;
    unsigned files = 0;

    for (int64_t batch = 1; batch <= commit->state.batch; batch++, files++) {
        bool is_last = batch == commit->state.batch;
        bool is_whole = !is_last || commit->state.state == TWI_FEED_CLOSED;
        for (to = from; to < commit->items && world.batch_of[to] == batch;)
            to++;
        batch_is(batch, from, to, is_whole, is_last ? (size_t)commit->state.raw : 0);
        from = to;
    }
    ck_assert_int_eq(from, commit->items);
    ck_assert_msg(disk_count() == files, "%s%u files for %u batches", random_failed(),
                  disk_count(), files);
}

/* --- the database -------------------------------------------------------------------------- */

static void commit_add(void)
{
    const struct twi_feed_state *state = twi_feed_state(world.feed);
    struct commit *commit = &world.commits[++world.last];

    ck_assert_int_lt(world.last, MOST_COMMITS);
    free(commit->columns);
    *commit = (struct commit){ .state = *state, .items = world.item_count };
    if (state->columns != NULL)
        commit->columns = strdup(state->columns);
    commit->state.columns = commit->columns;
}

static void rows_add(const struct twi_feed_write *write, bool drop_raw)
{
    int number = world.last + 1;

    for (int i = 0; drop_raw && i < world.row_count; i++)
        if (world.rows[i].write.is_raw && world.rows[i].gone > number)
            world.rows[i].gone = number;
    for (; write != NULL; write = write->next) {
        struct row *row = &world.rows[world.row_count++];
        char *data = test_given(malloc(write->length));
        ck_assert_int_lt(world.row_count, MOST_ROWS);
        memcpy(data, write->data, write->length);
        *row = (struct row){ .write = *write, .added = number, .gone = MOST_COMMITS };
        row->write.data = data;
    }
}

/* Commits behind `number` never were. */
static void database_go_back(int number)
{
    int kept = 0;

    for (int i = 0; i < world.row_count; i++) {
        struct row *row = &world.rows[i];
        if (row->added > number) {
            free((char *)(uintptr_t)row->write.data);
            continue;
        }
        if (row->gone > number)
            row->gone = MOST_COMMITS;
        world.rows[kept++] = *row;
    }
    world.row_count = kept;
    world.last = number;
    item_forget_from(world.commits[number].items);
}

/* --- a life -------------------------------------------------------------------------------- */

static void fails(tw_value failure)
{
    ck_assert_msg(tw_failure_message(failure)[0] != 0, "a failure without words");
    tw_release(failure);
}

static int restore_all(tw_value *ret_failure)
{
    int r = 0;

    for (int i = 0; i < world.row_count && r == 0; i++)
        if (world.rows[i].gone > world.last)
            r = twi_feed_restore(world.feed, &world.rows[i].write, ret_failure);
    return r < 0 ? r : twi_feed_settle(world.feed, ret_failure);
}

static void start(void)
{
    const struct commit *commit = world.last >= 0 ? &world.commits[world.last] : NULL;
    tw_value failure = { 0 };
    int r = twi_feed_open(&world.options, commit != NULL ? &commit->state : NULL, &world.feed,
                          &failure);

    ck_assert_msg(r == 0, "%s%s", random_failed(), r < 0 ? tw_failure_message(failure) : "");
    if (commit == NULL)
        commit_add();
    r = restore_all(&failure);
    if (r < 0 && disk_has_failed()) { /* the start dies as well */
        fails(failure);
        twi_feed_free(world.feed);
        disk_fail(0, DISK_FULL);
        start();
        return;
    }
    ck_assert_msg(r == 0, "%s%s", random_failed(), r < 0 ? tw_failure_message(failure) : "");
    files_are_right();
}

static void die(void)
{
    twi_feed_free(world.feed);
    world.feed = NULL;
    item_forget_from(world.commits[world.last].items);
    if (one_in(3))
        disk_fail(1 + draw(12), (enum disk_fault)draw(DISK_FAULTS));
    else
        disk_fail(0, DISK_FULL);
}

/* The feed is lost: it is written once more, without a new start. */
static void mend(void)
{
    tw_value failure;

    for (;;) {
        ck_assert(twi_feed_is_lost(world.feed));
        disk_fail(one_in(2) ? 1 + draw(6) : 0, (enum disk_fault)draw(DISK_FAULTS));
        twi_feed_reopen(world.feed);
        if (restore_all(&failure) == 0)
            break;
        ck_assert(disk_has_failed());
        fails(failure);
        ck_assert_int_eq(twi_feed_apply(world.feed, &failure), -EBUSY);
        fails(failure);
    }
    ck_assert(!twi_feed_is_lost(world.feed));
    disk_fail(0, DISK_FULL);
}

static void kill_and_start(void)
{
    die();
    start();
    disk_fail(0, DISK_FULL);
}

static void lose_power_and_start(void)
{
    die();
    if (!world.is_sqlite) /* SQLite sees to itself: only the job goes back */
        disk_lose_power();
    database_go_back(world.checkpoint +
                     (int)draw((unsigned)(world.last - world.checkpoint) + 1));
    start();
    disk_fail(0, DISK_FULL);
}

/* Apply, tried until it works; false: killed in between. */
static bool apply(void)
{
    tw_value failure;
    bool has_failed = false;

    for (;;) {
        int r = twi_feed_apply(world.feed, &failure);
        if (r == 0)
            break;
        has_failed = has_failed || disk_has_failed();
        ck_assert_msg(has_failed, "%s%s", random_failed(), tw_failure_message(failure));
        fails(failure);
        ck_assert_int_eq(twi_feed_add(world.feed, "{}", 2, "1-1", &failure), -EBUSY);
        tw_release(failure);
        ck_assert_int_eq(twi_feed_sync(world.feed, &failure), -EBUSY);
        tw_release(failure);
        if (one_in(2))
            return false;
        if (twi_feed_is_lost(world.feed)) {
            mend();
            return true;
        }
        disk_fail(one_in(2) ? 1 + draw(3) : 0, (enum disk_fault)draw(DISK_FAULTS));
    }
    disk_fail(0, DISK_FULL);
    return true;
}

static void add_items(void)
{
    tw_value failure;

    for (unsigned n = draw(6); n > 0 && world.item_count < MOST_ITEMS; n--) {
        char *item = draw_item();
        int r = twi_feed_add(world.feed, item, strlen(item), "1-1", &failure);
        ck_assert_int_eq(r, 0);
        world.batch_of[world.item_count] = twi_feed_state(world.feed)->batch;
        world.items[world.item_count++] = item;
    }
}

static void transaction(void)
{
    const struct twi_feed_write *first;
    bool drop_raw;

    add_items();
    if (one_in(6))
        ck_assert_int_eq(twi_feed_close_frame(world.feed), 0);
    if (one_in(20))
        ck_assert_int_eq(twi_feed_finish(world.feed), 0);
    if (one_in(8)) {
        item_forget_from(world.commits[world.last].items);
        twi_feed_undo(world.feed);
        return;
    }
    ck_assert_int_eq(twi_feed_writes(world.feed, &first, &drop_raw), 0);
    if (one_in(8)) { /* the commit failed */
        item_forget_from(world.commits[world.last].items);
        twi_feed_undo(world.feed);
        return;
    }
    rows_add(first, drop_raw);
    commit_add();
    if (one_in(8)) {
        kill_and_start();
        return;
    }
    if (one_in(5))
        disk_fail(1 + draw(6), (enum disk_fault)draw(DISK_FAULTS));
    if (!apply()) {
        kill_and_start();
        return;
    }
    files_are_right();
}

static void checkpoint(void)
{
    tw_value failure;

    if (one_in(4))
        disk_fail(1 + draw(2), DISK_ERROR);
    if (twi_feed_sync(world.feed, &failure) < 0) {
        ck_assert(disk_has_failed());
        fails(failure);
        disk_fail(0, DISK_FULL);
        ck_assert_int_lt(twi_feed_sync(world.feed, &failure), 0); /* for ever */
        fails(failure);
        if (one_in(2)) {
            kill_and_start();
        } else {
            mend();
            files_are_right();
        }
        return;
    }
    disk_fail(0, DISK_FULL);
    if (one_in(6)) {
        kill_and_start();
        return;
    }
    for (int i = 0; i < world.row_count; i++)
        if (!world.rows[i].write.is_raw && world.rows[i].gone > world.last)
            world.rows[i].gone = world.last + 1;
    commit_add();
    if (!one_in(4)) /* SQLite's own */
        world.checkpoint = world.last;
}

static void open_world(const char *folder)
{
    static const struct {
        const char *format;
        enum twi_feed_kind kind;
        enum twi_coding coding;
    } formats[] = {
        { "jsonl", TWI_FEED_JSONL, TWI_CODING_NONE },
        { "json", TWI_FEED_JSON, TWI_CODING_NONE },
        { "csv", TWI_FEED_CSV, TWI_CODING_NONE },
        { "xml", TWI_FEED_XML, TWI_CODING_NONE },
        { "jsonl.gz", TWI_FEED_JSONL, TWI_CODING_GZIP },
        { "json.gz", TWI_FEED_JSON, TWI_CODING_GZIP },
        { "csv.zst", TWI_FEED_CSV, TWI_CODING_ZSTD },
        { "xml.zst", TWI_FEED_XML, TWI_CODING_ZSTD },
        { "sqlite", TWI_FEED_JSONL, TWI_CODING_NONE },
    };
    static const char *const fields[] = { "b", "n", NULL };
    unsigned format = draw(sizeof formats / sizeof *formats);

    memset(&world, 0, sizeof world);
    world.last = -1;
    world.folder = folder;
    world.format = formats[format].format;
    world.kind = formats[format].kind;
    world.coding = formats[format].coding;
    world.is_sqlite = strcmp(world.format, "sqlite") == 0;
    world.options = (struct twi_feed_options){ .path = world.path,
                                               .spider = "model",
                                               .batch = one_in(2) ? 1 + draw(8) : 0 };
    if (one_in(4))
        world.options.fields = fields;
    snprintf(world.path, sizeof world.path, "%s/%s.%s", folder,
             world.options.batch > 0 ? "part-%(batch)03d" : "items", world.format);
}

static void close_world(void)
{
    twi_feed_free(world.feed);
    item_forget_from(0);
    for (int i = 0; i < world.row_count; i++)
        free((char *)(uintptr_t)world.rows[i].write.data);
    for (int i = 0; i < MOST_COMMITS; i++)
        free(world.commits[i].columns);
}

static void a_life(void)
{
    open_world(disk_begin());
    start();
    for (unsigned steps = 20 + draw(60); steps > 0 && world.last < MOST_COMMITS - 10;
         steps--) {
        switch (draw(12)) {
        case 0:
            kill_and_start();
            break;
        case 1:
            lose_power_and_start();
            break;
        case 2:
        case 3:
            checkpoint();
            break;
        default:
            transaction();
        }
    }
    kill_and_start();
    close_world();
    disk_end();
}

START_TEST(feeds_survive_everything)
{
    random_programs(a_life, 150);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("feed_model");

    TEST_ADD(suite, feeds_survive_everything);
    return test_run(suite);
}
