/* SPDX-License-Identifier: MIT */
/*
 * keep.c - cookies, files and flights on their way into the job.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/reactor.h>

#include "spider/crawl/keep.h"

static size_t keep_size(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

static const char *keep_put_text(char **at, const char *text)
{
    char *copy = *at;

    if (text == NULL)
        return NULL;
    memcpy(copy, text, keep_size(text));
    *at += keep_size(text);
    return copy;
}

/* --- cookies -------------------------------------------------------------------------------
 * */

int twi_keep_restore_cookie(tw_crawl *crawl, const struct twi_record_cookie *row)
{
    tw_cookies *jar = twi_jars_get(&crawl->jars, *row->jar == '\0' ? NULL : row->jar);

    if (jar == NULL)
        return -ENOMEM;
    return tw_cookies_load_line(jar, row->line) == -ENOMEM ? -ENOMEM : 0;
}

/* Without memory the change is not kept: a restart may have to log in again. */
static void cookie_changed(const char *jar, const char *key, const char *line, void *arg)
{
    tw_crawl *crawl = arg;
    struct twi_record_cookie *change = malloc(sizeof *change + keep_size(jar) +
                                              keep_size(key) + keep_size(line));
    char *at;

    if (change == NULL)
        return;
    at = (char *)(change + 1);
    change->jar = keep_put_text(&at, jar);
    change->name = keep_put_text(&at, key);
    change->line = keep_put_text(&at, line);
    change->next = NULL;
    *crawl->cookies_end = change;
    crawl->cookies_end = &change->next;
}

void twi_keep_watch_cookies(tw_crawl *crawl)
{
    crawl->cookies_end = &crawl->cookies;
    crawl->jars.changed = cookie_changed;
    crawl->jars.arg = crawl;
}

void twi_keep_attach(tw_crawl *crawl, struct twi_arena *arena, struct twi_record *record)
{
    struct twi_record_cookie **end = &record->cookies, *change;

    while ((change = crawl->cookies) != NULL) {
        struct twi_record_cookie *row = twi_arena_zeroed(arena, sizeof *row);
        if (row == NULL)
            return;
        row->jar = twi_arena_strdup(arena, change->jar);
        row->name = twi_arena_strdup(arena, change->name);
        row->line = change->line == NULL ? NULL : twi_arena_strdup(arena, change->line);
        if (arena->failed)
            return;
        *end = row;
        end = &row->next;
        crawl->cookies = change->next;
        free(change);
    }
    crawl->cookies_end = &crawl->cookies;
}

/* --- files ---------------------------------------------------------------------------------
 * */

static void file_name(uint64_t key, char name[17])
{
    snprintf(name, 17, "%016" PRIx64, key);
}

int twi_keep_file(tw_crawl *crawl, const struct twi_record_file *row)
{
    struct twi_record_file *copy = malloc(sizeof *copy + keep_size(row->path) +
                                          keep_size(row->sha256) + keep_size(row->etag) +
                                          keep_size(row->modified));
    char name[17], *at;
    void **place;

    file_name(row->key, name);
    place = copy == NULL ? NULL : twi_names_at(&crawl->files, name);
    if (place == NULL) {
        free(copy);
        return -ENOMEM;
    }
    at = (char *)(copy + 1);
    *copy = *row;
    copy->path = keep_put_text(&at, row->path);
    copy->sha256 = keep_put_text(&at, row->sha256);
    copy->etag = keep_put_text(&at, row->etag);
    copy->modified = keep_put_text(&at, row->modified);
    copy->next = *place; /* somebody may still look at the one before */
    *place = copy;
    return 0;
}

const struct twi_record_file *twi_keep_find_file(const tw_crawl *crawl, uint64_t key)
{
    char name[17];

    file_name(key, name);
    return twi_names_get(&crawl->files, name);
}

/* --- flights -------------------------------------------------------------------------------
 * */

static void flight_stop(tw_crawl *crawl)
{
    if (crawl->flying != 0 && crawl->state < TWI_CRAWL_CLOSING)
        crawl->frontier->ops->flight(crawl->frontier, crawl->flying, false);
    crawl->flying = 0;
}

/* In the turn after: the callback awaits, so that another one may run. */
static void flight_awaits(void *arg)
{
    tw_crawl *crawl = arg;

    crawl->is_flight_due = false;
    flight_stop(crawl);
    twi_crawl_unref(crawl);
}

void twi_keep_flight_begin(tw_crawl *crawl, int64_t id)
{
    flight_stop(crawl);
    crawl->flying = id;
    crawl->frontier->ops->flight(crawl->frontier, id, true);
    if (crawl->is_flight_due || tw_call_soon(flight_awaits, crawl) < 0)
        return;
    crawl->is_flight_due = true;
    twi_crawl_ref(crawl);
}

void twi_keep_flight_end(tw_crawl *crawl, int64_t id)
{
    if (crawl->flying == id)
        flight_stop(crawl);
}

/* --- all of it -----------------------------------------------------------------------------
 * */

static void files_free(struct twi_names *files)
{
    size_t i;

    for (i = 0; i < files->size; i++) {
        struct twi_record_file *file = files->slots[i].value, *next;
        for (; file != NULL; file = next) {
            next = file->next;
            free(file);
        }
    }
    twi_names_free(files);
}

void twi_keep_free(tw_crawl *crawl)
{
    struct twi_record_cookie *change;

    while ((change = crawl->cookies) != NULL) {
        crawl->cookies = change->next;
        free(change);
    }
    files_free(&crawl->files);
}
