/*
 * channel.c - a channel is a queue, under other names.
 */
#include <tweed/channel.h>
#include <tweed/queue.h>

static tw_queue *queue_of(const tw_channel *channel)
{
    return (tw_queue *)(uintptr_t)channel;
}

tw_channel *tw_channel_new(size_t capacity)
{
    return (tw_channel *)tw_queue_new(capacity, TW_UNLIMITED);
}

tw_deferred *tw_channel_send_at(const char *where, tw_channel *channel, tw_value value)
{
    return tw_queue_put_wait_at(where, queue_of(channel), 0, value);
}

tw_deferred *tw_channel_receive_at(const char *where, tw_channel *channel)
{
    return tw_queue_get_at(where, queue_of(channel));
}

int tw_channel_close(tw_channel *channel)
{
    return tw_queue_close(queue_of(channel), false);
}

bool tw_channel_closed(const tw_channel *channel)
{
    return tw_queue_closed(queue_of(channel));
}

size_t tw_channel_length(const tw_channel *channel)
{
    return tw_queue_length(queue_of(channel));
}

void tw_channel_free(tw_channel *channel)
{
    tw_queue_free(queue_of(channel));
}
