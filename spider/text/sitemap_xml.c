/* SPDX-License-Identifier: MIT */
/*
 * sitemap_xml.c - entries of sitemaps, RSS and Atom, by libxml2's push parser without a tree.
 *
 * The root's name says which dialect it is; a dialect is the name of an entry and a table of its
 * fields. Files are taken as they come: any namespace or none, an ampersand that should have been a
 * reference, an entry that was not closed before the next.
 */
#include "config.h"

#include <libxml/parser.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "spider/text/arena.h"
#include "spider/text/sitemap_xml.h"
#include "spider/text/span.h"

#define MAX_ENTRY (1 << 20) /* bytes of its texts; a larger one is dropped */

enum field { FIELD_NONE, FIELD_LOC, FIELD_LASTMOD, FIELD_CHANGEFREQ, FIELD_PRIORITY, FIELDS };

struct field_name {
    const char *element;
    enum field field;
    bool fallback; /* counts when no other element has filled in the field */
};

struct dialect {
    const char *root, *kind;
    const char *entry; /* NULL: every child of the root is one */
    const char
        *again; /* an element that can't be inside an entry: the one before was not closed */
    struct field_name fields[6];
};

static const struct dialect dialects[] = {
    { "urlset",
      "urlset",
      NULL,
      "url",
      { { "loc", FIELD_LOC, false },
        { "lastmod", FIELD_LASTMOD, false },
        { "changefreq", FIELD_CHANGEFREQ, false },
        { "priority", FIELD_PRIORITY, false } } },
    { "sitemapindex",
      "sitemapindex",
      NULL,
      "sitemap",
      { { "loc", FIELD_LOC, false }, { "lastmod", FIELD_LASTMOD, false } } },
    { "rss",
      "rss",
      "item",
      "item",
      { { "link", FIELD_LOC, false },
        { "guid", FIELD_LOC, true },
        { "pubDate", FIELD_LASTMOD, false },
        { "date", FIELD_LASTMOD, true } } },
    { "RDF",
      "rss",
      "item",
      "item",
      { { "link", FIELD_LOC, false }, { "date", FIELD_LASTMOD, false } } },
    { "feed",
      "atom",
      "entry",
      "entry",
      { { "updated", FIELD_LASTMOD, false }, { "published", FIELD_LASTMOD, true } } },
};

struct twi_sitemap_xml {
    void (*each)(const struct twi_sitemap_entry *entry, void *arg);
    void *arg;
    xmlParserCtxtPtr parser;
    const struct dialect *dialect; /* NULL: no root yet, or an unknown one */
    unsigned depth, entry_depth;   /* of open elements; entry_depth 0: in no entry */
    struct twi_arena arena;        /* of the entry */
    const char *values[FIELDS];
    bool firm[FIELDS]; /* not by a fallback */
    const char **alternates;
    size_t alternate_count;
    const struct field_name *field; /* that is open, at entry_depth + 1 */
    struct twi_text text;           /* its */
    bool declares;                  /* the file declares entities */
};

/* --- entries ------------------------------------------------------------------------------- */

static void entry_begin(struct twi_sitemap_xml *xml)
{
    twi_arena_reset(&xml->arena);
    memset(xml->values, 0, sizeof xml->values);
    memset(xml->firm, 0, sizeof xml->firm);
    xml->alternates = NULL;
    xml->alternate_count = 0;
    xml->field = NULL;
    xml->entry_depth = xml->depth;
}

static void entry_end(struct twi_sitemap_xml *xml)
{
    const struct twi_sitemap_entry entry = { .loc = xml->values[FIELD_LOC],
                                             .lastmod = xml->values[FIELD_LASTMOD],
                                             .changefreq = xml->values[FIELD_CHANGEFREQ],
                                             .priority = xml->values[FIELD_PRIORITY],
                                             .alternates = xml->alternates,
                                             .alternate_count = xml->alternate_count };

    if (entry.loc != NULL && *entry.loc != 0 && !xml->arena.failed)
        xml->each(&entry, xml->arg);
    xml->entry_depth = 0;
}

static const char *arena_trimmed(struct twi_arena *arena, const char *data, size_t length)
{
    struct twi_span span = twi_span_trim((struct twi_span){ data, length });

    return twi_arena_copy(arena, span.text, span.length);
}

static void field_end(struct twi_sitemap_xml *xml)
{
    enum field field = xml->field->field;
    bool fallback = xml->field->fallback;

    if (!fallback || !xml->firm[field]) {
        xml->values[field] = arena_trimmed(&xml->arena, twi_text_string(&xml->text),
                                           xml->text.length);
        xml->firm[field] = !fallback;
    }
    xml->field = NULL;
}

/* --- attributes: five pointers each, the value not terminated ------------------------------- */

static const char *find_attribute(struct twi_sitemap_xml *xml, const xmlChar **attributes,
                                  int count, const char *name)
{
    for (int i = 0; i < count; i++, attributes += 5)
        if (strcmp((const char *)attributes[0], name) == 0)
            return arena_trimmed(&xml->arena, (const char *)attributes[3],
                                 (size_t)(attributes[4] - attributes[3]));
    return NULL;
}

static void add_alternate(struct twi_sitemap_xml *xml, const char *href)
{
    size_t size = sizeof *xml->alternates;
    const char **grown = twi_arena_grow(&xml->arena, xml->alternates,
                                        xml->alternate_count * size,
                                        (xml->alternate_count + 1) * size);

    if (grown == NULL)
        return;
    grown[xml->alternate_count++] = href;
    xml->alternates = grown;
}

/* A sitemap's links lead to the page in other languages, Atom's to the page itself. */
static void take_link(struct twi_sitemap_xml *xml, const xmlChar **attributes, int count)
{
    const char *href = find_attribute(xml, attributes, count, "href");
    const char *rel = find_attribute(xml, attributes, count, "rel");
    bool is_alternate = rel == NULL || strcmp(rel, "alternate") == 0;

    if (href == NULL || !is_alternate)
        return;
    if (strcmp(xml->dialect->kind, "atom") == 0)
        xml->values[FIELD_LOC] = xml->values[FIELD_LOC] == NULL ? href
                                                                : xml->values[FIELD_LOC];
    else if (strcmp(xml->dialect->kind, "rss") != 0)
        add_alternate(xml, href);
}

/* A guid is a URL unless it says otherwise. */
static bool is_permalink(struct twi_sitemap_xml *xml, const xmlChar **attributes, int count)
{
    const char *says = find_attribute(xml, attributes, count, "isPermaLink");

    return says == NULL || strcmp(says, "false") != 0;
}

/* --- what the parser tells ----------------------------------------------------------------- */

static const struct dialect *dialect_of(const char *root)
{
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++)
        if (strcmp(dialects[i].root, root) == 0)
            return &dialects[i];
    return NULL;
}

static void field_begin(struct twi_sitemap_xml *xml, const char *name,
                        const xmlChar **attributes, int count)
{
    const struct field_name *field;

    if (strcmp(name, "link") == 0)
        take_link(xml, attributes, count);
    for (field = xml->dialect->fields; field->element != NULL; field++) {
        if (strcmp(field->element, name) != 0)
            continue;
        if (strcmp(name, "guid") == 0 && !is_permalink(xml, attributes, count))
            return;
        xml->field = field;
        xml->text = (struct twi_text){ .arena = &xml->arena };
        return;
    }
}

static bool starts_entry(const struct twi_sitemap_xml *xml, const char *name)
{
    const struct dialect *dialect = xml->dialect;

    if (xml->entry_depth != 0)
        return strcmp(name, dialect->again) == 0;
    return dialect->entry != NULL ? strcmp(name, dialect->entry) == 0 : xml->depth == 2;
}

static void xml_element_start(void *user, const xmlChar *name, const xmlChar *prefix,
                              const xmlChar *uri, int namespaces_count,
                              const xmlChar **namespaces, int count, int defaulted,
                              const xmlChar **attributes)
{
    struct twi_sitemap_xml *xml = user;
    const char *local = (const char *)name;

    (void)prefix;
    (void)uri;
    (void)namespaces_count;
    (void)namespaces;
    (void)defaulted;
    xml->depth++;
    if (xml->depth == 1)
        xml->dialect = dialect_of(local);
    if (xml->dialect == NULL || xml->depth == 1)
        return;
    if (starts_entry(xml, local)) {
        if (xml->entry_depth != 0)
            entry_end(xml);
        entry_begin(xml);
    } else if (xml->entry_depth != 0 && xml->depth == xml->entry_depth + 1) {
        field_begin(xml, local, attributes, count);
    }
}

/* The end of a file may have cut the tag off. */
static bool ends_with_tag(const struct twi_sitemap_xml *xml)
{
    const xmlParserInput *input = xml->parser->input;

    return input->cur > input->base && input->cur[-1] == '>';
}

static void xml_element_end(void *user, const xmlChar *name, const xmlChar *prefix,
                            const xmlChar *uri)
{
    struct twi_sitemap_xml *xml = user;

    (void)name;
    (void)prefix;
    (void)uri;
    if (xml->entry_depth != 0 && xml->depth == xml->entry_depth + 1 && xml->field != NULL)
        field_end(xml);
    else if (xml->entry_depth != 0 && xml->depth == xml->entry_depth && ends_with_tag(xml))
        entry_end(xml);
    xml->depth--;
}

static void text_add(struct twi_sitemap_xml *xml, const char *data, size_t length)
{
    if (xml->field != NULL && xml->depth == xml->entry_depth + 1)
        twi_text_add(&xml->text, data, length);
}

static void characters(void *user, const xmlChar *data, int length)
{
    text_add(user, (const char *)data, (size_t)length);
}

static xmlEntityPtr get_entity(void *user, const xmlChar *name)
{
    (void)user;
    return xmlGetPredefinedEntity(name);
}

static void entity_declared(void *user, const xmlChar *name, int type,
                            const xmlChar *public_id, const xmlChar *system_id,
                            xmlChar *content)
{
    struct twi_sitemap_xml *xml = user;

    (void)name;
    (void)type;
    (void)public_id;
    (void)system_id;
    (void)content;
    xml->declares = true;
}

/* A reference to nothing stays as it is written; in a file that declares entities, which are not
 * expanded, it goes. */
static void reference(void *user, const xmlChar *name)
{
    const struct twi_sitemap_xml *xml = user;

    if (xml->declares)
        return;
    text_add(user, "&", 1);
    text_add(user, (const char *)name, strlen((const char *)name));
    text_add(user, ";", 1);
}

/* An ampersand that starts no reference: the parser has gone past it and the name behind. */
static void put_back_ampersand(struct twi_sitemap_xml *xml)
{
    const xmlParserInput *input = xml->parser->input;
    const xmlChar *at = input->cur;

    while (at > input->base && *--at != '&')
        ;
    if (at < input->cur && *at == '&')
        text_add(xml, (const char *)at, (size_t)(input->cur - at));
}

static void parser_error(void *user, xmlErrorPtr error)
{
    if (error->code == XML_ERR_UNDECLARED_ENTITY && error->str1 != NULL)
        reference(user, (const xmlChar *)error->str1);
    else if (error->code == XML_ERR_ENTITYREF_SEMICOL_MISSING ||
             error->code == XML_ERR_NAME_REQUIRED)
        put_back_ampersand(user);
}

/* --- the parser ---------------------------------------------------------------------------- */

static xmlSAXHandler handlers = {
    .initialized = XML_SAX2_MAGIC,
    .startElementNs = xml_element_start,
    .endElementNs = xml_element_end,
    .characters = characters,
    .ignorableWhitespace = characters,
    .cdataBlock = characters,
    .entityDecl = entity_declared,
    .getEntity = get_entity,
    .reference = reference,
    .serror = parser_error,
};

struct twi_sitemap_xml *twi_sitemap_xml_new(void (*each)(const struct twi_sitemap_entry *entry,
                                                         void *arg),
                                            void *arg, bool is_utf8)
{
    struct twi_sitemap_xml *xml = calloc(1, sizeof *xml);

    if (xml == NULL)
        return NULL;
    xml->each = each;
    xml->arg = arg;
    twi_arena_init(&xml->arena, MAX_ENTRY);
    xml->parser = xmlCreatePushParserCtxt(&handlers, xml, NULL, 0, NULL);
    if (xml->parser == NULL) {
        free(xml);
        return NULL;
    }
    /* NOENT: "&amp;" in an attribute is an ampersand; the declared entities stay unknown. */
    xmlCtxtUseOptions(xml->parser, XML_PARSE_RECOVER | XML_PARSE_NOENT | XML_PARSE_NONET |
                                       XML_PARSE_HUGE | (is_utf8 ? XML_PARSE_IGNORE_ENC : 0));
    return xml;
}

void twi_sitemap_xml_feed(struct twi_sitemap_xml *xml, const char *data, size_t length)
{
    xmlParseChunk(xml->parser, data, (int)length, 0);
}

const char *twi_sitemap_xml_end(struct twi_sitemap_xml *xml)
{
    xmlParseChunk(xml->parser, NULL, 0, 1);
    return xml->dialect != NULL ? xml->dialect->kind : NULL;
}

void twi_sitemap_xml_free(struct twi_sitemap_xml *xml)
{
    if (xml == NULL)
        return;
    xmlFreeDoc(xml->parser->myDoc); /* holds the declarations of entities */
    xmlFreeParserCtxt(xml->parser);
    twi_arena_free(&xml->arena);
    free(xml);
}
