/* SPDX-License-Identifier: MIT */
/*
 * dns_message.c - a strict reading of DNS datagrams, before the resolver sees them.
 *
 * A forged or damaged answer must not end a question whose true answer is still on its way, so
 * what is not sound is dropped like a lost datagram.
 */
#include "config.h"

#include <string.h>

#include "base/ascii.h"
#include "net/dns/dns_message.h"

#define HEADER_SIZE 12
#define NAME_MAX 255

enum { TYPE_NS = 2, TYPE_CNAME = 5, TYPE_SOA = 6, TYPE_PTR = 12, TYPE_DNAME = 39 };

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
            if (at < HEADER_SIZE || at >= earliest)
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

static bool read_record(struct message *message)
{
    unsigned type;
    size_t end;

    if (!message_read_name(message, NULL) || message->at + 10 > message->length)
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
        if (!message_read_name(message, NULL) || message->at > end)
            return false;
    }
    message->at = end;
    return true;
}

bool twi_dns_message_check(const void *data, size_t length,
                           struct twi_dns_verdict *ret_verdict)
{
    struct message message = { data, length, HEADER_SIZE };
    struct twi_dns_verdict *verdict = ret_verdict;
    unsigned questions, records;

    memset(verdict, 0, sizeof *verdict);
    if (length < HEADER_SIZE || (message.data[2] & 0x80) == 0)
        return false;
    verdict->code = message.data[3] & 0x0f;
    verdict->truncated = (message.data[2] & 0x02) != 0;
    questions = get16(message.data + 4);
    if (questions > 1)
        return false;
    if (questions == 1 && !read_question(&message, verdict->name))
        return false;
    if (verdict->truncated)
        return true;
    records = get16(message.data + 6) + get16(message.data + 8) + get16(message.data + 10);
    while (records-- > 0) {
        if (!read_record(&message))
            return false;
    }
    return true;
}
