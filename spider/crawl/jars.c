/* SPDX-License-Identifier: MIT */
/*
 * jars.c - jars by name.
 */
#include "config.h"

#include "spider/crawl/jars.h"

tw_cookies *twi_jars_get(struct twi_jars *jars, const char *name)
{
    void **place = twi_names_at(&jars->names, name == NULL ? "" : name);

    if (place == NULL)
        return NULL;
    if (*place == NULL)
        *place = tw_cookies_new();
    return *place;
}

void twi_jars_free(struct twi_jars *jars)
{
    size_t i;

    for (i = 0; i < jars->names.size; i++)
        tw_cookies_unref(jars->names.slots[i].value);
    twi_names_free(&jars->names);
}
