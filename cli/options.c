/* SPDX-License-Identifier: MIT */
/*
 * options.c - command lines as curl reads them: "-sSo FILE", "-oFILE", "--output FILE",
 * "--output=FILE", "--no-location", and "--" before operands that start with a dash.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

/* --- help --------------------------------------------------------------------------------- */

#define HELP_COLUMN 34

static void option_describe(struct cli_text *text, const struct cli_option *option)
{
    size_t start = text->length, width;

    if (option->letter != 0)
        cli_text_printf(text, "  -%c, --%s", option->letter, option->name);
    else
        cli_text_printf(text, "      --%s", option->name);
    if (option->argument != NULL)
        cli_text_printf(text, " %s", option->argument);
    width = text->length - start;
    if (width + 2 > HELP_COLUMN)
        cli_text_printf(text, "\n%*s", HELP_COLUMN, "");
    else
        cli_text_printf(text, "%*s", (int)(HELP_COLUMN - width), "");
    cli_text_printf(text, "%s\n", option->help);
}

static void command_describe(struct cli_text *text, const struct cli_command *command)
{
    const struct cli_option *option;

    cli_text_printf(text, "usage: tweed %s %s\n%s\n\n", command->name, command->usage,
                    command->purpose);
    for (option = command->options; option->name != NULL; option++)
        option_describe(text, option);
    cli_text_printf(text, "  -h, --help [OPTION]%*sshow this, or one option\n\n",
                    HELP_COLUMN - 21, "");
    cli_text_printf(text, "See also: man tweed-%s\n", command->name);
}

int cli_status_of(enum cli_verdict verdict)
{
    switch (verdict) {
    case CLI_SHOWN:
        return CLI_OK;
    case CLI_UNSHOWN:
        return CLI_FAILED;
    default:
        return CLI_USAGE;
    }
}

/* --- finding ------------------------------------------------------------------------------ */

int cli_bad_value(const struct cli_command *command, const struct cli_option *option,
                  const char *value, const char *wanted)
{
    cli_complain(command->name, "--%s: '%s' is not %s", option->name, value, wanted);
    return -1;
}

static const struct cli_option *find_exact(const struct cli_command *command, const char *name,
                                           size_t length)
{
    const struct cli_option *option;

    for (option = command->options; option->name != NULL; option++) {
        if (strlen(option->name) == length && memcmp(option->name, name, length) == 0)
            return option;
    }
    return NULL;
}

const struct cli_option *cli_find_option(const struct cli_command *command, const char *name,
                                         size_t length, bool *ret_on)
{
    const struct cli_option *option = find_exact(command, name, length);

    *ret_on = true;
    if (option == NULL && length > 3 && memcmp(name, "no-", 3) == 0) {
        option = find_exact(command, name + 3, length - 3);
        *ret_on = false;
        if (option != NULL && option->argument != NULL)
            option = NULL;
    }
    return option;
}

static const struct cli_option *command_find_letter(const struct cli_command *command,
                                                    char letter)
{
    const struct cli_option *option;

    for (option = command->options; option->name != NULL; option++) {
        if (option->letter == letter)
            return option;
    }
    return NULL;
}

/* "max-time", "--max-time", "-m" or "m"; NULL if there is none. */
static const struct cli_option *find_named(const struct cli_command *command, const char *name)
{
    name += strspn(name, "-");
    if (name[0] != 0 && name[1] == 0)
        return command_find_letter(command, name[0]);
    return find_exact(command, name, strlen(name));
}

static enum cli_verdict command_show_help(const struct cli_command *command, const char *name)
{
    const struct cli_option *option = name != NULL ? find_named(command, name) : NULL;
    struct cli_text text = { 0 };
    int status;

    if (name != NULL && option == NULL) {
        cli_complain(command->name, "no option '%s'; see 'tweed help %s'", name,
                     command->name);
        return CLI_WRONG;
    }
    if (option != NULL)
        option_describe(&text, option);
    else
        command_describe(&text, command);
    status = cli_print(command->name, &text);
    cli_text_free(&text);
    return status == CLI_OK ? CLI_SHOWN : CLI_UNSHOWN;
}

/* --- reading ------------------------------------------------------------------------------ */

struct reader {
    const struct cli_command *command;
    char **argv;
    int argc, next;
    void *arg;
};

/* Say where to read on, behind a complaint: about the option if it is about one. */
static enum cli_verdict wrong(const struct reader *reader, const struct cli_option *option)
{
    const char *name = reader->command->name;

    fprintf(stderr, "tweed %s: see 'tweed help %s%s%s'\n", name, name,
            option != NULL ? " " : "", option != NULL ? option->name : "");
    return CLI_WRONG;
}

/* An option may follow --help. */
static enum cli_verdict read_help(const struct reader *reader)
{
    return command_show_help(reader->command,
                             reader->next < reader->argc ? reader->argv[reader->next] : NULL);
}

static enum cli_verdict option_take(struct reader *reader, const struct cli_option *option,
                                    const char *value, bool on)
{
    return reader->command->take(option, value, on, reader->arg) < 0 ? wrong(reader, option)
                                                                     : CLI_RUN;
}

/* The value of an option: the text attached to it, otherwise the next argument. */
static enum cli_verdict take_value(struct reader *reader, const struct cli_option *option,
                                   const char *attached)
{
    if (attached == NULL && reader->next == reader->argc) {
        cli_complain(reader->command->name, "--%s wants a value: %s", option->name,
                     option->argument);
        return wrong(reader, option);
    }
    return option_take(reader, option,
                       attached != NULL ? attached : reader->argv[reader->next++], true);
}

static enum cli_verdict read_long(struct reader *reader, const char *name)
{
    const char *equals = strchr(name, '=');
    size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const struct cli_option *option;
    bool on;

    if (strcmp(name, "help") == 0)
        return read_help(reader);
    option = cli_find_option(reader->command, name, length, &on);
    if (option == NULL) {
        cli_complain(reader->command->name, "unknown option --%.*s", (int)length, name);
        return wrong(reader, NULL);
    }
    if (option->argument != NULL)
        return take_value(reader, option, equals != NULL ? equals + 1 : NULL);
    if (equals != NULL) {
        cli_complain(reader->command->name, "--%s takes no value", option->name);
        return wrong(reader, option);
    }
    return option_take(reader, option, NULL, on);
}

static enum cli_verdict read_letters(struct reader *reader, const char *letters)
{
    enum cli_verdict verdict = CLI_RUN;

    for (; verdict == CLI_RUN && *letters != 0; letters++) {
        const struct cli_option *option = command_find_letter(reader->command, *letters);
        if (option == NULL && *letters == 'h')
            return read_help(reader);
        if (option == NULL) {
            cli_complain(reader->command->name, "unknown option -%c", *letters);
            return wrong(reader, NULL);
        }
        if (option->argument != NULL)
            return take_value(reader, option, letters[1] != 0 ? letters + 1 : NULL);
        verdict = option_take(reader, option, NULL, true);
    }
    return verdict;
}

enum cli_verdict cli_parse(const struct cli_command *command, int argc, char **argv, void *arg)
{
    struct reader reader = { .command = command, .argv = argv, .argc = argc, .arg = arg };
    enum cli_verdict verdict = CLI_RUN;
    bool only_operands = false;

    while (verdict == CLI_RUN && reader.next < argc) {
        const char *text = argv[reader.next++];
        if (only_operands || text[0] != '-' || text[1] == 0)
            verdict = command->operand(text, arg) < 0 ? wrong(&reader, NULL) : CLI_RUN;
        else if (text[1] != '-')
            verdict = read_letters(&reader, text + 1);
        else if (text[2] != 0)
            verdict = read_long(&reader, text + 2);
        else
            only_operands = true;
    }
    return verdict;
}
