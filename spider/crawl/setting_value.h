/* SPDX-License-Identifier: MIT */
/*
 * setting_value.h - values of settings as texts: "250ms", "64MiB", "yes", "none".
 */
#ifndef SPIDER_CRAWL_SETTING_VALUE_H
#define SPIDER_CRAWL_SETTING_VALUE_H

#include "spider/crawl/settings_table.h"
#include "spider/text/arena.h"

/* As the program sees it. */
struct twi_setting_value {
    double number;
    const char *text; /* of a text: NULL the default that has no words, "" none; lent */
};

struct twi_setting_value twi_setting_default(const struct twi_setting *setting);
/*
 * Read a value. Times: "500ms", "2s", "1.5m", "1h30m", "7d"; a number alone is seconds. Sizes:
 * "10", "64k", "64MiB" (times 1024), "64MB" (times 1000). Switches: yes, no, true, false, on,
 * off, 1, 0.
 * "default" is the default; "none", "0" and "-1" are none where there is none; nothing at all is
 * none for a text.
 * Returns 0 or -EINVAL.
 */
int twi_setting_read(const struct twi_setting *setting, const char *text,
                     struct twi_setting_value *ret_value);
/* The same from a member of a struct: zero is the default, negative is none. */
int twi_setting_check(const struct twi_setting *setting, struct twi_setting_value given,
                      struct twi_setting_value *ret_value);
/* The text that reads back as `value`; a secret's is "(set)". */
void twi_setting_write(const struct twi_setting *setting, struct twi_setting_value value,
                       struct twi_text *text);
/* Which values there are: "a time from 1ms to 1d (500ms, 2s, 1h30m), or none (no delay)". */
void twi_setting_describe(const struct twi_setting *setting, struct twi_text *text);

/* A member of `settings`, and back. */
struct twi_setting_value twi_setting_load(const struct twi_setting *setting,
                                          const struct tw_settings *settings);
void twi_setting_store(const struct twi_setting *setting, struct twi_setting_value value,
                       struct tw_settings *settings);
/* A zero member: not given. */
bool twi_setting_is_zero(const struct twi_setting *setting, struct twi_setting_value value);

#endif
