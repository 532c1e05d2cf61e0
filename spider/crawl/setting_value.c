/* SPDX-License-Identifier: MIT */
/*
 * setting_value.c - reads and writes values of settings.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/ascii.h"
#include "spider/crawl/setting_value.h"
#include "spider/text/decimal.h"
#include "spider/text/json.h"

struct unit {
    const char *name;
    double factor;
};
/* The larger ones first, as a value is written. */
static const struct unit seconds_units[] = {
    { "d", 86400 }, { "h", 3600 }, { "m", 60 }, { "s", 1 }, { "ms", 0.001 }, { NULL, 0 },
};
static const struct unit bytes_units[] = {
    { "TiB", 0x1p40 }, { "GiB", 0x1p30 }, { "MiB", 0x1p20 }, { "KiB", 0x1p10 }, { "B", 1 },
    { "T", 0x1p40 },   { "G", 0x1p30 },   { "M", 0x1p20 },   { "k", 0x1p10 },   { "TB", 1e12 },
    { "GB", 1e9 },     { "MB", 1e6 },     { "kB", 1e3 },     { NULL, 0 },
};

/* Without a locale, in which letters may have other cases. */
static bool word_is(const char *text, size_t length, const char *word)
{
    size_t i = 0;

    while (i < length && word[i] != 0 && twi_lower(text[i]) == twi_lower(word[i]))
        i++;
    return i == length && word[i] == 0;
}

static bool setting_text_is(const char *text, const char *word)
{
    return word_is(text, strlen(text), word);
}

/* --- reading ------------------------------------------------------------------------------- */

/* Digits with a point among them. */
static bool setting_read_decimal(const char **at, double *ret_number)
{
    size_t length = strspn(*at, "0123456789."), digits = 0;
    char text[TWI_DECIMAL_SIZE];
    bool behind = false;

    if (length >= sizeof text)
        return false;
    for (size_t i = 0; i < length; i++) {
        if ((*at)[i] != '.')
            digits++;
        else if (behind)
            return false;
        else
            behind = true;
    }
    memcpy(text, *at, length);
    text[length] = 0;
    *at += length;
    *ret_number = twi_decimal_read(text);
    return digits > 0;
}

/* Large and small letters are the same, but for sizes' "m" and "M" there is nothing to mix up. */
static const struct unit *unit_find(const struct unit *units, const char *name, size_t length)
{
    for (; units->name != NULL; units++)
        if (word_is(name, length, units->name))
            return units;
    return NULL;
}

/* "1h30m": numbers with their units; one without a unit stands alone. */
static bool read_measure(const char *text, const struct unit *units, double *ret_number)
{
    double sum = 0, number;
    const char *at = text;

    if (*at == 0)
        return false;
    while (*at != 0) {
        const char *name;
        const struct unit *unit;
        bool is_alone = at == text;

        if (!setting_read_decimal(&at, &number))
            return false;
        at += strspn(at, " ");
        name = at;
        while (*at != 0 && *at != ' ' && *at != '.' && !twi_is_digit(*at))
            at++;
        if (at == name) {
            *ret_number = number;
            return is_alone && *at == 0;
        }
        unit = unit_find(units, name, (size_t)(at - name));
        if (unit == NULL)
            return false;
        /* Dividing by 1,000 gives the nearest double; multiplying by 0.001 would not. */
        sum += unit->factor < 1 ? number / (1 / unit->factor) : number * unit->factor;
        at += strspn(at, " ");
    }
    *ret_number = sum;
    return true;
}

static bool read_switch(const char *text, double *ret_number)
{
    static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "0", "1" };

    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        if (setting_text_is(text, words[i])) {
            *ret_number = i % 2;
            return true;
        }
    }
    return false;
}

static bool choice_read(const char *const *words, const char *text, double *ret_number)
{
    for (unsigned i = 0; words[i] != NULL; i++) {
        if (setting_text_is(text, words[i])) {
            *ret_number = i;
            return true;
        }
    }
    return false;
}

/* "500, 503,5xx" */
static bool is_statuses(const char *text)
{
    for (;;) {
        text += strspn(text, " ");
        if (text[0] < '1' || text[0] > '9')
            return false;
        if (text[1] == 0 || text[2] == 0 ||
            (!(twi_is_digit(text[1]) && twi_is_digit(text[2])) && !word_is(text + 1, 2, "xx")))
            return false;
        text += 3 + strspn(text + 3, " ");
        if (*text == 0)
            return true;
        if (*text++ != ',')
            return false;
    }
}

static bool is_printable(const char *text)
{
    for (; *text != 0; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

static bool is_text(const struct twi_setting *setting)
{
    return setting->kind >= TWI_SETTING_TEXT;
}

static bool is_whole(const struct twi_setting *setting)
{
    return setting->kind == TWI_SETTING_INT || setting->kind == TWI_SETTING_LONG ||
           setting->kind == TWI_SETTING_BYTES;
}

struct twi_setting_value twi_setting_default(const struct twi_setting *setting)
{
    return (struct twi_setting_value){ setting->otherwise, setting->otherwise_text };
}

bool twi_setting_is_zero(const struct twi_setting *setting, struct twi_setting_value value)
{
    return is_text(setting) ? value.text == NULL : value.number == 0;
}

int twi_setting_check(const struct twi_setting *setting, struct twi_setting_value given,
                      struct twi_setting_value *ret_value)
{
    if (twi_setting_is_zero(setting, given)) {
        *ret_value = twi_setting_default(setting);
        return 0;
    }
    if (is_text(setting)) {
        if (given.text[0] == 0 ? setting->none == NULL
            : setting->kind == TWI_SETTING_STATUSES ? !is_statuses(given.text)
                                                    : !is_printable(given.text))
            return -EINVAL;
    } else if (given.number < 0 && setting->none != NULL) {
        given.number = setting->none_value;
    } else if (setting->kind == TWI_SETTING_SWITCH) {
        given.number = given.number != 0;
    } else if (setting->kind == TWI_SETTING_CHOICE) {
        unsigned count = 0;
        while (setting->words[count] != NULL)
            count++;
        if (!(given.number >= 0 && given.number < count))
            return -EINVAL;
    } else if (!(given.number >= setting->least && given.number <= setting->most) ||
               (is_whole(setting) && given.number != floor(given.number)) ||
               (setting->kind == TWI_SETTING_LONG && given.number >= (double)LONG_MAX)) {
        return -EINVAL;
    }
    *ret_value = given;
    return 0;
}

static bool setting_read_number(const struct twi_setting *setting, const char *text,
                                double *ret_number)
{
    switch (setting->kind) {
    case TWI_SETTING_SECONDS:
        return read_measure(text, seconds_units, ret_number);
    case TWI_SETTING_BYTES:
        return read_measure(text, bytes_units, ret_number);
    case TWI_SETTING_SWITCH:
        return read_switch(text, ret_number);
    case TWI_SETTING_CHOICE:
        return choice_read(setting->words, text, ret_number);
    default:
        return setting_read_decimal(&text, ret_number) && *text == 0;
    }
}

/* "none", or a negative number that is one. */
static bool is_none(const char *text)
{
    double number;

    if (setting_text_is(text, "none"))
        return true;
    if (*text != '-')
        return false;
    text++;
    return setting_read_decimal(&text, &number) && *text == 0;
}

int twi_setting_read(const struct twi_setting *setting, const char *text,
                     struct twi_setting_value *ret_value)
{
    struct twi_setting_value value = { 0 };

    if (setting_text_is(text, "default")) {
        *ret_value = twi_setting_default(setting);
        return 0;
    }
    if (is_text(setting)) {
        value.text = setting_text_is(text, "none") ? "" : text;
        return twi_setting_check(setting, value, ret_value);
    }
    if (setting->none != NULL && is_none(text)) {
        *ret_value = (struct twi_setting_value){ setting->none_value, NULL };
        return 0;
    }
    if (!setting_read_number(setting, text, &value.number))
        return -EINVAL;
    if (value.number != 0)
        return twi_setting_check(setting, value, ret_value);
    if (setting->none != NULL)
        value.number = setting->none_value;
    else if (setting->kind != TWI_SETTING_SWITCH && setting->kind != TWI_SETTING_CHOICE)
        return -EINVAL;
    *ret_value = value;
    return 0;
}

/* --- writing ------------------------------------------------------------------------------- */

static void setting_put_number(struct twi_text *text, double number)
{
    const struct twi_json *json = twi_json_double(text->arena, number);

    if (json != NULL)
        twi_text_add(text, json->text, json->length);
}

/* In the largest unit that it is a whole number of; else in the smallest one. */
static void put_measure(struct twi_text *text, double number, const struct unit *units)
{
    const struct unit *unit = units;

    while (unit[1].name != NULL && unit->factor > 1 &&
           (number < unit->factor || fmod(number, unit->factor) != 0))
        unit++;
    /* Thousands and thousandths may round: only if it reads back as the same. */
    if (unit->factor == 1 && number < 1 && nearbyint(number * 1e6) / 1000 / 1000 == number) {
        setting_put_number(text, nearbyint(number * 1e6) / 1000);
        twi_text_puts(text, "ms");
        return;
    }
    setting_put_number(text, number / unit->factor);
    twi_text_puts(text, unit->name);
}

static void setting_put_value(const struct twi_setting *setting, double number,
                              struct twi_text *text)
{
    switch (setting->kind) {
    case TWI_SETTING_SECONDS:
        put_measure(text, number, seconds_units);
        break;
    case TWI_SETTING_BYTES:
        put_measure(text, number, bytes_units);
        break;
    case TWI_SETTING_SWITCH:
        twi_text_puts(text, number != 0 ? "yes" : "no");
        break;
    case TWI_SETTING_CHOICE:
        twi_text_puts(text, setting->words[(unsigned)number]);
        break;
    default:
        setting_put_number(text, number);
    }
}

void twi_setting_write(const struct twi_setting *setting, struct twi_setting_value value,
                       struct twi_text *text)
{
    if (is_text(setting)) {
        if (value.text == NULL)
            twi_text_puts(text, "default");
        else if (value.text[0] == 0)
            twi_text_puts(text, "none");
        else
            twi_text_puts(text, setting->kind == TWI_SETTING_SECRET ? "(set)" : value.text);
    } else if (setting->none != NULL && value.number == setting->none_value) {
        twi_text_puts(text, "none");
    } else {
        setting_put_value(setting, value.number, text);
    }
}

static void describe_words(const struct twi_setting *setting, struct twi_text *text)
{
    twi_text_puts(text, "one of ");
    for (unsigned i = 0; setting->words[i] != NULL; i++) {
        if (i > 0)
            twi_text_puts(text, ", ");
        twi_text_puts(text, setting->words[i]);
    }
}

static void describe_range(const struct twi_setting *setting, const char *noun,
                           const char *samples, struct twi_text *text)
{
    twi_text_puts(text, noun);
    twi_text_puts(text, " from ");
    setting_put_value(setting, setting->least, text);
    twi_text_puts(text, " to ");
    setting_put_value(setting, setting->most, text);
    twi_text_puts(text, samples);
}

void twi_setting_describe(const struct twi_setting *setting, struct twi_text *text)
{
    switch (setting->kind) {
    case TWI_SETTING_SECONDS:
        describe_range(setting, "a time", " (500ms, 2s, 1h30m)", text);
        break;
    case TWI_SETTING_BYTES:
        describe_range(setting, "a size", " (512KiB, 64MiB)", text);
        break;
    case TWI_SETTING_NUMBER:
        describe_range(setting, "a number", "", text);
        break;
    case TWI_SETTING_SWITCH:
        twi_text_puts(text, "yes or no");
        break;
    case TWI_SETTING_CHOICE:
        describe_words(setting, text);
        break;
    case TWI_SETTING_STATUSES:
        twi_text_puts(text, "a list of HTTP statuses (500, 503, 5xx)");
        break;
    case TWI_SETTING_TEXT:
    case TWI_SETTING_SECRET:
        twi_text_puts(text, "a text without control characters");
        break;
    default:
        describe_range(setting, "a whole number", "", text);
    }
    if (setting->none != NULL) {
        twi_text_puts(text, ", or none (");
        twi_text_puts(text, setting->none);
        twi_text_puts(text, ")");
    }
}

/* --- members of the struct ----------------------------------------------------------------- */

#define MEMBER(type) (*(type *)((char *)settings + setting->at))
#define MEMBER_CONST(type) (*(const type *)((const char *)settings + setting->at))

struct twi_setting_value twi_setting_load(const struct twi_setting *setting,
                                          const struct tw_settings *settings)
{
    struct twi_setting_value value = { 0 };

    switch (setting->kind) {
    case TWI_SETTING_SECONDS:
    case TWI_SETTING_NUMBER:
        value.number = MEMBER_CONST(double);
        break;
    case TWI_SETTING_BYTES:
        value.number = (double)MEMBER_CONST(int64_t);
        break;
    case TWI_SETTING_LONG:
        value.number = (double)MEMBER_CONST(long);
        break;
    case TWI_SETTING_INT:
    case TWI_SETTING_CHOICE:
        value.number = MEMBER_CONST(int);
        break;
    case TWI_SETTING_SWITCH:
        value.number = MEMBER_CONST(bool);
        break;
    default:
        value.text = MEMBER_CONST(char *);
    }
    return value;
}

void twi_setting_store(const struct twi_setting *setting, struct twi_setting_value value,
                       struct tw_settings *settings)
{
    switch (setting->kind) {
    case TWI_SETTING_SECONDS:
    case TWI_SETTING_NUMBER:
        MEMBER(double) = value.number;
        break;
    case TWI_SETTING_BYTES:
        MEMBER(int64_t) = (int64_t)value.number;
        break;
    case TWI_SETTING_LONG:
        MEMBER(long) = (long)value.number;
        break;
    case TWI_SETTING_INT:
    case TWI_SETTING_CHOICE:
        MEMBER(int) = (int)value.number;
        break;
    case TWI_SETTING_SWITCH:
        MEMBER(bool) = value.number != 0;
        break;
    default:
        MEMBER(const char *) = value.text;
    }
}
