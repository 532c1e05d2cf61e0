/* SPDX-License-Identifier: MIT */
/*
 * tls_shared.c - the thread's client contexts, one for each setting of trust.
 */
#include "config.h"

#include <string.h>
#include <tweed/tls.h>

#include "base/alloc.h"
#include "base/list.h"
#include "reactor/face.h"

#define SHARED_MAX 16 /* then the least recently used one is dropped */

struct shared {
    struct twi_list node; /* the one used last at the end */
    tw_tls_context *context;
    bool no_verify;
    char *ca_file, *crl_file; /* NULL: none */
};

struct shared_all {
    struct twi_list list;
    size_t count;
    struct twi_loop_end end;
};

static _Thread_local struct shared_all *shared_all;

static void shared_free(struct shared *shared)
{
    twi_list_remove(&shared->node);
    tw_tls_context_unref(shared->context);
    twi_free(shared->ca_file);
    twi_free(shared->crl_file);
    twi_free(shared);
}

static void shared_end(struct twi_loop_end *end)
{
    struct shared_all *all = TWI_CONTAINER(end, struct shared_all, end);

    while (!twi_list_empty(&all->list))
        shared_free(TWI_CONTAINER(all->list.next, struct shared, node));
    shared_all = NULL;
    twi_free(all);
}

static void shared_left(struct twi_loop_end *end)
{
    (void)end;
    shared_all = NULL;
}

static struct shared_all *shared_here(void)
{
    struct shared_all *all = shared_all;

    if (all != NULL)
        return all;
    all = twi_calloc(1, sizeof *all);
    if (all == NULL)
        return NULL;
    twi_list_init(&all->list);
    all->end.fn = shared_end;
    all->end.left = shared_left;
    if (twi_loop_on_end(&all->end) < 0) {
        twi_free(all);
        return NULL;
    }
    shared_all = all;
    return all;
}

static bool shared_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static struct shared *shared_find(struct shared_all *all, const char *ca_file,
                                  const char *crl_file, bool no_verify)
{
    TWI_LIST_EACH (node, &all->list) {
        struct shared *shared = TWI_CONTAINER(node, struct shared, node);

        if (shared->no_verify == no_verify && shared_same_text(shared->ca_file, ca_file) &&
            shared_same_text(shared->crl_file, crl_file))
            return shared;
    }
    return NULL;
}

static struct shared *shared_new(const char *ca_file, const char *crl_file, bool no_verify)
{
    struct shared *shared = twi_calloc(1, sizeof *shared);

    if (shared == NULL)
        return NULL;
    twi_list_init(&shared->node);
    shared->no_verify = no_verify;
    shared->ca_file = ca_file != NULL ? twi_strdup(ca_file) : NULL;
    shared->crl_file = crl_file != NULL ? twi_strdup(crl_file) : NULL;
    if ((ca_file != NULL && shared->ca_file == NULL) ||
        (crl_file != NULL && shared->crl_file == NULL)) {
        shared_free(shared);
        return NULL;
    }
    return shared;
}

tw_value tw_tls_client_context(const char *ca_file, const char *crl_file, bool no_verify,
                               tw_tls_context **ret_context)
{
    struct tw_tls_options options = { .ca_file = ca_file,
                                      .crl_file = crl_file,
                                      .no_verify = no_verify };
    struct shared_all *all = shared_here();
    struct shared *shared;
    tw_value failure;

    if (all == NULL)
        return tw_fail_memory();
    shared = shared_find(all, ca_file, crl_file, no_verify);
    if (shared == NULL) {
        shared = shared_new(ca_file, crl_file, no_verify);
        if (shared == NULL)
            return tw_fail_memory();
        failure = tw_tls_context_new(&options, &shared->context);
        if (tw_is_failure(failure)) {
            shared_free(shared);
            return failure;
        }
        if (++all->count > SHARED_MAX) {
            shared_free(TWI_CONTAINER(all->list.next, struct shared, node));
            all->count--;
        }
    }
    twi_list_remove(&shared->node);
    twi_list_append(&all->list, &shared->node);
    *ret_context = shared->context;
    return tw_none();
}
