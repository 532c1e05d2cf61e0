/* SPDX-License-Identifier: MIT */
/*
 * resolve.c - tw_resolve(): a lookup with a Deferred.
 */
#include "config.h"

#include "base/alloc.h"
#include "net/dns/resolver.h"

struct resolving {
    struct twi_lookup lookup;
    tw_deferred *done;
};

static tw_value address_list(const union tw_socket_address *list, size_t count)
{
    tw_value values = tw_list(count);

    for (size_t i = 0; i < count && !tw_is_failure(values); i++) {
        tw_value address = twi_address_value(&list[i]);

        if (tw_is_failure(address) || tw_list_append(values, address) < 0) {
            tw_release(values);
            return tw_fail_memory();
        }
    }
    return values;
}

static void resolving_done(struct twi_lookup *lookup, const union tw_socket_address *list,
                           size_t count, tw_value failure)
{
    struct resolving *self = TWI_CONTAINER(lookup, struct resolving, lookup);
    tw_value result = count > 0 ? address_list(list, count) : tw_retain(failure);

    tw_fire(&self->done, result);
}

static int resolving_cancel(tw_deferred *deferred, void *arg)
{
    struct resolving *self = arg;

    (void)deferred;
    twi_lookup_cancel(&self->lookup);
    tw_fire(&self->done, tw_fail(&tw_error_cancelled, "the lookup was cancelled"));
    return 0;
}

tw_deferred *tw_resolve_at(const char *where, const char *name, unsigned port)
{
    struct resolving *self;
    tw_deferred *deferred;

    if (name == NULL || port > 65535)
        return tw_fired_at(where, tw_fail_at(where, &tw_error_url, "no name to resolve"));
    self = twi_calloc(1, sizeof *self);
    if (self == NULL)
        return NULL;
    twi_list_init(&self->lookup.node_);
    self->lookup.done = resolving_done;
    deferred = tw_promise_at(where, &self->done, resolving_cancel, self, twi_free);
    if (deferred != NULL)
        twi_lookup_start(&self->lookup, name, port);
    return deferred;
}
