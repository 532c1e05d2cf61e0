/* SPDX-License-Identifier: MIT */
/*
 * path.h - the path of a request or a route, in one normal form.
 *
 * A path is split at "/" first, and each segment decoded then: a slash that was escaped parts
 * nothing. "." and ".." are resolved as RFC 3986, 5.2.4 says, escaped or not; empty segments stay.
 * Routes are matched, handlers are asked and files are opened by this one reading.
 */
#ifndef WEB_SERVER_PATH_H
#define WEB_SERVER_PATH_H

#include <stddef.h>

#include "base/buf.h"

struct twi_path {
    /* "/a/b": the decoded segments, each behind a slash; a slash inside of one reads "%2F". "*"
     * and "" have no segments. */
    const char *text;
    const char *segments; /* the same, each ended by a NUL */
    size_t length; /* of `segments`; "/" is one empty segment, "/a/" is "a" and an empty one */
    char *memory;  /* where it lies, or NULL */
};

/*
 * Read a path, "*" or "", into a new one. It lies in `space` when that has room, else in memory
 * of its own. Returns 0, -EINVAL (no slash in front, no escape, a NUL, a way up from the root) or
 * -ENOMEM; a path that was not read is empty, and needs no free.
 */
int twi_path_read(struct twi_path *path, const char *text, size_t length, char *space,
                  size_t room);
/* Where the path begins in a request's target of any form; NULL in an authority. *ret_length is
 * without the query. */
const char *twi_path_of_target(const char *target, size_t *ret_length);
void twi_path_clear(struct twi_path *path); /* a new one: "" */
void twi_path_free(struct twi_path *path);

/* Segment `index`, or NULL past the last. */
const char *twi_path_segment(const struct twi_path *path, size_t index);
size_t twi_path_count(const struct twi_path *path);
/* Append the path as a link spells it: escaped, and never as "//host". 0 or -ENOMEM. */
int twi_path_link(const struct twi_path *path, struct twi_buf *link);

#endif
