/* SPDX-License-Identifier: MIT */
/*
 * extension.h - the hooks of a spider's extensions, called in their order.
 */
#ifndef SPIDER_CRAWL_EXTENSION_H
#define SPIDER_CRAWL_EXTENSION_H

#include <tweed/spider.h>

enum { TWI_EXTENSIONS = sizeof(((tw_spider *)NULL)->extensions) / sizeof(tw_extension *) };

struct twi_hooks {
    tw_crawl *crawl;
    const tw_extension *const *extensions; /* the spider's */
    void *states[TWI_EXTENSIONS];
    size_t count; /* those that are open */
    bool sees_requests, sees_visits, sees_items, sees_idle;
};

/* The verdict of a hook or a pipeline, once it is known: none, or a failure, owned. Awaits. */
tw_value twi_awaited(tw_value returned);

/* Open them; if one fails, those before it are closed. Awaits; returns none or the failure,
 * owned, as all of these. */
tw_value twi_hooks_open(struct twi_hooks *hooks, tw_crawl *crawl, const tw_spider *spider);
tw_value twi_hooks_close(struct twi_hooks *hooks, const char *why);
/* Must not await. */
tw_value twi_hooks_visit(struct twi_hooks *hooks, tw_page *page, const char *url,
                         const struct tw_visit *visit);
tw_value twi_hooks_request(struct twi_hooks *hooks, tw_page *page,
                           struct tw_fetch_options *options);
tw_value twi_hooks_page(struct twi_hooks *hooks, tw_page *page);
tw_value twi_hooks_item(struct twi_hooks *hooks, tw_item *item);
tw_value twi_hooks_idle(struct twi_hooks *hooks, tw_page *page);
void twi_hooks_dropped(struct twi_hooks *hooks, tw_item *item, tw_value why);
void twi_hooks_failed(struct twi_hooks *hooks, tw_page *page, tw_value why);
void twi_hooks_committed(struct twi_hooks *hooks, int64_t pages, int64_t items);

#endif
