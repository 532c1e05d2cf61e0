/* SPDX-License-Identifier: MIT */
/*
 * whole_file.h - a file that is replaced as a whole: written beside its place, then renamed.
 *
 * The new file has the mode of the old one, and its owner and group as far as we may give them. A
 * symbolic link stays one: the file that it leads to is replaced. A pipe, a device or a socket is
 * written to as it is; writing waits for its reader, and a pipe that nobody reads is -ENXIO.
 */
#ifndef WEB_CLIENT_WHOLE_FILE_H
#define WEB_CLIENT_WHOLE_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* All zero but `fd`, which is -1: none. */
struct twi_whole_file {
    int fd;
    char *path;   /* to be replaced: where links lead to */
    char *beside; /* NULL: written in place */
};

/* `mode`: of a file that is not there yet, before the umask. 0 or negative errno. */
int twi_whole_file_open(struct twi_whole_file *file, const char *path, mode_t mode);
/* In place, with more flags for open(2). 0 or negative errno. */
int twi_whole_file_open_in_place(struct twi_whole_file *file, const char *path, int flags,
                                 mode_t mode);
/* All of it. 0 or negative errno. */
int twi_whole_file_write(struct twi_whole_file *file, const char *data, size_t length);
/* Close it and put it into its place: a full disk may show only here. 0 or negative errno. */
int twi_whole_file_commit(struct twi_whole_file *file);
/* Forget it; a file in place keeps what was written. Also after the others, whatever they say. */
void twi_whole_file_drop(struct twi_whole_file *file);

#endif
