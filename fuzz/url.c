/* SPDX-License-Identifier: MIT */
/*
 * url.c - any text as a URL, on its own and relative to a base: what comes out reads back as
 * itself. The first byte chooses the base.
 */
#include "config.h"

#include <string.h>

#include <tweed/url.h>

#include "fuzz/target.h"

static const char *const bases[] = {
    NULL,
    "http://u:p@h:81/a/b?q#f",
    "file:///C:/d/e",
    "file://h/a",
    "foo://h/a/b",
    "foo:/.//p?q",
    "mailto:x",
    "https://[::1]/",
    "foo://h",
};

static struct tw_url *parse(const char *text, size_t length, const struct tw_url *base)
{
    struct tw_url *url = NULL;
    const char *why = NULL;
    int r = tw_url_parse(text, length, base, &url, &why);

    FUZZ_ASSERT((r == 0) == (url != NULL) && (r == 0) == (why == NULL));
    return url;
}

static void check_parts(const struct tw_url *url)
{
    size_t length = strlen(url->protocol) + strlen(url->username) + strlen(url->password) +
                    strlen(url->hostname) + strlen(url->pathname) + strlen(url->search) +
                    strlen(url->hash);
    const char *p;

    FUZZ_ASSERT(length <= strlen(url->href));
    FUZZ_ASSERT(strncmp(url->href, url->protocol, strlen(url->protocol)) == 0);
    FUZZ_ASSERT(url->port >= -1 && url->port <= 65535);
    for (p = url->href; *p != 0; p++)
        FUZZ_ASSERT((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tw_url *base = NULL, *url, *again;
    const char *base_text;

    if (size < 1)
        return 0;
    base_text = bases[data[0] % (sizeof bases / sizeof *bases)];
    if (base_text != NULL)
        base = parse(base_text, strlen(base_text), NULL);
    url = parse((const char *)data + 1, size - 1, base);
    if (url != NULL) {
        check_parts(url);
        again = parse(url->href, strlen(url->href), NULL);
        FUZZ_ASSERT(again != NULL && strcmp(again->href, url->href) == 0);
        FUZZ_ASSERT(strcmp(again->hostname, url->hostname) == 0);
        FUZZ_ASSERT(strcmp(again->pathname, url->pathname) == 0);
        tw_url_free(again);
    }
    tw_url_free(url);
    tw_url_free(base);
    return 0;
}
