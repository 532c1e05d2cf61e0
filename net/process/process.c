/* SPDX-License-Identifier: MIT */
/*
 * process.c - the life of a child process with its pipes.
 *
 * A process waits for its exit and for each open pipe; the last of these calls `ended`.
 */
#include "net/process/process.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "base/compiler.h"
#include "reactor/face.h"
#include "net/transport/transport.h"

enum { STANDARD_INPUT, STANDARD_OUTPUT, STANDARD_ERROR };

/* --- the thread's processes --------------------------------------------------------- */

static int processes_begin(void);
static void processes_stop(void);
static void processes_end(void);
static void processes_left(void);

struct processes {
    struct twi_loop_state state;
    struct twi_list list;
};

static const struct twi_loop_user processes_user = { .size = sizeof(struct processes),
                                                     .begin = processes_begin,
                                                     .stop = processes_stop,
                                                     .end = processes_end,
                                                     .left = processes_left };
static TWI_OWN_TLS struct twi_loop_state *processes_here;

static struct twi_list *processes(void)
{
    return &((struct processes *)processes_here)->list;
}

static void send_stop_signal(tw_process *process)
{
    if (process->stop_signal != 0 && process->child != NULL)
        twi_child_signal(process->child, process->stop_signal, process->leads);
}

static void processes_stop(void)
{
    TWI_LIST_EACH (node, processes())
        send_stop_signal(TWI_CONTAINER(node, tw_process, node_));
}

static void call_ended(tw_process *process, tw_value reason)
{
    process->ended = true;
    twi_list_remove(&process->node_);
    twi_loop_release();
    if (process->protocol->ended != NULL)
        process->protocol->ended(process, reason, process->arg);
    tw_process_unref(process);
}

static void maybe_ended(tw_process *process)
{
    if (!process->ended && process->open == 0 && !tw_is_none(process->reason))
        call_ended(process, tw_lend(process->reason));
}

/* The reactor is released before the child has ended. */
static void abandon(tw_process *process)
{
    tw_process_ref(process);
    if (process->child != NULL) {
        send_stop_signal(process);
        twi_child_free(process->child);
        process->child = NULL;
        process->reason = tw_fail(&tw_error_abandoned,
                                  "the reactor has ended before process %ld",
                                  (long)process->pid);
    }
    for (size_t i = 0; i < process->count; i++)
        if (process->ends[i].transport != NULL)
            twi_transport_lost(process->ends[i].transport, twi_reason_lost());
    maybe_ended(process);
    tw_process_unref(process);
}

static void processes_end(void)
{
    while (!twi_list_empty(processes()))
        abandon(TWI_CONTAINER(processes()->next, tw_process, node_));
}

static void processes_left(void)
{
    struct twi_list *node;

    while ((node = twi_list_take_first(processes())) != NULL) {
        tw_process *process = TWI_CONTAINER(node, tw_process, node_);

        twi_child_leave(process->child);
        process->child = NULL;
    }
}

static int processes_begin(void)
{
    twi_list_init(processes());
    return 0;
}

int twi_process_begin_thread(void)
{
    return twi_loop_use(&processes_user, &processes_here);
}

/* Virtual time must not jump while another process works. */
void twi_process_begun(tw_process *process)
{
    twi_list_append(processes(), &process->node_);
    twi_loop_hold();
}

/* --- what happens to it ------------------------------------------------------------- */

void twi_process_exited(int status, void *arg)
{
    tw_process *process = arg;

    tw_process_ref(process);
    twi_child_free(process->child);
    process->child = NULL;
    process->reason = twi_process_reason(process->pid, status);
    if (process->protocol->exited != NULL)
        process->protocol->exited(process, tw_lend(process->reason), process->arg);
    maybe_ended(process);
    tw_process_unref(process);
}

void twi_process_end_lost(tw_value reason, void *arg)
{
    struct twi_process_end *end = arg;
    tw_process *process = end->process;

    tw_process_ref(process);
    tw_transport_unref(end->transport);
    end->transport = NULL;
    process->open--;
    if (process->protocol->child_connection_lost != NULL)
        process->protocol->child_connection_lost(process, end->number, reason, process->arg);
    maybe_ended(process);
    tw_process_unref(process);
}

/* --- the public face ---------------------------------------------------------------- */

pid_t tw_process_pid(const tw_process *process)
{
    return process->pid;
}

bool tw_process_running(const tw_process *process)
{
    return process->child != NULL;
}

tw_process *tw_process_ref(tw_process *process)
{
    process->refs++;
    return process;
}

void tw_process_unref(tw_process *process)
{
    if (process == NULL || --process->refs > 0)
        return;
    tw_release(process->reason);
    twi_free(process);
}

/* A terminal is known by 0 and 2, too. */
tw_transport *tw_process_transport(tw_process *process, int fd)
{
    if (process->terminal && (fd == STANDARD_INPUT || fd == STANDARD_ERROR))
        fd = STANDARD_OUTPUT;
    for (size_t i = 0; i < process->count; i++)
        if (process->ends[i].number == fd)
            return process->ends[i].transport;
    return NULL;
}

int tw_process_write(tw_process *process, const void *data, size_t length)
{
    return tw_process_write_to(process, STANDARD_INPUT, data, length);
}

int tw_process_write_to(tw_process *process, int fd, const void *data, size_t length)
{
    tw_transport *transport = tw_process_transport(process, fd);

    return transport != NULL ? tw_transport_write(transport, data, length) : -ENOTCONN;
}

int tw_process_close_fd(tw_process *process, int fd)
{
    tw_transport *transport = tw_process_transport(process, fd);

    if (transport == NULL || !tw_transport_connected(transport))
        return -ENOTCONN;
    if (process->terminal && fd <= STANDARD_ERROR)
        return -ENOTSUP;
    tw_transport_lose(transport);
    return 0;
}

void tw_process_lose(tw_process *process)
{
    for (size_t i = 0; i < process->count; i++)
        if (process->ends[i].transport != NULL)
            tw_transport_lose(process->ends[i].transport);
}

int tw_process_set_window(tw_process *process, unsigned short rows, unsigned short columns)
{
    struct winsize size = { .ws_row = rows, .ws_col = columns };
    tw_transport *transport = tw_process_transport(process, STANDARD_OUTPUT);

    if (!process->terminal)
        return -ENOTTY;
    if (transport == NULL || !tw_transport_connected(transport))
        return -ENOTCONN;
    return ioctl(tw_transport_fd(transport), TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

int tw_process_signal(tw_process *process, int number)
{
    if (process->child == NULL)
        return TW_PROCESS_EXITED_ALREADY;
    return twi_child_signal(process->child, number, false);
}

int tw_process_signal_group(tw_process *process, int number)
{
    if (!process->leads)
        return -ENOTSUP;
    if (process->child == NULL)
        return TW_PROCESS_EXITED_ALREADY;
    return twi_child_signal(process->child, number, true);
}
