/* SPDX-License-Identifier: MIT */
/*
 * command.c - /proc's account of this process as JSON, in the file "command" of a job.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spider/crawl/command.h"
#include "spider/text/json.h"

#define LONGEST (1 << 20) /* bytes of a command line */

static const char *command_path(struct twi_arena *arena, const char *job, const char *name)
{
    struct twi_text text = { .arena = arena };

    twi_text_puts(&text, job);
    twi_text_puts(&text, name);
    return twi_text_string(&text);
}

/* The whole file, in the arena; NULL with errno. */
static const char *command_load(struct twi_arena *arena, const char *path, size_t *ret_length)
{
    char *data = twi_arena_alloc(arena, LONGEST);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 1;

    *ret_length = 0;
    if (fd < 0 || data == NULL) {
        if (fd >= 0)
            close(fd);
        errno = data == NULL ? ENOMEM : errno;
        return NULL;
    }
    while (n > 0 && *ret_length < LONGEST) {
        n = read(fd, data + *ret_length, LONGEST - *ret_length);
        if (n > 0)
            *ret_length += (size_t)n;
        else if (n < 0 && errno == EINTR)
            n = 1;
    }
    close(fd);
    return data;
}

/* --- keeping ------------------------------------------------------------------------------- */

static struct twi_json *arguments_json(struct twi_arena *arena)
{
    struct twi_json *list = twi_json_new(arena, TWI_JSON_LIST);
    size_t length, at, size;
    const char *line = command_load(arena, "/proc/self/cmdline", &length);

    for (at = 0; line != NULL && at < length; at += size + 1) {
        size = strnlen(line + at, length - at);
        twi_json_append(list, twi_json_string(arena, line + at, size));
    }
    return list;
}

static const char *command_text(struct twi_arena *arena)
{
    struct twi_text text = { .arena = arena };
    struct twi_json *object = twi_json_new(arena, TWI_JSON_OBJECT);
    char folder[PATH_MAX], program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);

    if (length < 0 || getcwd(folder, sizeof folder) == NULL)
        return NULL;
    program[length] = '\0';
    twi_json_put_string(arena, object, "folder", folder);
    twi_json_put_string(arena, object, "program", program);
    twi_json_put(object, "arguments", arguments_json(arena));
    twi_json_write(&text, object);
    twi_text_putc(&text, '\n');
    return arena->failed ? NULL : twi_text_string(&text);
}

static int command_put(const char *path, const char *text)
{
    FILE *file = fopen(path, "wxe");
    int r = 0;

    if (file == NULL)
        return errno == EEXIST ? 0 : -errno;
    if (fputs(text, file) < 0)
        r = -errno;
    if (fclose(file) != 0 && r == 0)
        r = -errno;
    if (r < 0)
        unlink(path);
    return r;
}

int twi_command_keep(const char *job)
{
    struct twi_arena arena;
    const char *text, *path;
    int r = -ENOMEM;

    twi_arena_init(&arena, 0);
    text = command_text(&arena);
    path = command_path(&arena, job, "/command");
    if (text != NULL && !arena.failed)
        r = command_put(path, text);
    twi_arena_free(&arena);
    return r;
}

/* --- reading ------------------------------------------------------------------------------- */

static bool arguments_read(struct twi_arena *arena, const struct twi_json *list,
                           struct twi_command *command)
{
    const struct twi_json *argument;

    if (list == NULL || list->kind != TWI_JSON_LIST || list->first == NULL)
        return false;
    for (argument = list->first; argument != NULL; argument = argument->next)
        if (argument->kind != TWI_JSON_STRING ||
            !twi_words_add(arena, &command->arguments, argument->text))
            return false;
    return true;
}

int twi_command_read(struct twi_arena *arena, const char *job, struct twi_command *ret_command)
{
    struct twi_json_error error;
    const struct twi_json *object, *folder, *program;
    size_t length;
    const char *text = command_load(arena, command_path(arena, job, "/command"), &length);

    memset(ret_command, 0, sizeof *ret_command);
    if (text == NULL)
        return -errno;
    object = twi_json_read(arena, text, length, &error);
    folder = object == NULL ? NULL : twi_json_member(object, "folder");
    program = object == NULL ? NULL : twi_json_member(object, "program");
    if (folder == NULL || program == NULL || folder->kind != TWI_JSON_STRING ||
        program->kind != TWI_JSON_STRING ||
        !arguments_read(arena, twi_json_member(object, "arguments"), ret_command))
        return arena->failed ? -ENOMEM : -EINVAL;
    ret_command->folder = folder->text;
    ret_command->program = program->text;
    return 0;
}
