/* SPDX-License-Identifier: MIT */
/*
 * seed.c - start URLs, sitemaps, rules: all of it said through the public interface of pages.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "spider/crawl/seed.h"
#include "spider/text/robots.h"
#include "spider/text/sitemap.h"

#define SPIDER_COUNT(member) \
    (sizeof(((tw_spider *)NULL)->member) / sizeof(((tw_spider *)NULL)->member[0]))

void twi_seed_read(tw_crawl *crawl, tw_page *page)
{
    const tw_spider *spider = crawl->spider;
    size_t i;

    if (spider->start != NULL) {
        spider->start(page);
        return;
    }
    for (i = 0; i < SPIDER_COUNT(start_urls) && spider->start_urls[i] != NULL; i++)
        tw_visit(page, spider->start_urls[i]);
    for (i = 0; i < SPIDER_COUNT(sitemaps) && spider->sitemaps[i] != NULL; i++)
        tw_visit(page, spider->sitemaps[i], twi_sitemap_read);
}

/* --- sitemaps ---------------------------------------------------------------------------- */

tw_value twi_seed_compile(tw_crawl *crawl)
{
    const struct tw_sitemap_rule *rules = crawl->spider->sitemap_rules;
    struct twi_regex_error error;
    size_t i;

    crawl->sitemap_patterns = calloc(SPIDER_COUNT(sitemap_rules),
                                     sizeof *crawl->sitemap_patterns);
    if (crawl->sitemap_patterns == NULL)
        return tw_fail_memory();
    for (i = 0; i < SPIDER_COUNT(sitemap_rules); i++) {
        if (rules[i].match == NULL)
            continue;
        crawl->sitemap_patterns[i] = twi_regex_compile(rules[i].match, strlen(rules[i].match),
                                                       0, &error);
        if (crawl->sitemap_patterns[i] == NULL)
            return tw_fail(&tw_error_selector, "sitemap rule %zu: '%s': at %zu: %s", i + 1,
                           rules[i].match, error.at, error.why);
    }
    return tw_none();
}

void twi_seed_free(tw_crawl *crawl)
{
    size_t i;

    for (i = 0; crawl->sitemap_patterns != NULL && i < SPIDER_COUNT(sitemap_rules); i++)
        twi_regex_free(crawl->sitemap_patterns[i]);
    free(crawl->sitemap_patterns);
}

struct listing {
    tw_crawl *crawl;
    tw_page *page;
    bool is_index;
};

static bool has_sitemap_rules(const tw_spider *spider)
{
    return spider->sitemap_rules[0].match != NULL || spider->sitemap_rules[0].callback != NULL;
}

static bool rule_is_set(const struct tw_sitemap_rule *rule)
{
    return rule->match != NULL || rule->callback != NULL;
}

static void sitemap_url(struct listing *listing, const char *url)
{
    const tw_spider *spider = listing->crawl->spider;
    size_t i;

    if (!has_sitemap_rules(spider)) {
        tw_visit(listing->page, url);
        return;
    }
    for (i = 0; i < SPIDER_COUNT(sitemap_rules); i++) {
        struct twi_regex *pattern = listing->crawl->sitemap_patterns[i];
        if (!rule_is_set(&spider->sitemap_rules[i]))
            return;
        if (pattern != NULL &&
            twi_regex_find(pattern, url, strlen(url), 0, false) != TWI_REGEX_FOUND)
            continue;
        tw_visit(listing->page, url, spider->sitemap_rules[i].callback);
        return;
    }
}

static void sitemap_entry(const struct twi_sitemap_entry *entry, void *arg)
{
    struct listing *listing = arg;

    if (listing->is_index)
        tw_visit(listing->page, entry->loc, twi_sitemap_read);
    else
        sitemap_url(listing, entry->loc);
}

static void sitemap_ignore(const struct twi_sitemap_entry *entry, void *arg)
{
    (void)entry;
    (void)arg;
}

/* The kind stands at the root, but is certain only at the end: the file is read twice, since an
 * index leads to sitemaps and a sitemap to pages. */
static const char *sitemap_walk(tw_value body,
                                void (*each)(const struct twi_sitemap_entry *entry, void *arg),
                                void *arg)
{
    struct twi_sitemap *sitemap = twi_sitemap_new(each, arg);
    const char *kind;

    if (sitemap == NULL)
        return NULL;
    twi_sitemap_feed(sitemap, tw_bytes_data(body), tw_bytes_length(body));
    kind = twi_sitemap_end(sitemap);
    twi_sitemap_free(sitemap);
    return kind;
}

static bool is_robots_txt(const char *url)
{
    size_t length = strcspn(url, "?#");

    return length >= 11 && strncmp(url + length - 11, "/robots.txt", 11) == 0;
}

static void robots_sitemaps(tw_page *page)
{
    struct twi_arena arena;
    const struct twi_robots *robots;
    const struct twi_robots_text *sitemap;
    tw_value body = tw_page_body(page);

    twi_arena_init(&arena, 0);
    robots = twi_robots_read(&arena, tw_bytes_data(body), tw_bytes_length(body), "*");
    for (sitemap = robots == NULL ? NULL : robots->sitemaps; sitemap != NULL;
         sitemap = sitemap->next)
        tw_visit(page, tw_format(page, "%.*s", (int)sitemap->length, sitemap->text),
                 twi_sitemap_read);
    twi_arena_free(&arena);
}

void twi_sitemap_read(tw_page *page)
{
    struct listing listing = { .crawl = tw_page_crawl(page), .page = page };
    tw_value body = tw_page_body(page);
    const char *kind;

    if (is_robots_txt(tw_page_url(page))) {
        robots_sitemaps(page);
        return;
    }
    kind = sitemap_walk(body, sitemap_ignore, NULL);
    if (kind == NULL) {
        tw_page_fail(page, tw_fail(&tw_error_protocol, "not a sitemap"));
        return;
    }
    listing.is_index = strcmp(kind, "sitemapindex") == 0;
    sitemap_walk(body, sitemap_entry, &listing);
}

/* --- rules ------------------------------------------------------------------------------- */

static bool rule_is_zero(const struct tw_rule *rule)
{
    static const struct tw_rule zero;

    return memcmp(rule, &zero, sizeof zero) == 0;
}

/* Links that an earlier rule took are in the page's list, so that a later one finds them seen.
 * A table of rules ends with one that is all zero, but a single such rule means every link. */
void twi_rules_follow(tw_crawl *crawl, tw_page *page)
{
    const struct tw_rule *rules = crawl->spider->rules;
    size_t i;

    for (i = 0; i < SPIDER_COUNT(rules) && !rule_is_zero(&rules[i]); i++)
        twi_page_follow_rule(page, &rules[i].links, rules[i].callback,
                             rules[i].follow || rules[i].callback == NULL);
}
