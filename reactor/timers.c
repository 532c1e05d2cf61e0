/* SPDX-License-Identifier: MIT */
/*
 * timers.c - the reactor's clock: timed calls on the wheel.
 */
#include "config.h"

#include <errno.h>
#include <math.h>

#include "base/hooks.h"
#include "reactor/loop.h"

/* About 146 years; two of them can be added. */
#define FOREVER (INT64_MAX / 2)

static int64_t timer_later(int64_t at, int64_t ns)
{
    return at > FOREVER - ns ? FOREVER : at + ns;
}

/* --- what time it is --------------------------------------------------------------------- */

/*
 * The turn's time is read once, but a call set late in a turn must not come early. Whether the
 * time has grown old is told by the processor's counter, at a third of the price of a clock:
 * within FEW_CYCLES of the reading it is at most LAG_NS old, and that much is added.
 */
enum { LAG_NS = 1 << 14 }; /* a tick of the wheel */

#if defined(__x86_64__)
#include <cpuid.h>

static inline uint64_t cycles_read(void)
{
    return __builtin_ia32_rdtsc();
}

/* LAG_NS at half a gigahertz; none of a counter that changes its pace or stands still. */
uint64_t twi_few_cycles(void)
{
    const unsigned invariant = 1u << 8;
    unsigned a, b, c, d;

    return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & invariant) != 0 ? LAG_NS / 2
                                                                                : 0;
}
#elif defined(__aarch64__)
static inline uint64_t cycles_read(void)
{
    uint64_t cycles;

    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(cycles));
    return cycles;
}

uint64_t twi_few_cycles(void)
{
    uint64_t frequency;

    __asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
    return frequency / (TWI_SECOND / LAG_NS) / 2;
}
#else
static inline uint64_t cycles_read(void)
{
    return 0;
}

uint64_t twi_few_cycles(void)
{
    return 0;
}
#endif

static int64_t read_clock(struct twi_loop *loop)
{
    loop->stale = false;
    loop->cycles = cycles_read();
    return loop->now = twi_monotonic_ns();
}

/* True after a callback that took long, or before a program has begun to run. */
static inline bool loop_is_old(const struct twi_loop *loop)
{
    return loop->stale || cycles_read() - loop->cycles >= loop->few_cycles;
}

/* Now, but for a few cycles. */
static inline int64_t fresh_time(struct twi_loop *loop)
{
    return !loop->virtual_time && loop_is_old(loop) ? read_clock(loop) : loop->now;
}

/* The time of this turn, or of now. */
int64_t twi_loop_time(struct twi_loop *loop)
{
    return loop->turning && !loop->stale ? loop->now : fresh_time(loop);
}

int64_t twi_loop_now(void)
{
    struct twi_loop *loop = twi_loop_get();
    return loop != NULL ? twi_loop_time(loop) : twi_monotonic_ns();
}

/* The time from which delays count: not before now, and never before the last one returned. */
static inline int64_t loop_asked_time(struct twi_loop *loop)
{
    int64_t before = loop->now + LAG_NS, now;

    if (loop->virtual_time)
        return loop->now;
    if (__builtin_expect(!loop_is_old(loop), 1))
        return before;
    now = read_clock(loop);
    return now > before ? now : before;
}

/* "At once" means the next turn, however soon that comes. */
static inline int64_t loop_time_after(struct twi_loop *loop, int64_t ns)
{
    return ns == 0 ? fresh_time(loop) : timer_later(loop_asked_time(loop), ns);
}

static inline int to_ns(double seconds, int64_t *ret_ns)
{
    if (__builtin_expect(seconds >= 0 && seconds < 1e9, 1)) {
        *ret_ns = (int64_t)(seconds * 1e9 + 0.5);
        return 0;
    }
    return twi_seconds_to_ns(seconds, ret_ns);
}

/* --- calls ------------------------------------------------------------------------------- */

static inline int64_t call_at(struct twi_loop *loop, int64_t at, void (*fn)(void *arg),
                              void *arg, tw_release_fn *release)
{
    struct twi_timer *timer = twi_wheel_add(&loop->wheel, at);

    if (__builtin_expect(timer == NULL, 0)) {
        if (release != NULL)
            release(arg);
        return -ENOMEM;
    }
    timer->fn = fn;
    timer->arg = arg;
    timer->release = release;
    return twi_wheel_number(&loop->wheel, timer);
}

__attribute__((noinline)) static void cancel_and_release(struct twi_loop *loop,
                                                         struct twi_timer *timer)
{
    tw_release_fn *release = timer->release;
    void *arg = timer->arg;

    twi_wheel_remove(&loop->wheel, timer, TWI_TIMER_CANCELLED);
    release(arg);
}

static int timer_cancel(struct twi_loop *loop, int64_t call)
{
    struct twi_timer *timer;
    int r = twi_wheel_find(&loop->wheel, call, &timer);

    if (r < 0)
        return r;
    if (timer->release != NULL)
        cancel_and_release(loop, timer);
    else
        twi_wheel_remove(&loop->wheel, timer, TWI_TIMER_CANCELLED);
    return 0;
}

static int timer_move(struct twi_loop *loop, int64_t call, int64_t at)
{
    struct twi_timer *timer;
    int r = twi_wheel_find(&loop->wheel, call, &timer);

    if (r == 0)
        twi_wheel_move(&loop->wheel, timer, at);
    return r;
}

static void call_due(struct twi_loop *loop)
{
    struct twi_wheel *wheel = &loop->wheel;

    while (!twi_list_empty(&wheel->due)) {
        struct twi_timer *timer = TWI_CONTAINER(wheel->due.next, struct twi_timer, node);
        void (*fn)(void *arg) = timer->fn;
        tw_release_fn *release = timer->release;
        void *arg = timer->arg;

        twi_wheel_remove(wheel, timer, TWI_TIMER_CALLED);
        fn(arg);
        TWI_SLOW_END(&loop->slow, "timed call", fn);
        if (release != NULL)
            release(arg);
    }
}

/* Timed calls added by the calls are for the next turn. */
bool twi_timers_run(struct twi_loop *loop)
{
    struct twi_wheel *wheel = &loop->wheel;
    uint64_t before = wheel->next_order;
    bool any = false;
    int64_t now;

    if (wheel->pending == 0)
        return false;
    now = twi_loop_time(loop);
    while (twi_wheel_collect(wheel, now, before)) {
        any = true;
        call_due(loop);
    }
    return any;
}

void twi_timers_release(struct twi_loop *loop)
{
    struct twi_timer *timer;

    while ((timer = twi_wheel_any(&loop->wheel)) != NULL)
        timer_cancel(loop, twi_wheel_number(&loop->wheel, timer));
}

/* --- the public face --------------------------------------------------------------------- */

tw_clock *tw_reactor_clock(void)
{
    struct twi_loop *loop = twi_loop_get();
    return loop != NULL ? &loop->clock : NULL;
}

tw_clock *tw_clock_current(void)
{
    return tw_reactor_clock();
}

static TWI_AT_START void register_clock(void)
{
    TWI_HOOK_SET(twi_hook_clock, tw_reactor_clock);
}

int64_t tw_call_later_with(double seconds, void (*fn)(void *arg), void *arg,
                           tw_release_fn *release)
{
    struct twi_loop *loop = twi_loop_get();
    int64_t ns;
    int r = loop != NULL ? to_ns(seconds, &ns) : -ENOMEM;

    if (__builtin_expect(fn == NULL, 0))
        r = -EINVAL;
    if (__builtin_expect(r < 0, 0)) {
        if (release != NULL)
            release(arg);
        return r;
    }
    return call_at(loop, loop_time_after(loop, ns), fn, arg, release);
}

int64_t tw_call_later(double seconds, void (*fn)(void *arg), void *arg)
{
    return tw_call_later_with(seconds, fn, arg, NULL);
}

int tw_call_cancel(int64_t call)
{
    struct twi_loop *loop = twi_loop_here;
    return loop != NULL ? timer_cancel(loop, call) : -ENOENT;
}

int tw_call_reset(int64_t call, double seconds)
{
    struct twi_loop *loop = twi_loop_here;
    int64_t ns;
    int r = to_ns(seconds, &ns);

    if (r < 0)
        return r;
    return loop != NULL ? timer_move(loop, call, loop_time_after(loop, ns)) : -ENOENT;
}

int tw_call_delay(int64_t call, double seconds)
{
    struct twi_loop *loop = twi_loop_here;
    return loop != NULL ? tw_clock_delay(&loop->clock, call, seconds) : -ENOENT;
}

bool tw_call_active(int64_t call)
{
    struct twi_loop *loop = twi_loop_here;
    struct twi_timer *timer;
    return loop != NULL && twi_wheel_find(&loop->wheel, call, &timer) == 0;
}

/* --- as a clock -------------------------------------------------------------------------- */

static struct twi_loop *loop_of(tw_clock *clock)
{
    struct twi_loop *loop = (struct twi_loop *)(void *)clock;
    TWI_CHECK_THREAD(loop, "the reactor's clock");
    return loop;
}

static int64_t clock_now(tw_clock *clock)
{
    return fresh_time(loop_of(clock));
}

static int64_t clock_asked(tw_clock *clock)
{
    return loop_asked_time(loop_of(clock));
}

static int64_t clock_call_at(tw_clock *clock, int64_t at, void (*fn)(void *arg), void *arg,
                             tw_release_fn *release)
{
    return call_at(loop_of(clock), at, fn, arg, release);
}

static int clock_cancel(tw_clock *clock, int64_t call)
{
    return timer_cancel(loop_of(clock), call);
}

static int clock_move(tw_clock *clock, int64_t call, int64_t at)
{
    return timer_move(loop_of(clock), call, at);
}

static int clock_when(tw_clock *clock, int64_t call, int64_t *ret_at)
{
    struct twi_timer *timer;
    int r = twi_wheel_find(&loop_of(clock)->wheel, call, &timer);

    if (r == 0)
        *ret_at = timer->due;
    return r;
}

/* Virtual time only: run turns until it has passed and nothing is left to be done. */
static int clock_advance(tw_clock *clock, int64_t by)
{
    struct twi_loop *loop = loop_of(clock);
    int64_t target = timer_later(loop->now, by);

    if (!loop->virtual_time || loop->turning)
        return -EINVAL;
    do
        twi_loop_turn(loop, target, false);
    while (!loop->idle || loop->now < target || loop->wheel.bound <= loop->now);
    return 0;
}

static bool clock_stands_still(const tw_clock *clock)
{
    return ((const struct twi_loop *)(const void *)clock)->virtual_time;
}

static size_t clock_pending(tw_clock *clock)
{
    return loop_of(clock)->wheel.pending;
}

const struct twi_clock_ops twi_timer_ops = {
    .now = clock_now,
    .asked = clock_asked,
    .call_at = clock_call_at,
    .cancel = clock_cancel,
    .move = clock_move,
    .when = clock_when,
    .advance = clock_advance,
    .stands_still = clock_stands_still,
    .pending = clock_pending,
};
