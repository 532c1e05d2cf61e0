/* SPDX-License-Identifier: MIT */
/*
 * css.c - any text as a selector, on a small page: it is refused with a place, or what it finds is
 * in order.
 */
#include "config.h"

#include <string.h>

#include "fuzz/target.h"
#include "spider/text/css.h"

static const char page[] =
    "<html lang=en><body><div id=a class='b c'><p>x<a href=/y rel=z>y</a><a>w</a></p><p></p>"
    "<input type=checkbox checked disabled><fieldset disabled><legend><input></legend><input>"
    "</fieldset></div><ul dir=auto><li>1<li class=b>2<li>3</ul></body></html>";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct twi_prefix prefix = { "n", "http://www.w3.org/1999/xhtml", NULL };
    struct twi_arena arena;
    struct twi_tree tree;
    struct twi_css_error error = { 0 };
    const struct twi_css *css;
    struct twi_found_list list = { .arena = &arena };
    uint32_t contexts[2];
    bool limit;

    twi_arena_init(&arena, (size_t)64 << 20);
    FUZZ_ASSERT(twi_tree_read_html(&tree, &arena, page, strlen(page), 0));
    css = twi_css_compile(&arena, (const char *)data, size, &prefix, &error);
    FUZZ_ASSERT(css != NULL || (error.why != NULL && error.at >= 1 && error.at <= size + 1));
    contexts[0] = twi_tree_root(&tree);
    contexts[1] = 3;
    if (css != NULL && twi_css_select(css, &tree, contexts, 2, &list, &limit))
        for (size_t i = 1; i < list.count; i++)
            FUZZ_ASSERT(list.items[i - 1].node < list.items[i].node ||
                        list.items[i - 1].attr < list.items[i].attr);
    twi_arena_free(&arena);
    return 0;
}
