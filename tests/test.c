/* SPDX-License-Identifier: MIT */
/*
 * test.c - the allocator that counts and fails, and the runner.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/random.h"
#include "tests/test.h"
#include "tests/torture.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t made, fail_at;
static bool fail_all, failed;
static int64_t living;
static pthread_t main_thread;

/* A child that a test forks must find the mutex free, whatever its other threads did. */
static void before_fork(void)
{
    pthread_mutex_lock(&mutex);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&mutex);
}

static bool may_allocate(void)
{
    bool ok = true;

    pthread_mutex_lock(&mutex);
    made++;
    if (fail_at != 0 && (made == fail_at || (fail_all && made > fail_at))) {
        failed = true;
        ok = false;
    }
    pthread_mutex_unlock(&mutex);
    return ok;
}

static void count_living(int by)
{
    __atomic_fetch_add(&living, by, __ATOMIC_RELAXED);
}

static void *counted_allocate(size_t size, void *ctx)
{
    void *block = may_allocate() ? malloc(size) : NULL;

    (void)ctx;
    if (block != NULL)
        count_living(1);
    return block;
}

static void *counted_reallocate(void *block, size_t size, void *ctx)
{
    void *grown = may_allocate() ? realloc(block, size) : NULL;

    (void)ctx;
    if (grown != NULL && block == NULL)
        count_living(1);
    return grown;
}

static void counted_release(void *block, void *ctx)
{
    (void)ctx;
    if (block != NULL)
        count_living(-1);
    free(block);
}

static const struct tw_allocator counted = {
    counted_allocate,
    counted_reallocate,
    counted_release,
    NULL,
};

__attribute__((constructor)) static void count_allocations(void)
{
    main_thread = pthread_self();
    pthread_atfork(before_fork, after_fork, after_fork);
    if (tw_set_allocator(&counted, true) < 0)
        abort();
}

void test_fail_alloc(uint64_t n, bool all)
{
    pthread_mutex_lock(&mutex);
    made = 0;
    fail_at = n;
    fail_all = all;
    failed = false;
    pthread_mutex_unlock(&mutex);
}

bool test_alloc_failed(void)
{
    return failed;
}

uint64_t test_allocs(void)
{
    return made;
}

int64_t test_allocs_living(void)
{
    return __atomic_load_n(&living, __ATOMIC_RELAXED);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double test_patience(void)
{
    return torture_running() ? 0.15 : 5;
}

double test_deadline(void)
{
    return now() + test_patience();
}

/* The function that check makes of a test has "_fn" behind its name. */
bool test_has_terminals(const char *test)
{
    int fd = posix_openpt(O_RDWR | O_NOCTTY);
    char name[64];
    bool there = fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0 &&
                 ptsname_r(fd, name, sizeof name) == 0 && access(name, R_OK | W_OK) == 0;

    if (fd >= 0)
        close(fd);
    if (!there)
        printf("skipped, no terminals here: %.*s\n", (int)(strlen(test) - strlen("_fn")),
               test);
    fflush(stdout);
    return there;
}

bool test_before(double deadline)
{
    return now() <= deadline;
}

void *test_given(void *pointer)
{
    ck_assert_ptr_nonnull(pointer);
    return pointer;
}

int64_t test_made(int64_t result)
{
    ck_assert_msg(result >= 0 || !torture_running(), "a call was not made");
    return result;
}

static void run_failing(bool (*op)(void *arg), void *arg, bool all)
{
    uint64_t n = 0;
    bool reached;

    do {
        int64_t before = test_allocs_living();
        bool worked;
        test_fail_alloc(++n, all);
        worked = op(arg);
        reached = test_alloc_failed();
        test_fail_alloc(0, false);
        ck_assert_msg(reached || worked, "failed though no allocation did");
        ck_assert_msg(test_allocs_living() <= before, "%lld left after failure of number %llu",
                      (long long)(test_allocs_living() - before), (unsigned long long)n);
    } while (reached);
}

uint64_t test_each_alloc_failure(bool (*op)(void *arg), void *arg)
{
    uint64_t needed;

    if (torture_running()) {
        /* Its own loop would be in the way of the failure that is planned already. */
        ck_assert(op(arg));
        return test_allocs();
    }
    /* Once undisturbed: what is kept for the thread's life is made here. */
    ck_assert(op(arg));
    test_fail_alloc(0, false);
    ck_assert(op(arg));
    needed = test_allocs();
    run_failing(op, arg, false);
    run_failing(op, arg, true);
    return needed;
}

/*
 * Every failing assertion comes by here (the linker's --wrap). Check leaves a failed test with
 * longjmp(), which only the main thread may do; elsewhere the process ends.
 */
void __real__ck_assert_failed(const char *file, int line, const char *expr, const char *msg,
                              ...);
void __wrap__ck_assert_failed(const char *file, int line, const char *expr, const char *msg,
                              ...);

void __wrap__ck_assert_failed(const char *file, int line, const char *expr, const char *msg,
                              ...)
{
    char text[1000] = "";
    const char *seed;
    va_list args;

    if (msg != NULL) {
        va_start(args, msg);
        vsnprintf(text, sizeof text, msg, args);
        va_end(args);
    }
    if (!pthread_equal(pthread_self(), main_thread)) {
        if (!torture_running())
            fprintf(stderr, "%s:%d: in another thread: %s %s\n", file, line, expr, text);
        _exit(EXIT_FAILURE);
    }
    seed = random_failed();
    if (msg != NULL || seed[0] != '\0')
        __real__ck_assert_failed(file, line, expr, "%s%s", seed, msg != NULL ? text : expr,
                                 NULL);
    __real__ck_assert_failed(file, line, expr, NULL, NULL);
}

void test_add(Suite *suite, const TTest *test, int from, int to)
{
    TCase *tcase = tcase_create(test->name);

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, test, from, to);
    suite_add_tcase(suite, tcase);
    torture_add(test, from, to);
}

int test_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failures;

    if (getenv("TEST_TORTURE") != NULL) {
        srunner_free(runner);
        return torture_run();
    }
    srunner_run_all(runner, CK_NORMAL);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
