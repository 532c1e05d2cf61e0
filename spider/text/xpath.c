/* SPDX-License-Identifier: MIT */
/*
 * xpath.c - XPath 1.0, evaluated by libxml2 on a copy of the tree.
 */
#include "config.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/xpathInternals.h>

#include "spider/text/utf8.h"
#include "spider/text/xpath_node.h"

#define MOST_OPERATIONS (200ul * 1000 * 1000)

void xpath_fail(struct twi_xpath *xpath, bool is_limit, size_t at, const char *why)
{
    struct twi_xpath_error *error = xpath->error;

    if (error == NULL || error->why[0] != 0)
        return;
    error->is_limit = is_limit;
    error->at = at;
    snprintf(error->why, sizeof error->why, "%s", why);
    error->why[strcspn(error->why, "\n")] = 0;
}

static size_t characters_before(const char *text, int bytes)
{
    size_t count = 1;

    for (int i = 0; text != NULL && i < bytes && text[i] != 0; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

/* libxml2 has texts of its own, but keeps them. */
static const char *xpath_error_text(int code)
{
    static const char *const texts[] = {
        [XPATH_NUMBER_ERROR] = "a wrong number",
        [XPATH_UNFINISHED_LITERAL_ERROR] = "a string does not end",
        [XPATH_START_LITERAL_ERROR] = "a string does not begin",
        [XPATH_VARIABLE_REF_ERROR] = "a variable's name is missing",
        [XPATH_UNDEF_VARIABLE_ERROR] = "no such variable",
        [XPATH_INVALID_PREDICATE_ERROR] = "a wrong predicate",
        [XPATH_EXPR_ERROR] = "a wrong expression",
        [XPATH_UNCLOSED_ERROR] = "a bracket is not closed",
        [XPATH_UNKNOWN_FUNC_ERROR] = "no such function",
        [XPATH_INVALID_OPERAND] = "a wrong operand",
        [XPATH_INVALID_TYPE] = "a value of a wrong type",
        [XPATH_INVALID_ARITY] = "too many or too few arguments",
        [XPATH_MEMORY_ERROR] = "out of memory",
        [XPATH_UNDEF_PREFIX_ERROR] = "no namespace has this prefix",
        [XPATH_INVALID_CHAR_ERROR] = "a character that cannot stand there",
        [XPATH_OP_LIMIT_EXCEEDED] = "too many steps",
        [XPATH_RECURSION_LIMIT_EXCEEDED] = "nested too deeply",
    };

    if (code < 0 || (size_t)code >= sizeof texts / sizeof *texts || texts[code] == NULL)
        return "it cannot be evaluated";
    return texts[code];
}

static void xpath_take_error(void *arg, xmlErrorPtr error)
{
    struct twi_xpath *xpath = arg;
    int code = error->code - XML_XPATH_EXPRESSION_OK;
    bool is_limit = error->code == XML_ERR_NO_MEMORY || code == XPATH_MEMORY_ERROR ||
                    code == XPATH_OP_LIMIT_EXCEEDED || code == XPATH_RECURSION_LIMIT_EXCEEDED;

    xpath_fail(xpath, is_limit,
               error->str1 != NULL ? characters_before(error->str1, error->int1) : 0,
               xpath->said[0] != 0 ? xpath->said : xpath_error_text(code));
}

/* Some texts come without a code, and would go to standard error. */
static void xpath_take_text(void *arg, const char *format, ...)
{
    struct twi_xpath *xpath = arg;
    char text[160];
    const char *colon;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    colon = strstr(text, ": ");
    snprintf(xpath->said, sizeof xpath->said, "%s", colon != NULL ? colon + 2 : text);
}

static xmlXPathObjectPtr variable_object(const struct twi_value *value)
{
    if (value->kind == TWI_VALUE_NUMBER)
        return xmlXPathNewFloat(xmlXPathCastStringToNumber((const xmlChar *)value->text));
    if (value->kind == TWI_VALUE_BOOLEAN)
        return xmlXPathNewBoolean(strcmp(value->text, "true") == 0);
    return xmlXPathNewString((const xmlChar *)value->text);
}

/* Errors go to `said` and `error` of `xpath`. */
static void context_report_to(xmlXPathContextPtr context, struct twi_xpath *xpath)
{
    context->userData = xpath;
    context->error = xpath_take_error;
}

/* The copy lies outside of the tree's arena, but counts as if it lay there. */
static bool is_room_for_copy(const struct twi_tree *tree)
{
    size_t needed = (size_t)tree->count * sizeof(xmlNode) +
                    (size_t)tree->attr_count * (sizeof(xmlAttr) + sizeof(xmlNode));

    return needed <= tree->arena->limit - tree->arena->used;
}

struct twi_xpath *twi_xpath_open(const struct twi_tree *tree,
                                 const struct twi_prefix *prefixes,
                                 const struct twi_variable *variables)
{
    struct twi_xpath *xpath = is_room_for_copy(tree) ? calloc(1, sizeof *xpath) : NULL;

    if (xpath == NULL)
        return NULL;
    xpath->tree = tree;
    if (!xpath_copy(xpath) || (xpath->context = xmlXPathNewContext(xpath->document)) == NULL) {
        twi_xpath_close(xpath);
        return NULL;
    }
    xpath->context->extra = xpath;
    context_report_to(xpath->context, xpath);
    xpath->context->opLimit = MOST_OPERATIONS;
    xpath_add_functions(xpath);
    for (; prefixes != NULL; prefixes = prefixes->next)
        xmlXPathRegisterNs(xpath->context, (const xmlChar *)prefixes->prefix,
                           (const xmlChar *)prefixes->uri);
    for (; variables != NULL; variables = variables->next)
        xmlXPathRegisterVariable(xpath->context, (const xmlChar *)variables->name,
                                 variable_object(&variables->value));
    return xpath;
}

void twi_xpath_close(struct twi_xpath *xpath)
{
    if (xpath == NULL)
        return;
    if (xpath->context != NULL)
        xmlXPathFreeContext(xpath->context);
    for (unsigned i = 0; i < XPATH_REGEXES; i++) {
        twi_regex_free(xpath->regexes[i].regex);
        free(xpath->regexes[i].pattern);
    }
    xmlFreeDoc(xpath->made);
    xmlFreeDoc(xpath->document);
    free(xpath->nodes);
    free(xpath);
}

/* --- results ------------------------------------------------------------------------------- */

void twi_value_add(struct twi_value_list *list, struct twi_value value)
{
    if (list->count == list->room) {
        size_t room = list->room > 0 ? list->room * 2 : 16;
        struct twi_value *items = twi_arena_grow(
            list->arena, list->items, list->room * sizeof *items, room * sizeof *items);
        if (items == NULL)
            return;
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = value;
}

static void add_text(struct twi_value_list *list, enum twi_value_kind kind, const char *text)
{
    size_t length = strlen(text);
    char *copy = twi_arena_copy(list->arena, text, length);

    if (copy != NULL)
        twi_value_add(list,
                      (struct twi_value){ .kind = kind, .text = copy, .length = length });
}

/* A node that a function made, as markup. */
static void add_made(struct twi_value_list *list, xmlNodePtr node)
{
    xmlBufferPtr buffer = xmlBufferCreate();

    if (buffer == NULL || xmlNodeDump(buffer, node->doc, node, 0, 0) < 0)
        list->arena->failed = true;
    else
        add_text(list, TWI_VALUE_STRING, (const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
}

static void add_node(struct twi_xpath *xpath, struct twi_value_list *list, xmlNodePtr node)
{
    uint32_t index;

    if (node->type == XML_NAMESPACE_DECL) {
        add_text(list, TWI_VALUE_STRING, (const char *)((xmlNsPtr)node)->href);
        return;
    }
    if (node->type == XML_DOCUMENT_NODE || node->type == XML_HTML_DOCUMENT_NODE)
        return;
    if (node->doc != xpath->document) {
        if (node->type == XML_TEXT_NODE)
            add_text(list, TWI_VALUE_STRING, (const char *)node->content);
        else
            add_made(list, node);
        return;
    }
    index = (uint32_t)(uintptr_t)node->_private;
    if (node->type == XML_ATTRIBUTE_NODE)
        twi_value_add(list,
                      (struct twi_value){
                          .found = { (uint32_t)(uintptr_t)node->parent->_private, index } });
    else if (index != 0)
        twi_value_add(list, (struct twi_value){ .found = { index, 0 } });
}

/* The fewest digits that read as the number again, without a point; their count. *ret_point: how
 * many of them stand before it. */
static int number_digits(double number, char digits[20], int *ret_point)
{
    char text[40];
    int count = 0, precision = 0;

    do
        snprintf(text, sizeof text, "%.*e", precision, number);
    while (strtod(text, NULL) != number && ++precision < 17);
    for (const char *at = text; *at != 'e'; at++)
        if (*at >= '0' && *at <= '9')
            digits[count++] = *at;
    *ret_point = 1 + (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    return count;
}

/* XPath 1.0, 4.2: decimal, without an exponent; libxml2 writes one, and cuts digits off. */
static void number_write(double number, struct twi_text *out)
{
    char digits[20];
    int point, count = number_digits(number, digits, &point);

    if (number < 0)
        twi_text_putc(out, '-');
    if (point <= 0)
        twi_text_puts(out, "0.");
    for (int i = point; i < 0; i++)
        twi_text_putc(out, '0');
    for (int i = 0; i < count; i++) {
        if (i == point && i > 0)
            twi_text_putc(out, '.');
        twi_text_putc(out, digits[i]);
    }
    for (int i = count; i < point; i++)
        twi_text_putc(out, '0');
}

static void add_number(struct twi_value_list *list, double number)
{
    struct twi_text text = { .arena = list->arena };

    number_write(number, &text);
    add_text(list, TWI_VALUE_NUMBER, twi_text_string(&text));
}

static void add_result(struct twi_xpath *xpath, struct twi_value_list *list,
                       xmlXPathObjectPtr result)
{
    static const enum twi_value_kind kinds[] = { [XPATH_NUMBER] = TWI_VALUE_NUMBER,
                                                 [XPATH_BOOLEAN] = TWI_VALUE_BOOLEAN,
                                                 [XPATH_STRING] = TWI_VALUE_STRING };
    xmlChar *text;

    if (result->type == XPATH_NODESET) {
        for (int i = 0; result->nodesetval != NULL && i < result->nodesetval->nodeNr; i++)
            add_node(xpath, list, result->nodesetval->nodeTab[i]);
        return;
    }
    if (result->type != XPATH_NUMBER && result->type != XPATH_BOOLEAN &&
        result->type != XPATH_STRING)
        return;
    if (result->type == XPATH_NUMBER && isfinite(result->floatval) && result->floatval != 0) {
        add_number(list, result->floatval);
        return;
    }
    text = xmlXPathCastToString(result);
    if (text != NULL)
        add_text(list, kinds[result->type], (const char *)text);
    else
        list->arena->failed = true;
    xmlFree(text);
}

/* --- finding ------------------------------------------------------------------------------- */

struct twi_xpath_expression {
    xmlXPathCompExprPtr compiled;
};

static xmlXPathCompExprPtr expression_compile(struct twi_xpath *xpath, const char *text)
{
    xmlXPathCompExprPtr compiled = NULL;

    xpath->context = xmlXPathNewContext(NULL);
    if (xpath->context == NULL) {
        xpath_fail(xpath, true, 0, "out of memory");
        return NULL;
    }
    context_report_to(xpath->context, xpath);
    xmlSetGenericErrorFunc(xpath, xpath_take_text);
    compiled = xmlXPathCtxtCompile(xpath->context, (const xmlChar *)text);
    xmlSetGenericErrorFunc(NULL, NULL);
    xmlXPathFreeContext(xpath->context);
    if (compiled == NULL)
        xpath_fail(xpath, false, 0, "no expression");
    return compiled;
}

struct twi_xpath_expression *twi_xpath_compile(const char *text, size_t length,
                                               struct twi_xpath_error *error)
{
    struct twi_xpath_expression *expression = calloc(1, sizeof *expression);
    struct twi_xpath for_errors = { .error = error };
    const char *nul = memchr(text, 0, length);
    char *copy = strndup(text, length);

    *error = (struct twi_xpath_error){ 0 };
    if (nul != NULL)
        xpath_fail(&for_errors, false, characters_before(text, (int)(nul - text)),
                   "a NUL character");
    else if (copy == NULL || expression == NULL)
        xpath_fail(&for_errors, true, 0, "out of memory");
    else
        expression->compiled = expression_compile(&for_errors, copy);
    free(copy);
    if (expression == NULL || expression->compiled != NULL)
        return expression;
    free(expression);
    return NULL;
}

void twi_xpath_expression_free(struct twi_xpath_expression *expression)
{
    if (expression == NULL)
        return;
    xmlXPathFreeCompExpr(expression->compiled);
    free(expression);
}

static bool evaluate(struct twi_xpath *xpath, xmlXPathCompExprPtr compiled, uint32_t context,
                     struct twi_value_list *list)
{
    xmlXPathObjectPtr result;

    if (xpath->nodes[context] == NULL)
        return true;
    xpath->context->node = xpath->nodes[context];
    result = xmlXPathCompiledEval(compiled, xpath->context);
    if (result == NULL) {
        xpath_fail(xpath, false, 0, "it cannot be evaluated");
        return false;
    }
    add_result(xpath, list, result);
    xmlXPathFreeObject(result);
    return xpath->error->why[0] == 0;
}

bool twi_xpath_run(struct twi_xpath *xpath, const struct twi_xpath_expression *expression,
                   const uint32_t *contexts, size_t count, struct twi_value_list *list,
                   struct twi_xpath_error *error)
{
    bool is_good = true;

    *error = (struct twi_xpath_error){ 0 };
    xpath->error = error;
    xpath->said[0] = 0;
    xpath->context->opCount = 0;
    xmlSetGenericErrorFunc(xpath, xpath_take_text);
    for (size_t i = 0; i < count && is_good; i++)
        is_good = evaluate(xpath, expression->compiled, contexts[i], list);
    xmlSetGenericErrorFunc(NULL, NULL);
    if (list->arena->failed && is_good)
        xpath_fail(xpath, true, 0, "out of memory");
    xpath->error = NULL;
    return is_good && !list->arena->failed;
}

bool twi_xpath_find(struct twi_xpath *xpath, const char *expression, size_t length,
                    const uint32_t *contexts, size_t count, struct twi_value_list *list,
                    struct twi_xpath_error *error)
{
    struct twi_xpath_expression *compiled = twi_xpath_compile(expression, length, error);
    bool is_good = compiled != NULL &&
                   twi_xpath_run(xpath, compiled, contexts, count, list, error);

    twi_xpath_expression_free(compiled);
    return is_good;
}
