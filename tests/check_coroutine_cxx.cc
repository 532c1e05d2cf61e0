/* SPDX-License-Identifier: MIT */
/*
 * check_coroutine_cxx.cc - C++ exceptions inside bodies: each coroutine has its own, and none
 * crosses a switch. A plain program: prints what failed.
 */
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tweed/coroutine.h>
#include <tweed/inline_callbacks.h>

static int failures;

#define EXPECT(condition)                                                          \
    do {                                                                           \
        if (!(condition)) {                                                        \
            failures++;                                                            \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);   \
        }                                                                          \
    } while (0)

/* Throws, catches, and yields inside the catch, where the exception is in the air. */
static tw_value catches(void *arg)
{
    int *number = static_cast<int *>(arg);

    for (int i = 0; i < 10; i++) {
        const std::string mine = std::to_string(*number * 100 + i);
        try {
            throw std::runtime_error(mine);
        } catch (const std::exception &error) {
            tw_yield(tw_none());
            EXPECT(error.what() == mine);
            try {
                throw;
            } catch (const std::runtime_error &again) {
                tw_yield(tw_none());
                EXPECT(again.what() == mine);
            }
        }
        EXPECT(!std::current_exception());
    }
    return tw_integer(*number);
}

static void test_exceptions_are_each_ones_own()
{
    enum { MANY = 5 };
    tw_coroutine *coroutines[MANY];
    int numbers[MANY], left = MANY;

    for (int i = 0; i < MANY; i++) {
        numbers[i] = i;
        coroutines[i] = tw_coroutine_new(catches, &numbers[i]);
        EXPECT(coroutines[i] != nullptr);
    }
    try {
        throw std::logic_error("of the thread");
    } catch (const std::logic_error &error) {
        for (int turn = 0; left > 0; turn++) {
            tw_value value;
            tw_coroutine *next = coroutines[turn % MANY];
            if (tw_coroutine_state(next) != TW_ENDED &&
                tw_coroutine_next(next, &value) == TW_RETURNED)
                left--;
        }
        EXPECT(std::string(error.what()) == "of the thread");
        EXPECT(std::current_exception() != nullptr);
    }
    for (int i = 0; i < MANY; i++)
        tw_coroutine_free(coroutines[i]);
}

/* The same across awaits, which park whatever resumed whom. */
static tw_value awaits_while_it_catches(void *arg)
{
    tw_deferred **slots = static_cast<tw_deferred **>(arg);

    try {
        throw std::runtime_error("mine");
    } catch (const std::exception &error) {
        for (int i = 0; i < 2; i++) {
            EXPECT(tw_integer_of(tw_await(tw_promise(&slots[i], nullptr, nullptr))) == i);
            EXPECT(std::string(error.what()) == "mine");
            EXPECT(std::current_exception() != nullptr);
        }
    }
    EXPECT(!std::current_exception());
    return tw_integer(7);
}

static void test_an_await_may_stand_in_a_catch()
{
    enum { MANY = 3 };
    tw_deferred *slots[MANY][2], *all[MANY];

    for (int i = 0; i < MANY; i++)
        all[i] = tw_inline_callbacks(awaits_while_it_catches, slots[i]);
    for (int turn = 0; turn < 2; turn++) {
        for (int i = MANY; i-- > 0;) {
            try {
                throw std::logic_error("of the thread");
            } catch (const std::logic_error &error) {
                tw_fire(&slots[i][turn], tw_integer(turn));
                EXPECT(std::string(error.what()) == "of the thread");
            }
            EXPECT(!std::current_exception());
        }
    }
    for (int i = 0; i < MANY; i++) {
        EXPECT(tw_integer_of(tw_deferred_result(all[i])) == 7);
        tw_deferred_unref(all[i]);
    }
}

/* A destructor that yields while the stack is unwound. */
struct yields_at_its_end {
    ~yields_at_its_end()
    {
        EXPECT(std::uncaught_exceptions() == 1);
        tw_yield(tw_none());
        EXPECT(std::uncaught_exceptions() == 1);
    }
};

static tw_value unwinds(void *)
{
    try {
        yields_at_its_end guard;
        throw 42;
    } catch (int number) {
        return tw_integer(number);
    }
}

static void test_unwinding_is_each_ones_own()
{
    tw_coroutine *coroutine = tw_coroutine_new(unwinds, nullptr);
    tw_value value;

    EXPECT(tw_coroutine_next(coroutine, &value) == TW_YIELDED);
    EXPECT(std::uncaught_exceptions() == 0);
    EXPECT(tw_coroutine_next(coroutine, &value) == TW_RETURNED);
    EXPECT(tw_integer_of(value) == 42);
    tw_coroutine_free(coroutine);
}

static tw_value throws_out(void *)
{
    throw std::runtime_error("too far");
}

/* It ends the program at the body's edge, although somebody outside would catch it. */
static void test_no_exception_crosses_a_switch()
{
    const struct rlimit no_core = { 0, 0 };
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        std::set_terminate([] { _exit(7); });
        try {
            tw_coroutine_next(tw_coroutine_new(throws_out, nullptr), nullptr);
        } catch (...) {
            _exit(1);
        }
        _exit(2);
    }
    EXPECT(waitpid(child, &status, 0) == child);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

int main()
{
    test_exceptions_are_each_ones_own();
    test_an_await_may_stand_in_a_catch();
    test_unwinding_is_each_ones_own();
    test_no_exception_crosses_a_switch();
    return failures > 0;
}
