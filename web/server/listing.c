/*
 * listing.c - what is in a directory, as a page.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tweed/url.h>

#include "web/server/server.h"

/* Names beyond this many are left out, and the page says so. */
enum { NAMES_MAX = 10000 };

struct names {
    char **at;
    size_t count, capacity;
    bool more;
};

static void names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        twi_free(names->at[i]);
    twi_free(names->at);
}

/* Add a name, with a slash if it is a directory's. */
static int names_add(struct names *names, int directory, const char *name)
{
    struct stat status;
    bool below = fstatat(directory, name, &status, 0) == 0 && S_ISDIR(status.st_mode);
    char *copy;

    if (twi_grow(&names->at, &names->capacity, names->count + 1, sizeof *names->at) < 0)
        return -ENOMEM;
    copy = twi_format("%s%s", name, below ? "/" : "");
    if (copy == NULL)
        return -ENOMEM;
    names->at[names->count++] = copy;
    return 0;
}

/* All names that do not begin with a dot. Closes `fd`. */
static int names_read(struct names *names, int fd)
{
    DIR *directory = fdopendir(fd);
    struct dirent *entry;
    int r = 0;

    if (directory == NULL) {
        r = -errno;
        close(fd);
        return r;
    }
    while (r == 0 && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (names->count == NAMES_MAX) {
            names->more = true;
            break;
        }
        r = names_add(names, dirfd(directory), entry->d_name);
    }
    closedir(directory);
    return r;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "./" in front: a name may look like a scheme. */
static int append_link(struct twi_buf *page, const char *name)
{
    tw_value encoded = tw_url_encode(name, strlen(name), "/");
    int r = tw_is_failure(encoded) ? -ENOMEM : 0;

    if (r == 0)
        r = twi_buf_printf(page, "<li><a href=\"./%s\">", tw_bytes_data(encoded));
    if (r == 0)
        r = twi_html_escape(page, name);
    if (r == 0)
        r = twi_buf_append_text(page, "</a></li>\n");
    tw_release(encoded);
    return r;
}

static int append_page(struct twi_buf *page, const char *path, const struct names *names)
{
    int r = twi_buf_append_text(page, "<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>");

    if (r == 0)
        r = twi_html_escape(page, path);
    if (r == 0)
        r = twi_buf_append_text(page, "</title>\n<h1>");
    if (r == 0)
        r = twi_html_escape(page, path);
    if (r == 0)
        r = twi_buf_append_text(page, "</h1>\n<ul>\n");
    for (size_t i = 0; i < names->count && r == 0; i++)
        r = append_link(page, names->at[i]);
    if (r == 0)
        r = twi_buf_append_text(page, names->more ? "<li>and more</li>\n</ul>\n" : "</ul>\n");
    return r;
}

int twi_listing(int fd, const char *path, struct twi_buf *page)
{
    struct names names = { .at = NULL };
    int r = names_read(&names, fd);

    if (r == 0) {
        if (names.count > 0)
            qsort(names.at, names.count, sizeof *names.at, compare);
        r = append_page(page, path, &names);
    }
    names_free(&names);
    return r;
}
