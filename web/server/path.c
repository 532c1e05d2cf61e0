/* SPDX-License-Identifier: MIT */
/*
 * path.c - see path.h.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <tweed/url.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "web/server/path.h"

/* --- a path without escapes and dots ----------------------------------------------------- */

/* 0x80 in each byte that is `c`, 0 in the others. */
static inline uint64_t bytes_that_are(uint64_t word, char c)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), low = ones * 0x7f;

    word ^= ones * (unsigned char)c;
    return ~(((word & low) + low) | word | low);
}

/* Copy eight bytes, the slashes among the segments as NULs. False if one of the bytes has to be
 * decoded, resolved or refused; the byte before them is looked at, too. */
static inline bool path_copy_8(const char *from, char *text, char *segments)
{
    uint64_t word = twi_load_8(from), slashes = bytes_that_are(word, '/'), parted;

    if ((bytes_that_are(word, '%') | bytes_that_are(word, '\0') |
         (bytes_that_are(word, '.') & bytes_that_are(twi_load_8(from - 1), '/'))) != 0)
        return false;
    parted = word & ~((slashes >> 7) * 0xff);
    memcpy(text, &word, sizeof word);
    memcpy(segments, &parted, sizeof parted);
    return true;
}

static inline bool path_copy_1(const char *from, char *text, char *segments)
{
    if (*from == '%' || *from == '\0' || (*from == '.' && from[-1] == '/'))
        return false;
    *text = *from;
    *segments = *from == '/' ? '\0' : *from;
    return true;
}

/* Most paths are in normal form already: text and segments are the same but for the slashes.
 * False, having written something, if this one is not. The last word overlaps the one before. */
static bool path_copy(const char *from, size_t length, char *text, char *segments)
{
    size_t at = 1;

    *text = '/';
    text[length] = segments[length - 1] = '\0';
    segments--; /* they begin behind the first slash */
    if (length <= 8) {
        for (; at < length; at++)
            if (!path_copy_1(from + at, text + at, segments + at))
                return false;
        return true;
    }
    for (; at < length - 8; at += 8)
        if (!path_copy_8(from + at, text + at, segments + at))
            return false;
    at = length - 8;
    return path_copy_8(from + at, text + at, segments + at);
}

/* --- any path ---------------------------------------------------------------------------- */

/* A path on its way into normal form. */
struct reading {
    char *segments, *out; /* `out` is behind the last segment that is complete */
    const char *at, *end;
    size_t slashes; /* inside of segments */
};

/* Decode up to the next slash; the end of the segment, or NULL. */
static char *segment_decode(struct reading *reading)
{
    const char *at = reading->at, *end = reading->end;
    char *out = reading->out;

    for (; at < end && *at != '/'; at++) {
        int high, low;

        *out = *at;
        if (*at == '%') {
            high = end - at < 3 ? -1 : twi_hex(at[1]);
            low = high < 0 ? -1 : twi_hex(at[2]);
            if (low < 0)
                return NULL;
            *out = (char)(high << 4 | low);
            reading->slashes += *out == '/';
            at += 2;
        }
        if (*out++ == '\0')
            return NULL;
    }
    reading->at = at;
    *out = '\0';
    return out;
}

/* Take the last segment back. False if there is none. */
static bool segment_drop(struct reading *reading)
{
    char *out = reading->out;

    if (out == reading->segments)
        return false;
    for (out--; out > reading->segments && out[-1] != '\0';)
        reading->slashes -= *--out == '/';
    reading->out = out;
    return true;
}

/* One segment, behind its slash. 0 or -EINVAL. */
static int segment_read(struct reading *reading)
{
    char *segment = reading->out, *end = segment_decode(reading);
    bool is_dot, is_up;

    if (end == NULL)
        return -EINVAL;
    is_dot = end - segment == 1 && segment[0] == '.';
    is_up = end - segment == 2 && segment[0] == '.' && segment[1] == '.';
    if (!is_dot && !is_up) {
        reading->out = end + 1;
        return 0;
    }
    if (is_up && !segment_drop(reading))
        return -EINVAL;
    /* Dots at the end leave a path that ends with a slash. */
    if (reading->at == reading->end)
        *reading->out++ = '\0';
    return 0;
}

static int segments_read(struct reading *reading)
{
    int r = 0;

    while (r == 0 && reading->at < reading->end) {
        reading->at++;
        r = segment_read(reading);
    }
    return r;
}

/* Join the segments. */
static void text_write(char *text, const char *segments, size_t length, bool has_slashes)
{
    const char *end = segments + length;

    while (segments < end) {
        size_t size = strlen(segments);

        *text++ = '/';
        if (!has_slashes) {
            memcpy(text, segments, size);
            text += size;
        } else {
            for (size_t i = 0; i < size; i++) {
                if (segments[i] == '/') {
                    memcpy(text, "%2F", 3);
                    text += 3;
                } else {
                    *text++ = segments[i];
                }
            }
        }
        segments += size + 1;
    }
    *text = '\0';
}

int twi_path_read(struct twi_path *path, const char *text, size_t length, char *space,
                  size_t room)
{
    struct reading reading = { .at = text, .end = text + length };
    int r;

    twi_path_clear(path);
    if (length == 0)
        return 0;
    if (length == 1 && *text == '*') {
        path->text = "*";
        return 0;
    }
    if (*text != '/')
        return -EINVAL;
    /* Neither the text nor the segments are longer than what they are read from. */
    if (2 * (length + 1) > room) {
        space = path->memory = twi_malloc(2 * (length + 1));
        if (space == NULL)
            return -ENOMEM;
    }
    path->text = space;
    path->segments = reading.segments = reading.out = space + length + 1;
    path->length = length;
    if (path_copy(text, length, space, reading.segments))
        return 0;
    r = segments_read(&reading);
    if (r < 0) {
        twi_path_free(path);
        return r;
    }
    path->length = (size_t)(reading.out - reading.segments);
    text_write(space, path->segments, path->length, reading.slashes > 0);
    return 0;
}

const char *twi_path_of_target(const char *target, size_t *ret_length)
{
    const char *path = target;

    if (*target != '/' && strcmp(target, "*") != 0) {
        path = strstr(target, "://");
        if (path == NULL)
            return NULL;
        path += 3 + strcspn(path + 3, "/?");
    }
    *ret_length = strcspn(path, "?");
    return path;
}

void twi_path_clear(struct twi_path *path)
{
    *path = (struct twi_path){ .text = "", .segments = "" };
}

void twi_path_free(struct twi_path *path)
{
    twi_free(path->memory);
    twi_path_clear(path);
}

/* --- what it is asked -------------------------------------------------------------------- */

const char *twi_path_segment(const struct twi_path *path, size_t index)
{
    const char *at = path->segments, *end = at + path->length;

    for (; at < end; at += strlen(at) + 1)
        if (index-- == 0)
            return at;
    return NULL;
}

size_t twi_path_count(const struct twi_path *path)
{
    size_t count = 0;

    for (size_t i = 0; i < path->length; i++)
        count += path->segments[i] == '\0';
    return count;
}

int twi_path_link(const struct twi_path *path, struct twi_buf *link)
{
    const char *at = path->segments, *end = at + path->length;
    int r = 0;

    /* RFC 3986, 4.2: what begins with two slashes names a host. */
    if (path->length > 1 && *at == '\0')
        r = twi_buf_append_text(link, "/.");
    for (; at < end && r == 0; at += strlen(at) + 1) {
        tw_value segment = tw_url_encode(at, strlen(at), "!$&'()*+,;=:@");

        r = tw_is_failure(segment) ? -ENOMEM : twi_buf_append_char(link, '/');
        if (r == 0)
            r = twi_buf_append(link, tw_bytes_data(segment), tw_bytes_length(segment));
        tw_release(segment);
    }
    return r;
}
