/* SPDX-License-Identifier: MIT */
/*
 * protocol.c - protocols from pools, and the factories that build them.
 */
#include "net/transport/protocol.h"

#include <errno.h>
#include <string.h>

#include "base/slab.h"
#include "reactor/face.h"
#include "net/transport/transport.h"

/* A link stands behind every protocol, for the time when it is dead and not yet freed. Few
 * bytes count: there is one for each idle connection. */
enum { LINK = sizeof(tw_protocol *), POOLS = 8 };

static struct twi_slab pools[POOLS] = {
    { .size = 32 },  { .size = 48 },  { .size = 64 },  { .size = 96 },
    { .size = 128 }, { .size = 192 }, { .size = 256 }, { .size = 384 },
};

/* With padding, so that the link is aligned. */
static size_t protocol_size(const tw_protocol_class *protocol_class)
{
    size_t size = protocol_class->size;

    if (size < sizeof(tw_protocol))
        size = sizeof(tw_protocol);
    return (size + LINK - 1) & ~(size_t)(LINK - 1);
}

static struct twi_slab *pool_for(size_t size)
{
    for (int i = 0; i < POOLS; i++)
        if (size <= pools[i].size)
            return &pools[i];
    return NULL;
}

static tw_protocol **link_of(tw_protocol *protocol)
{
    return (tw_protocol **)(void *)((char *)protocol +
                                    protocol_size(protocol->protocol_class));
}

tw_protocol *tw_protocol_new(const tw_protocol_class *protocol_class)
{
    size_t size = protocol_size(protocol_class);
    struct twi_slab *pool = pool_for(size + LINK);
    tw_protocol *protocol;

    protocol = pool != NULL ? twi_slab_alloc(pool) : twi_malloc(size + LINK);
    if (protocol == NULL)
        return NULL;
    memset(protocol, 0, size + LINK);
    protocol->protocol_class = protocol_class;
    return protocol;
}

void tw_protocol_free(tw_protocol *protocol)
{
    const tw_protocol_class *protocol_class;
    struct twi_slab *pool;

    if (protocol == NULL)
        return;
    protocol_class = protocol->protocol_class;
    if (protocol_class->released != NULL)
        protocol_class->released(protocol);
    pool = pool_for(protocol_size(protocol_class) + LINK);
    if (pool != NULL)
        twi_slab_free(pool, protocol);
    else
        twi_free(protocol);
}

void twi_protocols_bury(struct twi_cemetery *cemetery)
{
    twi_flush_cancel(&cemetery->flush);
    while (cemetery->dead != NULL) {
        tw_protocol *protocol = cemetery->dead;
        tw_factory *factory = protocol->factory;

        cemetery->dead = *link_of(protocol);
        tw_protocol_free(protocol);
        twi_factory_unuse(factory);
    }
}

static void protocol_bury(struct twi_flush *flush)
{
    twi_protocols_bury(TWI_CONTAINER(flush, struct twi_cemetery, flush));
}

void twi_protocol_retire(struct twi_cemetery *cemetery, tw_protocol *protocol)
{
    if (protocol == NULL)
        return;
    protocol->transport = NULL;
    twi_factory_use(protocol->factory); /* the protocol may look at it until its end */
    *link_of(protocol) = cemetery->dead;
    cemetery->dead = protocol;
    cemetery->flush.fn = protocol_bury;
    if (!twi_flush_queued(&cemetery->flush))
        twi_flush_later(&cemetery->flush);
}

/* --- factories ---------------------------------------------------------------------- */

struct tw_factory {
    const struct tw_factory_class *factory_class;   /* or, for the simple form, */
    const tw_protocol_class *protocol_class;
    void *data;
    size_t refs, uses;
};

static tw_factory *factory_new(const struct tw_factory_class *factory_class,
                               const tw_protocol_class *protocol_class, void *data)
{
    tw_factory *factory = twi_calloc(1, sizeof *factory);

    if (factory == NULL)
        return NULL;
    factory->factory_class = factory_class;
    factory->protocol_class = protocol_class;
    factory->data = data;
    factory->refs = 1;
    return factory;
}

tw_factory *tw_factory_new(const struct tw_factory_class *factory_class, void *data)
{
    if (factory_class == NULL || factory_class->build == NULL) {
        errno = EINVAL;
        return NULL;
    }
    return factory_new(factory_class, NULL, data);
}

tw_factory *tw_factory_of(const tw_protocol_class *protocol_class, void *data)
{
    return factory_new(NULL, protocol_class, data);
}

void *tw_factory_data(const tw_factory *factory)
{
    return factory == NULL ? NULL : factory->data;
}

tw_factory *tw_factory_ref(tw_factory *factory)
{
    if (factory != NULL)
        factory->refs++;
    return factory;
}

void tw_factory_unref(tw_factory *factory)
{
    const struct tw_factory_class *factory_class;

    if (factory == NULL || --factory->refs > 0)
        return;
    factory_class = factory->factory_class;
    if (factory_class != NULL && factory_class->released != NULL)
        factory_class->released(factory);
    twi_free(factory);
}

tw_factory *twi_factory_use(tw_factory *factory)
{
    const struct tw_factory_class *factory_class;

    if (factory == NULL)
        return NULL;
    factory->refs++;
    factory_class = factory->factory_class;
    if (factory->uses++ == 0 && factory_class != NULL && factory_class->started != NULL)
        factory_class->started(factory);
    return factory;
}

void twi_factory_unuse(tw_factory *factory)
{
    const struct tw_factory_class *factory_class;

    if (factory == NULL)
        return;
    factory_class = factory->factory_class;
    if (--factory->uses == 0 && factory_class != NULL && factory_class->stopped != NULL)
        factory_class->stopped(factory);
    tw_factory_unref(factory);
}

tw_protocol *twi_factory_build(tw_factory *factory)
{
    tw_protocol *protocol;

    if (factory->factory_class == NULL)
        protocol = tw_protocol_new(factory->protocol_class);
    else
        protocol = factory->factory_class->build(factory);
    if (protocol != NULL)
        protocol->factory = factory;
    return protocol;
}
