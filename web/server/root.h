/* SPDX-License-Identifier: MIT */
/*
 * root.h - opening files below a directory, and no others.
 *
 * Symbolic links may lead anywhere inside; a link with an absolute path too, if the path leads
 * through the directory itself. Paths have no "." and "..", which only links may have.
 */
#ifndef WEB_SERVER_ROOT_H
#define WEB_SERVER_ROOT_H

#include <sys/stat.h>

/* A descriptor of the directory, or negative errno. */
int twi_root_open(const char *directory);

/* Open a file or directory at `path` ("": the root itself) for reading. Never waits: a pipe is
 * opened at once. A descriptor or negative errno; -EXDEV: it lies outside. */
int twi_root_open_below(int root, const char *path);
/* stat() of `path`, links followed. 0 or as twi_root_open_below(). */
int twi_root_stat_below(int root, const char *path, struct stat *ret_status);

#endif
