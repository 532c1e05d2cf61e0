/* SPDX-License-Identifier: MIT */
/*
 * tool_batch.c - many questions in one process, each answer within a limit.
 *
 * A child answers; this process only passes lines on. So whatever a question does, its answer comes
 * in time: a child that takes too long, too much memory or crashes is replaced by a new one, and
 * the question is answered with {"error":"limit"}. Between the two a message is its length and that
 * many bytes.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/tool.h"

#define ANSWER_SECONDS 20
#define ANSWER_MEMORY ((size_t)512 << 20)  /* of its arena */
#define PROCESS_MEMORY ((rlim_t)2048 << 20) /* of all */

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define MAY_LIMIT_PROCESS false /* the shadow is larger */
#else
#define MAY_LIMIT_PROCESS true
#endif

struct answerer {
    pid_t pid; /* 0: none */
    int to, from;
};

/* --- messages ------------------------------------------------------------------------------ */

static int message_write(int fd, const char *data, size_t length)
{
    int r = cli_write(fd, &length, sizeof length);

    return r < 0 ? r : cli_write(fd, data, length);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 0, -ETIMEDOUT, -EPIPE at the end, or another negative errno. `deadline` negative: none. */
static int read_all(int fd, void *data, size_t length, int64_t deadline)
{
    char *at = data;

    while (length > 0) {
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        int64_t left = deadline >= 0 ? deadline - now_ms() : -1;
        ssize_t n;
        if (deadline >= 0 && poll(&poll_fd, 1, left > 0 ? (int)left : 0) == 0)
            return -ETIMEDOUT;
        n = read(fd, at, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EPIPE;
        at += n;
        length -= (size_t)n;
    }
    return 0;
}

static int message_read(int fd, struct cli_text *text, int64_t deadline)
{
    size_t length;
    int r = read_all(fd, &length, sizeof length, deadline);

    if (r < 0)
        return r;
    cli_text_free(text);
    text->data = cli_alloc(length + 1);
    text->size = length + 1;
    text->length = length;
    return read_all(fd, text->data, length, deadline);
}

/* --- the child ----------------------------------------------------------------------------- */

static void answer_line(const struct tool *tool, struct twi_arena *arena,
                        const struct cli_text *line, struct twi_text *out)
{
    struct tool_question question = { .arena = arena };
    struct twi_json *error = tool_question_read(tool, &question, line->data, line->length);

    if (error != NULL && !arena->failed) {
        twi_json_write(out, error);
        twi_text_putc(out, '\n');
    } else {
        tool_answer(tool, &question, true, out);
    }
}

static void limit_process(void)
{
    const struct rlimit limit = { .rlim_cur = PROCESS_MEMORY, .rlim_max = PROCESS_MEMORY };

    if (MAY_LIMIT_PROCESS)
        setrlimit(RLIMIT_AS, &limit);
}

static void answer_until_end(const struct tool *tool, int from, int to)
{
    struct twi_arena arena, out_arena;
    struct cli_text line = { 0 };
    int r = 0;

    limit_process();
    twi_arena_init(&arena, ANSWER_MEMORY);
    twi_arena_init(&out_arena, ANSWER_MEMORY);
    while (r == 0 && message_read(from, &line, -1) == 0) {
        struct twi_text out = { .arena = &out_arena };
        answer_line(tool, &arena, &line, &out);
        r = out_arena.failed ? -ENOMEM : message_write(to, twi_text_string(&out), out.length);
        twi_arena_reset(&arena);
        twi_arena_reset(&out_arena);
    }
    cli_text_free(&line);
    twi_arena_free(&arena);
    twi_arena_free(&out_arena);
}

static int answerer_start(struct answerer *answerer, const struct tool *tool)
{
    int to[2], from[2];

    if (pipe(to) < 0)
        return -errno;
    if (pipe(from) < 0) {
        int r = -errno;
        close(to[0]);
        close(to[1]);
        return r;
    }
    answerer->pid = fork();
    if (answerer->pid == 0) {
        close(to[1]);
        close(from[0]);
        close(STDIN_FILENO);
        answer_until_end(tool, to[0], from[1]);
        cli_release_kept();
        _exit(0);
    }
    close(to[0]);
    close(from[1]);
    answerer->to = to[1];
    answerer->from = from[0];
    return answerer->pid < 0 ? -errno : 0;
}

/* Why it ended: "signal 9", or its status. */
static void answerer_end(struct answerer *answerer, bool now, char *why, size_t size)
{
    int status = 0;

    if (answerer->pid <= 0)
        return;
    close(answerer->to);
    close(answerer->from);
    if (now)
        kill(answerer->pid, SIGKILL);
    while (waitpid(answerer->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        snprintf(why, size, "the answer ended by signal %d", WTERMSIG(status));
    else
        snprintf(why, size, "the answer took too much memory");
    answerer->pid = 0;
}

/* --- passing on ---------------------------------------------------------------------------- */

static void put_limit(struct cli_text *answer, const char *message)
{
    cli_text_free(answer);
    cli_text_printf(answer, "{\"error\":\"limit\",\"message\":\"%s\"}\n", message);
}

/* The answer to one line, whatever happens. 0, or negative: no child can be started. */
static int batch_ask(struct answerer *answerer, const struct tool *tool, const char *line,
                     size_t length, struct cli_text *answer)
{
    char why[64] = "";
    int r = answerer->pid == 0 ? answerer_start(answerer, tool) : 0;

    if (r < 0)
        return r;
    r = message_write(answerer->to, line, length);
    if (r == 0)
        r = message_read(answerer->from, answer, now_ms() + ANSWER_SECONDS * 1000);
    if (r == 0)
        return 0;
    answerer_end(answerer, r == -ETIMEDOUT, why, sizeof why);
    put_limit(answer, r == -ETIMEDOUT ? "the answer took too long" : why);
    return 0;
}

int tool_batch(const struct tool *tool)
{
    struct answerer answerer = { 0 };
    struct cli_text answer = { 0 };
    char *line = NULL, why[64];
    size_t size = 0;
    ssize_t length;
    int r = 0;

    while (r == 0 && (length = getline(&line, &size, stdin)) > 0) {
        if (line[length - 1] == '\n')
            length--;
        r = batch_ask(&answerer, tool, line, (size_t)length, &answer);
        if (r == 0)
            r = cli_write(STDOUT_FILENO, answer.data, answer.length);
    }
    answerer_end(&answerer, false, why, sizeof why);
    if (r < 0)
        cli_complain(tool->name, "%s", strerror(-r));
    cli_text_free(&answer);
    free(line);
    return r < 0 ? CLI_FAILED : CLI_OK;
}
