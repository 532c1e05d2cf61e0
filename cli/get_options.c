/* SPDX-License-Identifier: MIT */
/*
 * get_options.c - the options of `tweed get`: curl's names and meanings.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <tweed/tweed.h>

#include "cli/get.h"

/* curl's exit status for --resolve. */
enum { BAD_RESOLVE = 49 };

enum option_id {
    OPTION_OUTPUT,
    OPTION_REMOTE_NAME,
    OPTION_REMOTE_NAME_ALL,
    OPTION_OUTPUT_DIR,
    OPTION_CREATE_DIRS,
    OPTION_REQUEST,
    OPTION_DATA,
    OPTION_DATA_RAW,
    OPTION_DATA_BINARY,
    OPTION_HEADER,
    OPTION_USER_AGENT,
    OPTION_REFERER,
    OPTION_USER,
    OPTION_COOKIE,
    OPTION_COOKIE_JAR,
    OPTION_LOCATION,
    OPTION_MAX_REDIRS,
    OPTION_PROXY,
    OPTION_PROXY_USER,
    OPTION_NO_PROXY,
    OPTION_CACERT,
    OPTION_CRLFILE,
    OPTION_INSECURE,
    OPTION_RESOLVE,
    OPTION_COMPRESSED,
    OPTION_RANGE,
    OPTION_CACHE,
    OPTION_CACHE_MODE,
    OPTION_WARC,
    OPTION_MAX_FILESIZE,
    OPTION_CONNECT_TIMEOUT,
    OPTION_MAX_TIME,
    OPTION_HTTP10,
    OPTION_HTTP11,
    OPTION_INCLUDE,
    OPTION_HEAD,
    OPTION_FAIL,
    OPTION_SILENT,
    OPTION_SHOW_ERROR,
    OPTION_VERBOSE,
    OPTION_UPLOAD,
    OPTION_RETRY,
    OPTION_RETRY_DELAY,
    OPTION_RETRY_MAX_TIME,
    OPTION_RETRY_REFUSED,
    OPTION_RETRY_ALL,
    OPTION_CONFIG,
    OPTION_CONCURRENCY,
    OPTION_JSON,
    OPTION_NO_PROGRESS,
    OPTION_URL,
    OPTION_AS_IT_IS /* of curl, and always so here */
};

static const struct cli_option get_options[] = {
    { "concurrency", 'c', OPTION_CONCURRENCY, "N", "fetch so many at once (50)" },
    { "parallel-max", 0, OPTION_CONCURRENCY, "N", "as --concurrency" },
    { "output", 'o', OPTION_OUTPUT, "FILE", "write to FILE; the n-th is the n-th URL's" },
    { "remote-name", 'O', OPTION_REMOTE_NAME, NULL,
      "write to a file named as in the URL; a lone -O is for all" },
    { "remote-name-all", 0, OPTION_REMOTE_NAME_ALL, NULL, "-O for every URL without -o" },
    { "output-dir", 0, OPTION_OUTPUT_DIR, "DIR", "the directory of -o and -O" },
    { "create-dirs", 0, OPTION_CREATE_DIRS, NULL, "make missing directories of -o" },
    { "json", 0, OPTION_JSON, NULL, "a line of JSON for each URL; bodies only to files" },
    { "include", 'i', OPTION_INCLUDE, NULL, "write the header fields too" },
    { "head", 'I', OPTION_HEAD, NULL, "ask for the header fields only" },
    { "fail", 'f', OPTION_FAIL, NULL, "a status of 400 and up is an error" },
    { "request", 'X', OPTION_REQUEST, "METHOD", "the request's method" },
    { "data", 'd', OPTION_DATA, "DATA",
      "POST this; @FILE without its line ends; joined by &" },
    { "data-ascii", 0, OPTION_DATA, "DATA", "as --data" },
    { "data-raw", 0, OPTION_DATA_RAW, "DATA", "as --data, but @ means nothing" },
    { "data-binary", 0, OPTION_DATA_BINARY, "DATA", "as --data, but @FILE is sent as it is" },
    { "upload-file", 'T', OPTION_UPLOAD, "FILE", "PUT the file; \"-\" is standard input" },
    { "header", 'H', OPTION_HEADER, "FIELD",
      "\"Name: value\"; \"Name:\" is none, \"Name;\" empty; @FILE" },
    { "user-agent", 'A', OPTION_USER_AGENT, "NAME", "the User-Agent field; \"\" for none" },
    { "referer", 'e', OPTION_REFERER, "URL", "the Referer field" },
    { "user", 'u', OPTION_USER, "USER:PASSWORD",
      "Basic credentials, for the first origin only; asks for a missing password" },
    { "cookie", 'b', OPTION_COOKIE, "DATA|FILE",
      "send \"name=value; ...\", or start with the cookies in FILE" },
    { "cookie-jar", 0, OPTION_COOKIE_JAR, "FILE", "write all cookies to FILE at the end" },
    { "range", 'r', OPTION_RANGE, "RANGE", "only these bytes: 0-99, -100, 100-" },
    { "cache", 0, OPTION_CACHE, "FOLDER", "keep answers there, and use them again" },
    { "cache-mode", 0, OPTION_CACHE_MODE, "MODE",
      "default, no-store, reload, no-cache, force-cache, only-if-cached" },
    { "warc", 0, OPTION_WARC, "FILE",
      "append all that goes over the wire to a web archive; packed if FILE ends in .gz" },
    { "compressed", 0, OPTION_COMPRESSED, NULL,
      "ask for gzip, br, ... (the default); --no-compressed" },
    { "location", 'L', OPTION_LOCATION, NULL,
      "follow redirects (the default); --no-location" },
    { "max-redirs", 0, OPTION_MAX_REDIRS, "N", "so many at most (20); -1 for any number" },
    { "max-filesize", 0, OPTION_MAX_FILESIZE, "BYTES",
      "give up a body that is larger; 10k, 10M, 10G" },
    { "connect-timeout", 0, OPTION_CONNECT_TIMEOUT, "SECONDS",
      "give up connecting after (300)" },
    { "max-time", 'm', OPTION_MAX_TIME, "SECONDS", "give up a transfer after" },
    { "retry", 0, OPTION_RETRY, "N",
      "try again after a timeout or 408, 429, 500, 502, 503, 504" },
    { "retry-delay", 0, OPTION_RETRY_DELAY, "SECONDS",
      "wait so long before (1, doubled each time)" },
    { "retry-max-time", 0, OPTION_RETRY_MAX_TIME, "SECONDS",
      "do not try again later than this" },
    { "retry-connrefused", 0, OPTION_RETRY_REFUSED, NULL,
      "try again after a refused connection too" },
    { "retry-all-errors", 0, OPTION_RETRY_ALL, NULL, "try again after any error" },
    { "proxy", 'x', OPTION_PROXY, "URL", "http://[user:password@]host:port; \"\" for none" },
    { "proxy-user", 'U', OPTION_PROXY_USER, "USER:PASSWORD",
      "credentials for the proxy; asks as -u" },
    { "noproxy", 0, OPTION_NO_PROXY, "HOSTS", "comma-separated, reached without a proxy" },
    { "cacert", 0, OPTION_CACERT, "FILE", "trust these authorities (PEM), not the system's" },
    { "crlfile", 0, OPTION_CRLFILE, "FILE", "check for revoked certificates (PEM)" },
    { "insecure", 'k', OPTION_INSECURE, NULL, "do not verify who the server is" },
    { "resolve", 0, OPTION_RESOLVE, "HOST:PORT:ADDRESS[,...]",
      "take these addresses for the host" },
    { "http1.0", '0', OPTION_HTTP10, NULL, "speak HTTP/1.0" },
    { "http1.1", 0, OPTION_HTTP11, NULL, "the default" },
    { "silent", 's', OPTION_SILENT, NULL, "no progress, no summary, no errors" },
    { "show-error", 'S', OPTION_SHOW_ERROR, NULL, "errors, in spite of -s" },
    { "verbose", 'v', OPTION_VERBOSE, NULL, "tell what is sent and received" },
    { "no-progress-meter", 0, OPTION_NO_PROGRESS, NULL, "no progress bar" },
    { "config", 'K', OPTION_CONFIG, "FILE",
      "read options from FILE, of curl's format, or plain URLs" },
    { "url", 0, OPTION_URL, "URL", "another URL" },
    { "globoff", 'g', OPTION_AS_IT_IS, NULL, "always so" },
    { "parallel", 'Z', OPTION_AS_IT_IS, NULL, "always so" },
    { "basic", 0, OPTION_AS_IT_IS, NULL, "always so" },
    { "disable", 'q', OPTION_AS_IT_IS, NULL, "always so" },
    { NULL, 0, 0, NULL, NULL },
};

/* --- lists -------------------------------------------------------------------------------- */

static void add_string(const char ***list, size_t *count, const char *string)
{
    *list = cli_realloc(*list, (*count + 1) * sizeof **list);
    (*list)[(*count)++] = string;
}

static void add_output(struct get_settings *settings, const char *name)
{
    settings->outputs = cli_realloc(settings->outputs,
                                    (settings->output_count + 1) * sizeof *settings->outputs);
    settings->outputs[settings->output_count++].name = name;
}

static int get_take_url(const char *text, void *arg)
{
    struct get_settings *settings = arg;

    add_string(&settings->urls, &settings->url_count, text);
    return 0;
}

/* --- bodies and fields -------------------------------------------------------------------- */

static int cannot_read(struct get_settings *settings, const struct cli_option *option,
                       const char *path, int error)
{
    cli_complain("get", "--%s: %s: %s", option->name, path, strerror(-error));
    settings->wrong_status = CLI_UNREADABLE;
    return -1;
}

/* Text files lose their line ends, as with curl. */
static size_t without_line_ends(char *data, size_t length)
{
    size_t i, kept = 0;

    for (i = 0; i < length; i++) {
        if (data[i] != '\r' && data[i] != '\n' && data[i] != 0)
            data[kept++] = data[i];
    }
    return kept;
}

static int take_data(struct get_settings *settings, const struct cli_option *option,
                     const char *value)
{
    struct cli_text file = { 0 };
    int r;

    if (settings->has_body)
        cli_text_puts(&settings->body, "&");
    settings->has_body = true;
    if (value[0] != '@' || option->id == OPTION_DATA_RAW) {
        cli_text_puts(&settings->body, value);
        return 0;
    }
    r = cli_text_read(&file, value + 1);
    if (r == 0 && file.length > 0) {
        if (option->id == OPTION_DATA)
            file.length = without_line_ends(file.data, file.length);
        cli_text_add(&settings->body, file.data, file.length);
    }
    cli_text_free(&file);
    return r < 0 ? cannot_read(settings, option, value + 1, r) : 0;
}

static bool names(const char *line, const char *name)
{
    size_t length = strlen(name);

    return strncasecmp(line, name, length) == 0 && line[length] == ':';
}

/* "Name:" without a value: nothing of that name is sent. */
static int take_away(struct get_settings *settings, const char *line)
{
    if (names(line, "user-agent"))
        settings->no_user_agent = true;
    else if (names(line, "accept"))
        settings->no_accept = true;
    else if (names(line, "accept-encoding"))
        settings->no_accept_encoding = true;
    else if (names(line, "content-type"))
        settings->no_content_type = true;
    return 0;
}

static int add_field(struct get_settings *settings, const struct cli_option *option,
                     const char *line)
{
    const char *colon = strchr(line, ':');
    size_t length = strlen(line), name = colon != NULL ? (size_t)(colon - line) : 0;
    const char *value = colon != NULL ? colon + 1 : "";
    int r;

    if (colon == NULL && length > 1 && line[length - 1] == ';')
        name = length - 1;
    else if (colon != NULL && value[strspn(value, " \t")] == 0)
        return take_away(settings, line);
    r = tw_headers_add_n(settings->headers, line, name, value, strlen(value));
    return r < 0 ? cli_bad_value(&get_command, option, line, "a header field") : 0;
}

static int take_header(struct get_settings *settings, const struct cli_option *option,
                       const char *value)
{
    struct cli_text file = { 0 };
    char *line, *rest;
    int r;

    if (value[0] != '@')
        return add_field(settings, option, value);
    r = cli_text_read(&file, value + 1);
    if (r < 0)
        r = cannot_read(settings, option, value + 1, r);
    rest = file.data;
    while (r == 0 && rest != NULL && (line = strsep(&rest, "\n")) != NULL) {
        line[strcspn(line, "\r")] = 0;
        if (*line != 0)
            r = add_field(settings, option, line);
    }
    cli_text_free(&file);
    return r;
}

/* curl's ";auto" would name each redirect to the next. */
static int take_referer(struct get_settings *settings, const struct cli_option *option,
                        const char *value)
{
    size_t length = strlen(value);

    if (length >= 5 && strcmp(value + length - 5, ";auto") == 0)
        return cli_bad_value(&get_command, option, value, "a fixed URL");
    settings->referer = value;
    return 0;
}

static int take_user(struct get_settings *settings, const char *value)
{
    const char *colon = strchr(value, ':');

    settings->user = cli_keep(value, colon != NULL ? (size_t)(colon - value) : strlen(value));
    settings->password = colon != NULL ? colon + 1 : NULL;
    return 0;
}

/* --- cookies, names, numbers -------------------------------------------------------------- */

static int take_cookie(struct get_settings *settings, const struct cli_option *option,
                       const char *value)
{
    unsigned line;
    int r;

    if (strchr(value, '=') != NULL) {
        if (settings->cookie.length > 0)
            cli_text_puts(&settings->cookie, "; ");
        cli_text_puts(&settings->cookie, value);
        return 0;
    }
    if (settings->jar == NULL)
        settings->jar = tw_cookies_new();
    if (settings->jar == NULL)
        return cannot_read(settings, option, value, -ENOMEM);
    if (*value == 0)
        return 0;
    r = tw_cookies_load(settings->jar, strcmp(value, "-") == 0 ? "/dev/stdin" : value, &line);
    if (r < 0 && r != -ENOENT) /* a first run has no file yet */
        return cannot_read(settings, option, value, r);
    if (r == 1)
        cli_complain("get", "--cookie: %s:%u: not a line of a cookie file, passed over", value,
                     line);
    else if (r > 1)
        cli_complain("get",
                     "--cookie: %s:%u: not a line of a cookie file; %d such passed over",
                     value, line, r);
    return 0;
}

/* "[+]host:port:address[,address]", "-host:port" takes one back. */
static int take_resolve(struct get_settings *settings, const struct cli_option *option,
                        const char *value)
{
    const char *host = value + (*value == '+' || *value == '-');
    const char *port = strchr(host, ':'),
               *address = port != NULL ? strchr(port + 1, ':') : NULL;
    char *name, *digits, *literal = NULL;
    int64_t number;
    int r;

    settings->wrong_status = BAD_RESOLVE;
    if (port == NULL || (*value != '-' && address == NULL))
        return cli_bad_value(&get_command, option, value, "HOST:PORT:ADDRESS");
    name = cli_keep(host, (size_t)(port - host));
    digits = cli_keep(port + 1,
                      address != NULL ? (size_t)(address - port - 1) : strlen(port + 1));
    if (*value != '-')
        literal = cli_keep(address + 1, strlen(address + 1));
    if (*name == 0 || !cli_read_integer(digits, 1, 65535, &number))
        return cli_bad_value(&get_command, option, value, "HOST:PORT:ADDRESS");
    r = tw_resolver_override(name, (unsigned)number, literal);
    if (r == -EINVAL)
        return cli_bad_value(&get_command, option, value, "HOST:PORT:ADDRESS");
    if (r < 0) {
        cli_complain("get", "--%s: %s", option->name, strerror(-r));
        return -1;
    }
    settings->wrong_status = 0;
    return 0;
}

static int take_integer(const struct cli_option *option, const char *value, int64_t least,
                        int64_t most, int64_t *ret_number)
{
    if (cli_read_integer(value, least, most, ret_number))
        return 0;
    return cli_bad_value(&get_command, option, value, "a number that is allowed here");
}

static int get_take_seconds(const struct cli_option *option, const char *value,
                            double *ret_seconds)
{
    if (cli_read_seconds(value, ret_seconds))
        return 0;
    return cli_bad_value(&get_command, option, value, "a number of seconds");
}

static int get_take_number(struct get_settings *settings, const struct cli_option *option,
                           const char *value)
{
    int64_t number = 0;
    int r;

    switch (option->id) {
    case OPTION_MAX_REDIRS:
        r = take_integer(option, value, -1, INT_MAX, &number);
        settings->max_redirects = number < 0 ? INT_MAX : number == 0 ? -1 : (int)number;
        return r;
    case OPTION_CONCURRENCY:
        return take_integer(option, value, 1, 1000000, &settings->concurrency);
    case OPTION_RETRY:
        return take_integer(option, value, 0, INT_MAX, &settings->retries);
    case OPTION_CONNECT_TIMEOUT:
        return get_take_seconds(option, value, &settings->connect_timeout);
    case OPTION_MAX_TIME:
        return get_take_seconds(option, value, &settings->max_time);
    case OPTION_RETRY_DELAY:
        return get_take_seconds(option, value, &settings->retry_delay);
    case OPTION_RETRY_MAX_TIME:
        return get_take_seconds(option, value, &settings->retry_max_time);
    default:
        if (!cli_read_size(value, &settings->max_filesize))
            return cli_bad_value(&get_command, option, value, "a number of bytes");
        return 0;
    }
}

static int take_output(struct get_settings *settings, const struct cli_option *option,
                       const char *value)
{
    if (*value == 0)
        return cli_bad_value(&get_command, option, value, "the name of a file");
    add_output(settings, value);
    return 0;
}

static int take_cache_mode(struct get_settings *settings, const struct cli_option *option,
                           const char *value)
{
    static const char *const modes[] = {
        [TW_CACHE_DEFAULT] = "default",         [TW_CACHE_NO_STORE] = "no-store",
        [TW_CACHE_RELOAD] = "reload",           [TW_CACHE_NO_CACHE] = "no-cache",
        [TW_CACHE_FORCE_CACHE] = "force-cache", [TW_CACHE_ONLY_IF_CACHED] = "only-if-cached",
    };

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(value, modes[i]) == 0) {
            settings->cache_mode = (enum tw_cache_mode)i;
            return 0;
        }
    }
    return cli_bad_value(&get_command, option, value, "a mode of fetch()");
}

/* Places where answers are kept. */
static int take_keeping(struct get_settings *settings, const struct cli_option *option,
                        const char *value)
{
    if (option->id == OPTION_CACHE_MODE)
        return take_cache_mode(settings, option, value);
    if (option->id == OPTION_CACHE)
        settings->cache_folder = value;
    else
        settings->warc = value;
    return 0;
}

/* --- one option --------------------------------------------------------------------------- */

/* A method goes into the request line as it is. */
static int get_take_method(struct get_settings *settings, const struct cli_option *option,
                           const char *value)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789"
                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    if (*value == 0 || value[strspn(value, token)] != 0)
        return cli_bad_value(&get_command, option, value, "a method");
    settings->method = value;
    return 0;
}

static int take_switch(struct get_settings *settings, int id, bool on)
{
    switch (id) {
    case OPTION_REMOTE_NAME:
        add_output(settings, NULL);
        break;
    case OPTION_REMOTE_NAME_ALL:
        settings->remote_name_all = on;
        break;
    case OPTION_CREATE_DIRS:
        settings->create_dirs = on;
        break;
    case OPTION_LOCATION:
        settings->no_location = !on;
        break;
    case OPTION_INSECURE:
        settings->insecure = on;
        break;
    case OPTION_HTTP10:
        settings->http10 = on;
        break;
    case OPTION_HTTP11:
        settings->http10 = !on;
        break;
    case OPTION_INCLUDE:
        settings->include = on;
        break;
    case OPTION_HEAD:
        settings->head = on;
        break;
    case OPTION_FAIL:
        settings->fail = on;
        break;
    case OPTION_SILENT:
        settings->silent = on;
        break;
    case OPTION_SHOW_ERROR:
        settings->show_error = on;
        break;
    case OPTION_VERBOSE:
        settings->verbose = on;
        break;
    case OPTION_RETRY_REFUSED:
        settings->retry_refused = on;
        break;
    case OPTION_RETRY_ALL:
        settings->retry_all = on;
        break;
    case OPTION_JSON:
        settings->json = on;
        break;
    case OPTION_NO_PROGRESS:
        settings->no_progress = on;
        break;
    case OPTION_COMPRESSED:
        settings->compressed = on;
        settings->no_compressed = !on;
        break;
    }
    return 0;
}

static int take_text(struct get_settings *settings, const struct cli_option *option,
                     const char *value)
{
    switch (option->id) {
    case OPTION_OUTPUT:
        return take_output(settings, option, value);
    case OPTION_OUTPUT_DIR:
        settings->output_dir = value;
        return 0;
    case OPTION_REQUEST:
        return get_take_method(settings, option, value);
    case OPTION_DATA:
    case OPTION_DATA_RAW:
    case OPTION_DATA_BINARY:
        return take_data(settings, option, value);
    case OPTION_HEADER:
        return take_header(settings, option, value);
    case OPTION_USER_AGENT:
        settings->user_agent = value;
        return 0;
    case OPTION_REFERER:
        return take_referer(settings, option, value);
    case OPTION_USER:
        return take_user(settings, value);
    case OPTION_COOKIE:
        return take_cookie(settings, option, value);
    case OPTION_COOKIE_JAR:
        settings->jar_file = value;
        return 0;
    case OPTION_PROXY:
        settings->proxy = value;
        return 0;
    case OPTION_PROXY_USER:
        settings->proxy_user = value;
        return 0;
    case OPTION_NO_PROXY:
        settings->no_proxy = value;
        return 0;
    case OPTION_CACERT:
        settings->cacert = value;
        return 0;
    case OPTION_CRLFILE:
        settings->crlfile = value;
        return 0;
    case OPTION_RESOLVE:
        return take_resolve(settings, option, value);
    case OPTION_RANGE:
        settings->range = value;
        return 0;
    case OPTION_CACHE:
    case OPTION_CACHE_MODE:
    case OPTION_WARC:
        return take_keeping(settings, option, value);
    case OPTION_UPLOAD:
        add_string(&settings->uploads, &settings->upload_count, value);
        return 0;
    case OPTION_CONFIG:
        return get_read_config(settings, value);
    case OPTION_URL:
        return get_take_url(value, settings);
    default:
        return get_take_number(settings, option, value);
    }
}

static int get_take_option(const struct cli_option *option, const char *value, bool on,
                           void *arg)
{
    return value != NULL ? take_text(arg, option, value) : take_switch(arg, option->id, on);
}

const struct cli_command get_command = {
    .name = "get",
    .usage = "[OPTION...] URL...",
    .purpose = "Fetch URLs over HTTP and HTTPS, many at once. Redirects are followed.",
    .options = get_options,
    .take = get_take_option,
    .operand = get_take_url,
};

/* --- all ---------------------------------------------------------------------------------- */

static bool range_is_good(const char *range)
{
    return *range != 0 && strchr(range, '-') != NULL &&
           range[strspn(range, "0123456789-,")] == 0;
}

/* Check rules between options, when all have been read. */
static int check(struct get_settings *settings)
{
    const char *why = NULL;

    if (settings->url_count == 0)
        why = "no URL given";
    else if (settings->upload_count > settings->url_count)
        why = "more -T than URLs";
    else if (settings->output_count > settings->url_count)
        why = "more -o and -O than URLs";
    else if (settings->upload_count > 0 && settings->has_body)
        why = "-T and -d together: one body only";
    else if (settings->head && (settings->upload_count > 0 || settings->has_body))
        why = "-I with -d or -T: HEAD has no body";
    else if (settings->range != NULL && !range_is_good(settings->range))
        why = "--range: not a range of bytes";
    if (why == NULL)
        return 0;
    cli_complain("get", "%s; see 'tweed help get'", why);
    return -1;
}

/* Ask for the password that -u or -U lacks, as curl does. */
static int ask_for(const char *what, char letter, const char *user, struct cli_text *password)
{
    struct cli_text prompt = { 0 };
    int r;

    cli_text_printf(&prompt, "Password for %s '%s': ", what, user);
    cli_make_printable(prompt.data, prompt.length);
    r = cli_ask_password(prompt.data, password);
    if (r < 0)
        cli_complain("get", "-%c %s: no terminal to ask for the password (%s); '%s:' for none",
                     letter, user, strerror(-r), user);
    cli_text_free(&prompt);
    return r;
}

static int ask_password(struct get_settings *settings)
{
    struct cli_text password = { 0 };
    int r;

    if (settings->user == NULL || settings->password != NULL)
        return 0;
    r = ask_for("user", 'u', settings->user, &password);
    if (r == 0)
        settings->password = cli_keep(password.data, password.length);
    cli_text_free(&password);
    return r;
}

static int ask_proxy_password(struct get_settings *settings)
{
    struct cli_text password = { 0 }, both = { 0 };
    int r;

    if (settings->proxy_user == NULL || strchr(settings->proxy_user, ':') != NULL)
        return 0;
    r = ask_for("the proxy's user", 'U', settings->proxy_user, &password);
    if (r == 0) {
        cli_text_printf(&both, "%s:%s", settings->proxy_user, password.data);
        settings->proxy_user = cli_keep(both.data, both.length);
    }
    cli_text_free(&password);
    cli_text_free(&both);
    return r;
}

enum cli_verdict get_read_options(struct get_settings *settings, int argc, char **argv)
{
    enum cli_verdict verdict;

    memset(settings, 0, sizeof *settings);
    settings->concurrency = 50;
    settings->retry_delay = -1;
    settings->connect_timeout = 300;
    settings->max_filesize = -1;
    settings->headers = tw_headers_new();
    if (settings->headers == NULL) {
        cli_complain("get", "out of memory");
        return CLI_WRONG;
    }
    verdict = cli_parse(&get_command, argc, argv, settings);
    if (verdict == CLI_RUN && (check(settings) < 0 || ask_password(settings) < 0 ||
                               ask_proxy_password(settings) < 0))
        verdict = CLI_WRONG;
    return verdict;
}

void get_free_settings(struct get_settings *settings)
{
    tw_headers_free(settings->headers);
    tw_cookies_unref(settings->jar);
    cli_text_free(&settings->body);
    cli_text_free(&settings->cookie);
    free(settings->outputs);
    free(settings->urls);
    free(settings->uploads);
}
