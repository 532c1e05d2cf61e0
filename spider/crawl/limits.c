/* SPDX-License-Identifier: MIT */
/*
 * limits.c - the close conditions as a table of comparisons, and the process's memory.
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "spider/crawl/limits.h"

static bool reached(int64_t limit, int64_t number)
{
    return limit > 0 && number >= limit;
}

const char *twi_limits_reached(const struct twi_limits *limits,
                               const struct twi_limits_state *state)
{
    if (reached(limits->max_items, state->items))
        return "closespider_itemcount";
    if (reached(limits->max_pages, state->pages))
        return "closespider_pagecount";
    if (reached(limits->max_errors, state->errors))
        return "closespider_errorcount";
    if (reached(limits->max_pages_no_item, state->pages_since_item))
        return "closespider_pagecount_no_item";
    if (limits->max_seconds > 0 && state->seconds >= limits->max_seconds)
        return "closespider_timeout";
    if (limits->max_seconds_no_item > 0 &&
        state->seconds_since_item >= limits->max_seconds_no_item)
        return "closespider_timeout_no_item";
    if (reached(limits->max_memory, state->memory))
        return "memusage_exceeded";
    if (reached(limits->max_seen_memory, state->seen * TWI_SEEN_BYTES))
        return "seen_memory_exceeded";
    return NULL;
}

int64_t twi_memory_resident(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file == NULL)
        return 0;
    if (fscanf(file, "%*s %ld", &pages) != 1)
        pages = 0;
    fclose(file);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

int64_t twi_memory_peak(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? (int64_t)usage.ru_maxrss * 1024 : 0;
}
