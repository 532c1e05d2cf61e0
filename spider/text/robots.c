/* SPDX-License-Identifier: MIT */
/*
 * robots.c - reading robots.txt, and asking it (RFC 9309; Google's parser for what is wrong).
 *
 * Rules and URLs are brought to one form before they are compared: unreserved characters stand for
 * themselves, all others that need it are escaped, in upper case. "*" and "$" of a URL are escaped
 * too, so that those of a pattern which are literal ("%2A", "$" inside) match them in either form.
 * A pattern's parts between its "*" are looked for one after the other, each as early as it stands:
 * no other choice could match more, so a match takes one pass over the URL.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "spider/text/robots.h"
#include "spider/text/span.h"

/* Google's parser drops what a line has beyond 8 times the 2,083 bytes of a browser's URL. */
#define MAX_LINE (8 * 2083 - 1)

struct twi_robots_rule {
    struct twi_robots_rule *next;
    const char *pattern; /* in normal form, "*" for anything */
    size_t length;
    size_t weight; /* the longest rule wins: octets, each special character one */
    size_t line;
    struct twi_span source; /* that line */
    bool allow, at_end;
};

struct robots_reader {
    struct twi_arena *arena;
    struct twi_robots *robots;
    struct twi_span agent; /* empty: "*" is asked for */
    struct twi_robots_group named, any;
    /* Whom the User-agent lines above mean; whether the next one starts a new group. */
    bool for_named, for_any, is_closed;
    size_t line;
    struct twi_span source; /* that line, trimmed */
};

/* --- one form for rules and URLs ----------------------------------------------------------- */

static bool is_unreserved(char c)
{
    return twi_is_alpha(c) || twi_is_digit(c) || (c != 0 && strchr("-._~", c) != NULL);
}

/* The characters that cannot stand in a URL as they are, and those with a meaning in
 * patterns. */
static bool is_escaped_always(char c)
{
    return (unsigned char)c <= ' ' || (unsigned char)c >= 0x7f ||
           strchr("\"<>\\^`{|}*$", c) != NULL;
}

static char *robots_put_escape(char *to, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF";

    *to++ = '%';
    *to++ = digits[byte >> 4];
    *to++ = digits[byte & 15];
    return to;
}

/* One character or escape of `left` bytes: what was read, and *to behind what it became. */
static size_t put_normal(char **to, const char *at, size_t left)
{
    int high = at[0] == '%' && left >= 3 ? twi_hex(at[1]) : -1;
    int low = high >= 0 ? twi_hex(at[2]) : -1;
    char byte = low >= 0 ? (char)(high * 16 + low) : *at;

    if (low >= 0 ? !is_unreserved(byte) : is_escaped_always(byte))
        *to = robots_put_escape(*to, (unsigned char)byte);
    else
        *(*to)++ = byte;
    return low >= 0 ? 3 : 1;
}

/* Fill in a rule's pattern; false when the arena failed. */
static bool rule_set_pattern(struct twi_arena *arena, struct twi_robots_rule *rule,
                             const char *text, size_t length)
{
    const size_t room = length * 3 + 1;
    char *pattern = twi_arena_alloc(arena, room), *to = pattern;
    size_t i = 0, literal_dollars = 0;

    if (pattern == NULL)
        return false;
    rule->at_end = length > 0 && text[length - 1] == '$';
    length -= rule->at_end;
    while (i < length) {
        if (text[i] == '*') {
            *to++ = text[i++];
            continue;
        }
        literal_dollars += text[i] == '$';
        i += put_normal(&to, text + i, length - i);
    }
    rule->pattern = pattern;
    rule->length = (size_t)(to - pattern);
    rule->weight = rule->length - 2 * literal_dollars + rule->at_end;
    return twi_arena_grow(arena, pattern, room, rule->length + 1) != NULL; /* gives back */
}

/* --- matching ------------------------------------------------------------------------------ */

static bool rule_matches(const struct twi_robots_rule *rule, struct twi_span path)
{
    struct twi_span left = { rule->pattern, rule->length };
    size_t part = twi_span_find(left, '*');

    if (part > path.length || memcmp(left.text, path.text, part) != 0)
        return false;
    path = twi_span_from(path, part);
    if (part == left.length)
        return !rule->at_end || path.length == 0;
    for (;;) {
        const char *found;
        left = twi_span_from(left, part + 1);
        part = twi_span_find(left, '*');
        if (part == left.length && rule->at_end) /* the last one: as late as it stands */
            return part <= path.length &&
                   memcmp(path.text + path.length - part, left.text, part) == 0;
        found = memmem(path.text, path.length, left.text, part);
        if (found == NULL || part == left.length)
            return found != NULL;
        path = twi_span_from(path, (size_t)(found - path.text) + part);
    }
}

/* From the path on, without the fragment: "" means "/". Host names may stand without a scheme. */
static struct twi_span url_path(struct twi_span url)
{
    size_t start = url.length >= 2 && memcmp(url.text, "//", 2) == 0 ? 2 : 0;
    size_t path = twi_span_find_any(url, start, "/?;");
    size_t end = start + twi_span_find(twi_span_from(url, start), '#');

    if (path > start && path + 2 <= url.length && url.text[path - 1] == ':' &&
        memcmp(url.text + path, "//", 2) == 0)
        path = twi_span_find_any(url, path + 2, "/?;");
    if (path >= end)
        return (struct twi_span){ "", 0 };
    return (struct twi_span){ url.text + path, end - path };
}

static struct twi_span normal_path(struct twi_arena *arena, struct twi_span url)
{
    struct twi_span path = url_path(url);
    char *normal = twi_arena_alloc(arena, path.length * 3 + 1), *to = normal;
    size_t i = 0;

    if (normal == NULL)
        return (struct twi_span){ NULL, 0 };
    if (path.length == 0 || path.text[0] != '/')
        *to++ = '/';
    while (i < path.length)
        i += put_normal(&to, path.text + i, path.length - i);
    return (struct twi_span){ normal, (size_t)(to - normal) };
}

bool twi_robots_allow(const struct twi_robots *robots, struct twi_arena *arena,
                      const char *url, size_t length, size_t *ret_line)
{
    struct twi_span path = normal_path(arena, (struct twi_span){ url, length });
    const struct twi_robots_rule *best = NULL, *rule;

    *ret_line = 0;
    if (path.text == NULL)
        return false;
    if (path.length == 11 && memcmp(path.text, "/robots.txt", 11) == 0)
        return true;
    for (rule = robots->group.first; rule != NULL; rule = rule->next) {
        if (best != NULL && (rule->weight < best->weight ||
                             (rule->weight == best->weight && !(rule->allow && !best->allow))))
            continue;
        if (rule_matches(rule, path))
            best = rule;
    }
    if (best == NULL)
        return true;
    *ret_line = best->line;
    return best->allow;
}

void twi_robots_each_line(const struct twi_robots *robots,
                          void (*each)(size_t line, const char *text, size_t length,
                                       void *arg),
                          void *arg)
{
    size_t last = 0;

    for (const struct twi_robots_rule *rule = robots->group.first; rule != NULL;
         rule = rule->next) {
        if (rule->line != last)
            each(rule->line, rule->source.text, rule->source.length, arg);
        last = rule->line;
    }
}

/* --- rules --------------------------------------------------------------------------------- */

static bool group_add(struct robots_reader *reader, struct twi_robots_group *group, bool allow,
                      struct twi_span value, bool at_end)
{
    struct twi_robots_rule *rule = twi_arena_zeroed(reader->arena, sizeof *rule);

    if (rule == NULL || !rule_set_pattern(reader->arena, rule, value.text, value.length))
        return false;
    rule->allow = allow;
    rule->line = reader->line;
    rule->source = reader->source;
    if (at_end && !rule->at_end) {
        rule->at_end = true;
        rule->weight++;
    }
    if (group->last != NULL)
        group->last->next = rule;
    else
        group->first = rule;
    group->last = rule;
    return true;
}

static void add_to_groups(struct robots_reader *reader, bool allow, struct twi_span value,
                          bool at_end)
{
    if (reader->for_named)
        group_add(reader, &reader->named, allow, value, at_end);
    if (reader->for_any)
        group_add(reader, &reader->any, allow, value, at_end);
}

static void take_rule(struct robots_reader *reader, bool allow, struct twi_span value)
{
    size_t name = value.length;

    reader->is_closed = true;
    if (value.length == 0)
        return;
    add_to_groups(reader, allow, value, false);
    while (name > 0 && value.text[name - 1] != '/')
        name--;
    /* Allowing a folder's index allows the folder, as Google's parser and Protego have it. */
    if (allow && name > 0 && value.length - name >= 9 &&
        memcmp(value.text + name, "index.htm", 9) == 0)
        add_to_groups(reader, allow, twi_span_first(value, name), true);
}

static void take_allow(struct robots_reader *reader, struct twi_span value)
{
    take_rule(reader, true, value);
}

static void take_disallow(struct robots_reader *reader, struct twi_span value)
{
    take_rule(reader, false, value);
}

/* --- the other fields ---------------------------------------------------------------------- */

static struct twi_span agent_token(const char *text, size_t length)
{
    size_t used = 0;

    while (used < length && (twi_is_alpha(text[used]) || twi_is_digit(text[used]) ||
                             text[used] == '_' || text[used] == '-'))
        used++;
    return (struct twi_span){ text, used };
}

static bool same_token(struct twi_span a, struct twi_span b)
{
    for (size_t i = 0; i < a.length && a.length == b.length; i++)
        if (twi_lower(a.text[i]) != twi_lower(b.text[i]))
            return false;
    return a.length == b.length;
}

static bool is_any_agent(struct twi_span value)
{
    return value.length > 0 && value.text[0] == '*' &&
           (value.length == 1 || twi_is_blank(value.text[1]));
}

static void take_user_agent(struct robots_reader *reader, struct twi_span value)
{
    struct twi_span token = agent_token(value.text, value.length);

    if (reader->is_closed)
        reader->for_named = reader->for_any = reader->is_closed = false;
    if (is_any_agent(value))
        reader->for_any = reader->any.is_named = true;
    else if (token.length > 0 && same_token(token, reader->agent))
        reader->for_named = reader->named.is_named = true;
}

static struct twi_robots_text *keep_text(struct robots_reader *reader, struct twi_span value)
{
    struct twi_robots_text *kept = value.length > 0
                                       ? twi_arena_zeroed(reader->arena, sizeof *kept)
                                       : NULL;

    if (kept != NULL) {
        kept->text = value.text;
        kept->length = value.length;
    }
    return kept;
}

static void take_sitemap(struct robots_reader *reader, struct twi_span value)
{
    struct twi_robots *robots = reader->robots;
    struct twi_robots_text *kept = keep_text(reader, value);

    if (kept == NULL)
        return;
    if (robots->last_sitemap != NULL)
        robots->last_sitemap->next = kept;
    else
        robots->sitemaps = kept;
    robots->last_sitemap = kept;
}

static void take_host(struct robots_reader *reader, struct twi_span value)
{
    struct twi_robots_text *kept = keep_text(reader, value);

    if (kept != NULL)
        reader->robots->host = kept;
}

/* Digits, perhaps with a point; negative if it is none. */
static double read_decimal(struct twi_span value)
{
    double number = 0, place = 1;
    bool has_digits = false, has_point = false;

    for (size_t i = 0; i < value.length; i++) {
        char c = value.text[i];
        if (c == '.' && !has_point) {
            has_point = true;
            continue;
        }
        if (!twi_is_digit(c) || number > 1e15)
            return -1;
        has_digits = true;
        number = number * 10 + (c - '0');
        place *= has_point ? 10 : 1;
    }
    return has_digits ? number / place : -1;
}

static void take_crawl_delay(struct robots_reader *reader, struct twi_span value)
{
    double seconds = read_decimal(value);

    if (seconds < 0)
        return;
    if (reader->for_named)
        reader->named.crawl_delay = seconds;
    if (reader->for_any)
        reader->any.crawl_delay = seconds;
}

/* The first word, and what is left behind it. */
static struct twi_span take_word(struct twi_span *text)
{
    struct twi_span word = { text->text, 0 };
    size_t next;

    while (word.length < text->length && !twi_is_blank(word.text[word.length]))
        word.length++;
    for (next = word.length; next < text->length && twi_is_blank(text->text[next]);)
        next++;
    text->text += next;
    text->length -= next;
    return word;
}

/* HHMM or HH:MM in front of the text; -1 if it is none. */
static int take_time(struct twi_span *text)
{
    char digits[5] = "";
    size_t i = 0, count = 0;
    int time;

    for (; i < text->length && count < 4; i++) {
        if (count == 2 && text->text[i] == ':' && digits[2] == 0) {
            digits[2] = ':';
            continue;
        }
        if (!twi_is_digit(text->text[i]))
            return -1;
        digits[count++] = text->text[i];
    }
    if (count < 4)
        return -1;
    text->text += i;
    text->length -= i;
    time = atoi(digits);
    return time / 100 < 24 && time % 100 < 60 ? time : -1;
}

/* Two times with "-" between them, or spaces; nothing behind them. */
static bool read_period(struct twi_span text, int *ret_start, int *ret_end)
{
    int start = take_time(&text), end;
    size_t i = 0;

    while (i < text.length && (twi_is_blank(text.text[i]) || text.text[i] == '-'))
        i++;
    if (start < 0 || i == 0)
        return false;
    text.text += i;
    text.length -= i;
    end = take_time(&text);
    if (end < 0 || text.length > 0)
        return false;
    *ret_start = start;
    *ret_end = end;
    return true;
}

static uint32_t unit_seconds(char unit)
{
    switch (twi_lower(unit)) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    default:
        return 0;
    }
}

static bool read_rate(struct twi_span value, struct twi_robots_rate *rate)
{
    struct twi_span word = take_word(&value), time;
    size_t slash = twi_span_find(word, '/');
    uint32_t requests, seconds, unit;

    if (slash + 1 >= word.length)
        return false;
    time = twi_span_from(word, slash + 1);
    unit = unit_seconds(time.text[time.length - 1]);
    time.length -= unit != 0;
    if (!twi_span_number(twi_span_first(word, slash), &requests) ||
        !twi_span_number(time, &seconds) || requests == 0 || seconds == 0)
        return false;
    rate->requests = requests;
    rate->seconds = (uint64_t)seconds * (unit != 0 ? unit : 1);
    rate->start = rate->end = -1;
    return value.length == 0 || read_period(value, &rate->start, &rate->end);
}

static void take_request_rate(struct robots_reader *reader, struct twi_span value)
{
    struct twi_robots_rate rate;

    if (!read_rate(value, &rate))
        return;
    if (reader->for_named) {
        reader->named.has_rate = true;
        reader->named.rate = rate;
    }
    if (reader->for_any) {
        reader->any.has_rate = true;
        reader->any.rate = rate;
    }
}

static void take_visit_time(struct robots_reader *reader, struct twi_span value)
{
    int start, end;

    if (!read_period(value, &start, &end))
        return;
    if (reader->for_named) {
        reader->named.visit_start = start;
        reader->named.visit_end = end;
    }
    if (reader->for_any) {
        reader->any.visit_start = start;
        reader->any.visit_end = end;
    }
}

/* --- lines --------------------------------------------------------------------------------- */

/* A field is known by the beginning of its name. */
static const struct {
    const char *name;
    void (*take)(struct robots_reader *reader, struct twi_span value);
} fields[] = {
    { "user-agent", take_user_agent },   { "useragent", take_user_agent },
    { "user agent", take_user_agent },   { "allow", take_allow },
    { "disallow", take_disallow },       { "dissallow", take_disallow },
    { "dissalow", take_disallow },       { "disalow", take_disallow },
    { "diasllow", take_disallow },       { "disallaw", take_disallow },
    { "sitemap", take_sitemap },         { "site-map", take_sitemap },
    { "crawl-delay", take_crawl_delay }, { "crawldelay", take_crawl_delay },
    { "crawl delay", take_crawl_delay }, { "request-rate", take_request_rate },
    { "request rate", take_request_rate }, { "visit-time", take_visit_time },
    { "visit time", take_visit_time },   { "host", take_host },
};

static void take_field(struct robots_reader *reader, struct twi_span name,
                       struct twi_span value)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (twi_span_starts_nocase(name, fields[i].name)) {
            fields[i].take(reader, value);
            return;
        }
    }
}

/* "name: value # comment"; without a colon, two words. */
static void read_robots_line(struct robots_reader *reader, struct twi_span line)
{
    struct twi_span name, value;
    size_t colon;

    reader->line++;
    line = twi_span_first(line, MAX_LINE);
    line = twi_span_trim(twi_span_first(line, twi_span_find(line, '#')));
    reader->source = line;
    colon = twi_span_find(line, ':');
    if (colon < line.length) {
        name = twi_span_trim(twi_span_first(line, colon));
        value = twi_span_trim(twi_span_from(line, colon + 1));
    } else {
        name = take_word(&line);
        value = take_word(&line);
        if (value.length == 0 || line.length > 0)
            return;
    }
    take_field(reader, name, value);
}

/* A mark that is cut off is skipped as far as it is one. */
static struct twi_span skip_mark(struct twi_span text)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t i = 0;

    while (i < 3 && i < text.length && text.text[i] == mark[i])
        i++;
    return twi_span_from(text, i);
}

static void read_robots_lines(struct robots_reader *reader, struct twi_span text)
{
    while (text.length > 0 && !reader->arena->failed) {
        size_t end = 0;
        while (end < text.length && text.text[end] != '\n' && text.text[end] != '\r')
            end++;
        read_robots_line(reader, (struct twi_span){ text.text, end });
        if (end + 1 < text.length && text.text[end] == '\r' && text.text[end + 1] == '\n')
            end++;
        text = twi_span_from(text, end < text.length ? end + 1 : end);
    }
}

struct twi_robots *twi_robots_read(struct twi_arena *arena, const char *data, size_t length,
                                   const char *agent)
{
    static const struct twi_robots_group empty = { .crawl_delay = -1,
                                                   .visit_start = -1,
                                                   .visit_end = -1 };
    struct robots_reader reader = {
        .arena = arena,
        .robots = twi_arena_zeroed(arena, sizeof *reader.robots),
        .agent = agent_token(agent, strlen(agent)),
        .named = empty,
        .any = empty,
    };

    if (reader.robots == NULL)
        return NULL;
    read_robots_lines(&reader, skip_mark((struct twi_span){ data, length }));
    reader.robots->group = reader.named.is_named ? reader.named : reader.any;
    return arena->failed ? NULL : reader.robots;
}
