/* SPDX-License-Identifier: MIT */
/*
 * path.c - any text as a path: no segment leads up, and its link is read as the same path.
 */
#include "config.h"

#include <string.h>

#include "fuzz/target.h"
#include "web/server/path.h"

static void check(const struct twi_path *path)
{
    struct twi_path again;
    struct twi_buf link = { 0 };
    const char *segment;
    size_t count = 0, slashes = 0;

    while ((segment = twi_path_segment(path, count)) != NULL) {
        FUZZ_ASSERT(strcmp(segment, ".") != 0 && strcmp(segment, "..") != 0);
        count++;
    }
    for (const char *at = path->text; *at != '\0'; at++)
        slashes += *at == '/';
    FUZZ_ASSERT(count == twi_path_count(path) && slashes == count);
    FUZZ_ASSERT(twi_path_link(path, &link) == 0);
    if (count == 0) {
        twi_buf_free(&link);
        return;
    }
    FUZZ_ASSERT(link.data[0] == '/' && (link.length == 1 || link.data[1] != '/'));
    FUZZ_ASSERT(twi_path_read(&again, link.data, link.length, NULL, 0) == 0);
    FUZZ_ASSERT(again.length == path->length &&
                memcmp(again.segments, path->segments, path->length) == 0);
    twi_path_free(&again);
    twi_buf_free(&link);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct twi_path path;

    if (twi_path_read(&path, (const char *)data, size, NULL, 0) == 0)
        check(&path);
    twi_path_free(&path);
    return 0;
}
