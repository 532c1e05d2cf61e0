/* SPDX-License-Identifier: MIT */
/*
 * tree.c - any bytes as a page or as XML: the tree is sound, and can be written. The first byte
 * chooses.
 */
#include "config.h"

#include "fuzz/target.h"
#include "spider/text/tree.h"

static void check_node(const struct twi_tree *tree, uint32_t i)
{
    const struct twi_node *node = &tree->nodes[i], *parent = &tree->nodes[node->parent];

    FUZZ_ASSERT(node->parent < i && node->previous < i);
    FUZZ_ASSERT(node->end > i && node->end <= parent->end);
    FUZZ_ASSERT(node->previous == 0 || tree->nodes[node->previous].end == i);
    FUZZ_ASSERT(node->previous == 0 || tree->nodes[node->previous].parent == node->parent);
    if (node->kind == TWI_NODE_ELEMENT) {
        FUZZ_ASSERT(node->name < tree->atom_count && node->space < tree->space_count);
        FUZZ_ASSERT(node->attrs + node->attr_count <= tree->attr_count);
    } else {
        FUZZ_ASSERT(node->end == i + 1 && node->text[node->length] == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct twi_arena arena;
    struct twi_text out = { .arena = &arena };
    struct twi_tree tree;
    bool is_read;

    if (size < 1)
        return 0;
    twi_arena_init(&arena, (size_t)64 << 20);
    is_read = data[0] % 2 == 0
                  ? twi_tree_read_html(&tree, &arena, (const char *)data + 1, size - 1,
                                       data[0] % 4 == 0 ? 0 : TWI_HTML_FRAGMENT)
                  : twi_tree_read_xml(&tree, &arena, (const char *)data + 1, size - 1);
    if (is_read) {
        for (uint32_t i = 1; i < tree.count; i++)
            check_node(&tree, i);
        twi_tree_write(&tree, 0, &out);
        twi_tree_write_outline(&tree, 0, &out);
        twi_tree_strip_spaces(&tree);
        twi_tree_write_text(&tree, 0, &out);
    }
    twi_arena_free(&arena);
    return 0;
}
