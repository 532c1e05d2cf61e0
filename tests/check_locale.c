/* SPDX-License-Identifier: MIT */
/*
 * check_locale.c - a program's locale changes nothing: numbers keep their points where the locale
 * writes commas.
 */
#include "config.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spider/crawl/setting_value.h"
#include "spider/text/decimal.h"
#include "spider/text/json.h"
#include "spider/text/page_url.h"
#include "tests/test.h"

/* German, made in a folder of our own, since no locale need be installed. */
static bool use_comma(void)
{
    char folder[] = "/tmp/check-locale-XXXXXX", command[200];
    bool is_there;

    if (mkdtemp(folder) == NULL)
        return false;
    snprintf(command, sizeof command,
             "localedef -i de_DE -f UTF-8 '%s/de_DE.UTF-8' >/dev/null 2>&1", folder);
    setenv("LOCPATH", folder, 1);
    is_there = system(command) == 0 && setlocale(LC_ALL, "de_DE.UTF-8") != NULL &&
               strcmp(localeconv()->decimal_point, ",") == 0;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0)
        printf("%s is left\n", folder);
    if (!is_there)
        printf("skipped, no locale with a comma: %s\n", __FILE__);
    return is_there;
}

static const struct {
    double number;
    const char *text;
} numbers[] = {
    { 0.5, "0.5" },
    { -1234.25, "-1234.25" },
    { 1e-7, "1e-07" },
    { 1.5e300, "1.5e+300" },
    { 7, "7" },
    { 0.1, "0.1" },
    { 1.0 / 3, "0.3333333333333333" },
};

static void check_numbers(void)
{
    char text[TWI_DECIMAL_SIZE];

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        ck_assert_uint_eq(twi_decimal_print(text, numbers[i].number), strlen(numbers[i].text));
        ck_assert_str_eq(text, numbers[i].text);
        ck_assert(twi_decimal_read(text) == numbers[i].number);
    }
}

static void check_pages(void)
{
    static const char page[] = "<meta http-equiv=refresh content='0.5;url=/a'>";
    struct twi_arena arena;
    struct tw_url *url = NULL;
    double seconds = 0;

    twi_arena_init(&arena, 0);
    ck_assert_str_eq(twi_json_double(&arena, 0.5)->text, "0.5");
    ck_assert_int_eq(tw_url_parse("http://a/", 9, NULL, &url, NULL), 0);
    {
        struct tw_url *found = NULL;
        ck_assert(twi_page_refresh(&arena, NULL, twi_span_of(page), url, &seconds, &found));
        tw_url_free(found);
    }
    ck_assert(seconds == 0.5);
    tw_url_free(url);
    twi_arena_free(&arena);
}

static void check_a_setting(void)
{
    const struct twi_setting *jitter = twi_settings_table;
    struct twi_setting_value value;
    struct twi_arena arena;
    struct twi_text text = { .arena = &arena };

    while (strcmp(jitter->name, "jitter") != 0)
        jitter++;
    ck_assert_int_eq(twi_setting_read(jitter, "0.25", &value), 0);
    ck_assert(value.number == 0.25);
    twi_arena_init(&arena, 0);
    twi_setting_write(jitter, value, &text);
    ck_assert_str_eq(twi_text_string(&text), "0.25");
    twi_arena_free(&arena);
}

START_TEST(a_comma_changes_nothing)
{
    check_numbers();
    check_pages();
    check_a_setting();
    if (!use_comma())
        return;
    check_numbers();
    check_pages();
    check_a_setting();
    setlocale(LC_ALL, "C");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("locale");

    TEST_ADD(suite, a_comma_changes_nothing);
    return test_run(suite);
}
