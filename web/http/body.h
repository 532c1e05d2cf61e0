/* SPDX-License-Identifier: MIT */
/*
 * body.h - the content of a response on its way in: content codings undone, limits kept, bytes
 * collected in one place or handed on in pieces.
 */
#ifndef WEB_HTTP_BODY_H
#define WEB_HTTP_BODY_H

#include <tweed/value.h>

#include "web/http/decode.h"

/* All zero is none. */
struct twi_body {
    struct twi_decoder *decoder; /* NULL: as it is */
    tw_value bytes;              /* collected, `size` long; none before the first */
    char *data;
    size_t length, size;
    int64_t max;    /* bytes after decoding; negative: no limit */
    int64_t passed; /* bytes after decoding so far */
    int64_t expected;
    bool clip; /* drop bytes beyond max instead of failing */
    bool clipped;
    int fault; /* found, and reported after the piece before it */
    struct twi_decode_error error; /* after a negative return */
};

/*
 * Begin. codings: the Content-Encoding, NULL for none; expected: the length before decoding, -1
 * when it is not known. *ret_left as twi_decoder_new().
 * Each function below returns 0 or more, or a negative errno with body->error set.
 */
int twi_body_begin(struct twi_body *body, const char *codings, int64_t max, int64_t expected,
                   bool clip, unsigned *ret_left);
/* Collect. */
int twi_body_add(struct twi_body *body, const char *data, size_t length);
/* The place where the next bytes of the body may be received directly, at most *size of
 * `wanted`; NULL when they may not. Then tell how many came. */
char *twi_body_place(struct twi_body *body, int64_t wanted, size_t *size);
int twi_body_placed(struct twi_body *body, size_t length);
/* Hand on the next piece of the bytes between *at and `end`; `space` is for decoded bytes. 1
 * when there is one, 0 when all is consumed. */
int twi_body_piece(struct twi_body *body, const char **at, const char *end, char *space,
                   size_t size, const char **ret_piece, size_t *ret_length);
/* Nothing more comes. */
int twi_body_end(struct twi_body *body);
/* The collected content, as bytes, or tw_error_memory; empties the body. */
tw_value twi_body_take(struct twi_body *body);
void twi_body_free(struct twi_body *body);

#endif
