/* SPDX-License-Identifier: MIT */
/*
 * genspider.h - the templates of `tweed genspider`.
 */
#ifndef CLI_GENSPIDER_H
#define CLI_GENSPIDER_H

struct genspider_template {
    const char *name; /* the last one has none */
    const char *help, *text;
};
extern const struct genspider_template genspider_templates[];

#endif
