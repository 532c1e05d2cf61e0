/* SPDX-License-Identifier: MIT */
/*
 * folder.h - the folder of a job: is it one, and does somebody else crawl it?
 */
#ifndef SPIDER_JOB_FOLDER_H
#define SPIDER_JOB_FOLDER_H

#include <stdbool.h>

#include <tweed/value.h>

#define TWI_FOLDER_DATABASE "job.sqlite"

struct twi_folder {
    char *path, *database;
    int lock; /* its descriptor; -1 */
    bool is_new;
};

/* Look at the folder, make it if it is not there and need not be, lock it. Returns 0, or as
 * twi_job_open() with a failure. */
int twi_folder_open(const char *path, bool must_be_job, struct twi_folder *folder,
                    tw_value *ret_failure);
/* Let the lock go. */
void twi_folder_close(struct twi_folder *folder);

/* Only look: 0, or the same failures. For those that read. */
int twi_folder_look(const char *path, tw_value *ret_failure);

/* The process that has the lock; 0: none has; -1: one that did not say. */
long twi_folder_holder(const char *path);

/* "PATH/NAME", to be freed; NULL without memory. */
char *twi_folder_file(const char *path, const char *name);

#endif
