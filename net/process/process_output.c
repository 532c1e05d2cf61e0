/* SPDX-License-Identifier: MIT */
/*
 * process_output.c - a child's output and exit status, as a Deferred.
 *
 * The job lives until the process has ended; its Deferred may be done before.
 */
#include "net/process/process.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <tweed/reactor.h>

#include "base/buf.h"

enum wanted { OUTPUT, VALUE, OUTPUT_AND_VALUE };
enum { OUT, ERR, STREAMS };
enum { DEFAULT_MAX = 16 * 1024 * 1024, DEFAULT_GRACE = 5 /* seconds */ };

struct job {
    tw_deferred *done;
    tw_process *process;
    enum wanted wanted;
    enum tw_process_errors errors;
    size_t max;
    double grace;
    int64_t killer; /* a timed call; 0: none */
    struct twi_buf streams[STREAMS];
    tw_value failure; /* the cause of its being killed */
};

static void output_free(struct job *job)
{
    if (job->killer > 0)
        tw_call_cancel(job->killer);
    for (int i = 0; i < STREAMS; i++)
        twi_buf_free(&job->streams[i]);
    tw_release(job->failure);
    twi_free(job);
}

/* --- its result --------------------------------------------------------------------- */

static tw_value output_take_list(struct job *job, int status)
{
    tw_value list = tw_list(STREAMS + 1);

    for (int i = 0; i < STREAMS; i++)
        if (tw_list_append(list, twi_buf_take(&job->streams[i])) < 0)
            goto fail;
    if (tw_list_append(list, tw_integer(status)) == 0)
        return list;
fail:
    tw_release(list);
    return tw_fail_memory();
}

/* The same failure with the output so far. */
static tw_value with_list(tw_value failure, struct job *job, int status)
{
    return tw_fail_with(&(struct tw_failure_fields){
        .error_class = tw_failure_class(failure),
        .where = tw_failure_where(failure),
        .number = tw_failure_number(failure),
        .message = tw_failure_message(failure),
        .value = output_take_list(job, status),
    });
}

static tw_value wrote_errors(struct job *job, int status)
{
    tw_value message = tw_bytes_format("it wrote to standard error: %.200s",
                                       twi_buf_text(&job->streams[ERR]));
    tw_value failure = tw_fail_with(&(struct tw_failure_fields){
        .error_class = &tw_error_process_errors,
        .where = TW_HERE,
        .number = status,
        .message = tw_bytes_data(message),
        .value = output_take_list(job, status),
    });

    tw_release(message);
    return failure;
}

static tw_value result_of(struct job *job, tw_value reason)
{
    int status = tw_process_exit_status(reason);

    if (!tw_is_none(job->failure))
        return with_list(job->failure, job, (int)tw_failure_number(reason));
    if (status < 0)
        return with_list(reason, job, (int)tw_failure_number(reason));
    if (job->wanted == VALUE)
        return tw_integer(status);
    if (job->wanted == OUTPUT_AND_VALUE)
        return output_take_list(job, status);
    if (status != 0)
        return with_list(reason, job, status);
    if (job->errors == TW_ERRORS_FAIL && job->streams[ERR].length > 0)
        return wrote_errors(job, status);
    return twi_buf_take(&job->streams[OUT]);
}

/* --- killing ------------------------------------------------------------------------ */

/* Signal the whole group, if the child leads one. */
static void send_signal(struct job *job, int number)
{
    if (tw_process_signal_group(job->process, number) == -ENOTSUP)
        tw_process_signal(job->process, number);
}

static void kill_it(void *arg)
{
    struct job *job = arg;

    job->killer = 0;
    send_signal(job, SIGKILL);
}

/* Takes `failure`, which its Deferred will have once the child is reaped. */
static void job_give_up(struct job *job, tw_value failure)
{
    if (!tw_is_none(job->failure)) {
        tw_release(failure);
        return;
    }
    job->failure = tw_take(failure);
    if (!tw_process_running(job->process)) { /* other processes hold its pipes */
        tw_process_lose(job->process);
        return;
    }
    send_signal(job, SIGTERM);
    job->killer = tw_call_later(job->grace, kill_it, job);
    if (job->killer < 0)
        send_signal(job, SIGKILL);
}

static int job_cancel(tw_deferred *deferred, void *arg)
{
    (void)deferred;
    job_give_up(arg, tw_fail(&tw_error_cancelled, "somebody cancelled it"));
    return TW_CANCEL_LATER;
}

/* --- what happens to the child ------------------------------------------------------ */

static void job_data(tw_process *process, int fd, const char *data, size_t length, void *arg)
{
    struct job *job = arg;
    struct twi_buf *stream = &job->streams[fd == 2 ? ERR : OUT];
    size_t room = job->max - stream->length;

    (void)process;
    if (!tw_is_none(job->failure))
        return;
    if (twi_buf_append(stream, data, length < room ? length : room) < 0)
        job_give_up(job, tw_fail_memory());
    else if (length > room)
        job_give_up(job,
                    tw_fail(&tw_error_toolarge, "more than %zu bytes of output", job->max));
}

/* The output is not whole if the reactor stopped. */
static void job_pipe_lost(tw_process *process, int fd, tw_value reason, void *arg)
{
    struct job *job = arg;

    (void)process;
    if (fd != 0 && tw_is_none(job->failure) &&
        !tw_failure_is(reason, &tw_error_connection_done))
        job->failure = tw_retain(reason);
}

static void job_exited(tw_process *process, tw_value reason, void *arg)
{
    struct job *job = arg;

    if (tw_is_none(job->failure))
        return;
    tw_process_lose(process);
    tw_fire(&job->done, result_of(job, reason));
}

static void job_ended(tw_process *process, tw_value reason, void *arg)
{
    struct job *job = arg;

    (void)process;
    if (job->done != NULL)
        tw_fire(&job->done, result_of(job, reason));
    output_free(job);
}

static const struct tw_process_protocol job_protocol = {
    .child_data_received = job_data,
    .child_connection_lost = job_pipe_lost,
    .exited = job_exited,
    .ended = job_ended,
};

/* --- the start ---------------------------------------------------------------------- */

static size_t choose_fds(const struct job *job, const struct tw_process_options *options,
                         struct tw_child_fd *fds)
{
    size_t count = 0;

    if (!tw_is_none(options->input))
        fds[count++] = (struct tw_child_fd){ .number = 0, .kind = TW_PIPE_TO_CHILD };
    if (job->wanted == VALUE)
        return count;
    fds[count++] = (struct tw_child_fd){ .number = 1, .kind = TW_PIPE_FROM_CHILD };
    if (job->wanted == OUTPUT_AND_VALUE || job->errors == TW_ERRORS_FAIL)
        fds[count++] = (struct tw_child_fd){ .number = 2, .kind = TW_PIPE_FROM_CHILD };
    else if (job->errors == TW_ERRORS_JOIN)
        fds[count++] = (struct tw_child_fd){ .number = 2, .kind = TW_CHILD_SAME_AS, .fd = 1 };
    else if (job->errors == TW_ERRORS_INHERIT)
        fds[count++] = (struct tw_child_fd){ .number = 2, .kind = TW_CHILD_INHERITS, .fd = 2 };
    return count;
}

static int job_spawn(const char *where, struct job *job,
                     const struct tw_process_options *options, tw_value *ret_failure)
{
    struct tw_process_options own = *options;
    struct tw_child_fd fds[3];
    int r;

    own.fds = fds;
    own.fd_count = choose_fds(job, options, fds);
    own.terminal = NULL;
    if (own.stop_signal == 0)
        own.stop_signal = SIGTERM;
    r = twi_process_spawn(where, &own, &job_protocol, job, &job->process, ret_failure);
    if (r < 0 || tw_is_none(options->input))
        return r;
    tw_transport_write_value(tw_process_transport(job->process, 0), tw_lend(options->input));
    tw_process_close_fd(job->process, 0);
    return 0;
}

static tw_deferred *output_start(const char *where, enum wanted wanted,
                                 const struct tw_process_options *options)
{
    struct job *job = twi_calloc(1, sizeof *job);
    tw_deferred *deferred;
    tw_value failure;

    if (job == NULL)
        return NULL;
    job->wanted = wanted;
    job->errors = options->errors;
    job->max = options->max_output > 0 ? options->max_output : DEFAULT_MAX;
    job->grace = options->grace > 0 ? options->grace : DEFAULT_GRACE;
    deferred = tw_promise_at(where, &job->done, job_cancel, job, NULL);
    if (deferred == NULL) {
        output_free(job);
        return NULL;
    }
    if (job_spawn(where, job, options, &failure) < 0) {
        tw_fire_at(where, &job->done, failure);
        output_free(job);
    }
    return deferred;
}

tw_deferred *tw_get_process_output_at(const char *where,
                                      const struct tw_process_options *options)
{
    return output_start(where, OUTPUT, options);
}

tw_deferred *tw_get_process_value_at(const char *where,
                                     const struct tw_process_options *options)
{
    return output_start(where, VALUE, options);
}

tw_deferred *tw_get_process_output_and_value_at(const char *where,
                                                const struct tw_process_options *options)
{
    return output_start(where, OUTPUT_AND_VALUE, options);
}
