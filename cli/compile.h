/* SPDX-License-Identifier: MIT */
/*
 * compile.h - C files made into programs, once for each content.
 *
 * The programs lie in tweed/ of $XDG_CACHE_HOME (~/.cache). The name of one is a hash of the
 * compiler, its options, the library's version, the file, and all headers that it included; so a
 * program that is there is the right one.
 */
#ifndef CLI_COMPILE_H
#define CLI_COMPILE_H

#include "cli/cli.h"

struct compile_options {
    const char *command; /* for complaints */
    const char *path;    /* of the C file */
    bool anew;           /* compile even if the program is there */
};
/* Write the program's path to `program`. CLI_OK, or after a complaint (the compiler's own, too)
 * CLI_FAILED or the compiler's exit status. */
int compile_program(const struct compile_options *options, struct cli_text *program);

/* --- between its files --------------------------------------------------------------------- */

/* A list of words; the last one is NULL. */
struct compile_words {
    char **words;
    size_t count;
};
void compile_words_add(struct compile_words *words, const char *text, size_t length);
/* The words of a line, cut at white space. */
void compile_words_cut(struct compile_words *words, const char *line);
void compile_words_free(struct compile_words *words);

/* Run a command; its standard output goes to `output`, or with NULL to ours. The exit status; -1
 * after a complaint: it could not be run, or a signal ended it. */
int compile_run(const char *command, char **words, struct cli_text *output);
/* The compiler ($CC, or cc) with $CFLAGS, and behind the file the libraries and $LDFLAGS: of the
 * build tree that this tweed runs in, else those that pkg-config tells. False after a complaint. */
bool compile_find(const char *command, struct compile_words *compiler,
                  struct compile_words *libraries);

/* 128 bits. */
struct compile_hash {
    uint64_t a, b;
};
struct compile_hash compile_hash_add(struct compile_hash hash, const char *data,
                                     size_t length);
/* The cache's folder, made if need be, and ours alone. 0, or -1 after a complaint. */
int compile_cache_open(const char *command, struct cli_text *folder);
/* Take out what nobody has used for a month. */
void compile_cache_prune(const char *folder);
/* The names in a rule of make, as -MD writes it, behind the colon. */
void compile_rule_read(const char *rule, struct compile_words *names);

#endif
