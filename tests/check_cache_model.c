/* SPDX-License-Identifier: MIT */
/*
 * check_cache_model.c - random requests with a cache, beside a record of all that the server said.
 *
 * The server changes its pages, answers late, in pieces, with errors or not at all. Requests run
 * at once, in every mode, are cancelled anywhere, and start others; the cache is cleared, replaced
 * and left. Each response must be one that the server gave for this page and variant, whole, and
 * not longer ago than it said.
 */
#include "config.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tweed/cache.h>

#include "tests/client_peer.h"
#include "tests/random.h"
#include "tests/test.h"

enum { PAGES = 4, VARIANTS = 2, RECORDS = 4000, MOST = 40, LONG = 300000 };

/* An answer that the server gave. */
struct record {
    int page, variant, version, max_age, stale; /* seconds; stale: beyond max_age */
    bool not_modified, no_store;
    double at;
};

struct request {
    tw_deferred *deferred;
    int page, variant;
    enum tw_cache_mode mode;
    double at;
    tw_value head;
    bool in_use, streams, cancels;
    size_t length;
    char start[40];
};

static struct record records[RECORDS];
static int record_count, versions[PAGES], now_running;
static struct request requests[MOST];
static tw_cache *cache;
static char folder[40];
static bool in_folder, ending;
static struct peer peer;

static double model_now(void)
{
    return tw_clock_seconds(tw_reactor_clock());
}

/* --- the server ---------------------------------------------------------------------------- */

struct late {
    struct peer_connection *connection;
    size_t number;
    char *text;
    size_t length;
};

static size_t late_count;

/* The connection may have gone meanwhile. */
static bool is_open(const struct late *late)
{
    TWI_LIST_EACH (node, &peer.open)
        if (TWI_CONTAINER(node, struct peer_connection, node) == late->connection &&
            late->connection->number == late->number)
            return true;
    return false;
}

static void late_send(void *arg)
{
    struct late *late = arg;

    if (is_open(late))
        peer_send_n(late->connection, late->text, late->length);
    free(late->text);
    free(late);
    late_count--;
}

static void say_now_or_later(struct peer_connection *connection, const char *text,
                             size_t length)
{
    struct late *late = test_given(malloc(sizeof *late));

    *late = (struct late){ connection, connection->number, test_given(malloc(length)),
                           length };
    memcpy(late->text, text, length);
    late_count++;
    tw_call_later(one_in(3) ? draw(30) / 10.0 : 0, late_send, late);
}

static struct record *record_new(int page, int variant, bool not_modified)
{
    static const int ages[] = { 0, 1, 5, 60, 1000 };
    struct record *record = &records[record_count++];

    ck_assert_int_lt(record_count, RECORDS);
    *record = (struct record){ .page = page,
                               .variant = variant,
                               .version = versions[page],
                               .max_age = ages[draw(5)],
                               .stale = one_in(3) ? 20 : 0,
                               .not_modified = not_modified,
                               .no_store = !not_modified && one_in(6),
                               .at = model_now() };
    return record;
}

static int head_write(char *text, size_t size, const struct record *record, size_t length)
{
    int at = snprintf(text, size, "HTTP/1.1 %s\r\nCache-Control: max-age=%d",
                      record->not_modified ? "304 Same" : "200 OK", record->max_age);

    if (record->stale > 0)
        at += snprintf(text + at, size - (size_t)at,
                       ", stale-while-revalidate=%d, stale-if-error=%d", record->stale,
                       record->stale);
    if (record->no_store)
        at += snprintf(text + at, size - (size_t)at, ", no-store");
    at += snprintf(text + at, size - (size_t)at, "\r\nX-Version: %d\r\n%s%s", record->version,
                   record->page < 2 ? "Vary: X-V\r\n" : "", "");
    if (record->page != 3) /* that one has no validator */
        at += snprintf(text + at, size - (size_t)at, "ETag: \"%d\"\r\n", record->version);
    if (!record->not_modified)
        at += snprintf(text + at, size - (size_t)at, "Content-Length: %zu\r\n", length);
    return at + snprintf(text + at, size - (size_t)at, "\r\n");
}

static void say_page(struct peer_connection *connection, int page, int variant, bool same)
{
    static char text[LONG + 1000];
    struct record *record = record_new(page, variant, same);
    size_t length = one_in(8) ? LONG : 20 + draw(2000), cut;
    int at = head_write(text, sizeof text, record, length);

    if (!same) {
        int start = snprintf(text + at, sizeof text - (size_t)at, "%d %d %d %zu ", page,
                             page < 2 ? variant : 9, record->version, length);
        memset(text + at + start, '.', length - (size_t)start);
        at += (int)length;
    }
    cut = one_in(12) ? draw((unsigned)at) : (size_t)at;
    say_now_or_later(connection, text, cut);
    if (cut < (size_t)at)
        peer_close(connection);
}

static void model_answer(struct peer_connection *connection, const char *request)
{
    const char *path = strchr(request, '/'), *tag = strstr(request, "If-None-Match: \"");
    int page = path[1] - '0', variant = strstr(request, "X-V: 1") != NULL;

    if (one_in(4))
        versions[page]++;
    if (strncmp(request, "POST", 4) == 0) {
        versions[page]++;
        say_now_or_later(connection, "HTTP/1.1 204 Done\r\n\r\n", 21);
    } else if (one_in(12)) {
        peer_close(connection);
    } else if (one_in(10)) {
        say_now_or_later(connection, "HTTP/1.1 503 Bad\r\nContent-Length: 0\r\n\r\n", 39);
    } else {
        say_page(connection, page, variant,
                 tag != NULL && strtol(tag + 16, NULL, 10) == versions[page]);
    }
}

/* --- what is checked ----------------------------------------------------------------------- */

/* Has the server said this? */
static bool was_said(const struct request *request, int version, enum tw_cache_source source)
{
    for (int i = record_count - 1; i >= 0; i--) {
        const struct record *record = &records[i];
        double age = request->at - record->at;
        if (record->page != request->page || record->version != version ||
            (request->page < 2 && record->variant != request->variant))
            continue;
        if (source == TW_SOURCE_SERVER && !record->not_modified && age <= 0)
            return true;
        if (source == TW_SOURCE_REVALIDATED && record->not_modified && age <= 0)
            return true;
        /* Ages are whole seconds. */
        if (source == TW_SOURCE_CACHE && !record->no_store && age <= record->max_age + 2)
            return true;
        if (source == TW_SOURCE_STALE && !record->no_store &&
            (request->mode >= TW_CACHE_FORCE_CACHE ||
             (record->stale > 0 && age <= record->max_age + record->stale + 5)))
            return true;
    }
    return false;
}

static void response_check(const struct request *request, tw_value response)
{
    enum tw_cache_source source = tw_response_source(response);
    tw_value body = tw_response_body(response);
    const char *start = request->streams ? request->start : tw_bytes_data(body);
    const char *field = tw_response_header(response, "X-Version");
    size_t length, got = request->streams ? request->length : tw_bytes_length(body);
    int page, variant, version;

    if (tw_response_status(response) != 200)
        return;
    ck_assert_msg(sscanf(start, "%d %d %d %zu ", &page, &variant, &version, &length) == 4,
                  "%s\"%s\"", random_failed(), start);
    ck_assert_msg(got == length && page == request->page &&
                      (page >= 2 || variant == request->variant) && atoi(field) == version &&
                      tw_response_complete(response),
                  "%sanother answer: \"%.40s\"", random_failed(), start);
    ck_assert_msg(was_said(request, version, source), "%spage %d version %d from source %d",
                  random_failed(), page, version, (int)source);
    if (request->mode == TW_CACHE_NO_STORE || request->mode == TW_CACHE_RELOAD)
        ck_assert_int_eq(source, TW_SOURCE_SERVER);
}

/* --- requests ------------------------------------------------------------------------------ */

static void request_random(void);

static void something_inside(void)
{
    switch (draw(12)) {
    case 0:
        request_random();
        break;
    case 1:
        tw_cache_clear(cache);
        break;
    case 2:
        tw_cache_remove(cache, "http://a/1");
        break;
    case 3: {
        struct request *other = &requests[draw(MOST)];
        if (other->in_use && other->deferred != NULL)
            tw_cancel(other->deferred);
        break;
    }
    default:
        break;
    }
}

static int model_headers(tw_value response, void *arg)
{
    struct request *request = arg;

    tw_drop(&request->head);
    request->head = tw_retain(response);
    return 0;
}

static void model_resume(void *arg)
{
    struct request *request = arg;

    if (request->in_use)
        tw_response_resume(request->head);
}

static int model_body(const char *data, size_t length, void *arg)
{
    struct request *request = arg;
    size_t have = request->length < sizeof request->start - 1 ? request->length
                                                              : sizeof request->start - 1;

    for (size_t i = 0; i < length && have < sizeof request->start - 1; i++)
        request->start[have++] = data[i];
    request->length += length;
    if (request->cancels && one_in(3)) {
        tw_cancel(request->deferred);
        return 0;
    }
    if (one_in(6)) {
        tw_response_pause(request->head);
        tw_call_later(draw(20) / 10.0, model_resume, request);
    }
    return one_in(40) ? -EIO : 0;
}

static tw_value model_came(tw_value result, void *arg)
{
    struct request *request = arg;
    tw_deferred *deferred = request->deferred;

    ck_assert(request->in_use);
    if (!tw_is_failure(result))
        response_check(request, result);
    else if (tw_failure_is(result, &tw_error_cache))
        ck_assert_int_eq(request->mode, TW_CACHE_ONLY_IF_CACHED);
    if (!ending)
        something_inside();
    now_running--;
    tw_drop(&request->head);
    request->in_use = false;
    tw_deferred_unref(deferred);
    return tw_none();
}

static tw_headers *request_fields(const struct request *request)
{
    tw_headers *headers = test_given(tw_headers_new());

    if (request->page < 2)
        ck_assert_int_eq(tw_headers_set(headers, "X-V", request->variant ? "1" : "0"), 0);
    if (one_in(10))
        ck_assert_int_eq(
            tw_headers_set(headers, "Cache-Control", one_in(2) ? "max-age=3" : "no-cache"), 0);
    return headers;
}

static struct request *request_free(void)
{
    for (int i = 0; i < MOST; i++)
        if (!requests[i].in_use)
            return &requests[i];
    return NULL;
}

static void request_random(void)
{
    struct request *request = request_free();
    struct tw_fetch_options options = { .timeout = 50 };
    tw_headers *headers;
    tw_deferred *deferred;
    char url[20];

    if (request == NULL)
        return;
    *request = (struct request){ .page = (int)draw(PAGES),
                                 .variant = (int)draw(VARIANTS),
                                 .mode = one_in(3) ? (enum tw_cache_mode)draw(6)
                                                   : TW_CACHE_DEFAULT,
                                 .at = model_now(),
                                 .in_use = true,
                                 .streams = one_in(2),
                                 .cancels = one_in(4) };
    headers = request_fields(request);
    snprintf(url, sizeof url, "http://a/%d", request->page);
    options.method = one_in(15) ? "POST" : NULL;
    options.headers = headers;
    options.cache = cache;
    options.cache_mode = request->mode;
    options.stream_arg = request;
    if (request->streams) {
        options.on_headers = model_headers;
        options.on_body = model_body;
    }
    now_running++;
    deferred = tw_agent_request(client_agent, url, &options);
    request->deferred = deferred;
    tw_add_both(deferred, model_came, request);
    tw_headers_free(headers);
}

/* --- programs ------------------------------------------------------------------------------ */

static tw_cache *cache_new(void)
{
    struct tw_cache_options where = { .folder = in_folder ? folder : NULL,
                                      .max_bytes = one_in(3) ? 1000000 : 0 };
    tw_cache *made = tw_cache_new(&where);

    ck_assert_ptr_nonnull(made);
    return made;
}

static void step_random(void)
{
    switch (draw(12)) {
    case 0:
        tw_testing_advance(draw(200) / 10.0);
        break;
    case 1:
        tw_agent_close_idle(client_agent);
        break;
    case 2:
        if (one_in(4)) { /* those under way keep the old one */
            tw_cache_unref(cache);
            cache = cache_new();
        }
        break;
    case 3:
        something_inside();
        break;
    case 4:
    case 5:
        tw_testing_advance(draw(10) / 10.0);
        break;
    default:
        request_random();
    }
}

static int file_delete(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status, (void)type, (void)ftw;
    return remove(path);
}

static void program_run(void)
{
    in_folder = one_in(3);
    ending = false;
    record_count = now_running = 0;
    memset(versions, 0, sizeof versions);
    memset(requests, 0, sizeof requests);
    strcpy(folder, "/tmp/check_cache_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    client_begin();
    cache = cache_new();
    peer = (struct peer){ .answer = model_answer, .piece = one_in(2) ? 50000 : 0 };
    peer_begin(&peer, 80);
    for (unsigned steps = 20 + draw(150); steps > 0; steps--)
        step_random();
    ending = true;
    tw_testing_advance(100);
    ck_assert_msg(now_running == 0 && late_count == 0, "%s%d requests did not end",
                  random_failed(), now_running);
    tw_agent_close_idle(client_agent);
    client_settle();
    peer_end(&peer);
    client_end();
    tw_cache_unref(cache);
    nftw(folder, file_delete, 16, FTW_DEPTH | FTW_PHYS);
}

START_TEST(responses_are_what_the_server_said)
{
    ck_assert_uint_gt(random_programs(program_run, 300), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cache model");

    TEST_ADD(suite, responses_are_what_the_server_said);
    return test_run(suite);
}
