/* SPDX-License-Identifier: MIT */
/*
 * jars.c - jars by name.
 */
#include "config.h"

#include <stdlib.h>

#include "spider/crawl/jars.h"

struct jar {
    struct twi_jars *jars;
    tw_cookies *cookies;
    const char *name; /* the table's */
};

static void jar_changed(const char *key, const char *line, void *arg)
{
    const struct jar *jar = arg;

    if (jar->jars->changed != NULL)
        jar->jars->changed(jar->name, key, line, jar->jars->arg);
}

static struct jar *jar_new(struct twi_jars *jars)
{
    struct jar *jar = calloc(1, sizeof *jar);

    if (jar == NULL)
        return NULL;
    jar->jars = jars;
    jar->cookies = tw_cookies_new();
    if (jar->cookies == NULL || tw_cookies_on_change(jar->cookies, jar_changed, jar) < 0) {
        tw_cookies_unref(jar->cookies);
        free(jar);
        return NULL;
    }
    return jar;
}

tw_cookies *twi_jars_get(struct twi_jars *jars, const char *name)
{
    const char *key = name == NULL ? "" : name;
    void **place = twi_names_at(&jars->names, key);
    struct jar *jar;

    if (place == NULL)
        return NULL;
    if (*place == NULL) {
        jar = *place = jar_new(jars);
        if (jar == NULL)
            return NULL;
        jar->name = twi_names_key(&jars->names, key);
    }
    jar = *place;
    return jar->cookies;
}

void twi_jars_free(struct twi_jars *jars)
{
    size_t i;

    for (i = 0; i < jars->names.size; i++) {
        struct jar *jar = jars->names.slots[i].value;
        if (jar == NULL)
            continue;
        tw_cookies_on_change(jar->cookies, NULL, NULL);
        tw_cookies_unref(jar->cookies);
        free(jar);
    }
    twi_names_free(&jars->names);
}
