/* SPDX-License-Identifier: MIT */
/*
 * warc_write.c - records as bytes, in gzip a member each.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "spider/text/warc_write.h"

/* --- ids and dates --------------------------------------------------------------------------- */

void twi_warc_id_write(char text[TWI_WARC_ID_SIZE], const unsigned char random[16])
{
    unsigned char uuid[16];
    char hex[33];

    memcpy(uuid, random, sizeof uuid);
    uuid[6] = (unsigned char)((uuid[6] & 0x0f) | 0x40); /* RFC 4122, 4.4 */
    uuid[8] = (unsigned char)((uuid[8] & 0x3f) | 0x80);
    twi_digest_hex(uuid, sizeof uuid, hex);
    snprintf(text, TWI_WARC_ID_SIZE, "<urn:uuid:%.8s-%.4s-%.4s-%.4s-%.12s>", hex, hex + 8,
             hex + 12, hex + 16, hex + 20);
}

/* Days since 1970-03-01 become a date: the months count from March on, so that the day of a leap
 * year is the last. */
static void date_of_days(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
    int64_t era_day = days + 719468, era, day_of_era, year, day_of_year, month;

    era = (era_day >= 0 ? era_day : era_day - 146096) / 146097;
    day_of_era = era_day - era * 146097;
    year = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    month = (5 * day_of_year + 2) / 153;
    *ret_day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    *ret_month = (int)(month < 10 ? month + 3 : month - 9);
    *ret_year = (int)(year + era * 400 + (*ret_month <= 2));
}

bool twi_warc_date_write(char text[TWI_WARC_DATE_SIZE], int64_t seconds)
{
    int64_t days, second;
    int year, month, day;

    if (seconds < INT64_C(-62135596800) || seconds > INT64_C(253402300799))
        return false;
    days = seconds >= 0 ? seconds / 86400 : -((86399 - seconds) / 86400);
    second = seconds - days * 86400;
    date_of_days(days, &year, &month, &day);
    snprintf(text, TWI_WARC_DATE_SIZE, "%04d-%02d-%02dT%02d:%02d:%02dZ", year % 10000,
             month % 100, day % 100, (int)(second / 3600 % 100), (int)(second / 60 % 60),
             (int)(second % 60));
    return true;
}

/* --- gathering ------------------------------------------------------------------------------- */

void twi_warc_gather_begin(struct twi_warc_gather *gather)
{
    gather->length = 0;
    gather->block = twi_digester_new(TWI_DIGEST_SHA1);
    gather->payload = twi_digester_new(TWI_DIGEST_SHA1);
    gather->failed = gather->block == NULL || gather->payload == NULL;
}

void twi_warc_gather_add(struct twi_warc_gather *gather, const void *data, size_t length,
                         bool is_payload)
{
    gather->length += length;
    if (gather->failed || length == 0)
        return;
    gather->failed = !twi_digester_add(gather->block, data, length) ||
                     (is_payload && !twi_digester_add(gather->payload, data, length));
}

static bool digester_write(struct twi_digester *digester, char *text)
{
    unsigned char hash[TWI_DIGEST_MAX];

    if (digester == NULL || twi_digester_end(digester, text != NULL ? hash : NULL) == 0)
        return false;
    twi_warc_digest_write(text, hash);
    return true;
}

bool twi_warc_gather_end(struct twi_warc_gather *gather, char *block, char *payload)
{
    bool wrote_block = digester_write(gather->block, block);
    bool wrote_payload = digester_write(gather->payload, payload);

    gather->block = gather->payload = NULL;
    return !gather->failed && wrote_block && wrote_payload;
}

/* --- output ---------------------------------------------------------------------------------- */

enum { PACKED = 16 << 10 };

struct twi_warc_writer {
    int (*write)(const void *data, size_t length, void *arg);
    void *arg;
    bool gzip, zip_ready;
    z_stream zip;
    uint64_t left; /* of the block */
    char packed[PACKED];
};

struct twi_warc_writer *twi_warc_writer_new(
    bool gzip, int (*write)(const void *data, size_t length, void *arg), void *arg)
{
    struct twi_warc_writer *writer = calloc(1, sizeof *writer);

    if (writer == NULL)
        return NULL;
    writer->gzip = gzip;
    writer->write = write;
    writer->arg = arg;
    return writer;
}

void twi_warc_writer_free(struct twi_warc_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->zip_ready)
        deflateEnd(&writer->zip);
    free(writer);
}

static int writer_pack(struct twi_warc_writer *writer, const void *data, size_t length,
                       int flush)
{
    z_stream *zip = &writer->zip;
    const unsigned char *at = data;
    int r = 0, zr;

    do {
        zip->next_in = (unsigned char *)(uintptr_t)at;
        zip->avail_in = length > UINT32_MAX ? UINT32_MAX : (unsigned)length;
        zip->next_out = (unsigned char *)writer->packed;
        zip->avail_out = PACKED;
        zr = deflate(zip, flush);
        length -= (size_t)(zip->next_in - at);
        at = zip->next_in;
        if (zip->avail_out < PACKED)
            r = writer->write(writer->packed, PACKED - zip->avail_out, writer->arg);
    } while (r == 0 && zr != Z_STREAM_END &&
             (length > 0 || zip->avail_out == 0 || flush == Z_FINISH));
    return r;
}

static int writer_put(struct twi_warc_writer *writer, const void *data, size_t length)
{
    if (length == 0)
        return 0;
    return writer->gzip ? writer_pack(writer, data, length, Z_NO_FLUSH)
                        : writer->write(data, length, writer->arg);
}

/* --- heads ----------------------------------------------------------------------------------- */

struct field {
    const char *name, *value;
};

static const struct {
    const char *name, *content_type;
} types[] = {
    [TWI_WARC_WARCINFO] = { "warcinfo", "application/warc-fields" },
    [TWI_WARC_REQUEST] = { "request", "application/http; msgtype=request" },
    [TWI_WARC_RESPONSE] = { "response", "application/http; msgtype=response" },
    [TWI_WARC_REVISIT] = { "revisit", "application/http; msgtype=response" },
    [TWI_WARC_METADATA] = { "metadata", "application/warc-fields" },
};

static bool value_has_control(const char *value)
{
    for (; *value != '\0'; value++)
        if ((unsigned char)*value < 0x20 || *value == 0x7f)
            return true;
    return false;
}

enum { FIELDS_MAX = 20 };

/* The fields that stand, in the order in which others write them. */
static size_t fields_of(const struct twi_warc_entry *entry, const char *profile,
                        struct field fields[FIELDS_MAX])
{
    const struct field all[] = {
        { "WARC-Type", types[entry->type].name },
        { "WARC-Record-ID", entry->id },
        { "WARC-Date", entry->date },
        { "WARC-Filename", entry->filename },
        { "WARC-Target-URI", entry->uri },
        { "WARC-IP-Address", entry->ip },
        { "WARC-Warcinfo-ID", entry->warcinfo_id },
        { "WARC-Concurrent-To", entry->concurrent_to },
        { "WARC-Profile", profile },
        { "WARC-Refers-To", entry->refers_to },
        { "WARC-Refers-To-Target-URI", entry->refers_to_uri },
        { "WARC-Refers-To-Date", entry->refers_to_date },
        { "WARC-Truncated", entry->truncated },
        { "WARC-Block-Digest", entry->block_digest },
        { "WARC-Payload-Digest", entry->payload_digest },
        { "Content-Type", entry->content_type != NULL ? entry->content_type
                                                      : types[entry->type].content_type },
    };
    size_t count = 0;

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].value != NULL)
            fields[count++] = all[i];
    return count;
}

static char *head_add_text(char *at, const char *text)
{
    size_t length = strlen(text);

    memcpy(at, text, length);
    return at + length;
}

/* The text of a head, from malloc(); NULL without memory. */
static char *head_text(const struct field *fields, size_t count, uint64_t block_length,
                       size_t *ret_length)
{
    size_t size = 100;
    char *text, *at;

    for (size_t i = 0; i < count; i++)
        size += strlen(fields[i].name) + strlen(fields[i].value) + 4;
    at = text = malloc(size);
    if (text == NULL)
        return NULL;
    at = head_add_text(at, "WARC/1.1\r\n");
    for (size_t i = 0; i < count; i++) {
        at = head_add_text(at, fields[i].name);
        at = head_add_text(at, ": ");
        at = head_add_text(at, fields[i].value);
        at = head_add_text(at, "\r\n");
    }
    at += sprintf(at, "Content-Length: %" PRIu64 "\r\n\r\n", block_length);
    *ret_length = (size_t)(at - text);
    return text;
}

static int writer_member_begin(struct twi_warc_writer *writer)
{
    int r;

    if (!writer->gzip)
        return 0;
    r = writer->zip_ready ? deflateReset(&writer->zip)
                          : deflateInit2(&writer->zip, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
                                         16 + 15, 8, Z_DEFAULT_STRATEGY);
    writer->zip_ready |= r == Z_OK;
    return r == Z_OK ? 0 : -ENOMEM;
}

int twi_warc_write_begin(struct twi_warc_writer *writer, const struct twi_warc_entry *entry)
{
    struct field fields[FIELDS_MAX];
    char profile[120], *text;
    size_t count, length;
    int r = 0;

    snprintf(profile, sizeof profile, "http://netpreserve.org/warc/1.1/revisit/%s",
             entry->profile != NULL ? entry->profile : "");
    count = fields_of(entry, entry->profile != NULL ? profile : NULL, fields);
    for (size_t i = 0; i < count; i++)
        if (value_has_control(fields[i].value))
            return -EINVAL;
    text = head_text(fields, count, entry->length, &length);
    if (text == NULL)
        return -ENOMEM;
    writer->left = entry->length;
    r = writer_member_begin(writer);
    if (r == 0)
        r = writer_put(writer, text, length);
    free(text);
    return r;
}

int twi_warc_write_block(struct twi_warc_writer *writer, const void *data, size_t length)
{
    if (length > writer->left)
        return -EOVERFLOW;
    writer->left -= length;
    return writer_put(writer, data, length);
}

int twi_warc_write_end(struct twi_warc_writer *writer)
{
    if (writer->left > 0)
        return -ENODATA;
    return writer->gzip ? writer_pack(writer, "\r\n\r\n", 4, Z_FINISH)
                        : writer_put(writer, "\r\n\r\n", 4);
}
