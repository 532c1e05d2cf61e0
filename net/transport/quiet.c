/* SPDX-License-Identifier: MIT */
/*
 * quiet.c - see quiet.h.
 */
#include "config.h"

#include "net/transport/quiet.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

static sigset_t only_pipe(void)
{
    sigset_t pipe;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    return pipe;
}

struct twi_quiet twi_quiet_begin(void)
{
    struct twi_quiet quiet = { .held = false };
    struct sigaction action;
    sigset_t pipe;

    if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
        return quiet;
    pipe = only_pipe();
    quiet.held = pthread_sigmask(SIG_BLOCK, &pipe, &quiet.before) == 0;
    return quiet;
}

void twi_quiet_end(const struct twi_quiet *quiet, bool failed)
{
    int error = errno;

    if (!quiet->held)
        return;
    if (failed && error == EPIPE && !sigismember(&quiet->before, SIGPIPE)) {
        sigset_t pipe = only_pipe();
#ifdef HAVE_SIGTIMEDWAIT
        static const struct timespec now = { 0, 0 };
        sigtimedwait(&pipe, NULL, &now);
#else
        sigset_t pending;
        int number;
        if (sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE))
            sigwait(&pipe, &number);
#endif
    }
    pthread_sigmask(SIG_SETMASK, &quiet->before, NULL);
    errno = error;
}
