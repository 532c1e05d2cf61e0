/* SPDX-License-Identifier: MIT */
/*
 * check_options.c - the command line of a spider's program is read, and mistakes are named.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "spider/crawl/options.h"
#include "tests/test.h"

enum { WORDS_MOST = 12 };

static int count_words(char *const *words)
{
    int count = 0;

    while (words[count] != NULL)
        count++;
    return count;
}

/* A command with an option of its own, and operands. */
static const struct twi_option own[] = {
    { "follow", 'f', "CSS", "follow links" },
    { "fast", 0, NULL, "fast" },
    { NULL, 0, NULL, NULL },
};
static char taken[200];

static int take_own(const struct twi_option *option, const char *value, void *arg,
                    tw_value *ret_failure)
{
    ck_assert_ptr_eq(arg, taken);
    if (value != NULL && strcmp(value, "[") == 0) {
        *ret_failure = tw_fail(&tw_error_settings, "--follow: no selector");
        return -EINVAL;
    }
    snprintf(taken + strlen(taken), sizeof taken - strlen(taken), "%s=%s;", option->name,
             value != NULL ? value : "");
    return 0;
}

static const struct twi_option_set own_set = { own, take_own, taken, "URL..." };

/* Everything that was read, as a line. */
static const char *options_line(const struct twi_options *options)
{
    static char line[600];
    size_t i;
    const struct twi_feed_option *feed;

    line[0] = 0;
#define PUT(...) snprintf(line + strlen(line), sizeof line - strlen(line), __VA_ARGS__)
    for (feed = options->feeds; feed != NULL; feed = feed->next)
        PUT("%s%s ", feed->overwrite ? "O:" : "o:", feed->path);
    for (i = 0; i < options->arguments.count; i++)
        PUT("a:%s ", options->arguments.words[i]);
    for (i = 0; i < options->operands.count; i++)
        PUT("%s ", options->operands.words[i]);
    if (options->job != NULL)
        PUT("job:%s ", options->job);
    if (options->conf != NULL)
        PUT("conf:%s ", options->conf);
    PUT("%s%s", options->json ? "json " : "", options->quiet ? "quiet " : "");
    for (i = 0; i < twi_settings_count; i++) {
        const struct twi_setting *setting = &twi_settings_table[i];
        const struct twi_origin *origin = twi_setting_origin(&options->settings, setting);
        struct twi_arena arena;
        struct twi_text text = { .arena = &arena };
        if (origin->layer == TWI_LAYER_DEFAULT)
            continue;
        twi_arena_init(&arena, 0);
        twi_setting_write(setting, twi_setting_load(setting, &options->settings.values),
                          &text);
        PUT("%s=%s(%s) ", setting->name, twi_text_string(&text), origin->where);
        twi_arena_free(&arena);
    }
#undef PUT
    return line;
}

static const struct {
    const struct twi_option_set *set;
    char *words[WORDS_MOST];
    const char *line;    /* NULL: refused */
    const char *message; /* of the refusal */
} rows[] = {
    { NULL, { NULL }, "", NULL },
    { NULL,
      { "-o", "a.csv", "-Ob.jsonl", "--output=c.xml", "--overwrite", "-" },
      "o:a.csv O:b.jsonl o:c.xml O:- ",
      NULL },
    { NULL, { "-a", "q=1", "-aq=2", "-a", "r=" }, "a:q=1 a:q=2 a:r= ", NULL },
    { NULL,
      { "-qj", "jobs/a", "--json" },
      "job:jobs/a json quiet log_level=error(-q) ",
      NULL },
    { NULL, { "-v", "--log-level=warning" }, "log_level=warning(--log-level) ", NULL },
    { NULL, { "--conf", "x.conf" }, "conf:x.conf ", NULL },
    { NULL,
      { "-s", "delay=2s", "-sdelay=3s", "--set", "max_pages=5" },
      "delay=3s(-s) max_pages=5(-s) ",
      NULL },
    { NULL,
      { "--max-pages", "10", "--max_items=5", "--ignore-robots", "--no-cookies=no" },
      "ignore_robots=yes(--ignore-robots) no_cookies=no(--no-cookies) "
      "max_pages=10(--max-pages) "
      "max_items=5(--max_items) ",
      NULL },
    { NULL,
      { "--cache", "answers", "--log", "a.log", "--on-full=stop" },
      "on_full=stop(--on-full) cache=answers(--cache) log=a.log(--log) ",
      NULL },
    { &own_set,
      { "http://a/", "-f", "a.next", "--fast", "--", "-x", "-" },
      "http://a/ -x - ",
      NULL },
    { &own_set, { "-f", "[" }, NULL, "--follow: no selector" },
    { NULL, { "http://a/" }, NULL, "'http://a/' is no option" },
    { NULL, { "--wool" }, NULL, "unknown option --wool" },
    { NULL, { "--dealy=2" }, NULL, "unknown option --dealy; did you mean --delay?" },
    { NULL,
      { "--max-page", "2" },
      NULL,
      "unknown option --max-page; did you mean --max-pages?" },
    { NULL, { "--outptu=x" }, NULL, "unknown option --outptu; did you mean --output?" },
    { &own_set, { "--folow" }, NULL, "unknown option --folow; did you mean --follow?" },
    { NULL, { "-x" }, NULL, "unknown option -x" },
    { NULL, { "-qx" }, NULL, "unknown option -x" },
    { NULL, { "-o" }, NULL, "-o wants a value: FILE" },
    { NULL, { "-o", "" }, NULL, "-o: a file without a name" },
    { NULL, { "--job" }, NULL, "--job wants a value: FOLDER" },
    { NULL, { "--max-pages" }, NULL, "--max-pages wants a value: VALUE" },
    { NULL, { "--json=yes" }, NULL, "--json takes no value" },
    { NULL, { "-a", "query" }, NULL, "-a: 'query' is not of the form NAME=VALUE" },
    { NULL, { "-a", "=1" }, NULL, "-a: '=1' is not of the form NAME=VALUE" },
    { NULL, { "-s", "dealy=2" }, NULL, "-s: no setting 'dealy'; did you mean 'delay'?" },
    { NULL,
      { "--delay", "x" },
      NULL,
      "--delay: delay: 'x' is not a time from 1ms to 1d (500ms, 2s, 1h30m), or none (no "
      "delay)" },
};

START_TEST(a_command_line_is_read)
{
    struct twi_options options;
    enum twi_options_verdict verdict = TWI_OPTIONS_HELP;
    tw_value failure = tw_none();
    int r;

    taken[0] = 0;
    twi_options_init(&options);
    r = twi_options_read(&options, rows[_i].set, count_words(rows[_i].words), rows[_i].words,
                         &verdict, &failure);
    if (rows[_i].line != NULL) {
        ck_assert_msg(r == 0, "%s", tw_failure_message(failure));
        ck_assert_int_eq(verdict, TWI_OPTIONS_RUN);
        ck_assert_str_eq(options_line(&options), rows[_i].line);
    } else {
        ck_assert_int_eq(r, -EINVAL);
        ck_assert(tw_failure_is(failure, &tw_error_settings));
        ck_assert_str_eq(tw_failure_message(failure), rows[_i].message);
        tw_release(failure);
    }
    twi_options_free(&options);
}
END_TEST

START_TEST(options_of_a_command_go_to_it)
{
    char *words[] = { "-fa", "--fast", "--follow=b", NULL };
    struct twi_options options;
    enum twi_options_verdict verdict;
    tw_value failure = tw_none();

    taken[0] = 0;
    twi_options_init(&options);
    ck_assert_int_eq(twi_options_read(&options, &own_set, 3, words, &verdict, &failure), 0);
    ck_assert_str_eq(taken, "follow=a;fast=;follow=b;");
    twi_options_free(&options);
}
END_TEST

/* An option that has a setting's name would hide it. */
START_TEST(no_option_has_the_name_of_a_setting)
{
    struct twi_arena arena;
    struct twi_text text = { .arena = &arena };
    const char *at, *end;

    twi_arena_init(&arena, 0);
    twi_options_help(&own_set, "a", "b", &text);
    end = strstr(twi_text_string(&text), "\nEach setting");
    for (at = twi_text_string(&text); (at = strstr(at, " --")) != NULL && at < end; at += 3)
        ck_assert_ptr_null(twi_setting_find(at + 3, strcspn(at + 3, " ")));
    ck_assert_ptr_nonnull(end);
    twi_arena_free(&arena);
}
END_TEST

static const struct {
    char *words[WORDS_MOST];
    enum twi_options_verdict verdict;
} verdicts[] = {
    { { "--help", "--wool" }, TWI_OPTIONS_HELP },
    { { "-qh" }, TWI_OPTIONS_HELP },
    { { "-V" }, TWI_OPTIONS_VERSION },
    { { "--version" }, TWI_OPTIONS_VERSION },
};

START_TEST(help_and_version_run_nothing)
{
    struct twi_options options;
    enum twi_options_verdict verdict = TWI_OPTIONS_RUN;
    tw_value failure = tw_none();

    twi_options_init(&options);
    ck_assert_int_eq(twi_options_read(&options, NULL, count_words(verdicts[_i].words),
                                      verdicts[_i].words, &verdict, &failure),
                     0);
    ck_assert_int_eq(verdict, verdicts[_i].verdict);
    twi_options_free(&options);
}
END_TEST

START_TEST(the_help_lists_the_options)
{
    struct twi_arena arena;
    struct twi_text text = { .arena = &arena };
    const char *help;

    twi_arena_init(&arena, 0);
    twi_options_help(&own_set, "tweed crawl", "Crawl.", &text);
    help = twi_text_string(&text);
    ck_assert_ptr_eq(strstr(help, "usage: tweed crawl [OPTION...] URL...\nCrawl.\n\n"), help);
    ck_assert_ptr_nonnull(strstr(help, "\n  -f, --follow CSS                follow links\n"));
    ck_assert_ptr_nonnull(strstr(help, "\n  -j, --job FOLDER                keep the crawl"));
    ck_assert_ptr_nonnull(strstr(help, "\n      --max-pages VALUE           stop when as many "
                                       "pages have come\n"));
    ck_assert_ptr_nonnull(strstr(help, "\n      --cache VALUE               a folder with "));
    twi_arena_free(&arena);
}
END_TEST

START_TEST(the_last_argument_of_a_name_counts)
{
    char *words[] = { "-aq=1", "-aqq=2", "-aq=3", NULL };
    struct twi_options options;
    enum twi_options_verdict verdict;
    tw_value failure = tw_none();

    twi_options_init(&options);
    ck_assert_int_eq(twi_options_read(&options, NULL, 3, words, &verdict, &failure), 0);
    ck_assert_str_eq(twi_options_argument(&options, "q"), "3");
    ck_assert_str_eq(twi_options_argument(&options, "qq"), "2");
    ck_assert_ptr_null(twi_options_argument(&options, "qqq"));
    twi_options_free(&options);
}
END_TEST

START_TEST(all_layers_are_brought_together)
{
    char *words[] = { "--conf", "/dev/null", "--delay", "4", NULL };
    char *environment[] = { "TWEED_DELAY=3", "TWEED_MAX_DEPTH=3", NULL };
    const struct tw_settings spider = { .delay = 2, .max_depth = 2, .max_pages = 2 };
    struct twi_options options;
    enum twi_options_verdict verdict;
    tw_value failure = tw_none();

    twi_options_init(&options);
    ck_assert_int_eq(twi_options_read(&options, NULL, 4, words, &verdict, &failure), 0);
    ck_assert_int_eq(twi_options_settle(&options, "quotes", &spider, environment, &failure),
                     0);
    ck_assert_str_eq(options_line(&options),
                     "conf:/dev/null delay=4s(--delay) max_pages=2(spider quotes) "
                     "max_depth=3(TWEED_MAX_DEPTH) ");
    twi_options_free(&options);
}
END_TEST

static const struct {
    char *words[WORDS_MOST];
} lines[] = { { { "-oa" } }, { { "-ab=c" } }, { { "-sdelay=2" } }, { { "x" } }, { { "-q" } } };

/* The arena is full from the beginning. */
START_TEST(options_without_memory_say_so)
{
    struct twi_options options;
    enum twi_options_verdict verdict;
    tw_value failure = tw_none();

    twi_options_init(&options);
    options.settings.arena.limit = 1;
    ck_assert_int_eq(
        twi_options_read(&options, &own_set, 1, lines[_i].words, &verdict, &failure), -ENOMEM);
    ck_assert(tw_failure_is(failure, &tw_error_memory));
    twi_options_free(&options);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");

    TEST_ADD_ROWS(suite, a_command_line_is_read, rows);
    TEST_ADD(suite, options_of_a_command_go_to_it);
    TEST_ADD_ROWS(suite, help_and_version_run_nothing, verdicts);
    TEST_ADD(suite, no_option_has_the_name_of_a_setting);
    TEST_ADD(suite, the_help_lists_the_options);
    TEST_ADD(suite, the_last_argument_of_a_name_counts);
    TEST_ADD(suite, all_layers_are_brought_together);
    TEST_ADD_ROWS(suite, options_without_memory_say_so, lines);
    return test_run(suite);
}
