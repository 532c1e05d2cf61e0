/* SPDX-License-Identifier: MIT */
/*
 * http1_error.c - the one way in which all parts of the parser fail.
 */
#include "config.h"

#include "web/http1/http1_parse.h"

int twi_http1_fail(struct twi_http1 *parser, const tw_error_class *error_class, int status,
                   const char *text)
{
    parser->error.error_class = error_class;
    parser->error.status = status;
    parser->error.text = text;
    parser->state_ = TWI_H1_FAILED;
    parser->keep_alive = false;
    twi_http1_drop_held(parser);
    return -1;
}

int twi_http1_fail_memory(struct twi_http1 *parser)
{
    return twi_http1_fail(parser, &tw_error_memory, 503, "out of memory");
}
