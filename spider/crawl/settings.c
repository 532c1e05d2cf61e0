/* SPDX-License-Identifier: MIT */
/*
 * settings.c - settings in layers.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "spider/crawl/settings.h"
#include "spider/text/json.h"
#include "spider/text/span.h"

const tw_error_class tw_error_settings = { "settings", &tw_error, "usage" };

/* The settings that a host can have of its own, in the order of twi_host_setting.origins. */
static const struct host_name {
    const char *name;
    size_t at; /* in struct tw_host_settings */
} host_names[] = {
    { "delay", offsetof(struct tw_host_settings, delay) },
    { "jitter", offsetof(struct tw_host_settings, jitter) },
    { "max_per_host", offsetof(struct tw_host_settings, max_per_host) },
};
enum { HOST_NAMES = sizeof host_names / sizeof *host_names };

void twi_settings_init(struct twi_settings *settings)
{
    memset(settings, 0, sizeof *settings);
    twi_arena_init(&settings->arena, 0);
    for (size_t i = 0; i < twi_settings_count; i++)
        twi_setting_store(&twi_settings_table[i], twi_setting_default(&twi_settings_table[i]),
                          &settings->values);
}

void twi_settings_free(struct twi_settings *settings)
{
    twi_arena_free(&settings->arena);
}

/* --- names --------------------------------------------------------------------------------- */

static char name_fold(char c)
{
    return c == '-' ? '_' : twi_lower(c);
}

static bool name_is(const char *wanted, const char *name, size_t length)
{
    size_t i = 0;

    while (i < length && wanted[i] != 0 && wanted[i] == name_fold(name[i]))
        i++;
    return i == length && wanted[i] == 0;
}

const struct twi_setting *twi_setting_find(const char *name, size_t length)
{
    for (size_t i = 0; i < twi_settings_count; i++)
        if (name_is(twi_settings_table[i].name, name, length))
            return &twi_settings_table[i];
    return NULL;
}

const struct twi_origin *twi_setting_origin(const struct twi_settings *settings,
                                            const struct twi_setting *setting)
{
    return &settings->origins[setting - twi_settings_table];
}

enum { NAME_MOST = 40 };

static unsigned least_of(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;

    return least < c ? least : c;
}

/* Letters to be put in, taken out or changed, and neighbours to be swapped, to make `wanted`. */
static unsigned name_distance(const char *wanted, const char *name, size_t length)
{
    unsigned row[3][NAME_MOST + 1];
    size_t width = strlen(wanted);

    if (width > NAME_MOST || length > NAME_MOST)
        return NAME_MOST;
    for (unsigned j = 0; j <= width; j++)
        row[0][j] = j;
    for (unsigned i = 1; i <= length; i++) {
        unsigned *now = row[i % 3], *before = row[(i + 2) % 3], *earlier = row[(i + 1) % 3];
        char c = name_fold(name[i - 1]);
        now[0] = i;
        for (unsigned j = 1; j <= width; j++) {
            now[j] = least_of(before[j] + 1, now[j - 1] + 1,
                              before[j - 1] + (c != wanted[j - 1]));
            if (i > 1 && j > 1 && c == wanted[j - 2] &&
                name_fold(name[i - 2]) == wanted[j - 1])
                now[j] = least_of(now[j], earlier[j - 2] + 1, now[j]);
        }
    }
    return row[length % 3][width];
}

void twi_name_nearer(const char *wanted, const char *name, size_t length, unsigned *least,
                     const char **nearest)
{
    unsigned distance = name_distance(wanted, name, length);

    if (*nearest == NULL)
        *least = length < 6 ? 2 : (unsigned)(length / 3) + 1; /* from here on: unlike */
    if (distance < *least) {
        *least = distance;
        *nearest = wanted;
    }
}

const char *twi_setting_nearest(const char *name, size_t length)
{
    unsigned least = 0;
    const char *nearest = NULL;

    for (size_t i = 0; i < twi_settings_count; i++)
        twi_name_nearer(twi_settings_table[i].name, name, length, &least, &nearest);
    return nearest;
}

/* --- failures ------------------------------------------------------------------------------ */

static int settings_fail_memory(tw_value *ret_failure)
{
    *ret_failure = tw_fail_memory();
    return -ENOMEM;
}

static int fail_unknown(const char *where, const char *name, size_t length,
                        tw_value *ret_failure)
{
    const char *nearest = twi_setting_nearest(name, length);

    if (nearest != NULL)
        *ret_failure = tw_fail(&tw_error_settings, "%s: no setting '%.*s'; did you mean '%s'?",
                               where, (int)length, name, nearest);
    else
        *ret_failure = tw_fail(&tw_error_settings,
                               "%s: no setting '%.*s'; 'tweed settings' lists them all", where,
                               (int)length, name);
    return -EINVAL;
}

static int fail_value(const struct twi_setting *setting, const char *where, const char *name,
                      const char *text, tw_value *ret_failure)
{
    struct twi_arena arena;
    struct twi_text allowed = { .arena = &arena };

    twi_arena_init(&arena, 0);
    twi_setting_describe(setting, &allowed);
    *ret_failure = tw_fail(&tw_error_settings, "%s: %s: '%s' is not %s", where, name,
                           setting->kind == TWI_SETTING_SECRET ? "***" : text,
                           twi_text_string(&allowed));
    twi_arena_free(&arena);
    return -EINVAL;
}

/* --- values of hosts ----------------------------------------------------------------------- */

static struct twi_host_setting *host_setting_find(struct twi_settings *settings,
                                                  const char *domain)
{
    struct twi_host_setting *host = settings->hosts, **link = &settings->hosts;
    char *name;

    for (; host != NULL; link = &host->next, host = host->next)
        if (twi_span_is_nocase(twi_span_of(domain), host->values.domain))
            return host;
    host = twi_arena_zeroed(&settings->arena, sizeof *host);
    name = twi_arena_strdup(&settings->arena, domain);
    if (host == NULL || name == NULL)
        return NULL;
    for (char *at = name; *at != 0; at++)
        *at = twi_lower(*at);
    host->values.domain = name;
    *link = host;
    return host;
}

static void host_setting_store(struct twi_host_setting *host, unsigned which, double number)
{
    char *member = (char *)&host->values + host_names[which].at;

    if (which == 2)
        *(int *)(void *)member = (int)number;
    else
        *(double *)(void *)member = number;
}

/* A domain: letters, digits, "-", ".", and what stands in addresses. */
static bool host_is_domain(const char *text)
{
    return *text != 0 && *text != '.' && strlen(text) <= 253 &&
           text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "0123456789-._:[]")] == 0;
}

static int host_setting_put(struct twi_settings *settings, struct twi_origin origin,
                            const char *domain, unsigned which, double number,
                            tw_value *ret_failure)
{
    struct twi_host_setting *host = host_setting_find(settings, domain);

    if (host == NULL)
        return settings_fail_memory(ret_failure);
    if (host->origins[which].layer <= origin.layer) {
        host->origins[which] = origin;
        host_setting_store(host, which, number);
    }
    return 0;
}

/* "delay@example.com": `length` bytes of `name` stand before the "@". */
static int host_setting_set(struct twi_settings *settings, struct twi_origin origin,
                            const char *name, size_t length, const char *text,
                            tw_value *ret_failure)
{
    const char *domain = name + length + 1;
    const struct twi_setting *setting;
    struct twi_setting_value value;
    unsigned which = 0;

    while (which < HOST_NAMES && !name_is(host_names[which].name, name, length))
        which++;
    if (which == HOST_NAMES || !host_is_domain(domain)) {
        *ret_failure = tw_fail(
            &tw_error_settings,
            "%s: '%s': only delay, jitter and max_per_host can be set for a "
            "domain: delay@example.com",
            origin.where, name);
        return -EINVAL;
    }
    setting = twi_setting_find(name, length);
    if (twi_setting_read(setting, text, &value) < 0)
        return fail_value(setting, origin.where, name, text, ret_failure);
    return host_setting_put(settings, origin, domain, which, value.number, ret_failure);
}

static int take_hosts(struct twi_settings *settings, struct twi_origin origin,
                      const struct tw_host_settings *host, tw_value *ret_failure)
{
    int r = 0;

    for (; r == 0 && host != NULL && host->domain != NULL; host++) {
        if (!host_is_domain(host->domain)) {
            *ret_failure = tw_fail(&tw_error_settings, "%s: hosts: '%s' is not a domain",
                                   origin.where, host->domain);
            return -EINVAL;
        }
        for (unsigned i = 0; r == 0 && i < HOST_NAMES; i++) {
            const struct twi_setting *setting = twi_setting_find(host_names[i].name,
                                                                 strlen(host_names[i].name));
            struct twi_setting_value value = { 0 };
            const char *member = (const char *)host + host_names[i].at;
            value.number = i == 2 ? *(const int *)(const void *)member
                                  : *(const double *)(const void *)member;
            if (value.number == 0)
                continue;
            if (twi_setting_check(setting, value, &value) < 0)
                return fail_value(setting, origin.where, host->domain, setting->name,
                                  ret_failure);
            r = host_setting_put(settings, origin, host->domain, i, value.number, ret_failure);
        }
    }
    return r;
}

/* Does `hostname` belong to `domain`, which is in lower case? */
static bool belongs(const char *hostname, const char *domain)
{
    size_t length = strlen(hostname), size = strlen(domain);

    return length >= size &&
           twi_span_is_nocase(twi_span_of(hostname + length - size), domain) &&
           (length == size || hostname[length - size - 1] == '.');
}

struct twi_manner twi_settings_manner(const struct twi_settings *settings,
                                      const char *hostname)
{
    struct twi_manner manner = { settings->values.delay, settings->values.jitter,
                                 settings->values.max_per_host };
    size_t lengths[HOST_NAMES] = { 0 };

    for (const struct twi_host_setting *host = settings->hosts; host != NULL;
         host = host->next) {
        size_t length = strlen(host->values.domain);
        if (!belongs(hostname, host->values.domain))
            continue;
        for (unsigned i = 0; i < HOST_NAMES; i++) {
            if (host->origins[i].layer == TWI_LAYER_DEFAULT || length < lengths[i])
                continue;
            lengths[i] = length;
            if (i == 0)
                manner.delay = host->values.delay;
            else if (i == 1)
                manner.jitter = host->values.jitter;
            else
                manner.max_per_host = host->values.max_per_host;
        }
    }
    return manner;
}

/* --- setting ------------------------------------------------------------------------------- */

static int setting_put(struct twi_settings *settings, const struct twi_setting *setting,
                       struct twi_origin origin, struct twi_setting_value value,
                       tw_value *ret_failure)
{
    struct twi_origin *here = &settings->origins[setting - twi_settings_table];

    if (here->layer > origin.layer)
        return 0;
    if (value.text != NULL) {
        value.text = twi_arena_strdup(&settings->arena, value.text);
        if (value.text == NULL)
            return settings_fail_memory(ret_failure);
    }
    *here = origin;
    twi_setting_store(setting, value, &settings->values);
    return 0;
}

int twi_settings_set(struct twi_settings *settings, enum twi_layer layer, const char *where,
                     const char *name, const char *text, tw_value *ret_failure)
{
    struct twi_origin origin = { layer, twi_arena_strdup(&settings->arena, where) };
    const struct twi_setting *setting = twi_setting_find(name, strlen(name));
    struct twi_setting_value value;

    if (origin.where == NULL)
        return settings_fail_memory(ret_failure);
    if (strchr(name, '@') != NULL)
        return host_setting_set(settings, origin, name, strcspn(name, "@"), text, ret_failure);
    if (setting == NULL)
        return fail_unknown(where, name, strlen(name), ret_failure);
    if (twi_setting_read(setting, text, &value) < 0)
        return fail_value(setting, where, setting->name, text, ret_failure);
    return setting_put(settings, setting, origin, value, ret_failure);
}

int twi_settings_set_pair(struct twi_settings *settings, enum twi_layer layer,
                          const char *where, const char *pair, tw_value *ret_failure)
{
    const char *equals = strchr(pair, '=');
    char name[320];
    size_t length = equals != NULL ? (size_t)(equals - pair) : 0;

    if (length == 0 || length >= sizeof name) {
        *ret_failure = tw_fail(&tw_error_settings, "%s: '%s' is not of the form NAME=VALUE",
                               where, pair);
        return -EINVAL;
    }
    memcpy(name, pair, length);
    name[length] = 0;
    return twi_settings_set(settings, layer, where, name, equals + 1, ret_failure);
}

/* A member that cannot be, as it would be written. */
static int fail_member(const struct twi_setting *setting, const char *where,
                       struct twi_setting_value value, tw_value *ret_failure)
{
    struct twi_arena arena;
    struct twi_text text = { .arena = &arena };
    const struct twi_json *number;
    int r;

    if (value.text != NULL)
        return fail_value(setting, where, setting->name, value.text, ret_failure);
    twi_arena_init(&arena, 0);
    number = twi_json_double(&arena, value.number);
    if (!isfinite(value.number))
        twi_text_puts(&text, "nan or infinite");
    else if (number != NULL)
        twi_text_add(&text, number->text, number->length);
    r = fail_value(setting, where, setting->name, twi_text_string(&text), ret_failure);
    twi_arena_free(&arena);
    return r;
}

int twi_settings_take(struct twi_settings *settings, enum twi_layer layer, const char *where,
                      const struct tw_settings *given, tw_value *ret_failure)
{
    struct twi_origin origin = { layer, twi_arena_strdup(&settings->arena, where) };

    if (origin.where == NULL)
        return settings_fail_memory(ret_failure);
    for (size_t i = 0; i < twi_settings_count; i++) {
        const struct twi_setting *setting = &twi_settings_table[i];
        struct twi_setting_value value = twi_setting_load(setting, given), checked;
        int r;
        if (twi_setting_is_zero(setting, value))
            continue;
        if (twi_setting_check(setting, value, &checked) < 0)
            return fail_member(setting, where, value, ret_failure);
        r = setting_put(settings, setting, origin, checked, ret_failure);
        if (r < 0)
            return r;
    }
    return take_hosts(settings, origin, given->hosts, ret_failure);
}
