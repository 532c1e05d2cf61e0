/* SPDX-License-Identifier: MIT */
/*
 * static.c - the files below a directory.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "web/server/files.h"
#include "web/server/root.h"
#include "base/alloc.h"
#include "web/server/answer.h"

struct files {
    int root;
    size_t prefix; /* the number of segments of the path they are served at */
    bool hidden;   /* names that begin with a dot, too */
};

/* --- paths ------------------------------------------------------------------------------- */

/* No file has an empty name, or one with a slash in it. */
static bool is_name(const char *segment, bool hidden)
{
    return *segment != '\0' && strchr(segment, '/') == NULL && (hidden || *segment != '.');
}

/* The path below the directory, "" for itself; NULL if nothing can be there. */
static const char *path_below(const struct files *files, const struct twi_path *path)
{
    const char *segment = twi_path_segment(path, files->prefix);
    const char *end = path->segments + path->length, *text = path->text;

    for (; segment != NULL && segment < end; segment += strlen(segment) + 1)
        if (!is_name(segment, files->hidden) && (*segment != '\0' || segment + 1 < end))
            return NULL;
    for (size_t i = 0; i <= files->prefix; i++)
        text = strchr(text, '/') + 1;
    return text;
}

/* --- directories ------------------------------------------------------------------------- */

/* Redirect to the same path with a slash. */
static void redirect_to_directory(tw_request *request)
{
    struct twi_buf location = { 0 };

    if (twi_path_link(&request->path, &location) == 0 &&
        twi_buf_printf(&location, "/%s%s", *request->query == '\0' ? "" : "?",
                       request->query) == 0)
        tw_request_set_header(request, "Location", twi_buf_text(&location));
    twi_buf_free(&location);
    tw_request_error(request, 301, "This is a directory.");
}

static void send_error(tw_request *request, int error)
{
    if (request->answer.head_sent) {
        tw_request_finish(request); /* cuts an answer that is too short */
        return;
    }
    /* The fields describe the file, not the page that is sent in its place. */
    tw_headers_free(request->answer.fields);
    request->answer.fields = NULL;
    switch (error) {
    case -EACCES:
    case -EPERM:
        tw_request_error(request, 403, "This may not be read.");
        break;
    case -EMFILE:
    case -ENFILE:
    case -ENOMEM:
        tw_request_error(request, 503, "The server is busy.");
        break;
    case -EIO:
        tw_request_error(request, 500, "The file could not be read.");
        break;
    default:
        tw_request_error(request, 404, "There is no such file.");
    }
}

/* Write a number in hexadecimal, with `digits` digits at least; returns the end. */
static char *hex_write(char *at, uint64_t number, unsigned digits)
{
    while (digits < 16 && number >> 4 * digits != 0)
        digits++;
    for (unsigned i = digits; i-- > 0; number >>= 4)
        at[i] = "0123456789abcdef"[number & 15];
    return at + digits;
}

/* "size-modified", in nanoseconds the latter; a printf() would take longer than all the rest. */
static void etag_write(char *at, const struct stat *status)
{
    *at++ = '"';
    at = hex_write(at, (uint64_t)status->st_size, 1);
    *at++ = '-';
    at = hex_write(at, (uint64_t)status->st_mtim.tv_sec, 1);
    at = hex_write(at, (uint64_t)status->st_mtim.tv_nsec, 8);
    memcpy(at, "\"", 2);
}

/* 0 for a regular file, 1 for a directory, or a negative errno. */
static int file_examine(int fd, struct twi_served *served)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return -errno;
    if (S_ISDIR(status.st_mode))
        return 1;
    if (!S_ISREG(status.st_mode))
        return -EACCES;
    served->fd = fd;
    served->size = status.st_size;
    served->modified = status.st_mtim.tv_sec;
    etag_write(served->etag, &status);
    return 0;
}

/* The index of a directory. */
static int open_index(const struct files *files, const char *path, struct twi_served *served)
{
    char *name = twi_format("%sindex.html", path);
    int fd, r;

    if (name == NULL)
        return -ENOMEM;
    fd = twi_root_open_below(files->root, name);
    twi_free(name);
    r = fd < 0 ? fd : file_examine(fd, served);
    if (fd >= 0 && r != 0)
        close(fd);
    served->name = "index.html";
    return r == 1 ? -ENOENT : r;
}

/* The names in a directory that has no index. Closes `fd`. */
static int send_listing(tw_request *request, const struct files *files, const char *path,
                        int fd)
{
    struct twi_listing listing = { files->root, path, request->path.text, files->hidden };
    int status = twi_conditions_check(request, NULL), r;
    struct twi_buf page = { 0 };

    if (status != 0) {
        close(fd);
        tw_request_set_status(request, status, NULL);
        return tw_request_finish(request);
    }
    r = twi_listing_write(&listing, fd, &page);
    if (r == 0)
        r = tw_request_set_header(request, "X-Content-Type-Options", "nosniff");
    if (r == 0)
        r = tw_request_answer(request, 200, "text/html; charset=utf-8", twi_buf_take(&page));
    twi_buf_free(&page);
    return r;
}

/* Closes `fd`. 0 or negative errno. */
static int serve_directory(tw_request *request, const struct files *files, const char *path,
                           int fd)
{
    struct twi_served served;
    int r;

    if (*path != '\0' && path[strlen(path) - 1] != '/') {
        close(fd);
        redirect_to_directory(request);
        return 0;
    }
    r = open_index(files, path, &served);
    if (r == -ENOENT)
        return send_listing(request, files, path, fd);
    close(fd);
    return r < 0 ? r : twi_served_send(request, &served);
}

static tw_value files_serve(tw_request *request, void *arg)
{
    const struct files *files = arg;
    struct twi_served served;
    const char *path;
    int fd, r;

    if (!tw_request_allow(request, "GET, HEAD"))
        return tw_none();
    path = path_below(files, &request->path);
    served.name = path;
    fd = path == NULL ? -ENOENT : twi_root_open_below(files->root, path);
    r = fd < 0 ? fd : file_examine(fd, &served);
    if (r == 1)
        r = serve_directory(request, files, path, fd);
    else if (r == 0)
        r = twi_served_send(request, &served);
    else if (fd >= 0)
        close(fd);
    if (r < 0)
        send_error(request, r);
    return tw_none();
}

static void files_release(void *arg)
{
    struct files *files = arg;

    close(files->root);
    twi_free(files);
}

int tw_site_files_with(tw_site *site, const char *path, const char *directory,
                       const struct tw_files_options *options)
{
    struct twi_path at;
    struct files *files;
    size_t length = path == NULL ? 0 : strlen(path);
    int root, r;

    if (length == 0 || path[length - 1] != '/')
        return -EINVAL;
    r = twi_path_read(&at, path, length, NULL, 0);
    if (r < 0)
        return r;
    root = twi_root_open(directory);
    files = root < 0 ? NULL : twi_calloc(1, sizeof *files);
    if (files != NULL) {
        files->root = root;
        files->prefix = twi_path_count(&at) - 1;
        files->hidden = options != NULL && options->hidden;
    } else if (root >= 0) {
        close(root);
        root = -ENOMEM;
    }
    twi_path_free(&at);
    return files == NULL ? root
                         : tw_site_handle(site, path, files_serve, files, files_release);
}

int tw_site_files(tw_site *site, const char *path, const char *directory)
{
    return tw_site_files_with(site, path, directory, NULL);
}
