/* SPDX-License-Identifier: MIT */
/*
 * extension.c - walks over the table of extensions; the first failure ends a walk.
 */
#include "config.h"

#include <string.h>

#include "spider/crawl/extension.h"

tw_value twi_awaited(tw_value returned)
{
    tw_value result;

    if (tw_is(returned, &tw_type_deferred)) {
        tw_value awaited = tw_await(tw_maybe_deferred(returned));
        result = tw_is_failure(awaited) ? tw_retain(awaited) : tw_none();
        tw_drop(&awaited);
        return result;
    }
    if (tw_is_failure(returned))
        return tw_take(returned);
    tw_release(returned);
    return tw_none();
}

tw_value twi_hooks_open(struct twi_hooks *hooks, tw_crawl *crawl, const tw_spider *spider)
{
    size_t i;

    memset(hooks, 0, sizeof *hooks);
    hooks->crawl = crawl;
    hooks->extensions = spider->extensions;
    for (i = 0; i < TWI_EXTENSIONS && spider->extensions[i] != NULL; i++) {
        const tw_extension *extension = spider->extensions[i];
        tw_value opened = tw_none();
        if (extension->open != NULL)
            opened = twi_awaited(extension->open(crawl, &hooks->states[i]));
        if (tw_is_failure(opened)) {
            tw_release(twi_hooks_close(hooks, "open_failed"));
            return opened;
        }
        hooks->count = i + 1;
        hooks->sees_requests |= extension->on_request != NULL;
        hooks->sees_visits |= extension->on_visit != NULL;
        hooks->sees_items |= extension->on_item != NULL;
        hooks->sees_idle |= extension->on_idle != NULL;
    }
    return tw_none();
}

tw_value twi_hooks_close(struct twi_hooks *hooks, const char *why)
{
    tw_value first = tw_none();

    while (hooks->count > 0) {
        size_t i = --hooks->count;
        tw_value closed;
        if (hooks->extensions[i]->close == NULL)
            continue;
        closed = twi_awaited(hooks->extensions[i]->close(hooks->crawl, why, hooks->states[i]));
        if (tw_is_none(first))
            first = closed;
        else
            tw_release(closed);
    }
    return first;
}

/* Call the hook `name` of each extension that has it, with these arguments and its state. */
#define HOOKS_WALK(hooks, name, ...)                                                        \
    do {                                                                                    \
        for (size_t i = 0; i < (hooks)->count; i++) {                                       \
            tw_value value_;                                                                \
            if ((hooks)->extensions[i]->name == NULL)                                       \
                continue;                                                                   \
            value_ = twi_awaited(                                                           \
                (hooks)->extensions[i]->name(__VA_ARGS__, (hooks)->states[i]));             \
            if (tw_is_failure(value_))                                                      \
                return value_;                                                              \
        }                                                                                   \
        return tw_none();                                                                   \
    } while (0)

tw_value twi_hooks_visit(struct twi_hooks *hooks, tw_page *page, const char *url,
                         const struct tw_visit *visit)
{
    HOOKS_WALK(hooks, on_visit, page, url, visit);
}

tw_value twi_hooks_request(struct twi_hooks *hooks, tw_page *page,
                           struct tw_fetch_options *options)
{
    HOOKS_WALK(hooks, on_request, page, options);
}

tw_value twi_hooks_page(struct twi_hooks *hooks, tw_page *page)
{
    HOOKS_WALK(hooks, on_page, page);
}

tw_value twi_hooks_item(struct twi_hooks *hooks, tw_item *item)
{
    HOOKS_WALK(hooks, on_item, item);
}

tw_value twi_hooks_idle(struct twi_hooks *hooks, tw_page *page)
{
    HOOKS_WALK(hooks, on_idle, page);
}

/* The same for hooks that return nothing. */
#define HOOKS_TELL(hooks, name, ...)                                                        \
    do {                                                                                    \
        for (size_t i = 0; i < (hooks)->count; i++)                                         \
            if ((hooks)->extensions[i]->name != NULL)                                       \
                (hooks)->extensions[i]->name(__VA_ARGS__, (hooks)->states[i]);              \
    } while (0)

void twi_hooks_dropped(struct twi_hooks *hooks, tw_item *item, tw_value why)
{
    HOOKS_TELL(hooks, on_dropped, item, why);
}

void twi_hooks_failed(struct twi_hooks *hooks, tw_page *page, tw_value why)
{
    HOOKS_TELL(hooks, on_failed, page, why);
}

void twi_hooks_committed(struct twi_hooks *hooks, int64_t pages, int64_t items)
{
    HOOKS_TELL(hooks, on_committed, hooks->crawl, pages, items);
}
