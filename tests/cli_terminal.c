/* SPDX-License-Identifier: MIT */
/*
 * cli_terminal.c - somebody at a terminal, for the tests of the command.
 *
 *     cli_terminal COLUMNS TEXT ANSWER COMMAND...
 *
 * Runs the command on a terminal of its own, types ANSWER once TEXT has appeared, and copies what
 * is shown to standard output. Ends as the command does, 128 and more for a signal; 77 where there
 * are no terminals.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { SKIPPED = 77, BROKEN = 99, SECONDS = 60 };

static char shown[65536];
static size_t length;

static void be_command(const char *terminal, int columns, char **command)
{
    struct winsize size = { .ws_row = 24, .ws_col = (unsigned short)columns };
    int fd;

    setsid();
    /* A background job of a shell ignores them. */
    signal(SIGINT, SIG_DFL);
    signal(SIGQUIT, SIG_DFL);
    fd = open(terminal, O_RDWR);
    if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) < 0 || ioctl(fd, TIOCSWINSZ, &size) < 0)
        _exit(BROKEN);
    for (int i = 0; i < 3; i++)
        dup2(fd, i);
    if (fd > 2)
        close(fd);
    execvp(command[0], command);
    _exit(BROKEN);
}

/* Until the command ends; then the kernel tells an error. */
static void watch(int fd, const char *text, const char *answer)
{
    ssize_t n;

    while ((n = read(fd, shown + length, sizeof shown - 1 - length)) > 0) {
        fwrite(shown + length, 1, (size_t)n, stdout);
        length += (size_t)n;
        shown[length] = '\0';
        if (answer != NULL && strstr(shown, text) != NULL) {
            if (write(fd, answer, strlen(answer)) < 0)
                exit(BROKEN);
            answer = NULL;
        }
    }
}

int main(int argc, char **argv)
{
    int fd = posix_openpt(O_RDWR | O_NOCTTY), status;
    const char *terminal;
    pid_t child;

    if (argc < 5)
        return BROKEN;
    if (fd < 0 || grantpt(fd) < 0 || unlockpt(fd) < 0)
        return SKIPPED;
    terminal = ptsname(fd);
    if (terminal == NULL || access(terminal, R_OK | W_OK) < 0)
        return SKIPPED;
    alarm(SECONDS);
    child = fork();
    if (child == 0)
        be_command(terminal, atoi(argv[1]), argv + 4);
    watch(fd, argv[2], argv[3]);
    if (child < 0 || waitpid(child, &status, 0) < 0)
        return BROKEN;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
