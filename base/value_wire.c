/* SPDX-License-Identifier: MIT */
/*
 * value_wire.c - values as bytes and back.
 *
 * A tag, then its content. Lengths and counts are checked against the bytes that are really
 * there before anything is allocated, so that a message takes no more memory than a few times
 * its own length.
 */
#include "config.h"

#include <errno.h>

#include "base/value_list.h"
#include "base/value_wire.h"

enum tag {
    TAG_NONE = 'n',
    TAG_INTEGER = 'i', /* zigzag number */
    TAG_DOUBLE = 'd',  /* 8 bytes of this machine */
    TAG_BYTES = 'b',   /* length, bytes */
    TAG_LIST = 'l',    /* count, values */
    TAG_FAILURE = 'f', /* names, each as bytes; message; number; cause; value */
};

/* --- numbers ------------------------------------------------------------------------------ */

int twi_wire_put_number(struct twi_buf *buf, uint64_t number)
{
    char bytes[TWI_WIRE_LENGTH_SIZE];
    size_t length = 0;

    while (number >= 0x80) {
        bytes[length++] = (char)(number | 0x80);
        number >>= 7;
    }
    bytes[length++] = (char)number;
    return twi_buf_append(buf, bytes, length);
}

int twi_wire_get_number(const char **at, const char *end, uint64_t *ret_number)
{
    const char *p = *at;
    uint64_t number = 0;

    for (unsigned shift = 0; p < end && shift < 64; shift += 7) {
        unsigned char byte = (unsigned char)*p++;

        if (shift == 63 && byte > 1)
            break;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *at = p;
            *ret_number = number;
            return 0;
        }
    }
    return -EBADMSG;
}

static uint64_t zigzag(int64_t integer)
{
    return ((uint64_t)integer << 1) ^ (integer < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t number)
{
    return (int64_t)((number >> 1) ^ (UINT64_C(0) - (number & 1)));
}

int twi_wire_put_bytes(struct twi_buf *buf, const void *data, size_t length)
{
    int r = twi_wire_put_number(buf, length);

    return r < 0 ? r : twi_buf_append(buf, data, length);
}

int twi_wire_get_bytes(const char **at, const char *end, const char **ret_data,
                       size_t *ret_length)
{
    const char *p = *at;
    uint64_t length;

    if (twi_wire_get_number(&p, end, &length) < 0 || length > (uint64_t)(end - p))
        return -EBADMSG;
    *ret_data = p;
    *ret_length = (size_t)length;
    *at = p + length;
    return 0;
}

/* --- classes of failures ------------------------------------------------------------------ */

static const tw_error_class *const own_classes[] = {
    &tw_error,
    &tw_error_memory,
    &tw_error_cancelled,
    &tw_error_abandoned,
    &tw_error_timeout,
    &tw_error_misuse,
    &tw_error_already_called,
    &tw_error_first,
    &tw_error_group,
    &tw_error_queue_full,
    &tw_error_queue_empty,
    &tw_error_system,
    &tw_error_url,
    &tw_error_dns,
    &tw_error_connect,
    &tw_error_connect_refused,
    &tw_error_connect_no_route,
    &tw_error_connect_bind,
    &tw_error_connect_timeout,
    &tw_error_connection,
    &tw_error_connection_done,
    &tw_error_connection_lost,
    &tw_error_connection_aborted,
    &tw_error_tls,
    &tw_error_protocol,
    &tw_error_empty,
    &tw_error_partial,
    &tw_error_encoding,
    &tw_error_redirect,
    &tw_error_toolarge,
    &tw_error_status,
    &tw_error_closed,
    &tw_error_process,
    &tw_error_process_start,
    &tw_error_process_done,
    &tw_error_process_terminated,
    &tw_error_process_errors,
    &tw_error_worker_lost,
    &tw_error_cache,
};

static struct twi_wire_class *added_classes;

void twi_wire_add_class(struct twi_wire_class *entry)
{
    entry->next = added_classes;
    added_classes = entry;
}

static bool has_name(const tw_error_class *error_class, const char *name, size_t length)
{
    return strlen(error_class->name) == length && memcmp(error_class->name, name, length) == 0;
}

static const tw_error_class *class_named(const char *name, size_t length)
{
    for (const struct twi_wire_class *entry = added_classes; entry != NULL;
         entry = entry->next)
        if (has_name(entry->error_class, name, length))
            return entry->error_class;
    for (size_t i = 0; i < sizeof own_classes / sizeof own_classes[0]; i++)
        if (has_name(own_classes[i], name, length))
            return own_classes[i];
    return NULL;
}

/* The name of the class, then of its parents, so that the reader takes the first it knows. */
static int put_class(struct twi_buf *buf, const tw_error_class *error_class)
{
    const tw_error_class *each = error_class;
    size_t count = 0;
    int r;

    for (; each != NULL && count < TWI_WIRE_ANCESTORS; each = each->parent)
        count++;
    r = twi_wire_put_number(buf, count);
    for (each = error_class; r == 0 && count > 0; each = each->parent, count--)
        r = twi_wire_put_bytes(buf, each->name, strnlen(each->name, TWI_WIRE_NAME_LENGTH));
    return r;
}

struct class_read {
    const tw_error_class *known;
    const char *name; /* as sent, when the class itself is not known; else NULL */
    size_t name_length;
};

static int get_class(const char **at, const char *end, struct class_read *ret)
{
    struct class_read read = { .known = NULL };
    uint64_t count;

    if (twi_wire_get_number(at, end, &count) < 0 || count == 0 || count > TWI_WIRE_ANCESTORS)
        return -EBADMSG;
    for (uint64_t i = 0; i < count; i++) {
        const char *name;
        size_t length;

        if (twi_wire_get_bytes(at, end, &name, &length) < 0 || length > TWI_WIRE_NAME_LENGTH)
            return -EBADMSG;
        if (read.known == NULL)
            read.known = class_named(name, length);
        if (i == 0 && read.known == NULL) {
            read.name = name;
            read.name_length = length;
        }
    }
    if (read.known == NULL)
        read.known = &tw_error;
    *ret = read;
    return 0;
}

/* --- writing ------------------------------------------------------------------------------ */

static int wire_put(struct twi_buf *buf, tw_value value, size_t limit, unsigned depth);

static int put_list(struct twi_buf *buf, tw_value list, size_t limit, unsigned depth)
{
    size_t length = tw_list_length(list);
    int r = twi_wire_put_number(buf, length);

    for (size_t i = 0; r == 0 && i < length; i++)
        r = wire_put(buf, tw_list_at(list, i), limit, depth + 1);
    return r;
}

/* The cause or value of a failure, left out when it cannot travel: the failure still says what
 * happened. */
static int put_attached(struct twi_buf *buf, tw_value value, size_t limit, unsigned depth)
{
    size_t before = buf->length;
    int r = wire_put(buf, value, limit, depth + 1);

    if (r == -EINVAL || r == -ELOOP) {
        buf->length = before;
        r = wire_put(buf, tw_none(), limit, depth + 1);
    }
    return r;
}

static int wire_put_failure(struct twi_buf *buf, tw_value failure, size_t limit,
                            unsigned depth)
{
    const char *message = tw_failure_message(failure);
    int r = put_class(buf, tw_failure_class(failure));

    if (r == 0)
        r = twi_wire_put_bytes(buf, message, strlen(message));
    if (r == 0)
        r = twi_wire_put_number(buf, zigzag(tw_failure_number(failure)));
    if (r == 0)
        r = put_attached(buf, tw_failure_cause(failure), limit, depth);
    if (r == 0)
        r = put_attached(buf, tw_failure_value(failure), limit, depth);
    return r;
}

static int put_content(struct twi_buf *buf, tw_value value, size_t limit, unsigned depth)
{
    if (tw_is(value, &tw_type_integer))
        return twi_wire_put_number(buf, zigzag(value.as.integer));
    if (tw_is(value, &tw_type_double))
        return twi_buf_append(buf, &value.as.real, sizeof value.as.real);
    if (tw_is(value, &tw_type_bytes)) {
        size_t length = tw_bytes_length(value);
        return length > limit ? -EMSGSIZE
                              : twi_wire_put_bytes(buf, tw_bytes_data(value), length);
    }
    if (tw_is(value, &tw_type_list))
        return put_list(buf, value, limit, depth);
    return tw_is_failure(value) ? wire_put_failure(buf, value, limit, depth) : 0;
}

static int tag_of(tw_value value)
{
    static const struct {
        const tw_type *type;
        enum tag tag;
    } tags[] = {
        { &tw_type_none, TAG_NONE },   { &tw_type_integer, TAG_INTEGER },
        { &tw_type_bytes, TAG_BYTES }, { &tw_type_double, TAG_DOUBLE },
        { &tw_type_list, TAG_LIST },   { &tw_type_failure, TAG_FAILURE },
    };

    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
        if (tw_is(value, tags[i].type))
            return (int)tags[i].tag;
    return -EINVAL;
}

static int wire_put(struct twi_buf *buf, tw_value value, size_t limit, unsigned depth)
{
    int tag = tag_of(value), r;
    char byte = (char)tag;

    if (tag < 0)
        return tag;
    if (depth > TWI_WIRE_DEPTH)
        return -ELOOP;
    r = twi_buf_append(buf, &byte, 1);
    if (r == 0)
        r = put_content(buf, value, limit, depth);
    return r == 0 && buf->length > limit ? -EMSGSIZE : r;
}

int twi_wire_put(struct twi_buf *buf, tw_value value, size_t limit)
{
    size_t before = buf->length;
    int r = wire_put(buf, value, limit, 0);

    if (r < 0)
        buf->length = before;
    return r;
}

/* --- reading ------------------------------------------------------------------------------ */

static int wire_get(const char **at, const char *end, unsigned depth, tw_value *ret_value);

/* Store a value that was just made; -ENOMEM when it could not be. */
static int made(tw_value value, const tw_type *type, tw_value *ret_value)
{
    if (!tw_is(value, type))
        return -ENOMEM;
    *ret_value = value;
    return 0;
}

static int get_list(const char **at, const char *end, unsigned depth, tw_value *ret_value)
{
    tw_value list, *items;
    uint64_t count;
    int r = 0;

    /* Each value has at least its tag. */
    if (twi_wire_get_number(at, end, &count) < 0 || count > (uint64_t)(end - *at))
        return -EBADMSG;
    list = twi_list_filled((size_t)count, &items);
    if (items == NULL)
        return -ENOMEM;
    for (uint64_t i = 0; r == 0 && i < count; i++)
        r = wire_get(at, end, depth + 1, &items[i]);
    if (r == 0)
        *ret_value = list;
    else
        tw_release(list);
    return r;
}

/* The message, behind the name of a class that only the sender has. */
static int get_message(const char **at, const char *end, const struct class_read *read,
                       struct twi_buf *text)
{
    const char *message;
    size_t length;
    int r = 0;

    if (twi_wire_get_bytes(at, end, &message, &length) < 0)
        return -EBADMSG;
    if (read->name != NULL) {
        r = twi_buf_append(text, read->name, read->name_length);
        if (r == 0)
            r = twi_buf_append(text, ": ", 2);
    }
    if (r == 0)
        r = twi_buf_append(text, message, length);
    return r == 0 ? twi_buf_append(text, "", 1) : r;
}

static int get_attached(const char **at, const char *end, unsigned depth,
                        struct tw_failure_fields *fields)
{
    int r = wire_get(at, end, depth + 1, &fields->cause);

    if (r == 0 && !tw_is_none(fields->cause) && !tw_is_failure(fields->cause))
        r = -EBADMSG;
    return r == 0 ? wire_get(at, end, depth + 1, &fields->value) : r;
}

static int get_failure(const char **at, const char *end, unsigned depth, tw_value *ret_value)
{
    struct tw_failure_fields fields = { .error_class = NULL };
    struct twi_buf text = { 0 };
    struct class_read read;
    uint64_t number;
    int r = get_class(at, end, &read);

    if (r == 0)
        r = get_message(at, end, &read, &text);
    if (r == 0)
        r = twi_wire_get_number(at, end, &number);
    if (r == 0)
        r = get_attached(at, end, depth, &fields);
    if (r == 0) {
        fields.error_class = read.known;
        fields.message = text.data;
        fields.number = unzigzag(number);
        *ret_value = read.known == &tw_error_memory ? tw_fail_memory() : tw_fail_with(&fields);
        if (read.known != &tw_error_memory)
            fields.cause = fields.value = tw_none();
    }
    tw_release(fields.cause);
    tw_release(fields.value);
    twi_buf_free(&text);
    return r;
}

static int get_scalar(char tag, const char **at, const char *end, tw_value *ret_value)
{
    const char *data;
    size_t length;
    uint64_t number;
    double real;

    if (tag == TAG_INTEGER) {
        if (twi_wire_get_number(at, end, &number) < 0)
            return -EBADMSG;
        *ret_value = tw_integer(unzigzag(number));
    } else if (tag == TAG_DOUBLE) {
        if ((size_t)(end - *at) < sizeof real)
            return -EBADMSG;
        memcpy(&real, *at, sizeof real);
        *at += sizeof real;
        *ret_value = tw_double(real);
    } else {
        if (twi_wire_get_bytes(at, end, &data, &length) < 0)
            return -EBADMSG;
        return made(tw_bytes(data, length), &tw_type_bytes, ret_value);
    }
    return 0;
}

static int wire_get(const char **at, const char *end, unsigned depth, tw_value *ret_value)
{
    char tag;

    if (*at == end || depth > TWI_WIRE_DEPTH)
        return -EBADMSG;
    tag = *(*at)++;
    switch (tag) {
    case TAG_NONE:
        *ret_value = tw_none();
        return 0;
    case TAG_INTEGER:
    case TAG_DOUBLE:
    case TAG_BYTES:
        return get_scalar(tag, at, end, ret_value);
    case TAG_LIST:
        return get_list(at, end, depth, ret_value);
    case TAG_FAILURE:
        return get_failure(at, end, depth, ret_value);
    default:
        return -EBADMSG;
    }
}

int twi_wire_get(const char **at, const char *end, tw_value *ret_value)
{
    const char *p = *at;
    int r = wire_get(&p, end, 0, ret_value);

    if (r == 0)
        *at = p;
    return r;
}
