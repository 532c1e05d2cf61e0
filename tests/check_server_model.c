/* SPDX-License-Identifier: MIT */
/*
 * check_server_model.c - random programs of clients and handlers: each answer comes whole and in
 * its turn, or the client has gone, and whoever waits hears of it once.
 *
 * A program: requests in random pieces, pipelined; handlers that answer at once, late, out of
 * order, in parts, at the client's pace, by a Deferred, or fail; a client that reads or does not,
 * half closes, leaves, or lets time pass; callbacks that do any of this to others, or stop the
 * reactor. The client must have got the answers, in order, up to where it ended.
 */
#include "config.h"

#include <tweed/inline_callbacks.h>
#include <tweed/log.h>
#include <tweed/task.h>

#include "tests/random.h"
#include "tests/recorder.h"
#include "tests/site.h"

enum { PROGRAMS = 400, REQUESTS = 12, STEPS = 60, LONGEST = 120000 };

/* Check takes note of each assertion that holds, which takes longer than what is tested here. */
#define HOLDS(what)                        \
    do {                                   \
        if (!(what))                       \
            ck_abort_msg("not: %s", #what); \
    } while (0)

/* --- what is asked --------------------------------------------------------------------------- */

enum how { AT_ONCE, AS_RESULT, LATE, IN_PARTS, BY_DEFERRED, AT_PACE, FAILS, HOWS };

struct asked {
    enum how how;
    size_t length; /* of the answer's body */
    bool is_head, says_length, closes, sets_producer;
    /* what became of it */
    tw_request *request; /* until it is finished */
    tw_deferred *fires;
    size_t written;
    bool dispatched, finished;
    unsigned overs, gones, stops, cancels;
    bool cut;
};

static struct asked asked[REQUESTS];
static unsigned asked_count;
static struct record client;
static struct twi_buf to_send;
static size_t sent_at;
static bool has_left, has_half_closed, has_stopped, has_limits;
static int64_t call; /* of what the program does next */
static unsigned depth;

static void act(void);

/* A callback may do anything, now and then. */
static void callback_acts(void)
{
    if (depth >= 3 || !one_in(3))
        return;
    depth++;
    act();
    depth--;
}

static char body_char(const struct asked *one, size_t at)
{
    return (char)('a' + (at + (size_t)(one - asked) * 7) % 26);
}

static tw_value body_bytes(const struct asked *one, size_t from, size_t length)
{
    char *data;
    tw_value bytes = tw_bytes_new(length, &data);

    ck_assert_ptr_nonnull(data);
    for (size_t i = 0; i < length; i++)
        data[i] = body_char(one, from + i);
    return bytes;
}

/* --- handlers -------------------------------------------------------------------------------- */

static void note_gone(tw_request *request, void *arg)
{
    struct asked *one = arg;

    HOLDS(one->request == request && !one->finished);
    one->gones++;
    callback_acts();
}

static void producer_stops(void *arg)
{
    ((struct asked *)arg)->stops++;
    callback_acts();
}

static void producer_turns(void *arg)
{
    (void)arg;
    callback_acts();
}

static const struct tw_producer producer = { producer_turns, producer_turns, producer_stops };

static int deferred_cancel(tw_deferred *deferred, void *arg)
{
    struct asked *one = arg;

    (void)deferred;
    one->cancels++;
    tw_fire(&one->fires, tw_fail(&tw_error_cancelled, "the client has gone"));
    return 0;
}

static void answer_over(struct asked *one)
{
    one->finished = true;
    one->request = NULL;
}

/* Write the next part; true when it was the last one. */
static bool write_part(struct asked *one, size_t most)
{
    size_t length = one->length - one->written;
    tw_value bytes;

    if (length > most)
        length = most;
    bytes = body_bytes(one, one->written, length);
    one->written += length;
    tw_request_write(one->request, tw_bytes_data(bytes), length);
    tw_release(bytes);
    return one->written == one->length;
}

static void finish_parts(struct asked *one)
{
    tw_request *request = one->request;

    answer_over(one);
    tw_request_finish(request);
}

static tw_value pace_body(void *arg)
{
    struct asked *one = arg;

    while (!one->finished && !write_part(one, 20000)) {
        tw_value drained = tw_await(tw_request_drain(one->request));

        callback_acts();
        if (tw_is_failure(drained)) {
            answer_over(one);
            return drained;
        }
    }
    if (!one->finished)
        finish_parts(one);
    return tw_none();
}

/* The next step of a late answer. */
static void go_on(struct asked *one)
{
    tw_request *request = one->request;

    if (one->how == BY_DEFERRED && one->fires != NULL) {
        tw_value bytes = body_bytes(one, 0, one->length);
        answer_over(one);
        tw_fire(&one->fires, bytes);
    } else if (request != NULL && one->how == LATE) {
        tw_value bytes = body_bytes(one, 0, one->length);
        answer_over(one);
        tw_request_answer(request, 200, "text/plain", bytes);
    } else if (request != NULL && one->how == IN_PARTS) {
        if (write_part(one, 1 + draw(30000)))
            finish_parts(one);
    }
}

static void prepare(struct asked *one, tw_request *request)
{
    char text[32];

    one->dispatched = true;
    one->request = request;
    tw_request_on_gone(request, note_gone, one);
    if (one->says_length && (one->how == IN_PARTS || one->how == AT_PACE)) {
        snprintf(text, sizeof text, "%zu", one->length);
        tw_request_set_header(request, "Content-Length", text);
    }
    if (one->sets_producer)
        HOLDS(tw_request_register_producer(request, &producer, true, one) == 0);
}

static tw_value handle(tw_request *request, void *arg)
{
    struct asked *one = &asked[atoi(tw_request_segment(request, 0))];

    (void)arg;
    HOLDS(!one->dispatched);
    prepare(one, request);
    callback_acts();
    switch (one->how) {
    case AT_ONCE:
        answer_over(one);
        tw_request_answer(request, 200, "text/plain", body_bytes(one, 0, one->length));
        return tw_none();
    case AS_RESULT:
        answer_over(one);
        return body_bytes(one, 0, one->length);
    case FAILS:
        answer_over(one);
        return tw_fail(&tw_error, "on purpose");
    case BY_DEFERRED:
        return tw_wait(tw_promise(&one->fires, deferred_cancel, one));
    case AT_PACE:
        return tw_wait(tw_inline_callbacks(pace_body, one));
    default:
        return tw_none();
    }
}

static void note_over(tw_request *request, void *arg)
{
    const char *segment = tw_request_segment(request, 0);
    struct asked *one;

    (void)arg;
    if (segment == NULL)
        return;
    one = &asked[atoi(segment)];
    one->overs++;
    one->cut = tw_request_answer_cut(request);
    if (!one->cut && tw_request_answer_status(request) == 200 && !one->is_head)
        HOLDS(tw_request_answer_bytes(request) == one->length);
    callback_acts();
}

/* --- the client ------------------------------------------------------------------------------ */

static void client_sends(void)
{
    size_t left = to_send.length - sent_at, length = 1 + draw(one_in(4) ? 2000 : 90);

    if (client.protocol == NULL || has_half_closed || left == 0)
        return;
    if (length > left)
        length = left;
    tw_transport_write(client.protocol->transport, to_send.data + sent_at, length);
    sent_at += length;
}

static void client_leaves(void)
{
    if (client.protocol == NULL || !one_in(12))
        return;
    has_left = true;
    if (one_in(2))
        tw_transport_abort(client.protocol->transport);
    else
        tw_transport_lose(client.protocol->transport);
}

static void client_half_closes(void)
{
    if (client.protocol == NULL || !one_in(10))
        return;
    has_half_closed = true;
    tw_transport_lose_write(client.protocol->transport);
}

static void client_turns(bool reads)
{
    if (client.protocol == NULL)
        return;
    if (reads)
        tw_transport_resume(client.protocol->transport);
    else
        tw_transport_pause(client.protocol->transport);
}

static void act(void)
{
    switch (draw(depth == 0 ? 12 : 10)) {
    case 0:
    case 1:
        client_sends();
        break;
    case 2:
        client_turns(true);
        break;
    case 3:
        client_turns(false);
        break;
    case 4:
        client_leaves();
        break;
    case 5:
        client_half_closes();
        break;
    case 6:
        if (one_in(30)) {
            has_stopped = true;
            tw_reactor_stop();
        }
        break;
    case 7:
    case 8:
    case 9:
        go_on(&asked[draw(asked_count)]);
        break;
    default:
        client_sends();
        client_sends();
    }
}

/* Bring to its end all that handlers have begun. */
static void wind_up(void *arg)
{
    unsigned *rounds = arg;

    client_turns(true);
    for (unsigned i = 0; i < asked_count; i++)
        go_on(&asked[i]);
    if (--*rounds > 0)
        call = tw_call_later(0.01, wind_up, rounds);
    else
        tw_reactor_stop();
}

static void step(void *arg)
{
    static const double times[] = { 0, 0, 0, 0.001, 0.01, 1, 7 };
    unsigned *left = arg;

    act();
    if (--*left > 0) {
        call = tw_call_later(times[draw(7)], step, left);
        return;
    }
    /* The rest is plain: all is sent and read, all handlers go on to their ends. */
    client_turns(true);
    if (client.protocol != NULL && !has_half_closed && sent_at < to_send.length) {
        tw_transport_write(client.protocol->transport, to_send.data + sent_at,
                           to_send.length - sent_at);
        sent_at = to_send.length;
    }
    *left = 60;
    call = tw_call_later(0.01, wind_up, left);
}

/* --- what has to come of it ------------------------------------------------------------------ */

/* Past `text`, or NULL. */
static const char *past(const char *at, const char *end, const char *text)
{
    size_t length = strlen(text);

    if ((size_t)(end - at) < length || memcmp(at, text, length) != 0)
        return NULL;
    return at + length;
}

static const char *past_body(const struct asked *one, const char *at, const char *end)
{
    size_t i = 0;

    for (; i < one->length && at < end; i++)
        HOLDS(*at++ == body_char(one, i));
    return i == one->length ? at : NULL;
}

static const char *past_chunks(const struct asked *one, const char *at, const char *end)
{
    for (size_t done = 0;;) {
        char *behind;
        size_t length;

        if (memchr(at, '\n', (size_t)(end - at)) == NULL)
            return NULL;
        length = strtoul(at, &behind, 16);
        at = past(behind, end, "\r\n");
        HOLDS(at != NULL && done + length <= one->length);
        if (length == 0) {
            HOLDS(done == one->length);
            return past(at, end, "\r\n");
        }
        for (size_t i = 0; i < length; i++, done++, at++) {
            if (at == end)
                return NULL;
            HOLDS(*at == body_char(one, done));
        }
        at = past(at, end, "\r\n");
        if (at == NULL)
            return NULL;
    }
}

/* Past the answer to `one`, or NULL when it is not all there. */
static const char *past_answer(const struct asked *one, const char *at, const char *end)
{
    const char *body = strstr(at, "\r\n\r\n"), *length;

    if (body == NULL)
        return NULL;
    body += 4;
    if (has_limits && past(at, end, "HTTP/1.1 408 ") != NULL)
        return NULL;
    if (one->how == FAILS) {
        HOLDS(past(at, end, "HTTP/1.1 500 ") != NULL);
        length = strstr(at, "Content-Length: ");
        HOLDS(length != NULL && length < body);
        if (one->is_head)
            return body;
        body += atoi(length + 16);
        return body <= end ? body : NULL;
    }
    HOLDS(past(at, end, "HTTP/1.1 200 OK\r\n") != NULL);
    if (one->is_head)
        return body;
    length = strstr(at, "Transfer-Encoding: chunked\r\n");
    if (length != NULL && length < body)
        return past_chunks(one, body, end);
    return past_body(one, body, end);
}

/* How many answers came whole; nothing but a part of the next follows. */
static unsigned whole_answers(void)
{
    const char *at = record_data(&client), *end = at + client.data.length;
    unsigned count = 0;

    while (at != NULL && at < end && count < asked_count) {
        at = past_answer(&asked[count], at, end);
        count += at != NULL;
    }
    HOLDS(at == NULL || at == end);
    return count;
}

static struct {
    uint64_t whole, gone, cut;
} seen; /* so that there is something to see */

static void check_outcome(void)
{
    bool ended = has_left || has_half_closed || has_stopped || has_limits;
    unsigned whole = whole_answers();

    if (!ended)
        HOLDS(whole == asked_count);
    seen.whole += whole;
    for (unsigned i = 0; i < asked_count; i++) {
        const struct asked *one = &asked[i];

        seen.gone += one->gones + one->stops;
        seen.cut += one->cut;
        HOLDS(one->overs <= 1);
        HOLDS(!one->dispatched || one->overs == 1);
        HOLDS(one->gones + one->stops <= 1);
        HOLDS(one->sets_producer ? one->gones == 0 : one->stops == 0);
        HOLDS(one->cancels <= 1);
        if (i < whole)
            HOLDS(one->overs == 1);
        if (!ended)
            HOLDS(!one->cut && one->gones == 0 && one->stops == 0 && one->cancels == 0);
    }
}

/* --- programs -------------------------------------------------------------------------------- */

static void draw_requests(void)
{
    static const char *const bodies[] = {
        "\r\n",
        "\r\n",
        "Content-Length: 5\r\n\r\nabcde",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
    };

    memset(asked, 0, sizeof asked);
    asked_count = 1 + draw(REQUESTS);
    for (unsigned i = 0; i < asked_count; i++) {
        struct asked *one = &asked[i];

        one->how = draw(HOWS);
        one->length = one_in(4) ? draw(LONGEST) : draw(300);
        one->is_head = one_in(12);
        one->says_length = one_in(2);
        one->closes = one_in(15);
        one->sets_producer = one_in(3);
        twi_buf_printf(&to_send, "%s /%u HTTP/1.1\r\nHost: a\r\n%s",
                       one->is_head ? "HEAD" : "GET", i,
                       one->closes ? "Connection: close\r\n" : "");
        twi_buf_append_text(&to_send, bodies[draw(4)]);
        if (one->closes) /* then nothing more is asked (RFC 9112, 9.6) */
            asked_count = i + 1;
    }
}

static void finish_what_is_left(void)
{
    for (unsigned i = 0; i < asked_count; i++) {
        tw_request *request = asked[i].request;

        if (asked[i].how == BY_DEFERRED && asked[i].fires != NULL)
            tw_fire(&asked[i].fires, tw_none());
        else if (request != NULL && asked[i].how != AT_PACE && asked[i].how != BY_DEFERRED) {
            answer_over(&asked[i]);
            tw_request_finish(request);
        }
    }
}

static void run_program(void)
{
    static const size_t pieces[] = { 0, 0, 1000, 77 };
    struct tw_site_options options = { .on_finished = note_over,
                                       .max_pipelined = 1 + draw(8) };
    unsigned left = 1 + draw(STEPS);

    has_limits = one_in(3);
    if (!has_limits)
        options.header_timeout = options.idle_timeout = options.send_timeout =
            options.half_close_timeout = options.body_rate = -1;
    site_begin(&options);
    memset(&client, 0, sizeof client);
    memset(&to_send, 0, sizeof to_send);
    sent_at = depth = 0;
    has_left = has_half_closed = has_stopped = false;
    ck_assert_int_eq(tw_site_handle(site, "/", handle, NULL, NULL), 0);
    draw_requests();
    ck_assert_int_eq(tw_memory_pair(site_protocol(),
                                    recorder_new(&recorder_half_class, &client),
                                    pieces[draw(4)]),
                     0);
    call = tw_call_later(0, step, &left);
    tw_reactor_run();
    tw_call_cancel(call);
    if (client.protocol != NULL)
        tw_transport_abort(client.protocol->transport);
    tw_testing_settle();
    finish_what_is_left();
    tw_testing_settle();
    check_outcome();
    site_end();
    record_free(&client);
    twi_buf_free(&to_send);
}

static void silent(const struct tw_log_event *event, void *arg)
{
    (void)event;
    (void)arg;
}

START_TEST(answers_come_whole_and_in_order_or_somebody_hears)
{
    uint64_t count;

    tw_log_observe(silent, NULL, TW_LOG_CRITICAL);
    count = random_programs(run_program, PROGRAMS);
    HOLDS(count < 100 || seen.whole > count);
    HOLDS(count < 100 || (seen.gone > count / 20 && seen.cut > count / 20));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("server_model");

    TEST_ADD(suite, answers_come_whole_and_in_order_or_somebody_hears);
    return test_run(suite);
}
