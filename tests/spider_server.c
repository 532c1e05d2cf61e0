/* SPDX-License-Identifier: MIT */
/*
 * spider_server.c - the sites that examples/spiders crawl, through us as their proxy:
 * ./spider_server MILLISECONDS
 *
 * Each answer takes that long, so that a kill finds a crawl at work. The host says which site is
 * meant. Prints its port, and ends when its standard input does.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tweed/tweed.h>

enum { QUOTE_PAGES = 40, BOOK_PAGES = 5, BOOKS = 8, PRODUCTS = 25, NEWS = 15, ORDERS = 30 };

struct reply {
    int status;
    const char *type, *header, *value;
    char text[16000];
    size_t length;
};

static void say(struct reply *reply, const char *format, ...) TW_PRINTF(2, 3);
static void say(struct reply *reply, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    reply->length += (size_t)vsnprintf(reply->text + reply->length,
                                       sizeof reply->text - reply->length, format, args);
    va_end(args);
}

/* The number behind `prefix`; -1: the path is another. */
static int number_in(const char *path, const char *prefix)
{
    size_t length = strlen(prefix);

    return strncmp(path, prefix, length) == 0 ? atoi(path + length) : -1;
}

/* --- the sites ----------------------------------------------------------------------------- */

static void quotes_site(struct reply *reply, const char *path)
{
    int page = strcmp(path, "/") == 0 ? 1 : number_in(path, "/page/"), i;

    for (i = 0; i < 5; i++)
        say(reply,
            "<div class=quote><span class=text>Quote %d-%d &amp; more</span>"
            "<small class=author>Author %d</small><a class=tag>t%d</a><a "
            "class=tag>u%d</a></div>",
            page, i, i, i, page);
    if (page < QUOTE_PAGES)
        say(reply, "<li class=next><a href=\"/page/%d\">Next</a></li>", page + 1);
}

static void book_page(struct reply *reply, int book)
{
    say(reply,
        "<h1>Book %d</h1><p class=price>EUR %d.50</p><p class=stock>In <b>stock</b> (%d)</p>"
        "<table><tr><th>UPC</th><td>upc-%d</td></tr></table><img class=cover "
        "src=\"/cover/%d.png\">",
        book, 20 + book, book % 7, book, book % 10);
}

static void books_site(struct reply *reply, const char *path)
{
    int page = strcmp(path, "/") == 0 ? 1 : number_in(path, "/list/"), i;

    if (number_in(path, "/book/") >= 0) {
        book_page(reply, number_in(path, "/book/"));
    } else if (number_in(path, "/cover/") >= 0) {
        reply->type = "image/png";
        say(reply, "cover %d", number_in(path, "/cover/"));
    } else {
        for (i = 0; i < BOOKS; i++)
            say(reply, "<article class=book><h3><a href=/book/%d>x</a></h3></article>",
                (page - 1) * BOOKS + i);
        if (page < BOOK_PAGES)
            say(reply, "<li class=next><a href=/list/%d>Next</a></li>", page + 1);
    }
}

static void sitemap_part(struct reply *reply, const char *kind, int count)
{
    int i;

    reply->type = "application/xml";
    say(reply, "<urlset>");
    for (i = 0; i < count; i++)
        say(reply, "<url><loc>http://shop.example/%s/%d</loc></url>", kind, i);
    say(reply, "<url><loc>http://shop.example/about</loc></url></urlset>");
}

static void shop_site(struct reply *reply, const char *path)
{
    int number;

    if (strcmp(path, "/robots.txt") == 0) {
        reply->type = "text/plain";
        say(reply,
            "User-agent: *\nDisallow: /product/7\nSitemap: http://shop.example/map.xml\n");
    } else if (strcmp(path, "/map.xml") == 0) {
        reply->type = "application/xml";
        say(reply,
            "<sitemapindex><sitemap><loc>http://shop.example/products.xml</loc></sitemap>"
            "<sitemap><loc>http://shop.example/news.xml</loc></sitemap></sitemapindex>");
    } else if (strcmp(path, "/products.xml") == 0) {
        sitemap_part(reply, "product", PRODUCTS);
    } else if (strcmp(path, "/news.xml") == 0) {
        sitemap_part(reply, "news", NEWS);
    } else if ((number = number_in(path, "/product/")) >= 0) {
        say(reply, "<meta itemprop=sku content=S%d><span class=price>%d,00</span>", number,
            number * 3);
        if (number % 10 != 5) /* the others have no name, and are left out */
            say(reply, "<h1 class=title> Product %d </h1>", number);
    } else if ((number = number_in(path, "/news/")) >= 0) {
        say(reply, "<article><h1>News %d</h1><time datetime=2026-01-%02d></time></article>",
            number, number + 1);
    }
}

static bool is_member(tw_request *request)
{
    const char *cookie = tw_request_header(request, "Cookie");

    return cookie != NULL && strstr(cookie, "session=open") != NULL;
}

static void login_form(struct reply *reply)
{
    say(reply,
        "<form id=login action=/enter method=post><input type=hidden name=token value=t1>"
        "<input name=user><input name=password type=password></form>");
}

static bool knows_password(tw_request *request)
{
    tw_value body = tw_request_body(request);
    tw_value form = tw_form_decode(tw_bytes_data(body), tw_bytes_length(body));
    bool knows = strcmp(tw_bytes_data(tw_form_get(form, "user")), "ann") == 0 &&
                 strcmp(tw_bytes_data(tw_form_get(form, "password")), "secret") == 0 &&
                 strcmp(tw_bytes_data(tw_form_get(form, "token")), "t1") == 0;

    tw_release(form);
    return knows;
}

static void orders_list(struct reply *reply, int page)
{
    int i;

    say(reply, "<table>");
    for (i = 0; i < 10; i++)
        say(reply,
            "<tr class=order><td class=number>N%d</td><td class=total>%d.00</td>"
            "<td><a href=/order/%d>more</a></td></tr>",
            page * 10 + i, page * 10 + i, page * 10 + i);
    say(reply, "</table>");
    if (page < ORDERS / 10 - 1)
        say(reply, "<a rel=next href=/orders?page=%d>next</a>", page + 1);
}

static void members_site(struct reply *reply, const char *path, tw_request *request)
{
    if (strcmp(path, "/login") == 0) {
        login_form(reply);
    } else if (strcmp(path, "/enter") == 0) {
        reply->status = 302;
        reply->header = "Set-Cookie";
        reply->value = knows_password(request) ? "session=open; Path=/"
                                               : "session=shut; Path=/";
    } else if (!is_member(request)) {
        login_form(reply);
    } else if (strcmp(path, "/orders") == 0) {
        int page = number_in(tw_request_query(request), "page=");
        orders_list(reply, page < 0 ? 0 : page);
    } else if (number_in(path, "/order/") >= 0) {
        say(reply, "<div class=address> Street %d </div><td class=line>a</td>",
            number_in(path, "/order/"));
    } else {
        say(reply, "<a class=logout href=/logout>out</a>");
    }
}

static void api_site(struct reply *reply, const char *path, tw_request *request)
{
    const char *key = tw_request_header(request, "Authorization"), *found;
    int page, i;

    reply->type = "application/json";
    if (number_in(path, "/detail/") >= 0) {
        say(reply, "{\"shipping\": {\"weight\": %d}}", number_in(path, "/detail/") * 2);
        return;
    }
    if (key == NULL || strcmp(key, "Bearer 123") != 0) {
        reply->status = 401;
        return;
    }
    found = strstr(tw_bytes_data(tw_request_body(request)), "\"page\": ");
    page = found == NULL ? 1 : atoi(found + 8);
    say(reply, "{\"hits\": [");
    for (i = 0; i < 3; i++)
        say(reply, "%s{\"id\": %d, \"name\": \"Wool %d\", \"detail_url\": \"/detail/%d\"}",
            i > 0 ? ", " : "", page * 3 + i, page * 3 + i, page * 3 + i);
    say(reply, "], \"next_page\": %s%d%s}", page < 12 ? "" : "null, \"was\": ", page + 1, "");
}

static void rules_site(struct reply *reply, const char *path, const char *query)
{
    int number = number_in(query, "n="), i;

    if (strcmp(path, "/item.php") == 0) {
        say(reply,
            "<table><td id=item_id>ID: %d</td><td id=item_name>Item %d</td>"
            "<td id=item_description>All <i>about</i> %d</td></table>",
            number, number, number);
    } else if (strcmp(path, "/category.php") == 0) {
        for (i = 0; i < 4; i++)
            say(reply, "<a href=/item.php?n=%d>i</a>", number * 4 + i);
        say(reply, "<a href=/category.php?n=%d>c</a><a href=/subsection.php>s</a>",
            (number + 1) % 10);
    } else {
        say(reply, "<a href=/category.php?n=0>c</a><a href=/other.php>o</a>");
    }
}

/* --- serving ------------------------------------------------------------------------------- */

static void site_reply(tw_request *request, struct reply *reply)
{
    const char *host = tw_request_header(request, "Host"), *path = tw_request_path(request);

    if (strcmp(host, "shop.example") == 0)
        shop_site(reply, path);
    else if (strcmp(path, "/robots.txt") == 0)
        reply->status = 404;
    else if (strcmp(host, "quotes.example") == 0)
        quotes_site(reply, path);
    else if (strcmp(host, "books.example") == 0)
        books_site(reply, path);
    else if (strcmp(host, "members.example") == 0)
        members_site(reply, path, request);
    else if (strcmp(host, "api.example") == 0)
        api_site(reply, path, request);
    else
        rules_site(reply, path, tw_request_query(request));
}

static double delay;

static tw_value site_answer(tw_request *request, void *arg)
{
    struct reply *reply = calloc(1, sizeof *reply);

    (void)arg;
    if (reply == NULL)
        return tw_fail_memory();
    reply->status = 200;
    reply->type = "text/html";
    site_reply(request, reply);
    if (delay > 0)
        tw_await(tw_defer_later(NULL, delay, NULL, NULL));
    if (reply->header != NULL) {
        tw_request_set_header(request, reply->header, reply->value);
        tw_request_set_header(request, "Location", "/");
    }
    tw_request_answer(request, reply->status, reply->type,
                      tw_bytes(reply->text, reply->length));
    free(reply);
    return tw_none();
}

static tw_value answer_body(void *request)
{
    return site_answer(request, NULL);
}

static tw_value site_handle(tw_request *request, void *arg)
{
    (void)arg;
    return tw_wait(tw_inline_callbacks(answer_body, request));
}

static void read_input(int fd, void *arg)
{
    char buffer[100];

    (void)arg;
    if (read(fd, buffer, sizeof buffer) <= 0)
        tw_reactor_stop();
}

int main(int argc, char **argv)
{
    struct tw_listen_options options = { .address = "127.0.0.1" };
    tw_site *site = tw_site_new(NULL);
    tw_listener *listener;

    delay = argc > 1 ? atof(argv[1]) / 1000 : 0;
    if (tw_site_handle(site, "/", site_handle, NULL, NULL) < 0 ||
        tw_site_listen(site, &options, &listener, NULL) < 0)
        return 1;
    printf("%u\n", (unsigned)tw_listener_port(listener));
    fflush(stdout);
    tw_reactor_add_reader(STDIN_FILENO, read_input, NULL);
    return tw_reactor_run() < 0;
}
