/* SPDX-License-Identifier: MIT */
/*
 * warc_read.c - from bytes to records.
 *
 * Two machines, one over the other. The lower one looks for gzip members and unpacks them into a
 * small buffer; bytes outside of members are passed on as they are. The upper one reads records:
 *
 *     GAP --"WARC/"--> HEAD --empty line--> BLOCK --length--> GAP
 *
 * In the gap line ends are skipped, anything else is garbage, in which a record has to begin on
 * a line of its own. A record in a member is closed by the end of the member, since it may be
 * followed by line ends, or by garbage, which belong to its length.
 *
 * A member that was cut off goes on, for its decoder, in the bytes that follow it. So the last
 * bytes of a member are kept, and looked at again when it turns out to be damaged: once for so many
 * bytes of the file, which bounds the time.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/ascii.h"
#include "spider/text/warc_read.h"

enum { HEAD_MAX = 1 << 20, UNPACKED = 16 << 10, EVENTS_MAX = 4, RECENT = 8 << 10 };

static const char record_magic[] = "WARC/";
static const unsigned char member_magic[] = { 0x1f, 0x8b, 8 };

enum upper_state { GAP, HEAD, BLOCK };

struct queued {
    enum twi_warc_event event;
    struct twi_warc_fault fault;
};

struct twi_warc_unpack {
    struct queued events[EVENTS_MAX]; /* to be told before anything else */
    size_t event_count;
    uint64_t offset; /* of the next byte of the file */

    /* the lower machine */
    z_stream zip;
    bool zip_ready, in_member, member_ended, damaged;
    uint64_t member_offset;
    size_t member_matched; /* of a member's magic, in the gap */
    char *out_at, *out_end;
    char out[UNPACKED];
    char recent[RECENT]; /* a ring: the last bytes of the member, its magic not among them */
    size_t recent_end, recent_length;
    char again[RECENT]; /* bytes to be looked at again */
    size_t again_at, again_end;
    uint64_t again_next; /* where that may happen next */

    /* the upper machine */
    enum upper_state state;
    bool in_garbage, on_line;  /* of a gap: garbage was told; a line has just begun */
    size_t record_matched;     /* of a record's magic */
    char *head;
    size_t head_length, head_size;
    bool head_line_empty;      /* so far */
    uint64_t head_offset, block_left;
    bool open;                 /* a record waits to be closed */
    unsigned records;          /* in this member */
    bool told_members;
};

/* --- events ---------------------------------------------------------------------------------- */

static void queue_event(struct twi_warc_unpack *unpack, enum twi_warc_event event)
{
    if (unpack->event_count < EVENTS_MAX)
        unpack->events[unpack->event_count++] = (struct queued){ .event = event };
}

static void queue_fault(struct twi_warc_unpack *unpack, const char *word, const char *text)
{
    queue_event(unpack, TWI_WARC_FAULT);
    unpack->events[unpack->event_count - 1].fault = (struct twi_warc_fault){ word, text,
                                                                             unpack->offset };
}

static enum twi_warc_event event_take(struct twi_warc_reader *reader)
{
    struct twi_warc_unpack *unpack = reader->unpack_;
    struct queued first;

    if (unpack->event_count == 0)
        return TWI_WARC_MORE;
    first = unpack->events[0];
    unpack->event_count--;
    memmove(unpack->events, unpack->events + 1, unpack->event_count * sizeof first);
    if (first.event == TWI_WARC_FAULT)
        reader->fault = first.fault;
    return first.event;
}

/* --- records --------------------------------------------------------------------------------- */

/* The record has its end; `length` in the file. */
static void record_close(struct twi_warc_reader *reader, int64_t length)
{
    struct twi_warc_unpack *unpack = reader->unpack_;

    if (!unpack->open)
        return;
    unpack->open = false;
    reader->record.length = length;
    queue_event(unpack, TWI_WARC_CLOSED);
}

static void gap_begin(struct twi_warc_unpack *unpack)
{
    unpack->state = GAP;
    unpack->in_garbage = false;
    unpack->on_line = true;
    unpack->record_matched = unpack->member_matched = 0;
}

static void block_end(struct twi_warc_reader *reader)
{
    struct twi_warc_unpack *unpack = reader->unpack_;

    reader->record.whole = true;
    gap_begin(unpack);
    if (!unpack->in_member)
        record_close(reader, (int64_t)(unpack->offset - reader->record.offset));
}

static bool length_read(const struct twi_warc_head *head, uint64_t *ret_length)
{
    const char *text = twi_warc_head_field(head, "Content-Length");
    uint64_t length = 0;

    if (text == NULL || *text == '\0')
        return false;
    for (; twi_is_digit(*text); text++) {
        if (length > (INT64_MAX - 9) / 10)
            return false;
        length = length * 10 + (uint64_t)(*text - '0');
    }
    *ret_length = length;
    return *text == '\0';
}

/* The head has come; it becomes the record's. */
static void head_end(struct twi_warc_reader *reader)
{
    struct twi_warc_unpack *unpack = reader->unpack_;
    struct twi_warc_record *record = &reader->record;
    char *text = unpack->head;

    twi_warc_head_free(&record->head);
    unpack->head = NULL;
    unpack->head_size = 0;
    gap_begin(unpack);
    if (!twi_warc_head_read(&record->head, text, unpack->head_length)) {
        unpack->in_garbage = true;
        queue_fault(unpack, "head", "a line that begins with WARC/ and is no head");
        return;
    }
    record->offset = unpack->in_member ? unpack->member_offset : unpack->head_offset;
    record->length = -1;
    record->whole = false;
    record->block_length = 0;
    unpack->open = true;
    unpack->records++;
    queue_event(unpack, TWI_WARC_RECORD);
    if (!length_read(&record->head, &record->block_length))
        queue_fault(unpack, "length", "a record without a Content-Length");
    unpack->block_left = record->block_length;
    unpack->state = BLOCK;
}

/* --- heads ----------------------------------------------------------------------------------- */

static bool warc_head_append(struct twi_warc_unpack *unpack, const char *data, size_t length)
{
    size_t size = unpack->head_size > 0 ? unpack->head_size : 1024;
    char *head;

    while (size < unpack->head_length + length + 1)
        size *= 2;
    if (size > unpack->head_size) {
        head = realloc(unpack->head, size);
        if (head == NULL)
            return false;
        unpack->head = head;
        unpack->head_size = size;
    }
    memcpy(unpack->head + unpack->head_length, data, length);
    unpack->head_length += length;
    unpack->head[unpack->head_length] = '\0';
    return true;
}

/* In a member that has records already, this is one too many. */
static void head_begin(struct twi_warc_reader *reader)
{
    struct twi_warc_unpack *unpack = reader->unpack_;

    record_close(reader, -1);
    if (unpack->in_member && unpack->records > 0 && !unpack->told_members) {
        unpack->told_members = true;
        queue_fault(unpack, "members", "a gzip member that holds several records");
    }
    unpack->state = HEAD;
    unpack->head_length = 0;
    unpack->head_line_empty = false;
    if (!warc_head_append(unpack, record_magic, sizeof record_magic - 1)) {
        gap_begin(unpack);
        queue_fault(unpack, "memory", "out of memory");
    }
}

static void head_give_up(struct twi_warc_unpack *unpack, const char *word, const char *text)
{
    gap_begin(unpack);
    unpack->in_garbage = true;
    queue_fault(unpack, word, text);
}

static bool is_all_cr(const char *text, size_t length)
{
    while (length > 0 && *text == '\r') {
        text++;
        length--;
    }
    return length == 0;
}

/* Collect lines until an empty one. */
static void head_step(struct twi_warc_reader *reader, const char **at, const char *end)
{
    struct twi_warc_unpack *unpack = reader->unpack_;
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    const char *next = newline != NULL ? newline + 1 : end;
    size_t length = (size_t)(next - *at), content = length - (newline != NULL);
    bool empty = unpack->head_line_empty && is_all_cr(*at, content);

    if (unpack->head_length + length > HEAD_MAX) {
        head_give_up(unpack, "head", "a head that is too long");
    } else if (!warc_head_append(unpack, *at, length)) {
        head_give_up(unpack, "memory", "out of memory");
    } else {
        unpack->head_line_empty = newline != NULL || empty;
        *at = next;
        if (newline != NULL && empty)
            head_end(reader);
        return;
    }
    *at = next;
}

/* --- gaps ------------------------------------------------------------------------------------ */

static void garbage_tell(struct twi_warc_unpack *unpack)
{
    if (unpack->in_garbage)
        return;
    unpack->in_garbage = true;
    if (unpack->open)
        queue_fault(unpack, "length", "a Content-Length that is too small");
    else
        queue_fault(unpack, "garbage", "bytes that belong to no record");
}

/* A member's magic, outside of members: it may begin anywhere. */
static bool member_match(struct twi_warc_unpack *unpack, unsigned char c)
{
    if (c == member_magic[unpack->member_matched])
        unpack->member_matched++;
    else
        unpack->member_matched = c == member_magic[0];
    return unpack->member_matched == sizeof member_magic;
}

/* One byte of a gap; true when a record begins behind it. */
static bool gap_byte(struct twi_warc_unpack *unpack, char c)
{
    if ((unpack->on_line || unpack->record_matched > 0) &&
        c == record_magic[unpack->record_matched]) {
        unpack->on_line = false;
        return ++unpack->record_matched == sizeof record_magic - 1;
    }
    if (unpack->record_matched > 0 || (c != '\r' && c != '\n' && unpack->member_matched == 0))
        garbage_tell(unpack);
    unpack->record_matched = 0;
    unpack->on_line = c == '\n' || (unpack->on_line && c == '\r');
    return false;
}

static void member_begin(struct twi_warc_reader *reader);

/* Stops when something is to be told, or a record or a member begins. */
static void gap_step(struct twi_warc_reader *reader, const char **at, const char *end)
{
    struct twi_warc_unpack *unpack = reader->unpack_;

    while (*at < end && unpack->event_count == 0) {
        char c = *(*at)++;
        uint64_t consumed = !unpack->in_member;
        size_t before = unpack->member_matched;

        unpack->offset += consumed;
        if (!unpack->in_member && member_match(unpack, (unsigned char)c)) {
            member_begin(reader);
            return;
        }
        if (before > 0 && unpack->member_matched <= 1 && before >= unpack->member_matched)
            garbage_tell(unpack); /* the beginning of a magic that was none */
        if (gap_byte(unpack, c)) {
            unpack->head_offset = unpack->offset - (sizeof record_magic - 1);
            head_begin(reader);
            return;
        }
    }
}

/* --- the upper machine ----------------------------------------------------------------------- */

static enum twi_warc_event block_step(struct twi_warc_reader *reader, const char **at,
                                      const char *end)
{
    struct twi_warc_unpack *unpack = reader->unpack_;
    size_t length = (size_t)(end - *at);

    if (length > unpack->block_left)
        length = (size_t)unpack->block_left;
    reader->piece = *at;
    reader->piece_length = length;
    *at += length;
    unpack->block_left -= length;
    if (!unpack->in_member)
        unpack->offset += length;
    if (unpack->block_left == 0)
        block_end(reader);
    return length > 0 ? TWI_WARC_BLOCK : TWI_WARC_MORE;
}

/* Consume some of the bytes, at least one if there is any and nothing to be told. */
static enum twi_warc_event upper_step(struct twi_warc_reader *reader, const char **at,
                                      const char *end)
{
    struct twi_warc_unpack *unpack = reader->unpack_;
    const char *from = *at;

    switch (unpack->state) {
    case GAP:
        gap_step(reader, at, end);
        break;
    case HEAD:
        head_step(reader, at, end);
        if (!unpack->in_member)
            unpack->offset += (size_t)(*at - from);
        break;
    case BLOCK:
        return block_step(reader, at, end);
    }
    return TWI_WARC_MORE;
}

/* --- the lower machine ----------------------------------------------------------------------- */

static void recent_add(struct twi_warc_unpack *unpack, const char *data, size_t length)
{
    if (length > RECENT) {
        data += length - RECENT;
        length = RECENT;
    }
    unpack->recent_length = unpack->recent_length + length > RECENT
                                ? RECENT
                                : unpack->recent_length + length;
    while (length > 0) {
        size_t room = RECENT - unpack->recent_end, part = length < room ? length : room;

        memcpy(unpack->recent + unpack->recent_end, data, part);
        unpack->recent_end = (unpack->recent_end + part) % RECENT;
        data += part;
        length -= part;
    }
}

/* Look at the last bytes of a damaged member again, before those that wait for that already. */
static void look_again(struct twi_warc_unpack *unpack)
{
    size_t length = unpack->recent_length, rest = unpack->again_end - unpack->again_at;
    size_t from = (unpack->recent_end + RECENT - length) % RECENT;

    if (unpack->offset < unpack->again_next || length + rest > RECENT)
        return;
    memmove(unpack->again + length, unpack->again + unpack->again_at, rest);
    for (size_t i = 0; i < length; i++)
        unpack->again[i] = unpack->recent[(from + i) % RECENT];
    unpack->again_at = 0;
    unpack->again_end = length + rest;
    unpack->again_next = unpack->offset + RECENT;
    unpack->offset -= length;
}

static void member_leave(struct twi_warc_reader *reader)
{
    struct twi_warc_unpack *unpack = reader->unpack_;
    uint64_t length = unpack->offset - unpack->member_offset;

    if (unpack->damaged)
        queue_fault(unpack, "gzip", "a damaged gzip member");
    else if (unpack->state == HEAD)
        queue_fault(unpack, "truncated", "a gzip member that ends inside a head");
    else if (unpack->state == BLOCK && unpack->block_left > 0)
        queue_fault(unpack, "length", "a block that is shorter than its Content-Length");
    record_close(reader, unpack->records == 1 ? (int64_t)length : -1);
    unpack->in_member = unpack->member_ended = false;
    unpack->out_at = unpack->out_end = unpack->out;
    gap_begin(unpack);
    unpack->in_garbage = unpack->damaged; /* the rest of it is */
    if (unpack->damaged)
        look_again(unpack);
}

/* Its magic has come. */
static void member_begin(struct twi_warc_reader *reader)
{
    struct twi_warc_unpack *unpack = reader->unpack_;
    int r = unpack->zip_ready ? inflateReset(&unpack->zip)
                              : inflateInit2(&unpack->zip, 16 + 15);

    if (r != Z_OK) {
        gap_begin(unpack);
        queue_fault(unpack, "memory", "out of memory");
        return;
    }
    unpack->zip_ready = true;
    gap_begin(unpack);
    unpack->in_member = true;
    unpack->member_ended = unpack->told_members = unpack->damaged = false;
    unpack->records = 0;
    unpack->recent_length = unpack->recent_end = 0;
    unpack->member_offset = unpack->offset - sizeof member_magic;
    unpack->out_at = unpack->out_end = unpack->out;
    unpack->zip.next_in = (unsigned char *)(uintptr_t)member_magic;
    unpack->zip.avail_in = sizeof member_magic;
    unpack->zip.next_out = (unsigned char *)unpack->out;
    unpack->zip.avail_out = 0;
    (void)inflate(&unpack->zip, Z_NO_FLUSH);
}

static void member_unpack(struct twi_warc_unpack *unpack, const char **at, const char *end)
{
    z_stream *zip = &unpack->zip;
    size_t length = (size_t)(end - *at);
    int r;

    zip->next_in = (unsigned char *)(uintptr_t)*at;
    zip->avail_in = length > UINT32_MAX ? UINT32_MAX : (unsigned)length;
    zip->next_out = (unsigned char *)unpack->out;
    zip->avail_out = UNPACKED;
    r = inflate(zip, Z_NO_FLUSH);
    length = (size_t)((const char *)zip->next_in - *at);
    recent_add(unpack, *at, length);
    unpack->offset += length;
    *at += length;
    unpack->out_at = unpack->out;
    unpack->out_end = (char *)zip->next_out;
    unpack->damaged = r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR;
    unpack->member_ended = r == Z_STREAM_END || unpack->damaged;
}

/* The unpacked bytes that wait, then the end of the member, then more. */
static enum twi_warc_event member_step(struct twi_warc_reader *reader, const char **at,
                                       const char *end)
{
    struct twi_warc_unpack *unpack = reader->unpack_;
    const char *out = unpack->out_at;
    enum twi_warc_event event = TWI_WARC_MORE;

    if (unpack->out_at < unpack->out_end ||
        (unpack->state == BLOCK && unpack->block_left == 0)) {
        event = upper_step(reader, &out, unpack->out_end);
        unpack->out_at = unpack->out + (out - unpack->out);
    } else if (unpack->member_ended) {
        member_leave(reader);
    } else {
        member_unpack(unpack, at, end);
    }
    return event;
}

/* --- reading --------------------------------------------------------------------------------- */

struct twi_warc_reader *twi_warc_reader_new(uint64_t offset)
{
    struct twi_warc_reader *reader = calloc(1, sizeof *reader);
    struct twi_warc_unpack *unpack = calloc(1, sizeof *unpack);

    if (reader == NULL || unpack == NULL) {
        free(reader);
        free(unpack);
        return NULL;
    }
    unpack->offset = offset;
    unpack->out_at = unpack->out_end = unpack->out;
    gap_begin(unpack);
    reader->record.head.version = "";
    reader->unpack_ = unpack;
    return reader;
}

void twi_warc_reader_free(struct twi_warc_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->unpack_->zip_ready)
        inflateEnd(&reader->unpack_->zip);
    twi_warc_head_free(&reader->record.head);
    free(reader->unpack_->head);
    free(reader->unpack_);
    free(reader);
}

static enum twi_warc_event reader_step(struct twi_warc_reader *reader, const char **at,
                                       const char *end)
{
    return reader->unpack_->in_member ? member_step(reader, at, end)
                                      : upper_step(reader, at, end);
}

/* A step over bytes that are looked at again. */
static enum twi_warc_event reader_step_again(struct twi_warc_reader *reader)
{
    struct twi_warc_unpack *unpack = reader->unpack_;
    const char *from = unpack->again + unpack->again_at, *at = from;
    enum twi_warc_event event = reader_step(reader, &at, unpack->again + unpack->again_end);

    /* A step that begins this anew consumes nothing. */
    unpack->again_at += (size_t)(at - from);
    return event;
}

/* Something goes on without more bytes. */
static bool reader_waits(const struct twi_warc_unpack *unpack)
{
    return unpack->out_at < unpack->out_end || unpack->member_ended ||
           (unpack->state == BLOCK && unpack->block_left == 0);
}

enum twi_warc_event twi_warc_next(struct twi_warc_reader *reader, const char **at,
                                  const char *end)
{
    struct twi_warc_unpack *unpack = reader->unpack_;
    enum twi_warc_event event;

    for (;;) {
        event = event_take(reader);
        if (event != TWI_WARC_MORE)
            return event;
        if (unpack->again_at < unpack->again_end)
            event = reader_step_again(reader);
        else if (*at < end || reader_waits(unpack))
            event = reader_step(reader, at, end);
        else
            return TWI_WARC_MORE;
        if (event != TWI_WARC_MORE)
            return event;
    }
}

static bool is_cut(const struct twi_warc_unpack *unpack)
{
    return unpack->in_member || unpack->state != GAP || unpack->record_matched > 0 ||
           unpack->member_matched > 0;
}

/* The end of the file in the middle of something. A member may have been cut long before. */
static void file_cut(struct twi_warc_reader *reader)
{
    struct twi_warc_unpack *unpack = reader->unpack_;
    bool in_member = unpack->in_member;

    record_close(reader, (int64_t)(unpack->offset - reader->record.offset));
    queue_fault(unpack, "truncated", "the file ends inside a record");
    unpack->in_member = unpack->member_ended = false;
    gap_begin(unpack);
    unpack->in_garbage = true;
    if (in_member)
        look_again(unpack);
}

enum twi_warc_event twi_warc_end(struct twi_warc_reader *reader)
{
    static const char nothing[1];
    const char *at = nothing;

    for (;;) {
        enum twi_warc_event event = twi_warc_next(reader, &at, nothing);

        if (event != TWI_WARC_MORE || !is_cut(reader->unpack_))
            return event;
        file_cut(reader);
    }
}
