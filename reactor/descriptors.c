/* SPDX-License-Identifier: MIT */
/*
 * descriptors.c - readers and writers for any descriptor.
 *
 * A table by number holds one watch for each descriptor with its reader and its writer. A
 * reader or writer that a callback removes is not called any more in the same turn, even if the
 * number comes back for another file: each entry has a serial number.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <tweed/log.h>

#include "base/alloc.h"
#include "reactor/loop.h"

struct side {
    void (*fn)(int fd, void *arg);
    void *arg;
};

struct twi_descriptor {
    struct twi_watch *watch;
    int fd;
    uint64_t serial;
    struct side reader, writer;
};

static struct twi_descriptor *descriptor_find(const struct twi_loop *loop, int fd)
{
    if (loop == NULL || fd < 0 || (size_t)fd >= loop->descriptor_capacity)
        return NULL;
    return loop->descriptors[fd];
}

static void descriptor_ready(unsigned events, void *arg)
{
    struct twi_descriptor *descriptor = arg;
    struct side writer = descriptor->writer;
    uint64_t serial = descriptor->serial;
    int fd = descriptor->fd;

    if ((events & TWI_READABLE) != 0 && descriptor->reader.fn != NULL) {
        descriptor->reader.fn(fd, descriptor->reader.arg);
        descriptor = descriptor_find(twi_loop_here, fd);
        if (descriptor == NULL || descriptor->serial != serial)
            return;
    }
    if ((events & TWI_WRITABLE) != 0 && writer.fn != NULL &&
        descriptor->writer.fn == writer.fn)
        writer.fn(fd, descriptor->writer.arg);
}

static unsigned descriptor_wanted(const struct twi_descriptor *descriptor)
{
    return (descriptor->reader.fn != NULL ? TWI_READABLE : 0u) |
           (descriptor->writer.fn != NULL ? TWI_WRITABLE : 0u);
}

static int descriptors_grow(struct twi_loop *loop, int fd)
{
    size_t before = loop->descriptor_capacity;
    int r = twi_grow(&loop->descriptors, &loop->descriptor_capacity, (size_t)fd + 1,
                     sizeof *loop->descriptors);

    if (r == 0 && loop->descriptor_capacity > before)
        memset(loop->descriptors + before, 0,
               (loop->descriptor_capacity - before) * sizeof *loop->descriptors);
    return r;
}

static int add_first(struct twi_loop *loop, int fd, unsigned event, struct side side)
{
    struct twi_descriptor *descriptor;
    int r = fcntl(fd, F_GETFD) < 0 ? -EBADF : descriptors_grow(loop, fd);

    if (r < 0)
        return r;
    descriptor = twi_calloc(1, sizeof *descriptor);
    if (descriptor == NULL)
        return -ENOMEM;
    r = twi_backend_watch(loop->backend, fd, event, descriptor_ready, descriptor,
                          &descriptor->watch);
    if (r < 0) {
        twi_free(descriptor);
        return r;
    }
    descriptor->fd = fd;
    descriptor->serial = ++loop->last_serial;
    *(event == TWI_READABLE ? &descriptor->reader : &descriptor->writer) = side;
    loop->descriptors[fd] = descriptor;
    return 0;
}

static int descriptor_add(int fd, unsigned event, void (*fn)(int fd, void *arg), void *arg)
{
    struct twi_loop *loop = twi_loop_get();
    struct twi_descriptor *descriptor = descriptor_find(loop, fd);
    struct side side = { fn, arg }, *place;
    int r;

    if (loop == NULL)
        return -ENOMEM;
    if (fd < 0)
        return -EBADF;
    if (fn == NULL)
        return -EINVAL;
    if (descriptor == NULL)
        return add_first(loop, fd, event, side);
    place = event == TWI_READABLE ? &descriptor->reader : &descriptor->writer;
    if (place->fn != NULL)
        return -EEXIST;
    r = twi_watch_change(descriptor->watch, descriptor_wanted(descriptor) | event);
    if (r == 0)
        *place = side;
    return r;
}

static void descriptor_drop(struct twi_loop *loop, struct twi_descriptor *descriptor)
{
    loop->descriptors[descriptor->fd] = NULL;
    twi_watch_free(descriptor->watch);
    twi_free(descriptor);
}

static int remove_side(int fd, unsigned event)
{
    struct twi_descriptor *descriptor = descriptor_find(twi_loop_here, fd);

    if (descriptor == NULL || (descriptor_wanted(descriptor) & event) == 0)
        return -ENOENT;
    if (event == TWI_READABLE)
        descriptor->reader.fn = NULL;
    else
        descriptor->writer.fn = NULL;
    if (descriptor_wanted(descriptor) == 0)
        descriptor_drop(twi_loop_here, descriptor);
    else
        twi_watch_change(descriptor->watch, descriptor_wanted(descriptor));
    return 0;
}

void twi_descriptors_release(struct twi_loop *loop)
{
    for (size_t fd = 0; fd < loop->descriptor_capacity; fd++) {
        if (loop->descriptors[fd] != NULL)
            descriptor_drop(loop, loop->descriptors[fd]);
    }
    twi_free(loop->descriptors);
    loop->descriptors = NULL;
    loop->descriptor_capacity = 0;
}

void twi_descriptors_preen(struct twi_loop *loop)
{
    for (size_t fd = 0; fd < loop->descriptor_capacity; fd++) {
        if (loop->descriptors[fd] == NULL || fcntl((int)fd, F_GETFD) >= 0)
            continue;
        tw_log(TW_LOG_ERROR, "reactor", "descriptor %zu was closed while it was watched", fd);
        descriptor_drop(loop, loop->descriptors[fd]);
    }
}

/* --- the public face --------------------------------------------------------------------- */

int tw_reactor_add_reader(int fd, void (*fn)(int fd, void *arg), void *arg)
{
    return descriptor_add(fd, TWI_READABLE, fn, arg);
}

int tw_reactor_add_writer(int fd, void (*fn)(int fd, void *arg), void *arg)
{
    return descriptor_add(fd, TWI_WRITABLE, fn, arg);
}

int tw_reactor_remove_reader(int fd)
{
    return remove_side(fd, TWI_READABLE);
}

int tw_reactor_remove_writer(int fd)
{
    return remove_side(fd, TWI_WRITABLE);
}

int tw_reactor_remove_all(void)
{
    struct twi_loop *loop = twi_loop_here;
    int count = 0;

    if (loop == NULL)
        return 0;
    for (size_t fd = 0; fd < loop->descriptor_capacity; fd++) {
        struct twi_descriptor *descriptor = loop->descriptors[fd];
        if (descriptor == NULL)
            continue;
        count += (descriptor->reader.fn != NULL) + (descriptor->writer.fn != NULL);
        descriptor_drop(loop, descriptor);
    }
    return count;
}

static size_t list(unsigned event, int *fds, size_t size)
{
    struct twi_loop *loop = twi_loop_here;
    size_t count = 0;

    for (size_t fd = 0; loop != NULL && fd < loop->descriptor_capacity; fd++) {
        if (loop->descriptors[fd] == NULL ||
            (descriptor_wanted(loop->descriptors[fd]) & event) == 0)
            continue;
        if (count < size)
            fds[count] = (int)fd;
        count++;
    }
    return count;
}

size_t tw_reactor_readers(int *fds, size_t size)
{
    return list(TWI_READABLE, fds, size);
}

size_t tw_reactor_writers(int *fds, size_t size)
{
    return list(TWI_WRITABLE, fds, size);
}
