/* SPDX-License-Identifier: MIT */
/*
 * lock_file.h - a file that says which process owns a path.
 */
#ifndef NET_TRANSPORT_LOCK_FILE_H
#define NET_TRANSPORT_LOCK_FILE_H

struct twi_lock_file;

/* Take "PATH.lock", with our process number in it. The kernel drops a process's lock at its
 * end. 0, -EADDRINUSE (another process, or another listener of ours, has it), -ENOMEM, or the
 * error of open(). */
int twi_lock_file_take(const char *path, struct twi_lock_file **ret_lock);
/* Give it back and remove the file; NULL is fine. */
void twi_lock_file_release(struct twi_lock_file *lock);
/* In the child of a fork(): it stays the parent's. */
void twi_lock_file_leave(struct twi_lock_file *lock);

#endif
