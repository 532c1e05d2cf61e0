/* SPDX-License-Identifier: MIT */
/*
 * cookies_file.c - Netscape's cookie file: a line of seven fields between tabs for each cookie.
 *
 *   domain  TRUE (subdomains too)  path  TRUE (secure)  expires (0: session)  name  value
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/ascii.h"
#include "base/buf.h"
#include "web/client/cookies.h"
#include "web/client/whole_file.h"
#include "web/url/url.h"

#define LINE_MAX_BYTES 16384
/* The largest time of 20 digits, near enough. */
#define EXPIRES_MAX 1e19

static const char http_only_mark[] = "#HttpOnly_";

/* --- loading ------------------------------------------------------------------------------ */

/* Cut the line at its tabs; a missing value is "". True if it has all fields. */
static bool split_line(char *line, char *fields[7])
{
    int i;

    for (i = 0; i < 7; i++) {
        fields[i] = line;
        if (i == 6)
            break;
        line = strchr(line, '\t');
        if (line == NULL)
            break;
        *line++ = 0;
    }
    if (i == 5) {
        fields[6] = fields[5] + strlen(fields[5]);
        i++;
    }
    return i == 6 && strchr(fields[6], '\t') == NULL;
}

static int read_flag(const char *text, bool *ret_flag)
{
    *ret_flag = twi_same_nocase(text, strlen(text), "TRUE", 4);
    return *ret_flag || twi_same_nocase(text, strlen(text), "FALSE", 5) ? 0 : -EINVAL;
}

static int read_expiry(const char *text, double *ret_expires)
{
    uint64_t seconds;
    int r = twi_parse_decimal(text, strlen(text), &seconds);

    if (r < 0)
        return -EINVAL;
    *ret_expires = seconds == 0 ? INFINITY : (double)seconds;
    return 0;
}

/* The line is cut. 0, 1 if it is empty or a comment, -EINVAL, -ENOMEM. */
static int load_line(tw_cookies *jar, char *line)
{
    char *parts[7], domain[TWI_URL_HOST_ROOM + 3 * 256];
    struct twi_cookie_fields fields = { 0 };
    const char *why;
    bool below;
    int length;

    if (strncmp(line, http_only_mark, sizeof http_only_mark - 1) == 0) {
        fields.http_only = true;
        line += sizeof http_only_mark - 1;
    } else if (*line == '#' || *line == 0) {
        return 1;
    }
    if (twi_cookie_has_control(line, strlen(line)) || !split_line(line, parts) ||
        read_flag(parts[1], &below) < 0 || read_flag(parts[3], &fields.secure) < 0 ||
        read_expiry(parts[4], &fields.expires) < 0 || parts[2][0] != '/' ||
        strlen(parts[5]) + strlen(parts[6]) == 0)
        return -EINVAL;
    if (parts[0][0] == '.')
        parts[0]++;
    if (strlen(parts[0]) > 255)
        return -EINVAL;
    length = twi_url_host(parts[0], strlen(parts[0]), true, domain, &why);
    if (length < 0)
        return -EINVAL;
    fields.domain = domain;
    fields.domain_length = (size_t)length;
    fields.host_only = !below || twi_cookie_host_is_address(domain, (size_t)length) ||
                       twi_cookie_domain_is_public(domain, (size_t)length);
    fields.path = parts[2];
    fields.path_length = strlen(parts[2]);
    fields.name = parts[5];
    fields.name_length = strlen(parts[5]);
    fields.value = parts[6];
    fields.value_length = strlen(parts[6]);
    return twi_cookies_put(jar, &fields, -INFINITY);
}

/* A line without its end. Returns 1, 0 at the end of the file, -EINVAL when it is no text of a
 * sensible length; it is read to its end all the same. */
static int read_line(FILE *file, char line[LINE_MAX_BYTES])
{
    size_t length = 0;
    bool good = true;
    int c;

    while ((c = getc(file)) != EOF && c != '\n') {
        good = good && c != 0 && length + 1 < LINE_MAX_BYTES;
        if (good)
            line[length++] = (char)c;
    }
    if (!good)
        return -EINVAL;
    if (c == EOF && length == 0)
        return 0;
    if (length > 0 && line[length - 1] == '\r')
        length--;
    line[length] = 0;
    return 1;
}

/* Returns how many lines were skipped, or a negative errno. */
static int load_lines(tw_cookies *jar, FILE *file, unsigned *ret_line)
{
    char line[LINE_MAX_BYTES];
    unsigned number = 0;
    int r, bad = 0;

    errno = 0;
    while ((r = read_line(file, line)) != 0) {
        number++;
        if (r > 0)
            r = load_line(jar, line);
        if (r == -ENOMEM)
            return r;
        if (r < 0 && bad < INT_MAX && bad++ == 0 && ret_line != NULL)
            *ret_line = number;
    }
    return ferror(file) ? (errno > 0 ? -errno : -EIO) : bad;
}

int tw_cookies_load(tw_cookies *jar, const char *path, unsigned *ret_line)
{
    FILE *file = fopen(path, "re");
    int r;

    if (file == NULL)
        return -errno;
    r = load_lines(jar, file, ret_line);
    fclose(file);
    twi_cookies_tell(jar);
    return r;
}

int tw_cookies_load_line(tw_cookies *jar, const char *line)
{
    size_t length = strlen(line);
    char *copy;
    int r;

    if (length >= LINE_MAX_BYTES)
        return -E2BIG;
    copy = twi_strndup(line, length);
    if (copy == NULL)
        return -ENOMEM;
    r = load_line(jar, copy);
    twi_free(copy);
    twi_cookies_tell(jar);
    return r > 0 ? -EINVAL : r;
}

/* --- saving ------------------------------------------------------------------------------- */

int twi_cookie_write_key(struct twi_buf *buf, const struct twi_cookie *cookie)
{
    return twi_buf_printf(buf, "%s%s\t%s\t%s", cookie->host_only ? "" : ".",
                          cookie->domain->name, cookie->path, cookie->name);
}

/* One that does not end with the session has a time that is not 0. */
static double expiry_of(const struct twi_cookie *cookie)
{
    if (isinf(cookie->expires))
        return 0;
    return fmin(fmax(cookie->expires, 1), EXPIRES_MAX);
}

int twi_cookie_write_line(struct twi_buf *buf, const struct twi_cookie *cookie)
{
    return twi_buf_printf(
        buf, "%s%s%s\t%s\t%s\t%s\t%.0f\t%s\t%s", cookie->http_only ? http_only_mark : "",
        cookie->host_only ? "" : ".", cookie->domain->name,
        cookie->host_only ? "FALSE" : "TRUE", cookie->path, cookie->secure ? "TRUE" : "FALSE",
        expiry_of(cookie), cookie->name, cookie->value);
}

static int write_jar(struct twi_buf *buf, const tw_cookies *jar)
{
    struct twi_cookie **cookies = twi_cookies_sorted(jar);
    int r;

    if (cookies == NULL)
        return -ENOMEM;
    r = twi_buf_append_text(buf, "# Netscape HTTP Cookie File\n"
                                 "# Written by tweed; lines are replaced.\n\n");
    for (size_t i = 0; r == 0 && i < jar->count; i++) {
        r = twi_cookie_write_line(buf, cookies[i]);
        if (r == 0)
            r = twi_buf_append_char(buf, '\n');
    }
    twi_free(cookies);
    return r;
}

int tw_cookies_save(const tw_cookies *jar, const char *path)
{
    struct twi_whole_file file = { .fd = -1 };
    struct twi_buf buf = { 0 };
    int r = write_jar(&buf, jar);

    if (r == 0)
        r = twi_whole_file_open(&file, path, S_IRUSR | S_IWUSR);
    if (r == 0)
        r = twi_whole_file_write(&file, buf.data, buf.length);
    if (r == 0)
        r = twi_whole_file_commit(&file);
    twi_whole_file_drop(&file);
    twi_buf_free(&buf);
    return r;
}
