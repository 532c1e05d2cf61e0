/* SPDX-License-Identifier: MIT */
/*
 * robots.c - any bytes as a robots.txt: the line that decides is one of its lines, and the answer
 * is the same for a URL and for its escaped form.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "fuzz/target.h"
#include "spider/text/robots.h"

/* The last line is the URL. */
static size_t url_start(const char *data, size_t size)
{
    while (size > 0 && data[size - 1] != '\n')
        size--;
    return size;
}

static void escape_all(struct twi_text *text, const char *path, size_t length)
{
    char escape[4];

    for (size_t i = 0; i < length; i++) {
        snprintf(escape, sizeof escape, "%%%02x", (unsigned)(unsigned char)path[i]);
        if (strchr("/?;%#&=:@!'(),+[]", path[i]) != NULL)
            twi_text_putc(text, path[i]);
        else
            twi_text_puts(text, escape);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    size_t at = url_start(text, size), line, escaped_line;
    struct twi_arena arena;
    struct twi_robots *robots;

    twi_arena_init(&arena, 64 << 20);
    robots = twi_robots_read(&arena, text, at, "foo");
    FUZZ_ASSERT(robots != NULL || arena.failed);
    if (robots != NULL) {
        bool allowed = twi_robots_allow(robots, &arena, text + at, size - at, &line);
        FUZZ_ASSERT(line <= at && (allowed || line > 0));
        if (size > at && text[at] == '/' && memchr(text + at, '%', size - at) == NULL &&
            memchr(text + at, 0, size - at) == NULL &&
            (size == at + 1 || text[at + 1] != '/')) {
            struct twi_text escaped = { .arena = &arena };
            escape_all(&escaped, text + at, size - at);
            FUZZ_ASSERT(twi_robots_allow(robots, &arena, escaped.data, escaped.length,
                                         &escaped_line) == allowed);
            FUZZ_ASSERT(escaped_line == line);
        }
    }
    twi_arena_free(&arena);
    return 0;
}
