/* SPDX-License-Identifier: MIT */
/*
 * get_warc.c - the archive of `tweed get --warc`.
 *
 * The head of a record says its length and digests, so an exchange is held until it has ended, in
 * memory or, when it is long, in a temporary file. Its two records are written together, under a
 * lock, since others may append to the same archive; what could not be written whole is taken back.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <tweed/tweed.h>

#include "cli/cli.h"
#include "cli/get_warc.h"
#include "spider/text/warc_write.h"

/* An exchange is held in memory up to here. */
enum { SPOOL_MAX = 256 << 10 };

struct get_archive {
    const char *path;
    int fd, error;
    struct twi_warc_writer *writer;
    char info_id[TWI_WARC_ID_SIZE];
};

/* A block that is put together. */
struct spool {
    struct cli_text text;
    int fd; /* -1: all is in `text` */
    struct twi_warc_gather gather;
};

struct get_capture {
    struct spool request, response;
    char *url, *ip; /* NULL: in memory */
    int64_t at;
    bool has_head;
};

/* --- spools ---------------------------------------------------------------------------------- */

static void spool_begin(struct spool *spool)
{
    *spool = (struct spool){ .fd = -1 };
    twi_warc_gather_begin(&spool->gather);
}

static int spool_open(struct spool *spool)
{
    struct cli_text name = { 0 };
    int fd = cli_open_temporary(&name), r;

    if (fd >= 0)
        unlink(name.data);
    cli_text_free(&name);
    if (fd < 0)
        return fd;
    r = cli_write(fd, spool->text.data, spool->text.length);
    if (r < 0) {
        close(fd);
        return r;
    }
    cli_text_free(&spool->text);
    spool->fd = fd;
    return 0;
}

/* 0 or negative errno. */
static int spool_add(struct spool *spool, const void *data, size_t length, bool is_payload)
{
    int r = 0;

    twi_warc_gather_add(&spool->gather, data, length, is_payload);
    if (spool->fd < 0 && spool->text.length + length > SPOOL_MAX)
        r = spool_open(spool);
    if (r == 0 && spool->fd >= 0)
        r = cli_write(spool->fd, data, length);
    else if (r == 0)
        cli_text_add(&spool->text, data, length);
    return r;
}

static void spool_free(struct spool *spool)
{
    (void)twi_warc_gather_end(&spool->gather, NULL, NULL);
    cli_text_free(&spool->text);
    if (spool->fd >= 0)
        close(spool->fd);
}

static int spool_copy(const struct spool *spool, struct twi_warc_writer *writer)
{
    char data[16384];
    off_t at = 0;
    ssize_t n;
    int r = 0;

    if (spool->fd < 0)
        return twi_warc_write_block(writer, spool->text.data, spool->text.length);
    while (r == 0 && (n = pread(spool->fd, data, sizeof data, at)) != 0) {
        r = n < 0 ? -errno : twi_warc_write_block(writer, data, (size_t)n);
        at += n > 0 ? n : 0;
    }
    return r;
}

/* --- records --------------------------------------------------------------------------------- */

static int id_make(char id[TWI_WARC_ID_SIZE])
{
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    unsigned char random[16];
    ssize_t n;

    if (fd < 0)
        return -errno;
    n = read(fd, random, sizeof random);
    close(fd);
    if (n != (ssize_t)sizeof random)
        return -EIO;
    twi_warc_id_write(id, random);
    return 0;
}

/* The digests of `spool` end here. */
static int record_write(struct get_archive *archive, struct twi_warc_entry *entry,
                        struct spool *spool)
{
    char block[TWI_WARC_DIGEST_SIZE], payload[TWI_WARC_DIGEST_SIZE];
    int r;

    entry->length = spool->gather.length;
    if (!twi_warc_gather_end(&spool->gather, block, payload))
        return -ENOMEM;
    entry->block_digest = block;
    entry->payload_digest = entry->type == TWI_WARC_WARCINFO ? NULL : payload;
    r = twi_warc_write_begin(archive->writer, entry);
    if (r == 0)
        r = spool_copy(spool, archive->writer);
    if (r == 0)
        r = twi_warc_write_end(archive->writer);
    entry->block_digest = entry->payload_digest = NULL;
    return r;
}

static int capture_records(struct get_archive *archive, struct get_capture *capture,
                           const char *truncated)
{
    char request_id[TWI_WARC_ID_SIZE], response_id[TWI_WARC_ID_SIZE], date[TWI_WARC_DATE_SIZE];
    struct twi_warc_entry entry = { .type = TWI_WARC_REQUEST,
                                    .id = request_id,
                                    .date = date,
                                    .uri = capture->url,
                                    .ip = capture->ip,
                                    .warcinfo_id = archive->info_id,
                                    .concurrent_to = response_id };
    int r = id_make(request_id);

    if (r == 0)
        r = id_make(response_id);
    if (r == 0 && !twi_warc_date_write(date, capture->at))
        r = -ERANGE;
    if (r == 0)
        r = record_write(archive, &entry, &capture->request);
    entry.type = TWI_WARC_RESPONSE;
    entry.id = response_id;
    entry.concurrent_to = request_id;
    entry.truncated = truncated;
    return r == 0 ? record_write(archive, &entry, &capture->response) : r;
}

/* --- the archive ----------------------------------------------------------------------------- */

static int archive_put(const void *data, size_t length, void *arg)
{
    const struct get_archive *archive = arg;

    return cli_write(archive->fd, data, length);
}

static void archive_fail(struct get_archive *archive, int error)
{
    if (archive->error == 0)
        cli_complain("get", "--warc: %s: %s", archive->path, strerror(-error));
    archive->error = error;
}

/* Alone, at the end of the file. Returns where that is; -1 where there is no such place. */
static off_t archive_lock(const struct get_archive *archive)
{
    int r;

    do
        r = flock(archive->fd, LOCK_EX);
    while (r != 0 && errno == EINTR);
    return lseek(archive->fd, 0, SEEK_END);
}

/* With `result` 0, or what was written since is taken back. */
static void archive_unlock(struct get_archive *archive, off_t start, int result)
{
    if (result < 0 && start >= 0 && ftruncate(archive->fd, start) != 0)
        cli_complain("get", "--warc: %s: a record is left unfinished", archive->path);
    if (result < 0)
        archive_fail(archive, result);
    flock(archive->fd, LOCK_UN);
}

static int info_write(struct get_archive *archive)
{
    static const char format[] =
        "format: WARC File Format 1.1\r\nconformsTo: http://iipc.github.io/"
        "warc-specifications/specifications/warc-format/warc-1.1/\r\n";
    const char *slash = strrchr(archive->path, '/');
    char date[TWI_WARC_DATE_SIZE], software[80];
    struct twi_warc_entry entry = { .type = TWI_WARC_WARCINFO,
                                    .id = archive->info_id,
                                    .date = date,
                                    .filename = slash != NULL ? slash + 1 : archive->path };
    struct spool spool;
    int r = id_make(archive->info_id);

    spool_begin(&spool);
    snprintf(software, sizeof software, "software: tweed/%s\r\n", tw_version());
    if (r == 0)
        r = spool_add(&spool, software, strlen(software), true);
    if (r == 0)
        r = spool_add(&spool, format, sizeof format - 1, true);
    if (r == 0 && !twi_warc_date_write(date, time(NULL)))
        r = -ERANGE;
    if (r == 0)
        r = record_write(archive, &entry, &spool);
    spool_free(&spool);
    return r;
}

struct get_archive *get_archive_open(const char *path)
{
    struct get_archive *archive = cli_alloc(sizeof *archive);
    size_t length = strlen(path);
    bool packed = length > 3 && strcmp(path + length - 3, ".gz") == 0;
    off_t start;

    archive->path = path;
    archive->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0666);
    if (archive->fd < 0) {
        archive_fail(archive, -errno);
    } else {
        archive->writer = twi_warc_writer_new(packed, archive_put, archive);
        start = archive_lock(archive);
        archive_unlock(archive, start,
                       archive->writer == NULL ? -ENOMEM : info_write(archive));
    }
    if (archive->error == 0)
        return archive;
    get_archive_close(archive);
    return NULL;
}

int get_archive_close(struct get_archive *archive)
{
    int r;

    if (archive == NULL)
        return 0;
    if (archive->fd >= 0 && close(archive->fd) != 0 && errno != EINTR)
        archive_fail(archive, -errno);
    r = archive->error;
    twi_warc_writer_free(archive->writer);
    free(archive);
    return r;
}

/* --- captures -------------------------------------------------------------------------------- */

static void capture_free(struct get_capture **capture)
{
    struct get_capture *old = *capture;

    *capture = NULL;
    if (old == NULL)
        return;
    spool_free(&old->request);
    spool_free(&old->response);
    free(old->url);
    free(old->ip);
    free(old);
}

static void capture_write(struct get_archive *archive, struct get_capture **capture,
                          const char *truncated)
{
    off_t start;

    if (*capture != NULL && (*capture)->has_head && archive->error == 0) {
        start = archive_lock(archive);
        archive_unlock(archive, start, capture_records(archive, *capture, truncated));
    }
    capture_free(capture);
}

static char *copy_of(const char *text, size_t length)
{
    char *copy = cli_alloc(length + 1);

    memcpy(copy, text, length);
    return copy;
}

/* "127.0.0.1:80" or "[::1]:80" without port and brackets; NULL for "". */
static char *ip_of(const char *address)
{
    const char *colon = strrchr(address, ':');
    size_t length = colon != NULL ? (size_t)(colon - address) : 0;

    if (length > 2 && address[0] == '[')
        return copy_of(address + 1, length - 2);
    return length > 0 ? copy_of(address, length) : NULL;
}

static void capture_add(struct get_archive *archive, struct spool *spool, const void *data,
                        size_t length, bool is_payload)
{
    int r = archive->error == 0 ? spool_add(spool, data, length, is_payload) : 0;

    if (r < 0)
        archive_fail(archive, r);
}

void get_capture_request(struct get_archive *archive, struct get_capture **capture,
                         const struct tw_outgoing *request)
{
    capture_write(archive, capture, "length"); /* the body of a redirect was left */
    *capture = cli_alloc(sizeof **capture);
    spool_begin(&(*capture)->request);
    spool_begin(&(*capture)->response);
    (*capture)->url = copy_of(request->url, strcspn(request->url, "#"));
    (*capture)->ip = ip_of(request->address);
    (*capture)->at = time(NULL);
    capture_add(archive, &(*capture)->request, request->head, request->length, false);
}

void get_capture_head(struct get_archive *archive, struct get_capture *capture,
                      const char *head, size_t length)
{
    if (capture == NULL)
        return;
    capture->has_head = true;
    capture_add(archive, &capture->response, head, length, false);
}

void get_capture_wire(struct get_archive *archive, struct get_capture **capture,
                      enum tw_wire what, const char *data, size_t length)
{
    if (*capture == NULL)
        return;
    if (what == TW_WIRE_WHOLE)
        capture_write(archive, capture, NULL);
    else
        capture_add(archive,
                    what == TW_WIRE_SENT ? &(*capture)->request : &(*capture)->response, data,
                    length, true);
}

void get_capture_end(struct get_archive *archive, struct get_capture **capture,
                     tw_value result)
{
    const char *why = "unspecified";

    if (tw_failure_is(result, &tw_error_timeout))
        why = "time";
    else if (tw_failure_is(result, &tw_error_toolarge))
        why = "length";
    else if (tw_failure_is(result, &tw_error_partial) ||
             tw_failure_is(result, &tw_error_connection))
        why = "disconnect";
    capture_write(archive, capture, why);
}
