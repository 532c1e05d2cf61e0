/* SPDX-License-Identifier: MIT */
/*
 * check_deferred_model.c - random programs on Deferreds and on a model of them see the same.
 *
 * The model is Twisted's algorithm (deferred_model.h). A program is a sequence of operations; its
 * callbacks pass on, change, fail, wait for another Deferred, add, fire, pause, cancel, set
 * timeouts. Some of the Deferreds are lists, gathers or races of others, also in circles: then a
 * child that waits for its list is told by a cancel of the list. Both sides write down what each
 * callback sees.
 */
#include "config.h"

#include <tweed/clock.h>
#include <tweed/deferred_list.h>

#include "tests/deferred_model.h"
#include "tests/trace.h"

/* --- the real ones ---------------------------------------------------------------------- */

static tw_deferred *slots[DEFERREDS], *held[DEFERREDS];
static tw_clock *clock_;

static int number_of(tw_value value);

static int number_of_list(tw_value value)
{
    int code = 7;

    for (size_t i = 0; i < tw_list_length(value); i++) {
        tw_value item = tw_list_at(value, i);
        code = code_more(code, (struct result){ tw_is_failure(item), number_of(item) });
    }
    return 2000 + code;
}

static int number_of_group(tw_value failure)
{
    tw_value all = tw_failure_value(failure);
    bool cancelled = true;

    for (size_t i = 0; i < tw_list_length(all); i++)
        cancelled = cancelled && tw_failure_is(tw_list_at(all, i), &tw_error_cancelled);
    return GROUP - cancelled;
}

static int number_of(tw_value value)
{
    if (tw_is(value, &tw_type_list))
        return number_of_list(value);
    if (tw_failure_is(value, &tw_error_group))
        return number_of_group(value);
    if (tw_failure_is(value, &tw_error_first))
        return FIRST - 2 * (int)tw_failure_number(value) -
               (number_of(tw_failure_cause(value)) == CANCELLED);
    if (tw_failure_is(value, &tw_error_timeout))
        return TIMED_OUT;
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
    case TIME_OUT:
        if (held[target] != NULL)
            tw_deferred_add_timeout(held[target], s->number % 3, clock_);
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
    real.text[0] = model.text[0] = '\0';
    real.next_step = model.next_step = 0;
    memset(models, 0, sizeof models);
    memset(lists, 0, sizeof lists);
    timeout_count = now = walk_count = 0;
    clock_ = test_given(tw_clock_virtual_new());
    for (int d = 0; d < DEFERREDS; d++) {
        held[d] = NULL;
        models[d].waiting_on = -1;
        if (d >= PLAIN)
            continue;
        held[d] = tw_promise(&slots[d], NULL, NULL);
        models[d].slot = models[d].held = true;
    }
}

static void fire_both(int d, int number, bool fails)
{
    model_fire(d, (struct result){ fails, number });
    real_fire(d, fails ? tw_fail(&tw_error_system, "%d", number) : tw_integer(number));
}

static void advance_both(int seconds)
{
    model_advance(seconds);
    tw_clock_advance(clock_, seconds);
}

static void time_out_both(int d, int seconds)
{
    if (!models[d].held)
        return;
    model_time_out(d, seconds);
    tw_deferred_add_timeout(held[d], seconds, clock_);
}

static tw_deferred *real_list(const struct list *list, tw_deferred *const *children)
{
    size_t count = (size_t)list->count;

    if (list->races)
        return tw_race(children, count);
    return tw_deferred_list(children, count,
                            (list->on_value ? TW_FIRE_ON_ONE_CALLBACK : 0) |
                                (list->on_failure ? TW_FIRE_ON_ONE_ERRBACK : 0) |
                                (list->consumes ? TW_CONSUME_ERRORS : 0) |
                                (list->cancels_rest ? TW_CANCEL_REST : 0));
}

static void make_list_both(int l)
{
    tw_deferred *children[CHILDREN];
    struct list list = { 0 };

    if (models[l].held)
        return;
    list.races = one_in(4);
    list.on_value = !list.races && one_in(4);
    list.on_failure = !list.races && one_in(2);
    list.consumes = list.races || one_in(2);
    list.cancels_rest = list.races || one_in(3);
    for (unsigned n = 1 + draw(CHILDREN); n > 0; n--) {
        int child = (int)draw((unsigned)l);
        if (!models[child].held)
            return;
        list.children[list.count++] = child;
    }
    list.left = list.count;
    for (int i = 0; i < list.count; i++)
        children[i] = tw_deferred_ref(held[list.children[i]]);
    model_make_list(l, &list);
    held[l] = real_list(&list, children);
}

static void cancel_both(int d)
{
    if (models[d].held)
        model_cancel(d);
    tw_cancel(held[d]);
}

static void unpause_both(int d)
{
    if (models[d].held)
        model_unpause(d);
    tw_deferred_unpause(held[d]);
}

static void pause_both(int d)
{
    if (models[d].held)
        models[d].pauses++;
    tw_deferred_pause(held[d]);
}

/* Not of a list, which may be in a circle, for a cancel to end. */
static void drop_one(int d)
{
    if (d >= PLAIN || !models[d].held || models[d].pauses > 0 || !one_in(3))
        return;
    models[d].held = false;
    tw_deferred_unref(held[d]);
    held[d] = NULL;
}

static void add_both(int d)
{
    if (!models[d].held)
        return;
    model_add(d);
    real_add(d);
}

static void operate(void)
{
    int d = (int)draw(DEFERREDS);

    switch (draw(15)) {
    case 0:
    case 1:
        fire_both(d, (int)draw(100), draw(3) == 0);
        break;
    case 2:
        cancel_both(d);
        break;
    case 3:
        pause_both(d);
        break;
    case 4:
    case 5:
        unpause_both(d);
        break;
    case 6:
        drop_one(d);
        break;
    case 7:
        time_out_both(d, (int)draw(3));
        break;
    case 8:
        advance_both((int)draw(2));
        break;
    case 9:
        make_list_both(PLAIN + (int)draw(DEFERREDS - PLAIN));
        break;
    default:
        add_both(d);
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

/* Each round may run callbacks that pause again. */
static void end(void)
{
    for (int round = 0; round < 20; round++) {
        for (int d = 0; d < DEFERREDS; d++) {
            fire_both(d, 7, false);
            while (models[d].held && models[d].pauses > 0)
                unpause_both(d);
            cancel_both(d);
        }
        advance_both(3);
    }
}

static void let_go_of_all(void)
{
    for (int d = 0; d < DEFERREDS; d++) {
        tw_deferred *last = held[d];
        held[d] = NULL; /* what is left over may run now */
        tw_deferred_unref(last);
    }
    tw_clock_free(clock_);
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
