/* SPDX-License-Identifier: MIT */
/*
 * options.h - the command line of a spider's program, of `tweed runspider` and of `tweed crawl`.
 *
 * "-o FILE", "-oFILE", "--job FOLDER", "--job=FOLDER", "-qo FILE", "--" before operands that
 * begin with a dash. Each setting is an option, too: "--max-pages 10" is "-s max_pages=10",
 * "--ignore-robots" is "-s ignore_robots=yes". Nothing is printed here: mistakes are failures of
 * tw_error_settings, for which a program ends with 2.
 */
#ifndef SPIDER_CRAWL_OPTIONS_H
#define SPIDER_CRAWL_OPTIONS_H

#include "spider/crawl/settings.h"

enum twi_options_verdict {
    TWI_OPTIONS_RUN,
    TWI_OPTIONS_HELP,   /* --help was given: show twi_options_help(), end with 0 */
    TWI_OPTIONS_VERSION /* --version */
};

/* A list that grows in the arena of the settings; NULL stands at its end. */
struct twi_words {
    const char **words;
    size_t count;
};

struct twi_feed_option {
    const char *path; /* "-" is standard output */
    bool
        overwrite; /* -O: from the beginning, in place of the spider's own feeds; -o: appended */
    struct twi_feed_option *next;
};

struct twi_options {
    struct twi_settings settings; /* those of the command line, then the others: _settle() */
    struct twi_words arguments;   /* -a: "NAME=VALUE" */
    struct twi_feed_option *feeds;
    struct twi_words operands;
    const char *job;              /* folder; NULL: nothing is kept */
    const char *conf;             /* the file in place of tweed.conf; NULL: that */
    bool json;                    /* the summary as JSON */
    bool failed;                  /* what failed in the job is fetched again */
    bool quiet;                   /* neither progress nor summary */
};

/* An option beyond those that all have. A table ends with a NULL name. */
struct twi_option {
    const char *name; /* without its dashes */
    char letter;      /* 0: none */
    const char *argument; /* its value's name; NULL: it has none */
    const char *help;
};
/* Options and operands of one command. */
struct twi_option_set {
    const struct twi_option *options; /* NULL: none */
    /* Take one of `options`; the value lives as long as `argv`. As twi_options_read(). */
    int (*take)(const struct twi_option *option, const char *value, void *arg,
                tw_value *ret_failure);
    void *arg;
    const char *operand; /* "URL..."; NULL: there is none */
};

/* Everything empty, the settings at their defaults. */
void twi_options_init(struct twi_options *options);
void twi_options_free(struct twi_options *options);
/*
 * Read the words behind a program's name. Texts are copied or lent from `argv`, which must live
 * as long.
 *   set   NULL: no options of its own, no operands
 * Returns 0, -EINVAL or -ENOMEM with *ret_failure.
 */
int twi_options_read(struct twi_options *options, const struct twi_option_set *set, int argc,
                     char *const *argv, enum twi_options_verdict *ret_verdict,
                     tw_value *ret_failure);
/* Bring in all other layers: tweed.conf, `spider`'s settings (may be NULL; `name` is its name)
 * and the environment. Returns as twi_settings_read_file() does. */
int twi_options_settle(struct twi_options *options, const char *name,
                       const struct tw_settings *spider, char *const *environment,
                       tw_value *ret_failure);
/* The value of an argument, the last one of that name; NULL if there is none. */
const char *twi_options_argument(const struct twi_options *options, const char *name);

/* The text of --help. `program` is how it is called ("books", "tweed crawl"). */
void twi_options_help(const struct twi_option_set *set, const char *program,
                      const char *purpose, struct twi_text *text);
/* Append to a list. False: no memory. */
bool twi_words_add(struct twi_arena *arena, struct twi_words *words, const char *word);

#endif
