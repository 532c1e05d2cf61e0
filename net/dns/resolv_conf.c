/* SPDX-License-Identifier: MIT */
/*
 * resolv_conf.c - reading resolv.conf(5).
 *
 * c-ares could; but it knows no zones of addresses, and takes a file that it cannot read to the end
 * (a line too long, no descriptor) for an empty one, so that this machine would be asked.
 */
#include "config.h"

#include "net/dns/resolv_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <tweed/resolver.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/buf.h"
#include "base/posix.h"

#define FILE_SIZE_MAX (1 << 20)
#define NDOTS_MAX 15 /* as the C library has it */
#define BLANKS " \t\r"

static int file_read(int fd, struct twi_buf *text)
{
    ssize_t got = 1;

    while (got > 0 && text->length < FILE_SIZE_MAX) {
        if (twi_buf_reserve(text, 4096) < 0)
            return -ENOMEM;
        got = read(fd, text->data + text->length, 4096);
        if (got > 0)
            text->length += (size_t)got;
        else if (got < 0 && errno == EINTR)
            got = 1;
    }
    return 0;
}

/* Terminated; a NUL becomes a blank. */
static int conf_text(const char *path, struct twi_buf *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r;

    if (fd < 0)
        return twi_is_exhaustion(errno) ? -errno : twi_buf_append_char(text, '\0');
    r = file_read(fd, text);
    close(fd);
    for (size_t i = 0; i < text->length; i++)
        if (text->data[i] == '\0')
            text->data[i] = ' ';
    return r < 0 ? r : twi_buf_append_char(text, '\0');
}

static void take_server(struct twi_resolv_conf *conf, char *values)
{
    char *rest = NULL, *word = strtok_r(values, BLANKS, &rest);

    if (word != NULL && conf->server_count < TWI_NAME_SERVERS_MAX &&
        tw_address_parse(word, 0, &conf->servers[conf->server_count]) == 0)
        conf->server_count++;
}

/* Labels of 1 to 63 bytes, 253 in all: what can be a part of a question. */
static bool is_domain(const char *name)
{
    size_t length = strlen(name), label = 0;

    if (length > 0 && name[length - 1] == '.')
        length--;
    for (size_t i = 0; i < length; i++) {
        label = name[i] == '.' ? 0 : label + 1;
        if (label > 63 || (name[i] == '.' && (i == 0 || name[i - 1] == '.')))
            return false;
    }
    return length > 0 && length <= 253;
}

static void take_domains(struct twi_resolv_conf *conf, char *values)
{
    char *rest = NULL;

    conf->domain_count = 0;
    for (char *word = strtok_r(values, BLANKS, &rest);
         word != NULL && conf->domain_count < TWI_SEARCH_MAX;
         word = strtok_r(NULL, BLANKS, &rest))
        if (is_domain(word))
            conf->domains[conf->domain_count++] = word;
}

static void take_options(struct twi_resolv_conf *conf, char *values)
{
    char *rest = NULL;
    uint64_t number;

    for (char *word = strtok_r(values, BLANKS, &rest); word != NULL;
         word = strtok_r(NULL, BLANKS, &rest)) {
        if (strcmp(word, "rotate") == 0)
            conf->rotate = true;
        else if (strncmp(word, "ndots:", 6) == 0 &&
                 twi_parse_decimal(word + 6, strlen(word + 6), &number) == 0)
            conf->ndots = number < NDOTS_MAX ? (int)number : NDOTS_MAX;
    }
}

static const struct {
    const char *keyword;
    void (*take)(struct twi_resolv_conf *conf, char *values);
} lines[] = {
    { "nameserver", take_server },
    { "search", take_domains },
    { "domain", take_domains },
    { "options", take_options },
};

/* The keyword starts the line. */
static void take_line(struct twi_resolv_conf *conf, char *line)
{
    size_t length = strcspn(line, BLANKS);

    line[strcspn(line, "#;")] = '\0';
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (length == strlen(lines[i].keyword) && strncmp(line, lines[i].keyword, length) == 0)
            lines[i].take(conf, line + length);
}

int twi_resolv_conf_read(const char *path, struct twi_resolv_conf *ret_conf)
{
    struct twi_buf text = { 0 };
    char *rest = NULL;
    int r = conf_text(path, &text);

    if (r < 0) {
        twi_buf_free(&text);
        return r;
    }
    memset(ret_conf, 0, sizeof *ret_conf);
    ret_conf->ndots = -1;
    ret_conf->text_ = text.data;
    for (char *line = strtok_r(text.data, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        take_line(ret_conf, line);
    return 0;
}

void twi_resolv_conf_free(struct twi_resolv_conf *conf)
{
    twi_free(conf->text_);
    conf->text_ = NULL;
}
