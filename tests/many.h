/* SPDX-License-Identifier: MIT */
/*
 * many.h - shared by tests of many Deferreds as one: children and their outcomes.
 */
#ifndef TESTS_MANY_H
#define TESTS_MANY_H

#include <errno.h>

#include <tweed/deferred_list.h>

#include "tests/trace.h"

enum { CHILDREN = 3 };

static tw_deferred *slots[CHILDREN], *children[CHILDREN];
static tw_deferred *map_slots[8];

static inline int note_cancel(tw_deferred *deferred, void *index)
{
    char text[32];

    (void)deferred;
    snprintf(text, sizeof text, "cancel%d", (int)(intptr_t)index);
    trace_add(text);
    return 0;
}

/* Fresh children, their producers' references in slots. */
static inline void setup(void)
{
    trace_setup();
    for (int i = 0; i < CHILDREN; i++)
        children[i] = tw_promise(&slots[i], note_cancel, (void *)(intptr_t)i);
}

static inline void teardown(void)
{
    for (int i = 0; i < CHILDREN; i++) {
        tw_deferred_unref(slots[i]);
        slots[i] = NULL;
    }
    trace_teardown();
}

static inline void write_value(tw_value value, char *text, size_t size)
{
    size_t length = 0;

    if (tw_is_failure(value)) {
        snprintf(text, size, "!%s", trace_class(value));
    } else if (tw_is(value, &tw_type_list)) {
        length = (size_t)snprintf(text, size, "[");
        for (size_t i = 0; i < tw_list_length(value); i++) {
            if (i > 0)
                text[length++] = ',';
            write_value(tw_list_at(value, i), text + length, size - length);
            length += strlen(text + length);
        }
        snprintf(text + length, size - length, "]");
    } else if (tw_is(value, &tw_type_bytes)) {
        snprintf(text, size, "%s", tw_bytes_data(value));
    } else {
        tw_value_format(value, text, size);
    }
}

/* Show the result of the list: "[1,!system]", "!first(2)". */
static inline tw_value show(tw_value result, void *step)
{
    char text[256], line[400], number[128] = "";

    write_value(result, text, sizeof text);
    if (tw_failure_is(result, &tw_error_first))
        snprintf(number, sizeof number, "(%d)", (int)tw_failure_number(result));
    if (tw_failure_is(result, &tw_error_group))
        write_value(tw_failure_value(result), number, sizeof number);
    snprintf(line, sizeof line, "%s=%s%s", (const char *)step, text, number);
    trace_add(line);
    return tw_none();
}

static int map_active, map_most;

static inline tw_value one_less(tw_value result, void *arg)
{
    (void)arg;
    map_active--;
    return result;
}

/* An item below 0 fails at once, an even one succeeds at once, an odd one waits. */
static inline tw_deferred *start_item(const void *item, void *arg)
{
    int number = *(const int *)item;
    tw_deferred *d;

    (void)arg;
    if (number < 0)
        return tw_failed(tw_fail(&tw_error_system, "item"));
    if (number % 2 == 0)
        return tw_succeed(tw_integer(number));
    if (++map_active > map_most)
        map_most = map_active;
    d = tw_promise(&map_slots[number], note_cancel, (void *)(intptr_t)number);
    tw_add_both(d, one_less, NULL);
    return d;
}

static inline int refuse(tw_deferred *deferred, void *arg)
{
    (void)deferred;
    (void)arg;
    return -EBUSY;
}

#endif
