/* SPDX-License-Identifier: MIT */
/*
 * cookies.h - a cookie jar: RFC 6265 with the rules of its revision that browsers follow, and
 * public suffixes.
 *
 * From RFC 6265: how a field is split into attributes (5.2), dates (5.1.1), when domain and path
 * match (5.1.3, 5.1.4), longer paths first and then older ones (5.4).
 * From the revision, draft-ietf-httpbis-rfc6265bis:
 *   5.5  lifetime  Expires and Max-Age lie at most 400 days ahead
 *   5.6  syntax    a field with a control character other than a tab is refused; name and value
 *                  have at most 4096 bytes together (-E2BIG); an attribute of more than 1024 is
 *                  ignored; without "=", all is the value of a cookie with an empty name; a
 *                  cookie with neither name nor value is refused
 *   5.7  storage   Secure is taken from https and wss only, and no cookie from elsewhere
 *                  replaces or hides a secure one; a public suffix is accepted as Domain from
 *                  that host itself only; names that begin with "__Secure-" or "__Host-", in
 *                  any case of letters, are held to 4.1.3, and the value of a cookie without a
 *                  name may not begin so
 *   5.8  sending   Secure cookies go to https and wss only
 * Loopback (localhost, names below it, 127.0.0.0/8, [::1]) counts as secure in all this, as in
 * browsers and curl: its requests never leave the machine.
 * SameSite is ignored, as there is no page that a request comes from. HttpOnly is kept and has
 * no effect, as there are no scripts. One rule is stricter: a tab in a name, value or path is
 * refused, since it would break the file.
 *
 * Limits: 50 cookies a domain, 3000 in all; expired ones go first, then the least recently
 * used.
 */
#ifndef TWEED_COOKIES_H
#define TWEED_COOKIES_H

#include <tweed/url.h>

TW_BEGIN

typedef struct tw_cookies tw_cookies;

TW_API TW_MUST_USE tw_cookies *tw_cookies_new(void); /* counted; NULL: no memory */
TW_API tw_cookies *tw_cookies_ref(tw_cookies *jar);
TW_API void tw_cookies_unref(tw_cookies *jar); /* NULL is ignored */
/* Store one Set-Cookie field of an answer from `from`; `now` is in seconds since 1970. Returns
 * 0 (stored, or removed if it has expired), -EPERM (not for this host, prefix or scheme),
 * -EINVAL (syntax), -E2BIG, -ENOMEM. Lasts 400 days at most. */
TW_API int tw_cookies_store(tw_cookies *jar, const struct tw_url *from, const char *set_cookie,
                            double now);
/* The Cookie field's value for a request, bytes; none when there is no cookie for it. */
TW_API TW_MUST_USE tw_value tw_cookies_for(tw_cookies *jar, const struct tw_url *url,
                                           double now);
/* A cookie as text, lent for the call. `key` names it: two cookies of one jar never have the same,
 * and one that takes another's place has that one's ("a.test\t/\tname"; with a dot before the
 * domain if hosts below it get it, too). `line` is its line in the file, which
 * tw_cookies_load_line() reads back; those that end with the session are written, too. NULL: it
 * has been taken out. */
typedef void tw_cookies_hook(const char *key, const char *line, void *arg);
/* From now on call `hook` for each cookie that is stored, changed or taken out, also by the client;
 * for one that a server has only said again nothing is called, for one that changes twice before
 * the call, once. It is called in order, when the call that changed the jar is about to return, and
 * may do anything, also to the jar; what it changes there is told after it has returned. NULL: no
 * more. The end of the jar takes nothing out. Returns 0 or -ENOMEM. */
TW_API int tw_cookies_on_change(tw_cookies *jar, tw_cookies_hook *hook, void *arg);
/* Call `each` for all cookies as they are at this moment, the oldest first; it may do anything.
 * Returns 0, or -ENOMEM before the first call. */
TW_API int tw_cookies_each(const tw_cookies *jar, tw_cookies_hook *each, void *arg);
TW_API size_t tw_cookies_count(const tw_cookies *jar);
TW_API void tw_cookies_clear(tw_cookies *jar);
/* Read Netscape's cookie file, as curl writes it. Lines that hold no cookie are skipped.
 * Returns how many were, with the number of the first in *ret_line (may be NULL), or a negative
 * errno. */
TW_API int tw_cookies_load(tw_cookies *jar, const char *path, unsigned *ret_line);
/* One line of such a file, without its end. Returns 0, -EINVAL (it holds no cookie), -E2BIG,
 * -ENOMEM. */
TW_API int tw_cookies_load_line(tw_cookies *jar, const char *line);
/* Write the same format to a new file beside `path`, then rename it. A file that was there
 * keeps its mode, a new one is for its owner only. Returns 0 or a negative errno. */
TW_API int tw_cookies_save(const tw_cookies *jar, const char *path);

TW_END
#endif
