/* SPDX-License-Identifier: MIT */
/*
 * files.h - shared by the parts of serving a directory.
 */
#ifndef WEB_SERVER_FILES_H
#define WEB_SERVER_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include <tweed/server.h>

#include "base/buf.h"

/* A file that is to be sent. */
struct twi_served {
    int fd;
    const char *name; /* its ending gives the type */
    int64_t size;
    int64_t modified; /* seconds */
    char etag[48];
};

/* Evaluate the request's conditions (RFC 9110, 13.2.2): 0 to go on, or the status to answer
 * with. `served` NULL: a page that has neither tag nor date. */
int twi_conditions_check(const tw_request *request, const struct twi_served *served);
/* Answer with the file, or as much of it as is asked for. Closes the descriptor. 0 or negative
 * errno: then nothing has been sent, or the head has. */
int twi_served_send(tw_request *request, const struct twi_served *served);

struct twi_listing {
    int root;         /* the directory that is served */
    const char *path; /* below it, "" or with a slash behind */
    const char *title;
    bool hidden; /* names that begin with a dot, too */
};
/* A page that lists a directory (`fd` is closed). 0 or negative errno. */
int twi_listing_write(const struct twi_listing *listing, int fd, struct twi_buf *page);

#endif
