/* SPDX-License-Identifier: MIT */
/*
 * cookie.c - lines of Set-Cookie fields from different hosts into one jar: what is sent back has
 * no control characters, and the limits hold.
 */
#include "config.h"

#include <string.h>

#include <tweed/cookies.h>

#include "fuzz/target.h"

#define NOW 1000000000.0

static const char *const hosts[] = {
    "http://h.test/",  "https://s.h.test/a/b", "http://127.0.0.1/",
    "http://a.co.uk/", "https://[::1]/",       "wss://x.github.io/c",
};
#define HOSTS (sizeof hosts / sizeof *hosts)

static void check_sent(tw_cookies *jar, const struct tw_url *url)
{
    tw_value value = tw_cookies_for(jar, url, NOW + 1);
    const char *p;

    for (p = tw_bytes_data(value); *p != 0; p++)
        FUZZ_ASSERT((unsigned char)*p >= 0x20 && *p != 0x7f);
    tw_release(value);
}

/* One line: the first byte is the host's. */
static void store(tw_cookies *jar, struct tw_url *const *urls, const uint8_t *line,
                  size_t length)
{
    char *text = malloc(length + 1);

    if (text == NULL || length == 0) {
        free(text);
        return;
    }
    memcpy(text, line, length);
    text[length] = 0;
    tw_cookies_store(jar, urls[line[0] % HOSTS], text + 1, NOW);
    free(text);
}

static void load_line(const char *key, const char *line, void *copy)
{
    FUZZ_ASSERT(key[0] != '\0' && tw_cookies_load_line(copy, line) == 0);
}

/* Every cookie has a line that makes the same again. */
static void check_lines(tw_cookies *jar)
{
    tw_cookies *copy = tw_cookies_new();

    FUZZ_ASSERT(copy != NULL && tw_cookies_each(jar, load_line, copy) == 0);
    FUZZ_ASSERT(tw_cookies_count(copy) == tw_cookies_count(jar));
    tw_cookies_unref(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tw_url *urls[HOSTS];
    tw_cookies *jar = tw_cookies_new();
    size_t i;

    for (i = 0; i < HOSTS; i++)
        FUZZ_ASSERT(tw_url_parse(hosts[i], strlen(hosts[i]), NULL, &urls[i], NULL) == 0);
    while (size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t length = end != NULL ? (size_t)(end - data) : size;
        store(jar, urls, data, length);
        length += end != NULL;
        data += length;
        size -= length;
    }
    FUZZ_ASSERT(tw_cookies_count(jar) <= 3000);
    check_lines(jar);
    for (i = 0; i < HOSTS; i++)
        check_sent(jar, urls[i]);
    for (i = 0; i < HOSTS; i++)
        tw_url_free(urls[i]);
    tw_cookies_unref(jar);
    return 0;
}
