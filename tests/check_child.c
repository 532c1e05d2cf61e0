/* SPDX-License-Identifier: MIT */
/*
 * check_child.c - starting a child process, and hearing of its end.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tweed/process.h>
#include <tweed/reactor.h>

#include "reactor/process/child.h"
#include "reactor/face.h"
#include "tests/children.h"
#include "tests/test.h"

enum { RUNNING = -100 };

/* How the last child ended. */
static int ended;
static struct twi_child *child;

static void exited(int status, void *arg)
{
    ck_assert(arg == &ended);
    ended = status;
}

static int spawn(const struct twi_child_options *options, enum twi_child_step *ret_step)
{
    struct twi_child_options own = *options;

    if (own.terminal == 0)
        own.terminal = -1;
    ended = RUNNING;
    return twi_child_spawn(&own, exited, &ended, &child, ret_step);
}

static void spawn_well(const struct twi_child_options *options)
{
    enum twi_child_step step = 0;
    int r = spawn(options, &step);

    ck_assert_msg(r == 0, "step %d: %s", step, strerror(-r));
}

/* Its status as of waitpid(). */
static int finish(void)
{
    double until = test_deadline();

    while (ended == RUNNING && test_before(until))
        tw_reactor_iterate(0.1);
    ck_assert_int_ne(ended, RUNNING);
    twi_child_free(child);
    return ended;
}

/* All that the child writes to number 1 until its end. */
static const char *output_of(const struct twi_child_options *options)
{
    static char text[4096];
    struct twi_child_options own = *options;
    struct twi_child_fd fds[8];
    size_t length = 0;
    ssize_t n;
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    if (own.fd_count > 0)
        memcpy(fds, own.fds, own.fd_count * sizeof fds[0]);
    fds[own.fd_count++] = (struct twi_child_fd){ 1, ends[1] };
    own.fds = fds;
    spawn_well(&own);
    close(ends[1]);
    while ((n = read(ends[0], text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)n;
    close(ends[0]);
    text[length] = '\0';
    finish();
    return text;
}

/* Kernels that lack something. */
static const unsigned lacks[] = {
    0,
    TWI_CHILD_NO_PIDFD,
    TWI_CHILD_NO_CLOSE_RANGE,
    TWI_CHILD_NO_VFORK,
    TWI_CHILD_NO_PIDFD | TWI_CHILD_NO_CLOSE_RANGE | TWI_CHILD_NO_VFORK,
};

static void begin_without(unsigned lacking)
{
    children_begin(NULL);
    twi_child_without = lacking;
}

static void end(void)
{
    children_end();
    twi_child_without = 0;
}

/* --- ends --------------------------------------------------------------------------------- */

START_TEST(its_end_is_told_with_its_status)
{
    static const char *const scripts[] = { "exit 0", "exit 7", "kill -KILL $$", "sleep 0.05" };
    static const int statuses[] = { 0, 7 << 8, SIGKILL, 0 };

    begin_without(lacks[_i]);
    for (int i = 0; i < 4; i++) {
        spawn_well(&(struct twi_child_options){ .argv = TW_ARGV("sh", "-c", scripts[i]) });
        ck_assert_int_eq(finish(), statuses[i]);
    }
    end();
}
END_TEST

START_TEST(children_of_other_code_are_left_to_it)
{
    int status;
    pid_t pid;

    begin_without(lacks[_i]);
    pid = fork();
    if (pid == 0)
        _exit(9);
    spawn_well(&(struct twi_child_options){ .argv = TW_ARGV("true") });
    ck_assert_int_eq(finish(), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(status), 9);
    end();
}
END_TEST

START_TEST(a_status_that_other_code_took_is_lost)
{
    begin_without(lacks[_i]);
    spawn_well(&(struct twi_child_options){ .argv = TW_ARGV("sleep", "0.05") });
    ck_assert_int_eq(waitpid(twi_child_pid(child), NULL, 0), twi_child_pid(child));
    ck_assert_int_eq(finish(), TWI_CHILD_STATUS_LOST);
    end();
}
END_TEST

START_TEST(so_it_is_when_children_are_ignored)
{
    begin_without(lacks[_i]);
    signal(SIGCHLD, SIG_IGN);
    spawn_well(&(struct twi_child_options){ .argv = TW_ARGV("true") });
    ck_assert_int_eq(finish(), TWI_CHILD_STATUS_LOST);
    signal(SIGCHLD, SIG_DFL);
    end();
}
END_TEST

START_TEST(nobody_waits_for_it_and_it_is_reaped_all_the_same)
{
    begin_without(lacks[_i]);
    for (int i = 0; i < 3; i++) {
        spawn_well(&(struct twi_child_options){ .argv = TW_ARGV("sleep", "0.05") });
        twi_child_free(child);
    }
    ck_assert_int_eq(ended, RUNNING);
    end();
}
END_TEST

START_TEST(the_reactor_goes_first)
{
    double until = test_deadline();
    pid_t pid;

    begin_without(lacks[_i]);
    spawn_well(&(struct twi_child_options){ .argv = TW_ARGV("sleep", "0.05") });
    pid = twi_child_pid(child);
    twi_child_free(child);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    while (kill(pid, 0) == 0 && test_before(until))
        twi_child_sweep();
    ck_assert_int_eq(kill(pid, 0), -1);
    end();
}
END_TEST

static void free_child(struct twi_loop_end *loop_end)
{
    (void)loop_end;
    twi_child_free(child);
}

START_TEST(it_has_ended_and_then_the_reactor_goes)
{
    static struct twi_loop_end at_end = { .fn = free_child };
    siginfo_t info;

    begin_without(lacks[_i]);
    ck_assert_int_eq(twi_loop_on_end(&at_end), 0);
    spawn_well(&(struct twi_child_options){ .argv = TW_ARGV("true") });
    ck_assert_int_eq(waitid(P_PID, (id_t)twi_child_pid(child), &info, WEXITED | WNOWAIT), 0);
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
    end();
}
END_TEST

/* --- signals ------------------------------------------------------------------------------ */

START_TEST(a_signal_reaches_it_until_it_has_ended)
{
    double until = test_deadline();
    siginfo_t info;

    begin_without(lacks[_i]);
    spawn_well(&(struct twi_child_options){ .argv = TW_ARGV("sleep", "100") });
    ck_assert_int_eq(twi_child_signal(child, 0, false), 0);
    ck_assert_int_eq(twi_child_signal(child, 1000, false), -EINVAL);
    ck_assert_int_eq(twi_child_signal(child, SIGTERM, false), 0);
    do
        info.si_pid = 0;
    while (waitid(P_PID, (id_t)twi_child_pid(child), &info, WEXITED | WNOHANG | WNOWAIT) ==
               0 &&
           info.si_pid == 0 && test_before(until));
    ck_assert_int_eq(twi_child_signal(child, SIGTERM, false), -ESRCH); /* not reaped yet */
    ck_assert_int_eq(ended, RUNNING);
    ck_assert_int_eq(finish(), SIGTERM);
    end();
}
END_TEST

START_TEST(its_group_is_reached_too)
{
    struct twi_child_options options = {
        .argv = TW_ARGV("sh", "-c", "sleep 100 | sleep 100"),
        .new_group = _i == 0,
        .new_session = _i == 1,
    };

    begin_without(0);
    spawn_well(&options);
    ck_assert_int_eq(getpgid(twi_child_pid(child)), twi_child_pid(child));
    ck_assert_int_eq(getsid(twi_child_pid(child)) == twi_child_pid(child), _i);
    ck_assert_int_eq(twi_child_signal(child, SIGKILL, true), 0);
    ck_assert_int_eq(finish(), SIGKILL);
    end();
}
END_TEST

static void ignore(int number)
{
    (void)number;
}

START_TEST(signals_are_as_for_a_fresh_process)
{
    /* 32 and 33 are the C library's own, which posix_spawn() leaves ignored, as in make's children,
     * and sigaction() refuses. */
    const unsigned long long ours = TWI_LINUX ? ~0ULL : ~(3ULL << 31);
    unsigned long long blocks, ignores;
    sigset_t blocked, before;
    const char *text;

    begin_without(lacks[_i]);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigaddset(&blocked, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR2, ignore);
    text = output_of(&(struct twi_child_options){
        .argv = TW_ARGV("grep", "Sig[BI]", "/proc/self/status") });
    ck_assert_int_eq(sscanf(text, "SigBlk: %llx SigIgn: %llx", &blocks, &ignores), 2);
    ck_assert_msg((blocks & ours) == 0 && (ignores & ours) == 0, "%s", text);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    end();
}
END_TEST

/* --- descriptors -------------------------------------------------------------------------- */

START_TEST(it_gets_no_descriptor_but_those_named)
{
    int fds[40];

    begin_without(lacks[_i]);
    for (int i = 0; i < 40; i++)
        fds[i] = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
    dup2(fds[0], 700);
    ck_assert_str_eq(
        output_of(&(struct twi_child_options){ .argv = TW_ARGV("ls", "/proc/self/fd") }),
        "0\n1\n2\n3\n"); /* the last is the directory */
    ck_assert_str_eq(
        output_of(&(struct twi_child_options){
            .argv = TW_ARGV("sh", "-c",
                            "ls -l /proc/self/fd | sed -n 's/.* \\([024]\\) ->/\\1/p'"),
            .fds = (const struct twi_child_fd[]){ { 4, fds[0] } },
            .fd_count = 1 }),
        "0 /dev/null\n2 /dev/null\n4 /dev/null\n");
    for (int i = 0; i < 40; i++)
        close(fds[i]);
    close(700);
    end();
}
END_TEST

/* Files with their names in them, at numbers that are in each other's way. */
static int letter(char c)
{
    char path[] = "/tmp/tweed-letter-XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    unlink(path);
    ck_assert_int_eq(write(fd, &c, 1), 1);
    return fd;
}

START_TEST(descriptors_may_change_places)
{
    int a, b, c;
    const char *text;

    begin_without(lacks[_i]);
    a = letter('a');
    b = letter('b');
    c = letter('c');
    text = output_of(&(struct twi_child_options){
        .argv = TW_ARGV("sh", "-c",
                        "for n in $0 $1 $2 9; do (read x <&$n; head -c1 /dev/fd/$n); done",
                        "3", "4", "5"),
        .fds = (const struct twi_child_fd[]){ { 3, b }, { 4, c }, { 5, a }, { 9, a } },
        .fd_count = 4 });
    ck_assert_str_eq(text, "bcaa");
    /* The same number on both sides, and a ring. */
    ck_assert_int_eq(dup2(a, 20), 20);
    ck_assert_int_eq(dup2(b, 21), 21);
    ck_assert_int_eq(dup2(c, 22), 22);
    text = output_of(&(struct twi_child_options){
        .argv = TW_ARGV("sh", "-c",
                        "head -c1 /dev/fd/20; head -c1 /dev/fd/21; head -c1 /dev/fd/22"),
        .fds = (const struct twi_child_fd[]){ { 20, 21 }, { 21, 20 }, { 22, 22 } },
        .fd_count = 3 });
    ck_assert_str_eq(text, "bac");
    for (int fd = 20; fd <= 22; fd++)
        close(fd);
    close(a), close(b), close(c);
    end();
}
END_TEST

static const struct {
    struct twi_child_fd fds[2];
    int result;
} bad_fds[] = {
    { { { 5, -1 }, { 6, 1 } }, -EBADF },   { { { -5, 1 }, { 6, 1 } }, -EBADF },
    { { { 5, 1 }, { 5, 2 } }, -EINVAL },   { { { 5, 999 }, { 6, 1 } }, -EBADF },
    { { { 1 << 30, 1 }, { 6, 1 } }, -EBADF },
};

START_TEST(descriptors_that_cannot_be_are_refused)
{
    enum twi_child_step step = 0;

    begin_without(0);
    ck_assert_int_eq(spawn(&(struct twi_child_options){ .argv = TW_ARGV("true"),
                                                        .fds = bad_fds[_i].fds,
                                                        .fd_count = 2 },
                           &step),
                     bad_fds[_i].result);
    ck_assert_int_eq(step, TWI_CHILD_DESCRIPTORS);
    end();
}
END_TEST

/* --- programs ----------------------------------------------------------------------------- */

static char scratch[64];

static void make_file(const char *name, const char *text, mode_t mode)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", scratch, name);
    file = test_given(fopen(path, "we"));
    fputs(text, file);
    fclose(file);
    ck_assert_int_eq(chmod(path, mode), 0);
}

static void make_scratch(void)
{
    char path[96];

    strcpy(scratch, "/tmp/tweed-child-XXXXXX");
    test_given(mkdtemp(scratch));
    make_file("plain", "text\n", 0644);
    make_file("nonsense", "text\n", 0755);
    make_file("script", "#!/bin/sh\necho script\n", 0755);
    make_file("lost", "#!/no/such/interpreter\n", 0755);
    snprintf(path, sizeof path, "%s/shadow", scratch);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    make_file("shadow/script", "", 0644);
}

static void remove_scratch(void)
{
    static const char *const names[] = { "plain",         "nonsense", "script", "lost",
                                         "shadow/script", "shadow",   "." };
    char path[128];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", scratch, names[i]);
        if (i < 5)
            unlink(path);
        else
            rmdir(i == 5 ? path : scratch);
    }
}

static const struct {
    const char *program, *directory, *path; /* `@` is the scratch directory */
    int result;
    enum twi_child_step step;
} programs[] = {
    { "@/script", NULL, NULL, 0, 0 },
    { "./script", "@", NULL, 0, 0 },
    { "script", NULL, "PATH=/no/such:@/plain:@/shadow:@", 0, 0 },
    { "script", "@", "PATH=", 0, 0 },
    { "script", "@", "PATH=/no/such::/no/such", 0, 0 },
    { "@/none", NULL, NULL, -ENOENT, TWI_CHILD_EXECUTE },
    { "@/plain/none", NULL, NULL, -ENOTDIR, TWI_CHILD_EXECUTE },
    { "@/plain", NULL, NULL, -EACCES, TWI_CHILD_EXECUTE },
    { "@", NULL, NULL, -EACCES, TWI_CHILD_EXECUTE },
    { "@/nonsense", NULL, NULL, -ENOEXEC, TWI_CHILD_EXECUTE },
    { "@/lost", NULL, NULL, -ENOENT, TWI_CHILD_EXECUTE },
    { "", NULL, NULL, -ENOENT, TWI_CHILD_EXECUTE },
    { "none", NULL, "PATH=@:/no/such", -ENOENT, TWI_CHILD_EXECUTE },
    { "script", NULL, "PATH=/no/such:@/shadow:/no/such", -EACCES, TWI_CHILD_EXECUTE },
    { "true", "@/none", NULL, -ENOENT, TWI_CHILD_DIRECTORY },
    { "true", "@/plain", NULL, -ENOTDIR, TWI_CHILD_DIRECTORY },
};

static const char *in_scratch(const char *text, char *room, size_t size)
{
    size_t length = 0;

    if (text == NULL)
        return NULL;
    for (; *text != '\0'; text++)
        length += (size_t)snprintf(room + length, size - length, "%s",
                                   *text == '@' ? scratch : (char[]){ *text, '\0' });
    room[length] = '\0';
    return room;
}

START_TEST(a_program_that_cannot_be_executed_is_named_with_the_cause)
{
    char program[256], directory[256], path[256];
    const char *environment[2] = { NULL, NULL };
    struct twi_child_options options = { 0 };
    enum twi_child_step step = 0;
    int r;

    if (strcmp(programs[_i].program, "@/lost") == 0 && children_emulated())
        return;
    make_scratch();
    for (size_t lack = 0; lack < sizeof lacks / sizeof lacks[0]; lack++) {
        begin_without(lacks[lack]);
        options.argv = TW_ARGV(in_scratch(programs[_i].program, program, sizeof program));
        options.directory = in_scratch(programs[_i].directory, directory, sizeof directory);
        environment[0] = in_scratch(programs[_i].path, path, sizeof path);
        options.environment = programs[_i].path != NULL ? environment : NULL;
        r = spawn(&options, &step);
        ck_assert_int_eq(r, programs[_i].result);
        if (r == 0)
            ck_assert_int_eq(finish(), 0);
        else
            ck_assert_int_eq(step, programs[_i].step);
        end();
    }
    remove_scratch();
}
END_TEST

START_TEST(arguments_environment_and_directory_arrive)
{
    begin_without(lacks[_i]);
    ck_assert_str_eq(
        output_of(&(struct twi_child_options){
            .executable = "/bin/sh",
            .argv = TW_ARGV("name", "-c", "echo $0 $1 $A $B; pwd", "x", "two words"),
            .environment = TW_ARGV("A=1", "PATH=/bin:/usr/bin"),
            .directory = "/" }),
        "x two words 1\n/\n");
    setenv("TWEED_TEST", "inherited", 1);
    ck_assert_str_eq(output_of(&(struct twi_child_options){
                         .argv = TW_ARGV("sh", "-c", "echo $TWEED_TEST") }),
                     "inherited\n");
    unsetenv("TWEED_TEST");
    end();
}
END_TEST

START_TEST(it_may_be_somebody_else)
{
    static const gid_t groups[] = { 1234, 1235 };

    if (geteuid() != 0)
        return;
    begin_without(lacks[_i]);
    ck_assert_str_eq(output_of(&(struct twi_child_options){
                         .argv = TW_ARGV("sh", "-c", "id -u; id -g; id -G"),
                         .set_user = true,
                         .uid = 4321,
                         .gid = 4322,
                         .groups = groups,
                         .group_count = 2 }),
                     "4321\n4322\n4322 1234 1235\n");
    ck_assert_uint_eq(geteuid(), 0);
    end();
}
END_TEST

/* --- what the system refuses -------------------------------------------------------------- */

START_TEST(without_descriptors_there_is_no_child)
{
    struct rlimit before, few;
    enum twi_child_step step = 0;
    int open_now, lowest, r, tried = 0;

    begin_without(lacks[_i]);
    open_now = children_descriptors();
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    lowest = dup(STDIN_FILENO);
    close(lowest);
    for (int more = 0; more < 6; more++) {
        few.rlim_cur = (rlim_t)(lowest + more);
        setrlimit(RLIMIT_NOFILE, &few);
        r = spawn(&(struct twi_child_options){ .argv = TW_ARGV("true") }, &step);
        setrlimit(RLIMIT_NOFILE, &before);
        ck_assert(r == 0 || r == -EMFILE);
        tried += r < 0;
        if (r == 0)
            finish();
        ck_assert_int_eq(children_descriptors(), open_now);
    }
    ck_assert(tried > 0 || children_emulated());
    end();
}
END_TEST

/* In a process of its own, which is nobody and may have no children. */
static int spawn_with_no_processes_left(void)
{
    struct rlimit none = { 0, 0 };
    enum twi_child_step step = 0;
    int before, r;

    if (setgid(65534) < 0 || setuid(65534) < 0)
        return 1;
    tw_reactor_uninstall();
    tw_reactor_current();
    before = children_descriptors();
    setrlimit(RLIMIT_NPROC, &none);
    r = spawn(&(struct twi_child_options){ .argv = TW_ARGV("true") }, &step);
    if (r != -EAGAIN || step != TWI_CHILD_FORK)
        return 2;
    return children_descriptors() == before ? 0 : 3;
}

START_TEST(without_processes_there_is_no_child)
{
    int status;
    pid_t pid;

    if (geteuid() != 0 || children_emulated())
        return;
    begin_without(0);
    pid = fork();
    if (pid == 0)
        _exit(spawn_with_no_processes_left());
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    end();
}
END_TEST

static bool spawn_one(void *arg)
{
    struct twi_child_options options = { .argv = TW_ARGV("true"), .terminal = -1 };
    enum twi_child_step step;
    bool ok;

    (void)arg;
    ended = RUNNING;
    ok = twi_child_spawn(&options, exited, &ended, &child, &step) == 0;
    if (ok)
        finish();
    tw_reactor_uninstall();
    return ok;
}

START_TEST(no_allocation_is_taken_for_granted)
{
    begin_without(lacks[_i]);
    tw_reactor_uninstall();
    ck_assert_uint_gt(test_each_alloc_failure(spawn_one, NULL), 0);
    ck_assert_ptr_nonnull(tw_reactor_current());
    end();
}
END_TEST

/* --- a fork without a program ------------------------------------------------------------- */

static int add_one(void *number)
{
    return *(int *)number + 1;
}

START_TEST(a_function_of_ours_may_be_the_program)
{
    int number = 41;

    begin_without(0);
    spawn_well(&(struct twi_child_options){ .main = add_one, .arg = &number });
    ck_assert(finish() == 42 << 8 || children_emulated());
    end();
}
END_TEST

static void *wait_for_byte(void *fd)
{
    char c;

    ck_assert_int_eq(read(*(int *)fd, &c, 1), 1);
    return NULL;
}

START_TEST(but_not_beside_threads)
{
    enum twi_child_step step = 0;
    pthread_t thread;
    int ends[2];

    if (!TWI_LINUX)
        return; /* nothing tells of threads */
    begin_without(0);
    ck_assert_int_eq(pipe(ends), 0);
    pthread_create(&thread, NULL, wait_for_byte, &ends[0]);
    ck_assert_int_eq(spawn(&(struct twi_child_options){ .main = add_one }, &step), -EDEADLK);
    ck_assert_int_eq(step, TWI_CHILD_THREADS);
    spawn_well(&(struct twi_child_options){ .argv = TW_ARGV("true") }); /* a program may be */
    ck_assert_int_eq(finish(), 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    pthread_join(thread, NULL);
    close(ends[0]);
    close(ends[1]);
    end();
}
END_TEST

/* --- several reactors --------------------------------------------------------------------- */

enum { THREADS = 4, EACH = 8 };

static void note_exit(int status, void *arg)
{
    *(int *)arg = status;
}

static void *many(void *arg)
{
    struct twi_child *children[EACH];
    int statuses[EACH], left = EACH;
    enum twi_child_step step;

    for (int i = 0; i < EACH; i++) {
        char script[32];
        struct twi_child_options options = { .terminal = -1 };

        snprintf(script, sizeof script, "exit %d", i + 1);
        options.argv = TW_ARGV("sh", "-c", script);
        statuses[i] = RUNNING;
        ck_assert_int_eq(
            twi_child_spawn(&options, note_exit, &statuses[i], &children[i], &step), 0);
    }
    for (double until = test_deadline(); left > 0 && test_before(until);) {
        tw_reactor_iterate(0.1);
        left = 0;
        for (int i = 0; i < EACH; i++)
            left += statuses[i] == RUNNING;
    }
    for (int i = 0; i < EACH; i++) {
        ck_assert_int_eq(statuses[i], (i + 1) << 8);
        twi_child_free(children[i]);
    }
    tw_reactor_uninstall();
    return arg;
}

START_TEST(each_reactor_has_its_own_children)
{
    pthread_t threads[THREADS];

    begin_without(lacks[_i]);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, many, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("child");
    static const int kinds[2];

    TEST_ADD_ROWS(suite, its_end_is_told_with_its_status, lacks);
    TEST_ADD_ROWS(suite, children_of_other_code_are_left_to_it, lacks);
    TEST_ADD_ROWS(suite, a_status_that_other_code_took_is_lost, lacks);
    TEST_ADD_ROWS(suite, so_it_is_when_children_are_ignored, lacks);
    TEST_ADD_ROWS(suite, nobody_waits_for_it_and_it_is_reaped_all_the_same, lacks);
    TEST_ADD_ROWS(suite, the_reactor_goes_first, lacks);
    TEST_ADD_ROWS(suite, it_has_ended_and_then_the_reactor_goes, lacks);
    TEST_ADD_ROWS(suite, a_signal_reaches_it_until_it_has_ended, lacks);
    TEST_ADD_ROWS(suite, its_group_is_reached_too, kinds);
    TEST_ADD_ROWS(suite, signals_are_as_for_a_fresh_process, lacks);
    TEST_ADD_ROWS(suite, it_gets_no_descriptor_but_those_named, lacks);
    TEST_ADD_ROWS(suite, descriptors_may_change_places, lacks);
    TEST_ADD_ROWS(suite, descriptors_that_cannot_be_are_refused, bad_fds);
    TEST_ADD_ROWS(suite, a_program_that_cannot_be_executed_is_named_with_the_cause, programs);
    TEST_ADD_ROWS(suite, arguments_environment_and_directory_arrive, lacks);
    TEST_ADD_ROWS(suite, it_may_be_somebody_else, lacks);
    TEST_ADD_ROWS(suite, without_descriptors_there_is_no_child, lacks);
    TEST_ADD(suite, without_processes_there_is_no_child);
    TEST_ADD_ROWS(suite, no_allocation_is_taken_for_granted, lacks);
    TEST_ADD(suite, a_function_of_ours_may_be_the_program);
    TEST_ADD(suite, but_not_beside_threads);
    TEST_ADD_ROWS(suite, each_reactor_has_its_own_children, lacks);
    return test_run(suite);
}
