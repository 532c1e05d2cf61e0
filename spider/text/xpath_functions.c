/* SPDX-License-Identifier: MIT */
/*
 * xpath_functions.c - functions besides XPath's own: has-class(), and EXSLT's re: and set:.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/xpathInternals.h>

#include "spider/text/xpath_node.h"

static struct twi_xpath *xpath_of(xmlXPathParserContextPtr call)
{
    return call->context->extra;
}

static void call_fail(xmlXPathParserContextPtr call, bool is_limit, const char *why)
{
    xpath_fail(xpath_of(call), is_limit, 0, why);
    xmlXPathErr(call, XPATH_EXPR_ERROR);
}

static const char *as_text(const xmlChar *text)
{
    return text != NULL ? (const char *)text : "";
}

/* --- has-class() --------------------------------------------------------------------------- */

static void xpath_has_class(xmlXPathParserContextPtr call, int count)
{
    const struct twi_tree *tree = xpath_of(call)->tree;
    xmlNodePtr node = call->context->node;
    bool has_all = node != NULL && node->type == XML_ELEMENT_NODE;

    if (count == 0) {
        call_fail(call, false, "has-class() wants at least one class");
        return;
    }
    for (; count > 0; count--) {
        xmlChar *name;
        if (call->value == NULL || call->value->type != XPATH_STRING) {
            call_fail(call, false, "has-class() wants strings");
            return;
        }
        name = xmlXPathPopString(call);
        has_all = has_all && node->doc == xpath_of(call)->document &&
                  twi_tree_has_class(tree, (uint32_t)(uintptr_t)node->_private, as_text(name),
                                     strlen(as_text(name)));
        xmlFree(name);
    }
    xmlXPathReturnBoolean(call, has_all);
}

/* --- re: ----------------------------------------------------------------------------------- */

/* Compiled once for an expression, as long as there are not too many. */
static struct twi_regex *regex_cached(xmlXPathParserContextPtr call, const char *pattern,
                                      unsigned flags)
{
    struct twi_xpath *xpath = xpath_of(call);
    struct twi_regex_error error;
    struct xpath_regex *entry;
    char why[200];

    for (unsigned i = 0; i < XPATH_REGEXES; i++) {
        entry = &xpath->regexes[i];
        if (entry->regex != NULL && entry->flags == flags &&
            strcmp(entry->pattern, pattern) == 0)
            return entry->regex;
    }
    entry = &xpath->regexes[xpath->next_regex++ % XPATH_REGEXES];
    twi_regex_free(entry->regex);
    free(entry->pattern);
    *entry = (struct xpath_regex){ .pattern = strdup(pattern), .flags = flags };
    if (entry->pattern != NULL)
        entry->regex = twi_regex_compile(pattern, strlen(pattern), flags, &error);
    if (entry->regex != NULL)
        return entry->regex;
    snprintf(why, sizeof why, "regular expression: %s, at character %zu",
             entry->pattern != NULL ? error.why : "out of memory",
             entry->pattern != NULL ? error.at : 1);
    call_fail(call, entry->pattern == NULL, why);
    return NULL;
}

/* The strings of a call, in their order; those not given are "". */
static bool pop_strings(xmlXPathParserContextPtr call, int count, int least, int most,
                        xmlChar **strings)
{
    if (count < least || count > most) {
        xmlXPathErr(call, XPATH_INVALID_ARITY);
        return false;
    }
    for (int i = most; i-- > 0;)
        strings[i] = i < count ? xmlXPathPopString(call) : xmlStrdup((const xmlChar *)"");
    return true;
}

static void free_strings(xmlChar **strings, int count)
{
    while (count-- > 0)
        xmlFree(strings[count]);
}

static bool has_flag(const xmlChar *flags, char flag)
{
    return strchr(as_text(flags), flag) != NULL;
}

static struct twi_regex *regex_of(xmlXPathParserContextPtr call, const xmlChar *pattern,
                                  const xmlChar *flags)
{
    return regex_cached(call, as_text(pattern), has_flag(flags, 'i') ? TWI_REGEX_ANY_CASE : 0);
}

static void limit_reached(xmlXPathParserContextPtr call)
{
    call_fail(call, true, "a regular expression took too many steps");
}

/* re:test(string, pattern, flags?) */
static void xpath_re_test(xmlXPathParserContextPtr call, int count)
{
    xmlChar *strings[3];
    struct twi_regex *regex;
    enum twi_regex_result result = TWI_REGEX_NONE;

    if (!pop_strings(call, count, 2, 3, strings))
        return;
    regex = regex_of(call, strings[1], strings[2]);
    if (regex != NULL)
        result = twi_regex_find(regex, as_text(strings[0]), strlen(as_text(strings[0])), 0,
                                false);
    free_strings(strings, 3);
    if (result == TWI_REGEX_LIMIT)
        limit_reached(call);
    else if (regex != NULL)
        xmlXPathReturnBoolean(call, result == TWI_REGEX_FOUND);
}

/* re:replace(string, pattern, flags, by) */
static void xpath_re_replace(xmlXPathParserContextPtr call, int count)
{
    xmlChar *strings[4];
    struct twi_regex *regex;
    struct twi_arena arena;
    struct twi_text out = { .arena = &arena };
    bool is_whole = true;

    if (!pop_strings(call, count, 4, 4, strings))
        return;
    twi_arena_init(&arena, 0);
    regex = regex_of(call, strings[1], strings[2]);
    if (regex != NULL)
        is_whole = twi_regex_replace(regex, as_text(strings[0]), strlen(as_text(strings[0])),
                                     as_text(strings[3]), has_flag(strings[2], 'g'), &out);
    if (!is_whole || arena.failed)
        limit_reached(call);
    else if (regex != NULL)
        valuePush(call, xmlXPathNewString((const xmlChar *)twi_text_string(&out)));
    free_strings(strings, 4);
    twi_arena_free(&arena);
}

/* Matches become elements <match> of a document of their own. */
static void made_add(struct twi_xpath *xpath, xmlNodeSetPtr set, const char *text,
                     size_t length)
{
    xmlNodePtr node, parent;

    if (xpath->made == NULL) {
        xpath->made = xmlNewDoc((const xmlChar *)"1.0");
        if (xpath->made != NULL)
            xmlDocSetRootElement(xpath->made, xmlNewDocNode(xpath->made, NULL,
                                                            (const xmlChar *)"matches", NULL));
    }
    parent = xpath->made != NULL ? xpath->made->children : NULL;
    node = parent != NULL ? xmlNewDocNode(xpath->made, NULL, (const xmlChar *)"match", NULL)
                          : NULL;
    if (node == NULL)
        return;
    xmlAddChild(parent, node);
    if (length > 0)
        xmlAddChild(node, xmlNewDocTextLen(xpath->made, (const xmlChar *)text, (int)length));
    xmlXPathNodeSetAddUnique(set, node);
}

/* Some groups of a match, as one text. */
static void made_add_groups(struct twi_xpath *xpath, xmlNodeSetPtr set,
                            const struct twi_regex *regex, unsigned first, unsigned last,
                            const char *subject)
{
    struct twi_arena arena;
    struct twi_text text = { .arena = &arena };

    twi_arena_init(&arena, 0);
    for (unsigned i = first; i <= last; i++) {
        struct twi_regex_span span = twi_regex_group(regex, i);
        if (span.start >= 0)
            twi_text_add(&text, subject + span.start, (size_t)(span.end - span.start));
    }
    made_add(xpath, set, twi_text_string(&text), text.length);
    twi_arena_free(&arena);
}

/* Without the flag g: the match and its groups; with it: of each match its groups as one text, or
 * all of it, as lxml does. */
static bool match_all(struct twi_xpath *xpath, struct twi_regex *regex, const char *subject,
                      bool all, xmlNodeSetPtr set)
{
    size_t length = strlen(subject);
    unsigned groups = twi_regex_groups(regex);
    enum twi_regex_result result = twi_regex_find(regex, subject, length, 0, false);

    if (!all && result == TWI_REGEX_FOUND)
        for (unsigned i = 0; i <= groups; i++)
            made_add_groups(xpath, set, regex, i, i, subject);
    while (all && result == TWI_REGEX_FOUND) {
        struct twi_regex_span span = twi_regex_group(regex, 0);
        made_add_groups(xpath, set, regex, groups > 0, groups, subject);
        result = twi_regex_find(regex, subject, length, (size_t)span.end,
                                span.start == span.end);
    }
    return result != TWI_REGEX_LIMIT;
}

/* re:match(string, pattern, flags?) */
static void xpath_re_match(xmlXPathParserContextPtr call, int count)
{
    xmlChar *strings[3];
    struct twi_regex *regex;
    xmlNodeSetPtr set;
    bool is_whole = true;

    if (!pop_strings(call, count, 2, 3, strings))
        return;
    set = xmlXPathNodeSetCreate(NULL);
    regex = set != NULL ? regex_of(call, strings[1], strings[2]) : NULL;
    if (regex != NULL)
        is_whole = match_all(xpath_of(call), regex, as_text(strings[0]),
                             has_flag(strings[2], 'g'), set);
    free_strings(strings, 3);
    if (regex != NULL && is_whole) {
        xmlXPathReturnNodeSet(call, set);
        return;
    }
    xmlXPathFreeNodeSet(set);
    if (!is_whole)
        limit_reached(call);
}

/* --- set: ---------------------------------------------------------------------------------- */

static bool pop_sets(xmlXPathParserContextPtr call, int count, int wanted, xmlNodeSetPtr *sets)
{
    if (count != wanted) {
        xmlXPathErr(call, XPATH_INVALID_ARITY);
        return false;
    }
    while (count-- > 0) {
        sets[count] = NULL;
        if (call->value == NULL || call->value->type != XPATH_NODESET)
            xmlXPathErr(call, XPATH_INVALID_TYPE);
        else
            sets[count] = xmlXPathPopNodeSet(call);
        if (call->error == XPATH_EXPRESSION_OK)
            continue;
        for (int i = count + 1; i < wanted; i++)
            xmlXPathFreeNodeSet(sets[i]);
        return false;
    }
    return true;
}

static int compare_pointers(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (const xmlNodePtr *)a, y = (uintptr_t) * (const xmlNodePtr *)b;

    return x < y ? -1 : x > y;
}

/* The nodes of a that are, or are not, in b. */
static xmlNodeSetPtr set_filter(xmlNodeSetPtr a, xmlNodeSetPtr b, bool wanted)
{
    size_t count = b != NULL ? (size_t)b->nodeNr : 0;
    xmlNodePtr *sorted = calloc(count + 1, sizeof *sorted);
    xmlNodeSetPtr kept = xmlXPathNodeSetCreate(NULL);

    for (size_t i = 0; i < count && sorted != NULL; i++)
        sorted[i] = b->nodeTab[i];
    if (sorted != NULL)
        qsort(sorted, count, sizeof *sorted, compare_pointers);
    for (int i = 0; a != NULL && sorted != NULL && kept != NULL && i < a->nodeNr; i++)
        if ((bsearch(&a->nodeTab[i], sorted, count, sizeof *sorted, compare_pointers) !=
             NULL) == wanted)
            xmlXPathNodeSetAddUnique(kept, a->nodeTab[i]);
    free(sorted);
    return kept;
}

static void two_sets(xmlXPathParserContextPtr call, int count, bool wanted)
{
    xmlNodeSetPtr sets[2], kept;

    if (!pop_sets(call, count, 2, sets))
        return;
    kept = set_filter(sets[0], sets[1], wanted);
    xmlXPathFreeNodeSet(sets[0]);
    xmlXPathFreeNodeSet(sets[1]);
    if (kept != NULL)
        xmlXPathReturnNodeSet(call, kept);
}

static void xpath_set_difference(xmlXPathParserContextPtr call, int count)
{
    two_sets(call, count, false);
}

static void xpath_set_intersection(xmlXPathParserContextPtr call, int count)
{
    two_sets(call, count, true);
}

static void xpath_set_has_same_node(xmlXPathParserContextPtr call, int count)
{
    xmlNodeSetPtr sets[2], kept;

    if (!pop_sets(call, count, 2, sets))
        return;
    kept = set_filter(sets[0], sets[1], true);
    xmlXPathReturnBoolean(call, kept != NULL && kept->nodeNr > 0);
    xmlXPathFreeNodeSet(kept);
    xmlXPathFreeNodeSet(sets[0]);
    xmlXPathFreeNodeSet(sets[1]);
}

static void xpath_set_distinct(xmlXPathParserContextPtr call, int count)
{
    xmlNodeSetPtr set, kept;

    if (!pop_sets(call, count, 1, &set))
        return;
    kept = xmlXPathDistinct(set);
    if (kept != set)
        xmlXPathFreeNodeSet(set);
    xmlXPathReturnNodeSet(call, kept != NULL ? kept : xmlXPathNodeSetCreate(NULL));
}

/* libxml2's own functions of two sets look at the second node instead of the first. */
static void about_first(xmlXPathParserContextPtr call, int count,
                        xmlNodeSetPtr (*take)(xmlNodeSetPtr set, xmlNodePtr node))
{
    xmlNodeSetPtr sets[2], kept;

    if (!pop_sets(call, count, 2, sets))
        return;
    xmlXPathNodeSetSort(sets[1]);
    kept = sets[1] != NULL && sets[1]->nodeNr > 0 ? take(sets[0], sets[1]->nodeTab[0])
                                                  : sets[0];
    if (kept != sets[0])
        xmlXPathFreeNodeSet(sets[0]);
    xmlXPathFreeNodeSet(sets[1]);
    xmlXPathReturnNodeSet(call, kept != NULL ? kept : xmlXPathNodeSetCreate(NULL));
}

static void xpath_set_leading(xmlXPathParserContextPtr call, int count)
{
    about_first(call, count, xmlXPathNodeLeading);
}

static void xpath_set_trailing(xmlXPathParserContextPtr call, int count)
{
    about_first(call, count, xmlXPathNodeTrailing);
}

/* --- all ----------------------------------------------------------------------------------- */

void xpath_add_functions(struct twi_xpath *xpath)
{
    static const char re[] = "http://exslt.org/regular-expressions",
                      set[] = "http://exslt.org/sets";
    static const struct {
        const char *name, *uri;
        xmlXPathFunction function;
    } functions[] = {
        { "has-class", NULL, xpath_has_class },
        { "test", re, xpath_re_test },
        { "match", re, xpath_re_match },
        { "replace", re, xpath_re_replace },
        { "difference", set, xpath_set_difference },
        { "intersection", set, xpath_set_intersection },
        { "has-same-node", set, xpath_set_has_same_node },
        { "distinct", set, xpath_set_distinct },
        { "leading", set, xpath_set_leading },
        { "trailing", set, xpath_set_trailing },
    };

    xmlXPathRegisterNs(xpath->context, (const xmlChar *)"re", (const xmlChar *)re);
    xmlXPathRegisterNs(xpath->context, (const xmlChar *)"set", (const xmlChar *)set);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        xmlXPathRegisterFuncNS(xpath->context, (const xmlChar *)functions[i].name,
                               (const xmlChar *)functions[i].uri, functions[i].function);
}
