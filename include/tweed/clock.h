/* SPDX-License-Identifier: MIT */
/*
 * clock.h - time and timed calls, real or virtual.
 *
 * A clock tells a monotonic time and calls functions later. A reactor has one
 * (tw_reactor_clock()); a virtual one is for tests: it stands still until it is advanced.
 * After Twisted's IReactorTime and task.Clock.
 */
#ifndef TWEED_CLOCK_H
#define TWEED_CLOCK_H

#include <tweed/api.h>

TW_BEGIN

typedef struct tw_clock tw_clock;

/* Seconds since an arbitrary start; never goes back. */
TW_API double tw_clock_seconds(tw_clock *clock);

/*
 * Call fn(arg) once, `seconds` from now, never earlier; never inside this call. Equal times run in
 * the order of the calls that set them. `release` (may be NULL) is called with arg once, after fn
 * or at a cancel, and also when this fails.
 * Returns a positive number for the functions below, -EINVAL (`seconds` negative or not finite,
 * or no fn), -ENOMEM. Numbers are not reused.
 */
TW_API int64_t tw_clock_call_later(tw_clock *clock, double seconds, void (*fn)(void *arg),
                                   void *arg, tw_release_fn *release);
/* Each returns 0, -EALREADY (called already), -ECANCELED (cancelled already), -ENOENT (no such
 * number, or too long ago to tell), -EINVAL. */
TW_API int tw_clock_cancel(tw_clock *clock, int64_t call);
/* Make the call `seconds` from now instead. */
TW_API int tw_clock_reset(tw_clock *clock, int64_t call, double seconds);
/* Add `seconds` to the call's time; may be negative. */
TW_API int tw_clock_delay(tw_clock *clock, int64_t call, double seconds);

/* The clock of the calling thread's reactor; NULL when there is no memory to make one. */
TW_API tw_clock *tw_clock_current(void);

/* A clock that moves only when told; starts at 0. NULL when there is no memory. */
TW_API TW_MUST_USE tw_clock *tw_clock_virtual_new(void);
/* Move on by `seconds`, making every call that comes due, in order of time, those that are
 * added meanwhile included: a call that sets itself again for 0 seconds goes on for ever.
 * Inside each call the clock shows the time that the call was set for. Returns 0, -EINVAL. */
TW_API int tw_clock_advance(tw_clock *clock, double seconds);
/* The number of calls not yet made. */
TW_API size_t tw_clock_pending(tw_clock *clock);
/* Release a virtual clock and its pending calls; may be done inside one of its calls. Does
 * nothing to the reactor's clock. */
TW_API void tw_clock_free(tw_clock *clock);

TW_END
#endif
