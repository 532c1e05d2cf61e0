/* SPDX-License-Identifier: MIT */
/*
 * bytes.c - counted, immutable bytes: one allocation, header in front of the data.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <tweed/failure.h>

#include "base/alloc.h"
#include "base/bytes.h"

struct bytes {
    size_t references;
    size_t length;
    char data[];
};

static void bytes_retain(void *object)
{
    struct bytes *bytes = object;
    bytes->references++;
}

static void bytes_release(void *object)
{
    struct bytes *bytes = object;
    if (--bytes->references == 0)
        twi_free(bytes);
}

/* The most characters that are shown. */
enum { SHOWN = 40 };

static int bytes_format(void *object, char *text, size_t size)
{
    const struct bytes *bytes = object;
    char shown[SHOWN + 1];
    size_t count = bytes->length < SHOWN ? bytes->length : SHOWN;

    for (size_t i = 0; i < count; i++)
        shown[i] = bytes->data[i] >= ' ' && bytes->data[i] <= '~' ? bytes->data[i] : '.';
    shown[count] = '\0';
    return snprintf(text, size, "\"%s\"%s (%zu bytes)", shown,
                    bytes->length > SHOWN ? "..." : "", bytes->length);
}

const tw_type tw_type_bytes = { "bytes", bytes_retain, bytes_release, bytes_format };

tw_value tw_bytes_new(size_t length, char **ret_data)
{
    struct bytes *bytes = NULL;

    if (length <= SIZE_MAX - sizeof *bytes - 1)
        bytes = twi_malloc(sizeof *bytes + length + 1);
    *ret_data = NULL;
    if (bytes == NULL)
        return tw_fail_memory();
    bytes->references = 1;
    bytes->length = length;
    bytes->data[length] = '\0';
    *ret_data = bytes->data;
    return tw_value_of(&tw_type_bytes, bytes);
}

tw_value tw_bytes(const void *data, size_t length)
{
    char *place;
    tw_value bytes = tw_bytes_new(length, &place);

    if (place != NULL && length > 0)
        memcpy(place, data, length);
    return bytes;
}

int twi_bytes_resize(tw_value *value, size_t length, char **ret_data)
{
    struct bytes *bytes = value->as.pointer;

    if (length > SIZE_MAX / 2)
        return -ENOMEM;
    bytes = twi_realloc(bytes, sizeof *bytes + length + 1);
    if (bytes == NULL)
        return -ENOMEM;
    bytes->length = length;
    bytes->data[length] = '\0';
    value->as.pointer = bytes;
    *ret_data = bytes->data;
    return 0;
}

tw_value tw_string(const char *text)
{
    return text != NULL ? tw_bytes(text, strlen(text)) : tw_bytes("", 0);
}

tw_value tw_bytes_format(const char *format, ...)
{
    va_list args;
    char *place = NULL;
    tw_value bytes;
    int length;

    va_start(args, format);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        return tw_fail(&tw_error_misuse, "a format that cannot be printed: %s", format);
    bytes = tw_bytes_new((size_t)length, &place);
    if (place == NULL)
        return bytes;
    va_start(args, format);
    vsnprintf(place, (size_t)length + 1, format, args);
    va_end(args);
    return bytes;
}

const char *tw_bytes_data(tw_value value)
{
    const struct bytes *bytes = tw_value_object(value, &tw_type_bytes);
    return bytes != NULL ? bytes->data : "";
}

size_t tw_bytes_length(tw_value value)
{
    const struct bytes *bytes = tw_value_object(value, &tw_type_bytes);
    return bytes != NULL ? bytes->length : 0;
}
