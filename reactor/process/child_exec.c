/* SPDX-License-Identifier: MIT */
/*
 * child_exec.c - the fork, and the child's steps until it executes its program.
 *
 * The hard part is the time between the two. The child of a threaded program may call nothing that
 * takes a lock, so all that needs memory is made before; and by vfork() it runs in our memory, on
 * our stack, while our thread waits. So it blocks every signal first (a handler of ours would run
 * there), sets ids by bare system calls (the C library's would change all our threads) and touches
 * no memory but `struct launch`.
 *
 * The child reports an error in that memory. Some tools (valgrind, ThreadSanitizer) make a
 * fork() of each vfork(), so it reports it by a pipe, too, which closes by itself when the
 * program is executed.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#if TWI_LINUX
#include <sys/syscall.h>
#else
#include <grp.h>
#endif
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/posix.h"
#include "reactor/process/child_exec.h"

extern char **environ;

unsigned twi_child_without;

enum { EXIT_NOT_EXECUTED = 127 };

static const char default_path[] = "/usr/local/bin:/usr/bin:/bin";
static const char null_device[] = "/dev/null";

struct problem {
    int error; /* 0: none */
    enum twi_child_step step;
};

struct launch {
    const struct twi_child_options *options;
    const char *const *environment;
    char **paths; /* to try, ended by NULL */
    struct twi_child_fd *fds; /* by number; sources may be moved by the child */
    size_t fd_count;
    int highest; /* of the numbers, and 2 */
    int problem_fd;
    volatile bool shared; /* the child has run in our memory */
    volatile struct problem problem;
};

/* --- bare system calls ------------------------------------------------------------------- */

#if TWI_LINUX
#ifdef SYS_setuid32
#define CALL_SETGROUPS SYS_setgroups32
#define CALL_SETGID SYS_setgid32
#define CALL_SETUID SYS_setuid32
#else
#define CALL_SETGROUPS SYS_setgroups
#define CALL_SETGID SYS_setgid
#define CALL_SETUID SYS_setuid
#endif

/* The C library keeps the signals of its threads back, which may be ignored. */
static void bare_reset(int number)
{
    /* The kernel's struct sigaction: SIG_DFL, and all else 0. */
    static const uint64_t normal[8];

    syscall(SYS_rt_sigaction, number, normal, NULL, (size_t)_NSIG / 8);
}

static int bare_become(const struct twi_child_options *options)
{
    if (syscall(CALL_SETGROUPS, options->group_count, options->groups) < 0 ||
        syscall(CALL_SETGID, options->gid) < 0 || syscall(CALL_SETUID, options->uid) < 0)
        return -1;
    return 0;
}

/* gcov puts a function of its own in the place of execve(), which writes files. */
static void bare_execute(const char *path, const char *const *argv,
                         const char *const *environment)
{
    syscall(SYS_execve, path, argv, environment);
}

/* A macro, as the caller of vfork() must not return before its child is gone. */
#define BARE_FORK vfork
#else
/* After a fork() that copies, the C library's calls change the child only. */
static void bare_reset(int number)
{
    struct sigaction normal = { .sa_handler = SIG_DFL };

    sigaction(number, &normal, NULL);
}

static int bare_become(const struct twi_child_options *options)
{
    if (setgroups((int)options->group_count, options->groups) < 0 ||
        setgid(options->gid) < 0 || setuid(options->uid) < 0)
        return -1;
    return 0;
}

static void bare_execute(const char *path, const char *const *argv,
                         const char *const *environment)
{
    execve(path, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)environment);
}

#define BARE_FORK fork
#endif

/* --- in the child ------------------------------------------------------------------------ */

static void launch_fail(struct launch *launch, enum twi_child_step step, int error)
{
    struct problem problem = { error, step };
    ssize_t n;

    launch->problem.error = error;
    launch->problem.step = step;
    do
        n = write(launch->problem_fd, &problem, sizeof problem);
    while (n < 0 && errno == EINTR);
    _exit(EXIT_NOT_EXECUTED);
}

static void reset_signals(void)
{
    for (int number = 1; number < NSIG; number++)
        bare_reset(number);
}

/* Above all numbers of the child, so that placing one does not overwrite another. */
static int move_up(struct launch *launch, int fd)
{
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, launch->highest + 1);

    if (moved < 0)
        launch_fail(launch, TWI_CHILD_DESCRIPTORS, errno);
    return moved;
}

static const struct twi_child_fd *named(const struct launch *launch, int number)
{
    for (size_t i = 0; i < launch->fd_count; i++)
        if (launch->fds[i].number == number)
            return &launch->fds[i];
    return NULL;
}

static void open_null(struct launch *launch, int number)
{
    int fd = open(null_device, O_RDWR);

    if (fd < 0)
        launch_fail(launch, TWI_CHILD_DESCRIPTORS, errno);
    if (fd != number) {
        if (dup2(fd, number) < 0)
            launch_fail(launch, TWI_CHILD_DESCRIPTORS, errno);
        close(fd);
    }
}

static void place_descriptors(struct launch *launch)
{
    if (launch->problem_fd <= launch->highest)
        launch->problem_fd = move_up(launch, launch->problem_fd);
    for (size_t i = 0; i < launch->fd_count; i++) {
        struct twi_child_fd *fd = &launch->fds[i];
        if (fd->source <= launch->highest && fd->source != fd->number)
            fd->source = move_up(launch, fd->source);
    }
    for (size_t i = 0; i < launch->fd_count; i++) {
        const struct twi_child_fd *fd = &launch->fds[i];
        int r = fd->source == fd->number ? fcntl(fd->number, F_SETFD, 0)
                                         : dup2(fd->source, fd->number);
        if (r < 0)
            launch_fail(launch, TWI_CHILD_DESCRIPTORS, errno);
    }
}

#if TWI_LINUX && defined SYS_getdents64
struct entry { /* of linux_dirent64 */
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

/* Close descriptors on a kernel without close_range(): a directory lists them. False when it
 * cannot be read. */
static bool close_listed(unsigned first, unsigned last)
{
    _Alignas(struct entry) char buffer[4096];
    int directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool again = true;
    long n = 0;

    if (directory < 0)
        return false;
    while (again) { /* closing an entry while reading may hide the next ones */
        again = false;
        lseek(directory, 0, SEEK_SET);
        while ((n = syscall(SYS_getdents64, directory, buffer, sizeof buffer)) > 0)
            for (long at = 0; at < n;) {
                const struct entry *entry = (const struct entry *)(const void *)(buffer + at);
                unsigned fd = 0;
                const char *c = entry->name;
                for (; *c >= '0' && *c <= '9'; c++)
                    fd = fd * 10 + (unsigned)(*c - '0');
                at += entry->length;
                if (*c != '\0' || fd < first || fd > last || fd == (unsigned)directory)
                    continue;
                again |= close((int)fd) == 0;
            }
    }
    close(directory);
    return n == 0;
}
#else
static bool close_listed(unsigned first, unsigned last)
{
    (void)first, (void)last;
    return false;
}
#endif

static void close_between(unsigned first, unsigned last)
{
    long limit;

    if (first > last)
        return;
#if TWI_LINUX && defined SYS_close_range
    if ((twi_child_without & TWI_CHILD_NO_CLOSE_RANGE) == 0 &&
        syscall(SYS_close_range, first, last, 0) == 0)
        return;
#endif
    if (last - first > 64 && close_listed(first, last))
        return;
#if !TWI_LINUX && defined HAVE_CLOSEFROM
    if (last == UINT_MAX) {
        closefrom((int)first);
        return;
    }
#endif
    limit = sysconf(_SC_OPEN_MAX);
    if (limit > 0 && (unsigned long)limit <= last)
        last = (unsigned)limit - 1;
    for (unsigned fd = first; fd <= last; fd++)
        close((int)fd);
}

/* Close all descriptors but those named and the pipe that tells of problems. */
static void close_others(struct launch *launch)
{
    unsigned problem_fd = (unsigned)launch->problem_fd;

    for (int number = 0; number <= launch->highest; number++)
        if (named(launch, number) == NULL) {
            close(number);
            if (number <= 2)
                open_null(launch, number);
        }
    close_between((unsigned)launch->highest + 1, problem_fd - 1);
    close_between(problem_fd + 1, UINT_MAX);
}

static void become_user(struct launch *launch)
{
    const struct twi_child_options *options = launch->options;

    if (bare_become(options) < 0)
        launch_fail(launch, TWI_CHILD_USER, errno);
}

/* Execute the first file that exists; a file that may not be executed is remembered. */
static void execute(struct launch *launch)
{
    int error = ENOENT;

    for (char **path = launch->paths; *path != NULL; path++) {
        bare_execute(*path, launch->options->argv, launch->environment);
        if (errno == EACCES)
            error = EACCES;
        else if (errno != ENOENT && errno != ENOTDIR) {
            error = errno;
            break;
        } else if (path[1] == NULL && error != EACCES)
            error = errno;
    }
    launch_fail(launch, TWI_CHILD_EXECUTE, error);
}

static _Noreturn void child(struct launch *launch)
{
    const struct twi_child_options *options = launch->options;
    sigset_t none;

    launch->shared = true;
    reset_signals();
    if (options->new_session ? setsid() < 0 : options->new_group && setpgid(0, 0) < 0)
        launch_fail(launch, TWI_CHILD_SESSION, errno);
    place_descriptors(launch);
    close_others(launch);
    if (options->terminal >= 0 && ioctl(options->terminal, TIOCSCTTY, 0) < 0)
        launch_fail(launch, TWI_CHILD_TERMINAL, errno);
    if (options->directory != NULL && chdir(options->directory) < 0)
        launch_fail(launch, TWI_CHILD_DIRECTORY, errno);
    if (options->set_user)
        become_user(launch);
    sigemptyset(&none);
    if (options->main != NULL) {
        close(launch->problem_fd);
        pthread_sigmask(SIG_SETMASK, &none, NULL);
        _exit(options->main(options->arg));
    }
    sigprocmask(SIG_SETMASK, &none, NULL);
    execute(launch);
    _exit(EXIT_NOT_EXECUTED); /* not reached */
}

/* --- before it --------------------------------------------------------------------------- */

static const char *environment_path(const char *const *environment)
{
    for (; *environment != NULL; environment++)
        if (strncmp(*environment, "PATH=", 5) == 0)
            return *environment + 5;
    return default_path;
}

static void free_paths(char **paths)
{
    for (size_t i = 0; paths != NULL && paths[i] != NULL; i++)
        twi_free(paths[i]);
    twi_free(paths);
}

/* The paths to try; NULL when there is no memory. An empty part of PATH is the current
 * directory. */
static char **candidates(const char *name, const char *path)
{
    bool direct = strchr(name, '/') != NULL || *name == '\0';
    size_t count = 1, i = 0;
    char **paths;

    for (const char *c = path; !direct && *c != '\0'; c++)
        count += *c == ':';
    paths = twi_calloc(count + 1, sizeof *paths);
    if (paths == NULL)
        return NULL;
    for (const char *at = path; i < count; i++) {
        size_t length = strcspn(at, ":");

        paths[i] = direct ? twi_strdup(name)
                          : twi_format("%.*s%s%s", (int)length, at, length > 0 ? "/" : "./",
                                       name);
        if (paths[i] == NULL) {
            free_paths(paths);
            return NULL;
        }
        at += length + (at[length] == ':');
    }
    return paths;
}

static int by_number(const void *a, const void *b)
{
    const struct twi_child_fd *left = a, *right = b;

    return (left->number > right->number) - (left->number < right->number);
}

static int sort_fds(struct launch *launch)
{
    const struct twi_child_options *options = launch->options;
    size_t count = options->fd_count;
    long limit = sysconf(_SC_OPEN_MAX);

    launch->highest = 2;
    launch->fds = twi_calloc(count + 1, sizeof *launch->fds);
    if (launch->fds == NULL)
        return -ENOMEM;
    launch->fd_count = count;
    if (count > 0)
        memcpy(launch->fds, options->fds, count * sizeof *launch->fds);
    qsort(launch->fds, count, sizeof *launch->fds, by_number);
    for (size_t i = 0; i < count; i++) {
        if (launch->fds[i].source < 0 || launch->fds[i].number < 0 ||
            (limit >= 0 && launch->fds[i].number >= limit))
            return -EBADF;
        if (i > 0 && launch->fds[i].number == launch->fds[i - 1].number)
            return -EINVAL;
        if (launch->fds[i].number > launch->highest)
            launch->highest = launch->fds[i].number;
    }
    return 0;
}

static int prepare(struct launch *launch, enum twi_child_step *ret_step)
{
    const struct twi_child_options *options = launch->options;
    const char *name = options->executable;
    int r;

    launch->environment = options->environment != NULL ? options->environment
                                                       : (const char *const *)environ;
    *ret_step = TWI_CHILD_DESCRIPTORS;
    r = sort_fds(launch);
    if (r < 0)
        return r;
    *ret_step = TWI_CHILD_EXECUTE;
    if (options->main != NULL)
        return 0;
    if (options->argv == NULL || options->argv[0] == NULL)
        return -EINVAL;
    launch->paths = candidates(name != NULL ? name : options->argv[0],
                               environment_path(launch->environment));
    return launch->paths != NULL ? 0 : -ENOMEM;
}

#if TWI_LINUX
/* A thread may hold a lock that the fork's child will need. */
static bool has_threads(void)
{
#if defined(__SANITIZE_THREAD__)
    const nlink_t own = 2; /* ThreadSanitizer's runs in the background */
#else
    const nlink_t own = 1;
#endif
    struct stat tasks;

    return stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink > 2 + own;
}
#else
/* No portable call tells: the caller that asks for a fork must know. */
static bool has_threads(void)
{
    return false;
}
#endif

/* --- the fork ---------------------------------------------------------------------------- */

/* Parent and child must not change the same variables here: the parent reads only those written
 * before the fork. */
__attribute__((noinline)) static pid_t fork_child(struct launch *launch)
{
    pid_t pid = launch->options->main != NULL || (twi_child_without & TWI_CHILD_NO_VFORK) != 0
                    ? fork()
                    : BARE_FORK();

    if (pid == 0)
        child(launch);
    return pid;
}

/* Fork with all signals blocked, so that none is handled in the child; and without
 * cancellation, which would else reach the child when our thread is cancelled. */
static pid_t fork_quietly(struct launch *launch, int *ret_error)
{
    sigset_t all, before;
    int state;
    pid_t pid;

    sigfillset(&all);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pid = fork_child(launch);
    *ret_error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_setcancelstate(state, NULL);
    return pid;
}

/* After a real fork: read until the pipe closes, or tells of a problem. */
static struct problem read_problem(int fd)
{
    struct problem problem;
    ssize_t n;

    do
        n = read(fd, &problem, sizeof problem);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof problem)
        problem.error = 0;
    return problem;
}

pid_t twi_child_wait(pid_t pid, int *ret_status, int flags)
{
    pid_t r;

    do
        r = waitpid(pid, ret_status, flags);
    while (r < 0 && errno == EINTR);
    return r;
}

static int launch_with_pipe(struct launch *launch, pid_t *ret_pid,
                            enum twi_child_step *ret_step)
{
    struct problem problem;
    int ends[2], error;
    pid_t pid;

    *ret_step = TWI_CHILD_FORK;
    error = twi_pipe(ends);
    if (error < 0)
        return error;
    launch->problem_fd = ends[1];
    pid = fork_quietly(launch, &error);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return -error;
    }
    problem.error = launch->problem.error;
    problem.step = launch->problem.step;
    if (!launch->shared)
        problem = read_problem(ends[0]);
    close(ends[0]);
    *ret_pid = pid;
    if (problem.error == 0)
        return 0;
    twi_child_wait(pid, NULL, 0);
    *ret_step = problem.step;
    return -problem.error;
}

int twi_child_launch(const struct twi_child_options *options, pid_t *ret_pid,
                     enum twi_child_step *ret_step)
{
    struct launch launch = { .options = options };
    int r;

    if (options->main != NULL && has_threads()) {
        *ret_step = TWI_CHILD_THREADS;
        return -EDEADLK;
    }
    r = prepare(&launch, ret_step);
    if (r == 0)
        r = launch_with_pipe(&launch, ret_pid, ret_step);
    free_paths(launch.paths);
    twi_free(launch.fds);
    return r;
}
