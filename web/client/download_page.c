/* SPDX-License-Identifier: MIT */
/*
 * download_page.c - a page into a file.
 *
 * A whole page goes beside its place and is renamed when it is complete, so that nobody sees
 * half a file. With `resume` it goes to its place directly, to be continued another time; only
 * when the server sends the whole where a part was asked for, the old file stays until the new
 * one is complete. A part is taken only if it is the one that was asked for: the rest of the
 * file, from where ours ends, not coded, of the version that ours is of.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "web/client/client_request.h"
#include "web/client/validator.h"
#include "web/client/whole_file.h"
#include "web/http/content_range.h"

struct fault {
    const tw_error_class *error_class;
    const char *text;
};

struct download {
    char *path;
    struct twi_whole_file file;
    bool resume;
    bool as_sent;   /* content codings are the caller's matter */
    bool own_range; /* the caller has asked for a part */
    int64_t have;   /* of the old file */
    int64_t left;   /* of the part that comes; -1: of a whole */
    int error;      /* of the file system */
    struct fault fault; /* the fault in the answer */
    int (*on_headers)(tw_value response, void *arg); /* the user's own */
    int (*on_body)(const char *data, size_t length, void *arg);
    void *stream_arg;
};

static void download_free(void *arg)
{
    struct download *download = arg;

    twi_whole_file_drop(&download->file);
    twi_free(download->path);
    twi_free(download);
}

/* --- while it comes ------------------------------------------------------------------------ */

static int download_fault(struct download *download, const tw_error_class *error_class,
                          const char *text)
{
    download->fault = (struct fault){ error_class, text };
    return -EBADMSG;
}

static bool is_coded(tw_value response)
{
    tw_value codings = tw_headers_list(tw_response_headers(response), "Content-Encoding");
    const char *text = tw_bytes_data(codings);
    bool coded = tw_bytes_length(codings) > 0 && strcasecmp(text, "identity") != 0;

    tw_release(codings);
    return coded;
}

/* Check that a 206 is the rest of our file, all of it. */
static int check_part(struct download *download, tw_value response)
{
    const char *field = tw_response_header(response, "Content-Range");
    struct twi_content_range range;

    if (download->own_range)
        return 0;
    if (field == NULL || twi_content_range_parse(field, &range) < 0 || !range.satisfied ||
        range.first != download->have)
        return download_fault(download, &tw_error_protocol,
                              "a part of the page that was not asked for");
    if (!download->as_sent && is_coded(response))
        return download_fault(download, &tw_error_encoding,
                              "a part of the page in a coding that was not asked for");
    download->left = range.last - range.first + 1;
    if (range.size >= 0 && range.last + 1 < range.size)
        download->fault = (struct fault){ &tw_error_partial,
                                          "less of the page than what is missing" };
    return 0;
}

/* Open the file; the first part of one that may be continued gets a note of the page's
 * version. */
static int open_file(struct download *download, tw_value response, bool append)
{
    struct twi_whole_file *file = &download->file;
    int r;

    if (!download->resume || (download->have > 0 && !append))
        return twi_whole_file_open(file, download->path, 0666);
    r = twi_whole_file_open_in_place(file, download->path,
                                     O_CREAT | (append ? O_APPEND : O_TRUNC), 0666);
    if (r == 0 && !append)
        twi_validator_keep(file->fd, tw_response_headers(response));
    return r;
}

static int headers_came(tw_value response, void *arg)
{
    struct download *download = arg;
    int status = tw_response_status(response);
    int r = 0;

    download->left = -1;
    if (status == 206)
        r = check_part(download, response);
    else if (status / 100 == 2 && download->have > 0 && !download->as_sent &&
             is_coded(response))
        r = download_fault(download, &tw_error_encoding,
                           "the page in a coding that was not asked for");
    if (r == 0 && status / 100 == 2)
        r = download->error = open_file(download, response, status == 206);
    if (r == 0 && download->on_headers != NULL)
        r = download->on_headers(response, download->stream_arg);
    return r;
}

static int download_body_came(const char *data, size_t length, void *arg)
{
    struct download *download = arg;
    int r = 0;

    if (download->left >= 0 && (uint64_t)length > (uint64_t)download->left)
        return download_fault(download, &tw_error_protocol,
                              "more of the page than its Content-Range says");
    if (download->left >= 0)
        download->left -= (int64_t)length;
    if (download->file.fd >= 0)
        r = download->error = twi_whole_file_write(&download->file, data, length);
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

static tw_value fault_failure(const struct fault *fault, tw_value result)
{
    struct tw_failure_fields fields = {
        .error_class = fault->error_class,
        .message = fault->text,
        .value = tw_retain(tw_is_failure(result) ? tw_failure_value(result) : result),
    };

    return tw_fail_with(&fields);
}

/* 416 tells the size of the whole: nothing is missing when our file has that size. */
static bool nothing_missing(const struct download *download, tw_value failure)
{
    const char *field = tw_response_header(tw_failure_value(failure), "Content-Range");
    struct twi_content_range range;

    return download->resume && download->have > 0 && tw_failure_number(failure) == 416 &&
           tw_failure_is(failure, &tw_error_status) && field != NULL &&
           twi_content_range_parse(field, &range) == 0 && !range.satisfied &&
           range.size == download->have;
}

/* The answer has ended well: check that the page is whole. */
static tw_value page_came(struct download *download, tw_value result)
{
    int r;

    if (download->left > 0)
        download->fault = (struct fault){ &tw_error_partial,
                                          "less of the page than its Content-Range says" };
    if (download->fault.text != NULL)
        return fault_failure(&download->fault, result);
    if (download->file.fd >= 0 && download->file.beside == NULL)
        twi_validator_forget(download->file.fd);
    r = twi_whole_file_commit(&download->file);
    return r < 0 ? file_failure(download, r) : result;
}

static tw_value finished(tw_value result, void *arg)
{
    struct download *download = arg;
    int status = tw_response_status(result);

    if (download->error < 0)
        return file_failure(download, download->error);
    if (tw_is_failure(result) && nothing_missing(download, result))
        return tw_failure_value(result);
    if (tw_is_failure(result) && tw_failure_is(result, &tw_error_system) &&
        tw_failure_number(result) == EBADMSG && download->fault.text != NULL)
        return fault_failure(&download->fault, result);
    if (tw_is_failure(result))
        return result;
    if (status < 200 || status > 299)
        return status_failure(result);
    return page_came(download, result);
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
    download->file.fd = -1;
    download->resume = resume;
    download->have = resume ? size_of(path) : 0;
    download->as_sent = options->no_decode;
    download->own_range = !resume && options->headers != NULL &&
                          tw_headers_has(options->headers, "Range");
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

/* Ask for the rest of the file, if the page is still the same. */
static int add_range(tw_headers *headers, const struct download *download)
{
    char range[40], validator[TWI_VALIDATOR_SIZE];
    int r;

    snprintf(range, sizeof range, "bytes=%" PRId64 "-", download->have);
    r = tw_headers_set(headers, "Range", range);
    if (r == 0 && !tw_headers_has(headers, "If-Range") &&
        twi_validator_read(download->path, validator))
        r = tw_headers_set(headers, "If-Range", validator);
    return r == -ENOMEM ? r : 0; /* others than ours may have written the attribute */
}

/* A file that may be continued holds the page uncoded; the server has to know from the start, since
 * its validator may be another one for each coding. NULL when there is no memory. */
static tw_headers *resume_headers(const struct download *download, const tw_headers *given)
{
    tw_headers *headers = given == NULL ? tw_headers_new() : tw_headers_copy(given);
    int r = headers == NULL ? -ENOMEM : 0;

    if (r == 0 && !download->as_sent)
        r = tw_headers_set(headers, "Accept-Encoding", "identity");
    if (r == 0 && download->have > 0)
        r = add_range(headers, download);
    if (r < 0) {
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
    if (download != NULL && resume) {
        options.headers = headers = resume_headers(download, options.headers);
        options.no_decode = options.no_decode || download->have > 0;
    }
    if (download == NULL || (resume && headers == NULL)) {
        if (download != NULL)
            download_free(download);
        twi_body_source_release(options.body_source);
        return NULL;
    }
    options.on_headers = headers_came;
    options.on_body = download_body_came;
    options.stream_arg = download;
    options.fail_on_error = true;
    deferred = twi_client_request_start(where, tw_agent_current(), url, &options, NULL);
    tw_headers_free(headers);
    tw_add_both_with(deferred, finished, download, download_free);
    return deferred;
}
