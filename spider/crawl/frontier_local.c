/* SPDX-License-Identifier: MIT */
/*
 * frontier_local.c - the seen set decides what is new, the job numbers it, the schedule gets
 * the number, and the text stays in memory while there is room; else it is read back from the
 * job.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/reactor.h>

#include "base/list.h"
#include "spider/crawl/frontier_local.h"
#include "spider/crawl/planned.h"
#include "spider/job/seen.h"

/* Somebody waits for a visit's text. */
struct wish {
    struct twi_list node;
    int64_t id;
    tw_deferred *slot;
};

struct local {
    struct twi_frontier head;
    struct twi_frontier_options options;
    struct twi_job *job;
    struct twi_seen *seen;
    struct twi_planned_set planned;
    struct twi_list wishes; /* not yet asked of the job */
    bool is_asking;         /* a call that does is queued */
    struct twi_host **hosts; /* while the job is read: by the row's number */
    size_t host_count;
    int64_t wall_ms; /* when it was opened */
};

/* The ids that were asked of the job in one go. */
struct load {
    struct local *local;
    struct twi_list wishes;
    int64_t ids[];
};

static struct local *local_of(struct twi_frontier *frontier)
{
    return TWI_CONTAINER(frontier, struct local, head);
}

static double local_now(void)
{
    return tw_clock_seconds(tw_reactor_clock());
}

static struct twi_host *local_host(struct local *local, const char *origin)
{
    struct twi_host *host = twi_schedule_host(local->options.schedule, origin);

    if (host != NULL && *twi_host_number(host) == 0)
        local->options.new_host(host, local->options.arg);
    return host;
}

/* --- what is new ------------------------------------------------------------------------- */

static bool local_has(struct twi_frontier *frontier, uint64_t key)
{
    return twi_seen_has(local_of(frontier)->seen, key);
}

/* Take out of the list what was seen before; how many stay. */
static size_t visits_sift(struct local *local, struct twi_visit **visits)
{
    struct twi_visit *visit;
    size_t count = 0;

    for (visit = *visits; visit != NULL; visit = visit->next)
        twi_seen_prefetch(local->seen, visit->key);
    while ((visit = *visits) != NULL) {
        if (twi_seen_add(local->seen, visit->key) == 0 && !visit->again) {
            *visits = visit->next;
            continue;
        }
        count++;
        visits = &visit->next;
    }
    return count;
}

static void visit_remember(struct local *local, const struct twi_visit *visit, unsigned tries)
{
    struct twi_planned *planned;

    if (tries == 0 && local->planned.bytes >= local->options.hot_limit)
        return;
    planned = twi_planned_new(visit, tries);
    if (planned != NULL && twi_planned_put(&local->planned, planned) < 0)
        free(planned);
}

static size_t local_add(struct twi_frontier *frontier, struct twi_visit **visits)
{
    struct local *local = local_of(frontier);
    size_t count = visits_sift(local, visits);
    double now = local_now();
    struct twi_visit *visit;
    int64_t id;

    if (count == 0)
        return 0;
    id = twi_job_number(local->job, count);
    for (visit = *visits; visit != NULL; visit = visit->next) {
        struct twi_host *host = local_host(local, visit->origin);
        visit->id = id++;
        visit_remember(local, visit, 0);
        if (host == NULL)
            continue;
        ++*twi_host_number(host);
        twi_schedule_push(local->options.schedule, host, now, visit->id, visit->priority);
    }
    return count;
}

static void local_defer(struct twi_frontier *frontier, const struct twi_visit *visit,
                        double seconds, unsigned tries)
{
    struct local *local = local_of(frontier);
    struct twi_host *host = local_host(local, visit->origin);

    visit_remember(local, visit, tries);
    if (host != NULL)
        twi_schedule_push_later(local->options.schedule, host, local_now(), visit->id,
                                visit->priority, seconds);
}

/* --- texts ------------------------------------------------------------------------------- */

static bool is_known(const struct twi_planned *planned)
{
    return planned != NULL && planned->visit.origin != NULL;
}

static struct twi_planned *local_take(struct twi_frontier *frontier, int64_t id)
{
    struct local *local = local_of(frontier);

    if (!is_known(twi_planned_get(&local->planned, id)))
        return NULL;
    return twi_planned_take(&local->planned, id);
}

static void load_visit(const struct twi_visit *visit, void *arg)
{
    struct load *load = arg;
    const struct twi_planned *known = twi_planned_get(&load->local->planned, visit->id);
    struct twi_planned *planned;

    planned = twi_planned_new(visit, known == NULL ? 0 : known->tries);
    if (planned != NULL && twi_planned_put(&load->local->planned, planned) < 0)
        free(planned);
}

static void wish_fire(struct local *local, struct wish *wish, tw_value failure)
{
    if (is_known(twi_planned_get(&local->planned, wish->id)))
        tw_fire(&wish->slot, tw_none());
    else if (tw_is_failure(failure))
        tw_fire(&wish->slot, tw_retain(failure));
    else
        tw_fire(&wish->slot,
                tw_fail(&tw_error_job, "visit %lld is not in the job", (long long)wish->id));
    free(wish);
}

static void wishes_fire(struct local *local, struct twi_list *wishes, tw_value failure)
{
    struct twi_list *node;

    while ((node = twi_list_take_first(wishes)) != NULL)
        wish_fire(local, TWI_CONTAINER(node, struct wish, node), failure);
}

static void load_done(tw_value failure, void *arg)
{
    struct load *load = arg;

    wishes_fire(load->local, &load->wishes, failure);
    free(load);
}

static size_t wishes_count(struct local *local)
{
    size_t count = 0;

    TWI_LIST_EACH (node, &local->wishes)
        count++;
    return count;
}

/* All that were wished for in this turn, in one go. */
static void local_ask(void *arg)
{
    struct local *local = arg;
    size_t count = wishes_count(local), i = 0;
    struct load *load = malloc(sizeof *load + count * sizeof *load->ids);

    local->is_asking = false;
    if (load == NULL || local->job == NULL) {
        free(load);
        wishes_fire(local, &local->wishes, tw_fail_memory());
        return;
    }
    load->local = local;
    twi_list_init(&load->wishes);
    TWI_LIST_EACH (each, &local->wishes)
        load->ids[i++] = TWI_CONTAINER(each, struct wish, node)->id;
    twi_list_splice(&load->wishes, &local->wishes);
    if (twi_job_load(local->job, load->ids, count, load_visit, load_done, load) < 0)
        load_done(tw_fail_memory(), load);
}

static tw_deferred *local_load(struct twi_frontier *frontier, int64_t id)
{
    struct local *local = local_of(frontier);
    struct wish *wish = malloc(sizeof *wish);
    tw_deferred *wait;

    if (wish == NULL)
        return NULL;
    if (!local->is_asking && tw_call_soon(local_ask, local) < 0) {
        free(wish);
        return NULL;
    }
    local->is_asking = true;
    wish->id = id;
    wait = tw_promise(&wish->slot, NULL, NULL);
    twi_list_append(&local->wishes, &wish->node);
    return wait;
}

/* --- the job ----------------------------------------------------------------------------- */

static void local_commit(struct twi_frontier *frontier, struct twi_record *record)
{
    twi_job_put(local_of(frontier)->job, record);
}

static void local_in_work(struct twi_frontier *frontier, unsigned count)
{
    twi_job_in_flight(local_of(frontier)->job, count);
}

static int64_t local_seen(struct twi_frontier *frontier)
{
    return (int64_t)twi_seen_count(local_of(frontier)->seen);
}

static tw_deferred *local_close(struct twi_frontier *frontier, enum twi_job_end end)
{
    struct local *local = local_of(frontier);
    tw_deferred *closed = twi_job_close(local->job, end);

    local->job = NULL;
    return closed;
}

static void local_free(struct twi_frontier *frontier)
{
    struct local *local = local_of(frontier);

    twi_seen_free(local->seen);
    twi_planned_free(&local->planned);
    free(local->hosts);
    free(local);
}

static void local_flight(struct twi_frontier *frontier, int64_t id, bool runs)
{
    struct twi_job *job = local_of(frontier)->job;

    if (runs)
        twi_job_flight_begin(job, id);
    else
        twi_job_flight_end(job, id);
}

static int64_t local_number(struct twi_frontier *frontier)
{
    return twi_job_number(local_of(frontier)->job, 1);
}

static int64_t local_state(struct twi_frontier *frontier, const char *key)
{
    struct local *local = local_of(frontier);

    return local->job == NULL ? 0 : twi_job_state(local->job, key);
}

static const struct twi_frontier_ops local_ops = {
    .has = local_has,
    .add = local_add,
    .number = local_number,
    .state = local_state,
    .take = local_take,
    .load = local_load,
    .defer = local_defer,
    .commit = local_commit,
    .flight = local_flight,
    .in_work = local_in_work,
    .seen = local_seen,
    .close = local_close,
    .free = local_free,
};

/* --- opening ----------------------------------------------------------------------------- */

static double seconds_until(int64_t wall_ms, int64_t now_ms)
{
    return wall_ms > now_ms ? (double)(wall_ms - now_ms) / 1000 : 0;
}

static int hosts_put(struct local *local, int64_t id, struct twi_host *host)
{
    if ((size_t)id >= local->host_count) {
        size_t count = (size_t)id * 2 + 64;
        struct twi_host **hosts = realloc(local->hosts, count * sizeof *hosts);
        if (hosts == NULL)
            return -ENOMEM;
        memset(hosts + local->host_count, 0, (count - local->host_count) * sizeof *hosts);
        local->hosts = hosts;
        local->host_count = count;
    }
    local->hosts[id] = host;
    return 0;
}

static int read_host(const struct twi_job_host *row, void *arg)
{
    struct local *local = arg;
    struct twi_host *host = local_host(local, row->origin);
    struct twi_robots_answer answer = { row->robots_status, row->robots, row->robots_length };
    double robots = seconds_until(row->robots_until, local->wall_ms);
    int r;

    if (host == NULL)
        return -ENOMEM;
    r = twi_schedule_restore(local->options.schedule, host, local_now(),
                             robots > 0 ? &answer : NULL, robots,
                             seconds_until(row->not_before, local->wall_ms), row->delay);
    return r < 0 ? r : hosts_put(local, row->id, host);
}

/* How often it was tried is kept beside the number, until the text comes. */
static int remember_tries(struct local *local, const struct twi_job_url *row)
{
    struct twi_visit visit = { .id = row->id };
    struct twi_planned *planned = twi_planned_new(&visit, row->tries);
    int r = planned == NULL ? -ENOMEM : twi_planned_put(&local->planned, planned);

    if (r < 0)
        free(planned);
    return r;
}

static int read_url(const struct twi_job_url *row, void *arg)
{
    struct local *local = arg;
    struct twi_host *host;
    int r = twi_seen_add(local->seen, row->key);

    if (r < 0)
        return r;
    if (row->host < 0 || (size_t)row->host >= local->host_count ||
        (host = local->hosts[row->host]) == NULL)
        return -EBADMSG;
    ++*twi_host_number(host);
    if (row->depth == 0)
        local->options.start_host(twi_host_origin(host), local->options.arg);
    if (row->state != TWI_JOB_PENDING &&
        !(row->state == TWI_JOB_FAILED && local->options.retry_failed))
        return 0;
    if (row->tries > 0 && (r = remember_tries(local, row)) < 0)
        return r;
    if (row->due > local->wall_ms)
        return twi_schedule_push_later(local->options.schedule, host, local_now(), row->id,
                                       row->priority, seconds_until(row->due, local->wall_ms));
    return twi_schedule_push(local->options.schedule, host, local_now(), row->id,
                             row->priority);
}

static int read_cookie(const struct twi_record_cookie *row, void *arg)
{
    struct local *local = arg;

    return local->options.cookie(row, local->options.arg);
}

static int read_file(const struct twi_record_file *row, void *arg)
{
    struct local *local = arg;

    return local->options.file(row, local->options.arg);
}

static void local_tell_full(bool is_full, const char *why, void *arg)
{
    struct local *local = arg;

    local->options.full(is_full, why, local->options.arg);
}

static void local_tell_failed(tw_value failure, void *arg)
{
    struct local *local = arg;

    local->options.failed(failure, local->options.arg);
}

int twi_frontier_local_open(const struct twi_frontier_options *options,
                            const struct twi_job_options *job,
                            struct twi_frontier **ret_frontier, tw_value *ret_failure)
{
    struct local *local = calloc(1, sizeof *local);
    struct twi_job_options opening = *job;
    int r = -ENOMEM;

    if (local != NULL)
        local->seen = twi_seen_new();
    if (local == NULL || local->seen == NULL) {
        free(local);
        *ret_failure = tw_fail_memory();
        return r;
    }
    local->head.ops = &local_ops;
    local->options = *options;
    local->wall_ms = options->wall_ms;
    twi_list_init(&local->wishes);
    opening.host = read_host;
    opening.url = read_url;
    opening.cookie = read_cookie;
    opening.file = read_file;
    opening.full = local_tell_full;
    opening.failed = local_tell_failed;
    opening.arg = local;
    r = twi_job_open(&opening, &local->job, ret_failure);
    free(local->hosts);
    local->hosts = NULL;
    if (r < 0) {
        local_free(&local->head);
        return r;
    }
    *ret_frontier = &local->head;
    return 0;
}

struct twi_job *twi_frontier_local_job(struct twi_frontier *frontier)
{
    return local_of(frontier)->job;
}
