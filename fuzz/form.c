/* SPDX-License-Identifier: MIT */
/*
 * form.c - forms as servers read them: what was decoded, encoded again, decodes to the same; and a
 * URL keeps what it had when fields are added to it.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <tweed/failure.h>
#include <tweed/form.h>

#include "fuzz/target.h"

enum { MAX_FIELDS = 1000 };

static bool is_text(tw_value bytes)
{
    return strlen(tw_bytes_data(bytes)) == tw_bytes_length(bytes);
}

/* Fields that a C string can hold. */
static size_t fields_of(tw_value form, struct tw_field *fields)
{
    size_t count = 0;

    for (size_t i = 0; i + 1 < tw_list_length(form); i += 2) {
        tw_value name = tw_list_at(form, i), value = tw_list_at(form, i + 1);
        if (is_text(name) && is_text(value))
            fields[count++] = (struct tw_field){ tw_bytes_data(name), tw_bytes_data(value) };
    }
    fields[count] = (struct tw_field){ NULL, NULL };
    return count;
}

static void check_again(const struct tw_field *fields, size_t count)
{
    tw_value text = tw_form_encode(fields);
    tw_value again = tw_form_decode(tw_bytes_data(text), tw_bytes_length(text));

    FUZZ_ASSERT(tw_list_length(again) == 2 * count);
    for (size_t i = 0; i < count; i++) {
        FUZZ_ASSERT(strcmp(tw_bytes_data(tw_list_at(again, 2 * i)), fields[i].name) == 0);
        FUZZ_ASSERT(strcmp(tw_bytes_data(tw_list_at(again, 2 * i + 1)), fields[i].value) == 0);
    }
    for (const char *c = tw_bytes_data(text); *c != '\0'; c++)
        FUZZ_ASSERT(*c > ' ' && *c < 0x7f);
    tw_release(again);
    tw_release(text);
}

static void check_url(const char *url, const struct tw_field *fields)
{
    tw_value with = tw_form_url(url, fields);
    const char *text = tw_bytes_data(with);
    size_t before = strcspn(url, "#");

    FUZZ_ASSERT(strlen(text) >= strlen(url));
    FUZZ_ASSERT(strncmp(text, url, before) == 0);
    FUZZ_ASSERT(strcmp(text + strlen(text) - strlen(url + before), url + before) == 0);
    tw_release(with);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tw_field fields[MAX_FIELDS + 1];
    tw_value form = tw_form_decode((const char *)data, size);
    char *url = malloc(size + 1);

    if (url == NULL)
        return 0;
    memcpy(url, data, size);
    url[size] = '\0';
    if (tw_is_failure(form)) {
        FUZZ_ASSERT(tw_failure_is(form, &tw_error_toolarge));
    } else {
        check_again(fields, fields_of(form, fields));
        check_url(url, fields);
    }
    free(url);
    tw_release(form);
    return 0;
}
