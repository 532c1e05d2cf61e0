/* SPDX-License-Identifier: MIT */
/*
 * script.c - Lua scripts by their hash.
 *
 * A command is its first words, which name the script, and the rest, which is the same for EVALSHA
 * and EVAL.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spider/redis/redis.h"
#include "spider/redis/reply.h"
#include "spider/text/digest.h"

static bool script_hash(struct tw_redis_script *script)
{
    unsigned char hash[TWI_DIGEST_MAX];
    size_t length;

    if (script->sha1[0] != '\0')
        return true;
    length = twi_digest(TWI_DIGEST_SHA1, script->lua, strlen(script->lua), hash);
    twi_digest_hex(hash, length, script->sha1);
    return length > 0;
}

tw_value twi_redis_script_head(const struct tw_redis_script *script, size_t words, bool whole)
{
    const char *name = whole ? "EVAL" : "EVALSHA", *text = whole ? script->lua : script->sha1;

    return tw_bytes_format("*%zu\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n", words + 2, strlen(name),
                           name, strlen(text), text);
}

/* The words of a command without the line that counts them. */
static tw_value rest_format(size_t count, const char *const *words, const size_t *lengths)
{
    tw_value whole = twi_redis_format(count, words, lengths), rest;
    const char *data = tw_bytes_data(whole), *line = strchr(data, '\n');

    if (tw_is_failure(whole))
        return whole;
    rest = tw_bytes(line + 1, tw_bytes_length(whole) - (size_t)(line + 1 - data));
    tw_release(whole);
    return rest;
}

static tw_value script_rest(size_t key_count, size_t count, const char *const *words,
                            const size_t *lengths)
{
    const char **all = calloc(count + 1, sizeof *all);
    size_t *all_lengths = calloc(count + 1, sizeof *all_lengths);
    char number[24];
    tw_value rest = tw_fail_memory();

    if (all != NULL && all_lengths != NULL) {
        all_lengths[0] = (size_t)snprintf(number, sizeof number, "%zu", key_count);
        all[0] = number;
        for (size_t i = 0; i < count; i++) {
            all[i + 1] = words[i];
            all_lengths[i + 1] = lengths != NULL ? lengths[i] : strlen(words[i]);
        }
        rest = rest_format(count + 1, all, all_lengths);
    }
    free(all);
    free(all_lengths);
    return rest;
}

tw_deferred *tw_redis_eval_at(const char *where, tw_redis *redis,
                              struct tw_redis_script *script, size_t key_count, size_t count,
                              const char *const *words, const size_t *lengths)
{
    struct twi_redis_request request = { .script = script, .words = count + 1 };

    if (redis == NULL)
        return NULL;
    if (key_count > count)
        return tw_fired_at(where, tw_fail(&tw_error_misuse, "more keys than words"));
    if (!script_hash(script))
        return tw_fired_at(where, tw_fail_memory());
    request.head = twi_redis_script_head(script, request.words, false);
    request.tail = script_rest(key_count, count, words, lengths);
    return twi_redis_request_send(where, redis, request);
}
