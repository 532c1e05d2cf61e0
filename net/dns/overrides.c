/* SPDX-License-Identifier: MIT */
/*
 * overrides.c - names that a program answers itself.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "net/dns/overrides.h"

struct key {
    char text[TWI_NAME_SIZE + 8];
    size_t length;
};

static struct key key_of(const char *name, unsigned port)
{
    struct key key;

    key.length = (size_t)snprintf(key.text, sizeof key.text, "%s:%u", name, port);
    return key;
}

const struct twi_override *twi_overrides_find(const struct twi_overrides *overrides,
                                              const char *name, unsigned port)
{
    const struct twi_override *found;
    struct key key;

    if (overrides->by_name.count == 0)
        return NULL;
    key = key_of(name, port);
    found = twi_map_get(&overrides->by_name, key.text, key.length);
    if (found != NULL)
        return found;
    key = key_of(name, 0);
    return twi_map_get(&overrides->by_name, key.text, key.length);
}

/* Without an address if one of the literals is none; NULL when there is no memory. */
static struct twi_override *override_new(const char *literals)
{
    struct twi_override *override = twi_malloc(sizeof *override +
                                               TWI_ADDRESSES_MAX * sizeof *override->list);
    char literal[64];

    if (override == NULL)
        return NULL;
    override->count = 0;
    while (override->count < TWI_ADDRESSES_MAX) {
        size_t length = strcspn(literals, ",");

        if (length >= sizeof literal)
            break;
        memcpy(literal, literals, length);
        literal[length] = '\0';
        if (tw_address_parse(literal, 0, &override->list[override->count]) < 0)
            break;
        override->count++;
        literals += length;
        if (*literals == '\0')
            return override;
        literals++;
    }
    override->count = 0;
    return override;
}

int twi_overrides_set(struct twi_overrides *overrides, const char *name, unsigned port,
                      const char *literals)
{
    char ascii[TWI_NAME_SIZE];
    struct twi_override *override;
    void *old = NULL;
    struct key key;
    int r;

    if (name == NULL || port > 65535)
        return -EINVAL;
    r = twi_name_to_ascii(name, ascii);
    if (r < 0)
        return r;
    key = key_of(ascii, port);
    if (literals == NULL) {
        twi_free(twi_map_remove(&overrides->by_name, key.text, key.length));
        return 0;
    }
    override = override_new(literals);
    if (override == NULL)
        return -ENOMEM;
    r = -EINVAL;
    if (override->count > 0)
        r = twi_map_set(&overrides->by_name, key.text, key.length, override, &old);
    twi_free(r < 0 ? override : old);
    return r;
}

void twi_overrides_free(struct twi_overrides *overrides)
{
    const struct twi_map_entry *entry;
    size_t cursor = 0;

    while ((entry = twi_map_next(&overrides->by_name, &cursor)) != NULL)
        twi_free(entry->value);
    twi_map_free(&overrides->by_name);
}
