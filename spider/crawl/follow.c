/* SPDX-License-Identifier: MIT */
/*
 * follow.c - where a page leads: elements, links, forms.
 *
 * URLs are gathered first, on the thread's own stack, then visited one by one on the coroutine's.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <tweed/coroutine.h>

#include "spider/crawl/follow.h"
#include "spider/text/form.h"
#include "spider/text/links.h"

/* URLs as they are to be visited, in the page. */
struct url_list {
    const char **urls;
    size_t count, room;
};

static bool urls_add(struct url_list *list, struct twi_arena *arena, const char *url)
{
    if (url != NULL && list->count == list->room) {
        size_t room = list->room > 0 ? list->room * 2 : 32;
        const char **urls = twi_arena_grow(arena, list->urls, list->room * sizeof *urls,
                                           room * sizeof *urls);
        if (urls == NULL)
            return false;
        list->urls = urls;
        list->room = room;
    }
    if (url != NULL)
        list->urls[list->count++] = url;
    return url != NULL;
}

/* How many are new. A page that fails on the way needs no more. */
static size_t urls_visit(tw_page *page, const struct url_list *list,
                         tw_page_callback *callback, bool has_rules)
{
    struct follow_wish wish = { .asked = { .callback = callback }, .has_rules = has_rules };
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (!tw_is_none(page_outermost(page)->outcome.failure))
            break;
        wish.asked.url = list->urls[i];
        count += page_go(page, &wish) == 1;
    }
    return count;
}

/* --- elements ------------------------------------------------------------------------------ */

struct follow_query {
    struct page_asking asking;
    tw_node *in;
    const char *css;
    struct url_list list;
};

static bool follow_take(struct twi_filter_value value, void *arg)
{
    struct follow_query *query = arg;
    tw_page *page = query->asking.page;
    const struct twi_tree *tree = &page->tree;
    struct twi_span url;

    if (value.json == NULL && value.found.attr == 0 &&
        tree->nodes[value.found.node].kind == TWI_NODE_ELEMENT) {
        url = twi_element_url(tree, value.found.node);
        return url.text == NULL || urls_add(&query->list, &page->arena, url.text);
    }
    url = twi_filter_text(tree, value, &page->arena);
    if (value.is_made)
        url.text = twi_arena_copy(&page->arena, url.text, url.length);
    return urls_add(&query->list, &page->arena, url.text);
}

static void follow_at_home(void *arg)
{
    struct follow_query *query = arg;
    tw_page *page = query->asking.page;
    const struct twi_extractor *extractor = page_extractor(page, TW_CSS, query->css);

    if (extractor != NULL)
        page_extract(query->in, extractor, true, follow_take, query);
    page_end_scratch(page);
}

size_t tw_follow_from(tw_node *in, const char *css, tw_page_callback *callback)
{
    struct follow_query query = { .in = in, .css = css };

    if (in == NULL || in->page == NULL)
        return 0;
    query.asking.page = in->page;
    tw_call_home(follow_at_home, &query);
    return urls_visit(in->page, &query.list, callback, false);
}

/* --- forms --------------------------------------------------------------------------------- */

struct form_question {
    tw_page *page;
    const char *css;
    const struct tw_field *fields;
    struct twi_form_request request; /* in the page */
    bool is_made;
};

/* NULL values leave a name out. */
static struct twi_form_pair *form_pairs(struct twi_arena *arena, const struct tw_field *fields)
{
    struct twi_form_pair *first = NULL, **end = &first;

    for (; fields != NULL && fields->name != NULL; fields++) {
        struct twi_form_pair *pair = twi_arena_zeroed(arena, sizeof *pair);
        if (pair == NULL)
            break;
        pair->name = twi_span_of(fields->name);
        pair->value = twi_span_of(fields->value != NULL ? fields->value : "");
        pair->is_absent = fields->value == NULL;
        *end = pair;
        end = &pair->next;
    }
    return first;
}

static void form_at_home(void *arg)
{
    struct form_question *question = arg;
    tw_page *page = question->page;
    struct twi_step step = { .kind = TWI_STEP_CSS, .text = question->css };
    struct twi_form_options options = { .base = page_base(page), .url = page->own_url };
    struct twi_select_error error = { .word = "form", .message = "there is no page" };

    if (question->css != NULL) {
        step.length = strlen(question->css);
        options.node = &step;
    }
    if (page_read_tree(page)) {
        options.charset = page->charset;
        options.set = form_pairs(&page->arena, question->fields);
        question->is_made = twi_form_request_make(&page->selector, &options, &page->arena,
                                                  &question->request, &error);
    }
    if (!page_is_out_of_memory(page) && !question->is_made)
        page_fail(page, tw_fail(&tw_error_selector, "the form %.500s of %s: %s",
                                question->css != NULL ? question->css : "", page->url,
                                error.message));
    page_end_scratch(page);
}

int tw_submit_with(tw_page *page, const char *css, tw_page_callback *callback,
                   const struct tw_field *fields)
{
    struct form_question question = { .page = page, .css = css, .fields = fields };
    struct follow_wish wish = { .asked = { .callback = callback } };

    if (page == NULL)
        return -EINVAL;
    tw_call_home(form_at_home, &question);
    if (!question.is_made)
        return page->arena.failed ? -ENOMEM : -ENOENT;
    wish.asked.url = question.request.url;
    wish.asked.method = question.request.method;
    wish.asked.body = question.request.body;
    wish.asked.body_length = question.request.body != NULL ? strlen(question.request.body) : 0;
    wish.content_type = question.request.type;
    return page_go(page, &wish);
}

/* --- links --------------------------------------------------------------------------------- */

struct links_question {
    tw_page *page;
    const struct tw_links *links;
    struct url_list list;
};

static struct twi_word *word_of(struct twi_arena *arena, const char *text,
                                struct twi_word *next)
{
    struct twi_word *word = text != NULL ? twi_arena_zeroed(arena, sizeof *word) : NULL;

    if (word == NULL)
        return next;
    *word = (struct twi_word){ twi_span_of(text), next };
    return word;
}

static struct twi_word *words_of_list(struct twi_arena *arena, const char *const *list)
{
    struct twi_word *first = NULL;

    for (; list != NULL && *list != NULL; list++)
        first = word_of(arena, *list, first);
    return first;
}

static struct twi_step *step_of(struct twi_arena *arena, enum twi_step_kind kind,
                                const char *text, struct twi_step *next)
{
    struct twi_step *step = text != NULL ? twi_arena_zeroed(arena, sizeof *step) : NULL;

    if (step == NULL)
        return next;
    *step = (struct twi_step){ kind, text, strlen(text), next };
    return step;
}

static void links_options_fill(tw_page *page, const struct tw_links *links,
                               struct twi_links_options *options)
{
    struct twi_arena *arena = &page->pages->scratch;

    options->allow = word_of(arena, links->allow, NULL);
    options->deny = word_of(arena, links->deny, NULL);
    options->restrict_text = word_of(arena, links->text, NULL);
    options->allow_domains = words_of_list(arena, links->allow_domains);
    options->deny_domains = words_of_list(arena, links->deny_domains);
    options->tags = words_of_list(arena, links->tags);
    options->no_tags = links->tags != NULL && options->tags == NULL;
    options->attrs = words_of_list(arena, links->attrs);
    options->no_attrs = links->attrs != NULL && options->attrs == NULL;
    options->deny_extensions = words_of_list(arena, links->extensions);
    options->all_extensions = links->extensions != NULL && options->deny_extensions == NULL;
    options->regions = step_of(arena, TWI_STEP_CSS, links->css,
                               step_of(arena, TWI_STEP_XPATH, links->xpath, NULL));
    options->deny_regions = step_of(arena, TWI_STEP_CSS, links->deny_css, NULL);
    options->canonical = links->canonical;
    options->no_text = true;
    options->regexes = &page->pages->regexes;
}

static void links_at_home(void *arg)
{
    struct links_question *question = arg;
    tw_page *page = question->page;
    struct twi_links_options options = { .base = page_base(page), .charset = page->charset };
    struct twi_select_error error = { .word = "", .message = "" };
    struct twi_link *link = NULL;

    links_options_fill(page, question->links, &options);
    if (page_read_tree(page) &&
        !twi_links_extract(&page->selector, &options, &page->pages->scratch, &link, &error) &&
        !page_is_out_of_memory(page))
        page_fail(page,
                  tw_fail(&tw_error_selector, "links of %s: %s", page->url, error.message));
    for (; link != NULL; link = link->next) {
        if (link->nofollow && question->links->nofollow)
            continue;
        if (!urls_add(&question->list, &page->arena,
                      twi_arena_strdup(&page->arena, link->url)))
            break;
    }
    page_end_scratch(page);
}

size_t twi_page_follow_rule(tw_page *page, const struct tw_links *links,
                            tw_page_callback *callback, bool has_rules)
{
    static const struct tw_links every;
    struct links_question question = { .page = page, .links = links != NULL ? links : &every };

    tw_call_home(links_at_home, &question);
    return urls_visit(page, &question.list, callback, has_rules);
}

size_t tw_follow_links(tw_page *page, const struct tw_links *links, tw_page_callback *callback)
{
    return page != NULL ? twi_page_follow_rule(page, links, callback, false) : 0;
}

/* --- before a crawl ------------------------------------------------------------------------ */

struct links_check {
    const struct tw_links *links;
    tw_value failure;
};

static void check_say(struct links_check *check, const char *member, const char *text,
                      const char *why, size_t at)
{
    if (!tw_is_none(check->failure))
        return;
    check->failure = tw_fail(&tw_error_selector, ".%s \"%.200s\": %s, at character %zu",
                             member, text, why, at);
}

static void check_expression(struct links_check *check, const char *member, const char *text)
{
    struct twi_regex_error wrong;
    struct twi_regex *regex;

    if (text == NULL)
        return;
    regex = twi_regex_compile(text, strlen(text), 0, &wrong);
    if (regex == NULL)
        check_say(check, member, text, wrong.why, wrong.at);
    twi_regex_free(regex);
}

static void check_selector(struct links_check *check, const char *member,
                           enum twi_language language, const char *text)
{
    struct twi_extract_error wrong;
    struct twi_extractor *extractor;

    if (text == NULL)
        return;
    extractor = twi_extractor_compile(language, twi_span_of(text), &wrong);
    if (extractor == NULL)
        check_say(check, member, text, wrong.why, wrong.at);
    else if (extractor->filters.count > 0)
        check_say(check, member, text, "filters cannot stand here", 1);
    twi_extractor_free(extractor);
}

static void check_at_home(void *arg)
{
    struct links_check *check = arg;
    const struct tw_links *links = check->links;

    check_expression(check, "allow", links->allow);
    check_expression(check, "deny", links->deny);
    check_expression(check, "text", links->text);
    check_selector(check, "css", TWI_LANGUAGE_CSS, links->css);
    check_selector(check, "deny_css", TWI_LANGUAGE_CSS, links->deny_css);
    check_selector(check, "xpath", TWI_LANGUAGE_XPATH, links->xpath);
}

tw_value twi_links_check(const struct tw_links *links)
{
    struct links_check check = { .links = links };

    tw_call_home(check_at_home, &check);
    return check.failure;
}
