/* SPDX-License-Identifier: MIT */
/*
 * arena.h - memory that is released all at once: everything that is read out of one page.
 *
 * An allocation lives until the arena is reset or freed. An arena has a limit; behind it, and
 * when there is no memory, allocating returns NULL, and `failed` stays set: who builds
 * something large may go on with what it has and look once, at the end.
 */
#ifndef SPIDER_TEXT_ARENA_H
#define SPIDER_TEXT_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct twi_arena_block;
struct twi_arena {
    struct twi_arena_block *blocks; /* the newest first */
    char *at, *end;                 /* what is left of it */
    size_t used, limit;             /* bytes of all blocks */
    bool failed;
};

/* No memory is taken before the first allocation. `limit` in bytes, 0 for none. */
void twi_arena_init(struct twi_arena *arena, size_t limit);
/* Let go of everything, but keep the first block for what comes next. */
void twi_arena_reset(struct twi_arena *arena);
void twi_arena_free(struct twi_arena *arena);

/* Aligned for any type; not initialised. NULL when it failed. */
void *twi_arena_alloc(struct twi_arena *arena, size_t size);
void *twi_arena_zeroed(struct twi_arena *arena, size_t size);
/* Make `block` larger, in place if it was allocated last; else it is copied. */
void *twi_arena_grow(struct twi_arena *arena, void *block, size_t old_size, size_t size);
/* A copy with a NUL behind it. */
char *twi_arena_copy(struct twi_arena *arena, const char *data, size_t length);
char *twi_arena_strdup(struct twi_arena *arena, const char *string);

/* --- a text that grows in an arena --------------------------------------------------------- */

/* { .arena = arena } is empty. `data` is NULL until something was added; then a NUL follows it. */
struct twi_text {
    struct twi_arena *arena;
    char *data;
    size_t length, size;
};
void twi_text_add(struct twi_text *text, const char *data, size_t length);
void twi_text_puts(struct twi_text *text, const char *string);
void twi_text_putc(struct twi_text *text, char c);
/* The text, never NULL, with a NUL behind it. */
const char *twi_text_string(const struct twi_text *text);

#endif
