/* SPDX-License-Identifier: MIT */
/*
 * options.c - reads the command line of a spider's program.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "spider/crawl/options.h"
#include "spider/text/span.h"

static const struct twi_option common[] = {
    { "output", 'o', "FILE",
      "append the items to FILE, in the format that its name ends with" },
    { "overwrite", 'O', "FILE", "write FILE anew, in place of the spider's own feeds" },
    { "argument", 'a', "NAME=VALUE", "an argument for the spider" },
    { "set", 's', "NAME=VALUE", "a setting; see 'tweed settings'" },
    { "job", 'j', "FOLDER", "keep the crawl in FOLDER, and go on with the one that is there" },
    { "conf", 0, "FILE", "settings from FILE, not from tweed.conf" },
    { "json", 0, NULL, "the summary as JSON" },
    { "failed", 0, NULL, "fetch again what failed in a job, too" },
    { "quiet", 'q', NULL, "show no progress and no summary; log errors only" },
    { "verbose", 'v', NULL, "log everything" },
    { "help", 'h', NULL, "show this" },
    { "version", 'V', NULL, "show the version" },
    { NULL, 0, NULL, NULL },
};
/* Settings that the help names; the others are options just the same. */
static const char *const shown[] = { "delay",     "cache",     "on_full",
                                     "max_pages", "log_level", NULL };

void twi_options_init(struct twi_options *options)
{
    memset(options, 0, sizeof *options);
    twi_settings_init(&options->settings);
}

void twi_options_free(struct twi_options *options)
{
    twi_settings_free(&options->settings);
}

bool twi_words_add(struct twi_arena *arena, struct twi_words *words, const char *word)
{
    size_t size = sizeof *words->words, count = words->count;
    const char **grown = twi_arena_grow(
        arena, words->words, count > 0 ? (count + 1) * size : 0, (count + 2) * size);

    if (grown == NULL)
        return false;
    words->words = grown;
    grown[words->count++] = word;
    grown[words->count] = NULL;
    return true;
}

const char *twi_options_argument(const struct twi_options *options, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = options->arguments.count; i-- > 0;) {
        const char *word = options->arguments.words[i];
        if (strncmp(word, name, length) == 0 && word[length] == '=')
            return word + length + 1;
    }
    return NULL;
}

/* --- the reader ---------------------------------------------------------------------------- */

struct options_reader {
    struct twi_options *options;
    const struct twi_option_set *set;
    char *const *argv;
    int argc, next;
    enum twi_options_verdict verdict;
    tw_value *ret_failure;
};

static int options_fail_memory(const struct options_reader *reader)
{
    *reader->ret_failure = tw_fail_memory();
    return -ENOMEM;
}

static int options_keep(const struct options_reader *reader, struct twi_words *words,
                        const char *word)
{
    return twi_words_add(&reader->options->settings.arena, words, word)
               ? 0
               : options_fail_memory(reader);
}

static int add_feed(const struct options_reader *reader, const char *path, bool overwrite)
{
    struct twi_feed_option **link = &reader->options->feeds, *feed;

    if (path[0] == 0) {
        *reader->ret_failure = tw_fail(&tw_error_settings, "%s: a file without a name",
                                       overwrite ? "-O" : "-o");
        return -EINVAL;
    }
    while (*link != NULL)
        link = &(*link)->next;
    feed = twi_arena_zeroed(&reader->options->settings.arena, sizeof *feed);
    if (feed == NULL)
        return options_fail_memory(reader);
    feed->path = path;
    feed->overwrite = overwrite;
    *link = feed;
    return 0;
}

static int add_argument(const struct options_reader *reader, const char *pair)
{
    if (strcspn(pair, "=") == strlen(pair) || pair[0] == '=') {
        *reader->ret_failure = tw_fail(&tw_error_settings,
                                       "-a: '%s' is not of the form NAME=VALUE", pair);
        return -EINVAL;
    }
    return options_keep(reader, &reader->options->arguments, pair);
}

static int set_one(const struct options_reader *reader, const char *where, const char *name,
                   const char *text)
{
    return twi_settings_set(&reader->options->settings, TWI_LAYER_COMMAND, where, name, text,
                            reader->ret_failure);
}

static int take_common(struct options_reader *reader, const struct twi_option *option,
                       const char *value)
{
    struct twi_options *options = reader->options;

    switch (option->letter) {
    case 'o':
    case 'O':
        return add_feed(reader, value, option->letter == 'O');
    case 'a':
        return add_argument(reader, value);
    case 's':
        return twi_settings_set_pair(&options->settings, TWI_LAYER_COMMAND, "-s", value,
                                     reader->ret_failure);
    case 'j':
        options->job = value;
        return 0;
    case 'q':
        options->quiet = true;
        return set_one(reader, "-q", "log_level", "error");
    case 'v':
        return set_one(reader, "-v", "log_level", "debug");
    case 'h':
        reader->verdict = TWI_OPTIONS_HELP;
        return 0;
    case 'V':
        reader->verdict = TWI_OPTIONS_VERSION;
        return 0;
    default:
        if (value != NULL)
            options->conf = value;
        else if (strcmp(option->name, "failed") == 0)
            options->failed = true;
        else
            options->json = true;
        return 0;
    }
}

/* --- finding ------------------------------------------------------------------------------- */

static const struct twi_option *table_find(const struct twi_option *table, const char *name,
                                           size_t length, char letter)
{
    for (; table != NULL && table->name != NULL; table++)
        if (name != NULL
                ? strlen(table->name) == length && memcmp(table->name, name, length) == 0
                : table->letter == letter)
            return table;
    return NULL;
}

/* By its name, or with NULL by its letter. */
static const struct twi_option *option_find(const struct options_reader *reader,
                                            const char *name, size_t length, char letter)
{
    const struct twi_option *own = reader->set != NULL ? reader->set->options : NULL;
    const struct twi_option *option = table_find(own, name, length, letter);

    return option != NULL ? option : table_find(common, name, length, letter);
}

static bool is_common(const struct twi_option *option)
{
    return option >= common && option < common + sizeof common / sizeof *common;
}

static int crawl_option_take(struct options_reader *reader, const struct twi_option *option,
                             const char *value)
{
    if (is_common(option))
        return take_common(reader, option, value);
    return reader->set->take(option, value, reader->set->arg, reader->ret_failure);
}

/* --- the forms of an option ---------------------------------------------------------------- */

/* The value of "--NAME": behind "=", else the next word. NULL: there is none, which is told. */
static const char *value_next(struct options_reader *reader, const char *attached,
                              const char *option, int length, const char *argument)
{
    if (attached != NULL)
        return attached;
    if (reader->next < reader->argc)
        return reader->argv[reader->next++];
    *reader->ret_failure = tw_fail(&tw_error_settings, "%.*s wants a value: %s", length,
                                   option, argument);
    return NULL;
}

/* "--max-pages 10": a setting by its name. */
static int read_setting(struct options_reader *reader, const struct twi_setting *setting,
                        const char *word, int length, const char *attached)
{
    const char *value = attached;
    char where[64];

    if (value == NULL && setting->kind == TWI_SETTING_SWITCH)
        value = "yes";
    else if (value == NULL)
        value = value_next(reader, NULL, word, length, "VALUE");
    if (value == NULL)
        return -EINVAL;
    snprintf(where, sizeof where, "%.*s", length, word);
    return set_one(reader, where, setting->name, value);
}

static void table_nearer(const struct twi_option *table, const char *name, size_t length,
                         unsigned *least, const char **nearest)
{
    for (; table != NULL && table->name != NULL; table++)
        twi_name_nearer(table->name, name, length, least, nearest);
}

/* An option, or a setting, that `name` is like; NULL: there is none. */
static const char *option_nearest(const struct options_reader *reader, const char *name,
                                  size_t length)
{
    unsigned least = 0;
    const char *nearest = NULL;

    if (reader->set != NULL)
        table_nearer(reader->set->options, name, length, &least, &nearest);
    table_nearer(common, name, length, &least, &nearest);
    for (size_t i = 0; i < twi_settings_count; i++)
        twi_name_nearer(twi_settings_table[i].name, name, length, &least, &nearest);
    return nearest;
}

static int options_unknown(const struct options_reader *reader, const char *word, int length)
{
    const char *nearest = length > 2 ? option_nearest(reader, word + 2, (size_t)length - 2)
                                     : NULL;
    char name[64] = "";

    for (size_t i = 0; nearest != NULL && nearest[i] != 0 && i < sizeof name - 1; i++)
        name[i] = nearest[i] == '_' ? '-' : nearest[i];
    if (nearest != NULL)
        *reader->ret_failure = tw_fail(
            &tw_error_settings, "unknown option %.*s; did you mean --%s?", length, word, name);
    else
        *reader->ret_failure = tw_fail(&tw_error_settings, "unknown option %.*s", length,
                                       word);
    return -EINVAL;
}

static int read_name(struct options_reader *reader, const char *word)
{
    const char *equals = strchr(word, '='), *attached = equals != NULL ? equals + 1 : NULL;
    size_t length = equals != NULL ? (size_t)(equals - word) : strlen(word);
    const struct twi_option *option = option_find(reader, word + 2, length - 2, 0);
    const struct twi_setting *setting = twi_setting_find(word + 2, length - 2);
    const char *value;

    if (option == NULL && setting != NULL)
        return read_setting(reader, setting, word, (int)length, attached);
    if (option == NULL)
        return options_unknown(reader, word, (int)length);
    if (option->argument == NULL && attached != NULL) {
        *reader->ret_failure = tw_fail(&tw_error_settings, "%.*s takes no value", (int)length,
                                       word);
        return -EINVAL;
    }
    if (option->argument == NULL)
        return crawl_option_take(reader, option, NULL);
    value = value_next(reader, attached, word, (int)length, option->argument);
    return value == NULL ? -EINVAL : crawl_option_take(reader, option, value);
}

static int options_read_letters(struct options_reader *reader, const char *letters)
{
    int r = 0;

    for (; r == 0 && *letters != 0; letters++) {
        const struct twi_option *option = option_find(reader, NULL, 0, *letters);
        const char word[] = { '-', *letters, 0 }, *value;
        if (option == NULL)
            return options_unknown(reader, word, 2);
        if (option->argument == NULL) {
            r = crawl_option_take(reader, option, NULL);
            continue;
        }
        value = value_next(reader, letters[1] != 0 ? letters + 1 : NULL, word, 2,
                           option->argument);
        return value == NULL ? -EINVAL : crawl_option_take(reader, option, value);
    }
    return r;
}

static int take_operand(const struct options_reader *reader, const char *word)
{
    if (reader->set != NULL && reader->set->operand != NULL)
        return options_keep(reader, &reader->options->operands, word);
    *reader->ret_failure = tw_fail(&tw_error_settings, "'%s' is no option", word);
    return -EINVAL;
}

int twi_options_read(struct twi_options *options, const struct twi_option_set *set, int argc,
                     char *const *argv, enum twi_options_verdict *ret_verdict,
                     tw_value *ret_failure)
{
    struct options_reader reader = {
        options, set, argv, argc, 0, TWI_OPTIONS_RUN, ret_failure
    };
    bool only_operands = false;
    int r = 0;

    /* Behind --help nothing is read: a mistake there is none. */
    while (r == 0 && reader.verdict == TWI_OPTIONS_RUN && reader.next < argc) {
        const char *word = argv[reader.next++];
        if (only_operands || word[0] != '-' || word[1] == 0)
            r = take_operand(&reader, word);
        else if (word[1] != '-')
            r = options_read_letters(&reader, word + 1);
        else if (word[2] != 0)
            r = read_name(&reader, word);
        else
            only_operands = true;
    }
    if (r == 0)
        *ret_verdict = reader.verdict;
    return r;
}

int twi_options_settle(struct twi_options *options, const char *name,
                       const struct tw_settings *spider, char *const *environment,
                       tw_value *ret_failure)
{
    struct twi_settings *settings = &options->settings;
    char where[128];
    int r = twi_settings_read_file(settings, options->conf, ret_failure);

    snprintf(where, sizeof where, "spider %s", name);
    if (r == 0 && spider != NULL)
        r = twi_settings_take(settings, TWI_LAYER_SPIDER, where, spider, ret_failure);
    if (r == 0)
        r = twi_settings_read_environment(settings, environment, ret_failure);
    return r;
}

/* --- help ---------------------------------------------------------------------------------- */

enum { HELP_WIDTH = 34 };

static void help_pad(struct twi_text *text, size_t start)
{
    size_t width = text->length - start;

    if (width + 2 > HELP_WIDTH) {
        twi_text_putc(text, '\n');
        width = 0;
    }
    for (; width < HELP_WIDTH; width++)
        twi_text_putc(text, ' ');
}

static void help_option(struct twi_text *text, const struct twi_option *option)
{
    size_t start = text->length;
    char letter[] = { ' ', ' ', '-', option->letter, ',', ' ', 0 };

    twi_text_puts(text, option->letter != 0 ? letter : "      ");
    twi_text_puts(text, "--");
    twi_text_puts(text, option->name);
    if (option->argument != NULL) {
        twi_text_putc(text, ' ');
        twi_text_puts(text, option->argument);
    }
    help_pad(text, start);
    twi_text_puts(text, option->help);
    twi_text_putc(text, '\n');
}

/* The first sentence of a setting's help, with a small letter in front. */
static void help_setting(struct twi_text *text, const struct twi_setting *setting)
{
    size_t start = text->length;
    const char *end = strstr(setting->help, ". ");

    twi_text_puts(text, "      --");
    for (const char *at = setting->name; *at != 0; at++)
        twi_text_putc(text, *at == '_' ? '-' : *at);
    if (setting->kind != TWI_SETTING_SWITCH)
        twi_text_puts(text, " VALUE");
    help_pad(text, start);
    twi_text_putc(text, twi_lower(setting->help[0]));
    twi_text_add(text, setting->help + 1,
                 end != NULL ? (size_t)(end - setting->help - 1) : strlen(setting->help) - 2);
    twi_text_putc(text, '\n');
}

void twi_options_help(const struct twi_option_set *set, const char *program,
                      const char *purpose, struct twi_text *text)
{
    const struct twi_option *option;

    twi_text_puts(text, "usage: ");
    twi_text_puts(text, program);
    twi_text_puts(text, " [OPTION...]");
    if (set != NULL && set->operand != NULL) {
        twi_text_putc(text, ' ');
        twi_text_puts(text, set->operand);
    }
    twi_text_putc(text, '\n');
    twi_text_puts(text, purpose);
    twi_text_puts(text, "\n\n");
    for (option = set != NULL ? set->options : NULL; option != NULL && option->name != NULL;
         option++)
        help_option(text, option);
    for (option = common; option->name != NULL; option++)
        help_option(text, option);
    twi_text_puts(text, "\nEach setting is an option, too:\n");
    for (size_t i = 0; shown[i] != NULL; i++)
        help_setting(text, twi_setting_find(shown[i], strlen(shown[i])));
    twi_text_puts(text, "      ... and more: 'tweed settings' lists them all\n");
}
