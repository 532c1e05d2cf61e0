/* SPDX-License-Identifier: MIT */
/*
 * feed_file.c - a feed in a file. A batch is called NAME.part until it is whole.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "spider/job/disk.h"
#include "spider/job/feed_target.h"

struct feed_file {
    struct twi_feed_target base;
    const char *empty, *ending;
    size_t empty_length, ending_length;
    int fd;
    char *path;           /* that it has now */
    bool is_dirty;        /* written since the last sync */
    bool is_folder_dirty; /* made or renamed since then */
    int64_t ended_at;     /* the ending stands there; -1: nowhere */
};

static struct feed_file *file_of(struct twi_feed_target *target)
{
    return (struct feed_file *)target;
}

static void file_close(struct feed_file *file)
{
    if (file->fd >= 0)
        twi_disk->close(file->fd);
    free(file->path);
    file->fd = -1;
    file->path = NULL;
    file->base.lost = 0;
    file->base.batch = 0;
}

/* --- opening ------------------------------------------------------------------------------- */

/* Without O_NONBLOCK a pipe in its place would hold us up. */
#define OPEN_FLAGS (O_RDWR | O_NONBLOCK)

static int file_make(struct feed_file *file, tw_value *ret_failure)
{
    int r = twi_disk_make_folders(file->path);

    if (r < 0)
        return twi_feed_system(ret_failure, r, "its folder can't be made", file->path);
    file->fd = twi_disk_open(file->path, OPEN_FLAGS | O_CREAT);
    if (file->fd < 0)
        return twi_feed_system(ret_failure, file->fd, "can't be made", file->path);
    return 0;
}

/* A batch that got its name, and then is said not to be whole, or to be looked at once more: it is
 * called .part again. True if there is one. */
static bool file_take_back(struct feed_file *file, int64_t batch, int *ret_r)
{
    char *path = twi_feed_name_path(file->base.name, batch);
    int r = -ENOMEM;

    if (path != NULL && strcmp(path, file->path) != 0)
        r = twi_disk_rename(path, file->path);
    else if (path != NULL)
        r = -ENOENT;
    free(path);
    *ret_r = r == -ENOENT ? 0 : r;
    return r == 0;
}

static int file_find(struct feed_file *file, int64_t batch, enum twi_feed_found found,
                     int64_t synced, tw_value *ret_failure)
{
    int r;

    if (found == TWI_FOUND_FRESH)
        return file_make(file, ret_failure);
    file->fd = twi_disk_open(file->path, OPEN_FLAGS);
    if (file->fd == -ENOENT && file_take_back(file, batch, &r)) {
        file->fd = twi_disk_open(file->path, OPEN_FLAGS);
    } else if (file->fd == -ENOENT && r < 0) {
        return twi_feed_system(ret_failure, r, "can't be renamed", file->path);
    }
    if (file->fd != -ENOENT)
        return file->fd < 0
                   ? twi_feed_system(ret_failure, file->fd, "can't be opened", file->path)
                   : 0;
    if (synced == 0)
        return file_make(file, ret_failure);
    if (found == TWI_FOUND_FINISHED)
        return 1;
    return twi_feed_refuse(
        ret_failure, ENOENT,
        "feed %s: it is gone, but %lld bytes of it were on the disk: put it "
        "back, or begin a new job",
        file->path, (long long)synced);
}

static int file_check(struct feed_file *file, int64_t synced, tw_value *ret_failure)
{
    struct stat st;
    int r;

    if (fstat(file->fd, &st) < 0)
        return twi_feed_system(ret_failure, -errno, "can't be looked at", file->path);
    r = twi_feed_check_mode(ret_failure, st.st_mode, file->path);
    if (r == 0)
        r = twi_feed_lock(ret_failure, file->fd, file->path);
    if (r < 0)
        return r;
    if (st.st_size < synced)
        return twi_feed_refuse(
            ret_failure, ESTALE,
            "feed %s: it has %lld bytes, but %lld were on the disk: somebody "
            "cut it; put them back, or begin a new job",
            file->path, (long long)st.st_size, (long long)synced);
    return 0;
}

static int file_open(struct twi_feed_target *target, int64_t batch, enum twi_feed_found found,
                     int64_t synced, tw_value *ret_failure)
{
    struct feed_file *file = file_of(target);
    int r;

    file_close(file);
    file->path = twi_feed_name_part(target->name, batch);
    if (file->path == NULL)
        return twi_feed_system(ret_failure, -ENOMEM, "", "");
    r = file_find(file, batch, found, synced, ret_failure);
    if (r == 0)
        r = file_check(file, synced, ret_failure);
    if (r == 0 && found == TWI_FOUND_FRESH) {
        r = twi_disk_truncate(file->fd, 0);
        if (r < 0)
            twi_feed_system(ret_failure, r, "can't be emptied", file->path);
    }
    if (r != 0) {
        file_close(file);
        return r;
    }
    file->base.batch = batch;
    file->is_dirty = file->is_folder_dirty =
        true; /* perhaps an earlier process did not sync */
    file->ended_at = -1;
    return 0;
}

/* --- writing ------------------------------------------------------------------------------- */

static int file_write(struct feed_file *file, int64_t at, const char *data, size_t length,
                      tw_value *ret_failure)
{
    int r = twi_disk_write(file->fd, data, length, (off_t)at);

    file->is_dirty = true;
    return r < 0 ? twi_feed_system(ret_failure, r, "can't be written", file->path) : 0;
}

static int file_put(struct twi_feed_target *target, int64_t at, const char *data,
                    size_t length, tw_value *ret_failure)
{
    file_of(target)->ended_at = -1;
    return file_write(file_of(target), at, data, length, ret_failure);
}

static size_t file_ending(const struct feed_file *file, int64_t at, const char **ret_ending)
{
    *ret_ending = at == 0 ? file->empty : file->ending;
    return at == 0 ? file->empty_length : file->ending_length;
}

static int file_end(struct twi_feed_target *target, int64_t at, tw_value *ret_failure)
{
    struct feed_file *file = file_of(target);
    const char *ending;
    size_t length = file_ending(file, at, &ending);
    int r = 0;

    if (file->ended_at == at)
        return 0;
    if (length > 0)
        r = file_write(file, at, ending, length, ret_failure);
    if (r == 0)
        file->ended_at = at;
    return r;
}

static int file_settle(struct twi_feed_target *target, int64_t at, tw_value *ret_failure)
{
    struct feed_file *file = file_of(target);
    const char *ending;
    size_t length = file_ending(file, at, &ending);
    int r = file_end(target, at, ret_failure);

    if (r < 0)
        return r;
    r = twi_disk_truncate(file->fd, (off_t)at + (off_t)length);
    return r < 0 ? twi_feed_system(ret_failure, r, "can't be cut", file->path) : 0;
}

static int file_put_on_disk(struct feed_file *file)
{
    int r = file->is_dirty ? twi_disk_sync(file->fd) : 0;

    if (r < 0)
        return r;
    file->is_dirty = false;
    if (file->is_folder_dirty)
        r = twi_disk_sync_folder(file->path);
    if (r == 0)
        file->is_folder_dirty = false;
    return r;
}

static int file_sync(struct twi_feed_target *target, tw_value *ret_failure)
{
    struct feed_file *file = file_of(target);

    if (file->fd >= 0 && file->base.lost == 0)
        file->base.lost = file_put_on_disk(file);
    return file->base.lost < 0 ? twi_feed_system(ret_failure, file->base.lost,
                                                 "can't be put on the disk", file->path)
                               : 0;
}

/* The content goes to the disk first, then the name: no name without content after a power failure.
 * After a failure all of it may be done again. */
static int file_finish(struct twi_feed_target *target, tw_value *ret_failure)
{
    struct feed_file *file = file_of(target);
    char *path = twi_feed_name_path(target->name, target->batch);
    int r = path != NULL ? file_sync(target, ret_failure)
                         : twi_feed_system(ret_failure, -ENOMEM, "", "");

    if (r == 0 && strcmp(path, file->path) != 0) {
        r = twi_disk_rename(file->path, path);
        if (r < 0) {
            twi_feed_system(ret_failure, r, "can't get its name", file->path);
        } else {
            free(file->path);
            file->path = path;
            path = NULL;
            file->is_folder_dirty = true;
            r = file_sync(target, ret_failure);
        }
    }
    free(path);
    if (r == 0)
        file_close(file);
    return r;
}

static void file_forget(struct twi_feed_target *target)
{
    file_close(file_of(target));
}

static void file_free(struct twi_feed_target *target)
{
    file_close(file_of(target));
    free(target);
}

struct twi_feed_target *twi_feed_file_new(const struct twi_feed_name *name, const char *empty,
                                          size_t empty_length, const char *ending,
                                          size_t ending_length)
{
    static const struct twi_feed_target_ops ops = { .open = file_open,
                                                    .put = file_put,
                                                    .settle = file_settle,
                                                    .end = file_end,
                                                    .sync = file_sync,
                                                    .finish = file_finish,

                                                    .close = file_forget,
                                                    .free = file_free };
    struct feed_file *file = calloc(1, sizeof *file);

    if (file == NULL)
        return NULL;
    file->base = (struct twi_feed_target){ .ops = &ops, .name = name };
    file->empty = empty;
    file->empty_length = empty_length;
    file->ending = ending;
    file->ending_length = ending_length;
    file->fd = -1;
    return &file->base;
}
