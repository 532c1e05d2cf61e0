/* SPDX-License-Identifier: MIT */
/*
 * check_form.c - names and values as queries, forms and multipart bodies.
 */
#include "config.h"

#include <string.h>

#include <tweed/failure.h>
#include <tweed/form.h>

#include "tests/test.h"

#define ROW(...) ((const struct tw_field[]){ __VA_ARGS__, { NULL, NULL } })

static const struct {
    struct tw_field fields[3];
    const char *text;
} encoded[] = {
    { { { NULL, NULL } }, "" },
    { { { "q", "wool" } }, "q=wool" },
    { { { "q", "wool & silk" }, { "page", "2" } }, "q=wool+%26+silk&page=2" },
    { { { "a b", NULL } }, "a+b=" },
    { { { "", "" } }, "=" },
    { { { "u", "\xc3\xbc" } }, "u=%C3%BC" },
    { { { "all", "*-._~=+%\r\n" } }, "all=*-._%7E%3D%2B%25%0D%0A" },
};

START_TEST(fields_are_encoded_as_browsers_do)
{
    tw_value text = tw_form_encode(encoded[_i].fields);

    ck_assert_str_eq(tw_bytes_data(text), encoded[_i].text);
    ck_assert_uint_eq(tw_bytes_length(text), strlen(encoded[_i].text));
    tw_release(text);
}
END_TEST

START_TEST(what_was_encoded_is_decoded)
{
    tw_value list = tw_form_decode(encoded[_i].text, strlen(encoded[_i].text));
    const struct tw_field *fields = encoded[_i].fields;
    size_t i = 0;

    for (; fields[i].name != NULL; i++) {
        const char *value = fields[i].value != NULL ? fields[i].value : "";
        ck_assert_str_eq(tw_bytes_data(tw_list_at(list, 2 * i)), fields[i].name);
        ck_assert_str_eq(tw_bytes_data(tw_list_at(list, 2 * i + 1)), value);
    }
    ck_assert_uint_eq(tw_list_length(list), 2 * i);
    tw_release(list);
}
END_TEST

static const struct {
    const char *url, *text;
} urls[] = {
    { "http://a/", "http://a/?q=1" },
    { "http://a/?", "http://a/?q=1" },
    { "http://a/?x=y", "http://a/?x=y&q=1" },
    { "http://a/?x&", "http://a/?x&q=1" },
    { "http://a/#f?g", "http://a/?q=1#f?g" },
    { "http://a/?x#f", "http://a/?x&q=1#f" },
    { "", "?q=1" },
};

START_TEST(fields_go_behind_the_query)
{
    tw_value url = tw_form_url(urls[_i].url, ROW({ "q", "1" }));

    ck_assert_str_eq(tw_bytes_data(url), urls[_i].text);
    tw_release(url);
}
END_TEST

START_TEST(no_fields_leave_a_url_alone)
{
    tw_value url = tw_form_url("http://a/?#f", NULL);

    ck_assert_str_eq(tw_bytes_data(url), "http://a/?#f");
    tw_release(url);
    url = tw_form_encode(NULL);
    ck_assert_str_eq(tw_bytes_data(url), "");
    tw_release(url);
    url = tw_form_url(NULL, ROW({ "q", "1" }));
    ck_assert_str_eq(tw_bytes_data(url), "");
    tw_release(url);
}
END_TEST

START_TEST(odd_forms_are_read)
{
    static const char text[] = "&&a&b=1=2&b=3&=x&%zz=%41&n\0l=\0&";
    tw_value list = tw_form_decode(text, sizeof text - 1);

    ck_assert_uint_eq(tw_list_length(list), 12);
    ck_assert_str_eq(tw_bytes_data(tw_form_get(list, "a")), "");
    ck_assert_str_eq(tw_bytes_data(tw_form_get(list, "b")), "1=2");
    ck_assert_str_eq(tw_bytes_data(tw_form_get(list, "")), "x");
    ck_assert_str_eq(tw_bytes_data(tw_form_get(list, "%zz")), "A");
    ck_assert(tw_is_none(tw_form_get(list, "n")));
    ck_assert_uint_eq(tw_bytes_length(tw_list_at(list, 10)), 3);
    ck_assert(tw_is_none(tw_form_get(list, "c")));
    ck_assert(tw_is_none(tw_form_get(tw_none(), "c")));
    tw_release(list);
}
END_TEST

START_TEST(a_form_has_at_most_a_thousand_fields)
{
    char text[2002];
    tw_value list;

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 == 0 ? 'a' : '&';
    list = tw_form_decode(text, 2000);
    ck_assert_uint_eq(tw_list_length(list), 2000);
    tw_release(list);
    list = tw_form_decode(text, 2002);
    ck_assert(tw_failure_is(list, &tw_error_toolarge));
    tw_release(list);
}
END_TEST

static const struct tw_part parts[] = {
    { .name = "who", .data = "me", .length = 2 },
    { .name = "a\"\r\nb", .filename = "x.bin", .data = "\0\1", .length = 2 },
    { .name = "t", .filename = "t.txt", .content_type = "text/plain" },
    { .name = NULL },
};

#define PIECE(text)            \
    {                          \
        text, sizeof(text) - 1 \
    }

START_TEST(parts_make_a_multipart_body)
{
    static const struct {
        const char *text;
        size_t length;
    } pieces[] = {
        PIECE("\r\nContent-Disposition: form-data; name=\"who\"\r\n\r\nme\r\n--"),
        PIECE("\r\nContent-Disposition: form-data; name=\"a%22%0D%0Ab\"; filename=\"x.bin\""
              "\r\nContent-Type: application/octet-stream\r\n\r\n\0\1\r\n--"),
        PIECE("\r\nContent-Disposition: form-data; name=\"t\"; filename=\"t.txt\""
              "\r\nContent-Type: text/plain\r\n\r\n\r\n--"),
        PIECE("--\r\n"),
    };
    char type[TW_MULTIPART_TYPE_SIZE];
    tw_value body = tw_multipart_encode(parts, type);
    const char *text = tw_bytes_data(body), *boundary = type + 30;

    ck_assert_int_eq(strncmp(type, "multipart/form-data; boundary=", 30), 0);
    ck_assert_uint_eq(strlen(boundary), 32);
    ck_assert_int_eq(strncmp(text, "--", 2), 0);
    text += 2;
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(strncmp(text, boundary, 32), 0);
        text += 32;
        ck_assert_msg(memcmp(text, pieces[i].text, pieces[i].length) == 0, "%zu: %s", i, text);
        text += pieces[i].length;
    }
    ck_assert_ptr_eq(text, tw_bytes_data(body) + tw_bytes_length(body));
    tw_release(body);
}
END_TEST

START_TEST(each_boundary_is_another)
{
    char one[TW_MULTIPART_TYPE_SIZE], two[TW_MULTIPART_TYPE_SIZE];

    tw_release(tw_multipart_encode(parts, one));
    tw_release(tw_multipart_encode(parts, two));
    ck_assert_str_ne(one, two);
}
END_TEST

START_TEST(a_type_cannot_smuggle_a_line)
{
    const struct tw_part bad[] = { { .name = "t", .content_type = "a\r\nb: c" },
                                   { .name = NULL } };
    char type[TW_MULTIPART_TYPE_SIZE];
    tw_value body = tw_multipart_encode(bad, type);

    ck_assert(tw_failure_is(body, &tw_error_misuse));
    tw_release(body);
}
END_TEST

static bool all_of_it(void *arg)
{
    char type[TW_MULTIPART_TYPE_SIZE];
    tw_value values[] = {
        tw_form_encode(ROW({ "q", "wool & silk" })),
        tw_form_url("http://a/", ROW({ "q", "wool & silk" })),
        tw_form_decode("q=wool+%26+silk&page", 20),
        tw_multipart_encode(parts, type),
    };
    bool worked = true;

    (void)arg;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        ck_assert(!tw_is_failure(values[i]) || tw_failure_is(values[i], &tw_error_memory));
        worked = worked && !tw_is_failure(values[i]);
        tw_release(values[i]);
    }
    return worked;
}

START_TEST(no_memory_is_a_failure)
{
    test_each_alloc_failure(all_of_it, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("form");

    TEST_ADD_ROWS(suite, fields_are_encoded_as_browsers_do, encoded);
    TEST_ADD_ROWS(suite, what_was_encoded_is_decoded, encoded);
    TEST_ADD_ROWS(suite, fields_go_behind_the_query, urls);
    TEST_ADD(suite, no_fields_leave_a_url_alone);
    TEST_ADD(suite, odd_forms_are_read);
    TEST_ADD(suite, a_form_has_at_most_a_thousand_fields);
    TEST_ADD(suite, parts_make_a_multipart_body);
    TEST_ADD(suite, each_boundary_is_another);
    TEST_ADD(suite, a_type_cannot_smuggle_a_line);
    TEST_ADD(suite, no_memory_is_a_failure);
    return test_run(suite);
}
