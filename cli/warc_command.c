/* SPDX-License-Identifier: MIT */
/*
 * warc_command.c - `tweed warc`: the records of a web archive, and the payload of one.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/cli.h"
#include "spider/text/json.h"
#include "spider/text/utf8.h"
#include "spider/text/warc_check.h"
#include "spider/text/warc_read.h"

enum { PIECE = 64 << 10 };

struct warc_settings {
    const char *action, *path, *which;
    int64_t offset; /* negative: not given */
};

enum { OPTION_OFFSET, OPTION_JSON };

static const struct cli_option warc_options[] = {
    { "offset", 0, OPTION_OFFSET, "N", "cat: the record that begins there, as list says" },
    { "json", 0, OPTION_JSON, NULL, "list: JSON, a line for each record (the only form)" },
    { NULL, 0, 0, NULL, NULL },
};

/* --- reading a file -------------------------------------------------------------------------- */

struct warc_file {
    const char *path;
    int fd;
    struct twi_warc_reader *reader;
    const char *at, *end; /* what was read and not looked at yet */
    bool at_end;
    char data[PIECE];
};

static int warc_complain(const char *path, const char *why)
{
    cli_complain("warc", "%s: %s", path, why);
    return CLI_FAILED;
}

static ssize_t warc_file_read(int fd, char *data, size_t size)
{
    ssize_t length;

    do
        length = read(fd, data, size);
    while (length < 0 && errno == EINTR);
    return length < 0 ? -errno : length;
}

/* Go to a place; by reading, where there is no other way. 0 or negative errno; -ENXIO: behind the
 * end. */
static int warc_file_go(struct warc_file *file, uint64_t offset)
{
    if (offset == 0 || lseek(file->fd, (off_t)offset, SEEK_SET) >= 0)
        return 0;
    if (errno != ESPIPE)
        return -errno;
    while (offset > 0) {
        ssize_t length = warc_file_read(file->fd, file->data,
                                        offset < PIECE ? (size_t)offset : PIECE);

        if (length <= 0)
            return length < 0 ? (int)length : -ENXIO;
        offset -= (uint64_t)length;
    }
    return 0;
}

static int warc_file_open(struct warc_file *file, const char *path, uint64_t offset)
{
    bool standard = strcmp(path, "-") == 0;
    int r = 0;

    file->path = standard ? "standard input" : path;
    file->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (file->fd < 0)
        return -errno;
    r = warc_file_go(file, offset);
    file->reader = r == 0 ? twi_warc_reader_new(offset) : NULL;
    if (r == 0 && file->reader == NULL)
        r = -ENOMEM;
    return r;
}

static void warc_file_close(struct warc_file *file)
{
    twi_warc_reader_free(file->reader);
    if (file->fd > STDIN_FILENO)
        close(file->fd);
}

/* The next event in *ret_event, TWI_WARC_MORE at the end of the file. 0 or negative errno. */
static int warc_file_next(struct warc_file *file, enum twi_warc_event *ret_event)
{
    for (;;) {
        ssize_t length;

        *ret_event = file->at_end ? twi_warc_end(file->reader)
                                  : twi_warc_next(file->reader, &file->at, file->end);
        if (*ret_event != TWI_WARC_MORE || file->at_end)
            return 0;
        length = warc_file_read(file->fd, file->data, PIECE);
        if (length < 0)
            return (int)length;
        file->at = file->data;
        file->end = file->data + length;
        file->at_end = length == 0;
    }
}

/* --- list ------------------------------------------------------------------------------------ */

struct listing {
    struct twi_arena arena;
    struct cli_text out;
    struct twi_warc_check check;
    struct twi_warc_fault fault; /* the first; `word` NULL: none */
    unsigned faults;
    bool failed; /* a digest did */
};

static bool is_utf8(const char *text, size_t length)
{
    uint32_t character;
    size_t step;

    for (; length > 0; text += step, length -= step)
        if ((step = twi_utf8_get(text, length, &character)) == 0)
            return false;
    return true;
}

/* A field is UTF-8, or of an old writer Latin-1. */
static void listing_put_field(struct twi_arena *arena, struct twi_json *line, const char *key,
                              const char *value)
{
    struct twi_text text = { .arena = arena };
    char utf8[4];

    if (value == NULL || is_utf8(value, strlen(value))) {
        twi_json_put_string(arena, line, key, value);
        return;
    }
    for (; *value != '\0'; value++)
        twi_text_add(&text, utf8, twi_utf8_put(utf8, (unsigned char)*value));
    twi_json_put_string(arena, line, key, twi_text_string(&text));
}

static void listing_put_number(struct twi_arena *arena, struct twi_json *line, const char *key,
                               int64_t number, bool known)
{
    twi_json_put(line, key,
                 known ? twi_json_integer(arena, number) : twi_json_new(arena, TWI_JSON_NULL));
}

/* 0 or negative errno. */
static int line_print(struct listing *listing, struct twi_json *line)
{
    struct twi_text text = { .arena = &listing->arena };
    int r;

    twi_json_write(&text, line);
    twi_text_putc(&text, '\n');
    r = listing->arena.failed ? -ENOMEM
                              : cli_write(STDOUT_FILENO, twi_text_string(&text), text.length);
    twi_arena_reset(&listing->arena);
    return r;
}

static int record_list(struct listing *listing, const struct twi_warc_record *record)
{
    struct twi_arena *arena = &listing->arena;
    const struct twi_warc_head *head = &record->head;
    struct twi_json *line = twi_json_new(arena, TWI_JSON_OBJECT);
    enum twi_warc_verdict block, payload;

    if (!twi_warc_check_end(&listing->check, &block, &payload))
        return -ENOMEM;
    listing->failed |= block == TWI_WARC_FAIL || payload == TWI_WARC_FAIL;
    listing_put_number(arena, line, "offset", (int64_t)record->offset, true);
    listing_put_number(arena, line, "length", record->length, record->length >= 0);
    listing_put_field(arena, line, "type", twi_warc_head_field(head, "WARC-Type"));
    listing_put_field(arena, line, "uri", head->uri);
    listing_put_field(arena, line, "date", twi_warc_head_field(head, "WARC-Date"));
    listing_put_field(arena, line, "id", twi_warc_head_field(head, "WARC-Record-ID"));
    listing_put_number(arena, line, "status", listing->check.payload.status,
                       listing->check.payload.status > 0);
    listing_put_field(arena, line, "content_type", twi_warc_head_field(head, "Content-Type"));
    listing_put_field(arena, line, "block_digest", twi_warc_verdict_word(block));
    listing_put_field(arena, line, "payload_digest", twi_warc_verdict_word(payload));
    return line_print(listing, line);
}

static void fault_note(struct listing *listing, const struct twi_warc_fault *fault)
{
    if (listing->faults++ == 0)
        listing->fault = *fault;
}

static int faults_print(struct listing *listing)
{
    struct twi_json *line = twi_json_new(&listing->arena, TWI_JSON_OBJECT);
    char message[200];

    snprintf(message, sizeof message, "%s, at byte %" PRIu64, listing->fault.text,
             listing->fault.offset);
    if (listing->faults > 1)
        snprintf(message + strlen(message), sizeof message - strlen(message),
                 ", and %u faults more", listing->faults - 1);
    twi_json_put_string(&listing->arena, line, "error", listing->fault.word);
    twi_json_put_string(&listing->arena, line, "message", message);
    listing_put_number(&listing->arena, line, "offset", (int64_t)listing->fault.offset, true);
    return line_print(listing, line);
}

/* 0 or negative errno, at the output in *ret_out. */
static int list_all(struct listing *listing, struct warc_file *file, int *ret_out)
{
    struct twi_warc_reader *reader = file->reader;
    enum twi_warc_event event = TWI_WARC_FAULT;
    bool open = false;
    int r = 0;

    while (r == 0 && *ret_out == 0 && event != TWI_WARC_MORE) {
        r = warc_file_next(file, &event);
        if (r < 0)
            break;
        if (event == TWI_WARC_RECORD)
            twi_warc_check_begin(&listing->check, &reader->record.head);
        else if (event == TWI_WARC_BLOCK)
            twi_warc_check_add(&listing->check, reader->piece, reader->piece_length);
        else if (event == TWI_WARC_CLOSED)
            *ret_out = record_list(listing, &reader->record);
        else if (event == TWI_WARC_FAULT)
            fault_note(listing, &reader->fault);
        open = event == TWI_WARC_RECORD || (open && event != TWI_WARC_CLOSED);
    }
    if (open)
        (void)twi_warc_check_end(&listing->check, NULL, NULL);
    if (r == 0 && *ret_out == 0 && listing->faults > 0)
        *ret_out = faults_print(listing);
    return r;
}

static int warc_list(struct warc_file *file)
{
    struct listing listing = { .faults = 0 };
    int out = 0, r;

    twi_arena_init(&listing.arena, 0);
    r = list_all(&listing, file, &out);
    twi_arena_free(&listing.arena);
    if (r < 0)
        return warc_complain(file->path, strerror(-r));
    if (out < 0)
        return warc_complain("standard output", strerror(-out));
    return listing.faults > 0 || listing.failed ? CLI_FAILED : CLI_OK;
}

/* --- cat ------------------------------------------------------------------------------------- */

struct payload_out {
    int error; /* negative errno */
};

static void payload_write(const void *data, size_t length, void *arg)
{
    struct payload_out *out = arg;

    if (out->error == 0)
        out->error = cli_write(STDOUT_FILENO, data, length);
}

/* Captures, not the requests for them or notes about them. */
static bool holds_page(const struct twi_warc_head *head)
{
    static const char *const types[] = { "response", "resource", "conversion", "revisit" };
    const char *type = twi_warc_head_field(head, "WARC-Type");

    for (size_t i = 0; type != NULL && i < sizeof types / sizeof types[0]; i++)
        if (strcasecmp(type, types[i]) == 0)
            return true;
    return false;
}

static bool record_is_wanted(const struct warc_settings *settings,
                             const struct twi_warc_record *record)
{
    const struct twi_warc_head *head = &record->head;

    if (settings->which == NULL)
        return true;
    return head->uri != NULL && holds_page(head) && strcmp(head->uri, settings->which) == 0;
}

/* Write the payload of the record that is open. */
static int record_cat(struct warc_file *file)
{
    struct twi_warc_reader *reader = file->reader;
    struct payload_out out = { 0 };
    struct twi_warc_payload payload;
    enum twi_warc_event event = TWI_WARC_RECORD;
    const char *fault = NULL;
    int r = 0;

    twi_warc_payload_begin(&payload, &reader->record.head, NULL, payload_write, &out);
    while (r == 0 && out.error == 0 && event != TWI_WARC_CLOSED) {
        r = warc_file_next(file, &event);
        if (r == 0 && event == TWI_WARC_BLOCK)
            twi_warc_payload_add(&payload, reader->piece, reader->piece_length);
        else if (r == 0 && event == TWI_WARC_FAULT)
            fault = reader->fault.text;
    }
    twi_warc_payload_end(&payload);
    if (out.error < 0)
        return warc_complain("standard output", strerror(-out.error));
    if (r < 0)
        return warc_complain(file->path, strerror(-r));
    if (fault == NULL && !reader->record.whole)
        fault = "the file ends inside the record";
    return fault != NULL ? warc_complain(file->path, fault) : CLI_OK;
}

/* By its place the record must begin there; by a URL it is searched for. */
static int warc_cat(const struct warc_settings *settings, struct warc_file *file)
{
    const struct twi_warc_record *record = &file->reader->record;
    uint64_t offset = settings->offset > 0 ? (uint64_t)settings->offset : 0;
    enum twi_warc_event event = TWI_WARC_FAULT;

    while (event != TWI_WARC_MORE) {
        int r = warc_file_next(file, &event);

        if (r < 0)
            return warc_complain(file->path, strerror(-r));
        if (event == TWI_WARC_RECORD && settings->which == NULL && record->offset != offset)
            break;
        if (event == TWI_WARC_RECORD && record_is_wanted(settings, record))
            return record_cat(file);
    }
    if (settings->which != NULL)
        cli_complain("warc", "%s: no record of %s", file->path, settings->which);
    else
        cli_complain("warc", "%s: no record at offset %" PRIu64, file->path, offset);
    return CLI_FAILED;
}

/* --- the command line ------------------------------------------------------------------------ */

static const struct cli_command warc_command;

static int warc_take_option(const struct cli_option *option, const char *value, bool on,
                            void *arg)
{
    struct warc_settings *settings = arg;

    (void)on;
    if (option->id == OPTION_OFFSET &&
        !cli_read_integer(value, 0, INT64_MAX, &settings->offset))
        return cli_bad_value(&warc_command, option, value, "a number of bytes");
    return 0;
}

static int warc_take_operand(const char *text, void *arg)
{
    struct warc_settings *settings = arg;
    const char **places[] = { &settings->action, &settings->path, &settings->which };

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (*places[i] == NULL) {
            *places[i] = text;
            return 0;
        }
    cli_complain("warc", "'%s' is one too many", text);
    return -1;
}

static const struct cli_command warc_command = {
    .name = "warc",
    .usage = "list [FILE]\n       tweed warc cat [--offset N] FILE [N | URL]",
    .purpose = "List the records of a web archive, or print the payload of one.",
    .options = warc_options,
    .take = warc_take_option,
    .operand = warc_take_operand,
};

static int warc_usage(const char *why)
{
    cli_complain("warc", "%s; see 'tweed help warc'", why);
    return CLI_USAGE;
}

/* "cat FILE N" is "cat --offset N FILE". CLI_OK, or the exit status. */
static int settings_check(struct warc_settings *settings)
{
    int64_t offset;

    if (settings->action == NULL)
        return warc_usage("list or cat?");
    if (strcmp(settings->action, "list") == 0)
        return settings->which == NULL && settings->offset < 0
                   ? CLI_OK
                   : warc_usage("list takes one file, and no --offset");
    if (strcmp(settings->action, "cat") != 0)
        return warc_usage("neither list nor cat");
    if (settings->which != NULL && cli_read_integer(settings->which, 0, INT64_MAX, &offset)) {
        if (settings->offset >= 0)
            return warc_usage("two offsets");
        settings->offset = offset;
        settings->which = NULL;
    }
    if (settings->which != NULL && settings->offset >= 0)
        return warc_usage("a URL or an offset, not both");
    return CLI_OK;
}

static int warc_run(const struct warc_settings *settings)
{
    struct warc_file *file = cli_alloc(sizeof *file);
    int status, r;

    r = warc_file_open(file, settings->path != NULL ? settings->path : "-",
                       settings->offset > 0 ? (uint64_t)settings->offset : 0);
    if (r == -ENXIO)
        status = warc_complain(file->path, "it ends before that offset");
    else if (r < 0)
        status = warc_complain(file->path, strerror(-r));
    else if (strcmp(settings->action, "list") == 0)
        status = warc_list(file);
    else
        status = warc_cat(settings, file);
    warc_file_close(file);
    free(file);
    return status;
}

int cli_warc(int argc, char **argv)
{
    struct warc_settings settings = { .offset = -1 };
    enum cli_verdict verdict = cli_parse(&warc_command, argc, argv, &settings);
    int status = verdict == CLI_RUN ? settings_check(&settings) : cli_status_of(verdict);

    return verdict == CLI_RUN && status == CLI_OK ? warc_run(&settings) : status;
}
