/* SPDX-License-Identifier: MIT */
/*
 * feed_item.c - an item as bytes of a feed, and the columns of CSV.
 *
 * An item comes as JSON. Where the format is JSON and all fields are wanted it is not read again.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/failure.h>

#include "spider/job/feed_core.h"

/* --- bytes --------------------------------------------------------------------------------- */

static int bytes_reserve(struct feed_bytes *bytes, size_t extra)
{
    size_t size = bytes->size > 0 ? bytes->size : 4096;
    char *data;

    if (extra <= bytes->size - bytes->length)
        return 0;
    if (extra > PTRDIFF_MAX / 2 - bytes->length)
        return -ENOMEM;
    while (size - bytes->length < extra)
        size *= 2;
    data = realloc(bytes->data, size);
    if (data == NULL)
        return -ENOMEM;
    bytes->data = data;
    bytes->size = size;
    return 0;
}

int twi_feed_put_bytes(struct twi_feed *feed, const char *data, size_t length)
{
    struct feed_bytes *bytes = &feed->bytes;
    int r = bytes_reserve(bytes, length);

    if (r < 0)
        return r;
    if (length > 0)
        memcpy(bytes->data + bytes->length, data, length);
    bytes->length += length;
    return 0;
}

static int bytes_put_text(struct twi_feed *feed, const char *text)
{
    return twi_feed_put_bytes(feed, text, strlen(text));
}

/* --- fields -------------------------------------------------------------------------------- */

static int compare_fields(const void *left, const void *right)
{
    const struct twi_feed_field *a = left, *b = right;

    return twi_feed_compare_names(a->name, a->name_length, b->name, b->name_length);
}

static struct twi_feed_field *sorted_copy(struct twi_arena *arena,
                                          const struct twi_feed_field *fields, size_t count)
{
    struct twi_feed_field *sorted = twi_arena_alloc(arena, (count + 1) * sizeof *sorted);

    if (sorted == NULL)
        return NULL;
    memcpy(sorted, fields, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_fields);
    return sorted;
}

/* Take over the strings of a list as the writer's fields, in `arena`. */
static int take_list(struct twi_feed *feed, struct twi_arena *arena,
                     const struct twi_json *list)
{
    struct twi_feed_field *fields;
    size_t count = 0;

    for (const struct twi_json *one = list->first; one != NULL; one = one->next)
        count++;
    fields = twi_arena_alloc(arena, (count + 1) * sizeof *fields);
    if (fields == NULL)
        return -ENOMEM;
    count = 0;
    for (const struct twi_json *one = list->first; one != NULL; one = one->next) {
        char *name = twi_arena_copy(arena, one->text, one->length);
        if (name == NULL)
            return -ENOMEM;
        fields[count++] = (struct twi_feed_field){
            .name = name,
            .heading = name,
            .name_length = one->length,
            .heading_length = one->length,
        };
    }
    feed->writer.fields = fields;
    feed->writer.count = count;
    feed->sorted = sorted_copy(arena, fields, count);
    return feed->sorted != NULL ? 0 : -ENOMEM;
}

static int keep_columns(struct twi_feed *feed, const char *columns)
{
    char *copy = strdup(columns);

    if (copy == NULL)
        return -ENOMEM;
    if (feed->columns != feed->committed_columns)
        free(feed->columns);
    feed->columns = copy;
    feed->now.columns = copy;
    return 0;
}

static int keep_list(struct twi_feed *feed, const struct twi_json *list)
{
    struct twi_text text = { .arena = &feed->scratch };

    twi_json_write(&text, list);
    return feed->scratch.failed ? -ENOMEM : keep_columns(feed, twi_text_string(&text));
}

int twi_feed_take_fields(struct twi_feed *feed, const char *const *names)
{
    struct twi_json *list;
    int r;

    if (names == NULL)
        return 0;
    twi_arena_reset(&feed->scratch);
    list = twi_json_new(&feed->scratch, TWI_JSON_LIST);
    for (; *names != NULL; names++)
        twi_json_append(list, twi_json_string(&feed->scratch, *names, strlen(*names)));
    if (feed->scratch.failed)
        return -ENOMEM;
    feed->has_own_fields = true;
    r = take_list(feed, &feed->lasting, list);
    if (r == 0 && feed->name.kind == TWI_FEED_CSV)
        r = keep_list(feed, list);
    return r;
}

int twi_feed_take_columns(struct twi_feed *feed, const char *columns, tw_value *ret_failure)
{
    struct twi_json_error error;
    const struct twi_json *list;
    int r;

    if (feed->has_own_fields) {
        if (strcmp(feed->columns, columns) == 0)
            return 0;
        return twi_feed_refuse(ret_failure, EINVAL,
                               "feed %s: its columns are %s, but the fields "
                               "that are asked for now are %s",
                               feed->name.pattern, columns, feed->columns);
    }
    twi_arena_reset(&feed->scratch);
    list = twi_json_read(&feed->scratch, columns, strlen(columns), &error);
    if (list == NULL)
        return twi_feed_refuse(ret_failure, feed->scratch.failed ? ENOMEM : EINVAL,
                               "feed %s: its columns can't be read: %s", feed->name.pattern,
                               error.why);
    r = take_list(feed, &feed->fields, list);
    if (r == 0)
        r = keep_columns(feed, columns);
    return r < 0 ? twi_feed_system(ret_failure, r, "", "") : 0;
}

/* The members of the first item, each once. */
static int take_first_item(struct twi_feed *feed, const struct twi_json *item)
{
    struct twi_json *list = twi_json_new(&feed->scratch, TWI_JSON_LIST);
    size_t count = 0;
    const struct twi_feed_field *fields = twi_feed_columns_of(&feed->scratch, item, &count);
    int r;

    for (size_t i = 0; fields != NULL && i < count; i++)
        twi_json_append(
            list, twi_json_string(&feed->scratch, fields[i].name, fields[i].name_length));
    if (feed->scratch.failed)
        return -ENOMEM;
    r = take_list(feed, &feed->fields, list);
    return r < 0 ? r : keep_list(feed, list);
}

void twi_feed_drop_columns(struct twi_feed *feed)
{
    if (feed->columns == feed->committed_columns)
        return;
    free(feed->columns);
    feed->columns = feed->committed_columns;
    feed->now.columns = feed->columns;
    feed->writer.fields = NULL;
    feed->writer.count = 0;
    twi_arena_reset(&feed->fields);
}

static bool has_column(const struct twi_feed *feed, const struct twi_json *member)
{
    const struct twi_feed_field field = { .name = member->key,
                                          .name_length = member->key_length };

    return bsearch(&field, feed->sorted, feed->writer.count, sizeof field, compare_fields) !=
           NULL;
}

/* Later items may have members that the first had not. */
static void count_unknown(struct twi_feed *feed, const struct twi_json *item)
{
    for (const struct twi_json *member = item->first; member != NULL; member = member->next) {
        if (has_column(feed, member))
            continue;
        feed->unknown++;
        if (feed->unknown_name == NULL)
            feed->unknown_name = strdup(member->key);
    }
}

/* --- items --------------------------------------------------------------------------------- */

static bool is_json(const struct twi_feed *feed)
{
    return feed->name.kind == TWI_FEED_JSONL || feed->name.kind == TWI_FEED_JSON;
}

/* As it is: on one line, as the writer makes them. */
static bool is_one_line(const char *json, size_t length)
{
    return length >= 2 && json[0] == '{' && json[length - 1] == '}' &&
           memchr(json, '\n', length) == NULL;
}

static int put_as_it_is(struct twi_feed *feed, const char *json, size_t length, bool is_first)
{
    int r = bytes_reserve(&feed->bytes, length + 8);

    if (r < 0)
        return r;
    if (feed->name.kind == TWI_FEED_JSON)
        bytes_put_text(feed, is_first ? "\n" : ",\n");
    twi_feed_put_bytes(feed, json, length);
    if (feed->name.kind == TWI_FEED_JSONL)
        bytes_put_text(feed, "\n");
    return 0;
}

static int put_read(struct twi_feed *feed, const char *json, size_t length, bool is_first,
                    tw_value *ret_failure)
{
    struct twi_text out = { .arena = &feed->scratch };
    struct twi_json_error error;
    const struct twi_json *item = twi_json_read(&feed->scratch, json, length, &error);
    int r;

    if (item == NULL && !feed->scratch.failed)
        return twi_feed_refuse(ret_failure, EINVAL,
                               "feed %s: an item is no JSON: byte %zu: %s", feed->name.pattern,
                               error.at + 1, error.why);
    if (item != NULL && item->kind != TWI_JSON_OBJECT)
        return twi_feed_refuse(ret_failure, EINVAL, "feed %s: an item is no object",
                               feed->name.pattern);
    r = item == NULL ? -ENOMEM : 0;
    if (r == 0 && feed->name.kind == TWI_FEED_CSV && feed->writer.fields == NULL)
        r = take_first_item(feed, item);
    if (r < 0)
        return twi_feed_system(ret_failure, r, "", "");
    if (feed->name.kind == TWI_FEED_CSV && !feed->has_own_fields)
        count_unknown(feed, item);
    feed->writer.items = is_first ? 0 : 1;
    twi_feed_item(&feed->writer, item, &out);
    r = feed->scratch.failed ? -ENOMEM : twi_feed_put_bytes(feed, out.data, out.length);
    return r < 0 ? twi_feed_system(ret_failure, r, "", "") : 0;
}

static int put_json(struct twi_feed *feed, const char *json, size_t length, bool is_first,
                    tw_value *ret_failure)
{
    int r;

    if (!is_json(feed) || feed->writer.fields != NULL || !is_one_line(json, length))
        return put_read(feed, json, length, is_first, ret_failure);
    r = put_as_it_is(feed, json, length, is_first);
    return r < 0 ? twi_feed_system(ret_failure, r, "", "") : 0;
}

/* For a database: ["id",{...}] and the end of the line. */
static int put_pair(struct twi_feed *feed, const char *json, size_t length, const char *id,
                    tw_value *ret_failure)
{
    struct twi_text text = { .arena = &feed->scratch };
    int r;

    twi_text_puts(&text, "[");
    twi_json_write_string(&text, id, strlen(id));
    twi_text_puts(&text, ",");
    r = feed->scratch.failed ? -ENOMEM : twi_feed_put_bytes(feed, text.data, text.length);
    if (r == 0)
        r = put_json(feed, json, length, true, ret_failure);
    else
        twi_feed_system(ret_failure, r, "", "");
    if (r < 0)
        return r;
    feed->bytes.length--; /* the end of its line */
    r = bytes_put_text(feed, "]\n");
    return r < 0 ? twi_feed_system(ret_failure, r, "", "") : 0;
}

int twi_feed_put_item(struct twi_feed *feed, const char *json, size_t length, const char *id,
                      bool is_first, tw_value *ret_failure)
{
    twi_arena_reset(&feed->scratch);
    if (feed->name.is_sqlite)
        return put_pair(feed, json, length, id, ret_failure);
    return put_json(feed, json, length, is_first, ret_failure);
}
