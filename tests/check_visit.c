/* SPDX-License-Identifier: MIT */
/*
 * check_visit.c - all of a visit is stored and read again; two visits have one key only if they are
 * one.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "spider/crawl/visit.h"
#include "tests/test.h"

static const struct tw_field fields[] = {
    { "A", "1" }, { "B", "" }, { "A", "\xc3\xa4" }, { 0 }
};

/* --- infos --------------------------------------------------------------------------------- */

static const struct {
    struct twi_visit_info info;
    const char *json; /* NULL: none */
} infos[] = {
    { { 0 }, NULL },
    { { .callback = "parse_x" }, "{\"v\":1,\"callback\":\"parse_x\"}" },
    { { .referer = "http://h/\"" }, "{\"v\":1,\"referer\":\"http://h/\\\"\"}" },
    { { .callback = "a", .referer = "b" }, "{\"v\":1,\"callback\":\"a\",\"referer\":\"b\"}" },
    { { .errback = "" }, "{\"v\":1,\"errback\":\"\"}" },
    { { .method = "PUT", .headers = fields },
      "{\"v\":1,\"method\":\"PUT\",\"headers\":[\"A\",\"1\",\"B\",\"\",\"A\",\"\xc3\xa4\"]}" },
    { { .body = "", .body_length = 0 }, "{\"v\":1,\"body\":\"\"}" },
    { { .body = "a\0b", .body_length = 3, .content_type = "x/y" },
      "{\"v\":1,\"type\":\"x/y\",\"body\":\"a\\u0000b\"}" },
    { { .body = "\xff\xfe", .body_length = 2 }, "{\"v\":1,\"body64\":\"//4=\"}" },
    { { .meta = fields, .jar = "j", .proxy = "p:1", .userinfo = "u:p" },
      "{\"v\":1,\"meta\":[\"A\",\"1\",\"B\",\"\",\"A\",\"\xc3\xa4\"],\"userinfo\":\"u:p\","
      "\"jar\":"
      "\"j\",\"proxy\":\"p:1\"}" },
    { { .again = true, .any_status = true, .has_rules = true, .is_trusted = true },
      "{\"v\":1,\"again\":true,\"any_status\":true,\"rules\":true,\"trusted\":true}" },
    { { .callback = "c", .redirects = 3, .tries = 2 },
      "{\"v\":1,\"callback\":\"c\",\"redirects\":3,\"tries\":2}" },
};

static void same_text(const char *a, const char *b)
{
    ck_assert_msg((a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0),
                  "\"%s\" is not \"%s\"", a != NULL ? a : "NULL", b != NULL ? b : "NULL");
}

static void same_fields(const struct tw_field *a, const struct tw_field *b)
{
    ck_assert((a == NULL) == (b == NULL));
    for (; a != NULL && a->name != NULL; a++, b++) {
        ck_assert_str_eq(a->name, b->name);
        ck_assert_str_eq(a->value, b->value);
    }
    ck_assert(b == NULL || b->name == NULL);
}

static void same_info(const struct twi_visit_info *a, const struct twi_visit_info *b)
{
    same_text(a->callback, b->callback);
    same_text(a->errback, b->errback);
    same_text(a->method, b->method);
    same_text(a->content_type, b->content_type);
    same_text(a->userinfo, b->userinfo);
    same_text(a->jar, b->jar);
    same_text(a->proxy, b->proxy);
    same_text(a->referer, b->referer);
    same_fields(a->headers, b->headers);
    same_fields(a->meta, b->meta);
    ck_assert((a->body == NULL) == (b->body == NULL));
    ck_assert_uint_eq(a->body_length, b->body_length);
    ck_assert(a->body == NULL || memcmp(a->body, b->body, a->body_length) == 0);
    ck_assert(a->again == b->again && a->any_status == b->any_status);
    ck_assert(a->has_rules == b->has_rules && a->is_trusted == b->is_trusted);
    ck_assert_uint_eq(a->redirects, b->redirects);
    ck_assert_uint_eq(a->tries, b->tries);
}

START_TEST(an_info_is_written_and_read_again)
{
    struct twi_arena arena;
    struct twi_visit_info info = { .tries = 9 };
    const char *json;

    twi_arena_init(&arena, 0);
    json = twi_visit_write(&arena, &infos[_i].info);
    same_text(json, infos[_i].json);
    ck_assert_int_eq(twi_visit_read(&arena, json, &info), 0);
    same_info(&info, &infos[_i].info);
    twi_arena_free(&arena);
}
END_TEST

START_TEST(an_item_goes_along)
{
    struct twi_arena arena;
    struct twi_json_error error;
    struct twi_visit_info info = { 0 }, again;
    struct twi_text text = { .arena = &arena };

    twi_arena_init(&arena, 0);
    info.item = twi_json_read(&arena, "{\"a\":[1,{\"b\":null}]}", 20, &error);
    ck_assert_int_eq(twi_visit_read(&arena, twi_visit_write(&arena, &info), &again), 0);
    twi_json_write(&text, again.item);
    ck_assert_str_eq(twi_text_string(&text), "{\"a\":[1,{\"b\":null}]}");
    twi_arena_free(&arena);
}
END_TEST

static const char *const unreadable[] = {
    "",
    "{",
    "[]",
    "1",
    "{\"callback\":\"a\"}",
    "{\"v\":2,\"callback\":\"a\"}",
    "{\"v\":1,\"body64\":\"*\"}",
};

START_TEST(an_info_of_another_version_is_refused)
{
    struct twi_arena arena;
    struct twi_visit_info info;

    twi_arena_init(&arena, 0);
    ck_assert_int_eq(twi_visit_read(&arena, unreadable[_i], &info), -EINVAL);
    ck_assert_ptr_null(info.callback);
    twi_arena_free(&arena);
}
END_TEST

/* Members that are unknown, or of another kind, are as if they were not there. */
START_TEST(members_of_a_wrong_kind_are_none)
{
    struct twi_arena arena;
    struct twi_visit_info info;

    twi_arena_init(&arena, 0);
    ck_assert_int_eq(
        twi_visit_read(&arena,
                       "{\"v\":1,\"callback\":5,\"headers\":{},\"meta\":[\"a\",1,\"b\","
                       "\"c\",\"d\"],\"tries\":-1,\"again\":\"x\",\"new\":[]}",
                       &info),
        0);
    ck_assert_ptr_null(info.callback);
    ck_assert_ptr_null(info.headers);
    ck_assert_str_eq(info.meta[0].name, "b");
    ck_assert_ptr_null(info.meta[1].name);
    ck_assert(!info.again);
    ck_assert_int_eq(
        twi_visit_read(&arena, "{\"v\":1,\"meta\":[\"a\"],\"headers\":[]}", &info), 0);
    ck_assert(info.meta == NULL && info.headers == NULL);
    ck_assert_ptr_null(twi_visit_write(&arena, &info));
    twi_arena_free(&arena);
}
END_TEST

/* --- URLs ---------------------------------------------------------------------------------- */

static const struct {
    const char *url, *origin, *path, *info; /* origin NULL: refused */
} urls[] = {
    { "http://h", "http://h", "/", NULL },
    { "https://H:443/a?b#c", "https://h", "/a?b", NULL },
    { "http://h:81/a?#", "http://h:81", "/a?", NULL },
    { "http://h/a#b?c", "http://h", "/a", NULL },
    { "http://u:p@h:81/x", "http://h:81", "/x", "{\"v\":1,\"userinfo\":\"u:p\"}" },
    { "http://u@h/", "http://h", "/", "{\"v\":1,\"userinfo\":\"u\"}" },
    { "http://[::1]:8080/x", "http://[::1]:8080", "/x", NULL },
    { "file:///etc/x#y", "file://", "/etc/x", NULL },
    { "file://server/share", "file://", "server/share", NULL },
    { "data:text/html,<p>?a", "data:", "text/html,<p>?a", NULL },
    { "mailto:a@b", NULL, NULL, NULL },
    { "javascript:void(0)", NULL, NULL, NULL },
    { "ftp://h/", NULL, NULL, NULL },
    { "start:", NULL, NULL, NULL },
};

static struct tw_url *parsed(const char *text)
{
    struct tw_url *url = NULL;

    ck_assert_int_eq(tw_url_parse(text, strlen(text), NULL, &url, NULL), 0);
    return url;
}

START_TEST(a_visit_is_cut_at_its_origin)
{
    const struct twi_visit_keys keys = { 1, 2 };
    const struct twi_visit_info plain = { 0 };
    struct twi_visit_info info = { 0 };
    struct twi_arena arena, scratch;
    struct twi_visit visit = { 0 };
    struct tw_url *url = parsed(urls[_i].url);
    struct twi_text back = { .arena = &arena };
    int r;

    twi_arena_init(&arena, 0);
    twi_arena_init(&scratch, 0);
    r = twi_visit_make(&arena, &scratch, keys, url, &plain, &visit);
    ck_assert_int_eq(r, urls[_i].origin != NULL ? 0 : -EINVAL);
    if (r == 0) {
        ck_assert_str_eq(visit.origin, urls[_i].origin);
        ck_assert_str_eq(visit.path, urls[_i].path);
        same_text(visit.info, urls[_i].info);
        ck_assert_int_eq(twi_visit_read(&arena, visit.info, &info), 0);
        twi_text_add(&back, url->href, strcspn(url->href, "#"));
        ck_assert_str_eq(twi_visit_url(&arena, &visit, &info), twi_text_string(&back));
    }
    tw_url_free(url);
    twi_arena_free(&scratch);
    twi_arena_free(&arena);
}
END_TEST

/* --- keys ---------------------------------------------------------------------------------- */

static uint64_t key_of(uint64_t k0, const char *method, const char *text, const char *body)
{
    const struct twi_visit_info info = { .method = method,
                                         .body = body,
                                         .body_length = body != NULL ? strlen(body) : 0 };
    const struct twi_visit_keys keys = { k0, 2 };
    struct tw_url *url = parsed(text);
    struct twi_arena scratch;
    uint64_t key = 0;

    twi_arena_init(&scratch, 0);
    ck_assert_int_eq(twi_visit_find_key(&scratch, keys, url, &info, &key), 0);
    twi_arena_free(&scratch);
    tw_url_free(url);
    return key;
}

START_TEST(a_key_is_of_method_canonical_url_and_body)
{
    uint64_t key = key_of(1, NULL, "http://h/a?x=1&y=2", NULL);

    ck_assert(key == key_of(1, "GET", "http://h/a?y=2&x=1#z", NULL));
    ck_assert(key == key_of(1, NULL, "http://h:80/%61?x=%31&y=2", NULL));
    ck_assert(key != key_of(2, NULL, "http://h/a?x=1&y=2", NULL));
    ck_assert(key != key_of(1, "HEAD", "http://h/a?x=1&y=2", NULL));
    ck_assert(key != key_of(1, NULL, "http://h/a?x=1&y=3", NULL));
    ck_assert(key != key_of(1, "GET", "http://h/a?x=1&y=2", "b"));
    ck_assert(key_of(1, NULL, "http://h/a", "b") == key_of(1, "POST", "http://h/a", "b"));
    ck_assert(key_of(1, NULL, "http://h/a", "b") != key_of(1, NULL, "http://h/a", "c"));
    ck_assert(key_of(1, "PUT", "http://h/a", "") == key_of(1, "PUT", "http://h/a", NULL));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("visit");

    TEST_ADD_ROWS(suite, an_info_is_written_and_read_again, infos);
    TEST_ADD(suite, an_item_goes_along);
    TEST_ADD_ROWS(suite, an_info_of_another_version_is_refused, unreadable);
    TEST_ADD(suite, members_of_a_wrong_kind_are_none);
    TEST_ADD_ROWS(suite, a_visit_is_cut_at_its_origin, urls);
    TEST_ADD(suite, a_key_is_of_method_canonical_url_and_body);
    return test_run(suite);
}
