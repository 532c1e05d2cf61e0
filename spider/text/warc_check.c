/* SPDX-License-Identifier: MIT */
/*
 * warc_check.c - the digests of a record, checked while its block passes.
 */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "spider/text/warc_check.h"

const char *twi_warc_verdict_word(enum twi_warc_verdict verdict)
{
    static const char *const words[] = { "none", "pass", "fail", "unknown" };

    return words[verdict];
}

static struct twi_digester *digester_new(struct twi_warc_check *check,
                                         enum twi_digest_kind kind)
{
    struct twi_digester *digester = twi_digester_new(kind);

    check->failed |= digester == NULL;
    return digester;
}

/* `text` NULL: there is none. */
static void digest_begin(struct twi_warc_check *check, struct twi_warc_digest *digest,
                         const char *text)
{
    *digest = (struct twi_warc_digest){ .value = NULL };
    if (text == NULL || *text == '\0')
        return;
    digest->unknown = !twi_warc_digest_read(text, &digest->kind, &digest->value);
    if (!digest->unknown)
        digest->first = digester_new(check, digest->kind);
}

static void digester_add(struct twi_warc_check *check, struct twi_digester *digester,
                         const void *data, size_t length)
{
    if (digester != NULL && !twi_digester_add(digester, data, length))
        check->failed = true;
}

static void payload_raw(const void *data, size_t length, void *arg)
{
    struct twi_warc_check *check = arg;

    digester_add(check, check->payload_.first, data, length);
}

static void payload_plain(const void *data, size_t length, void *arg)
{
    struct twi_warc_check *check = arg;
    struct twi_warc_digest *digest = &check->payload_;

    if (!check->payload.is_chunked || digest->first == NULL)
        return;
    if (digest->second == NULL)
        digest->second = digester_new(check, digest->kind);
    digester_add(check, digest->second, data, length);
}

static bool has_payload(const struct twi_warc_head *head)
{
    const char *type = twi_warc_head_field(head, "WARC-Type");

    return (type == NULL || strcasecmp(type, "revisit") != 0) &&
           twi_warc_head_field(head, "WARC-Segment-Number") == NULL;
}

void twi_warc_check_begin(struct twi_warc_check *check, const struct twi_warc_head *head)
{
    check->failed = false;
    digest_begin(check, &check->block_, twi_warc_head_field(head, "WARC-Block-Digest"));
    digest_begin(check, &check->payload_,
                 has_payload(head) ? twi_warc_head_field(head, "WARC-Payload-Digest") : NULL);
    twi_warc_payload_begin(&check->payload, head, payload_raw, payload_plain, check);
}

void twi_warc_check_add(struct twi_warc_check *check, const char *data, size_t length)
{
    digester_add(check, check->block_.first, data, length);
    twi_warc_payload_add(&check->payload, data, length);
}

/* Frees it. */
static bool digester_matches(struct twi_digester *digester, const char *value)
{
    unsigned char hash[TWI_DIGEST_MAX];
    size_t length = digester != NULL ? twi_digester_end(digester, hash) : 0;

    return length > 0 && twi_warc_digest_is(value, hash, length);
}

static enum twi_warc_verdict digest_end(struct twi_warc_digest *digest)
{
    bool first, second;

    if (digest->value == NULL)
        return digest->unknown ? TWI_WARC_UNKNOWN : TWI_WARC_NONE;
    first = digester_matches(digest->first, digest->value);
    second = digester_matches(digest->second, digest->value);
    return first || second ? TWI_WARC_PASS : TWI_WARC_FAIL;
}

bool twi_warc_check_end(struct twi_warc_check *check, enum twi_warc_verdict *ret_block,
                        enum twi_warc_verdict *ret_payload)
{
    enum twi_warc_verdict block, payload;

    twi_warc_payload_end(&check->payload);
    block = digest_end(&check->block_);
    payload = digest_end(&check->payload_);
    if (ret_block != NULL)
        *ret_block = block;
    if (ret_payload != NULL)
        *ret_payload = payload;
    return !check->failed;
}
