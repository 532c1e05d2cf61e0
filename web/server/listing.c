/* SPDX-License-Identifier: MIT */
/*
 * listing.c - the content of a directory, as a page.
 *
 * Time and memory are bounded, however many names there are: the first in order are kept while
 * they are read, and only those are looked at and shown.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <tweed/url.h>

#include "base/ascii.h"
#include "web/server/files.h"
#include "web/server/root.h"
#include "base/alloc.h"
#include "web/server/html.h"

/* The number of names that are shown, and that are read at all. */
enum { SHOWN_MAX = 10000, READ_MAX = 200000 };

struct entry {
    char *name;
    int64_t size;     /* -1: a directory */
    int64_t modified; /* seconds */
};

struct entries {
    struct entry *at;
    size_t count, capacity;
    size_t read;  /* names that were read */
    bool is_full; /* names behind the last one are left out */
    bool is_cut;  /* there are more than were read */
};

/* --- reading ----------------------------------------------------------------------------- */

static void entries_cut(struct entries *entries, size_t count)
{
    while (entries->count > count)
        twi_free(entries->at[--entries->count].name);
}

static void entries_free(struct entries *entries)
{
    entries_cut(entries, 0);
    twi_free(entries->at);
}

/* The order in which people look for names: capitals beside small letters. */
static int name_compare(const char *a, const char *b)
{
    const char *x = a, *y = b;

    while (*x != '\0' && twi_lower(*x) == twi_lower(*y)) {
        x++;
        y++;
    }
    if (twi_lower(*x) != twi_lower(*y))
        return (unsigned char)twi_lower(*x) < (unsigned char)twi_lower(*y) ? -1 : 1;
    return strcmp(a, b);
}

static int entry_by_name(const void *a, const void *b)
{
    return name_compare(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* Directories first. */
static int entry_by_kind(const void *a, const void *b)
{
    bool a_is_file = ((const struct entry *)a)->size >= 0;
    bool b_is_file = ((const struct entry *)b)->size >= 0;

    return a_is_file != b_is_file ? (int)a_is_file - (int)b_is_file : entry_by_name(a, b);
}

/* Keep the first SHOWN_MAX names. */
static void entries_trim(struct entries *entries)
{
    if (entries->count <= SHOWN_MAX)
        return;
    qsort(entries->at, entries->count, sizeof *entries->at, entry_by_name);
    entries_cut(entries, SHOWN_MAX);
    entries->is_full = true;
}

static int entries_add(struct entries *entries, const char *name)
{
    struct entry *entry;

    entries->read++;
    if (entries->is_full && name_compare(name, entries->at[SHOWN_MAX - 1].name) > 0)
        return 0;
    if (twi_grow(&entries->at, &entries->capacity, entries->count + 1, sizeof *entries->at) <
        0)
        return -ENOMEM;
    entry = &entries->at[entries->count];
    entry->name = twi_strdup(name);
    if (entry->name == NULL)
        return -ENOMEM;
    if (++entries->count == 2 * SHOWN_MAX)
        entries_trim(entries);
    return 0;
}

static bool is_wanted(const char *name, bool hidden)
{
    if (name[0] != '.')
        return true;
    return hidden && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int entries_read(struct entries *entries, DIR *directory, bool hidden)
{
    struct dirent *entry;
    int r = 0;

    while (r == 0 && (entry = readdir(directory)) != NULL) {
        if (!is_wanted(entry->d_name, hidden))
            continue;
        if (entries->read == READ_MAX) {
            entries->is_cut = true;
            break;
        }
        r = entries_add(entries, entry->d_name);
    }
    entries_trim(entries);
    return r;
}

/* Examine an entry; false if a link to it would lead nowhere. */
static bool entry_examine(struct entry *entry, const struct twi_listing *listing, int fd)
{
    struct stat status;
    char *path;
    int r = fstatat(fd, entry->name, &status, AT_SYMLINK_NOFOLLOW);

    if (r == 0 && S_ISLNK(status.st_mode)) {
        path = twi_format("%s%s", listing->path, entry->name);
        r = path == NULL ? -ENOMEM : twi_root_stat_below(listing->root, path, &status);
        twi_free(path);
    }
    if (r < 0 || (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)))
        return false;
    entry->size = S_ISDIR(status.st_mode) ? -1 : (int64_t)status.st_size;
    entry->modified = (int64_t)status.st_mtime;
    return true;
}

/* Examine the entries that are shown; leave out those that cannot be fetched. */
static void entries_examine(struct entries *entries, const struct twi_listing *listing, int fd)
{
    size_t kept = 0;

    for (size_t i = 0; i < entries->count; i++) {
        if (entry_examine(&entries->at[i], listing, fd)) {
            entries->at[kept++] = entries->at[i];
        } else {
            twi_free(entries->at[i].name);
            entries->read--;
        }
    }
    entries->count = kept;
    if (kept > 0)
        qsort(entries->at, kept, sizeof *entries->at, entry_by_kind);
}

/* Closes `fd`. */
static int entries_load(struct entries *entries, const struct twi_listing *listing, int fd)
{
    DIR *directory = fdopendir(fd);
    int r;

    if (directory == NULL) {
        r = -errno;
        close(fd);
        return r;
    }
    r = entries_read(entries, directory, listing->hidden);
    if (r == 0)
        entries_examine(entries, listing, dirfd(directory));
    closedir(directory);
    return r;
}

/* --- writing ----------------------------------------------------------------------------- */

static const char page_start[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<style>\n"
    ":root{--text:#1c1e21;--soft:#636a73;--line:#e3e6ea;--hover:#f3f5f8;--link:#0b57c2;"
    "--back:#fff}\n"
    "@media (prefers-color-scheme:dark){:root{--text:#e4e6ea;--soft:#9aa2ac;--line:#2d3239;"
    "--hover:#20242a;--link:#8ab8ff;--back:#15181c}}\n"
    "body{margin:0 auto;max-width:60rem;padding:1.5rem 1rem 3rem;background:var(--back);"
    "color:var(--text);font:1rem/1.5 system-ui,sans-serif}\n"
    "h1{font-size:1.35rem;line-height:1.3;margin:0 0 1rem;overflow-wrap:anywhere}\n"
    "table{width:100%;border-collapse:collapse}\n"
    "th{color:var(--soft);font-size:.85rem;font-weight:500;text-align:left}\n"
    "th,td{padding:.4rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}\n"
    "td:first-child{overflow-wrap:anywhere;width:100%}\n"
    "th:nth-child(2),td:nth-child(2){text-align:right}\n"
    "td+td{color:var(--soft);white-space:nowrap;font-variant-numeric:tabular-nums}\n"
    "tbody tr:hover{background:var(--hover)}\n"
    "a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}\n"
    "p{color:var(--soft);margin:1rem .6rem}\n"
    "@media (max-width:36rem){thead{display:none}table,tbody{display:block}"
    "tr{display:flex;flex-wrap:wrap;gap:0 1rem;padding:.6rem;"
    "border-bottom:1px solid var(--line)}"
    "td{border:0;padding:0}td+td{font-size:.85rem}td:empty{display:none}}\n"
    "</style>\n";

/* The length of a character of UTF-8 (RFC 3629); 0 for other bytes, and for control
 * characters. */
static size_t character_length(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t length = at[0] < 0x80   ? 1
                    : at[0] < 0xc2 ? 0
                    : at[0] < 0xe0 ? 2
                    : at[0] < 0xf0 ? 3
                    : at[0] < 0xf5 ? 4
                                   : 0;

    if (length == 1)
        return at[0] >= 0x20 && at[0] != 0x7f;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    /* C1; spelled too long; surrogates; too large; marks that turn the direction of text */
    if ((at[0] == 0xc2 && at[1] < 0xa0) || (at[0] == 0xe0 && at[1] < 0xa0) ||
        (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
        (at[0] == 0xf4 && at[1] > 0x8f) ||
        (at[0] == 0xe2 && at[1] == 0x80 && at[2] >= 0xaa && at[2] <= 0xae) ||
        (at[0] == 0xe2 && at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9))
        return 0;
    return length;
}

/* Append a name for people: markup escaped, a sign in place of each byte that is no text. */
static int name_append(struct twi_buf *page, const char *name)
{
    int r = 0;

    while (*name != '\0' && r == 0) {
        size_t length = character_length(name);
        char one[5] = { 0 };

        if (length == 0) {
            r = twi_buf_append_text(page, "\xef\xbf\xbd");
            name++;
            continue;
        }
        memcpy(one, name, length);
        r = twi_html_escape(page, one);
        name += length;
    }
    return r;
}

/* "./" in front: a name may look like a scheme. */
static int link_append(struct twi_buf *page, const struct entry *entry)
{
    tw_value encoded = tw_url_encode(entry->name, strlen(entry->name), NULL);
    const char *slash = entry->size < 0 ? "/" : "";
    int r = tw_is_failure(encoded) ? -ENOMEM : 0;

    if (r == 0)
        r = twi_buf_printf(page, "<tr><td><a href=\"./%s%s\"><bdi>", tw_bytes_data(encoded),
                           slash);
    if (r == 0)
        r = name_append(page, entry->name);
    if (r == 0)
        r = twi_buf_printf(page, "</bdi>%s</a></td>", slash);
    tw_release(encoded);
    return r;
}

/* Three figures at most. */
static int size_append(struct twi_buf *page, int64_t size)
{
    static const char units[] = "kMGTPE";
    double shown = (double)size;
    unsigned unit = 0;

    if (size < 0)
        return twi_buf_append_text(page, "<td></td>");
    if (size < 1000)
        return twi_buf_printf(page, "<td>%lld B</td>", (long long)size);
    for (shown /= 1000; shown >= 999.5; unit++)
        shown /= 1000;
    return twi_buf_printf(page, "<td title=\"%lld bytes\">%.*f %cB</td>", (long long)size,
                          shown < 9.95, shown, units[unit]);
}

static int date_append(struct twi_buf *page, int64_t modified)
{
    time_t seconds = (time_t)modified;
    char text[32];
    struct tm date;

    if (gmtime_r(&seconds, &date) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%d %H:%M", &date) == 0)
        return twi_buf_append_text(page, "<td></td></tr>\n");
    return twi_buf_printf(page, "<td>%s</td></tr>\n", text);
}

static int table_append(struct twi_buf *page, const struct twi_listing *listing,
                        const struct entries *entries)
{
    int r = 0;

    if (entries->count > 0 || *listing->path != '\0')
        r = twi_buf_append_text(page, "<table>\n<thead><tr><th>Name</th><th>Size</th>"
                                      "<th>Modified (UTC)</th></tr></thead>\n<tbody>\n");
    if (r == 0 && *listing->path != '\0')
        r = twi_buf_append_text(page, "<tr><td><a href=\"../\">Parent folder</a></td>"
                                      "<td></td><td></td></tr>\n");
    for (size_t i = 0; i < entries->count && r == 0; i++) {
        r = link_append(page, &entries->at[i]);
        if (r == 0)
            r = size_append(page, entries->at[i].size);
        if (r == 0)
            r = date_append(page, entries->at[i].modified);
    }
    if (r == 0 && (entries->count > 0 || *listing->path != '\0'))
        r = twi_buf_append_text(page, "</tbody>\n</table>\n");
    return r;
}

/* Say what the table leaves out. */
static int rest_append(struct twi_buf *page, const struct entries *entries)
{
    if (entries->count == 0)
        return twi_buf_append_text(page, "<p>This folder is empty.</p>\n");
    if (!entries->is_full)
        return 0;
    return twi_buf_printf(page, "<p>These are the first %zu of %s%zu names.</p>\n",
                          entries->count, entries->is_cut ? "more than " : "", entries->read);
}

static int page_append(struct twi_buf *page, const struct twi_listing *listing,
                       const struct entries *entries)
{
    int r = twi_buf_append(page, page_start, sizeof page_start - 1);

    if (r == 0)
        r = twi_buf_append_text(page, "<title>");
    if (r == 0)
        r = name_append(page, listing->title);
    if (r == 0)
        r = twi_buf_append_text(page, "</title>\n<h1><bdi>");
    if (r == 0)
        r = name_append(page, listing->title);
    if (r == 0)
        r = twi_buf_append_text(page, "</bdi></h1>\n");
    if (r == 0)
        r = table_append(page, listing, entries);
    return r == 0 ? rest_append(page, entries) : r;
}

int twi_listing_write(const struct twi_listing *listing, int fd, struct twi_buf *page)
{
    struct entries entries = { .at = NULL };
    int r = entries_load(&entries, listing, fd);

    if (r == 0)
        r = page_append(page, listing, &entries);
    entries_free(&entries);
    return r;
}
