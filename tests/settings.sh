#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/settings.sh - all that tools/make-settings makes of spider/settings.def is up to date.
srcdir=${srcdir:-.}
command -v python3 >/dev/null || exit 77
"$srcdir/tools/make-settings" --check
