/* SPDX-License-Identifier: MIT */
/*
 * connections.c - gives connections to requests.
 *
 * A place that becomes free goes to the first in its own host's line; a connection is opened for a
 * host that has a line and is below its limit, hosts taking turns. When the total is reached,
 * the connection that has been unused longest makes room; a host that has no connection at all
 * gets the next that becomes free anywhere, so none starves while busy hosts keep theirs. When
 * there are no descriptors for more, the total is what there is.
 *
 * Lines move at the end of the turn, so that nothing here calls the user's code while somebody
 * above stands in the middle of a request.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "web/client/connections.h"

/* The most connections that are made at once: a listener's queue holds 4096 at most. */
enum { CONNECTING_MAX = 512 };

/* connections->wanting[]: hosts whose line may move, as they have no connection, have some and may
 * open one more, have a place, or have one that is to be quiet for a turn first. */
enum { NEEDY, GROWING, SERVABLE, SETTLING };

enum place_state { NONE, WAITING, DIALLING, TAKEN };

struct twi_host {
    struct twi_connections *connections;
    struct twi_list node;    /* connections->wanting[] */
    struct twi_list roomy;   /* connections with a free place, used last first */
    struct twi_list waiters; /* places, in order of arrival */
    size_t idle_count, open; /* open: those being made and idle ones included */
    struct twi_route route;
    size_t key_length;
    char key[];
};

static struct twi_connection *connection_of(const struct twi_list *node)
{
    return TWI_CONTAINER(node, struct twi_connection, pooled.node);
}

static struct twi_place *place_of(const struct twi_list *node)
{
    return TWI_CONTAINER(node, struct twi_place, node);
}

/* --- the pool's life ------------------------------------------------------------------- */

/* Between these two it is not freed. */
static void connections_hold(struct twi_connections *connections)
{
    connections->held++;
}

static void connections_let_go(struct twi_connections *connections)
{
    if (--connections->held == 0 && connections->hosts.count == 0)
        connections->empty(connections);
}

/* --- hosts ----------------------------------------------------------------------------- */

static struct twi_host *host_new(struct twi_connections *connections,
                                 const struct twi_target *target, const struct twi_buf *key)
{
    struct twi_host *host = twi_calloc(1, sizeof *host + key->length);

    if (host == NULL)
        return NULL;
    if (twi_route_init(&host->route, target) < 0) {
        twi_free(host);
        return NULL;
    }
    host->connections = connections;
    twi_list_init(&host->node);
    twi_list_init(&host->roomy);
    twi_list_init(&host->waiters);
    host->key_length = key->length;
    memcpy(host->key, key->data, key->length);
    return host;
}

static void host_free(struct twi_host *host)
{
    if (host->connections->recent == host)
        host->connections->recent = NULL;
    twi_list_remove(&host->node);
    twi_route_free(&host->route);
    twi_free(host);
}

static bool is_host(const struct twi_host *host, const struct twi_buf *key)
{
    return host != NULL && host->key_length == key->length &&
           memcmp(host->key, key->data, key->length) == 0;
}

static int host_find(struct twi_connections *connections, const struct twi_target *target,
                     struct twi_host **ret_host)
{
    struct twi_buf *key = &connections->scratch;
    struct twi_host *host = connections->recent;
    int r = twi_target_key(target, key);

    if (r < 0)
        return r;
    if (!is_host(host, key))
        host = twi_map_get(&connections->hosts, key->data, key->length);
    if (host == NULL) {
        host = host_new(connections, target, key);
        if (host == NULL)
            return -ENOMEM;
        r = twi_map_set(&connections->hosts, host->key, host->key_length, host, NULL);
        if (r < 0) {
            host_free(host);
            return r;
        }
    }
    *ret_host = connections->recent = host;
    return 0;
}

static const struct twi_place *first_waiter(const struct twi_host *host)
{
    return twi_list_empty(&host->waiters) ? NULL : place_of(host->waiters.next);
}

/* The first in line has just met a dead connection: it gets a new one. */
static bool first_wants_new(const struct twi_host *host)
{
    const struct twi_place *first = first_waiter(host);
    return first != NULL && first->fresh;
}

static bool can_serve(const struct twi_host *host)
{
    return !twi_list_empty(&host->waiters) && !twi_list_empty(&host->roomy) &&
           !first_wants_new(host);
}

/* Unused for a whole turn, so bytes that had come before would have been noticed. */
static bool is_settled(const struct twi_connection *connection)
{
    return connection->pooled.settled || connection->pooled.idle_since < twi_loop_now();
}

/* The first in line may only have a connection that has been quiet, and there is none yet. */
static bool must_settle(const struct twi_host *host)
{
    if (!first_waiter(host)->careful)
        return false;
    TWI_LIST_EACH (node, &host->roomy)
        if (is_settled(connection_of(node)))
            return false;
    return true;
}

/* Put the host among those whose line may move, or take it out; forget it when nothing is left
 * of it. */
static void host_update(struct twi_host *host)
{
    struct twi_connections *connections = host->connections;
    bool serves = can_serve(host);
    bool wants = serves || (!twi_list_empty(&host->waiters) &&
                            host->open < connections->limits.per_host);

    if (host->open == 0 && twi_list_empty(&host->waiters)) {
        connections->wants -= twi_list_linked(&host->node);
        twi_map_remove(&connections->hosts, host->key, host->key_length);
        host_free(host);
        return;
    }
    connections->wants += wants - (size_t)twi_list_linked(&host->node);
    twi_list_remove(&host->node);
    if (!wants)
        return;
    twi_list_append(&connections->wanting[serves ? (must_settle(host) ? SETTLING : SERVABLE)
                                                 : host->open > 0],
                    &host->node);
    twi_flush_later(&connections->pump);
}

/* A connection, or an attempt at one, is gone. */
static void slot_drop(struct twi_host *host)
{
    struct twi_connections *connections = host->connections;

    connections_hold(connections);
    host->open--;
    connections->open--;
    host_update(host);
    if (connections->wants > 0)
        twi_flush_later(&connections->pump);
    connections_let_go(connections);
}

/* --- idle connections ------------------------------------------------------------------ */

static bool is_idle(const struct twi_connection *connection)
{
    return twi_list_linked(&connection->pooled.idle_node);
}

/* A connection stops being idle: it is given away, or closed. */
static void idle_leave(struct twi_connection *connection)
{
    struct twi_host *host = connection->pooled.host;

    if (!is_idle(connection))
        return;
    twi_list_remove(&connection->pooled.idle_node);
    host->idle_count--;
    host->connections->idle_count--;
}

/* The connection counts as open until it is gone. */
static void connection_close(struct twi_connection *connection, bool at_once)
{
    struct twi_pooled *pooled = &connection->pooled;

    idle_leave(connection);
    twi_list_remove(&pooled->node);
    if (!pooled->closing) {
        pooled->closing = true;
        pooled->host->connections->closing++;
    }
    connection->ops->close(connection, at_once);
}

static struct twi_connection *longest_idle(const struct twi_connections *connections)
{
    return TWI_CONTAINER(connections->idle.next, struct twi_connection, pooled.idle_node);
}

static void expect_ages(struct twi_connections *connections)
{
    int64_t timeout = connections->limits.idle_timeout;

    if (timeout == 0 || twi_list_empty(&connections->idle) ||
        twi_heap_has(&connections->idle_deadline.node))
        return;
    /* Without memory for the alarm the next one that becomes idle tries again. */
    (void)twi_deadline_set(connections->deadlines, &connections->idle_deadline,
                           longest_idle(connections)->pooled.idle_since + timeout);
}

static void ages_check(struct twi_deadline *deadline)
{
    struct twi_connections *connections = TWI_CONTAINER(deadline, struct twi_connections,
                                                        idle_deadline);
    int64_t now = twi_loop_now();

    connections_hold(connections);
    while (!twi_list_empty(&connections->idle)) {
        struct twi_connection *oldest = longest_idle(connections);
        if (oldest->pooled.idle_since + connections->limits.idle_timeout > now)
            break;
        connection_close(oldest, false);
    }
    expect_ages(connections);
    connections_let_go(connections);
}

static void close_longest_idle_of(struct twi_host *host)
{
    for (struct twi_list *node = host->roomy.prev; node != &host->roomy; node = node->prev)
        if (is_idle(connection_of(node))) {
            connection_close(connection_of(node), false);
            return;
        }
}

static void become_idle(struct twi_connection *connection)
{
    struct twi_pooled *pooled = &connection->pooled;
    struct twi_host *host = pooled->host;
    struct twi_connections *connections = host->connections;

    pooled->idle_since = twi_loop_now();
    twi_list_append(&connections->idle, &pooled->idle_node);
    host->idle_count++;
    connections->idle_count++;
    if (host->idle_count > connections->limits.idle_per_host)
        close_longest_idle_of(host);
    expect_ages(connections);
}

/* An idle connection turned out to be dead: the others are no better, and a retry gets a new
 * one. */
static void close_all_idle(struct twi_host *host)
{
    TWI_LIST_EACH (node, &host->roomy)
        if (is_idle(connection_of(node)))
            connection_close(connection_of(node), false);
}

void twi_connections_close_idle(struct twi_connections *connections)
{
    connections_hold(connections);
    while (!twi_list_empty(&connections->idle))
        connection_close(longest_idle(connections), false);
    twi_deadline_clear(connections->deadlines, &connections->idle_deadline);
    twi_deadlines_rest(connections->deadlines);
    connections_let_go(connections);
}

void twi_connections_close_origin(struct twi_connections *connections,
                                  const struct tw_url *url)
{
    connections_hold(connections);
    TWI_LIST_EACH (node, &connections->idle) {
        struct twi_connection *connection = TWI_CONTAINER(node, struct twi_connection,
                                                          pooled.idle_node);
        if (twi_route_leads_to(&connection->pooled.host->route, url))
            connection_close(connection, false);
    }
    connections_let_go(connections);
}

/* --- places ---------------------------------------------------------------------------- */

static bool too_old(const struct twi_connection *connection)
{
    int64_t max_age = connection->pooled.host->connections->limits.max_age;
    return max_age > 0 && twi_loop_now() - connection->pooled.made_at >= max_age;
}

/* A connection with room that may be used again; NULL: none. Connections that may not be are
 * closed. */
static struct twi_connection *room_find(struct twi_host *host, bool careful)
{
    TWI_LIST_EACH (node, &host->roomy) {
        struct twi_connection *connection = connection_of(node);

        if (careful && !is_settled(connection))
            continue;
        if (!too_old(connection) && connection->ops->quiet(connection))
            return connection;
        if (connection->pooled.taken == 0)
            connection_close(connection, false);
        else
            twi_list_remove(node);
    }
    return NULL;
}

static void place_take(struct twi_place *place, struct twi_connection *connection)
{
    struct twi_pooled *pooled = &connection->pooled;
    struct twi_connections *connections = pooled->host->connections;

    place->state = TAKEN;
    place->connection = connection;
    place->reused = pooled->uses > 0;
    twi_list_append(&pooled->places, &place->node);
    idle_leave(connection);
    pooled->settled = false;
    pooled->uses++;
    if (++pooled->taken == connection->capacity)
        twi_list_remove(&pooled->node);
    connections->requests++;
    connections->reused += place->reused;
}

static void place_hand_over(struct twi_place *place, struct twi_connection *connection)
{
    place->queued_at = twi_loop_now();
    place_take(place, connection);
    place->given(place);
}

static struct twi_place *waiter_take(struct twi_host *host)
{
    struct twi_place *place = place_of(twi_list_take_first(&host->waiters));

    host->connections->waiting--;
    return place;
}

static void waiter_add(struct twi_host *host, struct twi_place *place, bool first)
{
    place->state = WAITING;
    if (first)
        twi_list_prepend(&host->waiters, &place->node);
    else
        twi_list_append(&host->waiters, &place->node);
    host->connections->waiting++;
}

void twi_place_init(struct twi_place *place)
{
    twi_list_init(&place->node);
}

int twi_place_ask(struct twi_place *place, struct twi_connections *connections,
                  const struct twi_target *target)
{
    struct twi_connection *connection = NULL;
    struct twi_host *host;
    int r = host_find(connections, target, &host);

    if (r < 0)
        return r;
    place->host = host;
    if (place->fresh)
        close_all_idle(host);
    else if (twi_list_empty(&host->waiters))
        connection = room_find(host, place->careful);
    if (connection != NULL) {
        place_hand_over(place, connection);
        return 0;
    }
    waiter_add(host, place, place->fresh);
    host_update(host);
    return 0;
}

static size_t open_max(const struct twi_connections *connections)
{
    size_t total = connections->limits.total;

    if (connections->ceiling == 0 || twi_loop_now() >= connections->ceiling_until)
        return total;
    return connections->ceiling < total ? connections->ceiling : total;
}

/* Some host has a line, and all connections are elsewhere. */
static bool somebody_starves(const struct twi_connections *connections)
{
    return !twi_list_empty(&connections->wanting[NEEDY]) &&
           connections->closing < connections->wants &&
           connections->open >= open_max(connections);
}

/* True if it may wait for another exchange. */
static bool worth_keeping(const struct twi_connection *connection)
{
    const struct twi_pooled *pooled = &connection->pooled;
    const struct twi_host *host = pooled->host;
    const struct twi_connections *connections = host->connections;
    size_t uses = connections->limits.uses;

    return !connection->spent && !connections->closed && !(uses > 0 && pooled->uses >= uses) &&
           !too_old(connection) && !somebody_starves(connections) &&
           !(first_wants_new(host) && host->open >= connections->limits.per_host);
}

static void place_give_back(struct twi_connection *connection, bool at_once)
{
    struct twi_pooled *pooled = &connection->pooled;
    struct twi_host *host = pooled->host;

    pooled->taken--;
    if (!worth_keeping(connection)) {
        twi_list_remove(&pooled->node);
        if (pooled->taken == 0)
            connection_close(connection, at_once);
        return;
    }
    if (!twi_list_linked(&pooled->node))
        twi_list_prepend(&host->roomy, &pooled->node);
    if (pooled->taken == 0)
        become_idle(connection);
    if (!twi_list_empty(&host->waiters))
        host_update(host);
    else if (host->connections->wants > 0)
        twi_flush_later(&host->connections->pump);
}

void twi_place_leave(struct twi_place *place, bool at_once)
{
    struct twi_host *host = place->host;
    struct twi_connection *connection = place->connection;
    enum place_state state = place->state;

    if (state == NONE)
        return;
    place->state = NONE;
    place->host = NULL;
    place->connection = NULL;
    twi_list_remove(&place->node);
    if (state == TAKEN) {
        place_give_back(connection, at_once);
    } else if (state == DIALLING) {
        host->connections->connecting--;
        twi_dial_stop(&place->dial);
        slot_drop(host);
    } else if (state == WAITING) {
        host->connections->waiting--;
        host_update(host);
    }
}

/* --- what connections say -------------------------------------------------------------- */

/* The peer writes to an unused connection. */
static void connection_spent(struct twi_connection *connection)
{
    if (connection->pooled.host != NULL && connection->pooled.taken == 0)
        connection_close(connection, true);
}

/* The places are free before their exchanges hear of it: a retry wants the room. */
static void connection_lost(struct twi_connection *connection)
{
    struct twi_pooled *pooled = &connection->pooled;
    struct twi_host *host = pooled->host;
    struct twi_list *node;

    if (host == NULL)
        return;
    idle_leave(connection);
    twi_list_remove(&pooled->node);
    while ((node = twi_list_take_first(&pooled->places)) != NULL) {
        struct twi_place *place = place_of(node);
        place->state = NONE;
        place->host = NULL;
        place->connection = NULL;
    }
    pooled->host = NULL;
    if (pooled->closing)
        host->connections->closing--;
    slot_drop(host);
}

static const struct twi_connection_owner pool_owner = { connection_spent, connection_lost };

/* --- opening --------------------------------------------------------------------------- */

static void connection_join(struct twi_connection *connection, struct twi_host *host,
                            const struct twi_dial *dial)
{
    struct twi_pooled *pooled = &connection->pooled;

    connection->owner = &pool_owner;
    pooled->host = host;
    pooled->made_at = twi_loop_now();
    pooled->address = dial->address;
    twi_list_init(&pooled->node);
    twi_list_init(&pooled->idle_node);
    twi_list_init(&pooled->places);
    host->connections->connects++;
}

/* Of the socket itself, or of looking its name up. */
static bool lacks_descriptor(tw_value failure)
{
    for (; tw_is_failure(failure); failure = tw_failure_cause(failure)) {
        int64_t number = tw_failure_number(failure);

        if ((number == EMFILE || number == ENFILE) &&
            (tw_failure_is(failure, &tw_error_system) ||
             tw_failure_is(failure, &tw_error_connect)))
            return true;
    }
    return false;
}

/* Where connections elsewhere will be closed, the wait for a descriptor has an end. */
static bool waits_for_descriptor(const struct twi_connections *connections, tw_value failure)
{
    return connections->open > 1 && lacks_descriptor(failure);
}

static void place_refuse(struct twi_place *place, tw_value failure)
{
    struct twi_host *host = place->host;
    struct twi_connections *connections = host->connections;

    if (waits_for_descriptor(connections, failure)) {
        tw_release(failure);
        connections->ceiling = connections->open - 1;
        connections->ceiling_until = twi_loop_now() + TWI_SECOND;
        waiter_add(host, place, true);
    } else {
        place->state = NONE;
        place->host = NULL;
        place->refused(place, failure);
    }
    slot_drop(host);
}

static void place_dialled(struct twi_dial *dial, struct twi_connection *connection,
                          tw_value failure)
{
    struct twi_place *place = TWI_CONTAINER(dial, struct twi_place, dial);
    struct twi_host *host = place->host;
    struct twi_connections *connections = host->connections;

    connections_hold(connections);
    connections->connecting--;
    if (connection == NULL) {
        place_refuse(place, failure);
    } else {
        connection_join(connection, host, dial);
        place_take(place, connection);
        if (connection->capacity > 1) {
            twi_list_prepend(&host->roomy, &connection->pooled.node);
            host_update(host);
        }
        place->given(place);
    }
    if (connections->wants > 0)
        twi_flush_later(&connections->pump);
    connections_let_go(connections);
}

/* True if there is room for one more connection; otherwise closes one if that makes room, once
 * it is gone. */
static bool room_make(struct twi_connections *connections)
{
    size_t most = open_max(connections);

    while (connections->open >= most && connections->closing < connections->wants &&
           !twi_list_empty(&connections->idle))
        connection_close(longest_idle(connections), false);
    return connections->connecting < CONNECTING_MAX && connections->open < most;
}

static void host_open(struct twi_host *host)
{
    struct twi_connections *connections = host->connections;
    struct twi_place *place = waiter_take(host);

    host->open++;
    connections->open++;
    connections->connecting++;
    host_update(host);
    place->state = DIALLING;
    place->queued_at = twi_loop_now();
    place->dial.done = place_dialled;
    twi_dial_start(&place->dial, &host->route, &connections->scratch,
                   connections->limits.refuse_private);
}

/* --- lines move ------------------------------------------------------------------------ */

/* Hand free places to the line of their host. */
static void host_serve(struct twi_host *host)
{
    struct twi_connection *connection;

    while (can_serve(host) &&
           (connection = room_find(host, first_waiter(host)->careful)) != NULL)
        place_hand_over(waiter_take(host), connection);
    host_update(host);
}

/* Mark connections as settled that were unused for a whole turn. */
static void hosts_settle(struct twi_connections *connections)
{
    struct twi_list hosts, *node;

    twi_list_init(&hosts);
    twi_list_splice(&hosts, &connections->wanting[SETTLING]);
    while (!twi_list_empty(&hosts)) {
        struct twi_host *host = TWI_CONTAINER(hosts.next, struct twi_host, node);
        for (node = host->roomy.next; node != &host->roomy; node = node->next)
            connection_of(node)->pooled.settled = true;
        host_update(host);
    }
}

static struct twi_host *next_wanting(const struct twi_connections *connections)
{
    const struct twi_list *needy = &connections->wanting[NEEDY];
    const struct twi_list *list = twi_list_empty(needy) ? &connections->wanting[GROWING]
                                                        : needy;

    return twi_list_empty(list) ? NULL : TWI_CONTAINER(list->next, struct twi_host, node);
}

static void pump_run(struct twi_flush *flush)
{
    struct twi_connections *connections = TWI_CONTAINER(flush, struct twi_connections, pump);
    struct twi_list *servable = &connections->wanting[SERVABLE];
    struct twi_host *host;

    connections_hold(connections);
    while (!twi_list_empty(servable))
        host_serve(TWI_CONTAINER(servable->next, struct twi_host, node));
    while (!connections->closed && (host = next_wanting(connections)) != NULL &&
           room_make(connections))
        host_open(host);
    hosts_settle(connections);
    connections_let_go(connections);
}

/* --- the pool -------------------------------------------------------------------------- */

void twi_connections_init(struct twi_connections *connections,
                          const struct twi_connections_limits *limits,
                          struct twi_deadlines *deadlines,
                          void (*empty)(struct twi_connections *connections))
{
    connections->limits = *limits;
    connections->deadlines = deadlines;
    connections->empty = empty;
    twi_list_init(&connections->idle);
    for (size_t i = 0; i < sizeof connections->wanting / sizeof connections->wanting[0]; i++)
        twi_list_init(&connections->wanting[i]);
    connections->pump.fn = pump_run;
    connections->idle_deadline.passed = ages_check;
}

void twi_connections_free(struct twi_connections *connections)
{
    twi_flush_cancel(&connections->pump);
    twi_map_free(&connections->hosts);
    twi_buf_free(&connections->scratch);
}

void twi_connections_shut(struct twi_connections *connections)
{
    connections->closed = true;
    twi_flush_cancel(&connections->pump);
}

struct tw_agent_counts twi_connections_counts(const struct twi_connections *connections)
{
    return (struct tw_agent_counts){
        .connections = connections->open,
        .idle = connections->idle_count,
        .waiting = connections->waiting,
        .connects = connections->connects,
        .requests = connections->requests,
        .reused = connections->reused,
    };
}
