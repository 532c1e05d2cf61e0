/* SPDX-License-Identifier: MIT */
/*
 * reply.c - see reply.h. The only file that sees hiredis.
 *
 * hiredis's reader calls us for each part of a reply. An array becomes a list, to which its items
 * are appended as they come, so a length that lies costs nothing. A list's address is what hiredis
 * keeps of it; of everything else it keeps that it is there.
 */
#include "config.h"

#include "spider/redis/reply.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/redis.h>

const tw_error_class tw_error_redis = { "tw_error_redis", &tw_error, "redis" };

struct twi_redis_reader {
    redisReader *parser;
    tw_value root; /* of the reply that is being read */
    uint64_t max, fed; /* bytes since the last whole reply */
};

tw_value twi_redis_format(size_t count, const char *const *words, const size_t *lengths)
{
    sds text = NULL;
    long long length = count <= INT32_MAX
                           ? redisFormatSdsCommandArgv(&text, (int)count, (const char **)words,
                                                       lengths)
                           : -1;
    tw_value bytes = length >= 0 ? tw_bytes(text, (size_t)length) : tw_fail_memory();

    redisFreeSdsCommand(text);
    return bytes;
}

/* --- parts of a reply ----------------------------------------------------------------------- */

static char something; /* what hiredis keeps of a part that is no list */

/* Takes `value`; NULL: hiredis ends with REDIS_ERR_OOM. */
static void *part_add(const redisReadTask *task, tw_value value)
{
    struct twi_redis_reader *reader = task->privdata;
    bool is_list = tw_is(value, &tw_type_list);
    void *kept = is_list ? value.as.pointer : &something;

    if (tw_is_failure(value) && tw_failure_is(value, &tw_error_memory)) {
        tw_release(value);
        return NULL;
    }
    if (task->parent == NULL)
        reader->root = value;
    else if (tw_list_append(tw_lend(tw_value_of(&tw_type_list, task->parent->obj)), value) < 0)
        return NULL;
    return kept;
}

static void *part_string(const redisReadTask *task, char *text, size_t length)
{
    if (task->type == REDIS_REPLY_ERROR)
        return part_add(task, tw_fail(&tw_error_redis, "%.*s",
                                      (int)(length < 4096 ? length : 4096), text));
    return part_add(task, tw_bytes(text, length));
}

static void *part_array(const redisReadTask *task, int count)
{
    return part_add(task, tw_list(count < 16 ? (size_t)count : 16));
}

static void *part_integer(const redisReadTask *task, long long integer)
{
    return part_add(task, tw_integer(integer));
}

static void *part_nil(const redisReadTask *task)
{
    return part_add(task, tw_none());
}

/* The root is ours to release. */
static void part_free(void *part)
{
    (void)part;
}

static redisReplyObjectFunctions functions = { part_string, part_array, part_integer, part_nil,
                                               part_free };

/* --- the reader ----------------------------------------------------------------------------- */

struct twi_redis_reader *twi_redis_reader_new(uint64_t max)
{
    struct twi_redis_reader *reader = calloc(1, sizeof *reader);

    if (reader == NULL)
        return NULL;
    reader->max = max;
    reader->parser = redisReaderCreateWithFunctions(&functions);
    if (reader->parser == NULL) {
        free(reader);
        return NULL;
    }
    reader->parser->privdata = reader;
    return reader;
}

void twi_redis_reader_free(struct twi_redis_reader *reader)
{
    if (reader == NULL)
        return;
    redisReaderFree(reader->parser);
    tw_release(reader->root);
    free(reader);
}

int twi_redis_reader_feed(struct twi_redis_reader *reader, const char *data, size_t length)
{
    reader->fed += length;
    return redisReaderFeed(reader->parser, data, length) == REDIS_OK ? 0 : -ENOMEM;
}

static tw_value reader_failure(struct twi_redis_reader *reader)
{
    if (reader->parser->err == REDIS_ERR_OOM)
        return tw_fail_memory();
    return tw_fail(&tw_error_protocol, "%s", reader->parser->errstr);
}

int twi_redis_reader_next(struct twi_redis_reader *reader, tw_value *ret_reply)
{
    void *there = NULL;
    uint64_t left;

    if (redisReaderGetReply(reader->parser, &there) != REDIS_OK) {
        *ret_reply = reader_failure(reader);
        return -1;
    }
    left = there == NULL ? 0 : reader->parser->len - reader->parser->pos;
    if (reader->max > 0 && reader->fed - left > reader->max) {
        *ret_reply = tw_fail(&tw_error_toolarge, "a reply of over %llu bytes",
                             (unsigned long long)reader->max);
        return -1;
    }
    if (there == NULL)
        return 0;
    reader->fed = left;
    *ret_reply = reader->root;
    reader->root = tw_none();
    return 1;
}
