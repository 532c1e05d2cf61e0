/* SPDX-License-Identifier: MIT */
/*
 * select_steps.c - any text as a step, on a small page. The first byte chooses what it is.
 */
#include "config.h"

#include <string.h>

#include "fuzz/target.h"
#include "spider/text/select.h"

static const char page[] =
    "<div id=a class='b c'><p>x<a href=/y rel=z>y 12</a><a>w</a></p></div>";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct twi_arena arena;
    struct twi_tree tree;
    struct twi_step first = { .kind = TWI_STEP_CSS, .text = "p", .length = 1 }, step = { 0 };
    struct twi_selector selector = { .tree = &tree };
    struct twi_select_error error = { 0 };
    struct twi_value_list list;

    if (size < 1)
        return 0;
    twi_arena_init(&arena, (size_t)64 << 20);
    list = (struct twi_value_list){ .arena = &arena };
    FUZZ_ASSERT(twi_tree_read_html(&tree, &arena, page, strlen(page), 0));
    step.kind = data[0] % 2 == 0 ? TWI_STEP_XPATH : TWI_STEP_REGEX;
    step.text = twi_arena_copy(&arena, (const char *)data + 1, size - 1);
    step.length = size - 1;
    first.next = &step;
    if (step.text != NULL && !twi_select(&selector, &first, &list, &error))
        FUZZ_ASSERT(error.word != NULL && error.message[0] != 0);
    for (size_t i = 0; i < list.count; i++) {
        struct twi_text out = { .arena = &arena };
        twi_value_write(&tree, &list.items[i], &out);
    }
    twi_selector_close(&selector);
    twi_arena_free(&arena);
    return 0;
}
