/* SPDX-License-Identifier: MIT */
/*
 * place.h - a visit in work, from its dispatch to the commit of its record; and a robots.txt
 * that is being fetched, which holds a slot of its host but no place.
 */
#ifndef SPIDER_CRAWL_PLACE_H
#define SPIDER_CRAWL_PLACE_H

#include "spider/crawl/engine.h"
#include "spider/crawl/page.h"
#include "spider/crawl/visit.h"

struct twi_place {
    struct twi_slot slot;
    tw_crawl *crawl;
    struct twi_list node;        /* crawl->places */
    struct twi_planned *planned; /* NULL: the seed, or a robots.txt */
    struct twi_arena arena;      /* what belongs to the visit and its record */
    const char *url;
    struct twi_visit_info info;
    int64_t id;
    tw_page *page;               /* from the answer on */
    tw_deferred *run;            /* the coroutine's */
    struct twi_fetched fetched;
    double begun;                /* when it was dispatched */

    struct twi_record record, part;
    unsigned records;            /* put and not yet acknowledged */
    size_t items;                /* in the record */
    bool has_ended;              /* the coroutine has */
    bool has_slot, has_place, is_cancelled;
    bool is_counted;             /* among those that have a record to come */

    struct twi_list piping;      /* in crawl->piping, while items are in pipelines */
    struct twi_visit *visits;    /* in the frontier, but in no record yet */
    double sent;                 /* when the request went out; 0: not yet */
    tw_semaphore *fetches;       /* sub-fetches; NULL: none was made */
};

/* An empty one; NULL: no memory. */
struct twi_place *twi_place_new(tw_crawl *crawl);
/* Of one that has not begun. */
void twi_place_free(struct twi_place *place);

/* Each begins work in a coroutine; the place frees itself. */
void twi_place_visit(struct twi_place *place, int64_t id);
void twi_place_robots(struct twi_place *place, struct twi_host *host);
/* The seed: an empty page. It is also that of the extensions when nothing is left. */
void twi_place_seed(struct twi_place *place);

/* --- for the steps of a visit ------------------------------------------------------------ */

/* Put the record that ends the visit. `note` lives as long as the place. */
void twi_place_put(struct twi_place *place, enum twi_record_kind kind, const char *note);
/* A text for a note. */
const char *twi_place_note(struct twi_place *place, const char *format, ...) TW_PRINTF(2, 3);
/* The answer has come whole, or none is needed. */
void twi_place_free_slot(struct twi_place *place);
/* The record will say what has been learned of the host's manners; its row, NULL: no memory. */
struct twi_record_host *twi_place_keep_manners(struct twi_place *place);
/* Tell the schedule how the fetch ended. */
void twi_place_tell_answer(struct twi_place *place, const struct twi_fetched *fetched);
/* The job is closed: what it has not acknowledged it never will. */
void twi_place_forget_records(struct twi_place *place);
/* The crawl ends at once: put nothing more. */
bool twi_place_is_over(const struct twi_place *place);

#endif
