/* SPDX-License-Identifier: MIT */
/*
 * ./spider PAGES DELAY URL... - follow the links of sites, print a line of JSON for each page.
 *
 * The skeleton of a crawler: parse() makes an item and follows links; a filter keeps out what was
 * seen and other hosts; workers limit how much goes on at once; robots.txt, a delay between two
 * requests to a host and a user agent that says who asks keep it welcome. To share the work among
 * machines, put a store that all of them see behind frontier and is_new().
 */
#define _GNU_SOURCE
#include <locale.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/tweed.h>

enum { AT_ONCE = 8, MAX_HOSTS = 20 };

static struct host {
    char *origin, *robots; /* what its robots.txt says to us; NULL: not asked yet */
    tw_lock *turn;
    double delay, next_at;
} hosts[MAX_HOSTS];

static size_t host_count, pages, max_pages;
static double delay;
static tw_queue *frontier; /* of URLs */
static void *seen;         /* a tree of them */
static const struct tw_fetch_options options = {
    .user_agent = "example-spider/1 (+https://example.org/spider)",
    .timeout = 30,
};

/* --- where to go --------------------------------------------------------------------------- */

static struct host *host_of(const struct tw_url *url, bool start)
{
    for (size_t i = 0; i < host_count; i++)
        if (strcmp(hosts[i].origin, url->origin) == 0)
            return &hosts[i];
    if (!start || host_count == MAX_HOSTS)
        return NULL;
    hosts[host_count] = (struct host){ .origin = strdup(url->origin), .turn = tw_lock_new() };
    return &hosts[host_count++];
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool is_new(const char *url)
{
    char *copy = strdup(url);
    bool first = *(char **)tsearch(copy, &seen, compare) == copy;

    if (!first)
        free(copy);
    return first;
}

/* Into the frontier, once, when it leads to a host that we were sent to. */
static void follow(const char *text, size_t length, const struct tw_url *base)
{
    struct tw_url *url;
    char *href;

    if (tw_url_parse(text, length, base, &url, NULL) < 0)
        return;
    href = strndup(url->href, strlen(url->href) - strlen(url->hash));
    if (host_of(url, base == NULL) != NULL && is_new(href))
        tw_queue_put(frontier, tw_string(href));
    free(href);
    tw_url_free(url);
}

/* --- manners ------------------------------------------------------------------------------- */

/* Keeps the part that is for everybody. */
static void read_robots(struct host *host)
{
    char url[500], *end;
    const char *ours, *pause;
    tw_value page;

    snprintf(url, sizeof url, "%s/robots.txt", host->origin);
    page = tw_await(tw_get_page_with(url, &options)); /* none: a failure, whose text is "" */
    ours = strcasestr(tw_bytes_data(page), "User-agent: *");
    host->robots = strdup(ours != NULL ? ours + 1 : "");
    if ((end = strcasestr(host->robots, "User-agent:")) != NULL)
        *end = '\0';
    pause = strcasestr(host->robots, "Crawl-delay:");
    host->delay = pause != NULL && atof(pause + 12) > delay ? atof(pause + 12) : delay;
    tw_drop(&page);
}

static bool is_allowed(const struct host *host, const char *path)
{
    const char *rule = host->robots;

    while ((rule = strcasestr(rule, "Disallow: ")) != NULL) {
        size_t length = strcspn(rule += strlen("Disallow: "), " #\r\n");
        if (length > 0 && strncmp(path, rule, length) == 0)
            return false;
    }
    return true;
}

/* Wait until this host may be asked again; those who wait have their turns in order. */
static bool take_turn(struct host *host)
{
    double now;

    if (tw_is_failure(tw_await(tw_lock_acquire(host->turn))))
        return false;
    if (host->robots == NULL)
        read_robots(host);
    now = tw_clock_seconds(tw_reactor_clock());
    if (host->next_at > now)
        tw_sleep(host->next_at - now);
    host->next_at = tw_clock_seconds(tw_reactor_clock()) + host->delay;
    return tw_lock_release(host->turn) == 0;
}

/* --- what to do with a page: yours to change ----------------------------------------------- */

/* A text that is not UTF-8 is taken for Latin-1. */
static void print_json(const char *name, const char *start, size_t length)
{
    char *text = strndup(start, length);
    bool utf8 = mbstowcs(NULL, text, 0) != (size_t)-1;

    printf("\"%s\": \"", name);
    for (const unsigned char *c = (unsigned char *)text; *c != '\0'; c++)
        if (*c < ' ' || *c == '"' || *c == '\\' || (*c > '~' && !utf8))
            printf("\\u%04x", *c);
        else
            putchar(*c);
    putchar('"');
    free(text);
}

static void parse(tw_value response, const struct tw_url *url)
{
    const char *text = tw_bytes_data(tw_response_body(response));
    const char *title = strcasestr(text, "<title>");

    printf("{\"status\": %d, ", tw_response_status(response));
    print_json("url", url->href, strlen(url->href));
    if (title != NULL) {
        printf(", ");
        print_json("title", title + 7, strcspn(title + 7, "<"));
    }
    printf("}\n");
    while ((text = strcasestr(text, "<a href=\"")) != NULL) {
        text += strlen("<a href=\"");
        follow(text, strcspn(text, "\""), url);
    }
}

/* --- the crawl ----------------------------------------------------------------------------- */

static void visit(const char *href, const struct tw_url *url)
{
    struct host *host = host_of(url, false);
    tw_value response;

    if (!take_turn(host) || pages == max_pages || !is_allowed(host, url->pathname))
        return;
    if (++pages == max_pages)
        tw_queue_close(frontier, true);
    response = tw_await(tw_agent_request(tw_agent_current(), href, &options));
    if (tw_is_failure(response))
        fprintf(stderr, "%s: %s\n", href, tw_failure_message(response));
    else if (tw_response_status(response) == 429 || tw_response_status(response) == 503)
        host->delay = host->delay * 2 + 1; /* too fast for it */
    else
        parse(response, url);
    tw_drop(&response);
}

static tw_value worker(void *arg)
{
    struct tw_url *url;
    tw_value href;

    (void)arg;
    while (!tw_is_failure(href = tw_await(tw_queue_get(frontier)))) {
        if (tw_url_parse(tw_bytes_data(href), tw_bytes_length(href), NULL, &url, NULL) == 0) {
            visit(tw_bytes_data(href), url);
            tw_url_free(url);
        }
        tw_queue_task_done(frontier);
        tw_drop(&href);
    }
    return tw_none(); /* the frontier is closed */
}

/* Ends when the frontier is empty and no worker has a page. */
static tw_value crawl(tw_group *group, void *arg)
{
    (void)arg;
    for (int i = 0; i < AT_ONCE; i++)
        tw_group_start(group, worker, NULL);
    tw_await(tw_queue_join(frontier));
    tw_queue_close(frontier, true);
    return tw_none();
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: spider PAGES DELAY URL...\n");
        return 2;
    }
    setlocale(LC_CTYPE, "C.UTF-8");
    max_pages = (size_t)atol(argv[1]);
    delay = atof(argv[2]);
    frontier = tw_queue_new(TW_UNLIMITED, TW_UNLIMITED);
    for (int i = 3; i < argc; i++)
        follow(argv[i], strlen(argv[i]), NULL);
    tw_release(tw_block_on(tw_group_run(crawl, NULL)));
    tw_queue_free(frontier);
    for (size_t i = 0; i < host_count; i++)
        tw_lock_free(hosts[i].turn);
    tdestroy(seen, free);
    return 0;
}
