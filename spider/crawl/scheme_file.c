/* SPDX-License-Identifier: MIT */
/*
 * scheme_file.c - bytes of files and of data: URLs as answers.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tweed/failure.h>
#include <tweed/url.h>

#include "spider/crawl/scheme_file.h"
#include "spider/text/data_url.h"

bool twi_scheme_is_local(const char *url)
{
    return strncmp(url, "file:", 5) == 0 || strncmp(url, "data:", 5) == 0;
}

/* --- files ------------------------------------------------------------------------------- */

static const struct file_type {
    const char *extension, *type;
} file_types[] = {
    { ".html", "text/html" },
    { ".htm", "text/html" },
    { ".xhtml", "application/xhtml+xml" },
    { ".xml", "application/xml" },
    { ".json", "application/json" },
    { ".txt", "text/plain" },
    { ".csv", "text/csv" },
};

static const char *file_type_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    size_t i;

    for (i = 0; dot != NULL && i < sizeof file_types / sizeof *file_types; i++)
        if (strcmp(dot, file_types[i].extension) == 0)
            return file_types[i].type;
    return "application/octet-stream";
}

static tw_value file_fill(int fd, const char *path, size_t size, tw_value *ret_body)
{
    char *data;
    tw_value body = tw_bytes_new(size, &data);
    size_t at = 0;

    if (tw_is_failure(body))
        return body;
    while (at < size) {
        ssize_t n = read(fd, data + at, size - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int error = n < 0 ? errno : EIO;
            tw_release(body);
            return tw_fail(&tw_error_system, "%s: %s", path,
                           n < 0 ? strerror(error) : "shorter than it was");
        }
        at += (size_t)n;
    }
    *ret_body = body;
    return tw_none();
}

static tw_value local_file_read(const char *path, int64_t max, tw_value *ret_body)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    tw_value failure;

    if (fd < 0)
        return tw_fail(&tw_error_system, "%s: %s", path, strerror(errno));
    if (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode))
        failure = tw_fail(&tw_error_system, "%s: not a file", path);
    else if (max >= 0 && info.st_size > max)
        failure = tw_fail(&tw_error_toolarge, "%s: over %lld bytes", path, (long long)max);
    else
        failure = file_fill(fd, path, (size_t)info.st_size, ret_body);
    close(fd);
    return failure;
}

static tw_value file_url_read(const char *url, int64_t max, tw_value *ret_body,
                              tw_headers *headers)
{
    struct tw_url *parsed;
    tw_value path, failure;
    const char *why;

    if (tw_url_parse(url, strlen(url), NULL, &parsed, &why) < 0)
        return tw_fail(&tw_error_url, "%s: %s", url, why);
    path = tw_url_decode(parsed->pathname, strlen(parsed->pathname));
    if (tw_is_failure(path))
        failure = path;
    else if (*parsed->hostname != '\0')
        failure = tw_fail(&tw_error_url, "%s: a file of another machine", url);
    else if (strlen(tw_bytes_data(path)) != tw_bytes_length(path))
        failure = tw_fail(&tw_error_url, "%s: a NUL in the path", url);
    else
        failure = local_file_read(tw_bytes_data(path), max, ret_body);
    if (tw_is_none(failure) &&
        tw_headers_set(headers, "Content-Type", file_type_of(tw_bytes_data(path))) < 0)
        failure = tw_fail_memory();
    if (!tw_is_failure(path))
        tw_release(path);
    tw_url_free(parsed);
    return failure;
}

/* --- data: ------------------------------------------------------------------------------- */

static void type_add_span(struct twi_text *text, struct twi_span span)
{
    twi_text_add(text, span.text, span.length);
}

static const char *data_type(struct twi_arena *arena, const struct twi_data_url *data)
{
    struct twi_text text = { .arena = arena };
    const struct twi_data_parameter *parameter;

    type_add_span(&text, data->type);
    for (parameter = data->parameters; parameter != NULL; parameter = parameter->next) {
        twi_text_puts(&text, ";");
        type_add_span(&text, parameter->name);
        twi_text_puts(&text, "=\"");
        type_add_span(&text, parameter->value);
        twi_text_puts(&text, "\"");
    }
    return twi_text_string(&text);
}

static tw_value data_url_read(const char *url, int64_t max, tw_value *ret_body,
                              tw_headers *headers)
{
    struct twi_arena arena;
    struct twi_data_url data;
    tw_value failure = tw_none();
    const char *why;

    twi_arena_init(&arena, 0);
    why = twi_data_url_read(&arena, (struct twi_span){ url, strlen(url) }, &data);
    if (why != NULL)
        failure = tw_fail(&tw_error_url, "data: %s", why);
    else if (max >= 0 && data.data.length > (size_t)max)
        failure = tw_fail(&tw_error_toolarge, "data: over %lld bytes", (long long)max);
    else if (tw_headers_set(headers, "Content-Type", data_type(&arena, &data)) == -ENOMEM ||
             arena.failed)
        failure = tw_fail_memory();
    if (tw_is_none(failure)) {
        tw_value body = tw_bytes(data.data.text, data.data.length);
        if (tw_is_failure(body))
            failure = body;
        else
            *ret_body = body;
    }
    twi_arena_free(&arena);
    return failure;
}

tw_value twi_scheme_read(const char *url, int64_t max, tw_value *ret_body, tw_headers *headers)
{
    if (strncmp(url, "file:", 5) == 0)
        return file_url_read(url, max, ret_body, headers);
    return data_url_read(url, max, ret_body, headers);
}
