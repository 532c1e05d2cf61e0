/* SPDX-License-Identifier: MIT */
/*
 * settings.h - the settings of a crawl as they count, and where each comes from.
 *
 * Values come in layers, in any order: one of a lower layer never takes the place of one of a
 * higher. A mistake is told as a failure of tw_error_settings, with the place and with what is
 * allowed there: "tweed.conf:3: delay: 'soon' is not a time from 1ms to 1d ...".
 */
#ifndef SPIDER_CRAWL_SETTINGS_H
#define SPIDER_CRAWL_SETTINGS_H

#include "spider/crawl/setting_value.h"

enum twi_layer {
    TWI_LAYER_DEFAULT,
    TWI_LAYER_FILE,        /* tweed.conf */
    TWI_LAYER_SPIDER,      /* its table; the options of tw_crawl_run() */
    TWI_LAYER_ENVIRONMENT,
    TWI_LAYER_COMMAND,     /* the command line */
    TWI_LAYER_CONTROL      /* changed while it crawls */
};

/* Where a value comes from. */
struct twi_origin {
    enum twi_layer layer;
    const char
        *where; /* "tweed.conf:3", "spider quotes", "TWEED_DELAY", "-s"; NULL: nowhere */
};

enum { TWI_SETTINGS_MOST = 96 };

/* "delay@example.com", as far as it is given. */
struct twi_host_setting {
    struct tw_host_settings values; /* the domain in lower case */
    struct twi_origin origins[3];   /* of delay, jitter and max_per_host */
    struct twi_host_setting *next;
};

struct twi_settings {
    /* As they count: no zero stands for a default, and none is 0 for an amount (delay, retries),
     * -1 for a limit and "" for a text, as spider/settings.def says. `hosts` is not used. */
    struct tw_settings values;
    struct twi_origin origins[TWI_SETTINGS_MOST]; /* as twi_settings_table */
    struct twi_host_setting *hosts;
    struct twi_arena arena; /* what belongs to them */
};

/* The defaults. No memory is taken. */
void twi_settings_init(struct twi_settings *settings);
void twi_settings_free(struct twi_settings *settings);

/* The row of that name ("max-depth" too); NULL if there is none. */
const struct twi_setting *twi_setting_find(const char *name, size_t length);
/* The name that `name` is most like; NULL if it is like none. */
const char *twi_setting_nearest(const char *name, size_t length);
/* The same out of others: `wanted` takes the place of *nearest, which is NULL at first, if `name`
 * is more like it. *least: how unlike they are; 0 at first. */
void twi_name_nearer(const char *wanted, const char *name, size_t length, unsigned *least,
                     const char **nearest);
const struct twi_origin *twi_setting_origin(const struct twi_settings *settings,
                                            const struct twi_setting *setting);

/*
 * Each returns 0, or a negative errno with *ret_failure written: -EINVAL (tw_error_settings),
 * -ENOMEM, another one for a file that cannot be read. Values in front of the mistake stay.
 */

/* "delay" or "delay@example.com"; everything is copied. */
int twi_settings_set(struct twi_settings *settings, enum twi_layer layer, const char *where,
                     const char *name, const char *text, tw_value *ret_failure);
/* "delay=2s", as after -s. */
int twi_settings_set_pair(struct twi_settings *settings, enum twi_layer layer,
                          const char *where, const char *pair, tw_value *ret_failure);
/* The members of `given` that are not zero. */
int twi_settings_take(struct twi_settings *settings, enum twi_layer layer, const char *where,
                      const struct tw_settings *given, tw_value *ret_failure);
/* Lines "name = value", and those that are empty or begin with "#". A name stands once. */
int twi_settings_read_text(struct twi_settings *settings, const char *path, const char *data,
                           size_t length, tw_value *ret_failure);
/* Read the file `path`; NULL: the file that TWEED_CONF names, else tweed.conf in the working
 * directory, if there is one. */
int twi_settings_read_file(struct twi_settings *settings, const char *path,
                           tw_value *ret_failure);
/* TWEED_NAME=value. A name that is like a setting's is a mistake; others are somebody else's. */
int twi_settings_read_environment(struct twi_settings *settings, char *const *environment,
                                  tw_value *ret_failure);

/* The manners towards a host: those of the longest domain that it belongs to, else the crawl's. */
struct twi_manner {
    double delay, jitter;
    int max_per_host;
};
struct twi_manner twi_settings_manner(const struct twi_settings *settings,
                                      const char *hostname);

#endif
