/* SPDX-License-Identifier: MIT */
/*
 * validator.h - the version of the page that an unfinished file is a part of.
 *
 * Kept with the file, in an extended attribute, so that another run can ask for the rest of that
 * version and nothing else (If-Range; RFC 9110, 13.1.5). File systems without such attributes keep
 * none.
 */
#ifndef WEB_CLIENT_VALIDATOR_H
#define WEB_CLIENT_VALIDATOR_H

#include <tweed/headers.h>

enum { TWI_VALIDATOR_SIZE = 256 };

/* The validator kept with the file, as text for If-Range; false if there is none. */
bool twi_validator_read(const char *path, char text[TWI_VALIDATOR_SIZE]);
/* Note the strong validator of an answer, if it has one, and forget any before. */
void twi_validator_keep(int fd, const tw_headers *headers);
/* The file is whole. */
void twi_validator_forget(int fd);

#endif
