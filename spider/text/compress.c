/* SPDX-License-Identifier: MIT */
/*
 * compress.c - frames by zlib and zstd.
 */
#include "config.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "spider/text/compress.h"

#define GZIP_WINDOW (15 + 16) /* zlib's way to ask for a gzip member */
#define PIECE 65536

static const char no_memory[] = "out of memory", cut_off[] = "the compressed data is cut off",
                  broken[] = "the compressed data is broken";

enum twi_coding twi_coding_of(const char *data, size_t length)
{
    if (length >= 3 && memcmp(data, "\x1f\x8b\x08", 3) == 0)
        return TWI_CODING_GZIP;
    if (length >= 4 && memcmp(data, "\x28\xb5\x2f\xfd", 4) == 0)
        return TWI_CODING_ZSTD;
    return TWI_CODING_NONE;
}

/* --- one frame ----------------------------------------------------------------------------- */

/* zlib counts the bytes of one call in 32 bits. */
static size_t give_piece(z_stream *stream, const char *data, size_t length)
{
    size_t piece = length < UINT_MAX ? length : UINT_MAX;

    stream->next_in = (unsigned char *)(uintptr_t)data;
    stream->avail_in = (unsigned)piece;
    return piece;
}

static const char *gzip_frame(struct twi_arena *arena, const char *data, size_t length,
                              size_t *ret_length)
{
    z_stream stream = { 0 };
    size_t done = 0;
    int r = Z_OK;

    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return NULL;
    size_t room = deflateBound(&stream, length) + 64;
    char *frame = twi_arena_alloc(arena, room);
    while (frame != NULL && r == Z_OK) {
        done += give_piece(&stream, data + done, length - done);
        do {
            size_t left = room - stream.total_out;
            stream.next_out = (unsigned char *)frame + stream.total_out;
            stream.avail_out = left < UINT_MAX ? (unsigned)left : UINT_MAX;
            r = deflate(&stream, done == length ? Z_FINISH : Z_NO_FLUSH);
        } while (r == Z_OK && stream.avail_out == 0);
    }
    *ret_length = stream.total_out;
    deflateEnd(&stream);
    return r == Z_STREAM_END ? frame : NULL;
}

static const char *zstd_frame(struct twi_arena *arena, const char *data, size_t length,
                              size_t *ret_length)
{
    size_t room = ZSTD_compressBound(length), n = 0;
    char *frame = twi_arena_alloc(arena, room);
    ZSTD_CCtx *context = ZSTD_createCCtx();

    if (frame != NULL && context != NULL) {
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
        n = ZSTD_compress2(context, frame, room, data, length);
    }
    ZSTD_freeCCtx(context);
    *ret_length = n;
    return n > 0 && !ZSTD_isError(n) ? frame : NULL;
}

const char *twi_compress(struct twi_arena *arena, enum twi_coding coding, const char *data,
                         size_t length, size_t *ret_length)
{
    switch (coding) {
    case TWI_CODING_GZIP:
        return gzip_frame(arena, data, length, ret_length);
    case TWI_CODING_ZSTD:
        return zstd_frame(arena, data, length, ret_length);
    case TWI_CODING_NONE:
        break;
    }
    *ret_length = length;
    return data;
}

/* --- all frames ---------------------------------------------------------------------------- */

/* Append a piece. False when there is enough, or no memory. */
static bool text_take_piece(struct twi_text *out, const char *piece, size_t length,
                            size_t *left)
{
    size_t taken = length < *left ? length : *left;

    twi_text_add(out, piece, taken);
    *left -= taken;
    return *left > 0 && !out->arena->failed;
}

static const char *gunzip(const char *data, size_t length, size_t most, struct twi_text *out)
{
    z_stream stream = { 0 };
    char piece[PIECE];
    size_t at = 0;
    int r = Z_OK;
    bool goes_on = true;

    if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
        return no_memory;
    while (goes_on && (at < length || r == Z_OK)) {
        size_t given = give_piece(&stream, data + at, length - at);
        stream.next_out = (unsigned char *)piece;
        stream.avail_out = sizeof piece;
        r = inflate(&stream, Z_NO_FLUSH);
        at += given - stream.avail_in;
        goes_on = text_take_piece(out, piece, sizeof piece - stream.avail_out, &most);
        if (r == Z_STREAM_END && at < length)
            r = inflateReset(&stream);
        if (r != Z_OK)
            break;
    }
    inflateEnd(&stream);
    if (r == Z_MEM_ERROR || out->arena->failed)
        return no_memory;
    if (!goes_on || r == Z_STREAM_END)
        return NULL;
    return r == Z_BUF_ERROR ? cut_off : broken;
}

static const char *unzstd(const char *data, size_t length, size_t most, struct twi_text *out)
{
    ZSTD_DStream *stream = ZSTD_createDStream();
    ZSTD_inBuffer in = { data, length, 0 };
    char piece[PIECE];
    size_t r = 1;
    bool goes_on = true, is_full = false;

    if (stream == NULL)
        return no_memory;
    while (goes_on && (in.pos < in.size || is_full)) {
        ZSTD_outBuffer to = { piece, sizeof piece, 0 };
        r = ZSTD_decompressStream(stream, &to, &in);
        if (ZSTD_isError(r))
            break;
        is_full = to.pos == to.size;
        goes_on = text_take_piece(out, piece, to.pos, &most);
    }
    ZSTD_freeDStream(stream);
    if (out->arena->failed)
        return no_memory;
    if (ZSTD_isError(r))
        return broken;
    return !goes_on || r == 0 ? NULL : cut_off;
}

const char *twi_decompress(enum twi_coding coding, const char *data, size_t length,
                           size_t most, struct twi_text *out)
{
    if (most == 0)
        most = (size_t)-1;
    switch (coding) {
    case TWI_CODING_GZIP:
        return gunzip(data, length, most, out);
    case TWI_CODING_ZSTD:
        return unzstd(data, length, most, out);
    case TWI_CODING_NONE:
        break;
    }
    twi_text_add(out, data, length < most ? length : most);
    return out->arena->failed ? no_memory : NULL;
}
