/* SPDX-License-Identifier: MIT */
/*
 * scheme_file.h - fetches without a network: file: and data: URLs.
 */
#ifndef SPIDER_CRAWL_SCHEME_FILE_H
#define SPIDER_CRAWL_SCHEME_FILE_H

#include <tweed/headers.h>

/* True for a URL of these schemes. */
bool twi_scheme_is_local(const char *url);
/* Read it: none, with the body and a Content-Type; or the failure. A file is read in one go,
 * at most `max` bytes of it (negative: all). */
tw_value twi_scheme_read(const char *url, int64_t max, tw_value *ret_body,
                         tw_headers *headers);

#endif
