/* SPDX-License-Identifier: MIT */
/*
 * upload.c - the source of a request's body.
 */
#include "config.h"

#include <errno.h>

#include "web/client/upload.h"

void twi_upload_begin(struct tw_upload *upload, const struct tw_body_source *source,
                      struct twi_exchange *exchange)
{
    upload->source = source;
    upload->exchange = exchange;
    upload->left = source->length < 0 ? -1 : source->length;
    upload->asked = false;
}

size_t twi_upload_want(struct tw_upload *upload, size_t size)
{
    upload->asked = true;
    return upload->left >= 0 && (uint64_t)upload->left < size ? (size_t)upload->left : size;
}

int64_t twi_upload_took(struct tw_upload *upload, size_t want, int64_t length)
{
    if (length > (int64_t)want)
        return -EOVERFLOW;
    if (length == 0 && upload->left > 0)
        return -ENODATA;
    if (length > 0 && upload->left > 0)
        upload->left -= length;
    return length;
}

void tw_upload_ready(tw_upload *upload)
{
    struct twi_exchange *exchange = upload->exchange;

    if (exchange != NULL && exchange->connection != NULL)
        exchange->connection->ops->send_more(exchange);
}
