/* SPDX-License-Identifier: MIT */
/*
 * feed_fields.c - which members of an item a feed has, under which names.
 *
 * An item may be any JSON of a page, with a hundred thousand members: finding them is a matter of a
 * sort then. Of members with one name the last one counts.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "spider/text/feed_write.h"

#define FEW 256 /* comparisons that cost less than a sort */

struct twi_feed_member {
    const struct twi_json *value;
    size_t place;
};

int twi_feed_compare_names(const char *a, size_t a_length, const char *b, size_t b_length)
{
    if (a_length != b_length)
        return a_length < b_length ? -1 : 1;
    return a_length > 0 ? memcmp(a, b, a_length) : 0;
}

static int compare_members(const void *left, const void *right)
{
    const struct twi_feed_member *a = left, *b = right;
    int order = twi_feed_compare_names(a->value->key, a->value->key_length, b->value->key,
                                       b->value->key_length);

    if (order != 0)
        return order;
    return a->place < b->place ? -1 : a->place > b->place;
}

static struct twi_feed_member *sort_members(struct twi_arena *arena,
                                            const struct twi_json *first, size_t count)
{
    struct twi_feed_member *sorted = twi_arena_alloc(arena, count * sizeof *sorted);
    size_t i = 0;

    if (sorted == NULL)
        return NULL;
    for (; first != NULL; first = first->next, i++)
        sorted[i] = (struct twi_feed_member){ first, i };
    qsort(sorted, count, sizeof *sorted, compare_members);
    return sorted;
}

struct twi_feed_members twi_feed_members_of(struct twi_arena *arena,
                                            const struct twi_json *item, size_t questions)
{
    struct twi_feed_members members = { .first = item->first };

    for (const struct twi_json *one = item->first; one != NULL; one = one->next)
        members.count++;
    if (members.count > 0 && questions > FEW / members.count)
        members.sorted = sort_members(arena, item->first, members.count);
    return members;
}

static bool is_member_named(const struct twi_json *member, const char *name, size_t length)
{
    return twi_feed_compare_names(member->key, member->key_length, name, length) == 0;
}

const struct twi_json *twi_feed_member_named(const struct twi_feed_members *members,
                                             const char *name, size_t length)
{
    const struct twi_json *found = NULL;
    size_t from = 0, to = members->count;

    if (members->sorted == NULL) {
        for (const struct twi_json *one = members->first; one != NULL; one = one->next)
            if (is_member_named(one, name, length))
                found = one;
        return found;
    }
    while (from < to) { /* behind the last that is not greater */
        size_t middle = from + (to - from) / 2;
        const struct twi_json *one = members->sorted[middle].value;
        if (twi_feed_compare_names(one->key, one->key_length, name, length) <= 0)
            from = middle + 1;
        else
            to = middle;
    }
    if (from > 0 && is_member_named(members->sorted[from - 1].value, name, length))
        found = members->sorted[from - 1].value;
    return found;
}

/* --- columns ------------------------------------------------------------------------------- */

/* Is this the first member of its name? Neighbours of a name stand in the order of their places. */
static void mark_firsts(const struct twi_feed_member *sorted, size_t count, bool *is_first)
{
    for (size_t i = 0; i < count; i++)
        is_first[sorted[i].place] = i == 0 ||
                                    !is_member_named(sorted[i - 1].value, sorted[i].value->key,
                                                     sorted[i].value->key_length);
}

struct twi_feed_field *twi_feed_columns_of(struct twi_arena *arena,
                                           const struct twi_json *item, size_t *ret_count)
{
    struct twi_feed_members members = twi_feed_members_of(arena, item, FEW + 1);
    struct twi_feed_field *fields = twi_arena_alloc(arena,
                                                    (members.count + 1) * sizeof *fields);
    bool *is_first = twi_arena_alloc(arena, members.count + 1);
    size_t count = 0, i = 0;

    if (fields == NULL || is_first == NULL || arena->failed)
        return NULL;
    mark_firsts(members.sorted, members.count, is_first);
    for (const struct twi_json *one = item->first; one != NULL; one = one->next, i++) {
        if (!is_first[i])
            continue;
        char *name = twi_arena_copy(arena, one->key, one->key_length);
        fields[count++] = (struct twi_feed_field){
            .name = name,
            .heading = name,
            .name_length = one->key_length,
            .heading_length = one->key_length,
        };
    }
    *ret_count = count;
    return arena->failed ? NULL : fields;
}

/* --- the fields of an item ----------------------------------------------------------------- */

struct twi_arena *twi_feed_scratch(const struct twi_feed_writer *writer,
                                   const struct twi_text *out)
{
    return writer->scratch != NULL ? writer->scratch : out->arena;
}

void twi_feed_each_field(const struct twi_feed_writer *writer, const struct twi_json *item,
                         struct twi_text *out,
                         void (*each)(const struct twi_json *value, const char *heading,
                                      size_t length, void *arg))
{
    struct twi_feed_members members;
    const struct twi_json *value;

    if (writer->fields == NULL) {
        for (value = item->first; value != NULL; value = value->next)
            each(value, value->key, value->key_length, out);
        return;
    }
    members = twi_feed_members_of(twi_feed_scratch(writer, out), item, writer->count);
    for (size_t i = 0; i < writer->count; i++) {
        const struct twi_feed_field *field = &writer->fields[i];
        value = twi_feed_member_named(&members, field->name, field->name_length);
        if (value != NULL)
            each(value, field->heading, field->heading_length, out);
    }
}
