/* SPDX-License-Identifier: MIT */
/*
 * robots_gate.c - the states of a robots.txt, and its rules in little memory.
 *
 * A parsed file takes kilobytes, and there may be a hundred thousand hosts. So of a file only the
 * lines are kept that hold for us, as a file of their own that is read again at each question,
 * which takes a microsecond for a usual one. A long one stays read.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spider/crawl/robots_gate.h"

#define SECOND INT64_C(1000000000)
#define FRESH (24 * 3600 * SECOND)
#define RETRY_FIRST (600 * SECOND)
enum { RETRY_DOUBLES_MOST = 8, LONG_FILE = 4096 };
static const char head[] = "User-agent: *\n";
static const char unreachable[] = "robots.txt could not be fetched";

struct rules_read {
    struct twi_robots *robots;
    struct twi_arena arena;
};

struct twi_robots_rules {
    struct rules_read *read; /* of a long file; NULL: it is read at each question */
    uint32_t count, length;  /* lines; bytes of all, with the head */
    uint32_t lines[];        /* their numbers in the file they come from; the text follows */
};

/* --- rules --------------------------------------------------------------------------------- */

static inline char *rules_text(const struct twi_robots_rules *rules)
{
    return (char *)&rules->lines[rules->count];
}

static void rules_read_free(struct rules_read *read)
{
    if (read == NULL)
        return;
    twi_arena_free(&read->arena);
    free(read);
}

static void rules_free(struct twi_robots_rules *rules)
{
    if (rules == NULL)
        return;
    rules_read_free(rules->read);
    free(rules);
}

struct rules_copy {
    struct twi_robots_rules *to; /* NULL: to be measured */
    size_t count, length;
};

static void rules_copy_line(size_t line, const char *text, size_t length, void *arg)
{
    struct rules_copy *copy = arg;

    if (copy->to != NULL) {
        char *to = rules_text(copy->to) + copy->length;
        copy->to->lines[copy->count] = (uint32_t)line; /* a file is shorter than 4 G */
        memcpy(to, text, length);
        to[length] = '\n';
    }
    copy->count++;
    copy->length += length + 1;
}

static struct rules_read *rules_read(const struct twi_robots_rules *rules)
{
    struct rules_read *read = calloc(1, sizeof *read);

    if (read == NULL)
        return NULL;
    twi_arena_init(&read->arena, 0);
    read->robots = twi_robots_read(&read->arena, rules_text(rules), rules->length, "*");
    if (read->robots != NULL)
        return read;
    rules_read_free(read);
    return NULL;
}

/* The lines that hold for us; *ret_rules is NULL when there are none. */
static int rules_make(const struct twi_robots *robots, struct twi_robots_rules **ret_rules)
{
    struct rules_copy copy = { .length = sizeof head - 1 };
    struct twi_robots_rules *rules;

    *ret_rules = NULL;
    twi_robots_each_line(robots, rules_copy_line, &copy);
    if (copy.count == 0)
        return 0;
    rules = malloc(sizeof *rules + copy.count * sizeof rules->lines[0] + copy.length);
    if (rules == NULL)
        return -ENOMEM;
    rules->read = NULL;
    rules->count = (uint32_t)copy.count;
    rules->length = (uint32_t)copy.length;
    memcpy(rules_text(rules), head, sizeof head - 1);
    copy = (struct rules_copy){ .to = rules, .length = sizeof head - 1 };
    twi_robots_each_line(robots, rules_copy_line, &copy);
    if (rules->length > LONG_FILE && (rules->read = rules_read(rules)) == NULL) {
        rules_free(rules);
        return -ENOMEM;
    }
    *ret_rules = rules;
    return 0;
}

/* Line `line` of the lines that were kept, the head being the first. */
static void rules_tell(const struct twi_robots_rules *rules, size_t line,
                       struct twi_robots_verdict *ret_verdict)
{
    const char *at = rules_text(rules), *end = at + rules->length;

    if (line < 2 || line - 2 >= rules->count)
        return;
    for (size_t i = 1; i < line; i++) /* each line has its end */
        at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
    end = memchr(at, '\n', (size_t)(end - at));
    ret_verdict->line = rules->lines[line - 2];
    ret_verdict->text = at;
    ret_verdict->length = (size_t)(end - at);
}

/* --- states -------------------------------------------------------------------------------- */

bool twi_robots_gate_wants(const struct twi_robots_gate *gate, int64_t now)
{
    return gate->state != TWI_ROBOTS_ASKING &&
           (gate->state == TWI_ROBOTS_UNKNOWN || now >= gate->until_);
}

void twi_robots_gate_asks(struct twi_robots_gate *gate)
{
    gate->state = TWI_ROBOTS_ASKING;
}

static void gate_failed(struct twi_robots_gate *gate, int64_t now)
{
    int64_t wait = RETRY_FIRST << gate->tries_;

    if (gate->tries_ < RETRY_DOUBLES_MOST)
        gate->tries_++;
    if (gate->failed_at_ == 0)
        gate->failed_at_ = now != 0 ? now : 1;
    gate->until_ = now + (wait < FRESH ? wait : FRESH);
    gate->state = gate->known_ != 0 ? gate->known_ : TWI_ROBOTS_NONE;
}

static void gate_becomes(struct twi_robots_gate *gate, int64_t now,
                         enum twi_robots_state state, struct twi_robots_rules *rules,
                         double crawl_delay)
{
    rules_free(gate->rules_);
    gate->rules_ = rules;
    gate->crawl_delay = (float)crawl_delay;
    gate->state = gate->known_ = (uint8_t)state;
    gate->tries_ = 0;
    gate->failed_at_ = 0;
    gate->until_ = now + FRESH;
}

/* A line that is cut off could forbid more than it means to. */
static size_t counted_length(const char *body, size_t length)
{
    if (length <= TWI_ROBOTS_MAX)
        return length;
    for (length = TWI_ROBOTS_MAX; length > 0; length--)
        if (body[length - 1] == '\n' || body[length - 1] == '\r')
            return length;
    return 0;
}

static int gate_read(struct twi_robots_gate *gate, int64_t now, const char *agent,
                     const struct twi_robots_answer *answer, struct twi_robots_news *news)
{
    size_t length = counted_length(answer->body, answer->length);
    struct twi_robots *robots = twi_robots_read(news->arena, answer->body, length, agent);
    struct twi_robots_rules *rules;

    if (robots == NULL || rules_make(robots, &rules) < 0)
        return -ENOMEM;
    gate_becomes(gate, now, TWI_ROBOTS_RULES, rules, robots->group.crawl_delay);
    news->sitemaps = robots->sitemaps;
    news->length = length;
    return 0;
}

static int gate_take(struct twi_robots_gate *gate, int64_t now, const char *agent,
                     const struct twi_robots_answer *answer, struct twi_robots_news *news)
{
    int status = answer->status, r = 0;

    if (status >= 200 && status < 300)
        r = gate_read(gate, now, agent, answer, news);
    else if (status >= 300 && status < 500 && status != 429) /* RFC 9309, 2.3.1.2 and .3 */
        gate_becomes(gate, now, TWI_ROBOTS_ALL, NULL, -1);
    else
        gate_failed(gate, now);
    if (r < 0)
        gate_failed(gate, now);
    news->state = gate->failed_at_ != 0 ? TWI_ROBOTS_NONE : gate->state;
    news->seconds = (double)(gate->until_ - now) / (double)SECOND;
    news->crawl_delay = gate->known_ != 0 ? (double)gate->crawl_delay : -1;
    return r;
}

int twi_robots_gate_answered(struct twi_robots_gate *gate, int64_t now, const char *agent,
                             const struct twi_robots_answer *answer,
                             struct twi_robots_news *ret_news)
{
    struct twi_arena arena;
    struct twi_robots_news news = { .arena = ret_news != NULL ? ret_news->arena : &arena };
    int r;

    twi_arena_init(&arena, 0);
    r = gate_take(gate, now, agent, answer, &news);
    twi_arena_free(&arena);
    if (ret_news != NULL)
        *ret_news = news;
    return r;
}

int twi_robots_gate_restore(struct twi_robots_gate *gate, int64_t now, int64_t until,
                            const char *agent, const struct twi_robots_answer *answer)
{
    int r = twi_robots_gate_answered(gate, now, agent, answer, NULL);

    if (until < gate->until_)
        gate->until_ = until;
    return r;
}

bool twi_robots_gate_waits(const struct twi_robots_gate *gate, int64_t now, int64_t patience,
                           int64_t *ret_until)
{
    *ret_until = gate->until_;
    if (gate->state != TWI_ROBOTS_NONE)
        return gate->state == TWI_ROBOTS_ASKING;
    if (patience < 0 || gate->until_ - gate->failed_at_ < patience)
        return true;
    *ret_until = gate->failed_at_ + patience;
    return now < *ret_until;
}

int twi_robots_gate_allow(const struct twi_robots_gate *gate, struct twi_arena *scratch,
                          const char *url, size_t length,
                          struct twi_robots_verdict *ret_verdict)
{
    const struct twi_robots_rules *rules = gate->rules_;
    const struct twi_robots *robots;
    size_t line;
    bool allowed;

    *ret_verdict = (struct twi_robots_verdict){ 0 };
    if (gate->known_ == 0) {
        ret_verdict->text = unreachable;
        ret_verdict->length = sizeof unreachable - 1;
        return 0;
    }
    if (rules == NULL)
        return 1;
    twi_arena_reset(scratch);
    robots = rules->read != NULL
                 ? rules->read->robots
                 : twi_robots_read(scratch, rules_text(rules), rules->length, "*");
    if (robots == NULL)
        return -ENOMEM;
    allowed = twi_robots_allow(robots, scratch, url, length, &line);
    if (scratch->failed)
        return -ENOMEM;
    rules_tell(rules, line, ret_verdict);
    return allowed;
}

void twi_robots_gate_clear(struct twi_robots_gate *gate)
{
    rules_free(gate->rules_);
    *gate = (struct twi_robots_gate){ 0 };
}

size_t twi_robots_gate_bytes(const struct twi_robots_gate *gate)
{
    const struct twi_robots_rules *rules = gate->rules_;

    if (rules == NULL)
        return 0;
    return sizeof *rules + rules->count * sizeof rules->lines[0] + rules->length +
           (rules->read != NULL ? sizeof *rules->read + rules->read->arena.used : 0);
}
