/* SPDX-License-Identifier: MIT */
/*
 * file.c - see file.h.
 */
#include "config.h"

#include <unistd.h>

#include "base/alloc.h"
#include "web/server/file.h"

struct twi_file *twi_file_new(int fd)
{
    struct twi_file *file = twi_malloc(sizeof *file);

    if (file == NULL) {
        close(fd);
        return NULL;
    }
    file->refs = 1;
    file->fd = fd;
    return file;
}

void twi_file_unref(struct twi_file *file)
{
    if (file == NULL || --file->refs > 0)
        return;
    close(file->fd);
    twi_free(file);
}
