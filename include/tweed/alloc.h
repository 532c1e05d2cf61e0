/* SPDX-License-Identifier: MIT */
/*
 * alloc.h - the one allocator behind everything.
 *
 * Every allocation that tweed makes, and those of the libraries below it (libevent, OpenSSL,
 * zlib, c-ares, ...), goes through one replaceable set of functions.
 */
#ifndef TWEED_ALLOC_H
#define TWEED_ALLOC_H

#include <tweed/api.h>

TW_BEGIN

/* With the meanings of malloc(3), realloc(3), free(3); callable from any thread. */
struct tw_allocator {
    void *(*allocate)(size_t size, void *ctx);
    void *(*reallocate)(void *block, size_t size, void *ctx);
    void (*release)(void *block, void *ctx);
    void *ctx;
};

/*
 * Replace the allocator. Call before anything else of tweed, before OpenSSL or libevent have
 * allocated and before threads start; lent, must stay valid for ever.
 *   allocator   NULL for the C library's
 *   direct      true: small objects that tweed pools are allocated one by one as well, so that
 *               tools which watch allocations see each (always so under AddressSanitizer)
 * Returns 0, -EBUSY when tweed has already allocated, -EINVAL.
 */
TW_API int tw_set_allocator(const struct tw_allocator *allocator, bool direct);

TW_END
#endif
