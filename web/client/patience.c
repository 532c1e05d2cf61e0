/* SPDX-License-Identifier: MIT */
/*
 * patience.c - limits of time of one request.
 */
#include "config.h"

#include "base/list.h"
#include "reactor/face.h"
#include "web/client/patience.h"

static int64_t time_after(double seconds)
{
    int64_t ns;

    if (seconds <= 0 || twi_seconds_to_ns(seconds, &ns) < 0)
        return INT64_MAX;
    return __builtin_add_overflow(ns, twi_loop_now(), &ns) ? INT64_MAX : ns;
}

static int deadline_keep(struct twi_patience *patience)
{
    int64_t at = patience->total_at < patience->phase_at ? patience->total_at
                                                         : patience->phase_at;

    if (at == INT64_MAX ||
        (twi_heap_has(&patience->deadline.node) && patience->deadline.node.key <= at))
        return 0;
    return twi_deadline_set(patience->deadlines, &patience->deadline, at);
}

static void deadline_passed(struct twi_deadline *deadline)
{
    struct twi_patience *patience = TWI_CONTAINER(deadline, struct twi_patience, deadline);
    int64_t now = twi_loop_now();

    if (now >= patience->total_at)
        patience->over(patience, TWI_OVER_TOTAL);
    else if (now >= patience->phase_at)
        patience->over(patience, TWI_OVER_PHASE);
    else if (deadline_keep(patience) < 0)
        patience->over(patience, TWI_OVER_MEMORY);
}

int twi_patience_begin(struct twi_patience *patience, struct twi_deadlines *deadlines,
                       double total,
                       void (*over)(struct twi_patience *patience,
                                    enum twi_patience_over over))
{
    patience->deadlines = deadlines;
    patience->deadline.passed = deadline_passed;
    patience->over = over;
    patience->total_at = time_after(total);
    patience->phase_at = INT64_MAX;
    return deadline_keep(patience);
}

int twi_patience_enter(struct twi_patience *patience, enum twi_phase phase, double seconds)
{
    patience->phase = phase;
    patience->phase_at = time_after(seconds);
    return deadline_keep(patience);
}

void twi_patience_rest(struct twi_patience *patience)
{
    patience->phase = TWI_PHASE_NONE;
    patience->phase_at = INT64_MAX;
}

void twi_patience_end(struct twi_patience *patience)
{
    if (patience->deadlines != NULL)
        twi_deadline_clear(patience->deadlines, &patience->deadline);
}
