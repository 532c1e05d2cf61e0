/*
 * static.c - the files below a directory.
 *
 * The kernel itself keeps us below it (openat2() with RESOLVE_BENEATH: symbolic links may lead
 * anywhere inside, nowhere outside); where there is no such call, every part of the path is
 * opened by itself and no link is followed. Small files go out with their head in one write,
 * larger ones by sendfile().
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/map.h"
#include "web/http/entity_tag.h"
#include "web/http/mime.h"
#include "web/http/ranges.h"
#include "web/server/server.h"

/* Up to this many bytes are read into memory. */
enum { SMALL_MAX = 65536 };
enum { ETAG_SIZE = 40 };

struct files {
    int root;
    size_t prefix; /* how many segments the path has that they are served at */
};

/* What there is to send. */
struct served {
    int fd;
    const char *name; /* whose ending tells the type */
    int64_t size;
    int64_t modified; /* seconds */
    char etag[ETAG_SIZE];
};

/* --- opening ----------------------------------------------------------------------------- */

enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };

/* Part by part, without links. Writes to `path`. */
static int open_parts(int root, char *path)
{
    int fd = openat(root, ".", OPEN_FLAGS | O_DIRECTORY);

    while (fd >= 0 && path != NULL) {
        char *slash = strchr(path, '/');
        int above = fd;

        if (slash != NULL)
            *slash = '\0';
        if (*path != '\0')
            fd = openat(above, path, OPEN_FLAGS | O_NOFOLLOW | (slash ? O_DIRECTORY : 0));
        if (fd != above)
            close(above);
        path = slash == NULL ? NULL : slash + 1;
    }
    return fd < 0 ? -errno : fd;
}

/* A descriptor or negative errno. */
static int open_below(int root, const char *path)
{
    struct open_how how = { .flags = OPEN_FLAGS,
                            .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
    long fd = syscall(SYS_openat2, root, *path == '\0' ? "." : path, &how, sizeof how);
    char *parts;
    int r;

    if (fd >= 0)
        return (int)fd;
    if (errno != ENOSYS && errno != EPERM)
        return -errno;
    parts = twi_strdup(path);
    if (parts == NULL)
        return -ENOMEM;
    r = open_parts(root, parts);
    twi_free(parts);
    return r;
}

/* The path below the directory, "" for itself; NULL if nothing can be there: no file has an empty
 * name, or one with a slash in it. */
static const char *path_below(const struct files *files, const struct twi_path *path)
{
    const char *segment = twi_path_segment(path, files->prefix);
    const char *end = path->segments + path->length, *text = path->text;

    for (; segment != NULL && segment < end; segment += strlen(segment) + 1)
        if (strchr(segment, '/') != NULL || (*segment == '\0' && segment + 1 < end))
            return NULL;
    for (size_t i = 0; i <= files->prefix; i++)
        text = strchr(text, '/') + 1;
    return text;
}

/* --- conditions -------------------------------------------------------------------------- */

static const char *header(const tw_request *request, enum twi_header id)
{
    return twi_headers_value(request->headers, id);
}

/* The date in a field; false if there is none. */
static bool date_of(const tw_request *request, enum twi_header id, int64_t *ret_date)
{
    const char *text = header(request, id);

    return text != NULL && twi_http_date_parse(text, strlen(text), ret_date) == 0;
}

/* RFC 9110, 13.2.2: 0 to go on, or the status to answer with. */
static int check_conditions(const tw_request *request, const struct served *served)
{
    const tw_headers *fields = request->headers;
    int64_t date;

    if (twi_headers_has(fields, TWI_HEADER_IF_MATCH)) {
        if (!twi_headers_have_etag(fields, TWI_HEADER_IF_MATCH, served->etag, false))
            return 412;
    } else if (date_of(request, TWI_HEADER_IF_UNMODIFIED_SINCE, &date) &&
               served->modified > date) {
        return 412;
    }
    if (twi_headers_has(fields, TWI_HEADER_IF_NONE_MATCH))
        return twi_headers_have_etag(fields, TWI_HEADER_IF_NONE_MATCH, served->etag, true)
                   ? 304
                   : 0;
    return date_of(request, TWI_HEADER_IF_MODIFIED_SINCE, &date) && served->modified <= date
               ? 304
               : 0;
}

/* As twi_ranges_parse(); 0 also when If-Range says that the client has something else. */
static int wanted_ranges(const tw_request *request, const struct served *served,
                         struct twi_range ranges[TWI_RANGES_MAX])
{
    const char *text = header(request, TWI_HEADER_RANGE);
    const char *condition = header(request, TWI_HEADER_IF_RANGE);
    int64_t date;

    if (text == NULL || request->head_only)
        return 0;
    if (condition != NULL && condition[0] != '"') {
        if (!date_of(request, TWI_HEADER_IF_RANGE, &date) || date != served->modified)
            return 0;
    } else if (condition != NULL && strcmp(condition, served->etag) != 0) {
        return 0;
    }
    return twi_ranges_parse(text, served->size, ranges);
}

/* --- sending ----------------------------------------------------------------------------- */

static int set_headers(tw_request *request, const struct served *served)
{
    char date[TWI_HTTP_DATE_SIZE];
    int r;

    twi_http_date_format(served->modified, date);
    r = tw_request_set_header(request, "Last-Modified", date);
    if (r == 0)
        r = tw_request_set_header(request, "ETag", served->etag);
    if (r == 0)
        r = tw_request_set_header(request, "Accept-Ranges", "bytes");
    return r;
}

static int set_content_range(tw_request *request, const struct twi_range *range, int64_t size)
{
    char text[80];

    snprintf(text, sizeof text, "bytes %lld-%lld/%lld", (long long)range->first,
             (long long)range->last, (long long)size);
    return tw_request_set_header(request, "Content-Range", text);
}

/* One part of the file as the whole body. Closes the descriptor. */
static int send_part(tw_request *request, const struct served *served, int64_t offset,
                     int64_t length)
{
    struct twi_file *file;
    char *data;
    tw_value bytes;
    int r;

    if (length <= SMALL_MAX && !request->head_only) {
        bytes = tw_bytes_new((size_t)length, &data);
        r = data == NULL ? -ENOMEM : 0;
        if (r == 0 && pread(served->fd, data, (size_t)length, offset) != (ssize_t)length)
            r = -EIO;
        close(served->fd);
        if (r == 0)
            return tw_request_answer(request, request->status, NULL, bytes);
        tw_release(bytes);
        return r;
    }
    file = twi_file_new(served->fd);
    if (file == NULL)
        return -ENOMEM;
    request->declared = length;
    r = twi_request_put_file(request, file, offset, length);
    twi_file_unref(file);
    tw_request_finish(request);
    return r == -ENOTCONN ? 0 : r;
}

/* The text before a range in a body of several (RFC 9110, 14.6). */
static int part_head(struct twi_buf *text, const char *boundary, const char *type,
                     const struct twi_range *range, int64_t size)
{
    return twi_buf_printf(text,
                          "\r\n--%s\r\nContent-Type: %s\r\n"
                          "Content-Range: bytes %lld-%lld/%lld\r\n\r\n",
                          boundary, type, (long long)range->first, (long long)range->last,
                          (long long)size);
}

static int write_parts(tw_request *request, struct twi_file *file, const char *boundary,
                       const char *type, const struct twi_range *ranges, int count,
                       int64_t size)
{
    struct twi_buf text = { 0 };
    int64_t total = 0;
    int r = 0;

    for (int i = 0; i < count && r == 0; i++) {
        r = part_head(&text, boundary, type, &ranges[i], size);
        total += ranges[i].last - ranges[i].first + 1;
    }
    /* "\r\n--", boundary, "--\r\n" */
    request->declared = total + (int64_t)text.length + (int64_t)strlen(boundary) + 8;
    for (int i = 0; i < count && r == 0; i++) {
        text.length = 0;
        r = part_head(&text, boundary, type, &ranges[i], size);
        if (r == 0)
            r = tw_request_write(request, text.data, text.length);
        if (r == 0)
            r = twi_request_put_file(request, file, ranges[i].first,
                                     ranges[i].last - ranges[i].first + 1);
    }
    text.length = 0;
    if (r == 0)
        r = twi_buf_printf(&text, "\r\n--%s--\r\n", boundary);
    if (r == 0)
        r = tw_request_write(request, text.data, text.length);
    twi_buf_free(&text);
    return r;
}

/* Closes the descriptor. */
static int send_parts(tw_request *request, const struct served *served,
                      const struct twi_range *ranges, int count)
{
    struct twi_file *file = twi_file_new(served->fd);
    char boundary[32], type[80];
    int r;

    if (file == NULL)
        return -ENOMEM;
    snprintf(boundary, sizeof boundary, "part-%016llx",
             (unsigned long long)twi_hash(served->etag, strlen(served->etag)));
    snprintf(type, sizeof type, "multipart/byteranges; boundary=%s", boundary);
    r = tw_request_set_header(request, "Content-Type", type);
    if (r == 0)
        r = write_parts(request, file, boundary, twi_mime_type(served->name), ranges, count,
                        served->size);
    twi_file_unref(file);
    if (r < 0 && r != -ENOTCONN)
        return r;
    tw_request_finish(request);
    return 0;
}

/* Closes the descriptor. */
static int send_file(tw_request *request, const struct served *served)
{
    struct twi_range ranges[TWI_RANGES_MAX];
    int status = check_conditions(request, served), count;
    char text[48];

    if (set_headers(request, served) < 0) {
        close(served->fd);
        return -ENOMEM;
    }
    if (status != 0) {
        close(served->fd);
        tw_request_set_status(request, status, NULL);
        return tw_request_finish(request);
    }
    count = wanted_ranges(request, served, ranges);
    if (count == -ERANGE) {
        close(served->fd);
        snprintf(text, sizeof text, "bytes */%lld", (long long)served->size);
        tw_request_set_header(request, "Content-Range", text);
        return tw_request_error(request, 416, "The file has no such range.");
    }
    if (count > 0)
        tw_request_set_status(request, 206, NULL);
    if (count > 1)
        return send_parts(request, served, ranges, count);
    tw_request_set_header(request, "Content-Type", twi_mime_type(served->name));
    if (count == 0)
        return send_part(request, served, 0, served->size);
    set_content_range(request, &ranges[0], served->size);
    return send_part(request, served, ranges[0].first, ranges[0].last - ranges[0].first + 1);
}

/* --- directories ------------------------------------------------------------------------- */

/* To the same path with a slash. */
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
    if (request->head_sent) {
        tw_request_finish(request); /* breaks off what is too short */
        return;
    }
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

/* 0 for a regular file, 1 for a directory, or a negative errno. */
static int examine(int fd, struct served *served)
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
    snprintf(served->etag, sizeof served->etag, "\"%llx-%llx%08lx\"",
             (long long)status.st_size, (long long)status.st_mtim.tv_sec,
             (unsigned long)status.st_mtim.tv_nsec);
    return 0;
}

/* The index of a directory. */
static int open_index(const struct files *files, const char *path, struct served *served)
{
    char *name = twi_format("%sindex.html", path);
    int fd, r;

    if (name == NULL)
        return -ENOMEM;
    fd = open_below(files->root, name);
    twi_free(name);
    r = fd < 0 ? fd : examine(fd, served);
    if (fd >= 0 && r != 0)
        close(fd);
    served->name = "index.html";
    return r == 1 ? -ENOENT : r;
}

/* What is in a directory that has no index. Closes `fd`. */
static int send_listing(tw_request *request, int fd)
{
    struct twi_buf page = { 0 };
    int r = twi_listing(fd, request->path.text, &page);

    if (r == 0)
        r = tw_request_answer(request, 200, "text/html; charset=utf-8", twi_buf_take(&page));
    twi_buf_free(&page);
    return r;
}

/* Closes `fd`. 0 or negative errno. */
static int serve_directory(tw_request *request, const struct files *files, const char *path,
                           int fd)
{
    struct served served;
    int r;

    if (*path != '\0' && path[strlen(path) - 1] != '/') {
        close(fd);
        redirect_to_directory(request);
        return 0;
    }
    r = open_index(files, path, &served);
    if (r == -ENOENT)
        return send_listing(request, fd);
    close(fd);
    return r < 0 ? r : send_file(request, &served);
}

static tw_value serve(tw_request *request, void *arg)
{
    const struct files *files = arg;
    const char *path = path_below(files, &request->path);
    struct served served;
    int fd, r;

    if (!tw_request_allow(request, "GET, HEAD"))
        return tw_none();
    served.name = path;
    fd = path == NULL ? -ENOENT : open_below(files->root, path);
    r = fd < 0 ? fd : examine(fd, &served);
    if (r == 1)
        r = serve_directory(request, files, path, fd);
    else if (r == 0)
        r = send_file(request, &served);
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

int tw_site_files(tw_site *site, const char *path, const char *directory)
{
    struct files *files;
    struct twi_path at;
    size_t length = path == NULL ? 0 : strlen(path);
    int root, r;

    if (length == 0 || path[length - 1] != '/')
        return -EINVAL;
    r = twi_path_read(&at, path, length, NULL, 0);
    if (r < 0)
        return r;
    length = twi_path_count(&at);
    twi_path_free(&at);
    root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return -errno;
    files = twi_malloc(sizeof *files);
    if (files == NULL) {
        close(root);
        return -ENOMEM;
    }
    files->root = root;
    files->prefix = length - 1;
    return tw_site_handle(site, path, serve, files, files_release);
}
