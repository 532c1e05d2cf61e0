/* SPDX-License-Identifier: MIT */
/*
 * folder.c - the folder of a job.
 *
 * A folder without a database becomes a job only if nothing else is in it: somebody's documents are
 * not a place for a crawl. Our own files that come before the database do not count, as a start
 * may have been killed in between.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "spider/job/disk.h"
#include "spider/job/error.h"
#include "spider/job/folder.h"

char *twi_folder_file(const char *path, const char *name)
{
    size_t length = strlen(path) + 1 + strlen(name) + 1;
    char *file = malloc(length);

    if (file != NULL)
        snprintf(file, length, "%s/%s", path, name);
    return file;
}

static int folder_failure(int error, const char *path, const char *doing,
                          tw_value *ret_failure)
{
    *ret_failure = twi_job_failure(-error, "cannot %s %s: %s", doing, path, strerror(error));
    return -error;
}

static bool is_ours(const char *name)
{
    static const char *const names[] = { ".", "..", "lock", "flight" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* 1: a job; 0: empty; or a negative errno. */
static int folder_kind(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    bool has_database = false, has_other = false;

    if (dir == NULL)
        return -errno;
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, TWI_FOLDER_DATABASE) == 0)
            has_database = true;
        else if (!is_ours(entry->d_name))
            has_other = true;
    }
    closedir(dir);
    return has_database ? 1 : has_other ? -EINVAL : 0;
}

static int refuse_folder(int error, const char *path, tw_value *ret_failure)
{
    switch (error) {
    case -ENOENT:
        *ret_failure = twi_job_failure(error, "there is no job %s: no such folder", path);
        return error;
    case -ENOTDIR:
        *ret_failure = twi_job_failure(error, "%s is no folder; a job is one", path);
        return error;
    case -EINVAL:
        *ret_failure = twi_job_failure(
            error, "%s is no job: it has no %s; name a job, or a new or empty folder", path,
            TWI_FOLDER_DATABASE);
        return error;
    default:
        return folder_failure(-error, path, "look into the folder", ret_failure);
    }
}

int twi_folder_look(const char *path, tw_value *ret_failure)
{
    int kind = folder_kind(path);

    if (kind == 0)
        kind = -EINVAL;
    return kind < 0 ? refuse_folder(kind, path, ret_failure) : 0;
}

/* Make it or look at it; *ret_new: there is no database yet. */
static int folder_enter(const char *path, bool must_be_job, bool *ret_new,
                        tw_value *ret_failure)
{
    int kind = folder_kind(path);

    if (kind == -ENOENT && !must_be_job) {
        if (mkdir(path, 0777) < 0 && errno != EEXIST)
            return folder_failure(errno, path, "make the folder", ret_failure);
        twi_disk_sync_folder(path); /* a file system that cannot is no reason to stop */
        kind = folder_kind(path);
    }
    if (kind == 0 && must_be_job)
        kind = -EINVAL;
    if (kind < 0)
        return refuse_folder(kind, path, ret_failure);
    *ret_new = kind == 0;
    return 0;
}

/* The number in the lock's file; 0 if it has none yet. */
static long lock_holder(int fd)
{
    char text[32];
    ssize_t length = pread(fd, text, sizeof text - 1, 0);

    text[length > 0 ? length : 0] = '\0';
    return strtol(text, NULL, 10);
}

long twi_folder_holder(const char *path)
{
    char *file = twi_folder_file(path, "lock");
    int fd = file != NULL ? open(file, O_RDONLY | O_CLOEXEC) : -1;
    long holder = 0;

    free(file);
    if (fd < 0)
        return 0;
    if (flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
        holder = lock_holder(fd);
        holder = holder > 0 ? holder : -1;
    }
    close(fd);
    return holder;
}

static int refuse_lock(const char *path, int fd, tw_value *ret_failure)
{
    long holder = lock_holder(fd);

    if (holder > 0)
        *ret_failure = twi_job_failure(
            -EBUSY, "%s is being crawled by process %ld: wait for it, or stop it first", path,
            holder);
    else
        *ret_failure = twi_job_failure(
            -EBUSY, "%s is being crawled by another process: wait for it, or stop it first",
            path);
    return -EBUSY;
}

/* Somebody who only looks holds it for a moment, and so does a process that was just killed. */
static int lock_patiently(int fd)
{
    static const struct timespec pause = { .tv_nsec = 10 * 1000000 };
    int r = flock(fd, LOCK_EX | LOCK_NB);

    for (int tries = 0; r < 0 && errno == EWOULDBLOCK && tries < 20; tries++) {
        nanosleep(&pause, NULL);
        r = flock(fd, LOCK_EX | LOCK_NB);
    }
    return r;
}

static int folder_lock(const char *path, const char *file, tw_value *ret_failure)
{
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0666), r;
    char text[32];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());

    if (fd < 0)
        return folder_failure(errno, file, "write", ret_failure);
    if (lock_patiently(fd) < 0) {
        r = errno == EWOULDBLOCK ? refuse_lock(path, fd, ret_failure)
                                 : folder_failure(errno, file, "lock", ret_failure);
        close(fd);
        return r;
    }
    /* Only for whoever is refused; on a full disk it is left out. */
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)length, 0) != length)
        (void)!ftruncate(fd, 0);
    return fd;
}

int twi_folder_open(const char *path, bool must_be_job, struct twi_folder *folder,
                    tw_value *ret_failure)
{
    char *file;
    int r;

    *folder = (struct twi_folder){ .lock = -1 };
    r = folder_enter(path, must_be_job, &folder->is_new, ret_failure);
    if (r < 0)
        return r;
    folder->path = strdup(path);
    folder->database = twi_folder_file(path, TWI_FOLDER_DATABASE);
    file = twi_folder_file(path, "lock");
    if (folder->path == NULL || folder->database == NULL || file == NULL) {
        *ret_failure = tw_fail_memory();
        r = -ENOMEM;
    } else {
        r = folder->lock = folder_lock(path, file, ret_failure);
    }
    free(file);
    if (r < 0) {
        folder->lock = -1;
        twi_folder_close(folder);
        return r;
    }
    return 0;
}

void twi_folder_close(struct twi_folder *folder)
{
    if (folder->lock >= 0)
        close(folder->lock);
    free(folder->path);
    free(folder->database);
    *folder = (struct twi_folder){ .lock = -1 };
}
