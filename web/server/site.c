/*
 * site.c - a site: its limits, its routes, and the queues of waiting connections.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include <tweed/reactor.h>

#include "base/loop.h"
#include "web/server/server.h"

/* A timed call may come this much early, by rounding. */
enum { SLACK_NS = 1000000 };

static const char ok_line[] = "HTTP/1.1 200 OK\r\n";

/* How long a client has to read the answer to a broken request. */
static const double linger_seconds = 2;

/* --- waiting ----------------------------------------------------------------------------- */

static void wait_over(void *arg);

static void wait_arm(struct twi_wait_queue *queue)
{
    struct twi_connection *first;
    int64_t call;

    if (queue->call != 0 || twi_list_empty(&queue->list))
        return;
    first = TWI_CONTAINER(queue->list.next, struct twi_connection, wait_node);
    call = tw_call_later((double)(first->deadline - twi_loop_now()) / (double)TWI_SECOND +
                             1e-9,
                         wait_over, queue);
    /* Without memory for it the next connection tries again. */
    if (call > 0)
        queue->call = call;
}

static void wait_over(void *arg)
{
    struct twi_wait_queue *queue = arg;
    tw_site *site = tw_site_ref(queue->site);
    int64_t now = twi_loop_now();

    queue->call = 0;
    while (!twi_list_empty(&queue->list)) {
        struct twi_connection *first = TWI_CONTAINER(queue->list.next, struct twi_connection,
                                                     wait_node);

        if (first->deadline > now + SLACK_NS)
            break;
        twi_wait_set(first, TWI_WAIT_NONE);
        first->wait = (uint8_t)(queue - site->waits);
        twi_connection_expired(first);
    }
    wait_arm(queue);
    tw_site_unref(site);
}

void twi_wait_set(struct twi_connection *connection, enum twi_wait wait)
{
    struct twi_wait_queue *queue;

    if (twi_list_linked(&connection->wait_node))
        twi_list_remove(&connection->wait_node);
    connection->wait = (uint8_t)wait;
    if (wait == TWI_WAIT_NONE)
        return;
    queue = &connection->site->waits[wait];
    if (queue->duration == 0)
        return;
    connection->deadline = twi_loop_now() + queue->duration;
    twi_list_append(&queue->list, &connection->wait_node);
    wait_arm(queue);
}

/* --- making ------------------------------------------------------------------------------ */

static size_t size_or(size_t size, size_t otherwise)
{
    return size == 0 ? otherwise : size;
}

static int64_t duration_or(double seconds, double otherwise)
{
    int64_t ns;

    if (seconds == 0)
        seconds = otherwise;
    return twi_seconds_to_ns(seconds, &ns) < 0 ? 0 : ns;
}

static int set_up(tw_site *site, const struct tw_site_options *options)
{
    const char *name = options->server_name == NULL ? "tweed" : options->server_name;
    double idle = options->idle_timeout, header = options->header_timeout;

    if (!twi_http1_is_value(name, strlen(name)))
        return -EINVAL;
    site->limits = twi_http1_server_limits;
    site->limits.line = size_or(options->max_request_line, site->limits.line);
    site->limits.head = size_or(options->max_header_bytes, site->limits.head);
    site->limits.fields = size_or(options->max_header_lines, site->limits.fields);
    if (options->max_body != 0)
        site->limits.body = options->max_body;
    site->max_pipelined = options->max_pipelined == 0 ? 16 : options->max_pipelined;
    site->max_connections = options->max_connections;
    site->body_rate = options->body_rate == 0 ? 100 : options->body_rate;
    for (unsigned i = 0; i < TWI_WAIT_COUNT; i++) {
        site->waits[i].site = site;
        twi_list_init(&site->waits[i].list);
    }
    site->waits[TWI_WAIT_IDLE].duration = duration_or(idle, 15);
    site->waits[TWI_WAIT_HEADER].duration = duration_or(header, 10);
    site->waits[TWI_WAIT_BODY].duration = site->body_rate > 0 ? 10 * TWI_SECOND : 0;
    site->waits[TWI_WAIT_LINGER].duration = duration_or(linger_seconds, 0);
    site->on_finished = options->on_finished;
    site->on_finished_arg = options->arg;
    site->server_length = *name == '\0' ? 0 : strlen(name) + 10;
    site->ok_length = sizeof ok_line - 1 + site->server_length + TWI_DATE_LINE_LENGTH;
    site->ok_lines = twi_format("%s%s%s%s%*s", ok_line, *name == '\0' ? "" : "Server: ", name,
                                *name == '\0' ? "" : "\r\n", TWI_DATE_LINE_LENGTH, "");
    site->empty = tw_bytes("", 0);
    return site->ok_lines == NULL || tw_is_failure(site->empty) ? -ENOMEM : 0;
}

tw_site *tw_site_new(const struct tw_site_options *options)
{
    static const struct tw_site_options defaults;
    tw_site *site = twi_calloc(1, sizeof *site);
    int r;

    if (site == NULL)
        return NULL;
    site->refs = 1;
    r = set_up(site, options == NULL ? &defaults : options);
    if (r < 0) {
        tw_site_unref(site);
        errno = -r;
        return NULL;
    }
    return site;
}

tw_site *tw_site_ref(tw_site *site)
{
    if (site != NULL)
        site->refs++;
    return site;
}

void tw_site_unref(tw_site *site)
{
    if (site == NULL || --site->refs > 0)
        return;
    for (unsigned i = 0; i < TWI_WAIT_COUNT; i++)
        if (site->waits[i].call != 0)
            tw_call_cancel(site->waits[i].call);
    for (size_t i = 0; i < site->route_count; i++) {
        struct twi_route *route = &site->routes[i];

        if (route->release != NULL)
            route->release(route->arg);
        twi_free(route->path);
    }
    if (site->spare_parser != NULL) {
        twi_http1_free(site->spare_parser);
        twi_free(site->spare_parser);
    }
    tw_headers_free(site->spare_headers);
    twi_buf_free(&site->scratch);
    tw_release(site->empty);
    twi_free(site->routes);
    twi_free(site->ok_lines);
    twi_free(site);
}

/* --- routes ------------------------------------------------------------------------------ */

static struct twi_route *route_at(tw_site *site, const char *path)
{
    for (size_t i = 0; i < site->route_count; i++)
        if (strcmp(site->routes[i].path, path) == 0)
            return &site->routes[i];
    return NULL;
}

static int route_add(tw_site *site, const char *path, struct twi_route route)
{
    size_t at = 0;
    int r;

    if (path == NULL || (path[0] != '/' && strcmp(path, "*") != 0))
        return -EINVAL;
    if (route_at(site, path) != NULL)
        return -EEXIST;
    r = twi_grow(&site->routes, &site->route_capacity, site->route_count + 1,
                 sizeof *site->routes);
    if (r < 0)
        return r;
    route.path = twi_strdup(path);
    if (route.path == NULL)
        return -ENOMEM;
    route.length = strlen(path);
    route.below = path[route.length - 1] == '/';
    while (at < site->route_count && site->routes[at].length >= route.length)
        at++;
    memmove(&site->routes[at + 1], &site->routes[at],
            (site->route_count - at) * sizeof *site->routes);
    site->routes[at] = route;
    site->route_count++;
    return 0;
}

int tw_site_handle(tw_site *site, const char *path, tw_handler *handler, void *arg,
                   tw_release_fn *release)
{
    struct twi_route route = { .handler = handler, .arg = arg, .release = release };
    int r = handler == NULL ? -EINVAL : route_add(site, path, route);

    if (r < 0 && release != NULL)
        release(arg);
    return r;
}

const struct twi_route *twi_site_route(const tw_site *site, const char *path)
{
    size_t length = strlen(path);

    for (size_t i = 0; i < site->route_count; i++) {
        const struct twi_route *route = &site->routes[i];

        if (route->length > length || memcmp(route->path, path, route->length) != 0)
            continue;
        if (route->below || route->length == length)
            return route;
    }
    return NULL;
}

bool twi_site_has_below(const tw_site *site, const char *path)
{
    size_t length = strlen(path);

    for (size_t i = 0; i < site->route_count; i++) {
        const struct twi_route *route = &site->routes[i];

        if (route->below && route->length == length + 1 &&
            memcmp(route->path, path, length) == 0)
            return true;
    }
    return false;
}

/* --- what requests share ----------------------------------------------------------------- */

void twi_site_update_date(tw_site *site)
{
    int64_t now = twi_loop_now();
    char *line = site->ok_lines + site->ok_length - TWI_DATE_LINE_LENGTH;
    struct timespec wall;

    if (now < site->date_until)
        return;
    clock_gettime(CLOCK_REALTIME, &wall);
    site->date_until = now + TWI_SECOND - wall.tv_nsec;
    memcpy(line, "Date: ", 6);
    twi_http_date_format(wall.tv_sec, line + 6);
    memcpy(line + TWI_DATE_LINE_LENGTH - 2, "\r\n", 2);
}

const char *twi_site_server_line(const tw_site *site)
{
    return site->ok_lines + sizeof ok_line - 1;
}

const char *twi_site_date_line(tw_site *site)
{
    twi_site_update_date(site);
    return site->ok_lines + site->ok_length - TWI_DATE_LINE_LENGTH;
}

struct twi_http1 *twi_site_take_parser(tw_site *site)
{
    struct twi_http1 *parser = site->spare_parser;

    if (parser != NULL) {
        site->spare_parser = NULL;
    } else {
        parser = twi_malloc(sizeof *parser);
        if (parser == NULL)
            return NULL;
        twi_http1_init_server(parser, &site->limits);
    }
    if (parser->headers == NULL) {
        parser->headers = site->spare_headers;
        site->spare_headers = NULL;
    }
    return parser;
}

void twi_site_give_parser(tw_site *site, struct twi_http1 *parser)
{
    if (site->spare_parser == NULL) {
        twi_http1_begin(parser, NULL);
        site->spare_parser = parser;
        return;
    }
    twi_http1_free(parser);
    twi_free(parser);
}

void twi_site_give_headers(tw_site *site, tw_headers *headers)
{
    if (headers == NULL)
        return;
    if (site->spare_headers == NULL) {
        twi_headers_clear(headers);
        site->spare_headers = headers;
        return;
    }
    tw_headers_free(headers);
}

/* --- listening --------------------------------------------------------------------------- */

static tw_protocol *site_build(tw_factory *factory)
{
    tw_site *site = tw_factory_data(factory);

    if (site->max_connections > 0 && site->connections >= site->max_connections)
        return NULL;
    return twi_connection_new(site);
}

static void site_released(tw_factory *factory)
{
    tw_site_unref(tw_factory_data(factory));
}

static const struct tw_factory_class site_factory = {
    .build = site_build,
    .released = site_released,
};

tw_factory *tw_site_factory(tw_site *site)
{
    tw_factory *factory = tw_factory_new(&site_factory, site);

    if (factory != NULL)
        tw_site_ref(site);
    return factory;
}

int tw_site_listen(tw_site *site, const struct tw_listen_options *options,
                   tw_listener **ret_listener)
{
    tw_factory *factory = tw_site_factory(site);
    int r;

    if (factory == NULL)
        return -ENOMEM;
    r = tw_listen(options, factory, ret_listener);
    tw_factory_unref(factory);
    return r;
}
