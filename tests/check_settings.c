/* SPDX-License-Identifier: MIT */
/*
 * check_settings.c - settings are read in their units, later layers override earlier ones, and a
 * mistake is told with its place.
 */
#include "config.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "spider/crawl/settings.h"
#include "tests/test.h"

#define NONE_AT_ALL 1e99 /* it is refused */

/* --- values -------------------------------------------------------------------------------- */

static const struct {
    const char *name, *text;
    double number;
    const char *written;
} values[] = {
    { "delay", "2", 2, "2s" },
    { "delay", "2s", 2, "2s" },
    { "delay", "2 S", 2, "2s" },
    { "delay", "1.5", 1.5, "1.5s" },
    { "delay", "500ms", 0.5, "500ms" },
    { "delay", "7ms", 0.007, "7ms" },
    { "delay", "1.25ms", 0.00125, "1.25ms" },
    { "delay", "90", 90, "90s" },
    { "delay", "1m30s", 90, "90s" },
    { "delay", "1h 30m", 5400, "90m" },
    { "delay", "1d", 86400, "1d" },
    { "delay", ".5s", 0.5, "500ms" },
    { "delay", "0", 0, "none" },
    { "delay", "none", 0, "none" },
    { "delay", "None", 0, "none" },
    { "delay", "-1", 0, "none" },
    { "delay", "0ms", 0, "none" },
    { "delay", "default", 0.25, "250ms" },
    { "delay", "", NONE_AT_ALL, NULL },
    { "delay", "s", NONE_AT_ALL, NULL },
    { "delay", "2x", NONE_AT_ALL, NULL },
    { "delay", "2 3", NONE_AT_ALL, NULL },
    { "delay", "1h30", NONE_AT_ALL, NULL },
    { "delay", "1..5", NONE_AT_ALL, NULL },
    { "delay", "1,5", NONE_AT_ALL, NULL },
    { "delay", "0x10", NONE_AT_ALL, NULL },
    { "delay", "1e3", NONE_AT_ALL, NULL },
    { "delay", "inf", NONE_AT_ALL, NULL },
    { "delay", "nan", NONE_AT_ALL, NULL },
    { "delay", "--1", NONE_AT_ALL, NULL },
    { "delay", "-x", NONE_AT_ALL, NULL },
    { "delay", "0.5ms", NONE_AT_ALL, NULL },
    { "delay", "25h", NONE_AT_ALL, NULL },
    { "delay", "1000000000000000000", NONE_AT_ALL, NULL },
    { "delay", "1.2345678ms", 0.0012345678, "0.0012345678s" },
    { "delay", "1h0.333333333333333s", 3600 + 0.333333333333333, "3600.3333333333335s" },
    { "delay", "0.00000000000000000000000000000000000000001", NONE_AT_ALL, NULL },
    { "max_body", "1", 1, "1B" },
    { "max_body", "1000", 1000, "1000B" },
    { "max_body", "64k", 65536, "64KiB" },
    { "max_body", "64K", 65536, "64KiB" },
    { "max_body", "64kB", 64000, "64000B" },
    { "max_body", "64KiB", 65536, "64KiB" },
    { "max_body", "1.5GiB", 1610612736, "1536MiB" },
    { "max_body", "1G", 1073741824, "1GiB" },
    { "max_body", "none", -1, "none" },
    { "max_body", "0", -1, "none" },
    { "max_body", "0.3B", NONE_AT_ALL, NULL },
    { "max_body", "64 miles", NONE_AT_ALL, NULL },
    { "memory", "0", NONE_AT_ALL, NULL },
    { "memory", "none", NONE_AT_ALL, NULL },
    { "memory", "1023KiB", NONE_AT_ALL, NULL },
    { "max_per_host", "4", 4, "4" },
    { "max_per_host", "0", NONE_AT_ALL, NULL },
    { "max_per_host", "-1", NONE_AT_ALL, NULL },
    { "max_per_host", "2.5", NONE_AT_ALL, NULL },
    { "max_per_host", "4 ", NONE_AT_ALL, NULL },
    { "max_per_host", "1001", NONE_AT_ALL, NULL },
    { "max_retries", "0", 0, "none" },
    { "max_retries", "-1", 0, "none" },
    { "max_retries", "5", 5, "5" },
    { "max_pages", "0", -1, "none" },
    { "max_pages", "1000000000", 1e9, "1000000000" },
    { "max_pages", "default", -1, "none" },
    { "throttle_target", "1.5", 1.5, "1.5" },
    { "throttle_target", "0.001", NONE_AT_ALL, NULL },
    { "jitter", "1", 1, "1" },
    { "jitter", "1.1", NONE_AT_ALL, NULL },
    { "ignore_robots", "yes", 1, "yes" },
    { "ignore_robots", "on", 1, "yes" },
    { "ignore_robots", "TRUE", 1, "yes" },
    { "ignore_robots", "1", 1, "yes" },
    { "ignore_robots", "no", 0, "no" },
    { "ignore_robots", "off", 0, "no" },
    { "ignore_robots", "false", 0, "no" },
    { "ignore_robots", "0", 0, "no" },
    { "ignore_robots", "default", 0, "no" },
    { "ignore_robots", "none", NONE_AT_ALL, NULL },
    { "ignore_robots", "2", NONE_AT_ALL, NULL },
    { "ignore_robots", "", NONE_AT_ALL, NULL },
    { "order", "best-first", TW_BEST_FIRST, "best-first" },
    { "order", "Breadth-First", TW_BREADTH_FIRST, "breadth-first" },
    { "order", "best", NONE_AT_ALL, NULL },
    { "order", "2", NONE_AT_ALL, NULL },
    { "durability", "power", TW_SAFE_POWER, "power" },
    { "cache_mode", "default", TW_CACHE_DEFAULT, "default" },
    { "cache_mode", "no-store", TW_CACHE_NO_STORE, "no-store" },
    { "cache_mode", "reload", TW_CACHE_RELOAD, "reload" },
    { "cache_mode", "no-cache", TW_CACHE_NO_CACHE, "no-cache" },
    { "cache_mode", "force-cache", TW_CACHE_FORCE_CACHE, "force-cache" },
    { "cache_mode", "only-if-cached", TW_CACHE_ONLY_IF_CACHED, "only-if-cached" },
};

START_TEST(a_value_is_read_and_written)
{
    const struct twi_setting *setting = twi_setting_find(values[_i].name,
                                                         strlen(values[_i].name));
    struct twi_setting_value value, again;
    struct twi_arena arena;
    struct twi_text text = { .arena = &arena };
    int r = twi_setting_read(test_given((void *)setting), values[_i].text, &value);

    if (values[_i].number == NONE_AT_ALL) {
        ck_assert_msg(r == -EINVAL, "%s: %s", values[_i].name, values[_i].text);
        return;
    }
    ck_assert_msg(r == 0, "%s: %s", values[_i].name, values[_i].text);
    ck_assert_msg(value.number == values[_i].number, "%s: %.17g", values[_i].text,
                  value.number);
    twi_arena_init(&arena, 0);
    twi_setting_write(setting, value, &text);
    ck_assert(!arena.failed);
    ck_assert_str_eq(twi_text_string(&text), values[_i].written);
    ck_assert_int_eq(twi_setting_read(setting, twi_text_string(&text), &again), 0);
    ck_assert(again.number == value.number);
    twi_arena_free(&arena);
}
END_TEST

static const struct {
    const char *name, *text;
    const char *value; /* NULL: it is refused */
    const char *written;
} texts[] = {
    { "proxy", "http://p:3128", "http://p:3128", "http://p:3128" },
    { "proxy", "none", "", "none" },
    { "proxy", "", "", "none" },
    { "user_agent", "a\r\nX: b", NULL, NULL },
    { "user_agent", "bot/1 (+https://example.com/)", "bot/1 (+https://example.com/)",
      "bot/1 (+https://example.com/)" },
    { "user_agent", "b\xc3\xb6t", "b\xc3\xb6t", "b\xc3\xb6t" },
    { "http_password", "very secret", "very secret", "(set)" },
    { "http_password", "", "", "none" },
    { "files_dir", "", NULL, NULL },
    { "files_dir", "covers", "covers", "covers" },
    { "retry_statuses", "500", "500", "500" },
    { "retry_statuses", "500, 5xx ,429", "500, 5xx ,429", "500, 5xx ,429" },
    { "retry_statuses", "none", "", "none" },
    { "retry_statuses", "500,", NULL, NULL },
    { "retry_statuses", "50", NULL, NULL },
    { "retry_statuses", "5", NULL, NULL },
    { "retry_statuses", "5x", NULL, NULL },
    { "retry_statuses", "5x0", NULL, NULL },
    { "retry_statuses", "5000", NULL, NULL },
    { "retry_statuses", "500 501", NULL, NULL },
};

START_TEST(a_text_is_read_and_written)
{
    const struct twi_setting *setting = twi_setting_find(texts[_i].name,
                                                         strlen(texts[_i].name));
    struct twi_setting_value value;
    struct twi_arena arena;
    struct twi_text text = { .arena = &arena };
    int r = twi_setting_read(test_given((void *)setting), texts[_i].text, &value);

    if (texts[_i].value == NULL) {
        ck_assert_int_eq(r, -EINVAL);
        return;
    }
    ck_assert_int_eq(r, 0);
    ck_assert_str_eq(value.text, texts[_i].value);
    twi_arena_init(&arena, 0);
    twi_setting_write(setting, value, &text);
    ck_assert_str_eq(twi_text_string(&text), texts[_i].written);
    twi_arena_free(&arena);
}
END_TEST

/* The table itself: each default is a value that can be, and reads back. */
START_TEST(each_default_can_be_set)
{
    struct twi_arena arena;

    ck_assert_uint_le(twi_settings_count, TWI_SETTINGS_MOST);
    twi_arena_init(&arena, 0);
    for (size_t i = 0; i < twi_settings_count; i++) {
        const struct twi_setting *setting = &twi_settings_table[i];
        struct twi_setting_value value = twi_setting_default(setting), again;
        struct twi_text text = { .arena = &arena };
        twi_setting_write(setting, value, &text);
        ck_assert_msg(twi_setting_read(setting, twi_text_string(&text), &again) == 0, "%s",
                      setting->name);
        ck_assert_msg(again.number == value.number, "%s", setting->name);
        ck_assert_ptr_eq(twi_setting_find(setting->name, strlen(setting->name)), setting);
        ck_assert(setting->help != NULL && setting->help[0] != 0);
    }
    twi_arena_free(&arena);
}
END_TEST

/* --- layers -------------------------------------------------------------------------------- */

static const char *failure_text(tw_value failure)
{
    static char text[1024];

    ck_assert(tw_failure_is(failure, &tw_error_settings));
    ck_assert_str_eq(tw_failure_word(failure), "usage");
    snprintf(text, sizeof text, "%s", tw_failure_message(failure));
    tw_release(failure);
    return text;
}

static const struct twi_origin *origin_of(const struct twi_settings *settings,
                                          const char *name)
{
    return twi_setting_origin(settings, twi_setting_find(name, strlen(name)));
}

static int read_conf(struct twi_settings *settings, const char *text, tw_value *ret_failure)
{
    return twi_settings_read_text(settings, "tweed.conf", text, strlen(text), ret_failure);
}

START_TEST(a_later_layer_overrides_an_earlier_one)
{
    static char *environment[] = { "HOME=/", "TWEED_DELAY=3s", "TWEED_MAX_DEPTH=7", NULL };
    const struct tw_settings spider = { .delay = 2,
                                        .max_depth = 6,
                                        .max_items = -1,
                                        .ignore_robots = true,
                                        .files_dir = "covers" };
    struct twi_settings settings;
    tw_value failure = tw_none();

    /* In any order. */
    twi_settings_init(&settings);
    ck_assert_str_eq(settings.values.files_dir, "files");
    ck_assert_int_eq(
        twi_settings_set_pair(&settings, TWI_LAYER_COMMAND, "-s", "delay=4", &failure), 0);
    ck_assert_int_eq(
        twi_settings_take(&settings, TWI_LAYER_SPIDER, "spider quotes", &spider, &failure), 0);
    ck_assert_int_eq(twi_settings_read_environment(&settings, environment, &failure), 0);
    ck_assert_int_eq(read_conf(&settings,
                               "delay = 1\nmax_depth = 5\nmax_items=9\n"
                               "max_pages = 8\nignore_robots = no",
                               &failure),
                     0);
    ck_assert(settings.values.delay == 4);
    ck_assert_int_eq(settings.values.max_depth, 7);
    ck_assert_int_eq(settings.values.max_items, -1);
    ck_assert_int_eq(settings.values.max_pages, 8);
    ck_assert(settings.values.ignore_robots);
    ck_assert_int_eq(settings.values.max_total, 64);
    ck_assert_str_eq(settings.values.files_dir, "covers");
    ck_assert_ptr_ne(settings.values.files_dir, spider.files_dir);
    ck_assert_str_eq(origin_of(&settings, "delay")->where, "-s");
    ck_assert_str_eq(origin_of(&settings, "max_depth")->where, "TWEED_MAX_DEPTH");
    ck_assert_str_eq(origin_of(&settings, "max_items")->where, "spider quotes");
    ck_assert_str_eq(origin_of(&settings, "max_pages")->where, "tweed.conf:4");
    ck_assert_int_eq(origin_of(&settings, "max_total")->layer, TWI_LAYER_DEFAULT);
    /* One of the same layer counts if it is later. */
    ck_assert_int_eq(
        twi_settings_set(&settings, TWI_LAYER_COMMAND, "-s", "delay", "default", &failure), 0);
    ck_assert(settings.values.delay == 0.25);
    twi_settings_free(&settings);
}
END_TEST

static const struct {
    const char *text;
    const char *message; /* NULL: none */
} files[] = {
    { "", NULL },
    { "\xef\xbb\xbf# a comment\r\n\r\n  delay=2s  \r\n", NULL },
    { "Max-Depth = 3", NULL },
    { "user_agent = a # b = c", NULL },
    { "dealy = 2", "tweed.conf:1: no setting 'dealy'; did you mean 'delay'?" },
    { "\n# x\ndelay: 2", "tweed.conf:3: 'delay: 2' is not of the form name = value" },
    { "= 2", "tweed.conf:1: '= 2' is not of the form name = value" },
    { "[spider]", "tweed.conf:1: '[spider]' is not of the form name = value" },
    { "wool = 2", "tweed.conf:1: no setting 'wool'; 'tweed settings' lists them all" },
    { "delay = soon",
      "tweed.conf:1: delay: 'soon' is not a time from 1ms to 1d (500ms, 2s, 1h30m), or none "
      "(no delay)" },
    { "memory = 1",
      "tweed.conf:1: memory: '1' is not a size from 1MiB to 1TiB (512KiB, 64MiB)" },
    { "max_per_host = many", "tweed.conf:1: max_per_host: 'many' is not a whole number from 1 "
                             "to 1000" },
    { "jitter = 2", "tweed.conf:1: jitter: '2' is not a number from 0.001 to 1, or none (each "
                    "delay the same)" },
    { "no_cookies = maybe", "tweed.conf:1: no_cookies: 'maybe' is not yes or no" },
    { "order = bfs", "tweed.conf:1: order: 'bfs' is not one of breadth-first, depth-first, "
                     "best-first" },
    { "retry_statuses = all", "tweed.conf:1: retry_statuses: 'all' is not a list of HTTP "
                              "statuses (500, 503, 5xx), or none (none of them)" },
    { "http_password = a\tb", "tweed.conf:1: http_password: '***' is not a text without "
                              "control characters, or none (none)" },
    { "delay = 1\nmax_depth = 2\nDelay = 3", "tweed.conf:3: Delay stands in line 1, too" },
    { "delay@example.com = 2s\nmax_per_host@example.com = 1", NULL },
    { "delay@ = 2s", "tweed.conf:1: 'delay@': only delay, jitter and max_per_host can be set "
                     "for a domain: delay@example.com" },
    { "delay@ex/ample = 2s", "tweed.conf:1: 'delay@ex/ample': only delay, jitter and "
                             "max_per_host can be set for a domain: delay@example.com" },
    { "max_depth@example.com = 2", "tweed.conf:1: 'max_depth@example.com': only delay, jitter "
                                   "and max_per_host can be set for a domain: "
                                   "delay@example.com" },
    { "delay@example.com = x",
      "tweed.conf:1: delay@example.com: 'x' is not a time from 1ms to "
      "1d (500ms, 2s, 1h30m), or none (no delay)" },
};

START_TEST(a_file_is_read_line_by_line)
{
    struct twi_settings settings;
    tw_value failure = tw_none();
    int r;

    twi_settings_init(&settings);
    r = read_conf(&settings, files[_i].text, &failure);
    if (files[_i].message == NULL) {
        ck_assert_int_eq(r, 0);
    } else {
        ck_assert_int_eq(r, -EINVAL);
        ck_assert_str_eq(failure_text(failure), files[_i].message);
    }
    twi_settings_free(&settings);
}
END_TEST

START_TEST(blanks_and_quotes_stand_around_values)
{
    struct twi_settings settings;
    tw_value failure = tw_none();

    twi_settings_init(&settings);
    ck_assert_int_eq(read_conf(&settings,
                               "\xef\xbb\xbf  user_agent =  a # b  \r\n"
                               "accept_language=\" de \"\nproxy = \"\"\n"
                               "log = \"",
                               &failure),
                     0);
    ck_assert_str_eq(settings.values.user_agent, "a # b");
    ck_assert_str_eq(settings.values.accept_language, " de ");
    ck_assert_str_eq(settings.values.proxy, "");
    ck_assert_str_eq(settings.values.log, "\"");
    twi_settings_free(&settings);
}
END_TEST

START_TEST(a_nul_byte_is_no_value)
{
    static const char text[] = "log = a\0b";
    struct twi_settings settings;
    tw_value failure = tw_none();

    twi_settings_init(&settings);
    ck_assert_int_eq(twi_settings_read_text(&settings, "f", text, sizeof text - 1, &failure),
                     -EINVAL);
    ck_assert_str_eq(failure_text(failure), "f:1: 'log = a' is not of the form name = value");
    twi_settings_free(&settings);
}
END_TEST

static const struct {
    struct tw_settings settings;
    const char *message;
} structs[] = {
    { { .delay = 1e9 }, "spider a: delay: '1000000000' is not a time from 1ms to 1d" },
    { { .delay = NAN }, "spider a: delay: 'nan or infinite' is not a time" },
    { { .max_per_host = -1 }, "spider a: max_per_host: '-1' is not a whole number" },
    { { .order = (enum tw_crawl_order)7 }, "spider a: order: '7' is not one of" },
    { { .retry_statuses = "x" }, "spider a: retry_statuses: 'x' is not a list" },
    { { .hosts = (const struct tw_host_settings[]){ { "a b", 1, 0, 0 }, { 0 } } },
      "spider a: hosts: 'a b' is not a domain" },
    { { .hosts = (const struct tw_host_settings[]){ { "a", 0, 5, 0 }, { 0 } } },
      "spider a: a: 'jitter' is not a number" },
};

START_TEST(a_struct_is_checked)
{
    struct twi_settings settings;
    tw_value failure = tw_none();
    const char *text;

    twi_settings_init(&settings);
    ck_assert_int_eq(twi_settings_take(&settings, TWI_LAYER_SPIDER, "spider a",
                                       &structs[_i].settings, &failure),
                     -EINVAL);
    text = failure_text(failure);
    ck_assert_msg(strncmp(text, structs[_i].message, strlen(structs[_i].message)) == 0, "%s",
                  text);
    twi_settings_free(&settings);
}
END_TEST

static const struct {
    char *variable;
    const char *message; /* NULL: none */
} environments[] = {
    { "TWEED_DELAY=2", NULL },
    { "TWEED_DELAY", NULL },
    { "TWEED_=2", NULL },
    { "TWEED_HOME=/opt/tweed", NULL },
    { "TWEED_CONF=x", NULL },
    { "TWEED_PROXY=", NULL },
    { "TWEED_DEALY=2", "TWEED_DEALY: no setting of that name; did you mean 'delay'?" },
    { "TWEED_DELAY=",
      "TWEED_DELAY: delay: '' is not a time from 1ms to 1d (500ms, 2s, 1h30m), "
      "or none (no delay)" },
};

START_TEST(the_environment_is_read)
{
    char *environment[] = { environments[_i].variable, NULL };
    struct twi_settings settings;
    tw_value failure = tw_none();
    int r;

    twi_settings_init(&settings);
    r = twi_settings_read_environment(&settings, environment, &failure);
    ck_assert_int_eq(r, environments[_i].message == NULL ? 0 : -EINVAL);
    if (r < 0)
        ck_assert_str_eq(failure_text(failure), environments[_i].message);
    twi_settings_free(&settings);
}
END_TEST

static const struct {
    const char *pair, *message;
} pairs[] = {
    { "delay", "-s: 'delay' is not of the form NAME=VALUE" },
    { "=2", "-s: '=2' is not of the form NAME=VALUE" },
    { "max_page=2", "-s: no setting 'max_page'; did you mean 'max_pages'?" },
    { "user_agnet=x", "-s: no setting 'user_agnet'; did you mean 'user_agent'?" },
    { "robots=no", "-s: no setting 'robots'; 'tweed settings' lists them all" },
    { "retries=no", "-s: no setting 'retries'; 'tweed settings' lists them all" },
};

START_TEST(a_pair_is_checked)
{
    struct twi_settings settings;
    tw_value failure = tw_none();

    twi_settings_init(&settings);
    ck_assert_int_eq(
        twi_settings_set_pair(&settings, TWI_LAYER_COMMAND, "-s", pairs[_i].pair, &failure),
        -EINVAL);
    ck_assert_str_eq(failure_text(failure), pairs[_i].message);
    twi_settings_free(&settings);
}
END_TEST

/* --- hosts --------------------------------------------------------------------------------- */

static const struct {
    const char *host;
    double delay, jitter;
    int max_per_host;
} manners[] = {
    { "example.com", 2, 0, 2 },
    { "EXAMPLE.COM", 2, 0, 2 },
    { "www.example.com", 2, 0, 2 },
    { "static.example.com", 0, 0, 9 },
    { "a.static.example.com", 0, 0, 9 },
    { "badexample.com", 1, 0.5, 2 },
    { "com", 1, 0.5, 2 },
    { "", 1, 0.5, 2 },
    { "[::1]", 5, 0.5, 2 },
};

START_TEST(a_host_has_the_manners_of_its_longest_domain)
{
    const struct tw_settings spider = { .hosts = (const struct tw_host_settings[]){
                                            { "Static.Example.com", -1, 0, 9 },
                                            { "example.com", 9, 0, 0 },
                                            { NULL, 0, 0, 0 } } };
    struct twi_settings settings;
    tw_value failure = tw_none();
    struct twi_manner manner;

    twi_settings_init(&settings);
    ck_assert_int_eq(twi_settings_set_pair(&settings, TWI_LAYER_COMMAND, "-s",
                                           "delay@example.com=2s", &failure),
                     0);
    ck_assert_int_eq(
        twi_settings_take(&settings, TWI_LAYER_SPIDER, "spider a", &spider, &failure), 0);
    ck_assert_int_eq(read_conf(&settings,
                               "delay = 1\njitter@EXAMPLE.com = none\n"
                               "delay@[::1] = 5",
                               &failure),
                     0);
    manner = twi_settings_manner(&settings, manners[_i].host);
    ck_assert_msg(manner.delay == manners[_i].delay, "%s: %g", manners[_i].host, manner.delay);
    ck_assert(manner.jitter == manners[_i].jitter);
    ck_assert_int_eq(manner.max_per_host, manners[_i].max_per_host);
    twi_settings_free(&settings);
}
END_TEST

/* --- files, memory, locales ---------------------------------------------------------------- */

START_TEST(a_file_that_is_asked_for_must_be_there)
{
    struct twi_settings settings;
    tw_value failure = tw_none();
    char path[] = "/tmp/check-settings-XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "delay = 3\n", 10), 10);
    close(fd);
    twi_settings_init(&settings);
    ck_assert_int_eq(twi_settings_read_file(&settings, path, &failure), 0);
    ck_assert(settings.values.delay == 3);
    unlink(path);
    ck_assert_int_eq(twi_settings_read_file(&settings, path, &failure), -ENOENT);
    ck_assert_ptr_nonnull(strstr(failure_text(failure), ": No such file"));
    setenv("TWEED_CONF", path, 1);
    ck_assert_int_eq(twi_settings_read_file(&settings, NULL, &failure), -ENOENT);
    tw_release(failure);
    setenv("TWEED_CONF", "", 1);
    ck_assert_int_eq(twi_settings_read_file(&settings, NULL, &failure), 0);
    unsetenv("TWEED_CONF");
    ck_assert_int_eq(twi_settings_read_file(&settings, "/", &failure), -EISDIR);
    tw_release(failure);
    twi_settings_free(&settings);
}
END_TEST

/* The arena is full from the beginning. */
START_TEST(without_memory_they_say_so)
{
    const struct tw_settings spider = { .files_dir = "covers" };
    struct twi_settings settings;
    tw_value failure = tw_none();

    twi_settings_init(&settings);
    settings.arena.limit = 1;
    ck_assert_int_eq(read_conf(&settings, "delay = 1", &failure), -ENOMEM);
    ck_assert(tw_failure_is(failure, &tw_error_memory));
    ck_assert_int_eq(twi_settings_take(&settings, TWI_LAYER_SPIDER, "a", &spider, &failure),
                     -ENOMEM);
    ck_assert_int_eq(
        twi_settings_set(&settings, TWI_LAYER_COMMAND, "-s", "delay@a", "1", &failure),
        -ENOMEM);
    ck_assert(settings.values.delay == 0.25);
    twi_settings_free(&settings);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("settings");

    TEST_ADD_ROWS(suite, a_value_is_read_and_written, values);
    TEST_ADD_ROWS(suite, a_text_is_read_and_written, texts);
    TEST_ADD(suite, each_default_can_be_set);
    TEST_ADD(suite, a_later_layer_overrides_an_earlier_one);
    TEST_ADD_ROWS(suite, a_file_is_read_line_by_line, files);
    TEST_ADD(suite, blanks_and_quotes_stand_around_values);
    TEST_ADD(suite, a_nul_byte_is_no_value);
    TEST_ADD_ROWS(suite, a_struct_is_checked, structs);
    TEST_ADD_ROWS(suite, the_environment_is_read, environments);
    TEST_ADD_ROWS(suite, a_pair_is_checked, pairs);
    TEST_ADD_ROWS(suite, a_host_has_the_manners_of_its_longest_domain, manners);
    TEST_ADD(suite, a_file_that_is_asked_for_must_be_there);
    TEST_ADD(suite, without_memory_they_say_so);
    return test_run(suite);
}
