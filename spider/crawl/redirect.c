/* SPDX-License-Identifier: MIT */
/*
 * redirect.c - the rules of redirects.
 */
#include "config.h"

#include <string.h>

#include "spider/crawl/redirect.h"

bool twi_lead_status(int status)
{
    return (status >= 301 && status <= 303) || status == 307 || status == 308;
}

bool twi_lead_keeps(int status, const char *method)
{
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        return true;
    if (status == 303)
        return false;
    return strcmp(method, "POST") != 0 || status == 307 || status == 308;
}

struct tw_url *twi_lead_target(const char *url, const char *location)
{
    struct tw_url *base = NULL, *target = NULL;

    if (tw_url_parse(url, strlen(url), NULL, &base, NULL) < 0)
        return NULL;
    if (tw_url_parse(location, strlen(location), base, &target, NULL) < 0)
        target = NULL;
    tw_url_free(base);
    if (target != NULL && strcmp(target->protocol, "http:") != 0 &&
        strcmp(target->protocol, "https:") != 0) {
        tw_url_free(target);
        target = NULL;
    }
    return target;
}
