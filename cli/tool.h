/* SPDX-License-Identifier: MIT */
/*
 * tool.h - the commands over pages, feeds and archives.
 *
 * A tool answers questions. A question is a set of options and an input; it comes from the command
 * line, or with --batch from a line of JSON, whose members are the options by their long names
 * ("_" for "-"). The answer is a JSON value, shown to people or, with --json, as it is. So a tool
 * is a pure function with a table of options: tool.c reads command lines and inputs,
 * tool_question.c lines of JSON, tool_batch.c bounds each answer in time and memory.
 */
#ifndef CLI_TOOL_H
#define CLI_TOOL_H

#include "cli/cli.h"
#include "spider/text/json.h"

enum tool_kind {
    TOOL_FLAG,   /* true or false; --NAME, --no-NAME */
    TOOL_TEXT,   /* a string; in JSON a number or boolean too, as its text */
    TOOL_LIST,   /* the same, repeatable; in JSON a list, or one string */
    /* NAME=VALUE, repeatable; in JSON also [[NAME,VALUE|null],...] or {NAME:VALUE|null} */
    TOOL_PAIRS,
    TOOL_STEPS,  /* only in JSON: a list of objects with one member each, which is an option */
    TOOL_VALUE   /* any JSON; on the command line its text is a string */
};

struct tool_option {
    const char *name; /* long; ends the table when NULL */
    char letter;      /* 0: none */
    enum tool_kind kind;
    const char *argument,
        *help; /* of --help; argument NULL for flags; help NULL: only in JSON */
};

/* An option that was given. Options of one kind stand in their order, repeated ones one by
 * one. */
struct tool_given {
    const struct tool_option *option;
    bool on;                      /* of a flag; false with any other: --no-NAME, NAME:false */
    const char *name;             /* of a pair */
    size_t name_length;
    const char *text;             /* NULL: a pair's null; with a NUL behind it */
    size_t length;
    const struct twi_json *value; /* from JSON: as it stood there; NULL from a command line */
    struct tool_given *next;
};

struct tool_question {
    struct twi_arena *arena; /* of the answer too */
    struct tool_given *first, *last;
    bool has_input;
    bool is_text; /* the input is Unicode: UTF-8, nothing is to be decoded */
    const char *input;
    size_t input_length;
    const char *content_type; /* that came with it, by option or by HTTP; NULL: none */
};

/* The first of that name, and the next one behind `given`; NULL: none. */
const struct tool_given *tool_find(const struct tool_question *question, const char *name);
const struct tool_given *tool_find_next(const struct tool_given *given);
/* The last one's text; NULL if it is not given. */
const char *tool_text(const struct tool_question *question, const char *name);
bool tool_flag(const struct tool_question *question, const char *name, bool otherwise);

/* The result of a tool that can't answer: {"error":word,"message":...}. `word` is static:
 * "usage" for options that make no sense, "limit" for what is too large, else the tool's
 * own. */
struct twi_json *tool_refuse(const struct tool_question *question, const char *word,
                             const char *format, ...) TW_PRINTF(3, 4);

struct tool {
    const char *name, *usage, *purpose;
    const struct tool_option *options;
    /* NULL: its operand is a FILE with the input, a URL, or none for standard input. Else the
     * name of its operands ("URL"), each of which is the input of a question of its own. */
    const char *operand;
    /* NULL when the arena failed. */
    struct twi_json *(*answer)(const struct tool_question *question);
    /* For people; NULL: as JSON. */
    void (*show)(const struct twi_json *answer, struct twi_text *text);
    /* False: ends with 1 though it is no error (not allowed, nothing found). NULL: always true. */
    bool (*is_positive)(const struct twi_json *answer);
};

int tool_run(const struct tool *tool, int argc, char **argv);

/* --- between the tool's files -------------------------------------------------------------- */

/* An option was given; false when the arena failed. */
struct tool_given *tool_give(struct tool_question *question, const struct tool_option *option);
const struct tool_option *tool_find_option(const struct tool *tool, const char *name);
/* Fill in a question from a line of JSON. NULL, or the refusal. */
struct twi_json *tool_question_read(const struct tool *tool, struct tool_question *question,
                                    const char *line, size_t length);
/* The answer as a line of JSON, or for people, who see refusals on standard error. The exit status
 * that it stands for. */
int tool_answer(const struct tool *tool, const struct tool_question *question, bool as_json,
                struct twi_text *line);
/* Answer the lines of standard input; an exit status. */
int tool_batch(const struct tool *tool);

#endif
