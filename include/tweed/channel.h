/* SPDX-License-Identifier: MIT */
/*
 * channel.h - values go from a sender to a receiver; select waits for the first of several.
 *
 * A channel is a queue, first in first out, with the names and rules of Go's channels. Where Go
 * panics, a Deferred fails: a send on a closed channel, for example.
 */
#ifndef TWEED_CHANNEL_H
#define TWEED_CHANNEL_H

#include <tweed/deferred.h>

TW_BEGIN

typedef struct tw_channel tw_channel;

/* The channel holds up to `capacity` values that nobody has received yet; with 0 a send fires
 * when its value is received. NULL when there is no memory. */
TW_API TW_MUST_USE tw_channel *tw_channel_new(size_t capacity);
/* Fires with none when the value is received or the channel has room for it. Takes `value`.
 * Fails with tw_error_queue_closed. */
#define tw_channel_send(channel, ...) tw_channel_send_at(TW_HERE, (channel), __VA_ARGS__)
TW_API TW_MUST_USE tw_deferred *tw_channel_send_at(const char *where, tw_channel *channel,
                                                   tw_value value);
/* Fires with the next value; fails with tw_error_queue_closed when there will be none. */
#define tw_channel_receive(channel) tw_channel_receive_at(TW_HERE, (channel))
TW_API TW_MUST_USE tw_deferred *tw_channel_receive_at(const char *where, tw_channel *channel);
/* Close: values that the channel holds are still received; waiting sends and receives fail.
 * Returns 0, -EALREADY. */
TW_API int tw_channel_close(tw_channel *channel);
TW_API bool tw_channel_closed(const tw_channel *channel);
TW_API size_t tw_channel_length(const tw_channel *channel);
/* Releases the values that it holds; waiting sends and receives fail with tw_error_abandoned. */
TW_API void tw_channel_free(tw_channel *channel);

/* --- select ------------------------------------------------------------------------------ */

struct tw_select_case {
    tw_channel *channel; /* NULL: never ready */
    bool sends;          /* or receives */
    tw_value value;      /* to send: taken */
};
static inline struct tw_select_case tw_case_send(tw_channel *channel, tw_value value)
{
    struct tw_select_case send = { channel, true, value };
    return send;
}
static inline struct tw_select_case tw_case_receive(tw_channel *channel)
{
    struct tw_select_case receive = { channel, false, tw_none() };
    return receive;
}

/*
 * Do one of `count` sends and receives, the first that can be done; one at random when several
 * can. Fires with the list [index, item]: item is the value received; none after a send; or the
 * failure tw_error_queue_closed for a closed channel, which counts as ready.
 * `cases` is lent for the call; its values are taken, and those not sent are released.
 * tw_cancel(), or tw_deferred_add_timeout(), ends the wait on all channels.
 */
#define tw_select(cases, count) tw_select_at(TW_HERE, (cases), (count), true)
/* The same, but fires at once with none when nothing can be done: Go's default. */
#define tw_select_now(cases, count) tw_select_at(TW_HERE, (cases), (count), false)
TW_API TW_MUST_USE tw_deferred *tw_select_at(const char *where,
                                             const struct tw_select_case *cases, size_t count,
                                             bool wait);

TW_END
#endif
