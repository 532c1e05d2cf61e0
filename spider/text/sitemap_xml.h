/* SPDX-License-Identifier: MIT */
/*
 * sitemap_xml.h - entries of sitemaps, RSS and Atom out of XML in pieces.
 */
#ifndef SPIDER_TEXT_SITEMAP_XML_H
#define SPIDER_TEXT_SITEMAP_XML_H

#include <stdbool.h>

#include "spider/text/sitemap.h"

struct twi_sitemap_xml;
/* As twi_sitemap_new() and the functions behind it; `is_utf8` as twi_sitemap_ignore_charset(). */
struct twi_sitemap_xml *twi_sitemap_xml_new(void (*each)(const struct twi_sitemap_entry *entry,
                                                         void *arg),
                                            void *arg, bool is_utf8);
void twi_sitemap_xml_feed(struct twi_sitemap_xml *xml, const char *data, size_t length);
const char *twi_sitemap_xml_end(struct twi_sitemap_xml *xml);
void twi_sitemap_xml_free(struct twi_sitemap_xml *xml);

#endif
