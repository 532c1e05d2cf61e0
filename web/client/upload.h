/* SPDX-License-Identifier: MIT */
/*
 * upload.h - the source of a request's body, asked piece by piece.
 */
#ifndef WEB_CLIENT_UPLOAD_H
#define WEB_CLIENT_UPLOAD_H

#include <tweed/client.h>

#include "web/client/connection.h"

struct tw_upload {
    const struct tw_body_source *source;
    struct twi_exchange *exchange; /* that sends it */
    int64_t left;                  /* -1: not known */
    bool asked;                    /* since the last start */
};

/* Before each sending. */
void twi_upload_begin(struct tw_upload *upload, const struct tw_body_source *source,
                      struct twi_exchange *exchange);
/* The number of bytes, at most `size`, to ask the source for; 0: it has given its length. */
size_t twi_upload_want(struct tw_upload *upload, size_t size);
/* Judge the result `length` of a read that asked for `want`. Returns it, 0 at the end, -EAGAIN,
 * or another negative errno: the source's own, -EOVERFLOW (more than asked for), -ENODATA (it
 * ended early). */
int64_t twi_upload_took(struct tw_upload *upload, size_t want, int64_t length);

#endif
