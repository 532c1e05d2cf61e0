/* SPDX-License-Identifier: MIT */
/*
 * validator.c - strong validators in extended attributes.
 *
 * A validator that cannot be kept is no error: the rest of the page is then asked for without a
 * condition.
 */
#include "config.h"

#include <string.h>
#ifdef HAVE_SYS_XATTR_H
#include <sys/xattr.h>
#endif

#include "web/client/validator.h"
#include "web/http/http_date.h"

#ifdef HAVE_SYS_XATTR_H

static const char attribute[] = "user.tweed.validator";

/* A date is strong when the page cannot have changed again within its second: RFC 9110, 8.8.2.2. */
static bool is_strong_date(const char *modified, const char *date)
{
    int64_t changed, sent;

    return modified != NULL && date != NULL &&
           tw_http_date_parse(modified, strlen(modified), &changed) == 0 &&
           tw_http_date_parse(date, strlen(date), &sent) == 0 && sent > changed;
}

static const char *strong_validator(const tw_headers *headers)
{
    const char *tag = tw_headers_get(headers, "ETag");
    const char *modified = tw_headers_get(headers, "Last-Modified");

    if (tag != NULL && tag[0] == '"')
        return tag;
    return is_strong_date(modified, tw_headers_get(headers, "Date")) ? modified : NULL;
}

bool twi_validator_read(const char *path, char text[TWI_VALIDATOR_SIZE])
{
    ssize_t length = getxattr(path, attribute, text, TWI_VALIDATOR_SIZE - 1);

    if (length <= 0)
        return false;
    text[length] = '\0';
    return true;
}

void twi_validator_keep(int fd, const tw_headers *headers)
{
    const char *text = strong_validator(headers);

    twi_validator_forget(fd);
    if (text != NULL && strlen(text) < TWI_VALIDATOR_SIZE)
        fsetxattr(fd, attribute, text, strlen(text), 0);
}

void twi_validator_forget(int fd)
{
    fremovexattr(fd, attribute);
}

#else

bool twi_validator_read(const char *path, char text[TWI_VALIDATOR_SIZE])
{
    (void)path;
    (void)text;
    return false;
}

void twi_validator_keep(int fd, const tw_headers *headers)
{
    (void)fd;
    (void)headers;
}

void twi_validator_forget(int fd)
{
    (void)fd;
}

#endif
