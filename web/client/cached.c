/* SPDX-License-Identifier: MIT */
/*
 * cached.c - a request and the cache.
 *
 * A cache without memory or without room on the disk fails no request: the request goes to the
 * server then, and its answer is not kept.
 */
#include "config.h"

#include <errno.h>

#include "web/cache/policy.h"
#include "web/client/client_request.h"
#include "web/http/ranges.h"

static struct twi_cached *cached_of(struct twi_exchange *exchange)
{
    return TWI_CONTAINER(exchange, struct twi_client_request, exchange)->cached;
}

/* --- birth and death ----------------------------------------------------------------------- */

bool twi_cached_new(struct twi_client_request *request, const struct twi_exchange_sink *to)
{
    const struct tw_fetch_options *options = &request->order.options;
    tw_cache *cache = options->cache;
    struct twi_cached *cached;

    if (cache == NULL)
        cache = twi_agent_cache(request->user.agent);
    if (cache == NULL && options->cache_mode == TW_CACHE_DEFAULT)
        return true;
    cached = twi_calloc(1, sizeof *cached);
    if (cached == NULL)
        return false;
    cached->request = request;
    cached->to = to;
    cached->cache = tw_cache_ref(cache);
    request->cached = cached;
    return true;
}

void twi_cached_next(struct twi_cached *cached)
{
    twi_player_stop(&cached->player);
    twi_cache_writer_drop(cached->writer);
    twi_cache_entry_unref(cached->entry);
    tw_headers_free(cached->sent);
    tw_headers_free(cached->extra);
    twi_free(cached->key);
    cached->request->hop.extra = NULL;
    cached->writer = NULL;
    cached->entry = NULL;
    cached->sent = cached->extra = NULL;
    cached->key = NULL;
    cached->plan = TWI_CACHED_TELL;
    cached->looked = cached->conditional = cached->stores = cached->ranged = false;
}

void twi_cached_free(struct twi_cached *cached)
{
    if (cached == NULL)
        return;
    twi_cached_next(cached);
    tw_cache_unref(cached->cache);
    twi_free(cached);
}

/* --- what the request asks for ------------------------------------------------------------- */

static bool cached_by_hand(const struct twi_hop *hop, enum twi_header id)
{
    return hop->headers != NULL && twi_headers_has(hop->headers, id);
}

static bool has_own_condition(const struct twi_hop *hop)
{
    return cached_by_hand(hop, TWI_HEADER_IF_NONE_MATCH) ||
           cached_by_hand(hop, TWI_HEADER_IF_MATCH) ||
           cached_by_hand(hop, TWI_HEADER_IF_RANGE) ||
           cached_by_hand(hop, TWI_HEADER_IF_MODIFIED_SINCE) ||
           cached_by_hand(hop, TWI_HEADER_IF_UNMODIFIED_SINCE);
}

static void asked_read(struct twi_cached *cached, const struct twi_hop *hop)
{
    twi_directives_read(hop->headers, &cached->asked);
    if (cached_by_hand(hop, TWI_HEADER_PRAGMA) &&
        !cached_by_hand(hop, TWI_HEADER_CACHE_CONTROL) &&
        tw_headers_has_token(hop->headers, "Pragma", "no-cache"))
        cached->asked.bits |= TWI_CC_NO_CACHE;
}

static int sent_put(void *arg, const char *name, size_t name_length, const char *value,
                    size_t value_length)
{
    return twi_headers_append(arg, twi_header_id(name, name_length), name, name_length, value,
                              value_length);
}

/* The fields as they would be sent, which Vary speaks of. */
static int sent_collect(struct twi_cached *cached, struct twi_hop *hop)
{
    const struct twi_message *message = twi_hop_message(hop);

    cached->sent = tw_headers_new();
    return cached->sent == NULL ? -ENOMEM : message->fields(message, sent_put, cached->sent);
}

static void cached_begin(struct twi_cached *cached, struct twi_hop *hop)
{
    const struct tw_fetch_options *options = &cached->request->order.options;

    cached->looked = true;
    cached->mode = options->cache_mode;
    if (cached->mode == TW_CACHE_DEFAULT && has_own_condition(hop))
        cached->mode = TW_CACHE_NO_STORE;
    asked_read(cached, hop);
    if (cached->cache == NULL)
        return;
    cached->key = twi_cache_key(hop->url);
    if (cached->key == NULL || sent_collect(cached, hop) < 0) {
        twi_free(cached->key);
        cached->key = NULL;
    }
    cached->ranged = cached_by_hand(hop, TWI_HEADER_RANGE);
    cached->stores = strcmp(hop->method, "GET") == 0 && !twi_hop_has_body(hop);
}

static bool may_look(const struct twi_cached *cached, const struct twi_hop *hop)
{
    return cached->key != NULL && cached->mode != TW_CACHE_NO_STORE &&
           cached->mode != TW_CACHE_RELOAD &&
           (cached->stores || (strcmp(hop->method, "HEAD") == 0 && !twi_hop_has_body(hop)));
}

/* --- the fields that are added ------------------------------------------------------------- */

static int extra_need(struct twi_cached *cached)
{
    if (cached->extra == NULL)
        cached->extra = tw_headers_new();
    return cached->extra == NULL ? -ENOMEM : 0;
}

/* Caches on the way shall do as this one (fetch standard, "HTTP-network-or-cache fetch"). */
static int extra_by_mode(struct twi_cached *cached, const struct twi_hop *hop)
{
    bool reload = cached->mode == TW_CACHE_NO_STORE || cached->mode == TW_CACHE_RELOAD;
    int r = 0;

    if (!reload && cached->mode != TW_CACHE_NO_CACHE)
        return 0;
    r = extra_need(cached);
    if (r == 0 && reload && !cached_by_hand(hop, TWI_HEADER_PRAGMA))
        r = tw_headers_set(cached->extra, "Pragma", "no-cache");
    if (r == 0 && !cached_by_hand(hop, TWI_HEADER_CACHE_CONTROL))
        r = tw_headers_set(cached->extra, "Cache-Control", reload ? "no-cache" : "max-age=0");
    return r;
}

static int extra_by_entry(struct twi_cached *cached)
{
    int r;

    if (cached->entry == NULL)
        return 0;
    r = extra_need(cached);
    if (r == 0)
        r = twi_cache_add_conditions(&cached->entry->head, cached->extra);
    cached->conditional = r > 0;
    return r < 0 ? r : 0;
}

/* False when there was no memory, and the request has ended. */
static bool extra_make(struct twi_cached *cached, struct twi_hop *hop)
{
    int r = extra_by_mode(cached, hop);

    if (r == 0)
        r = extra_by_entry(cached);
    if (r < 0) {
        twi_client_request_end_memory(cached->request);
        return false;
    }
    hop->extra = cached->extra;
    return true;
}

/* --- playing ------------------------------------------------------------------------------- */

static void cached_count(const struct twi_cached *cached, enum tw_cache_source source)
{
    struct tw_cache_counts *counts = &cached->cache->counts;

    if (source == TW_SOURCE_REVALIDATED)
        counts->revalidated++;
    else if (source == TW_SOURCE_SERVER)
        counts->misses++;
    else
        counts->hits++;
}

/* The entry, or a part of it; or the 504 that stands for none. */
static void cached_play(struct twi_cached *cached, enum tw_cache_source source,
                        const struct twi_range *part)
{
    struct twi_client_request *request = cached->request;
    struct twi_cache_entry *entry = cached->entry;
    int64_t age = entry != NULL ? twi_cache_age(&entry->head, twi_cache_now()) : 0;

    if (cached->cache != NULL)
        cached_count(cached, source);
    twi_patience_rest(&request->patience);
    if (twi_player_start(&cached->player, &request->exchange, cached->to, entry, source, age,
                         strcmp(request->hop.method, "HEAD") == 0) < 0)
        twi_client_request_end_memory(request);
    else if (part != NULL)
        twi_player_take_part(&cached->player, part->first, part->last);
}

/* The part of the stored response that is asked for: one range that it has (RFC 9111, 3.4). */
static bool part_find(const struct twi_cached *cached, struct twi_range *ret_part)
{
    const char *text = twi_headers_value(cached->request->hop.headers, TWI_HEADER_RANGE);
    const struct twi_cache_entry *entry = cached->entry;
    struct twi_range ranges[TWI_RANGES_MAX];

    if (!cached->stores || entry->head.status != 200 ||
        twi_ranges_parse(text, entry->length, ranges) != 1)
        return false;
    *ret_part = ranges[0];
    return true;
}

/* True if the stored response answers the request. */
static bool cached_answers(struct twi_cached *cached)
{
    enum twi_cache_verdict verdict = twi_cache_judge(&cached->entry->head, &cached->asked,
                                                     cached->mode, twi_cache_now());
    struct twi_range part;

    if (verdict == TWI_CACHE_VALIDATE)
        return false;
    if (cached->ranged && (verdict == TWI_CACHE_REFRESH || !part_find(cached, &part)))
        return false;
    if (verdict == TWI_CACHE_REFRESH)
        twi_cached_refresh(cached);
    cached_play(cached, verdict == TWI_CACHE_FRESH ? TW_SOURCE_CACHE : TW_SOURCE_STALE,
                cached->ranged ? &part : NULL);
    return true;
}

/* Nothing may be asked of the server, and nothing is there. */
static bool cached_forbids(struct twi_cached *cached)
{
    if (cached->mode == TW_CACHE_ONLY_IF_CACHED) {
        twi_client_request_fail(cached->request, &tw_error_cache, 0, tw_none(),
                                "not in the cache");
        return true;
    }
    if (!(cached->asked.bits & TWI_CC_ONLY_IF_CACHED) || cached->cache == NULL)
        return false;
    twi_cache_entry_unref(cached->entry);
    cached->entry = NULL;
    cached_play(cached, TW_SOURCE_SERVER, NULL);
    return true;
}

static void entry_drop(struct twi_cached *cached)
{
    twi_cache_entry_unref(cached->entry);
    cached->entry = NULL;
    cached->conditional = false;
}

bool twi_cached_look(struct twi_cached *cached)
{
    struct twi_hop *hop = &cached->request->hop;

    if (!cached->looked) {
        cached_begin(cached, hop);
        if (may_look(cached, hop))
            cached->entry = twi_cache_find(cached->cache, cached->key, cached->sent);
        if (cached->entry != NULL && cached_answers(cached))
            return false;
        if (cached->ranged) /* the server is asked for the part, without a condition */
            entry_drop(cached);
        if (cached_forbids(cached) || !extra_make(cached, hop))
            return false;
    }
    if (cached->cache != NULL)
        cached->requested_at = twi_cache_now();
    return true;
}

static bool covers_error(const struct twi_cached *cached)
{
    return cached->entry != NULL &&
           twi_cache_covers_error(&cached->entry->head, &cached->asked, twi_cache_now());
}

/* The exchange ends here, and the stored response takes its place. */
static void play_instead(struct twi_cached *cached)
{
    struct twi_client_request *request = cached->request;

    twi_exchange_cancel(&request->exchange);
    twi_place_leave(&request->place, false);
    cached_play(cached, TW_SOURCE_STALE, NULL);
}

bool twi_cached_saves(struct twi_cached *cached)
{
    if (cached == NULL || cached->player.exchange != NULL ||
        cached->request->reply.response != NULL || !covers_error(cached))
        return false;
    play_instead(cached);
    return true;
}

void twi_cached_spoil(struct twi_cached *cached)
{
    if (cached != NULL && cached->key != NULL)
        twi_cache_remove_key(cached->cache, cached->key);
}

/* --- an answer's head ---------------------------------------------------------------------- */

static struct twi_cache_answer cache_answer_of(const struct twi_cached *cached,
                                               const struct twi_answer *answer)
{
    return (struct twi_cache_answer){
        .url = cached->key,
        .status = answer->status,
        .minor = answer->minor,
        .reason = answer->reason,
        .headers = answer->headers,
        .sent = cached->sent,
        .requested_at = cached->requested_at,
        .received_at = twi_cache_now(),
    };
}

/* The server answers for another page than the one that was asked about. */
static void cached_ask_again(struct twi_cached *cached)
{
    entry_drop(cached);
    tw_headers_remove(cached->extra, "If-None-Match");
    tw_headers_remove(cached->extra, "If-Modified-Since");
    cached->plan = TWI_CACHED_AGAIN;
}

static void not_modified(struct twi_cached *cached, const struct twi_answer *answer)
{
    struct twi_client_request *request = cached->request;
    struct twi_cache_answer newer = cache_answer_of(cached, answer);

    if (twi_cache_is_same(&cached->entry->head, answer->headers)) {
        twi_cache_update(cached->cache, cached->entry, &newer);
        cached->plan = TWI_CACHED_PLAY;
    } else {
        cached_ask_again(cached);
    }
    if (twi_reply_take_cookies(answer->headers, request->hop.url,
                               request->order.options.cookies) < 0)
        twi_client_request_end_memory(request);
}

static void invalidate_target(struct twi_cached *cached, const struct twi_answer *answer,
                              enum twi_header id)
{
    const struct tw_url *from = cached->request->hop.url;
    const char *text = twi_headers_value(answer->headers, id);
    struct tw_url *url;
    char *key;

    if (text == NULL || tw_url_parse(text, strlen(text), from, &url, NULL) < 0)
        return;
    key = tw_url_same_origin(from, url) ? twi_cache_key(url) : NULL;
    if (key != NULL)
        twi_cache_remove_key(cached->cache, key);
    twi_free(key);
    tw_url_free(url);
}

/* An unsafe request has succeeded (RFC 9111, 4.4). */
static void invalidate_all(struct twi_cached *cached, const struct twi_answer *answer)
{
    twi_cache_remove_key(cached->cache, cached->key);
    invalidate_target(cached, answer, TWI_HEADER_LOCATION);
    invalidate_target(cached, answer, TWI_HEADER_CONTENT_LOCATION);
}

/* The entry that an answer to a request which did not look speaks of, too. */
static void entry_need(struct twi_cached *cached)
{
    if (cached->entry == NULL && cached->mode == TW_CACHE_RELOAD)
        cached->entry = twi_cache_find(cached->cache, cached->key, cached->sent);
}

static void learn_from_head(struct twi_cached *cached, const struct twi_answer *answer)
{
    struct twi_cache_answer newer = cache_answer_of(cached, answer);

    entry_need(cached);
    if (cached->entry == NULL || answer->status != 200 || cached->ranged)
        return;
    if (twi_cache_agrees(&cached->entry->head, answer->headers))
        twi_cache_update(cached->cache, cached->entry, &newer);
    else
        twi_cache_remove_entry(cached->cache, cached->entry);
}

/* Store it; or, if it may not be, forget the one that it takes the place of. */
static void learn_from_get(struct twi_cached *cached, const struct twi_answer *answer)
{
    struct twi_cache_answer newer = cache_answer_of(cached, answer);

    if (twi_cache_may_store(&cached->asked, answer->status, answer->headers)) {
        cached->writer = twi_cache_write(cached->cache, &newer, answer->length);
        return;
    }
    if (cached->ranged || answer->status >= 500 || answer->status == 304 ||
        (cached->asked.bits & TWI_CC_NO_STORE))
        return;
    entry_need(cached);
    if (cached->entry != NULL)
        twi_cache_remove_entry(cached->cache, cached->entry);
}

static void cached_learn(struct twi_cached *cached, const struct twi_answer *answer)
{
    const char *method = cached->request->hop.method;

    if (!twi_cache_is_safe(method) && answer->status >= 200 && answer->status < 400)
        invalidate_all(cached, answer);
    if (cached->mode == TW_CACHE_NO_STORE)
        return;
    if (cached->stores)
        learn_from_get(cached, answer);
    else if (strcmp(method, "HEAD") == 0)
        learn_from_head(cached, answer);
}

static bool is_server_error(int status)
{
    return status == 500 || status == 502 || status == 503 || status == 504;
}

void twi_cached_head(struct twi_exchange *exchange, const struct twi_answer *answer)
{
    struct twi_cached *cached = cached_of(exchange);

    if (cached->key != NULL) {
        if (answer->status == 304 && cached->conditional) {
            not_modified(cached, answer);
            tw_headers_free(answer->headers);
            return;
        }
        if (is_server_error(answer->status) && covers_error(cached)) {
            tw_headers_free(answer->headers);
            play_instead(cached);
            return;
        }
        cached_count(cached, TW_SOURCE_SERVER);
        cached_learn(cached, answer);
    }
    cached->to->head(exchange, answer);
}

/* --- an answer's body ---------------------------------------------------------------------- */

static void body_store(struct twi_cached *cached, const char *data, size_t length)
{
    if (cached->writer != NULL && !twi_cache_writer_add(cached->writer, data, length))
        cached->writer = NULL;
}

void twi_cached_body(struct twi_exchange *exchange, const char *data, size_t length)
{
    struct twi_cached *cached = cached_of(exchange);

    if (cached->plan != TWI_CACHED_TELL)
        return;
    body_store(cached, data, length);
    cached->to->body(exchange, data, length);
}

char *twi_cached_place(struct twi_exchange *exchange, int64_t most, size_t *ret_size)
{
    struct twi_cached *cached = cached_of(exchange);

    if (cached->plan != TWI_CACHED_TELL)
        return NULL;
    cached->place = cached->to->place(exchange, most, ret_size);
    return cached->place;
}

void twi_cached_placed(struct twi_exchange *exchange, size_t length)
{
    struct twi_cached *cached = cached_of(exchange);

    body_store(cached, cached->place, length);
    cached->to->placed(exchange, length);
}

/* --- its end ------------------------------------------------------------------------------- */

/* True if there was another plan than to tell the request. */
static bool plan_follow(struct twi_cached *cached, bool at_once)
{
    enum twi_cached_plan plan = cached->plan;

    if (plan == TWI_CACHED_TELL)
        return false;
    cached->plan = TWI_CACHED_TELL;
    twi_place_leave(&cached->request->place, at_once);
    if (plan == TWI_CACHED_PLAY)
        cached_play(cached, TW_SOURCE_REVALIDATED, NULL);
    else
        twi_client_request_go(cached->request);
    return true;
}

void twi_cached_done(struct twi_exchange *exchange)
{
    struct twi_cached *cached = cached_of(exchange);

    if (plan_follow(cached, false))
        return;
    twi_cache_writer_commit(cached->writer);
    cached->writer = NULL;
    cached->to->done(exchange);
}

void twi_cached_failed(struct twi_exchange *exchange,
                       const struct twi_exchange_failure *failure)
{
    struct twi_cached *cached = cached_of(exchange);

    if (plan_follow(cached, true))
        return;
    twi_cache_writer_drop(cached->writer);
    cached->writer = NULL;
    cached->to->failed(exchange, failure);
}
