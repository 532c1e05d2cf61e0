/* SPDX-License-Identifier: MIT */
/*
 * check_cache_folder.c - a cache's folder: damage is a miss, processes share it, and any of them
 * may be killed.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/test.h"
#include "web/cache/cache.h"
#include "web/cache/folder.h"

enum { LONG = 400000 }; /* a body that is not read with its head */

static char folder[40];
static tw_cache *cache;
static tw_headers *sent, *headers;

static int file_delete(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status, (void)type, (void)ftw;
    return remove(path);
}

static void begin_limited(int64_t max_bytes)
{
    struct tw_cache_options options = { .folder = folder, .max_bytes = max_bytes };

    strcpy(folder, "/tmp/check_cache_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    cache = tw_cache_new(&options);
    ck_assert_ptr_nonnull(cache);
    sent = test_given(tw_headers_new());
    headers = test_given(tw_headers_new());
    ck_assert_int_eq(tw_headers_set(headers, "Cache-Control", "max-age=60"), 0);
    ck_assert_int_eq(tw_headers_set(headers, "Vary", "X-A"), 0);
}

static void begin(void)
{
    begin_limited(0);
}

static void end(void)
{
    tw_cache_unref(cache);
    tw_headers_free(sent);
    tw_headers_free(headers);
    nftw(folder, file_delete, 16, FTW_DEPTH | FTW_PHYS);
}

static char byte_at(size_t i, char first)
{
    return (char)(first + (char)(i % 61));
}

/* Store a body that begins with `first`. False when it was not kept. */
static bool put(const char *url, char first, size_t length)
{
    struct twi_cache_answer answer = {
        .url = url,
        .status = 200,
        .minor = 1,
        .reason = "Fine",
        .headers = headers,
        .sent = sent,
        .requested_at = twi_cache_now(),
        .received_at = twi_cache_now(),
    };
    struct twi_cache_writer *writer = twi_cache_write(cache, &answer, -1);
    uint64_t stored = tw_cache_counts(cache).stored;
    char piece[1000];

    for (size_t at = 0; writer != NULL && at < length; at += sizeof piece) {
        size_t size = length - at < sizeof piece ? length - at : sizeof piece;
        for (size_t i = 0; i < size; i++)
            piece[i] = byte_at(at + i, first);
        if (!twi_cache_writer_add(writer, piece, size))
            writer = NULL;
    }
    twi_cache_writer_commit(writer);
    return tw_cache_counts(cache).stored > stored;
}

/* The first byte of a body that is whole; 0: a miss; -EIO: damage that showed on the way; -EILSEQ:
 * it is another page's. */
static int get_from(tw_cache *from, const char *url)
{
    struct twi_cache_entry *entry = twi_cache_find(from, url, sent);
    char space[4096], first = 0;
    const char *data;
    int64_t length = 0, at = 0;

    if (entry == NULL)
        return 0;
    if (strcmp(entry->head.url, url) != 0 ||
        strcmp(tw_headers_get(entry->head.headers, "Cache-Control"), "max-age=60") != 0) {
        twi_cache_entry_unref(entry);
        return -EILSEQ;
    }
    while (at < entry->length &&
           (length = twi_cache_read(entry, at, space, sizeof space, &data)) > 0) {
        first = at == 0 ? data[0] : first;
        at += length;
    }
    twi_cache_entry_unref(entry);
    return length < 0 ? (int)length : first;
}

static int get(const char *url)
{
    return get_from(cache, url);
}

static void path_of(const char *url, char path[200])
{
    char name[TWI_FOLDER_NAME];

    twi_folder_name(url, name);
    snprintf(path, 200, "%s/%s", folder, name);
}

static size_t file_read(const char *path, char *data, size_t size)
{
    int fd = open(path, O_RDONLY);
    ssize_t length = fd >= 0 ? read(fd, data, size) : -1;

    ck_assert_int_ge(length, 0);
    close(fd);
    return (size_t)length;
}

static void file_write(const char *path, const char *data, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, length), (ssize_t)length);
    close(fd);
}

/* --- one process --------------------------------------------------------------------------- */

static const size_t lengths[] = { 0, 1, 1000, 65536, 65537, 262144, 262145, LONG };

START_TEST(what_is_put_is_got)
{
    begin();
    ck_assert(put("http://a/", 'a', lengths[_i]));
    ck_assert_int_eq(get("http://a/"), lengths[_i] > 0 ? 'a' : 0);
    ck_assert(put("http://a/", 'b', lengths[_i]));
    ck_assert_int_eq(get("http://a/"), lengths[_i] > 0 ? 'b' : 0);
    ck_assert_int_eq(get("http://b/"), 0);
    end();
}
END_TEST

START_TEST(the_folder_is_for_its_owner_and_says_what_it_is)
{
    char path[60];
    struct stat status;

    begin();
    snprintf(path, sizeof path, "%s/new", folder);
    tw_cache_unref(cache);
    cache = tw_cache_new(&(struct tw_cache_options){ .folder = path });
    ck_assert_ptr_nonnull(cache);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0700);
    ck_assert(put("http://a/", 'a', 10));
    snprintf(path, sizeof path, "%s/new/CACHEDIR.TAG", folder);
    ck_assert_int_eq(stat(path, &status), 0);
    end();
}
END_TEST

static const struct {
    const char *folder;
    int error;
} refused[] = { { "/dev/null", ENOTDIR }, { "/nowhere/at/all", ENOENT } };

START_TEST(a_folder_that_is_none_is_refused)
{
    errno = 0;
    ck_assert_ptr_null(
        tw_cache_new(&(struct tw_cache_options){ .folder = refused[_i].folder }));
    ck_assert_int_eq(errno, refused[_i].error);
}
END_TEST

START_TEST(no_credentials_get_into_the_folder)
{
    char path[200], data[4096];
    size_t length;

    begin();
    ck_assert_int_eq(tw_headers_set(sent, "Authorization", "Basic secret-one"), 0);
    ck_assert_int_eq(tw_headers_set(sent, "X-A", "secret-two"), 0);
    ck_assert(put("http://a/", 'a', 10));
    path_of("http://a/", path);
    length = file_read(path, data, sizeof data);
    ck_assert_ptr_null(memmem(data, length, "secret", 6));
    ck_assert_int_eq(get("http://a/"), 'a');
    end();
}
END_TEST

START_TEST(variants_stand_beside_each_other_and_go_together)
{
    begin();
    ck_assert(put("http://a/", 'a', 10));
    ck_assert_int_eq(tw_headers_set(sent, "X-A", "1"), 0);
    ck_assert_int_eq(get("http://a/"), 0);
    ck_assert(put("http://a/", 'b', 10));
    ck_assert_int_eq(tw_headers_set(sent, "X-A", "2"), 0);
    ck_assert(put("http://a/", 'c', LONG));
    ck_assert_int_eq(get("http://a/"), 'c');
    ck_assert_int_eq(tw_headers_set(sent, "X-A", "1"), 0);
    ck_assert_int_eq(get("http://a/"), 'b');
    tw_headers_remove(sent, "X-A");
    ck_assert_int_eq(get("http://a/"), 'a');
    ck_assert_int_eq(tw_cache_remove(cache, "http://a/"), 0);
    ck_assert(put("http://a/", 'd', 10));
    ck_assert_int_eq(tw_headers_set(sent, "X-A", "1"), 0);
    ck_assert_int_eq(get("http://a/"), 0); /* not that of before the removal */
    end();
}
END_TEST

static void update(const char *url)
{
    struct twi_cache_entry *entry = twi_cache_find(cache, url, sent);
    struct twi_cache_answer answer = { .url = url,
                                       .status = 304,
                                       .reason = "Same",
                                       .headers = headers,
                                       .sent = sent,
                                       .requested_at = twi_cache_now(),
                                       .received_at = twi_cache_now() };

    ck_assert_ptr_nonnull(entry);
    twi_cache_update(cache, entry, &answer);
    twi_cache_entry_unref(entry);
}

START_TEST(a_head_is_replaced_again_and_again)
{
    char path[200], text[30];
    struct stat status;
    unsigned missing = 0;

    begin();
    path_of("http://a/", path);
    ck_assert(put("http://a/", 'a', 10));
    for (int i = 0; i < 3000; i++) {
        snprintf(text, sizeof text, "%d", i);
        ck_assert_int_eq(tw_headers_set(headers, "X-N", text), 0);
        if (get("http://a/") == 0) {
            missing++;
            ck_assert(put("http://a/", 'a', 10));
        }
        update("http://a/");
    }
    ck_assert_uint_le(missing, 10); /* it begins anew when it has become long */
    if (stat(path, &status) == 0)
        ck_assert_int_le(status.st_size, TWI_FOLDER_WASTE_MAX + 2000);
    end();
}
END_TEST

START_TEST(an_entry_that_was_replaced_meanwhile_is_not_updated)
{
    struct twi_cache_entry *entry;
    struct twi_cache_answer answer = { .url = "http://a/", .reason = "", .sent = NULL };

    begin();
    answer.headers = headers;
    answer.sent = sent;
    ck_assert(put("http://a/", 'a', 10));
    entry = twi_cache_find(cache, "http://a/", sent);
    ck_assert(put("http://a/", 'b', 20));
    answer.received_at = answer.requested_at = twi_cache_now();
    twi_cache_update(cache, entry, &answer);
    twi_cache_remove_entry(cache, entry);
    twi_cache_entry_unref(entry);
    ck_assert_int_eq(get("http://a/"), 'b');
    end();
}
END_TEST

/* --- damage -------------------------------------------------------------------------------- */

START_TEST(a_file_with_any_wrong_byte_or_of_any_shorter_length_is_a_miss)
{
    char path[200], data[4096];
    size_t length;

    begin();
    path_of("http://a/", path);
    ck_assert(put("http://a/", 'a', 100));
    length = file_read(path, data, sizeof data);
    for (size_t i = 0; i < length; i++) {
        data[i] ^= 0x41;
        file_write(path, data, length);
        data[i] ^= 0x41;
        /* The last bytes of the end are not used. */
        ck_assert_msg(get("http://a/") == (i >= length - 8 ? 'a' : 0), "byte %zu", i);
        file_write(path, data, i);
        ck_assert_msg(get("http://a/") == 0, "cut at %zu", i);
        ck_assert_msg(access(path, F_OK) < 0, "the file of %zu bytes stays", i);
    }
    file_write(path, data, length);
    ck_assert_int_eq(get("http://a/"), 'a');
    end();
}
END_TEST

START_TEST(a_long_body_that_is_damaged_fails_at_its_end)
{
    char path[200];
    int fd;

    begin();
    path_of("http://a/", path);
    ck_assert(put("http://a/", 'a', LONG));
    fd = open(path, O_WRONLY);
    ck_assert_int_eq(pwrite(fd, "!", 1, LONG / 2), 1);
    close(fd);
    ck_assert_int_eq(get("http://a/"), -EIO);
    end();
}
END_TEST

START_TEST(the_file_of_another_url_is_a_miss)
{
    char from[200], to[200];

    begin();
    path_of("http://a/", from);
    path_of("http://b/", to);
    ck_assert(put("http://a/", 'a', 10));
    ck_assert(put("http://b/", 'b', 10));
    ck_assert_int_eq(rename(from, to), 0);
    ck_assert_int_eq(get("http://b/"), 0);
    end();
}
END_TEST

static void make_fifo(const char *path)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void make_folder(const char *path)
{
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void make_link(const char *path)
{
    ck_assert_int_eq(symlink("/dev/zero", path), 0);
}

static void make_loop(const char *path)
{
    ck_assert_int_eq(symlink(path, path), 0);
}

static void make_empty(const char *path)
{
    file_write(path, "", 0);
}

static void make_huge(const char *path)
{
    file_write(path, "", 0);
    ck_assert_int_eq(truncate(path, INT64_C(1) << 40), 0);
}

static const struct {
    void (*make)(const char *path);
    bool stays; /* nothing can be put in its place */
} strange[] = {
    { make_fifo, false }, { make_folder, true }, { make_link, false },
    { make_loop, false }, { make_empty, false }, { make_huge, false },
};

START_TEST(strange_files_are_misses)
{
    char path[200];

    begin();
    path_of("http://a/", path);
    ck_assert(put("http://a/", 'a', 10));
    ck_assert_int_eq(unlink(path), 0);
    strange[_i].make(path);
    ck_assert_int_eq(get("http://a/"), 0);
    ck_assert(put("http://a/", 'b', 10) == !strange[_i].stays);
    ck_assert_int_eq(get("http://a/"), strange[_i].stays ? 0 : 'b');
    end();
}
END_TEST

START_TEST(a_disk_that_is_full_keeps_nothing)
{
    struct rlimit limit = { 100000, 100000 }, before;
    char path[200];

    begin();
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    limit.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert(!put("http://a/", 'a', LONG));
    ck_assert(put("http://b/", 'b', 10));
    setrlimit(RLIMIT_FSIZE, &before);
    ck_assert_uint_eq(tw_cache_counts(cache).failed, 1);
    ck_assert_int_eq(get("http://a/"), 0);
    ck_assert_int_eq(get("http://b/"), 'b');
    snprintf(path, sizeof path, "%s/new-%ld-1", folder, (long)getpid());
    ck_assert_int_lt(access(path, F_OK), 0);
    end();
}
END_TEST

/* --- size ---------------------------------------------------------------------------------- */

START_TEST(room_is_made_and_foreign_files_stay)
{
    char path[200], url[40];
    struct timespec old[2] = { { 1, 0 }, { 1, 0 } };

    begin_limited(200000);
    ck_assert(put("http://a/", 'a', 10));
    path_of("http://a/", path);
    strcpy(strrchr(path, '/'), "/my letter");
    file_write(path, "dear", 4);
    ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
    for (int i = 0; i < 100; i++) {
        snprintf(url, sizeof url, "http://a/%d", i);
        ck_assert(put(url, 'a', 9000));
        usleep(1500);
    }
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert_int_le(tw_cache_counts(cache).bytes, 200000);
    ck_assert_int_eq(get("http://a/99"), 'a');
    ck_assert_int_eq(get("http://a/1"), 0);
    tw_cache_clear(cache);
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert_int_eq(get("http://a/99"), 0);
    end();
}
END_TEST

static const char *const sizes[] = { "", "x", "99999999999999999999999999999\n", "-5\n",
                                     "\n" };

START_TEST(a_damaged_number_of_bytes_is_counted_anew)
{
    char path[200];

    begin();
    ck_assert(put("http://a/", 'a', 5000));
    snprintf(path, sizeof path, "%s/size", folder);
    file_write(path, sizes[_i], strlen(sizes[_i]));
    ck_assert(put("http://b/", 'a', 5000));
    ck_assert_int_eq(tw_cache_counts(cache).bytes, 4 * 4096);
    ck_assert_int_eq(get("http://a/"), 'a');
    end();
}
END_TEST

START_TEST(files_of_killed_processes_are_removed_some_time)
{
    struct timespec old[2] = { { 1, 0 }, { 1, 0 } };
    char path[200], size[200];

    begin();
    snprintf(path, sizeof path, "%s/new-1-1", folder);
    snprintf(size, sizeof size, "%s/size", folder);
    file_write(path, "half", 4);
    ck_assert(put("http://a/", 'a', 10));
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
    unlink(size);
    ck_assert(put("http://a/", 'a', 10));
    ck_assert_int_lt(access(path, F_OK), 0);
    end();
}
END_TEST

/* --- several processes --------------------------------------------------------------------- */

/* Put, get, update and remove at random; a body is of one putting or there is none. Check's own
 * notes go into a file that all processes share, and one that is killed would spoil it: so this is
 * without assertions. */
static void work(unsigned seed, int rounds)
{
    char url[40];

    for (int i = 0; rounds < 0 || i < rounds; i++) {
        int found;
        seed = seed * 1103515245 + 12345;
        snprintf(url, sizeof url, "http://a/%u", seed >> 16 & 7);
        if (tw_headers_set(sent, "X-A", seed >> 20 & 1 ? "1" : "2") < 0)
            _exit(3);
        switch (seed >> 24 & 7) {
        case 0:
            tw_cache_remove(cache, url);
            break;
        case 1:
        case 2:
            put(url, 'a', seed >> 8 & 1 ? 300000 : 700);
            break;
        case 3: {
            struct twi_cache_entry *entry = twi_cache_find(cache, url, sent);
            if (entry != NULL) {
                struct twi_cache_answer answer = { .url = url,
                                                   .reason = "",
                                                   .headers = headers,
                                                   .sent = sent,
                                                   .requested_at = twi_cache_now(),
                                                   .received_at = twi_cache_now() };
                twi_cache_update(cache, entry, &answer);
                twi_cache_entry_unref(entry);
            }
            break;
        }
        default:
            found = get(url);
            if (found != 0 && found != 'a')
                _exit(2);
        }
    }
    tw_cache_unref(cache);
    tw_headers_free(sent);
    tw_headers_free(headers);
    _exit(0);
}

START_TEST(processes_share_a_folder)
{
    pid_t pids[4];
    int status;

    begin_limited(2000000);
    for (unsigned i = 0; i < 4; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            work(i + 1, 400);
    }
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert_int_eq(status, 0);
    }
    end();
}
END_TEST

START_TEST(a_process_may_be_killed_at_any_time)
{
    struct timespec pause = { 0, 0 };
    char url[40];
    int status;

    begin_limited(2000000);
    for (int i = 0; i < 60; i++) {
        pid_t pid = fork();
        if (pid == 0)
            work((unsigned)i * 77 + 5, -1);
        pause.tv_nsec = 200000 + i * 131071 % 9000000;
        nanosleep(&pause, NULL);
        kill(pid, SIGKILL);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFSIGNALED(status));
        for (unsigned n = 0; n < 16; n++) {
            snprintf(url, sizeof url, "http://a/%u", n & 7);
            ck_assert_int_eq(tw_headers_set(sent, "X-A", n & 8 ? "1" : "2"), 0);
            status = get(url);
            ck_assert(status == 0 || status == 'a');
        }
    }
    ck_assert(put("http://a/", 'b', 10)); /* no lock is left behind */
    end();
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("cache folder");

    TEST_ADD_ROWS(suite, what_is_put_is_got, lengths);
    TEST_ADD(suite, the_folder_is_for_its_owner_and_says_what_it_is);
    TEST_ADD_ROWS(suite, a_folder_that_is_none_is_refused, refused);
    TEST_ADD(suite, no_credentials_get_into_the_folder);
    TEST_ADD(suite, variants_stand_beside_each_other_and_go_together);
    TEST_ADD(suite, a_head_is_replaced_again_and_again);
    TEST_ADD(suite, an_entry_that_was_replaced_meanwhile_is_not_updated);
    TEST_ADD(suite, a_file_with_any_wrong_byte_or_of_any_shorter_length_is_a_miss);
    TEST_ADD(suite, a_long_body_that_is_damaged_fails_at_its_end);
    TEST_ADD(suite, the_file_of_another_url_is_a_miss);
    TEST_ADD_ROWS(suite, strange_files_are_misses, strange);
    TEST_ADD(suite, a_disk_that_is_full_keeps_nothing);
    TEST_ADD(suite, room_is_made_and_foreign_files_stay);
    TEST_ADD_ROWS(suite, a_damaged_number_of_bytes_is_counted_anew, sizes);
    TEST_ADD(suite, files_of_killed_processes_are_removed_some_time);
    TEST_ADD(suite, processes_share_a_folder);
    TEST_ADD(suite, a_process_may_be_killed_at_any_time);
    return suite;
}

int main(void)
{
    return test_run(suite());
}
