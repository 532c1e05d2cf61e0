/* SPDX-License-Identifier: MIT */
/*
 * head.h - the head of a stored response: its fields, its times, and the fields of the request
 * that it depends on (RFC 9111, 3 and 4.1). Pure.
 *
 * Of the request's fields only digests are kept, so that no credentials get into a folder. A
 * response depends on Authorization and Host too, whatever its Vary says: an agent may send other
 * credentials with each request. A coded one depends on Accept-Encoding, which servers forget to
 * say.
 */
#ifndef WEB_CACHE_HEAD_H
#define WEB_CACHE_HEAD_H

#include "base/buf.h"
#include "web/http/headers.h"

enum { TWI_CACHE_DIGEST = 16 };

/* A field of the request. */
struct twi_cache_vary {
    char *name;
    unsigned char digest[TWI_CACHE_DIGEST]; /* all zero: there was none */
};

/* All zero is none. */
struct twi_cache_head {
    char *url; /* without fragment and credentials */
    int status;
    unsigned minor; /* of HTTP/1.minor */
    char *reason;
    tw_headers *headers;
    struct twi_cache_vary *vary;
    size_t vary_count;
    int64_t requested_at, received_at; /* ms since 1970 */
    uint64_t generation;               /* of the first response for its URL; see folder.c */
};

/* The answer as it came; lent. */
struct twi_cache_answer {
    const char *url;
    int status;
    unsigned minor;
    const char *reason;
    const tw_headers *headers; /* of the answer */
    const tw_headers *sent;    /* of the request */
    int64_t requested_at, received_at;
};

/* Copy what is to be kept into zeroed memory. 0, -ENOMEM, or -E2BIG: it depends on too many fields.
 * Free it either way. */
int twi_cache_head_make(struct twi_cache_head *head, const struct twi_cache_answer *answer);
int twi_cache_head_copy(struct twi_cache_head *head, const struct twi_cache_head *from);
void twi_cache_head_free(struct twi_cache_head *head);
/* True if the response may answer a request with these fields. */
bool twi_cache_head_matches(const struct twi_cache_head *head, const tw_headers *sent);
/* True if both depend on the same fields, whatever these say. */
bool twi_cache_head_varies_alike(const struct twi_cache_head *a,
                                 const struct twi_cache_head *b);
/* ... and these say the same. */
bool twi_cache_head_same_variant(const struct twi_cache_head *a,
                                 const struct twi_cache_head *b);
/* The digests of a request's fields, of those that `head` depends on. */
void twi_cache_head_digests(const struct twi_cache_head *head, const tw_headers *sent,
                            unsigned char (*digests)[TWI_CACHE_DIGEST]);
/* Take over the fields of a newer answer without content, a 304 or one to HEAD (RFC 9111, 3.2).
 * As make(); after an error it is as it was. */
int twi_cache_head_update(struct twi_cache_head *head, const struct twi_cache_answer *answer);
/* About the memory that it takes. */
size_t twi_cache_head_size(const struct twi_cache_head *head);

/* As bytes. 0 or -ENOMEM. */
int twi_cache_head_encode(const struct twi_cache_head *head, struct twi_buf *ret_bytes);
/* Back, into zeroed memory; bytes that are no head are -EINVAL. Free it either way. */
int twi_cache_head_decode(struct twi_cache_head *head, const char *data, size_t length);

#endif
