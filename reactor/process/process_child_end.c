/* SPDX-License-Identifier: MIT */
/*
 * process_child_end.c - the worker's side of a process pool: read tasks, call functions, send
 * results.
 *
 * A blocking loop on one thread. Each result is sent as soon as it is there, so that a kill
 * loses no more than the running call.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#if TWI_LINUX
#include <sys/prctl.h>
#endif
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reactor/loop.h"
#include "reactor/process/process_wire.h"

enum { READ_SIZE = 64 * 1024, SPARE = 256 };

struct served {
    int fd;
    struct twi_board *board;
    struct twi_buf in, out;
    size_t result_limit;
    bool failed; /* by the init function */
};

/* One task, as it came. */
struct call {
    uint64_t slot, count;
    const struct tw_process_entry *function;
    const char *name;
    size_t name_length;
};

/* --- sending ------------------------------------------------------------------------------ */

static int send_out(struct served *served)
{
    size_t sent = 0;

    while (sent < served->out.length) {
        ssize_t n = send(served->fd, served->out.data + sent, served->out.length - sent,
                         MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return -errno;
        sent += n > 0 ? (size_t)n : 0;
    }
    served->out.length = 0;
    if (served->out.size > TWI_PROCESS_FLUSH)
        twi_buf_free(&served->out); /* after a big one */
    return 0;
}

/* There is always room for this one. */
static int served_put_failure(struct served *served, tw_value failure)
{
    int r = twi_wire_put(&served->out, failure, SIZE_MAX);

    tw_release(failure);
    return r < 0 ? twi_wire_put(&served->out, tw_fail_memory(), SIZE_MAX) : r;
}

/* The result of a call (taken), or a failure that says why it cannot be sent. */
static int put_result(struct served *served, const struct call *call, tw_value result)
{
    int r = twi_wire_put(&served->out, result, served->out.length + served->result_limit);

    if (r == -EINVAL)
        r = served_put_failure(
            served, tw_fail(&tw_error_misuse, "%.*s: a %s cannot leave its process",
                            (int)call->name_length, call->name, tw_typeof(result)->name));
    else if (r == -ELOOP)
        r = served_put_failure(served,
                               tw_fail(&tw_error_misuse, "%.*s: the result is too deep",
                                       (int)call->name_length, call->name));
    else if (r == -EMSGSIZE) {
        struct tw_failure_fields fields = {
            .error_class = &tw_error_toolarge,
            .message = "the result is larger than the pool's limit",
            .number = (int64_t)served->result_limit,
        };
        r = served_put_failure(served, tw_fail_with(&fields));
    } else if (r == -ENOMEM)
        r = served_put_failure(served, tw_fail_memory());
    tw_release(result);
    return r;
}

/* --- calling ------------------------------------------------------------------------------ */

static tw_value call_function(const struct tw_process_entry *function, tw_value argument)
{
    tw_value result = tw_take(function->function(tw_lend(argument)));

    if (tw_is(result, &tw_type_deferred))
        result = tw_block_on(tw_maybe_deferred(result));
    return result;
}

static int served_answer(struct served *served, const struct call *call, const char **at,
                         const char *end)
{
    tw_value argument;
    tw_value result;
    int r = twi_wire_get(at, end, &argument);

    if (r < 0)
        return r;
    if (call->function != NULL)
        result = call_function(call->function, argument);
    else
        result = tw_fail(&tw_error_misuse, "the worker has no function %.*s",
                         (int)call->name_length, call->name);
    tw_release(argument);
    return put_result(served, call, result);
}

/* A frame with results; their number comes first, so it stands at a fixed length. */
struct answers {
    size_t start, count_at;
    uint64_t count;
};

static int begin_answers(struct served *served, const struct call *call,
                         struct answers *answers)
{
    uint32_t none = 0;
    int r = twi_frame_begin(&served->out, TWI_PROCESS_RESULTS, &answers->start);

    if (r == 0)
        r = twi_wire_put_number(&served->out, call->slot);
    answers->count_at = served->out.length;
    answers->count = 0;
    return r == 0 ? twi_buf_append(&served->out, &none, sizeof none) : r;
}

static int send_answers(struct served *served, const struct answers *answers)
{
    uint32_t count = (uint32_t)answers->count;
    int r;

    memcpy(served->out.data + answers->count_at, &count, sizeof count);
    twi_frame_end(&served->out, answers->start);
    r = send_out(served);
    return r == 0 ? twi_buf_reserve(&served->out, SPARE) : r;
}

static int served_run_calls(struct served *served, const struct call *call, const char *at,
                            const char *end)
{
    struct answers answers;
    int r = begin_answers(served, call, &answers);

    for (uint64_t i = 0; r == 0 && i < call->count; i++) {
        atomic_store(&served->board->progress, (size_t)i);
        r = served_answer(served, call, &at, end);
        answers.count++;
        if (r == 0 && served->out.length >= TWI_PROCESS_FLUSH && i + 1 < call->count) {
            r = send_answers(served, &answers);
            if (r == 0)
                r = begin_answers(served, call, &answers);
        }
    }
    return r == 0 ? send_answers(served, &answers) : r;
}

static int served_skip(struct served *served, const struct call *call)
{
    size_t start;
    int r = twi_frame_begin(&served->out, TWI_PROCESS_SKIPPED, &start);

    if (r == 0)
        r = twi_wire_put_number(&served->out, call->slot);
    if (r < 0)
        return r;
    twi_frame_end(&served->out, start);
    return send_out(served);
}

/* --- what the pool says ------------------------------------------------------------------- */

static int take_task(struct served *served, const char *at, const char *end)
{
    struct call call;

    if (twi_wire_get_number(&at, end, &call.slot) < 0 || call.slot >= TWI_PROCESS_SLOTS ||
        twi_wire_get_bytes(&at, end, &call.name, &call.name_length) < 0 ||
        twi_wire_get_number(&at, end, &call.count) < 0)
        return -EBADMSG;
    call.function = twi_process_function(call.name, call.name_length);
    atomic_store(&served->board->progress, 0);
    if (!twi_board_take(served->board, (size_t)call.slot, TWI_SLOT_BEGUN))
        return served_skip(served, &call);
    return served_run_calls(served, &call, at, end);
}

/* The init function's failure, or none. */
static tw_value initialise(const char *name, size_t length, tw_value argument)
{
    const struct tw_process_entry *init;
    tw_value result;

    if (length == 0)
        return tw_none();
    init = twi_process_function(name, length);
    if (init == NULL)
        return tw_fail(&tw_error_misuse, "the worker has no function %.*s", (int)length, name);
    result = call_function(init, argument);
    if (tw_is_failure(result))
        return result;
    tw_release(result);
    return tw_none();
}

static int take_hello(struct served *served, const char *at, const char *end)
{
    tw_value argument, failure;
    const char *name;
    uint64_t limit;
    size_t length, start;
    int r;

    if (twi_wire_get_number(&at, end, &limit) < 0 ||
        twi_wire_get_bytes(&at, end, &name, &length) < 0)
        return -EBADMSG;
    r = twi_wire_get(&at, end, &argument);
    if (r < 0)
        return r;
    served->result_limit = (size_t)limit;
    failure = initialise(name, length, argument);
    tw_release(argument);
    served->failed = tw_is_failure(failure);
    r = twi_frame_begin(&served->out, served->failed ? TWI_PROCESS_FAILED : TWI_PROCESS_READY,
                        &start);
    if (r == 0 && served->failed)
        r = served_put_failure(served, failure);
    if (r < 0)
        return r;
    twi_frame_end(&served->out, start);
    return send_out(served);
}

static int served_take_frame(struct served *served, const char *at, const char *end)
{
    enum twi_process_frame kind = (enum twi_process_frame) * at++;

    if (kind == TWI_PROCESS_TASK)
        return take_task(served, at, end);
    return kind == TWI_PROCESS_HELLO ? take_hello(served, at, end) : -EBADMSG;
}

/* 1, 0 at the end of the stream, -errno. */
static int served_read_more(struct served *served)
{
    ssize_t n;
    int r = twi_buf_reserve(&served->in, READ_SIZE);

    if (r < 0)
        return r;
    do
        n = recv(served->fd, served->in.data + served->in.length,
                 served->in.size - served->in.length, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    served->in.length += (size_t)n;
    return n > 0;
}

static int served_take_frames(struct served *served)
{
    size_t taken = 0;
    const char *at, *end;
    int r;

    while ((r = twi_frame_read(served->in.data + taken, served->in.length - taken, UINT32_MAX,
                               &at, &end)) > 0) {
        r = served_take_frame(served, at, end);
        if (r < 0)
            return r;
        taken = (size_t)(end - served->in.data);
    }
    twi_buf_consume(&served->in, taken);
    if (served->in.length == 0 && served->in.size > TWI_PROCESS_FLUSH)
        twi_buf_free(&served->in);
    return r;
}

int twi_process_serve(int fd, struct twi_board *board)
{
    struct served served = { .fd = fd, .board = board };
    int r = twi_buf_reserve(&served.out, SPARE);

    while (r == 0 && !served.failed) {
        r = served_read_more(&served);
        if (r <= 0)
            break;
        r = served_take_frames(&served);
    }
    twi_buf_free(&served.in);
    twi_buf_free(&served.out);
    fflush(NULL); /* the output of its functions */
    return r < 0 && r != -EPIPE && r != -ECONNRESET ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* --- the main functions of workers -------------------------------------------------------- */

/* This program: the name it was called by, and its file as it was then. */
static struct {
    const char *argv0; /* NULL: main() does not know of workers */
    char path[PATH_MAX];
    struct stat file;
} program;

bool twi_process_can_spawn(void)
{
    return program.argv0 != NULL;
}

const char *twi_process_argv0(void)
{
    return program.argv0;
}

#if TWI_LINUX
static void find_program(const char *argv0)
{
    ssize_t length = readlink("/proc/self/exe", program.path, sizeof program.path - 1);

    (void)argv0;
    program.path[length > 0 ? length : 0] = '\0';
}
#else
/* Find the program as a shell does: along PATH when its name has no slash. */
static void find_program(const char *argv0)
{
    const char *part = strchr(argv0, '/') != NULL ? "" : getenv("PATH");
    char tried[PATH_MAX], found[PATH_MAX];

    for (; part != NULL; part = *part == ':' ? part + 1 : NULL) {
        int length = (int)strcspn(part, ":");
        const char *slash = length > 0 ? "/" : "";
        int n = snprintf(tried, sizeof tried, "%.*s%s%s", length, part, slash, argv0);

        if (n > 0 && (size_t)n < sizeof tried && access(tried, X_OK) == 0 &&
            realpath(tried, found) != NULL) {
            memcpy(program.path, found, strlen(found) + 1);
            return;
        }
        part += length;
    }
}
#endif

static void remember_program(const char *argv0)
{
    program.argv0 = argv0;
    program.path[0] = '\0';
    find_program(argv0);
    if (stat(program.path, &program.file) < 0)
        program.path[0] = '\0';
}

/* The file may have been replaced since. The link of /proc leads to the old one, except under
 * tools that are the running program themselves (valgrind). */
const char *twi_process_path(void)
{
    struct stat now;

    if (program.path[0] != '\0' && stat(program.path, &now) == 0 &&
        now.st_dev == program.file.st_dev && now.st_ino == program.file.st_ino)
        return program.path;
#if TWI_LINUX
    return "/proc/self/exe";
#else
    return program.argv0;
#endif
}

#if TWI_LINUX
static void die_with_parent(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}
#else
static atomic_bool socket_closed; /* by us: nothing hung up */

/* The socket hangs up when its other end is closed, even by a kill. A function may close
 * ours: the parent does not see that before poll() lets go of it, hence the limit. */
static void *wait_for_hangup(void *arg)
{
    struct pollfd socket = { .fd = TWI_PROCESS_SOCKET };

    while ((socket.revents & (POLLHUP | POLLNVAL)) == 0)
        poll(&socket, 1, 1000);
    if (!socket_closed)
        kill(getpid(), SIGKILL);
    return arg;
}

static void die_with_parent(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, wait_for_hangup, NULL) == 0)
        pthread_detach(thread);
}
#endif

static void socket_close(void)
{
#if !TWI_LINUX
    socket_closed = true;
#endif
    close(TWI_PROCESS_SOCKET);
}

/* The parent may have ended before we asked to be told of that. */
static int worker_serve(pid_t parent)
{
    struct twi_board *board;
    int status;

    fcntl(TWI_PROCESS_SOCKET, F_SETFD, FD_CLOEXEC);
    signal(SIGINT, SIG_IGN); /* Ctrl-C is for the parent, which then ends us */
    die_with_parent();
    if (getppid() != parent)
        return EXIT_SUCCESS;
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, TWI_PROCESS_BOARD,
                 0);
    close(TWI_PROCESS_BOARD);
    if (board == MAP_FAILED)
        return EXIT_FAILURE;
    status = twi_process_serve(TWI_PROCESS_SOCKET, board);
    munmap(board, sizeof *board);
    return status;
}

bool tw_process_worker(int argc, char **argv)
{
    const size_t length = sizeof TWI_PROCESS_ARGUMENT - 1;

    if (argc != 2 || strncmp(argv[1], TWI_PROCESS_ARGUMENT, length) != 0) {
        remember_program(argc > 0 ? argv[0] : "worker");
        return false;
    }
    worker_serve((pid_t)strtol(argv[1] + length, NULL, 10));
    socket_close();
    return true;
}

/* The parent's reactor is not ours: its descriptors are closed, its memory is left alone. */
int twi_process_forked(void *arg)
{
    static struct twi_loop *volatile parents; /* for leak checkers: it is not lost */

    parents = twi_loop_here;
    twi_loop_here = NULL;
    (void)parents;
    return worker_serve(*(const pid_t *)arg);
}
