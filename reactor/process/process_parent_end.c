/* SPDX-License-Identifier: MIT */
/*
 * process_parent_end.c - the pool's side of a worker: start it, send tasks, read results, bury it.
 *
 * A worker is settled when it is reaped: only then no more results can come, and its exit
 * status is known. Until then its tasks stay with it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tweed/reactor.h>

#include "base/posix.h"
#include "reactor/process/process_pool.h"

enum {
    READ_SIZE = 16 * 1024,
    FIRST_WINDOW = 2,
    NAME_MAX_BYTES = 64 * 1024, /* of a frame from a worker, besides values */
};

/* Seconds: from hanging up to a signal; between looks for the end, where the kernel does not
 * tell of it. */
static const double patience = 0.2, shortest_wait = 0.001, longest_wait = 0.05;

/* --- the row of tasks --------------------------------------------------------------------- */

static struct twi_process_task **task_at(struct twi_worker *worker, size_t place)
{
    return &worker->tasks[place % TWI_PROCESS_SLOTS];
}

static void link_timed_out(void *arg);
static void hung_up(struct twi_worker *worker);
static void hear_out(struct twi_worker *worker);
static void look_later(struct twi_worker *worker);
static void look_after(void *arg);

static void stop_timer(struct twi_worker *worker)
{
    if (worker->timer > 0)
        tw_call_cancel(worker->timer);
    worker->timer = 0;
}

/* The task at the head is the one that runs. */
static void start_timer(struct twi_worker *worker)
{
    const struct twi_process_task *task = twi_worker_load(worker) > 0
                                              ? *task_at(worker, worker->head)
                                              : NULL;
    double seconds;

    stop_timer(worker);
    if (task == NULL || task->timeout == 0 || worker->state >= TWI_WORKER_DYING)
        return;
    seconds = (double)task->timeout * (double)(task->count - task->answered) / TWI_SECOND;
    worker->timed_out = seconds;
    worker->timer = tw_call_later(seconds, link_timed_out, worker);
    if (worker->timer < 0) { /* no memory: tried again at the end of the turn */
        worker->timer = 0;
        twi_process_pool_look(worker->pool);
    }
}

void twi_worker_check_timer(struct twi_worker *worker)
{
    if (worker->timer != 0)
        return;
    if (worker->state < TWI_WORKER_DYING)
        start_timer(worker);
    else if (!twi_child_is_watched(worker->child))
        look_after(worker);
}

/* The task at the head has ended, or was skipped. */
static void next_task(struct twi_worker *worker)
{
    struct tw_process_pool *pool = worker->pool;

    worker->head++;
    start_timer(worker);
    twi_process_pool_look(pool);
}

bool twi_worker_revoke(struct twi_worker *worker, size_t place)
{
    struct twi_process_task **task = task_at(worker, place);

    if (*task == NULL ||
        !twi_board_take(worker->board, place % TWI_PROCESS_SLOTS, TWI_SLOT_REVOKED))
        return false;
    twi_process_task_move(*task, NULL);
    *task = NULL; /* its place is free again when the worker has skipped it */
    return true;
}

struct twi_process_task *twi_worker_take_last(struct twi_worker *worker)
{
    for (size_t place = worker->tail; place-- > worker->head;) {
        struct twi_process_task *task = *task_at(worker, place);

        if (task != NULL)
            return twi_worker_revoke(worker, place) ? task : NULL;
    }
    return NULL;
}

/* The last ones first, so that they lie in the queue in their order. */
static void take_back(struct twi_worker *worker)
{
    for (size_t place = worker->tail; place-- > worker->head;) {
        struct twi_process_task *task = *task_at(worker, place);

        if (twi_worker_revoke(worker, place))
            twi_process_pool_requeue(worker->pool, task);
    }
}

static void link_timed_out(void *arg)
{
    struct twi_worker *worker = arg;
    struct tw_process_pool *pool = worker->pool;
    unsigned slot;

    twi_process_pool_enter(pool);
    worker->timer = 0;
    slot = atomic_load(&worker->board->slots[worker->head % TWI_PROCESS_SLOTS]);
    if (slot == TWI_SLOT_SENT)
        start_timer(worker); /* it has not begun: its time has not either */
    else
        twi_worker_kill(worker, TWI_END_TIMEOUT);
    twi_process_pool_leave(pool);
}

/* --- sending ------------------------------------------------------------------------------ */

static void watch_writable(struct twi_worker *worker, bool wanted)
{
    if (worker->watches_writable == wanted)
        return;
    if (twi_watch_change(worker->watch, TWI_READABLE | (wanted ? TWI_WRITABLE : 0)) == 0)
        worker->watches_writable = wanted;
    else
        twi_worker_kill(worker, TWI_END_KILLED);
}

void twi_worker_send(struct twi_worker *worker)
{
    size_t left = worker->out.length - worker->out_sent;
    ssize_t n;

    if (left == 0 || worker->state >= TWI_WORKER_DYING)
        return;
    do
        n = send(worker->fd, worker->out.data + worker->out_sent, left, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM) {
        hear_out(worker); /* it is gone, but the results it sent count */
        return;
    }
    worker->out_sent += n > 0 ? (size_t)n : 0;
    if (worker->out_sent == worker->out.length) {
        worker->out.length = worker->out_sent = 0;
        if (worker->out.size > TWI_PROCESS_FLUSH)
            twi_buf_free(&worker->out);
    }
    watch_writable(worker, worker->out.length > 0);
}

static tw_value argument_of(const struct twi_process_task *task, size_t i)
{
    return task->set != NULL ? tw_list_at(task->set->arguments, task->first + i)
                             : tw_lend(task->argument);
}

int twi_worker_give(struct twi_worker *worker, struct twi_process_task *task, size_t *ret_bad)
{
    struct twi_buf *out = &worker->out;
    size_t slot = worker->tail % TWI_PROCESS_SLOTS, before = out->length, start;
    int r = twi_frame_begin(out, TWI_PROCESS_TASK, &start);

    if (r == 0)
        r = twi_wire_put_number(out, slot);
    if (r == 0)
        r = twi_wire_put_bytes(out, task->function->name, strlen(task->function->name));
    if (r == 0)
        r = twi_wire_put_number(out, task->count);
    *ret_bad = 0;
    for (size_t i = 0; r == 0 && i < task->count; i++) {
        *ret_bad = i;
        r = twi_wire_put(out, argument_of(task, i),
                         out->length + worker->pool->options.argument_limit);
        if (r == 0 && out->length - start > TWI_FRAME_MAX && i > 0)
            r = -E2BIG; /* a chunk of less, then */
    }
    if (r < 0) {
        out->length = before;
        return r;
    }
    twi_frame_end(out, start);
    atomic_store(&worker->board->slots[slot], TWI_SLOT_SENT);
    *task_at(worker, worker->tail++) = task;
    task->place = worker->tail - 1;
    twi_process_task_move(task, worker);
    worker->given++;
    if (twi_worker_load(worker) == 1)
        start_timer(worker);
    return 0;
}

/* --- reading ------------------------------------------------------------------------------ */

/* Returns 0, or -EBADMSG for a frame against the rules. */
static int link_take_results(struct twi_worker *worker, const char *at, const char *end)
{
    struct twi_process_task *task;
    uint64_t slot;
    uint32_t count;
    int r = 0;

    if (twi_worker_load(worker) == 0 || twi_wire_get_number(&at, end, &slot) < 0 ||
        slot != worker->head % TWI_PROCESS_SLOTS || (size_t)(end - at) < sizeof count)
        return -EBADMSG;
    memcpy(&count, at, sizeof count);
    at += sizeof count;
    task = *task_at(worker, worker->head);
    if (task == NULL || count == 0 || count > task->count - task->answered)
        return -EBADMSG;
    worker->pool->crashes = worker->pool->barren = 0;
    for (; count > 0; count--) {
        tw_value result = tw_none();

        r = r == -ENOMEM ? r : twi_wire_get(&at, end, &result);
        if (r == -EBADMSG)
            return r;
        twi_process_task_answer(task, r == 0 ? result : tw_fail_memory());
        if (worker->state >= TWI_WORKER_DYING) /* the program has ended the pool */
            return 0;
    }
    if (r == 0 && at != end)
        return -EBADMSG;
    if (task->answered == task->count) {
        *task_at(worker, worker->head) = NULL;
        twi_process_task_free(task);
        next_task(worker);
    }
    return 0;
}

static int take_skipped(struct twi_worker *worker, const char *at, const char *end)
{
    uint64_t slot;

    if (twi_worker_load(worker) == 0 || twi_wire_get_number(&at, end, &slot) < 0 ||
        at != end || slot != worker->head % TWI_PROCESS_SLOTS ||
        *task_at(worker, worker->head) != NULL)
        return -EBADMSG;
    next_task(worker);
    return 0;
}

static int take_state(struct twi_worker *worker, enum twi_process_frame kind, const char *at,
                      const char *end)
{
    if (worker->state != TWI_WORKER_STARTING || tw_is_failure(worker->init_failure))
        return -EBADMSG;
    if (kind == TWI_PROCESS_READY && at == end) {
        worker->state = TWI_WORKER_READY;
        worker->was_ready = true;
        twi_process_pool_look(worker->pool);
        return 0;
    }
    if (twi_wire_get(&at, end, &worker->init_failure) < 0 || at != end ||
        !tw_is_failure(worker->init_failure))
        return -EBADMSG;
    worker->end = TWI_END_INIT_FAILED;
    return 0;
}

static int link_take_frame(struct twi_worker *worker, const char *at, const char *end)
{
    enum twi_process_frame kind = (enum twi_process_frame) * at++;

    switch (kind) {
    case TWI_PROCESS_RESULTS:
        return link_take_results(worker, at, end);
    case TWI_PROCESS_SKIPPED:
        return take_skipped(worker, at, end);
    case TWI_PROCESS_READY:
    case TWI_PROCESS_FAILED:
        return take_state(worker, kind, at, end);
    default:
        return -EBADMSG;
    }
}

/* Handle the bytes that came frame by frame; returns the number of frames, or -EBADMSG. */
static int link_take_frames(struct twi_worker *worker)
{
    size_t limit = worker->pool->options.result_limit + TWI_PROCESS_FLUSH + NAME_MAX_BYTES;
    const char *at, *end;
    size_t taken = 0;
    int frames = 0, r;

    while ((r = twi_frame_read(worker->in.data + taken, worker->in.length - taken, limit, &at,
                               &end)) > 0) {
        r = link_take_frame(worker, at, end);
        if (r < 0 || worker->state >= TWI_WORKER_DYING)
            break;
        taken = (size_t)(end - worker->in.data);
        frames++;
    }
    if (worker->in.data != NULL)
        twi_buf_consume(&worker->in, taken);
    if (worker->in.length == 0 && worker->in.size > TWI_PROCESS_FLUSH)
        twi_buf_free(&worker->in); /* after a big one */
    return r < 0 ? r : frames;
}

/* Read once. True when something came. */
static bool link_read_some(struct twi_worker *worker)
{
    ssize_t n;
    int frames;

    if (twi_buf_reserve(&worker->in, READ_SIZE) < 0) {
        twi_worker_kill(worker, TWI_END_KILLED);
        return false;
    }
    do
        n = recv(worker->fd, worker->in.data + worker->in.length,
                 worker->in.size - worker->in.length, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n <= 0) {
        hung_up(worker);
        return false;
    }
    worker->in.length += (size_t)n;
    frames = link_take_frames(worker);
    if (frames < 0)
        twi_worker_kill(worker, TWI_END_BROKE_RULES);
    else if (frames > 0)
        worker->window = 2 * (size_t)frames < FIRST_WINDOW        ? FIRST_WINDOW
                         : 2 * frames > TWI_PROCESS_SLOTS ? TWI_PROCESS_SLOTS
                                                           : 2 * (size_t)frames;
    return true;
}

static void link_ready(unsigned events, void *arg)
{
    struct twi_worker *worker = arg;
    struct tw_process_pool *pool = worker->pool;

    twi_process_pool_enter(pool);
    if (events & TWI_READABLE)
        link_read_some(worker);
    if (events & TWI_WRITABLE)
        twi_worker_send(worker);
    twi_process_pool_leave(pool);
}

/* --- its end ------------------------------------------------------------------------------ */

static void link_close_socket(struct twi_worker *worker)
{
    twi_watch_free(worker->watch);
    worker->watch = NULL;
    if (worker->fd >= 0)
        close(worker->fd);
    worker->fd = -1;
}

static void make_end(struct twi_worker *worker)
{
    worker->killed = true;
    if (worker->child != NULL)
        twi_child_signal(worker->child, SIGKILL, false);
}

/* See whether it has ended. Old kernels do not tell, and a worker that hung up may live on. */
static void look_after(void *arg)
{
    struct twi_worker *worker = arg;
    struct tw_process_pool *pool = worker->pool;

    twi_process_pool_enter(pool);
    worker->timer = 0;
    if (!twi_child_is_watched(worker->child))
        twi_child_check(worker->child);
    if (worker->state == TWI_WORKER_DYING) {
        worker->waited = 2 * worker->waited + shortest_wait;
        if (worker->waited > patience && !worker->killed)
            make_end(worker);
        look_later(worker);
    }
    twi_process_pool_leave(pool);
}

static void look_later(struct twi_worker *worker)
{
    double longest = worker->killed ? longest_wait : patience;
    double wait = worker->waited < longest ? worker->waited : longest;

    if (twi_child_is_watched(worker->child)) {
        if (worker->killed)
            return;
        wait = worker->waited = patience;
    }
    worker->timer = tw_call_later(wait, look_after, worker);
    if (worker->timer > 0)
        return;
    worker->timer = 0; /* no memory: again at the end of the turn, and no patience */
    make_end(worker);
    twi_process_pool_look(worker->pool);
}

/* The worker will end soon: its socket is not read any more. */
static void begin_to_die(struct twi_worker *worker, enum twi_worker_end end)
{
    worker->end = end;
    stop_timer(worker);
    take_back(worker);
    worker->state = TWI_WORKER_DYING;
    twi_watch_free(worker->watch);
    worker->watch = NULL;
}

void twi_worker_kill(struct twi_worker *worker, enum twi_worker_end end)
{
    if (worker->state == TWI_WORKER_GONE)
        return;
    if (worker->state < TWI_WORKER_DYING)
        begin_to_die(worker, end);
    stop_timer(worker);
    make_end(worker);
    look_later(worker);
}

/* Mostly it is ending just now; a signal would take the place of its exit status. */
static void hung_up(struct twi_worker *worker)
{
    begin_to_die(worker, worker->end);
    look_later(worker);
}

/* Results that it sent before its end count. */
static void hear_out(struct twi_worker *worker)
{
    while (worker->state < TWI_WORKER_DYING && link_read_some(worker))
        continue;
    if (worker->state < TWI_WORKER_DYING)
        hung_up(worker);
}

void twi_worker_fail(struct twi_worker *worker, tw_value failure)
{
    for (size_t place = worker->head; place < worker->tail; place++) {
        struct twi_process_task *task = *task_at(worker, place);

        while (task != NULL && task->answered < task->count)
            twi_process_task_answer(task, tw_retain(failure));
    }
}

void twi_worker_drop_set(struct twi_worker *worker, struct twi_process_task_set *set)
{
    for (size_t place = worker->tail; place-- > worker->head;) {
        struct twi_process_task *task = *task_at(worker, place);

        if (task != NULL && task->set == set)
            twi_process_task_unwanted(task);
    }
}

void twi_worker_retire(struct twi_worker *worker)
{
    if (worker->state > TWI_WORKER_READY)
        return;
    worker->state = TWI_WORKER_RETIRING;
    worker->retired = true;
    shutdown(worker->fd, SHUT_WR);
}

/* Exit status, or signal, negative. */
static int end_number(int status)
{
    if (status == TWI_CHILD_STATUS_LOST)
        return 0;
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static tw_value failure_of_end(const struct twi_worker *worker, int status)
{
    char text[160];
    int number = end_number(status);
    struct tw_failure_fields fields = { .error_class = &tw_error_worker_lost,
                                        .message = text,
                                        .number = number };

    if (worker->end == TWI_END_TIMEOUT)
        return tw_fail(&tw_error_timeout, "no result after %g s: worker %d was killed",
                       worker->timed_out, (int)worker->pid);
    if (worker->end == TWI_END_BROKE_RULES)
        snprintf(text, sizeof text, "worker %d sent nonsense and was killed",
                 (int)worker->pid);
    else if (worker->end == TWI_END_INIT_FAILED)
        snprintf(text, sizeof text, "worker %d could not initialise itself", (int)worker->pid);
    else if (status == TWI_CHILD_STATUS_LOST)
        snprintf(text, sizeof text, "worker %d has ended, nobody knows how", (int)worker->pid);
    else if (number < 0)
        snprintf(text, sizeof text, "worker %d was ended by signal %d (%s)", (int)worker->pid,
                 -number, strsignal(-number));
    else
        snprintf(text, sizeof text, "worker %d ended with status %d", (int)worker->pid,
                 number);
    fields.cause = tw_retain(worker->init_failure);
    return tw_fail_with(&fields);
}

/* Of the calls that had begun, those done and not sent, and the running one, are lost; the
 * others are not. */
static void lose_begun(struct twi_worker *worker, struct twi_process_task *task,
                       tw_value failure)
{
    size_t progress = atomic_load(&worker->board->progress);

    while (task->answered < task->count && task->answered <= progress)
        twi_process_task_answer(task, tw_retain(failure));
    twi_process_task_move(task, NULL);
    twi_process_pool_requeue(worker->pool, task);
}

static void link_settle(struct twi_worker *worker, tw_value failure)
{
    take_back(worker);
    for (; worker->head < worker->tail; worker->head++) {
        struct twi_process_task **place = task_at(worker, worker->head), *task = *place;

        *place = NULL;
        if (task != NULL)
            lose_begun(worker, task, failure);
    }
}

static void gone(struct twi_worker *worker, int status)
{
    struct tw_process_pool *pool = worker->pool;
    tw_value failure;

    hear_out(worker);
    stop_timer(worker);
    failure = failure_of_end(worker, status);
    link_settle(worker, failure);
    worker->state = TWI_WORKER_GONE;
    link_close_socket(worker);
    twi_child_free(worker->child);
    worker->child = NULL;
    twi_process_pool_lost(pool, worker, failure);
    tw_release(failure);
}

static void exited(int status, void *arg)
{
    struct twi_worker *worker = arg;
    struct tw_process_pool *pool = worker->pool;

    twi_process_pool_enter(pool);
    gone(worker, status);
    twi_process_pool_leave(pool);
}

/* Its parts are released by twi_child_free(), which reaps it. */
void twi_worker_bury(struct twi_worker *worker)
{
    siginfo_t info;
    int r;

    do
        r = waitid(P_PID, (id_t)worker->pid, &info, WEXITED | WNOWAIT);
    while (r < 0 && errno == EINTR);
    gone(worker, SIGKILL);
}

void twi_worker_free(struct twi_worker *worker)
{
    link_close_socket(worker);
    if (worker->board != NULL)
        munmap(worker->board, sizeof *worker->board);
    twi_buf_free(&worker->in);
    twi_buf_free(&worker->out);
    tw_release(worker->init_failure);
    twi_free(worker);
}

/* The worker's tasks go back to the pool. */
void twi_worker_leave(struct twi_worker *worker)
{
    for (; worker->head < worker->tail; worker->head++) {
        struct twi_process_task **place = task_at(worker, worker->head), *task = *place;

        *place = NULL;
        if (task == NULL)
            continue;
        twi_process_task_move(task, NULL);
        twi_list_append(&worker->pool->queue, &task->node);
    }
    worker->state = TWI_WORKER_GONE;
    twi_child_leave(worker->child);
    worker->child = NULL;
    link_close_socket(worker);
}

/* --- starting ----------------------------------------------------------------------------- */

static int put_hello(struct twi_worker *worker)
{
    const struct tw_process_pool *pool = worker->pool;
    const char *init = pool->init != NULL ? pool->init->name : "";
    size_t start;
    int r = twi_frame_begin(&worker->out, TWI_PROCESS_HELLO, &start);

    if (r == 0)
        r = twi_wire_put_number(&worker->out, pool->options.result_limit);
    if (r == 0)
        r = twi_wire_put_bytes(&worker->out, init, strlen(init));
    if (r == 0)
        r = twi_wire_put(&worker->out, pool->options.init_argument,
                         worker->out.length + pool->options.argument_limit);
    if (r == 0)
        twi_frame_end(&worker->out, start);
    return r;
}

/* A file without a name in memory. */
static int open_nameless(void)
{
#ifdef HAVE_MEMFD_CREATE
    int fd = memfd_create("tweed-worker", MFD_CLOEXEC);

    return fd < 0 ? -errno : fd;
#else
    char name[32];
    uint32_t number;
    int fd;

    do {
        twi_random(&number, sizeof number);
        snprintf(name, sizeof name, "/tweed-%08x", (unsigned)number);
        fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600); /* closed on exec */
    } while (fd < 0 && errno == EEXIST);
    if (fd < 0)
        return -errno;
    shm_unlink(name);
    return fd;
#endif
}

/* The page that both write: a file, so that it can be handed over. */
static int make_board(struct twi_worker *worker, int *ret_fd)
{
    int fd = open_nameless();
    struct twi_board *board;
    int r;

    if (fd < 0)
        return fd;
    board = ftruncate(fd, sizeof *board) < 0
                ? MAP_FAILED
                : mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (board == MAP_FAILED) {
        r = -errno;
        close(fd);
        return r;
    }
    worker->board = board;
    *ret_fd = fd;
    return 0;
}

static int launch(struct twi_worker *worker, bool by_fork, int socket_fd, int board_fd)
{
    struct twi_child_fd fds[4] = { { TWI_PROCESS_SOCKET, socket_fd },
                                   { TWI_PROCESS_BOARD, board_fd } };
    char argument[sizeof TWI_PROCESS_ARGUMENT + 20];
    const char *argv[] = { twi_process_argv0(), argument, NULL };
    pid_t parent = getpid();
    struct twi_child_options options = { .executable = twi_process_path(),
                                         .argv = argv,
                                         .fds = fds,
                                         .fd_count = 2,
                                         .no_thread = true,
                                         .terminal = -1 };
    enum twi_child_step step;
    int r;

    for (int number = 1; number <= 2; number++)
        if (fcntl(number, F_GETFD) >= 0)
            fds[options.fd_count++] = (struct twi_child_fd){ number, number };
    snprintf(argument, sizeof argument, TWI_PROCESS_ARGUMENT "%d", (int)parent);
    if (by_fork) {
        options.main = twi_process_forked;
        options.arg = &parent;
        fflush(NULL); /* or both would write what is buffered */
    }
    r = twi_child_spawn(&options, exited, worker, &worker->child, &step);
    if (r == 0)
        worker->pid = twi_child_pid(worker->child);
    return r;
}

/* Start it as the options say; a fork in a threaded program becomes a spawn if that is
 * possible. */
static int launch_as_wanted(struct twi_worker *worker, int socket_fd, int board_fd)
{
    enum tw_workers start = worker->pool->options.start;
    int r = -EDEADLK;

    if (start == TW_WORKERS_FORK || (start == TW_WORKERS_AUTO && !twi_process_can_spawn()))
        r = launch(worker, true, socket_fd, board_fd);
    else if (!twi_process_can_spawn())
        return -ENOTSUP;
    if (r == -EDEADLK && twi_process_can_spawn())
        r = launch(worker, false, socket_fd, board_fd);
    return r;
}

static int open_and_launch(struct twi_worker *worker)
{
    int ends[2], board_fd = -1, r;

    r = make_board(worker, &board_fd);
    if (r < 0)
        return r;
    r = twi_socketpair(ends);
    if (r < 0)
        goto done;
    worker->fd = ends[0];
    r = fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
    if (r == 0)
        r = twi_watch_new(worker->fd, TWI_READABLE, link_ready, worker, &worker->watch);
    if (r == 0)
        r = launch_as_wanted(worker, ends[1], board_fd);
    close(ends[1]);
done:
    close(board_fd);
    return r;
}

int twi_worker_start(struct tw_process_pool *pool)
{
    struct twi_worker *worker = twi_calloc(1, sizeof *worker);
    int r = -ENOMEM;

    if (worker == NULL)
        return r;
    worker->pool = pool;
    worker->fd = -1;
    worker->window = FIRST_WINDOW;
    r = put_hello(worker);
    if (r == 0)
        r = open_and_launch(worker);
    if (r < 0) {
        twi_worker_free(worker);
        return r;
    }
    twi_list_append(&pool->workers, &worker->node);
    pool->live++;
    pool->started++;
    twi_worker_send(worker);
    return 0;
}
