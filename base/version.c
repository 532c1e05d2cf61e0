/* SPDX-License-Identifier: MIT */
/*
 * version.c - the version of the library.
 */
#include "config.h"

#include <tweed/version.h>

const char *tw_version(void)
{
    return TW_VERSION;
}
