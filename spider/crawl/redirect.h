/* SPDX-License-Identifier: MIT */
/*
 * redirect.h - which answers lead elsewhere, and by which method (Fetch standard, 4.4).
 */
#ifndef SPIDER_CRAWL_REDIRECT_H
#define SPIDER_CRAWL_REDIRECT_H

#include <stdbool.h>

#include <tweed/url.h>

/* 301, 302, 303, 307, 308. */
bool twi_lead_status(int status);
/* True if the method and the body stay; else the next request is a GET (a HEAD stays one). */
bool twi_lead_keeps(int status, const char *method);
/* Where `location` leads from `url`. NULL: nowhere that is http or https, as no page of the
 * web leads to files. Release it. */
struct tw_url *twi_lead_target(const char *url, const char *location);

#endif
