/* SPDX-License-Identifier: MIT */
/* ./talk HOST PORT LINE... - open a connection, say the lines, show the answers: a line is said
 * when something was answered to the one before. */
#include <stdio.h>
#include <stdlib.h>

#include <tweed/tweed.h>

static tw_value talk(void *arg)
{
    char **argv = arg;
    tw_value opened = tw_await(tw_open_connection(argv[1], (unsigned)atoi(argv[2]), NULL));
    tw_stream *stream = tw_stream_of(opened);
    tw_value line;

    if (stream == NULL)
        return opened;
    tw_stream_set_timeout(stream, 10);
    for (argv += 3;; argv += *argv != NULL) {
        line = tw_await(tw_stream_read_line(stream));
        if (!tw_is(line, &tw_type_bytes))
            return line; /* none at the end */
        puts(tw_bytes_data(line));
        tw_drop(&line);
        if (*argv != NULL)
            tw_stream_write_format(stream, "%s\n", *argv);
        else
            tw_stream_write_eof(stream); /* the rest of the answers still comes */
    }
}

int main(int argc, char **argv)
{
    tw_value result;
    int status = 0;

    if (argc < 3) {
        fprintf(stderr, "usage: talk HOST PORT LINE...\n");
        return 2;
    }
    result = tw_block_on(tw_inline_callbacks(talk, argv));
    if (tw_is_failure(result)) {
        fprintf(stderr, "talk: %s\n", tw_failure_message(result));
        status = 1;
    }
    tw_release(result);
    return status;
}
