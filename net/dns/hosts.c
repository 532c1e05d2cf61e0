/* SPDX-License-Identifier: MIT */
/*
 * hosts.c - looking a name up in /etc/hosts.
 *
 * The text is kept and searched, not indexed: most such files have ten lines, and for those that
 * block advertising with a hundred thousand, one pass over the text is still faster than the
 * question to a server that it saves.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/clock.h"
#include "base/posix.h"
#include "net/dns/hosts.h"

#define HOSTS_SIZE_MAX (16 << 20)

static void hosts_forget(struct twi_hosts *hosts)
{
    twi_free(hosts->text);
    hosts->text = NULL;
    hosts->length = 0;
}

/* The first word of each line is left as it is. */
static void names_lower(char *text)
{
    for (char *at = text; *at != '\0'; at += *at == '\n') {
        at += strspn(at, " \t\r");
        at += strcspn(at, " \t\r\n");
        for (; *at != '\n' && *at != '\0'; at++)
            *at = twi_lower(*at);
    }
}

/* A NUL has no place in such a file, and would end it for some of its readers only. */
static void blank_nuls(char *text, size_t length)
{
    for (char *at = text; (at = memchr(at, '\0', (size_t)(text + length - at))) != NULL;)
        *at = ' ';
}

static int hosts_read(struct twi_hosts *hosts, int fd, size_t size)
{
    ssize_t got = 1;

    hosts->text = twi_malloc(size + 1);
    if (hosts->text == NULL)
        return -ENOMEM;
    while (hosts->length < size && got > 0) {
        got = read(fd, hosts->text + hosts->length, size - hosts->length);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            hosts->length += (size_t)got;
    }
    hosts->text[hosts->length] = '\0';
    blank_nuls(hosts->text, hosts->length);
    names_lower(hosts->text);
    return 0;
}

static bool hosts_changed(struct twi_hosts *hosts, const struct stat *st)
{
    int64_t changed_ns = st->st_mtim.tv_sec * TWI_SECOND + st->st_mtim.tv_nsec;

    if (hosts->text != NULL && hosts->changed_ns == changed_ns && hosts->size == st->st_size &&
        hosts->inode == st->st_ino)
        return false;
    hosts->changed_ns = changed_ns;
    hosts->size = st->st_size;
    hosts->inode = st->st_ino;
    return true;
}

/* Read the file as it is now. 0, -ENOMEM, or -EMFILE and the like. */
static int hosts_look(struct twi_hosts *hosts, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r = 0;
    struct stat st;

    if (fd < 0) {
        r = twi_is_exhaustion(errno) ? -errno : 0;
        if (r == 0)
            hosts_forget(hosts);
        return r;
    }
    if (fstat(fd, &st) == 0 && hosts_changed(hosts, &st)) {
        hosts_forget(hosts);
        if (S_ISREG(st.st_mode) && st.st_size <= HOSTS_SIZE_MAX)
            r = hosts_read(hosts, fd, (size_t)st.st_size);
    }
    close(fd);
    return r;
}

static void hosts_refresh(struct twi_hosts *hosts, const char *path, int64_t now_ns)
{
    int r;

    if (hosts->checked_ns != 0 && now_ns - hosts->checked_ns < TWI_SECOND)
        return;
    r = hosts_look(hosts, path);
    if (r == 0)
        hosts->checked_ns = now_ns;
    hosts->error = hosts->checked_ns == 0 || r == -ENOMEM ? r : 0;
}

static bool hosts_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_end(char c)
{
    return hosts_is_blank(c) || c == '\n' || c == '#' || c == '\0';
}

/* The address at the start of the line that `at` lies in, if `at` is a name there: not the
 * address itself and not in a comment. */
static int line_address(const char *text, const char *at, union tw_socket_address *address)
{
    const char *line = at;
    char literal[64];
    size_t length = 0;

    while (line > text && line[-1] != '\n')
        line--;
    if (memchr(line, '#', (size_t)(at - line)) != NULL)
        return -EINVAL;
    while (hosts_is_blank(*line))
        line++;
    if (line == at)
        return -EINVAL;
    while (!is_end(line[length]))
        length++;
    if (length >= sizeof literal)
        return -EINVAL;
    memcpy(literal, line, length);
    literal[length] = '\0';
    return tw_address_parse(literal, 0, address);
}

size_t twi_hosts_find(struct twi_hosts *hosts, const char *path, int64_t now_ns,
                      const char *name, union tw_socket_address list[TWI_ADDRESSES_MAX])
{
    size_t length = strlen(name), count = 0;
    union tw_socket_address address;
    const char *at, *end;

    hosts_refresh(hosts, path, now_ns);
    if (hosts->text == NULL)
        return 0;
    end = hosts->text + hosts->length;
    for (at = hosts->text; count < TWI_ADDRESSES_MAX; at += length) {
        at = memmem(at, (size_t)(end - at), name, length);
        if (at == NULL)
            break;
        if (at == hosts->text || !hosts_is_blank(at[-1]) || !is_end(at[length]))
            continue;
        if (line_address(hosts->text, at, &address) == 0 &&
            !twi_addresses_have(list, count, &address))
            list[count++] = address;
    }
    return count;
}

size_t twi_hosts_localhost(const char *name, union tw_socket_address list[TWI_ADDRESSES_MAX])
{
    size_t length = strlen(name);

    if (length < 9 || strcmp(name + length - 9, "localhost") != 0 ||
        (length > 9 && name[length - 10] != '.'))
        return 0;
    tw_address_parse("::1", 0, &list[0]);
    tw_address_parse("127.0.0.1", 0, &list[1]);
    return 2;
}

void twi_hosts_free(struct twi_hosts *hosts)
{
    hosts_forget(hosts);
    hosts->checked_ns = 0;
    hosts->error = 0;
}
