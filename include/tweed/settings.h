/* SPDX-License-Identifier: MIT */
/*
 * settings.h - the settings of a crawl.
 *
 * Made of spider/settings.def by tools/make-settings; not to be edited.
 *
 * In a struct zero is the default, and a negative number or an empty text is none, which each
 * setting that knows it explains. Seconds and bytes. The same names stand in the file tweed.conf
 * ("delay = 2s"), in the program's environment (TWEED_DELAY=2s) and on its command line
 * (-s delay=2s); a spider's own stand between the file and the environment, and each overrides the
 * one before it. (But a struct cannot say false, or the first word of a choice, over a file.)
 * In the other places "0" and "none" are none, and "default" is the default.
 */
#ifndef TWEED_SETTINGS_H
#define TWEED_SETTINGS_H

#include <tweed/cache.h>
#include <tweed/failure.h>

TW_BEGIN

/* A setting has a value that it cannot have, or there is none of that name [usage]. */
TW_API extern const tw_error_class tw_error_settings;

enum tw_crawl_referer {
    TW_REFERER_STRICT_ORIGIN, /* strict-origin-when-cross-origin */
    TW_REFERER_NO_DOWNGRADE, /* no-referrer-when-downgrade */
    TW_REFERER_SAME_ORIGIN, /* same-origin */
    TW_REFERER_NONE /* no-referrer */
};
enum tw_crawl_durability {
    TW_SAFE_KILL, /* kill */
    TW_SAFE_POWER /* power */
};
enum tw_crawl_on_full {
    TW_FULL_WAIT, /* wait */
    TW_FULL_STOP /* stop */
};
enum tw_crawl_order {
    TW_BREADTH_FIRST, /* breadth-first */
    TW_DEPTH_FIRST, /* depth-first */
    TW_BEST_FIRST /* best-first */
};
enum tw_crawl_scope {
    TW_SCOPE_HOSTS, /* hosts */
    TW_SCOPE_SITES, /* sites */
    TW_SCOPE_ANY /* any */
};
enum tw_crawl_log_level {
    TW_CRAWL_LOG_INFO, /* info */
    TW_CRAWL_LOG_DEBUG, /* debug */
    TW_CRAWL_LOG_WARNING, /* warning */
    TW_CRAWL_LOG_ERROR /* error */
};

/* All zero is as the crawl's. */
struct tw_host_settings {
    const char *domain;
    double delay, jitter;
    int max_per_host;
};

struct tw_settings {
    /* --- Manners --------------------------------------------------------------------- */

    /* Between two starts on one host, varied by "jitter". A longer Crawl-delay of
     * robots.txt, or one that the throttle finds, takes its place. Default: 250ms; from
     * 1ms to 1d; none: no delay. */
    double delay;
    /* The part of the delay by which it varies: 0.5 makes it 0.5 to 1.5 times as long.
     * Default: 0.5; from 0.001 to 1; none: each delay the same. */
    double jitter;
    /* Fetches from one host at once. Default: 2; from 1 to 1000. */
    int max_per_host;
    /* Fetches from one IP address at once, for all hosts that it serves. Default: 8; from
     * 1 to 1000; none: no limit. */
    int max_per_ip;
    /* Pages that are being fetched, or read and not yet committed: all that a kill makes
     * us fetch again. Default: 64; from 1 to 100000. */
    int max_total;
    /* Fetch what robots.txt excludes too. */
    bool ignore_robots;
    /* How long the visits of a host wait whose robots.txt cannot be fetched; then they are
     * excluded. Default: 7d; from 1s to 365d; none: waits for ever. */
    double robots_patience;
    /* Keep to "delay" however fast a host answers. */
    bool no_autothrottle;
    /* Fetches that auto-throttle wants to be under way on one host, on average. Default:
     * 1; from 0.01 to 1000. */
    double throttle_target;
    /* The longest delay that auto-throttle and the back-off of 429 and 503 come to.
     * Default: 60s; from 1s to 1d. */
    double throttle_max;
    /* The longest wait that a Retry-After can ask for; a longer one is cut to it. Default:
     * 1h; from 1s to 30d. */
    double max_retry_after;

    /* --- Requests -------------------------------------------------------------------- */

    /* The User-Agent, whose first word robots.txt is asked for. Default: "NAME
     * (tweed/VERSION)". None: none is sent. */
    const char *user_agent;
    /* The Accept of all requests. Default: a browser's; none: none is sent. */
    const char *accept;
    /* The Accept-Language of all requests. Default: en; none: none is sent. */
    const char *accept_language;
    /* How much the Referer tells of the page that led to a URL: a policy of W3C's Referrer
     * Policy. Default: strict-origin-when-cross-origin. */
    enum tw_crawl_referer referer;
    /* Neither keep nor send cookies. */
    bool no_cookies;
    /* The proxy's URL. Default: as http_proxy, https_proxy and all_proxy in the
     * environment say. None: no proxy. */
    const char *proxy;
    /* The user's name for servers that ask for one, only of the hosts of "http_domain".
     * None: none. */
    const char *http_user;
    /* The password that goes with it. None: none. */
    const char *http_password;
    /* The domain, with its subdomains, that is given name and password. Default: the hosts
     * of the start URLs. None: none. */
    const char *http_domain;
    /* Accept any certificate of a server. */
    bool insecure;
    /* Fetch from private addresses (127.0.0.1, 10.0.0.1, ...) though no start URL leads to
     * one. */
    bool allow_private;
    /* For one fetch, from its start to its last byte. Default: 30s; from 10ms to 1d; none:
     * no limit. */
    double timeout;
    /* How often a fetch is tried again that failed, or was answered with one of
     * "retry_statuses". Default: 2; from 1 to 1000; none: no retry. */
    int max_retries;
    /* The statuses that are tried again; 5xx stands for a hundred. Default:
     * 408,429,500,502,503,504,522,524; none: none of them. */
    const char *retry_statuses;
    /* Redirects of one visit. Default: 20; from 1 to 1000; none: none is followed. */
    int max_redirects;
    /* A meta refresh after a longer wait is no redirect. Default: 100s; from 1ms to 1d;
     * none: none is followed. */
    double max_refresh;

    /* --- Limits of a page ------------------------------------------------------------ */

    /* The body of one answer, decoded; a longer one fails. Default: 64MiB; from 1 to 1TiB;
     * none: no limit. */
    int64_t max_body;
    /* For everything that is made of one page. Default: 256MiB; from 64KiB to 1TiB; none:
     * no limit. */
    int64_t max_page_memory;
    /* The items and visits of one page, as they are stored; beyond it the page fails.
     * Default: 64MiB; from 1KiB to 1TiB; none: no limit. */
    int64_t max_outcome;
    /* Visits that one page can ask for; beyond it the page fails. Default: 100000; from 1
     * to 100000000; none: no limit. */
    long max_visits;

    /* --- The end --------------------------------------------------------------------- */

    /* Stop when as many pages have come. Default: none, no limit; from 1 to 1000000000000. */
    long max_pages;
    /* Stop when as many items have been kept. Default: none, no limit; from 1 to
     * 1000000000000. */
    long max_items;
    /* Stop when as many pages have failed. Default: none, no limit; from 1 to
     * 1000000000000. */
    long max_errors;
    /* Stop after this time. Default: none, no limit; from 1ms to 10000d. */
    double max_seconds;
    /* Stop when as many pages have come, one after the other, without an item. Default:
     * none, no limit; from 1 to 1000000000000. */
    long max_pages_no_item;
    /* Stop when no item has come for this time. Default: none, no limit; from 1ms to
     * 10000d. */
    double max_seconds_no_item;
    /* How long a stop waits for what is being fetched and read. Default: 30s; from 1ms to
     * 1d; none: at once. */
    double stop_patience;

    /* --- Memory and disk ------------------------------------------------------------- */

    /* For the whole crawl: a quarter for bodies on their way, an eighth for visits that
     * need not be read from disk. Default: 256MiB; from 1MiB to 1TiB. */
    int64_t memory;
    /* Warn when the process takes as much. Default: none, no warning; from 1MiB to 1TiB. */
    int64_t memory_warn;
    /* Stop when the process takes as much. Default: none, no limit; from 1MiB to 1TiB. */
    int64_t memory_stop;
    /* For the set of URLs that have been seen, up to 11 bytes each. A crawl that needs
     * more stops, and goes on where it was when it may take more. Default: 1GiB; from 1MiB
     * to 1TiB. */
    int64_t seen_memory;
    /* "power" writes each commit through to the disk. With "kill" a loss of power may make
     * us fetch the last pages again; no item is lost or doubled by either. Default: kill. */
    enum tw_crawl_durability durability;
    /* A full disk: wait for room, or stop with status 5. Default: wait. */
    enum tw_crawl_on_full on_full;

    /* --- Which pages, and in which order --------------------------------------------- */

    /* The visits of one host: the earliest found, the latest found, or those of the
     * highest priority first. Default: breadth-first. */
    enum tw_crawl_order order;
    /* Where visits may lead: the allowed domains (or else the hosts of the start URLs)
     * with their subdomains; the sites that these belong to (example.co.uk for
     * www.example.co.uk); anywhere. Default: hosts. */
    enum tw_crawl_scope scope;
    /* Only URLs that this regular expression finds something in. None: all of them. */
    const char *allow;
    /* No URLs that this one finds something in. None: none of them. */
    const char *deny;
    /* Links from a start URL to a page. Default: 100; from 1 to 1000000; none: no limit. */
    int max_depth;
    /* Bytes of a URL. Default: 2083; from 16 to 1048576; none: no limit. */
    int max_url_length;
    /* Visits to one host. Default: none, no limit; from 1 to 1000000000000. */
    long max_host_pages;
    /* How often the same segment may stand in a path: /a/b/a/b/a/b/a is a trap. Default:
     * 3; from 1 to 1000; none: no limit. */
    int max_repeats;
    /* Visits to one path with different queries. Default: 1000; from 1 to 60000; none: no
     * limit. */
    int max_variants;
    /* Pages of the same content in a row below one path; what is found there then comes
     * last. Default: 100; from 2 to 1000000; none: no limit. */
    int max_same;

    /* --- Files ----------------------------------------------------------------------- */

    /* The folder of the pipelines tw_files and tw_images. Default: files. */
    const char *files_dir;
    /* A file that was fetched within this time is only asked whether it has changed.
     * Default: 90d; from 1s to 10000d; none: never. */
    double files_expiry;
    /* A folder with answers that are used again, as RFC 9111 says. None: no cache. */
    const char *cache;
    /* How the cache is used: a mode of fetch(). Default: default. */
    enum tw_cache_mode cache_mode;

    /* --- Watching -------------------------------------------------------------------- */

    /* The file that gets the log. Default: standard error. None: none is written. */
    const char *log;
    /* The least of what is logged. Default: info. */
    enum tw_crawl_log_level log_level;
    /* Log an object of JSON on each line. */
    bool log_json;
    /* Between two lines of figures in the log. Default: 60s; from 1s to 1d; none: never. */
    double log_every;

    /* --- Hosts of their own -------------------------------------------------------------- */

    /* Other manners for some domains and their subdomains; of several that fit the longest counts.
     * The last one has a NULL domain. Elsewhere "delay@example.com = 2s". NULL: none. */
    const struct tw_host_settings *hosts;
};

TW_END
#endif
