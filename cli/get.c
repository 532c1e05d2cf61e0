/* SPDX-License-Identifier: MIT */
/*
 * get.c - `tweed get`: starts transfers, a limited number at once, tries some again, and ends
 * when all have ended.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tweed/tweed.h>

#include "cli/get.h"
#include "cli/json.h"

#define PROGRESS_INTERVAL 0.1
/* The reactor's, and those of name lookups, certificates and the cookie jar. */
#define OWN_DESCRIPTORS 7

/* curl's exit statuses beside those of a transfer. */
enum { BAD_CA_FILE = 77, BAD_CRL_FILE = 82 };

static void start_more(struct get_run *run);
static void start_transfer(struct transfer *transfer);

/* --- standard output ---------------------------------------------------------------------- */

/* Nobody reads what we write, or the disk is full: there is no point in going on. */
static void give_up_stdout(struct get_run *run, int error)
{
    if (run->stdout_error != 0)
        return;
    run->stdout_error = error;
    run->stopping = true;
    get_hide_progress(run);
    cli_complain("get", "standard output: %s", strerror(-error));
    tw_reactor_stop();
}

/* Hand the turn on to the first transfer that has not ended. */
static void advance_stdout(struct get_run *run)
{
    for (; run->stdout_owner < run->count; run->stdout_owner++) {
        struct sink *sink = &run->transfers[run->stdout_owner].sink;
        int r = 0;
        if (sink->kind != SINK_STDOUT)
            continue;
        if (!sink->owns_stdout)
            r = sink_own_stdout(sink);
        if (r < 0)
            give_up_stdout(run, r);
        if (!sink->done)
            break;
    }
}

/* --- an answer ---------------------------------------------------------------------------- */

static int sink_failed(struct transfer *transfer, int error)
{
    if (transfer->sink.kind == SINK_STDOUT)
        give_up_stdout(transfer->run, error);
    transfer->sink_error = error;
    return error;
}

/* Open the output, and start it with the header fields if they are wanted. */
static int transfer_write_head(tw_value response, struct transfer *transfer)
{
    const struct get_settings *settings = transfer->run->settings;
    struct cli_text text = { 0 };
    int r = sink_start(&transfer->sink, settings->create_dirs);

    if (r == 0 && (settings->include || settings->head)) {
        get_format_heads(&text, response, "");
        r = sink_write(&transfer->sink, text.data, text.length);
        cli_text_free(&text);
    }
    return r < 0 ? sink_failed(transfer, r) : 0;
}

/* Note the size that the progress is measured by. */
static void note_size(struct transfer *transfer, tw_value response)
{
    const char *length = tw_response_header(response, "Content-Length");
    int64_t bytes = 0;

    tw_release(transfer->response);
    transfer->response = tw_retain(response);
    if (length != NULL && tw_response_header(response, "Transfer-Encoding") == NULL)
        cli_read_integer(length, 0, INT64_MAX, &bytes);
    transfer->expected = (double)bytes;
}

static int take_head(tw_value response, struct transfer *transfer)
{
    const struct get_settings *settings = transfer->run->settings;
    int status = tw_response_status(response);
    bool error = settings->fail && status >= 400;

    transfer->has_head = true;
    note_size(transfer, response);
    if (settings->verbose)
        get_say_response(response, settings->cache_folder != NULL);
    transfer->again = get_retry_delay(transfer, response) >= 0;
    transfer->discard = error || transfer->again;
    return transfer->discard ? 0 : transfer_write_head(response, transfer);
}

static int on_headers(tw_value response, void *arg)
{
    return take_head(response, arg);
}

static void on_request(const struct tw_outgoing *request, void *arg)
{
    struct transfer *transfer = arg;

    if (transfer->run->archive != NULL)
        get_capture_request(transfer->run->archive, &transfer->capture, request);
    if (transfer->run->settings->verbose)
        get_say_request(request->head, request->length);
}

static void on_response_head(const char *head, size_t length, void *arg)
{
    struct transfer *transfer = arg;

    get_capture_head(transfer->run->archive, transfer->capture, head, length);
}

static void on_wire(enum tw_wire what, const char *data, size_t length, void *arg)
{
    struct transfer *transfer = arg;

    get_capture_wire(transfer->run->archive, &transfer->capture, what, data, length);
}

static int on_body(const char *data, size_t length, void *arg)
{
    struct transfer *transfer = arg;
    int r;

    if (transfer->discard || transfer->run->settings->head)
        return 0;
    transfer->size += length;
    transfer->run->bytes += length;
    r = sink_write(&transfer->sink, data, length);
    return r < 0 ? sink_failed(transfer, r) : 0;
}

/* --- the end of a transfer ---------------------------------------------------------------- */

static void write_json(struct transfer *transfer, tw_value result, const char *word,
                       const char *message)
{
    struct cli_text json = { 0 };
    int r;

    get_write_json(&json, transfer, get_response_of(result), word, message);
    r = cli_write(STDOUT_FILENO, json.data, json.length);
    cli_text_free(&json);
    if (r < 0)
        give_up_stdout(transfer->run, r);
}

/* The word, the message and the exit status of a failure; all zero is a success. */
struct verdict {
    const char *word, *message;
    int status;
};

static struct verdict judge_sink(const struct transfer *transfer, struct cli_text *text)
{
    bool is_file = transfer->sink.kind == SINK_FILE;

    cli_text_printf(text, "%s: %s", is_file ? transfer->sink.path : "standard output",
                    strerror(-transfer->sink_error));
    return (struct verdict){ "other", text->data, CLI_UNWRITABLE };
}

static void end_transfer(struct transfer *transfer, tw_value result, struct verdict verdict)
{
    struct get_run *run = transfer->run;
    struct cli_text text = { 0 };
    int r = sink_finish(&transfer->sink);

    if (r < 0)
        transfer->sink_error = r;
    if (transfer->sink_error < 0)
        verdict = judge_sink(transfer, &text);
    transfer->status = verdict.status;
    run->running--;
    run->finished++;
    run->failed += verdict.word != NULL;
    if (verdict.word != NULL && run->stdout_error == 0 && !run->stopping)
        get_say_failure(transfer, verdict.word, verdict.message);
    if (run->settings->json && !run->stopping)
        write_json(transfer, result, verdict.word, verdict.message);
    tw_drop(&transfer->response);
    cli_text_free(&text);
    advance_stdout(run);
    start_more(run);
}

static void fail_transfer(struct transfer *transfer, const char *word, const char *message,
                          int status)
{
    end_transfer(transfer, tw_none(), (struct verdict){ word, message, status });
}

/* A redirect that is not followed names its target. */
static struct verdict judge(const struct transfer *transfer, tw_value result,
                            struct cli_text *text)
{
    const char *target = tw_response_header(get_response_of(result), "Location");

    if (!tw_is_failure(result))
        return (struct verdict){ 0 };
    cli_text_puts(text, tw_failure_message(result));
    if (target != NULL &&
        (tw_failure_is(result, &tw_error_redirect) || tw_failure_is(result, &tw_error_url)))
        cli_text_printf(text, ": %s", get_without_credentials(target));
    return (struct verdict){ tw_failure_word(result), text->data,
                             get_failure_status(transfer, result) };
}

/* --- trying again ------------------------------------------------------------------------- */

static void try_again(void *arg)
{
    struct transfer *transfer = arg;

    transfer->retry_call = 0;
    start_transfer(transfer);
}

/* Arrange for another try, if one is due; false when this was the last. An answer whose body
 * was dropped for the sake of another try gets one, even if its body came slowly. */
static bool plan_retry(struct transfer *transfer, tw_value result)
{
    const struct get_settings *settings = transfer->run->settings;
    double delay = get_retry_delay(transfer, result);

    if (delay < 0 && transfer->again && !transfer->run->stopping)
        delay = 0;
    if (transfer->sink_error < 0 || delay < 0 || !sink_rewind(&transfer->sink))
        return false;
    transfer->run->bytes -= transfer->size;
    transfer->size = 0;
    transfer->expected = 0;
    tw_drop(&transfer->response);
    transfer->retry_call = tw_call_later(delay, try_again, transfer);
    if (transfer->retry_call < 0)
        transfer->retry_call = 0;
    else if (!settings->silent || settings->verbose) {
        get_hide_progress(transfer->run);
        cli_complain("get", "%s: will try again in %.3g s, %u of %lld",
                     get_without_credentials(transfer->url), delay, transfer->tries,
                     (long long)settings->retries);
    }
    return transfer->retry_call > 0;
}

/* --- a transfer --------------------------------------------------------------------------- */

/* A status or a redirect that is an error: the header fields that say so are wanted all the same,
 * with -i and -I. */
static void write_head_of_error(struct transfer *transfer, tw_value result)
{
    const struct get_settings *settings = transfer->run->settings;

    if ((settings->include || settings->head) && !tw_is_none(get_response_of(result)) &&
        (tw_failure_is(result, &tw_error_status) || tw_failure_is(result, &tw_error_redirect)))
        transfer_write_head(get_response_of(result), transfer);
}

static tw_value request_done(tw_value result, void *arg)
{
    struct transfer *transfer = arg;
    struct cli_text text = { 0 };

    tw_deferred_unref(transfer->request);
    transfer->request = NULL;
    if (transfer->capture != NULL)
        get_capture_end(transfer->run->archive, &transfer->capture, result);
    if (!tw_is_failure(result) && !transfer->has_head)
        take_head(result, transfer);
    if (plan_retry(transfer, result))
        return tw_none();
    write_head_of_error(transfer, result);
    end_transfer(transfer, result, judge(transfer, result, &text));
    cli_text_free(&text);
    return tw_none();
}

/* The authorities or the list of revoked certificates cannot be read. */
static void fail_for_tls(struct transfer *transfer, const char *message)
{
    const char *list = transfer->run->settings->crlfile;

    fail_transfer(transfer, "tls", message,
                  list != NULL && strstr(message, list) != NULL ? BAD_CRL_FILE : BAD_CA_FILE);
}

static void start_transfer(struct transfer *transfer)
{
    struct tw_fetch_options options;
    struct cli_text why = { 0 };
    struct get_made made;
    int r;

    transfer->tries++;
    transfer->has_head = transfer->discard = transfer->again = transfer->unreadable = false;
    if (tw_is_failure(transfer->run->tls_problem)) {
        fail_for_tls(transfer, tw_failure_message(transfer->run->tls_problem));
        return;
    }
    r = get_make_request(transfer, &options, &made, &why);
    if (r < 0) {
        get_free_made(&made);
        fail_transfer(transfer, "other", why.data, -r);
        cli_text_free(&why);
        return;
    }
    options.on_headers = on_headers;
    options.on_body = on_body;
    options.stream_arg = transfer;
    if (transfer->run->settings->verbose || transfer->run->archive != NULL)
        options.on_request = on_request;
    if (transfer->run->archive != NULL) {
        options.on_response_head = on_response_head;
        options.on_wire = on_wire;
    }
    transfer->request = tw_agent_request(transfer->run->agent, made.url.data, &options);
    get_free_made(&made);
    tw_add_both(transfer->request, request_done, transfer);
}

static void start_more(struct get_run *run)
{
    if (run->starting)
        return;
    run->starting = true;
    while (!run->stopping && run->next < run->count &&
           (int64_t)run->running < run->settings->concurrency) {
        struct transfer *transfer = &run->transfers[run->next++];
        run->running++;
        transfer->started = get_now();
        start_transfer(transfer);
    }
    run->starting = false;
    if (run->finished == run->count)
        tw_reactor_stop();
}

/* --- what goes where ---------------------------------------------------------------------- */

/* The last segment of the path as it was given, so that a name keeps its letters; NULL when the
 * URL says more than it seems to. */
static const char *last_segment(const char *text)
{
    size_t end = strcspn(text, "?#"), start = end, i;

    while (start > 0 && text[start - 1] != '/' && text[start - 1] != '\\')
        start--;
    for (i = start; i < end; i++) {
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f)
            return NULL;
    }
    return end > start ? cli_keep(text + start, end - start) : NULL;
}

/* The last segment of the URL's path; NULL if there is none. */
static const char *remote_name(const char *text)
{
    struct cli_text with_scheme = { 0 };
    struct tw_url *url = NULL;
    const char *slash, *name = NULL;

    get_add_url(&with_scheme, text);
    if (tw_url_parse(with_scheme.data, with_scheme.length, NULL, &url, NULL) == 0) {
        slash = strrchr(url->pathname, '/');
        if (slash != NULL && slash[1] != 0)
            name = last_segment(text);
        if (slash != NULL && slash[1] != 0 && name == NULL)
            name = cli_keep(slash + 1, strlen(slash + 1));
    }
    tw_url_free(url);
    cli_text_free(&with_scheme);
    return name;
}

static const char *in_directory(const char *directory, const char *name)
{
    struct cli_text path = { 0 };
    char *kept;

    if (directory == NULL)
        return name;
    cli_text_printf(&path, "%s/%s", directory, name);
    kept = cli_keep(path.data, path.length);
    cli_text_free(&path);
    return kept;
}

static int plan_sink(const struct get_settings *settings, size_t index, struct sink *sink)
{
    bool lone = settings->output_count == 1 && settings->outputs[0].name == NULL;
    bool named = index < settings->output_count || lone;
    const char *name = index < settings->output_count ? settings->outputs[index].name : NULL;

    if ((!named && !settings->remote_name_all) || (name != NULL && strcmp(name, "-") == 0)) {
        sink_init(sink, settings->json ? SINK_NONE : SINK_STDOUT, NULL);
        return 0;
    }
    if (name == NULL)
        name = remote_name(settings->urls[index]);
    if (name == NULL) {
        cli_complain("get", "%s: url: no file name in it for -O",
                     get_without_credentials(settings->urls[index]));
        return -CLI_UNWRITABLE;
    }
    sink_init(sink, SINK_FILE, in_directory(settings->output_dir, name));
    return 0;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_special_file(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

/* Two transfers at once must not write to one file. */
static int check_paths(const struct get_run *run)
{
    const char **paths = cli_alloc(run->count * sizeof *paths);
    size_t i, count = 0;
    int r = 0;

    for (i = 0; i < run->count; i++) {
        if (run->transfers[i].sink.kind == SINK_FILE)
            paths[count++] = run->transfers[i].sink.path;
    }
    qsort(paths, count, sizeof *paths, compare_paths);
    for (i = 1; r == 0 && i < count; i++) {
        if (strcmp(paths[i - 1], paths[i]) == 0 && !is_special_file(paths[i])) {
            cli_complain("get", "two URLs would be written to %s", paths[i]);
            r = -CLI_USAGE;
        }
    }
    free(paths);
    return r;
}

/* 0, or the negative exit status. */
static int plan(struct get_run *run)
{
    const struct get_settings *settings = run->settings;
    size_t i;
    int r;

    run->count = settings->url_count;
    run->transfers = cli_alloc(run->count * sizeof *run->transfers);
    for (i = 0; i < run->count; i++) {
        struct transfer *transfer = &run->transfers[i];
        transfer->run = run;
        transfer->response = tw_none();
        transfer->url = settings->urls[i];
        if (i < settings->upload_count && settings->uploads[i][0] != 0)
            transfer->upload = settings->uploads[i];
        r = plan_sink(settings, i, &transfer->sink);
        if (r < 0)
            return r;
    }
    return check_paths(run);
}

/* --- the run ------------------------------------------------------------------------------ */

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* So many at once that each finds a descriptor for its connection and one for each of its files:
 * unlike a connection, a file is not waited for. */
static int64_t affordable_concurrency(const struct get_run *run)
{
    int64_t wanted = run->settings->concurrency, most;
    bool to_files = false, from_files = false;
    struct rlimit limit;
    int first;

    for (size_t i = 0; i < run->count; i++) {
        to_files |= run->transfers[i].sink.kind == SINK_FILE;
        from_files |= run->transfers[i].upload != NULL;
    }
    if ((!to_files && !from_files) || getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        limit.rlim_cur > INT_MAX)
        return wanted;
    first = dup(STDERR_FILENO);
    if (first >= 0)
        close(first);
    most = ((int64_t)limit.rlim_cur - first - OWN_DESCRIPTORS) / (1 + to_files + from_files);
    return most >= wanted ? wanted : most < 1 ? 1 : most;
}

static bool wants_progress(const struct get_run *run)
{
    const struct get_settings *settings = run->settings;
    size_t i;

    if (settings->silent || settings->verbose || settings->no_progress ||
        !isatty(STDERR_FILENO))
        return false;
    if (!isatty(STDOUT_FILENO))
        return true;
    for (i = 0; i < run->count; i++) {
        if (run->transfers[i].sink.kind == SINK_STDOUT)
            return false;
    }
    return !settings->json;
}

static void show_progress(void *arg)
{
    struct get_run *run = arg;

    get_show_progress(run);
    tw_call_later(PROGRESS_INTERVAL, show_progress, run);
}

static int run_set_up(struct get_run *run, struct get_settings *settings)
{
    struct tw_agent_options options = { .no_proxy = settings->no_proxy };

    settings->concurrency = affordable_concurrency(run);
    options.max_per_host = options.max_total = (long)settings->concurrency;
    if (settings->jar_file != NULL && settings->jar == NULL)
        settings->jar = tw_cookies_new();
    if (settings->cacert != NULL || settings->crlfile != NULL || settings->insecure)
        run->tls_problem = tw_tls_client_context(settings->cacert, settings->crlfile,
                                                 settings->insecure, &settings->tls);
    get_set_proxy_user(settings);
    if (settings->cache_folder != NULL) {
        options.cache = tw_cache_new(
            &(struct tw_cache_options){ .folder = settings->cache_folder });
        if (options.cache == NULL) {
            cli_complain("get", "--cache: %s: %s", settings->cache_folder, strerror(errno));
            return -1;
        }
    }
    run->agent = tw_agent_new(&options);
    tw_cache_unref(options.cache);
    if (run->agent == NULL) {
        cli_complain("get", "%s", strerror(errno));
        return -1;
    }
    run->progress = wants_progress(run);
    if (run->progress)
        tw_call_later(PROGRESS_INTERVAL, show_progress, run);
    return 0;
}

/* End early: cancel transfers that are under way, and those not yet begun. */
static void cancel_all(struct get_run *run)
{
    size_t i;

    run->stopping = true;
    run->cancelled = run->count - run->finished;
    for (i = 0; i < run->next; i++) {
        struct transfer *transfer = &run->transfers[i];
        if (transfer->retry_call != 0)
            tw_call_cancel(transfer->retry_call);
        if (transfer->request != NULL)
            tw_cancel(transfer->request);
        sink_abandon(&transfer->sink);
    }
}

/* The jar is written by renaming a file, which cannot be done to standard output. */
static int print_cookies(const tw_cookies *jar)
{
    struct cli_text name = { 0 }, text = { 0 };
    int fd = cli_open_temporary(&name), r = fd;

    if (fd >= 0) {
        close(fd);
        r = tw_cookies_save(jar, name.data);
        if (r == 0)
            r = cli_text_read(&text, name.data);
        unlink(name.data);
    }
    if (r == 0)
        r = cli_write(STDOUT_FILENO, text.data, text.length);
    cli_text_free(&name);
    cli_text_free(&text);
    return r;
}

static int save_cookies(struct get_run *run)
{
    const struct get_settings *settings = run->settings;
    int r = 0;

    if (settings->jar_file == NULL || settings->jar == NULL)
        return 0;
    if (strcmp(settings->jar_file, "-") == 0) {
        if (run->stdout_error == 0)
            r = run->stdout_error = print_cookies(settings->jar);
    } else {
        r = tw_cookies_save(settings->jar, settings->jar_file);
    }
    if (r < 0)
        cli_complain("get", "--cookie-jar: %s: %s", settings->jar_file, strerror(-r));
    return r;
}

/* Before the reactor lets go of the connections. */
static tw_value before_shutdown(void *arg)
{
    struct get_run *run = arg;

    run->stopping = true;
    if (run->finished < run->count)
        cancel_all(run);
    return tw_none();
}

/* The number of the first URL that failed. */
static int run_status(const struct get_run *run)
{
    if (run->stdout_error < 0 || run->unarchived)
        return CLI_UNWRITABLE;
    for (size_t i = 0; i < run->count; i++)
        if (run->transfers[i].status != 0)
            return run->transfers[i].status;
    return CLI_OK;
}

static int run_all(struct get_run *run)
{
    int r, number;

    tw_reactor_add_trigger(TW_BEFORE, "shutdown", before_shutdown, run);
    run->started = run->shown_at = get_now();
    advance_stdout(run);
    start_more(run);
    r = tw_reactor_run();
    number = tw_reactor_exit_signal();
    get_hide_progress(run);
    if (r < 0)
        cli_complain("get", "%s", strerror(-r));
    if (number != 0 && run->cancelled > 0)
        cli_complain("get", "interrupted, %zu of %zu fetched", run->finished - run->failed,
                     run->count);
    else if (run->stdout_error == 0)
        get_say_summary(run);
    if (save_cookies(run) < 0)
        r = -1;
    if (get_archive_close(run->archive) < 0)
        run->unarchived = true;
    run->archive = NULL;
    return (r < 0 && run->stdout_error == 0) || number != 0 ? CLI_FAILED : run_status(run);
}

/* Die by the signal that stopped us, as a shell expects. */
static void die_by(int number)
{
    signal(number, SIG_DFL);
    raise(number);
}

int cli_get(int argc, char **argv)
{
    struct get_settings settings;
    struct get_run run = { .settings = &settings, .tls_problem = tw_none() };
    enum cli_verdict verdict = get_read_options(&settings, argc, argv);
    int status = cli_status_of(verdict), number;

    raise_descriptor_limit();
    if (verdict == CLI_WRONG && settings.wrong_status != 0)
        status = settings.wrong_status;
    else if (verdict == CLI_RUN)
        status = -plan(&run);
    if (verdict == CLI_RUN && status == 0 && settings.warc != NULL) {
        run.archive = get_archive_open(settings.warc);
        status = run.archive != NULL ? 0 : CLI_UNWRITABLE;
    }
    if (verdict == CLI_RUN && status == 0)
        status = run_set_up(&run, &settings) == 0 ? run_all(&run) : CLI_FAILED;
    get_archive_close(run.archive);
    number = tw_reactor_exit_signal();
    tw_agent_unref(run.agent);
    tw_drop(&run.tls_problem);
    tw_reactor_uninstall();
    get_free_settings(&settings);
    free(run.transfers);
    if (number != 0) {
        cli_release_kept();
        die_by(number);
    }
    return status;
}
