/* SPDX-License-Identifier: MIT */
/*
 * channel.c - a channel is a queue under other names.
 */
#include "defer/sync/queue.h"

tw_channel *tw_channel_new(size_t capacity)
{
    return (tw_channel *)tw_queue_new(capacity, TW_UNLIMITED);
}

tw_deferred *tw_channel_send_at(const char *where, tw_channel *channel, tw_value value)
{
    return tw_queue_put_wait_at(where, twi_channel_queue(channel), 0, value);
}

tw_deferred *tw_channel_receive_at(const char *where, tw_channel *channel)
{
    return tw_queue_get_at(where, twi_channel_queue(channel));
}

int tw_channel_close(tw_channel *channel)
{
    return tw_queue_close(twi_channel_queue(channel), false);
}

bool tw_channel_closed(const tw_channel *channel)
{
    return tw_queue_closed(twi_channel_queue(channel));
}

size_t tw_channel_length(const tw_channel *channel)
{
    return tw_queue_length(twi_channel_queue(channel));
}

void tw_channel_free(tw_channel *channel)
{
    tw_queue_free(twi_channel_queue(channel));
}
