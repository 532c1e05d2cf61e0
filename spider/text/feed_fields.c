/* SPDX-License-Identifier: MIT */
/*
 * feed_fields.c - which members of an item a feed has, under which names.
 */
#include "config.h"

#include <string.h>

#include "spider/text/feed_write.h"

const struct twi_json *twi_feed_value(const struct twi_json *item,
                                      const struct twi_feed_field *field)
{
    const struct twi_json *found = NULL;

    for (const struct twi_json *member = item->first; member != NULL; member = member->next)
        if (member->key_length == field->name_length &&
            memcmp(member->key, field->name, field->name_length) == 0)
            found = member;
    return found;
}

void twi_feed_each_field(const struct twi_feed_writer *writer, const struct twi_json *item,
                         void (*each)(const struct twi_json *value, const char *heading,
                                      size_t length, void *arg),
                         void *arg)
{
    const struct twi_json *value;

    if (writer->fields == NULL) {
        for (value = item->first; value != NULL; value = value->next)
            each(value, value->key, value->key_length, arg);
        return;
    }
    for (size_t i = 0; i < writer->count; i++) {
        const struct twi_feed_field *field = &writer->fields[i];
        value = twi_feed_value(item, field);
        if (value != NULL)
            each(value, field->heading, field->heading_length, arg);
    }
}
