/* SPDX-License-Identifier: MIT */
/*
 * url_host.c - the host parser: domains with IDNA, IPv4 in all its spellings, IPv6, opaque hosts.
 *
 * A domain that is ASCII, and a label that is ASCII and no Punycode, never goes to the IDNA
 * library: it may have any hyphens and any length, as the standard wants it. Other labels are
 * given to it one by one.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/posix.h"
#include "web/url/url.h"

/* --- IPv4 --------------------------------------------------------------------------------- */

#define TOO_LARGE UINT64_C(0x100000000)

/* A number as C writes them, saturated at TOO_LARGE. False if it is none; "0x" is zero. */
static bool read_ipv4_number(const char *text, size_t length, uint64_t *ret_number)
{
    unsigned radix = 10;
    uint64_t number = 0;
    size_t i = 0;

    if (length == 0)
        return false;
    if (length >= 2 && text[0] == '0') {
        radix = twi_lower(text[1]) == 'x' ? 16 : 8;
        i = radix == 16 ? 2 : 1;
    }
    for (; i < length; i++) {
        int digit = twi_hex(text[i]);
        if (digit < 0 || (unsigned)digit >= radix)
            return false;
        number = number * radix + (unsigned)digit;
        if (number > TOO_LARGE)
            number = TOO_LARGE;
    }
    *ret_number = number;
    return true;
}

static size_t without_last_dot(const char *host, size_t length)
{
    return length > 1 && host[length - 1] == '.' ? length - 1 : length;
}

/* True if the last label looks like a number, so that the whole must be an address. */
static bool ends_in_number(const char *host, size_t length)
{
    const char *dot, *last = host;
    uint64_t number;
    size_t i;

    length = without_last_dot(host, length);
    dot = twi_memrchr(host, '.', length);
    if (dot != NULL)
        last = dot + 1;
    length -= (size_t)(last - host);
    if (length == 0 || !twi_is_digit(*last))
        return false;
    for (i = 0; i < length && twi_is_digit(last[i]); i++)
        ;
    return i == length || read_ipv4_number(last, length, &number);
}

/* Pages are often asked for by address: printf() would take a tenth of the time of a
 * request. */
static char *write_dotted(char *out, uint32_t address)
{
    for (int shift = 24; shift >= 0; shift -= 8) {
        unsigned number = address >> shift & 255;
        if (number >= 100)
            *out++ = (char)('0' + number / 100);
        if (number >= 10)
            *out++ = (char)('0' + number / 10 % 10);
        *out++ = (char)('0' + number % 10);
        *out++ = '.';
    }
    return out - 1;
}

/* Returns the length of the dotted form, written over `host` (room for 16), or -EINVAL. */
static int normalise_ipv4(char *host, size_t length)
{
    const char *at = host, *end = host + without_last_dot(host, length);
    uint64_t address = 0, number;
    unsigned parts = 0;

    for (;;) {
        const char *dot = memchr(at, '.', (size_t)(end - at));
        if (++parts > 4 || !read_ipv4_number(at, (size_t)((dot ? dot : end) - at), &number))
            return -EINVAL;
        if (dot == NULL)
            break;
        if (number > 255)
            return -EINVAL;
        address |= number << (8 * (4 - parts));
        at = dot + 1;
    }
    if (number >> (8 * (5 - parts)) != 0)
        return -EINVAL;
    address |= number;
    return (int)(write_dotted(host, (uint32_t)address) - host);
}

/* --- IPv6 --------------------------------------------------------------------------------- */

/* The dotted tail of an IPv6 address: exactly four decimal numbers without leading zeros. */
static bool read_dotted_tail(const char *at, const char *end, uint16_t *pieces)
{
    unsigned i;

    for (i = 0; i < 4; i++) {
        unsigned number = 0;
        const char *start = at;
        while (at < end && twi_is_digit(*at) && at - start < 3)
            number = number * 10 + (unsigned)(*at++ - '0');
        if (at == start || number > 255 || (*start == '0' && at - start > 1))
            return false;
        pieces[i / 2] = (uint16_t)(pieces[i / 2] << 8 | number);
        if (i < 3 && (at == end || *at++ != '.'))
            return false;
    }
    return at == end;
}

/* Up to four hexadecimal digits; moves *at behind them. */
static unsigned read_piece(const char **at, const char *end, unsigned *ret_digits)
{
    unsigned number = 0, count = 0;

    while (*at < end && count < 4 && twi_hex(**at) >= 0) {
        number = number << 4 | (unsigned)twi_hex(*(*at)++);
        count++;
    }
    *ret_digits = count;
    return number;
}

/* Move the pieces after the "::" to the end. */
static void expand_gap(uint16_t pieces[8], unsigned gap, unsigned count)
{
    unsigned moved = count - gap;

    memmove(pieces + 8 - moved, pieces + gap, moved * sizeof *pieces);
    memset(pieces + gap, 0, (8 - count) * sizeof *pieces);
}

static bool read_ipv6(const char *at, const char *end, uint16_t pieces[8])
{
    unsigned count = 0, digits;
    int gap = -1;

    if (end - at >= 1 && *at == ':') {
        if (end - at < 2 || at[1] != ':')
            return false;
        at += 2;
        gap = 0;
    }
    while (at < end) {
        const char *start = at;
        if (count == 8)
            return false;
        if (*at == ':') {
            if (gap >= 0)
                return false;
            at++;
            gap = (int)count;
            continue;
        }
        pieces[count] = (uint16_t)read_piece(&at, end, &digits);
        if (at < end && *at == '.') {
            if (digits == 0 || count > 6)
                return false;
            pieces[count] = 0;
            if (!read_dotted_tail(start, end, pieces + count))
                return false;
            count += 2;
            break;
        }
        if (at < end && (*at++ != ':' || at == end))
            return false;
        if (digits == 0)
            return false;
        count++;
    }
    if (gap < 0)
        return count == 8;
    if (count == 8)
        return false;
    expand_gap(pieces, (unsigned)gap, count);
    return true;
}

/* The first longest run of two zero pieces or more; its length in *ret_length, 0 for none. */
static unsigned longest_zeros(const uint16_t pieces[8], unsigned *ret_length)
{
    unsigned i, run = 0, best = 0, best_length = 0;

    for (i = 0; i < 8; i++) {
        run = pieces[i] == 0 ? run + 1 : 0;
        if (run > best_length) {
            best_length = run;
            best = i + 1 - run;
        }
    }
    *ret_length = best_length > 1 ? best_length : 0;
    return best;
}

static int write_ipv6(char *out, const uint16_t pieces[8])
{
    unsigned i, zeros, first = longest_zeros(pieces, &zeros);
    char *at = out;

    *at++ = '[';
    for (i = 0; i < 8; i++) {
        if (zeros > 0 && i == first) {
            *at++ = ':';
            if (i == 0)
                *at++ = ':';
            i += zeros - 1;
            continue;
        }
        at += sprintf(at, i < 7 ? "%x:" : "%x", pieces[i]);
    }
    *at++ = ']';
    return (int)(at - out);
}

/* --- domains ------------------------------------------------------------------------------ */

/* The bytes of a dot at `at`, the three of East Asian scripts included; 0 if there is none. */
static size_t dot_length(const char *at, size_t length)
{
    static const char *const dots[] = { "\xe3\x80\x82", "\xef\xbc\x8e", "\xef\xbd\xa1" };
    size_t i;

    if (length > 0 && *at == '.')
        return 1;
    for (i = 0; length >= 3 && i < 3; i++) {
        if (memcmp(at, dots[i], 3) == 0)
            return 3;
    }
    return 0;
}

static bool is_ascii(const char *text, size_t length)
{
    size_t i;

    for (i = 0; i < length && (unsigned char)text[i] < 0x80; i++)
        ;
    return i == length;
}

static bool is_punycode(const char *label, size_t length)
{
    return length >= 4 && twi_same_nocase(label, 4, "xn--", 4);
}

#define DOMAIN_MAX TWI_URL_LABEL_MAX

/* A decoded domain of at most DOMAIN_MAX bytes to `out`, which has TWI_URL_HOST_ROOM. */
static int domain_to_ascii(const char *domain, size_t length, char *out)
{
    const char *label = domain, *at = domain, *end = domain + length;
    size_t used = 0, i;

    for (;;) {
        size_t dot = dot_length(at, (size_t)(end - at)), size = (size_t)(at - label);
        int written;
        if (dot == 0 && at < end) {
            at++;
            continue;
        }
        if (size + 1 > TWI_URL_HOST_ROOM - used)
            return -EINVAL;
        if (is_ascii(label, size) && !is_punycode(label, size)) {
            for (i = 0; i < size; i++)
                out[used + i] = twi_lower(label[i]);
            written = (int)size;
        } else {
            written = twi_url_label(label, size, out + used, TWI_URL_HOST_ROOM - 1 - used);
        }
        if (written < 0)
            return -EINVAL;
        used += (size_t)written;
        if (at == end)
            return (int)used;
        out[used++] = '.';
        label = at += dot;
    }
}

static bool has_forbidden(const char *host, size_t length, unsigned set)
{
    size_t i;

    for (i = 0; i < length; i++) {
        if (twi_url_class[(unsigned char)host[i]] & set)
            return true;
    }
    return false;
}

/* A decoded domain in another script than ASCII. Its mapped form must not be longer than the
 * longest that we take. */
static int international_domain(const char *decoded, size_t length, char *out,
                                const char **ret_why)
{
    int written;

    *ret_why = "host name too long";
    if (length > DOMAIN_MAX)
        return -EINVAL;
    written = domain_to_ascii(decoded, length, out);
    if (written > DOMAIN_MAX)
        return -EINVAL;
    *ret_why = "not a valid international domain name";
    return written < 0 || has_forbidden(out, (size_t)written, TWI_URL_FORBIDDEN_DOMAIN)
               ? -EINVAL
               : written;
}

static void lower(char *text, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++)
        text[i] = twi_lower(text[i]);
}

/* A domain that has escapes or other scripts. */
static int decoded_domain(const char *text, size_t length, char *out, const char **ret_why)
{
    char decoded[DOMAIN_MAX];

    length = (size_t)(twi_url_unescape(out, text, length) - out);
    if (has_forbidden(out, length, TWI_URL_FORBIDDEN_DOMAIN)) {
        *ret_why = "forbidden character in the host";
        return -EINVAL;
    }
    if (is_ascii(out, length)) {
        lower(out, length);
        return (int)length;
    }
    memcpy(decoded, out, length < sizeof decoded ? length : sizeof decoded);
    return international_domain(decoded, length, out, ret_why);
}

/* A domain that is ASCII is taken as it is, in lower case, even if IDNA would refuse an "xn--"
 * in it (URL standard, domain to ASCII, since 2026-06). */
static int parse_domain(const char *text, size_t length, char *out, const char **ret_why)
{
    size_t i;
    int r = (int)length;

    for (i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (twi_url_class[c] & (TWI_URL_FORBIDDEN_DOMAIN | TWI_URL_C0)) {
            if (c >= 0x80 || c == '%')
                break;
            *ret_why = "forbidden character in the host";
            return -EINVAL;
        }
        out[i] = twi_lower((char)c);
    }
    if (i < length)
        r = decoded_domain(text, length, out, ret_why);
    if (r == 0) {
        *ret_why = "no host";
        return -EINVAL;
    }
    if (r > 0 && ends_in_number(out, (size_t)r)) {
        *ret_why = "not a valid IPv4 address";
        r = normalise_ipv4(out, (size_t)r);
    }
    return r;
}

int twi_url_host(const char *text, size_t length, bool special, char *out,
                 const char **ret_why)
{
    uint16_t pieces[8];

    if (length > 0 && text[0] == '[') {
        if (text[length - 1] == ']' && read_ipv6(text + 1, text + length - 1, pieces))
            return write_ipv6(out, pieces);
        *ret_why = "not a valid IPv6 address";
        return -EINVAL;
    }
    if (special)
        return parse_domain(text, length, out, ret_why);
    if (has_forbidden(text, length, TWI_URL_FORBIDDEN_HOST)) {
        *ret_why = "forbidden character in the host";
        return -EINVAL;
    }
    return (int)(twi_url_write(out, text, length, TWI_URL_C0) - out);
}
