/* SPDX-License-Identifier: MIT */
/*
 * cli.h - shared by the subcommands of `tweed`.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tweed/api.h>

/* Exit statuses. */
enum { CLI_OK, CLI_FAILED, CLI_USAGE, CLI_UNREADABLE = 26, CLI_UNWRITABLE = 23 };

int cli_page(int argc, char **argv);
int cli_robots(int argc, char **argv);
int cli_tree(int argc, char **argv);
int cli_text_command(int argc, char **argv);
int cli_select(int argc, char **argv);
int cli_links(int argc, char **argv);
int cli_form(int argc, char **argv);
int cli_url(int argc, char **argv);
int cli_get(int argc, char **argv);
int cli_serve(int argc, char **argv);
int cli_fetch(int argc, char **argv);
int cli_resume(int argc, char **argv);
int cli_stats(int argc, char **argv);
int cli_why(int argc, char **argv);
int cli_export(int argc, char **argv);
int cli_sitemap(int argc, char **argv);
int cli_crawl(int argc, char **argv);
int cli_genspider(int argc, char **argv);
int cli_runspider(int argc, char **argv);
int cli_settings(int argc, char **argv);
int cli_warc(int argc, char **argv);

/* --- memory: a command that has none left says so and ends -------------------------------- */

void *cli_alloc(size_t size); /* zeroed */
void *cli_realloc(void *block, size_t size);
/* A copy that lives until cli_release_kept(), for strings of the configuration. */
char *cli_keep(const char *text, size_t length);
void cli_release_kept(void);

/* A growing text; all zero is empty. Always terminated once something was added. */
struct cli_text {
    char *data;
    size_t length, size;
};
void cli_text_add(struct cli_text *text, const void *data, size_t length);
void cli_text_puts(struct cli_text *text, const char *string);
void cli_text_printf(struct cli_text *text, const char *format, ...) TW_PRINTF(2, 3);
void cli_text_free(struct cli_text *text);
/* Read a whole file, "-" is standard input. 0 or negative errno. */
int cli_text_read(struct cli_text *text, const char *path);
/* A new file in TMPDIR or /tmp; its name goes to `name`. The descriptor, or negative errno. */
int cli_open_temporary(struct cli_text *name);

/* Ask on the terminal, without showing what is typed. 0 or negative errno: there is none. */
int cli_ask_password(const char *prompt, struct cli_text *password);

/* --- writing ------------------------------------------------------------------------------ */

/* Put "?" in place of control characters, which steer a terminal; line ends and tabs stay. */
void cli_make_printable(char *text, size_t length);
/* "tweed COMMAND: ..." on standard error, on a line of its own. */
void cli_complain(const char *command, const char *format, ...) TW_PRINTF(2, 3);
/* Write all of it, waiting if need be. 0 or negative errno. */
int cli_write(int fd, const void *data, size_t length);
/* Write to standard output; complain when that fails. CLI_OK or CLI_FAILED. */
int cli_print(const char *command, const struct cli_text *text);

/* --- numbers ------------------------------------------------------------------------------ */

/* Each false when the text is no such number, or out of range. */
bool cli_read_integer(const char *text, int64_t least, int64_t most, int64_t *ret_number);
bool cli_read_seconds(const char *text, double *ret_seconds);
bool cli_read_size(const char *text, int64_t *ret_bytes); /* 10, 10k, 10M, 10G */

/* --- the command line --------------------------------------------------------------------- */

struct cli_option {
    const char *name; /* without its dashes */
    char letter;      /* 0: none */
    int id;
    const char *argument; /* its value's name; NULL: a switch, and "--no-NAME" is off */
    const char *help;
};

struct cli_command {
    const char *name, *usage, *purpose;
    const struct cli_option *options; /* the last one has no name */
    /* Take an option: `value` NULL for a switch that is `on` or off. 0 or negative after
     * cli_complain(). */
    int (*take)(const struct cli_option *option, const char *value, bool on, void *arg);
    int (*operand)(const char *text, void *arg);
};

enum cli_verdict { CLI_RUN, CLI_SHOWN, CLI_UNSHOWN, CLI_WRONG };
/* The exit status of a verdict that is not CLI_RUN. */
int cli_status_of(enum cli_verdict verdict);

/* Read the command line, behind the subcommand's name. --help is shown here. */
enum cli_verdict cli_parse(const struct cli_command *command, int argc, char **argv,
                           void *arg);
/* An option by its long name, with or without "no-" in front (*ret_on); NULL if there is none. */
const struct cli_option *cli_find_option(const struct cli_command *command, const char *name,
                                         size_t length, bool *ret_on);
/* "tweed get: --max-time: 'x' is not a number of seconds"; always -1. */
int cli_bad_value(const struct cli_command *command, const struct cli_option *option,
                  const char *value, const char *wanted);

#endif
