/* SPDX-License-Identifier: MIT */
/*
 * settings_file.c - settings from tweed.conf and from the environment.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spider/crawl/settings.h"
#include "spider/text/span.h"

/* --- lines --------------------------------------------------------------------------------- */

static struct twi_span span_trim(struct twi_span span)
{
    while (span.length > 0 && twi_is_space(span.text[0]))
        span = twi_span_from(span, 1);
    while (span.length > 0 && twi_is_space(span.text[span.length - 1]))
        span.length--;
    return span;
}

/* Quotes keep blanks at the ends of a value. */
static struct twi_span span_unquote(struct twi_span span)
{
    if (span.length >= 2 && span.text[0] == '"' && span.text[span.length - 1] == '"')
        return (struct twi_span){ span.text + 1, span.length - 2 };
    return span;
}

/* The line of this file that `name` was set in before; NULL: none. */
static const char *set_before(const struct twi_settings *settings, const char *path,
                              const char *name)
{
    const struct twi_setting *setting = twi_setting_find(name, strlen(name));
    const struct twi_origin *origin;
    size_t length = strlen(path);

    if (setting == NULL)
        return NULL;
    origin = twi_setting_origin(settings, setting);
    if (origin->layer != TWI_LAYER_FILE || strncmp(origin->where, path, length) != 0 ||
        origin->where[length] != ':')
        return NULL;
    return origin->where + length + 1;
}

static int line_fail(const char *where, struct twi_span line, tw_value *ret_failure)
{
    *ret_failure = tw_fail(&tw_error_settings, "%s: '%.*s' is not of the form name = value",
                           where, (int)(line.length < 80 ? line.length : 80), line.text);
    return -EINVAL;
}

static int conf_take_line(struct twi_settings *settings, const char *path, const char *where,
                          struct twi_span line, tw_value *ret_failure)
{
    size_t equals = twi_span_find(line, '=');
    struct twi_span name = span_trim(twi_span_first(line, equals)), value;
    const char *before;
    char *name_text, *value_text;

    if (equals == line.length || name.length == 0 || twi_span_find(line, 0) < line.length)
        return line_fail(where, line, ret_failure);
    value = span_unquote(span_trim(twi_span_from(line, equals + 1)));
    name_text = twi_arena_copy(&settings->arena, name.text, name.length);
    value_text = twi_arena_copy(&settings->arena, value.text, value.length);
    if (name_text == NULL || value_text == NULL) {
        *ret_failure = tw_fail_memory();
        return -ENOMEM;
    }
    before = set_before(settings, path, name_text);
    if (before != NULL) {
        *ret_failure = tw_fail(&tw_error_settings, "%s: %s stands in line %s, too", where,
                               name_text, before);
        return -EINVAL;
    }
    return twi_settings_set(settings, TWI_LAYER_FILE, where, name_text, value_text,
                            ret_failure);
}

int twi_settings_read_text(struct twi_settings *settings, const char *path, const char *data,
                           size_t length, tw_value *ret_failure)
{
    struct twi_span rest = { data, length };
    char where[4096 + 32];
    int r = 0;

    if (twi_span_starts_nocase(rest, "\xef\xbb\xbf"))
        rest = twi_span_from(rest, 3);
    for (unsigned long number = 1; r == 0 && rest.length > 0; number++) {
        size_t end = twi_span_find(rest, '\n');
        struct twi_span line = span_trim(twi_span_first(rest, end));
        snprintf(where, sizeof where, "%.4096s:%lu", path, number);
        if (line.length > 0 && line.text[0] != '#')
            r = conf_take_line(settings, path, where, line, ret_failure);
        rest = twi_span_from(rest, end < rest.length ? end + 1 : end);
    }
    return r;
}

/* --- the file ------------------------------------------------------------------------------ */

enum { FILE_MOST = 1 << 20 };

static int conf_read(int fd, struct twi_text *text)
{
    char block[8192];
    ssize_t n;

    while ((n = read(fd, block, sizeof block)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        twi_text_add(text, block, (size_t)n);
        if (text->arena->failed)
            return -ENOMEM;
        if (text->length > FILE_MOST)
            return -EFBIG;
    }
    return 0;
}

int twi_settings_read_file(struct twi_settings *settings, const char *path,
                           tw_value *ret_failure)
{
    struct twi_text text = { .arena = &settings->arena };
    bool is_asked = path != NULL;
    int fd, r;

    if (path == NULL) {
        path = getenv("TWEED_CONF");
        is_asked = path != NULL && path[0] != 0;
        path = is_asked ? path : "tweed.conf";
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && !is_asked)
        return 0;
    r = fd < 0 ? -errno : conf_read(fd, &text);
    if (fd >= 0)
        close(fd);
    if (r == -ENOMEM)
        *ret_failure = tw_fail_memory();
    else if (r < 0)
        *ret_failure = tw_fail(&tw_error_settings, "%s: %s", path, strerror(-r));
    return r < 0 ? r
                 : twi_settings_read_text(settings, path, twi_text_string(&text), text.length,
                                          ret_failure);
}

/* --- the environment ----------------------------------------------------------------------- */

static int take_variable(struct twi_settings *settings, const char *variable, size_t length,
                         tw_value *ret_failure)
{
    const char *name = variable + strlen("TWEED_"), *nearest;
    size_t name_length = length - strlen("TWEED_");
    const struct twi_setting *setting = twi_setting_find(name, name_length);
    char where[64];

    if (setting == NULL) {
        nearest = twi_setting_nearest(name, name_length);
        if (nearest == NULL)
            return 0;
        *ret_failure = tw_fail(&tw_error_settings,
                               "%.*s: no setting of that name; did you mean '%s'?",
                               (int)length, variable, nearest);
        return -EINVAL;
    }
    snprintf(where, sizeof where, "%.*s", (int)length, variable);
    return twi_settings_set(settings, TWI_LAYER_ENVIRONMENT, where, setting->name,
                            variable + length + 1, ret_failure);
}

/* Variables of ours that are no settings. */
static bool is_reserved(const char *variable, size_t length)
{
    static const char *const names[] = { "TWEED_CONF" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == length && memcmp(names[i], variable, length) == 0)
            return true;
    return false;
}

int twi_settings_read_environment(struct twi_settings *settings, char *const *environment,
                                  tw_value *ret_failure)
{
    int r = 0;

    for (; r == 0 && environment != NULL && *environment != NULL; environment++) {
        const char *variable = *environment, *equals = strchr(variable, '=');
        if (equals == NULL || strncmp(variable, "TWEED_", 6) != 0 || equals - variable < 7)
            continue;
        if (!is_reserved(variable, (size_t)(equals - variable)))
            r = take_variable(settings, variable, (size_t)(equals - variable), ret_failure);
    }
    return r;
}
