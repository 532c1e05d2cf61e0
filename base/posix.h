/* SPDX-License-Identifier: MIT */
/*
 * posix.h - calls that Linux has in one step and plain POSIX.1-2008 in two.
 *
 * configure finds what the system has; --disable-linux has it find nothing beyond POSIX, so that
 * the plain ways can be tested where the others exist. Descriptors made here are closed on exec.
 */
#ifndef BASE_POSIX_H
#define BASE_POSIX_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* Where this flag does not exist, twi_socket() and twi_accept() ask for SO_NOSIGPIPE. */
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* Each returns a descriptor (or 0), or a negative errno. Without SOCK_CLOEXEC and pipe2() a child
 * that another thread starts in between inherits the descriptor. */
int twi_pipe(int ends[2]);
int twi_socketpair(int ends[2]); /* AF_UNIX, a stream, blocking */
int twi_socket(int family, int type, int protocol); /* non-blocking */
int twi_accept(int fd, struct sockaddr *address, socklen_t *length); /* non-blocking */

/* Did a call fail for want of descriptors or memory? It may work later. */
static inline bool twi_is_exhaustion(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Random bytes that nobody can guess; early at boot, where there are none yet, the time and an
 * address. Never waits. */
void twi_random(void *bytes, size_t size);

#ifdef HAVE_MEMRCHR
#define twi_memrchr memrchr
#else
static inline void *twi_memrchr(const void *bytes, int byte, size_t length)
{
    const unsigned char *first = bytes;

    while (length > 0)
        if (first[--length] == (unsigned char)byte)
            return (void *)(uintptr_t)(first + length);
    return NULL;
}
#endif

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif
#ifndef MAP_STACK
#define MAP_STACK 0
#endif
/* The flags for pages of stacks: the same for all, so that neighbours stay one mapping. */
#define TWI_PAGES_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK)
/* Make such pages read as zeros again and cost no memory. */
void twi_pages_drop(void *pages, size_t size);

#endif
