/* SPDX-License-Identifier: MIT */
/*
 * compile_cache.c - the folder of compiled programs, hashes, and rules of make.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/compile.h"
#include "spider/text/siphash.h"

/* --- words --------------------------------------------------------------------------------- */

void compile_words_add(struct compile_words *words, const char *text, size_t length)
{
    char *word = cli_alloc(length + 1);

    memcpy(word, text, length);
    words->words = cli_realloc(words->words, (words->count + 2) * sizeof *words->words);
    words->words[words->count++] = word;
    words->words[words->count] = NULL;
}

void compile_words_cut(struct compile_words *words, const char *line)
{
    static const char blanks[] = " \t\r\n";

    for (line += strspn(line, blanks); *line != 0; line += strspn(line, blanks)) {
        size_t length = strcspn(line, blanks);
        compile_words_add(words, line, length);
        line += length;
    }
}

void compile_words_free(struct compile_words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->words[i]);
    free(words->words);
    memset(words, 0, sizeof *words);
}

/* "new: a.c a\ b.h \<newline> c.h": a space in a name is escaped, a "$" stands twice. */
void compile_rule_read(const char *rule, struct compile_words *names)
{
    const char *at = strchr(rule, ':');
    struct cli_text name = { 0 };

    for (at = at != NULL ? at + 1 : ""; *at != 0; at++) {
        bool is_joined = at[0] == '\\' && (at[1] == '\n' || at[1] == '\r');
        if (strchr(" \t\r\n", *at) == NULL && !is_joined) {
            at += (at[0] == '\\' && strchr(" #:\\", at[1]) != NULL && at[1] != 0) ||
                  (at[0] == '$' && at[1] == '$');
            cli_text_add(&name, at, 1);
            if (at[1] != 0)
                continue;
        }
        if (name.length > 0)
            compile_words_add(names, name.data, name.length);
        name.length = 0;
    }
    cli_text_free(&name);
}

/* --- hashes -------------------------------------------------------------------------------- */

/* Fixed keys: whoever may write into the folder of programs needs no collision. */
struct compile_hash compile_hash_add(struct compile_hash hash, const char *data, size_t length)
{
    return (struct compile_hash){ twi_siphash(hash.a, 0x7477656564, data, length),
                                  twi_siphash(hash.b, 0x737069646572, data, length) };
}

/* --- the folder ---------------------------------------------------------------------------- */

static int make_folder(const char *command, const char *path)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return 0;
    cli_complain(command, "%s: %s", path, strerror(errno));
    return -1;
}

/* Programs that others could replace are not run. */
static int folder_check(const char *command, const char *path)
{
    struct stat status;

    if (stat(path, &status) < 0) {
        cli_complain(command, "%s: %s", path, strerror(errno));
        return -1;
    }
    if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() ||
        (status.st_mode & 022) != 0) {
        cli_complain(command, "%s: others may write there; programs are not kept in it", path);
        return -1;
    }
    return 0;
}

int compile_cache_open(const char *command, struct cli_text *folder)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

    /* A path that is not absolute is to be ignored (XDG Base Directory Specification). */
    if (cache != NULL && cache[0] == '/') {
        cli_text_puts(folder, cache);
    } else if (home != NULL && home[0] == '/') {
        cli_text_printf(folder, "%s/.cache", home);
    } else {
        cli_complain(command, "neither XDG_CACHE_HOME nor HOME is a path");
        return -1;
    }
    if (make_folder(command, folder->data) < 0)
        return -1;
    cli_text_puts(folder, "/tweed");
    if (make_folder(command, folder->data) < 0)
        return -1;
    return folder_check(command, folder->data);
}

void compile_cache_prune(const char *folder)
{
    time_t month_ago = time(NULL) - 30 * 86400L;
    DIR *directory = opendir(folder);
    struct dirent *entry;
    struct stat status;

    while (directory != NULL && (entry = readdir(directory)) != NULL)
        if (fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode) && status.st_mtime < month_ago)
            unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory != NULL)
        closedir(directory);
}
