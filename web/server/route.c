/*
 * route.c - see route.h.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "web/server/route.h"

static const struct twi_route *route_at(const struct twi_routes *routes, const char *path)
{
    for (size_t i = 0; i < routes->count; i++)
        if (strcmp(routes->items[i].path, path) == 0)
            return &routes->items[i];
    return NULL;
}

int twi_routes_add(struct twi_routes *routes, const char *path, struct twi_route route)
{
    size_t at = 0;
    int r;

    if (path == NULL || (path[0] != '/' && strcmp(path, "*") != 0))
        return -EINVAL;
    if (route_at(routes, path) != NULL)
        return -EEXIST;
    r = twi_grow(&routes->items, &routes->capacity, routes->count + 1, sizeof *routes->items);
    if (r < 0)
        return r;
    route.path = twi_strdup(path);
    if (route.path == NULL)
        return -ENOMEM;
    route.length = strlen(path);
    route.below = path[route.length - 1] == '/';
    while (at < routes->count && routes->items[at].length >= route.length)
        at++;
    memmove(&routes->items[at + 1], &routes->items[at],
            (routes->count - at) * sizeof *routes->items);
    routes->items[at] = route;
    routes->count++;
    return 0;
}

const struct twi_route *twi_routes_find(const struct twi_routes *routes, const char *path)
{
    size_t length = strlen(path);

    for (size_t i = 0; i < routes->count; i++) {
        const struct twi_route *route = &routes->items[i];

        if (route->length > length || memcmp(route->path, path, route->length) != 0)
            continue;
        if (route->below || route->length == length)
            return route;
    }
    return NULL;
}

bool twi_routes_have_below(const struct twi_routes *routes, const char *path)
{
    size_t length = strlen(path);

    for (size_t i = 0; i < routes->count; i++) {
        const struct twi_route *route = &routes->items[i];

        if (route->below && route->length == length + 1 &&
            memcmp(route->path, path, length) == 0)
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
        twi_free(route->path);
    }
    twi_free(routes->items);
}
