/* SPDX-License-Identifier: MIT */
/*
 * arena.c - a bump allocator in blocks that double, up to a largest size.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "spider/text/arena.h"

#define FIRST_BLOCK 8192
#define LARGEST_BLOCK (1 << 20)
#define ALIGNMENT 16

struct twi_arena_block {
    struct twi_arena_block *next;
    size_t size; /* of what follows */
};
_Static_assert(sizeof(struct twi_arena_block) % ALIGNMENT == 0, "blocks start aligned");

void twi_arena_init(struct twi_arena *arena, size_t limit)
{
    memset(arena, 0, sizeof *arena);
    arena->limit = limit != 0 ? limit : SIZE_MAX;
}

static char *block_start(struct twi_arena_block *block)
{
    return (char *)(block + 1);
}

static void block_use(struct twi_arena *arena, struct twi_arena_block *block)
{
    arena->at = block_start(block);
    arena->end = arena->at + block->size;
}

void twi_arena_reset(struct twi_arena *arena)
{
    while (arena->blocks != NULL && arena->blocks->next != NULL) {
        struct twi_arena_block *block = arena->blocks;
        arena->blocks = block->next;
        arena->used -= block->size;
        free(block);
    }
    arena->failed = false;
    if (arena->blocks != NULL)
        block_use(arena, arena->blocks);
}

void twi_arena_free(struct twi_arena *arena)
{
    twi_arena_reset(arena);
    free(arena->blocks);
    twi_arena_init(arena, arena->limit);
}

static size_t block_size_for(const struct twi_arena *arena, size_t size)
{
    size_t wanted = arena->blocks != NULL ? arena->blocks->size * 2 : FIRST_BLOCK;

    if (wanted > LARGEST_BLOCK)
        wanted = LARGEST_BLOCK;
    if (wanted > arena->limit - arena->used)
        wanted = arena->limit - arena->used;
    return wanted < size ? size : wanted;
}

/* A new block for at least `size` bytes; false when it failed. */
static bool arena_extend(struct twi_arena *arena, size_t size)
{
    struct twi_arena_block *block = NULL;
    size_t wanted = block_size_for(arena, size);

    if (wanted <= arena->limit - arena->used)
        block = malloc(sizeof *block + wanted);
    if (block == NULL) {
        arena->failed = true;
        return false;
    }
    block->next = arena->blocks;
    block->size = wanted;
    arena->blocks = block;
    arena->used += wanted;
    block_use(arena, block);
    return true;
}

static size_t rounded(size_t size)
{
    return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

void *twi_arena_alloc(struct twi_arena *arena, size_t size)
{
    void *block;

    if (size > PTRDIFF_MAX / 2) {
        arena->failed = true;
        return NULL;
    }
    size = rounded(size > 0 ? size : 1); /* NULL is a failure */
    if (size > (size_t)(arena->end - arena->at) && !arena_extend(arena, size))
        return NULL;
    block = arena->at;
    arena->at += size;
    return block;
}

void *twi_arena_zeroed(struct twi_arena *arena, size_t size)
{
    void *block = twi_arena_alloc(arena, size);

    return block != NULL ? memset(block, 0, size) : NULL;
}

void *twi_arena_grow(struct twi_arena *arena, void *block, size_t old_size, size_t size)
{
    void *grown;

    if (old_size > 0 && (char *)block + rounded(old_size) == arena->at &&
        size <= (size_t)(arena->end - (char *)block)) {
        size_t room = rounded(size);
        if (room <= (size_t)(arena->end - (char *)block)) {
            arena->at = (char *)block + room;
            return block;
        }
    }
    grown = twi_arena_alloc(arena, size);
    if (grown != NULL && old_size > 0)
        memcpy(grown, block, old_size);
    return grown;
}

char *twi_arena_copy(struct twi_arena *arena, const char *data, size_t length)
{
    char *copy = length < SIZE_MAX ? twi_arena_alloc(arena, length + 1) : NULL;

    if (copy == NULL)
        return NULL;
    if (length > 0)
        memcpy(copy, data, length);
    copy[length] = 0;
    return copy;
}

char *twi_arena_strdup(struct twi_arena *arena, const char *string)
{
    return twi_arena_copy(arena, string, strlen(string));
}

/* --- a text that grows --------------------------------------------------------------------- */

static bool arena_text_make_room(struct twi_text *text, size_t extra)
{
    size_t size = text->size > 0 ? text->size : 64;
    char *data;

    if (extra < text->size - text->length)
        return true;
    if (extra > PTRDIFF_MAX / 4 - text->length) {
        text->arena->failed = true;
        return false;
    }
    while (size - text->length <= extra)
        size *= 2;
    data = twi_arena_grow(text->arena, text->data, text->size, size);
    if (data == NULL)
        return false;
    text->data = data;
    text->size = size;
    return true;
}

void twi_text_add(struct twi_text *text, const char *data, size_t length)
{
    if (!arena_text_make_room(text, length))
        return;
    if (length > 0)
        memcpy(text->data + text->length, data, length);
    text->length += length;
    text->data[text->length] = 0;
}

void twi_text_puts(struct twi_text *text, const char *string)
{
    twi_text_add(text, string, strlen(string));
}

void twi_text_putc(struct twi_text *text, char c)
{
    if (text->length + 1 < text->size) {
        text->data[text->length++] = c;
        text->data[text->length] = 0;
    } else {
        twi_text_add(text, &c, 1);
    }
}

const char *twi_text_string(const struct twi_text *text)
{
    return text->data != NULL ? text->data : "";
}
