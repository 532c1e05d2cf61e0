/* SPDX-License-Identifier: MIT */
/*
 * genspider_command.c - `tweed genspider`: writes a spider to begin with.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <tweed/url.h>

#include "cli/cli.h"
#include "cli/genspider.h"

struct genspider {
    const struct genspider_template *template;
    const char *name, *url;
    bool print, list;
};

enum { OPTION_TEMPLATE, OPTION_PRINT, OPTION_LIST };
static const struct cli_option genspider_options[] = {
    { "template", 't', OPTION_TEMPLATE, "NAME", "basic (the default), rules, sitemap or api" },
    { "list", 'l', OPTION_LIST, NULL, "list the templates" },
    { "print", 'p', OPTION_PRINT, NULL, "write to standard output, not to NAME.c" },
    { NULL, 0, 0, NULL, NULL },
};

static int genspider_take(const struct cli_option *option, const char *value, bool on,
                          void *arg);

static int genspider_operand(const char *text, void *arg)
{
    struct genspider *spider = arg;

    if (spider->name == NULL)
        spider->name = text;
    else if (spider->url == NULL)
        spider->url = text;
    else {
        cli_complain("genspider", "a name and a URL are wanted, not '%s' too", text);
        return -1;
    }
    return 0;
}

static const struct cli_command genspider_command = {
    .name = "genspider",
    .usage = "[OPTION...] NAME URL",
    .purpose = "Write NAME.c, a spider to begin with. A file that is there is left alone.",
    .options = genspider_options,
    .take = genspider_take,
    .operand = genspider_operand,
};

static int genspider_take(const struct cli_option *option, const char *value, bool on,
                          void *arg)
{
    struct genspider *spider = arg;
    const struct genspider_template *template = genspider_templates;

    if (option->id == OPTION_PRINT)
        spider->print = on;
    if (option->id == OPTION_LIST)
        spider->list = on;
    if (option->id != OPTION_TEMPLATE)
        return 0;
    while (template->name != NULL && strcmp(template->name, value) != 0)
        template ++;
    if (template->name == NULL)
        return cli_bad_value(&genspider_command, option, value,
                             "one of basic, rules, sitemap, api");
    spider->template = template;
    return 0;
}

/* --- the text ------------------------------------------------------------------------------ */

/* As it stands between quotes of C. */
static void put_for_c(struct cli_text *text, const char *string, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (string[i] == '"' || string[i] == '\\')
            cli_text_add(text, "\\", 1);
        cli_text_add(text, string + i, 1);
    }
}

/* The robots.txt of the site; an XML file is taken as the sitemap itself. */
static void put_robots(struct cli_text *text, const struct tw_url *url)
{
    size_t length = strlen(url->pathname);

    if (length > 4 && strcmp(url->pathname + length - 4, ".xml") == 0)
        put_for_c(text, url->href, strlen(url->href));
    else
        cli_text_printf(text, "%s/robots.txt", url->origin);
}

static void put_variable(struct cli_text *text, const char *variable,
                         const struct genspider *spider, const struct tw_url *url)
{
    const char *domain = url->hostname;

    if (strncmp(variable, "@NAME@", 6) == 0)
        cli_text_puts(text, spider->name);
    else if (strncmp(variable, "@URL@", 5) == 0)
        put_for_c(text, url->href, strlen(url->href) - strlen(url->hash));
    else if (strncmp(variable, "@ROBOTS@", 8) == 0)
        put_robots(text, url);
    else
        cli_text_puts(text, strncmp(domain, "www.", 4) == 0 ? domain + 4 : domain);
}

static void template_fill(struct cli_text *text, const struct genspider *spider,
                          const struct tw_url *url)
{
    const char *at = spider->template->text, *next;

    while ((next = strchr(at, '@')) != NULL) {
        cli_text_add(text, at, (size_t)(next - at));
        put_variable(text, next, spider, url);
        at = strchr(next + 1, '@') + 1;
    }
    cli_text_puts(text, at);
}

/* --- names and URLs ------------------------------------------------------------------------ */

/* A name of C, since it becomes a part of one, and a file's. */
static bool is_c_name(const char *text)
{
    size_t length = strlen(text);

    for (size_t i = 0; i < length; i++)
        if (!isalpha((unsigned char)text[i]) && text[i] != '_' &&
            (i == 0 || !isdigit((unsigned char)text[i])))
            return false;
    return length > 0 && length <= 64;
}

static int check_name(const char *name)
{
    char proposal[65] = "";
    size_t length = strlen(name);

    if (is_c_name(name))
        return 0;
    for (size_t i = 0; i < length && i < sizeof proposal - 1; i++)
        proposal[i] = isalnum((unsigned char)name[i]) ? name[i] : '_';
    if (is_c_name(proposal))
        cli_complain("genspider",
                     "'%s' is not a name in C: letters, digits and _; '%s' is one", name,
                     proposal);
    else
        cli_complain("genspider", "'%s' is not a name in C: letters, digits and _", name);
    return -1;
}

/* "example.com" is https://example.com/. */
static struct tw_url *genspider_url(const char *text)
{
    struct cli_text full = { 0 };
    struct tw_url *url = NULL;
    const char *why = "it is empty";
    int r;

    cli_text_printf(&full, "%s%s", strstr(text, "://") == NULL ? "https://" : "", text);
    r = tw_url_parse(full.data, full.length, NULL, &url, &why);
    if (r < 0)
        cli_complain("genspider", "'%s': %s", text, r == -EINVAL ? why : strerror(-r));
    else if (strcmp(url->protocol, "http:") != 0 && strcmp(url->protocol, "https:") != 0) {
        cli_complain("genspider", "'%s': http or https is wanted", text);
        tw_url_free(url);
        url = NULL;
    }
    cli_text_free(&full);
    return url;
}

/* --- writing ------------------------------------------------------------------------------- */

static int new_file_write(const char *path, const struct cli_text *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), r;

    if (fd < 0 && errno == EEXIST) {
        cli_complain("genspider", "%s is there already; it is left as it is", path);
        return CLI_FAILED;
    }
    r = fd < 0 ? -errno : cli_write(fd, text->data, text->length);
    if (fd >= 0 && close(fd) < 0 && r == 0)
        r = -errno;
    if (r == 0)
        return CLI_OK;
    cli_complain("genspider", "%s: %s", path, strerror(-r));
    if (fd >= 0)
        unlink(path);
    return CLI_FAILED;
}

static int spider_write(const struct genspider *spider, const struct cli_text *text)
{
    struct cli_text path = { 0 }, said = { 0 };
    int status;

    if (spider->print)
        return cli_print("genspider", text);
    cli_text_printf(&path, "%s.c", spider->name);
    status = new_file_write(path.data, text);
    if (status == CLI_OK) {
        cli_text_printf(&said, "%s is written. Run it: tweed runspider %s -o %s.jsonl\n",
                        path.data, path.data, spider->name);
        status = cli_print("genspider", &said);
    }
    cli_text_free(&path);
    cli_text_free(&said);
    return status;
}

static int list_templates(void)
{
    struct cli_text text = { 0 };
    int status;

    for (size_t i = 0; genspider_templates[i].name != NULL; i++)
        cli_text_printf(&text, "  %-10s%s\n", genspider_templates[i].name,
                        genspider_templates[i].help);
    status = cli_print("genspider", &text);
    cli_text_free(&text);
    return status;
}

int cli_genspider(int argc, char **argv)
{
    struct genspider spider = { .template = genspider_templates };
    enum cli_verdict verdict = cli_parse(&genspider_command, argc, argv, &spider);
    struct cli_text text = { 0 };
    struct tw_url *url;
    int status;

    if (verdict != CLI_RUN)
        return cli_status_of(verdict);
    if (spider.list)
        return list_templates();
    if (spider.url == NULL) {
        cli_complain("genspider", "a name and a URL are wanted; see 'tweed help genspider'");
        return CLI_USAGE;
    }
    if (check_name(spider.name) < 0)
        return CLI_USAGE;
    url = genspider_url(spider.url);
    if (url == NULL)
        return CLI_USAGE;
    template_fill(&text, &spider, url);
    status = spider_write(&spider, &text);
    cli_text_free(&text);
    tw_url_free(url);
    return status;
}
