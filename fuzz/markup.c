/* SPDX-License-Identifier: MIT */
/*
 * markup.c - any text: what is taken out of it leaves no more than there was, and nothing to be
 * taken out again where that can be said; base and refresh are URLs.
 */
#include "config.h"

#include "fuzz/target.h"
#include "spider/text/markup.h"
#include "spider/text/page_url.h"

static struct twi_span result(const struct twi_text *text)
{
    return (struct twi_span){ twi_text_string(text), text->length };
}

static void check_page(struct twi_arena *arena, struct twi_span page)
{
    struct tw_url *base = twi_page_base(arena, NULL, page, NULL), *url;
    double seconds;

    if (twi_page_refresh(arena, NULL, page, base, &seconds, &url)) {
        FUZZ_ASSERT(seconds >= 0 && url->href != NULL);
        tw_url_free(url);
    }
    tw_url_free(base);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct twi_span page = { (const char *)data, size }, b = { "b", 1 };
    const struct twi_tag_names none = { 0 }, names = { &b, 1 };
    struct twi_arena arena;
    struct twi_text stripped = { .arena = &arena }, dropped = stripped, bare = stripped,
                    unquoted = stripped;

    twi_arena_init(&arena, 256 << 20);
    twi_strip_tags(&stripped, page, none, none, twi_span_of(""));
    twi_drop_tags(&dropped, page, names);
    twi_strip_comments(&bare, page);
    twi_unquote(&unquoted, page, NULL);
    FUZZ_ASSERT(stripped.length <= size && dropped.length <= size && bare.length <= size);
    FUZZ_ASSERT(unquoted.length <= size);
    twi_strip_comments(&unquoted, result(&bare));
    twi_unescape_attribute(&arena, page);
    check_page(&arena, page);
    twi_arena_free(&arena);
    return 0;
}
