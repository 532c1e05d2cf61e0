/* SPDX-License-Identifier: MIT */
/*
 * pages.h - pages made from bytes, and a spider's side that only takes notes.
 */
#ifndef TESTS_PAGES_H
#define TESTS_PAGES_H

#include <errno.h>
#include <string.h>

#include "spider/crawl/page.h"
#include "tests/test.h"

/* Functions that visits lead to, and one that is not in the table. */
static inline void pages_parse(tw_page *page)
{
    (void)page;
}
static inline void pages_detail(tw_page *page)
{
    tw_page_depth(page);
}
static inline void pages_unknown(tw_page *page)
{
    tw_page_status(page);
}
static inline const char *pages_name(tw_page_callback *callback, void *arg)
{
    (void)arg;
    return callback == pages_parse ? "" : callback == pages_detail ? "detail" : NULL;
}

/* A URL with "offsite" in it is offsite, with "deep" too deep, with "seen" has been seen. */
static inline int pages_admit(tw_page *page, const struct twi_visit *visit,
                              const struct tw_url *url, const struct tw_visit *asked,
                              void *arg)
{
    (void)page;
    (void)url;
    (void)asked;
    (void)arg;
    if (strstr(visit->origin, "offsite") != NULL)
        return -EXDEV;
    if (strstr(visit->path, "deep") != NULL)
        return -ELOOP;
    return strstr(visit->path, "seen") == NULL;
}

static inline const char *pages_argument(const char *name, void *arg)
{
    (void)arg;
    return strcmp(name, "user") == 0 ? "me & you" : NULL;
}

static const struct twi_page_ops pages_ops = { .admit = pages_admit,
                                               .callback_name = pages_name,
                                               .argument = pages_argument };

/* The crawl's part; `options` may be NULL. */
static inline struct twi_pages *pages_begin(const struct twi_pages_options *options)
{
    const struct twi_pages_options none = { .ops = &pages_ops, .keys = { 1, 2 } };

    return test_given(twi_pages_new(options != NULL ? options : &none));
}

/* A page with a type, which may be NULL, and a body. */
static inline tw_page *pages_make(struct twi_pages *pages, const char *url, const char *type,
                                  const char *body, size_t length)
{
    tw_headers *headers = test_given(tw_headers_new());
    struct twi_page_source source = { .id = 7,
                                      .url = url,
                                      .status = 200,
                                      .headers = headers,
                                      .depth = 3,
                                      .body = tw_bytes(body, length) };

    source.keep = tw_box(headers, (tw_release_fn *)tw_headers_free);
    ck_assert(!tw_is_failure(source.keep));
    if (type != NULL)
        ck_assert_int_eq(tw_headers_add(headers, "Content-Type", type), 0);
    return test_given(twi_page_new(pages, &source));
}

static inline tw_page *pages_html(struct twi_pages *pages, const char *body)
{
    return pages_make(pages, "http://site.example/dir/page", "text/html; charset=utf-8", body,
                      strlen(body));
}

static inline tw_page *pages_json(struct twi_pages *pages, const char *body)
{
    return pages_make(pages, "http://site.example/api", "application/json", body,
                      strlen(body));
}

static inline bool pages_failed_with(tw_page *page, const tw_error_class *error_class)
{
    return tw_failure_is(twi_page_outcome(page)->failure, error_class);
}

#endif
