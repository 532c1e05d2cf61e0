/* SPDX-License-Identifier: MIT */
/*
 * process_wire.c - frames, and the functions and classes that have names.
 */
#include "config.h"

#include <errno.h>

#include "reactor/process/process_wire.h"

/* --- frames ------------------------------------------------------------------------------- */

int twi_frame_begin(struct twi_buf *buf, enum twi_process_frame kind, size_t *ret_start)
{
    char head[TWI_FRAME_HEAD + 1] = { 0 };

    head[TWI_FRAME_HEAD] = (char)kind;
    *ret_start = buf->length;
    return twi_buf_append(buf, head, sizeof head);
}

void twi_frame_end(struct twi_buf *buf, size_t start)
{
    uint32_t length = (uint32_t)(buf->length - start - TWI_FRAME_HEAD);

    memcpy(buf->data + start, &length, sizeof length);
}

int twi_frame_read(const char *data, size_t length, size_t limit, const char **ret_at,
                   const char **ret_end)
{
    uint32_t content;

    if (length < TWI_FRAME_HEAD)
        return 0;
    memcpy(&content, data, sizeof content);
    if (content == 0 || content > limit)
        return -EBADMSG;
    if (length - TWI_FRAME_HEAD < content)
        return 0;
    *ret_at = data + TWI_FRAME_HEAD;
    *ret_end = data + TWI_FRAME_HEAD + content;
    return 1;
}

/* --- names -------------------------------------------------------------------------------- */

/* Written before main() and before threads, then only read. */
static struct tw_process_entry *functions;

void tw_process_register(struct tw_process_entry *entry)
{
    entry->next = functions;
    functions = entry;
}

const struct tw_process_entry *twi_process_function(const char *name, size_t length)
{
    const struct tw_process_entry *entry = functions;

    while (entry != NULL &&
           (strlen(entry->name) != length || memcmp(entry->name, name, length) != 0))
        entry = entry->next;
    return entry;
}

void tw_process_register_error(struct tw_process_error *error)
{
    _Static_assert(sizeof(struct tw_process_error) == sizeof(struct twi_wire_class),
                   "the same, under another name");
    twi_wire_add_class((struct twi_wire_class *)(void *)error);
}
