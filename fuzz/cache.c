/* SPDX-License-Identifier: MIT */
/*
 * cache.c - Cache-Control fields, stored heads and files of stored answers, as the first byte says.
 * A head that is accepted is written again as it was read, and every decision about it can be
 * made.
 */
#include "config.h"

#include <string.h>

#include "fuzz/target.h"
#include "web/cache/folder.h"
#include "web/cache/policy.h"

#define NOW INT64_C(1700000000000)

static void decide(const struct twi_cache_head *head, const struct twi_directives *asked)
{
    tw_headers *headers = tw_headers_copy(head->headers), *conditions = tw_headers_new();

    FUZZ_ASSERT(twi_cache_age(head, NOW) >= 0);
    FUZZ_ASSERT(twi_cache_lifetime(head) >= 0);
    for (int mode = TW_CACHE_DEFAULT; mode <= TW_CACHE_ONLY_IF_CACHED; mode++)
        FUZZ_ASSERT(twi_cache_judge(head, asked, (enum tw_cache_mode)mode, NOW) <=
                    TWI_CACHE_VALIDATE);
    (void)twi_cache_covers_error(head, asked, NOW);
    (void)twi_cache_may_store(asked, head->status, head->headers);
    FUZZ_ASSERT(twi_cache_add_conditions(head, conditions) >= 0);
    FUZZ_ASSERT(twi_cache_is_same(head, head->headers));
    FUZZ_ASSERT(twi_cache_agrees(head, head->headers));
    FUZZ_ASSERT(twi_cache_hide_fields(headers) == 0);
    tw_headers_free(headers);
    tw_headers_free(conditions);
}

static void fuzz_directives(const char *text, size_t length)
{
    static const char date[] = "Sun, 06 Nov 1994 08:49:37 GMT";
    struct twi_directives directives;
    struct twi_cache_head head = { .status = 200 };

    head.headers = tw_headers_new();
    tw_headers_add(head.headers, "Last-Modified", date);
    if (tw_headers_add_n(head.headers, "Cache-Control", 13, text, length) == 0) {
        twi_directives_read(head.headers, &directives);
        FUZZ_ASSERT(directives.max_age >= -1 && directives.min_fresh >= -1);
        FUZZ_ASSERT(directives.max_age <= INT64_C(1) << 31);
        decide(&head, &directives);
    }
    tw_headers_free(head.headers);
}

/* A head that was read is written, read and written: twice the same. */
static void head_again(const struct twi_cache_head *head)
{
    struct twi_directives none = { 0, -1, -1, -1, -1, -1 };
    struct twi_buf first = { 0 }, second = { 0 };
    struct twi_cache_head again = { 0 };

    FUZZ_ASSERT(twi_cache_head_encode(head, &first) == 0);
    FUZZ_ASSERT(twi_cache_head_decode(&again, first.data, first.length) == 0);
    FUZZ_ASSERT(twi_cache_head_encode(&again, &second) == 0);
    FUZZ_ASSERT(first.length == second.length);
    FUZZ_ASSERT(memcmp(first.data, second.data, first.length) == 0);
    FUZZ_ASSERT(twi_cache_head_same_variant(head, &again));
    (void)twi_cache_head_matches(head, head->headers);
    decide(head, &none);
    twi_cache_head_free(&again);
    twi_buf_free(&first);
    twi_buf_free(&second);
}

static void fuzz_head(const char *data, size_t length)
{
    struct twi_cache_head head = { 0 };

    if (twi_cache_head_decode(&head, data, length) == 0)
        head_again(&head);
    twi_cache_head_free(&head);
}

static void fuzz_file(const char *data, size_t length)
{
    struct twi_cache_head head = { 0 };
    struct twi_folder_end end;

    if (length < TWI_FOLDER_END ||
        twi_folder_end_decode(data + length - TWI_FOLDER_END, length, &end) < 0)
        return;
    FUZZ_ASSERT(end.head + end.body + TWI_FOLDER_END <= length);
    if (twi_folder_head_decode(&end, data + length - TWI_FOLDER_END - end.head, &head) == 0)
        head_again(&head);
    twi_cache_head_free(&head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data + 1;

    if (size == 0)
        return 0;
    if (data[0] == 'f')
        fuzz_file(text, size - 1);
    else if (data[0] == 'h')
        fuzz_head(text, size - 1);
    else
        fuzz_directives(text, size - 1);
    return 0;
}
