/* SPDX-License-Identifier: MIT */
/*
 * reply.h - commands as bytes and replies as values: what hiredis does for us.
 */
#ifndef SPIDER_REDIS_REPLY_H
#define SPIDER_REDIS_REPLY_H

#include <tweed/failure.h>

/* The bytes of a command; a failure when there is no memory. */
tw_value twi_redis_format(size_t count, const char *const *words, const size_t *lengths);

struct twi_redis_reader;
/* `max` bytes for one reply; 0: any number. NULL when there is no memory. */
struct twi_redis_reader *twi_redis_reader_new(uint64_t max);
void twi_redis_reader_free(struct twi_redis_reader *reader);
/* Add bytes. 0, or a negative errno: the next twi_redis_reader_next() says why. */
int twi_redis_reader_feed(struct twi_redis_reader *reader, const char *data, size_t length);
/* 1 with the next reply in *ret_reply (owned); 0: more bytes are needed; -1 with a failure in its
 * place: the connection is of no more use. */
int twi_redis_reader_next(struct twi_redis_reader *reader, tw_value *ret_reply);

#endif
