/* SPDX-License-Identifier: MIT */
/*
 * dns_server.c - a small DNS server on loopback in the test's process.
 */
#include "config.h"

#include "tests/dns_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <tweed/reactor.h>
#include <tweed/resolver.h>
#include <unistd.h>

#include "net/dns/resolver.h"
#include "tests/test.h"
#include "tests/torture.h"

struct dns_server server;

/* --- messages ------------------------------------------------------------------------------ */

void put(struct message *message, const void *data, size_t length)
{
    memcpy(message->bytes + message->length, data, length);
    message->length += length;
}

void put16(struct message *message, unsigned number)
{
    uint8_t bytes[] = { (uint8_t)(number >> 8), (uint8_t)number };

    put(message, bytes, 2);
}

void put_record(struct message *message, unsigned type, unsigned ttl, const void *data,
                size_t length)
{
    put16(message, 0xc00c);
    put16(message, type);
    put16(message, 1);
    put16(message, 0);
    put16(message, ttl);
    put16(message, (unsigned)length);
    put(message, data, length);
    message->bytes[7]++;
    if (message->bytes[7] == 0)
        message->bytes[6]++;
}

void put_ipv4(struct message *message, unsigned ttl, const char *literal)
{
    struct in_addr address;

    inet_pton(AF_INET, literal, &address);
    put_record(message, TYPE_A, ttl, &address, sizeof address);
}

void put_ipv6(struct message *message, unsigned ttl, const char *literal)
{
    struct in6_addr address;

    inet_pton(AF_INET6, literal, &address);
    put_record(message, TYPE_AAAA, ttl, &address, sizeof address);
}

void message_begin(struct message *answer, const struct message *question, unsigned code)
{
    size_t end = 12;

    answer->length = 0;
    while (question->bytes[end] != 0)
        end += question->bytes[end] + 1u;
    end += 5;
    put(answer, question->bytes, end);
    answer->bytes[2] = 0x81;
    answer->bytes[3] = (uint8_t)(0x80 | code);
    answer->bytes[6] = answer->bytes[7] = 0;
    answer->bytes[8] = answer->bytes[9] = answer->bytes[10] = answer->bytes[11] = 0;
}

static void read_question(const struct message *question)
{
    const uint8_t *at = question->bytes + 12;
    size_t length = 0;

    while (*at != 0) {
        if (length > 0)
            server.name[length++] = '.';
        memcpy(server.name + length, at + 1, *at);
        length += *at;
        at += *at + 1;
    }
    server.name[length] = '\0';
    server.type = (unsigned)at[1] << 8 | at[2];
    server.questions++;
    server.asked[server.type == TYPE_AAAA]++;
}

void send_to(const struct message *message, const struct sockaddr_in *to)
{
    sendto(server.fd, message->bytes, message->length, 0, (const struct sockaddr *)to,
           sizeof *to);
}

void send_stream(const struct message *message, int fd)
{
    uint8_t size[] = { (uint8_t)(message->length >> 8), (uint8_t)message->length };

    send(fd, size, 2, MSG_MORE | MSG_NOSIGNAL);
    send(fd, message->bytes, message->length, MSG_NOSIGNAL);
}

bool name_is(const char *name)
{
    return strcmp(server.name, name) == 0;
}

/* --- serving ------------------------------------------------------------------------------- */

static void serve(int fd, void *arg)
{
    struct message question;
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    ssize_t n = recvfrom(fd, question.bytes, sizeof question.bytes, 0,
                         (struct sockaddr *)&from, &size);

    (void)arg;
    if (n < 0 && errno != EINTR && errno != EAGAIN)
        tw_reactor_remove_reader(fd);
    if (n <= 0)
        return;
    question.length = (size_t)n;
    read_question(&question);
    server.answer(&question, &from);
}

static void serve_stream(int fd, void *arg)
{
    static struct message question;
    ssize_t n = recv(fd, question.bytes, sizeof question.bytes, 0);

    (void)arg;
    if (n > 14) {
        question.length = (size_t)n - 2;
        memmove(question.bytes, question.bytes + 2, question.length);
        read_question(&question);
        server.questions--;
        server.asked[server.type == TYPE_AAAA]--;
        server.answer_stream(&question, fd);
    } else {
        tw_reactor_remove_reader(fd);
        close(fd);
    }
}

static void serve_tcp(int listener, void *arg)
{
    int fd = accept(listener, NULL, NULL);

    (void)arg;
    if (fd < 0)
        return;
    server.connections++;
    tw_reactor_add_reader(fd, serve_stream, NULL);
}

void server_start(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    char text[64];

    server = (struct dns_server){ .answer = server.answer,
                                  .answer_stream = server.answer_stream };
    server.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    server.tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(server.tcp, (struct sockaddr *)&address, sizeof address), 0);
    getsockname(server.tcp, (struct sockaddr *)&address, &size);
    ck_assert_int_eq(bind(server.fd, (struct sockaddr *)&address, sizeof address), 0);
    listen(server.tcp, 5);
    ck_assert_int_eq(tw_reactor_add_reader(server.fd, serve, NULL), 0);
    ck_assert_int_eq(tw_reactor_add_reader(server.tcp, serve_tcp, NULL), 0);
    server.port = ntohs(address.sin_port);
    snprintf(text, sizeof text, "127.0.0.1:%u", server.port);
    /* c-ares without memory for an answer asks again, three times. */
    if (torture_running())
        twi_resolver_set_timeout(40);
    ck_assert_int_eq(tw_resolver_set_servers(text), 0);
    twi_resolver_set_hosts("/dev/null");
}

void server_stop(void)
{
    tw_reactor_remove_reader(server.fd);
    tw_reactor_remove_reader(server.tcp);
    close(server.fd);
    close(server.tcp);
    twi_resolver_set_hosts("/etc/hosts");
    ck_assert_int_eq(tw_reactor_uninstall(), 0);
}
