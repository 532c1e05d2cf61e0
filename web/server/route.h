/* SPDX-License-Identifier: MIT */
/*
 * route.h - finds the handler of a path. Paths are compared segment by segment.
 */
#ifndef WEB_SERVER_ROUTE_H
#define WEB_SERVER_ROUTE_H

#include <tweed/server.h>

#include "web/server/path.h"

struct twi_route {
    struct twi_path path;
    size_t length; /* of the segments, without the last one when that is empty */
    bool below;    /* ends with "/" */
    tw_handler *handler;
    void *arg;
    tw_release_fn *release;
};

/* All zero is empty. */
struct twi_routes {
    struct twi_route *items; /* longest first */
    size_t count, capacity;
};

/* Add a route for `path`, read as twi_path_read() does; the rest of `route` is taken over.
 * 0, -EINVAL, -EEXIST, -ENOMEM. */
int twi_routes_add(struct twi_routes *routes, const char *path, struct twi_route route);
/* The longest route that matches `path`, or NULL. */
const struct twi_route *twi_routes_find(const struct twi_routes *routes,
                                        const struct twi_path *path);
/* True if there is a route for paths below `path`. */
bool twi_routes_have_below(const struct twi_routes *routes, const struct twi_path *path);
/* Release every route and its argument. */
void twi_routes_free(struct twi_routes *routes);

#endif
