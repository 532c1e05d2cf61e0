/*
 * download_page.c - a page into a file.
 *
 * A whole page goes beside its place and is renamed when it is complete, so that nobody sees half
 * a file. With `resume` it goes to its place directly, to be continued another time; only when
 * the server sends the whole where a part was asked for, the old file stays until the new one is
 * complete.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ascii.h"
#include "web/client/engine.h"

struct download {
    char *path;
    char *beside; /* the file being written, when it is not `path` */
    int fd;
    bool resume;
    int64_t have; /* of the old file */
    int error;    /* what the file system said */
    int (*on_headers)(tw_value response, void *arg); /* the user's own */
    int (*on_body)(const char *data, size_t length, void *arg);
    void *stream_arg;
};

/* --- the file ------------------------------------------------------------------------------ */

static int open_beside(struct download *download)
{
    static unsigned number;
    int fd;

    for (int attempt = 0; attempt < 100; attempt++) {
        char *name = twi_format("%s.%ld-%u.part", download->path, (long)getpid(),
                                __atomic_add_fetch(&number, 1, __ATOMIC_RELAXED));
        if (name == NULL)
            return -ENOMEM;
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0) {
            download->beside = name;
            return fd;
        }
        twi_free(name);
        if (errno != EEXIST)
            break;
    }
    return -errno;
}

static int open_file(struct download *download, bool append)
{
    int fd;

    if (download->resume && (append || download->have == 0)) {
        fd = open(download->path,
                  O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0666);
        fd = fd < 0 ? -errno : fd;
    } else {
        fd = open_beside(download);
    }
    download->fd = fd;
    return fd < 0 ? fd : 0;
}

static int write_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, data, length);
        if (written < 0 && errno != EINTR)
            return -errno;
        if (written > 0) {
            data += written;
            length -= (size_t)written;
        }
    }
    return 0;
}

/* The last word of the file system: a full disk may show only here. */
static int put_in_place(struct download *download)
{
    int fd = download->fd;

    download->fd = -1;
    if (fd >= 0 && close(fd) < 0)
        return -errno;
    if (download->beside == NULL)
        return 0;
    if (rename(download->beside, download->path) < 0)
        return -errno;
    twi_free(download->beside);
    download->beside = NULL;
    return 0;
}

static void download_free(void *arg)
{
    struct download *download = arg;

    if (download->fd >= 0)
        close(download->fd);
    if (download->beside != NULL)
        unlink(download->beside);
    twi_free(download->beside);
    twi_free(download->path);
    twi_free(download);
}

/* --- while it comes ------------------------------------------------------------------------ */

/* Does "bytes 100-199/200" begin where our file ends? */
static bool continues(tw_value response, int64_t have)
{
    const char *range = tw_response_header(response, "Content-Range");
    uint64_t first;

    if (range == NULL || strncmp(range, "bytes ", 6) != 0)
        return false;
    range += 6;
    return twi_parse_decimal(range, strcspn(range, "-"), &first) == 0 &&
           first == (uint64_t)have;
}

static int headers_came(tw_value response, void *arg)
{
    struct download *download = arg;
    int status = tw_response_status(response);
    int r = 0;

    if (status == 206 && !continues(response, download->have))
        return -EBADMSG;
    if (status >= 200 && status <= 299)
        r = download->error = open_file(download, status == 206);
    if (r == 0 && download->on_headers != NULL)
        r = download->on_headers(response, download->stream_arg);
    return r;
}

static int body_came(const char *data, size_t length, void *arg)
{
    struct download *download = arg;
    int r = 0;

    if (download->fd >= 0)
        r = download->error = write_all(download->fd, data, length);
    if (r == 0 && download->on_body != NULL)
        r = download->on_body(data, length, download->stream_arg);
    return r;
}

/* --- the result ---------------------------------------------------------------------------- */

static tw_value file_failure(const struct download *download, int error)
{
    char message[300];
    struct tw_failure_fields fields = {
        .error_class = &tw_error_system,
        .message = message,
        .number = -error,
    };

    snprintf(message, sizeof message, "%.200s: %s", download->path, strerror(-error));
    return tw_fail_with(&fields);
}

static tw_value status_failure(tw_value response)
{
    char message[128];
    struct tw_failure_fields fields = {
        .error_class = &tw_error_status,
        .message = message,
        .number = tw_response_status(response),
        .value = tw_retain(response),
    };

    snprintf(message, sizeof message, "%d %.100s", tw_response_status(response),
             tw_response_reason(response));
    return tw_fail_with(&fields);
}

/* 416 tells the whole size: nothing is missing when that is what we have. */
static bool nothing_missing(const struct download *download, tw_value failure)
{
    const char *range = tw_response_header(tw_failure_value(failure), "Content-Range");
    uint64_t size;

    return download->resume && download->have > 0 && tw_failure_number(failure) == 416 &&
           tw_failure_is(failure, &tw_error_status) && range != NULL &&
           strncmp(range, "bytes */", 8) == 0 &&
           twi_parse_decimal(range + 8, strlen(range + 8), &size) == 0 &&
           size == (uint64_t)download->have;
}

static tw_value finished(tw_value result, void *arg)
{
    struct download *download = arg;
    int status = tw_response_status(result);
    int r;

    if (download->error < 0)
        return file_failure(download, download->error);
    if (tw_is_failure(result) && nothing_missing(download, result))
        return tw_failure_value(result);
    if (tw_is_failure(result) && tw_failure_is(result, &tw_error_system) &&
        tw_failure_number(result) == EBADMSG)
        return tw_fail(&tw_error_protocol, "a part of the page that was not asked for");
    if (tw_is_failure(result))
        return result;
    if (status < 200 || status > 299)
        return status_failure(result);
    r = put_in_place(download);
    return r < 0 ? file_failure(download, r) : result;
}

/* --- the beginning ------------------------------------------------------------------------- */

static int64_t size_of(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) ? (int64_t)status.st_size : 0;
}

static struct download *download_new(const char *path, bool resume,
                                     const struct tw_fetch_options *options)
{
    struct download *download = twi_calloc(1, sizeof *download);

    if (download == NULL)
        return NULL;
    download->fd = -1;
    download->resume = resume;
    download->have = resume ? size_of(path) : 0;
    download->on_headers = options->on_headers;
    download->on_body = options->on_body;
    download->stream_arg = options->stream_arg;
    download->path = twi_strdup(path);
    if (download->path == NULL) {
        download_free(download);
        return NULL;
    }
    return download;
}

static tw_headers *with_range(const tw_headers *given, int64_t first)
{
    tw_headers *headers = given == NULL ? tw_headers_new() : tw_headers_copy(given);
    char range[40];

    snprintf(range, sizeof range, "bytes=%" PRId64 "-", first);
    if (headers != NULL && tw_headers_set(headers, "Range", range) < 0) {
        tw_headers_free(headers);
        headers = NULL;
    }
    return headers;
}

tw_deferred *tw_download_page_at(const char *where, const char *url, const char *path,
                                 bool resume, const struct tw_fetch_options *given)
{
    struct tw_fetch_options options = { 0 };
    tw_headers *headers = NULL;
    struct download *download;
    tw_deferred *deferred;

    if (given != NULL)
        options = *given;
    download = download_new(path, resume, &options);
    if (download != NULL && download->have > 0) {
        options.headers = headers = with_range(options.headers, download->have);
        options.no_decode = true;
    }
    if (download == NULL || (download->have > 0 && headers == NULL)) {
        if (download != NULL)
            download_free(download);
        twi_release_source(options.body_source);
        return NULL;
    }
    options.on_headers = headers_came;
    options.on_body = body_came;
    options.stream_arg = download;
    options.fail_on_error = true;
    deferred = twi_fetch_start(where, tw_agent_current(), url, &options, NULL);
    tw_headers_free(headers);
    tw_add_both_with(deferred, finished, download, download_free);
    return deferred;
}
