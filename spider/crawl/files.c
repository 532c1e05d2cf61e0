/* SPDX-License-Identifier: MIT */
/*
 * files.c - the pipelines tw_files and tw_images: an item's URLs become files named by their
 * content.
 *
 * A file is written beside its place and renamed, so it is there whole or not at all; a page
 * that is read again after a kill finds it there and writes the same bytes. Its row goes with
 * the page's record.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <tweed/log.h>

#include "spider/crawl/fetch.h"
#include "spider/crawl/keep.h"
#include "spider/job/disk.h"
#include "spider/text/digest.h"

#define LONGEST_EXTENSION 8

struct file_kind {
    const char *from, *to; /* fields of an item */
    bool is_image;
};
static const struct file_kind file_kinds[] = {
    { "file_urls", "files", false },
    { "image_urls", "images", true },
};

/* One URL of an item. */
struct file_wish {
    uint64_t key;
    const struct twi_record_file *known; /* NULL: it was never fetched */
    tw_item *item;
    struct twi_place *place;
    const struct file_kind *kind;
    const char *url;
    struct twi_json *made; /* the object that stands for the file; NULL: there is none */
};

/* --- the name ------------------------------------------------------------------------------
 * */

static const struct {
    const char *type, *extension;
} file_extensions[] = {
    { "image/jpeg", ".jpg" }, { "image/png", ".png" },         { "image/gif", ".gif" },
    { "image/webp", ".webp" }, { "image/svg+xml", ".svg" },    { "image/avif", ".avif" },
    { "application/pdf", ".pdf" }, { "application/zip", ".zip" }, { "text/html", ".html" },
    { "text/plain", ".txt" },
};

static bool is_extension(const char *dot, size_t length)
{
    size_t i;

    if (length < 2 || length > LONGEST_EXTENSION)
        return false;
    for (i = 1; i < length; i++)
        if (!isalnum((unsigned char)dot[i]))
            return false;
    return true;
}

/* That of the URL's path, else the usual one of the type, in lower case; "" if neither is
 * known. */
static void extension_of(const char *url, const char *type, char extension[16])
{
    size_t length = strcspn(url, "?#"), at = length, i;

    extension[0] = '\0';
    while (at > 0 && url[at - 1] != '/' && url[at - 1] != '.')
        at--;
    if (at > 0 && url[at - 1] == '.' && is_extension(url + at - 1, length - at + 1)) {
        for (i = 0; i < length - at + 1; i++)
            extension[i] = (char)tolower((unsigned char)url[at - 1 + i]);
        extension[i] = '\0';
        return;
    }
    for (i = 0; type != NULL && i < sizeof file_extensions / sizeof *file_extensions; i++)
        if (strncasecmp(type, file_extensions[i].type, strlen(file_extensions[i].type)) == 0)
            snprintf(extension, 16, "%s", file_extensions[i].extension);
}

static bool file_hash(tw_value body, char hex[2 * TWI_DIGEST_MAX + 1])
{
    unsigned char hash[TWI_DIGEST_MAX];
    size_t length = twi_digest(TWI_DIGEST_SHA256, tw_bytes_data(body), tw_bytes_length(body),
                               hash);

    if (length > 0)
        twi_digest_hex(hash, length, hex);
    return length > 0;
}

/* --- the bytes -----------------------------------------------------------------------------
 * */

static int part_write(const char *part, tw_value body)
{
    int fd = twi_disk_open(part, O_WRONLY | O_CREAT | O_TRUNC), r;

    if (fd < 0)
        return fd;
    r = twi_disk_write(fd, tw_bytes_data(body), tw_bytes_length(body), 0);
    if (close(fd) < 0 && r == 0)
        r = -errno;
    return r;
}

/* 0 also when it is there already: its name is its content. */
static int file_store(const struct file_wish *wish, const char *name, tw_value body)
{
    const char *folder = wish->place->crawl->settings->values.files_dir;
    tw_page *page = tw_item_page(wish->item);
    const char *path = tw_format(page, "%s/%s", folder, name);
    const char *part = tw_format(page, "%s/.part/%ld-%p", folder, (long)getpid(),
                                 (const void *)wish);
    int r;

    if (path == NULL || part == NULL)
        return -ENOMEM;
    if (access(path, F_OK) == 0)
        return 0;
    r = twi_disk_make_folders(path);
    if (r == 0)
        r = twi_disk_make_folders(part);
    if (r == 0)
        r = part_write(part, body);
    if (r == 0)
        r = twi_disk_rename(part, path);
    if (r < 0)
        twi_disk_remove(part);
    return r;
}

/* --- what it comes to ----------------------------------------------------------------------
 * */

/* A path of the store is there, whoever has tidied up meanwhile. */
static bool file_is_there(const struct file_wish *wish, const char *path)
{
    const char *folder = wish->place->crawl->settings->values.files_dir;
    const char *whole = tw_format(tw_item_page(wish->item), "%s/%s", folder, path);

    return whole != NULL && access(whole, F_OK) == 0;
}

static void file_record(const struct file_wish *wish, const char *path, const char *hash,
                        const struct twi_fetched *fetched)
{
    struct twi_place *place = wish->place;
    struct twi_arena *arena = &place->arena;
    struct twi_record_file *row = twi_arena_zeroed(arena, sizeof *row);
    const char *etag = tw_headers_get(fetched->headers, "ETag");
    const char *modified = tw_headers_get(fetched->headers, "Last-Modified");

    if (row == NULL)
        return;
    row->key = wish->key;
    row->path = twi_arena_strdup(arena, path);
    row->sha256 = twi_arena_strdup(arena, hash);
    row->etag = etag == NULL ? NULL : twi_arena_strdup(arena, etag);
    row->modified = modified == NULL ? NULL : twi_arena_strdup(arena, modified);
    row->at = twi_wall_ms();
    row->next = place->record.files;
    place->record.files = row;
    twi_keep_file(place->crawl, row);
}

static struct twi_json *file_object(struct twi_arena *arena, const struct file_wish *wish,
                                    const char *path, const char *hash)
{
    struct twi_json *object = twi_json_new(arena, TWI_JSON_OBJECT);

    twi_json_put_string(arena, object, "url", wish->url);
    twi_json_put_string(arena, object, "path", path);
    twi_json_put_string(arena, object, "checksum", hash);
    return object;
}

static void wish_make(struct file_wish *wish, const char *path, const char *hash,
                      const char *status)
{
    struct twi_stats *stats = &wish->place->crawl->stats;

    wish->made = file_object(twi_page_arena(tw_item_page(wish->item)), wish, path, hash);
    twi_stats_add(stats, "file_count", 1);
    twi_stats_add_to(stats, "file_status_count/", status, 1);
}

static void file_keep(struct file_wish *wish, const struct twi_fetched *fetched,
                      const char *url)
{
    tw_page *page = tw_item_page(wish->item);
    char hash[2 * TWI_DIGEST_MAX + 1], extension[16];
    const char *path;
    int r;

    extension_of(url, tw_headers_get(fetched->headers, "Content-Type"), extension);
    if (!file_hash(fetched->body, hash))
        return;
    path = tw_format(page, "%.2s/%s%s", hash, hash, extension);
    r = path == NULL ? -ENOMEM : file_store(wish, path, fetched->body);
    if (r < 0) {
        tw_page_fail(page, tw_fail_errno(&tw_error_system, r));
        return;
    }
    file_record(wish, path, hash, fetched);
    wish_make(wish, path, hash, "downloaded");
}

/* The server, or this run itself, says that it is still the same. */
static void file_keep_known(struct file_wish *wish, const struct twi_fetched *fetched)
{
    if (fetched != NULL)
        file_record(wish, wish->known->path, wish->known->sha256, fetched);
    wish_make(wish, wish->known->path, wish->known->sha256, "uptodate");
}

static const char *file_refusal(const struct file_wish *wish,
                                const struct twi_fetched *fetched)
{
    const char *type;

    if (tw_is_failure(fetched->failure))
        return tw_failure_message(fetched->failure);
    if (fetched->status != 200)
        return "no status 200";
    type = tw_headers_get(fetched->headers, "Content-Type");
    if (wish->kind->is_image && type != NULL && strncasecmp(type, "image/", 6) != 0)
        return "not an image";
    return tw_bytes_length(fetched->body) == 0 ? "empty" : NULL;
}

/* One that this run has fetched is not asked for again. */
static bool file_is_fresh(const struct file_wish *wish)
{
    double age = (double)(twi_wall_ms() - wish->known->at) / 1000;

    return age < twi_now() - wish->place->crawl->started;
}

/* The conditions under which it would come again. */
static void file_ask(struct file_wish *wish, struct tw_field conditions[3])
{
    double expiry = wish->place->crawl->settings->values.files_expiry;
    double age = (double)(twi_wall_ms() - wish->known->at) / 1000;
    size_t count = 0;

    if (expiry >= 0 && age > expiry)
        return;
    if (wish->known->etag != NULL)
        conditions[count++] = (struct tw_field){ "If-None-Match", wish->known->etag };
    if (wish->known->modified != NULL)
        conditions[count++] = (struct tw_field){ "If-Modified-Since", wish->known->modified };
}

static void wish_find(struct file_wish *wish)
{
    wish->key = twi_visit_key(wish->place->crawl->keys, "GET", wish->url, NULL, 0);
    wish->known = twi_keep_find_file(wish->place->crawl, wish->key);
    if (wish->known != NULL && !file_is_there(wish, wish->known->path))
        wish->known = NULL;
}

static tw_value file_member(void *arg)
{
    struct file_wish *wish = arg;
    tw_page *page = tw_item_page(wish->item);
    struct tw_field conditions[3] = { { NULL, NULL } };
    const struct twi_visit_info info = { .referer = tw_page_url(page), .headers = conditions };
    struct twi_fetched fetched;
    const char *url, *why;

    wish_find(wish);
    if (wish->known != NULL && file_is_fresh(wish)) {
        file_keep_known(wish, NULL);
        return tw_none();
    }
    if (wish->known != NULL)
        file_ask(wish, conditions);
    twi_fetch(page, wish->url, &info, &fetched, &url);
    why = file_refusal(wish, &fetched);
    if (fetched.status == 304 && wish->known != NULL) {
        file_keep_known(wish, &fetched);
    } else if (why == NULL) {
        file_keep(wish, &fetched, url);
    } else {
        tw_log(TW_LOG_WARNING, "spider", "file %s of %s: %s", wish->url, tw_page_url(page),
               why);
        twi_stats_add(&wish->place->crawl->stats, "file_failed_count", 1);
    }
    twi_fetched_free(&fetched, &wish->place->crawl->flow);
    return tw_none();
}

/* --- an item's URLs ------------------------------------------------------------------------
 * */

struct file_wishes {
    struct file_wish *wishes;
    size_t count;
};

static tw_value file_group(tw_group *group, void *arg)
{
    struct file_wishes *all = arg;
    size_t i;

    for (i = 0; i < all->count; i++)
        if (tw_group_start(group, file_member, &all->wishes[i]) < 0)
            return tw_fail_memory();
    return tw_none();
}

static bool wish_add(struct file_wishes *all, const struct file_wish *of,
                     const struct twi_json *url)
{
    tw_page *page = tw_item_page(of->item);
    const char *absolute = url->kind == TWI_JSON_STRING ? tw_page_absolute(page, url->text)
                                                        : NULL;

    if (absolute == NULL)
        return false;
    all->wishes[all->count] = *of;
    all->wishes[all->count++].url = absolute;
    return true;
}

static size_t urls_count(const struct twi_json *urls)
{
    const struct twi_json *url;
    size_t count = 0;

    for (url = urls->first; url != NULL; url = url->next)
        count++;
    return count == 0 ? 1 : count;
}

static void wishes_collect(struct file_wishes *all, const struct file_wish *of,
                           const struct twi_json *urls)
{
    const struct twi_json *url;

    if (urls->kind != TWI_JSON_LIST) {
        wish_add(all, of, urls);
        return;
    }
    for (url = urls->first; url != NULL; url = url->next)
        wish_add(all, of, url);
}

static tw_value files_fetch(tw_item *item, tw_crawl *crawl, const struct file_kind *kind)
{
    tw_page *page = tw_item_page(item);
    struct twi_arena *arena = twi_page_arena(page);
    const struct twi_json *urls = twi_item_find(&item->fields, twi_span_of(kind->from));
    struct file_wish of = { .item = item, .kind = kind, .place = twi_fetch_place(page) };
    struct file_wishes all = { 0 };
    struct twi_json *made;
    size_t i;

    (void)crawl;
    if (urls == NULL || urls->kind == TWI_JSON_NULL || of.place == NULL)
        return tw_none();
    all.wishes = twi_arena_zeroed(arena, urls_count(urls) * sizeof *all.wishes);
    if (all.wishes == NULL)
        return tw_fail_memory();
    wishes_collect(&all, &of, urls);
    if (all.count > 0) {
        tw_value fetched = tw_await(tw_group_run(file_group, &all));
        if (tw_is_failure(fetched))
            return tw_retain(fetched);
    }
    made = twi_json_new(arena, TWI_JSON_LIST);
    for (i = 0; made != NULL && i < all.count; i++)
        if (all.wishes[i].made != NULL)
            twi_json_append(made, all.wishes[i].made);
    if (made != NULL)
        twi_item_set(&item->fields, twi_span_of(kind->to), made);
    return tw_none();
}

tw_value tw_files(tw_item *item, tw_crawl *crawl)
{
    return files_fetch(item, crawl, &file_kinds[0]);
}

tw_value tw_images(tw_item *item, tw_crawl *crawl)
{
    return files_fetch(item, crawl, &file_kinds[1]);
}
