/* SPDX-License-Identifier: MIT */
/*
 * compile.c - finds a program in the cache, or compiles it.
 *
 * Two steps: the hash of compiler, options and file leads to the list of headers that it included
 * the last time; that and the hashes of these headers lead to the program. Both are put in place
 * by rename(), so that several may compile at once.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tweed/version.h>

#include "cli/compile.h"

struct compilation {
    const struct compile_options *options;
    struct compile_words compiler, libraries;
    struct compile_hash hash; /* of all but the headers */
    struct cli_text folder, list, temporary, temporary_list;
};

/* --- hashes -------------------------------------------------------------------------------- */

static struct compile_hash hash_words(struct compile_hash hash,
                                      const struct compile_words *words)
{
    for (size_t i = 0; i < words->count; i++)
        hash = compile_hash_add(hash, words->words[i], strlen(words->words[i]) + 1);
    return hash;
}

/* False: it cannot be read. */
static bool hash_file(struct compile_hash *hash, const char *path)
{
    struct cli_text text = { 0 };
    bool is_read = cli_text_read(&text, path) == 0;

    if (is_read)
        *hash = compile_hash_add(*hash, text.data != NULL ? text.data : "", text.length);
    cli_text_free(&text);
    return is_read;
}

/* The compiler's own word for its version. */
static int hash_compiler(struct compilation *compilation)
{
    struct compile_words words = { 0 };
    struct cli_text version = { 0 };
    int status;

    /* Options of the compiler's do no harm here; its name may be of several words. */
    for (size_t i = 0; i < compilation->compiler.count; i++)
        compile_words_add(&words, compilation->compiler.words[i],
                          strlen(compilation->compiler.words[i]));
    compile_words_add(&words, "--version", strlen("--version"));
    status = compile_run(compilation->options->command, words.words, &version);
    compilation->hash = compile_hash_add(
        compilation->hash, version.data != NULL ? version.data : "", version.length);
    cli_text_free(&version);
    compile_words_free(&words);
    if (status > 0)
        cli_complain(compilation->options->command, "%s --version: exit status %d",
                     compilation->compiler.words[0], status);
    return status == 0 ? 0 : -1;
}

static int compilation_hash(struct compilation *compilation)
{
    const char *path = compilation->options->path;
    const char *version = tw_version();

    compilation->hash = compile_hash_add(compilation->hash, version, strlen(version) + 1);
    compilation->hash = hash_words(compilation->hash, &compilation->compiler);
    compilation->hash = hash_words(compilation->hash, &compilation->libraries);
    compilation->hash = compile_hash_add(compilation->hash, path, strlen(path) + 1);
    if (hash_compiler(compilation) < 0)
        return -1;
    errno = 0;
    if (!hash_file(&compilation->hash, path)) {
        cli_complain(compilation->options->command, "%s: %s", path, strerror(errno));
        return -1;
    }
    return 0;
}

/* --- the program in the cache -------------------------------------------------------------- */

/* The program's path by the list of headers in `list`, a rule of make. False: one is gone. */
static bool program_name(const struct compilation *compilation, const char *list,
                         struct cli_text *program)
{
    struct compile_words names = { 0 };
    struct compile_hash hash = compilation->hash;
    struct cli_text rule = { 0 };
    bool is_known = cli_text_read(&rule, list) == 0 && rule.length > 0;

    if (is_known)
        compile_rule_read(rule.data, &names);
    for (size_t i = 0; is_known && i < names.count; i++) {
        hash = compile_hash_add(hash, names.words[i], strlen(names.words[i]) + 1);
        is_known = hash_file(&hash, names.words[i]);
    }
    if (is_known)
        cli_text_printf(program, "%s/%016llx%016llx", compilation->folder.data,
                        (unsigned long long)hash.a, (unsigned long long)hash.b);
    compile_words_free(&names);
    cli_text_free(&rule);
    return is_known;
}

/* It is there; and it is in use, for compile_cache_prune(). */
static bool program_touch(const struct compilation *compilation, const char *program)
{
    if (access(program, X_OK) < 0 || utimensat(AT_FDCWD, program, NULL, 0) < 0)
        return false;
    utimensat(AT_FDCWD, compilation->list.data, NULL, 0); /* without it we compile again */
    return true;
}

/* --- compiling ----------------------------------------------------------------------------- */

static int run_compiler(struct compilation *compilation)
{
    struct compile_words words = { 0 };
    const char *more[] = {
        "-MD", "-MF", compilation->temporary_list.data, "-o", compilation->temporary.data,
        "-x",  "c",   compilation->options->path,       "-x", "none",
        NULL
    };
    int status;

    for (size_t i = 0; i < compilation->compiler.count; i++)
        compile_words_add(&words, compilation->compiler.words[i],
                          strlen(compilation->compiler.words[i]));
    for (size_t i = 0; more[i] != NULL; i++)
        compile_words_add(&words, more[i], strlen(more[i]));
    for (size_t i = 0; i < compilation->libraries.count; i++)
        compile_words_add(&words, compilation->libraries.words[i],
                          strlen(compilation->libraries.words[i]));
    status = compile_run(compilation->options->command, words.words, NULL);
    compile_words_free(&words);
    return status < 0 ? CLI_FAILED : status;
}

static int put_in_place(struct compilation *compilation, struct cli_text *program)
{
    if (!program_name(compilation, compilation->temporary_list.data, program)) {
        cli_complain(compilation->options->command,
                     "%s: the compiler named a header that cannot be read",
                     compilation->options->path);
        return CLI_FAILED;
    }
    if (rename(compilation->temporary.data, program->data) < 0 ||
        rename(compilation->temporary_list.data, compilation->list.data) < 0) {
        cli_complain(compilation->options->command, "%s: %s", compilation->folder.data,
                     strerror(errno));
        return CLI_FAILED;
    }
    compile_cache_prune(compilation->folder.data);
    return CLI_OK;
}

static int compilation_make(struct compilation *compilation, struct cli_text *program)
{
    int status = run_compiler(compilation);

    program->length = 0;
    if (status == CLI_OK)
        status = put_in_place(compilation, program);
    unlink(compilation->temporary.data);
    unlink(compilation->temporary_list.data);
    return status;
}

int compile_program(const struct compile_options *options, struct cli_text *program)
{
    struct compilation compilation = { .options = options, .hash = { 1, 2 } };
    int status = CLI_FAILED;

    if (compile_find(options->command, &compilation.compiler, &compilation.libraries) &&
        compile_cache_open(options->command, &compilation.folder) == 0 &&
        compilation_hash(&compilation) == 0) {
        cli_text_printf(&compilation.list, "%s/%016llx.d", compilation.folder.data,
                        (unsigned long long)compilation.hash.a);
        cli_text_printf(&compilation.temporary, "%s/new-%ld", compilation.folder.data,
                        (long)getpid());
        cli_text_printf(&compilation.temporary_list, "%s.d", compilation.temporary.data);
        if (!options->anew && program_name(&compilation, compilation.list.data, program) &&
            program_touch(&compilation, program->data))
            status = CLI_OK;
        else
            status = compilation_make(&compilation, program);
    }
    compile_words_free(&compilation.compiler);
    compile_words_free(&compilation.libraries);
    cli_text_free(&compilation.folder);
    cli_text_free(&compilation.list);
    cli_text_free(&compilation.temporary);
    cli_text_free(&compilation.temporary_list);
    return status;
}
