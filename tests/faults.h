/* SPDX-License-Identifier: MIT */
/*
 * faults.h - system calls that fail on demand; see faults.c.
 */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
    FAULT_NONE,
    FAULT_EINTR,      /* anything that may wait */
    FAULT_EAGAIN,     /* sockets and pipes that do not block */
    FAULT_SHORT,      /* one byte of what was asked for */
    FAULT_EMFILE,     /* whatever makes a descriptor */
    FAULT_ECONNRESET, /* traffic on a socket */
    FAULT_ENOSPC,     /* writing a file */
    FAULT_KINDS
};

/* The n-th call of that kind from now on fails (1: the next; 0: none, but they are counted);
 * with `all`, those after it too. */
typedef void faults_plan_fn(enum fault_kind kind, uint64_t n, bool all);
/* Calls of that kind since faults_plan(). */
typedef uint64_t faults_seen_fn(void);

faults_plan_fn faults_plan;
faults_seen_fn faults_seen;

#endif
