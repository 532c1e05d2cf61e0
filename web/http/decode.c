/* SPDX-License-Identifier: MIT */
/*
 * decode.c - a chain of decoders, each fed from the one before through a small buffer.
 *
 * The outermost coding (the last in the list) reads the caller's input; the innermost writes the
 * caller's output. Between two stages lies a buffer of fixed size, so what a bomb can make us
 * hold is bounded, however much it inflates. A stage is asked for output first and for more
 * input only when it has none left.
 *
 * "deflate" means zlib's format by the standard and the raw one by some servers: the first two
 * bytes tell.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <brotli/decode.h>
#include <zlib.h>
/* For the constructor that takes an allocator. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

#include "base/ascii.h"
#include "base/slab.h"
#include "base/thread_end.h"
#include "web/http/decode.h"

/* Between two stages. */
enum { LINK_SIZE = 16384 };
/* The bytes that one stage may make for the next beyond the limit of the whole. */
enum { LINK_SLACK = 65536 };
/* zstd asks for a window that the frame names; RFC 8878, 3.1.1.1.2 recommends 8 MiB. */
enum { ZSTD_WINDOW_LOG = 23 };
/* inflate streams kept for reuse in each thread: about 40 KiB each. */
enum { POOL_MAX = 4 };

enum coding { GZIP, DEFLATE, BROTLI, ZSTD, IDENTITY, UNKNOWN };

struct stage {
    enum coding coding;
    bool begun, ended; /* a byte has come; the end mark was seen */
    bool over;         /* bytes that follow are ignored */
    unsigned char first[2]; /* of deflate, until both are there and used */
    unsigned char first_at, first_length;
    struct inflater *inflater;
    BrotliDecoderState *brotli;
    ZSTD_DCtx *zstd;
    uint64_t made; /* bytes of output */
    char *link;    /* bytes from the stage before, if there is one */
    size_t link_at, link_length;
};

struct twi_decoder {
    unsigned count; /* stages, the one that reads the input first */
    struct stage stages[TWI_DECODE_CHAIN];
    int64_t max_output; /* negative: any */
    struct twi_decode_error error;
    int failed;
};

/* --- pooled inflate streams -------------------------------------------------------------- */

struct inflater {
    z_stream stream;
    struct inflater *next;
};

static _Thread_local struct inflater *pool;
static _Thread_local unsigned pooled;
static _Thread_local struct twi_thread_end thread_end;

static void inflater_free(struct inflater *inflater)
{
    inflateEnd(&inflater->stream);
    twi_free(inflater);
}

static void inflaters_release(void)
{
    for (; pool != NULL; pooled--) {
        struct inflater *inflater = pool;

        pool = inflater->next;
        inflater_free(inflater);
    }
}

static void *z_allocate(void *ctx, unsigned count, unsigned size)
{
    (void)ctx;
    return twi_calloc(count, size);
}

static void z_release(void *ctx, void *block)
{
    (void)ctx;
    twi_free(block);
}

/* window_bits as inflateInit2() wants them. */
static struct inflater *inflater_take(int window_bits)
{
    struct inflater *inflater = pool;

    if (inflater != NULL) {
        pool = inflater->next;
        pooled--;
        if (inflateReset2(&inflater->stream, window_bits) == Z_OK)
            return inflater;
        inflater_free(inflater);
    }
    inflater = twi_calloc(1, sizeof *inflater);
    if (inflater == NULL)
        return NULL;
    inflater->stream.zalloc = z_allocate;
    inflater->stream.zfree = z_release;
    if (inflateInit2(&inflater->stream, window_bits) != Z_OK) {
        twi_free(inflater);
        return NULL;
    }
    return inflater;
}

static void inflater_give(struct inflater *inflater)
{
    if (pooled == POOL_MAX || twi_slab_direct ||
        !twi_thread_end_call(&thread_end, TWI_THREAD_CACHES, inflaters_release)) {
        inflater_free(inflater);
        return;
    }
    inflater->next = pool;
    pool = inflater;
    pooled++;
}

/* --- one stage --------------------------------------------------------------------------- */

static void *plain_allocate(void *ctx, size_t size)
{
    (void)ctx;
    return twi_malloc(size);
}

static int decoder_fail(struct twi_decoder *decoder, int r, const tw_error_class *error_class,
                        const char *text)
{
    decoder->error.error_class = error_class;
    decoder->error.text = text;
    decoder->failed = r;
    return r;
}

static int damaged(struct twi_decoder *decoder, const char *text)
{
    return decoder_fail(decoder, -EINVAL, &tw_error_encoding, text);
}

static int decoder_no_memory(struct twi_decoder *decoder)
{
    return decoder_fail(decoder, -ENOMEM, &tw_error_memory, "out of memory");
}

static int too_large(struct twi_decoder *decoder)
{
    return decoder_fail(decoder, -E2BIG, &tw_error_toolarge, "decoded body is too large");
}

/* The input and output of a step; both move. */
struct span {
    const char *in, *in_end;
    char *out, *out_end;
};

static unsigned zlib_at_most(ptrdiff_t length)
{
    return length > INT32_MAX ? INT32_MAX : (unsigned)length;
}

static int inflate_span(struct twi_decoder *decoder, struct stage *stage, struct span *span)
{
    z_stream *stream = &stage->inflater->stream;
    int r;

    stream->next_in = (unsigned char *)(uintptr_t)span->in;
    stream->avail_in = zlib_at_most(span->in_end - span->in);
    stream->next_out = (unsigned char *)span->out;
    stream->avail_out = zlib_at_most(span->out_end - span->out);
    r = inflate(stream, Z_NO_FLUSH);
    span->in = (const char *)stream->next_in;
    span->out = (char *)stream->next_out;
    if (r == Z_STREAM_END)
        stage->ended = true;
    else if (r == Z_MEM_ERROR)
        return decoder_no_memory(decoder);
    else if (r != Z_OK && r != Z_BUF_ERROR)
        return damaged(decoder, stage->coding == GZIP ? "damaged gzip" : "damaged deflate");
    return 0;
}

/* After a member of gzip there may come another (RFC 1952, 2.2). */
static int step_gzip(struct twi_decoder *decoder, struct stage *stage, struct span *span)
{
    if (stage->inflater == NULL)
        stage->inflater = inflater_take(16 + 15);
    if (stage->inflater == NULL)
        return decoder_no_memory(decoder);
    if (stage->ended) {
        inflateReset(&stage->inflater->stream);
        stage->ended = false;
    }
    return inflate_span(decoder, stage, span);
}

/* RFC 1950, 2.2 */
static bool is_zlib(const unsigned char first[2])
{
    return (first[0] & 0x0f) == 8 && first[0] >> 4 <= 7 &&
           (first[0] << 8 | first[1]) % 31 == 0;
}

static int step_deflate(struct twi_decoder *decoder, struct stage *stage, struct span *span)
{
    struct span first = { .out = span->out, .out_end = span->out_end };
    int r;

    while (stage->first_length < 2 && span->in < span->in_end)
        stage->first[stage->first_length++] = (unsigned char)*span->in++;
    if (stage->first_length < 2)
        return 0;
    if (stage->inflater == NULL)
        stage->inflater = inflater_take(is_zlib(stage->first) ? 15 : -15);
    if (stage->inflater == NULL)
        return decoder_no_memory(decoder);
    if (stage->first_at == 2)
        return inflate_span(decoder, stage, span);
    first.in = (const char *)stage->first + stage->first_at;
    first.in_end = (const char *)stage->first + 2;
    r = inflate_span(decoder, stage, &first);
    stage->first_at = (unsigned char)(first.in - (const char *)stage->first);
    span->out = first.out;
    if (r == 0 && stage->ended && stage->first_at < 2)
        stage->over = true;
    return r;
}

static int step_brotli(struct twi_decoder *decoder, struct stage *stage, struct span *span)
{
    size_t in = (size_t)(span->in_end - span->in), out = (size_t)(span->out_end - span->out);
    const uint8_t *next_in = (const uint8_t *)span->in;
    uint8_t *next_out = (uint8_t *)span->out;
    BrotliDecoderResult result;

    if (stage->brotli == NULL)
        stage->brotli = BrotliDecoderCreateInstance(plain_allocate, z_release, NULL);
    if (stage->brotli == NULL)
        return decoder_no_memory(decoder);
    result = BrotliDecoderDecompressStream(stage->brotli, &in, &next_in, &out, &next_out,
                                           NULL);
    span->in = (const char *)next_in;
    span->out = (char *)next_out;
    if (result == BROTLI_DECODER_RESULT_SUCCESS)
        stage->ended = true;
    if (result == BROTLI_DECODER_RESULT_ERROR)
        return BrotliDecoderGetErrorCode(stage->brotli) <=
                           BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
                       BrotliDecoderGetErrorCode(stage->brotli) >=
                           BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES
                   ? decoder_no_memory(decoder)
                   : damaged(decoder, "damaged br");
    return 0;
}

static int make_zstd(struct stage *stage)
{
    ZSTD_customMem memory = { plain_allocate, z_release, NULL };

    stage->zstd = ZSTD_createDCtx_advanced(memory);
    if (stage->zstd == NULL)
        return -ENOMEM;
    ZSTD_DCtx_setParameter(stage->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
    return 0;
}

/* Frames may follow each other (RFC 8878, 3). */
static int step_zstd(struct twi_decoder *decoder, struct stage *stage, struct span *span)
{
    ZSTD_inBuffer in = { span->in, (size_t)(span->in_end - span->in), 0 };
    ZSTD_outBuffer out = { span->out, (size_t)(span->out_end - span->out), 0 };
    size_t r;

    if (stage->zstd == NULL && make_zstd(stage) < 0)
        return decoder_no_memory(decoder);
    r = ZSTD_decompressStream(stage->zstd, &out, &in);
    span->in += in.pos;
    span->out += out.pos;
    stage->ended = r == 0;
    if (ZSTD_isError(r))
        return ZSTD_getErrorCode(r) == ZSTD_error_memory_allocation
                   ? decoder_no_memory(decoder)
                   : damaged(decoder,
                             ZSTD_getErrorCode(r) == ZSTD_error_frameParameter_windowTooLarge
                                 ? "zstd window is too large"
                                 : "damaged zstd");
    return 0;
}

/* True if the bytes behind the end begin another member; otherwise they are padding, which
 * browsers, curl and gzip(1) drop. Each member says for itself whether it is whole. */
static bool may_go_on(const struct stage *stage, const char *next)
{
    unsigned char first = (unsigned char)*next;

    if (stage->coding == GZIP)
        return first == 0x1f;
    return stage->coding == ZSTD && (first == 0x28 || first >> 4 == 5); /* RFC 8878, 3.1 */
}

static int stage_step(struct twi_decoder *decoder, struct stage *stage, struct span *span)
{
    if (span->in < span->in_end)
        stage->begun = true;
    if (stage->ended && span->in < span->in_end)
        stage->over = stage->over || !may_go_on(stage, span->in);
    if (stage->over)
        span->in = span->in_end;
    if (stage->ended && span->in == span->in_end)
        return 0;
    switch (stage->coding) {
    case GZIP:
        return step_gzip(decoder, stage, span);
    case DEFLATE:
        return step_deflate(decoder, stage, span);
    case BROTLI:
        return step_brotli(decoder, stage, span);
    default:
        return step_zstd(decoder, stage, span);
    }
}

/* --- the chain --------------------------------------------------------------------------- */

static int decoder_produce(struct twi_decoder *decoder, unsigned index, const char **at,
                           const char *end, char *out, size_t size, size_t *ret_produced);

/* More input for a stage from the one before it: 1, 0 (there is none now), negative errno. */
static int refill(struct twi_decoder *decoder, unsigned index, const char **at,
                  const char *end)
{
    struct stage *stage = &decoder->stages[index];
    struct stage *before = &decoder->stages[index - 1];
    int r;

    stage->link_at = 0;
    r = decoder_produce(decoder, index - 1, at, end, stage->link, LINK_SIZE,
                        &stage->link_length);
    if (r < 0)
        return r;
    if (decoder->max_output >= 0 && before->made > (uint64_t)decoder->max_output + LINK_SLACK)
        return too_large(decoder);
    return stage->link_length > 0;
}

/* Output of one stage: 1 (`out` is full), 0 (all input is used), negative errno. */
static int decoder_produce(struct twi_decoder *decoder, unsigned index, const char **at,
                           const char *end, char *out, size_t size, size_t *ret_produced)
{
    struct stage *stage = &decoder->stages[index];
    struct span span = { .out = out, .out_end = out + size };
    int r = 0;

    for (;;) {
        const char *in = index == 0 ? *at : stage->link + stage->link_at;
        char *before = span.out;

        span.in = in;
        span.in_end = index == 0 ? end : stage->link + stage->link_length;
        r = stage_step(decoder, stage, &span);
        if (index == 0)
            *at = span.in;
        else
            stage->link_at = (size_t)(span.in - stage->link);
        stage->made += (uint64_t)(span.out - before);
        *ret_produced = (size_t)(span.out - out);
        if (r < 0 || span.out == span.out_end)
            return r < 0 ? r : 1;
        if (span.in == span.in_end) {
            r = index == 0 ? 0 : refill(decoder, index, at, end);
            if (r <= 0)
                return r;
        } else if (span.in == in && span.out == before) {
            return damaged(decoder, "damaged content coding");
        }
    }
}

static enum coding coding_of(const char *name, size_t length)
{
    static const struct {
        const char *name;
        enum coding coding;
    } known[] = {
        { "gzip", GZIP },     { "br", BROTLI },     { "deflate", DEFLATE },
        { "zstd", ZSTD },     { "x-gzip", GZIP },   { "identity", IDENTITY },
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (twi_same_nocase(name, length, known[i].name, strlen(known[i].name)))
            return known[i].coding;
    return UNKNOWN;
}

/* Read the codings of the list in order, leaving out identity and empty items; returns how
 * many, at most one more than fit. */
static unsigned read_list(const char *list, enum coding codings[TWI_DECODE_CHAIN + 1])
{
    unsigned count = 0;

    while (*list != '\0' && count <= TWI_DECODE_CHAIN) {
        size_t length = strcspn(list, ", \t");
        enum coding coding = coding_of(list, length);

        if (length > 0 && coding != IDENTITY)
            codings[count++] = coding;
        list += length;
        list += strspn(list, ", \t");
    }
    return count;
}

int twi_decoder_new(const char *codings, int64_t max_output, struct twi_decoder **ret_decoder,
                    unsigned *ret_left)
{
    enum coding list[TWI_DECODE_CHAIN + 1];
    struct twi_decoder *decoder;
    unsigned count = read_list(codings, list), left = count;

    if (count > TWI_DECODE_CHAIN)
        return -EINVAL;
    while (left > 0 && list[left - 1] != UNKNOWN)
        left--;
    *ret_left = left;
    *ret_decoder = NULL;
    if (left == count)
        return 0;
    decoder = twi_calloc(1, sizeof *decoder);
    if (decoder == NULL)
        return -ENOMEM;
    decoder->max_output = max_output;
    while (count > left) {
        struct stage *stage = &decoder->stages[decoder->count];

        stage->coding = list[--count];
        if (decoder->count++ == 0)
            continue;
        stage->link = twi_malloc(LINK_SIZE);
        if (stage->link == NULL) {
            twi_decoder_free(decoder);
            return -ENOMEM;
        }
    }
    *ret_decoder = decoder;
    return 0;
}

int twi_decoder_run(struct twi_decoder *decoder, const char **at, const char *end, char *out,
                    size_t size, size_t *ret_produced)
{
    const struct stage *last = &decoder->stages[decoder->count - 1];
    uint64_t left;
    int r;

    *ret_produced = 0;
    if (decoder->failed < 0)
        return decoder->failed;
    if (decoder->max_output < 0)
        return decoder_produce(decoder, decoder->count - 1, at, end, out, size, ret_produced);
    /* One byte more than allowed tells whether the limit is crossed. */
    left = (uint64_t)decoder->max_output - last->made;
    if (size > left + 1)
        size = (size_t)left + 1;
    r = decoder_produce(decoder, decoder->count - 1, at, end, out, size, ret_produced);
    if (*ret_produced > left) {
        *ret_produced = (size_t)left;
        return too_large(decoder);
    }
    return r;
}

int twi_decoder_end(struct twi_decoder *decoder)
{
    if (decoder->failed < 0)
        return decoder->failed;
    for (unsigned i = 0; i < decoder->count; i++) {
        const struct stage *stage = &decoder->stages[i];

        if ((stage->begun && !stage->ended) || stage->link_at < stage->link_length)
            return damaged(decoder, "encoded body is cut short");
    }
    return 0;
}

struct twi_decode_error twi_decoder_error(const struct twi_decoder *decoder)
{
    return decoder->error;
}

void twi_decoder_free(struct twi_decoder *decoder)
{
    if (decoder == NULL)
        return;
    for (unsigned i = 0; i < decoder->count; i++) {
        struct stage *stage = &decoder->stages[i];

        if (stage->inflater != NULL)
            inflater_give(stage->inflater);
        if (stage->brotli != NULL)
            BrotliDecoderDestroyInstance(stage->brotli);
        ZSTD_freeDCtx(stage->zstd);
        twi_free(stage->link);
    }
    twi_free(decoder);
}
