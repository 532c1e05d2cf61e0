/* SPDX-License-Identifier: MIT */
/*
 * value_list.c - a counted, growing array of values.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include <tweed/failure.h>

#include "base/alloc.h"
#include "base/value_list.h"

/* Items that must not go unread: see value_list.h. */
struct unread {
    twi_unread_report *report;
    const char *where;
    size_t length;
    bool items[];
};

struct list {
    size_t references;
    size_t length, capacity;
    tw_value *items;
    struct unread *unread; /* NULL: of none */
};

static void list_retain(void *object)
{
    struct list *list = object;
    list->references++;
}

/* Before its items go. */
static void list_report_unread(struct list *list)
{
    struct unread *unread = list->unread;

    if (unread == NULL)
        return;
    list->unread = NULL;
    for (size_t i = 0; i < unread->length && i < list->length; i++) {
        if (unread->items[i] && tw_is_failure(list->items[i]))
            unread->report(unread->where, tw_lend(list->items[i]));
    }
    twi_free(unread);
}

static void list_free(struct list *list)
{
    twi_free(list->items);
    twi_free(list);
}

/* Lists may hold lists to any depth: lists that die with this one are freed in a loop, linked
 * through their reference counts, not by recursion. */
static void list_release(void *object)
{
    struct list *dying = object;
    struct list *top = NULL;

    if (--dying->references > 0)
        return;
    list_report_unread(dying);
    for (;;) {
        while (dying->length > 0) {
            tw_value item = dying->items[--dying->length];
            struct list *inner = tw_value_object(item, &tw_type_list);
            if (inner == NULL) {
                tw_release(item);
            } else if (--inner->references == 0) {
                /* Come back to the outer one when the inner is done. */
                dying->references = (size_t)(uintptr_t)top;
                top = dying;
                dying = inner;
                list_report_unread(dying);
            }
        }
        list_free(dying);
        if (top == NULL)
            return;
        dying = top;
        top = (struct list *)(uintptr_t)dying->references;
    }
}

static int list_format(void *object, char *text, size_t size)
{
    const struct list *list = object;
    return snprintf(text, size, "list of %zu", list->length);
}

const tw_type tw_type_list = { "list", list_retain, list_release, list_format };

tw_value tw_list(size_t capacity)
{
    struct list *list = twi_calloc(1, sizeof *list);

    if (list == NULL)
        return tw_fail_memory();
    list->references = 1;
    if (capacity > 0) {
        size_t size;
        if (!__builtin_mul_overflow(capacity, sizeof *list->items, &size))
            list->items = twi_malloc(size);
        if (list->items == NULL) {
            list_free(list);
            return tw_fail_memory();
        }
        list->capacity = capacity;
    }
    return tw_value_of(&tw_type_list, list);
}

tw_value twi_list_filled(size_t count, tw_value **ret_items)
{
    tw_value value = tw_list(0);
    struct list *list = tw_value_object(value, &tw_type_list);

    *ret_items = NULL;
    if (list == NULL)
        return value;
    list->items = twi_calloc(count > 0 ? count : 1, sizeof *list->items); /* zero is none */
    if (list->items == NULL) {
        list_free(list);
        return tw_fail_memory();
    }
    list->length = list->capacity = count;
    *ret_items = list->items;
    return value;
}

int twi_list_expect_reader(tw_value value, size_t index, twi_unread_report *report,
                           const char *where)
{
    struct list *list = tw_value_object(value, &tw_type_list);

    if (list->unread == NULL) {
        list->unread = twi_calloc(1, sizeof *list->unread + list->length);
        if (list->unread == NULL)
            return -ENOMEM;
        list->unread->report = report;
        list->unread->where = where;
        list->unread->length = list->length;
    }
    list->unread->items[index] = true;
    return 0;
}

static void read_item(struct unread *unread, size_t index)
{
    if (index < unread->length)
        unread->items[index] = false;
}

int tw_list_append(tw_value value, tw_value item)
{
    struct list *list = tw_value_object(value, &tw_type_list);
    int r = -EINVAL;

    if (list != NULL)
        r = twi_grow(&list->items, &list->capacity, list->length + 1, sizeof *list->items);
    if (r < 0) {
        tw_release(item);
        return r;
    }
    list->items[list->length++] = tw_take(item);
    return 0;
}

int tw_list_set(tw_value value, size_t index, tw_value item)
{
    struct list *list = tw_value_object(value, &tw_type_list);
    tw_value old;

    if (list == NULL || index >= list->length) {
        tw_release(item);
        return list == NULL ? -EINVAL : -ERANGE;
    }
    if (list->unread != NULL)
        read_item(list->unread, index);
    old = list->items[index];
    list->items[index] = tw_take(item);
    tw_release(old);
    return 0;
}

tw_value tw_list_at(tw_value value, size_t index)
{
    const struct list *list = tw_value_object(value, &tw_type_list);

    if (list == NULL || index >= list->length)
        return tw_none();
    if (__builtin_expect(list->unread != NULL, 0))
        read_item(list->unread, index);
    return tw_lend(list->items[index]);
}

size_t tw_list_length(tw_value value)
{
    const struct list *list = tw_value_object(value, &tw_type_list);
    return list != NULL ? list->length : 0;
}
