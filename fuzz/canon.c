/* SPDX-License-Identifier: MIT */
/*
 * canon.c - any URL: its canonical form is one, and its own canonical form; a parameter that was
 * set is there; data: URLs are read within their bounds.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "fuzz/target.h"
#include "spider/text/canon.h"
#include "spider/text/data_url.h"
#include "spider/text/query.h"

static void check_canonical(struct twi_arena *arena, const struct tw_url *url,
                            const struct twi_canon_options *options)
{
    const char *once = twi_canon_url(arena, url, options), *twice;
    struct tw_url *again;

    FUZZ_ASSERT(once != NULL || arena->failed);
    if (once == NULL || tw_url_parse(once, strlen(once), NULL, &again, NULL) == -E2BIG)
        return;
    FUZZ_ASSERT(again != NULL);
    twice = twi_canon_url(arena, again, options);
    FUZZ_ASSERT(twice == NULL || strcmp(once, twice) == 0);
    FUZZ_ASSERT(strcmp(again->hostname, url->hostname) == 0);
    tw_url_free(again);
}

static void check_query(struct twi_arena *arena, struct twi_span text)
{
    struct twi_query_value value = { .name = twi_span_of("a b"), .value = twi_span_of("&=") };
    struct twi_span set = twi_query_set(arena, text, '&', &value, 1), got, drop;
    struct twi_query_clean clean = { .drop = &drop, .drop_count = 1 };

    if (arena->failed)
        return;
    FUZZ_ASSERT(twi_query_get(arena, set, '&', twi_span_of("a b"), &got));
    FUZZ_ASSERT(twi_span_is(got, "&="));
    drop = twi_span_of("a+b");
    set = twi_query_clean(arena, set, '&', &clean);
    FUZZ_ASSERT(!twi_query_get(arena, set, '&', twi_span_of("a b"), &got));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct twi_canon_options options = { 0 };
    struct twi_arena arena;
    struct twi_data_url held;
    struct tw_url *url;

    if (size < 1)
        return 0;
    options.keep_fragment = data[0] & 1;
    options.drop_blank = data[0] & 2;
    options.separator = data[0] & 4 ? ';' : 0;
    twi_arena_init(&arena, 64 << 20);
    if (tw_url_parse(text + 1, size - 1, NULL, &url, NULL) == 0) {
        check_canonical(&arena, url, &options);
        tw_url_free(url);
    }
    check_query(&arena, (struct twi_span){ text + 1, size - 1 });
    twi_data_url_read(&arena, (struct twi_span){ text + 1, size - 1 }, &held);
    twi_arena_free(&arena);
    return 0;
}
