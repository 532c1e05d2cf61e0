/* SPDX-License-Identifier: MIT */
/*
 * process_start.c - starting a child process.
 *
 * Our ends of the pipes are made before the child, so that little can fail when it runs
 * already: each is a transport that is connected at the end. The child's ends are closed here.
 */
#include "net/process/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/posix.h"
#include "net/transport/flow.h"
#include "net/transport/pipe.h"
#include "net/transport/transport.h"

enum { TERMINAL = 1, STANDARD = 3, DEFAULT_ROWS = 24, DEFAULT_COLUMNS = 80 };

/* A child that is being started. */
struct start {
    const struct tw_process_options *options;
    const struct tw_child_fd *fds;
    size_t fd_count;
    tw_process *process;
    struct twi_child_fd *theirs; /* all of the child's */
    bool *made;                  /* the descriptor was made here: to be closed */
    size_t count;
    const char *failed; /* the step that failed; NULL: child.h's step says */
    enum twi_child_step step;
};

static const struct tw_child_fd standard[] = {
    { .number = 0, .kind = TW_PIPE_TO_CHILD },
    { .number = 1, .kind = TW_PIPE_FROM_CHILD },
    { .number = 2, .kind = TW_PIPE_FROM_CHILD },
};

static const struct tw_process_protocol nothing;

/* --- what comes through a pipe without a protocol of its own ------------------------ */

struct relay {
    tw_protocol protocol;
    struct twi_process_end *end;
};

static void relay_data(tw_protocol *protocol, const char *data, size_t length)
{
    struct twi_process_end *end = ((struct relay *)protocol)->end;
    tw_process *process = end->process;

    if (process->protocol->child_data_received != NULL)
        process->protocol->child_data_received(process, end->number, data, length,
                                               process->arg);
}

static const tw_protocol_class relay_class = {
    .name = "child's pipe",
    .size = sizeof(struct relay),
    .data_received = relay_data,
};

static tw_protocol *relay_new(struct twi_process_end *end)
{
    tw_protocol *protocol = tw_protocol_new(&relay_class);

    if (protocol != NULL)
        ((struct relay *)protocol)->end = end;
    return protocol;
}

/* --- our ends and the child's ------------------------------------------------------- */

static int fail_making(struct start *start, const char *what, int r)
{
    start->failed = what;
    return r;
}

static void add_theirs(struct start *start, int number, int source, bool made)
{
    start->theirs[start->count] = (struct twi_child_fd){ number, source };
    start->made[start->count++] = made;
}

/* Our descriptor becomes a transport. Takes them. */
static int add_end(struct start *start, int number, int read_fd, int write_fd,
                   tw_protocol *protocol)
{
    tw_process *process = start->process;
    struct twi_process_end *end = &process->ends[process->count];
    int r = twi_pipe_new(read_fd, write_fd, &end->transport);

    if (r < 0)
        return fail_making(start, "a pipe", r);
    process->count++;
    end->process = process;
    end->number = number;
    end->protocol = protocol != NULL ? protocol : relay_new(end);
    tw_transport_ref(end->transport);
    return end->protocol != NULL ? twi_flow_on_lost(end->transport, twi_process_end_lost, end)
                                 : -ENOMEM;
}

static int make_pipe(struct start *start, const struct tw_child_fd *fd)
{
    bool to_child = fd->kind == TW_PIPE_TO_CHILD;
    int ends[2], r = twi_pipe(ends);

    if (r < 0)
        return fail_making(start, "a pipe", r);
    add_theirs(start, fd->number, ends[to_child ? 0 : 1], true);
    return to_child ? add_end(start, fd->number, -1, ends[1], fd->protocol)
                    : add_end(start, fd->number, ends[0], -1, fd->protocol);
}

static int make_pair(struct start *start, const struct tw_child_fd *fd)
{
    int ends[2], r = twi_socketpair(ends);

    if (r < 0)
        return fail_making(start, "a socket pair", r);
    add_theirs(start, fd->number, ends[1], true);
    return add_end(start, fd->number, ends[0], ends[0], fd->protocol);
}

static int make_same(struct start *start, const struct tw_child_fd *fd)
{
    for (size_t i = 0; i < start->count; i++)
        if (start->theirs[i].number == fd->fd) {
            add_theirs(start, fd->number, start->theirs[i].source, false);
            return 0;
        }
    return fail_making(start, "the same descriptor", -EBADF);
}

static int make_fd(struct start *start, const struct tw_child_fd *fd)
{
    if (start->options->terminal != NULL && fd->number < STANDARD)
        return fail_making(start, "its terminal", -EINVAL);
    switch (fd->kind) {
    case TW_PIPE_TO_CHILD:
    case TW_PIPE_FROM_CHILD:
        return make_pipe(start, fd);
    case TW_PIPE_BOTH_WAYS:
        return make_pair(start, fd);
    case TW_CHILD_INHERITS:
        add_theirs(start, fd->number, fd->fd, false);
        return 0;
    case TW_CHILD_SAME_AS:
        return make_same(start, fd);
    }
    return -EINVAL;
}

/* The side that the child gets; -errno. */
static int open_slave(int master, const struct tw_process_terminal *terminal)
{
    struct winsize size = {
        .ws_row = terminal->rows != 0 ? terminal->rows : DEFAULT_ROWS,
        .ws_col = terminal->columns != 0 ? terminal->columns : DEFAULT_COLUMNS,
    };
    char name[64];
    int slave;

    if (grantpt(master) < 0 || unlockpt(master) < 0 ||
        ptsname_r(master, name, sizeof name) != 0)
        return -errno;
    slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return -errno;
    ioctl(slave, TIOCSWINSZ, &size);
    return slave;
}

static int make_terminal(struct start *start)
{
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), slave;

    if (master < 0)
        return fail_making(start, "a terminal", -errno);
    slave = open_slave(master, start->options->terminal);
    if (slave < 0) {
        close(master);
        return fail_making(start, "a terminal", slave);
    }
    for (int number = 0; number < STANDARD; number++)
        add_theirs(start, number, slave, number == 0);
    start->process->terminal = true;
    return add_end(start, TERMINAL, master, master, NULL);
}

static int make_all(struct start *start)
{
    int r = start->options->terminal != NULL ? make_terminal(start) : 0;

    for (size_t i = 0; r == 0 && i < start->fd_count; i++)
        r = make_fd(start, &start->fds[i]);
    return r;
}

/* --- the start ---------------------------------------------------------------------- */

static int spawn(struct start *start)
{
    const struct tw_process_options *options = start->options;
    struct twi_child_options child = {
        .executable = options->executable,
        .argv = options->argv,
        .environment = options->environment,
        .directory = options->directory,
        .fds = start->theirs,
        .fd_count = start->count,
        .new_group = options->new_group,
        .new_session = options->new_session || options->terminal != NULL,
        .terminal = options->terminal != NULL ? 0 : -1,
    };

    if (options->user != NULL) {
        child.set_user = true;
        child.uid = options->user->uid;
        child.gid = options->user->gid;
        child.groups = options->user->groups;
        child.group_count = options->user->group_count;
    }
    return twi_child_spawn(&child, twi_process_exited, start->process, &start->process->child,
                           &start->step);
}

static void free_protocols(const struct tw_child_fd *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fds[i].kind <= TW_PIPE_BOTH_WAYS)
            tw_protocol_free(fds[i].protocol);
}

/* Undo the ends; no event was delivered yet. The caller frees the protocols, except our own. */
static void undo_ends(tw_process *process)
{
    for (size_t i = 0; i < process->count; i++) {
        struct twi_process_end *end = &process->ends[i];

        if (end->protocol != NULL && end->protocol->protocol_class == &relay_class)
            tw_protocol_free(end->protocol);
        twi_flow_on_lost(end->transport, NULL, NULL);
        twi_transport_lost(end->transport, twi_reason_done());
        tw_transport_unref(end->transport);
    }
    process->count = 0;
}

static void connect_all(tw_process *process)
{
    process->open = process->count;
    for (size_t i = 0; i < process->count; i++) {
        struct twi_process_end *end = &process->ends[i];
        tw_protocol *protocol = end->protocol;

        end->protocol = NULL;
        twi_transport_connect(end->transport, protocol, NULL);
    }
    if (process->protocol->connection_made != NULL)
        process->protocol->connection_made(process, process->arg);
}

static int start_begin(struct start *start, const struct tw_process_protocol *protocol,
                       void *arg)
{
    const struct tw_process_options *options = start->options;
    size_t most = start->fd_count + STANDARD;
    tw_process *process;

    start->theirs = twi_calloc(most, sizeof *start->theirs);
    start->made = twi_calloc(most, sizeof *start->made);
    process = twi_calloc(1, sizeof *process + most * sizeof process->ends[0]);
    start->process = process;
    if (start->theirs == NULL || start->made == NULL || process == NULL)
        return -ENOMEM;
    process->protocol = protocol != NULL ? protocol : &nothing;
    process->arg = arg;
    process->refs = 1;
    process->stop_signal = options->stop_signal;
    process->leads = options->new_group || options->new_session || options->terminal != NULL;
    return 0;
}

static int start_run(struct start *start, const struct tw_process_protocol *protocol,
                     void *arg)
{
    const struct tw_process_options *options = start->options;
    int r;

    if (options->fds == NULL && options->terminal == NULL) {
        start->fds = standard;
        start->fd_count = STANDARD;
    } else {
        start->fds = options->fds;
        start->fd_count = options->fd_count;
    }
    r = start_begin(start, protocol, arg);
    if (r == 0)
        r = make_all(start);
    if (r == 0)
        r = twi_process_begin_thread();
    if (r == 0)
        r = spawn(start);
    for (size_t i = 0; i < start->count; i++)
        if (start->made[i])
            close(start->theirs[i].source);
    twi_free(start->theirs);
    twi_free(start->made);
    return r;
}

/* --- what could not be done --------------------------------------------------------- */

static const char *step_text(const struct start *start)
{
    static const char *const texts[] = {
        [TWI_CHILD_FORK] = "a process",
        [TWI_CHILD_DESCRIPTORS] = "its descriptors",
        [TWI_CHILD_DIRECTORY] = "the directory ",
        [TWI_CHILD_SESSION] = "its session",
        [TWI_CHILD_TERMINAL] = "its terminal",
        [TWI_CHILD_USER] = "the user",
        [TWI_CHILD_EXECUTE] = "the program",
        [TWI_CHILD_THREADS] = "a fork beside threads",
    };
    return start->failed != NULL ? start->failed : texts[start->step];
}

static tw_value spawn_failure(const char *where, const struct start *start, int r)
{
    const struct tw_process_options *options = start->options;
    const char *name = options->executable;
    char reason[128], message[512];

    if (r == -ENOMEM && start->step == TWI_CHILD_FORK)
        return tw_fail_memory();
    if (name == NULL)
        name = options->argv != NULL ? options->argv[0] : NULL;
    snprintf(message, sizeof message, "cannot start %s: %s%s: %s",
             name != NULL ? name : "a child", step_text(start),
             start->failed == NULL && start->step == TWI_CHILD_DIRECTORY ? options->directory
                                                                         : "",
             strerror_r(-r, reason, sizeof reason));
    return tw_fail_with(&(struct tw_failure_fields){ .error_class = &tw_error_process_start,
                                                     .where = where,
                                                     .number = -r,
                                                     .message = message });
}

/* --- the faces ---------------------------------------------------------------------- */

int twi_process_spawn(const char *where, const struct tw_process_options *options,
                      const struct tw_process_protocol *protocol, void *arg,
                      tw_process **ret_process, tw_value *ret_failure)
{
    struct start start = { .options = options };
    int r = start_run(&start, protocol, arg);
    tw_process *process = start.process;

    if (r < 0) {
        if (ret_failure != NULL)
            *ret_failure = spawn_failure(where, &start, r);
        if (process != NULL)
            undo_ends(process);
        free_protocols(start.fds, start.fd_count);
        twi_free(process);
        return r;
    }
    process->pid = twi_child_pid(process->child);
    twi_process_begun(process);
    if (ret_process != NULL)
        *ret_process = process;
    tw_process_ref(process);
    connect_all(process);
    tw_process_unref(process);
    return 0;
}

int tw_spawn_process(const struct tw_process_options *options,
                     const struct tw_process_protocol *protocol, void *arg,
                     tw_process **ret_process)
{
    return twi_process_spawn(TW_HERE, options, protocol, arg, ret_process,
                             options->ret_failure);
}
