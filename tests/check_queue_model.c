/* SPDX-License-Identifier: MIT */
/*
 * check_queue_model.c - random programs on queues, channels and selects agree with models.
 *
 * Which of several ready cases a select took is its own affair: the model checks that it was ready,
 * and follows.
 */
#include "config.h"

#include "tests/sync_model.h"

enum { CHANNELS = 2, CASES = 3 };

/* --- queue ------------------------------------------------------------------------------ */

static tw_queue *queue;
static enum tw_queue_order order;
static struct {
    int value, priority;
} items[WAITS * 4];
static int length, size, unfinished;
static bool closed;
static struct line gets_line, puts_line, joins_line;

static void queue_make(void)
{
    order = (enum tw_queue_order)draw(3);
    size = (int)draw(4);
    length = unfinished = 0;
    closed = false;
    gets_line.count = puts_line.count = joins_line.count = 0;
    queue = test_given(tw_queue_new_ordered(order, (size_t)size, TW_UNLIMITED));
}

static void queue_real_step(const struct step *step)
{
    bool creates = step->op < 6 || step->op == 8;
    int id = creates ? next_id(&real) : 0;
    tw_value value;

    if (id < 0)
        return;
    switch (step->op) {
    case 0:
    case 1:
    case 2:
        real_wait(id, tw_queue_get(queue));
        break;
    case 3:
    case 4:
    case 5:
        real_wait(id,
                  tw_queue_put_wait_priority(queue, step->priority, tw_integer(step->number)));
        break;
    case 6:
        write_down(&real, "p%d ",
                   tw_queue_put_priority(queue, step->priority, tw_integer(step->number)) ==
                       0);
        break;
    case 7:
        write_down(&real, "d%d ", tw_queue_task_done(queue) == 0);
        break;
    case 8:
        real_wait(id, tw_queue_join(queue));
        break;
    case 9:
        if (step->number < 50)
            tw_deferred_unref(tw_queue_get(queue)); /* and nobody sees it */
        else if (tw_queue_try_get(queue, &value) == 0)
            write_down(&real, "g%d ", seen_number(value));
        break;
    case 10:
        tw_cancel(held[recent(&real, step)]);
        break;
    default:
        if (step->number < 5)
            write_down(&real, "c%d ", tw_queue_close(queue, step->number < 3) == 0);
    }
}

static bool line_empty(const struct line *line)
{
    for (int i = 0; i < line->count; i++)
        if (waits[line->ids[i]].waiting)
            return false;
    return true;
}

static void item_add(int value, int priority)
{
    items[length].value = value;
    items[length++].priority = priority;
}

/* There is one, or a put waits. *ret_put: to be told last, or -1. */
static int model_take(int *ret_put)
{
    int put = line_take(&puts_line), at = 0, value;

    *ret_put = put;
    if (length == 0) {
        unfinished++;
        return waits[put].value;
    }
    if (order == TW_LIFO)
        at = length - 1;
    for (int i = 1; i < length && order == TW_PRIORITY; i++)
        if (items[i].priority < items[at].priority)
            at = i;
    value = items[at].value;
    memmove(&items[at], &items[at + 1], (size_t)(--length - at) * sizeof items[0]);
    if (put >= 0) {
        item_add(waits[put].value, waits[put].priority);
        unfinished++;
    }
    return value;
}

static bool model_put(int value, int priority)
{
    int get;

    if (closed || (line_empty(&gets_line) && length >= size))
        return false;
    unfinished++;
    if ((get = line_take(&gets_line)) >= 0)
        model_saw(get, value);
    else
        item_add(value, priority);
    return true;
}

static void model_get(int id)
{
    int put, value;

    if (length > 0 || !line_empty(&puts_line)) {
        value = model_take(&put);
        if (put >= 0)
            model_saw(put, NONE);
        model_saw(id, value);
    } else if (closed) {
        model_saw(id, CLOSED);
    } else {
        line_add(&gets_line, id);
    }
}

static void model_put_wait(int id, const struct step *step)
{
    waits[id].value = step->number;
    waits[id].priority = step->priority;
    if (closed) {
        model_saw(id, CLOSED);
    } else if (length < size || !line_empty(&gets_line)) {
        model_put(step->number, step->priority);
        model_saw(id, NONE);
    } else {
        line_add(&puts_line, id);
    }
}

static void model_close(bool discard)
{
    struct line no_joins = { .count = 0 }, ending_gets = gets_line;
    struct line ending_puts = puts_line;
    struct line ending_joins;

    closed = true;
    if (discard) {
        unfinished -= length;
        length = 0;
    }
    gets_line.count = puts_line.count = 0;
    ending_joins = unfinished == 0 ? joins_line : no_joins;
    if (unfinished == 0)
        joins_line.count = 0;
    serve_all(&ending_gets, CLOSED);
    serve_all(&ending_puts, CLOSED);
    serve_all(&ending_joins, NONE);
}

static void model_done(void)
{
    bool may = unfinished > length;

    if (may && --unfinished == 0)
        serve_all(&joins_line, NONE);
    write_down(&model, "d%d ", may);
}

/* Nobody waits by it. */
static void model_get_unseen(bool unseen)
{
    int put, value;

    if (length == 0 && line_empty(&puts_line))
        return;
    value = model_take(&put);
    if (put >= 0)
        model_saw(put, NONE);
    if (!unseen)
        write_down(&model, "g%d ", value);
}

static void queue_model_step(const struct step *step)
{
    bool creates = step->op < 6 || step->op == 8, was;
    int id = creates ? next_id(&model) : 0;

    if (id < 0)
        return;
    if (creates)
        model_new(id);
    if (step->op < 3) {
        model_get(id);
    } else if (step->op < 6) {
        model_put_wait(id, step);
    } else if (step->op == 6) {
        was = model_put(step->number, step->priority);
        write_down(&model, "p%d ", was);
    } else if (step->op == 7) {
        model_done();
    } else if (step->op == 8 && unfinished > 0) {
        line_add(&joins_line, id);
    } else if (step->op == 8) {
        model_saw(id, NONE);
    } else if (step->op == 9) {
        model_get_unseen(step->number < 50);
    } else if (step->op == 10 && waits[recent(&model, step)].waiting) {
        model_saw(recent(&model, step), CANCELLED);
    } else if (step->op == 11 && step->number < 5) {
        was = closed;
        model_close(step->number < 3);
        write_down(&model, "c%d ", !was);
    }
}

static void queue_real_free(void)
{
    tw_queue_free(queue);
}

static void queue_model_free(void)
{
    serve_all(&gets_line, ABANDONED);
    serve_all(&puts_line, ABANDONED);
    serve_all(&joins_line, ABANDONED);
}

/* --- channels --------------------------------------------------------------------------- */

static tw_channel *channels[CHANNELS];
static struct {
    int values[WAITS * 2], count, capacity;
    bool closed;
    struct line receives, sends; /* in a line, a select is (its case + 1) * WAITS more */
} channel_models[CHANNELS];

static void channels_make(void)
{
    memset(channel_models, 0, sizeof channel_models);
    for (int i = 0; i < CHANNELS; i++) {
        channel_models[i].capacity = (int)draw(3);
        channels[i] = test_given(tw_channel_new((size_t)channel_models[i].capacity));
    }
}

static int case_channel(const struct step *step, int index)
{
    return (int)(step->bits >> (2 * index) & 1);
}

static bool case_sends(const struct step *step, int index)
{
    return (step->bits >> (2 * index) & 2) != 0;
}

static void channels_real_step(const struct step *step)
{
    int id = step->op < 10 ? next_id(&real) : 0, c = (int)step->bits & 1;

    if (id < 0)
        return;
    if (step->op < 2) {
        real_wait(id, tw_channel_send(channels[c], tw_integer(step->number)));
    } else if (step->op < 4) {
        real_wait(id, tw_channel_receive(channels[c]));
    } else if (step->op < 10) {
        struct tw_select_case cases[CASES];
        for (int i = 0; i < CASES; i++) {
            cases[i] = tw_case_receive(channels[case_channel(step, i)]);
            cases[i].sends = case_sends(step, i);
            cases[i].value = tw_integer(step->number + i);
        }
        real_wait(id, tw_select_at(TW_HERE, cases, CASES, step->op < 9));
    } else if (step->op < 11) {
        tw_cancel(held[recent(&real, step)]);
    } else if (step->number < 5) {
        write_down(&real, "c%d ", tw_channel_close(channels[c]) == 0);
    }
}

/* The first in a channel's line that still waits, taken out, with its case; -1: none. */
static int channel_line_take(struct line *line, int *ret_case)
{
    while (line->count > 0) {
        int id = line->ids[0] % WAITS;
        *ret_case = line->ids[0] / WAITS - 1;
        memmove(line->ids, line->ids + 1, (size_t)--line->count * sizeof line->ids[0]);
        if (waits[id].waiting)
            return id;
    }
    return -1;
}

static bool channel_line_empty(const struct line *line)
{
    for (int i = 0; i < line->count; i++)
        if (waits[line->ids[i] % WAITS].waiting)
            return false;
    return true;
}

static void channel_saw(int id, int which, int value)
{
    if (which < 0) {
        model_saw(id, value);
        return;
    }
    waits[id].waiting = false;
    write_down(&model, "%d:%d:%d ", id, which, value);
    if (has_own_step[id] && !quiet)
        kind->model_step(&own_steps[id]);
}

static bool model_ready(int c, bool sends)
{
    if (channel_models[c].closed)
        return true;
    if (sends)
        return channel_models[c].count < channel_models[c].capacity ||
               !channel_line_empty(&channel_models[c].receives);
    return channel_models[c].count > 0 || !channel_line_empty(&channel_models[c].sends);
}

/* It is ready: what the one who sends sees. */
static int model_send(int c, int value)
{
    int which, id;

    if (channel_models[c].closed)
        return CLOSED;
    id = channel_line_take(&channel_models[c].receives, &which);
    if (id >= 0)
        channel_saw(id, which, value);
    else
        channel_models[c].values[channel_models[c].count++] = value;
    return NONE;
}

static int sent_value(int id, int which)
{
    return waits[id].step.number + (which >= 0 ? which : 0);
}

/* It is ready: what the one who receives sees. */
static int model_receive(int c)
{
    int which = -1, id, value = CLOSED;

    id = channel_line_take(&channel_models[c].sends, &which);
    if (channel_models[c].count > 0) {
        value = channel_models[c].values[0];
        memmove(channel_models[c].values, channel_models[c].values + 1,
                (size_t)--channel_models[c].count * sizeof value);
        if (id >= 0)
            channel_models[c].values[channel_models[c].count++] = sent_value(id, which);
    } else if (id >= 0) {
        value = sent_value(id, which);
    }
    if (id >= 0)
        channel_saw(id, which, NONE);
    return value;
}

static void model_stand(int id, int c, bool sends, int which)
{
    line_add(sends ? &channel_models[c].sends : &channel_models[c].receives,
             (which + 1) * WAITS + id);
}

static void model_one(int id, int c, bool sends, int which)
{
    if (!model_ready(c, sends))
        model_stand(id, c, sends, which);
    else if (sends)
        channel_saw(id, which, model_send(c, sent_value(id, which)));
    else
        channel_saw(id, which, model_receive(c));
}

static void model_select(int id, const struct step *step)
{
    bool ready = false;

    for (int i = 0; i < CASES; i++)
        ready = ready || model_ready(case_channel(step, i), case_sends(step, i));
    if (ready) {
        int i = chosen[id];
        ck_assert_msg(i >= 0 && model_ready(case_channel(step, i), case_sends(step, i)),
                      "%d took %d, which was not ready", id, i);
        model_one(id, case_channel(step, i), case_sends(step, i), i);
    } else if (step->op == 9) {
        model_saw(id, NONE);
    } else {
        for (int i = 0; i < CASES; i++)
            model_stand(id, case_channel(step, i), case_sends(step, i), i);
    }
}

static void model_end_channel(int c, int value)
{
    struct line ending[2] = { channel_models[c].receives, channel_models[c].sends };
    int which, id;

    channel_models[c].closed = true;
    channel_models[c].receives.count = channel_models[c].sends.count = 0;
    for (int i = 0; i < 2; i++)
        while ((id = channel_line_take(&ending[i], &which)) >= 0)
            channel_saw(id, which, value);
}

static void channels_model_step(const struct step *step)
{
    int id = step->op < 10 ? next_id(&model) : 0, c = (int)step->bits & 1;
    bool was;

    if (id < 0)
        return;
    if (step->op < 10) {
        model_new(id);
        waits[id].step = *step;
    }
    if (step->op < 4) {
        model_one(id, c, step->op < 2, -1);
    } else if (step->op < 10) {
        model_select(id, step);
    } else if (step->op < 11) {
        if (waits[recent(&model, step)].waiting)
            model_saw(recent(&model, step), CANCELLED);
    } else if (step->number < 5) {
        was = channel_models[c].closed;
        model_end_channel(c, CLOSED);
        write_down(&model, "c%d ", !was);
    }
}

static void channels_real_free(void)
{
    for (int i = 0; i < CHANNELS; i++)
        tw_channel_free(channels[i]);
}

static void channels_model_free(void)
{
    for (int i = 0; i < CHANNELS; i++)
        model_end_channel(i, ABANDONED);
}

static const struct kind kinds[] = {
    { queue_make, queue_real_step, queue_model_step, queue_real_free, queue_model_free },
    { channels_make, channels_real_step, channels_model_step, channels_real_free,
      channels_model_free },
};

START_TEST(random_programs_agree_with_the_model)
{
    run_programs(&kinds[_i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("queue model");

    TEST_ADD_ROWS(suite, random_programs_agree_with_the_model, kinds);
    return test_run(suite);
}
