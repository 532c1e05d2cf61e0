/* SPDX-License-Identifier: MIT */
/*
 * head.c - the head of a stored response.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/ascii.h"
#include "base/sha256.h"
#include "web/cache/head.h"
#include "web/http/http_date.h"
#include "web/http/syntax.h"

/* Fields that one response may depend on: a list of thousands would be an attack on our time. */
enum { MOST_VARIED = 64 };

/* --- fields that are kept ------------------------------------------------------------------ */

/* Fields of the connection, not of the response (RFC 9111, 3.1). */
static bool is_of_connection(const tw_headers *headers, const char *name)
{
    static const char *const names[] = {
        "Connection",
        "Keep-Alive",
        "Proxy-Connection",
        "Proxy-Authenticate",
        "Proxy-Authentication-Info",
        "Proxy-Authorization",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return twi_headers_has(headers, TWI_HEADER_CONNECTION) &&
           tw_headers_has_token(headers, "Connection", name);
}

/* Fields that describe the stored bytes, which a 304 does not bring (RFC 9111, 3.2). */
static bool is_of_content(const char *name)
{
    return strcasecmp(name, "Content-Length") == 0 ||
           strcasecmp(name, "Content-Encoding") == 0 || strcasecmp(name, "Content-Range") == 0;
}

static int fields_copy(tw_headers *to, const tw_headers *from)
{
    const char *name, *value;
    int r = 0;

    for (size_t i = 0; r == 0 && tw_headers_at(from, i, &name, &value); i++)
        if (!is_of_connection(from, name))
            r = tw_headers_add(to, name, value);
    return r == -ENOMEM ? r : 0;
}

/* A response without a date gets that of its arrival (RFC 9110, 6.6.1). */
static int date_add(tw_headers *headers, int64_t received_at)
{
    char text[TWI_HTTP_DATE_SIZE];

    if (twi_headers_has(headers, TWI_HEADER_DATE))
        return 0;
    twi_http_date_format(received_at / 1000, text);
    return tw_headers_add(headers, "Date", text);
}

/* --- the request's fields ------------------------------------------------------------------ */

/* Lists whose elements mean the same in any case of letters and with any space between. */
static bool is_loose_list(const char *name)
{
    return strcasecmp(name, "Accept-Encoding") == 0 ||
           strcasecmp(name, "Accept-Language") == 0 || strcasecmp(name, "Accept-Charset") == 0;
}

/* Fields of one value, in which a comma is a character like any other. */
static bool is_single(const char *name)
{
    static const char *const names[] = { "Cookie", "Authorization", "User-Agent", "Referer",
                                         "Host" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

static void hash_loosely(struct twi_sha256 *hash, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char c = twi_lower(text[i]);
        if (!twi_is_blank(c))
            twi_sha256_add(hash, &c, 1);
    }
}

/* A list in one line is the same list as in several (RFC 9110, 5.3). */
static void hash_list(struct twi_sha256 *hash, const char *text, size_t length, bool loose)
{
    struct twi_elements list = { text, text + length, NULL, 0 };

    while (twi_elements_next(&list)) {
        if (loose)
            hash_loosely(hash, list.element, list.length);
        else
            twi_sha256_add(hash, list.element, list.length);
        twi_sha256_add(hash, ",", 1);
    }
}

/* All values of a name as one. */
static void field_digest(const tw_headers *sent, const char *name,
                         unsigned char digest[TWI_CACHE_DIGEST])
{
    unsigned char whole[TWI_SHA256_SIZE];
    struct twi_sha256 hash;
    const char *other, *value;
    bool found = false, loose = is_loose_list(name), single = is_single(name);

    memset(digest, 0, TWI_CACHE_DIGEST);
    twi_sha256_begin(&hash);
    for (size_t i = 0; tw_headers_at(sent, i, &other, &value); i++) {
        if (strcasecmp(name, other) != 0)
            continue;
        found = true;
        if (single)
            twi_sha256_add(&hash, value, strlen(value) + 1);
        else
            hash_list(&hash, value, strlen(value), loose);
    }
    if (!found)
        return;
    twi_sha256_end(&hash, whole);
    memcpy(digest, whole, TWI_CACHE_DIGEST);
}

static bool vary_has(const struct twi_cache_head *head, const char *name, size_t length)
{
    for (size_t i = 0; i < head->vary_count; i++)
        if (strlen(head->vary[i].name) == length &&
            strncasecmp(head->vary[i].name, name, length) == 0)
            return true;
    return false;
}

static int vary_add(struct twi_cache_head *head, size_t *capacity, const char *name,
                    size_t length, const tw_headers *sent)
{
    struct twi_cache_vary *entry;

    if (vary_has(head, name, length))
        return 0;
    if (head->vary_count == MOST_VARIED)
        return -E2BIG;
    if (twi_grow(&head->vary, capacity, head->vary_count + 1, sizeof *head->vary) < 0)
        return -ENOMEM;
    entry = &head->vary[head->vary_count];
    entry->name = twi_strndup(name, length);
    if (entry->name == NULL)
        return -ENOMEM;
    for (char *at = entry->name; *at != '\0'; at++)
        *at = twi_lower(*at);
    head->vary_count++;
    field_digest(sent, entry->name, entry->digest);
    return 0;
}

static int vary_find(struct twi_cache_head *head, const tw_headers *sent)
{
    const struct twi_field *field = twi_headers_find(head->headers, TWI_HEADER_VARY);
    size_t capacity = 0;
    int r = vary_add(head, &capacity, "authorization", 13, sent);

    if (r == 0)
        r = vary_add(head, &capacity, "host", 4, sent);
    if (r == 0 && twi_headers_has(head->headers, TWI_HEADER_CONTENT_ENCODING))
        r = vary_add(head, &capacity, "accept-encoding", 15, sent);
    for (; r == 0 && field != NULL; field = twi_headers_next(head->headers, field)) {
        const char *text = head->headers->text + field->value;
        struct twi_elements list = { text, text + field->value_length, NULL, 0 };
        while (r == 0 && twi_elements_next(&list))
            r = vary_add(head, &capacity, list.element, list.length, sent);
    }
    return r;
}

static void vary_free(struct twi_cache_head *head)
{
    for (size_t i = 0; i < head->vary_count; i++)
        twi_free(head->vary[i].name);
    twi_free(head->vary);
    head->vary = NULL;
    head->vary_count = 0;
}

bool twi_cache_head_matches(const struct twi_cache_head *head, const tw_headers *sent)
{
    unsigned char digest[TWI_CACHE_DIGEST];

    for (size_t i = 0; i < head->vary_count; i++) {
        field_digest(sent, head->vary[i].name, digest);
        if (memcmp(digest, head->vary[i].digest, sizeof digest) != 0)
            return false;
    }
    return true;
}

bool twi_cache_head_varies_alike(const struct twi_cache_head *a,
                                 const struct twi_cache_head *b)
{
    if (a->vary_count != b->vary_count)
        return false;
    for (size_t i = 0; i < a->vary_count; i++)
        if (strcmp(a->vary[i].name, b->vary[i].name) != 0)
            return false;
    return true;
}

bool twi_cache_head_same_variant(const struct twi_cache_head *a,
                                 const struct twi_cache_head *b)
{
    if (!twi_cache_head_varies_alike(a, b))
        return false;
    for (size_t i = 0; i < a->vary_count; i++)
        if (memcmp(a->vary[i].digest, b->vary[i].digest, TWI_CACHE_DIGEST) != 0)
            return false;
    return true;
}

void twi_cache_head_digests(const struct twi_cache_head *head, const tw_headers *sent,
                            unsigned char (*digests)[TWI_CACHE_DIGEST])
{
    for (size_t i = 0; i < head->vary_count; i++)
        field_digest(sent, head->vary[i].name, digests[i]);
}

/* --- birth and death ----------------------------------------------------------------------- */

/* A wall clock may have been set back in between. */
static int64_t earlier_time(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int twi_cache_head_make(struct twi_cache_head *head, const struct twi_cache_answer *answer)
{
    int r;

    head->url = twi_strdup(answer->url);
    head->reason = twi_strdup(answer->reason);
    head->headers = tw_headers_new();
    if (head->url == NULL || head->reason == NULL || head->headers == NULL)
        return -ENOMEM;
    head->status = answer->status;
    head->minor = answer->minor;
    head->requested_at = earlier_time(answer->requested_at, answer->received_at);
    head->received_at = answer->received_at;
    r = fields_copy(head->headers, answer->headers);
    if (r == 0)
        r = date_add(head->headers, answer->received_at);
    return r < 0 ? r : vary_find(head, answer->sent);
}

static int vary_copy(struct twi_cache_head *head, const struct twi_cache_head *from)
{
    head->vary = twi_calloc(from->vary_count > 0 ? from->vary_count : 1, sizeof *head->vary);
    if (head->vary == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < from->vary_count; i++) {
        head->vary[i] = from->vary[i];
        head->vary[i].name = twi_strdup(from->vary[i].name);
        if (head->vary[i].name == NULL)
            return -ENOMEM;
        head->vary_count++;
    }
    return 0;
}

int twi_cache_head_copy(struct twi_cache_head *head, const struct twi_cache_head *from)
{
    *head = *from;
    head->vary = NULL;
    head->vary_count = 0;
    head->url = twi_strdup(from->url);
    head->reason = twi_strdup(from->reason);
    head->headers = tw_headers_copy(from->headers);
    if (head->url == NULL || head->reason == NULL || head->headers == NULL)
        return -ENOMEM;
    return vary_copy(head, from);
}

void twi_cache_head_free(struct twi_cache_head *head)
{
    twi_free(head->url);
    twi_free(head->reason);
    tw_headers_free(head->headers);
    vary_free(head);
    *head = (struct twi_cache_head){ 0 };
}

size_t twi_cache_head_size(const struct twi_cache_head *head)
{
    return sizeof *head + strlen(head->url) + strlen(head->reason) + sizeof *head->headers +
           head->headers->text_size + head->vary_count * (sizeof *head->vary + 24);
}

/* --- a newer answer ------------------------------------------------------------------------ */

static bool may_update(const tw_headers *newer, const char *name)
{
    return !is_of_connection(newer, name) && !is_of_content(name);
}

static int fields_update(tw_headers *headers, const tw_headers *newer)
{
    const char *name, *value;
    int r = 0;

    for (size_t i = 0; tw_headers_at(newer, i, &name, &value); i++)
        if (may_update(newer, name))
            tw_headers_remove(headers, name);
    for (size_t i = 0; r == 0 && tw_headers_at(newer, i, &name, &value); i++)
        if (may_update(newer, name))
            r = tw_headers_add(headers, name, value);
    return r == -ENOMEM ? r : 0;
}

/* Age and Date tell of the answer that they came with, and Warning of a cache on its way. */
static void times_drop(tw_headers *headers)
{
    tw_headers_remove(headers, "Age");
    tw_headers_remove(headers, "Date");
    tw_headers_remove(headers, "Warning");
}

int twi_cache_head_update(struct twi_cache_head *head, const struct twi_cache_answer *answer)
{
    struct twi_cache_head next = { 0 };
    int r = twi_cache_head_copy(&next, head);

    if (r == 0) {
        times_drop(next.headers);
        r = fields_update(next.headers, answer->headers);
    }
    if (r == 0)
        r = date_add(next.headers, answer->received_at);
    if (r == 0 && twi_headers_has(answer->headers, TWI_HEADER_VARY)) {
        vary_free(&next);
        r = vary_find(&next, answer->sent);
    }
    next.requested_at = earlier_time(answer->requested_at, answer->received_at);
    next.received_at = answer->received_at;
    if (r < 0) {
        twi_cache_head_free(&next);
        return r;
    }
    twi_cache_head_free(head);
    *head = next;
    return 0;
}

/* --- bytes --------------------------------------------------------------------------------- */

static int number_put(struct twi_buf *bytes, uint64_t number)
{
    unsigned char text[8];

    for (unsigned i = 0; i < 8; i++)
        text[i] = (unsigned char)(number >> (56 - 8 * i));
    return twi_buf_append(bytes, text, sizeof text);
}

static int text_put(struct twi_buf *bytes, const char *text)
{
    size_t length = strlen(text);
    int r = number_put(bytes, length);

    return r < 0 ? r : twi_buf_append(bytes, text, length);
}

static int fields_put(struct twi_buf *bytes, const tw_headers *headers)
{
    const char *name, *value;
    int r = number_put(bytes, tw_headers_count(headers));

    for (size_t i = 0; r == 0 && tw_headers_at(headers, i, &name, &value); i++) {
        r = text_put(bytes, name);
        if (r == 0)
            r = text_put(bytes, value);
    }
    return r;
}

int twi_cache_head_encode(const struct twi_cache_head *head, struct twi_buf *ret_bytes)
{
    const uint64_t numbers[] = { (uint64_t)head->status, head->minor,
                                 (uint64_t)head->requested_at, (uint64_t)head->received_at,
                                 head->generation };
    int r = text_put(ret_bytes, head->url);

    for (size_t i = 0; r == 0 && i < sizeof numbers / sizeof *numbers; i++)
        r = number_put(ret_bytes, numbers[i]);
    if (r == 0)
        r = text_put(ret_bytes, head->reason);
    if (r == 0)
        r = fields_put(ret_bytes, head->headers);
    if (r == 0)
        r = number_put(ret_bytes, head->vary_count);
    for (size_t i = 0; r == 0 && i < head->vary_count; i++) {
        r = text_put(ret_bytes, head->vary[i].name);
        if (r == 0)
            r = twi_buf_append(ret_bytes, head->vary[i].digest, TWI_CACHE_DIGEST);
    }
    return r;
}

/* Bytes that are read one after the other; all is refused once one part is. */
struct reader {
    const char *at, *end;
    int error;
};

static const char *reader_bytes(struct reader *reader, uint64_t length)
{
    const char *at = reader->at;

    if (reader->error == 0 && length > (uint64_t)(reader->end - at))
        reader->error = -EINVAL;
    if (reader->error < 0)
        return NULL;
    reader->at += length;
    return at;
}

static uint64_t reader_number(struct reader *reader)
{
    const char *at = reader_bytes(reader, 8);
    uint64_t number = 0;

    for (unsigned i = 0; at != NULL && i < 8; i++)
        number = number << 8 | (unsigned char)at[i];
    return number;
}

static const char *reader_text(struct reader *reader, size_t *ret_length)
{
    uint64_t length = reader_number(reader);
    const char *text = reader_bytes(reader, length);

    *ret_length = text != NULL ? (size_t)length : 0;
    return text;
}

/* A copy of a text without NUL or line ends. */
static char *reader_string(struct reader *reader)
{
    size_t length;
    const char *text = reader_text(reader, &length);
    char *copy;

    if (text != NULL && !twi_http_is_value(text, length))
        reader->error = -EINVAL;
    if (reader->error < 0)
        return NULL;
    copy = twi_strndup(text, length);
    if (copy == NULL)
        reader->error = -ENOMEM;
    return copy;
}

static void fields_take(struct twi_cache_head *head, struct reader *reader)
{
    uint64_t count = reader_number(reader);
    size_t name_length, value_length;

    head->headers = tw_headers_new();
    if (head->headers == NULL)
        reader->error = -ENOMEM;
    while (reader->error == 0 && count-- > 0) {
        const char *name = reader_text(reader, &name_length);
        const char *value = reader_text(reader, &value_length);
        if (value != NULL)
            reader->error = tw_headers_add_n(head->headers, name, name_length, value,
                                             value_length);
    }
}

static void vary_take(struct twi_cache_head *head, struct reader *reader)
{
    uint64_t count = reader_number(reader);
    size_t capacity = 0;

    while (reader->error == 0 && count-- > 0) {
        char *name = reader_string(reader);
        const char *digest = reader_bytes(reader, TWI_CACHE_DIGEST);
        if (head->vary_count == MOST_VARIED)
            reader->error = -EINVAL;
        else if (digest != NULL && twi_grow(&head->vary, &capacity, head->vary_count + 1,
                                            sizeof *head->vary) < 0)
            reader->error = -ENOMEM;
        if (reader->error < 0) {
            twi_free(name);
            return;
        }
        head->vary[head->vary_count].name = name;
        memcpy(head->vary[head->vary_count++].digest, digest, TWI_CACHE_DIGEST);
    }
}

int twi_cache_head_decode(struct twi_cache_head *head, const char *data, size_t length)
{
    struct reader reader = { data, data + length, 0 };
    uint64_t status, minor;

    head->url = reader_string(&reader);
    status = reader_number(&reader);
    minor = reader_number(&reader);
    head->requested_at = (int64_t)reader_number(&reader);
    head->received_at = (int64_t)reader_number(&reader);
    head->generation = reader_number(&reader);
    head->reason = reader_string(&reader);
    if (reader.error == 0)
        fields_take(head, &reader);
    if (reader.error == 0)
        vary_take(head, &reader);
    if (reader.error == 0 &&
        (reader.at != reader.end || status < 200 || status > 599 || minor > 9 ||
         head->requested_at < 0 || head->received_at < head->requested_at ||
         head->received_at > INT64_C(253402300800000) /* the year 10000 */))
        reader.error = -EINVAL;
    head->status = (int)status;
    head->minor = (unsigned)minor;
    return reader.error;
}
