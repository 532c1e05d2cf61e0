/* SPDX-License-Identifier: MIT */
/*
 * feed_name.c - paths with places to fill in, and formats by extension.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/ascii.h"
#include "spider/job/error.h"
#include "spider/job/feed.h"
#include "spider/job/feed_name.h"

#define MOST_DIGITS 18 /* of a batch's number, so that it fits 64 bits */

/* --- formats ------------------------------------------------------------------------------- */

static const struct feed_format {
    const char *extension;
    enum twi_feed_kind kind;
    bool is_sqlite;
    const char *names[3]; /* plain, gzip, zstd; NULL: not possible */
} formats[] = {
    { "jsonl", TWI_FEED_JSONL, false, { "jsonl", "jsonl.gz", "jsonl.zst" } },
    { "jsonlines", TWI_FEED_JSONL, false, { "jsonl", "jsonl.gz", "jsonl.zst" } },
    { "jl", TWI_FEED_JSONL, false, { "jsonl", "jsonl.gz", "jsonl.zst" } },
    { "ndjson", TWI_FEED_JSONL, false, { "jsonl", "jsonl.gz", "jsonl.zst" } },
    { "json", TWI_FEED_JSON, false, { "json", "json.gz", "json.zst" } },
    { "csv", TWI_FEED_CSV, false, { "csv", "csv.gz", "csv.zst" } },
    { "xml", TWI_FEED_XML, false, { "xml", "xml.gz", "xml.zst" } },
    { "sqlite", TWI_FEED_JSONL, true, { "sqlite", NULL, NULL } },
    { "sqlite3", TWI_FEED_JSONL, true, { "sqlite", NULL, NULL } },
    { "db", TWI_FEED_JSONL, true, { "sqlite", NULL, NULL } },
};

static const struct feed_format *format_named(const char *text, size_t length)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strlen(formats[i].extension) == length &&
            strncasecmp(formats[i].extension, text, length) == 0)
            return &formats[i];
    return NULL;
}

static enum twi_coding coding_at_end(const char *text, size_t *length)
{
    if (*length > 3 && strncasecmp(text + *length - 3, ".gz", 3) == 0) {
        *length -= 3;
        return TWI_CODING_GZIP;
    }
    if (*length > 4 && strncasecmp(text + *length - 4, ".zst", 4) == 0) {
        *length -= 4;
        return TWI_CODING_ZSTD;
    }
    return TWI_CODING_NONE;
}

/* Read the format at the end of `text`: "csv" whole, or ".csv" behind something. False if there is
 * none. */
static bool read_format(struct twi_feed_name *name, const char *text, size_t length,
                        bool is_whole)
{
    size_t start = 0;
    const struct feed_format *format;

    name->coding = coding_at_end(text, &length);
    if (!is_whole) {
        for (start = length; start > 0 && text[start - 1] != '.' && text[start - 1] != '/';)
            start--;
        if (start == 0 || text[start - 1] == '/')
            return false;
    }
    format = format_named(text + start, length - start);
    if (format == NULL)
        return false;
    name->kind = format->kind;
    name->is_sqlite = format->is_sqlite;
    name->format = format->names[name->coding];
    return true;
}

/* --- filling in ---------------------------------------------------------------------------- */

enum place { PLACE_NONE, PLACE_TIME, PLACE_NAME, PLACE_BATCH, PLACE_PERCENT, PLACE_UNKNOWN };

/* The place at `text`, which starts with "%", and its length. */
static enum place read_place(const char *text, size_t *length, int *digits)
{
    static const struct {
        const char *text;
        enum place place;
    } places[] = { { "%(time)", PLACE_TIME },
                   { "%(name)", PLACE_NAME },
                   { "%(batch)", PLACE_BATCH },
                   { "%(batch_id)", PLACE_BATCH } };
    size_t i, at;

    *length = text[1] == '%' ? 2 : 1;
    if (text[1] != '(')
        return text[1] == '%' ? PLACE_PERCENT : PLACE_NONE;
    for (i = 0; i < sizeof places / sizeof *places; i++)
        if (strncmp(text, places[i].text, strlen(places[i].text)) == 0)
            break;
    if (i == sizeof places / sizeof *places)
        return PLACE_UNKNOWN;
    *length = at = strlen(places[i].text);
    *digits = 0;
    if (places[i].place != PLACE_BATCH) {
        *length += text[at] == 's';
        return places[i].place;
    }
    for (; twi_is_digit(text[at]); at++)
        if (*digits <= MOST_DIGITS)
            *digits = *digits * 10 + (text[at] - '0');
    if (text[at] == 'd')
        *length = at + 1;
    else
        *digits = 0; /* digits of the name itself */
    return *digits <= MOST_DIGITS ? PLACE_BATCH : PLACE_UNKNOWN;
}

static void put_time(struct twi_text *text, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char stamp[64];

    if (gmtime_r(&seconds, &tm) == NULL ||
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H-%M-%S", &tm) == 0)
        strcpy(stamp, "0");
    twi_text_puts(text, stamp);
}

/* Text that stands for itself, also in the pattern. */
static void put_literal(struct twi_text *side, struct twi_text *pattern, const char *text,
                        size_t length)
{
    twi_text_add(side, text, length);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '%')
            twi_text_putc(pattern, '%');
        twi_text_putc(pattern, text[i]);
    }
}

struct filling {
    const struct twi_feed_options *options;
    struct twi_text before, after, pattern;
    bool has_batch;
    int digits;
    const char *why; /* not NULL: it is wrong */
};

static void fill_place(struct filling *filling, enum place place, const char *text,
                       size_t length, int digits)
{
    struct twi_text *side = filling->has_batch ? &filling->after : &filling->before;
    struct twi_text stamp = { .arena = side->arena };
    const char *spider = filling->options->spider;

    switch (place) {
    case PLACE_TIME:
        put_time(&stamp, filling->options->started);
        put_literal(side, &filling->pattern, twi_text_string(&stamp), stamp.length);
        break;
    case PLACE_NAME:
        put_literal(side, &filling->pattern, spider, strlen(spider));
        break;
    case PLACE_BATCH:
        if (filling->has_batch)
            filling->why = "the batch's number stands in it twice";
        filling->has_batch = true;
        filling->digits = digits;
        twi_text_add(&filling->pattern, text, length);
        break;
    case PLACE_NONE:
    case PLACE_PERCENT:
        put_literal(side, &filling->pattern, "%", 1);
        break;
    case PLACE_UNKNOWN:
        filling->why =
            "only %(time), %(name) and %(batch)d are filled in; %% is a per cent sign";
    }
}

static void fill(struct filling *filling, const char *path, size_t path_length)
{
    const char *end = path + path_length;

    while (path < end && filling->why == NULL) {
        const char *percent = memchr(path, '%', (size_t)(end - path));
        size_t length = (size_t)((percent != NULL ? percent : end) - path);
        int digits = 0;
        put_literal(filling->has_batch ? &filling->after : &filling->before, &filling->pattern,
                    path, length);
        path += length;
        if (percent == NULL)
            break;
        enum place place = read_place(path, &length, &digits);
        fill_place(filling, place, path, length, digits);
        path += length;
    }
}

/* --- the whole ----------------------------------------------------------------------------- */

#define KNOWN_FORMATS                                                     \
    "jsonl, json, csv and xml, each also with .gz or .zst, are known; or name " \
    "it behind the path, as FILE:csv"

/* Find the format. *ret_length: of the path without one that stands behind a colon. */
static const char *find_format(struct twi_feed_name *name, const char *path,
                               size_t *ret_length)
{
    const char *colon = strrchr(path, ':');
    size_t length = strlen(path);

    *ret_length = length;
    if (colon != NULL && colon > path &&
        read_format(name, colon + 1, strlen(colon + 1), true)) {
        *ret_length = (size_t)(colon - path);
    } else if (strcmp(path, "-") == 0) {
        name->kind = TWI_FEED_JSONL;
        name->format = "jsonl";
    } else if (!read_format(name, path, length, false)) {
        return "its extension is no format: " KNOWN_FORMATS;
    }
    if (name->format == NULL)
        return "a database cannot be compressed while it is written";
    name->is_output = *ret_length == 1 && *path == '-';
    if (name->is_output && name->coding != TWI_CODING_NONE)
        return "standard output is not compressed: a pipe through gzip does it";
    if (name->is_output && name->is_sqlite)
        return "a database cannot be written to standard output";
    return NULL;
}

static const char *check_batches(const struct filling *filling,
                                 const struct twi_feed_name *name, long batch)
{
    if (batch > 0 && name->is_output)
        return "standard output has no batches";
    if (batch > 0 && !filling->has_batch)
        return "batches want their number in the file's name: %(batch)d";
    if (batch <= 0 && filling->has_batch)
        return "it has a batch's number, but the feed has no batches";
    if (filling->has_batch && strchr(twi_text_string(&filling->after), '/') != NULL)
        return "the batch's number must stand in the file's name, not in a folder's";
    if (filling->before.length + filling->after.length == 0)
        return "it is empty";
    return NULL;
}

static bool keep_texts(struct twi_feed_name *name, const struct filling *filling)
{
    name->before = strdup(twi_text_string(&filling->before));
    name->pattern = strdup(twi_text_string(&filling->pattern));
    if (filling->has_batch)
        name->after = strdup(twi_text_string(&filling->after));
    name->digits = filling->digits;
    return name->before != NULL && name->pattern != NULL &&
           (!filling->has_batch || name->after != NULL);
}

int twi_feed_name_read(const struct twi_feed_options *options, struct twi_feed_name *name,
                       tw_value *ret_failure)
{
    struct twi_arena arena;
    struct filling filling = { .options = options,
                               .before = { .arena = &arena },
                               .after = { .arena = &arena },
                               .pattern = { .arena = &arena } };
    size_t length;
    int r = 0;

    memset(name, 0, sizeof *name);
    twi_arena_init(&arena, 0);
    filling.why = find_format(name, options->path, &length);
    if (filling.why == NULL)
        fill(&filling, options->path, length);
    if (filling.why == NULL)
        filling.why = check_batches(&filling, name, options->batch);
    twi_text_puts(&filling.pattern, options->path + length);
    if (filling.why != NULL) {
        *ret_failure = twi_job_failure(-EINVAL, "feed %s: %s", options->path, filling.why);
        r = -EINVAL;
    } else if (arena.failed || !keep_texts(name, &filling)) {
        *ret_failure = tw_fail_memory();
        r = -ENOMEM;
    }
    if (r < 0)
        twi_feed_name_free(name);
    twi_arena_free(&arena);
    return r;
}

void twi_feed_name_free(struct twi_feed_name *name)
{
    free(name->before);
    free(name->after);
    free(name->pattern);
    memset(name, 0, sizeof *name);
}

/* --- names of files ------------------------------------------------------------------------ */

#define PART ".part"

static char *path_of(const struct twi_feed_name *name, int64_t batch, const char *ending)
{
    size_t size = strlen(name->before) + 64 + strlen(ending);
    char *path;

    if (name->after == NULL)
        return strdup(name->before);
    size += strlen(name->after);
    path = malloc(size);
    if (path != NULL)
        snprintf(path, size, "%s%0*lld%s%s", name->before, name->digits, (long long)batch,
                 name->after, ending);
    return path;
}

char *twi_feed_name_path(const struct twi_feed_name *name, int64_t batch)
{
    return path_of(name, batch, "");
}

char *twi_feed_name_part(const struct twi_feed_name *name, int64_t batch)
{
    return path_of(name, batch, PART);
}

/* The number of the batch whose file is called `file`; 0: of none. */
static int64_t batch_of(const struct twi_feed_name *name, const char *base, const char *file)
{
    size_t base_length = strlen(base), digits;
    const char *number = file + base_length, *end;

    if (strncmp(file, base, base_length) != 0)
        return 0;
    digits = strspn(number, "0123456789");
    end = number + digits;
    if (digits == 0 || digits > MOST_DIGITS ||
        strncmp(end, name->after, strlen(name->after)) != 0)
        return 0;
    end += strlen(name->after);
    if (*end != 0 && strcmp(end, PART) != 0)
        return 0;
    return strtoll(number, NULL, 10);
}

int twi_feed_name_scan(const struct twi_feed_name *name, int64_t from,
                       int (*each)(const char *path, int64_t batch, void *arg), void *arg)
{
    const char *slash = strrchr(name->before, '/');
    size_t folder_length = slash != NULL ? (size_t)(slash + 1 - name->before) : 0;
    char *folder = folder_length > 0 ? strndup(name->before, folder_length) : strdup("./");
    struct dirent *entry;
    DIR *dir;
    int r = 0;

    if (folder == NULL)
        return -ENOMEM;
    dir = opendir(folder);
    free(folder);
    if (dir == NULL)
        return errno == ENOENT ? 0 : -errno;
    while (r == 0 && (entry = readdir(dir)) != NULL) {
        int64_t batch = batch_of(name, name->before + folder_length, entry->d_name);
        if (batch <= 0 || batch < from)
            continue;
        size_t size = folder_length + strlen(entry->d_name) + 1;
        char *path = malloc(size);
        if (path == NULL) {
            r = -ENOMEM;
            break;
        }
        snprintf(path, size, "%.*s%s", (int)folder_length, name->before, entry->d_name);
        r = each(path, batch, arg);
        free(path);
    }
    closedir(dir);
    return r;
}
