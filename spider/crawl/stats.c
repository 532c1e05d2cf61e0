/* SPDX-License-Identifier: MIT */
/*
 * stats.c - numbers in a table of names.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spider/crawl/stats.h"

#define LONGEST_KEY 200

static struct twi_stat *stat_at(struct twi_stats *stats, const char *key)
{
    void **place = twi_names_at(&stats->names, key);
    struct twi_stat *stat;

    if (place == NULL)
        return NULL;
    if (*place == NULL) {
        stat = calloc(1, sizeof *stat + strlen(key) + 1);
        if (stat == NULL)
            return NULL;
        strcpy(stat->key, key);
        *place = stat;
    }
    return *place;
}

static void stat_set(struct twi_stats *stats, struct twi_stat *stat, int64_t number)
{
    bool was_told = stat->number == stat->told;

    stat->number = number;
    if (was_told && number != stat->told)
        stats->untold++;
    else if (!was_told && number == stat->told)
        stats->untold--;
}

void twi_stats_add(struct twi_stats *stats, const char *key, int64_t n)
{
    struct twi_stat *stat = stat_at(stats, key);

    if (stat != NULL)
        stat_set(stats, stat, stat->number + n);
}

void twi_stats_add_to(struct twi_stats *stats, const char *prefix, const char *rest, int64_t n)
{
    char key[LONGEST_KEY];
    size_t length = strlen(prefix), more = strlen(rest);

    if (length >= sizeof key)
        length = sizeof key - 1;
    if (more >= sizeof key - length)
        more = sizeof key - length - 1;
    memcpy(key, prefix, length);
    memcpy(key + length, rest, more);
    key[length + more] = '\0';
    twi_stats_add(stats, key, n);
}

void twi_stats_add_number(struct twi_stats *stats, const char *prefix, int64_t number,
                          int64_t n)
{
    char text[24];

    snprintf(text, sizeof text, "%lld", (long long)number);
    twi_stats_add_to(stats, prefix, text, n);
}

void twi_stats_most(struct twi_stats *stats, const char *key, int64_t n)
{
    struct twi_stat *stat = stat_at(stats, key);

    if (stat != NULL && n > stat->number)
        stat_set(stats, stat, n);
}

void twi_stats_set_text(struct twi_stats *stats, const char *key, const char *text)
{
    struct twi_stat *stat = stat_at(stats, key);
    char *copy;

    if (stat == NULL || (copy = strdup(text)) == NULL)
        return;
    free(stat->text);
    stat->text = copy;
}

int64_t twi_stats_get(const struct twi_stats *stats, const char *key)
{
    const struct twi_stat *stat = twi_names_get(&stats->names, key);

    return stat == NULL ? 0 : stat->number;
}

void twi_stats_restore(struct twi_stats *stats, const char *key, int64_t number)
{
    struct twi_stat *stat = stat_at(stats, key);

    if (stat != NULL && stat->number == stat->told)
        stat->number = stat->told = number;
}

void twi_stats_tell(struct twi_stats *stats,
                    void (*each)(const char *key, int64_t add, void *arg), void *arg)
{
    size_t i;

    for (i = 0; i < stats->names.size && stats->untold > 0; i++) {
        struct twi_stat *stat = stats->names.slots[i].value;
        if (stat == NULL || stat->number == stat->told)
            continue;
        each(stat->key, stat->number - stat->told, arg);
        stat->told = stat->number;
        stats->untold--;
    }
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp((*(const struct twi_stat *const *)a)->key,
                  (*(const struct twi_stat *const *)b)->key);
}

const struct twi_stat **twi_stats_sorted(const struct twi_stats *stats, size_t *ret_count)
{
    const struct twi_stat **sorted = malloc((stats->names.count + 1) * sizeof *sorted);
    size_t i, count = 0;

    *ret_count = 0;
    if (sorted == NULL)
        return NULL;
    for (i = 0; i < stats->names.size; i++)
        if (stats->names.slots[i].value != NULL)
            sorted[count++] = stats->names.slots[i].value;
    qsort(sorted, count, sizeof *sorted, compare_keys);
    *ret_count = count;
    return sorted;
}

void twi_stats_free(struct twi_stats *stats)
{
    size_t i;

    for (i = 0; i < stats->names.size; i++) {
        struct twi_stat *stat = stats->names.slots[i].value;
        if (stat == NULL)
            continue;
        free(stat->text);
        free(stat);
    }
    twi_names_free(&stats->names);
    memset(stats, 0, sizeof *stats);
}
