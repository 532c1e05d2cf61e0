/* SPDX-License-Identifier: MIT */
/*
 * disk.h - the calls by which a job's files change.
 *
 * Everything in job/ but SQLite writes through this table, so that a test can let any of
 * these calls fail, or lose what was not synced, as a power failure does.
 */
#ifndef SPIDER_JOB_DISK_H
#define SPIDER_JOB_DISK_H

#include <stddef.h>
#include <sys/types.h>

/* Each as the system's call of that name: -1 with errno. */
struct twi_disk {
    int (*open)(const char *path, int flags, mode_t mode);
    ssize_t (*pwrite)(int fd, const void *data, size_t length, off_t at);
    ssize_t (*write)(int fd, const void *data, size_t length);
    int (*ftruncate)(int fd, off_t length);
    int (*fdatasync)(int fd);
    int (*fsync)(int fd); /* of folders */
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path);
    int (*mkdir)(const char *path, mode_t mode);
    int (*close)(int fd);
};
extern const struct twi_disk twi_disk_real;
extern const struct twi_disk *twi_disk; /* the real one, unless a test says otherwise */

/* Each returns 0 or a negative errno; interrupted calls are made again. */

/* All of it, at that place. */
int twi_disk_write(int fd, const void *data, size_t length, off_t at);
/* All of it behind the first *done bytes, which counts on, to a pipe or a terminal; waits
 * where the descriptor does not block. */
int twi_disk_append(int fd, const void *data, size_t length, size_t *done);
int twi_disk_truncate(int fd, off_t length);
/* Until its bytes are on the disk. */
int twi_disk_sync(int fd);
/* A descriptor, closed on exec; folders that are missing are not made. */
int twi_disk_open(const char *path, int flags);
int twi_disk_rename(const char *from, const char *to);
/* A file that is not there is removed. */
int twi_disk_remove(const char *path);
/* Until the folder in which `path` stands has its names on the disk. */
int twi_disk_sync_folder(const char *path);
/* The folders in which `path` stands; those that are there are left alone. */
int twi_disk_make_folders(const char *path);

#endif
