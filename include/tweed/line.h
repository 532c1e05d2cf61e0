/* SPDX-License-Identifier: MIT */
/*
 * line.h - protocols made of lines.
 *
 * Begin your struct with a tw_line_protocol, put TW_LINE_PROTOCOL into your class and keep a
 * tw_line_class beside it. Nothing is delivered once the connection is being closed.
 * After Twisted's LineReceiver.
 */
#ifndef TWEED_LINE_H
#define TWEED_LINE_H

#include <tweed/transport.h>

TW_BEGIN

typedef struct tw_line_protocol tw_line_protocol;

struct tw_line_class {
    const char *delimiter; /* NULL: "\r\n" */
    size_t max_length;     /* without the delimiter; 0: 16384 */
    /* `line` is lent, without its delimiter, not terminated. */
    void (*line_received)(tw_line_protocol *protocol, const char *line, size_t length);
    void (*raw_received)(tw_line_protocol *protocol, const char *data, size_t length);
    /* `start` is all that has come since the line began; it is dropped afterwards. NULL: the
     * connection is closed. */
    void (*line_too_long)(tw_line_protocol *protocol, const char *start, size_t length);
};

struct tw_line_protocol {
    tw_protocol protocol;
    const struct tw_line_class *line_class; /* set by build() or connection_made() */
    char *rest_; /* what came and was not delivered yet */
    size_t rest_length_, rest_size_;
    size_t searched_; /* so far of the rest, without finding a delimiter */
    unsigned raw_ : 1, busy_ : 1, paused_ : 1;
};

/* The functions of a line protocol's class: { "echo", sizeof(struct echo), TW_LINE_PROTOCOL }. */
#define TW_LINE_PROTOCOL .data_received = tw_line_data_received, .released = tw_line_released

/* With a released() of your own, name the two yourself and call the latter from yours. */
TW_API void tw_line_data_received(tw_protocol *protocol, const char *data, size_t length);
TW_API void tw_line_released(tw_protocol *protocol);
/* Write a line and its delimiter. As tw_transport_write(). */
TW_API int tw_line_send(tw_line_protocol *protocol, const char *line, size_t length);
/* From here on raw_received gets all bytes; and back to lines, beginning with `rest`, the bytes
 * that raw_received was given too many. Both may be called from line_received and raw_received;
 * neither of these is entered again while one of them runs. */
TW_API void tw_line_set_raw(tw_line_protocol *protocol);
TW_API void tw_line_set_line(tw_line_protocol *protocol, const char *rest, size_t length);
/* No line is delivered after a pause; a resume delivers those that have come meanwhile. */
TW_API void tw_line_pause(tw_line_protocol *protocol);
TW_API void tw_line_resume(tw_line_protocol *protocol);

TW_END
#endif
