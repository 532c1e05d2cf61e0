/* SPDX-License-Identifier: MIT */
/*
 * version.c - which tweed this is.
 */
#include "config.h"

#include <tweed/version.h>

const char *tw_version(void)
{
    return TW_VERSION;
}
