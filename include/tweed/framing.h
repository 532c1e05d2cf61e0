/* SPDX-License-Identifier: MIT */
/*
 * framing.h - protocols made of strings with their length in front.
 *
 * Begin your struct with a tw_framing_protocol, put TW_FRAMING_PROTOCOL into your class and keep a
 * tw_framing_class beside it. Strings are any bytes; each arrives whole, however it was cut on its
 * way. Nothing is delivered once the connection is being closed.
 * After Twisted's Int32StringReceiver, Int16..., Int8... and NetstringReceiver.
 */
#ifndef TWEED_FRAMING_H
#define TWEED_FRAMING_H

#include <errno.h>

#include <tweed/transport.h>

TW_BEGIN

typedef struct tw_framing_protocol tw_framing_protocol;

/* The form of the length: 4, 2 or 1 bytes, big endian; or digits, as in "5:hello,". */
enum tw_framing { TW_INT32, TW_INT16, TW_INT8, TW_NETSTRING };

struct tw_framing_class {
    enum tw_framing framing;
    /* Of a string that is received; 0: 99999, or the most that the length can say if that is
     * less. */
    size_t max_length;
    /* `data` is lent, not terminated. */
    void (*string_received)(tw_framing_protocol *protocol, const char *data, size_t length);
    /* The bytes that came are no string, and nothing more is read. `reason` (lent) is either
     * tw_error_toolarge: the length of a string, known before any of its bytes come, is above
     * the limit in force, which is the number; or tw_error_protocol, number 0: no netstring.
     * The function may still write; then the connection is closed. NULL: it ends at once with
     * `reason`. */
    void (*broken)(tw_framing_protocol *protocol, tw_value reason);
};

struct tw_framing_protocol {
    tw_protocol protocol;
    const struct tw_framing_class *framing_class; /* set by build() or connection_made() */
    char *rest_; /* what came and was not delivered yet */
    size_t rest_length_, rest_size_;
    unsigned busy_ : 1, paused_ : 1, broken_ : 1;
};

/* The functions of its class: { "echo", sizeof(struct echo), TW_FRAMING_PROTOCOL }. */
#define TW_FRAMING_PROTOCOL \
    .data_received = tw_framing_data_received, .released = tw_framing_released

/* With a released() of your own, name the two yourself and call the latter from yours. */
TW_API void tw_framing_data_received(tw_protocol *protocol, const char *data, size_t length);
TW_API void tw_framing_released(tw_protocol *protocol);

/* More bytes than the length can say. Twisted's StringTooLongError. */
#define TW_STRING_TOO_LONG (-EMSGSIZE)
/* Write a string with its length. As tw_transport_write(), and TW_STRING_TOO_LONG. The second takes
 * `bytes` and does not copy them. */
TW_API int tw_framing_send(tw_framing_protocol *protocol, const void *data, size_t length);
TW_API int tw_framing_send_value(tw_framing_protocol *protocol, tw_value bytes);

/* No string is delivered after a pause; a resume delivers those that have come meanwhile. */
TW_API void tw_framing_pause(tw_framing_protocol *protocol);
TW_API void tw_framing_resume(tw_framing_protocol *protocol);
/* The number of bytes of strings that have not been delivered, their lengths included. In
 * connection_lost, more than 0 means that the last string was cut. */
TW_API size_t tw_framing_unfinished(const tw_framing_protocol *protocol);

TW_END
#endif
