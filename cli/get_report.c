/* SPDX-License-Identifier: MIT */
/*
 * get_report.c - the output of `tweed get` beside bodies: errors, JSON, heads of both sides,
 * progress, summary.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tweed/tweed.h>

#include "cli/get.h"
#include "cli/json.h"

double get_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- heads -------------------------------------------------------------------------------- */

static void format_head(struct cli_text *text, tw_value response, const char *prefix)
{
    const tw_headers *headers = tw_response_headers(response);
    const char *name, *value;
    size_t i;

    cli_text_printf(text, "%s%s %d %s\r\n", prefix, tw_response_version(response),
                    tw_response_status(response), tw_response_reason(response));
    for (i = 0; headers != NULL && tw_headers_at(headers, i, &name, &value); i++)
        cli_text_printf(text, "%s%s: %s\r\n", prefix, name, value);
    cli_text_printf(text, "%s\r\n", prefix);
}

void get_format_heads(struct cli_text *text, tw_value response, const char *prefix)
{
    unsigned count = tw_response_redirects(response), i, back;

    for (i = 0; i <= count; i++) {
        tw_value hop = response;
        for (back = count - i; back > 0 && !tw_is_none(hop); back--)
            hop = tw_response_previous(hop);
        if (!tw_is_none(hop))
            format_head(text, hop, prefix);
    }
}

/* A server's bytes must not steer the terminal. */
static void say(const struct cli_text *text)
{
    cli_make_printable(text->data, text->length);
    fwrite(text->data, 1, text->length, stderr);
}

/* The word for where a response comes from. */
static const char *source_word(tw_value response)
{
    static const char *const words[] = { [TW_SOURCE_SERVER] = "miss",
                                         [TW_SOURCE_CACHE] = "hit",
                                         [TW_SOURCE_STALE] = "stale",
                                         [TW_SOURCE_REVALIDATED] = "revalidated" };

    return words[tw_response_source(response)];
}

void get_say_response(tw_value response, bool has_cache)
{
    struct cli_text text = { 0 };
    char *from, *to;

    if (has_cache)
        cli_text_printf(&text, "* cache: %s\n", source_word(response));
    get_format_heads(&text, response, "< ");
    for (from = to = text.data; *from != 0; from++) {
        if (*from != '\r')
            *to++ = *from;
    }
    text.length = (size_t)(to - text.data);
    say(&text);
    cli_text_free(&text);
}

/* Secrets are not told. */
static bool is_secret(const char *name, size_t length)
{
    return (length == 13 && strncasecmp(name, "Authorization", length) == 0) ||
           (length == 19 && strncasecmp(name, "Proxy-Authorization", length) == 0);
}

void get_say_request(const char *head, size_t length)
{
    struct cli_text text = { 0 };
    const char *end = head + length;

    while (head < end) {
        const char *line_end = memchr(head, '\n', (size_t)(end - head));
        size_t size = line_end != NULL ? (size_t)(line_end - head) : (size_t)(end - head);
        size_t name = strcspn(head, ":\r");
        if (is_secret(head, name))
            cli_text_printf(&text, "> %.*s: ...\n", (int)name, head);
        else
            cli_text_printf(&text, "> %.*s\n", (int)strcspn(head, "\r"), head);
        head += size + 1;
    }
    say(&text);
    cli_text_free(&text);
}

/* --- the end of a transfer ---------------------------------------------------------------- */

void get_say_failure(const struct transfer *transfer, const char *word, const char *message)
{
    const struct get_settings *settings = transfer->run->settings;

    if (settings->silent && !settings->show_error)
        return;
    get_hide_progress(transfer->run);
    cli_complain("get", "%s: %s: %s", get_without_credentials(transfer->url), word, message);
}

static void write_times(struct cli_text *json, tw_value response, double total)
{
    struct tw_response_times times = tw_response_times(response);

    cli_json_key(json, "times");
    cli_json_open(json, '{');
    cli_json_key(json, "queued");
    cli_json_seconds(json, times.queued);
    cli_json_key(json, "connected");
    cli_json_seconds(json, times.connected);
    cli_json_key(json, "secured");
    cli_json_seconds(json, times.secured);
    cli_json_key(json, "sent");
    cli_json_seconds(json, times.sent);
    cli_json_key(json, "first_byte");
    cli_json_seconds(json, times.first_byte);
    cli_json_key(json, "total");
    cli_json_seconds(json, total);
    cli_json_close(json, '}');
}

void get_write_json(struct cli_text *json, const struct transfer *transfer, tw_value response,
                    const char *word, const char *message)
{
    const char *final = tw_response_url(response);

    cli_json_open(json, '{');
    cli_json_member(json, "url", get_without_credentials(transfer->url));
    cli_json_key(json, "status");
    cli_json_integer(json, tw_response_status(response));
    cli_json_member(json, "final_url", *final != 0 ? final : NULL);
    cli_json_key(json, "redirects");
    cli_json_integer(json, tw_response_redirects(response));
    cli_json_key(json, "size");
    cli_json_integer(json, (int64_t)transfer->size);
    cli_json_key(json, "wire_size");
    cli_json_integer(json, (int64_t)tw_response_wire_bytes(response));
    cli_json_key(json, "tries");
    cli_json_integer(json, transfer->tries);
    cli_json_member(json, "cache",
                    transfer->run->settings->cache_folder != NULL && !tw_is_none(response)
                        ? source_word(response)
                        : NULL);
    write_times(json, response, get_now() - transfer->started);
    cli_json_member(json, "file",
                    transfer->sink.kind == SINK_FILE ? transfer->sink.path : NULL);
    cli_json_member(json, "error", word);
    cli_json_member(json, "message", message);
    cli_json_close(json, '}');
    cli_json_end_line(json);
}

/* --- summary ------------------------------------------------------------------------------ */

const char *get_format_size(double bytes, char text[16])
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
    unsigned unit = 0;

    while (bytes >= 999.5 && unit < 4) {
        bytes /= 1000;
        unit++;
    }
    snprintf(text, 16, unit == 0 || bytes >= 99.5 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
    return text;
}

void get_say_summary(struct get_run *run)
{
    double seconds = get_now() - run->started;
    char bytes[16], rate[16];

    if (run->settings->silent || (run->count < 2 && !run->progress))
        return;
    cli_complain("get", "%zu of %zu fetched, %zu failed, %s in %.2f s (%s/s)",
                 run->finished - run->failed, run->count, run->failed,
                 get_format_size((double)run->bytes, bytes), seconds,
                 get_format_size(seconds > 0 ? (double)run->bytes / seconds : 0, rate));
}
