/* SPDX-License-Identifier: MIT */
/*
 * crawl_command.c - `tweed crawl`: a crawl without C, its spider made of options.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <tweed/spider.h>
#include <tweed/version.h>

#include "cli/cli.h"
#include "spider/crawl/declare.h"
#include "spider/crawl/program.h"

extern char **environ;

/* The crawl of this process; callbacks get nothing but their page. */
static struct twi_declaration declaration;

static void crawl_parse(tw_page *page)
{
    for (const struct twi_declared_item *item = declaration.items; item != NULL;
         item = item->next)
        tw_scrape(page, item->css, item->fields);
    for (size_t i = 0; i < declaration.follow.count; i++)
        tw_follow(page, declaration.follow.words[i], NULL);
}

/* More URLs than a table holds are visited one by one. */
static void crawl_visit_all(tw_page *page)
{
    for (size_t i = 0; i < declaration.urls.count; i++)
        tw_visit(page, declaration.urls.words[i], NULL);
}

/* Copy the words into a table of a spider, which ends with the first NULL or is full. */
static int crawl_fill_table(const char **table, size_t size, const struct twi_words *words,
                            const char *option)
{
    if (words->count > size) {
        cli_complain("crawl", "%s: at most %zu", option, size);
        return -1;
    }
    for (size_t i = 0; i < words->count; i++)
        table[i] = words->words[i];
    return 0;
}

#define TABLE(table) (table), sizeof(table) / sizeof *(table)

static int spider_fill(tw_spider *spider)
{
    spider->name = declaration.name;
    spider->parse = crawl_parse;
    if (declaration.urls.count > sizeof spider->start_urls / sizeof *spider->start_urls)
        spider->start = crawl_visit_all;
    else
        crawl_fill_table(TABLE(spider->start_urls), &declaration.urls, "URL");
    if (crawl_fill_table(TABLE(spider->allowed_domains), &declaration.domains, "--domain") <
            0 ||
        crawl_fill_table(TABLE(spider->sitemaps), &declaration.sitemaps, "--sitemap") < 0)
        return -1;
    return 0;
}

static int crawl_show_help(const struct twi_option_set *set)
{
    struct twi_arena arena;
    struct twi_text help = { .arena = &arena };
    struct cli_text text = { 0 };
    int status;

    twi_arena_init(&arena, 0);
    twi_options_help(set, "tweed crawl", "Crawl without a line of C.", &help);
    cli_text_puts(&text, twi_text_string(&help));
    cli_text_puts(&text, "\nSee also: man tweed-crawl\n");
    status = cli_print("crawl", &text);
    cli_text_free(&text);
    twi_arena_free(&arena);
    return status;
}

static int crawl_show_version(void)
{
    struct cli_text text = { 0 };
    int status;

    cli_text_printf(&text, "tweed %s\n", tw_version());
    status = cli_print("crawl", &text);
    cli_text_free(&text);
    return status;
}

/* A mistake in the options; *ret_status is written when there is nothing to run. */
static bool crawl_read(struct twi_options *options, int argc, char **argv, int *ret_status)
{
    struct twi_option_set set = twi_declare_options(&declaration, options);
    enum twi_options_verdict verdict = TWI_OPTIONS_RUN;
    tw_value failure = tw_none();
    int r = twi_options_read(options, &set, argc, argv, &verdict, &failure);

    if (r == 0 && verdict != TWI_OPTIONS_RUN) {
        *ret_status = verdict == TWI_OPTIONS_HELP ? crawl_show_help(&set)
                                                  : crawl_show_version();
        return false;
    }
    if (r == 0)
        r = twi_declare_finish(&declaration, options, &failure);
    if (r == 0)
        r = twi_options_settle(options, declaration.name, NULL, environ, &failure);
    if (r < 0) {
        cli_complain("crawl", "%s", tw_failure_message(failure));
        tw_release(failure);
        *ret_status = CLI_USAGE;
    }
    return r == 0;
}

int cli_crawl(int argc, char **argv)
{
    struct twi_options options;
    tw_spider spider = { 0 };
    int status = CLI_USAGE;

    twi_options_init(&options);
    if (crawl_read(&options, argc, argv, &status) && spider_fill(&spider) == 0)
        status = twi_program_run("tweed crawl", &spider, &options);
    twi_options_free(&options);
    return status;
}
