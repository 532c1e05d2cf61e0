/* SPDX-License-Identifier: MIT */
/*
 * jars.h - cookies kept apart under names: those of visits with a jar, and the nameless one.
 */
#ifndef SPIDER_CRAWL_JARS_H
#define SPIDER_CRAWL_JARS_H

#include <tweed/cookies.h>

#include "spider/crawl/names.h"

/* All zero is none. */
struct twi_jars {
    struct twi_names names;
    /* Told of each cookie that is stored, changed or taken out (`line` NULL); may be NULL. */
    void (*changed)(const char *jar, const char *key, const char *line, void *arg);
    void *arg;
};

/* The jar of that name (NULL: the nameless one), made at its first use; lent. NULL when there
 * is no memory. */
tw_cookies *twi_jars_get(struct twi_jars *jars, const char *name);
void twi_jars_free(struct twi_jars *jars);

#endif
