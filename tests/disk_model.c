/* SPDX-License-Identifier: MIT */
/*
 * disk_model.c - files as they are seen, and as they are on the platter.
 */
#include "config.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spider/job/disk.h"
#include "tests/disk_model.h"
#include "tests/random.h"
#include "tests/test.h"

#define MOST 4096

struct change {
    off_t at;    /* of a write; the length of a truncation */
    char *data;  /* NULL: a truncation */
    size_t length;
};

struct file {
    char *data; /* on the platter */
    size_t length;
    struct change *changes; /* that are not */
    size_t count, room;
};

/* A name is given to a file, or taken from it (file -1). */
struct naming {
    char *name;
    int file;
    bool goes_on; /* the next one belongs to it */
};

static struct {
    char folder[64];
    struct file files[MOST];
    int file_count;
    int file_of_fd[MOST];
    struct naming names[MOST], kept[MOST], changes[MOST];
    int name_count, kept_count, change_count;
    unsigned calls_left;
    enum disk_fault fault;
    bool has_failed;
    unsigned calls;
} disk;

/* --- names --------------------------------------------------------------------------------- */

static int name_find(const struct naming *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i].name, name) == 0)
            return i;
    return -1;
}

static void name_set(struct naming *names, int *count, const char *name, int file)
{
    int i = name_find(names, *count, name);

    if (i < 0 && file < 0)
        return;
    if (i < 0) {
        i = (*count)++;
        ck_assert_int_lt(i, MOST);
        names[i].name = strdup(name);
    }
    names[i].file = file;
    if (file < 0) {
        free(names[i].name);
        names[i] = names[--*count];
    }
}

static void rename_to(const char *name, int file)
{
    name_set(disk.names, &disk.name_count, name, file);
    ck_assert_int_lt(disk.change_count, MOST);
    disk.changes[disk.change_count++] = (struct naming){ strdup(name), file, false };
}

/* The first `count` changes reach the platter, the others never do. */
static void keep_names(int count)
{
    count += count > 0 && disk.changes[count - 1].goes_on;
    for (int i = 0; i < disk.change_count; i++) {
        if (i < count)
            name_set(disk.kept, &disk.kept_count, disk.changes[i].name, disk.changes[i].file);
        free(disk.changes[i].name);
    }
    disk.change_count = 0;
}

/* --- contents ------------------------------------------------------------------------------ */

static void change_add(int number, off_t at, const void *data, size_t length)
{
    struct file *file = &disk.files[number];

    if (file->count == file->room) {
        file->room = file->room * 2 + 8;
        file->changes = test_given(realloc(file->changes, file->room * sizeof *file->changes));
    }
    struct change *change = &file->changes[file->count++];
    *change = (struct change){ .at = at, .length = length };
    if (data != NULL) {
        change->data = test_given(malloc(length + 1));
        memcpy(change->data, data, length);
    }
}

static void file_resize(struct file *file, size_t length)
{
    file->data = test_given(realloc(file->data, length + 1));
    if (length > file->length)
        memset(file->data + file->length, 0, length - file->length);
    file->length = length;
}

static void change_keep(struct file *file, const struct change *change)
{
    if (change->data == NULL) {
        file_resize(file, (size_t)change->at);
        return;
    }
    if (file->length < (size_t)change->at + change->length)
        file_resize(file, (size_t)change->at + change->length);
    if (change->length > 0)
        memcpy(file->data + change->at, change->data, change->length);
}

/* All changes reach the platter; or some of them, whole or torn. */
static void file_keep(struct file *file, bool all)
{
    for (size_t i = 0; i < file->count; i++) {
        struct change *change = &file->changes[i];
        if (!all && change->data != NULL && one_in(4))
            change->length = draw((unsigned)change->length + 1);
        if (all || one_in(2))
            change_keep(file, change);
        free(change->data);
    }
    file->count = 0;
}

static void file_drop(struct file *file)
{
    while (file->count > 0)
        free(file->changes[--file->count].data);
}

/* --- the calls ----------------------------------------------------------------------------- */

/* True if this call is the one. */
static bool call_fails(void)
{
    disk.calls++;
    if (disk.fault == DISK_AGAIN && disk.calls_left > 0) {
        errno = EINTR;
        return disk.calls % 2 == 0;
    }
    if (disk.calls_left == 0 || --disk.calls_left > 0)
        return false;
    disk.has_failed = true;
    errno = disk.fault == DISK_ERROR ? EIO : ENOSPC;
    return true;
}

static int model_open(const char *path, int flags, mode_t mode)
{
    int fd, i;

    if (call_fails())
        return -1;
    fd = twi_disk_real.open(path, flags, mode);
    if (fd < 0 || (flags & O_DIRECTORY))
        return fd;
    ck_assert_int_lt(fd, MOST);
    i = name_find(disk.names, disk.name_count, path);
    if (i < 0) {
        struct stat st;
        ck_assert_int_eq(fstat(fd, &st), 0);
        ck_assert_int_lt(disk.file_count, MOST);
        disk.files[disk.file_count] = (struct file){ 0 };
        rename_to(path, disk.file_count);
        if (st.st_size > 0) { /* it was there before: on the platter, too */
            struct file *file = &disk.files[disk.file_count];
            file_resize(file, (size_t)st.st_size);
            ck_assert(pread(fd, file->data, file->length, 0) == st.st_size);
            keep_names(disk.change_count);
        }
        disk.file_of_fd[fd] = disk.file_count++;
    } else {
        disk.file_of_fd[fd] = disk.names[i].file;
    }
    return fd;
}

static ssize_t model_pwrite(int fd, const void *data, size_t length, off_t at)
{
    ssize_t n;

    if (disk.fault == DISK_SHORT && disk.calls_left == 1 && length > 1) {
        length /= 2;
        disk.fault = DISK_FULL; /* the next call finds it full */
    } else if (call_fails()) {
        return -1;
    } else if (disk.fault == DISK_AGAIN && disk.calls_left > 0 && length > 1) {
        length /= 2;
    }
    n = twi_disk_real.pwrite(fd, data, length, at);
    if (n > 0)
        change_add(disk.file_of_fd[fd], at, data, (size_t)n);
    return n;
}

static ssize_t model_write(int fd, const void *data, size_t length)
{
    if (call_fails())
        return -1;
    return twi_disk_real.write(fd, data, length > 7 ? length / 2 : length);
}

static int model_ftruncate(int fd, off_t length)
{
    if (call_fails() || twi_disk_real.ftruncate(fd, length) < 0)
        return -1;
    change_add(disk.file_of_fd[fd], length, NULL, 0);
    return 0;
}

static int model_fdatasync(int fd)
{
    struct file *file = &disk.files[disk.file_of_fd[fd]];

    if (call_fails()) {
        if (errno != EINTR) /* the system lets go of what it could not write */
            file_drop(file);
        return -1;
    }
    file_keep(file, true);
    return 0;
}

static int model_fsync(int fd)
{
    (void)fd;
    if (call_fails())
        return -1;
    keep_names(disk.change_count);
    return 0;
}

static int model_rename(const char *from, const char *to)
{
    int i;

    if (call_fails() || twi_disk_real.rename(from, to) < 0)
        return -1;
    i = name_find(disk.names, disk.name_count, from);
    if (i < 0) /* made by somebody else, as SQLite's are */
        return 0;
    int file = disk.names[i].file;
    name_set(disk.names, &disk.name_count, from, -1);
    name_set(disk.names, &disk.name_count, to, file);
    ck_assert_int_lt(disk.change_count + 1, MOST);
    disk.changes[disk.change_count++] = (struct naming){ strdup(to), file, true };
    disk.changes[disk.change_count++] = (struct naming){ strdup(from), -1, false };
    return 0;
}

static int model_unlink(const char *path)
{
    if (call_fails() || twi_disk_real.unlink(path) < 0)
        return -1;
    rename_to(path, -1);
    return 0;
}

static int model_mkdir(const char *path, mode_t mode)
{
    return call_fails() ? -1 : twi_disk_real.mkdir(path, mode);
}

static const struct twi_disk model = {
    .open = model_open,
    .pwrite = model_pwrite,
    .write = model_write,
    .ftruncate = model_ftruncate,
    .fdatasync = model_fdatasync,
    .fsync = model_fsync,
    .rename = model_rename,
    .unlink = model_unlink,
    .mkdir = model_mkdir,
    .close = close,
};

/* --- for the test -------------------------------------------------------------------------- */

static void remove_all(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char path[512];

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (unlink(path) < 0 && rmdir(path) < 0) {
            remove_all(path);
            rmdir(path);
        }
    }
    if (dir != NULL)
        closedir(dir);
}

const char *disk_begin(void)
{
    strcpy(disk.folder, "/tmp/tweed-disk-XXXXXX");
    test_given(mkdtemp(disk.folder));
    twi_disk = &model;
    disk_fail(0, DISK_FULL);
    return disk.folder;
}

static void forget(struct naming *names, int *count)
{
    while (*count > 0)
        free(names[--*count].name);
}

void disk_end(void)
{
    twi_disk = &twi_disk_real;
    remove_all(disk.folder);
    rmdir(disk.folder);
    keep_names(0);
    forget(disk.names, &disk.name_count);
    forget(disk.kept, &disk.kept_count);
    for (int i = 0; i < disk.file_count; i++) {
        file_keep(&disk.files[i], true);
        free(disk.files[i].data);
        free(disk.files[i].changes);
    }
    disk.file_count = 0;
}

void disk_fail(unsigned n, enum disk_fault fault)
{
    disk.calls_left = n;
    disk.fault = fault;
    disk.has_failed = false;
    disk.calls = 0;
}

bool disk_has_failed(void)
{
    return disk.has_failed;
}

static void put_file(const char *path, const void *data, size_t length)
{
    FILE *stream = test_given(fopen(path, "w"));

    ck_assert_uint_eq(fwrite(data, 1, length, stream), length);
    ck_assert_int_eq(fclose(stream), 0);
}

void disk_lose_power(void)
{
    for (int i = 0; i < disk.file_count; i++)
        file_keep(&disk.files[i], false);
    keep_names((int)draw((unsigned)disk.change_count + 1));
    remove_all(disk.folder);
    forget(disk.names, &disk.name_count);
    for (int i = 0; i < disk.kept_count; i++) {
        const struct file *file = &disk.files[disk.kept[i].file];
        put_file(disk.kept[i].name, file->data != NULL ? file->data : "", file->length);
        name_set(disk.names, &disk.name_count, disk.kept[i].name, disk.kept[i].file);
    }
}

static void path_in_folder(char *path, size_t size, const char *name)
{
    snprintf(path, size, "%s/%s", disk.folder, name);
}

char *disk_read(const char *name, size_t *ret_length)
{
    char path[512], *data = NULL;
    FILE *stream;
    long length;

    path_in_folder(path, sizeof path, name);
    stream = fopen(path, "r");
    if (stream == NULL)
        return NULL;
    fseek(stream, 0, SEEK_END);
    length = ftell(stream);
    rewind(stream);
    data = test_given(malloc((size_t)length + 1));
    *ret_length = fread(data, 1, (size_t)length, stream);
    data[*ret_length] = 0;
    fclose(stream);
    return data;
}

void disk_write(const char *name, const void *data, size_t length)
{
    char path[512];

    path_in_folder(path, sizeof path, name);
    put_file(path, data, length);
}

unsigned disk_count(void)
{
    DIR *dir = test_given(opendir(disk.folder));
    struct dirent *entry;
    unsigned count = 0;

    while ((entry = readdir(dir)) != NULL)
        count += entry->d_name[0] != '.' && strstr(entry->d_name, "-wal") == NULL &&
                 strstr(entry->d_name, "-shm") == NULL;
    closedir(dir);
    return count;
}
