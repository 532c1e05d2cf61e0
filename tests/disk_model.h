/* SPDX-License-Identifier: MIT */
/*
 * disk_model.h - a disk that loses power, fills up, and is interrupted, below spider/job/disk.h.
 *
 * Files are real ones in a folder of the test's. Beside them stands what is on the platter: writes
 * reach it by fdatasync(), names by fsync() of their folder.
 */
#ifndef TESTS_DISK_MODEL_H
#define TESTS_DISK_MODEL_H

#include <stdbool.h>
#include <stddef.h>

enum disk_fault {
    DISK_FULL,  /* ENOSPC */
    DISK_ERROR, /* EIO */
    DISK_SHORT, /* half of a write is done, then the disk is full; other calls: ENOSPC */
    DISK_AGAIN, /* EINTR, and short writes that go on: nothing is wrong */
    DISK_FAULTS
};

/* From here on twi_disk is this one; an empty folder is made, whose name is returned. */
const char *disk_begin(void);
/* The folder goes, with all that is in it. */
void disk_end(void);
/* The n-th call from now on fails so (1: the next); 0: none. DISK_AGAIN: every second one. */
void disk_fail(unsigned n, enum disk_fault fault);
bool disk_has_failed(void);
/* Power fails and comes back: of what was not synced a random part is there, in any order for the
 * writes, the first ones for names. Nothing may be open. */
void disk_lose_power(void);

/* The content of a file in the folder, to be freed, with a NUL behind it; NULL: there is none. */
char *disk_read(const char *name, size_t *ret_length);
void disk_write(const char *name, const void *data, size_t length);
/* How many files the folder has, without logs of databases. */
unsigned disk_count(void);

#endif
