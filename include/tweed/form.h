/* SPDX-License-Identifier: MIT */
/*
 * form.h - names and their values: the query of a URL, the body of a form, files to upload.
 *
 * For requests there are options that do it all (client.h: params, form, parts); a server reads
 * what comes with tw_form_decode(). application/x-www-form-urlencoded by the WHATWG URL standard,
 * multipart/form-data by RFC 7578.
 *
 *     static const struct tw_field fields[] = { { "q", "wool & silk" }, { "page", "2" }, { 0 } };
 *     tw_value text = tw_form_encode(fields);        // "q=wool+%26+silk&page=2"
 */
#ifndef TWEED_FORM_H
#define TWEED_FORM_H

#include <tweed/value.h>

TW_BEGIN

/* One name and its value, UTF-8. An array ends with a NULL name; a NULL value is "". */
struct tw_field {
    const char *name, *value;
};

/* "name=value&name=value" as bytes; tw_error_memory. NULL is no fields. */
TW_API TW_MUST_USE tw_value tw_form_encode(const struct tw_field *fields);
/* `url` with the fields appended to its query, before a fragment. As bytes; nothing else of the
 * URL is looked at. */
TW_API TW_MUST_USE tw_value tw_form_url(const char *url, const struct tw_field *fields);

/* Decode such a text into the list [name, value, name, value, ...] of bytes, in order of
 * arrival. A name without "=" has the value "". Fails with tw_error_toolarge beyond 1,000
 * fields. */
TW_API TW_MUST_USE tw_value tw_form_decode(const char *text, size_t length);
/* The value of the first field of that name in such a list, lent; none if there is none. */
TW_API tw_value tw_form_get(tw_value form, const char *name);

/* A part of a multipart body: a field, or with a filename a file. An array ends with a NULL
 * name. */
struct tw_part {
    const char *name;
    const void *data;
    size_t length;
    const char *filename;     /* NULL: none */
    const char *content_type; /* NULL: none; with a filename application/octet-stream */
};
/* The body as bytes, and in `content_type` the field that names its random boundary. Fails with
 * tw_error_misuse (a line end in a content type), tw_error_memory. */
enum { TW_MULTIPART_TYPE_SIZE = 72 };
TW_API TW_MUST_USE tw_value tw_multipart_encode(const struct tw_part *parts,
                                                char content_type[TW_MULTIPART_TYPE_SIZE]);

TW_END
#endif
