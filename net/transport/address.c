/* SPDX-License-Identifier: MIT */
/*
 * address.c - socket addresses: literals, values, and the order in which to try them.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <idn2.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/posix.h"
#include "base/ascii.h"
#include "net/transport/address.h"

/* --- literals ------------------------------------------------------------------------------ */

static int parse_ipv4(const char *literal, unsigned port, union tw_socket_address *address)
{
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, literal, &address->ipv4.sin_addr) != 1)
        return -EINVAL;
    address->ipv4.sin_family = AF_INET;
    address->ipv4.sin_port = htons((uint16_t)port);
    return 0;
}

/* A zone is an interface's name or number (RFC 4007, 11). */
static int parse_zone(const char *zone, uint32_t *ret_scope)
{
    uint64_t number;
    unsigned scope;

    if (twi_parse_decimal(zone, strlen(zone), &number) == 0 && number > 0 &&
        number <= UINT32_MAX) {
        *ret_scope = (uint32_t)number;
        return 0;
    }
    scope = if_nametoindex(zone);
    if (scope == 0)
        return -EINVAL;
    *ret_scope = scope;
    return 0;
}

static int parse_ipv6(const char *text, size_t length, unsigned port,
                      union tw_socket_address *address)
{
    char literal[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
    uint32_t scope = 0;
    char *zone;

    if (length >= sizeof literal)
        return -EINVAL;
    memcpy(literal, text, length);
    literal[length] = '\0';
    zone = strchr(literal, '%');
    if (zone != NULL) {
        *zone++ = '\0';
        if (parse_zone(zone, &scope) < 0)
            return -EINVAL;
    }
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET6, literal, &address->ipv6.sin6_addr) != 1)
        return -EINVAL;
    address->ipv6.sin6_family = AF_INET6;
    address->ipv6.sin6_port = htons((uint16_t)port);
    address->ipv6.sin6_scope_id = scope;
    return 0;
}

int tw_address_parse(const char *literal, unsigned port, union tw_socket_address *ret_address)
{
    union tw_socket_address address;
    size_t length;
    int r;

    if (literal == NULL || port > 65535)
        return -EINVAL;
    length = strlen(literal);
    if (literal[0] == '[') {
        if (literal[length - 1] != ']')
            return -EINVAL;
        r = parse_ipv6(literal + 1, length - 2, port, &address);
    } else if (strchr(literal, ':') != NULL) {
        r = parse_ipv6(literal, length, port, &address);
    } else {
        r = parse_ipv4(literal, port, &address);
    }
    if (r == 0)
        *ret_address = address;
    return r;
}

/* "%lo"; its number for an interface that is gone. */
static void format_zone(uint32_t scope, char text[IF_NAMESIZE + 1])
{
    text[0] = '\0';
    if (scope == 0)
        return;
    text[0] = '%';
    if (if_indextoname(scope, text + 1) == NULL)
        snprintf(text, IF_NAMESIZE + 1, "%%%u", (unsigned)scope);
}

int tw_address_format(const union tw_socket_address *address, char *text, size_t size)
{
    char literal[INET6_ADDRSTRLEN] = "", zone[IF_NAMESIZE + 1];

    if (address->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &address->ipv4.sin_addr, literal, sizeof literal);
        return snprintf(text, size, "%s:%u", literal, ntohs(address->ipv4.sin_port));
    }
    if (address->any.sa_family != AF_INET6)
        return snprintf(text, size, "%s", "unknown");
    inet_ntop(AF_INET6, &address->ipv6.sin6_addr, literal, sizeof literal);
    format_zone(address->ipv6.sin6_scope_id, zone);
    return snprintf(text, size, "[%s%s]:%u", literal, zone, ntohs(address->ipv6.sin6_port));
}

/* --- values -------------------------------------------------------------------------------- */

struct address_object {
    size_t references;
    union tw_socket_address address;
};

static void address_retain(void *object)
{
    ((struct address_object *)object)->references++;
}

static void address_release(void *object)
{
    struct address_object *self = object;

    if (--self->references == 0)
        twi_free(self);
}

static int address_describe(void *object, char *text, size_t size)
{
    return tw_address_format(&((struct address_object *)object)->address, text, size);
}

static const tw_type address_type = {
    .name = "address",
    .retain = address_retain,
    .release = address_release,
    .format = address_describe,
};

tw_value twi_address_value(const union tw_socket_address *address)
{
    struct address_object *object = twi_malloc(sizeof *object);

    if (object == NULL)
        return tw_fail_memory();
    object->references = 1;
    object->address = *address;
    return tw_value_of(&address_type, object);
}

const union tw_socket_address *tw_address_of(tw_value address)
{
    struct address_object *object = tw_value_object(address, &address_type);

    return object != NULL ? &object->address : NULL;
}

bool twi_address_same(const union tw_socket_address *a, const union tw_socket_address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET)
        return a->ipv4.sin_port == b->ipv4.sin_port &&
               a->ipv4.sin_addr.s_addr == b->ipv4.sin_addr.s_addr;
    return a->ipv6.sin6_port == b->ipv6.sin6_port &&
           a->ipv6.sin6_scope_id == b->ipv6.sin6_scope_id &&
           memcmp(&a->ipv6.sin6_addr, &b->ipv6.sin6_addr, sizeof a->ipv6.sin6_addr) == 0;
}

bool twi_addresses_have(const union tw_socket_address *list, size_t count,
                        const union tw_socket_address *address)
{
    for (size_t i = 0; i < count; i++) {
        if (twi_address_same(&list[i], address))
            return true;
    }
    return false;
}

void twi_address_set_port(union tw_socket_address *address, unsigned port)
{
    if (address->any.sa_family == AF_INET6)
        address->ipv6.sin6_port = htons((uint16_t)port);
    else
        address->ipv4.sin_port = htons((uint16_t)port);
}

int twi_unix_address(const char *path, struct sockaddr_un *ret_address, socklen_t *ret_length)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t length = strlen(path);

    if (length == 0 || length >= sizeof address.sun_path)
        return -EINVAL;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    else
        length++;
    *ret_address = address;
    *ret_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return 0;
}

/* --- order --------------------------------------------------------------------------------- */

struct policy {
    uint8_t prefix[16];
    uint8_t bits, precedence, label;
};

/* RFC 6724, 2.1, longest prefix first. */
static const struct policy policies[] = {
    { { [15] = 1 }, 128, 50, 0 },  { { [10] = 0xff, [11] = 0xff }, 96, 35, 4 },
    { { 0 }, 96, 1, 3 },           { { 0x20, 0x01 }, 32, 5, 5 },
    { { 0x20, 0x02 }, 16, 30, 2 }, { { 0x3f, 0xfe }, 16, 1, 12 },
    { { 0xfe, 0xc0 }, 10, 1, 11 }, { { 0xfc }, 7, 3, 13 },
    { { 0 }, 0, 40, 1 },
};

/* As 16 bytes, IPv4 mapped. */
static void address_bytes(const union tw_socket_address *address, uint8_t bytes[16])
{
    if (address->any.sa_family == AF_INET6) {
        memcpy(bytes, &address->ipv6.sin6_addr, 16);
        return;
    }
    memset(bytes, 0, 16);
    bytes[10] = bytes[11] = 0xff;
    memcpy(bytes + 12, &address->ipv4.sin_addr, 4);
}

static bool prefix_matches(const uint8_t *bytes, const struct policy *policy)
{
    unsigned whole = policy->bits / 8, rest = policy->bits % 8;

    if (memcmp(bytes, policy->prefix, whole) != 0)
        return false;
    return rest == 0 || ((bytes[whole] ^ policy->prefix[whole]) >> (8 - rest)) == 0;
}

static const struct policy *policy_of(const uint8_t *bytes)
{
    const struct policy *policy = policies;

    while (!prefix_matches(bytes, policy))
        policy++;
    return policy;
}

/* RFC 6724, 3.1 and 3.2: 2 link-local, 5 site-local, 14 global; a multicast address names its
 * own. */
static unsigned scope_of(const uint8_t *bytes)
{
    static const struct policy mapped = { { [10] = 0xff, [11] = 0xff }, 96, 0, 0 };

    if (prefix_matches(bytes, &mapped)) {
        bool link = bytes[12] == 127 || (bytes[12] == 169 && bytes[13] == 254);
        return link ? 2 : 14;
    }
    if (bytes[0] == 0xff)
        return bytes[1] & 0x0f;
    if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80)
        return 2;
    if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0xc0)
        return 5;
    return policy_of(bytes) == &policies[0] ? 2 : 14;
}

/* One destination's standing; compared from the first member on. */
struct standing {
    bool reachable, same_scope, same_label;
    unsigned precedence, scope;
    union tw_socket_address address;
};

static void standing_of(struct standing *standing, const union tw_socket_address *address,
                        twi_source_fn *source)
{
    union tw_socket_address from;
    uint8_t there[16], here[16];

    memset(standing, 0, sizeof *standing);
    standing->address = *address;
    address_bytes(address, there);
    standing->precedence = policy_of(there)->precedence;
    standing->scope = scope_of(there);
    standing->reachable = source(address, &from);
    if (!standing->reachable)
        return;
    address_bytes(&from, here);
    standing->same_scope = scope_of(here) == standing->scope;
    standing->same_label = policy_of(here)->label == policy_of(there)->label;
}

static bool standing_better(const struct standing *a, const struct standing *b)
{
    if (a->reachable != b->reachable)
        return a->reachable;
    if (a->same_scope != b->same_scope)
        return a->same_scope;
    if (a->same_label != b->same_label)
        return a->same_label;
    if (a->precedence != b->precedence)
        return a->precedence > b->precedence;
    return a->scope < b->scope;
}

/* Connecting a datagram socket sends nothing, but chooses the source. */
bool twi_address_source(const union tw_socket_address *address,
                        union tw_socket_address *ret_source)
{
    union tw_socket_address probe = *address;
    socklen_t length = sizeof *ret_source;
    bool found;
    int fd;

    fd = twi_socket(address->any.sa_family, SOCK_DGRAM, 0);
    if (fd < 0)
        return false;
    twi_address_set_port(&probe, 53);
    found = connect(fd, &probe.any, twi_address_length(&probe)) == 0 &&
            getsockname(fd, &ret_source->any, &length) == 0;
    close(fd);
    return found;
}

void twi_addresses_sort(union tw_socket_address *list, size_t count, twi_source_fn *source)
{
    struct standing standings[TWI_ADDRESSES_MAX], moved;
    size_t i, j;

    if (count < 2 || count > TWI_ADDRESSES_MAX)
        return;
    for (i = 0; i < count; i++) {
        standing_of(&moved, &list[i], source);
        for (j = i; j > 0 && standing_better(&moved, &standings[j - 1]); j--)
            standings[j] = standings[j - 1];
        standings[j] = moved;
    }
    for (i = 0; i < count; i++)
        list[i] = standings[i].address;
}

void twi_addresses_interleave(union tw_socket_address *list, size_t count)
{
    size_t i, next;

    for (i = 1; i < count; i++) {
        union tw_socket_address moved;

        if (list[i].any.sa_family != list[i - 1].any.sa_family)
            continue;
        for (next = i + 1; next < count; next++) {
            if (list[next].any.sa_family != list[i].any.sa_family)
                break;
        }
        if (next >= count)
            return;
        moved = list[next];
        memmove(&list[i + 1], &list[i], (next - i) * sizeof *list);
        list[i] = moved;
    }
}

/* --- names --------------------------------------------------------------------------------- */

static bool name_char_fits(char c)
{
    return twi_is_alpha(c) || twi_is_digit(c) || c == '-' || c == '_';
}

/* RFC 1035, 2.3.4 for lengths; underscores are in use. */
static bool name_is_sound(const char *name, size_t length)
{
    size_t label = 0;

    if (length == 0 || length > 253)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (name[i] == '.' ? label == 0 : !name_char_fits(name[i]))
            return false;
        label = name[i] == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return label > 0;
}

static int name_copy(const char *name, char text[TWI_NAME_SIZE])
{
    size_t length = strlen(name);

    if (length > 0 && name[length - 1] == '.')
        length--;
    if (!name_is_sound(name, length))
        return -EINVAL;
    for (size_t i = 0; i < length; i++)
        text[i] = twi_lower(name[i]);
    text[length] = '\0';
    return 0;
}

int twi_name_to_ascii(const char *name, char text[TWI_NAME_SIZE])
{
    char *ascii;
    int r;

    for (const char *c = name; (unsigned char)*c < 128; c++) {
        if (*c == '\0')
            return name_copy(name, text);
    }
    r = idn2_to_ascii_8z(name, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
    if (r == IDN2_MALLOC)
        return -ENOMEM;
    if (r != IDN2_OK)
        return -EINVAL;
    r = name_copy(ascii, text);
    idn2_free(ascii);
    return r;
}
