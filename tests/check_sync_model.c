/* SPDX-License-Identifier: MIT */
/*
 * check_sync_model.c - random programs on semaphores and conditions agree with models.
 */
#include "config.h"

#include "tests/sync_model.h"

/* --- semaphore -------------------------------------------------------------------------- */

static tw_semaphore *semaphore;
static int tokens, limit;
static struct line acquires;

static void semaphore_make(void)
{
    limit = tokens = 1 + (int)draw(3);
    acquires.count = 0;
    semaphore = test_given(tw_semaphore_new((size_t)limit));
}

static void semaphore_real_step(const struct step *step)
{
    int id;

    if (step->op < 5) {
        if ((id = next_id(&real)) >= 0)
            real_wait(id, tw_semaphore_acquire(semaphore));
    } else if (step->op < 8) {
        write_down(&real, "r%d ", tw_semaphore_release(semaphore) == 0);
    } else if (step->op < 9) {
        write_down(&real, "t%d ", tw_semaphore_try(semaphore) == 0);
    } else if (step->op < 10) {
        tw_deferred_unref(tw_semaphore_acquire(semaphore)); /* and nobody sees it */
    } else {
        tw_cancel(held[recent(&real, step)]);
    }
}

static void semaphore_model_step(const struct step *step)
{
    int id;

    if (step->op < 5) {
        if ((id = next_id(&model)) < 0)
            return;
        model_new(id);
        if (tokens > 0) {
            tokens--;
            model_saw(id, NONE);
        } else {
            line_add(&acquires, id);
        }
    } else if (step->op < 8) {
        bool may = tokens < limit;
        if (may && (id = line_take(&acquires)) >= 0)
            model_saw(id, NONE);
        else if (may)
            tokens++;
        write_down(&model, "r%d ", may);
    } else if (step->op < 10) {
        if (step->op == 8)
            write_down(&model, "t%d ", tokens > 0);
        tokens -= tokens > 0;
    } else if (waits[recent(&model, step)].waiting) {
        model_saw(recent(&model, step), CANCELLED);
    }
}

static void semaphore_real_free(void)
{
    tw_semaphore_free(semaphore);
}

static void semaphore_model_free(void)
{
    serve_all(&acquires, ABANDONED);
}

/* --- condition -------------------------------------------------------------------------- */

static tw_lock *lock;
static tw_condition *condition;
static bool locked;
static struct line lock_line, condition_line;

static void condition_make(void)
{
    locked = false;
    lock_line.count = condition_line.count = 0;
    lock = test_given(tw_lock_new());
    condition = test_given(tw_condition_new(lock));
}

/* 0 to 2 acquire; 3, 4 wait, and 5 does both */
static void condition_real_step(const struct step *step)
{
    int id = step->op < 6 ? next_id(&real) : 0;

    if (id < 0)
        return;
    if (step->op == 5)
        tw_lock_try(lock);
    if (step->op < 3)
        real_wait(id, tw_lock_acquire(lock));
    else if (step->op < 6)
        real_wait(id, tw_condition_wait(condition));
    else if (step->op < 8)
        write_down(&real, "r%d ", tw_lock_release(lock) == 0);
    else if (step->op < 9)
        write_down(&real, "n%d ", tw_condition_notify(condition, 1 + step->bits % 2) == 0);
    else if (step->op < 10)
        write_down(&real, "a%d ", tw_condition_notify_all(condition) == 0);
    else
        tw_cancel(held[recent(&real, step)]);
}

static void model_hand_over(void)
{
    int id = line_take(&lock_line);

    locked = id >= 0;
    if (id >= 0)
        model_saw(id, waits[id].cancelling ? CANCELLED : NONE);
}

static bool model_notify(int count, bool one)
{
    int id;

    while (count-- > 0 && (id = line_take(&condition_line)) >= 0) {
        waits[id].notified = one;
        line_add(&lock_line, id);
    }
    return locked;
}

static bool line_has(const struct line *line, int id)
{
    for (int i = 0; i < line->count; i++)
        if (line->ids[i] == id)
            return true;
    return false;
}

static void line_remove(struct line *line, int id)
{
    for (int i = line->count - 1; i >= 0; i--)
        if (line->ids[i] == id)
            memmove(&line->ids[i], &line->ids[i + 1],
                    (size_t)(--line->count - i) * sizeof line->ids[0]);
}

static void model_cancel_wait(int id)
{
    struct wait *wait = &waits[id];

    if (!wait->for_condition) {
        model_saw(id, CANCELLED);
        return;
    }
    wait->cancelling = true;
    if (line_has(&condition_line, id)) {
        line_remove(&condition_line, id);
        if (locked) {
            line_add(&lock_line, id);
        } else {
            locked = true;
            model_saw(id, CANCELLED);
        }
    } else if (wait->notified) {
        wait->notified = false;
        model_notify(1, true);
    }
}

static void model_condition_wait(int id)
{
    waits[id].for_condition = true;
    if (!locked) {
        model_saw(id, MISUSE);
        return;
    }
    line_add(&condition_line, id);
    waits[id].beginning = true;
    model_hand_over();
    waits[id].beginning = false;
    if (waits[id].has_begun)
        model_saw(id, waits[id].value);
}

static void condition_model_step(const struct step *step)
{
    int id = step->op < 6 ? next_id(&model) : 0;
    bool was = locked;

    if (id < 0)
        return;
    if (step->op < 6)
        model_new(id);
    locked = locked || step->op == 5;
    if (step->op < 3 && locked) {
        line_add(&lock_line, id);
    } else if (step->op < 3) {
        locked = true;
        model_saw(id, NONE);
    } else if (step->op < 6) {
        model_condition_wait(id);
    } else if (step->op < 8) {
        if (was)
            model_hand_over();
        write_down(&model, "r%d ", was);
    } else if (step->op < 10) {
        bool one = step->op < 9;
        if (was)
            model_notify(one ? 1 + (int)(step->bits % 2) : WAITS, one);
        write_down(&model, "%c%d ", one ? 'n' : 'a', was);
    } else if (waits[recent(&model, step)].waiting && !waits[recent(&model, step)].beginning) {
        model_cancel_wait(recent(&model, step));
    }
}

static void condition_real_free(void)
{
    tw_lock_free(lock);
    tw_condition_free(condition);
}

static void condition_model_free(void)
{
    serve_all(&lock_line, ABANDONED);
    serve_all(&condition_line, ABANDONED);
}

static const struct kind kinds[] = {
    { semaphore_make, semaphore_real_step, semaphore_model_step, semaphore_real_free,
      semaphore_model_free },
    { condition_make, condition_real_step, condition_model_step, condition_real_free,
      condition_model_free },
};

START_TEST(random_programs_agree_with_the_model)
{
    run_programs(&kinds[_i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sync model");

    TEST_ADD_ROWS(suite, random_programs_agree_with_the_model, kinds);
    return test_run(suite);
}
