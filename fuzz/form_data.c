/* SPDX-License-Identifier: MIT */
/*
 * form_data.c - any bytes as a page: its first form is sent, or there is none.
 */
#include "config.h"

#include <string.h>

#include "fuzz/target.h"
#include "spider/text/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct twi_form_pair set = { .name = { "a", 1 }, .value = { "b", 1 } };
    struct twi_arena arena;
    struct twi_tree tree;
    struct twi_selector selector = { .tree = &tree };
    struct twi_form_options options = { .charset = twi_charset_utf8(),
                                        .set = &set,
                                        .action = "http://h/" };
    struct twi_form_request request;
    struct twi_select_error error = { 0 };

    twi_arena_init(&arena, (size_t)64 << 20);
    if (twi_tree_read_html(&tree, &arena, (const char *)data, size, 0)) {
        if (twi_form_request_make(&selector, &options, &arena, &request, &error))
            FUZZ_ASSERT(strncmp(request.url, "http://h/", 9) == 0 &&
                        (request.type == NULL) == (request.body == NULL));
        else
            FUZZ_ASSERT(error.word != NULL);
    }
    twi_selector_close(&selector);
    twi_arena_free(&arena);
    return 0;
}
