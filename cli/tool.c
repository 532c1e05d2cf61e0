/* SPDX-License-Identifier: MIT */
/*
 * tool.c - a tool's command line, its input, and its answer.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/tweed.h>

#include "cli/tool.h"

/* --- questions ----------------------------------------------------------------------------- */

struct tool_given *tool_give(struct tool_question *question, const struct tool_option *option)
{
    struct tool_given *given = twi_arena_zeroed(question->arena, sizeof *given);

    if (given == NULL)
        return NULL;
    given->option = option;
    given->on = true;
    if (question->last != NULL)
        question->last->next = given;
    else
        question->first = given;
    question->last = given;
    return given;
}

static const struct tool_given *given_from(const struct tool_given *given, const char *name)
{
    while (given != NULL && strcmp(given->option->name, name) != 0)
        given = given->next;
    return given;
}

const struct tool_given *tool_find(const struct tool_question *question, const char *name)
{
    return given_from(question->first, name);
}

const struct tool_given *tool_find_next(const struct tool_given *given)
{
    return given_from(given->next, given->option->name);
}

static const struct tool_given *find_last(const struct tool_question *question,
                                          const char *name)
{
    const struct tool_given *last = NULL, *given;

    for (given = tool_find(question, name); given != NULL; given = tool_find_next(given))
        last = given;
    return last;
}

const char *tool_text(const struct tool_question *question, const char *name)
{
    const struct tool_given *given = find_last(question, name);

    return given != NULL ? given->text : NULL;
}

bool tool_flag(const struct tool_question *question, const char *name, bool otherwise)
{
    const struct tool_given *given = find_last(question, name);

    return given != NULL ? given->on : otherwise;
}

const struct tool_option *tool_find_option(const struct tool *tool, const char *name)
{
    const struct tool_option *option;

    for (option = tool->options; option->name != NULL; option++)
        if (strcmp(option->name, name) == 0)
            return option;
    return NULL;
}

struct twi_json *tool_refuse(const struct tool_question *question, const char *word,
                             const char *format, ...)
{
    struct twi_json *error = twi_json_new(question->arena, TWI_JSON_OBJECT);
    char message[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    twi_json_put_string(question->arena, error, "error", word);
    twi_json_put_string(question->arena, error, "message", message);
    return error;
}

/* --- answers ------------------------------------------------------------------------------- */

/* Every tool's answer is complete, or it is this. */
static struct twi_json *out_of_memory(void)
{
    static struct twi_json message = { .kind = TWI_JSON_STRING,
                                       .text = "out of memory",
                                       .length = 13,
                                       .key = "message",
                                       .key_length = 7 };
    static struct twi_json word = { .kind = TWI_JSON_STRING,
                                    .text = "limit",
                                    .length = 5,
                                    .key = "error",
                                    .key_length = 5,
                                    .next = &message };
    static struct twi_json error = { .kind = TWI_JSON_OBJECT,
                                     .first = &word,
                                     .last = &message };

    return &error;
}

static int refusal_print(const struct tool *tool, const struct twi_json *error,
                         const char *word, bool as_json, struct twi_text *line)
{
    if (as_json || tool->show == NULL) {
        twi_json_write(line, error);
        twi_text_putc(line, '\n');
    } else {
        cli_complain(tool->name, "%s", twi_json_text(twi_json_member(error, "message")));
    }
    return strcmp(word, "usage") == 0 ? CLI_USAGE : CLI_FAILED;
}

static int answer_print(const struct tool *tool, const struct twi_json *answer, bool as_json,
                        struct twi_text *line)
{
    const struct twi_json *error = twi_json_member(answer, "error");

    if (error != NULL)
        return refusal_print(tool, answer, twi_json_text(error), as_json, line);
    if (as_json || tool->show == NULL) {
        twi_json_write(line, answer);
        twi_text_putc(line, '\n');
    } else {
        tool->show(answer, line);
    }
    return tool->is_positive == NULL || tool->is_positive(answer) ? CLI_OK : CLI_FAILED;
}

int tool_answer(const struct tool *tool, const struct tool_question *question, bool as_json,
                struct twi_text *line)
{
    struct twi_json *answer = question->arena->failed ? NULL : tool->answer(question);

    if (question->arena->failed || answer == NULL)
        answer = out_of_memory();
    return answer_print(tool, answer, as_json, line);
}

/* --- the input ----------------------------------------------------------------------------- */

/* A command line being read: one question, or one for each operand. */
struct tool_line {
    const struct tool *tool;
    struct tool_question question;
    struct cli_option *options;
    bool as_json, batch, unwritable;
    const char **operands;
    size_t count;
};

static int tool_complain(const struct tool *tool, const char *what, const char *why)
{
    cli_complain(tool->name, "%s: %s", what, why);
    return CLI_FAILED;
}

static int line_set_input(struct tool_line *line, const char *data, size_t length)
{
    char *copy = twi_arena_copy(line->question.arena, data, length);

    if (copy == NULL)
        return tool_complain(line->tool, "input", "out of memory");
    line->question.has_input = true;
    line->question.input = copy;
    line->question.input_length = length;
    return CLI_OK;
}

static bool is_web_url(const char *text)
{
    return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

/* As if --NAME had been given, unless it was or the tool has none of that name. */
static void line_give_default(struct tool_line *line, const char *name, const char *text)
{
    const struct tool_option *option = tool_find_option(line->tool, name);
    struct tool_given *given = NULL;

    if (option != NULL && text != NULL && tool_find(&line->question, name) == NULL)
        given = tool_give(&line->question, option);
    if (given == NULL)
        return;
    given->text = twi_arena_strdup(line->question.arena, text);
    given->length = strlen(text);
}

static int line_fetch(struct tool_line *line, const char *url)
{
    const struct tw_fetch_options options = { .fail_on_error = true };
    tw_value response = tw_block_on(tw_agent_request(tw_agent_current(), url, &options));
    const char *type = tw_response_header(response, "Content-Type");
    int status;

    if (tw_is_failure(response)) {
        status = tool_complain(line->tool, url, tw_failure_message(response));
    } else {
        tw_value body = tw_response_body(response);
        line_give_default(line, "url", tw_response_url(response));
        if (type != NULL)
            line->question.content_type = twi_arena_strdup(line->question.arena, type);
        status = line_set_input(line, tw_bytes_data(body), tw_bytes_length(body));
    }
    tw_release(response);
    return status;
}

static int line_read_file(struct tool_line *line, const char *path)
{
    struct cli_text text = { 0 };
    int r = cli_text_read(&text, path);
    int status = r < 0 ? tool_complain(line->tool,
                                       strcmp(path, "-") == 0 ? "standard input" : path,
                                       strerror(-r))
                       : line_set_input(line, text.data, text.length);

    cli_text_free(&text);
    return status;
}

/* --- the command line ---------------------------------------------------------------------- */

enum { OPTION_JSON = -1, OPTION_BATCH = -2 };

/* The tool's options as the command line's; an option's id is its place. */
static struct cli_option *options_of(const struct tool *tool)
{
    static const struct cli_option common[] = {
        { "json", 0, OPTION_JSON, NULL, "print the answer as JSON" },
        { "batch", 0, OPTION_BATCH, NULL,
          "answer JSON questions, one a line, from standard input" },
        { NULL, 0, 0, NULL, NULL },
    };
    struct cli_option *options;
    size_t count = 0, used = 0, i;

    while (tool->options[count].name != NULL)
        count++;
    options = cli_alloc((count + 3) * sizeof *options);
    for (i = 0; i < count; i++) {
        const struct tool_option *option = &tool->options[i];
        if (option->help != NULL)
            options[used++] = (struct cli_option){ .name = option->name,
                                                   .letter = option->letter,
                                                   .id = (int)i,
                                                   .argument = option->argument,
                                                   .help = option->help };
    }
    memcpy(options + used, common, sizeof common);
    return options;
}

/* The value of an option behind its name, if it has pairs. */
static int given_set(const struct tool *tool, struct tool_given *given, const char *value)
{
    const char *equals = given->option->kind == TOOL_PAIRS ? strchr(value, '=') : NULL;

    if (given->option->kind == TOOL_PAIRS && equals == NULL) {
        cli_complain(tool->name, "--%s: '%s' is not %s", given->option->name, value,
                     given->option->argument);
        return -1;
    }
    if (equals != NULL) {
        given->name = value;
        given->name_length = (size_t)(equals - value);
    }
    given->text = equals != NULL ? equals + 1 : value;
    given->length = strlen(given->text);
    return 0;
}

static int tool_take_option(const struct cli_option *option, const char *value, bool on,
                            void *arg)
{
    struct tool_line *line = arg;
    struct tool_given *given;

    if (option->id == OPTION_JSON) {
        line->as_json = on;
        return 0;
    }
    if (option->id == OPTION_BATCH) {
        line->batch = on;
        return 0;
    }
    given = tool_give(&line->question, &line->tool->options[option->id]);
    if (given == NULL)
        return -1;
    given->on = on;
    return value != NULL ? given_set(line->tool, given, value) : 0;
}

static int tool_take_operand(const char *text, void *arg)
{
    struct tool_line *line = arg;

    if (line->count == 1 && line->tool->operand == NULL) {
        cli_complain(line->tool->name, "one FILE, not '%s' too", text);
        return -1;
    }
    line->operands = cli_realloc(line->operands, (line->count + 1) * sizeof *line->operands);
    line->operands[line->count++] = text;
    return 0;
}

/* --- running ------------------------------------------------------------------------------- */

static int print_answer(struct tool_line *line)
{
    struct twi_arena arena;
    struct twi_text text = { .arena = &arena };
    int status, r;

    twi_arena_init(&arena, 0);
    status = tool_answer(line->tool, &line->question, line->as_json, &text);
    r = arena.failed ? -ENOMEM : cli_write(1, twi_text_string(&text), text.length);
    if (r < 0)
        status = tool_complain(line->tool, "standard output", strerror(-r));
    line->unwritable = r < 0;
    twi_arena_free(&arena);
    return status;
}

static int answer_input(struct tool_line *line)
{
    const char *path = line->count > 0 ? line->operands[0] : "-";
    int status = is_web_url(path) ? line_fetch(line, path) : line_read_file(line, path);

    return status == CLI_OK ? print_answer(line) : status;
}

/* One question for each operand, each with the options of the command line. */
static int answer_operands(struct tool_line *line)
{
    const struct tool_question common = line->question;
    int status = CLI_OK;

    if (line->count == 0) {
        cli_complain(line->tool->name, "no %s given; see 'tweed help %s'", line->tool->operand,
                     line->tool->name);
        return CLI_USAGE;
    }
    for (size_t i = 0; i < line->count && !line->unwritable; i++) {
        int r;
        line->question = common;
        line->question.has_input = line->question.is_text = true;
        line->question.input = line->operands[i];
        line->question.input_length = strlen(line->operands[i]);
        r = print_answer(line);
        if (r != CLI_OK)
            status = r;
    }
    return status;
}

int tool_run(const struct tool *tool, int argc, char **argv)
{
    struct twi_arena arena;
    struct tool_line line = { .tool = tool,
                              .question.arena = &arena,
                              .options = options_of(tool) };
    const struct cli_command command = { .name = tool->name,
                                         .usage = tool->usage,
                                         .purpose = tool->purpose,
                                         .options = line.options,
                                         .take = tool_take_option,
                                         .operand = tool_take_operand };
    enum cli_verdict verdict;
    int status;

    twi_arena_init(&arena, 0);
    verdict = cli_parse(&command, argc, argv, &line);
    if (verdict != CLI_RUN)
        status = cli_status_of(verdict);
    else if (line.batch)
        status = tool_batch(tool);
    else
        status = tool->operand != NULL ? answer_operands(&line) : answer_input(&line);
    free(line.operands);
    free(line.options);
    twi_arena_free(&arena);
    return status;
}
