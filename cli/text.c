/* SPDX-License-Identifier: MIT */
/*
 * text.c - memory, growing texts, numbers and writing for the commands.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* --- memory ------------------------------------------------------------------------------- */

static void *or_die(void *block)
{
    if (block == NULL) {
        cli_complain(NULL, "out of memory");
        exit(CLI_FAILED);
    }
    return block;
}

void *cli_alloc(size_t size)
{
    return or_die(calloc(1, size > 0 ? size : 1));
}

void *cli_realloc(void *block, size_t size)
{
    return or_die(realloc(block, size > 0 ? size : 1));
}

struct kept {
    struct kept *next;
    char text[];
};
static struct kept *all_kept;

char *cli_keep(const char *text, size_t length)
{
    struct kept *kept = cli_alloc(sizeof *kept + length + 1);

    memcpy(kept->text, text, length);
    kept->next = all_kept;
    all_kept = kept;
    return kept->text;
}

void cli_release_kept(void)
{
    while (all_kept != NULL) {
        struct kept *next = all_kept->next;
        free(all_kept);
        all_kept = next;
    }
}

/* --- texts -------------------------------------------------------------------------------- */

static void text_make_room(struct cli_text *text, size_t extra)
{
    size_t size = text->size > 0 ? text->size : 256;

    if (extra < text->size - text->length)
        return;
    if (extra > SIZE_MAX / 4 - text->length)
        or_die(NULL);
    while (size - text->length <= extra)
        size *= 2;
    text->data = cli_realloc(text->data, size);
    text->size = size;
}

void cli_text_add(struct cli_text *text, const void *data, size_t length)
{
    text_make_room(text, length);
    if (length > 0)
        memcpy(text->data + text->length, data, length);
    text->length += length;
    text->data[text->length] = 0;
}

void cli_text_puts(struct cli_text *text, const char *string)
{
    cli_text_add(text, string, strlen(string));
}

void cli_text_printf(struct cli_text *text, const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        return;
    text_make_room(text, (size_t)length);
    va_start(args, format);
    vsnprintf(text->data + text->length, (size_t)length + 1, format, args);
    va_end(args);
    text->length += (size_t)length;
}

void cli_text_free(struct cli_text *text)
{
    free(text->data);
    memset(text, 0, sizeof *text);
}

static int text_read_all(struct cli_text *text, int fd)
{
    for (;;) {
        ssize_t n;
        text_make_room(text, 65536);
        n = read(fd, text->data + text->length, text->size - text->length - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text->length += (size_t)n;
        text->data[text->length] = 0;
        if (n == 0)
            return 0;
    }
}

int cli_text_read(struct cli_text *text, const char *path)
{
    int fd, r;

    if (strcmp(path, "-") == 0)
        return text_read_all(text, STDIN_FILENO);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    r = text_read_all(text, fd);
    close(fd);
    return r;
}

int cli_open_temporary(struct cli_text *name)
{
    const char *dir = getenv("TMPDIR");
    int fd;

    cli_text_printf(name, "%s/tweed-XXXXXX", dir != NULL && *dir != 0 ? dir : "/tmp");
    fd = mkostemp(name->data, O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* --- writing ------------------------------------------------------------------------------ */

/* C1 controls are two bytes in UTF-8. */
void cli_make_printable(char *text, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        unsigned char next = i + 1 < length ? (unsigned char)text[i + 1] : 0;
        if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f)
            text[i] = '?';
        else if (c == 0xc2 && next >= 0x80 && next < 0xa0)
            text[i] = text[i + 1] = '?';
    }
}

void cli_complain(const char *command, const char *format, ...)
{
    char line[4096];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    cli_make_printable(line, strlen(line));
    fprintf(stderr, "tweed%s%s: %s\n", command != NULL ? " " : "",
            command != NULL ? command : "", line);
}

static void wait_writable(int fd)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };

    poll(&poll_fd, 1, -1);
}

int cli_write(int fd, const void *data, size_t length)
{
    const char *at = data;

    while (length > 0) {
        ssize_t n = write(fd, at, length);
        if (n >= 0) {
            at += n;
            length -= (size_t)n;
        } else if (errno == EAGAIN) {
            wait_writable(fd);
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

int cli_print(const char *command, const struct cli_text *text)
{
    int r = cli_write(STDOUT_FILENO, text->data, text->length);

    if (r == 0)
        return CLI_OK;
    cli_complain(command, "standard output: %s", strerror(-r));
    return CLI_FAILED;
}

/* --- numbers ------------------------------------------------------------------------------ */

bool cli_read_integer(const char *text, int64_t least, int64_t most, int64_t *ret_number)
{
    char *end;
    long long number;

    if (*text == 0 || strspn(text, "-0123456789") != strlen(text))
        return false;
    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno != 0 || *end != 0 || number < least || number > most)
        return false;
    *ret_number = number;
    return true;
}

bool cli_read_seconds(const char *text, double *ret_seconds)
{
    char *end;
    double seconds;

    /* strtod(3) would take blanks, signs, hexadecimal numbers and "infinity" as well. */
    if (text[strspn(text, "0123456789.eE+-")] != 0 ||
        (*text != '.' && !isdigit((unsigned char)*text)))
        return false;
    seconds = strtod(text, &end);
    if (*end != 0 || !(seconds <= 1e9))
        return false;
    *ret_seconds = seconds;
    return true;
}

bool cli_read_size(const char *text, int64_t *ret_bytes)
{
    static const char units[] = "kmgt";
    char digits[24];
    size_t length = strspn(text, "0123456789");
    const char *unit = text[length] != 0 ? strchr(units, text[length] | 32) : NULL;
    int shift = unit != NULL ? 10 * (int)(unit - units + 1) : 0;

    if (length == 0 || length >= sizeof digits || text[length + (unit != NULL)] != 0)
        return false;
    memcpy(digits, text, length);
    digits[length] = 0;
    if (!cli_read_integer(digits, 0, INT64_MAX >> shift, ret_bytes))
        return false;
    *ret_bytes <<= shift;
    return true;
}
