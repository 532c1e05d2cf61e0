/* SPDX-License-Identifier: MIT */
/*
 * file.h - a file that is being sent; counted, closed at the last reference.
 */
#ifndef WEB_SERVER_FILE_H
#define WEB_SERVER_FILE_H

struct twi_file {
    unsigned refs;
    int fd;
};

/* Takes `fd`. NULL when there is no memory; then it is closed. */
struct twi_file *twi_file_new(int fd);
static inline struct twi_file *twi_file_ref(struct twi_file *file)
{
    file->refs++;
    return file;
}
/* NULL is fine. */
void twi_file_unref(struct twi_file *file);

#endif
