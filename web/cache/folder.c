/* SPDX-License-Identifier: MIT */
/*
 * folder.c - a cache in a folder that processes share.
 *
 * The first response for a URL has a name made of the URL. When it depends on fields of the request
 * and another one comes for other fields, that gets a name made of the first one's number, its
 * generation, and these fields; so a look takes two files at most, and with the first one all are
 * gone.
 *
 * Short bodies are read and checked with the head. Long ones are read piece by piece, and checked
 * at the end; a damaged one fails there, when its beginning is in use already.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "base/list.h"
#include "base/sha256.h"
#include "web/cache/folder.h"

enum {
    SHORT = 256 << 10,   /* a body that is read at once */
    PIECE = 64 << 10,    /* bytes that are written together */
    TOUCHED_SECONDS = 60 /* a use is noted so often */
};

struct folder_cache {
    tw_cache cache;
    int fd;
    int64_t uncounted; /* bytes written, and not yet in the common number */
};

struct folder_entry {
    struct twi_cache_entry entry;
    char name[TWI_FOLDER_NAME];
    int fd; /* of a long body; -1 */
    dev_t device;
    ino_t number;
    uint32_t crc, crc_so_far;
    int64_t checked; /* bytes from the start that crc_so_far is of */
};

struct folder_writer {
    struct twi_cache_writer writer;
    struct twi_buf piece;
    char name[TWI_FOLDER_NAME];
    int fd;
    uint32_t crc;
};

static struct folder_cache *folder_cache_of(tw_cache *cache)
{
    return TWI_CONTAINER(cache, struct folder_cache, cache);
}

/* --- bytes --------------------------------------------------------------------------------- */

static int write_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, data, length);

        if (written < 0 && errno != EINTR)
            return -errno;
        if (written > 0) {
            data += written;
            length -= (size_t)written;
        }
    }
    return 0;
}

static int pread_all(int fd, char *data, size_t length, int64_t offset)
{
    while (length > 0) {
        ssize_t got = pread(fd, data, length, (off_t)offset);

        if (got == 0)
            return -EIO;
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got > 0) {
            data += got;
            length -= (size_t)got;
            offset += got;
        }
    }
    return 0;
}

/* --- reading an entry ---------------------------------------------------------------------- */

static void folder_entry_free(struct twi_cache_entry *entry)
{
    struct folder_entry *own = TWI_CONTAINER(entry, struct folder_entry, entry);

    twi_cache_head_free(&entry->head);
    tw_release(entry->bytes);
    if (own->fd >= 0)
        close(own->fd);
    twi_free(own);
}

static int entry_read_head(struct folder_entry *own, uint64_t size, struct twi_folder_end *end)
{
    char bytes[TWI_FOLDER_END], *head;
    int r;

    if (size < TWI_FOLDER_END)
        return -EINVAL;
    r = pread_all(own->fd, bytes, sizeof bytes, (int64_t)(size - TWI_FOLDER_END));
    if (r == 0)
        r = twi_folder_end_decode(bytes, size, end);
    if (r < 0)
        return r;
    head = twi_malloc((size_t)end->head + 1);
    if (head == NULL)
        return -ENOMEM;
    r = pread_all(own->fd, head, (size_t)end->head,
                  (int64_t)(size - TWI_FOLDER_END - end->head));
    if (r == 0)
        r = twi_folder_head_decode(end, head, &own->entry.head);
    twi_free(head);
    return r;
}

/* A short body now, so that damage is found before anything of it is used. */
static int entry_read_body(struct folder_entry *own)
{
    size_t length = (size_t)own->entry.length;
    char *data;
    int r;

    if (own->entry.length > SHORT)
        return 0;
    own->entry.bytes = tw_bytes_new(length, &data);
    if (tw_is_failure(own->entry.bytes)) {
        own->entry.bytes = tw_none();
        return -ENOMEM;
    }
    r = pread_all(own->fd, data, length, 0);
    if (r == 0 && crc32_z(0, (const unsigned char *)data, length) != own->crc)
        r = -EIO;
    close(own->fd);
    own->fd = -1;
    return r;
}

/* The time of the last use is that of the last change. */
static void entry_touch(int fd, const struct stat *status)
{
    if (status->st_mtime < time(NULL) - TOUCHED_SECONDS)
        futimens(fd, NULL);
}

static int entry_fill(struct folder_entry *own)
{
    struct twi_folder_end end;
    struct stat status;
    int r;

    if (fstat(own->fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EINVAL;
    r = entry_read_head(own, (uint64_t)status.st_size, &end);
    if (r < 0)
        return r;
    own->entry.length = (int64_t)end.body;
    own->crc = end.body_crc;
    own->device = status.st_dev;
    own->number = status.st_ino;
    entry_touch(own->fd, &status);
    return 0;
}

/* The entry in the file `name`, without its body; NULL with errno: none, or damaged. */
static struct folder_entry *entry_open(struct folder_cache *folder, const char *name)
{
    struct folder_entry *own = twi_calloc(1, sizeof *own);
    int r;

    if (own == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    own->entry.references = 1;
    own->entry.ops = folder->cache.ops;
    snprintf(own->name, sizeof own->name, "%s", name);
    own->fd = openat(folder->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    r = own->fd < 0 ? -errno : entry_fill(own);
    if (r < 0) {
        folder_entry_free(&own->entry);
        errno = -r;
        return NULL;
    }
    return own;
}

/* A damaged file is of no use to anybody. */
static void damaged_remove(struct folder_cache *folder, const char *name, int error)
{
    if (error == -EINVAL || error == -EIO)
        unlinkat(folder->fd, name, 0);
}

static struct folder_entry *entry_open_of(struct folder_cache *folder, const char *name,
                                          const char *url)
{
    struct folder_entry *own = entry_open(folder, name);

    if (own == NULL) {
        damaged_remove(folder, name, -errno);
        return NULL;
    }
    if (strcmp(own->entry.head.url, url) == 0)
        return own;
    folder_entry_free(&own->entry);
    return NULL;
}

/* The response for the fields `sent` beside the first one. */
static struct folder_entry *variant_open(struct folder_cache *folder,
                                         const struct twi_cache_head *first,
                                         const tw_headers *sent)
{
    unsigned char(*digests)[TWI_CACHE_DIGEST] = twi_calloc(first->vary_count + 1,
                                                           sizeof *digests);
    struct folder_entry *own;
    char name[TWI_FOLDER_NAME];

    if (digests == NULL)
        return NULL;
    twi_cache_head_digests(first, sent, digests);
    twi_folder_variant_name(first, digests, name);
    twi_free(digests);
    own = entry_open_of(folder, name, first->url);
    if (own == NULL || (own->entry.head.generation == first->generation &&
                        twi_cache_head_matches(&own->entry.head, sent)))
        return own;
    folder_entry_free(&own->entry);
    return NULL;
}

static struct twi_cache_entry *folder_find(tw_cache *cache, const char *url,
                                           const tw_headers *sent)
{
    struct folder_cache *folder = folder_cache_of(cache);
    struct folder_entry *own, *first;
    char name[TWI_FOLDER_NAME];
    int r;

    twi_folder_name(url, name);
    own = first = entry_open_of(folder, name, url);
    if (own != NULL && !twi_cache_head_matches(&own->entry.head, sent)) {
        own = variant_open(folder, &first->entry.head, sent);
        folder_entry_free(&first->entry);
    }
    if (own == NULL)
        return NULL;
    r = entry_read_body(own);
    if (r == 0)
        return &own->entry;
    damaged_remove(folder, own->name, r);
    folder_entry_free(&own->entry);
    return NULL;
}

static int64_t folder_read(struct twi_cache_entry *entry, int64_t offset, char *space,
                           size_t size)
{
    struct folder_entry *own = TWI_CONTAINER(entry, struct folder_entry, entry);
    int r = pread_all(own->fd, space, size, offset);

    if (offset == 0) {
        own->crc_so_far = 0;
        own->checked = 0;
    }
    /* A part that does not begin at the start cannot be checked. */
    if (r == 0 && offset == own->checked) {
        own->crc_so_far = (uint32_t)crc32_z(own->crc_so_far, (unsigned char *)space, size);
        own->checked += (int64_t)size;
        if (own->checked == entry->length && own->crc_so_far != own->crc)
            r = -EIO;
    }
    return r < 0 ? r : (int64_t)size;
}

/* --- the number of bytes ------------------------------------------------------------------- */

static void folder_count(struct folder_cache *folder, int64_t added)
{
    folder->uncounted += (added + 4095) / 4096 * 4096;
    if (twi_folder_count(folder->fd, folder->uncounted, folder->cache.max_bytes,
                         &folder->cache.counts) == 0)
        folder->uncounted = 0;
}

/* --- writing an entry ---------------------------------------------------------------------- */

/* A name that only the writing process uses. */
static int file_new(struct folder_cache *folder, char name[TWI_FOLDER_NAME])
{
    static unsigned count;
    int fd;

    for (int attempt = 0; attempt < 100; attempt++) {
        snprintf(name, TWI_FOLDER_NAME, "new-%ld-%u", (long)getpid(),
                 __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED));
        fd = openat(folder->fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0 || errno != EEXIST)
            return fd >= 0 ? fd : -errno;
    }
    return -EEXIST;
}

static struct twi_cache_writer *folder_writer_new(tw_cache *cache)
{
    struct folder_writer *own = twi_calloc(1, sizeof *own);

    if (own == NULL)
        return NULL;
    own->fd = file_new(folder_cache_of(cache), own->name);
    if (own->fd < 0) {
        twi_free(own);
        return NULL;
    }
    return &own->writer;
}

static int writer_flush(struct folder_writer *own)
{
    int r = write_all(own->fd, own->piece.data, own->piece.length);

    own->piece.length = 0;
    return r;
}

static int folder_writer_add(struct twi_cache_writer *writer, const char *data, size_t length)
{
    struct folder_writer *own = TWI_CONTAINER(writer, struct folder_writer, writer);
    int r = 0;

    own->crc = (uint32_t)crc32_z(own->crc, (const unsigned char *)data, length);
    if (own->piece.length + length > PIECE)
        r = writer_flush(own);
    if (r == 0 && length >= PIECE)
        return write_all(own->fd, data, length);
    return r < 0 ? r : twi_buf_append(&own->piece, data, length);
}

static void folder_writer_free(struct twi_cache_writer *writer)
{
    struct folder_writer *own = TWI_CONTAINER(writer, struct folder_writer, writer);

    if (own->name[0] != '\0')
        unlinkat(folder_cache_of(writer->cache)->fd, own->name, 0);
    close(own->fd);
    twi_buf_free(&own->piece);
    twi_free(own);
}

/* Different in every process, at every time. */
static uint64_t generation_new(const char *url)
{
    static unsigned count;
    unsigned char digest[TWI_SHA256_SIZE];
    struct twi_sha256 hash;
    struct timespec now;
    uint64_t generation;
    long pid = (long)getpid();
    unsigned number = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);

    clock_gettime(CLOCK_REALTIME, &now);
    twi_sha256_begin(&hash);
    twi_sha256_add(&hash, url, strlen(url));
    twi_sha256_add(&hash, &now.tv_sec, sizeof now.tv_sec);
    twi_sha256_add(&hash, &now.tv_nsec, sizeof now.tv_nsec);
    twi_sha256_add(&hash, &pid, sizeof pid);
    twi_sha256_add(&hash, &number, sizeof number);
    twi_sha256_end(&hash, digest);
    memcpy(&generation, digest, sizeof generation);
    return generation;
}

/* The place of a new entry: that of the first one for its URL, or one beside it. 0 or -ENOMEM. */
static int place_choose(struct folder_cache *folder, struct twi_cache_head *head,
                        char name[TWI_FOLDER_NAME])
{
    unsigned char(*digests)[TWI_CACHE_DIGEST];
    struct folder_entry *first;

    twi_folder_name(head->url, name);
    first = entry_open_of(folder, name, head->url);
    if (first == NULL || !twi_cache_head_varies_alike(&first->entry.head, head)) {
        head->generation = generation_new(head->url);
    } else {
        head->generation = first->entry.head.generation;
        if (!twi_cache_head_same_variant(&first->entry.head, head)) {
            digests = twi_calloc(head->vary_count + 1, sizeof *digests);
            for (size_t i = 0; digests != NULL && i < head->vary_count; i++)
                memcpy(digests[i], head->vary[i].digest, TWI_CACHE_DIGEST);
            if (digests != NULL)
                twi_folder_variant_name(head, digests, name);
            twi_free(digests);
            if (digests == NULL) {
                folder_entry_free(&first->entry);
                return -ENOMEM;
            }
        }
    }
    if (first != NULL)
        folder_entry_free(&first->entry);
    return 0;
}

static int file_rename(struct folder_cache *folder, const char *from, const char *to)
{
    char folder_name[3] = { to[0], to[1], '\0' };

    if (renameat(folder->fd, from, folder->fd, to) == 0)
        return 0;
    if (errno != ENOENT)
        return -errno;
    if (mkdirat(folder->fd, folder_name, 0700) < 0 && errno != EEXIST)
        return -errno;
    return renameat(folder->fd, from, folder->fd, to) < 0 ? -errno : 0;
}

static int folder_writer_commit(struct twi_cache_writer *writer)
{
    struct folder_writer *own = TWI_CONTAINER(writer, struct folder_writer, writer);
    struct folder_cache *folder = folder_cache_of(writer->cache);
    char name[TWI_FOLDER_NAME];
    int r = place_choose(folder, &writer->head, name);

    if (r == 0)
        r = twi_folder_encode(&own->piece, &writer->head, (uint64_t)writer->length, own->crc);
    if (r == 0)
        r = writer_flush(own);
    if (r == 0)
        r = file_rename(folder, own->name, name);
    if (r < 0)
        return r;
    own->name[0] = '\0';
    folder_count(folder, writer->length);
    return 0;
}

/* --- changes ------------------------------------------------------------------------------- */

/* True if the name still leads to the entry's file. */
static bool is_in_place(int fd, const struct folder_entry *own, struct stat *status)
{
    return fstat(fd, status) == 0 && status->st_dev == own->device &&
           status->st_ino == own->number;
}

static void folder_remove_entry(tw_cache *cache, struct twi_cache_entry *entry)
{
    struct folder_entry *own = TWI_CONTAINER(entry, struct folder_entry, entry);
    struct folder_cache *folder = folder_cache_of(cache);
    struct stat status;

    if (fstatat(folder->fd, own->name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        status.st_dev == own->device && status.st_ino == own->number)
        unlinkat(folder->fd, own->name, 0);
}

/* One call appends all of it, whoever else does the same; a part of it, at the end of a full disk,
 * makes the file a damaged one, which is removed. */
static int head_append(struct folder_cache *folder, struct folder_entry *own, int fd)
{
    struct twi_buf bytes = { 0 };
    ssize_t written = 0;
    int r = twi_folder_encode(&bytes, &own->entry.head, (uint64_t)own->entry.length, own->crc);

    if (r == 0)
        written = write(fd, bytes.data, bytes.length);
    if (r == 0 && written != (ssize_t)bytes.length)
        r = written < 0 ? -errno : -ENOSPC;
    twi_buf_free(&bytes);
    (void)folder;
    return r;
}

static int folder_updated(tw_cache *cache, struct twi_cache_entry *entry)
{
    struct folder_entry *own = TWI_CONTAINER(entry, struct folder_entry, entry);
    struct folder_cache *folder = folder_cache_of(cache);
    int fd = openat(folder->fd, own->name,
                    O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat status;
    int r = 0;

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    if (is_in_place(fd, own, &status)) {
        if (status.st_size - entry->length > TWI_FOLDER_WASTE_MAX)
            unlinkat(folder->fd, own->name, 0); /* it is fetched as a whole the next time */
        else
            r = head_append(folder, own, fd);
        if (r < 0)
            unlinkat(folder->fd, own->name, 0);
    }
    close(fd);
    return r;
}

static void folder_remove_url(tw_cache *cache, const char *url)
{
    char name[TWI_FOLDER_NAME];

    twi_folder_name(url, name);
    unlinkat(folder_cache_of(cache)->fd, name, 0);
}

static void folder_clear(tw_cache *cache)
{
    twi_folder_clear(folder_cache_of(cache)->fd);
    cache->counts.bytes = 0;
}

static void folder_free(tw_cache *cache)
{
    struct folder_cache *folder = folder_cache_of(cache);

    close(folder->fd);
    twi_free(folder);
}

/* --- the store ----------------------------------------------------------------------------- */

static const struct twi_cache_ops folder_ops = {
    .find = folder_find,
    .entry_free = folder_entry_free,
    .read = folder_read,
    .writer_new = folder_writer_new,
    .writer_add = folder_writer_add,
    .writer_commit = folder_writer_commit,
    .writer_free = folder_writer_free,
    .updated = folder_updated,
    .remove_entry = folder_remove_entry,
    .remove_url = folder_remove_url,
    .clear = folder_clear,
    .free = folder_free,
};

/* Backups pass over a folder with this file (https://bford.info/cachedir/). */
static void tag_write(int folder)
{
    static const char text[] = "Signature: 8a477f597d28d172789f06886806bc55\n"
                               "# Answers that tweed keeps; may be deleted at any time.\n";
    int fd = openat(folder, "CACHEDIR.TAG", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return;
    if (write_all(fd, text, sizeof text - 1) < 0)
        unlinkat(folder, "CACHEDIR.TAG", 0);
    close(fd);
}

tw_cache *twi_cache_folder_new(const char *path)
{
    struct folder_cache *folder = twi_calloc(1, sizeof *folder);
    bool made = folder != NULL && mkdir(path, 0700) == 0;
    int error;

    if (folder == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    folder->cache.ops = &folder_ops;
    folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->fd < 0) {
        error = errno;
        twi_free(folder);
        errno = error;
        return NULL;
    }
    if (made)
        tag_write(folder->fd);
    return &folder->cache;
}
