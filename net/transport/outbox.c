/* SPDX-License-Identifier: MIT */
/*
 * outbox.c - see outbox.h.
 *
 * A queue of chunks. Small chunks of two sizes come from pools, so that a connection which
 * writes a little each turn neither allocates nor keeps anything; larger ones have a block of
 * their own, and counted values and files only a reference.
 */
#include "net/transport/outbox.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/slab.h"

enum chunk_kind { CHUNK_SMALL, CHUNK_MEDIUM, CHUNK_BLOCK, CHUNK_VALUE, CHUNK_FILE };

enum {
    SMALL_SIZE = 512,
    MEDIUM_SIZE = 4096,
    COPY_BELOW = 512,       /* a value up to here is cheaper copied than referred to */
    LOAD_SIZE = 64 * 1024, /* of a file, at once */
};

struct small_chunk {
    struct twi_chunk chunk;
    char data[SMALL_SIZE - sizeof(struct twi_chunk)];
};

struct medium_chunk {
    struct twi_chunk chunk;
    char data[MEDIUM_SIZE - sizeof(struct twi_chunk)];
};

struct value_chunk {
    struct twi_chunk chunk;
    tw_value value;
};

struct file_chunk {
    struct twi_chunk chunk;
    int fd;
    int64_t offset;
    void (*done)(int error, void *arg);
    void *arg;
};

static struct twi_slab smalls = TWI_SLAB(struct small_chunk);
static struct twi_slab mediums = TWI_SLAB(struct medium_chunk);
static struct twi_slab values = TWI_SLAB(struct value_chunk);
static struct twi_slab files = TWI_SLAB(struct file_chunk);

static void chunk_free(struct twi_chunk *chunk)
{
    switch ((enum chunk_kind)chunk->kind) {
    case CHUNK_SMALL:
        twi_slab_free(&smalls, chunk);
        break;
    case CHUNK_MEDIUM:
        twi_slab_free(&mediums, chunk);
        break;
    case CHUNK_BLOCK:
        twi_free(chunk);
        break;
    case CHUNK_VALUE:
        tw_release(((struct value_chunk *)chunk)->value);
        twi_slab_free(&values, chunk);
        break;
    case CHUNK_FILE:
        twi_slab_free(&files, chunk);
        break;
    }
}

/* An empty chunk with room for `length` bytes. */
static struct twi_chunk *chunk_new(size_t length)
{
    struct twi_chunk *chunk;
    size_t room;

    if (length <= sizeof((struct medium_chunk *)0)->data) {
        room = sizeof((struct medium_chunk *)0)->data;
        chunk = twi_slab_alloc(&mediums);
    } else {
        room = 0;
        if (length > SIZE_MAX / 2)
            return NULL;
        chunk = twi_malloc(sizeof *chunk + length);
    }
    if (chunk == NULL)
        return NULL;
    chunk->start = (const char *)(chunk + 1);
    chunk->length = 0;
    chunk->room = (uint32_t)room;
    chunk->kind = room > 0 ? CHUNK_MEDIUM : CHUNK_BLOCK;
    return chunk;
}

static struct twi_chunk *first_of(const struct twi_outbox *box)
{
    return box->last_ != NULL ? box->last_->next : NULL;
}

/* Into the ring behind the last, which makes it the first. */
static void chunk_prepend(struct twi_outbox *box, struct twi_chunk *chunk)
{
    if (box->last_ == NULL)
        box->last_ = chunk;
    else
        chunk->next = box->last_->next;
    box->last_->next = chunk;
}

static void chunk_append(struct twi_outbox *box, struct twi_chunk *chunk)
{
    chunk_prepend(box, chunk);
    box->last_ = chunk;
    box->length += chunk->length;
}

/* Fill the last chunk, then begin a new one for the rest. */
static int outbox_add_chunk(struct twi_outbox *box, const char *data, size_t length)
{
    struct twi_chunk *last = box->last_;
    size_t fits = last == NULL ? 0 : last->room;
    struct twi_chunk *chunk = chunk_new(length - fits);

    if (chunk == NULL)
        return -ENOMEM;
    if (fits > 0) {
        memcpy((char *)last->start + last->length, data, fits);
        last->length += fits;
        last->room = 0;
        box->length += fits;
    }
    chunk->length = length - fits;
    memcpy((char *)chunk->start, data + fits, chunk->length);
    if (chunk->room > 0)
        chunk->room -= (uint32_t)chunk->length;
    chunk_append(box, chunk);
    return 0;
}

/* A short message, and nothing before it: what nearly every connection writes in a turn. */
static inline int add_small(struct twi_outbox *box, const void *data, size_t length)
{
    struct small_chunk *small = twi_slab_alloc(&smalls);

    if (small == NULL)
        return -ENOMEM;
    small->chunk.next = &small->chunk;
    small->chunk.start = small->data;
    small->chunk.length = length;
    small->chunk.room = (uint32_t)(sizeof small->data - length);
    small->chunk.kind = CHUNK_SMALL;
    box->last_ = &small->chunk;
    box->length = length;
    memcpy(small->data, data, length);
    return 0;
}

static inline bool is_small(const struct twi_outbox *box, size_t length)
{
    return box->last_ == NULL && length <= sizeof((struct small_chunk *)0)->data;
}

__attribute__((noinline)) /* it needs registers that the usual way need not save */
static int
add_any(struct twi_outbox *box, const void *data, size_t length)
{
    struct twi_chunk *last = box->last_;

    if (is_small(box, length))
        return add_small(box, data, length);
    if (last == NULL || last->room < length)
        return outbox_add_chunk(box, data, length);
    memcpy((char *)last->start + last->length, data, length);
    last->length += length;
    last->room -= (uint32_t)length;
    box->length += length;
    return 0;
}

int twi_outbox_add(struct twi_outbox *box, const void *data, size_t length)
{
    if (length == 0)
        return 0;
    if (is_small(box, length) && twi_slab_ready(&smalls))
        return add_small(box, data, length);
    return add_any(box, data, length);
}

int twi_outbox_add_value(struct twi_outbox *box, tw_value bytes)
{
    size_t length = tw_bytes_length(bytes);
    struct value_chunk *chunk;

    if (length <= COPY_BELOW) {
        int r = twi_outbox_add(box, tw_bytes_data(bytes), length);
        tw_release(bytes);
        return r;
    }
    chunk = twi_slab_alloc(&values);
    if (chunk == NULL) {
        tw_release(bytes);
        return -ENOMEM;
    }
    chunk->value = tw_take(bytes);
    chunk->chunk.start = tw_bytes_data(chunk->value);
    chunk->chunk.length = length;
    chunk->chunk.room = 0;
    chunk->chunk.kind = CHUNK_VALUE;
    chunk_append(box, &chunk->chunk);
    return 0;
}

int twi_outbox_add_file(struct twi_outbox *box, int fd, int64_t offset, int64_t length,
                        void (*done)(int error, void *arg), void *arg)
{
    struct file_chunk *file = twi_slab_alloc(&files);

    if (file == NULL)
        return -ENOMEM;
    file->fd = fd;
    file->offset = offset;
    file->done = done;
    file->arg = arg;
    file->chunk.start = NULL;
    file->chunk.length = (size_t)length;
    file->chunk.room = 0;
    file->chunk.kind = CHUNK_FILE;
    chunk_append(box, &file->chunk);
    return 0;
}

int twi_outbox_pieces(const struct twi_outbox *box, struct iovec *pieces, int count)
{
    const struct twi_chunk *chunk = first_of(box);
    int n = 0;

    while (chunk != NULL && chunk->kind != CHUNK_FILE && n < count) {
        pieces[n].iov_base = (char *)chunk->start;
        pieces[n++].iov_len = chunk->length;
        chunk = chunk != box->last_ ? chunk->next : NULL;
    }
    return n;
}

bool twi_outbox_file(const struct twi_outbox *box, int *ret_fd, int64_t *ret_offset,
                     int64_t *ret_length)
{
    const struct file_chunk *file = (const struct file_chunk *)first_of(box);

    if (file == NULL || file->chunk.kind != CHUNK_FILE)
        return false;
    *ret_fd = file->fd;
    *ret_offset = file->offset;
    *ret_length = (int64_t)file->chunk.length;
    return true;
}

int twi_outbox_load(struct twi_outbox *box)
{
    struct file_chunk *file = (struct file_chunk *)first_of(box);
    size_t wanted;
    struct twi_chunk *chunk;
    ssize_t n;

    if (file == NULL || file->chunk.kind != CHUNK_FILE)
        return 0;
    wanted = file->chunk.length < LOAD_SIZE ? file->chunk.length : LOAD_SIZE;
    if (wanted == 0) {
        twi_outbox_sent(box, 0);
        return 0;
    }
    chunk = chunk_new(wanted);
    if (chunk == NULL)
        return -ENOMEM;
    do
        n = pread(file->fd, (char *)chunk->start, wanted, (off_t)file->offset);
    while (n < 0 && errno == EINTR);
    if (n <= 0) {
        int r = n < 0 ? -errno : -EIO;
        chunk_free(chunk);
        return r;
    }
    chunk->length = (size_t)n;
    chunk->room = 0;
    chunk_prepend(box, chunk);
    file->offset += n;
    file->chunk.length -= (size_t)n;
    return 0;
}

/* Take out the first chunk, which has been sent or dropped. */
static void first_done(struct twi_outbox *box, int error)
{
    struct twi_chunk *chunk = first_of(box);
    void (*done)(int, void *) = NULL;
    void *arg = NULL;

    if (chunk->kind == CHUNK_FILE) {
        done = ((struct file_chunk *)chunk)->done;
        arg = ((struct file_chunk *)chunk)->arg;
    }
    box->length -= chunk->length;
    if (chunk == box->last_)
        box->last_ = NULL;
    else
        box->last_->next = chunk->next;
    chunk_free(chunk);
    if (done != NULL)
        done(error, arg);
}

__attribute__((noinline)) static void sent_any(struct twi_outbox *box, size_t length)
{
    struct twi_chunk *chunk;

    while ((chunk = first_of(box)) != NULL) {
        size_t n = length < chunk->length ? length : chunk->length;

        if (chunk->kind == CHUNK_FILE)
            ((struct file_chunk *)chunk)->offset += (int64_t)n;
        else
            chunk->start += n;
        chunk->length -= n;
        box->length -= n;
        length -= n;
        if (chunk->length > 0)
            return;
        first_done(box, 0);
    }
}

void twi_outbox_sent(struct twi_outbox *box, size_t length)
{
    struct twi_chunk *chunk = box->last_;

    if (chunk == NULL || chunk->next != chunk || chunk->kind != CHUNK_SMALL ||
        length != chunk->length || twi_slab_direct) {
        sent_any(box, length);
        return;
    }
    box->last_ = NULL;
    box->length = 0;
    twi_slab_free(&smalls, chunk);
}

void twi_outbox_drop(struct twi_outbox *box, int error)
{
    while (box->last_ != NULL)
        first_done(box, error);
}
