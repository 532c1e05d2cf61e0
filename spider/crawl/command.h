/* SPDX-License-Identifier: MIT */
/*
 * command.h - how a job was begun: the program, its arguments and its folder, kept in the job's, so
 * that `tweed resume` can do it again.
 */
#ifndef SPIDER_CRAWL_COMMAND_H
#define SPIDER_CRAWL_COMMAND_H

#include "spider/crawl/options.h"

struct twi_command {
    const char *folder;  /* its working directory */
    const char *program; /* its file */
    struct twi_words arguments; /* the program's name first */
};

/* Keep this process's in the job, unless it has one: who resumes it says less. 0 or a negative
 * errno. */
int twi_command_keep(const char *job);
/* 0, -ENOENT (there is none), -EINVAL (it is none), another errno, -ENOMEM. */
int twi_command_read(struct twi_arena *arena, const char *job,
                     struct twi_command *ret_command);

#endif
