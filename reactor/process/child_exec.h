/* SPDX-License-Identifier: MIT */
/*
 * child_exec.h - the fork, and the child's steps until it executes its program.
 */
#ifndef REACTOR_PROCESS_CHILD_EXEC_H
#define REACTOR_PROCESS_CHILD_EXEC_H

#include "reactor/process/child.h"

/* Returns 0 and the child's process id, or -errno and the step at which it failed; nothing is
 * left then. */
int twi_child_launch(const struct twi_child_options *options, pid_t *ret_pid,
                     enum twi_child_step *ret_step);
/* waitpid() that is not interrupted. */
pid_t twi_child_wait(pid_t pid, int *ret_status, int flags);

#endif
