/* SPDX-License-Identifier: MIT */
/*
 * settings_command.c - `tweed settings`: the settings that count here, and where each comes from.
 */
#include "config.h"

#include <string.h>

#include "cli/cli.h"
#include "spider/crawl/options.h"
#include "spider/text/json.h"

extern char **environ;

struct settings_question {
    struct twi_options options; /* its settings are all that is used */
    bool json;
    struct twi_words names; /* only these; none: all */
};

enum { OPTION_SET, OPTION_CONF, OPTION_JSON };
static const struct cli_option settings_options[] = {
    { "set", 's', OPTION_SET, "NAME=VALUE", "a setting of the command line" },
    { "conf", 0, OPTION_CONF, "FILE", "settings from FILE, not from tweed.conf" },
    { "json", 0, OPTION_JSON, NULL, "as a list of JSON" },
    { NULL, 0, 0, NULL, NULL },
};

/* Complain, and release. Always -1. */
static int settings_complain(tw_value failure)
{
    cli_complain("settings", "%s", tw_failure_message(failure));
    tw_release(failure);
    return -1;
}

static int settings_take(const struct cli_option *option, const char *value, bool on,
                         void *arg)
{
    struct settings_question *question = arg;
    tw_value failure;

    if (option->id == OPTION_SET &&
        twi_settings_set_pair(&question->options.settings, TWI_LAYER_COMMAND, "-s", value,
                              &failure) < 0)
        return settings_complain(failure);
    if (option->id == OPTION_CONF)
        question->options.conf = value;
    if (option->id == OPTION_JSON)
        question->json = on;
    return 0;
}

static int settings_operand(const char *text, void *arg)
{
    struct settings_question *question = arg;
    const char *nearest;

    if (twi_setting_find(text, strlen(text)) == NULL) {
        nearest = twi_setting_nearest(text, strlen(text));
        cli_complain("settings", "no setting '%s'%s%s%s", text,
                     nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                     nearest != NULL ? "'?" : "");
        return -1;
    }
    if (!twi_words_add(&question->options.settings.arena, &question->names, text))
        return settings_complain(tw_fail_memory());
    return 0;
}

static const struct cli_command settings_command = {
    .name = "settings",
    .usage = "[OPTION...] [NAME...]",
    .purpose =
        "Show the settings that a spider has here, and where each comes from:\n"
        "tweed.conf, the environment (TWEED_DELAY=2s), -s delay=2s. With NAME, what it is.",
    .options = settings_options,
    .take = settings_take,
    .operand = settings_operand,
};

/* --- one setting --------------------------------------------------------------------------- */

static bool setting_is_wanted(const struct settings_question *question,
                              const struct twi_setting *setting)
{
    for (size_t i = 0; i < question->names.count; i++) {
        const char *name = question->names.words[i];
        if (twi_setting_find(name, strlen(name)) == setting)
            return true;
    }
    return question->names.count == 0;
}

static const char *origin_text(const struct twi_origin *origin)
{
    return origin->layer == TWI_LAYER_DEFAULT ? "default" : origin->where;
}

static void setting_show(struct settings_question *question, const struct twi_setting *setting,
                         struct cli_text *out)
{
    struct twi_settings *settings = &question->options.settings;
    struct twi_text text = { .arena = &settings->arena }, allowed = text;

    twi_setting_write(setting, twi_setting_load(setting, &settings->values), &text);
    cli_text_printf(out, "%-20s %-16s %s\n", setting->name, twi_text_string(&text),
                    origin_text(twi_setting_origin(settings, setting)));
    if (question->names.count == 0)
        return;
    twi_setting_describe(setting, &allowed);
    cli_text_printf(out, "    %s\n    Allowed: %s.\n", setting->help,
                    twi_text_string(&allowed));
}

static struct twi_json *setting_json(struct twi_settings *settings,
                                     const struct twi_setting *setting)
{
    struct twi_arena *arena = &settings->arena;
    struct twi_setting_value value = twi_setting_load(setting, &settings->values);
    struct twi_json *object = twi_json_new(arena, TWI_JSON_OBJECT);
    struct twi_text text = { .arena = arena }, allowed = text;

    twi_setting_write(setting, value, &text);
    twi_setting_describe(setting, &allowed);
    twi_json_put_string(arena, object, "name", setting->name);
    twi_json_put_string(arena, object, "text", twi_text_string(&text));
    if (setting->kind == TWI_SETTING_SWITCH)
        twi_json_put(object, "value", twi_json_boolean(arena, value.number != 0));
    else if (setting->kind >= TWI_SETTING_CHOICE)
        twi_json_put_string(arena, object, "value",
                            setting->kind == TWI_SETTING_CHOICE || value.text != NULL
                                ? twi_text_string(&text)
                                : NULL);
    else if (setting->none != NULL && value.number == setting->none_value)
        twi_json_put(object, "value", twi_json_new(arena, TWI_JSON_NULL));
    else
        twi_json_put(object, "value", twi_json_double(arena, value.number));
    twi_json_put_string(arena, object, "from",
                        origin_text(twi_setting_origin(settings, setting)));
    twi_json_put_string(arena, object, "help", setting->help);
    twi_json_put_string(arena, object, "allowed", twi_text_string(&allowed));
    return object;
}

/* --- hosts --------------------------------------------------------------------------------- */

static const char *const host_names[] = { "delay", "jitter", "max_per_host" };

static double host_value(const struct twi_host_setting *host, unsigned which)
{
    return which == 0   ? host->values.delay
           : which == 1 ? host->values.jitter
                        : host->values.max_per_host;
}

static void host_show(struct twi_settings *settings, const struct twi_host_setting *host,
                      unsigned which, struct cli_text *out, struct twi_json *list)
{
    const struct twi_setting *setting = twi_setting_find(host_names[which],
                                                         strlen(host_names[which]));
    struct twi_setting_value value = { host_value(host, which), NULL };
    struct twi_text text = { .arena = &settings->arena }, name = text;
    struct twi_json *object = twi_json_new(&settings->arena, TWI_JSON_OBJECT);

    twi_setting_write(setting, value, &text);
    twi_text_puts(&name, setting->name);
    twi_text_putc(&name, '@');
    twi_text_puts(&name, host->values.domain);
    if (list == NULL) {
        cli_text_printf(out, "%-20s %-16s %s\n", twi_text_string(&name),
                        twi_text_string(&text), host->origins[which].where);
        return;
    }
    twi_json_put_string(&settings->arena, object, "name", twi_text_string(&name));
    twi_json_put_string(&settings->arena, object, "text", twi_text_string(&text));
    twi_json_put(object, "value", twi_json_double(&settings->arena, value.number));
    twi_json_put_string(&settings->arena, object, "from", host->origins[which].where);
    twi_json_append(list, object);
}

static void hosts_show(struct settings_question *question, struct cli_text *out,
                       struct twi_json *list)
{
    struct twi_settings *settings = &question->options.settings;

    for (const struct twi_host_setting *host = settings->hosts; host != NULL;
         host = host->next)
        for (unsigned i = 0; i < 3; i++)
            if (host->origins[i].layer != TWI_LAYER_DEFAULT &&
                setting_is_wanted(question,
                                  twi_setting_find(host_names[i], strlen(host_names[i]))))
                host_show(settings, host, i, out, list);
}

/* --- all of them --------------------------------------------------------------------------- */

static int settings_show(struct settings_question *question)
{
    struct twi_settings *settings = &question->options.settings;
    struct twi_json *list = question->json ? twi_json_new(&settings->arena, TWI_JSON_LIST)
                                           : NULL;
    struct twi_text line = { .arena = &settings->arena };
    struct cli_text out = { 0 };
    int status;

    for (size_t i = 0; i < twi_settings_count; i++) {
        const struct twi_setting *setting = &twi_settings_table[i];
        if (!setting_is_wanted(question, setting))
            continue;
        if (question->json)
            twi_json_append(list, setting_json(settings, setting));
        else
            setting_show(question, setting, &out);
    }
    hosts_show(question, &out, list);
    if (question->json) {
        twi_json_write(&line, list);
        cli_text_printf(&out, "%s\n", twi_text_string(&line));
    }
    if (settings->arena.failed) {
        cli_complain("settings", "out of memory");
        status = CLI_FAILED;
    } else {
        status = cli_print("settings", &out);
    }
    cli_text_free(&out);
    return status;
}

int cli_settings(int argc, char **argv)
{
    struct settings_question question = { 0 };
    enum cli_verdict verdict;
    tw_value failure;
    int status;

    twi_options_init(&question.options);
    verdict = cli_parse(&settings_command, argc, argv, &question);
    if (verdict != CLI_RUN) {
        status = cli_status_of(verdict);
    } else if (twi_options_settle(&question.options, "", NULL, environ, &failure) < 0) {
        settings_complain(failure);
        status = CLI_USAGE;
    } else {
        status = settings_show(&question);
    }
    twi_options_free(&question.options);
    return status;
}
