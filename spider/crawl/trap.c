/* SPDX-License-Identifier: MIT */
/*
 * trap.c - budgets against endless sites.
 *
 * Queries of a path are counted in a count-min sketch with conservative update: of four counters,
 * one in each row, only those that are the least are raised, and the least is the count. It is
 * never too small.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spider/crawl/trap.h"
#include "spider/text/siphash.h"

enum {
    ROWS = 4,
    ROW_BITS = 18,
    SEGMENTS_MOST = 256, /* a path of more is a trap itself */
    FOLDERS = 1 << 14,
    LEVELS_MOST = 8 /* of folders, from the root down */
};

/* The content that a folder has shown last, and how often in a row. Another folder may take its
 * place. */
struct folder {
    uint64_t key, content;
    uint32_t count;
};

struct twi_trap {
    uint64_t key0, key1;
    int max_repeats, max_variants, max_same;
    long max_host_pages;
    struct twi_refusals *refusals;
    uint16_t sketch[ROWS][1 << ROW_BITS];
    struct folder folders[FOLDERS];
};

struct twi_trap *twi_trap_new(const struct tw_settings *settings, uint64_t key0, uint64_t key1,
                              struct twi_refusals *refusals)
{
    struct twi_trap *trap = calloc(1, sizeof *trap);

    if (trap == NULL)
        return NULL;
    trap->key0 = key0;
    trap->key1 = key1;
    trap->max_repeats = settings->max_repeats;
    trap->max_variants = settings->max_variants;
    trap->max_same = settings->max_same;
    trap->max_host_pages = settings->max_host_pages;
    trap->refusals = refusals;
    return trap;
}

void twi_trap_free(struct twi_trap *trap)
{
    free(trap);
}

/* --- repeats ------------------------------------------------------------------------------- */

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* FNV-1a: a site that makes its segments collide only traps itself. */
static uint64_t segment_hash(const char *text, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    return hash;
}

static bool repeats_itself(const char *path, int most)
{
    uint64_t hashes[SEGMENTS_MOST];
    unsigned count = 0;
    int run = 1;

    while (*path == '/') {
        size_t length = strcspn(++path, "/");
        if (count == SEGMENTS_MOST)
            return true;
        hashes[count++] = segment_hash(path, length);
        path += length;
    }
    if (count <= (unsigned)most)
        return false;
    qsort(hashes, count, sizeof *hashes, compare_hashes);
    for (unsigned i = 1; i < count; i++) {
        run = hashes[i] == hashes[i - 1] ? run + 1 : 1;
        if (run > most)
            return true;
    }
    return false;
}

/* --- variants ------------------------------------------------------------------------------ */

/* The counters of a path, one in each row. */
static void sketch_places(struct twi_trap *trap, const struct tw_url *url, uint16_t **places)
{
    struct twi_siphash hash;
    uint64_t word;

    twi_siphash_init(&hash, trap->key0, trap->key1);
    twi_siphash_add(&hash, url->origin, strlen(url->origin));
    twi_siphash_add(&hash, url->pathname, strlen(url->pathname));
    word = twi_siphash_end(&hash);
    /* Two halves of one hash make as many as are wanted (Kirsch and Mitzenmacher). */
    for (unsigned i = 0; i < ROWS; i++) {
        uint64_t mixed = word + i * ((word >> 32) | 1);
        places[i] = &trap->sketch[i][mixed & ((1 << ROW_BITS) - 1)];
    }
}

static unsigned sketch_count(uint16_t *const *places)
{
    unsigned least = *places[0];

    for (unsigned i = 1; i < ROWS; i++)
        if (*places[i] < least)
            least = *places[i];
    return least;
}

static void sketch_raise(uint16_t *const *places)
{
    unsigned least = sketch_count(places);

    for (unsigned i = 0; i < ROWS && least < UINT16_MAX; i++)
        if (*places[i] == least)
            *places[i] = (uint16_t)(least + 1);
}

/* --- a URL --------------------------------------------------------------------------------- */

static int trap_check(struct twi_trap *trap, const struct tw_url *url, long host_visits,
                      bool takes)
{
    bool is_counted = trap->max_variants >= 0 && url->search[0] != 0;
    uint16_t *places[ROWS];

    if (trap->max_host_pages >= 0 && host_visits >= trap->max_host_pages)
        return twi_refuse(trap->refusals, TWI_REFUSED_HOST_PAGES, url->href);
    if (trap->max_repeats >= 0 && repeats_itself(url->pathname, trap->max_repeats))
        return twi_refuse(trap->refusals, TWI_REFUSED_REPEATS, url->href);
    if (!is_counted)
        return 1;
    sketch_places(trap, url, places);
    if (sketch_count(places) >= (unsigned)trap->max_variants)
        return twi_refuse(trap->refusals, TWI_REFUSED_VARIANTS, url->href);
    if (takes)
        sketch_raise(places);
    return 1;
}

int twi_trap_admit(struct twi_trap *trap, const struct tw_url *url, long host_visits)
{
    return trap_check(trap, url, host_visits, false);
}

int twi_trap_take(struct twi_trap *trap, const struct tw_url *url, long host_visits)
{
    return trap_check(trap, url, host_visits, true);
}

/* --- the same again ------------------------------------------------------------------------ */

uint64_t twi_trap_content(const void *data, size_t length)
{
    const unsigned char *at = data;
    uint64_t hash = length, word;

    for (; length >= sizeof word; at += sizeof word, length -= sizeof word) {
        memcpy(&word, at, sizeof word);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
    }
    for (; length > 0; length--)
        hash = (hash ^ *at++) * 0x100000001b3u;
    return hash;
}

static bool folder_same(struct twi_trap *trap, uint64_t key, uint64_t content)
{
    struct folder *folder = &trap->folders[key % FOLDERS];

    if (folder->key != key || folder->content != content || folder->count == 0)
        *folder = (struct folder){ key, content, 0 };
    if (folder->count < UINT32_MAX)
        folder->count++;
    return folder->count >= (uint32_t)trap->max_same;
}

bool twi_trap_same(struct twi_trap *trap, const struct tw_url *url, uint64_t content)
{
    const char *at = url->pathname;
    struct twi_siphash hash;
    bool same = false;

    if (trap->max_same < 0 || *at != '/')
        return false;
    twi_siphash_init(&hash, trap->key0, trap->key1);
    twi_siphash_add(&hash, url->origin, strlen(url->origin));
    for (unsigned level = 0; level < LEVELS_MOST; level++) {
        const char *slash = strchr(at, '/');
        if (slash == NULL)
            break;
        twi_siphash_add(&hash, at, (size_t)(slash + 1 - at));
        same |= folder_same(trap, twi_siphash_end(&hash), content);
        at = slash + 1;
    }
    return same;
}
