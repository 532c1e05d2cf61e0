/* SPDX-License-Identifier: MIT */
/*
 * get_config.c - a file of options, as curl's -K reads it.
 *
 *   # comment              -X PUT                 --header "X-One: 1"
 *   silent                 header = "X-Two: 2"    url: http://example.com/
 *   http://example.com/    (which curl does not take: a URL and nothing else)
 *
 * In quotes \\ \" \t \n \r \v stand for one character; without them a value ends at white space.
 */
#include "config.h"

#include <string.h>

#include "base/ascii.h"
#include "cli/get.h"

#define DEPTH_MAX 8

/* Take the escapes out of a quoted value, up to the closing quote. */
static char *unquote(const char *at)
{
    char *value = cli_keep(at, strlen(at)), *out = value;

    for (; *at != 0 && *at != '"'; at++) {
        if (*at != '\\' || at[1] == 0) {
            *out++ = *at;
            continue;
        }
        switch (*++at) {
        case 't':
            *out++ = '\t';
            break;
        case 'n':
            *out++ = '\n';
            break;
        case 'r':
            *out++ = '\r';
            break;
        case 'v':
            *out++ = '\v';
            break;
        default:
            *out++ = *at;
        }
    }
    *out = 0;
    return value;
}

/* The value behind an option's name; NULL when there is none. */
static char *read_value(const char *at, bool dashed)
{
    while (twi_is_blank(*at))
        at++;
    if (!dashed && (*at == '=' || *at == ':')) {
        at++;
        while (twi_is_blank(*at))
            at++;
    }
    if (*at == 0 || *at == '#')
        return NULL;
    return *at == '"' ? unquote(at + 1) : cli_keep(at, strcspn(at, " \t"));
}

static const struct cli_option *config_find_letter(char letter)
{
    const struct cli_option *option = get_command.options;

    while (option->name != NULL && option->letter != letter)
        option++;
    return option->name != NULL ? option : NULL;
}

/* The option that a line starts with; *ret_rest is the rest of the line. */
static const struct cli_option *config_read_name(const char *line, const char **ret_rest,
                                                 bool *ret_dashed, bool *ret_on)
{
    size_t dashes = strspn(line, "-"), length;

    *ret_on = true;
    *ret_dashed = dashes > 0;
    if (dashes == 1) {
        *ret_rest = line + 2;
        return line[1] != 0 ? config_find_letter(line[1]) : NULL;
    }
    line += dashes;
    length = strcspn(line, dashes > 0 ? " \t" : " \t=:");
    *ret_rest = line + length;
    return cli_find_option(&get_command, line, length, ret_on);
}

/* No option has a dot or a slash in its name, except http1.0 and http1.1, which are found. */
static bool is_plain_url(const char *line)
{
    size_t name = strcspn(line, " \t=:"), word = strcspn(line, " \t");

    return line[0] != '-' && line[word + strspn(line + word, " \t")] == 0 &&
           (strncmp(line + name, "://", 3) == 0 || strcspn(line, "./") < name);
}

static int config_take_line(struct get_settings *settings, const char *path, unsigned number,
                            const char *line)
{
    const char *rest, *value;
    bool dashed, on;
    const struct cli_option *option = config_read_name(line, &rest, &dashed, &on);

    if (option == NULL && is_plain_url(line))
        return get_command.operand(cli_keep(line, strcspn(line, " \t")), settings);
    if (option == NULL) {
        cli_complain("get", "%s:%u: unknown option '%.*s'", path, number,
                     (int)strcspn(line, " \t=:"), line);
        return -1;
    }
    value = option->argument != NULL ? read_value(rest, dashed) : NULL;
    if (option->argument != NULL && value == NULL) {
        cli_complain("get", "%s:%u: --%s wants a value: %s", path, number, option->name,
                     option->argument);
        return -1;
    }
    return get_command.take(option, value, on, settings);
}

static int take_lines(struct get_settings *settings, const char *path, char *rest)
{
    unsigned number = 0;
    char *line;

    while ((line = strsep(&rest, "\n")) != NULL) {
        number++;
        line[strcspn(line, "\r")] = 0;
        line += strspn(line, " \t");
        if (*line != 0 && *line != '#' && config_take_line(settings, path, number, line) < 0)
            return -1;
    }
    return 0;
}

int get_read_config(struct get_settings *settings, const char *path)
{
    struct cli_text text = { 0 };
    int r = 0;

    if (++settings->config_depth > DEPTH_MAX) {
        cli_complain("get", "--config: %s: files that name each other", path);
        r = -1;
    } else if ((r = cli_text_read(&text, path)) < 0) {
        cli_complain("get", "--config: %s: %s", path, strerror(-r));
        settings->wrong_status = CLI_UNREADABLE;
        r = -1;
    } else if (text.length > 0) {
        r = take_lines(settings, path, text.data);
    }
    settings->config_depth--;
    cli_text_free(&text);
    return r;
}
