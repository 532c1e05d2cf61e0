/* SPDX-License-Identifier: MIT */
/*
 * get.h - the inside of `tweed get`: its settings, and the transfers under way.
 */
#ifndef CLI_GET_H
#define CLI_GET_H

#include <tweed/client.h>

#include "cli/cli.h"
#include "cli/get_warc.h"

/* The output of an answer: "-o FILE" (name), or "-O" (NULL). */
struct get_output {
    const char *name;
};

/* The settings from the command line. */
struct get_settings {
    struct get_output *outputs; /* the n-th is the n-th URL's */
    const char **urls, **uploads;
    size_t url_count, output_count, upload_count;
    const char *output_dir;
    bool create_dirs, remote_name_all;

    const char *method;
    struct cli_text body;
    bool has_body, no_content_type;
    tw_headers *headers;
    bool no_accept, no_accept_encoding;
    const char *user_agent, *referer, *range;
    bool no_user_agent;
    const char *user, *password; /* of -u; without a password it is asked for */
    struct cli_text cookie;      /* cookies given by name */
    tw_cookies *jar;
    const char *jar_file;
    const char *cache_folder; /* NULL: no cache */
    const char *warc;         /* the archive; NULL: none */
    enum tw_cache_mode cache_mode;

    bool no_location, http10, head, insecure, compressed, no_compressed;
    int max_redirects;
    const char *proxy, *proxy_user, *no_proxy, *cacert, *crlfile;
    tw_tls_context *tls;
    int64_t max_filesize;
    double connect_timeout, max_time;

    bool include, silent, show_error, verbose, fail, json, no_progress;
    int64_t concurrency;
    int64_t retries;
    double retry_delay, retry_max_time;
    bool retry_refused, retry_all;
    unsigned config_depth;
    int wrong_status; /* of a command line that cannot be used; 0: CLI_USAGE */
};

/* Read the command line. CLI_RUN, or the verdict of cli_parse(). */
enum cli_verdict get_read_options(struct get_settings *settings, int argc, char **argv);
void get_free_settings(struct get_settings *settings);
extern const struct cli_command get_command;
/* Options from a file of curl's format. 0, or -1 after complaining. */
int get_read_config(struct get_settings *settings, const char *path);

/* --- where answers go --------------------------------------------------------------------- */

enum sink_kind { SINK_NONE, SINK_STDOUT, SINK_FILE };

/* Bodies for standard output come out one after another, in the order of the URLs: one transfer
 * owns it, the others wait in memory and, when they are long, in a temporary file. */
struct sink {
    enum sink_kind kind;
    const char *path;
    int fd; /* of the file; -1 before it is opened */
    struct cli_text held;
    int spill; /* a temporary file; -1: none */
    bool owns_stdout, written, done;
};

void sink_init(struct sink *sink, enum sink_kind kind, const char *path);
/* Open the file (making its directories if asked), emptying it. 0 or negative errno. */
int sink_start(struct sink *sink, bool create_dirs);
int sink_write(struct sink *sink, const void *data, size_t length);
/* Forget the bytes written, for another try. False when they are on standard output already. */
bool sink_rewind(struct sink *sink);
/* This sink's turn on standard output has come: write the held bytes. 0 or negative errno. */
int sink_own_stdout(struct sink *sink);
/* No more will come. 0, or a negative errno: the output may be incomplete. */
int sink_finish(struct sink *sink);
/* End early: a file keeps its content, bytes that wait for their turn are dropped. */
void sink_abandon(struct sink *sink);

/* --- transfers ---------------------------------------------------------------------------- */

struct get_run;

struct transfer {
    struct get_run *run;
    const char *url, *upload;
    struct sink sink;
    tw_deferred *request; /* under way */
    int64_t retry_call;   /* the timed call of the next try; 0: none */
    unsigned tries;
    int sink_error; /* negative errno */
    int status;     /* for the exit; 0: all is well, or not ended */
    bool unreadable; /* what it uploads */
    uint64_t size;
    tw_value response; /* the answer that is coming, or none */
    double expected;   /* bytes of its body as sent; 0: not known */
    double started;
    struct get_capture *capture; /* for the archive; NULL: none */
    bool again;    /* another try follows */
    bool discard;  /* this answer is dropped: another try follows, or it is an error */
    bool has_head; /* the answer's head has been seen */
};

struct get_run {
    const struct get_settings *settings;
    tw_agent *agent;
    struct get_archive *archive; /* NULL: none */
    struct transfer *transfers;
    size_t count, next, finished, failed, running, cancelled;
    size_t stdout_owner; /* index of the transfer whose turn it is */
    uint64_t bytes;
    double started;
    tw_value tls_problem; /* the failure to read the authorities, or none */
    bool starting, stopping;
    bool unarchived; /* something could not be written to the archive */
    int stdout_error;
    bool progress, progress_shown;
    double shown_at, shown_rate;
    uint64_t shown_bytes;
};

/* Fill the options of a request for `transfer`; strings and headers made for it are in `made`. */
struct get_made {
    tw_headers *headers;
    struct cli_text url, proxy;
    struct tw_body_source source;
};
/* 0, or the negative exit status and why. */
int get_make_request(struct transfer *transfer, struct tw_fetch_options *options,
                     struct get_made *made, struct cli_text *why);
void get_free_made(struct get_made *made);
/* Append a URL as it was given; without a scheme it is http. */
void get_add_url(struct cli_text *url, const char *given);
/* A copy that may be shown: without user and password, also when it is no URL. */
char *get_without_credentials(const char *url);
/* Put the credentials of --proxy-user into the proxies that the environment names. */
void get_set_proxy_user(const struct get_settings *settings);

/* The answer in a result, of a success or as far as it came. */
tw_value get_response_of(tw_value result);
/* The exit status that a failure asks for. */
int get_failure_status(const struct transfer *transfer, tw_value failure);
/* The seconds until another try of a transfer that has come to this; negative: there is none. */
double get_retry_delay(const struct transfer *transfer, tw_value result);

/* --- what is said about them -------------------------------------------------------------- */

/* The status line and the fields, as received, of a response and of the redirects before it. */
void get_format_heads(struct cli_text *text, tw_value response, const char *prefix);
/* The head of a request, without its secrets. */
void get_say_request(const char *head, size_t length);
/* ... and, where there is a cache, whether the answer comes from it. */
void get_say_response(tw_value response, bool has_cache);
void get_say_failure(const struct transfer *transfer, const char *word, const char *message);
void get_write_json(struct cli_text *json, const struct transfer *transfer, tw_value response,
                    const char *word, const char *message);
void get_show_progress(struct get_run *run);
void get_hide_progress(struct get_run *run);
void get_say_summary(struct get_run *run);
const char *get_format_size(double bytes, char text[16]); /* "12.3 MB"; returns text */
double get_now(void);

#endif
