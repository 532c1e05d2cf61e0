/* SPDX-License-Identifier: MIT */
/*
 * dns_message.c - a strict reading of DNS messages, before c-ares sees them.
 */
#include "config.h"

#include <string.h>

#include "base/ascii.h"
#include "net/dns/dns_message.h"

#define NAME_MAX 255
#define ALIASES_MAX 16 /* BIND follows as many */

enum {
    TYPE_A = 1,
    TYPE_NS = 2,
    TYPE_CNAME = 5,
    TYPE_SOA = 6,
    TYPE_PTR = 12,
    TYPE_AAAA = 28,
    TYPE_DNAME = 39,
};

struct message {
    const uint8_t *data;
    size_t length, at;
};

static unsigned get16(const uint8_t *data)
{
    return (unsigned)data[0] << 8 | data[1];
}

/* Walk the name at message->at; `text` (may be NULL) gets it with dots, in lower case. */
static bool message_read_name(struct message *message, char *text)
{
    size_t at = message->at, earliest = at, total = 0, written = 0;
    bool jumped = false;

    for (;;) {
        unsigned size;

        if (at >= message->length)
            return false;
        size = message->data[at];
        if (size >= 0xc0) {
            if (at + 2 > message->length)
                return false;
            if (!jumped)
                message->at = at + 2;
            jumped = true;
            at = get16(message->data + at) & 0x3fff;
            if (at < TWI_DNS_HEADER || at >= earliest)
                return false;
            earliest = at;
            continue;
        }
        total += size + 1;
        if (size > 63 || total > NAME_MAX || at + 1 + size > message->length)
            return false;
        at += 1 + size;
        if (size == 0)
            break;
        if (text != NULL && written > 0)
            text[written++] = '.';
        for (size_t i = at - size; text != NULL && i < at; i++)
            text[written++] = twi_lower((char)message->data[i]);
    }
    if (!jumped)
        message->at = at;
    if (text != NULL)
        text[written] = '\0';
    return true;
}

static bool read_question(struct message *message, char *text)
{
    if (!message_read_name(message, text) || message->at + 4 > message->length)
        return false;
    message->at += 4;
    return true;
}

struct record {
    unsigned type;
    char owner[TWI_NAME_SIZE], target[TWI_NAME_SIZE]; /* of an alias */
};

/* `record` may be NULL. */
static bool read_record(struct message *message, struct record *record)
{
    unsigned type;
    size_t end;

    if (!message_read_name(message, record != NULL ? record->owner : NULL) ||
        message->at + 10 > message->length)
        return false;
    type = get16(message->data + message->at);
    end = message->at + 10 + get16(message->data + message->at + 8);
    message->at += 10;
    if (end > message->length)
        return false;
    switch (type) {
    case TYPE_NS:
    case TYPE_CNAME:
    case TYPE_PTR:
    case TYPE_DNAME:
    case TYPE_SOA:
        if (!message_read_name(message, record != NULL ? record->target : NULL) ||
            message->at > end)
            return false;
    }
    if (record != NULL)
        record->type = type;
    message->at = end;
    return true;
}

/* --- whose addresses ----------------------------------------------------------------------- */

/* The name that was asked for, and its aliases. */
struct chain {
    size_t count;
    char names[ALIASES_MAX + 1][TWI_NAME_SIZE];
};

static bool chain_has(const struct chain *chain, const char *name)
{
    for (size_t i = 0; i < chain->count; i++) {
        if (strcmp(chain->names[i], name) == 0)
            return true;
    }
    return false;
}

/* Go on from the last name of the chain, in whatever order the records stand: 1, 0 where it ends,
 * -1 when it is too long or a circle. */
static int chain_follow(struct chain *chain, struct message answers, unsigned count)
{
    struct record record;

    while (count-- > 0 && read_record(&answers, &record)) {
        if (record.type != TYPE_CNAME ||
            strcmp(record.owner, chain->names[chain->count - 1]) != 0)
            continue;
        if (chain->count > ALIASES_MAX || chain_has(chain, record.target))
            return -1;
        strcpy(chain->names[chain->count++], record.target);
        return 1;
    }
    return 0;
}

/* True if all addresses are those of `name`, which was asked for, or of its aliases. */
static bool addresses_belong(struct message answers, unsigned count, const char *name)
{
    struct chain chain = { .count = 1 };
    struct record record;
    int r;

    strcpy(chain.names[0], name);
    do
        r = chain_follow(&chain, answers, count);
    while (r > 0);
    if (r < 0)
        return false;
    while (count-- > 0 && read_record(&answers, &record)) {
        bool address = record.type == TYPE_A || record.type == TYPE_AAAA;

        if (address && !chain_has(&chain, record.owner))
            return false;
    }
    return true;
}

/* --- messages ------------------------------------------------------------------------------ */

size_t twi_dns_question_length(const void *data, size_t length)
{
    struct message message = { data, length, TWI_DNS_HEADER };

    if (length < TWI_DNS_HEADER || get16(message.data + 4) == 0 ||
        !read_question(&message, NULL))
        return 0;
    return message.at - TWI_DNS_HEADER;
}

size_t twi_dns_answer_only(void *data, const uint8_t id[2], const void *question,
                           size_t question_length, unsigned code)
{
    uint8_t header[TWI_DNS_HEADER] = { id[0], id[1], 0x81, (uint8_t)(0x80 | code), 0, 1 };

    memcpy(data, header, sizeof header);
    memcpy((uint8_t *)data + sizeof header, question, question_length);
    return sizeof header + question_length;
}

bool twi_dns_message_check(const void *data, size_t length,
                           struct twi_dns_verdict *ret_verdict)
{
    struct message message = { data, length, TWI_DNS_HEADER }, answers;
    struct twi_dns_verdict *verdict = ret_verdict;
    unsigned answer_count, records;

    memset(verdict, 0, sizeof *verdict);
    if (length < TWI_DNS_HEADER || (message.data[2] & 0x80) == 0)
        return false;
    verdict->code = message.data[3] & 0x0f;
    verdict->truncated = (message.data[2] & 0x02) != 0;
    if (get16(message.data + 4) != 1 || !read_question(&message, verdict->name))
        return false;
    if (verdict->truncated)
        return true;
    answers = message;
    answer_count = get16(message.data + 6);
    records = answer_count + get16(message.data + 8) + get16(message.data + 10);
    while (records-- > 0) {
        if (!read_record(&message, NULL))
            return false;
    }
    return addresses_belong(answers, answer_count, verdict->name);
}
