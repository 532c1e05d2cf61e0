/* SPDX-License-Identifier: MIT */
/*
 * css_node.h - a compiled selector, between the files that make and use it.
 *
 * A list holds complex selectors, these compounds joined by combinators, these tests of one
 * element. Tests, and complex selectors, are numbered, so that what is known about them for one
 * tree can stand in arrays.
 */
#ifndef SPIDER_TEXT_CSS_NODE_H
#define SPIDER_TEXT_CSS_NODE_H

#include "spider/text/css.h"

enum css_kind {
    CSS_NAME,
    CSS_SPACE, /* the element's namespace */
    CSS_ID,
    CSS_CLASS,
    CSS_ATTR,
    CSS_IS,
    CSS_NOT,
    CSS_HAS,
    CSS_NTH,
    CSS_LANG,
    CSS_DIR,
    CSS_CONTAINS,
    CSS_PSEUDO, /* without argument; `pseudo` */
    CSS_NEVER
};

enum css_pseudo {
    CSS_ANY_LINK,
    CSS_CHECKED,
    CSS_DEFAULT,
    CSS_DEFINED,
    CSS_DISABLED,
    CSS_EMPTY,
    CSS_ENABLED,
    CSS_INDETERMINATE,
    CSS_ONLY_CHILD,
    CSS_OPTIONAL,
    CSS_PLACEHOLDER_SHOWN,
    CSS_READ_ONLY,
    CSS_READ_WRITE,
    CSS_REQUIRED,
    CSS_ROOT,
    CSS_SCOPE,
    CSS_USER /* of what a user does or a script says: none */
};

/* Whose namespace a name may have. */
enum css_space { CSS_SPACE_ANY, CSS_SPACE_NONE, CSS_SPACE_URI };

struct css_string {
    const char *text; /* with a NUL behind it */
    size_t length;
};

struct css_list;
struct css_test {
    enum css_kind kind;
    unsigned number;
    struct css_string name, lower; /* of an element or attribute, a class, an id, a language */
    enum css_space space;
    struct css_string uri;
    char op;                       /* of an attribute: 0, or = ~ | ^ $ * ! */
    char flag;                     /* i, s, or 0 */
    struct css_string value;
    enum css_pseudo pseudo;
    long a, b;                     /* of nth: an+b */
    bool from_end, of_type;
    struct css_list *list;         /* of :is and its like; of nth: NULL or "of S" */
    struct css_test *next;
};

enum css_target { CSS_ELEMENTS, CSS_TEXTS, CSS_ATTRS, CSS_NOTHING };

struct css_compound {
    char combinator; /* to what stands before it: ' ' > + ~; 0: nothing does */
    struct css_test *tests, *last;
};

#define CSS_MOST_COMPOUNDS 64 /* a set of them is a word */
struct css_complex {
    unsigned number;
    unsigned count;
    struct css_compound *compounds;
    enum css_target target;
    struct css_string attr;
    bool is_below; /* the target stands anywhere below the element, or is its own */
    struct css_complex *next;
};

struct css_list {
    struct css_complex *first, *last;
};

struct twi_css {
    struct css_list list;
    unsigned tests, complexes;
    bool has_scope; /* :scope occurs */
};

/* --- reading: css_token.c ------------------------------------------------------------------ */

struct css_parser {
    struct twi_arena *arena;
    const char *start, *at, *end;
    const struct twi_prefix *prefixes;
    struct twi_css *css;
    unsigned depth;
    bool in_has;
    const char *why; /* the first error; NULL: none */
    const char *wrong;
};

/* Always false. */
bool css_fail(struct css_parser *parser, const char *at, const char *why);
/* Past white space and comments; whether there was any. */
bool css_skip(struct css_parser *parser);
bool css_is_ident(const struct css_parser *parser, const char *at);
bool css_read_ident(struct css_parser *parser, struct css_string *ident);
/* Behind "#": an identifier may start with a digit here, but as an id it may not. */
bool css_read_string(struct css_parser *parser, struct css_string *string);
struct css_string css_lower(struct css_parser *parser, struct css_string string);
bool css_read_nth(struct css_parser *parser, struct css_test *test);
bool css_same(struct css_string a, const char *b); /* without case */

/* --- matching ------------------------------------------------------------------------------ */

struct css_bound {
    uint32_t atom;        /* of the test's name in this tree; 0: no node has it */
    uint32_t uri;
    uint32_t *places;     /* of nth: by node, among those that count; 0: it does not count */
    uint64_t *bits;       /* of has: by node */
    size_t *starts;       /* of contains: where it occurs, in order */
    size_t start_count;
};

struct css_level {
    uint32_t node;
    uint64_t matched, above, previous, before;
};

struct css_run {
    const struct twi_css *css;
    const struct twi_tree *tree;
    struct twi_arena *arena;
    struct css_bound *bound;
    uint64_t **bits; /* by complex selector, then by node */
    uint32_t scope;
    uint64_t steps;
    bool over; /* too many steps, or no memory: whatever follows does not count */
    struct css_level *levels;
    size_t level_room;
    uint32_t *langs;     /* by node: the attribute that says its language + 1 */
    uint8_t *states;     /* by node: css_states */
    struct css_string text; /* all text */
    size_t *offsets;     /* by node: where in it its own begins */
};

bool css_list_matches(struct css_run *run, const struct css_list *list, uint32_t node);
bool css_test_pseudo(struct css_run *run, enum css_pseudo pseudo, uint32_t node);
bool css_test_lang(struct css_run *run, const struct css_test *test, uint32_t node);
bool css_test_dir(struct css_run *run, const struct css_test *test, uint32_t node);
bool css_test_nth(struct css_run *run, const struct css_test *test, uint32_t node);
bool css_test_contains(struct css_run *run, const struct css_test *test, uint32_t node);
void *css_array(struct css_run *run, size_t count, size_t size);

#endif
