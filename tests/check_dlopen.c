/* SPDX-License-Identifier: MIT */
/*
 * check_dlopen.c - a program that is not linked with the library can load it: static TLS is little
 * then, and shared by all that are loaded late.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_TLS = 512, SKIPPED = 77 };

static size_t tls_size;

static int find_tls(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    (void)arg;
    if (strstr(info->dlpi_name, "libtweed.so") == NULL)
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type == PT_TLS)
            tls_size = info->dlpi_phdr[i].p_memsz;
    }
    return 1;
}

static int fail(const char *what)
{
    printf("0%%: Checks: 1, Failures: 1, Errors: 0\n%s\n", what);
    return EXIT_FAILURE;
}

/* build/tests/check_dlopen -> build/.libs/libtweed.so.0 */
static bool find_library(char *path, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", path, size - 1);
    char *end;

    if (length < 0)
        return false;
    path[length] = '\0';
    for (int i = 0; i < 2; i++) {
        end = strrchr(path, '/');
        if (end == NULL)
            return false;
        *end = '\0';
    }
    return snprintf(end, size - (size_t)(end - path), "/.libs/libtweed.so.0") > 0 &&
           access(path, R_OK) == 0;
}

int main(void)
{
    char path[4096];
    void *library;
    int (*iterate)(double seconds);
    int (*uninstall)(void);

    if (!find_library(path, sizeof path))
        return SKIPPED;
    library = dlopen(path, RTLD_NOW);
    if (library == NULL)
        return fail(dlerror());
    if (dl_iterate_phdr(find_tls, NULL) == 0 || tls_size == 0)
        return fail("where is its TLS segment?");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    if (tls_size > MOST_TLS)
        return fail("it has more static TLS than what is left for late libraries");
#endif
    *(void **)&iterate = dlsym(library, "tw_reactor_iterate");
    *(void **)&uninstall = dlsym(library, "tw_reactor_uninstall");
    if (iterate == NULL || uninstall == NULL || iterate(0) != 0 || uninstall() != 0)
        return fail("its reactor does not turn");
    printf("100%%: Checks: 1, Failures: 0, Errors: 0\n");
    return EXIT_SUCCESS;
}
