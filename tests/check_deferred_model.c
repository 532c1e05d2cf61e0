/* SPDX-License-Identifier: MIT */
/*
 * check_deferred_model.c - random programs on Deferreds and on a model of them see the same.
 *
 * The model is Twisted's algorithm written down as simply as it can be: by recursion, with fixed
 * arrays, nothing collapsed, nothing counted. A program is a sequence of operations drawn from a
 * seed; its callbacks pass on, change, fail, wait for another Deferred, add, fire, pause. Both
 * sides write down what each callback sees.
 */
#include "config.h"

#include <stdarg.h>

#include "tests/random.h"
#include "tests/trace.h"

enum { DEFERREDS = 6, STEPS = 160, ENTRIES = 400, OPERATIONS = 60, PROGRAMS = 20000 };
enum { MISUSE = -1, CANCELLED = -2 };

/* --- what both sides share -------------------------------------------------------------- */

enum action { PASS, VALUE, FAIL, WAIT, ADD, FIRE, PAUSE, UNPAUSE, CANCEL, ACTIONS };

struct step {
    enum action action;
    int target; /* a Deferred */
    int number;
    int sides; /* 1: values, 2: failures, 3: both, 4: a pair with the step after it */
};

static struct step steps[STEPS];

static void draw_steps(void)
{
    static const enum action often[] = { PASS, VALUE, FAIL, WAIT, WAIT, WAIT };

    for (int i = 0; i < STEPS; i++) {
        steps[i].action = draw(3) > 0 ? often[draw(6)] : (enum action)draw(ACTIONS);
        steps[i].target = (int)draw(DEFERREDS);
        steps[i].number = (int)draw(100);
        steps[i].sides = 1 + (int)draw(4);
    }
}

struct side {
    char text[1 << 16];
    size_t length;
    int next_step;
};

static struct side real, model;

__attribute__((format(printf, 2, 3))) static void write_down(struct side *side,
                                                             const char *format, ...)
{
    va_list args;

    va_start(args, format);
    side->length += (size_t)vsnprintf(side->text + side->length,
                                      sizeof side->text - side->length, format, args);
    va_end(args);
    if (side->length >= sizeof side->text)
        ck_abort();
}

/* --- the model -------------------------------------------------------------------------- */

struct result {
    bool failed;
    int number;
};

struct entry {
    int step;   /* -1: a waiter */
    int waiter;
};

struct model {
    struct entry entries[ENTRIES];
    int next, count;
    struct result result;
    bool called, running, swallow;
    int pauses, waiting_on; /* -1: for nothing */
    bool slot, held;        /* may be fired; may be named */
};

static struct model models[DEFERREDS];

static void model_run(int d);

static void model_fire(int d, struct result result)
{
    struct model *m = &models[d];

    if (!m->slot)
        return;
    m->slot = false;
    if (m->called) {
        write_down(&model, "%d late %s\n", d, m->swallow ? "swallowed" : "twice");
        m->swallow = false;
        return;
    }
    m->called = true;
    m->result = result;
    model_run(d);
}

static void model_cancel(int d)
{
    while (models[d].waiting_on >= 0)
        d = models[d].waiting_on;
    if (models[d].called)
        return;
    models[d].swallow = true;
    models[d].called = true;
    models[d].result = (struct result){ true, CANCELLED };
    model_run(d);
}

static void model_add(int d)
{
    struct model *m = &models[d];
    int step = model.next_step;

    if (step + 1 >= STEPS)
        return;
    model.next_step += steps[step].sides == 4 ? 2 : 1;
    m->entries[m->count++] = (struct entry){ step, -1 };
    model_run(d);
}

static void model_unpause(int d)
{
    if (models[d].pauses == 0)
        return;
    models[d].pauses--;
    model_run(d);
}

static bool model_waits(int d, int for_whom)
{
    for (; d >= 0; d = models[d].waiting_on) {
        if (d == for_whom)
            return true;
    }
    return false;
}

/* The callback's outcome: a result, or a Deferred in *ret_deferred. */
static struct result model_call(int step, struct result seen, int *ret_deferred)
{
    const struct step *s = &steps[step];

    write_down(&model, "%d:%s%d\n", step, seen.failed ? "!" : "", seen.number);
    switch (s->action) {
    case VALUE:
        return (struct result){ false, s->number };
    case FAIL:
        return (struct result){ true, s->number };
    case WAIT:
        if (models[s->target].held)
            *ret_deferred = s->target;
        break;
    case ADD:
        if (models[s->target].held)
            model_add(s->target);
        break;
    case FIRE:
        model_fire(s->target, (struct result){ false, s->number });
        break;
    case PAUSE:
        if (models[s->target].held)
            models[s->target].pauses++;
        break;
    case UNPAUSE:
        if (models[s->target].held)
            model_unpause(s->target);
        break;
    case CANCEL:
        if (models[s->target].held)
            model_cancel(s->target);
        break;
    default:
        break;
    }
    return seen;
}

static void model_wait(int d, int inner)
{
    struct model *m = &models[d], *i = &models[inner];

    if (i->called && !i->running && i->waiting_on < 0 && i->pauses == 0) {
        m->result = i->result;
        i->result = (struct result){ false, 0 };
    } else if (model_waits(inner, d)) {
        m->result = (struct result){ true, MISUSE };
    } else {
        m->waiting_on = inner;
        m->result = (struct result){ false, 0 };
        i->entries[i->count++] = (struct entry){ -1, d };
    }
}

static void model_hand_over(int d, int waiter)
{
    struct model *m = &models[d];

    models[waiter].result = m->result;
    models[waiter].waiting_on = -1;
    m->result = (struct result){ false, 0 };
    if (m->next == m->count && m->pauses == 0)
        m->running = false; /* nothing left: what is added meanwhile runs at once */
    model_run(waiter);
}

static void model_run_entry(int d, struct entry entry)
{
    struct model *m = &models[d];
    int step = entry.step, inner = -1;

    if (steps[step].sides == 4) {
        if (m->result.failed)
            step++;
    } else if ((steps[step].sides & (m->result.failed ? 2 : 1)) == 0) {
        return;
    }
    m->result = model_call(step, m->result, &inner);
    if (inner >= 0)
        model_wait(d, inner);
}

static void model_run(int d)
{
    struct model *m = &models[d];

    if (!m->called || m->running || m->waiting_on >= 0)
        return;
    m->running = true;
    while (m->running && m->pauses == 0 && m->waiting_on < 0 && m->next < m->count) {
        struct entry entry = m->entries[m->next++];
        if (entry.step < 0)
            model_hand_over(d, entry.waiter);
        else
            model_run_entry(d, entry);
    }
    m->running = false;
}

/* --- the real ones ---------------------------------------------------------------------- */

static tw_deferred *slots[DEFERREDS], *held[DEFERREDS];

static int number_of(tw_value value)
{
    if (tw_failure_is(value, &tw_error_misuse))
        return MISUSE;
    if (tw_failure_is(value, &tw_error_cancelled))
        return CANCELLED;
    if (tw_is_failure(value))
        return atoi(tw_failure_message(value));
    return (int)tw_integer_of(value);
}

static tw_value call_step(tw_value seen, void *arg);

static void real_add(int d)
{
    struct step *step = &steps[real.next_step];

    if (real.next_step + 1 >= STEPS)
        return;
    real.next_step += step->sides == 4 ? 2 : 1;
    switch (step->sides) {
    case 1:
        tw_add_callback(held[d], call_step, step);
        break;
    case 2:
        tw_add_errback(held[d], call_step, step);
        break;
    case 3:
        tw_add_both(held[d], call_step, step);
        break;
    default:
        tw_add_callbacks(held[d], call_step, step, call_step, step + 1);
    }
}

static void real_fire(int d, tw_value result)
{
    bool called = tw_deferred_called(slots[d]);
    bool late = slots[d] != NULL && called;
    int r = tw_fire(&slots[d], result);

    if (late)
        write_down(&real, "%d late %s\n", d, r == 0 ? "swallowed" : "twice");
}

static tw_value call_step(tw_value seen, void *arg)
{
    const struct step *s = arg;
    int target = s->target;

    write_down(&real, "%d:%s%d\n", (int)(s - steps), tw_is_failure(seen) ? "!" : "",
               number_of(seen));
    switch (s->action) {
    case VALUE:
        return tw_integer(s->number);
    case FAIL:
        return tw_fail(&tw_error_system, "%d", s->number);
    case WAIT:
        return held[target] != NULL ? tw_wait(tw_deferred_ref(held[target])) : seen;
    case ADD:
        if (held[target] != NULL)
            real_add(target);
        break;
    case FIRE:
        real_fire(target, tw_integer(s->number));
        break;
    case PAUSE:
        tw_deferred_pause(held[target]);
        break;
    case UNPAUSE:
        tw_deferred_unpause(held[target]);
        break;
    case CANCEL:
        tw_cancel(held[target]);
        break;
    default:
        break;
    }
    return seen;
}

/* --- programs --------------------------------------------------------------------------- */

static void begin(void)
{
    real.length = model.length = 0;
    real.next_step = model.next_step = 0;
    memset(models, 0, sizeof models);
    for (int d = 0; d < DEFERREDS; d++) {
        held[d] = tw_promise(&slots[d], NULL, NULL);
        models[d].slot = models[d].held = true;
        models[d].waiting_on = -1;
    }
}

static void fire_both(int d, int number, bool fails)
{
    model_fire(d, (struct result){ fails, number });
    real_fire(d, fails ? tw_fail(&tw_error_system, "%d", number) : tw_integer(number));
}

static void operate(void)
{
    int d = (int)draw(DEFERREDS);

    switch (draw(12)) {
    case 0:
    case 1:
        fire_both(d, (int)draw(100), draw(3) == 0);
        break;
    case 2:
        if (models[d].held)
            model_cancel(d);
        tw_cancel(held[d]);
        break;
    case 3:
        if (models[d].held)
            models[d].pauses++;
        tw_deferred_pause(held[d]);
        break;
    case 4:
    case 5:
        if (models[d].held)
            model_unpause(d);
        tw_deferred_unpause(held[d]);
        break;
    case 6:
        if (models[d].held && models[d].pauses == 0 && draw(3) == 0) {
            models[d].held = false;
            tw_deferred_unref(held[d]);
            held[d] = NULL;
        }
        break;
    default:
        if (models[d].held) {
            model_add(d);
            real_add(d);
        }
    }
}

static bool same_state(int d)
{
    const struct model *m = &models[d];

    return held[d] == NULL ||
           (tw_deferred_called(held[d]) == m->called &&
            tw_deferred_paused(held[d]) == (unsigned)m->pauses &&
            (tw_deferred_waiting_on(held[d]) != NULL) == (m->waiting_on >= 0) &&
            number_of(tw_deferred_result(held[d])) == m->result.number);
}

static void check_state(void)
{
    bool same = strcmp(real.text, model.text) == 0;

    for (int d = 0; d < DEFERREDS; d++)
        same = same && same_state(d);
    if (!same)
        ck_abort_msg("real:\n%s\nmodel:\n%s", real.text, model.text);
}

static void end(void)
{
    for (int d = 0; d < DEFERREDS; d++)
        fire_both(d, 7, false);
    for (int d = 0; d < DEFERREDS; d++) {
        while (models[d].held && models[d].pauses > 0) {
            model_unpause(d);
            tw_deferred_unpause(held[d]);
        }
    }
}

static void let_go_of_all(void)
{
    for (int d = 0; d < DEFERREDS; d++) {
        tw_deferred *last = held[d];
        held[d] = NULL; /* what is left over may run now */
        tw_deferred_unref(last);
    }
}

static void ignore(tw_deferred *deferred, tw_value value, void *arg)
{
    (void)deferred;
    (void)value;
    (void)arg;
}

static size_t seen;

static void run_program(void)
{
    draw_steps();
    begin();
    real.text[0] = model.text[0] = '\0';
    for (int i = 0; i < OPERATIONS; i++) {
        operate();
        check_state();
    }
    end();
    check_state();
    seen += real.length;
    let_go_of_all();
    if (tw_deferred_count() != 0)
        ck_abort_msg("%zu are left", tw_deferred_count());
}

START_TEST(random_programs_agree_with_the_model)
{
    const struct tw_deferred_hooks hooks = { ignore, ignore, NULL };
    uint64_t count;

    tw_deferred_set_hooks(&hooks);
    count = random_programs(run_program, PROGRAMS);
    ck_assert(count < 100 || seen > count * 50);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("deferred model");

    TEST_ADD(suite, random_programs_agree_with_the_model);
    return test_run(suite);
}
