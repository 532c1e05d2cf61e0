/* SPDX-License-Identifier: MIT */
/*
 * failure.c - failures: one allocation each, immutable once made.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <tweed/failure.h>

#include "base/alloc.h"
#include "base/failure.h"

#define CLASS(name, parent, word) const tw_error_class name = { #name, parent, word }

CLASS(tw_error, NULL, "other");
CLASS(tw_error_memory, &tw_error, NULL);
CLASS(tw_error_cancelled, &tw_error, "aborted");
CLASS(tw_error_abandoned, &tw_error, NULL);
CLASS(tw_error_closed, &tw_error, NULL);
CLASS(tw_error_timeout, &tw_error, "timeout");
CLASS(tw_error_misuse, &tw_error, NULL);
CLASS(tw_error_already_called, &tw_error_misuse, NULL);
CLASS(tw_error_first, &tw_error, NULL);
CLASS(tw_error_group, &tw_error, NULL);
CLASS(tw_error_queue_full, &tw_error, NULL);
CLASS(tw_error_queue_empty, &tw_error, NULL);
CLASS(tw_error_queue_closed, &tw_error, NULL);
CLASS(tw_error_barrier_broken, &tw_error, NULL);
CLASS(tw_error_system, &tw_error, NULL);
CLASS(tw_error_url, &tw_error, "url");
CLASS(tw_error_dns, &tw_error, "dns");
CLASS(tw_error_connect, &tw_error, "connect");
CLASS(tw_error_connect_refused, &tw_error_connect, NULL);
CLASS(tw_error_connect_no_route, &tw_error_connect, NULL);
CLASS(tw_error_connect_bind, &tw_error_connect, NULL);
CLASS(tw_error_connect_timeout, &tw_error_connect, "timeout");
CLASS(tw_error_connection, &tw_error, "aborted");
CLASS(tw_error_connection_done, &tw_error_connection, NULL);
CLASS(tw_error_connection_lost, &tw_error_connection, NULL);
CLASS(tw_error_connection_aborted, &tw_error_connection, NULL);
CLASS(tw_error_tls, &tw_error, "tls");
CLASS(tw_error_protocol, &tw_error, "protocol");
CLASS(tw_error_empty, &tw_error, "empty");
CLASS(tw_error_partial, &tw_error, "partial");
CLASS(tw_error_encoding, &tw_error, "encoding");
CLASS(tw_error_redirect, &tw_error, "redirect");
CLASS(tw_error_toolarge, &tw_error, "toolarge");
CLASS(tw_error_process, &tw_error, "process");
CLASS(tw_error_process_start, &tw_error_process, NULL);
CLASS(tw_error_process_done, &tw_error_process, NULL);
CLASS(tw_error_process_terminated, &tw_error_process, NULL);
CLASS(tw_error_worker_lost, &tw_error_process, NULL);
CLASS(tw_error_process_errors, &tw_error_process, NULL);
CLASS(tw_error_cache, &tw_error, "cache");
CLASS(tw_error_status, &tw_error, "status");

/* Belongs to one failure. */
struct trail {
    size_t count, capacity, left_out;
    struct twi_trail_step steps[];
};

struct failure {
    size_t references; /* 0: immortal */
    const tw_error_class *error_class;
    const char *where;
    int64_t number;
    tw_value cause;
    tw_value value;
    struct trail *trail;
    struct failure *original; /* of a copy: the failure whose message it uses */
    char message[];
};

/* The failures that need no memory are immortal. A flexible array cannot be initialised, so
 * their messages stand beside them (see message_of()). */
enum { OUT_OF_MEMORY, CLOSED, NO_COROUTINE, NOBODY_LISTENS, AWAIT_OUTSIDE, STATICS };
static struct failure statics[STATICS] = {
    [OUT_OF_MEMORY] = { .error_class = &tw_error_memory },
    [CLOSED] = { .error_class = &tw_error_closed },
    [NO_COROUTINE] = { .error_class = &tw_error_misuse },
    [NOBODY_LISTENS] = { .error_class = &tw_error_misuse },
    [AWAIT_OUTSIDE] = { .error_class = &tw_error_misuse },
};
static const char *const static_messages[STATICS] = {
    [OUT_OF_MEMORY] = "out of memory",
    [CLOSED] = "the coroutine is closed",
    [NO_COROUTINE] = "there is no coroutine",
    [NOBODY_LISTENS] = "nobody listens to what is yielded here",
    [AWAIT_OUTSIDE] = "tw_await() outside of inline callbacks",
};

static void failure_retain(void *object)
{
    struct failure *failure = object;
    if (failure->references > 0)
        failure->references++;
}

/* Causes may form long chains: they are let go in a loop. */
static void failure_release(void *object)
{
    struct failure *failure = object;

    while (failure != NULL && failure->references > 0 && --failure->references == 0) {
        struct failure *cause = tw_value_object(failure->cause, &tw_type_failure);
        tw_release(failure->value);
        failure_release(failure->original); /* the original is no copy itself */
        twi_free(failure->trail);
        twi_free(failure);
        failure = cause;
    }
}

static const char *class_word(const tw_error_class *error_class)
{
    while (error_class != NULL && error_class->word == NULL)
        error_class = error_class->parent;
    return error_class != NULL ? error_class->word : "other";
}

static const char *message_of(const struct failure *failure)
{
    if (failure->references == 0)
        return static_messages[failure - statics];
    return failure->original != NULL ? failure->original->message : failure->message;
}

static int failure_format(void *object, char *text, size_t size)
{
    const struct failure *failure = object;

    return snprintf(text, size, "%s: %s%s%s%s", failure->error_class->name,
                    message_of(failure), failure->where != NULL ? " (" : "",
                    failure->where != NULL ? failure->where : "",
                    failure->where != NULL ? ")" : "");
}

const tw_type tw_type_failure = { "failure", failure_retain, failure_release, failure_format };

/* A failure with room for a message of `length`; NULL when there is no memory. */
static struct failure *failure_new(const struct tw_failure_fields *fields, size_t length)
{
    struct failure *failure = twi_malloc(sizeof *failure + length + 1);

    if (failure == NULL)
        return NULL;
    failure->references = 1;
    failure->error_class = fields->error_class != NULL ? fields->error_class : &tw_error;
    failure->where = fields->where;
    failure->number = fields->number;
    failure->cause = tw_none();
    failure->value = tw_none();
    failure->trail = NULL;
    failure->original = NULL;
    failure->message[0] = '\0';
    return failure;
}

tw_value tw_fail_memory(void)
{
    return tw_value_of(&tw_type_failure, &statics[OUT_OF_MEMORY]);
}

tw_value twi_fail_closed(void)
{
    return tw_value_of(&tw_type_failure, &statics[CLOSED]);
}

tw_value twi_fail_no_coroutine(void)
{
    return tw_value_of(&tw_type_failure, &statics[NO_COROUTINE]);
}

tw_value twi_fail_nobody_listens(void)
{
    return tw_value_of(&tw_type_failure, &statics[NOBODY_LISTENS]);
}

tw_value twi_fail_await_outside(void)
{
    return tw_value_of(&tw_type_failure, &statics[AWAIT_OUTSIDE]);
}

tw_value tw_fail_at(const char *where, const tw_error_class *error_class, const char *format,
                    ...)
{
    struct tw_failure_fields fields = { .error_class = error_class, .where = where };
    struct failure *failure;
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    failure = failure_new(&fields, length > 0 ? (size_t)length : 0);
    if (failure == NULL)
        return tw_fail_memory();
    va_start(args, format);
    vsnprintf(failure->message, (size_t)(length > 0 ? length : 0) + 1, format, args);
    va_end(args);
    return tw_value_of(&tw_type_failure, failure);
}

tw_value tw_fail_errno_at(const char *where, const tw_error_class *error_class, int number)
{
    int positive = number < 0 ? -number : number;
    char buffer[128];
    struct tw_failure_fields fields = {
        .error_class = positive == ENOMEM ? &tw_error_memory : error_class,
        .where = where,
        .number = positive,
        .message = strerror_r(positive, buffer, sizeof buffer), /* GNU's: may be static */
    };
    return tw_fail_with(&fields);
}

tw_value tw_fail_with(const struct tw_failure_fields *fields)
{
    const char *message = fields->message != NULL ? fields->message : "";
    size_t length = strlen(message);
    struct failure *failure = failure_new(fields, length);

    if (failure == NULL) {
        tw_release(fields->cause);
        tw_release(fields->value);
        return tw_fail_memory();
    }
    memcpy(failure->message, message, length + 1);
    failure->cause = tw_take(fields->cause);
    failure->value = tw_take(fields->value);
    return tw_value_of(&tw_type_failure, failure);
}

static const struct failure *value_failure(tw_value value)
{
    return tw_value_object(value, &tw_type_failure);
}

bool tw_failure_is(tw_value value, const tw_error_class *error_class)
{
    const struct failure *failure = value_failure(value);
    const tw_error_class *own = failure != NULL ? failure->error_class : NULL;

    while (own != NULL && own != error_class)
        own = own->parent;
    return own != NULL;
}

bool tw_failure_has(tw_value value, const tw_error_class *error_class)
{
    while (tw_is_failure(value)) {
        if (tw_failure_is(value, error_class))
            return true;
        value = tw_failure_cause(value);
    }
    return false;
}

const tw_error_class *tw_failure_class(tw_value value)
{
    const struct failure *failure = value_failure(value);
    return failure != NULL ? failure->error_class : NULL;
}

const char *tw_failure_message(tw_value value)
{
    const struct failure *failure = value_failure(value);
    return failure != NULL ? message_of(failure) : "";
}

const char *tw_failure_word(tw_value value)
{
    const struct failure *failure = value_failure(value);
    return class_word(failure != NULL ? failure->error_class : NULL);
}

const char *tw_failure_where(tw_value value)
{
    const struct failure *failure = value_failure(value);
    return failure != NULL && failure->where != NULL ? failure->where : "";
}

int64_t tw_failure_number(tw_value value)
{
    const struct failure *failure = value_failure(value);
    return failure != NULL ? failure->number : 0;
}

tw_value tw_failure_cause(tw_value value)
{
    const struct failure *failure = value_failure(value);
    return failure != NULL ? tw_lend(failure->cause) : tw_none();
}

tw_value tw_failure_value(tw_value value)
{
    const struct failure *failure = value_failure(value);
    return failure != NULL ? tw_lend(failure->value) : tw_none();
}

/* --- the trail -------------------------------------------------------------------------- */

/* Make room for one more step; NULL when it cannot be kept. */
static struct twi_trail_step *trail_extend(struct trail **trail)
{
    struct trail *old = *trail, *grown;
    size_t capacity = old != NULL ? old->capacity : 0;

    if (old != NULL && old->count < capacity)
        return &old->steps[old->count++];
    if (capacity == TWI_TRAIL_MAX) {
        old->left_out++;
        return NULL;
    }
    capacity = capacity != 0 ? capacity * 2 : 4;
    grown = twi_realloc(old, sizeof *grown + capacity * sizeof grown->steps[0]);
    if (grown == NULL)
        return NULL;
    if (old == NULL)
        grown->count = grown->left_out = 0;
    grown->capacity = capacity;
    *trail = grown;
    return &grown->steps[grown->count++];
}

static struct trail *trail_copy(const struct trail *trail)
{
    size_t size = trail != NULL ? sizeof *trail + trail->capacity * sizeof trail->steps[0] : 0;
    struct trail *copy = size != 0 ? twi_malloc(size) : NULL;

    if (copy != NULL)
        memcpy(copy, trail, size);
    return copy;
}

/* A copy that its maker alone holds; NULL when there is no memory. */
static struct failure *failure_copy(struct failure *failure)
{
    struct failure *original = failure->original != NULL ? failure->original : failure;
    struct trail *trail = trail_copy(failure->trail);
    struct failure *copy = twi_malloc(sizeof *copy + 1);

    if (copy == NULL || (trail == NULL && failure->trail != NULL)) {
        twi_free(trail);
        twi_free(copy);
        return NULL;
    }
    *copy = *failure;
    copy->references = 1;
    copy->cause = tw_retain(failure->cause);
    copy->value = tw_retain(failure->value);
    copy->trail = trail;
    copy->original = original;
    copy->message[0] = '\0';
    failure_retain(original);
    return copy;
}

tw_value twi_failure_awaited(tw_value value, const char *where, const char *name)
{
    struct failure *failure = value.as.pointer;
    struct twi_trail_step *step;

    if (failure->references > 1) {
        failure = failure_copy(failure);
        if (failure == NULL)
            return value;
        tw_release(value);
        value = tw_value_of(&tw_type_failure, failure);
    }
    step = failure->references > 0 ? trail_extend(&failure->trail) : NULL;
    if (step != NULL)
        *step = (struct twi_trail_step){ where, name };
    return value;
}

size_t twi_failure_trail(tw_value value, const struct twi_trail_step **ret_steps,
                         size_t *ret_left_out)
{
    const struct failure *failure = value_failure(value);

    if (failure == NULL || failure->trail == NULL)
        return 0;
    *ret_steps = failure->trail->steps;
    *ret_left_out = failure->trail->left_out;
    return failure->trail->count;
}

bool twi_failure_same(tw_value one, tw_value other)
{
    const struct failure *first = value_failure(one), *second = value_failure(other);

    if (first == NULL || second == NULL)
        return false;
    return (first->original != NULL ? first->original : first) ==
           (second->original != NULL ? second->original : second);
}
