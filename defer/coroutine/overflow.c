/* SPDX-License-Identifier: MIT */
/*
 * overflow.c - naming the coroutine whose stack has run into its guard, on request.
 *
 * It works in a signal handler on a stack of its own: it reads the coroutine's members and
 * calls nothing but write().
 */
#include "defer/coroutine/coroutine.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fork.h"

enum { MESSAGE_SIZE = 512, SIGNAL_STACK = 64 * 1024 };

static int report_fd;
static bool installed; /* atomic */
static struct sigaction before_segv, before_bus;

static char *overflow_append(char *to, const char *end, const char *text)
{
    while (*text != '\0' && to < end)
        *to++ = *text++;
    return to;
}

static char *append_number(char *to, const char *end, size_t number)
{
    char digits[24];
    char *digit = &digits[sizeof digits - 1];

    *digit = '\0';
    do
        *--digit = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return overflow_append(to, end, digit);
}

static void name_it(const tw_coroutine *coroutine)
{
    char message[MESSAGE_SIZE];
    const char *end = message + sizeof message - 1;
    char *to = overflow_append(message, end, "tweed: coroutine ");
    ssize_t written;

    to = overflow_append(to, end, twi_coroutine_name(coroutine));
    to = overflow_append(to, end, " (made at ");
    to = overflow_append(to, end, coroutine->where);
    to = overflow_append(to, end, ") has overrun its stack of ");
    to = append_number(to, end, (size_t)(coroutine->stack->top - coroutine->stack->low));
    to = overflow_append(to, end, " bytes");
    *to++ = '\n';
    written = write(report_fd, message, (size_t)(to - message));
    (void)written;
}

/* Act as if this handler did not exist. For the default action the faulting instruction runs
 * again. */
static void signal_pass_on(int number, siginfo_t *info, void *context)
{
    const struct sigaction *before = number == SIGSEGV ? &before_segv : &before_bus;

    if ((before->sa_flags & SA_SIGINFO) != 0)
        before->sa_sigaction(number, info, context);
    else if (before->sa_handler == SIG_DFL || before->sa_handler == SIG_IGN)
        sigaction(number, before, NULL);
    else
        before->sa_handler(number);
}

static void fault(int number, siginfo_t *info, void *context)
{
    const tw_coroutine *running = twi_running.coroutine;
    int saved = errno;

    if (running != NULL && twi_stack_guards(running->stack, info->si_addr))
        name_it(running);
    errno = saved;
    signal_pass_on(number, info, context);
}

/* --- signal stacks, one for each thread ------------------------------------------------- */

static int give_signal_stack(struct twi_coroutine_thread *thread)
{
    stack_t have, wanted = { .ss_size = SIGNAL_STACK };

    if (sigaltstack(NULL, &have) == 0 && (have.ss_flags & SS_DISABLE) == 0)
        return 0;
    wanted.ss_sp = twi_malloc(SIGNAL_STACK);
    if (wanted.ss_sp == NULL)
        return -ENOMEM;
    if (sigaltstack(&wanted, NULL) < 0) {
        twi_free(wanted.ss_sp);
        return -errno;
    }
    thread->signal_stack = wanted.ss_sp;
    return 0;
}

void twi_overflow_thread_begins(struct twi_coroutine_thread *thread)
{
    if (__atomic_load_n(&installed, __ATOMIC_ACQUIRE))
        give_signal_stack(thread);
}

void twi_overflow_thread_ends(struct twi_coroutine_thread *thread)
{
    const stack_t none = { .ss_flags = SS_DISABLE };

    if (thread->signal_stack == NULL)
        return;
    sigaltstack(&none, NULL);
    twi_free(thread->signal_stack);
    thread->signal_stack = NULL;
}

int tw_coroutine_report_overflow(int fd)
{
    struct sigaction action = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    struct twi_coroutine_thread *thread;
    int r;

    if (fd < 0)
        return -EBADF;
    thread = twi_coroutine_this_thread();
    r = thread != NULL ? give_signal_stack(thread) : -ENOMEM;
    if (r < 0)
        return r;
    twi_lock(TWI_LOCK_OVERFLOW);
    report_fd = fd;
    if (!installed) {
        sigemptyset(&action.sa_mask);
        if (sigaction(SIGSEGV, &action, &before_segv) < 0 ||
            sigaction(SIGBUS, &action, &before_bus) < 0)
            r = -errno;
        __atomic_store_n(&installed, r == 0, __ATOMIC_RELEASE);
    }
    twi_unlock(TWI_LOCK_OVERFLOW);
    return r;
}
