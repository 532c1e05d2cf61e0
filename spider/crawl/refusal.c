/* SPDX-License-Identifier: MIT */
/*
 * refusal.c - counts visits that are not wanted.
 */
#include "config.h"

#include <errno.h>
#include <stddef.h>

#include "spider/crawl/refusal.h"

static const struct {
    int error;
    const char *why, *key;
} refusals_table[TWI_REFUSALS] = {
    [TWI_REFUSED_OFFSITE] = { -EXDEV, "none of the domains", "offsite/filtered" },
    [TWI_REFUSED_SCHEME] = { -EXDEV, "not a scheme to be fetched", "scheme/filtered" },
    [TWI_REFUSED_PATTERN] = { -EXDEV, "excluded by \"allow\" or \"deny\"",
                              "pattern/filtered" },
    [TWI_REFUSED_LENGTH] = { -E2BIG, "longer than max_url_length",
                             "urllength/request_ignored_count" },
    [TWI_REFUSED_DEPTH] = { -ELOOP, "deeper than max_depth", "depth/filtered" },
    [TWI_REFUSED_REPEATS] = { -ELOOP, "a segment of the path more than max_repeats times",
                              "trap/repeats" },
    [TWI_REFUSED_VARIANTS] = { -ELOOP, "more than max_variants queries of one path",
                               "trap/variants" },
    [TWI_REFUSED_HOST_PAGES] = { -ELOOP, "more than max_host_pages", "trap/host_pages" },
};

int twi_refuse(struct twi_refusals *refusals, enum twi_refusal refusal, const char *href)
{
    if (++refusals->counts[refusal] <= TWI_REFUSALS_REPORTED && refusals->report != NULL)
        refusals->report(refusal, refusals_table[refusal].why, href, refusals->arg);
    return refusals_table[refusal].error;
}

const char *twi_refusal_why(enum twi_refusal refusal)
{
    return refusals_table[refusal].why;
}

const char *twi_refusal_key(enum twi_refusal refusal)
{
    return refusals_table[refusal].key;
}
