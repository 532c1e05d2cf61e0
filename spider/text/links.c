/* SPDX-License-Identifier: MIT */
/*
 * links.c - the links of a page: which attributes hold them, and which of them are wanted.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "spider/text/canon.h"
#include "spider/text/links.h"
#include "spider/text/page_url.h"
#include "spider/text/regex.h"

/* By default no page is behind these: Scrapy's list. */
#define E(text)                \
    {                          \
        text, sizeof(text) - 1 \
    }
/* clang-format off */
static const struct twi_span default_extensions[] = {
    E("7z"), E("7zip"), E("bz2"), E("rar"), E("tar"), E("tar.gz"), E("xz"), E("zip"),
    E("mng"), E("pct"), E("bmp"), E("gif"), E("jpg"), E("jpeg"), E("png"), E("pst"),
    E("psp"), E("tif"), E("tiff"), E("ai"), E("drw"), E("dxf"), E("eps"), E("ps"),
    E("svg"), E("cdr"), E("ico"), E("webp"), E("mp3"), E("wma"), E("ogg"), E("wav"),
    E("ra"), E("aac"), E("mid"), E("au"), E("aiff"), E("3gp"), E("asf"), E("asx"),
    E("avi"), E("mov"), E("mp4"), E("mpg"), E("qt"), E("rm"), E("swf"), E("wmv"),
    E("m4a"), E("m4v"), E("flv"), E("webm"), E("xls"), E("xlsm"), E("xlsx"), E("xltm"),
    E("xltx"), E("potm"), E("potx"), E("ppt"), E("pptm"), E("pptx"), E("pps"), E("doc"),
    E("docb"), E("docm"), E("docx"), E("dotm"), E("dotx"), E("odt"), E("ods"), E("odg"),
    E("odp"), E("css"), E("pdf"), E("exe"), E("bin"), E("rss"), E("dmg"), E("iso"),
    E("apk"), E("jar"), E("sh"), E("rb"), E("js"), E("hta"), E("bat"), E("cpl"),
    E("msi"), E("msp"), E("py"),
};
/* clang-format on */
#undef E

struct link_regex {
    struct twi_regex *regex;
    bool is_cached;
    struct link_regex *next;
};

struct links_run {
    struct twi_selector *selector;
    const struct twi_links_options *options;
    struct twi_arena *arena;
    struct twi_select_error *error;
    struct link_regex *allow, *deny, *restrict_text;
    struct twi_link *first, **end;
    const char **seen; /* a table of URLs by hash */
    size_t seen_count, seen_room;
    bool is_over; /* *error says why */
};

static void links_fail(struct links_run *run, const char *word, const char *what)
{
    run->is_over = true;
    run->error->word = word;
    snprintf(run->error->message, sizeof run->error->message, "%s", what);
}

/* --- what is wanted ------------------------------------------------------------------------ */

/* A compiled expression; NULL: it is wrong, or there is no memory, and the run is over. */
static struct twi_regex *link_regex_of(struct links_run *run, struct twi_span text,
                                       bool *ret_cached)
{
    struct twi_text_cache *cache = run->options->regexes;
    struct twi_regex *regex = NULL;
    struct twi_regex_error wrong;

    *ret_cached = cache != NULL;
    if (cache != NULL)
        regex = twi_text_cache_get(cache, 0, text.text, text.length);
    if (regex != NULL)
        return regex;
    regex = twi_regex_compile(text.text, text.length, 0, &wrong);
    if (regex == NULL && wrong.is_memory) {
        run->arena->failed = true;
        links_fail(run, "limit", "out of memory");
        return NULL;
    }
    if (regex == NULL) {
        links_fail(run, "re", wrong.why);
        snprintf(run->error->message, sizeof run->error->message,
                 "%s, at character %zu of \"%.60s\"", wrong.why, wrong.at, text.text);
        return NULL;
    }
    if (cache == NULL || twi_text_cache_put(cache, 0, text.text, text.length, regex))
        return regex;
    run->arena->failed = true;
    links_fail(run, "limit", "out of memory");
    return NULL;
}

static struct link_regex *regexes_compile(struct links_run *run, const struct twi_word *words)
{
    struct link_regex *first = NULL, **end = &first;

    for (; words != NULL && !run->is_over; words = words->next) {
        *end = twi_arena_zeroed(run->arena, sizeof **end);
        if (*end == NULL)
            break;
        (*end)->regex = link_regex_of(run, words->text, &(*end)->is_cached);
        end = &(*end)->next;
    }
    return first;
}

static void regexes_free(struct link_regex *regex)
{
    for (; regex != NULL; regex = regex->next)
        if (!regex->is_cached)
            twi_regex_free(regex->regex);
}

static bool any_finds(struct links_run *run, struct link_regex *regex, const char *text,
                      size_t length)
{
    for (; regex != NULL; regex = regex->next) {
        enum twi_regex_result result = twi_regex_find(regex->regex, text, length, 0, false);
        if (result == TWI_REGEX_LIMIT)
            links_fail(run, "limit", "an expression took too many steps");
        if (result != TWI_REGEX_NONE)
            return true;
    }
    return false;
}

static bool ends_without_case(struct twi_span text, struct twi_span end)
{
    return text.length >= end.length && twi_same_text(text.text + text.length - end.length,
                                                      end.length, end.text, end.length);
}

static bool is_domain_or_below(struct twi_span host, struct twi_span domain)
{
    return ends_without_case(host, domain) &&
           (host.length == domain.length || host.text[host.length - domain.length - 1] == '.');
}

/* The name, or name and port, is a domain's, or stands below it. */
static bool is_in_domains(struct links_run *run, const struct tw_url *url,
                          const struct twi_word *domains)
{
    struct twi_text host = { .arena = run->arena };
    char port[16];

    snprintf(port, sizeof port, ":%d", url->port);
    twi_text_puts(&host, url->hostname);
    if (url->port >= 0)
        twi_text_puts(&host, port);
    for (; domains != NULL && *url->hostname != 0; domains = domains->next)
        if (is_domain_or_below(twi_span_of(url->hostname), domains->text) ||
            is_domain_or_below((struct twi_span){ twi_text_string(&host), host.length },
                               domains->text))
            return true;
    return false;
}

/* The point is looked for first, as there are many extensions. */
static bool ends_in(struct twi_span path, struct twi_span extension)
{
    return path.length > extension.length &&
           path.text[path.length - extension.length - 1] == '.' &&
           ends_without_case(path, extension);
}

static bool has_denied_extension(const struct twi_links_options *options, const char *path)
{
    const struct twi_word *word = options->deny_extensions;
    struct twi_span all = twi_span_of(path);
    size_t count = sizeof default_extensions / sizeof *default_extensions;

    for (; word != NULL; word = word->next)
        if (ends_in(all, word->text))
            return true;
    if (options->all_extensions || options->deny_extensions != NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        if (ends_in(all, default_extensions[i]))
            return true;
    return false;
}

static bool has_wanted_scheme(const struct tw_url *url)
{
    static const char *const schemes[] = { "http:", "https:", "file:", "ftp:" };

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strcmp(url->protocol, schemes[i]) == 0)
            return true;
    return false;
}

static bool url_is_wanted(struct links_run *run, const struct tw_url *url)
{
    const struct twi_links_options *options = run->options;
    size_t length = strlen(url->href);

    if (!has_wanted_scheme(url) || has_denied_extension(options, url->pathname))
        return false;
    if (run->allow != NULL && !any_finds(run, run->allow, url->href, length))
        return false;
    if (any_finds(run, run->deny, url->href, length))
        return false;
    if (options->allow_domains != NULL && !is_in_domains(run, url, options->allow_domains))
        return false;
    return !is_in_domains(run, url, options->deny_domains);
}

/* --- each once ----------------------------------------------------------------------------- */

static const char **seen_place(const struct links_run *run, const char *url)
{
    size_t hash = 14695981039346656037u, at;

    for (const char *c = url; *c != 0; c++)
        hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    at = (hash ^ hash >> 32) & (run->seen_room - 1);
    while (run->seen[at] != NULL && strcmp(run->seen[at], url) != 0)
        at = (at + 1) & (run->seen_room - 1);
    return &run->seen[at];
}

static bool seen_grow(struct links_run *run)
{
    const char **old = run->seen;
    size_t old_room = run->seen_room;

    run->seen_room = old_room > 0 ? old_room * 2 : 64;
    run->seen = twi_arena_zeroed(run->arena, run->seen_room * sizeof *run->seen);
    for (size_t i = 0; i < old_room && run->seen != NULL; i++)
        if (old[i] != NULL)
            *seen_place(run, old[i]) = old[i];
    return run->seen != NULL;
}

static bool is_new(struct links_run *run, const char *url)
{
    const char **place;

    if (run->options->all)
        return true;
    if (run->seen_count * 2 >= run->seen_room && !seen_grow(run))
        return false;
    place = seen_place(run, url);
    if (*place != NULL)
        return false;
    *place = url;
    run->seen_count++;
    return true;
}

/* --- links --------------------------------------------------------------------------------- */

static bool is_nofollow(const struct twi_tree *tree, uint32_t node)
{
    const char *rel = twi_tree_attr_value(tree, node, TWI_NAME_REL);

    while (rel != NULL && *rel != 0) {
        size_t length = strcspn(rel, " \t\n\r\f,");
        if (twi_same_text(rel, length, "nofollow", 8))
            return true;
        rel += length + (rel[length] != 0);
    }
    return false;
}

/* White space about a value is not its own; kept, it is a part of the URL. */
static struct twi_span link_value(struct links_run *run, const struct twi_attr *attr)
{
    struct twi_span value = { attr->value, attr->length };
    struct twi_text kept = { .arena = run->arena };
    size_t before = 0, behind = 0;

    if (!run->options->no_strip)
        return value;
    while (before < value.length && value.text[before] == ' ')
        before++;
    while (before + behind < value.length && value.text[value.length - behind - 1] == ' ')
        behind++;
    for (size_t i = 0; i < before; i++)
        twi_text_puts(&kept, "%20");
    twi_text_add(&kept, value.text + before, value.length - before - behind);
    for (size_t i = 0; i < behind; i++)
        twi_text_puts(&kept, "%20");
    return (struct twi_span){ twi_text_string(&kept), kept.length };
}

static void link_add(struct links_run *run, uint32_t node, const struct tw_url *url)
{
    struct twi_text text = { .arena = run->arena };
    const char *href;
    struct twi_link *link;

    if (!run->options->no_text || run->restrict_text != NULL)
        twi_tree_write_text(run->selector->tree, node, &text);
    if (run->restrict_text != NULL &&
        !any_finds(run, run->restrict_text, twi_text_string(&text), text.length))
        return;
    href = run->options->canonical ? twi_canon_url(run->arena, url, NULL)
                                   : twi_arena_strdup(run->arena, url->href);
    if (href == NULL || !is_new(run, href))
        return;
    link = twi_arena_zeroed(run->arena, sizeof *link);
    if (link == NULL)
        return;
    *link = (struct twi_link){ .url = href,
                               .text = { twi_text_string(&text), text.length },
                               .nofollow = is_nofollow(run->selector->tree, node) };
    *run->end = link;
    run->end = &link->next;
}

static void link_take(struct links_run *run, uint32_t node, const struct twi_attr *attr)
{
    struct tw_url *url;
    const char *why;

    if (twi_page_url_parse(run->arena, run->options->charset, link_value(run, attr),
                           run->options->base, &url, &why) < 0)
        return;
    if (url_is_wanted(run, url))
        link_add(run, node, url);
    tw_url_free(url);
}

static bool is_listed(const struct twi_word *words, struct twi_span name)
{
    for (; words != NULL; words = words->next)
        if (twi_span_is(words->text, "*") ||
            twi_same_text(words->text.text, words->text.length, name.text, name.length))
            return true;
    return false;
}

static bool is_scanned(const struct twi_word *wanted, bool none, const char *otherwise,
                       const struct twi_word *denied, const struct twi_atom *atom)
{
    struct twi_span name = { atom->text, atom->length };
    const char *at = otherwise, *end = otherwise + strlen(otherwise), *word;
    size_t length;
    bool is_wanted = wanted != NULL && is_listed(wanted, name);

    while (wanted == NULL && !none && !is_wanted && twi_next_word(&at, end, &word, &length))
        is_wanted = twi_same_text(word, length, name.text, name.length);
    return is_wanted && !is_listed(denied, name);
}

static void element_take(struct links_run *run, uint32_t node)
{
    const struct twi_tree *tree = run->selector->tree;
    const struct twi_links_options *options = run->options;
    const struct twi_node *element = &tree->nodes[node];

    if (element->kind != TWI_NODE_ELEMENT ||
        !is_scanned(options->tags, options->no_tags, "a area", options->deny_tags,
                    &tree->atoms[element->name]))
        return;
    for (uint32_t i = 0; i < element->attr_count && !run->is_over; i++) {
        const struct twi_attr *attr = &tree->attrs[element->attrs + i];
        if (attr->space == TWI_SPACE_NONE &&
            is_scanned(options->attrs, options->no_attrs, "href", options->deny_attrs,
                       &tree->atoms[attr->name]))
            link_take(run, node, attr);
    }
}

/* --- regions ------------------------------------------------------------------------------- */

static void regions_find(struct links_run *run, const struct twi_step *step,
                         struct twi_found_list *found)
{
    const struct twi_tree *tree = run->selector->tree;

    for (; step != NULL && !run->is_over; step = step->next) {
        struct twi_value_list list = { .arena = run->arena };
        struct twi_step one = *step;
        one.next = NULL;
        run->is_over = !twi_select(run->selector, &one, &list, run->error);
        for (size_t i = 0; i < list.count; i++)
            if (list.items[i].kind == TWI_VALUE_NODE && list.items[i].found.attr == 0 &&
                tree->nodes[list.items[i].found.node].kind == TWI_NODE_ELEMENT)
                twi_found_add(found, list.items[i].found.node, 0);
    }
    twi_found_sort(found);
}

/* Behind the denied region that a node stands in; the node itself if it is in none. *at is the
 * first region that does not end before it. */
static uint32_t skip_denied(const struct links_run *run, const struct twi_found_list *denied,
                            size_t *at, uint32_t node)
{
    const struct twi_node *nodes = run->selector->tree->nodes;

    while (*at < denied->count && nodes[denied->items[*at].node].end <= node)
        ++*at;
    if (*at < denied->count && denied->items[*at].node <= node)
        return nodes[denied->items[*at].node].end;
    return node;
}

static void regions_take(struct links_run *run)
{
    const struct twi_tree *tree = run->selector->tree;
    struct twi_found_list found = { .arena = run->arena }, denied = { .arena = run->arena };
    uint32_t at = 0;
    size_t next_denied = 0;

    if (run->options->regions == NULL)
        twi_found_add(&found, 0, 0);
    else
        regions_find(run, run->options->regions, &found);
    if (!run->is_over)
        regions_find(run, run->options->deny_regions, &denied);
    for (size_t i = 0; i < found.count; i++) {
        if (at < found.items[i].node)
            at = found.items[i].node;
        while (at < tree->nodes[found.items[i].node].end && !run->is_over) {
            uint32_t behind = skip_denied(run, &denied, &next_denied, at);
            if (behind == at)
                element_take(run, at++);
            else
                at = behind;
        }
    }
}

/* --- all ----------------------------------------------------------------------------------- */

bool twi_links_extract(struct twi_selector *selector, const struct twi_links_options *options,
                       struct twi_arena *arena, struct twi_link **ret_links,
                       struct twi_select_error *error)
{
    struct links_run run = {
        .selector = selector, .options = options, .arena = arena, .error = error
    };

    run.end = &run.first;
    run.allow = regexes_compile(&run, options->allow);
    run.deny = regexes_compile(&run, options->deny);
    run.restrict_text = regexes_compile(&run, options->restrict_text);
    if (!run.is_over)
        regions_take(&run);
    regexes_free(run.allow);
    regexes_free(run.deny);
    regexes_free(run.restrict_text);
    if (arena->failed && !run.is_over)
        links_fail(&run, "limit", "out of memory");
    *ret_links = run.first;
    return !run.is_over;
}
