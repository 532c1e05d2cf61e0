/* SPDX-License-Identifier: MIT */
/*
 * process_calls.c - the work of tests' workers, shared by tests of process pools.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tweed/reactor.h>
#include <tweed/task.h>

#include "reactor/process/process_wire.h"
#include "tests/process_calls.h"

/* --- what workers do ---------------------------------------------------------------------- */

static tw_value square(tw_value number)
{
    return tw_integer(tw_integer_of(number) * tw_integer_of(number));
}
TW_PROCESS_FUNCTION(square);

static tw_value same(tw_value value)
{
    return value;
}
TW_PROCESS_FUNCTION(same);

const tw_error_class error_own = { "error_own", &tw_error_url, NULL };
TW_PROCESS_ERROR(error_own);

static tw_value fail_so(tw_value message)
{
    return tw_fail(&error_own, "%s", tw_bytes_data(message));
}
TW_PROCESS_FUNCTION(fail_so);

/* Dies by a signal, or by a status when that is negative. */
static tw_value die(tw_value how)
{
    struct rlimit none = { 0, 0 };

    setrlimit(RLIMIT_CORE, &none);
    if (tw_integer_of(how) <= 0)
        _exit((int)-tw_integer_of(how));
    signal((int)tw_integer_of(how), SIG_DFL);
    raise((int)tw_integer_of(how));
    return tw_none();
}
TW_PROCESS_FUNCTION(die);

static tw_value stall(tw_value argument)
{
    while (tw_is_none(argument) || !tw_is_none(argument))
        pause();
    return tw_none();
}
TW_PROCESS_FUNCTION(stall);

static tw_value stall_unless_0(tw_value number)
{
    return tw_integer_of(number) != 0 ? stall(number) : tw_string("done");
}
TW_PROCESS_FUNCTION(stall_unless_0);

/* Tells by a byte in a pipe that it runs (a worker has no such descriptor: by a file). */
static tw_value touch_and_stall(tw_value path)
{
    close(open(tw_bytes_data(path), O_CREAT | O_WRONLY, 0600));
    return stall(path);
}
TW_PROCESS_FUNCTION(touch_and_stall);

static tw_value pid_of(tw_value argument)
{
    (void)argument;
    return tw_integer(getpid());
}
TW_PROCESS_FUNCTION(pid_of);

static tw_value zeros(tw_value length)
{
    char *data;
    tw_value bytes = tw_bytes_new((size_t)tw_integer_of(length), &data);

    if (data != NULL)
        memset(data, 0, (size_t)tw_integer_of(length));
    return bytes;
}
TW_PROCESS_FUNCTION(zeros);

static tw_value length_of(tw_value bytes)
{
    return tw_integer((int64_t)tw_bytes_length(bytes));
}
TW_PROCESS_FUNCTION(length_of);

static tw_value pointer(tw_value argument)
{
    (void)argument;
    return tw_pointer(&errno);
}
TW_PROCESS_FUNCTION(pointer);

static tw_value descriptors(tw_value argument)
{
    tw_value list = tw_list(0);

    (void)argument;
    for (int fd = 0; fd < 1000; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            tw_list_append(list, tw_integer(fd));
    return list;
}
TW_PROCESS_FUNCTION(descriptors);

/* Says something to the pool that no worker says. */
static tw_value scribble(tw_value bytes)
{
    send(TWI_PROCESS_SOCKET, tw_bytes_data(bytes), tw_bytes_length(bytes), MSG_NOSIGNAL);
    return stall(bytes);
}
TW_PROCESS_FUNCTION(scribble);

static tw_value hang_up(tw_value argument)
{
    close(TWI_PROCESS_SOCKET);
    return stall(argument);
}
TW_PROCESS_FUNCTION(hang_up);

int64_t prepared;

static tw_value prepare(tw_value number)
{
    if (tw_integer_of(number) < 0)
        return tw_fail(&error_own, "not prepared");
    if (tw_integer_of(number) == 0)
        _exit(3);
    prepared = tw_integer_of(number);
    return tw_none();
}
TW_PROCESS_FUNCTION(prepare);

static tw_value prepared_by(tw_value argument)
{
    (void)argument;
    return tw_integer(prepared);
}
TW_PROCESS_FUNCTION(prepared_by);

static tw_value one_more(tw_value result, void *arg)
{
    (void)arg;
    return tw_integer(tw_integer_of(result) + 1);
}

static tw_value later(tw_value number)
{
    tw_deferred *d = tw_defer_later(NULL, 0.001, NULL, NULL);

    tw_add_callback(d, one_more, NULL);
    (void)number;
    return tw_wait(d);
}
TW_PROCESS_FUNCTION(later);

/* --- beginning and end -------------------------------------------------------------------- */

tw_process_pool *pool;

void begin_with(const struct tw_process_pool_options *options)
{
    tw_reactor_uninstall();
    ck_assert_int_eq(tw_reactor_install(NULL), 0);
    pool = tw_process_pool_new(options);
    ck_assert_msg(pool != NULL, "%s", strerror(errno));
}

void begin(size_t workers)
{
    begin_with(&(struct tw_process_pool_options){ .workers = workers });
}

size_t open_descriptors(void)
{
    size_t count = 0;

    for (int fd = 0; fd < 1000; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* No process of ours is left, no Deferred. */
void end(void)
{
    tw_process_pool_free(pool);
    pool = NULL;
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
    ck_assert_uint_eq(tw_deferred_count(), 0);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}

/* Both owned until released. */
tw_value call(const char *name, tw_value argument)
{
    return tw_block_on(tw_process_submit(pool, name, argument));
}

int64_t call_integer(const char *name, int64_t argument)
{
    tw_value v = call(name, tw_integer(argument));
    int64_t integer = tw_integer_of(v);

    ck_assert_msg(!tw_is_failure(v), "%s", tw_failure_message(v));
    tw_release(v);
    return integer;
}

void ck_fails(tw_value v, const tw_error_class *error_class, int64_t number)
{
    ck_assert_msg(tw_failure_is(v, error_class), "%s: %s", error_class->name,
                  tw_failure_message(v));
    ck_assert_msg(tw_failure_number(v) == number, "%lld", (long long)tw_failure_number(v));
    tw_release(v);
}

tw_value numbers(int64_t from, size_t count)
{
    tw_value list = tw_list(count);

    for (size_t i = 0; i < count; i++)
        tw_list_append(list, tw_integer(from + (int64_t)i));
    return list;
}

/* Turn until the pool has so many workers. */
void await_workers(size_t workers)
{
    double deadline = test_deadline();

    while (tw_process_pool_counts(pool).workers != workers && test_before(deadline))
        tw_reactor_iterate(0.01);
    ck_assert_uint_eq(tw_process_pool_counts(pool).workers, workers);
}

static char path[64];

void await_path(void)
{
    double deadline = test_deadline();

    while (access(path, F_OK) < 0 && test_before(deadline))
        tw_reactor_iterate(0.005);
    ck_assert_int_eq(unlink(path), 0);
}

tw_value new_path(void)
{
    static int number;

    snprintf(path, sizeof path, "/tmp/check_process_pool.%d.%d", (int)getpid(), number++);
    return tw_string(path);
}

tw_value keep(tw_value result, void *arg)
{
    *(tw_value *)arg = tw_retain(result);
    return tw_none();
}

/* A call whose result is written to *ret_result. */
tw_deferred *start(const char *name, tw_value argument, tw_value *ret_result)
{
    tw_deferred *d = tw_process_submit(pool, name, argument);

    *ret_result = tw_none();
    tw_add_both(d, keep, ret_result);
    return d;
}
