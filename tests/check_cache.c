/* SPDX-License-Identifier: MIT */
/*
 * check_cache.c - the rules of a private cache, a row for each, over real sockets, with the answers
 * in memory and in a folder.
 */
#include "config.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <tweed/cache.h>
#include <tweed/tcp.h>

#include "base/buf.h"
#include "tests/cache_rules.h"
#include "tests/client_peer.h"
#include "tests/test.h"
#include "web/http/http_date.h"

/* --- the server ---------------------------------------------------------------------------- */

static const char *script;     /* what is said next; NULL: nobody may ask */
static struct twi_buf seen;    /* the last request */
static unsigned asked, wanted; /* requests of this step, and how many there shall be */

static void text_expand(struct twi_buf *to, const char *text, size_t length)
{
    const char *end = text + length;
    char date[TWI_HTTP_DATE_SIZE];

    while (text < end) {
        const char *brace = memchr(text, '{', (size_t)(end - text));
        size_t plain = brace != NULL ? (size_t)(brace - text) : (size_t)(end - text);
        ck_assert_int_eq(twi_buf_append(to, text, plain), 0);
        text += plain;
        if (brace == NULL)
            break;
        twi_http_date_format(time(NULL) + strtol(brace + 1, NULL, 10), date);
        ck_assert_int_eq(twi_buf_append_text(to, date), 0);
        text = strchr(brace, '}') + 1;
    }
}

static void fields_say(struct twi_buf *out, const char *head, size_t length)
{
    struct twi_buf fields = { 0 };
    const char *text;
    bool date = false;

    text_expand(&fields, head, length);
    text = twi_buf_text(&fields);
    while (*text != '\0') {
        size_t line = strcspn(text, "\n");
        if (strncmp(text, "-Date", 5) != 0 && line > 0)
            ck_assert_int_eq(twi_buf_printf(out, "%.*s\r\n", (int)line, text), 0);
        date = date || strncmp(text, "-Date", 5) == 0 || strncmp(text, "Date:", 5) == 0;
        text += line + (text[line] == '\n');
    }
    if (!date) {
        twi_buf_append_text(out, "Date: ");
        text_expand(out, "{0}", 3);
        twi_buf_append_text(out, "\r\n");
    }
    twi_buf_free(&fields);
}

static void answer_say(tw_transport *transport, const char *answer, size_t length)
{
    const char *end = answer + length, *line = memchr(answer, '\n', length), *body;
    struct twi_buf out = { 0 };
    bool cut = length >= 5 && memcmp(end - 5, "CLOSE", 5) == 0;

    if (cut)
        end -= 5;
    if (line == NULL)
        line = end;
    body = memmem(line, (size_t)(end - line), "\n\n", 2);
    twi_buf_printf(&out, "HTTP/1.1 %.3s Text\r\n", answer);
    fields_say(&out, line, (size_t)((body != NULL ? body : end) - line));
    if (body != NULL && strstr(twi_buf_text(&out), "Content-Length") == NULL)
        twi_buf_printf(&out, "Content-Length: %d\r\n", (int)(end - body - 2));
    twi_buf_append_text(&out, "\r\n");
    if (body != NULL)
        twi_buf_append(&out, body + 2, (size_t)(end - body - 2));
    if (end > answer)
        tw_transport_write(transport, out.data, out.length);
    if (cut)
        tw_transport_lose(transport);
    twi_buf_free(&out);
}

static void server_received(tw_protocol *protocol, const char *data, size_t length)
{
    const char *bar;

    if (memmem(data, length, "\r\n\r\n", 4) == NULL)
        return;
    asked++;
    seen.length = 0;
    twi_buf_append(&seen, data, length);
    ck_assert_msg(script != NULL, "the server was asked: %s", twi_buf_text(&seen));
    bar = strchr(script, '|');
    answer_say(protocol->transport, script,
               bar != NULL ? (size_t)(bar - script) : strlen(script));
    script = bar != NULL ? bar + 1 : NULL;
}

static const tw_protocol_class server_protocol = {
    .name = "server of the rows",
    .size = sizeof(tw_protocol),
    .data_received = server_received,
};

static tw_protocol *server_build(tw_factory *factory)
{
    (void)factory;
    return tw_protocol_new(&server_protocol);
}

/* --- the scene ----------------------------------------------------------------------------- */

static tw_listener *row_listener;
static tw_agent *agent;
static tw_cache *cache;
static char folder[] = "/tmp/check_cache_XXXXXX";

static int file_delete(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status, (void)type, (void)ftw;
    return remove(path);
}

static void folder_delete(void)
{
    nftw(folder, file_delete, 16, FTW_DEPTH | FTW_PHYS);
}

static void folder_make(void)
{
    strcpy(folder, "/tmp/check_cache_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void scene_begin(bool in_folder)
{
    static const struct tw_factory_class factory_class = { .build = server_build };
    struct tw_listen_options options = { .address = "127.0.0.1" };
    tw_factory *factory = tw_factory_new(&factory_class, NULL);
    struct tw_cache_options where = { .folder = in_folder ? folder : NULL };

    ck_assert_ptr_nonnull(factory);
    ck_assert_int_eq(tw_listen(&options, factory, &row_listener, NULL), 0);
    tw_factory_unref(factory);
    if (in_folder)
        folder_make();
    cache = tw_cache_new(&where);
    ck_assert_ptr_nonnull(cache);
    agent = tw_agent_new(&(struct tw_agent_options){ .proxy = "", .cache = cache });
    ck_assert_ptr_nonnull(agent);
}

static void turns(double seconds)
{
    double end = tw_clock_seconds(tw_reactor_clock()) + seconds;

    while (tw_clock_seconds(tw_reactor_clock()) < end)
        tw_reactor_iterate(0.001);
}

static void scene_end(bool in_folder)
{
    tw_agent_unref(agent);
    tw_cache_unref(cache);
    tw_listener_close(row_listener);
    turns(0.002);
    twi_buf_free(&seen);
    seen = (struct twi_buf){ 0 };
    if (in_folder)
        folder_delete();
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}

/* --- a step -------------------------------------------------------------------------------- */

static const char *const modes[] = { "default",  "no-store",    "reload",
                                     "no-cache", "force-cache", "only-if-cached" };
static const char *const sources[] = { "server", "cache", "stale", "revalidated" };

static void fields_take(tw_headers *headers, const char *lines)
{
    while (*lines == '\n') {
        const char *name = ++lines, *colon = strchr(name, ':');
        size_t length = strcspn(name, "\n");
        ck_assert_int_eq(tw_headers_add_n(headers, name, (size_t)(colon - name), colon + 1,
                                          (size_t)(name + length - colon - 1)),
                         0);
        lines = name + length;
    }
}

static void mode_take(struct tw_fetch_options *options, const char *word)
{
    if (strcmp(word, "none") == 0)
        options->redirects = TW_REDIRECT_NONE;
    for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(word, modes[i]) == 0)
            options->cache_mode = (enum tw_cache_mode)i;
}

static tw_value step_ask(const struct step *step)
{
    struct tw_fetch_options options = { .timeout = 10 };
    tw_headers *headers = tw_headers_new();
    char method[16], path[100], word[24] = "", line[140], url[160];
    tw_value result;

    snprintf(line, sizeof line, "%.*s", (int)strcspn(step->asks, "\n"), step->asks);
    ck_assert_int_ge(sscanf(line, "%15s %99s %23s", method, path, word), 2);
    fields_take(headers, step->asks + strlen(line));
    mode_take(&options, word);
    options.method = method;
    options.headers = headers;
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", tw_listener_port(row_listener), path);
    result = tw_block_on(tw_agent_request(agent, url, &options));
    tw_headers_free(headers);
    return result;
}

static void result_format(tw_value result, char *text, size_t size)
{
    if (tw_is_failure(result))
        snprintf(text, size, "%s", tw_failure_word(result));
    else
        snprintf(text, size, "%d %s %s", tw_response_status(result),
                 tw_bytes_data(tw_response_body(result)), sources[tw_response_source(result)]);
}

static void field_check(const char *rule, const char *has, tw_value result)
{
    char name[60];
    const char *value;

    if (has == NULL)
        return;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(has, ":"), has + (has[0] == '!'));
    if (has[0] == '!') {
        ck_assert_msg(tw_response_header(result, has + 1) == NULL, "%s: has %s", rule,
                      has + 1);
        return;
    }
    value = tw_response_header(result, name);
    ck_assert_msg(value != NULL && strcmp(value, strchr(has, ':') + 2) == 0, "%s: %s, not %s",
                  rule, value != NULL ? value : "none", has);
}

static void seen_check(const char *rule, const char *sees)
{
    const char *text = twi_buf_text(&seen);

    if (sees == NULL)
        return;
    if (sees[0] == '!')
        ck_assert_msg(strstr(text, sees + 1) == NULL, "%s: %s", rule, text);
    else
        ck_assert_msg(strstr(text, sees) != NULL, "%s: %s", rule, text);
}

/* Of a request in the background, all that it does. */
static void step_settle(const char *rule)
{
    double deadline = test_deadline();
    struct tw_agent_counts counts;

    do {
        tw_reactor_iterate(0.001);
        counts = tw_agent_counts(agent);
    } while ((asked < wanted || counts.connections != counts.idle) && test_before(deadline));
    ck_assert_msg(asked == wanted, "%s: %u requests, not %u", rule, asked, wanted);
}

static unsigned parts_of(const char *text)
{
    unsigned parts = text != NULL;

    for (; text != NULL && (text = strchr(text, '|')) != NULL; text++)
        parts++;
    return parts;
}

static void step_run(const char *rule, const struct step *step)
{
    char text[200];
    tw_value result;

    script = step->answers;
    wanted = parts_of(script);
    asked = 0;
    result = step_ask(step);
    result_format(result, text, sizeof text);
    ck_assert_msg(strcmp(text, step->gets) == 0, "%s: \"%s\", not \"%s\"", rule, text,
                  step->gets);
    step_settle(rule);
    seen_check(rule, step->sees);
    field_check(rule, step->has, result);
    tw_release(result);
}

static void row_run(const struct row *row, bool in_folder)
{
    scene_begin(in_folder);
    for (size_t i = 0;
         i < sizeof row->steps / sizeof *row->steps && row->steps[i].asks != NULL; i++)
        step_run(row->rule, &row->steps[i]);
    scene_end(in_folder);
}

START_TEST(a_private_cache_follows_the_rules_in_memory)
{
    row_run(&rows[_i], false);
}
END_TEST

START_TEST(and_in_a_folder)
{
    row_run(&rows[_i], true);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("cache");

    TEST_ADD_ROWS(suite, a_private_cache_follows_the_rules_in_memory, rows);
    TEST_ADD_ROWS(suite, and_in_a_folder, rows);
    return suite;
}

int main(void)
{
    return test_run(suite());
}
