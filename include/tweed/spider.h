/* SPDX-License-Identifier: MIT */
/*
 * spider.h - crawl sites: follow links, extract items, write them to files, survive a kill.
 *
 * A spider is a table: where to start, which functions read pages, settings, pipelines, feeds.
 * A callback reads one page (page.h). Its items and visits are committed together with
 * "this page is done" in one transaction, once it has returned: all of it or, after a kill,
 * none of it, and then the page is fetched and read again. So every item is in the feeds
 * exactly once.
 *
 *     static void parse(tw_page *page)
 *     {
 *         TW_CSS_EACH (quote, page, "div.quote") {
 *             tw_item *item = tw_item_new(page);
 *             tw_item_css(item, "text", quote, "span.text::text");
 *             tw_emit(item);
 *         }
 *         tw_follow(page, "li.next a", NULL);
 *     }
 *     TW_SPIDER(quotes, .start_urls = { "https://quotes.example/" }, .parse = parse);
 *
 * A callback runs in a coroutine and may await anything (inline_callbacks.h). It may also stop
 * or pause the crawl, fail its page, or stop the reactor. After Scrapy.
 */
#ifndef TWEED_SPIDER_H
#define TWEED_SPIDER_H

#include <stdlib.h>

#include <tweed/client.h>
#include <tweed/inline_callbacks.h>
#include <tweed/page.h>
#include <tweed/settings.h>

TW_BEGIN

/* --- a spider ----------------------------------------------------------------------------- */

/*
 * Sees each item on its way to the feeds, in the order of the spider's table: none keeps the
 * item, a failure drops it (tw_error_drop without a word, others are logged), a Deferred
 * (tw_wait()) decides later. Runs in the page's coroutine, so it may await. `crawl` is lent.
 * Its effects elsewhere happen at least once: after a kill the page is read again, and
 * tw_item_id() is then the same.
 */
typedef tw_value tw_pipeline(tw_item *item, tw_crawl *crawl);

/* A file for items. The format is the extension's: jsonl json csv xml sqlite, then .gz or
 * .zst. */
struct tw_feed {
    const char *path;       /* "books-%(time).csv", "part-%(batch)d.jsonl.zst", "-" */
    const char
        *fields[32]; /* only these, in this order; a csv without takes the first item's */
    bool (*accept)(const tw_item *item); /* NULL: all */
    long batch;                          /* items in each file; 0: all in one */
    bool overwrite; /* a file that is there, at the first start; else it is appended to */
};

/* A function that visits lead to, under the name that a job keeps. */
struct tw_named_callback {
    const char *name;
    tw_page_callback *callback;
};
#define TW_CALLBACK(function) \
    {                         \
#function, function   \
    }

/* Which links of a page lead where; the first rule that a link fits counts. */
struct tw_rule {
    struct tw_links links;
    tw_page_callback *callback; /* NULL: the pages are only followed */
    bool follow;                /* apply the rules to these pages, too; always without callback */
};

/* Which URLs of sitemaps lead where; the first that fits counts, others are left out. */
struct tw_sitemap_rule {
    const char *match; /* regular expression on the URL; NULL: all */
    tw_page_callback *callback; /* NULL: parse */
};

typedef struct tw_extension tw_extension; /* hooks, below */

/* Everything is lent and must stay: a static table. Lists end with the first zero. */
typedef struct tw_spider {
    const char *name;
    const char *start_urls[16];
    const char
        *allowed_domains[16]; /* subdomains too; none: the hosts of start_urls, sitemaps */
    tw_page_callback *start;         /* in place of start_urls: gets an empty page to visit from */
    tw_page_callback *parse;
    struct tw_named_callback callbacks[32]; /* every other function that visits lead to */
    struct tw_rule rules[16];               /* without parse: these decide */
    const char *sitemaps[8];                /* sitemaps, or robots.txt that name them */
    struct tw_sitemap_rule sitemap_rules[16]; /* none: all go to parse */
    tw_pipeline *pipelines[16];
    struct tw_feed feeds[8]; /* -o adds, -O replaces */
    const tw_extension *extensions[16];
    struct tw_settings settings;
} tw_spider;

/*
 * Pipelines of ours: fetch the URLs in an item's field "file_urls" (or "image_urls"), one text
 * or a list, into settings.files_dir, and set "files" (or "images") to a list of objects with
 * url, path and checksum (SHA-256). The path is that of the content, so nothing is kept twice. A
 * file that cannot be fetched is left out and counted; one of an earlier run is asked for under
 * the condition that it has changed.
 */
TW_API extern tw_pipeline tw_files, tw_images;

/*
 * Hooks around the engine. Each may be NULL and costs nothing then. The ones with a value
 * may await; none goes on. They run in the order of the spider's table.
 */
struct tw_extension {
    const char *name;
    /* Before anything is fetched; a failure ends the crawl with it. */
    tw_value (*open)(tw_crawl *crawl, void **state);
    /* A visit that a page asks for, to `url`. A failure leaves it out. Must not await. */
    tw_value (*on_visit)(tw_page *page, const char *url, const struct tw_visit *visit,
                         void *state);
    /* Before a page is fetched: `page` is still empty. A failure fails the page. */
    tw_value (*on_request)(tw_page *page, struct tw_fetch_options *options, void *state);
    /* Before the page's callback; a failure fails the page. */
    tw_value (*on_page)(tw_page *page, void *state);
    /* After the pipelines; a failure drops the item. */
    tw_value (*on_item)(tw_item *item, void *state);
    void (*on_dropped)(tw_item *item, tw_value why, void *state);
    void (*on_failed)(tw_page *page, tw_value why, void *state);
    /* Since the last call so many pages and items were committed. */
    void (*on_committed)(tw_crawl *crawl, int64_t pages, int64_t items, void *state);
    /* Nothing is left to do: `page` is an empty one, as the seed's; what it visits goes on. */
    tw_value (*on_idle)(tw_page *page, void *state);
    /* The end; `why` as in the statistic "finish_reason". */
    tw_value (*close)(tw_crawl *crawl, const char *why, void *state);
};

/*
 * Define the spider, and a main() that understands what `tweed crawl` does: -a NAME=VALUE (an
 * argument), -s NAME=VALUE (a setting), -o FILE, -O FILE (feeds), --job FOLDER, --json.
 */
#define TW_SPIDER(spider_name, ...)                                                        \
    static const tw_spider tw_spider_##spider_name;                                        \
    int main(int argc, char **argv)                                                        \
    {                                                                                      \
        return tw_spider_main(argc, argv, &tw_spider_##spider_name);                       \
    }                                                                                      \
    static const tw_spider tw_spider_##spider_name = { .name = #spider_name, __VA_ARGS__ }
/* Returns an exit status: 0 finished, 1 failed, 2 a wrong command line, 3 stopped, 5 stopped
 * by a full disk. */
TW_API int tw_spider_main(int argc, char **argv, const tw_spider *spider);

/* --- crawls in a program of your own -------------------------------------------------------
 * */

/* All zero is the default. Everything is lent until the crawl has ended. */
struct tw_crawl_options {
    const char *job;                     /* folder; NULL: only the feeds are kept */
    const char *const *arguments;        /* "name=value", NULL at the end */
    const struct tw_settings *settings;  /* over the spider's; NULL: the spider's own */
    const struct tw_feed *feeds;         /* in place of the spider's; NULL: the spider's own */
    size_t feed_count;
    bool retry_failed;  /* what failed in the job is fetched again */
    bool
        commit_inline; /* without a thread: for tests, as virtual time does not wait for one */
    /* Called with each statistic once the crawl has ended, in the order of their names; may be
     * NULL. `text` is NULL for a number. */
    void (*statistic)(const char *key, int64_t number, const char *text, void *arg);
    void *arg;
};

/*
 * Begin a crawl on the calling thread's reactor. Fires with the reason of its end (bytes):
 * "finished", "shutdown" (stopped or cancelled), the `why` of tw_crawl_stop(),
 * "closespider_pagecount" and the like, "disk_full". Fails with what is wrong with spider,
 * settings or job, before anything is fetched; or with the failure that kept the job from
 * being written.
 *
 * A cancel stops it as the first SIGINT does: what is in flight gets 30 seconds to end and is
 * committed; the Deferred then fires as above. *ret_crawl (may be NULL) is lent until then.
 */
TW_API TW_MUST_USE tw_deferred *tw_crawl_run(const tw_spider *spider,
                                             const struct tw_crawl_options *options,
                                             tw_crawl **ret_crawl);
/* Dispatch nothing more until the resume; connections stay. */
TW_API void tw_crawl_pause(tw_crawl *crawl);
TW_API void tw_crawl_resume(tw_crawl *crawl);
/* Stop as a cancel does. `why` becomes the reason of the end; NULL: "shutdown". The first call
 * counts; a second one, by whomever, ends what is in flight at once. */
TW_API void tw_crawl_stop(tw_crawl *crawl, const char *why);
/* Count something of your own among the statistics. */
TW_API void tw_stat_add(tw_crawl *crawl, const char *key, int64_t n);
TW_API int64_t tw_stat_get(const tw_crawl *crawl, const char *key);

/* Numbers of your own that survive: what a page adds is committed, and seen, with the page. */
TW_API void tw_state_add(tw_page *page, const char *key, int64_t n);
TW_API int64_t tw_state_get(const tw_page *page, const char *key);

TW_END
#endif
