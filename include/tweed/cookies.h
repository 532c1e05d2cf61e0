/*
 * cookies.h - a cookie jar by RFC 6265 (and 6265bis for prefixes and limits), with public suffixes.
 *
 * Limits: 4 kB a cookie, 50 a domain, 3000 in all; expired ones go first, then the one that was
 * not used for longest. SameSite is ignored: there is no page that a request comes from.
 */
#ifndef TWEED_COOKIES_H
#define TWEED_COOKIES_H

#include <tweed/url.h>

TW_BEGIN

typedef struct tw_cookies tw_cookies;

TW_API tw_cookies *tw_cookies_new(void); /* counted; NULL: no memory */
TW_API tw_cookies *tw_cookies_ref(tw_cookies *jar);
TW_API void tw_cookies_unref(tw_cookies *jar); /* NULL is ignored */
/* Take in one Set-Cookie field of an answer from `from`; `now`: seconds since 1970. 0 stored (or
 * taken out, when it has expired), -EPERM (not for this host, prefix or scheme), -EINVAL (syntax),
 * -E2BIG, -ENOMEM. Lasts 400 days at most. */
TW_API int tw_cookies_store(tw_cookies *jar, const struct tw_url *from, const char *set_cookie,
                            double now);
/* The Cookie field's value for a request, bytes; none when there is no cookie for it. */
TW_API tw_value tw_cookies_for(tw_cookies *jar, const struct tw_url *url, double now);
TW_API size_t tw_cookies_count(const tw_cookies *jar);
TW_API void tw_cookies_clear(tw_cookies *jar);
/* Netscape's cookie file, as curl reads and writes it. 0 or negative errno; a bad line is
 * -EINVAL and its number in *ret_line (may be NULL), those before it stay loaded. Saving writes
 * beside the file, readable by its owner only, and renames. */
TW_API int tw_cookies_load(tw_cookies *jar, const char *path, unsigned *ret_line);
TW_API int tw_cookies_save(const tw_cookies *jar, const char *path);

TW_END
#endif
