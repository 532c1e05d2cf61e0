/* ./processes - two worker processes that share a queue of jobs and a table of results, both kept
 * by their parent. Each is connected by a pipe for both directions, and messages are lines. After
 * multiprocessing's Process, Pipe, Queue and Manager().dict(). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tweed/tweed.h>

enum { WORKERS = 2, JOBS = 6, CHANNEL = 3 };

/* --- in a worker: nothing but blocking reads and writes --------------------------------------- */

static int work(void)
{
    FILE *in = fdopen(CHANNEL, "r"), *out = fdopen(dup(CHANNEL), "w");
    char line[100];
    int number;

    while (fprintf(out, "next\n") > 0 && fflush(out) == 0 &&
           fgets(line, sizeof line, in) != NULL && sscanf(line, "job %d", &number) == 1)
        fprintf(out, "put %d %d\n", number, number * number);
    return 0; /* the parent has closed the pipe */
}

/* --- in the parent ---------------------------------------------------------------------------- */

static int next_job = 1, results[JOBS + 1], statuses[WORKERS], running;

static void message(tw_line_protocol *channel, const char *text, size_t length)
{
    char line[100], job[30];
    int key, value;

    snprintf(line, sizeof line, "%.*s", (int)length, text);
    if (sscanf(line, "put %d %d", &key, &value) == 2 && key > 0 && key <= JOBS) {
        results[key] = value;
    } else if (strcmp(line, "next") == 0 && next_job <= JOBS) {
        snprintf(job, sizeof job, "job %d", next_job++);
        tw_line_send(channel, job, strlen(job));
    } else {
        tw_transport_lose(channel->protocol.transport);
    }
}

static const struct tw_line_class messages = {
    .delimiter = "\n",
    .max_length = 90,
    .line_received = message,
};

static void channel_made(tw_protocol *protocol)
{
    ((tw_line_protocol *)protocol)->line_class = &messages;
}

static const tw_protocol_class channel = {
    .name = "channel",
    .size = sizeof(tw_line_protocol),
    .connection_made = channel_made,
    TW_LINE_PROTOCOL,
};

static void worker_ended(tw_process *process, tw_value reason, void *status)
{
    (void)process;
    *(int *)status = tw_process_exit_status(reason);
    if (--running == 0)
        tw_reactor_stop();
}

static void start(const char *program, int *status)
{
    static const struct tw_process_protocol protocol = { .ended = worker_ended };
    struct tw_child_fd fds[] = {
        { .number = CHANNEL,
          .kind = TW_PIPE_BOTH_WAYS,
          .protocol = tw_protocol_new(&channel) },
        { .number = 2, .kind = TW_CHILD_INHERITS, .fd = 2 },
    };
    struct tw_process_options options = {
        .argv = TW_ARGV("worker", "--worker"),
        .executable = program,
        .fds = fds,
        .fd_count = sizeof fds / sizeof fds[0],
    };

    if (tw_spawn_process(&options, &protocol, status, NULL) == 0)
        running++;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--worker") == 0)
        return work();
    for (int i = 0; i < WORKERS; i++)
        start("/proc/self/exe", &statuses[i]);
    if (running > 0)
        tw_reactor_run();
    for (int i = 1; i <= JOBS; i++)
        printf("%d: %d\n", i, results[i]);
    for (int i = 0; i < WORKERS; i++)
        printf("worker %d ended with %d\n", i + 1, statuses[i]);
    return running;
}
