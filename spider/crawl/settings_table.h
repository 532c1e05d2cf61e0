/* SPDX-License-Identifier: MIT */
/*
 * settings_table.h - the settings by their names: a row of spider/settings.def each.
 */
#ifndef SPIDER_CRAWL_SETTINGS_TABLE_H
#define SPIDER_CRAWL_SETTINGS_TABLE_H

#include <tweed/settings.h>

enum twi_setting_kind {
    TWI_SETTING_SECONDS,
    TWI_SETTING_BYTES,
    TWI_SETTING_INT,
    TWI_SETTING_LONG,
    TWI_SETTING_NUMBER,
    TWI_SETTING_SWITCH,
    TWI_SETTING_CHOICE,
    TWI_SETTING_TEXT, /* from here on texts */
    TWI_SETTING_SECRET,
    TWI_SETTING_STATUSES
};

/* Numbers of all kinds are doubles here, exact up to 2^53. */
struct twi_setting {
    const char *name;
    enum twi_setting_kind kind;
    size_t at;                        /* its member of struct tw_settings */
    double otherwise, least, most;    /* the default, as the program sees it */
    const char *otherwise_text;       /* the default of a text; NULL: none */
    double none_value;                /* what the program sees for none */
    const char *none;                 /* what none means; NULL: it cannot be none */
    const char *const *words;         /* of a choice; the enumerators count from 0 */
    const char *help;
};
extern const struct twi_setting twi_settings_table[];
extern const size_t twi_settings_count;

#endif
