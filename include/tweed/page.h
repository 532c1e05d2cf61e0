/* SPDX-License-Identifier: MIT */
/*
 * page.h - a fetched page: find things in it, make items, go on from it.
 *
 * A spider's callback (spider.h) is given a page and reads it. Items that it emits and visits that
 * it asks for gather in the page, and count once the callback has returned, all or none.
 *
 *     static void parse(tw_page *page)
 *     {
 *         TW_CSS_EACH (quote, page, "div.quote") {
 *             tw_item *item = tw_item_new(page);
 *             tw_item_css(item, "text", quote, "span.text::text");
 *             tw_item_css(item, "tags", quote, "a.tag::text |> all");
 *             tw_emit(item);
 *         }
 *         tw_follow(page, "li.next a", NULL);
 *     }
 *
 * Nodes, texts, items and other pages that come from a page live as long as it does: until it is
 * committed. Nothing is to be freed. Texts are UTF-8 and end with a NUL. Nothing found is
 * NULL, and NULL may be given on: a field that is set to it is null, a visit to it goes nowhere. A
 * page that could not be fetched has status 0 and finds nothing, so programs need no checks.
 *
 * The first thing that goes wrong becomes the page's verdict: it counts as failed, and what it
 * emitted and followed is dropped. Out of memory is such a thing (tw_error_memory; a page may take
 * 256 MiB), so is an outcome that is too large (tw_error_toolarge: 64 MiB or 100,000 visits).
 *
 * A page belongs to the thread of its crawl.
 */
#ifndef TWEED_PAGE_H
#define TWEED_PAGE_H

#include <stdlib.h>

#include <tweed/failure.h>
#include <tweed/form.h>
#include <tweed/value.h>

TW_BEGIN

typedef struct tw_crawl tw_crawl; /* a spider at work: spider.h */
typedef struct tw_page tw_page;
typedef struct tw_node tw_node; /* an element, attribute, text or JSON value of a page */
typedef struct tw_item tw_item; /* names and values, in order */

/* Reads a page. It runs in a coroutine and may await anything. */
typedef void tw_page_callback(tw_page *page);

/*   tw_error_selector   [selector] a query that is wrong, or took too many steps; no such form
 *   tw_error_drop       [drop] an item is not wanted: a pipeline's failure that is no error
 *   tw_error_offsite    [offsite] a URL is not of the spider's domains
 *   tw_error_robots     [robots] robots.txt forbids it */
TW_API extern const tw_error_class tw_error_selector, tw_error_drop, tw_error_offsite,
    tw_error_robots;

/* --- a page ------------------------------------------------------------------------------- */

TW_API const char *tw_page_url(const tw_page *page);
TW_API int tw_page_status(const tw_page *page); /* of HTTP; 0: the fetch failed */
/* The first field of that name; NULL: none. */
TW_API const char *tw_page_header(const tw_page *page, const char *name);
/* Bytes as they came, content codings undone; lent. None if the fetch failed. */
TW_API tw_value tw_page_body(const tw_page *page);
/* The body in UTF-8, its charset told by byte order mark, header, <meta> or guess; never NULL. */
TW_API const char *tw_page_text(tw_page *page);
/* How many links lead to it from a start. */
TW_API unsigned tw_page_depth(const tw_page *page);
/* The value that struct tw_visit.meta gave along; NULL: nothing of that name. */
TW_API const char *tw_page_meta(const tw_page *page, const char *name);
/* The item that came along, the same at each call; NULL: none did. */
TW_API tw_item *tw_page_item(tw_page *page);
/* Why there is no page, or why it counts as failed; none; lent. */
TW_API tw_value tw_page_failure(const tw_page *page);
TW_API tw_crawl *tw_page_crawl(const tw_page *page);
/* A URL as it stands in the page, made absolute by <base>, or by the page's URL, in the page's
 * charset; NULL: it is none. */
TW_API const char *tw_page_absolute(tw_page *page, const char *href);

/* Verdicts; the first one stands. `failure` is taken. A failed page is kept for `tweed resume
 * --failed`; of a page that tw_fetch() gave, the page that fetched it fails. */
TW_API void tw_page_fail(tw_page *page, tw_value failure);
/* Fetch the page again, in `after_seconds` (negative: as the settings say), at most `max_retries`
 * times in all; else it fails. `why` is for the log; NULL is allowed. */
TW_API void tw_page_retry(tw_page *page, double after_seconds, const char *why);

/* What -a name=value said on the command line; NULL: nothing. */
TW_API const char *tw_argument(const tw_page *page, const char *name);
/* The text as JSON, with its quotes; "null" for NULL. */
TW_API const char *tw_json_quote(tw_page *page, const char *text);
/* printf into a text of the page's. NULL: out of memory. */
TW_API const char *tw_format(tw_page *page, const char *format, ...) TW_PRINTF(2, 3);

/* --- finding things ----------------------------------------------------------------------- */

/*
 * A query is a selector and filters. `in` is a page or a node; a node's queries look below it, at
 * itself too. Selectors are
 *   CSS     Selectors Level 4 as far as a document without user or script can say, ::text,
 *           ::attr(name), :contains("text")
 *   XPath   1.0 with has-class() and EXSLT's re: and set:
 *   JSON    a pointer (RFC 6901), "/hits/0/name". A page that is no JSON fails
 *           (tw_error_protocol); a node whose text is none, unlike that of some <script>,
 *           finds nothing. null counts as nothing.
 * An element's text is its markup, an attribute's its value, a list's or an object's JSON.
 *
 * Filters follow, each behind "|>", and change each value in turn; a selector may be missing in
 * front of them: then the node itself is meant.
 *   first          only the first: as it is anyway where one value is wanted
 *   all            all of them, as a list
 *   text           of an element all text below it
 *   strip          without white space around it; nothing left is no value
 *   join('x')      all of them as one text, 'x' between
 *   re('p')        the matches of the expression p (PCRE2, Python's forms too): its groups, if
 *                  it has some; of a group named "extract" only that, of the first match
 *   number         the first number of the text: "EUR 1,234.50", "1.234,50", "1 234,5" are such.
 *                  Where both "," and "." occur the last is the decimal mark; one "." is; one
 *                  "," is, too, but not in front of exactly three digits. number(',') says that
 *                  the mark is ","
 *   integer        the first whole number: "," and "." in front of three digits part groups
 *   url            absolute; of an element that of its href, src or action. None: no value
 *   lower          in lower case
 *   date           as ISO 8601: ISO 8601 itself, RFC 1123, "12 March 2024", "March 12, 2024 10:15",
 *                  "12.03.2024"; anything else (12/03/2024) is no value
 *   default('x')   this text, or a number, where there is no value
 *   html           of an element its markup
 * Texts are quoted by ' or ", a backslash takes the quote along. A query is compiled once for many
 * pages; one that is wrong fails the page with tw_error_selector, which names the place, and finds
 * nothing.
 */
#define tw_css_get(in, css) tw_node_get(TW_NODE(in), TW_CSS, (css))
#define tw_xpath_get(in, xpath) tw_node_get(TW_NODE(in), TW_XPATH, (xpath))
#define tw_json_get(in, pointer) tw_node_get(TW_NODE(in), TW_JSON, (pointer))
#define tw_css_has(in, css) (tw_node_first(TW_NODE(in), TW_CSS, (css)) != NULL)
#define tw_xpath_has(in, xpath) (tw_node_first(TW_NODE(in), TW_XPATH, (xpath)) != NULL)
#define tw_json_has(in, pointer) (tw_node_first(TW_NODE(in), TW_JSON, (pointer)) != NULL)
/* A loop over all that is found, in document order, `node` being a tw_node * of the loop's own:
 * TW_CSS_EACH (row, page, "table tr") { ... }. Of a JSON list its values. */
#define TW_CSS_EACH(node, in, css) TW_EACH_(node, in, TW_CSS, css)
#define TW_XPATH_EACH(node, in, xpath) TW_EACH_(node, in, TW_XPATH, xpath)
#define TW_JSON_EACH(node, in, pointer) TW_EACH_(node, in, TW_JSON, pointer)

enum tw_language { TW_CSS, TW_XPATH, TW_JSON };
struct tw_found {
    tw_node **nodes;
    size_t count, at;
};
/* The page as a node: its root element, or its JSON value. Never NULL. */
TW_API tw_node *tw_page_root(tw_page *page);
TW_API tw_node *tw_node_self(tw_node *node);
/* In each, `in` NULL finds nothing. */
TW_API struct tw_found tw_node_all(tw_node *in, enum tw_language language, const char *query);
TW_API tw_node *tw_node_first(tw_node *in, enum tw_language language, const char *query);
/* The text of the first; NULL: nothing is found. */
TW_API const char *tw_node_get(tw_node *in, enum tw_language language, const char *query);
/* Of an element all text below it; of others their text. Never NULL. */
TW_API const char *tw_node_text(tw_node *node);
/* NULL: it has none of that name, or is no element. */
TW_API const char *tw_node_attribute(tw_node *node, const char *name);
/* Of an element its markup; of others their text. Never NULL. */
TW_API const char *tw_node_html(tw_node *node);
TW_API tw_page *tw_node_page(const tw_node *node);

/* clang-format off */
#define TW_EACH_(node, in, language, query) \
    for (struct tw_found node##_found = tw_node_all(TW_NODE(in), (language), (query)); \
         node##_found.at < node##_found.count; node##_found.at = node##_found.count) \
        for (tw_node *node; node##_found.at < node##_found.count && \
                            (node = node##_found.nodes[node##_found.at], true); \
             node##_found.at++)
/* clang-format on */

/* --- items -------------------------------------------------------------------------------- */

/* Never NULL: an item that there is no memory for takes fields and does nothing; its page has
 * failed. */
TW_API tw_item *tw_item_new(tw_page *page);
/* Set a field to what a query finds: a text, with "|> all" a list of texts, with "|> number" a
 * number, of JSON the value as it is; null if there is none. A field that is set again is replaced
 * in its place. */
#define tw_item_css(item, name, in, css) \
    tw_item_query((item), (name), TW_NODE(in), TW_CSS, (css))
#define tw_item_xpath(item, name, in, xpath) \
    tw_item_query((item), (name), TW_NODE(in), TW_XPATH, (xpath))
#define tw_item_json(item, name, in, pointer) \
    tw_item_query((item), (name), TW_NODE(in), TW_JSON, (pointer))
TW_API void tw_item_query(tw_item *item, const char *name, tw_node *in,
                          enum tw_language language, const char *query);
/* In C and C++ tw_item_set(item, name, value) takes a text (NULL is null), an integer, a double, a
 * bool or a tw_value (none, integer, double, bytes, list of these; taken; another fails the page).
 * A number that is not finite is null. In C `true` is an int: write (bool)true. */
TW_API void tw_item_set_text(tw_item *item, const char *name, const char *text);
TW_API void tw_item_set_integer(tw_item *item, const char *name, int64_t integer);
TW_API void tw_item_set_double(tw_item *item, const char *name, double real);
TW_API void tw_item_set_boolean(tw_item *item, const char *name, bool boolean);
TW_API void tw_item_set_value(tw_item *item, const char *name, tw_value value);
/* The field as text; of a list or an object JSON. NULL: there is none, or it is null. */
TW_API const char *tw_item_get(const tw_item *item, const char *name);
/* The field as a number, also that of a text that is one; not a number (NAN) if it is none, so that
 * every comparison is false. */
TW_API double tw_item_get_double(const tw_item *item, const char *name);
/* The whole item as a JSON object. */
TW_API const char *tw_item_text(const tw_item *item);
TW_API tw_page *tw_item_page(const tw_item *item);
/* The same at every attempt to read the page: the key for a store of your own. */
TW_API const char *tw_item_id(const tw_item *item);
/* Send the item, as it is now, on its way through the pipelines to the feeds. It may be changed
 * and emitted again: that is another item. */
TW_API void tw_emit(tw_item *item);

/* One field: its name, and where it is in one of the languages. A table ends with a NULL name. */
struct tw_extract {
    const char *name, *css, *xpath, *json;
    bool required; /* an item without it is dropped and counted (item_dropped_count) */
};
/* Emit an item for each match of `query` (CSS, or a JSON pointer, which begins with "/"; NULL:
 * the page is one), filled by the table. Returns how many were emitted. */
TW_API size_t tw_scrape(tw_page *page, const char *query, const struct tw_extract *table);

/* --- going on ----------------------------------------------------------------------------- */

/* Where to go. Everything is copied, and survives a restart. */
struct tw_visit {
    const char *url;            /* as for tw_page_absolute() */
    tw_page_callback *callback; /* NULL: the spider's parse; else one of its callbacks */
    tw_page_callback
        *errback;       /* gets a page that failed or has no success status; NULL: none */
    const char *method;         /* NULL: GET, or POST with a body */
    const struct tw_field *form;    /* a body of that kind */
    const struct tw_field *params;  /* for the query */
    const struct tw_field *headers; /* after the spider's own */
    const struct tw_field *meta;    /* for tw_page_meta() */
    const char *json;           /* a body of that type */
    const void *body;
    size_t body_length;
    const tw_item *item;        /* goes along as it is now: tw_page_item() */
    int priority;               /* higher first, -128 to 127; more is cut */
    const char *jar;            /* cookies kept apart under that name */
    const char *proxy;          /* in place of the setting's */
    bool again;                 /* even if it has been seen */
    bool any_status;            /* the callback wants 404s, too */
    bool end_;                  /* of the macros, so that compilers miss no fields */
};
/*
 * tw_visit(page, "/next", parse, .priority = 1): visit a URL once the callback has returned.
 * Returns 1, it will be visited; 0, it has been seen; or why it is not wanted:
 *   -EINVAL     no URL, or none of a scheme that can be fetched; a function that is not among the
 *               spider's callbacks, which also fails the page
 *   -EXDEV      not of the spider's domains
 *   -E2BIG      the URL is too long, or the page's outcome too large, which also fails it
 *   -ELOOP      too deep, or a trap's budget is used up
 *   -EPERM      an extension does not want it
 *   -ECANCELED  the callback has returned already (in a pipeline)
 *   -ENOMEM     the page fails
 * robots.txt is asked later.
 */
TW_API int tw_visit_with(tw_page *page, const struct tw_visit *visit);
/* Visit the URLs of all that a CSS query finds: of elements their href, src or action, else their
 * text. Returns how many are new. */
#define tw_follow(in, css, callback) tw_follow_from(TW_NODE(in), (css), (callback))
TW_API size_t tw_follow_from(tw_node *in, const char *css, tw_page_callback *callback);
/* tw_submit(page, "form#login", after, { "user", user }): send the form that `css` finds, or finds
 * a part of, as by its first button. Fields given replace the page's; a NULL value leaves one out.
 * Returns as tw_visit(); -ENOENT when there is no form, which fails the page. */
TW_API int tw_submit_with(tw_page *page, const char *css, tw_page_callback *callback,
                          const struct tw_field *fields);
/* Await another page as a part of this one, under the same manners. Never NULL. It is fetched again
 * if this page is. callback, errback, priority and again do not count. */
TW_API tw_page *tw_fetch_with(tw_page *page, const struct tw_visit *visit);

/* Which links, after Scrapy's LinkExtractor. All zero: every <a> and <area> that does not lead to a
 * known kind of file. Lists end with NULL. */
struct tw_links {
    const char *allow, *deny;         /* regular expressions on the absolute URL */
    const char *css, *deny_css;       /* only, not inside these elements */
    const char *xpath;                /* inside these, or those of `css` */
    const char *text;                 /* regular expression on the link's text */
    const char *const *extensions;    /* denied ones in place of ours; an empty list: none */
    const char *const *allow_domains; /* only these hosts, and what is below them */
    const char *const *deny_domains;
    const char *const *tags;  /* in place of a and area */
    const char *const *attrs; /* in place of href */
    bool nofollow;            /* obey rel=nofollow */
    bool canonical;           /* visit URLs in their canonical form */
};
/* Visit them. Returns how many are new. */
TW_API size_t tw_follow_links(tw_page *page, const struct tw_links *links,
                              tw_page_callback *callback);

TW_END

/* --- the same for every type -------------------------------------------------------------- */

/* In C tw_visit(), tw_fetch() and tw_submit() take the members as they come, and fields as lists.
 * In C++ the first two take a struct tw_visit, or a URL (and a callback); tw_submit_with() is for
 * the third. TW_FIELDS({ "Accept", "text/html" }) is an array of fields for a call. */

#ifdef __cplusplus
inline tw_node *TW_NODE(tw_page *page)
{
    return tw_page_root(page);
}
inline tw_node *TW_NODE(tw_node *node)
{
    return node;
}
inline int tw_visit(tw_page *page, const struct tw_visit &visit)
{
    return tw_visit_with(page, &visit);
}
inline int tw_visit(tw_page *page, const char *url, tw_page_callback *callback = nullptr)
{
    struct tw_visit visit = {};
    visit.url = url;
    visit.callback = callback;
    return tw_visit_with(page, &visit);
}
inline tw_page *tw_fetch(tw_page *page, const struct tw_visit &visit)
{
    return tw_fetch_with(page, &visit);
}
inline tw_page *tw_fetch(tw_page *page, const char *url)
{
    struct tw_visit visit = {};
    visit.url = url;
    return tw_fetch_with(page, &visit);
}
inline void tw_item_set(tw_item *item, const char *name, const char *text)
{
    tw_item_set_text(item, name, text);
}
inline void tw_item_set(tw_item *item, const char *name, decltype(nullptr))
{
    tw_item_set_text(item, name, nullptr);
}
inline void tw_item_set(tw_item *item, const char *name, bool boolean)
{
    tw_item_set_boolean(item, name, boolean);
}
inline void tw_item_set(tw_item *item, const char *name, int integer)
{
    tw_item_set_integer(item, name, integer);
}
inline void tw_item_set(tw_item *item, const char *name, unsigned integer)
{
    tw_item_set_integer(item, name, integer);
}
inline void tw_item_set(tw_item *item, const char *name, long integer)
{
    tw_item_set_integer(item, name, integer);
}
inline void tw_item_set(tw_item *item, const char *name, unsigned long integer)
{
    tw_item_set_integer(item, name, (int64_t)integer);
}
inline void tw_item_set(tw_item *item, const char *name, long long integer)
{
    tw_item_set_integer(item, name, integer);
}
inline void tw_item_set(tw_item *item, const char *name, unsigned long long integer)
{
    tw_item_set_integer(item, name, (int64_t)integer);
}
inline void tw_item_set(tw_item *item, const char *name, double real)
{
    tw_item_set_double(item, name, real);
}
inline void tw_item_set(tw_item *item, const char *name, tw_value value)
{
    tw_item_set_value(item, name, value);
}
#else
/* clang-format off */
#define TW_FIELDS(...) ((const struct tw_field[]){ __VA_ARGS__, { NULL, NULL } })
#define tw_visit(page, ...) \
    tw_visit_with((page), &(const struct tw_visit){ __VA_ARGS__, .end_ = false })
#define tw_fetch(page, ...) \
    tw_fetch_with((page), &(const struct tw_visit){ __VA_ARGS__, .end_ = false })
#define tw_submit(page, css, callback, ...) \
    tw_submit_with((page), (css), (callback), TW_FIELDS(__VA_ARGS__))
#define TW_NODE(in) _Generic((in), tw_page *: tw_page_root, tw_node *: tw_node_self)(in)
#define tw_item_set(item, name, value) \
    _Generic((value), \
        char *: tw_item_set_text, const char *: tw_item_set_text, void *: tw_item_set_text, \
        bool: tw_item_set_boolean, int: tw_item_set_integer, unsigned: tw_item_set_integer, \
        long: tw_item_set_integer, unsigned long: tw_item_set_integer, \
        long long: tw_item_set_integer, unsigned long long: tw_item_set_integer, \
        float: tw_item_set_double, double: tw_item_set_double, \
        tw_value: tw_item_set_value)((item), (name), (value))
/* clang-format on */
#endif

#endif
