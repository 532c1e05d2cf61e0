/* SPDX-License-Identifier: MIT */
/*
 * compile_find.c - the compiler and its options, and runs of such commands.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/compile.h"

extern char **environ;

/* --- running ------------------------------------------------------------------------------- */

static int command_spawn(char **words, int output, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    int r;

    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE); /* which we ignore */
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    if (output >= 0)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    r = posix_spawnp(ret_pid, words[0], &actions, &attributes, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return r;
}

static void read_output(int fd, struct cli_text *output)
{
    char block[4096];
    ssize_t n;

    while ((n = read(fd, block, sizeof block)) != 0) {
        if (n > 0)
            cli_text_add(output, block, (size_t)n);
        else if (errno != EINTR)
            break;
    }
}

static int command_wait(const char *command, const char *name, pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            break;
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    cli_complain(command, "%s: ended by signal %d", name, WTERMSIG(status));
    return -1;
}

int compile_run(const char *command, char **words, struct cli_text *output)
{
    int ends[2] = { -1, -1 }, r = 0;
    pid_t pid;

    if (output != NULL && pipe(ends) < 0)
        r = errno;
    if (r == 0 && output != NULL) {
        fcntl(ends[0], F_SETFD, FD_CLOEXEC);
        fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    }
    if (r == 0)
        r = command_spawn(words, ends[1], &pid);
    if (ends[1] >= 0)
        close(ends[1]);
    if (r == 0 && output != NULL)
        read_output(ends[0], output);
    if (ends[0] >= 0)
        close(ends[0]);
    if (r == 0)
        return command_wait(command, words[0], pid);
    cli_complain(command, "%s: %s", words[0], strerror(r));
    return -1;
}

/* --- the build tree ------------------------------------------------------------------------ */

/* The folder that this program was built in; false: it is installed. */
static bool find_build(struct cli_text *build)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    char *slash;

    path[length > 0 ? length : 0] = 0;
    slash = strrchr(path, '/');
    if (slash == NULL)
        return false;
    *slash = 0;
    slash = strrchr(path, '/');
    if (slash != NULL && strcmp(slash, "/.libs") == 0)
        *slash = 0;
    cli_text_printf(build, "%s/libtweed-spider.la", path);
    if (access(build->data, R_OK) < 0)
        return false;
    build->length = 0;
    cli_text_puts(build, path);
    return true;
}

/* The value of a variable in a Makefile; false if it has none of that name. */
static bool find_variable(const char *makefile, const char *name, struct cli_text *value)
{
    struct cli_text wanted = { 0 };
    const char *line;

    cli_text_printf(&wanted, "\n%s = ", name);
    line = strstr(makefile, wanted.data);
    if (line != NULL)
        cli_text_add(value, line + wanted.length, strcspn(line + wanted.length, "\n"));
    cli_text_free(&wanted);
    return line != NULL;
}

static void add_joined(struct compile_words *words, const char *a, const char *b,
                       const char *c)
{
    struct cli_text text = { 0 };

    cli_text_printf(&text, "%s%s%s", a, b, c);
    compile_words_add(words, text.data, text.length);
    cli_text_free(&text);
}

static void add_variable(struct compile_words *words, const char *makefile, const char *name)
{
    struct cli_text value = { 0 };

    if (find_variable(makefile, name, &value))
        compile_words_cut(words, value.data);
    cli_text_free(&value);
}

static bool flags_of_build(struct compile_words *compiler, struct compile_words *libraries)
{
    struct cli_text build = { 0 }, path = { 0 }, makefile = { 0 }, source = { 0 };
    bool is_built = find_build(&build);

    if (is_built)
        cli_text_printf(&path, "%s/Makefile", build.data);
    is_built = is_built && cli_text_read(&makefile, path.data) == 0 && makefile.length > 0 &&
               find_variable(makefile.data, "abs_top_srcdir", &source);
    if (is_built) {
        add_joined(compiler, "-I", build.data, "/include");
        add_joined(compiler, "-I", source.data, "/include");
        add_variable(compiler, makefile.data, "STACK_CLASH_CFLAGS");
        add_joined(libraries, build.data, "/.libs/", "libtweed-spider.so");
        add_joined(libraries, build.data, "/.libs/", "libtweed.so");
        add_joined(libraries, "-Wl,-rpath,", build.data, "/.libs");
        add_variable(libraries, makefile.data, "TWEED_LDFLAGS");
    }
    cli_text_free(&build);
    cli_text_free(&path);
    cli_text_free(&makefile);
    cli_text_free(&source);
    return is_built;
}

/* --- pkg-config ---------------------------------------------------------------------------- */

static bool ask_pkg_config(const char *command, const char *what, struct compile_words *flags)
{
    const char *program = getenv("PKG_CONFIG");
    struct compile_words words = { 0 };
    struct cli_text output = { 0 };
    int status;

    compile_words_cut(&words, program != NULL && *program != 0 ? program : "pkg-config");
    compile_words_cut(&words, what);
    compile_words_cut(&words, "tweed-spider");
    status = compile_run(command, words.words, &output);
    if (status == 0 && output.length > 0)
        compile_words_cut(flags, output.data);
    if (status > 0)
        cli_complain(command,
                     "pkg-config does not find tweed-spider: is libtweed-dev installed?");
    compile_words_free(&words);
    cli_text_free(&output);
    return status == 0;
}

bool compile_find(const char *command, struct compile_words *compiler,
                  struct compile_words *libraries)
{
    const char *cc = getenv("CC"), *cflags = getenv("CFLAGS"), *ldflags = getenv("LDFLAGS");

    compile_words_cut(compiler, cc != NULL ? cc : "");
    if (compiler->count == 0)
        compile_words_cut(compiler, "cc");
    compile_words_cut(compiler, "-std=gnu11 -O1 -g -Wall");
    if (!flags_of_build(compiler, libraries) &&
        !(ask_pkg_config(command, "--cflags", compiler) &&
          ask_pkg_config(command, "--libs", libraries)))
        return false;
    compile_words_cut(compiler, cflags != NULL ? cflags : "");
    compile_words_cut(libraries, ldflags != NULL ? ldflags : "");
    return true;
}
