/* SPDX-License-Identifier: MIT */
/*
 * css_parse.c - selectors are compiled.
 *
 * As CSS says for all its texts, the end closes what is open: a bracket, a string.
 */
#include "config.h"

#include <string.h>

#include "spider/text/css_node.h"

#define DEEPEST 64

enum list_rule { LIST_STRICT, LIST_FORGIVING, LIST_RELATIVE };

static bool parse_list(struct css_parser *parser, struct css_list *list, enum list_rule rule,
                       char close);

static bool at_end(const struct css_parser *parser)
{
    return parser->at == parser->end;
}

static bool at_char(const struct css_parser *parser, char c)
{
    return parser->at < parser->end && *parser->at == c;
}

static bool take_char(struct css_parser *parser, char c)
{
    if (!at_char(parser, c))
        return false;
    parser->at++;
    return true;
}

/* --- tests --------------------------------------------------------------------------------- */

static struct css_test *add_test(struct css_parser *parser, struct css_compound *compound,
                                 enum css_kind kind)
{
    struct css_test *test = twi_arena_zeroed(parser->arena, sizeof *test);

    if (test == NULL) {
        css_fail(parser, parser->at, "out of memory");
        return NULL;
    }
    test->kind = kind;
    test->number = parser->css->tests++;
    if (compound->last != NULL)
        compound->last->next = test;
    else
        compound->tests = test;
    compound->last = test;
    return test;
}

static bool find_prefix(struct css_parser *parser, const char *at, struct css_string prefix,
                        struct css_test *test)
{
    const struct twi_prefix *known = parser->prefixes;

    while (known != NULL && (strlen(known->prefix) != prefix.length ||
                             memcmp(known->prefix, prefix.text, prefix.length) != 0))
        known = known->next;
    if (known == NULL)
        return css_fail(parser, at, "no namespace has this prefix");
    test->space = CSS_SPACE_URI;
    test->uri = (struct css_string){ known->uri, strlen(known->uri) };
    return true;
}

/* "|" as a separator, not as the start of "|=" or "||". */
static bool is_bar(const struct css_parser *parser, const char *at)
{
    return at < parser->end && *at == '|' &&
           !(at + 1 < parser->end && (at[1] == '=' || at[1] == '|'));
}

/* [PREFIX "|"] before a name: sets the test's namespace. */
static bool parse_prefix(struct css_parser *parser, struct css_test *test,
                         enum css_space otherwise)
{
    const char *from = parser->at;
    struct css_string prefix;

    test->space = otherwise;
    if (is_bar(parser, parser->at)) {
        parser->at++;
        test->space = CSS_SPACE_NONE;
    } else if (at_char(parser, '*') && is_bar(parser, parser->at + 1)) {
        parser->at += 2;
        test->space = CSS_SPACE_ANY;
    } else if (css_is_ident(parser, parser->at)) {
        css_read_ident(parser, &prefix);
        if (!is_bar(parser, parser->at))
            parser->at = from;
        else if (!find_prefix(parser, from, prefix, test))
            return false;
        else
            parser->at++;
    }
    return true;
}

/* A name, or "*", with or without prefix. */
static bool parse_type(struct css_parser *parser, struct css_compound *compound)
{
    struct css_test *test = add_test(parser, compound, CSS_SPACE);

    if (test == NULL || !parse_prefix(parser, test, CSS_SPACE_ANY))
        return false;
    if (take_char(parser, '*'))
        return true;
    if (!css_is_ident(parser, parser->at))
        return css_fail(parser, parser->at, "a name must follow the prefix");
    test->kind = CSS_NAME;
    css_read_ident(parser, &test->name);
    test->lower = css_lower(parser, test->name);
    return true;
}

static bool parse_attr_op(struct css_parser *parser, struct css_test *test)
{
    if (at_end(parser) || *parser->at == ']')
        return true;
    if (*parser->at == '=') {
        test->op = *parser->at++;
        return true;
    }
    if (parser->end - parser->at < 2 || strchr("~|^$*!", *parser->at) == NULL ||
        parser->at[1] != '=')
        return css_fail(parser, parser->at, "no such operator in [ ]");
    test->op = *parser->at;
    parser->at += 2;
    return true;
}

static bool parse_attr_value(struct css_parser *parser, struct css_test *test)
{
    css_skip(parser);
    if (at_char(parser, '"') || at_char(parser, '\'')) {
        if (!css_read_string(parser, &test->value))
            return false;
    } else if (css_is_ident(parser, parser->at)) {
        css_read_ident(parser, &test->value);
    } else {
        return css_fail(parser, parser->at, "a value in [ ] is a name or a string");
    }
    css_skip(parser);
    if (css_is_ident(parser, parser->at)) {
        struct css_string flag;
        const char *from = parser->at;
        css_read_ident(parser, &flag);
        if (!css_same(flag, "i") && !css_same(flag, "s"))
            return css_fail(parser, from, "the flag behind a value is i or s");
        test->flag = (char)(*flag.text | 0x20);
        css_skip(parser);
    }
    return true;
}

static bool parse_attr(struct css_parser *parser, struct css_compound *compound)
{
    struct css_test *test = add_test(parser, compound, CSS_ATTR);

    css_skip(parser);
    if (test == NULL || !parse_prefix(parser, test, CSS_SPACE_NONE))
        return false;
    if (!css_is_ident(parser, parser->at))
        return css_fail(parser, parser->at, "[ wants the name of an attribute");
    css_read_ident(parser, &test->name);
    test->lower = css_lower(parser, test->name);
    css_skip(parser);
    if (!parse_attr_op(parser, test) || (test->op != 0 && !parse_attr_value(parser, test)))
        return false;
    if (!at_end(parser) && !take_char(parser, ']'))
        return css_fail(parser, parser->at, "] is missing");
    return true;
}

/* --- pseudo-classes ------------------------------------------------------------------------ */

static const struct {
    const char *name;
    enum css_pseudo pseudo;
} pseudos[] = {
    { "active", CSS_USER },
    { "any-link", CSS_ANY_LINK },
    { "autofill", CSS_USER },
    { "blank", CSS_USER },
    { "buffering", CSS_USER },
    { "checked", CSS_CHECKED },
    { "current", CSS_USER },
    { "default", CSS_DEFAULT },
    { "defined", CSS_DEFINED },
    { "disabled", CSS_DISABLED },
    { "empty", CSS_EMPTY },
    { "enabled", CSS_ENABLED },
    { "focus", CSS_USER },
    { "focus-visible", CSS_USER },
    { "focus-within", CSS_USER },
    { "fullscreen", CSS_USER },
    { "future", CSS_USER },
    { "host", CSS_USER },
    { "hover", CSS_USER },
    { "in-range", CSS_USER },
    { "indeterminate", CSS_INDETERMINATE },
    { "invalid", CSS_USER },
    { "link", CSS_ANY_LINK },
    { "local-link", CSS_USER },
    { "modal", CSS_USER },
    { "muted", CSS_USER },
    { "only-child", CSS_ONLY_CHILD },
    { "open", CSS_USER },
    { "optional", CSS_OPTIONAL },
    { "out-of-range", CSS_USER },
    { "past", CSS_USER },
    { "paused", CSS_USER },
    { "picture-in-picture", CSS_USER },
    { "placeholder-shown", CSS_PLACEHOLDER_SHOWN },
    { "playing", CSS_USER },
    { "popover-open", CSS_USER },
    { "read-only", CSS_READ_ONLY },
    { "read-write", CSS_READ_WRITE },
    { "required", CSS_REQUIRED },
    { "root", CSS_ROOT },
    { "scope", CSS_SCOPE },
    { "seeking", CSS_USER },
    { "stalled", CSS_USER },
    { "target", CSS_USER },
    { "target-within", CSS_USER },
    { "user-invalid", CSS_USER },
    { "user-valid", CSS_USER },
    { "valid", CSS_USER },
    { "visited", CSS_USER },
    { "volume-locked", CSS_USER },
};

/* :first-child and its like are nth ones. */
static const struct {
    const char *name;
    bool from_end, of_type, has_argument;
} nths[] = {
    { "first-child", false, false, false },   { "first-of-type", false, true, false },
    { "last-child", true, false, false },     { "last-of-type", true, true, false },
    { "nth-child", false, false, true },      { "nth-last-child", true, false, true },
    { "nth-last-of-type", true, true, true }, { "nth-of-type", false, true, true },
};

static const struct {
    const char *name;
    enum css_kind kind;
    enum list_rule rule;
} lists[] = {
    { "-webkit-any", CSS_IS, LIST_FORGIVING }, { "has", CSS_HAS, LIST_RELATIVE },
    { "is", CSS_IS, LIST_FORGIVING },          { "matches", CSS_IS, LIST_FORGIVING },
    { "not", CSS_NOT, LIST_STRICT },           { "where", CSS_IS, LIST_FORGIVING },
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static bool add_nth(struct css_parser *parser, struct css_compound *compound, size_t which,
                    bool from_end)
{
    struct css_test *test = add_test(parser, compound, CSS_NTH);

    if (test == NULL)
        return false;
    test->from_end = from_end;
    test->of_type = nths[which].of_type;
    test->b = 1;
    return true;
}

static bool parse_plain_pseudo(struct css_parser *parser, struct css_compound *compound,
                               const char *from, struct css_string name)
{
    for (size_t i = 0; i < COUNT(pseudos); i++) {
        struct css_test *test;
        if (!css_same(name, pseudos[i].name))
            continue;
        test = add_test(parser, compound, CSS_PSEUDO);
        if (test != NULL)
            test->pseudo = pseudos[i].pseudo;
        parser->css->has_scope |= pseudos[i].pseudo == CSS_SCOPE;
        return test != NULL;
    }
    for (size_t i = 0; i < COUNT(nths); i++)
        if (!nths[i].has_argument && css_same(name, nths[i].name))
            return add_nth(parser, compound, i, nths[i].from_end);
    if (css_same(name, "only-of-type"))
        return add_nth(parser, compound, 1, false) && add_nth(parser, compound, 1, true);
    return css_fail(parser, from, "no such pseudo-class");
}

static bool close_argument(struct css_parser *parser)
{
    css_skip(parser);
    return at_end(parser) || take_char(parser, ')') ||
           css_fail(parser, parser->at, ") is missing");
}

static bool parse_inner_list(struct css_parser *parser, struct css_test *test,
                             enum list_rule rule)
{
    bool was_in_has = parser->in_has;
    bool is_good;

    test->list = twi_arena_zeroed(parser->arena, sizeof *test->list);
    if (test->list == NULL)
        return css_fail(parser, parser->at, "out of memory");
    if (parser->depth == DEEPEST)
        return css_fail(parser, parser->at, "nested too deeply");
    parser->depth++;
    parser->in_has |= rule == LIST_RELATIVE;
    is_good = parse_list(parser, test->list, rule, ')');
    parser->in_has = was_in_has;
    parser->depth--;
    return is_good && close_argument(parser);
}

static bool parse_nth(struct css_parser *parser, struct css_compound *compound, size_t which)
{
    struct css_test *test = add_test(parser, compound, CSS_NTH);
    struct css_string of;
    const char *from;

    css_skip(parser);
    if (test == NULL || !css_read_nth(parser, test))
        return false;
    test->from_end = nths[which].from_end;
    test->of_type = nths[which].of_type;
    from = parser->at;
    if (css_skip(parser) && !test->of_type && css_is_ident(parser, parser->at)) {
        from = parser->at;
        css_read_ident(parser, &of);
        if (css_same(of, "of"))
            return parse_inner_list(parser, test, LIST_STRICT);
        return css_fail(parser, from, "not an+b, odd or even");
    }
    return close_argument(parser);
}

/* :lang(a, "b"): each is a test of its own list, which matches if any does. */
static bool parse_langs(struct css_parser *parser, struct css_compound *compound)
{
    struct css_test *test = add_test(parser, compound, CSS_LANG);
    struct twi_text ranges = { .arena = parser->arena };

    do {
        struct css_string range;
        css_skip(parser);
        if (at_char(parser, '"') || at_char(parser, '\'')) {
            if (!css_read_string(parser, &range))
                return false;
        } else if (css_is_ident(parser, parser->at) ||
                   (at_char(parser, '*') && css_is_ident(parser, parser->at + 1))) {
            if (take_char(parser, '*'))
                twi_text_putc(&ranges, '*');
            css_read_ident(parser, &range);
        } else {
            return css_fail(parser, parser->at, ":lang() wants a language");
        }
        twi_text_add(&ranges, range.text, range.length);
        twi_text_putc(&ranges, ',');
        css_skip(parser);
    } while (take_char(parser, ','));
    if (test != NULL)
        test->value = (struct css_string){ twi_text_string(&ranges), ranges.length };
    return test != NULL && close_argument(parser);
}

static bool parse_word(struct css_parser *parser, struct css_compound *compound,
                       enum css_kind kind)
{
    struct css_test *test = add_test(parser, compound, kind);

    css_skip(parser);
    if (test == NULL)
        return false;
    if (at_char(parser, '"') || at_char(parser, '\'')) {
        if (kind == CSS_DIR || !css_read_string(parser, &test->value))
            return css_fail(parser, parser->at, ":dir() wants ltr or rtl");
    } else if (css_is_ident(parser, parser->at)) {
        css_read_ident(parser, &test->value);
    } else {
        return css_fail(parser, parser->at, "a name or a string is missing");
    }
    return close_argument(parser);
}

/* :host(x), :state(y), :current(z): whatever stands in there, nothing matches. */
static bool parse_user_argument(struct css_parser *parser, struct css_compound *compound)
{
    unsigned depth = 1;

    while (!at_end(parser) && depth > 0) {
        char c = *parser->at++;
        struct css_string ignored;
        if (c == '"' || c == '\'') {
            parser->at--;
            if (!css_read_string(parser, &ignored))
                return false;
        }
        depth += c == '(';
        depth -= c == ')';
    }
    return add_test(parser, compound, CSS_NEVER) != NULL;
}

static bool parse_function(struct css_parser *parser, struct css_compound *compound,
                           const char *from, struct css_string name)
{
    static const char *const users[] = { "current", "host", "host-context", "state" };
    struct css_test *test;

    for (size_t i = 0; i < COUNT(lists); i++) {
        if (!css_same(name, lists[i].name))
            continue;
        if (lists[i].kind == CSS_HAS && parser->in_has)
            return css_fail(parser, from, ":has() in :has()");
        test = add_test(parser, compound, lists[i].kind);
        return test != NULL && parse_inner_list(parser, test, lists[i].rule);
    }
    for (size_t i = 0; i < COUNT(nths); i++)
        if (nths[i].has_argument && css_same(name, nths[i].name))
            return parse_nth(parser, compound, i);
    if (css_same(name, "lang"))
        return parse_langs(parser, compound);
    if (css_same(name, "dir"))
        return parse_word(parser, compound, CSS_DIR);
    if (css_same(name, "contains"))
        return parse_word(parser, compound, CSS_CONTAINS);
    for (size_t i = 0; i < COUNT(users); i++)
        if (css_same(name, users[i]))
            return parse_user_argument(parser, compound);
    return css_fail(parser, from, "no such pseudo-class");
}

/* --- pseudo-elements ----------------------------------------------------------------------- */

/* Behind "::": the selector's last part. */
static bool parse_pseudo_element(struct css_parser *parser, struct css_complex *complex,
                                 struct css_compound *compound)
{
    struct css_string name;

    if (!css_is_ident(parser, parser->at))
        return css_fail(parser, parser->at, "a pseudo-element's name is missing");
    css_read_ident(parser, &name);
    complex->target = CSS_NOTHING;
    if (!take_char(parser, '(')) {
        if (css_same(name, "text"))
            complex->target = CSS_TEXTS;
        return true;
    }
    if (!css_same(name, "attr"))
        return parse_user_argument(parser, compound);
    css_skip(parser);
    if (parser->at < parser->end && (*parser->at == '"' || *parser->at == '\'')) {
        if (!css_read_string(parser, &complex->attr))
            return false;
    } else if (css_is_ident(parser, parser->at)) {
        css_read_ident(parser, &complex->attr);
    } else {
        return css_fail(parser, parser->at, "::attr() wants a name");
    }
    complex->target = CSS_ATTRS;
    return close_argument(parser);
}

static bool is_old_element(struct css_string name)
{
    return css_same(name, "before") || css_same(name, "after") ||
           css_same(name, "first-line") || css_same(name, "first-letter");
}

static bool parse_pseudo(struct css_parser *parser, struct css_complex *complex,
                         struct css_compound *compound)
{
    const char *from = parser->at - 1;
    struct css_string name;

    if (take_char(parser, ':'))
        return parse_pseudo_element(parser, complex, compound);
    if (!css_is_ident(parser, parser->at))
        return css_fail(parser, parser->at, "a pseudo-class's name is missing");
    css_read_ident(parser, &name);
    if (take_char(parser, '('))
        return parse_function(parser, compound, from, name);
    if (!is_old_element(name))
        return parse_plain_pseudo(parser, compound, from, name);
    complex->target = CSS_NOTHING;
    return true;
}

/* --- compounds and lists ------------------------------------------------------------------- */

static bool parse_hash_or_class(struct css_parser *parser, struct css_compound *compound,
                                enum css_kind kind)
{
    struct css_test *test = add_test(parser, compound, kind);

    if (!css_is_ident(parser, parser->at))
        return css_fail(parser, parser->at,
                        kind == CSS_ID ? "a name must follow #" : "a name must follow .");
    if (test != NULL)
        css_read_ident(parser, &test->name);
    return test != NULL;
}

/* Parts without white space between them; at least one. */
static bool parse_compound(struct css_parser *parser, struct css_complex *complex,
                           struct css_compound *compound)
{
    const char *from = parser->at;
    bool is_good = true;

    if (at_char(parser, '*') || is_bar(parser, parser->at) || css_is_ident(parser, parser->at))
        is_good = parse_type(parser, compound);
    while (is_good && parser->at < parser->end) {
        const char *part = parser->at;
        if (complex->target != CSS_ELEMENTS && strchr("#.[:", *part) != NULL && *part != 0)
            return css_fail(parser, part, "a pseudo-element comes last");
        if (take_char(parser, '#'))
            is_good = parse_hash_or_class(parser, compound, CSS_ID);
        else if (take_char(parser, '.'))
            is_good = parse_hash_or_class(parser, compound, CSS_CLASS);
        else if (take_char(parser, '['))
            is_good = parse_attr(parser, compound);
        else if (take_char(parser, ':'))
            is_good = parse_pseudo(parser, complex, compound);
        else
            break;
    }
    if (is_good && parser->at == from)
        return css_fail(parser, from,
                        at_end(parser) ? "a selector is missing" : "no selector starts so");
    return is_good;
}

/* The combinator before the next compound; 0: none, the complex selector ends here. */
static char parse_combinator(struct css_parser *parser, char close)
{
    bool was_space = css_skip(parser);
    char c;

    if (at_end(parser) || *parser->at == ',' || (close != 0 && *parser->at == close))
        return 0;
    c = *parser->at;
    if (c == '>' || c == '+' || c == '~') {
        parser->at++;
        css_skip(parser);
        return c;
    }
    return was_space ? ' ' : '!';
}

static struct css_compound *add_compound(struct css_parser *parser,
                                         struct css_complex *complex, char combinator)
{
    struct css_compound *compound;

    if (complex->count == CSS_MOST_COMPOUNDS) {
        css_fail(parser, parser->at, "more than 64 compound selectors");
        return NULL;
    }
    complex->compounds = twi_arena_grow(parser->arena, complex->compounds,
                                        complex->count * sizeof *complex->compounds,
                                        (complex->count + 1) * sizeof *complex->compounds);
    if (complex->compounds == NULL) {
        css_fail(parser, parser->at, "out of memory");
        return NULL;
    }
    compound = &complex->compounds[complex->count++];
    *compound = (struct css_compound){ .combinator = combinator };
    return compound;
}

/* "a ::text" is also the text of a itself: its last compound says nothing about an element. */
static void settle_target(struct css_complex *complex)
{
    struct css_compound *last = &complex->compounds[complex->count - 1];
    bool is_bare = last->tests == NULL ||
                   (last->tests->kind == CSS_SPACE && last->tests->space == CSS_SPACE_ANY &&
                    last->tests->next == NULL);

    if (complex->target == CSS_ELEMENTS || complex->target == CSS_NOTHING || !is_bare ||
        last->combinator != ' ' || complex->count < 2)
        return;
    complex->is_below = true;
    complex->count--;
}

static bool parse_complex(struct css_parser *parser, struct css_complex *complex,
                          enum list_rule rule, char close)
{
    char combinator = rule == LIST_RELATIVE ? ' ' : 0;

    css_skip(parser);
    if (rule == LIST_RELATIVE && !at_end(parser) && strchr(">+~", *parser->at) != NULL &&
        *parser->at != 0) {
        combinator = *parser->at++;
        css_skip(parser);
    }
    do {
        struct css_compound *compound = add_compound(parser, complex, combinator);
        if (compound == NULL || !parse_compound(parser, complex, compound))
            return false;
        combinator = parse_combinator(parser, close);
        if (combinator == '!')
            return css_fail(parser, parser->at, "this belongs to no selector");
        if (combinator != 0 && complex->target != CSS_ELEMENTS)
            return css_fail(parser, parser->at, "a pseudo-element comes last");
    } while (combinator != 0);
    if (complex->target != CSS_ELEMENTS && parser->depth > 0)
        return css_fail(parser, parser->at, "a pseudo-element comes last");
    settle_target(complex);
    return true;
}

/* Past a selector that is wrong, to the comma or the end of a forgiving list. */
static void skip_wrong(struct css_parser *parser, const char *from)
{
    unsigned depth = 0;

    parser->why = NULL;
    parser->at = from;
    while (!at_end(parser)) {
        char c = *parser->at;
        struct css_string ignored;
        if (depth == 0 && (c == ',' || c == ')'))
            return;
        if (c == '"' || c == '\'') {
            css_read_string(parser, &ignored);
            parser->why = NULL;
            continue;
        }
        depth -= depth > 0 && (c == ')' || c == ']');
        depth += c == '(' || c == '[';
        parser->at += c == '\\' && parser->end - parser->at > 1 ? 2 : 1;
    }
}

static bool parse_list(struct css_parser *parser, struct css_list *list, enum list_rule rule,
                       char close)
{
    css_skip(parser);
    if (rule == LIST_FORGIVING && (at_end(parser) || at_char(parser, close)))
        return true;
    do {
        struct css_complex *complex = twi_arena_zeroed(parser->arena, sizeof *complex);
        const char *from = parser->at;
        if (complex == NULL)
            return css_fail(parser, parser->at, "out of memory");
        complex->number = parser->css->complexes++;
        if (!parse_complex(parser, complex, rule, close)) {
            if (rule != LIST_FORGIVING || parser->arena->failed)
                return false;
            skip_wrong(parser, from);
            continue;
        }
        if (list->last != NULL)
            list->last->next = complex;
        else
            list->first = complex;
        list->last = complex;
    } while (take_char(parser, ','));
    return true;
}

static size_t count_characters(const char *from, const char *to)
{
    size_t count = 1;

    for (; from < to; from++)
        count += ((unsigned char)*from & 0xc0) != 0x80;
    return count;
}

const struct twi_css *twi_css_compile(struct twi_arena *arena, const char *text, size_t length,
                                      const struct twi_prefix *prefixes,
                                      struct twi_css_error *error)
{
    struct twi_css *css = twi_arena_zeroed(arena, sizeof *css);
    struct css_parser parser = { .arena = arena,
                                 .start = text,
                                 .at = text,
                                 .end = text + length,
                                 .prefixes = prefixes,
                                 .css = css };

    if (css == NULL || !parse_list(&parser, &css->list, LIST_STRICT, 0) || arena->failed) {
        error->why = parser.why != NULL ? parser.why : "out of memory";
        error->at = parser.why != NULL ? count_characters(text, parser.wrong) : 1;
        return NULL;
    }
    return css;
}
