/* SPDX-License-Identifier: MIT */
/*
 * get_progress.c - the line on the terminal while transfers run: as much as fits into one line.
 *
 * One download tells its bytes, how much of it is there, and how long the rest will take; several
 * tell how many have ended.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <tweed/tweed.h>

#include "cli/get.h"

enum { LINE_ROOM = 160, BAR_MIN = 10, BAR_MAX = 40 };

/* The figures to show, as text; "" for those not known. */
struct told {
    double part; /* of the whole, for the bar; negative: not known */
    char done[48], bytes[16], whole[16], rate[24], left[24];
};

static unsigned terminal_width(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

/* "0:07", "1:02:03"; nothing for times that nobody would wait. */
static void format_left(double seconds, char text[24])
{
    unsigned s = (unsigned)(seconds < 1e6 ? seconds + 0.5 : 1e6);

    if (s < 3600)
        snprintf(text, 24, "  %u:%02u", s / 60, s % 60);
    else if (s < 360000)
        snprintf(text, 24, "  %u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
}

static void tell_one(const struct get_run *run, struct told *told)
{
    const struct transfer *transfer = &run->transfers[0];
    uint64_t wire = tw_response_wire_bytes(transfer->response);
    double done = (double)(wire > 0 ? wire : transfer->size);
    double seconds = get_now() - transfer->started;

    get_format_size(done, told->bytes);
    told->part = -1;
    if (transfer->expected < done || transfer->expected == 0)
        return;
    told->part = done / transfer->expected;
    snprintf(told->done, sizeof told->done, "%3.0f%%  ", 100 * told->part);
    get_format_size(transfer->expected, told->whole);
    if (done > 0 && seconds > 0)
        format_left((transfer->expected - done) * seconds / done, told->left);
}

static void tell_many(const struct get_run *run, struct told *told)
{
    told->part = (double)run->finished / (double)run->count;
    if (run->failed > 0)
        snprintf(told->done, sizeof told->done, "%zu/%zu, %zu failed  ", run->finished,
                 run->count, run->failed);
    else
        snprintf(told->done, sizeof told->done, "%zu/%zu  ", run->finished, run->count);
    get_format_size((double)run->bytes, told->bytes);
}

static void take_rate(struct get_run *run, struct told *told)
{
    double now = get_now();
    char rate[16];

    /* Another try takes bytes back. */
    if (now > run->shown_at)
        run->shown_rate = run->bytes > run->shown_bytes
                              ? (double)(run->bytes - run->shown_bytes) / (now - run->shown_at)
                              : 0;
    run->shown_at = now;
    run->shown_bytes = run->bytes;
    snprintf(told->rate, sizeof told->rate, "  %s/s", get_format_size(run->shown_rate, rate));
}

/* The longest of the lines that is at most `width` long, without the bar; otherwise the start
 * of the shortest. */
static void compose(const struct told *told, unsigned width, char line[LINE_ROOM])
{
    const char *of = *told->whole != 0 ? " of " : "", *left = *told->left != 0 ? " left" : "";

    snprintf(line, LINE_ROOM, "%s%s%s%s%s%s%s", told->done, told->bytes, of, told->whole,
             told->rate, told->left, left);
    if (strlen(line) > width)
        snprintf(line, LINE_ROOM, "%s%s%s%s", told->done, told->bytes, told->rate, told->left);
    if (strlen(line) > width)
        snprintf(line, LINE_ROOM, "%s%s%s", told->done, told->bytes, told->left);
    if (strlen(line) > width)
        snprintf(line, LINE_ROOM, "%s%s", told->done, told->bytes);
    if (strlen(line) > width)
        snprintf(line, LINE_ROOM, "%s", *told->done != 0 ? told->done : told->bytes);
    line[width < LINE_ROOM ? width : LINE_ROOM - 1] = 0;
}

static void draw_bar(double part, unsigned width)
{
    unsigned full = (unsigned)(part * width), i;

    fputc('[', stderr);
    for (i = 0; i < width; i++)
        fputc(i < full ? '#' : ' ', stderr);
    fputs("] ", stderr);
}

void get_show_progress(struct get_run *run)
{
    /* The last column stays free: some terminals go on to the next line behind it. */
    unsigned width = terminal_width() - 1, length;
    struct told told = { 0 };
    char line[LINE_ROOM];

    if (!run->progress)
        return;
    take_rate(run, &told);
    if (run->count == 1)
        tell_one(run, &told);
    else
        tell_many(run, &told);
    compose(&told, width, line);
    length = (unsigned)strlen(line);
    fputc('\r', stderr);
    if (told.part >= 0 && width >= length + BAR_MIN + 3)
        draw_bar(told.part, width - length - 3 < BAR_MAX ? width - length - 3 : BAR_MAX);
    fprintf(stderr, "%s\033[K", line);
    fflush(stderr);
    run->progress_shown = true;
}

void get_hide_progress(struct get_run *run)
{
    if (!run->progress_shown)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    run->progress_shown = false;
}
