/* SPDX-License-Identifier: MIT */
/*
 * whole_file.c - a file that is replaced as a whole.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "web/client/whole_file.h"

int twi_whole_file_open_in_place(struct twi_whole_file *file, const char *path, int flags,
                                 mode_t mode)
{
    /* Opening a pipe would wait for a reader, writing to it shall. */
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags, mode);

    if (fd < 0)
        return -errno;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    file->fd = fd;
    return 0;
}

static int open_beside(struct twi_whole_file *file, mode_t mode)
{
    static unsigned number;

    for (int attempt = 0; attempt < 100; attempt++) {
        char *name = twi_format("%s.%ld-%u.part", file->path, (long)getpid(),
                                __atomic_add_fetch(&number, 1, __ATOMIC_RELAXED));
        int fd, error;

        if (name == NULL)
            return -ENOMEM;
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        error = errno;
        if (fd >= 0) {
            file->fd = fd;
            file->beside = name;
            return 0;
        }
        twi_free(name);
        if (error != EEXIST)
            return -error;
    }
    return -EEXIST;
}

/* Where the group cannot be given, its rights are not either: they would be another group's. */
static int take_over(int fd, const struct stat *old)
{
    mode_t mode = old->st_mode & 0777;
    struct stat now;

    if (fstat(fd, &now) < 0)
        return -errno;
    if (now.st_uid != old->st_uid && fchown(fd, old->st_uid, old->st_gid) == 0)
        now.st_gid = old->st_gid;
    if (now.st_gid != old->st_gid && fchown(fd, (uid_t)-1, old->st_gid) < 0)
        mode &= ~(mode_t)S_IRWXG;
    return fchmod(fd, mode) < 0 ? -errno : 0;
}

int twi_whole_file_open(struct twi_whole_file *file, const char *path, mode_t mode)
{
    char target[PATH_MAX];
    struct stat old, link;
    bool exists = stat(path, &old) == 0;
    int r;

    if (exists && !S_ISREG(old.st_mode))
        return twi_whole_file_open_in_place(file, path, 0, mode);
    if (!exists && lstat(path, &link) == 0 && S_ISLNK(link.st_mode))
        return twi_whole_file_open_in_place(file, path, O_CREAT | O_TRUNC, mode);
    if (exists && realpath(path, target) == NULL)
        return -errno;
    file->path = twi_strdup(exists ? target : path);
    if (file->path == NULL)
        return -ENOMEM;
    r = open_beside(file, exists ? S_IRUSR | S_IWUSR : mode);
    return r == 0 && exists ? take_over(file->fd, &old) : r;
}

int twi_whole_file_write(struct twi_whole_file *file, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t written = write(file->fd, data, length);

        if (written < 0 && errno != EINTR)
            return -errno;
        if (written > 0) {
            data += written;
            length -= (size_t)written;
        }
    }
    return 0;
}

int twi_whole_file_commit(struct twi_whole_file *file)
{
    int fd = file->fd;

    file->fd = -1;
    if (fd >= 0 && close(fd) < 0)
        return -errno;
    if (file->beside == NULL)
        return 0;
    if (rename(file->beside, file->path) < 0)
        return -errno;
    twi_free(file->beside);
    file->beside = NULL;
    return 0;
}

void twi_whole_file_drop(struct twi_whole_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    if (file->beside != NULL)
        unlink(file->beside);
    twi_free(file->beside);
    twi_free(file->path);
    *file = (struct twi_whole_file){ .fd = -1 };
}
