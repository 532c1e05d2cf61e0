/* SPDX-License-Identifier: MIT */
/*
 * virtual.c - linked to an example, makes it run with a virtual clock and connections in
 * memory, and print the number of objects left over.
 */
#include <stdio.h>

#include <tweed/client.h>
#include <tweed/testing.h>

__attribute__((constructor)) static void begin(void)
{
    tw_testing_begin();
}

__attribute__((destructor)) static void end(void)
{
    size_t left;

    tw_agent_close_idle(tw_agent_current());
    tw_testing_settle();
    left = tw_testing_end();
    if (left > 0)
        printf("%zu left over\n", left);
    fflush(stdout);
}
