/*
 * line.h - protocols made of lines.
 *
 * Begin your struct with a tw_line_protocol, your class with TW_LINE_PROTOCOL and keep a
 * tw_line_class beside it. After Twisted's LineReceiver.
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
    /* Default: the connection is closed. */
    void (*line_too_long)(tw_line_protocol *protocol, const char *start, size_t length);
};

struct tw_line_protocol {
    tw_protocol protocol;
    const struct tw_line_class *line_class; /* set by build() or connection_made() */
    char *rest_;
    size_t rest_length_, rest_size_;
    unsigned raw_ : 1, busy_ : 1, paused_ : 1, losing_ : 1;
};

/* data_received and released of a line protocol; call the latter from your own released(). */
TW_API void tw_line_data_received(tw_protocol *protocol, const char *data, size_t length);
TW_API void tw_line_released(tw_protocol *protocol);
/* Write a line and its delimiter. As tw_transport_write(). */
TW_API int tw_line_send(tw_line_protocol *protocol, const char *line, size_t length);
/* From here on raw_received gets everything; and back, with what was not meant for it. */
TW_API void tw_line_set_raw(tw_line_protocol *protocol);
TW_API void tw_line_set_line(tw_line_protocol *protocol, const char *rest, size_t length);
/* Stop and go, at the next line boundary. */
TW_API void tw_line_pause(tw_line_protocol *protocol);
TW_API void tw_line_resume(tw_line_protocol *protocol);

TW_END
#endif
