/* SPDX-License-Identifier: MIT */
/*
 * process.h - child processes: their pipes, their signals and their end.
 *
 * A child's pipes have the numbers that the child knows them by. It has *exited* when it is
 * reaped, and *ended* when all its pipes are closed as well: they may be closed before, and
 * grandchildren may hold them for long after. tw_get_process_output() and its kin do all this
 * for a program that only wants the output.
 *
 * Each child is reaped by its own number, so other code's children keep their status. A child
 * gets the descriptors that are named and no others, and the signal handling of a fresh
 * process. Programs with threads may start children from each of their reactors.
 * After Twisted's spawnProcess, IProcessProtocol, IProcessTransport, twisted.internet.utils.
 */
#ifndef TWEED_PROCESS_H
#define TWEED_PROCESS_H

#include <errno.h>
#include <sys/types.h>

#include <tweed/transport.h>

TW_BEGIN

typedef struct tw_process tw_process;

/* Events in the life of a child; static storage, each may be NULL. `process` is lent until
 * `ended` has returned. No function is called inside a call of the user's, except
 * connection_made inside tw_spawn_process(). A `reason` (lent) is tw_error_process_done, or
 * tw_error_process_terminated with the exit status as number, negative for a signal: -9. */
struct tw_process_protocol {
    void (*connection_made)(tw_process *process, void *arg);
    /* `data` is lent for the call. */
    void (*child_data_received)(tw_process *process, int fd, const char *data, size_t length,
                                void *arg);
    /* That pipe is closed: tw_error_connection_done, or _lost. */
    void (*child_connection_lost)(tw_process *process, int fd, tw_value reason, void *arg);
    void (*exited)(tw_process *process, tw_value reason, void *arg);
    /* Once and last. With tw_error_abandoned when the reactor went before the child. */
    void (*ended)(tw_process *process, tw_value reason, void *arg);
};

/* A descriptor of the child's. */
enum tw_child_fd_kind {
    TW_PIPE_TO_CHILD,   /* Twisted's "w": we write, the child reads */
    TW_PIPE_FROM_CHILD, /* "r" */
    TW_PIPE_BOTH_WAYS,  /* one end of a socket pair */
    TW_CHILD_INHERITS,  /* the open file `fd`, which stays ours */
    TW_CHILD_SAME_AS,   /* the same as its own number `fd`, named before: the shell's 2>&1 */
};
struct tw_child_fd {
    int number; /* in the child */
    enum tw_child_fd_kind kind;
    int fd;
    /* Speaks over our end of the pipe. Taken, also on failure. NULL: the child's bytes go to
     * child_data_received. */
    tw_protocol *protocol;
};

/* The user that the child runs as; its supplementary groups are these only. */
struct tw_process_user {
    uid_t uid;
    gid_t gid;
    const gid_t *groups;
    size_t group_count;
};

/* The size of a terminal of the child's own; 0: 24 rows, 80 columns. */
struct tw_process_terminal {
    unsigned short rows, columns;
};

/* All zero but argv is a plain child. Lent for the call. */
struct tw_process_options {
    const char *const *argv;    /* ended by NULL: TW_ARGV("ls", "-l") */
    const char *executable;     /* NULL: argv[0]. Looked for along PATH if it has no slash */
    const char *const *environment; /* "NAME=value", ended by NULL; NULL: ours */
    const char *directory;      /* NULL: ours */
    /* NULL: 0 is TW_PIPE_TO_CHILD, 1 and 2 are TW_PIPE_FROM_CHILD. If 0, 1 or 2 is not named,
     * the child has /dev/null there. */
    const struct tw_child_fd *fds;
    size_t fd_count;
    /* The child's 0, 1 and 2 are a terminal in a new session, which our side knows as 1; `fds`
     * may name other descriptors. */
    const struct tw_process_terminal *terminal;
    const struct tw_process_user *user; /* NULL: as we are */
    bool new_group;   /* the child leads a process group of its own */
    bool new_session; /* the child leads a session of its own */
    /* Sent to the child if the reactor stops or ends before it; 0: none. Its pipes are closed
     * then in any case; a later run of the reactor goes on waiting for it. */
    int stop_signal;
    /* May be NULL. On failure set to tw_error_process_start (owned), with the errno as number
     * and the step that failed as message. */
    tw_value *ret_failure;

    /* For tw_get_process_output() and its kin only: */
    tw_value input;    /* bytes (lent) for its standard input; none: that is /dev/null */
    size_t max_output; /* bytes of output, and as many of errors; 0: 16 MiB */
    double grace;      /* seconds from SIGTERM to SIGKILL; 0: 5 */
    /* Standard error, for tw_get_process_output(). */
    enum tw_process_errors {
        TW_ERRORS_FAIL,    /* a single byte there is a failure: Twisted's rule */
        TW_ERRORS_JOIN,    /* it is part of the output */
        TW_ERRORS_DROP,    /* it is dropped */
        TW_ERRORS_INHERIT, /* it is our own standard error */
    } errors;
};
#define TW_ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

/*
 * Start a child. When this returns 0 the program has been executed.
 *   protocol     may be NULL
 *   arg          for the protocol's functions
 *   ret_process  may be NULL
 * Returns 0 or the errno of the step that failed: -ENOENT, -EACCES, -ENOEXEC, ... (the program,
 * or the directory), -EPERM (the user), -EMFILE, -EAGAIN (too many processes), -EINVAL (no
 * argv, a descriptor named twice, or one that the terminal takes), -EBADF, -ENOMEM. On failure
 * no function is called and no process is left.
 */
TW_API int tw_spawn_process(const struct tw_process_options *options,
                            const struct tw_process_protocol *protocol, void *arg,
                            tw_process **ret_process);

TW_API pid_t tw_process_pid(const tw_process *process);
/* True until the child is reaped. */
TW_API bool tw_process_running(const tw_process *process);

/* Write to the child's standard input, or to its descriptor `fd`. As tw_transport_write();
 * -ENOTCONN when that pipe is closed or there is none. */
TW_API int tw_process_write(tw_process *process, const void *data, size_t length);
TW_API int tw_process_write_to(tw_process *process, int fd, const void *data, size_t length);
/* Flush and close one pipe. Returns 0, -ENOTCONN, -ENOTSUP (a terminal: tw_process_lose()). */
TW_API int tw_process_close_fd(tw_process *process, int fd);
/* Flush and close all pipes. The child itself goes on. */
TW_API void tw_process_lose(tw_process *process);
/* Our end of a pipe, for flow control and the like, lent; NULL when it is closed or there is
 * none. */
TW_API tw_transport *tw_process_transport(tw_process *process, int fd);
/* Change the size of the child's terminal. Returns 0, -ENOTTY, -ENOTCONN. */
TW_API int tw_process_set_window(tw_process *process, unsigned short rows,
                                 unsigned short columns);

/* The child has exited, reaped or not. Twisted's ProcessExitedAlready. */
#define TW_PROCESS_EXITED_ALREADY (-ESRCH)
/* Send a signal. Returns 0, TW_PROCESS_EXITED_ALREADY, -EINVAL (no such signal), -EPERM. */
TW_API int tw_process_signal(tw_process *process, int number);
/* The same by name: "KILL", "SIGKILL", "TERM", "INT", ... */
TW_API int tw_process_signal_name(tw_process *process, const char *name);
/* The same to the child and all processes that it started, if it leads a group (new_group,
 * new_session, a terminal); -ENOTSUP if not. */
TW_API int tw_process_signal_group(tw_process *process, int number);

/* A reference that keeps the object beyond `ended`. */
TW_API tw_process *tw_process_ref(tw_process *process);
TW_API void tw_process_unref(tw_process *process);

/* The exit status in a reason, -1 if a signal ended the child or the failure is another; and
 * that signal, 0 for none. */
TW_API int tw_process_exit_status(tw_value reason);
TW_API int tw_process_exit_signal(tw_value reason);

/*
 * Run a child until it has ended, and fire with
 *   output             its standard output, as bytes. Fails with tw_error_process_terminated when
 *                      its exit status is not 0
 *   value              its exit status, as an integer; its output is dropped
 *   output_and_value   a list of output, errors and exit status
 * A child that is ended by a signal is a failure, tw_error_process_terminated. The others are
 * tw_error_process_start, tw_error_process_errors (see TW_ERRORS_FAIL) and tw_error_toolarge
 * (more than max_output came; the child is killed). tw_failure_value() of each is a list of the
 * output and the errors that came before, and the status.
 * A cancel (or tw_deferred_add_timeout()) sends SIGTERM and after `grace` SIGKILL, to the whole
 * group if the child leads one (new_group); the Deferred is fired when the child is reaped,
 * even if other processes still hold its pipes. `fds`, `terminal` and `ret_failure` are
 * ignored.
 */
#define tw_get_process_output(options) tw_get_process_output_at(TW_HERE, (options))
#define tw_get_process_value(options) tw_get_process_value_at(TW_HERE, (options))
#define tw_get_process_output_and_value(options) \
    tw_get_process_output_and_value_at(TW_HERE, (options))
TW_API TW_MUST_USE tw_deferred *tw_get_process_output_at(
    const char *where, const struct tw_process_options *options);
TW_API TW_MUST_USE tw_deferred *tw_get_process_value_at(
    const char *where, const struct tw_process_options *options);
TW_API TW_MUST_USE tw_deferred *tw_get_process_output_and_value_at(
    const char *where, const struct tw_process_options *options);

TW_END
#endif
