/* SPDX-License-Identifier: MIT */
/*
 * visit.c - visits as they are stored, and the keys by which they are known.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spider/crawl/visit.h"
#include "spider/text/base64.h"
#include "spider/text/canon.h"
#include "spider/text/charset.h"
#include "spider/text/siphash.h"

#define INFO_VERSION 1

/* --- writing ------------------------------------------------------------------------------- */

static void info_put(struct twi_arena *arena, struct twi_json *object, const char *name,
                     const char *text)
{
    if (text != NULL)
        twi_json_put_string(arena, object, name, text);
}

static void info_put_flag(struct twi_arena *arena, struct twi_json *object, const char *name,
                          bool flag)
{
    if (flag)
        twi_json_put(object, name, twi_json_boolean(arena, true));
}

static void info_put_count(struct twi_arena *arena, struct twi_json *object, const char *name,
                           unsigned count)
{
    if (count > 0)
        twi_json_put(object, name, twi_json_integer(arena, count));
}

/* As one list: name, value, name, value. */
static void info_put_fields(struct twi_arena *arena, struct twi_json *object, const char *name,
                            const struct tw_field *fields)
{
    struct twi_json *list;

    if (fields == NULL || fields->name == NULL)
        return;
    list = twi_json_put(object, name, twi_json_new(arena, TWI_JSON_LIST));
    for (; fields->name != NULL; fields++) {
        const char *value = fields->value != NULL ? fields->value : "";
        twi_json_append(list, twi_json_string(arena, fields->name, strlen(fields->name)));
        twi_json_append(list, twi_json_string(arena, value, strlen(value)));
    }
}

/* Bytes that are no UTF-8 go as base64. */
static void info_put_body(struct twi_arena *arena, struct twi_json *object,
                          const struct twi_visit_info *info)
{
    struct twi_span body = { info->body, info->body_length };
    struct twi_text text = { .arena = arena };
    const char *name = "body";

    if (body.text == NULL)
        return;
    if (twi_utf8_valid_length(body) < body.length) {
        name = "body64";
        twi_base64_encode(&text, body.text, body.length);
        body = (struct twi_span){ twi_text_string(&text), text.length };
    }
    twi_json_put(object, name, twi_json_string(arena, body.text, body.length));
}

/* The item's object as a member: it is shared, the member's name is not. */
static void info_put_item(struct twi_arena *arena, struct twi_json *object,
                          const struct twi_json *item)
{
    struct twi_json *member = item != NULL ? twi_json_new(arena, item->kind) : NULL;

    if (member == NULL)
        return;
    *member = *item;
    member->next = NULL;
    twi_json_put(object, "item", member);
}

static bool info_is_default(const struct twi_visit_info *info)
{
    return info->callback == NULL && info->errback == NULL && info->method == NULL &&
           info->headers == NULL && info->meta == NULL && info->body == NULL &&
           info->content_type == NULL && info->userinfo == NULL && info->item == NULL &&
           info->jar == NULL && info->proxy == NULL && info->referer == NULL && !info->again &&
           !info->any_status && !info->has_rules && !info->is_trusted &&
           info->redirects == 0 && info->tries == 0;
}

/* The common case, and only this: where it came from and which function reads it. */
static const char *info_write_short(struct twi_arena *arena, const struct twi_visit_info *info)
{
    struct twi_text text = { .arena = arena };

    twi_text_puts(&text, "{\"v\":1");
    if (info->callback != NULL) {
        twi_text_puts(&text, ",\"callback\":");
        twi_json_write_string(&text, info->callback, strlen(info->callback));
    }
    if (info->referer != NULL) {
        twi_text_puts(&text, ",\"referer\":");
        twi_json_write_string(&text, info->referer, strlen(info->referer));
    }
    twi_text_putc(&text, '}');
    return arena->failed ? NULL : twi_text_string(&text);
}

static struct twi_json *info_json(struct twi_arena *arena, const struct twi_visit_info *info)
{
    struct twi_json *object = twi_json_new(arena, TWI_JSON_OBJECT);

    twi_json_put(object, "v", twi_json_integer(arena, INFO_VERSION));
    info_put(arena, object, "callback", info->callback);
    info_put(arena, object, "referer", info->referer);
    info_put(arena, object, "errback", info->errback);
    info_put(arena, object, "method", info->method);
    info_put_fields(arena, object, "headers", info->headers);
    info_put_fields(arena, object, "meta", info->meta);
    info_put(arena, object, "type", info->content_type);
    info_put_body(arena, object, info);
    info_put(arena, object, "userinfo", info->userinfo);
    info_put_item(arena, object, info->item);
    info_put(arena, object, "jar", info->jar);
    info_put(arena, object, "proxy", info->proxy);
    info_put_flag(arena, object, "again", info->again);
    info_put_flag(arena, object, "any_status", info->any_status);
    info_put_flag(arena, object, "rules", info->has_rules);
    info_put_flag(arena, object, "trusted", info->is_trusted);
    info_put_count(arena, object, "redirects", info->redirects);
    info_put_count(arena, object, "tries", info->tries);
    return object;
}

const char *twi_visit_write(struct twi_arena *arena, const struct twi_visit_info *info)
{
    struct twi_visit_info rest = *info;
    struct twi_text text = { .arena = arena };
    const struct twi_json *object;

    if (info_is_default(info))
        return NULL;
    rest.callback = rest.referer = NULL;
    if (info_is_default(&rest))
        return info_write_short(arena, info);
    object = info_json(arena, info);
    twi_json_write(&text, object);
    return arena->failed ? NULL : twi_text_string(&text);
}

/* --- reading ------------------------------------------------------------------------------- */

static const char *info_text(const struct twi_json *object, const char *name)
{
    const struct twi_json *value = twi_json_member(object, name);

    return value != NULL && value->kind == TWI_JSON_STRING ? value->text : NULL;
}

static bool info_flag(const struct twi_json *object, const char *name)
{
    const struct twi_json *value = twi_json_member(object, name);

    return value != NULL && value->kind == TWI_JSON_TRUE;
}

static unsigned info_count(const struct twi_json *object, const char *name)
{
    const struct twi_json *value = twi_json_member(object, name);
    unsigned long count = value != NULL && value->kind == TWI_JSON_NUMBER
                              ? strtoul(value->text, NULL, 10)
                              : 0;

    return count <= 1000000 ? (unsigned)count : 1000000;
}

static const struct tw_field *info_fields(struct twi_arena *arena,
                                          const struct twi_json *object, const char *name)
{
    const struct twi_json *list = twi_json_member(object, name), *value;
    struct tw_field *fields;
    size_t count = 0;

    if (list == NULL || list->kind != TWI_JSON_LIST)
        return NULL;
    for (value = list->first; value != NULL; value = value->next)
        count++;
    fields = twi_arena_zeroed(arena, (count / 2 + 1) * sizeof *fields);
    count = 0;
    for (value = list->first; fields != NULL && value != NULL && value->next != NULL;
         value = value->next->next) {
        if (value->kind != TWI_JSON_STRING || value->next->kind != TWI_JSON_STRING)
            continue;
        fields[count++] = (struct tw_field){ value->text, value->next->text };
    }
    return count > 0 ? fields : NULL;
}

static bool info_read_body(struct twi_arena *arena, const struct twi_json *object,
                           struct twi_visit_info *info)
{
    const struct twi_json *body = twi_json_member(object, "body"),
                          *coded = twi_json_member(object, "body64");
    struct twi_text text = { .arena = arena };

    if (body != NULL && body->kind == TWI_JSON_STRING) {
        info->body = body->text;
        info->body_length = body->length;
    } else if (coded != NULL && coded->kind == TWI_JSON_STRING) {
        if (!twi_base64_decode(&text, coded->text, coded->length))
            return false;
        info->body = twi_text_string(&text);
        info->body_length = text.length;
    }
    return true;
}

int twi_visit_read(struct twi_arena *arena, const char *json, struct twi_visit_info *ret_info)
{
    struct twi_visit_info info = { .callback = NULL };
    struct twi_json_error error;
    const struct twi_json *object;

    *ret_info = info;
    if (json == NULL)
        return 0;
    object = twi_json_read(arena, json, strlen(json), &error);
    if (object == NULL)
        return arena->failed ? -ENOMEM : -EINVAL;
    if (object->kind != TWI_JSON_OBJECT || info_count(object, "v") != INFO_VERSION ||
        !info_read_body(arena, object, &info))
        return -EINVAL;
    info.callback = info_text(object, "callback");
    info.errback = info_text(object, "errback");
    info.method = info_text(object, "method");
    info.headers = info_fields(arena, object, "headers");
    info.meta = info_fields(arena, object, "meta");
    info.content_type = info_text(object, "type");
    info.userinfo = info_text(object, "userinfo");
    info.item = twi_json_member(object, "item");
    info.jar = info_text(object, "jar");
    info.proxy = info_text(object, "proxy");
    info.referer = info_text(object, "referer");
    info.again = info_flag(object, "again");
    info.any_status = info_flag(object, "any_status");
    info.has_rules = info_flag(object, "rules");
    info.is_trusted = info_flag(object, "trusted");
    info.redirects = info_count(object, "redirects");
    info.tries = info_count(object, "tries");
    if (arena->failed)
        return -ENOMEM;
    *ret_info = info;
    return 0;
}

const char *twi_visit_method(const struct twi_visit_info *info)
{
    return info->method != NULL ? info->method : info->body != NULL ? "POST" : "GET";
}

/* --- keys ---------------------------------------------------------------------------------- */

static void put_length(unsigned char *bytes, uint64_t length)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(length >> (8 * i));
}

/* Lengths go in front, so that no two visits make one text. */
uint64_t twi_visit_key(struct twi_visit_keys keys, const char *method, const char *canonical,
                       const void *body, size_t body_length)
{
    size_t method_length = strlen(method);
    unsigned char lengths[16];
    struct twi_siphash hash;

    put_length(lengths, method_length);
    put_length(lengths + 8, body_length);
    twi_siphash_init(&hash, keys.k0, keys.k1);
    twi_siphash_add(&hash, lengths, sizeof lengths);
    twi_siphash_add(&hash, method, method_length);
    if (body_length > 0)
        twi_siphash_add(&hash, body, body_length);
    twi_siphash_add(&hash, canonical, strlen(canonical));
    return twi_siphash_end(&hash);
}

/* --- URLs ---------------------------------------------------------------------------------- */

/* How much of the serialised URL goes before the path; 0: it cannot be fetched. */
static size_t origin_length(const struct tw_url *url)
{
    if (strcmp(url->protocol, "http:") == 0 || strcmp(url->protocol, "https:") == 0)
        return url->has_host ? strlen(url->origin) : 0;
    if (strcmp(url->protocol, "file:") == 0)
        return strlen("file://");
    return strcmp(url->protocol, "data:") == 0 ? strlen("data:") : 0;
}

static bool is_of_web(const struct tw_url *url)
{
    return url->protocol[0] == 'h';
}

static const char *userinfo_of(struct twi_arena *arena, const struct tw_url *url)
{
    struct twi_text text = { .arena = arena };

    if (*url->username == 0 && *url->password == 0)
        return NULL;
    twi_text_puts(&text, url->username);
    if (*url->password != 0) {
        twi_text_putc(&text, ':');
        twi_text_puts(&text, url->password);
    }
    return twi_text_string(&text);
}

/* Behind the origin, without the fragment. */
static struct twi_span visit_path_of(const struct tw_url *url, size_t origin)
{
    struct twi_span rest = twi_span_of(url->href);
    size_t fragment = twi_span_find(rest, '#');

    if (is_of_web(url))
        origin = (size_t)fragment - strlen(url->pathname) - strlen(url->search);
    /* An empty query keeps its "?", which is no part of `search`. */
    if (is_of_web(url) && fragment > 0 && *url->search == 0 && url->href[fragment - 1] == '?')
        origin--;
    return twi_span_from(twi_span_first(rest, fragment), origin);
}

/* As it is there already, or a copy. */
static const char *origin_kept(struct twi_arena *arena, const struct tw_url *url,
                               size_t length, const char *kept)
{
    const char *origin = is_of_web(url) ? url->origin : url->href;

    if (kept != NULL && strlen(kept) == length && memcmp(kept, origin, length) == 0)
        return kept;
    return twi_arena_copy(arena, origin, length);
}

int twi_visit_find_key(struct twi_arena *scratch, struct twi_visit_keys keys,
                       const struct tw_url *url, const struct twi_visit_info *info,
                       uint64_t *ret_key)
{
    const char *canonical;

    if (origin_length(url) == 0)
        return -EINVAL;
    canonical = twi_canon_url(scratch, url, NULL);
    if (canonical == NULL)
        return -ENOMEM;
    *ret_key = twi_visit_key(keys, twi_visit_method(info), canonical, info->body,
                             info->body != NULL ? info->body_length : 0);
    return 0;
}

int twi_visit_make(struct twi_arena *arena, struct twi_arena *scratch,
                   struct twi_visit_keys keys, const struct tw_url *url,
                   const struct twi_visit_info *info, struct twi_visit *visit)
{
    size_t length = origin_length(url);
    struct twi_span path = { "", 0 };
    struct twi_visit_info own = *info;

    if (length == 0)
        return -EINVAL;
    if (visit->key == 0 && twi_visit_find_key(scratch, keys, url, info, &visit->key) < 0)
        return -ENOMEM;
    path = visit_path_of(url, length);
    own.userinfo = userinfo_of(scratch, url);
    visit->origin = origin_kept(arena, url, length, visit->origin);
    visit->path = twi_arena_copy(arena, path.text, path.length);
    if (visit->info == NULL || own.userinfo != NULL)
        visit->info = twi_visit_write(arena, &own);
    visit->again = info->again;
    return arena->failed || scratch->failed ? -ENOMEM : 0;
}

const char *twi_visit_url(struct twi_arena *arena, const struct twi_visit *visit,
                          const struct twi_visit_info *info)
{
    struct twi_text text = { .arena = arena };
    const char *slashes = strstr(visit->origin, "://");

    if (info != NULL && info->userinfo != NULL && slashes != NULL) {
        twi_text_add(&text, visit->origin, (size_t)(slashes - visit->origin) + 3);
        twi_text_puts(&text, info->userinfo);
        twi_text_putc(&text, '@');
        twi_text_puts(&text, slashes + 3);
    } else {
        twi_text_puts(&text, visit->origin);
    }
    twi_text_puts(&text, visit->path);
    return arena->failed ? NULL : twi_text_string(&text);
}
