/* SPDX-License-Identifier: MIT */
/*
 * cache.h - the inside of a cache: entries that are found, and writers that make new ones.
 *
 * A store, memory.c or folder.c, begins with a tw_cache and fills in the table. Above it nobody
 * knows which one it is.
 */
#ifndef WEB_CACHE_CACHE_H
#define WEB_CACHE_CACHE_H

#include <tweed/cache.h>
#include <tweed/url.h>

#include "base/map.h"
#include "web/cache/head.h"

/* A stored response; counted, stays readable when it has been removed or replaced. */
struct twi_cache_entry {
    unsigned references;
    const struct twi_cache_ops *ops;
    struct twi_cache_head head;
    int64_t length; /* of the body */
    tw_value bytes; /* the body; none: in a file */
};

/* A response that is being stored. */
struct twi_cache_writer {
    tw_cache *cache;
    struct twi_cache_head head;
    int64_t length; /* of the body so far */
};

struct twi_cache_ops {
    /* The stored response for a URL that may answer a request with these fields, or NULL. */
    struct twi_cache_entry *(*find)(tw_cache *cache, const char *url, const tw_headers *sent);
    void (*entry_free)(struct twi_cache_entry *entry);
    /* As twi_cache_read(), when `bytes` is none. */
    int64_t (*read)(struct twi_cache_entry *entry, int64_t offset, char *space, size_t size);
    struct twi_cache_writer *(*writer_new)(tw_cache *cache);
    int (*writer_add)(struct twi_cache_writer *writer, const char *data, size_t length);
    int (*writer_commit)(struct twi_cache_writer *writer);
    void (*writer_free)(struct twi_cache_writer *writer);
    /* The head of an entry has changed; 0 or a negative errno, and it is removed. */
    int (*updated)(tw_cache *cache, struct twi_cache_entry *entry);
    void (*remove_entry)(tw_cache *cache, struct twi_cache_entry *entry);
    void (*remove_url)(tw_cache *cache, const char *url);
    void (*clear)(tw_cache *cache);
    void (*free)(tw_cache *cache);
};

struct tw_cache {
    unsigned references;
    const struct twi_cache_ops *ops;
    int64_t max_bytes; /* INT64_MAX: no limit */
    struct tw_cache_counts counts;
    struct twi_map refreshing; /* keys that are validated in the background */
};

/* memory.c, folder.c: NULL with errno. */
tw_cache *twi_cache_memory_new(void);
tw_cache *twi_cache_folder_new(const char *path);

/* Milliseconds since 1970; on a reactor of virtual time, they pass as it does. */
int64_t twi_cache_now(void);
/* The text that stands for a page; NULL when there is no memory. */
char *twi_cache_key(const struct tw_url *url);

/* Owned, or NULL. */
struct twi_cache_entry *twi_cache_find(tw_cache *cache, const char *url,
                                       const tw_headers *sent);
struct twi_cache_entry *twi_cache_entry_ref(struct twi_cache_entry *entry);
void twi_cache_entry_unref(struct twi_cache_entry *entry); /* NULL is ignored */
/* Some of the body from `offset`: lent, perhaps in `space`. How many bytes; 0 at the end; -EIO when
 * it is damaged. Pieces are read in their order. */
int64_t twi_cache_read(struct twi_cache_entry *entry, int64_t offset, char *space, size_t size,
                       const char **ret_data);
/* Update its head by an answer without content. */
void twi_cache_update(tw_cache *cache, struct twi_cache_entry *entry,
                      const struct twi_cache_answer *answer);
void twi_cache_remove_entry(tw_cache *cache, struct twi_cache_entry *entry);
/* `key` as of twi_cache_key(). */
void twi_cache_remove_key(tw_cache *cache, const char *key);

/* Of all requests for a key, one validates it in the background. False: another does, or there is
 * no memory. */
bool twi_cache_refresh_begin(tw_cache *cache, const char *key);
void twi_cache_refresh_end(tw_cache *cache, const char *key);

/* Begin to store; `expected`: bytes of the body, -1: not known. NULL: it is not kept. */
struct twi_cache_writer *twi_cache_write(tw_cache *cache,
                                         const struct twi_cache_answer *answer,
                                         int64_t expected);
/* False: it has been dropped. */
bool twi_cache_writer_add(struct twi_cache_writer *writer, const char *data, size_t length);
/* The end of either kind. NULL is ignored. */
void twi_cache_writer_commit(struct twi_cache_writer *writer);
void twi_cache_writer_drop(struct twi_cache_writer *writer);

#endif
