/* SPDX-License-Identifier: MIT */
/*
 * lock_file.h - a file that says whose a path is.
 */
#ifndef NET_TRANSPORT_LOCK_FILE_H
#define NET_TRANSPORT_LOCK_FILE_H

struct twi_lock_file;

/* Take "PATH.lock", with our process number in it. A lock that a process left goes with it: the
 * kernel knows. 0, -EADDRINUSE (another's, or another of ours), -ENOMEM, open()'s error. */
int twi_lock_file_take(const char *path, struct twi_lock_file **ret_lock);
/* Give it back and remove the file; NULL is fine. */
void twi_lock_file_release(struct twi_lock_file *lock);

#endif
