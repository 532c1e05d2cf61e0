/* SPDX-License-Identifier: MIT */
/*
 * torture.c - every test again, with the n-th allocation or system call failing.
 *
 * Each run is a child process, so that one which crashes or hangs harms nobody, and none sees
 * what another left. System calls fail when faults.so is preloaded; it is found by dlsym().
 */
#include "config.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/faults.h"
#include "tests/test.h"
#include "tests/torture.h"

enum {
    MAX_TESTS = 4000,
    HANG_SECONDS = 8,
    LONG_HANG_SECONDS = 30, /* the second time: the machine may have been busy */
    MAX_HANGS = 6,
    STATUS_ASSERTED = 1,
    STATUS_STUMBLED = 2
};

/* The calls that are made to fail. */
enum source { ALLOCATIONS, SYSTEM_CALLS };

struct plan {
    enum source source;
    enum fault_kind kind;
    uint64_t n;
    bool all;
    bool long_wait;
};

/* A child's report. */
struct report {
    uint64_t points;
    int64_t left_over;
};

static const char *const kind_names[FAULT_KINDS] = {
    [FAULT_NONE] = "allocation", [FAULT_EINTR] = "EINTR",   [FAULT_EAGAIN] = "EAGAIN",
    [FAULT_SHORT] = "short",     [FAULT_EMFILE] = "EMFILE", [FAULT_ECONNRESET] = "ECONNRESET",
    [FAULT_ENOSPC] = "ENOSPC",
};

static struct {
    const TTest *test;
    int row;
} tests[MAX_TESTS];
static int count;
static faults_plan_fn *plan_faults;
static faults_seen_fn *seen_faults;
static bool running;
static uint64_t reached, tried, asserted, stumbles, crashes, hangs, left_over;

void torture_add(const TTest *test, int from, int to)
{
    for (int row = from; row < to && count < MAX_TESTS; row++) {
        tests[count].test = test;
        tests[count++].row = row;
    }
}

bool torture_running(void)
{
    return running;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void arm(const struct plan *plan)
{
    if (plan->source == ALLOCATIONS)
        test_fail_alloc(plan->n, plan->all);
    else
        plan_faults(plan->kind, plan->n, plan->all);
}

static uint64_t disarm(const struct plan *plan)
{
    uint64_t points;

    if (plan->source == ALLOCATIONS) {
        points = test_allocs();
        test_fail_alloc(0, false);
    } else {
        points = seen_faults();
        plan_faults(FAULT_NONE, 0, false);
    }
    return points;
}

/* The linker puts the test's own code first, then ours, then the library's, alloc.c foremost. */
static bool is_test_code(const void *address)
{
    extern char __executable_start;
    uintptr_t at = (uintptr_t)address;

    return at >= (uintptr_t)&__executable_start && at <= (uintptr_t)&tw_set_allocator;
}

/* An address of the C library and the like. */
static bool is_foreign(const void *address)
{
    extern char __executable_start, _end;
    uintptr_t at = (uintptr_t)address;

    return at < (uintptr_t)&__executable_start || at >= (uintptr_t)&_end;
}

/*
 * Many a test goes on with the NULL that it got. That is its own stumble and not a crash of the
 * library: the fault lies at NULL, and in the test's code or in what it calls directly.
 */
static void on_fault(int number, siginfo_t *info, void *context)
{
    void *frames[16];
    int depth = backtrace(frames, 16), i = 1;

    (void)context;
    /* After this handler: the signal's trampoline, then perhaps memcpy() and the like. */
    while (i < depth && is_foreign(frames[i]))
        i++;
    if ((uintptr_t)info->si_addr < 65536 && i < depth &&
        (is_test_code(frames[i]) || (i + 1 < depth && is_test_code(frames[i + 1]))))
        _exit(STATUS_STUMBLED);
    signal(number, SIG_DFL);
    raise(number);
}

static void watch_for_faults(void)
{
    struct sigaction action = { .sa_sigaction = on_fault,
                                .sa_flags = SA_SIGINFO | SA_NODEFER };
    void *frame;

    backtrace(&frame, 1); /* loads what it needs while memory is to be had */
    sigaction(SIGSEGV, &action, NULL);
}

/* No alarm(): that signal is Check's, who kills the whole group. */
static void limit_time(int seconds)
{
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
    struct itimerspec when = { .it_value.tv_sec = seconds };
    timer_t timer;

    if (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
        timer_settime(timer, 0, &when, NULL);
}

/* In the child: the one test, by Check itself, which knows how to leave a failed one. */
static void run_child(int which, const struct plan *plan, int report_to)
{
    Suite *suite = suite_create("torture");
    TCase *tcase = tcase_create(tests[which].test->name);
    SRunner *runner;
    struct report report;
    int64_t before = test_allocs_living();
    int failures;

    running = true;
    watch_for_faults();
    limit_time(plan->long_wait ? LONG_HANG_SECONDS : HANG_SECONDS);
    tcase_add_loop_test(tcase, tests[which].test, tests[which].row, tests[which].row + 1);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    arm(plan);
    srunner_run_all(runner, CK_SILENT);
    report.points = disarm(plan);
    failures = srunner_ntests_failed(runner);
    if (failures == 0)
        tw_reactor_uninstall(); /* some make one, others do not */
    report.left_over = test_allocs_living() - before;
    srunner_free(runner);
    if (write(report_to, &report, sizeof report) != sizeof report)
        _exit(STATUS_ASSERTED);
    _exit(failures != 0 ? STATUS_ASSERTED : 0);
}

/* Returns the child's wait status. */
static int run_one(int which, const struct plan *plan, struct report *ret_report)
{
    int ends[2], status = -1;
    pid_t pid;

    memset(ret_report, 0, sizeof *ret_report);
    if (pipe(ends) < 0 || (pid = fork()) < 0) {
        perror("torture");
        exit(EXIT_FAILURE);
    }
    if (pid == 0) {
        close(ends[0]);
        run_child(which, plan, ends[1]);
    }
    close(ends[1]);
    if (read(ends[0], ret_report, sizeof *ret_report) != sizeof *ret_report)
        ret_report->points = 0;
    close(ends[0]);
    waitpid(pid, &status, 0);
    return status;
}

static void complain(int which, const struct plan *plan, const char *what, long number)
{
    printf("torture: %s row %d, %s number %llu%s: %s %ld\n", tests[which].test->name,
           tests[which].row, kind_names[plan->kind], (unsigned long long)plan->n,
           plan->all ? " and all after it" : "", what, number);
    fflush(stdout);
}

static bool was_killed(int status)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void judge(int which, struct plan *plan, int64_t usual)
{
    struct report report;
    int status = run_one(which, plan, &report);

    tried++;
    if (was_killed(status)) {
        plan->long_wait = true;
        status = run_one(which, plan, &report);
        plan->long_wait = false;
    }
    if (was_killed(status)) {
        hangs++;
        complain(which, plan, "hangs, seconds", LONG_HANG_SECONDS);
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_STUMBLED) {
        stumbles++;
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) > STATUS_STUMBLED) {
        crashes++;
        complain(which, plan, "crashes, wait status", status);
    } else if (WEXITSTATUS(status) == STATUS_ASSERTED) {
        asserted++;
    } else if (report.left_over > usual) {
        left_over++;
        complain(which, plan, "leaves allocations", (long)(report.left_over - usual));
    }
}

/* All points of one test, or as many as fit into `seconds`, spread evenly. */
static void torture_test(int which, enum source source, enum fault_kind kind, double seconds)
{
    struct plan plan = { .source = source, .kind = kind };
    struct report usual;
    double started = now(), each;
    uint64_t step = 1;

    if (run_one(which, &plan, &usual) != 0 || usual.points == 0)
        return;
    each = now() - started;
    reached += 2 * usual.points;
    if (seconds > 0 && (double)usual.points * 2 * each > seconds)
        step = (uint64_t)((double)usual.points * 2 * each / seconds) + 1;
    for (plan.n = 1; plan.n <= usual.points; plan.n += plan.n < 8 ? 1 : step) {
        plan.all = false;
        judge(which, &plan, usual.left_over);
        plan.all = true;
        judge(which, &plan, usual.left_over);
        if ((seconds > 0 && now() - started > 2 * seconds) || hangs >= MAX_HANGS)
            break;
    }
}

/* "NAME ROW KIND NUMBER ALL": that one run in this very process, for a debugger or valgrind. */
static int run_again(const char *what)
{
    char name[200] = "", kind[20] = "";
    int row = 0, all = 0;
    struct plan plan = { .source = ALLOCATIONS };

    sscanf(what, "%199s %d %19s %lu %d", name, &row, kind, &plan.n, &all);
    plan.all = all != 0;
    for (int i = FAULT_NONE; i < FAULT_KINDS; i++)
        if (strcmp(kind, kind_names[i]) == 0)
            plan.kind = (enum fault_kind)i;
    plan.source = plan.kind == FAULT_NONE ? ALLOCATIONS : SYSTEM_CALLS;
    for (int i = 0; i < count; i++)
        if (strcmp(tests[i].test->name, name) == 0 && tests[i].row == row)
            run_child(i, &plan, STDOUT_FILENO);
    return EXIT_FAILURE;
}

int torture_run(void)
{
    const char *again = getenv("TEST_TORTURE_AGAIN");
    const char *limit = getenv("TEST_TORTURE_SECONDS");
    double seconds = limit != NULL ? atof(limit) : 0;
    double started = now();
    int kinds = 1, left;

    *(void **)&plan_faults = dlsym(RTLD_DEFAULT, "faults_plan");
    *(void **)&seen_faults = dlsym(RTLD_DEFAULT, "faults_seen");
    if (plan_faults != NULL && seen_faults != NULL)
        kinds = FAULT_KINDS;
    if (again != NULL)
        return run_again(again);
    left = count * kinds;
    /* In an order that spreads over the suite what the time allows. */
    for (int turn = 0; turn < count && hangs < MAX_HANGS; turn++) {
        int which = (int)((uint64_t)turn * 7919 % (uint64_t)count);
        for (int kind = FAULT_NONE; kind < kinds; kind++) {
            /* Time that quick tests leave goes to those after them. */
            double share = seconds > 0 ? (seconds - (now() - started)) / left : 0;
            if (seconds > 0 && share <= 0)
                goto out_of_time;
            torture_test(which, kind == FAULT_NONE ? ALLOCATIONS : SYSTEM_CALLS,
                         (enum fault_kind)kind, share);
            left--;
        }
    }
out_of_time:
    printf("torture: %d tests, %llu points reached, %llu failed, %llu assertions, "
           "%llu stumbles, %llu crashes, %llu hangs, %llu left something\n",
           count, (unsigned long long)reached, (unsigned long long)tried,
           (unsigned long long)asserted, (unsigned long long)stumbles,
           (unsigned long long)crashes, (unsigned long long)hangs,
           (unsigned long long)left_over);
    return crashes + hangs + left_over == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
