/* SPDX-License-Identifier: MIT */
/*
 * process_status.c - signals by name, and a child's exit status.
 */
#include "net/process/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static const struct {
    const char *name;
    int number;
} signals[] = {
    { "HUP", SIGHUP },       { "INT", SIGINT },   { "QUIT", SIGQUIT }, { "ILL", SIGILL },
    { "TRAP", SIGTRAP },     { "ABRT", SIGABRT }, { "BUS", SIGBUS },   { "FPE", SIGFPE },
    { "KILL", SIGKILL },     { "USR1", SIGUSR1 }, { "SEGV", SIGSEGV }, { "USR2", SIGUSR2 },
    { "PIPE", SIGPIPE },     { "ALRM", SIGALRM }, { "TERM", SIGTERM }, { "CHLD", SIGCHLD },
    { "CONT", SIGCONT },     { "STOP", SIGSTOP }, { "TSTP", SIGTSTP }, { "TTIN", SIGTTIN },
    { "TTOU", SIGTTOU },     { "URG", SIGURG },   { "XCPU", SIGXCPU }, { "XFSZ", SIGXFSZ },
    { "VTALRM", SIGVTALRM }, { "PROF", SIGPROF }, { "SYS", SIGSYS },
#ifdef SIGWINCH
    { "WINCH", SIGWINCH },
#endif
};
enum { SIGNALS = sizeof signals / sizeof signals[0] };

static const char *name_of(int number)
{
    for (int i = 0; i < SIGNALS; i++)
        if (signals[i].number == number)
            return signals[i].name;
    return "unnamed";
}

int tw_process_signal_name(tw_process *process, const char *name)
{
    if (strncmp(name, "SIG", 3) == 0)
        name += 3;
    for (int i = 0; i < SIGNALS; i++)
        if (strcmp(signals[i].name, name) == 0)
            return tw_process_signal(process, signals[i].number);
    return -EINVAL;
}

tw_value twi_process_reason(pid_t pid, int status)
{
    char message[128];
    struct tw_failure_fields fields = { .where = TW_HERE, .message = message };

    if (status == TWI_CHILD_STATUS_LOST) {
        fields.error_class = &tw_error_process;
        fields.number = ECHILD;
        snprintf(message, sizeof message,
                 "process %ld has ended, and other code has taken its exit status", (long)pid);
    } else if (WIFSIGNALED(status)) {
        int number = WTERMSIG(status);

        fields.error_class = &tw_error_process_terminated;
        fields.number = -number;
        snprintf(message, sizeof message, "process %ld was ended by signal %d (%s)%s",
                 (long)pid, number, name_of(number),
                 WCOREDUMP(status) ? ", with a core dump" : "");
    } else {
        fields.number = WEXITSTATUS(status);
        fields.error_class = fields.number == 0 ? &tw_error_process_done
                                                : &tw_error_process_terminated;
        snprintf(message, sizeof message, "process %ld has ended with status %d", (long)pid,
                 (int)fields.number);
    }
    return tw_fail_with(&fields);
}

int tw_process_exit_status(tw_value reason)
{
    int64_t number = tw_failure_number(reason);

    if (tw_failure_is(reason, &tw_error_process_done))
        return 0;
    return tw_failure_is(reason, &tw_error_process_terminated) && number > 0 ? (int)number
                                                                             : -1;
}

int tw_process_exit_signal(tw_value reason)
{
    int64_t number = tw_failure_number(reason);

    return tw_failure_is(reason, &tw_error_process_terminated) && number < 0 ? (int)-number
                                                                             : 0;
}
