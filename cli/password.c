/* SPDX-License-Identifier: MIT */
/*
 * password.c - asking for a password on the terminal, without showing it.
 *
 * A signal that ends or stops the command must find the terminal as it was: signals are
 * unblocked only while we wait for a key; when one comes the terminal is set back, and the
 * signal is raised again.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/select.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
#define SIGNALS (sizeof signals / sizeof *signals)

static volatile sig_atomic_t caught;

static void note_signal(int number)
{
    caught = number;
}

struct signals_before {
    struct sigaction actions[SIGNALS];
    sigset_t mask;
};

static void signals_catch(struct signals_before *before)
{
    struct sigaction action = { .sa_handler = note_signal };
    sigset_t held;

    caught = 0;
    sigemptyset(&held);
    for (size_t i = 0; i < SIGNALS; i++) {
        sigaddset(&held, signals[i]);
        sigaction(signals[i], &action, &before->actions[i]);
    }
    sigprocmask(SIG_BLOCK, &held, &before->mask);
}

static void signals_release(const struct signals_before *before)
{
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &before->actions[i], NULL);
    sigprocmask(SIG_SETMASK, &before->mask, NULL);
    if (caught != 0)
        raise(caught);
}

/* 0, or -EINTR when a signal has come. */
static int wait_for_key(int fd, const sigset_t *mask)
{
    fd_set fds;

    FD_ZERO(&fds);
    FD_SET(fd, &fds);
    return pselect(fd + 1, &fds, NULL, NULL, NULL, mask) < 0 ? -errno : 0;
}

/* A line without its end. 0 or negative errno. */
static int read_secret(int fd, const sigset_t *mask, struct cli_text *line)
{
    char c;

    cli_text_add(line, "", 0);
    for (;;) {
        int r = wait_for_key(fd, mask);
        ssize_t n = r == 0 ? read(fd, &c, 1) : r;

        if (n < 0)
            return r < 0 ? r : -errno;
        if (n == 0 || c == '\n')
            return 0;
        cli_text_add(line, &c, 1);
    }
}

static int ask(int fd, const char *prompt, struct cli_text *line)
{
    struct signals_before before;
    struct termios shown, hidden;
    int r;

    if (tcgetattr(fd, &shown) < 0)
        return -errno;
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    signals_catch(&before);
    r = tcsetattr(fd, TCSAFLUSH, &hidden) < 0 ? -errno : 0;
    if (r == 0)
        r = cli_write(fd, prompt, strlen(prompt));
    if (r == 0)
        r = read_secret(fd, &before.mask, line);
    tcsetattr(fd, TCSAFLUSH, &shown);
    cli_write(fd, "\n", 1);
    signals_release(&before);
    return r;
}

int cli_ask_password(const char *prompt, struct cli_text *password)
{
    int fd, r;

    do { /* again after a stop and a continue */
        fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        cli_text_free(password);
        r = ask(fd, prompt, password);
        close(fd);
    } while (r == -EINTR);
    return r;
}
