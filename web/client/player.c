/* SPDX-License-Identifier: MIT */
/*
 * player.c - a stored response played to the sink of an exchange.
 *
 * The sink may do anything, even free the player: a flag on the stack of the step tells.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <tweed/reactor.h>

#include "web/cache/policy.h"
#include "web/client/player.h"

enum { PIECE = 64 << 10, TURN = 1 << 20 /* bytes after which others have their turn */ };

static const struct twi_connection_ops player_ops;

static void player_step(void *arg);

static int player_call(struct twi_player *player)
{
    int64_t call;

    if (player->call > 0)
        return 0;
    call = tw_call_later(0, player_step, player);
    if (call < 0)
        return -ENOMEM;
    player->call = call;
    return 0;
}

static void player_fail(struct twi_player *player, const struct twi_exchange_failure *failure)
{
    struct twi_exchange *exchange = player->exchange;
    const struct twi_exchange_sink *to = player->to;

    twi_player_stop(player);
    to->failed(exchange, failure);
}

static void player_fail_memory(struct twi_player *player)
{
    struct twi_exchange_failure failure = { .end = TWI_EXCHANGE_CUT,
                                            .reason = tw_fail_memory() };

    player_fail(player, &failure);
}

/* --- the head ------------------------------------------------------------------------------ */

/* A response that is used without asking tells its age (RFC 9111, 4). */
static int age_set(tw_headers *headers, int64_t age)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, age);
    return tw_headers_set(headers, "Age", text);
}

static int part_set(tw_headers *headers, const struct twi_player *player)
{
    char text[80];
    int r;

    snprintf(text, sizeof text, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, player->offset,
             player->end - 1, player->entry->length);
    r = tw_headers_set(headers, "Content-Range", text);
    snprintf(text, sizeof text, "%" PRId64, player->end - player->offset);
    return r < 0 ? r : tw_headers_set(headers, "Content-Length", text);
}

static int fields_append(tw_headers *headers, const tw_headers *from)
{
    const char *name, *value;
    int r = 0;

    for (size_t i = 0; r == 0 && tw_headers_at(from, i, &name, &value); i++)
        r = tw_headers_add(headers, name, value);
    return r;
}

/* The fields with the reason among them; NULL when there is no memory. */
static tw_headers *headers_make(const struct twi_player *player, int64_t *ret_reason)
{
    const struct twi_cache_entry *entry = player->entry;
    const char *reason = entry == NULL      ? "Gateway Timeout"
                         : player->is_part ? "Partial Content"
                                           : entry->head.reason;
    tw_headers *headers = tw_headers_new();
    int r = headers == NULL ? -ENOMEM : 0;

    if (r == 0) {
        *ret_reason = twi_headers_keep(headers, reason, strlen(reason));
        r = *ret_reason < 0 ? -ENOMEM : 0;
    }
    if (r == 0 && entry != NULL)
        r = fields_append(headers, entry->head.headers);
    if (r == 0 && entry != NULL && player->source != TW_SOURCE_REVALIDATED) {
        r = twi_cache_hide_fields(headers);
        if (r == 0)
            r = age_set(headers, player->age);
    }
    if (r == 0 && player->is_part)
        r = part_set(headers, player);
    if (r < 0) {
        tw_headers_free(headers);
        return NULL;
    }
    return headers;
}

static void player_tell_head(struct twi_player *player)
{
    const struct twi_cache_entry *entry = player->entry;
    int64_t reason;
    struct twi_answer answer = {
        .status = entry == NULL     ? 504
                  : player->is_part ? 206
                                    : entry->head.status,
        .minor = entry != NULL ? entry->head.minor : 1,
        .headers = headers_make(player, &reason),
        .length = player->end - player->offset,
        .source = player->source,
    };

    if (answer.headers == NULL) {
        player_fail_memory(player);
        return;
    }
    answer.reason = twi_headers_text(answer.headers, (size_t)reason);
    player->head_told = true;
    player->to->began(player->exchange);
    player->to->head(player->exchange, &answer);
}

/* --- the body ------------------------------------------------------------------------------ */

static void player_tell_damage(struct twi_player *player)
{
    static const struct twi_exchange_failure damage = {
        .end = TWI_EXCHANGE_BROKEN,
        .error_class = &tw_error_cache,
        .text = "the stored answer is damaged",
    };

    player_fail(player, &damage);
}

/* True if a piece was given. */
static bool player_tell_piece(struct twi_player *player)
{
    const char *data;
    int64_t length;

    int64_t left = player->end - player->offset;

    if (left == 0)
        return false;
    if (player->space == NULL && tw_is_none(player->entry->bytes)) {
        player->space = twi_malloc(PIECE);
        if (player->space == NULL) {
            player_fail_memory(player);
            return true;
        }
    }
    length = twi_cache_read(player->entry, player->offset, player->space,
                            left < PIECE ? (size_t)left : PIECE, &data);
    if (length < 0) {
        player_tell_damage(player);
        return true;
    }
    player->offset += length;
    player->to->body(player->exchange, data, (size_t)length);
    return true;
}

static void player_tell_end(struct twi_player *player)
{
    struct twi_exchange *exchange = player->exchange;
    const struct twi_exchange_sink *to = player->to;

    twi_player_stop(player);
    to->done(exchange);
}

static void player_step(void *arg)
{
    struct twi_player *player = arg;
    int64_t until = player->offset + TURN;
    bool stopped = false;

    player->call = 0;
    if (player->paused)
        return;
    player->stopped = &stopped;
    if (!player->head_told)
        player_tell_head(player);
    while (!stopped && !player->paused && player->offset < until)
        if (!player_tell_piece(player))
            break;
    if (stopped)
        return;
    player->stopped = NULL;
    if (player->paused)
        return;
    if (player->offset == player->end)
        player_tell_end(player);
    else if (player_call(player) < 0)
        player_fail_memory(player);
}

/* --- as a connection ----------------------------------------------------------------------- */

static struct twi_player *player_of(struct twi_exchange *exchange)
{
    return TWI_CONTAINER(exchange->connection, struct twi_player, connection);
}

static void player_cancel(struct twi_exchange *exchange)
{
    twi_player_stop(player_of(exchange));
}

static void player_pause(struct twi_exchange *exchange)
{
    player_of(exchange)->paused = true;
}

static void player_resume(struct twi_exchange *exchange)
{
    struct twi_player *player = player_of(exchange);

    player->paused = false;
    if (player->stopped == NULL && player_call(player) < 0)
        player_fail_memory(player);
}

static void player_send_more(struct twi_exchange *exchange)
{
    (void)exchange;
}

static struct twi_sending player_sending(const struct twi_exchange *exchange)
{
    (void)exchange;
    return (struct twi_sending){ 0 };
}

static const struct twi_connection_ops player_ops = {
    .name = "stored response",
    .cancel = player_cancel,
    .pause = player_pause,
    .resume = player_resume,
    .send_more = player_send_more,
    .sending = player_sending,
};

int twi_player_start(struct twi_player *player, struct twi_exchange *exchange,
                     const struct twi_exchange_sink *to, struct twi_cache_entry *entry,
                     enum tw_cache_source source, int64_t age, bool bodiless)
{
    *player = (struct twi_player){
        .connection.ops = &player_ops,
        .exchange = exchange,
        .to = to,
        .entry = entry != NULL ? twi_cache_entry_ref(entry) : NULL,
        .source = source,
        .age = age,
        .end = entry != NULL && !bodiless ? entry->length : 0,
    };
    exchange->connection = &player->connection;
    if (player_call(player) == 0)
        return 0;
    twi_player_stop(player);
    return -ENOMEM;
}

void twi_player_take_part(struct twi_player *player, int64_t first, int64_t last)
{
    player->is_part = true;
    player->offset = first;
    player->end = last + 1;
}

void twi_player_stop(struct twi_player *player)
{
    if (player->exchange == NULL)
        return;
    player->exchange->connection = NULL;
    player->exchange = NULL;
    if (player->call > 0)
        tw_call_cancel(player->call);
    player->call = 0;
    if (player->stopped != NULL)
        *player->stopped = true;
    player->stopped = NULL;
    twi_cache_entry_unref(player->entry);
    player->entry = NULL;
    twi_free(player->space);
    player->space = NULL;
}
