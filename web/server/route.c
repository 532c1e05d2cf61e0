/* SPDX-License-Identifier: MIT */
/*
 * route.c - see route.h.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "web/server/route.h"

/* "*" and "" have no segments. */
static bool same_path(const struct twi_path *a, const struct twi_path *b)
{
    return a->length == b->length && memcmp(a->segments, b->segments, a->length) == 0 &&
           (a->length > 0 || strcmp(a->text, b->text) == 0);
}

static bool have_same(const struct twi_routes *routes, const struct twi_path *path)
{
    for (size_t i = 0; i < routes->count; i++)
        if (same_path(&routes->items[i].path, path))
            return true;
    return false;
}

/* Put a route in front of shorter ones. Takes the path when it returns 0. */
static int route_insert(struct twi_routes *routes, struct twi_route route)
{
    size_t at = 0;
    int r;

    if (have_same(routes, &route.path))
        return -EEXIST;
    r = twi_grow(&routes->items, &routes->capacity, routes->count + 1, sizeof *routes->items);
    if (r < 0)
        return r;
    while (at < routes->count && routes->items[at].path.length >= route.path.length)
        at++;
    memmove(&routes->items[at + 1], &routes->items[at],
            (routes->count - at) * sizeof *routes->items);
    routes->items[at] = route;
    routes->count++;
    return 0;
}

int twi_routes_add(struct twi_routes *routes, const char *path, struct twi_route route)
{
    size_t length;
    int r = path == NULL ? -EINVAL : twi_path_read(&route.path, path, strlen(path), NULL, 0);

    if (r < 0)
        return r;
    /* The last segment of "/a/" is empty: paths below have another there. */
    length = route.path.length;
    route.below = length == 1 || (length > 1 && route.path.segments[length - 2] == '\0');
    route.length = route.below ? length - 1 : length;
    r = route_insert(routes, route);
    if (r < 0)
        twi_path_free(&route.path);
    return r;
}

static bool is_below(const struct twi_route *route, const struct twi_path *path)
{
    return route->length < path->length &&
           memcmp(route->path.segments, path->segments, route->length) == 0;
}

const struct twi_route *twi_routes_find(const struct twi_routes *routes,
                                        const struct twi_path *path)
{
    for (size_t i = 0; i < routes->count; i++) {
        const struct twi_route *route = &routes->items[i];

        if (route->below ? is_below(route, path) : same_path(&route->path, path))
            return route;
    }
    return NULL;
}

bool twi_routes_have_below(const struct twi_routes *routes, const struct twi_path *path)
{
    for (size_t i = 0; i < routes->count; i++) {
        const struct twi_route *route = &routes->items[i];

        if (route->below && route->length == path->length &&
            memcmp(route->path.segments, path->segments, path->length) == 0)
            return true;
    }
    return false;
}

void twi_routes_free(struct twi_routes *routes)
{
    for (size_t i = 0; i < routes->count; i++) {
        struct twi_route *route = &routes->items[i];

        if (route->release != NULL)
            route->release(route->arg);
        twi_path_free(&route->path);
    }
    twi_free(routes->items);
}
