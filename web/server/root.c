/* SPDX-License-Identifier: MIT */
/*
 * root.c - see root.h.
 *
 * The kernel keeps us below the root where it can: openat2() with RESOLVE_BENEATH. It follows
 * no absolute link; those, and everything where there is no such call, are walked here: part by
 * part, each opened without following it, each link read and put in its place. Even if names
 * change meanwhile, no step leads up beyond the steps that were counted down before.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#ifdef HAVE_LINUX_OPENAT2_H
#include <linux/openat2.h>
#include <sys/syscall.h>
#endif
#include <unistd.h>

#include "base/buf.h"
#include "web/server/root.h"

enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };

/* Flags for a directory that is only passed through. */
#if defined(O_PATH)
enum { THROUGH_FLAGS = O_PATH | O_DIRECTORY | O_CLOEXEC };
#elif defined(O_SEARCH)
enum { THROUGH_FLAGS = O_SEARCH | O_DIRECTORY | O_CLOEXEC };
#else
enum { THROUGH_FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC };
#endif

/* As many links as Linux follows, and more parts than a path has. */
enum { LINKS_MAX = 40, STEPS_MAX = 4096, TARGET_MAX = 4096 };

int twi_root_open(const char *directory)
{
    int fd = open(directory, THROUGH_FLAGS);

    return fd < 0 ? -errno : fd;
}

/* --- a walk ------------------------------------------------------------------------------ */

struct walk {
    int root;
    int at;              /* the directory that has been reached; the root's own descriptor first */
    struct twi_buf done; /* its path, without links; a slash behind each part */
    struct twi_buf rest; /* the path from there on */
    unsigned links, steps;
};

static void walk_leave(struct walk *walk)
{
    if (walk->at != walk->root)
        close(walk->at);
    walk->at = walk->root;
}

static void walk_end(struct walk *walk)
{
    walk_leave(walk);
    twi_buf_free(&walk->done);
    twi_buf_free(&walk->rest);
}

/* Go on with `text`, and then with the rest. 0 or -ENOMEM. */
static int walk_insert(struct walk *walk, const char *text, size_t length)
{
    struct twi_buf rest = { 0 };
    int r = twi_buf_append(&rest, text, length);

    if (r == 0 && walk->rest.length > 0)
        r = twi_buf_append_char(&rest, '/');
    if (r == 0)
        r = twi_buf_append(&rest, walk->rest.data, walk->rest.length);
    twi_buf_free(&walk->rest);
    walk->rest = rest;
    return r;
}

/* Into a directory that has been seen to be no link. */
static int walk_into(struct walk *walk, const char *name)
{
    int fd = openat(walk->at, name, THROUGH_FLAGS | O_NOFOLLOW);
    int r;

    if (fd < 0)
        return -errno;
    walk_leave(walk);
    walk->at = fd;
    r = twi_buf_append_text(&walk->done, name);
    return r == 0 ? twi_buf_append_char(&walk->done, '/') : r;
}

/* Go up by the way that led down: from the root again, without the last part. */
static int walk_up(struct walk *walk)
{
    size_t length = walk->done.length;
    int r;

    if (length == 0)
        return -EXDEV;
    for (length--; length > 0 && walk->done.data[length - 1] != '/';)
        length--;
    r = walk_insert(walk, walk->done.data, length);
    walk->done.length = 0;
    walk_leave(walk);
    return r;
}

/* The part of an absolute path that lies below the root, or NULL. Writes to `path`, and leaves it
 * as it was. */
static const char *part_below(int root, char *path)
{
    struct stat wanted, status;
    char *end = path;

    if (fstat(root, &wanted) < 0)
        return NULL;
    for (;;) {
        char kept;
        bool is_root;

        end += strspn(end, "/");
        kept = *end;
        *end = '\0';
        is_root = stat(path, &status) == 0 && status.st_dev == wanted.st_dev &&
                  status.st_ino == wanted.st_ino;
        *end = kept;
        if (is_root)
            return end;
        if (kept == '\0')
            return NULL;
        end += strcspn(end, "/");
    }
}

static int walk_follow(struct walk *walk, char *target)
{
    const char *path = target;

    if (++walk->links > LINKS_MAX)
        return -ELOOP;
    if (*target == '/') {
        path = part_below(walk->root, target);
        if (path == NULL)
            return -EXDEV;
        walk->done.length = 0;
        walk_leave(walk);
    }
    return walk_insert(walk, path, strlen(path));
}

/* Read the link called `name`: its length, 0 if it is no link, or negative errno. */
static int link_read(int directory, const char *name, char target[TARGET_MAX])
{
    ssize_t length = readlinkat(directory, name, target, TARGET_MAX);

    if (length < 0)
        return errno == EINVAL ? 0 : -errno;
    if (length == TARGET_MAX)
        return -ENAMETOOLONG;
    target[length] = '\0';
    return (int)length;
}

/* Take the next part of the rest; its length, 0 at the end. */
static int walk_next(struct walk *walk, char name[TARGET_MAX], bool *ret_is_last)
{
    const char *rest = twi_buf_text(&walk->rest);
    size_t skipped = strspn(rest, "/"), length = strcspn(rest + skipped, "/");

    if (walk->rest.size == walk->rest.length)
        return -ENOMEM; /* nor was there room for the text's end */
    if (length >= TARGET_MAX)
        return -ENAMETOOLONG;
    memcpy(name, rest + skipped, length);
    name[length] = '\0';
    twi_buf_consume(&walk->rest, skipped + length);
    *ret_is_last = walk->rest.length == 0;
    return (int)length;
}

/* Go on by one part: 1 when `name` is the one looked for, 0 to go on, or negative errno. */
static int walk_step(struct walk *walk, char name[TARGET_MAX])
{
    char target[TARGET_MAX];
    bool is_last;
    int r = walk_next(walk, name, &is_last);

    if (r == 0)
        strcpy(name, ".");
    if (r <= 0)
        return r < 0 ? r : 1;
    if (++walk->steps > STEPS_MAX)
        return -ELOOP;
    if (strcmp(name, ".") == 0)
        return 0;
    if (strcmp(name, "..") == 0)
        return walk_up(walk);
    r = link_read(walk->at, name, target);
    if (r > 0)
        return walk_follow(walk, target);
    if (r < 0 || is_last)
        return r < 0 ? r : 1;
    return walk_into(walk, name);
}

/* Come to the directory that holds `path`, and to its name there. 0 or negative errno. */
static int root_walk_to(struct walk *walk, int root, const char *path, char name[TARGET_MAX])
{
    int r;

    *walk = (struct walk){ .root = root, .at = root };
    r = walk_insert(walk, path, strlen(path));
    while (r == 0)
        r = walk_step(walk, name);
    return r < 0 ? r : 0;
}

static int open_walking(int root, const char *path)
{
    char name[TARGET_MAX];
    struct walk walk;
    int r = root_walk_to(&walk, root, path, name);

    if (r == 0) {
        r = openat(walk.at, name, OPEN_FLAGS | O_NOFOLLOW);
        if (r < 0)
            r = -errno;
    }
    walk_end(&walk);
    return r;
}

/* --- opening ----------------------------------------------------------------------------- */

int twi_root_open_below(int root, const char *path)
{
#ifdef HAVE_LINUX_OPENAT2_H
    struct open_how how = { .flags = OPEN_FLAGS,
                            .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
    long fd = syscall(SYS_openat2, root, *path == '\0' ? "." : path, &how, sizeof how);

    if (fd >= 0)
        return (int)fd;
    /* A link that is absolute or leads out; a rename meanwhile; a kernel or a filter that does
     * not know the call. */
    if (errno != EXDEV && errno != EAGAIN && errno != ENOSYS && errno != EPERM)
        return -errno;
#endif
    return open_walking(root, path);
}

int twi_root_stat_below(int root, const char *path, struct stat *ret_status)
{
    char name[TARGET_MAX];
    struct walk walk;
    int r = root_walk_to(&walk, root, path, name);

    if (r == 0 && fstatat(walk.at, name, ret_status, AT_SYMLINK_NOFOLLOW) < 0)
        r = -errno;
    walk_end(&walk);
    return r;
}
