/* SPDX-License-Identifier: MIT */
/*
 * get_warc.h - the archive of `tweed get --warc`: each request and its answer as they went over the
 * wire.
 */
#ifndef CLI_GET_WARC_H
#define CLI_GET_WARC_H

#include <tweed/client.h>

struct get_archive;
/* Open it for appending, and begin with a warcinfo. NULL after complaining. */
struct get_archive *get_archive_open(const char *path);
/* 0, or the negative errno that was complained of; nothing was captured from then on. */
int get_archive_close(struct get_archive *archive);

/* An exchange that is being captured. */
struct get_capture;
/* A request goes out; the one before, if there is one, is over. */
void get_capture_request(struct get_archive *archive, struct get_capture **capture,
                         const struct tw_outgoing *request);
void get_capture_head(struct get_archive *archive, struct get_capture *capture,
                      const char *head, size_t length);
/* Writes the records at the end of the answer. */
void get_capture_wire(struct get_archive *archive, struct get_capture **capture,
                      enum tw_wire what, const char *data, size_t length);
/* No more comes: an answer that has begun is written as truncated. `result` is the request's. */
void get_capture_end(struct get_archive *archive, struct get_capture **capture,
                     tw_value result);

#endif
