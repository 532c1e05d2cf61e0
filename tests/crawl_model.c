/* SPDX-License-Identifier: MIT */
/*
 * crawl_model.c - a crawl without a network.
 */
#include "config.h"

#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tweed/client.h>
#include <tweed/reactor.h>
#include <tweed/testing.h>

#include "spider/job/reader.h"
#include "spider/job/sql.h"
#include "spider/text/arena.h"
#include "spider/text/json.h"
#include "tests/crawl_model.h"

/* --- the crawl ------------------------------------------------------------------------------ */

/* A page in a place. */
struct model_page {
    struct twi_record record;
    struct twi_arena arena;
    unsigned number;
    bool is_part; /* its visits alone; the rest follows */
};
static struct {
    const struct crawl_plan *plan;
    struct twi_job *job;
    int64_t ids[CRAWL_MAX + 1]; /* by number; 0: not found yet */
    unsigned char tries[CRAWL_MAX + 1], is_done[CRAWL_MAX + 1];
    unsigned waiting[CRAWL_MAX * 4], first, last; /* numbers */
    unsigned places, in_flight;
    unsigned read;
    bool is_new, is_over;
} model;

static void model_fail(const char *what, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void model_fail(const char *what, ...)
{
    va_list args;

    va_start(args, what);
    fputs("crawl: ", stderr);
    vfprintf(stderr, what, args);
    fputc('\n', stderr);
    va_end(args);
    _exit(1);
}

static void *model_given(void *pointer)
{
    if (pointer == NULL)
        model_fail("no memory");
    return pointer;
}

static void model_push(unsigned number)
{
    if (model.last == sizeof model.waiting / sizeof model.waiting[0])
        model_fail("pages come again and again");
    model.waiting[model.last++] = number;
}

static int model_told(const struct twi_job_url *row, void *arg)
{
    (void)arg;
    if (row->key < 1 || row->key > model.plan->pages || model.ids[row->key] != 0)
        model_fail("page %d comes twice", (int)row->key);
    model.ids[row->key] = row->id;
    model.tries[row->key] = (unsigned char)row->tries;
    if (row->state == TWI_JOB_DONE)
        model.is_done[row->key] = 1;
    else if (row->state != TWI_JOB_PENDING)
        model_fail("page %d has failed", (int)row->key);
    else
        model_push((unsigned)row->key);
    return 0;
}

static void model_failed(tw_value failure, void *arg)
{
    (void)arg;
    model_fail("%s", tw_failure_message(failure));
}

static void add_visit(struct model_page *page, unsigned number)
{
    struct twi_visit *visit, **end;
    char path[32];

    visit = model_given(twi_arena_zeroed(&page->arena, sizeof *visit));
    for (end = &page->record.visits; *end != NULL; end = &(*end)->next)
        ;
    *end = visit;
    snprintf(path, sizeof path, "/%u", number);
    visit->id = model.ids[number];
    visit->parent = page->record.url;
    visit->key = number;
    visit->origin = number % 2 != 0 ? "https://odd.example" : "https://even.example";
    visit->path = model_given(twi_arena_strdup(&page->arena, path));
    visit->depth = number;
}

/* A new visit, if nobody has found it. */
static void find(struct model_page *page, unsigned number)
{
    if (number > model.plan->pages || model.ids[number] != 0)
        return;
    model.ids[number] = twi_job_number(model.job, 1);
    add_visit(page, number);
    model_push(number);
}

/* The first page of a new job finds itself: its row is committed with it. */
static void find_all(struct model_page *page)
{
    if (page->number == 1 && model.is_new)
        add_visit(page, 1);
    find(page, page->number * 2);
    find(page, page->number * 2 + 1);
    find(page, page->number + 1);
}

static void emit(struct model_page *page)
{
    struct twi_record_item **end = &page->record.items, *item;
    char text[256];

    for (unsigned i = 0; i < page->number % 3; i++) {
        int length = snprintf(
            text, sizeof text,
            "{\"mark\":\"[%u.%u]\",\"text\":\"Lorem \\u00e4 ipsum, \\\"%u\\\"\"}",
            page->number, i, page->number * 7919);

        item = model_given(twi_arena_zeroed(&page->arena, sizeof *item));
        item->json = model_given(twi_arena_copy(&page->arena, text, (size_t)length));
        item->length = (size_t)length;
        item->feeds = 1;
        item->ordinal = i;
        *end = item;
        end = &item->next;
    }
}

static void model_dispatch(void);

static void model_over(struct model_page *page)
{
    model.places--;
    twi_arena_free(&page->arena);
    free(page);
    model_dispatch();
}

static void model_acknowledged(struct twi_record *record, void *arg)
{
    struct model_page *page = arg;

    (void)record;
    if (model.plan->acknowledged != NULL)
        ++*model.plan->acknowledged;
    if (page->record.kind == TWI_RECORD_RETRY)
        model_push(page->number);
    if (page->is_part) {
        twi_arena_free(&page->arena);
        free(page);
        return;
    }
    model_over(page);
}

static struct model_page *model_page(unsigned number, enum twi_record_kind kind)
{
    struct model_page *page = model_given(calloc(1, sizeof *page));

    twi_arena_init(&page->arena, 0);
    page->number = number;
    page->record = (struct twi_record){ .url = model.ids[number],
                                        .kind = kind,
                                        .at = number,
                                        .status = 200,
                                        .bytes = 1000,
                                        .ms = 3,
                                        .acknowledged = model_acknowledged,
                                        .arg = page };
    return page;
}

static void model_count(struct model_page *page, const char *key)
{
    struct twi_record_count *count = model_given(
        twi_arena_zeroed(&page->arena, sizeof *count));

    *count = (struct twi_record_count){ .key = key, .add = 1, .next = page->record.counts };
    page->record.counts = count;
}

/* The callback: what the page comes to. */
static void model_read(unsigned number)
{
    struct model_page *page, *part;

    twi_job_flight_begin(model.job, model.ids[number]);
    model.read++;
    if (number % 7 == 0 && model.tries[number] == 0) {
        page = model_page(number, TWI_RECORD_RETRY);
        model.tries[number]++;
    } else {
        page = model_page(number, TWI_RECORD_DONE);
        if (number % 5 == 0) {
            part = model_page(number, TWI_RECORD_PART);
            part->is_part = true;
            find_all(part);
            twi_job_put(model.job, &part->record);
        }
        find_all(page);
        emit(page);
    }
    model_count(page, "pages");
    model_count(page, number % 2 != 0 ? "odd" : "even");
    twi_job_flight_end(model.job, model.ids[number]);
    twi_job_put(model.job, &page->record);
}

static void model_arrived(void *arg)
{
    unsigned number = (unsigned)(uintptr_t)arg;

    model_read(number);
    twi_job_in_flight(model.job, --model.in_flight);
    model_dispatch();
}

static void model_dispatch(void)
{
    while (model.places < model.plan->places && model.first < model.last) {
        void *number = (void *)(uintptr_t)model.waiting[model.first++];

        model.places++;
        twi_job_in_flight(model.job, ++model.in_flight);
        if ((model.plan->is_inline ? tw_call_later(2, model_arrived, number)
                                   : tw_call_soon(model_arrived, number)) < 0)
            model_fail("no memory");
    }
    model.is_over = model.places == 0 && model.first == model.last;
}

static tw_value model_closed(tw_value result, void *arg)
{
    bool *is_closed = arg;

    if (tw_is_failure(result))
        model_fail("%s", tw_failure_message(result));
    *is_closed = true;
    return tw_none();
}

static void model_turn(void)
{
    if (model.plan->is_inline)
        tw_testing_advance(1);
    else
        tw_reactor_iterate(0.1);
}

static void model_open(void)
{
    const struct crawl_plan *plan = model.plan;
    struct twi_feed_options feed = { .path = plan->feed, .batch = plan->batch };
    struct twi_job_options options = { .folder = plan->folder,
                                       .spider = "model",
                                       .places = plan->places,
                                       .is_inline = plan->is_inline,
                                       .power = plan->power,
                                       .feeds = &feed,
                                       .feed_count = plan->feed != NULL,
                                       .url = model_told,
                                       .failed = model_failed };
    tw_value failure = tw_none();

    if (twi_job_open(&options, &model.job, &failure) < 0)
        model_fail("%s", tw_failure_message(failure));
    if (model.ids[1] != 0)
        return;
    model.is_new = true;
    model.ids[1] = twi_job_number(model.job, 1);
    model_push(1);
}

void crawl_run(const struct crawl_plan *plan)
{
    static struct crawl_plan own;
    bool is_closed = false;
    tw_deferred *closed;

    own = *plan;
    own.places = plan->places > 0 ? plan->places : CRAWL_PLACES;
    model.plan = &own;
    if (plan->is_inline && tw_testing_begin() < 0)
        model_fail("no memory");
    model_open();
    model_dispatch();
    while (!model.is_over)
        model_turn();
    closed = twi_job_close(model.job, TWI_JOB_FINISHED);
    tw_add_both(closed, model_closed, &is_closed);
    tw_deferred_unref(closed);
    while (!is_closed)
        model_turn();
    _exit(0);
}

/* --- what has come out ---------------------------------------------------------------------- */

static struct {
    const struct crawl_plan *plan;
    unsigned char items[CRAWL_MAX + 1][3], done[CRAWL_MAX + 1];
    char why[256];
} found;

static int wrong(const char *what, ...) __attribute__((format(printf, 1, 2)));
static int wrong(const char *what, ...)
{
    va_list args;

    va_start(args, what);
    vsnprintf(found.why, sizeof found.why, what, args);
    va_end(args);
    return 1;
}

/* Every "[page.item]". */
static int count_marks(const char *data, size_t length)
{
    const char *at = data, *end = data + length;

    while ((at = memchr(at, '[', (size_t)(end - at))) != NULL) {
        unsigned page, item;
        int size = 0;

        at++;
        if (sscanf(at, "%5u.%1u]%n", &page, &item, &size) != 2 || size == 0)
            continue;
        if (page > found.plan->pages || item > 2)
            return wrong("an item [%u.%u]", page, item);
        if (found.items[page][item]++ != 0)
            return wrong("[%u.%u] is there twice", page, item);
    }
    return 0;
}

static int check_jsonl(const char *data, size_t length)
{
    struct twi_arena arena;
    struct twi_json_error error;
    const char *line, *end;
    int r = 0;

    twi_arena_init(&arena, 0);
    for (line = data; r == 0 && line < data + length; line = end + 1) {
        end = memchr(line, '\n', length - (size_t)(line - data));
        if (end == NULL)
            return wrong("no end of the last line");
        if (twi_json_read(&arena, line, (size_t)(end - line), &error) == NULL)
            r = wrong("no JSON: %.60s", line);
    }
    twi_arena_free(&arena);
    return r;
}

static int check_json(const char *data, size_t length)
{
    struct twi_arena arena;
    struct twi_json_error error;
    struct twi_json *list;

    twi_arena_init(&arena, 0);
    list = twi_json_read(&arena, data, length, &error);
    twi_arena_free(&arena);
    return list == NULL ? wrong("no JSON: %s at %zu", error.why, error.at) : 0;
}

static int check_xml(const char *data, size_t length)
{
    static const char end[] = "</items>";
    const char *first = strstr(data, end);

    if (first == NULL ||
        strspn(first + strlen(end), "\n") != length - (size_t)(first - data) - strlen(end))
        return wrong("no end of the document, or two");
    return 0;
}

static int check_csv(const char *data, size_t length)
{
    if (length == 0 || strncmp(data, "mark,text\r\n", 11) != 0)
        return wrong("no names of columns: %.30s", data);
    return strstr(data + 1, "mark,text") != NULL ? wrong("names of columns twice") : 0;
}

static int check_text(const char *path, const char *data, size_t length)
{
    static const struct {
        const char *extension;
        int (*check)(const char *data, size_t length);
    } kinds[] = { { ".jsonl", check_jsonl },
                  { ".json", check_json },
                  { ".xml", check_xml },
                  { ".csv", check_csv } };
    int r = count_marks(data, length);

    for (size_t i = 0; r == 0 && i < sizeof kinds / sizeof kinds[0]; i++)
        if (strstr(path, kinds[i].extension) != NULL)
            return kinds[i].check(data, length);
    return r;
}

static tw_value decoded(const char *coding, const char *data, size_t length)
{
    tw_headers *headers = tw_headers_new();
    tw_value bytes = tw_none();

    if (headers != NULL && tw_headers_set(headers, "Content-Encoding", coding) == 0)
        bytes = tw_decode(headers, data, length, -1, NULL);
    tw_headers_free(headers);
    return bytes;
}

static int check_bytes(const char *path, char *data, size_t length)
{
    const char *coding = strstr(path, ".gz") != NULL    ? "gzip"
                         : strstr(path, ".zst") != NULL ? "zstd"
                                                        : NULL;
    tw_value bytes;
    size_t size;
    const char *text;
    char *copy;
    int r;

    if (coding == NULL)
        return check_text(path, data, length);
    bytes = decoded(coding, data, length);
    if (tw_is_failure(bytes))
        return wrong("%s", tw_failure_message(bytes));
    text = tw_bytes_data(bytes);
    size = tw_bytes_length(bytes);
    copy = model_given(calloc(1, size + 1));
    memcpy(copy, text, size);
    r = check_text(path, copy, size);
    free(copy);
    tw_release(bytes);
    return r;
}

static int check_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *data;
    size_t length;
    int r;

    if (file == NULL)
        return wrong("no file %s", path);
    fseek(file, 0, SEEK_END);
    length = (size_t)ftell(file);
    rewind(file);
    data = model_given(calloc(1, length + 1));
    if (fread(data, 1, length, file) != length)
        length = 0;
    fclose(file);
    r = check_bytes(path, data, length);
    free(data);
    return r;
}

static int check_rows(struct twi_sql *sql)
{
    struct twi_sql_query *query;
    int r = twi_sql_prepare(sql, "SELECT mark FROM items", &query);

    if (r < 0)
        return wrong("no table of items");
    while (r == 0 && twi_sql_step(query) == 1) {
        const char *mark = twi_sql_text(query, 0);

        r = count_marks(mark, strlen(mark));
    }
    twi_sql_query_free(query);
    return r;
}

static int check_database(const char *path)
{
    struct twi_sql *sql;
    tw_value failure = tw_none();
    int r;

    if (twi_sql_open(path, TWI_SQL_READ, &sql, &failure) < 0)
        return wrong("%s", tw_failure_message(failure));
    r = check_rows(sql);
    twi_sql_close(sql);
    return r;
}

/* The feed's files: those of all batches. */
static int check_feed(void)
{
    const char *feed = found.plan->feed, *batch = strstr(feed, "%(batch)");
    char pattern[512];
    glob_t files;
    int r = 0;

    if (strstr(feed, ".sqlite") != NULL)
        return check_database(feed);
    if (batch == NULL)
        return check_file(feed);
    snprintf(pattern, sizeof pattern, "%.*s*%s", (int)(batch - feed), feed,
             batch + strlen("%(batch)d"));
    if (glob(pattern, 0, NULL, &files) != 0)
        return wrong("no files %s", pattern);
    for (size_t i = 0; r == 0 && i < files.gl_pathc; i++)
        r = check_file(files.gl_pathv[i]);
    globfree(&files);
    snprintf(pattern, sizeof pattern, "%.*s*.part", (int)(batch - feed), feed);
    if (r == 0 && glob(pattern, 0, NULL, &files) == 0) {
        globfree(&files);
        return wrong("a batch has not got its name");
    }
    return r;
}

static int check_url(const struct twi_reader_url *url, void *arg)
{
    (void)arg;
    if (url->key < 1 || url->key > found.plan->pages)
        return wrong("an URL %s", url->path);
    if (url->id != 1 && (url->parent < 1 || url->parent >= url->id))
        return wrong("page %d was found by %d", (int)url->id, (int)url->parent);
    return 0;
}

struct model_look {
    unsigned pages_committed;
};

static int check_entry(const struct twi_reader_entry *entry, void *arg)
{
    struct model_look *look = arg;
    unsigned number = entry->path != NULL ? (unsigned)strtoul(entry->path + 1, NULL, 10) : 0;

    if (number < 1 || number > found.plan->pages)
        return wrong("a row of the log without a page");
    if (entry->kind == TWI_RECORD_FAILED)
        return wrong("page %u has failed: %s", number, entry->note);
    look->pages_committed += entry->kind != TWI_RECORD_PART;
    if (entry->kind == TWI_RECORD_DONE && found.done[number]++ != 0)
        return wrong("page %u was done twice", number);
    return 0;
}

static int check_stat(const char *key, const char *value, bool is_number, void *arg)
{
    struct model_look *look = arg;

    if (!is_number)
        return wrong("no number: %s", key);
    if (strcmp(key, "pages") == 0 && strtoul(value, NULL, 10) != look->pages_committed)
        return wrong("%s pages were counted and %u logged", value, look->pages_committed);
    return 0;
}

static int check_reader(struct twi_reader *reader)
{
    struct model_look look = { 0 };
    struct twi_reader_counts counts;
    tw_value failure = tw_none();
    int r = twi_reader_log(reader, 0, INT64_MAX, check_entry, &look, &failure);

    if (r == 0)
        r = twi_reader_stats(reader, check_stat, &look, &failure);
    if (r == 0)
        r = twi_reader_count(reader, &counts, &failure);
    for (int64_t id = 1; r == 0 && id <= counts.urls; id++)
        r = twi_reader_url(reader, id, check_url, NULL, &failure);
    if (r < 0)
        return wrong("%s", tw_failure_message(failure));
    if (r == 0 && (counts.done != found.plan->pages || counts.pending != 0))
        return wrong("%d pages are done and %d pending", (int)counts.done,
                     (int)counts.pending);
    return r;
}

static int check_items(void)
{
    for (unsigned page = 1; page <= found.plan->pages; page++)
        for (unsigned item = 0; item < 3; item++)
            if (found.items[page][item] != (item < page % 3))
                return wrong("[%u.%u] is there %d times", page, item, found.items[page][item]);
    return 0;
}

const char *crawl_wrong(const struct crawl_plan *plan)
{
    struct twi_reader *reader;
    tw_value failure = tw_none();
    int r;

    memset(&found, 0, sizeof found);
    found.plan = plan;
    if (twi_reader_open(plan->folder, &reader, &failure) < 0) {
        wrong("%s", tw_failure_message(failure));
        tw_release(failure);
        return found.why;
    }
    r = check_reader(reader);
    twi_reader_free(reader);
    if (r == 0 && plan->feed != NULL && (r = check_feed()) == 0)
        r = check_items();
    return r != 0 ? found.why : NULL;
}
