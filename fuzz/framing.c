/* SPDX-License-Identifier: MIT */
/*
 * framing.c - strings with their length in front: the same ones come out however the bytes are cut.
 *
 * The first byte says how lengths are written, and in how large pieces the rest arrives.
 */
#include "config.h"

#include <tweed/framing.h>
#include <tweed/testing.h>

#include "base/buf.h"
#include "fuzz/target.h"

enum { LIMIT = 1000 };

static struct twi_buf *seen;

static void string_received(tw_framing_protocol *protocol, const char *data, size_t length)
{
    FUZZ_ASSERT(length <= LIMIT);
    twi_buf_append(seen, data, length);
    twi_buf_append(seen, "|", 1);
    if (length == 4 && memcmp(data, "lose", 4) == 0)
        tw_transport_lose(protocol->protocol.transport);
    if (length == 4 && memcmp(data, "flip", 4) == 0) {
        tw_framing_pause(protocol);
        tw_framing_resume(protocol);
    }
}

static void connection_lost(tw_protocol *protocol, tw_value reason)
{
    (void)protocol;
    twi_buf_append_text(seen, tw_failure_class(reason)->name);
}

static const struct tw_framing_class framings[] = {
    { TW_INT32, LIMIT, string_received, NULL },
    { TW_INT16, LIMIT, string_received, NULL },
    { TW_INT8, LIMIT, string_received, NULL },
    { TW_NETSTRING, LIMIT, string_received, NULL },
};

static const tw_protocol_class reader = {
    .name = "reader",
    .size = sizeof(tw_framing_protocol),
    TW_FRAMING_PROTOCOL,
    .connection_lost = connection_lost,
};

static void deliver(unsigned kind, const char *data, size_t size, size_t piece,
                    struct twi_buf *into)
{
    tw_protocol *protocol = tw_protocol_new(&reader);
    tw_string_transport *transport;

    seen = into;
    ((tw_framing_protocol *)protocol)->framing_class = &framings[kind];
    transport = tw_string_transport_new(protocol);
    for (size_t at = 0; at < size; at += piece)
        tw_string_transport_deliver(transport, data + at,
                                    size - at < piece ? size - at : piece);
    tw_testing_settle();
    tw_string_transport_free(transport);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct twi_buf whole = { 0 }, cut = { 0 };

    if (size == 0)
        return 0;
    FUZZ_ASSERT(tw_testing_begin() == 0);
    deliver(data[0] & 3, (const char *)data + 1, size - 1, size, &whole);
    deliver(data[0] & 3, (const char *)data + 1, size - 1, 1 + (data[0] >> 2), &cut);
    FUZZ_ASSERT(whole.length == cut.length &&
                (whole.length == 0 || memcmp(whole.data, cut.data, whole.length) == 0));
    FUZZ_ASSERT(tw_testing_end() == 0);
    twi_buf_free(&whole);
    twi_buf_free(&cut);
    return 0;
}
