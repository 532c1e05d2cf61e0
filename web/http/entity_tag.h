/* SPDX-License-Identifier: MIT */
/*
 * entity_tag.h - tags that distinguish the states of a page (RFC 9110, 8.8.3).
 */
#ifndef WEB_HTTP_ENTITY_TAG_H
#define WEB_HTTP_ENTITY_TAG_H

#include "web/http/headers.h"

/* True if the list has the tag. weak: a "W/" in the list makes no difference (8.8.3.2). A tag
 * behind a malformed one does not count. */
bool twi_etag_in(const char *list, const char *etag, bool weak);
/* True if the lines of If-Match or If-None-Match, as one list, have the tag (NULL: the page has
 * none), or are "*", which stands alone (13.1). */
bool twi_headers_have_etag(const tw_headers *headers, enum twi_header id, const char *etag,
                           bool weak);

#endif
