/* SPDX-License-Identifier: MIT */
/*
 * www.h - a directory on disk, for tests that serve it: its folder www is the site.
 */
#ifndef TESTS_WWW_H
#define TESTS_WWW_H

#include <ftw.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/site.h"
#include "tests/test.h"

static char root[] = "/tmp/check-www-XXXXXX";

/* Outside of tests there is nothing to report to. */
static inline void must(bool ok)
{
    if (!ok) {
        perror("check_static");
        exit(99);
    }
}

static inline void put_file(const char *name, const char *content, size_t length)
{
    /* 2001-09-09 01:46:40 */
    struct timeval times[2] = { { 1000000000, 12345 }, { 1000000000, 12345 } };
    char path[256];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", root, name);
    file = fopen(path, "wb");
    must(file != NULL && fwrite(content, 1, length, file) == length);
    fclose(file);
    must(utimes(path, times) == 0);
}

static inline void in_root(const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", root, name);
}

static inline void put_directory(const char *name)
{
    char path[256];

    in_root(name, path);
    must(mkdir(path, 0755) == 0);
}

static inline void put_link(const char *name, const char *target)
{
    char path[256];

    in_root(name, path);
    must(symlink(target, path) == 0);
}

static inline void make_empty_root(void)
{
    must(mkdtemp(root) != NULL);
}

static inline int remove_one(const char *path, const struct stat *status, int kind,
                             struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline void remove_root(void)
{
    nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* As on a kernel without openat2(); for a process that ends soon. 254: there are no filters. */
static inline void forbid_openat2(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = { sizeof program / sizeof program[0], program };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
        _exit(254);
}

/* A site with the files of "www" below `route`, and a wire to it. */
static inline void www_begin(const char *route, const struct tw_files_options *options)
{
    char path[256];

    site_begin(NULL);
    in_root("www", path);
    ck_assert_int_eq(tw_site_files_with(site, route, path, options), 0);
    wire = site_connect();
}

/* The same files below another route, too. */
static inline void www_add(const char *route)
{
    char path[256];

    in_root("www", path);
    ck_assert_int_eq(tw_site_files_with(site, route, path, NULL), 0);
}

/* A handler that leaves the answer to the test. */
static tw_request *www_waiting;

static inline tw_value www_wait(tw_request *request, void *arg)
{
    (void)arg;
    www_waiting = request;
    return tw_none();
}

/* A folder with names that a page has to be careful with. */
static inline void put_odd_names(void)
{
    char path[256];

    put_directory("www/list");
    put_directory("www/list/sub");
    put_file("www/list/<b>&\"'", "", 0);
    put_file("www/list/a:b", "1234567", 7);
    put_file("www/list/.hidden", "hidden", 6);
    put_file("www/list/caf\351\n", "", 0);
    put_file("www/list/\342\200\256gnp.exe", "", 0);
    in_root("www/list/pipe", path);
    must(mkfifo(path, 0644) == 0);
}

/* The text after the first head in `text`. */
static inline const char *past_head(const char *text)
{
    return (const char *)test_given(strstr(text, "\r\n\r\n")) + 4;
}

#endif
