/* SPDX-License-Identifier: MIT */
/*
 * go.c - a page's visits: resolved, keyed, admitted, gathered; and fetches that it waits for.
 *
 * A visit is made on the thread's own stack, but asked about on the coroutine's: whoever admits it
 * may await.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <tweed/coroutine.h>

#include "spider/crawl/follow.h"

/* --- what is asked for --------------------------------------------------------------------- */

/* The name of a function; NULL with *ret_fails: it has none, and the page fails. */
static const char *function_name(tw_page *page, tw_page_callback *function, const char *what,
                                 bool *ret_fails)
{
    const struct twi_pages *pages = page->pages;
    const char *name = NULL;

    if (function == NULL)
        return NULL;
    if (pages->ops.callback_name != NULL)
        name = pages->ops.callback_name(function, pages->options.arg);
    if (name == NULL) {
        page_fail(
            page,
            tw_fail(&tw_error_misuse,
                    "on %s a visit has %s that is not one of the spider's callbacks: add "
                    "TW_CALLBACK(function) to .callbacks",
                    page->url, what));
        *ret_fails = true;
    }
    return name;
}

static bool page_is_trusted(const tw_page *page)
{
    return strncmp(page->url, "start:", 6) == 0 || strncmp(page->url, "file:", 5) == 0 ||
           strncmp(page->url, "data:", 5) == 0;
}

static bool fields_given(const struct tw_field *fields)
{
    return fields != NULL && fields->name != NULL;
}

static bool is_get(const struct tw_visit *asked)
{
    return asked->method != NULL && strcasecmp(asked->method, "GET") == 0;
}

/* Bytes of a value, in the scratch arena; NULL: out of memory. The value is taken. */
static const char *scratch_bytes(tw_page *page, tw_value bytes, size_t *ret_length)
{
    const char *copy = NULL;

    *ret_length = tw_bytes_length(bytes);
    if (!tw_is_failure(bytes))
        copy = twi_arena_copy(&page->pages->scratch, tw_bytes_data(bytes), *ret_length);
    if (copy == NULL)
        page_fail_memory(page);
    tw_release(bytes);
    return copy;
}

static bool info_set_body(tw_page *page, const struct follow_wish *wish,
                          struct twi_visit_info *info)
{
    const struct tw_visit *asked = &wish->asked;

    if (asked->form != NULL && !is_get(asked)) {
        info->content_type = "application/x-www-form-urlencoded";
        info->body = scratch_bytes(page, tw_form_encode(asked->form), &info->body_length);
        return info->body != NULL;
    }
    if (asked->json != NULL) {
        info->content_type = "application/json";
        info->body = asked->json;
        info->body_length = strlen(asked->json);
    } else if (asked->body != NULL) {
        info->content_type = wish->content_type;
        info->body = asked->body;
        info->body_length = asked->body_length;
    }
    return true;
}

/* A method that goes without saying is not said, so that each visit has one form. */
static void info_set_method(const struct tw_visit *asked, struct twi_visit_info *info)
{
    const char *otherwise = twi_visit_method(info);

    if (asked->method != NULL && strcasecmp(asked->method, otherwise) != 0)
        info->method = asked->method;
}

static bool info_fill(tw_page *page, const struct follow_wish *wish,
                      struct twi_visit_info *info)
{
    const struct tw_visit *asked = &wish->asked;
    bool fails = false;
    const char *name = function_name(page, asked->callback, "a callback", &fails);

    if (name != NULL && *name != 0)
        info->callback = name;
    info->errback = function_name(page, asked->errback, "an errback", &fails);
    if (fails || !info_set_body(page, wish, info))
        return false;
    info_set_method(asked, info);
    info->headers = fields_given(asked->headers) ? asked->headers : NULL;
    info->meta = fields_given(asked->meta) ? asked->meta : NULL;
    info->item = asked->item != NULL ? asked->item->fields.object : NULL;
    info->jar = asked->jar;
    info->proxy = asked->proxy;
    info->again = asked->again;
    info->any_status = asked->any_status;
    info->has_rules = wish->has_rules;
    info->is_trusted = page_is_trusted(page);
    if (page->pages->options.keeps_referer && strncmp(page->url, "http", 4) == 0)
        info->referer = page->url;
    return true;
}

/* --- seen by the page itself --------------------------------------------------------------- */

static uint64_t *visit_key_place(const tw_page *page, uint64_t key)
{
    size_t mask = page->visit_keys_room - 1, at = (size_t)key & mask;

    while (page->visit_keys[at] != 0 && page->visit_keys[at] != key)
        at = (at + 1) & mask;
    return &page->visit_keys[at];
}

static bool visit_keys_have(const tw_page *page, uint64_t key)
{
    return page->visit_keys_room > 0 && *visit_key_place(page, key) != 0;
}

static bool visit_keys_grow(tw_page *page)
{
    uint64_t *old = page->visit_keys;
    size_t old_room = page->visit_keys_room, room = old_room > 0 ? old_room * 2 : 64;
    uint64_t *keys = twi_arena_zeroed(&page->arena, room * sizeof *keys);

    if (keys == NULL)
        return false;
    page->visit_keys = keys;
    page->visit_keys_room = room;
    for (size_t i = 0; i < old_room; i++)
        if (old[i] != 0)
            *visit_key_place(page, old[i]) = old[i];
    return true;
}

static bool visit_keys_add(tw_page *page, uint64_t key)
{
    if (page->visit_keys_count * 2 >= page->visit_keys_room && !visit_keys_grow(page))
        return false;
    *visit_key_place(page, key) = key;
    page->visit_keys_count++;
    return true;
}

/* --- making -------------------------------------------------------------------------------- */

struct visit_making {
    tw_page *page;
    const struct follow_wish *wish;
    bool is_fetch;
    struct twi_visit_info info;
    struct tw_url *url;      /* to be released */
    struct twi_visit *visit; /* in the page; NULL: see `result` */
    int result;              /* 1: made; else as tw_visit() */
};

/* The info has nothing in it but what all plain links of the page have. */
static bool has_plain_info(const struct twi_visit_info *info)
{
    return info->errback == NULL && info->method == NULL && info->headers == NULL &&
           info->meta == NULL && info->body == NULL && info->item == NULL &&
           info->jar == NULL && info->proxy == NULL && !info->again && !info->any_status;
}

/* Parts that visits from one page share are there once. */
static void visit_share(tw_page *page, const struct twi_visit_info *info,
                        struct twi_visit *visit)
{
    visit->origin = page->last_origin;
    if (has_plain_info(info) && page->last_info.text != NULL &&
        page->last_info.callback == info->callback &&
        page->last_info.has_rules == info->has_rules)
        visit->info = page->last_info.text;
}

static void visit_keep_shared(tw_page *page, const struct twi_visit_info *info,
                              const struct twi_visit *visit, const struct tw_url *url)
{
    page->last_origin = visit->origin;
    if (!has_plain_info(info) || visit->info == NULL || *url->username != 0 ||
        *url->password != 0)
        return;
    page->last_info.callback = info->callback;
    page->last_info.has_rules = info->has_rules;
    page->last_info.text = visit->info;
}

static int cut_priority(int priority)
{
    return priority < -128 ? -128 : priority > 127 ? 127 : priority;
}

static int making_put(struct visit_making *making, const struct tw_url *url)
{
    tw_page *page = making->page, *home = page_outermost(page);
    struct twi_arena *scratch = &page->pages->scratch;
    struct twi_visit *visit;
    uint64_t key = 0;
    int r = twi_visit_find_key(scratch, page->pages->options.keys, url, &making->info, &key);

    if (r < 0)
        return r;
    if (!making->is_fetch && !making->info.again && visit_keys_have(home, key))
        return 0;
    visit = twi_arena_zeroed(&page->arena, sizeof *visit);
    if (visit == NULL)
        return -ENOMEM;
    visit->key = key;
    visit->parent = home->id;
    visit->depth = home->depth + 1;
    visit->priority = cut_priority(making->wish->asked.priority);
    visit_share(page, &making->info, visit);
    r = twi_visit_make(&page->arena, scratch, page->pages->options.keys, url, &making->info,
                       visit);
    if (r < 0)
        return r;
    visit_keep_shared(page, &making->info, visit, url);
    making->visit = visit;
    return 1;
}

/* The URL as it is asked for, with its parameters; NULL: none, or out of memory. */
static struct tw_url *making_url(struct visit_making *making)
{
    const struct tw_visit *asked = &making->wish->asked;
    const struct tw_field *params = asked->params;
    struct twi_span text = { asked->url, 0 };

    if (asked->url == NULL)
        return NULL;
    text.length = strlen(text.text);
    if (params == NULL && asked->form != NULL && is_get(asked))
        params = asked->form;
    if (fields_given(params))
        text.text = scratch_bytes(making->page, tw_form_url(asked->url, params), &text.length);
    return text.text != NULL ? page_parse_url(making->page, text) : NULL;
}

static void visit_make_at_home(void *arg)
{
    struct visit_making *making = arg;
    tw_page *page = making->page;

    making->url = making_url(making);
    if (making->url != NULL && info_fill(page, making->wish, &making->info))
        making->result = making_put(making, making->url);
    if (page_is_out_of_memory(page) || making->result == -ENOMEM) {
        page_fail_memory(page);
        making->result = -ENOMEM;
        making->visit = NULL;
    }
    page_end_scratch(page);
}

static struct visit_making visit_made(tw_page *page, const struct follow_wish *wish,
                                      bool is_fetch)
{
    struct visit_making making = {
        .page = page, .wish = wish, .is_fetch = is_fetch, .result = -EINVAL
    };

    tw_call_home(visit_make_at_home, &making);
    return making;
}

/* --- gathering ----------------------------------------------------------------------------- */

static int visit_gather(tw_page *home, struct twi_visit *visit)
{
    size_t info = visit->info != NULL ? strlen(visit->info) : 0;
    size_t most = home->pages->options.max_visits;

    if (home->outcome.visit_count == most) {
        page_fail(home, tw_fail(&tw_error_toolarge, "%s leads to more than %zu pages",
                                home->url, most));
        return -E2BIG;
    }
    if (!page_take_size(home, sizeof *visit + strlen(visit->path) + info))
        return -E2BIG;
    if (!visit->again && !visit_keys_add(home, visit->key)) {
        page_fail_memory(home);
        return -ENOMEM;
    }
    *home->visits_end = visit;
    home->visits_end = &visit->next;
    home->outcome.visit_count++;
    return 1;
}

int page_go(tw_page *page, const struct follow_wish *wish)
{
    tw_page *home = page_outermost(page);
    struct visit_making making;
    int r = 1;

    if (home->is_closed)
        return -ECANCELED;
    making = visit_made(page, wish, false);
    if (making.visit == NULL)
        r = making.result;
    else if (page->pages->ops.admit != NULL)
        r = page->pages->ops.admit(home, making.visit, making.url, &wish->asked,
                                   page->pages->options.arg);
    tw_url_free(making.url);
    return making.visit != NULL && r == 1 ? visit_gather(home, making.visit) : r;
}

int tw_visit_with(tw_page *page, const struct tw_visit *visit)
{
    struct follow_wish wish = { .has_rules = false };

    if (page == NULL || visit == NULL)
        return -EINVAL;
    wish.asked = *visit;
    return page_go(page, &wish);
}

/* --- fetches ------------------------------------------------------------------------------- */

static tw_page *page_in_place(tw_page *page, const char *url, tw_value failure)
{
    const struct twi_page_source source = {
        .url = url != NULL ? url : "", .failure = failure, .depth = page->depth, .outer = page
    };
    tw_page *made = twi_page_new(page->pages, &source);

    if (made == NULL)
        page_fail_memory(page);
    return made != NULL ? made : page->pages->nothing;
}

tw_page *tw_fetch_with(tw_page *page, const struct tw_visit *visit)
{
    struct follow_wish wish = { .has_rules = false };
    struct visit_making making;
    struct twi_visit_info info;
    tw_page *made = NULL;

    if (page == NULL || visit == NULL)
        return page;
    wish.asked = *visit;
    wish.asked.callback = wish.asked.errback = NULL;
    wish.asked.priority = 0;
    wish.asked.again = false;
    making = visit_made(page, &wish, true);
    tw_url_free(making.url);
    if (making.visit == NULL)
        return page_in_place(page, visit->url,
                             tw_fail(&tw_error_url, "no URL that can be fetched: %.500s",
                                     visit->url != NULL ? visit->url : "NULL"));
    /* The answer's page keeps its info, which must outlive this call. */
    if (twi_visit_read(&page->arena, making.visit->info, &info) < 0) {
        page_fail_memory(page);
        return page_in_place(page, visit->url, tw_fail_memory());
    }
    if (page->pages->ops.fetch == NULL)
        return page_in_place(page, visit->url,
                             tw_fail(&tw_error_misuse, "nothing is fetched here"));
    made = page->pages->ops.fetch(page, making.visit, &info, page->pages->options.arg);
    if (made == NULL)
        page_fail_memory(page);
    return made != NULL ? made : page->pages->nothing;
}
