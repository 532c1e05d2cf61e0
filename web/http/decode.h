/* SPDX-License-Identifier: MIT */
/*
 * decode.h - content codings undone while they stream: gzip, deflate, br, zstd, up to three deep.
 *
 * Pure: bytes in, bytes out into the caller's space, so that output is bounded by it. zlib's
 * streams are pooled. Every fault is tw_error_encoding, too much output tw_error_toolarge.
 */
#ifndef WEB_HTTP_DECODE_H
#define WEB_HTTP_DECODE_H

#include <tweed/failure.h>

/* For Accept-Encoding. */
#define TWI_DECODE_ACCEPT "gzip, deflate, br, zstd"

enum { TWI_DECODE_CHAIN = 3 };

struct twi_decoder;

struct twi_decode_error {
    const tw_error_class *error_class;
    const char *text; /* static */
};

/*
 * A decoder for a Content-Encoding field's value (the list of all its lines).
 *   max_output   bytes; negative: none
 *   *ret_left    the number of codings at the front of the list that stay undone: nothing before
 *                an unknown one can be undone (the client leaves them in the header)
 *
 * Returns 0; *ret_decoder is NULL when there is nothing to undo. -EINVAL: more than
 * TWI_DECODE_CHAIN codings (tw_error_encoding); -ENOMEM.
 */
int twi_decoder_new(const char *codings, int64_t max_output, struct twi_decoder **ret_decoder,
                    unsigned *ret_left);

/*
 * Decode from *at into `out`; *at moves past the bytes consumed, *ret_produced is the number of
 * bytes written. Returns 0 when all input is consumed and no output waits, 1 when `out` is full
 * (call again with more room), or -EINVAL, -E2BIG, -ENOMEM, see twi_decoder_error(); output
 * that came before the fault is in *ret_produced.
 */
int twi_decoder_run(struct twi_decoder *decoder, const char **at, const char *end, char *out,
                    size_t size, size_t *ret_produced);
/* The input has ended: 0, or -EINVAL when it was cut short. An empty body is complete. */
int twi_decoder_end(struct twi_decoder *decoder);
struct twi_decode_error twi_decoder_error(const struct twi_decoder *decoder);
void twi_decoder_free(struct twi_decoder *decoder); /* NULL is fine */

#endif
