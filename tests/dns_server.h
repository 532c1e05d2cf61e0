/* SPDX-License-Identifier: MIT */
/*
 * dns_server.h - a small DNS server on loopback in the test's process: UDP and TCP at one port.
 */
#ifndef TESTS_DNS_SERVER_H
#define TESTS_DNS_SERVER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_AAAA = 28 };

struct message {
    uint8_t bytes[65535];
    size_t length;
};

extern struct dns_server {
    int fd, tcp;
    unsigned port;
    unsigned questions;   /* received by UDP */
    unsigned asked[2];    /* for A, for AAAA */
    unsigned connections; /* by TCP */
    char name[256];       /* of the last question */
    unsigned type;
    /* Set before server_start(). */
    void (*answer)(const struct message *question, const struct sockaddr_in *to);
    void (*answer_stream)(const struct message *question, int fd);
} server;

/* Start to serve; the thread's resolver asks this server only. */
void server_start(void);
void server_stop(void);

/* Header and question of the answer to `question`, with this code. */
void message_begin(struct message *answer, const struct message *question, unsigned code);
void put(struct message *message, const void *data, size_t length);
void put16(struct message *message, unsigned number);
/* A record of the name that was asked for, counted as an answer. */
void put_record(struct message *message, unsigned type, unsigned ttl, const void *data,
                size_t length);
void put_ipv4(struct message *message, unsigned ttl, const char *literal);
void put_ipv6(struct message *message, unsigned ttl, const char *literal);
void send_to(const struct message *message, const struct sockaddr_in *to);
/* With its length in front. */
void send_stream(const struct message *message, int fd);
bool name_is(const char *name);

#endif
