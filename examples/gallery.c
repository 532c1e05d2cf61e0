/* SPDX-License-Identifier: MIT */
/* ./gallery [URL...] - the addresses of all images of some pages, by XPath. Without URLs it serves
 * three pages itself, each of which takes two seconds: all three take two seconds too. */
#include <libxml/HTMLparser.h>
#include <libxml/xpath.h>
#include <stdio.h>
#include <string.h>

#include <tweed/tweed.h>

/* --- a server whose pages take their time --------------------------------------------------- */

static tw_value page_of(void *arg)
{
    char *name = arg;

    return tw_bytes_format("<!doctype html><title>%s</title>"
                           "<p><img src=\"%s-front.jpg\" alt=\"\"><img src='/%s/back.jpg'>",
                           name, name, name);
}

static tw_value slow_page(tw_request *request, void *name)
{
    tw_request_set_header(request, "Content-Type", "text/html; charset=utf-8");
    return tw_wait(tw_defer_later(NULL, 2, page_of, name));
}

/* --- the crawler --------------------------------------------------------------------------- */

static void print_images(const char *url, tw_value page)
{
    int options = HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET;
    htmlDocPtr html = htmlReadMemory(tw_bytes_data(page), (int)tw_bytes_length(page), url,
                                     NULL, options);
    xmlXPathContextPtr context = xmlXPathNewContext(html);
    xmlXPathObjectPtr found = xmlXPathEvalExpression(BAD_CAST "//img/@src", context);

    for (int i = 0; found != NULL && i < xmlXPathNodeSetGetLength(found->nodesetval); i++) {
        xmlChar *text = xmlNodeGetContent(xmlXPathNodeSetItem(found->nodesetval, i));
        printf("%s: %s\n", url, (char *)text);
        xmlFree(text);
    }
    xmlXPathFreeObject(found);
    xmlXPathFreeContext(context);
    xmlFreeDoc(html);
}

static tw_value crawl(void *url)
{
    tw_value page = tw_await(tw_get_page(url));

    if (tw_is_failure(page))
        return page;
    print_images(url, page);
    return tw_none();
}

static void crawl_all(char *const *urls, size_t count)
{
    tw_deferred *pages[count];
    double started = tw_clock_seconds(tw_reactor_clock());

    for (size_t i = 0; i < count; i++) {
        pages[i] = tw_inline_callbacks(crawl, urls[i]);
        tw_add_errback(pages[i], tw_log_failure, urls[i]);
    }
    tw_release(tw_block_on(tw_deferred_list(pages, count, 0)));
    printf("%zu pages in %.0f s\n", count, tw_clock_seconds(tw_reactor_clock()) - started);
}

int main(int argc, char **argv)
{
    static char cats[] = "cats", dogs[] = "dogs", sheep[] = "sheep";
    char *names[] = { cats, dogs, sheep }, paths[3][20], texts[3][100], *urls[3];
    tw_site *site = tw_site_new(NULL);
    tw_listener *listener;

    tw_log_to(stderr, TW_LOG_WARNING);
    for (int i = 0; i < 3; i++) {
        snprintf(paths[i], sizeof paths[i], "/%s", names[i]);
        tw_site_handle(site, paths[i], slow_page, names[i], NULL);
    }
    if (tw_site_listen(site, NULL, &listener, NULL) < 0)
        return 1;
    for (int i = 0; i < 3; i++) {
        snprintf(texts[i], sizeof texts[i], "http://127.0.0.1:%u%s",
                 tw_listener_port(listener), paths[i]);
        urls[i] = texts[i];
    }
    if (argc > 1)
        crawl_all(argv + 1, (size_t)argc - 1);
    else
        crawl_all(urls, 3);
    tw_listener_close(listener);
    tw_site_unref(site);
    return 0;
}
