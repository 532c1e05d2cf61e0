/* SPDX-License-Identifier: MIT */
/*
 * process.h - shared by the files of child processes.
 */
#ifndef NET_PROCESS_PROCESS_H
#define NET_PROCESS_PROCESS_H

#include "config.h"

#include <tweed/process.h>

#include "base/list.h"
#include "reactor/process/child.h"

/* Our end of a pipe. */
struct twi_process_end {
    tw_process *process;
    tw_transport *transport; /* counted; NULL once lost */
    int number;
    tw_protocol *protocol; /* until it is connected */
};

struct tw_process {
    struct twi_list node_; /* among the thread's */
    const struct tw_process_protocol *protocol;
    void *arg;
    struct twi_child *child; /* NULL once reaped */
    pid_t pid;
    unsigned refs;
    int stop_signal;
    bool leads; /* a process group */
    bool terminal;
    bool ended;
    tw_value reason; /* once exited */
    size_t open;     /* pipes */
    size_t count;
    struct twi_process_end ends[];
};

/* Wait for `process`, which runs: 0, -ENOMEM; then nothing fails any more. */
int twi_process_begin_thread(void);
void twi_process_begun(tw_process *process);
/* A twi_child_exited_fn. */
void twi_process_exited(int status, void *process);
/* Of twi_flow_on_lost(); `end` is the twi_process_end. */
void twi_process_end_lost(tw_value reason, void *end);

/* The failure for the status of waitpid(); owned. */
tw_value twi_process_reason(pid_t pid, int status);
/* Start a child; on failure *ret_failure says what could not be done, owned. */
int twi_process_spawn(const char *where, const struct tw_process_options *options,
                      const struct tw_process_protocol *protocol, void *arg,
                      tw_process **ret_process, tw_value *ret_failure);

#endif
