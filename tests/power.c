/* SPDX-License-Identifier: MIT */
/*
 * power.c - a disk that loses power.
 *
 * A file is known by its inode. Beside it stand the bytes that were there at its last sync, and the
 * changes since; and beside the folders the names that are there for sure, and the changes of names
 * since. Mappings are not followed: SQLite's shared index is gone after a power failure.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/power.h"

#define EXPORT __attribute__((visibility("default")))
#define REAL(name_) \
    static __typeof__(&name_) real; \
    if (real == NULL) \
    *(void **)&real = dlsym(RTLD_NEXT, #name_)

enum { MAX_FILES = 512, MAX_NAMES = 1024, MAX_FD = 1024, PATH_SIZE = 256, SECTOR = 512 };

/* A write, or (data NULL) a cut. */
struct change {
    off_t at;
    size_t length;
    char *data;
    struct change *next;
};
struct content {
    ino_t inode;
    char *platter;
    size_t length;
    struct change *first, **end;
};
/* `inode` stands under `path`, or (0) nothing does. */
struct name {
    char path[PATH_SIZE];
    ino_t inode;
    int goes_on; /* with the next change: a rename is one */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_SIZE];
static struct content contents[MAX_FILES];
static unsigned content_count;
static struct name sure[MAX_NAMES], since[MAX_NAMES];
static unsigned sure_count, since_count;
static char fd_paths[MAX_FD][PATH_SIZE];
static unsigned calls, fails_at;
static uint32_t dice;

static unsigned roll(unsigned below)
{
    dice = dice * 1664525u + 1013904223u;
    return (dice >> 8) % below;
}

static void must(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "power: %s\n", what);
    _exit(1);
}

static void *must_have(void *pointer)
{
    must(pointer != NULL, "no memory");
    return pointer;
}

static int is_tracked(const char *path)
{
    return root[0] != '\0' && strncmp(path, root, strlen(root)) == 0;
}

/* --- contents ------------------------------------------------------------------------------- */

static void read_platter(struct content *content, int fd)
{
    struct stat st;
    char path[64];
    FILE *file;

    must(fstat(fd, &st) == 0, "fstat");
    free(content->platter);
    content->platter = must_have(malloc((size_t)st.st_size + 1));
    content->length = (size_t)st.st_size;
    /* The descriptor may be for writing only. */
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    file = must_have(fopen(path, "rb"));
    must(fread(content->platter, 1, content->length, file) == content->length, "fread");
    fclose(file);
}

static struct content *content_of(ino_t inode)
{
    for (unsigned i = 0; i < content_count; i++)
        if (contents[i].inode == inode)
            return &contents[i];
    return NULL;
}

static void forget_changes(struct content *content)
{
    while (content->first != NULL) {
        struct change *change = content->first;

        content->first = change->next;
        free(change->data);
        free(change);
    }
    content->end = &content->first;
}

/* The file behind a descriptor: as it is now, if it was there for sure. */
static struct content *content_at(int fd, int is_new)
{
    struct content *content;
    struct stat st;

    must(fstat(fd, &st) == 0, "fstat");
    content = content_of(st.st_ino);
    if (content != NULL && !is_new)
        return content;
    if (content == NULL) {
        must(content_count < MAX_FILES, "too many files");
        content = &contents[content_count++];
        content->end = &content->first;
    }
    forget_changes(content);
    content->inode = st.st_ino;
    read_platter(content, fd);
    return content;
}

static void note_change(int fd, off_t at, size_t length, const void *data)
{
    struct content *content = content_at(fd, 0);
    struct change *change = must_have(calloc(1, sizeof *change));

    change->at = at;
    change->length = length;
    if (data != NULL) {
        change->data = must_have(malloc(length + 1));
        memcpy(change->data, data, length);
    }
    *content->end = change;
    content->end = &change->next;
}

/* --- names ---------------------------------------------------------------------------------- */

static void set_name(struct name *names, unsigned *count, const char *path, ino_t inode)
{
    unsigned i;

    for (i = 0; i < *count && strcmp(names[i].path, path) != 0; i++)
        ;
    must(i < MAX_NAMES && strlen(path) < PATH_SIZE, "too many names");
    strcpy(names[i].path, path);
    names[i].inode = inode;
    if (i == *count)
        ++*count;
}

static void note_name(const char *path, ino_t inode)
{
    must(since_count < MAX_NAMES && strlen(path) < PATH_SIZE, "too many changes of names");
    since[since_count] = (struct name){ .inode = inode };
    strcpy(since[since_count++].path, path);
}

static int stands_in(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    return strncmp(path, folder, length) == 0 && path[length] == '/' &&
           strchr(path + length + 1, '/') == NULL;
}

static void sync_names(const char *folder)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < since_count; i++)
        if (stands_in(since[i].path, folder))
            set_name(sure, &sure_count, since[i].path, since[i].inode);
        else
            since[kept++] = since[i];
    since_count = kept;
}

static int find_name(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)walk;
    if (type == FTW_F)
        set_name(sure, &sure_count, path, st->st_ino);
    return 0;
}

/* --- the power fails ------------------------------------------------------------------------ */

static void apply_sector(struct content *content, const struct change *change, size_t from,
                         size_t to)
{
    size_t end = (size_t)change->at + to;

    if (end > content->length) {
        content->platter = must_have(realloc(content->platter, end + 1));
        memset(content->platter + content->length, 0, end - content->length);
        content->length = end;
    }
    memcpy(content->platter + change->at + from, change->data + from, to - from);
}

static void apply_change(struct content *content, const struct change *change, unsigned odds)
{
    size_t from, to;

    if (change->data == NULL) {
        if (roll(4) >= odds)
            return;
        if (change->length > content->length) {
            content->platter = must_have(realloc(content->platter, change->length + 1));
            memset(content->platter + content->length, 0, change->length - content->length);
        }
        content->length = change->length;
        return;
    }
    for (from = 0; from < change->length; from = to) {
        to = from + SECTOR - ((size_t)change->at + from) % SECTOR;
        to = to < change->length ? to : change->length;
        if (roll(4) < odds)
            apply_sector(content, change, from, to);
    }
}

static int remove_file(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)walk;
    return type == FTW_F ? remove(path) : 0;
}

static void write_back(const struct name *name, const struct content *content)
{
    FILE *file = must_have(fopen(name->path, "wb"));

    must(fwrite(content->platter, 1, content->length, file) == content->length, "fwrite");
    fclose(file);
}

static void lose_power(void) __attribute__((noreturn));
static void lose_power(void)
{
    unsigned odds = roll(5); /* of 4: how much of the rest is there */
    unsigned names = roll(since_count + 1);
    char folder[PATH_SIZE];

    if (names > 0 && since[names - 1].goes_on)
        names++;
    strcpy(folder, root);
    root[0] = '\0'; /* from here on nothing is tracked */
    for (unsigned i = 0; i < names; i++)
        set_name(sure, &sure_count, since[i].path, since[i].inode);
    for (unsigned i = 0; i < content_count; i++)
        for (struct change *change = contents[i].first; change != NULL; change = change->next)
            apply_change(&contents[i], change, odds);
    nftw(folder, remove_file, 16, FTW_PHYS);
    for (unsigned i = 0; i < sure_count; i++) {
        const struct content *content = content_of(sure[i].inode);

        if (sure[i].inode != 0 && strstr(sure[i].path, "-shm") == NULL)
            write_back(&sure[i], must_have((void *)content));
    }
    _exit(POWER_STATUS);
}

static void count_call(void)
{
    calls++;
    if (calls == fails_at)
        lose_power();
}

static int keep_content(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    int fd;

    (void)st;
    (void)walk;
    if (type != FTW_F)
        return 0;
    fd = open(path, O_RDONLY);
    content_at(fd, 0);
    close(fd);
    return 0;
}

void power_begin(const char *folder, unsigned n, uint32_t seed)
{
    nftw(folder, find_name, 16, FTW_PHYS);
    nftw(folder, keep_content, 16, FTW_PHYS);
    dice = seed;
    fails_at = n;
    snprintf(root, sizeof root, "%s", folder);
}

unsigned power_calls(void)
{
    return calls;
}

/* --- the calls ------------------------------------------------------------------------------ */

static void opened(int fd, const char *path, int is_new)
{
    struct stat st;

    must(fd < MAX_FD && strlen(path) < PATH_SIZE, "too many descriptors");
    strcpy(fd_paths[fd], path);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return;
    if (is_new)
        note_name(path, st.st_ino);
    content_at(fd, is_new);
}

static int open_tracked(int (*real)(const char *, int, ...), const char *path, int flags,
                        mode_t mode)
{
    int is_new, fd;

    if (!is_tracked(path))
        return real(path, flags, mode);
    pthread_mutex_lock(&lock);
    is_new = (flags & O_CREAT) != 0 && access(path, F_OK) < 0;
    if (is_new)
        count_call();
    fd = real(path, flags, mode);
    if (fd >= 0)
        opened(fd, path, is_new);
    pthread_mutex_unlock(&lock);
    return fd;
}

EXPORT int open(const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;

    REAL(open);
    va_start(args, flags);
    mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    return open_tracked(real, path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;

    REAL(open64);
    va_start(args, flags);
    mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    return open_tracked(real, path, flags, mode);
}

static int is_tracked_fd(int fd)
{
    return fd >= 0 && fd < MAX_FD && root[0] != '\0' && fd_paths[fd][0] != '\0';
}

EXPORT int close(int fd)
{
    REAL(close);
    if (fd >= 0 && fd < MAX_FD)
        fd_paths[fd][0] = '\0';
    return real(fd);
}

static ssize_t write_at(ssize_t (*real)(int, const void *, size_t, off_t), int fd,
                        const void *data, size_t size, off_t at)
{
    ssize_t r;

    if (!is_tracked_fd(fd))
        return real(fd, data, size, at);
    pthread_mutex_lock(&lock);
    count_call();
    note_change(fd, at, size, data);
    r = real(fd, data, size, at);
    pthread_mutex_unlock(&lock);
    return r;
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    REAL(pwrite);
    return write_at(real, fd, data, size, at);
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    REAL(pwrite64);
    return write_at(real, fd, data, size, at);
}

static int cut_at(int (*real)(int, off_t), int fd, off_t length)
{
    int r;

    if (!is_tracked_fd(fd))
        return real(fd, length);
    pthread_mutex_lock(&lock);
    count_call();
    note_change(fd, 0, (size_t)length, NULL);
    r = real(fd, length);
    pthread_mutex_unlock(&lock);
    return r;
}

EXPORT int ftruncate(int fd, off_t length)
{
    REAL(ftruncate);
    return cut_at(real, fd, length);
}

EXPORT int ftruncate64(int fd, off64_t length)
{
    REAL(ftruncate64);
    return cut_at(real, fd, length);
}

static int sync_tracked(int fd)
{
    struct content *content;
    struct stat st;

    if (!is_tracked_fd(fd))
        return 0;
    pthread_mutex_lock(&lock);
    count_call();
    must(fstat(fd, &st) == 0, "fstat");
    if (S_ISDIR(st.st_mode)) {
        sync_names(fd_paths[fd]);
    } else {
        content = content_at(fd, 0);
        forget_changes(content);
        read_platter(content, fd);
    }
    pthread_mutex_unlock(&lock);
    return 0;
}

EXPORT int fsync(int fd)
{
    return sync_tracked(fd);
}

EXPORT int fdatasync(int fd)
{
    return sync_tracked(fd);
}

EXPORT int rename(const char *from, const char *to)
{
    struct stat st;
    int r;

    REAL(rename);
    if (!is_tracked(from) || stat(from, &st) < 0)
        return real(from, to);
    pthread_mutex_lock(&lock);
    count_call();
    r = real(from, to);
    if (r == 0) {
        note_name(to, st.st_ino);
        since[since_count - 1].goes_on = 1;
        note_name(from, 0);
    }
    pthread_mutex_unlock(&lock);
    return r;
}

EXPORT int unlink(const char *path)
{
    int r;

    REAL(unlink);
    if (!is_tracked(path))
        return real(path);
    pthread_mutex_lock(&lock);
    count_call();
    r = real(path);
    if (r == 0)
        note_name(path, 0);
    pthread_mutex_unlock(&lock);
    return r;
}
