/* SPDX-License-Identifier: MIT */
/*
 * folder_size.c - the bytes of a cache's folder, and room in it.
 *
 * The processes that share a folder add to one number, under a lock that nobody waits for: a
 * process that does not get it adds the next time. Files that are replaced are not subtracted, so
 * the number is rather too large; when it goes over the limit the files are counted, and the number
 * is true again.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/ascii.h"
#include "web/cache/folder.h"

enum { ABANDONED = 3600 /* seconds after which nobody goes on writing a new file */ };

struct file {
    char name[TWI_FOLDER_NAME];
    int64_t used_at; /* ns since 1970 */
    int64_t size;
};

struct files {
    struct file *all;
    size_t count, capacity;
    int64_t bytes;
};

/* --- the files ----------------------------------------------------------------------------- */

static bool is_hex(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (twi_hex(text[i]) < 0)
            return false;
    return true;
}

/* Nothing else in the folder is touched. */
static bool is_entry_name(const char *name)
{
    size_t length = strnlen(name, TWI_FOLDER_NAME);

    return (length == 38 && is_hex(name, 38)) ||
           (length == 55 && is_hex(name, 38) && name[38] == '-' && is_hex(name + 39, 16));
}

static int64_t size_on_disk(const struct stat *status)
{
    return (status->st_size + 4095) / 4096 * 4096;
}

static DIR *folder_open(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;

    if (folder == NULL && fd >= 0)
        close(fd);
    return folder;
}

static void file_note(struct files *files, int at, const char *folder, const char *name)
{
    struct file *file;
    struct stat status;

    if (!is_entry_name(name) || fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISREG(status.st_mode) ||
        twi_grow(&files->all, &files->capacity, files->count + 1, sizeof *files->all) < 0)
        return;
    file = &files->all[files->count++];
    snprintf(file->name, sizeof file->name, "%.2s/%.60s", folder, name);
    file->used_at = status.st_mtim.tv_sec * INT64_C(1000000000) + status.st_mtim.tv_nsec;
    file->size = size_on_disk(&status);
    files->bytes += file->size;
}

static void files_of_folder(struct files *files, int at, const char *name)
{
    DIR *folder = folder_open(at, name);
    const struct dirent *entry;

    if (folder == NULL)
        return;
    while ((entry = readdir(folder)) != NULL)
        file_note(files, dirfd(folder), name, entry->d_name);
    closedir(folder);
}

/* A new file of a process that was killed. */
static void abandoned_remove(int at, const char *name)
{
    struct stat status;

    if (strncmp(name, "new-", 4) == 0 &&
        fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
        status.st_mtime < time(NULL) - ABANDONED)
        unlinkat(at, name, 0);
}

static void files_list(struct files *files, int at)
{
    DIR *folder = folder_open(at, ".");
    const struct dirent *entry;

    if (folder == NULL)
        return;
    while ((entry = readdir(folder)) != NULL) {
        if (strlen(entry->d_name) == 2 && is_hex(entry->d_name, 2))
            files_of_folder(files, at, entry->d_name);
        else
            abandoned_remove(at, entry->d_name);
    }
    closedir(folder);
}

static int older_first(const void *a, const void *b)
{
    const struct file *x = a, *y = b;

    return x->used_at < y->used_at ? -1 : x->used_at > y->used_at;
}

/* Remove the oldest until no more than `most` are left. */
static size_t files_evict(int at, int64_t most, int64_t *ret_bytes)
{
    struct files files = { 0 };
    size_t gone = 0;

    files_list(&files, at);
    if (files.count > 0 && files.bytes > most)
        qsort(files.all, files.count, sizeof *files.all, older_first);
    while (files.bytes > most && gone < files.count) {
        files.bytes -= files.all[gone].size;
        unlinkat(at, files.all[gone++].name, 0);
    }
    *ret_bytes = files.bytes;
    twi_free(files.all);
    return gone;
}

/* --- the number ---------------------------------------------------------------------------- */

/* Negative: it is not known. */
static int64_t size_read(int fd)
{
    char text[32] = "";
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    uint64_t number;

    if (length <= 0 || text[length - 1] != '\n' ||
        twi_parse_decimal(text, (size_t)length - 1, &number) < 0 || number > INT64_MAX / 2)
        return -1;
    return (int64_t)number;
}

static void size_write(int fd, int64_t number)
{
    char text[32];
    int length = snprintf(text, sizeof text, "%020" PRId64 "\n", number);

    if (pwrite(fd, text, (size_t)length, 0) != length && ftruncate(fd, 0) < 0)
        return; /* a damaged number is counted anew */
}

int twi_folder_count(int folder, int64_t added, int64_t most, struct tw_cache_counts *counts)
{
    int fd = openat(folder, "size", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                    0600);
    int64_t bytes;

    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        close(fd);
        return -EAGAIN;
    }
    bytes = size_read(fd);
    if (bytes < 0 || bytes + added > most)
        counts->evicted += files_evict(folder, most == INT64_MAX ? most : most - most / 10,
                                       &bytes);
    else
        bytes += added;
    size_write(fd, bytes);
    counts->bytes = bytes;
    close(fd);
    return 0;
}

void twi_folder_clear(int folder)
{
    int64_t bytes;

    files_evict(folder, -1, &bytes);
    unlinkat(folder, "size", 0);
}
