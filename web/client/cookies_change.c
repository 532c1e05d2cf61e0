/* SPDX-License-Identifier: MIT */
/*
 * cookies_change.c - telling of the changes of a jar, and of all that is in it.
 *
 * A hook may do anything, so it is called when the jar is whole again: until then a cookie that was
 * stored or taken out stands in a list, the latter with its domain. Its text has a place that
 * was reserved when it was stored, so that telling cannot fail.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "web/client/cookies.h"

/* Key and line: a mark, dots, flags, 20 digits, tabs and ends are less. */
enum { TEXT_EXTRA = 80 };

static size_t text_max(size_t domain, size_t path, size_t name, size_t value)
{
    return 2 * (domain + path + name) + value + TEXT_EXTRA;
}

/* Key and line, each with its NUL, behind what is there. */
static int cookie_text_write(struct twi_buf *buf, const struct twi_cookie *cookie)
{
    int r = twi_cookie_write_key(buf, cookie);

    if (r == 0)
        r = twi_buf_append_char(buf, '\0');
    if (r == 0)
        r = twi_cookie_write_line(buf, cookie);
    return r == 0 ? twi_buf_append_char(buf, '\0') : r;
}

/* --- changes ------------------------------------------------------------------------------ */

int twi_cookies_reserve_text(tw_cookies *jar, const struct twi_cookie_fields *fields)
{
    size_t size = text_max(fields->domain_length, fields->path_length, fields->name_length,
                           fields->value_length);

    if (size > jar->text_max)
        jar->text_max = size;
    return jar->hook == NULL ? 0 : twi_buf_reserve(&jar->text, jar->text_max);
}

/* The hook may store more cookies, so the text is taken out of the jar meanwhile. */
static void change_tell(tw_cookies *jar, struct twi_cookie *cookie)
{
    struct twi_buf text = jar->text;
    bool gone = cookie->gone;
    int r;

    jar->text = (struct twi_buf){ 0 };
    text.length = 0;
    r = jar->hook != NULL ? cookie_text_write(&text, cookie) : -ECANCELED;
    if (gone)
        twi_cookies_free_gone(jar, cookie);
    if (r == 0)
        jar->hook(text.data, gone ? NULL : text.data + strlen(text.data) + 1, jar->hook_arg);
    if (text.size < jar->text.size) {
        struct twi_buf larger = jar->text;
        jar->text = text;
        text = larger;
    }
    twi_buf_free(&jar->text);
    text.length = 0;
    jar->text = text;
}

void twi_cookies_tell(tw_cookies *jar)
{
    struct twi_list *node;

    if (jar->telling || twi_list_empty(&jar->changes))
        return;
    jar->telling = true;
    tw_cookies_ref(jar);
    while ((node = twi_list_take_first(&jar->changes)) != NULL)
        change_tell(jar, TWI_CONTAINER(node, struct twi_cookie, changed));
    jar->telling = false;
    tw_cookies_unref(jar);
}

int tw_cookies_on_change(tw_cookies *jar, tw_cookies_hook *hook, void *arg)
{
    if (hook != NULL && twi_buf_reserve(&jar->text, jar->text_max + TEXT_EXTRA) < 0)
        return -ENOMEM;
    jar->hook = hook;
    jar->hook_arg = arg;
    return 0;
}

/* --- all of them -------------------------------------------------------------------------- */

/* In the order in which they were made, so that loading them gives the same order again. */
static int compare_created(const void *a, const void *b)
{
    const struct twi_cookie *left = *(struct twi_cookie *const *)a;
    const struct twi_cookie *right = *(struct twi_cookie *const *)b;

    return left->created < right->created ? -1 : left->created > right->created;
}

struct twi_cookie **twi_cookies_sorted(const tw_cookies *jar)
{
    struct twi_cookie **cookies = twi_malloc((jar->count + 1) * sizeof *cookies);
    size_t i = 0;

    if (cookies == NULL)
        return NULL;
    TWI_LIST_EACH (node, &jar->cookies)
        cookies[i++] = twi_cookie_in_jar(node);
    qsort(cookies, jar->count, sizeof *cookies, compare_created);
    return cookies;
}

int tw_cookies_each(const tw_cookies *jar, tw_cookies_hook *each, void *arg)
{
    struct twi_cookie **cookies = twi_cookies_sorted(jar);
    struct twi_buf text = { 0 };
    int r = cookies == NULL ? -ENOMEM : 0;
    const char *at, *end;

    for (size_t i = 0; r == 0 && i < jar->count; i++)
        r = cookie_text_write(&text, cookies[i]);
    twi_free(cookies);
    if (r == 0 && text.length > 0)
        for (at = text.data, end = at + text.length; at < end;) {
            const char *line = at + strlen(at) + 1;

            each(at, line, arg);
            at = line + strlen(line) + 1;
        }
    twi_buf_free(&text);
    return r;
}
