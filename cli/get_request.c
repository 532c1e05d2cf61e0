/* SPDX-License-Identifier: MIT */
/*
 * get_request.c - the request of a transfer, from the settings of the command line.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tweed/tweed.h>

#include "base/posix.h"
#include "cli/get.h"

#define CONNECT_SECONDS 300 /* curl's */

/* --- URLs --------------------------------------------------------------------------------- */

static bool has_scheme(const char *url)
{
    size_t length = strspn(
        url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");

    return length > 0 && url[length] == ':' &&
           (url[length + 1] == '/' || url[length + 1] == '\\');
}

void get_add_url(struct cli_text *url, const char *given)
{
    if (!has_scheme(given))
        cli_text_puts(url, "http://");
    cli_text_puts(url, given);
}

/* The parser takes any number of slashes, of both kinds, before the host. */
static const char *authority_of(const char *url)
{
    const char *host = has_scheme(url) ? strchr(url, ':') + 1 : url;

    return host + strspn(host, "/\\");
}

static bool is_standard_input(const char *upload)
{
    return strcmp(upload, "-") == 0 || strcmp(upload, ".") == 0;
}

/* "-T FILE" to a directory, or to a server without a path, goes to the file's name in it. `rest`
 * is the URL behind its authority. */
static void add_upload_name(struct cli_text *url, const char *upload, const char *rest)
{
    const char *slash = strrchr(upload, '/');
    size_t path = strcspn(rest, "?#");
    tw_value name;

    upload = slash != NULL ? slash + 1 : upload;
    name = tw_url_encode(upload, strlen(upload), NULL);
    cli_text_add(url, rest, path);
    if (path == 0)
        cli_text_puts(url, "/");
    if (path == 0 || rest[path - 1] == '/')
        cli_text_puts(url, tw_bytes_data(name));
    cli_text_puts(url, rest + path);
    tw_release(name);
}

static void make_url(const struct transfer *transfer, struct cli_text *url)
{
    const char *given = transfer->url, *host, *rest;

    if (transfer->upload == NULL || is_standard_input(transfer->upload)) {
        get_add_url(url, given);
        return;
    }
    host = authority_of(given);
    rest = host + strcspn(host, "/?#\\");
    if (!has_scheme(given))
        cli_text_puts(url, "http://");
    cli_text_add(url, given, (size_t)(rest - given));
    add_upload_name(url, transfer->upload, rest);
}

static bool is_url(const char *given)
{
    struct cli_text text = { 0 };
    struct tw_url *url = NULL;
    size_t i;

    for (i = 0; given[i] != 0; i++) {
        if ((unsigned char)given[i] <= ' ')
            return false;
    }
    get_add_url(&text, given);
    tw_url_parse(text.data, text.length, NULL, &url, NULL);
    cli_text_free(&text);
    tw_url_free(url);
    return url != NULL;
}

/* In a text that is no URL the password may go on to the last "@". */
char *get_without_credentials(const char *url)
{
    const char *host = authority_of(url);
    size_t length, at;
    struct cli_text text = { 0 };
    char *kept;

    length = is_url(url) ? strcspn(host, "/?#\\") : strlen(host);
    for (at = length; at > 0 && host[at - 1] != '@'; at--)
        ;
    cli_text_add(&text, url, (size_t)(host - url));
    cli_text_puts(&text, host + at);
    kept = cli_keep(text.data, text.length);
    cli_text_free(&text);
    return kept;
}

/* --- proxies ------------------------------------------------------------------------------ */

static void add_encoded(struct cli_text *text, const char *data, size_t length)
{
    tw_value encoded = tw_url_encode(data, length, NULL);

    cli_text_add(text, tw_bytes_data(encoded), tw_bytes_length(encoded));
    tw_release(encoded);
}

/* "host", "host:port" or a URL; without a port it is 1080, as with curl. */
static void make_proxy(const char *given, const char *credentials, struct cli_text *proxy)
{
    const char *host = strstr(given, "://"), *user;
    const char *colon, *end, *last;

    host = host != NULL ? host + 3 : given;
    if (host == given)
        cli_text_puts(proxy, "http://");
    cli_text_add(proxy, given, (size_t)(host - given));
    end = host + strcspn(host, "/");
    user = twi_memrchr(host, '@', (size_t)(end - host));
    if (credentials != NULL) {
        colon = strchr(credentials, ':');
        add_encoded(proxy, credentials,
                    colon != NULL ? (size_t)(colon - credentials) : strlen(credentials));
        cli_text_puts(proxy, ":");
        if (colon != NULL)
            add_encoded(proxy, colon + 1, strlen(colon + 1));
        cli_text_puts(proxy, "@");
        host = user != NULL ? user + 1 : host;
    }
    cli_text_add(proxy, host, (size_t)(end - host));
    last = user != NULL ? user + 1 : host;
    colon = twi_memrchr(last, ':', (size_t)(end - last));
    if (colon == NULL || memchr(colon, ']', (size_t)(end - colon)) != NULL)
        cli_text_puts(proxy, ":1080");
}

void get_set_proxy_user(const struct get_settings *settings)
{
    static const char *const names[] = { "http_proxy", "https_proxy", "HTTPS_PROXY",
                                         "all_proxy", "ALL_PROXY" };
    size_t i;

    for (i = 0; settings->proxy_user != NULL && i < sizeof names / sizeof *names; i++) {
        const char *given = getenv(names[i]);
        struct cli_text proxy = { 0 };
        if (given == NULL || *given == 0)
            continue;
        make_proxy(given, settings->proxy_user, &proxy);
        setenv(names[i], proxy.data, 1);
        cli_text_free(&proxy);
    }
}

/* --- bodies ------------------------------------------------------------------------------- */

struct upload {
    struct transfer *transfer;
    int fd;
};

static int64_t read_upload(tw_upload *upload, char *data, size_t size, void *arg)
{
    const struct upload *file = arg;
    ssize_t n;

    (void)upload;
    do
        n = read(file->fd, data, size);
    while (n < 0 && errno == EINTR);
    file->transfer->unreadable = n < 0;
    return n < 0 ? -errno : n;
}

static int rewind_upload(void *arg)
{
    const struct upload *file = arg;

    return lseek(file->fd, 0, SEEK_SET) == 0 ? 0 : -errno;
}

static void release_upload(void *arg)
{
    struct upload *file = arg;

    if (file->fd != STDIN_FILENO)
        close(file->fd);
    free(file);
}

static int open_upload(struct transfer *transfer, struct tw_body_source *source,
                       struct cli_text *why)
{
    const char *path = transfer->upload;
    bool standard_input = is_standard_input(path);
    int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat status;
    struct upload *kept;

    if (fd < 0 || fstat(fd, &status) != 0 || S_ISDIR(status.st_mode)) {
        cli_text_printf(why, "-T %s: %s", path,
                        strerror(fd >= 0 && S_ISDIR(status.st_mode) ? EISDIR : errno));
        if (fd > STDIN_FILENO)
            close(fd);
        return -CLI_UNREADABLE;
    }
    kept = cli_alloc(sizeof *kept);
    *kept = (struct upload){ transfer, fd };
    source->length = S_ISREG(status.st_mode) && !standard_input ? status.st_size : -1;
    source->read = read_upload;
    source->rewind = S_ISREG(status.st_mode) ? rewind_upload : NULL;
    source->release = release_upload;
    source->arg = kept;
    return 0;
}

/* Data from the command line, for a body that goes out in chunks. */
struct data {
    const struct cli_text *text;
    size_t sent;
};

static int64_t read_data(tw_upload *upload, char *piece, size_t size, void *arg)
{
    struct data *data = arg;
    size_t left = data->text->length - data->sent;

    (void)upload;
    size = size < left ? size : left;
    if (size > 0)
        memcpy(piece, data->text->data + data->sent, size);
    data->sent += size;
    return (int64_t)size;
}

static int rewind_data(void *arg)
{
    ((struct data *)arg)->sent = 0;
    return 0;
}

static void open_data(const struct cli_text *text, struct tw_body_source *source)
{
    struct data *data = cli_alloc(sizeof *data);

    *data = (struct data){ text, 0 };
    *source = (struct tw_body_source){ -1, read_data, rewind_data, free, data };
}

/* As get_make_request(). */
static int choose_body(struct transfer *transfer, struct tw_fetch_options *options,
                       struct get_made *made, struct cli_text *why)
{
    const struct get_settings *settings = transfer->run->settings;
    bool chunked = tw_headers_has_token(made->headers, "Transfer-Encoding", "chunked");

    if (transfer->upload != NULL) {
        int r = open_upload(transfer, &made->source, why);

        if (r < 0)
            return r;
        if (chunked)
            made->source.length = -1;
        options->body_source = &made->source;
    } else if (settings->has_body && chunked) {
        open_data(&settings->body, &made->source);
        options->body_source = &made->source;
    } else if (settings->has_body) {
        options->body = settings->body.data != NULL ? settings->body.data : "";
        options->body_length = settings->body.length;
    }
    return 0;
}

/* --- fields ------------------------------------------------------------------------------- */

static int add_fields(const struct get_settings *settings, tw_headers *headers)
{
    struct cli_text range = { 0 };
    int r = 0;

    if (settings->has_body && !settings->no_content_type &&
        !tw_headers_has(headers, "Content-Type"))
        r = tw_headers_add(headers, "Content-Type", "application/x-www-form-urlencoded");
    if (r == 0 && settings->referer != NULL && settings->referer[0] != 0 &&
        !tw_headers_has(headers, "Referer"))
        r = tw_headers_add(headers, "Referer", settings->referer);
    if (r == 0 && settings->cookie.length > 0 && !tw_headers_has(headers, "Cookie"))
        r = tw_headers_add(headers, "Cookie", settings->cookie.data);
    if (r == 0 && settings->range != NULL && !tw_headers_has(headers, "Range")) {
        cli_text_printf(&range, "bytes=%s", settings->range);
        r = tw_headers_add(headers, "Range", range.data);
        cli_text_free(&range);
    }
    return r;
}

static void choose_method(const struct transfer *transfer, struct tw_fetch_options *options)
{
    const struct get_settings *settings = transfer->run->settings;

    options->method = settings->method;
    if (options->method == NULL && settings->head)
        options->method = "HEAD";
    if (options->method == NULL && transfer->upload != NULL)
        options->method = "PUT";
    if (options->method == NULL && settings->has_body)
        options->method = "POST";
}

static void choose_limits(const struct get_settings *settings,
                          struct tw_fetch_options *options)
{
    options->redirects = settings->no_location ? TW_REDIRECT_NONE : TW_REDIRECT_FOLLOW;
    options->max_redirects = settings->max_redirects;
    options->timeout = settings->max_time > 0 ? settings->max_time : -1;
    options->connect_timeout = settings->connect_timeout > 0 ? settings->connect_timeout
                                                             : CONNECT_SECONDS;
    options->first_byte_timeout = options->idle_timeout = -1;
    options->max_body = settings->max_filesize >= 0 ? settings->max_filesize : INT64_MAX;
    options->no_decode = settings->no_compressed || settings->no_accept_encoding ||
                         (settings->range != NULL && !settings->compressed);
}

int get_make_request(struct transfer *transfer, struct tw_fetch_options *options,
                     struct get_made *made, struct cli_text *why)
{
    const struct get_settings *settings = transfer->run->settings;

    memset(options, 0, sizeof *options);
    memset(made, 0, sizeof *made);
    made->headers = tw_headers_copy(settings->headers);
    if (made->headers == NULL || add_fields(settings, made->headers) < 0) {
        cli_text_puts(why, "out of memory, or a field that may not be sent");
        return -CLI_FAILED;
    }
    make_url(transfer, &made->url);
    choose_method(transfer, options);
    choose_limits(settings, options);
    options->headers = made->headers;
    options->user_agent = settings->no_user_agent ? "" : settings->user_agent;
    options->no_accept = settings->no_accept;
    options->user = settings->user;
    options->password = settings->password;
    options->cookies = settings->jar;
    options->tls = settings->tls;
    options->cache_mode = settings->cache_mode;
    options->http10 = settings->http10;
    options->fail_on_error = settings->fail;
    options->join_cookies = true;
    if (settings->proxy != NULL && settings->proxy[0] != 0)
        make_proxy(settings->proxy, settings->proxy_user, &made->proxy);
    options->proxy = made->proxy.data != NULL ? made->proxy.data : settings->proxy;
    return choose_body(transfer, options, made, why);
}

void get_free_made(struct get_made *made)
{
    tw_headers_free(made->headers);
    cli_text_free(&made->url);
    cli_text_free(&made->proxy);
}
